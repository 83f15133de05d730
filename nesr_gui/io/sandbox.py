"""Trial reading of files in another process, for libraries that crash on damaged files.

HDF5 and OpenEXR are written in C and C++; of a thousand files with a few modified bytes, some terminate the process
that opens them. The sandbox process is started on first use, reused, and restarted after a crash.
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
from pathlib import Path

from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.errors import UnreadableFile

STARTING = 20.0  # timeout in seconds of the first file of a format: the library is loaded, perhaps from a slow disk
PATIENCE = 5.0  # timeout in seconds of further files; damaged ones may keep HDF5 in a loop without end
MIN_BYTES_PER_SECOND = 10e6  # bytes per second: files that are read whole are given more time
MEMORY = 4 << 30  # memory limit of the sandbox in bytes, where the system supports one


class SandboxProcess:
    """The sandbox process, started on first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._owner = os.getpid()
        self._loaded: set[str] = set()
        atexit.register(self.close)

    def check(self, path: Path, module: str) -> None:
        """Read `path` in the sandbox: by `probe(path)` of `module`, or its `open_cube` and some values.

        Raises:
            UnreadableFile: the process crashed or timed out. Ordinary errors of reading are not raised here.
        """
        with self._lock:
            if self._process is None or self._process.poll() is not None or self._owner != os.getpid():
                self._start()
            process = self._process
            assert process is not None and process.stdin is not None and process.stdout is not None
            patience = PATIENCE if module in self._loaded else STARTING
            timer = threading.Timer(patience + path.stat().st_size / MIN_BYTES_PER_SECOND, process.kill)
            timer.start()
            try:
                process.stdin.write(json.dumps([str(path.absolute()), module]) + "\n")
                process.stdin.flush()
                answer = process.stdout.readline()
            except OSError:
                answer = ""
            finally:
                timer.cancel()
                timer.join()
            if not answer:
                self._end()
                raise UnreadableFile(
                    f"{path.name} is so damaged that the library for it fails; copy or export it again"
                )
            self._loaded.add(module)

    def close(self) -> None:
        """End the process; the next check starts another."""
        with self._lock:
            self._end()

    def _start(self) -> None:
        self._end()
        self._loaded.clear()
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
            _probe(*json.loads(line))
        print("seen", flush=True)  # noqa: T201


if __name__ == "__main__":
    _serve()
