"""Stores from which foreign Zarr is read: nothing in the folder may lead out of it.

Zarr must be installed when this module is imported.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore, ZipStore

MAX_MEMBER = 1 << 30  # bytes of a decompressed member of an archive
MAX_RATIO = 1100  # by which deflate can shrink at most, and a little more


class _ClosedStore(LocalStore):
    """A folder of which no link leads out."""

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Content of a key; None if it does not exist.

        Raises:
            ValueError: it is reached by a link that leaves the folder.
        """
        root = os.path.realpath(self.root)
        if os.path.commonpath([root, os.path.realpath(self.root / key)]) != root:
            raise ValueError(f"{key} is a link that leaves the folder and is not followed")
        return await super().get(key, prototype, byte_range)


def folder(path: Path) -> tuple[Any, str]:
    """Store of a folder, and where the Zarr metadata are in it: at the top."""
    return _ClosedStore(path, read_only=True), ""


def zipped(path: Path) -> tuple[Any, str]:
    """Store of a zip archive, and where the Zarr metadata are in it: at the top, or in a single folder NAME.zarr.

    Raises:
        ValueError: it holds no Zarr, or members that decompress beyond bounds.
    """
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    for member in members:
        bound = max(member.compress_size, 1) * MAX_RATIO
        if member.file_size > MAX_MEMBER or member.file_size > bound:
            raise ValueError(f"its member {member.filename[:80]} decompresses to {member.file_size:,} bytes")
    names = {member.filename for member in members}
    tops = {name.partition("/")[0] for name in names}
    inside = ["", *sorted(tops)] if len(tops) == 1 else [""]
    for prefix in inside:
        if any(f"{prefix}/{name}".lstrip("/") in names for name in ("zarr.json", ".zgroup", ".zarray", ".zmetadata")):
            return ZipStore(path, mode="r", read_only=True), prefix
    raise ValueError("it has no zarr.json")
