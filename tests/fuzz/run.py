"""Coverage-guided fuzzing of the readers with atheris: `python -m tests.fuzz.run --minutes 5 [TARGET …]`.

Each target runs in a process of its own, since libraries in C may end it; the program itself opens their files in a
sandbox. What is found is written to nesr-out/fuzz/TARGET, and belongs into tests/corpus/TARGET once it is mended.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.targets import TARGETS, saved

FOUND = Path("nesr-out/fuzz")
MEMORY = 300  # MB that one input may take beyond what the process has
BY_LIBRARY = ("deadly signal", "fuzzer timed out in native code")  # what the sandbox protects the program from
LARGEST = 1 << 16  # bytes of an input


def fuzz(name: str, seconds: float) -> dict[str, int]:
    """Fuzz a target for some time; the number of inputs, findings, and ends of the process by a library."""
    folder = FOUND / name
    (folder / "inputs").mkdir(parents=True, exist_ok=True)
    for path in saved(name):
        (folder / "inputs" / f"{path.parent.name}-{path.name}").write_bytes(path.read_bytes())
    total = {"inputs": 0, "findings": 0, "ends": 0}
    stop = time.monotonic() + seconds
    while (left := int(stop - time.monotonic())) > 0:
        log = folder / "log"
        with log.open("wb") as output:
            command = [sys.executable, "-m", "tests.fuzz.run", "--child", name, "--seconds", str(left)]
            ended = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
        text = log.read_text(encoding="utf-8", errors="replace")
        counts = [int(count) for count in re.findall(r"^#(\d+)\s", text, re.MULTILINE)]
        total["inputs"] += max(counts, default=0)
        if ended == 0:
            break
        is_end = ended < 0 or any(sign in text for sign in BY_LIBRARY)
        total["ends" if is_end else "findings"] += 1
        log.rename(folder / f"log-{total['ends'] + total['findings']}")
        if not counts and time.monotonic() - (stop - left) < 2:
            break  # it does not start
    return total


def child(name: str, seconds: int) -> None:
    """Run libFuzzer in this process; it ends it."""
    import resource

    import atheris

    included = ["nesr_gui.io", "tifffile", "nesr_gui.inference.checkpoint", "nesr_gui.networks", "nesr_gui.gui.model"]
    with atheris.instrument_imports(include=included):
        import importlib

        for module in ("arrays", "decoding", "envi", "exr", "hdf5", "matlab", "netcdf3", "numpy", "tiff", "zarr"):
            importlib.import_module(f"nesr_gui.io.cubes.{module}")
        importlib.import_module("nesr_gui.io.photos.decode")
        importlib.import_module("nesr_gui.io.photos.develop")
        for module in TARGETS[name].modules:
            importlib.import_module(module)
    target = TARGETS[name]
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    target.prepare(folder)

    def one(data: bytes) -> None:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        target.run(folder, data)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
        assert grown < MEMORY, f"took {grown} MB"

    place = FOUND / name
    options = [f"-max_total_time={seconds}", f"-max_len={LARGEST}", "-timeout=10", "-rss_limit_mb=3000"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={place}/", str(place / "inputs")], one)
    atheris.Fuzz()


def main() -> None:
    """Share the minutes among the targets, one after the other, and print what ran."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", help=", ".join(TARGETS))
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child, given.seconds)
        return
    chosen = given.targets or list(TARGETS)
    counts = {}
    for name in chosen:
        counts[name] = fuzz(name, 60 * given.minutes / len(chosen))
        print(name, counts[name], flush=True)  # noqa: T201
    (FOUND / "counts.json").write_text(json.dumps(counts, indent=1))


if __name__ == "__main__":
    main()
