"""Ends processes by SIGKILL at random moments while they write: `python -m tests.faults.kill files|autosave|batch`.

Then the older file or the newer one must be there whole, batches must be resumed, and nothing else may be left after
the next start. Linux and macOS.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from nesr_gui.gui.tasks.sessions import CopyRequest, FindRequest, SaveRequest, find_copies, remove_copy, write_copies
from nesr_gui.io import atomic
from nesr_gui.io.raster import write_png
from tests.faults.inject import in_child, say, snapshot
from tests.faults.written_files import ALL, WrittenFile, prepare, session

BATCH = 4  # photographs
COMPLETED = 4  # kills of a batch before it may run to its end
PATIENCE = 60.0  # seconds until processes end whose main process was killed


def ignore_progress(fraction: float) -> None:
    """Do nothing."""


class Kills:
    """Kills at random moments; `findings` are what went wrong, `unfinished` counts the kills that met half a file."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._chance = folder, random.Random(seed)
        self.findings: list[str] = []
        self.kills = self.unfinished = 0

    def _find(self, what: str) -> None:
        self.findings.append(what)
        say(f"FOUND {what}")

    def _kill(self, work: Callable[[], object], seconds: float) -> None:
        """Let a forked process work until it is killed, after at most `seconds`."""
        pid = os.fork()
        if not pid:
            try:
                while True:
                    work()
            finally:
                os._exit(1)
        time.sleep(self._chance.random() * seconds)
        os.kill(pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status != -signal.SIGKILL:
            self._find(f"the process ended by itself with {status}")
        self.kills += 1

    def _hidden(self, folder: Path) -> list[str]:
        return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.name.startswith(".")]

    # Files

    def kill_writer(self, kind: WrittenFile, moments: int) -> None:
        """Kill a process that writes one file over the other."""
        folder = self._folder / f"files {kind.name}"
        folder.mkdir()
        prepare(folder)
        path, number = folder / kind.name, 1

        def write() -> None:
            nonlocal number
            number = 3 - number
            kind.write(path, number)

        started = time.monotonic()
        assert in_child(lambda: write() or write() or write())[0] == 0, kind.name
        usual = (time.monotonic() - started) / 2
        for moment in range(moments):
            self._kill(write, usual)
            self.unfinished += bool(self._hidden(folder))
            atomic.remove_stale(folder)
            code, found = in_child(lambda: self._read(kind, path))
            if code or found not in (1, 2):
                self._find(f"{kind.name}, kill {moment}: neither the older file nor the newer one is there ({found})")
            if left := self._hidden(folder):
                self._find(f"{kind.name}, kill {moment}: left {left}")

    def _read(self, kind: WrittenFile, path: Path) -> object:
        try:
            return kind.read(path)
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    # Autosave

    def kill_autosave(self, moments: int) -> None:
        """Kill a process that saves two copies and removes a third; the next one must find them."""
        root = self._folder / "autosave"
        prepare(self._folder)

        def save(folder: Path, number: int, *names: str, needless: Sequence[Path] = ()) -> None:
            requests = tuple(
                SaveRequest(folder / name, session(self._folder / name, number), ()) for name in names
            )  # fmt: skip
            warning = write_copies(CopyRequest(requests, tuple(needless)), ignore_progress)
            assert not warning, warning

        for moment in range(moments):
            reading, writing = os.pipe()

            def work() -> None:
                own = find_copies(FindRequest(root), ignore_progress).own
                for turn in range(10_000):
                    save(own.folder, 1 + turn % 2, "a.nesr", "b.nesr", *(["c.nesr"] if turn % 3 else []))
                    os.write(writing, b"s")  # noqa: B023
                    save(own.folder, 1, needless=[own.folder / "c.nesr"])

            self._kill(work, 0.4)
            os.close(writing)
            with os.fdopen(reading, "rb") as signs:
                is_saved = b"s" in signs.read()
            self.unfinished += bool(self._hidden(root)) if root.exists() else 0
            code, found = in_child(lambda: self._restart(root))
            if code or not isinstance(found, list):
                self._find(f"autosave, kill {moment}: the next start ended with {code}: {found}")
            elif is_saved and not {"a.nesr", "b.nesr"} <= set(found):
                self._find(f"autosave, kill {moment}: of two copies {found} came back")
            if left := sorted(snapshot(root)):
                self._find(f"autosave, kill {moment}: left {left}")

    def _restart(self, root: Path) -> list[str]:
        """Find the copies that a killed process left, discard them, and close regularly; their names."""
        found = find_copies(FindRequest(root), ignore_progress)
        assert not self._hidden(root), f"temporary files are left: {self._hidden(root)}"
        for copy in found.copies:
            remove_copy(copy.path)
        for folder in (found.own, *found.left):
            folder.release()
        return [copy.path.name for copy in found.copies]

    # Batch

    def kill_batch(self, moments: int) -> None:
        """Kill the main process of a batch on the command line, or all its processes; the same command resumes it."""
        photographs, out = self._folder / "photographs", self._folder / "cubes"
        photographs.mkdir()
        for index in range(BATCH):
            write_png(photographs / f"p{index}.png", np.random.default_rng(index).integers(
                0, 256, (160, 240, 3)).astype(np.uint8), {})  # fmt: skip
        command = [sys.executable, "-m", "nesr_gui", "reconstruct", *map(str, sorted(photographs.iterdir())), "-o",
                   str(out), "--format", "hdr", "--jobs", "2", "--device", "cpu"]  # fmt: skip
        started = time.monotonic()
        self._complete(command, out, {"written": BATCH})
        usual, whole = time.monotonic() - started, snapshot(out)
        while self.kills < moments:
            for path in out.iterdir():
                path.unlink()
            for _ in range(COMPLETED):
                self._kill_batch_once(command, out, usual)
                self._check_cubes(out, whole)
            present = len(list(out.glob("*.hdr")))
            self._complete(command, out, {"already complete": present, "written": BATCH - present})
            if snapshot(out) != whole:
                self._find(f"batch, after {self.kills} kills: the resumed batch wrote {sorted(snapshot(out))}")

    def _kill_batch_once(self, command: list[str], out: Path, usual: float) -> None:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        if self._chance.random() < 0.3:
            time.sleep(usual * self._chance.random())
        else:  # while it writes
            while process.poll() is None and not self._hidden(out):
                time.sleep(0.005)
            time.sleep(0.2 * self._chance.random() ** 2)
        if self._chance.random() < 0.5:
            process.kill()  # its workers notice, and remove what they have begun
        else:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.kills += 1
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                os.killpg(process.pid, 0)
            except ProcessLookupError:
                break
            time.sleep(0.05)
        else:
            self._find(f"batch, kill {self.kills}: its processes outlived it by {PATIENCE:.0f} s")
            os.killpg(process.pid, signal.SIGKILL)
        self.unfinished += out.exists() and bool(self._hidden(out))

    def _check_cubes(self, out: Path, whole: dict[str, str]) -> None:
        """What is there must be what belongs there; a header is there only with its data."""
        names = {name: digest for name, digest in snapshot(out).items() if not name.startswith(".")}
        wrong = [name for name, digest in names.items() if whole[name] != digest]
        lonely = [name for name in names if name.endswith(".hdr") and name.replace(".hdr", ".img") not in names]
        if wrong or lonely:
            self._find(f"batch, kill {self.kills}: {wrong} differ, {lonely} are without data")

    def _complete(self, command: list[str], out: Path, expected: dict[str, int]) -> None:
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        last = (ran.stdout.splitlines() or [""])[-1]
        told = ", ".join(f"{count} {state}" for state, count in expected.items() if count)
        if ran.returncode or sorted(last.split(", ")) != sorted(told.split(", ")):
            self._find(f"batch: expected {told!r}, got {last!r} and {ran.stderr!r}")
        if left := self._hidden(out):
            self._find(f"batch: left {left}")


def main() -> None:
    """Kill as often as is asked for, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("files", "autosave", "batch"))
    parser.add_argument("--moments", type=int, default=100, help="kills; of each kind of file")
    parser.add_argument("--only", default="", help="kinds of files, separated by commas")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kills = Kills(Path(folder), options.seed)
        if options.what == "batch":
            kills.kill_batch(options.moments)
        elif options.what == "autosave":
            kills.kill_autosave(options.moments)
        else:
            prepare(Path(folder))
            for kind in ALL:
                if not options.only or kind.name in options.only.split(","):
                    before = kills.kills, kills.unfinished
                    kills.kill_writer(kind, options.moments)
                    say(
                        f"{kind.name:20} {kills.kills - before[0]:6} kills, {kills.unfinished - before[1]:6} unfinished"
                    )
    say(f"{kills.kills} kills, {kills.unfinished} met an unfinished file, {len(kills.findings)} findings")
    sys.exit(bool(kills.findings))


if __name__ == "__main__":
    main()
