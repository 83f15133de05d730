"""Photographs in OpenEXR: linear light as half or float; its package belongs to the extra `formats`."""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from nesr_gui.io.errors import UnreadableFile, UnreadableImage
from nesr_gui.io.photos import colour_encoding
from nesr_gui.io.photos.colour_encoding import ColourEncoding, TransferFunction
from nesr_gui.io.photos.photo import CheckSize, DecodedPixels
from nesr_gui.io.sandbox import SANDBOX

ALPHA_NOTE = "Its colours are multiplied by the alpha channel: transparent parts are darker than they were."


def read_exr(file: IO[bytes], check_size: CheckSize) -> DecodedPixels:
    """R, G, B or Y of the first part of an OpenEXR, within its data window; other primaries are converted.

    Another process reads it first, since damaged files may crash the library.
    """
    if importlib.util.find_spec("OpenEXR") is None:
        raise UnreadableImage(
            "it is an OpenEXR, which needs the package OpenEXR; get it with: pip install 'nesr-gui[formats]'"
        )
    with _on_disk(file) as path:
        try:
            SANDBOX.check(Path(path), "photos.exr")
        except UnreadableFile as error:
            raise UnreadableImage("it is so damaged that the library for it fails; copy or export it again") from error
        return _read(path, check_size)


def probe(path: str) -> None:
    """Read what `read_exr` will, unless the header states too much to be read at all; for `sandbox`."""
    from nesr_gui.io.photos.photo import MAX_PIXELS

    def check_size(width: int, height: int) -> None:
        if width * height > MAX_PIXELS:
            raise UnreadableImage("it is too large")

    _read(path, check_size)


def _read(path: str, check_size: CheckSize) -> DecodedPixels:
    import OpenEXR

    with OpenEXR.File(path, separate_channels=True, header_only=True) as headers:
        header = headers.header()
        low, high = header["dataWindow"]
        check_size(int(high[0] - low[0]) + 1, int(high[1] - low[1]) + 1)
        code = _code(header)  # the header ends with its file
    with OpenEXR.File(path, separate_channels=True) as opened:
        channels = {name: channel.pixels for name, channel in opened.channels().items()}
        parts = len(opened.parts)
    stored = DecodedPixels(_pixels(channels), code=code)
    if "A" in channels and (channels["A"] < 1).any():
        stored.notes.append(ALPHA_NOTE)
    if parts > 1:
        stored.notes.append("The file has several parts; the first was read.")
    return stored


class _on_disk:
    """A path to an open file's bytes: the package reads files by their name alone."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._copy: Path | None = None

    def __enter__(self) -> str:
        name = getattr(self._file, "name", None)
        if isinstance(name, str) and Path(name).is_file():
            return name
        with tempfile.NamedTemporaryFile(suffix=".exr", delete=False) as copy:
            copy.write(self._file.read())
        self._copy = Path(copy.name)
        return copy.name

    def __exit__(self, *raised: object) -> None:
        if self._copy is not None:
            self._copy.unlink()


def _pixels(channels: dict[str, npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
    """(H, W, 3 or 1) float32."""
    names = ("R", "G", "B") if {"R", "G", "B"} <= set(channels) else ("Y",)
    if not set(names) <= set(channels):
        held = ", ".join(list(channels)[:6]) + (" …" if len(channels) > 6 else "")
        raise UnreadableImage(
            f"it has the channels {held} where a photograph has R, G, B or Y; a spectral image is opened as a cube"
        )
    if len({channels[name].shape for name in names}) != 1:
        raise UnreadableImage("its channels have different sizes; save it with R, G and B in full resolution")
    return np.stack([channels[name].astype(np.float32) for name in names], axis=-1)


def _code(header: dict[str, Any]) -> ColourEncoding | None:
    """The file's own primaries, where they are not those of sRGB."""
    written = header.get("chromaticities")
    if written is None:
        return None
    primaries = tuple(float(value) for value in np.ravel(written))
    if len(primaries) != 8 or colour_encoding.is_srgb(primaries):
        return None
    return ColourEncoding("linear light with the file's own primaries", TransferFunction.LINEAR, primaries)
