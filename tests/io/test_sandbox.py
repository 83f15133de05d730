"""The process that reads files first: what it is allowed, and what ends it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from nesr_gui import io
from nesr_gui.gui.tasks import loading
from nesr_gui.io import sandbox
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.sandbox import SandboxProcess
from tests.fuzz.targets import CASES, CORPUS

needs_meter = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system tells no processor time")


@pytest.fixture
def process() -> Iterator[SandboxProcess]:
    made = SandboxProcess()
    yield made
    made.close()


def library(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """An OpenEXR of ours, which the sandbox process loads in place of the real one."""
    (folder / "OpenEXR.py").write_text(f"import time\n\ndef File(*args, **options):\n    {body}\n")
    monkeypatch.syspath_prepend(folder)


def of_ended_processes() -> float:
    """Processor time of the processes that have ended, as their parent sees it."""
    import resource

    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def processor_time(process: SandboxProcess, path: Path, module: str) -> float:
    """Processor time of a check that ends the process."""
    before = of_ended_processes()
    with pytest.raises(UnreadableFile, match=f"{path.name} is so damaged that the library for it fails"):
        process.check(path, module)
    return of_ended_processes() - before


@needs_meter
def test_an_endless_loop_is_ended_within_two_seconds_of_processor_time_even_for_the_first_file(
    process: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "LOADING", 60.0)  # no machine counts as slow, which is given more
    before = of_ended_processes()
    process.check(CASES / "h5" / "fill64.h5", "cubes.hdf5")
    process.close()
    started = of_ended_processes() - before  # Python, and the library: as long as the machine takes
    spent = processor_time(process, CORPUS / "sandbox" / "endless_loop.h5", "cubes.hdf5")
    assert 1 < spent - started < 2
    process.check(CASES / "h5" / "fill64.h5", "cubes.hdf5")  # a new process reads the next file


@needs_meter
def test_loading_the_library_does_not_count(
    process: SandboxProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library(tmp_path, monkeypatch, "pass")
    (tmp_path / "OpenEXR.py").write_text("import time\nwhile time.process_time() < 0.7: pass\nraise ImportError\n")
    monkeypatch.setattr(sandbox, "PROCESSOR", 0.3)
    process.check(CASES / "exr" / "layer.exr", "photos.exr")


@needs_meter
def test_waiting_for_a_slow_disk_does_not_count(
    process: SandboxProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library(tmp_path, monkeypatch, "time.sleep(0.8)")
    monkeypatch.setattr(sandbox, "PROCESSOR", 0.4)
    process.check(CASES / "exr" / "layer.exr", "photos.exr")
    monkeypatch.setattr(sandbox, "PATIENCE", 0.3)
    with pytest.raises(UnreadableFile, match=r"layer.exr could not be read within 0 s; copy it to a faster disk"):
        process.check(CASES / "exr" / "layer.exr", "photos.exr")


@needs_meter
def test_a_large_chunk_of_a_good_small_file_is_given_the_time_to_decode_it(
    process: SandboxProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "flat.h5"
    with h5py.File(path, "w") as file:
        whole = (31, 700, 700)
        cube = file.create_dataset("cube", whole, "f4", chunks=whole, compression="gzip", compression_opts=1)
        cube[:, :9, :9], file["wavelength"] = 0.5, np.linspace(400, 700, 31)
    process.prepare(["cubes.hdf5"])
    monkeypatch.setattr(sandbox, "PROCESSOR", 0.05)
    process.check(path, "cubes.hdf5")
    monkeypatch.setattr(sandbox, "DECODED_PER_SECOND", 1e12)
    monkeypatch.setattr(sandbox, "LOADING", 0.001)  # as if this machine were hundreds of times slower
    process.check(path, "cubes.hdf5")
    monkeypatch.setattr(sandbox, "LOADING", 60.0)
    with pytest.raises(UnreadableFile, match="so damaged"):
        process.check(path, "cubes.hdf5")


def test_without_a_meter_the_clock_decides(
    process: SandboxProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox._Usage, "of", lambda process: None)
    library(tmp_path, monkeypatch, "time.sleep(60)")
    monkeypatch.setattr(sandbox, "UNMETERED", 0.3)
    began = time.monotonic()
    with pytest.raises(UnreadableFile, match="so damaged"):
        process.check(CASES / "exr" / "layer.exr", "photos.exr")
    assert time.monotonic() - began < 30


def test_the_window_starts_it_ahead(process: SandboxProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "SANDBOX", process)
    loading.prepare_readers(None, lambda fraction: None)
    started = process._process
    assert started is not None and process._loaded == set(sandbox.LIBRARIES)
    io.open_cube(CASES / "h5" / "fill64.h5")
    assert process._process is started
