"""The reader of FITS cubes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.cubes.decoding import decoding
from nesr_gui.io.cubes.description import CubeDescription, CubeHints, build_field
from nesr_gui.io.cubes.file_array import FileArray, WatchedFile
from nesr_gui.io.errors import UnreadableFile

BLOCK, CARD, MOST_CARDS = 2880, 80, 36_000  # bytes, bytes, and cards of a header that is still read
_DTYPES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
Header = dict[str, str]


def open_cube(path: Path, hints: CubeHints) -> CubeField:
    """Open the cube of a FITS file, whose pixels are read on demand.

    Raises:
        FileNotFoundError: there is no such file.
        AmbiguousFile: the wavelengths are not stated.
        UnreadableFile: it is no FITS file with an array of three dimensions.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        header, offset = _header(path)
        axes = int(header["NAXIS"])
        if axes < 3 or any(header[f"NAXIS{axis}"] != "1" for axis in range(4, axes + 1)):
            raise ValueError(f"its array has {axes} axes")
        bands, height, width = (int(header[f"NAXIS{axis}"]) for axis in (3, 2, 1))
        array = FileArray(WatchedFile(path), _DTYPES[int(header["BITPIX"])], offset, (bands, height, width))
        scale, zero = float(header.get("BSCALE", 1)), float(header.get("BZERO", 0))
        fill = [float(header["BLANK"])] if "BLANK" in header else []
        nm = _wavelengths(header, bands)
    except (KeyError, ValueError, OSError) as error:
        raise UnreadableFile(f"cannot open {path.name} ({error}); expected a FITS cube with NAXIS = 3") from error
    described = CubeDescription(
        path.name,
        array,
        band_axis=0,
        wavelengths=nm,
        unit=header.get("CUNIT3", "m") if nm is not None else "",
        provenance={"object": header["OBJECT"]} if header.get("OBJECT") else {},
        decoding=decoding(array.dtype, fill=fill, scale=scale, offset=zero),
        upside_down=True,  # the first row of FITS is the lowest
    )
    return build_field(described, hints)


def _header(path: Path) -> tuple[Header, int]:
    """The first header that describes an array, and the byte at which the array begins."""
    with path.open("rb") as file:
        if file.read(9) != b"SIMPLE  =":
            raise ValueError("it does not begin with SIMPLE")
        file.seek(0)
        header: Header = {}
        for _ in range(MOST_CARDS):
            card = file.read(CARD).decode("ascii")
            if len(card) < CARD:
                break
            if card.startswith("END "):
                file.seek(-(-file.tell() // BLOCK) * BLOCK)
                if int(header.get("NAXIS", 0)):
                    return header, file.tell()
                header = {}  # a primary header without data; that of an extension follows
            elif card[8:10] == "= ":
                header[card[:8].strip()] = _value(card[10:])
    raise ValueError("it has no array")


def _value(text: str) -> str:
    """The value of a card without its comment."""
    if text.lstrip().startswith("'"):
        return text.lstrip()[1:].partition("'")[0].strip()
    return text.partition("/")[0].strip()


def _wavelengths(header: Header, bands: int) -> np.ndarray | None:
    """Wavelengths in CUNIT3; None if the header states none.

    Raises:
        ValueError: they are neither linear nor logarithmic.
    """
    step = header.get("CDELT3") or header.get("CD3_3")
    if "CRVAL3" not in header or step is None:
        return None
    at, steps = float(header["CRVAL3"]), np.arange(bands) + 1 - float(header.get("CRPIX3", 1))
    offsets, kind = float(step) * steps, header.get("CTYPE3", "")
    if kind[4:] not in ("", "-LOG") and kind[4:5] == "-":
        raise ValueError(f"its wavelengths are {kind}, which this reader does not know")
    values = at * np.exp(offsets / at) if at and kind[4:] == "-LOG" else at + offsets
    return values if np.isfinite(values).all() else None
