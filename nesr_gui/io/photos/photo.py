"""A photograph as its file holds it: the decoded pixels, how to read them, and the limits of their size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from nesr_gui.io.errors import UnreadableImage
from nesr_gui.io.photos.colour_encoding import ColourEncoding

CheckSize = Callable[[int, int], None]
"""Given (width, height) from a header, raises UnreadableImage when that is too large to decode."""
MAX_PIXELS = 200_000_000


@dataclass
class DecodedPixels:
    """The content of a photograph file: pixels (H, W, channels) with `white` as full scale, and how to read them.

    Floating-point pixels are linear light unless `code` says otherwise, and `white` means nothing to them. One channel
    is grey, two are grey and alpha, three RGB, four RGB and alpha. `profile` is the embedded ICC profile or empty,
    `code` the encoding that the file names, which goes before the profile. `orientation` is EXIF's, 1 to 8.
    """

    pixels: npt.NDArray[Any]
    white: int = 255
    profile: bytes = b""
    code: ColourEncoding | None = None
    orientation: int = 1
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or 0 in self.pixels.shape or self.pixels.shape[2] > 4:
            raise UnreadableImage("the file is cut short or damaged")


@dataclass(frozen=True, eq=False)
class DecodedPhoto:
    """A photograph's file as it stands, upright: what every interpretation of it starts from.

    `stored` keeps the file's own numbers at their own precision; nothing changes them.
    """

    stored: DecodedPixels
    name: str
    sha256: str

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return self.stored.pixels.shape[0], self.stored.pixels.shape[1]
