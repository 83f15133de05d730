"""Cubes as TIFF: read strip by strip or tile by tile, written as tiled BigTIFF with wavelengths in GDAL's metadata."""

from __future__ import annotations

import json
import logging
import math
import os
import re
import struct
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import tifffile

from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.atomic import atomic_write
from nesr_gui.io.cubes import envi, gdal_metadata
from nesr_gui.io.cubes.binary import describe_export, validate_description
from nesr_gui.io.cubes.decoding import decoding
from nesr_gui.io.cubes.description import AmbiguousFile, CubeDescription, CubeHints, build_field
from nesr_gui.io.cubes.dlr import read_metadata
from nesr_gui.io.cubes.envi_header import Header, data_files, header_beside, read_header
from nesr_gui.io.cubes.export import FILL, CubeWriterSource, check_space
from nesr_gui.io.cubes.file_array import FileArray, WatchedFile
from nesr_gui.io.cubes.gdal_metadata import parse_xml
from nesr_gui.io.cubes.wavelengths import MAX_BANDS, is_placeholder, named_in, numbers_in, parse_list
from nesr_gui.io.errors import UnreadableFile, error_message
from nesr_gui.io.georeference import KEY, PIXEL_SCALE, TRANSFORMATION, Georeference, length_in_metres
from nesr_gui.io.siblings import find_sibling
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


def check_pages(tiff: tifffile.TiffFile) -> None:
    """Check that the chain of pages has an end, before tifffile follows it.

    Raises:
        UnreadableFile: it runs in a circle, or has more pages than a cube has bands.
    """
    layout, handle = tiff.tiff, tiff.filehandle
    pages: Any = tiff.pages
    offset, seen = int(pages[0].offset), set[int]()
    while offset:
        if offset in seen or len(seen) > MAX_BANDS:
            raise UnreadableFile("its pages run in a circle, or are too many")
        seen.add(offset)
        handle.seek(offset)
        count = handle.read(layout.tagnosize)
        if len(count) < layout.tagnosize:
            return
        handle.seek(offset + layout.tagnosize + struct.unpack(layout.tagnoformat, count)[0] * layout.tagsize)
        following = handle.read(layout.offsetsize)
        if len(following) < layout.offsetsize:
            return
        offset = struct.unpack(layout.offsetformat, following)[0]


def _segment_size(page: Any) -> tuple[int, int]:
    """Rows and columns of a strip or tile."""
    if page.is_tiled:
        return page.tilelength, page.tilewidth
    return min(page.rowsperstrip or page.imagelength, page.imagelength), page.imagewidth


class TiffBands:
    """(L, H, W) array over a page with L channels or planes, or over L pages; slices read what they need."""

    def __init__(self, path: Path, pages: list[Any]) -> None:
        self._file, self._pages = WatchedFile(path), pages
        page = pages[0]
        self.dtype = np.dtype(page.dtype)
        self.shape = (max(page.samplesperpixel, len(pages)), page.imagelength, page.imagewidth)
        self._interleaved = page.samplesperpixel > 1 and page.planarconfig == 1
        self._side = _segment_size(page)

    def __getitem__(self, window: tuple[slice, slice, slice]) -> npt.NDArray[Any]:
        bands, rows, cols = (range(*part.indices(size)) for part, size in zip(window, self.shape, strict=True))
        self._file.check()
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
        count = page.databytecounts[index]
        data = bytes(self._file.read(page.dataoffsets[index], count)) if count else None
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
DESCRIPTION, PAGE_NAME, GDAL_METADATA, GDAL_NODATA = 270, 285, 42112, 42113
FEWEST = 5  # minimum bands of a cube without wavelengths, to distinguish it from a photograph
MAX_SPOTS = 8  # channels of an RGB photograph with spot colours or masks
REDUCED, MASK = 1, 4  # bits of NewSubfileType


def write_cube(path: str | os.PathLike[str], export: CubeWriterSource) -> None:
    """Stream an export to a tiled file with the bands as separate planes, some tiles at a time.

    It is a GeoTIFF if the provenance states a georeference.

    Raises:
        OSError: the folder is not writable or has too little space.
    """
    bands, height, width = export.shape
    where = Georeference.parse(export.provenance.get(KEY, ""))
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
                extratags=[*_gdal_tags(export), *(where.geotiff_tags() if where is not None else ())],
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

    What an ENVI header NAME.hdr or the metadata of EnMAP or DESIS beside it state completes what the file states.

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
        tiff = tifffile.TiffFile(path, _multifile=False)
        check_pages(tiff)
        check_decodable(image_pages(tiff)[0])
        field = build_field(_found(path, tiff), reading or CubeHints())
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


def image_pages(tiff: tifffile.TiffFile) -> list[Any]:
    """Pages that are images, without reduced versions and masks; all pages if there are no others."""
    pages: list[Any] = list(tiff.pages)
    return [page for page in pages if not page.subfiletype & (REDUCED | MASK)] or pages


def is_cube(path: Path) -> bool:
    """Whether a TIFF states wavelengths or has more bands than a photograph; False if it is not readable.

    RGB with some extra channels is a photograph.
    """
    try:
        with tifffile.TiffFile(path, _multifile=False) as tiff:
            check_pages(tiff)
            first: Any = tiff.pages[0]
            if first.samplesperpixel == 1 and first.bitspersample < 8:  # a document, perhaps of many pages
                return False
            pages = image_pages(tiff)
            page = pages[0]
            bands = max(page.samplesperpixel, len(pages), _images(page))
            if _own(page) or _stated_wavelengths(path, tiff, pages, bands)[0] is not None:
                return True
            if page.photometric == tifffile.PHOTOMETRIC.RGB and page.samplesperpixel <= MAX_SPOTS:
                return False
            return page.samplesperpixel >= FEWEST or (page.samplesperpixel == 1 and _is_stack(pages))
    except Exception:  # the photograph reader reports what is wrong with it
        return False


def _images(page: Any) -> int:
    """Number of images that ImageJ or tifffile state for one directory; the data of the others follow its own."""
    if page.is_imagej:
        match = re.search(r"^images=(\d{1,9})$", page.description, re.MULTILINE)
        return int(match[1]) if match else 1
    shape = _json(page).get("shape")
    if page.is_shaped and isinstance(shape, list) and len(shape) >= 3 and all(isinstance(size, int) for size in shape):
        planes = math.prod(shape) // max(page.imagelength * page.imagewidth * page.samplesperpixel, 1)
        return max(planes, 1)
    return 1


def _is_stack(pages: list[Any], fewest: int = FEWEST) -> bool:
    """Whether there are many pages like the first; those of icons and documents differ in size or are bilevel."""
    first = pages[0]
    if len(pages) == 1:
        return _images(first) >= fewest
    return len(pages) >= fewest and first.bitspersample >= 8 and all(page.shape == first.shape for page in pages)


def _array(path: Path, tiff: tifffile.TiffFile, pages: list[Any]) -> TiffBands | FileArray:
    """The bands: channels of the main page, pages, or the images that follow a single directory.

    Raises:
        UnreadableFile: there are fewer images than the file states, or they differ in more than one way.
    """
    page = pages[0]
    if page.samplesperpixel > 1 or not _is_stack(pages, fewest=2):
        return TiffBands(path, [page])
    _check_single_axis(tiff, pages)
    if len(pages) == 1:
        if not page.is_contiguous or page.compression != 1:
            raise UnreadableFile(f"it states {_images(page)} images and stores one")
        dtype = np.dtype(page.dtype).newbyteorder(tiff.byteorder)
        return FileArray(
            WatchedFile(path), dtype, page.dataoffsets[0], (_images(page), page.imagelength, page.imagewidth)
        )
    if page.is_imagej and _images(page) not in (1, len(pages)):
        raise UnreadableFile(f"it states {_images(page)} images and has {len(pages)}")
    return TiffBands(path, pages)


def _check_single_axis(tiff: tifffile.TiffFile, pages: list[Any]) -> None:
    """Check that a stack runs over one thing, not over channels and slices or times.

    Raises:
        UnreadableFile: it does not.
    """
    page = pages[0]
    sizes: dict[str, int] = {}
    if page.is_imagej:
        found = re.findall(r"^(channels|slices|frames)=(\d{1,9})$", page.description, re.MULTILINE)
        sizes = {name: int(size) for name, size in found}
    elif page.is_ome and (pixels := _ome_pixels(tiff)) is not None:
        sizes = {axis: int(pixels.get(f"Size{axis}", "1")) for axis in "CZT"}
        planes = math.prod(sizes.values())
        if planes != len(pages):
            raise UnreadableFile(f"it is a part of a set: it states {planes} images and has {len(pages)}")
    several = {name: size for name, size in sizes.items() if size > 1}
    if len(several) > 1:
        listed = " and ".join(f"{size} {name}" for name, size in several.items())
        raise UnreadableFile(f"it is a stack over {listed}; expected one image per band, so save one of them")


def _found(path: Path, tiff: tifffile.TiffFile) -> CubeDescription:
    pages = image_pages(tiff)
    page, array = pages[0], _array(path, tiff, pages)
    bands = array.shape[0]
    items, own = _items(path, page), validate_description(_own(page))
    wavelengths, unit = _stated_wavelengths(path, tiff, pages, bands)
    nodata = page.tags.valueof(GDAL_NODATA, default=None)
    product, header = read_metadata(path, bands), _sidecar(path, array)
    has_scale = any(item.role in ("scale", "offset") for item in items)
    fills = [*([str(nodata)] if nodata is not None else []), *gdal_metadata.nodata(items)]
    decoded = decoding(
        array.dtype,
        fill=fills or (product.fill if product else []),
        scale=product.gain if product and not has_scale else gdal_metadata.per_band(items, "scale", 1.0),
        offset=product.offset if product and not has_scale else gdal_metadata.per_band(items, "offset", 0.0),
    )
    likely = gdal_metadata.suggested(items, bands)
    likely = numbers_in(_page_names(pages, bands)) if likely is None else likely
    found = CubeDescription(
        path.name,
        array,
        band_axis=0,
        wavelengths=wavelengths,
        unit=unit,
        suggested=None if likely is None else (likely, "the numbers in the names of the bands"),
        quantity=own.get("quantity", product.quantity if product else Quantity.UNKNOWN),
        provenance=_georeference(tiff, page) | own["provenance"],
        decoding=decoded,
        bad=gdal_metadata.bad_bands(items),
        valid=_mask(path, tiff, page),
        upside_down=_is_south_up(page),
    )
    if "wavelengths" in own:
        return replace(found, wavelengths=np.array(own["wavelengths"]), unit="nm")
    if product is not None:
        found = replace(found, provenance={**found.provenance, "product": product.product})
    if header is None:
        return found
    return _completed(found, header, bool(fills or decoded.fill), has_scale or product is not None)


def _mask(path: Path, tiff: tifffile.TiffFile, page: Any) -> TiffBands | None:
    """Mask of valid pixels as GDAL writes it: a page of the file, or of NAME.EXT.msk beside it; None without one."""
    pages: list[Any] = list(tiff.pages)
    inside = [mask for mask in pages if mask.subfiletype & MASK and mask.shape[:2] == _size(page)]
    if inside:
        return TiffBands(path, inside[:1])
    beside = find_sibling(path, [f"{path.name}.msk"])
    if beside is None:
        return None
    with tifffile.TiffFile(beside, _multifile=False) as opened:
        check_pages(opened)
        masks = [mask for mask in opened.pages if mask.shape[:2] == _size(page)]
        if not masks:
            return None
        check_decodable(masks[0])
        return TiffBands(beside, masks[:1])


def _size(page: Any) -> tuple[int, int]:
    return page.imagelength, page.imagewidth


def _sidecar(path: Path, array: TiffBands | FileArray) -> Header | None:
    """ENVI header beside a TIFF, if it describes an image of the same size and type, and no other file."""
    beside = header_beside(path)
    if beside is None:
        return None
    try:
        header = read_header(beside)
        sizes = tuple(header.integer(key) for key in ("bands", "lines", "samples"))
        dtype = header.dtype()
    except UnreadableFile:
        return None
    is_alike = sizes == array.shape and dtype.name == array.dtype.name  # names are the same for both orders of bytes
    nbytes = math.prod(sizes) * dtype.itemsize
    return header if is_alike and not _describes_another(header, path, nbytes) else None


def _describes_another(header: Header, path: Path, nbytes: int) -> bool:
    """Whether a header names another file than the TIFF `path`, or has a data file that can hold what it describes."""
    if named := header.text("data file"):
        return named.casefold() != path.name.casefold()
    if "tif" in header.text("file type").lower():
        return False
    try:
        files = data_files(header)
    except UnreadableFile:
        return False
    return any(file.name.casefold() != path.name.casefold() and file.stat().st_size >= nbytes for file in files)


def _completed(found: CubeDescription, header: Header, has_nodata: bool, has_scale: bool) -> CubeDescription:
    """The description with what the header beside it adds, and a note if that changes the values."""
    beside = envi.describe(header, np.dtype(found.array.dtype), found.array.shape[0])
    has_factors = bool((beside.decoding.scale != 1).any() or beside.decoding.offset.any())
    parts = {
        "factors": has_factors and not has_scale,
        "values that mean none": bool(beside.decoding.fill) and not has_nodata,
        "bad bands": beside.bad is not None and bool(beside.bad.any()),
    }
    applied = " and ".join(part for part, is_applied in parts.items() if is_applied)
    noted = {"header": f"{applied} of {header.path.name} were applied"} if applied else {}
    decoded = replace(
        found.decoding,
        fill=found.decoding.fill if has_nodata else beside.decoding.fill,
        scale=found.decoding.scale if has_scale else beside.decoding.scale,
        offset=found.decoding.offset if has_scale else beside.decoding.offset,
        notes={**found.decoding.notes, **beside.decoding.notes, **noted},
    )
    is_known = found.quantity is not Quantity.UNKNOWN
    is_placed = KEY in found.provenance
    return replace(
        found,
        wavelengths=beside.wavelengths if found.wavelengths is None else found.wavelengths,
        suggested=beside.suggested or found.suggested,
        quantity=found.quantity if is_known else beside.quantity,
        provenance={**beside.provenance, **found.provenance, "described_by": header.path.name},
        decoding=decoded,
        bad=found.bad if beside.bad is None else beside.bad,
        upside_down=found.upside_down or (beside.upside_down and not is_placed),
    )


def _is_south_up(page: Any) -> bool:
    """Whether the tags of a GeoTIFF let rows run from south to north."""
    matrix = np.ravel(page.tags.valueof(TRANSFORMATION, default=()))
    scale = np.ravel(page.tags.valueof(PIXEL_SCALE, default=()))
    is_turned = matrix.size == 16 and matrix[1] == 0 == matrix[4] and matrix[0] > 0 and matrix[5] > 0
    return bool(is_turned or (scale.size >= 2 and scale[1] < 0 < scale[0]))


def _json(page: Any) -> dict[str, Any]:
    """The description of a page as JSON; empty if it is none."""
    try:
        data = json.loads(page.description)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _own(page: Any) -> dict[str, Any]:
    """Attributes that this program wrote as the description."""
    data = _json(page)
    return data if "wavelengths_nm" in data else {}


def _georeference(tiff: tifffile.TiffFile, page: Any) -> dict[str, str]:
    """Map coordinates of a GeoTIFF shown north up, or the pixel size of an OME-TIFF, as an entry of the provenance."""
    where = Georeference.of_page(page) or _ome_pixel_size(tiff)
    where = where.flipped(page.imagelength) if where is not None and _is_south_up(page) else where
    text = where.map_info() if where is not None else ""
    return {KEY: text} if text else {}


def _ome_pixel_size(tiff: tifffile.TiffFile) -> Georeference | None:
    """The size of pixels that an OME-TIFF states; the position of the image is unknown."""
    pixels = _ome_pixels(tiff)
    if pixels is None:
        return None
    sizes = []
    for axis in "XY":
        metres = length_in_metres(pixels.get(f"PhysicalSize{axis}Unit", "µm"))  # OME's default
        numbers = parse_list(pixels.get(f"PhysicalSize{axis}", ""))
        if metres is None or numbers is None or numbers[0].size != 1 or not 0 < numbers[0][0] < math.inf:
            return None
        sizes.append(float(numbers[0][0]) * metres)
    return Georeference.upright((0.0, 0.0), (sizes[0], sizes[1]), metres=1.0)


def _items(path: Path, page: Any) -> list[gdal_metadata.Item]:
    """Metadata of GDAL in the file and beside it; what is in it comes first."""
    own = gdal_metadata.items_in(page.tags.valueof(GDAL_METADATA, default=""))
    known = {(item.name, item.band, item.role) for item in own}
    return own + [item for item in gdal_metadata.items_beside(path) if (item.name, item.band, item.role) not in known]


def _page_names(pages: list[Any], bands: int) -> list[str]:
    """Names or descriptions of the pages of a stack with one page per band; none for other files."""
    if bands < 2 or len(pages) != bands or not _is_stack(pages, fewest=2):
        return []
    named = [(page.tags.valueof(PAGE_NAME, default=""), page.tags.valueof(DESCRIPTION, default="")) for page in pages]
    return [str(name or description) for name, description in named]


def _stated_wavelengths(
    path: Path, tiff: tifffile.TiffFile, pages: list[Any], bands: int
) -> tuple[npt.NDArray[np.float64] | None, str]:
    """Wavelengths and their unit: of GDAL's metadata, names of OME's channels, the description, or names of pages."""
    listed = gdal_metadata.wavelengths(_items(path, pages[0]), bands)
    for found in (listed, _channel_names(tiff), _described(tiff, pages[0], bands), named_in(_page_names(pages, bands))):
        if found is not None and found[0].size == bands and not is_placeholder(found[0]):
            return found
    product = read_metadata(path, bands)
    return (None, "") if product is None else (product.wavelengths, "nm")


def _ome_pixels(tiff: tifffile.TiffFile) -> ElementTree.Element | None:
    """The element that describes the pixels of the first image of an OME-TIFF."""
    page: Any = tiff.pages[0]
    root = parse_xml(page.description) if page.is_ome else None
    return None if root is None else next((e for e in root.iter() if e.tag.rpartition("}")[2] == "Pixels"), None)


def _channel_names(tiff: tifffile.TiffFile) -> tuple[npt.NDArray[np.float64], str] | None:
    """From the names of OME's channels, else from the wavelengths of their emission; or from the labels of ImageJ."""
    pixels = _ome_pixels(tiff)
    if pixels is None:
        labels = (tiff.imagej_metadata or {}).get("Labels") if tiff.is_imagej else None
        return named_in([str(label) for label in labels]) if isinstance(labels, list) else None
    channels = [element for element in pixels if element.tag.rpartition("}")[2] == "Channel"]
    if (found := named_in([channel.get("Name", "") for channel in channels])) is not None:
        return found
    stated = {band: channel.get("EmissionWavelength", "") for band, channel in enumerate(channels)}
    units = {channel.get("EmissionWavelengthUnit", "nm") for channel in channels}
    return (gdal_metadata.numbers_by_band(stated), units.pop()) if len(units) == 1 and all(stated.values()) else None


def _described(tiff: tifffile.TiffFile, page: Any, bands: int) -> tuple[npt.NDArray[np.float64], str] | None:
    """From a list `wavelengths` in the description, as JSON or as metadata of ImageJ."""
    described = {**((tiff.imagej_metadata or {}) if tiff.is_imagej else {}), **_json(page)}
    for name, value in described.items():
        if re.fullmatch(r"(center_?)?wavelengths?(_nm)?", str(name), re.IGNORECASE):
            parsed = parse_list(str(value))
            if parsed is not None and parsed[0].size == bands:
                return parsed[0], parsed[1] or str(described.get("wavelength_units", ""))
    return None


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
