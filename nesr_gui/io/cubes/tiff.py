"""Cubes as TIFF: read strip by strip or tile by tile, written as tiled BigTIFF with wavelengths in GDAL's metadata."""

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
from nesr_gui.io.atomic import atomic_write
from nesr_gui.io.cubes.binary import describe_export, validate_description
from nesr_gui.io.cubes.description import AmbiguousFile, CubeDescription, CubeHints, build_field
from nesr_gui.io.cubes.export import FILL, CubeWriterSource, check_space
from nesr_gui.io.errors import UnreadableFile, error_message
from nesr_gui.io.regions.georeference import KEY, Georeference
from nesr_gui.spectral import Quantity

MAX_SEGMENT = 1 << 30  # maximum size of a decoded strip or tile


def check_decodable(page: Any) -> None:
    """Check that the data of a page are complete, and its strips or tiles small enough to decode one by one.

    Raises:
        UnreadableFile: they are not.
    """
    size = page.parent.filehandle.size
    ends = [offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if not ends or max(ends) > size:
        raise UnreadableFile("its data are cut short")
    height, width = _segment_size(page)
    if height < 1 or width < 1:
        raise UnreadableFile("its strips or tiles have no size")
    depth = page.samplesperpixel if page.planarconfig == 1 else 1
    planes = 1 if page.planarconfig == 1 else page.samplesperpixel
    needed = planes * -(-page.imagelength // height) * -(-page.imagewidth // width)
    if len(ends) < needed:
        raise UnreadableFile(
            f"it states {page.imagewidth} x {page.imagelength} pixels, for which it needs {needed:,} strips or tiles, "
            f"and has {len(ends):,}"
        )
    if height * width * depth * page.dtype.itemsize > MAX_SEGMENT:
        raise UnreadableFile("one of its strips or tiles takes more than 1 GiB")


def _segment_size(page: Any) -> tuple[int, int]:
    """Rows and columns of a strip or tile."""
    if page.is_tiled:
        return page.tilelength, page.tilewidth
    return min(page.rowsperstrip or page.imagelength, page.imagelength), page.imagewidth


class TiffBands:
    """(L, H, W) array over a page with L channels or planes, or over L pages; slices read what they need."""

    def __init__(self, pages: list[Any]) -> None:
        self._pages = pages
        page = pages[0]
        self.dtype = np.dtype(page.dtype)
        self.shape = (max(page.samplesperpixel, len(pages)), page.imagelength, page.imagewidth)
        self._interleaved = page.samplesperpixel > 1 and page.planarconfig == 1
        self._side = _segment_size(page)

    def __getitem__(self, window: tuple[slice, slice, slice]) -> npt.NDArray[Any]:
        bands, rows, cols = (range(*part.indices(size)) for part, size in zip(window, self.shape, strict=True))
        values = np.empty((len(bands), len(rows), len(cols)), self.dtype)
        height, width = self._side
        across, down = -(-self.shape[2] // width), -(-self.shape[1] // height)
        for y in range(rows.start // height, -(-rows.stop // height)):
            for x in range(cols.start // width, -(-cols.stop // width)):
                index = y * across + x
                inside = _overlap(rows, y * height, height), _overlap(cols, x * width, width)
                target = tuple(
                    slice(p.start - q.start, p.stop - q.start) for p, q in zip(inside, (rows, cols), strict=True)
                )
                source = (
                    slice(inside[0].start - y * height, inside[0].stop - y * height),
                    slice(inside[1].start - x * width, inside[1].stop - x * width),
                )
                if self._interleaved:
                    part = self._segment(self._pages[0], index)[*source]
                    values[:, *target] = np.moveaxis(part, 2, 0)[bands.start : bands.stop]
                    continue
                for place, band in enumerate(bands):
                    page, which = (self._pages[band], index) if len(self._pages) > 1 else (
                        self._pages[0], band * across * down + index,
                    )  # fmt: skip
                    values[place][target] = self._segment(page, which)[*source][..., 0]
        return values

    def _segment(self, page: Any, index: int) -> npt.NDArray[Any]:
        """Decoded segment (rows, columns, channels)."""
        if index >= len(page.dataoffsets):
            raise UnreadableFile("the TIFF file is damaged: it has fewer strips or tiles than it needs")
        handle = page.parent.filehandle
        handle.seek(page.dataoffsets[index])
        data = handle.read(page.databytecounts[index]) if page.databytecounts[index] else None
        try:
            decoded = page.decode(data, index, jpegtables=page.jpegtables)[0]
        except Exception as error:  # every codec has its own error classes
            raise UnreadableFile(f"the TIFF file is damaged: {error_message(error)}") from error
        if decoded is None:  # never written, as in sparse files
            height, width = self._side
            return np.full((height, width, page.samplesperpixel), page.nodata, self.dtype)
        return decoded[0]


def _overlap(wanted: range, start: int, length: int) -> slice:
    """Part of `wanted` in a segment."""
    return slice(max(wanted.start, start), min(wanted.stop, start + length))


logging.getLogger("tifffile").addHandler(logging.NullHandler())  # errors are reported once, by this module

TILE = 256  # maximum side of a tile; TIFF requires multiples of 16
DESCRIPTION, GDAL_METADATA, GDAL_NODATA = 270, 42112, 42113
FEWEST = 5  # minimum bands of a cube without wavelengths, to distinguish it from a photograph
_STATED = re.compile(
    r"(\d+(?:\.\d+)?)\s*\(?(nm|nanometers?|nanometres?|µm|um|micrometers?|micrometres?)\b", re.IGNORECASE
)


def write_cube(path: str | os.PathLike[str], export: CubeWriterSource) -> None:
    """Stream an export to a tiled file with the bands as separate planes, some tiles at a time.

    Raises:
        OSError: the folder is not writable or has too little space.
    """
    bands, height, width = export.shape
    tile = min(TILE, -(-height // 16) * 16), min(TILE, -(-width // 16) * 16)
    with atomic_write(path) as part:
        check_space(part.parent, export.nbytes)
        with tifffile.TiffWriter(part, bigtiff=True) as tiff:
            tiff.write(
                None,
                shape=(bands, height, width) if bands > 1 else (height, width),
                dtype=export.encoding.numpy,
                tile=tile,
                photometric="minisblack",
                planarconfig="separate" if bands > 1 else None,
                description=json.dumps(describe_export(export)),
                metadata=None,
                software="nesr_gui",
                extratags=_gdal_tags(export),
            )
        with tifffile.TiffFile(part) as written:
            page: Any = written.pages[0]
            offsets = page.dataoffsets
        with part.open("r+b") as file:
            across, per_band = -(-width // tile[1]), len(offsets) // bands
            for _, block in export.tiles(*tile):
                first = block.rows.start // tile[0] * across + block.cols.start // tile[1]
                for index, values in enumerate(_tiles(block.values, tile)):
                    for band, pixels in enumerate(values):
                        file.seek(offsets[band * per_band + first + index])
                        file.write(pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes())


def open_cube(path: str | os.PathLike[str], reading: CubeHints | None = None) -> CubeField:
    """Open a TIFF with several bands as planes, channels or pages; only the requested tiles are decoded.

    Raises:
        FileNotFoundError: the file or folder does not exist.
        AmbiguousFile: required information is missing.
        UnreadableFile: the file is damaged or contains no cube.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    tiff = None
    try:
        tiff = tifffile.TiffFile(path)
        check_decodable(tiff.pages[0])
        found = _found(path.name, tiff)
        field = build_field(found, reading or CubeHints())
    except Exception as error:  # tifffile raises many kinds of errors for damaged files
        if tiff is not None:
            tiff.close()
        if isinstance(error, AmbiguousFile):
            raise
        raise UnreadableFile(
            f"cannot open {path.name}: {error_message(error)[:300]}; expected a TIFF with several bands"
        ) from error
    weakref.finalize(field, tiff.close)
    return field


def is_cube(path: Path) -> bool:
    """Whether a TIFF states wavelengths or has more bands than a photograph; False if it is not readable."""
    try:
        with tifffile.TiffFile(path) as tiff:
            page: Any = tiff.pages[0]
            if _own(page) or _listed_wavelengths(_items(page))[0] is not None or page.samplesperpixel >= FEWEST:
                return True
            return page.samplesperpixel == 1 and _is_stack(tiff)
    except Exception:  # the photograph reader reports what is wrong with it
        return False


def _is_stack(tiff: tifffile.TiffFile) -> bool:
    """Whether there are many pages like the first; those of icons and documents differ in size or are bilevel."""
    pages: Any = tiff.pages
    first = pages[0]
    return len(pages) >= FEWEST and first.bitspersample >= 8 and all(page.shape == first.shape for page in pages)


def _found(name: str, tiff: tifffile.TiffFile) -> CubeDescription:
    pages: Any = tiff.pages
    page = pages[0]
    array = TiffBands(list(pages) if page.samplesperpixel == 1 and _is_stack(tiff) else [page])
    items, own = _items(page), validate_description(_own(page))
    wavelengths, unit = _listed_wavelengths(items)
    scale, offset = _per_band(items, "scale", 1.0), _per_band(items, "offset", 0.0)
    nodata = page.tags.valueof(GDAL_NODATA, default="")
    fill = float(str(nodata).strip("\0 ")) if re.fullmatch(r"[-+.\deE]+", str(nodata).strip("\0 ")) else np.nan
    if "wavelengths" in own:
        wavelengths, unit = np.array(own["wavelengths"]), "nm"
    return CubeDescription(
        name,
        array,
        band_axis=0,
        wavelengths=wavelengths,
        unit=unit,
        quantity=own.get("quantity", Quantity.UNKNOWN),
        provenance=_georeference(page) | own["provenance"],
        scale=scale,
        offset=offset,
        fill=(fill,) if np.isfinite(fill) else (),
    )


def _own(page: Any) -> dict[str, Any]:
    """Attributes that this program wrote as the description."""
    try:
        data = json.loads(page.description)
    except ValueError:
        return {}
    return data if isinstance(data, dict) and "wavelengths_nm" in data else {}


def _georeference(page: Any) -> dict[str, str]:
    """The map coordinates of a GeoTIFF, as an entry of the provenance."""
    where = Georeference.of_geotiff(page.geotiff_tags) if page.is_geotiff else None
    return {KEY: where.map_info()} if where is not None else {}


def _items(page: Any) -> list[tuple[str, int, str, str]]:
    """GDAL metadata items of a band: (name, band, role, text)."""
    text = page.tags.valueof(GDAL_METADATA, default="")
    if not isinstance(text, str) or "<!" in text:  # reject document types, which could define entities
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


def _listed_wavelengths(items: list[tuple[str, int, str, str]]) -> tuple[npt.NDArray[np.float64] | None, str]:
    """Wavelengths and their unit, from named items first, then from the band descriptions."""
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
    """Values by band; NaN, which is refused later, if missing."""
    if len(stated) <= max(stated):
        return np.full(len(stated), np.nan)
    return np.array([float(stated[band]) for band in sorted(stated)])


def _per_band(items: list[tuple[str, int, str, str]], role: str, default: float) -> npt.NDArray[np.float64]:
    stated = {band: text for _, band, which, text in items if which == role}
    return _numbers(stated) if stated else np.array([default])


def _gdal_tags(export: CubeWriterSource) -> list[tuple[int, str, int, str, bool]]:
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
    """A row of tiles, each (L, th, tw), zero outside the image."""
    bands, height, width = values.shape
    count = -(-width // tile[1])
    padded = np.zeros((bands, tile[0], count * tile[1]), values.dtype)
    padded[:, :height, :width] = values
    return np.split(padded, count, axis=2)
