"""Lets every call fail that changes a folder, one after the other, while a file is written to it; see `test_faults`.

For each kind of file and each number n, a child process writes a newer file over an older one, and its n-th call fails
(or all from the n-th on, as on a full disk, or its n-th large allocation). Then the older file or the newer one must be
there whole, the error must be a sentence, and nothing else may be left after the next start.
"""

from __future__ import annotations

import argparse
import ctypes
import enum
import errno
import hashlib
import json
import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from nesr_gui.io import atomic
from nesr_gui.io.errors import error_message
from tests.faults.written_files import ALL, WrittenFile, prepare

SECONDS = 60  # for one file
LEAST_BYTES = 1 << 14  # of an allocation that may fail
_INTERNAL = re.compile(
    r"Errno|Traceback|0x[0-9a-f]+|Error\(|Unable to allocate|std::|\.cpp|\.py\b|\.part|\.ready|the file "
)


class Fault(enum.Enum):
    """What fails."""

    ONE_CALL = 1, errno.EIO
    FULL_DISK = 2, errno.ENOSPC
    MEMORY = 3, errno.ENOMEM


def in_child(work: Callable[[], object]) -> tuple[int, object]:
    """Run `work` in a forked process; returns its exit code (negative: the signal that ended it) and its answer."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        code = 1
        try:
            signal.alarm(SECONDS)
            os.write(writing, json.dumps(work()).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        text = answer.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code, json.loads(text) if text else None


def snapshot(folder: Path) -> dict[str, str]:
    """The content of a folder, by path; without folders that are empty."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def attempt(shim: ctypes.CDLL, kind: WrittenFile, path: Path, number: int, fault: Fault, chosen: int) -> object:
    """Write a file while something fails: [number of calls, type of the error, its sentence]."""
    code, failure = fault.value
    error: BaseException | None = None
    shim.arm(code, os.fsencode(path.parent), ctypes.c_long(chosen), failure, ctypes.c_size_t(LEAST_BYTES))
    try:
        kind.write(path, number)
    except Exception as raised:
        error = raised
    calls = shim.disarm()
    return [calls, type(error).__name__ if error else "", error_message(error) if error else "",
            isinstance(error, OSError | MemoryError | None)]  # fmt: skip


def is_one_sentence(text: str) -> bool:
    """Whether a user can read an error: words, on one line, without what only a programmer understands."""
    return len(text.split()) > 3 and "\n" not in text and not _INTERNAL.search(text)


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Campaign:
    """Faults at the calls of each kind of file; `findings` are what went wrong.

    Some libraries end the process if they lack memory (numpy, HDF5, Qt, safetensors): these are counted in `ended`, and
    the older file must survive.
    """

    def __init__(self, shim: ctypes.CDLL, folder: Path, most: int) -> None:
        self._shim, self._folder, self._most = shim, folder, most
        self.findings: list[str] = []
        self.tried: Counter[str] = Counter()
        self.messages: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()

    def _find(self, what: str) -> None:
        self.findings.append(what)
        say(f"FOUND {what}")

    def run(self, kind: WrittenFile, fault: Fault) -> None:
        """Let the calls of one kind of file fail, all or `most` of them."""
        folder = self._folder / f"{kind.name} {fault.name}"
        folder.mkdir()
        prepare(folder)
        path, present = folder / kind.name, 1
        code, _ = in_child(lambda: kind.write(path, 1) and None)
        assert code == 0 and self._read(kind, path) == 1, f"{kind.name} cannot be written at all"
        for chosen in self._numbers(kind, path, fault):
            before, wanted = snapshot(folder), 3 - present
            code, answer = in_child(lambda: attempt(self._shim, kind, path, wanted, fault, chosen))  # noqa: B023
            self.tried[f"{kind.name} {fault.name}"] += 1
            where = f"{kind.name}, {fault.name} {chosen}"
            if code or not isinstance(answer, list):
                if fault is Fault.MEMORY:
                    self.ended[f"{kind.name} {fault.name}"] += 1
                else:
                    self._find(f"{where}: the process ended with {code}")
                answer = [0, "", "", True]
            _, error, sentence, is_expected = answer
            self.messages[f"{error}: {sentence}".replace(str(folder), "FOLDER")] += 1
            if error and not (is_expected and is_one_sentence(sentence)):
                self._find(f"{where}: {error}: {sentence}")
            atomic.remove_stale(folder)
            now = snapshot(folder)
            if now != before:
                self._check_new(kind, path, wanted, where)
                present = wanted
            elif not error and not code:
                self._find(f"{where}: no error, but nothing was written")
            left = [str(each) for each in folder.iterdir() if each.name.startswith(".")]
            if left:
                self._find(f"{where}: left {left}")
            strange = {name.partition("/")[0] for name in now} - {name.partition("/")[0] for name in before}
            if strange:
                self._find(f"{where}: left {strange}")

    def _numbers(self, kind: WrittenFile, path: Path, fault: Fault) -> Iterator[int]:
        """Of the calls that are made when nothing fails: all, or some evenly spread."""
        code, answer = in_child(lambda: attempt(self._shim, kind, path, 1, fault, 1 << 40))
        assert code == 0 and isinstance(answer, list) and not answer[1], (kind.name, answer)
        total = answer[0]
        step = max(total / self._most, 1.0)
        seen = -1
        for place in range(min(total, self._most)):
            if (number := round(place * step) + 1) != seen:
                yield (seen := number)

    def _check_new(self, kind: WrittenFile, path: Path, wanted: int, where: str) -> None:
        found = self._read(kind, path)
        if found != wanted:
            self._find(f"{where}: neither the older file nor the newer one is there ({found})")
            in_child(lambda: kind.write(path, wanted) and None)

    def _read(self, kind: WrittenFile, path: Path) -> object:
        def read() -> object:
            try:
                return kind.read(path)
            except Exception as error:
                return f"{type(error).__name__}: {error}"

        code, answer = in_child(read)
        return answer if code == 0 else f"the reader ended with {code}"


def main() -> None:
    """Run a campaign and print what was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("shim", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most", type=int, default=1 << 30, help="calls of each kind of file that fail")
    parser.add_argument("--only", default="", help="names of kinds of files, separated by commas")
    parser.add_argument("--faults", default=",".join(fault.name for fault in Fault))
    options = parser.parse_args()
    campaign = Campaign(ctypes.CDLL(str(options.shim)), options.folder, options.most)
    prepare(options.folder)
    only = set(options.only.split(",")) - {""}
    for kind in ALL:
        for fault in map(Fault.__getitem__, options.faults.split(",")):
            if not only or kind.name in only:
                began = time.monotonic()
                campaign.run(kind, fault)
                name = f"{kind.name} {fault.name}"
                seconds = time.monotonic() - began
                say(f"{name:32} {campaign.tried[name]:6} {campaign.ended[name]:6} {seconds:6.1f} s")
    for message, times in campaign.messages.most_common():
        say(f"{times:6}  {message}")
    say(f"{campaign.tried.total()} faults, {len(campaign.findings)} findings")
    sys.exit(bool(campaign.findings))


if __name__ == "__main__":
    main()
