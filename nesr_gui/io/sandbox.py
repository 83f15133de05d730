"""Trial reading of files in another process, for libraries that crash on damaged files or never return from them.

HDF5 and OpenEXR are written in C and C++; of a thousand files with a few modified bytes, some terminate the process
that opens them, and some keep it busy without end. The sandbox process is started on first use or ahead of it, reused,
and restarted after a crash.

What is limited is the processor time of reading itself: not the loading of the library, nor waiting for a slow disk.
The limit follows the speed of the machine, and grows with the memory that reading takes: decoding a large chunk of a
good file fills memory, while the endless loops of HDF5 follow damaged references and fill none.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.errors import UnreadableFile

STARTING = 60.0  # timeout in seconds of loading a library, perhaps from a slow disk
PROCESSOR = 1.5  # seconds of processor time for a small file
LOADING = 0.15  # seconds that loading Python and the first library takes; slower machines are given more time
DECODED_PER_SECOND = 150e6  # bytes of memory filled for which a second of processor time is added
STORED_PER_SECOND = 100e6  # bytes of the file for which one is added
PATIENCE = 60.0  # timeout in seconds of reading, for a disk that does not answer
SLOWEST_DISK = 1e6  # bytes per second
UNMETERED = 5.0  # timeout in seconds on systems that do not tell processor time, and 0.1 s per megabyte
INTERVAL = 0.02  # seconds between looks at the process
MEMORY = 4 << 30  # memory limit of the sandbox in bytes, where the system supports one
LIBRARIES = {
    "cubes.hdf5": (),
    "cubes.matlab": ("scipy.io",),
    "cubes.exr": ("OpenEXR", "Imath"),
    "photos.exr": ("OpenEXR",),
}
"""Module that reads → libraries that it imports when the first file is opened."""


@dataclass(frozen=True)
class _Usage:
    """Processor time in seconds and memory in bytes of a process."""

    processor: float
    memory: int

    @classmethod
    def of(cls, process: subprocess.Popen[str]) -> _Usage | None:
        """What Linux tells about a process; None on other systems, or once it has ended."""
        try:
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
        return cls((int(fields[11]) + int(fields[12])) / ticks, int(fields[21]) * page)


class _Deadline:
    """Ends the process when it has taken too long for a request, which `is_over` decides; a context manager."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._began = time.monotonic()
        self._answered = threading.Event()
        self._guard = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self._guard.start()

    def __exit__(self, *raised: object) -> None:
        self._answered.set()
        self._guard.join()

    @property
    def waited(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    def is_over(self) -> bool:
        """Whether loading a library takes too long."""
        return self.waited > STARTING

    def _watch(self) -> None:
        while not self._answered.wait(INTERVAL):
            if self.is_over():
                self._process.kill()
                return


class _ReadingDeadline(_Deadline):
    """The deadline for reading a file of `size` bytes, by a process whose loading took `loading` seconds."""

    def __init__(self, process: subprocess.Popen[str], size: int, loading: float) -> None:
        super().__init__(process)
        self._size = size
        self._slowness = max(1.0, loading / LOADING)
        self._first = _Usage.of(process)
        self._most = 0  # bytes of memory
        self.patience = PATIENCE + size / SLOWEST_DISK
        self.is_disk_slow = False

    def is_over(self) -> bool:
        """Whether the process has worked too long on the file, or waited too long for the disk."""
        usage = _Usage.of(self._process)
        if self._first is None or usage is None:
            return self.waited > UNMETERED + 10 * self._size / STORED_PER_SECOND
        self._most = max(self._most, usage.memory - self._first.memory)
        self.is_disk_slow = self.waited > self.patience
        allowed = PROCESSOR + self._size / STORED_PER_SECOND + self._most / DECODED_PER_SECOND
        return self.is_disk_slow or usage.processor - self._first.processor > allowed * self._slowness


class SandboxProcess:
    """The sandbox process, started on first use, or ahead of it by `prepare`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._owner = os.getpid()
        self._loaded: set[str] = set()
        self._loading = 0.0  # processor time that loading took
        atexit.register(self.close)

    def prepare(self, modules: Iterable[str] = LIBRARIES) -> None:
        """Start the process and load the libraries of some modules, so that the first file need not wait for them."""
        for module in modules:
            with self._lock, contextlib.suppress(UnreadableFile):
                self._load(module)

    def check(self, path: Path, module: str) -> None:
        """Read `path` in the sandbox: by `probe(path)` of `module`, or its `open_cube` and some values.

        Raises:
            UnreadableFile: the process crashed, worked too long on the file, or waited too long for the disk. Ordinary
                errors of reading are not raised here.
        """
        with self._lock:
            deadline = _ReadingDeadline(self._load(module), path.stat().st_size, self._loading)
            if self._ask(str(path.absolute()), module, deadline):
                return
        if deadline.is_disk_slow:
            raise UnreadableFile(
                f"{path.name} could not be read within {deadline.patience:.0f} s; copy it to a faster disk"
            )
        raise UnreadableFile(f"{path.name} is so damaged that the library for it fails; copy or export it again")

    def _load(self, module: str) -> subprocess.Popen[str]:
        """The running process, which has loaded the libraries of a module.

        Raises:
            UnreadableFile: they cannot be loaded.
        """
        if self._process is None or self._process.poll() is not None or self._owner != os.getpid():
            self._start()
        process = self._process
        assert process is not None
        if module not in self._loaded:
            if not self._ask("", module, _Deadline(process)):
                raise UnreadableFile("the library for such files fails when it is loaded; install it again")
            if not self._loaded and (usage := _Usage.of(process)) is not None:
                self._loading = usage.processor
            self._loaded.add(module)
        return process

    def _ask(self, path: str, module: str, deadline: _Deadline) -> bool:
        """Send a request, to load a module if `path` is empty; False, and the process has ended, without an answer."""
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        with deadline:
            try:
                process.stdin.write(json.dumps([path, module]) + "\n")
                process.stdin.flush()
                answer = process.stdout.readline()
            except OSError:
                answer = ""
        if not answer:
            self._end()
        return bool(answer)

    def close(self) -> None:
        """End the process; the next check starts another."""
        with self._lock:
            self._end()

    def _start(self) -> None:
        self._end()
        self._loaded.clear()
        self._loading = 0.0
        self._owner = os.getpid()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "nesr_gui.io.sandbox"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():  # a forked copy of this object does not own the process
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()


SANDBOX = SandboxProcess()


def _import(module: str) -> None:
    importlib.import_module(f"nesr_gui.io.{module}")
    for library in LIBRARIES.get(module, ()):
        importlib.import_module(library)


def _probe(path: str, module: str) -> None:
    reader = importlib.import_module(f"nesr_gui.io.{module}")
    getattr(reader, "probe", lambda path: _probe_cube(reader.open_cube(path)))(path)


def _probe_cube(field: CubeField) -> None:
    """Read a few values of the first and the last band."""
    height, width = field.shape
    for row, nm in ((0, field.wavelength_range[0]), (height - 1, field.wavelength_range[1])):
        field.band(nm, rows=slice(row, row + 1), cols=slice(0, min(width, 4096)))


def _serve() -> None:
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY if most < 0 else min(MEMORY, most), most))
    for line in sys.stdin:
        with contextlib.suppress(Exception):  # the calling process will raise the same error
            path, module = json.loads(line)
            _probe(path, module) if path else _import(module)
        print("seen", flush=True)  # noqa: T201


if __name__ == "__main__":
    _serve()
