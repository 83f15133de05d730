"""Names of files whose bytes are not UTF-8, which Python represents by lone surrogates.

Such a name opens the file, but cannot be written into another one, and some libraries do not take it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def readable(text: str) -> str:
    r"""The text with undecodable bytes as `\xe9`, so that it can be written as UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


@contextmanager
def library_name(path: Path) -> Iterator[str]:
    """Context manager that gives a name of an existing file for a library that takes only UTF-8.

    Only Linux has other names; there, an open file has a second name below /proc.
    """
    if readable(str(path)) == str(path):
        yield str(path)
        return
    descriptor = os.open(path, os.O_RDWR if os.access(path, os.W_OK) else os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
