"""A decoded photograph: pixels, their interpretation, and size limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from nesr_gui.io.errors import UnreadableImage
from nesr_gui.io.photos.colour_encoding import ColourEncoding

CheckSize = Callable[[int, int], None]
"""Raises UnreadableImage if (width, height) from a header is too large to decode."""
MAX_PIXELS = 200_000_000
TONE_CURVE = (
    "A camera's picture: its tone curve bends light in a way the file does not tell, and cannot be undone; "
    "take the camera's raw file where brightness matters."
)
"""Note on pictures of cameras, which a camera profile makes needless."""


@dataclass
class DecodedPixels:
    """Content of a photograph file: pixels (H, W, channels) with full scale `white`, and how to interpret them.

    Floating-point pixels are linear light unless `code` says otherwise, and `white` does not apply. One channel is
    grey, two are grey and alpha, three RGB, four RGB and alpha. `profile` is the embedded ICC profile or empty; `code`
    is the encoding named by the file, which takes precedence. `orientation` is that of EXIF, 1 to 8; `camera` its maker
    and model, empty if unknown; `white_balance` the factors of R, G and B, relative to G, that a raw file was developed
    with, empty for other files.

    Raises:
        UnreadableImage: the file is truncated or damaged.
    """

    pixels: npt.NDArray[Any]
    white: int = 255
    profile: bytes = b""
    code: ColourEncoding | None = None
    orientation: int = 1
    camera: str = ""
    white_balance: tuple[float, ...] = ()
    notes: list[str] = field(default_factory=list)

    @property
    def is_camera_picture(self) -> bool:
        """Whether a camera made its colours, in a way not stated; files of more bits were developed deliberately."""
        return bool(self.camera) and self.pixels.dtype == "uint8"

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or 0 in self.pixels.shape or self.pixels.shape[2] > 4:
            raise UnreadableImage("the file is cut short or damaged")


@dataclass(frozen=True, eq=False)
class DecodedPhoto:
    """A decoded photograph file, upright: the input to `develop.develop`.

    `stored` has the code values of the file at their own precision, and is never modified.
    """

    stored: DecodedPixels
    name: str
    sha256: str

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return self.stored.pixels.shape[0], self.stored.pixels.shape[1]
