"""What a row of the table of formats says."""

from __future__ import annotations

import enum
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class Kind(enum.StrEnum):
    """What a file holds; the value is the plural a dialog shows."""

    PHOTOGRAPH = "Photographs"
    CUBE = "Spectral cubes"
    CURVES = "Curves"


@dataclass(frozen=True)
class Format:
    """One row of the table. `read` and `write` are None where the program does not do that; no extension: a folder.

    Args:
        claims: tells from a file whether it is of this format, where others share its extensions.
        dtypes: the `Encoding.dtype`s it can store.
        holds_bounds: whether an error band can be stored beside the cube.
        writes: the extension to write; by default the first.
        trial: the module whose library may crash on a damaged file, so that another process opens it first.
        files: the files of a set, given one of them; by default that one, or all in a folder.
        streamed: how much of a cube is in memory while it is written.
        described_beside: whether what belongs to a cube stands in a JSON beside its numbers.
    """

    name: str
    extensions: tuple[str, ...]
    kind: Kind
    read: Callable[..., Any] | None = None
    write: Callable[..., Any] | None = None
    claims: Callable[[Path], bool] | None = None
    dtypes: tuple[str, ...] = ("float32",)
    holds_bounds: bool = False
    writes: tuple[str, ...] = ()
    trial: str = ""
    files: Callable[[Path], list[Path]] | None = None
    streamed: str = ""
    described_beside: bool = False

    @property
    def ending(self) -> str:
        """What a file of it is written with; empty for a folder."""
        return next(iter(self.writes or self.extensions), "")


def lazy(module: str, function: str) -> Callable[..., Any]:
    """A function of one of the modules here, which is imported when it is called."""

    def call(*args: Any, **options: Any) -> Any:
        return getattr(importlib.import_module(f"nesr_gui.io.{module}"), function)(*args, **options)

    return call
