"""Errors of reading and writing files; each message is one sentence for the user."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class UnreadableFile(ValueError):
    """The file is damaged, has another format, or has content that is not supported."""


class UnreadableImage(UnreadableFile):
    """The file is not readable as a photograph."""


_DENIED = "no permission to use {file}; change its permissions, or choose another place"
_FULL = "the disk of {file} is full; make room, or choose another disk"
_UNREACHABLE = "the drive of {file} cannot be reached; connect it and try again"
_SENTENCES = {
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.ENOENT: "{file} does not exist; check its name and folder",
    errno.EEXIST: "{file} exists already; choose another name",
    errno.EISDIR: "{file} is a folder; choose a file",
    errno.ENOTDIR: "{file} is not in a folder; check its path",
    errno.ENAMETOOLONG: "the name of {file} is too long; choose a shorter one",
    errno.ENOSPC: _FULL,
    getattr(errno, "EDQUOT", errno.ENOSPC): _FULL,
    errno.EFBIG: "{file} is too large for its disk; choose another disk",
    errno.EROFS: "the disk of {file} is read-only; choose another one",
    errno.EBUSY: "{file} is in use by another program; close it there and try again",
    getattr(errno, "ETXTBSY", errno.EBUSY): "{file} is in use by another program; close it there and try again",
    errno.EIO: "the disk of {file} reported an error; check the disk and its connection, and try again",
    errno.ENOMEM: "there is not enough memory for {file}; close other programs and try again",
    errno.EMFILE: "{file} cannot be opened because too many files are open; close some and try again",
    errno.ENFILE: "{file} cannot be opened because too many files are open; close some and try again",
    errno.ENODEV: _UNREACHABLE,
    errno.ENXIO: _UNREACHABLE,
    errno.ETIMEDOUT: _UNREACHABLE,
    getattr(errno, "ESTALE", errno.ETIMEDOUT): _UNREACHABLE,
    errno.ENOTCONN: _UNREACHABLE,
}

NO_MEMORY = "there is not enough memory for this; close other programs, or choose fewer pixels or fewer wavelengths"

SYSTEM_ERRORS = frozenset(_SENTENCES)
"""Error numbers of the disk, the drive or permissions, unlike those that the content of a file may cause."""


@contextmanager
def translate_library_errors(path: Path) -> Iterator[None]:
    """Context manager that explains the error of a library which writes a valid image to `path`.

    imagecodecs and OpenEXR quote the operating system if the file cannot be written; otherwise they lack memory.
    """
    try:
        yield
    except (RuntimeError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        number = next((number for number in SYSTEM_ERRORS if os.strerror(number) in str(error)), None)
        if number is None:
            raise MemoryError from error
        raise OSError(number, os.strerror(number), str(path)) from error


def error_message(error: BaseException) -> str:
    """The message of an error on one line, without error numbers, for the user.

    An error of the operating system names the file, what is wrong with it, and what to do; a lack of memory that no
    part of the program has explained is one sentence, too. The words of any other error are its own. Empty if there are
    none.
    """
    words = error.args[0] if isinstance(error, KeyError) and error.args else error
    if _is_unexplained_lack_of_memory(error):
        words = NO_MEMORY
    if isinstance(error, OSError) and error.errno is not None:
        words = error.strerror if _is_explained(error) else _explanation(error, error.errno)
    return " ".join(str(words or "").split())


def _is_unexplained_lack_of_memory(error: BaseException) -> bool:
    """Python's MemoryError has no words, those of numpy and of libraries in C++ are for programmers."""
    is_of_library = type(error).__module__.partition(".")[0] in ("builtins", "numpy")
    return (isinstance(error, MemoryError) and is_of_library) or "std::bad_alloc" in str(error)


def _is_explained(error: OSError) -> bool:
    """Whether the program, rather than the operating system, wrote the text of an error."""
    is_of_windows = getattr(error, "winerror", None) is not None
    return bool(error.strerror) and not is_of_windows and error.strerror != os.strerror(error.errno or 0)


def _explanation(error: OSError, number: int) -> str:
    file = str(error.filename) if error.filename else "the file"
    if number in _SENTENCES:
        return _SENTENCES[number].format(file=file)
    return f"cannot use {file} ({os.strerror(number).lower()}); try again, or choose another place"
