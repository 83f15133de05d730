"""Cubes as TIFF: written as tiled BigTIFF with the wavelengths where GDAL keeps what belongs to a band."""

from __future__ import annotations

import json
import logging
import os
import re
import weakref
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import tifffile

from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.atomic import replacing
from nesr_gui.io.errors import Unclear, UnreadableFile
from nesr_gui.io.export import FILL, Export, check_space
from nesr_gui.io.reading import Found, Reading, field_of
from nesr_gui.io.sidecar import checked_description, described
from nesr_gui.io.tiff_bands import TiffBands, decodable
from nesr_gui.spectral import Quantity

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # what is wrong with a file is said once, by us

TILE = 256  # pixels along a side at most; TIFF wants multiples of 16
DESCRIPTION, GDAL_METADATA, GDAL_NODATA = 270, 42112, 42113
FEWEST = 5  # bands by which a file without wavelengths is told from a photograph
_STATED = re.compile(
    r"(\d+(?:\.\d+)?)\s*\(?(nm|nanometers?|nanometres?|µm|um|micrometers?|micrometres?)\b", re.IGNORECASE
)


def write_cube(path: str | os.PathLike[str], export: Export) -> None:
    """Stream an export into a tiled file, the bands as separate planes, some tiles at a time."""
    bands, height, width = export.shape
    tile = min(TILE, -(-height // 16) * 16), min(TILE, -(-width // 16) * 16)
    with replacing(path) as part:
        check_space(part.parent, export.nbytes)
        with tifffile.TiffWriter(part, bigtiff=True) as tiff:
            tiff.write(
                None,
                shape=(bands, height, width) if bands > 1 else (height, width),
                dtype=export.encoding.numpy,
                tile=tile,
                photometric="minisblack",
                planarconfig="separate" if bands > 1 else None,
                description=json.dumps(described(export)),
                metadata=None,
                software="nesr_gui",
                extratags=_gdal_tags(export),
            )
        with tifffile.TiffFile(part) as written:
            page: Any = written.pages[0]
            offsets = page.dataoffsets
        with part.open("r+b") as file:
            across, per_band = -(-width // tile[1]), len(offsets) // bands
            for _, block in export.pieces(*tile):
                first = block.rows.start // tile[0] * across + block.cols.start // tile[1]
                for index, values in enumerate(_tiles(block.values, tile)):
                    for band, pixels in enumerate(values):
                        file.seek(offsets[band * per_band + first + index])
                        file.write(pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes())


def open_cube(path: str | os.PathLike[str], reading: Reading | None = None) -> CubeField:
    """Open a TIFF with several bands, as planes, as channels or as pages; only the tiles asked for are decoded.

    Raises:
        FileNotFoundError: there is no such file.
        Unclear: the file does not say what must be known.
        UnreadableFile: it is damaged or holds no cube.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    tiff = None
    try:
        tiff = tifffile.TiffFile(path)
        decodable(tiff.pages[0])
        found = _found(path.name, tiff)
        field = field_of(found, reading or Reading())
    except Exception as error:  # tifffile meets damaged files with errors of many classes
        if tiff is not None:
            tiff.close()
        if isinstance(error, Unclear):
            raise
        raise UnreadableFile(
            f"cannot open {path.name}: {' '.join(str(error).split())[:300]}; expected a TIFF with several bands"
        ) from error
    weakref.finalize(field, tiff.close)
    return field


def is_cube(path: Path) -> bool:
    """Whether a TIFF has stated wavelengths or more bands than a photograph; what cannot be read is none."""
    try:
        with tifffile.TiffFile(path) as tiff:
            page: Any = tiff.pages[0]
            if _own(page) or _listed(_items(page))[0] is not None or page.samplesperpixel >= FEWEST:
                return True
            return page.samplesperpixel == 1 and _is_stack(tiff)
    except Exception:  # the photograph's reader says what is wrong with it
        return False


def _is_stack(tiff: tifffile.TiffFile) -> bool:
    """Whether there are many pages like the first; icons and documents differ in size or have one bit."""
    pages: Any = tiff.pages
    first = pages[0]
    return len(pages) >= FEWEST and first.bitspersample >= 8 and all(page.shape == first.shape for page in pages)


def _found(name: str, tiff: tifffile.TiffFile) -> Found:
    pages: Any = tiff.pages
    page = pages[0]
    array = TiffBands(list(pages) if page.samplesperpixel == 1 and _is_stack(tiff) else [page])
    items, said = _items(page), checked_description(_own(page))
    wavelengths, unit = _listed(items)
    scale, offset = _per_band(items, "scale", 1.0), _per_band(items, "offset", 0.0)
    nodata = page.tags.valueof(GDAL_NODATA, default="")
    fill = float(str(nodata).strip("\0 ")) if re.fullmatch(r"[-+.\deE]+", str(nodata).strip("\0 ")) else np.nan
    if "wavelengths" in said:
        wavelengths, unit = np.array(said["wavelengths"]), "nm"
    return Found(
        name,
        array,
        band_axis=0,
        wavelengths=wavelengths,
        unit=unit,
        quantity=said.get("quantity", Quantity.UNKNOWN),
        provenance=said["provenance"],
        scale=scale,
        offset=offset,
        fill=(fill,) if np.isfinite(fill) else (),
    )


def _own(page: Any) -> dict[str, Any]:
    """What this program wrote as the description."""
    try:
        said = json.loads(page.description)
    except ValueError:
        return {}
    return said if isinstance(said, dict) and "wavelengths_nm" in said else {}


def _items(page: Any) -> list[tuple[str, int, str, str]]:
    """GDAL's items that belong to a band: (name, band, role, text)."""
    text = page.tags.valueof(GDAL_METADATA, default="")
    if not isinstance(text, str) or "<!" in text:  # no item needs a document type, which could define anything
        return []
    try:
        root = ElementTree.fromstring(text.strip("\0 "))
    except ElementTree.ParseError:
        return []
    return [
        (item.get("name", "").lower(), int(item.get("sample", "0")), item.get("role", "").lower(), item.text or "")
        for item in root.iter("Item")
        if item.get("sample", "").isdecimal() and len(item.get("sample", "")) < 9
    ]


def _listed(items: list[tuple[str, int, str, str]]) -> tuple[npt.NDArray[np.float64] | None, str]:
    """Wavelengths and their unit: named items first, then what the descriptions of the bands say."""
    for key, unit in (("wavelength", ""), ("wavelengths", ""), ("central_wavelength_um", "µm")):
        stated = {band: text for name, band, _, text in items if name == key}
        if stated:
            units = {text for name, _, _, text in items if name in ("wavelength_units", "wavelength_unit")}
            return _numbers(stated), unit or (units.pop() if len(units) == 1 else "")
    described = {band: _STATED.search(text) for _, band, role, text in items if role == "description"}
    named = {band: match for band, match in described.items() if match}
    if not named or len(named) < len(described):
        return None, ""
    return _numbers({band: match[1] for band, match in named.items()}), next(iter(named.values()))[2]


def _numbers(stated: dict[int, str]) -> npt.NDArray[np.float64]:
    """By band; NaN, which is refused later, where one is missing."""
    if len(stated) <= max(stated):
        return np.full(len(stated), np.nan)
    return np.array([float(stated[band]) for band in sorted(stated)])


def _per_band(items: list[tuple[str, int, str, str]], role: str, default: float) -> npt.NDArray[np.float64]:
    stated = {band: text for _, band, which, text in items if which == role}
    return _numbers(stated) if stated else np.array([default])


def _gdal_tags(export: Export) -> list[tuple[int, str, int, str, bool]]:
    root = ElementTree.Element("GDALMetadata")

    def item(name: str, text: str, band: int | None = None, role: str = "") -> None:
        attributes = {"name": name} | ({} if band is None else {"sample": str(band)}) | ({"role": role} if role else {})
        ElementTree.SubElement(root, "Item", attributes).text = text

    item("quantity", export.field.quantity.value)
    for band, nm in enumerate(export.wavelengths):
        item("DESCRIPTION", f"{nm:g} nm", band, "description")
        item("wavelength", repr(nm), band)
        item("wavelength_units", "nm", band)
        if export.encoding.is_packed:
            item("SCALE", repr(export.encoding.scale), band, "scale")
            item("OFFSET", "0", band, "offset")
    text = ElementTree.tostring(root, encoding="unicode")
    nodata = str(FILL) if export.encoding.is_packed else "nan"
    return [(GDAL_METADATA, "s", 0, text, True), (GDAL_NODATA, "s", 0, nodata, True)]


def _tiles(values: npt.NDArray[Any], tile: tuple[int, int]) -> list[npt.NDArray[Any]]:
    """A row of tiles, each (L, th, tw); what lies beyond the image is zero."""
    bands, height, width = values.shape
    count = -(-width // tile[1])
    padded = np.zeros((bands, tile[0], count * tile[1]), values.dtype)
    padded[:, :height, :width] = values
    return np.split(padded, count, axis=2)
