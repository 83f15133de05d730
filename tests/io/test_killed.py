"""An export that is killed leaves the older cube or the new one, and nothing that stays for ever."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from nesr_gui import io
from nesr_gui.fields.protocol import CubeField
from nesr_gui.io import StorageEncoding, atomic
from nesr_gui.io.atomic import atomic_write_set, remove_stale
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.spectral import Wavelengths

BANDS = Wavelengths.evenly_spaced(4)

# One process that forks an exporter per moment: starting Python thirty times would take most of a minute.
PROGRAM = """
import contextlib, importlib, os, random, signal, sys, time
from pathlib import Path
import numpy as np
import nesr_gui.fields.protocol
from nesr_gui import io
from nesr_gui.io import atomic, sandbox
from nesr_gui.spectral import Wavelengths

sandbox.SANDBOX.check = lambda path, module: None
nesr_gui.fields.protocol.BLOCK_VALUES = 2000
folder, seed, names = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[4:]
bands, chance = Wavelengths.evenly_spaced(4), random.Random(seed)
for module in ("hdf5", "matlab", "tiff", "zarr", "exr", "numpy", "band_folder", "envi"):
    importlib.import_module("nesr_gui.io.cubes." + module)
for library in ("zarr", "OpenEXR", "Imath", "nesr_gui.colorimetry.cie"):  # what writers load, so that kills meet it
    with contextlib.suppress(ImportError):
        importlib.import_module(library)

def export(path, value):
    made = nesr_gui.fields.protocol.CubeField(np.full((4, 200, 90), value, np.float32), bands)
    slow = lambda fraction: time.sleep(0.0005)
    encoding = io.StorageEncoding("float32" if path.suffix else "uint16", scale=1.0)
    io.write_cube(path, made, bands, encoding=encoding, progress=slow)

def in_child(work):
    pid = os.fork()
    if not pid:
        code = 1
        try:
            code = work() or 0
        finally:
            os._exit(code)
    return pid

def wait(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def look(path, allowed):
    values = io.open_cube(path).cube(bands).values
    return 0 if values.min() == values.max() and values[0, 0, 0] in allowed else 3

halves = 0  # moments that met a cube half written
for name in names:
    start = time.perf_counter()
    assert wait(in_child(lambda: export(folder / name, 1))) == 0, name
    usual = time.perf_counter() - start
    present = 1
    for moment in range(int(sys.argv[3])):
        pid = in_child(lambda: export(folder / name, present + 1))
        time.sleep(chance.random() * usual * 1.1)
        os.kill(pid, signal.SIGKILL)
        wait(pid)
        halves += any(p.name.startswith(".") for p in folder.iterdir())
        atomic.remove_stale(folder)
        left = [p.name for p in folder.iterdir() if p.name.startswith(".")]
        assert not left, (name, left)
        if wait(in_child(lambda: look(folder / name, [present + 1]))) == 0:
            present += 1
        else:
            assert wait(in_child(lambda: look(folder / name, [present]))) == 0, (name, moment)
print("survived", halves)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_thirty_moments(tmp_path: Path) -> None:
    """Over every kind of format: single files, a pair, folders."""
    names = ["a.h5", "b.hdr", "c.npy", "d.tif", "e", "f.mat", "g.npz"]
    names += [name for name, library in (("h.zarr", "zarr"), ("i.exr", "OpenEXR")) if find_spec(library)]
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), "3", str(-(-30 // len(names))), *names]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    said, _, halves = ran.stdout.strip().partition(" ")
    assert said == "survived" and int(halves) > 5, ran.stderr + halves


def make(value: float) -> CubeField:
    return CubeField(np.full((4, 3, 2), value, np.float32), BANDS)


@pytest.mark.parametrize("name", ["c.hdr", "c.npy", "c.zarr", "c"])
@pytest.mark.parametrize("step", range(6))
def test_killed_while_a_set_takes_its_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, step: int
) -> None:
    """Every single step of the moving may be the last; what is there opens as old or new, or is refused."""
    if name == "c.zarr":
        pytest.importorskip("zarr")
    encoding = StorageEncoding("float32" if "." in name else "uint16", scale=1.0)
    io.write_cube(tmp_path / name, make(1), BANDS, encoding=encoding)
    steps = []

    def counted(do):
        def call(*args, **options):
            ours = ".ready" in f"{args}" or Path(args[0]).parent == tmp_path  # Zarr renames its own files in threads
            steps.extend([do] if ours else [])
            if ours and len(steps) > step:
                raise KeyboardInterrupt
            return do(*args, **options)

        return call

    with monkeypatch.context() as patched:
        patched.setattr(atomic.os, "replace", counted(os.replace))
        patched.setattr(Path, "unlink", counted(Path.unlink))
        try:
            io.write_cube(tmp_path / name, make(2), BANDS, encoding=encoding)
        except KeyboardInterrupt:
            try:
                assert io.open_cube(tmp_path / name).band(500)[0, 0] in (1, 2)
            except (ValueError, FileNotFoundError):
                assert step > 1
    monkeypatch.setattr(atomic, "_is_abandoned", lambda path, host, pid: True)
    remove_stale(tmp_path)
    assert io.open_cube(tmp_path / name).band(500)[0, 0] == (1 if step == 0 else 2)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_what_others_write_now_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".notes.part").write_text("not ours")
    (tmp_path / ".a.h5.00000f-1-0123456789abcdef.part").write_text("of another machine, new")
    with atomic_write_set(tmp_path / "x") as folder:
        (folder / "x").write_text("1")
        remove_stale(tmp_path)
        assert folder.is_dir()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = tmp_path / f".a.h5.{atomic._HOST}-{dead.pid}-0123456789abcdef.part"
    left.write_text("half")
    old = tmp_path / ".b.h5.00000f-1-0123456789abcdef.part"
    old.write_text("of another machine, days ago")
    os.utime(old, (0, 0))
    remove_stale(tmp_path)
    assert not left.exists() and not old.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".a.h5.00000f-1-0123456789abcdef.part",
        ".notes.part",
        "x",
    ]


def test_a_set_without_its_header_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("zarr")
    for name, header in (("c.hdr", "c.hdr"), ("c.zarr", "c.zarr/zarr.json")):
        io.write_cube(tmp_path / name, make(1), BANDS)
        (tmp_path / header).unlink()
        with pytest.raises((UnreadableFile, FileNotFoundError), match=r"no zarr.json|there is no file"):
            io.open_cube(tmp_path / name)
    with pytest.raises(UnreadableFile, match=r"c.img has no ENVI header c.hdr beside it"):
        io.open_cube(tmp_path / "c.img")


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), atomic_write_set(tmp_path / "d", tmp_path / "h") as folder:
        (folder / "d").write_text("1")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "h").mkdir()
    refused = pytest.raises(FileExistsError, match=r"cannot write the file .*h: it is a folder")
    with refused, atomic_write_set(tmp_path / "d", tmp_path / "h") as folder:
        (folder / "d").write_text("1")
        (folder / "h").write_text("1")
    assert [path.name for path in tmp_path.iterdir()] == ["h"]
    (tmp_path / "h" / "mine.txt").write_text("keep")
    with pytest.raises(FileExistsError, match="holds other files"):
        io.write_cube(tmp_path / "h", make(1), BANDS, encoding=StorageEncoding("uint16"))
