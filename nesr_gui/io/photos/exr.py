"""OpenEXR photographs: linear light in half or single precision; requires the extra `formats`."""

from __future__ import annotations

import importlib.util
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from nesr_gui.io.errors import UnreadableFile, UnreadableImage
from nesr_gui.io.names import readable
from nesr_gui.io.photos import colour_encoding
from nesr_gui.io.photos.colour_encoding import ColourEncoding, TransferFunction
from nesr_gui.io.photos.photo import CheckSize, DecodedPixels
from nesr_gui.io.sandbox import SANDBOX

MAX_BYTES = 8 << 30  # of all channels of a file, which are decoded together
WHOLE_IMAGE = ("combined", "beauty", "rgba", "composite", "final", "main", "color", "colour", "image")
"""Words by which renderers call the whole image among its parts or layers, the clearest first."""
ALPHA_NOTE = "Its colours are multiplied by the alpha channel: transparent parts are darker than they were."


def read_exr(file: IO[bytes], check_size: CheckSize) -> DecodedPixels:
    """Read the colours of an OpenEXR within its data window; other primaries are converted.

    They are R, G, B of the first part that has them, or of a layer such as Blender's Combined, or Y alone.
    Luminance with chroma at half the resolution is refused: the library misreads subsampled channels.

    The sandbox reads it first, since damaged files may crash the library.
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
    """Read what `read_exr` would, unless the header states an excessive size; for the sandbox."""
    from nesr_gui.io.photos.photo import MAX_PIXELS

    def check_size(width: int, height: int) -> None:
        if width * height > MAX_PIXELS:
            raise UnreadableImage("it is too large")

    _read(path, check_size)


def _read(path: str, check_size: CheckSize) -> DecodedPixels:
    import OpenEXR

    with OpenEXR.File(path, separate_channels=True, header_only=True) as headers:
        names = [[channel.name for channel in part.header["channels"]] for part in headers.parts]
        index, colours = _colours(names, [str(part.header.get("name", "")) for part in headers.parts])
        header = headers.header(index)
        low, high = header["dataWindow"]
        check_size(int(high[0] - low[0]) + 1, int(high[1] - low[1]) + 1)
        _check_memory([part.header for part in headers.parts])
        code, notes = _code(header)  # the header is invalid after its file is closed
    with OpenEXR.File(path, separate_channels=True) as opened:
        channels = {name: channel.pixels for name, channel in opened.channels(index).items()}
    alpha = channels.get(f"{colours.layer}A")
    stored = DecodedPixels(_pixels(channels, colours), code=code, notes=notes)
    if colours.layer:
        stored.notes.append(f"The file has layers; {colours.layer.rstrip('.')} was read.")
    if alpha is not None and (alpha < 1).any():
        stored.notes.append(ALPHA_NOTE)
    if len(names) > 1:
        stored.notes.append(f"The file has {len(names)} parts; number {index + 1} was read.")
    return stored


@dataclass(frozen=True)
class _Colours:
    """Names of the channels with the colours, and the prefix of their layer, which may be empty."""

    channels: tuple[str, ...]
    layer: str = ""


def _colours(parts: list[list[str]], titles: list[str]) -> tuple[int, _Colours]:
    """Part and channels to read: R, G, B, else luminance alone, of the part or layer that is called the whole image."""
    for wanted in (("R", "G", "B"), ("r", "g", "b"), ("Y",)):
        found = []
        for index, names in enumerate(parts):
            layers = {name[: -len(wanted[0])] for name in names if name.endswith(wanted[0])}
            for layer in sorted(layer for layer in layers if not layer or layer.endswith(".")):
                channels = tuple(layer + name for name in wanted)
                if wanted == ("Y",):
                    _check_luminance(layer, set(names))
                if set(channels) <= set(names):
                    is_plain = not layer and len(parts) == 1
                    rank = 0 if is_plain else _rank(f"{titles[index]} {layer}".lower())
                    found.append(((rank, bool(layer), index, layer), index, _Colours(channels, layer)))
        if found:
            _, index, colours = min(found, key=lambda choice: choice[0])
            return index, colours
    held = ", ".join(parts[0][:6]) + (" …" if len(parts[0]) > 6 else "")
    raise UnreadableImage(
        f"it has the channels {held} where a photograph has R, G, B or Y; a spectral image is opened as a cube"
    )


def _rank(name: str) -> int:
    """How much a part or layer is called the whole image; 0 is best."""
    return next((rank for rank, word in enumerate(WHOLE_IMAGE) if word in name), len(WHOLE_IMAGE))


def _check_luminance(layer: str, names: set[str]) -> None:
    """Check that Y is luminance alone.

    Raises:
        UnreadableImage: chroma at half the resolution belongs to it, or X and Z of CIE colours or of directions.
    """
    if {layer + "RY", layer + "BY"} & names:
        raise UnreadableImage("it stores luminance and chroma; save it with R, G and B in full resolution")
    if {layer + "X", layer + "Z"} <= names:
        raise UnreadableImage("it stores X, Y and Z, CIE colours or directions; save it with R, G and B")


def _check_memory(headers: list[dict[str, Any]]) -> None:
    """Refuse a file whose channels would take more than `MAX_BYTES`, since all of them are decoded."""
    total = 0
    for header in headers:
        low, high = header["dataWindow"]
        width, height = (int(high[axis]) - int(low[axis]) + 1 for axis in (0, 1))
        total += 4 * max(width, 0) * max(height, 0) * len(header["channels"])
    if total > MAX_BYTES:
        raise UnreadableImage(f"its channels take {total / 2**30:.1f} GiB; save it with R, G and B alone")


class _on_disk:
    """Path to a file with the bytes of an open file: the package reads files only by name."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._copy: Path | None = None

    def __enter__(self) -> str:
        name = getattr(self._file, "name", None)
        if isinstance(name, str) and readable(name) == name and Path(name).is_file():
            return name
        with tempfile.NamedTemporaryFile(suffix=".exr", delete=False) as copy:
            copy.write(self._file.read())
        self._copy = Path(copy.name)
        return copy.name

    def __exit__(self, *raised: object) -> None:
        if self._copy is not None:
            self._copy.unlink()


def _pixels(channels: dict[str, npt.NDArray[Any]], colours: _Colours) -> npt.NDArray[np.float32]:
    """(H, W, 3 or 1) float32."""
    planes = [channels[name].astype(np.float32) for name in colours.channels]
    if len({plane.shape for plane in planes}) != 1:
        raise UnreadableImage("its channels have different sizes; save it with R, G and B in full resolution")
    return np.stack(planes, axis=-1)


def _code(header: dict[str, Any]) -> tuple[ColourEncoding | None, list[str]]:
    """Encoding with the primaries of the file, if they are not those of sRGB, and a note if they were left aside."""
    written = header.get("chromaticities")
    if written is None:
        return None, []
    primaries = tuple(float(value) for value in np.ravel(written))
    if len(primaries) != 8 or colour_encoding.is_srgb(primaries):
        return None, []
    try:
        colour_encoding.primaries_matrix(primaries)
    except ValueError:
        return None, ["Its chromaticities make no colours; those of sRGB were taken."]
    return ColourEncoding("linear light with the file's own primaries", TransferFunction.LINEAR, primaries), []
