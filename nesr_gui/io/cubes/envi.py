"""Cubes as ENVI files: a text header and a binary file, which is read on demand."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.protocol import CubeField
from nesr_gui.fields.sensor import SensorField
from nesr_gui.io.atomic import atomic_write_set, remove_stale
from nesr_gui.io.cubes import gdal_metadata
from nesr_gui.io.cubes.binary import write_block
from nesr_gui.io.cubes.decoding import decoding
from nesr_gui.io.cubes.description import MAX_SIDE, AmbiguousFile, CubeDescription, CubeHints, build_field
from nesr_gui.io.cubes.envi_header import (
    Header,
    data_files,
    header_of,
    header_text,
    is_header,
    name_taken,
    read_header,
)
from nesr_gui.io.cubes.export import FILL, CubeWriterSource, check_space
from nesr_gui.io.cubes.file_array import FileArray, WatchedFile
from nesr_gui.io.cubes.wavelengths import is_placeholder, named_in, numbers_in, parse_list, wavelengths_text
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.georeference import KEY
from nesr_gui.io.siblings import find_sibling
from nesr_gui.spectral import Quantity

BAND_AXIS = {"bsq": 0, "bil": 1, "bip": 2}  # whether bands, lines or pixels are contiguous
DESCRIBED = ("description", "sensor type", "acquisition time", "map info", "coordinate system string", "fwhm")


def write_cube(path: str | os.PathLike[str], export: CubeWriterSource) -> None:
    """Stream an export, band by band (bsq), to NAME.img, then write NAME.hdr; an existing set is replaced as a whole.

    Raises:
        FileExistsError: the data file belongs to another set, or the header to a spectral library.
        OSError: the folder is not writable or has too little space.
    """
    header = Path(os.path.realpath(path))
    data = _data_to_write(header)
    with atomic_write_set(data, header) as folder:
        check_space(header.parent, export.nbytes)
        with (folder / data.name).open("wb") as file:
            for _, block in export.blocks():
                write_block(file, block, export.shape)
        (folder / header.name).write_text(_header(export), encoding="utf-8")


def _data_to_write(header: Path) -> Path:
    """Data file of a new set: that of the set it replaces, which would be found before another one, else NAME.img.

    Raises:
        FileExistsError: there is a file of that name which is not described by the header, or describes a library.
    """
    remove_stale(header.parent)  # completes an export that was killed before its header had its name
    data = header.with_suffix(".img")
    with suppress(UnreadableFile, FileNotFoundError):  # nothing, or no set, is replaced
        older = read_header(header)
        if "library" in older.text("file type").lower():
            raise FileExistsError(
                f"cannot write {header.name}: it is the header of a spectral library; choose another name"
            )
        if not older.text("data file"):
            return _data(header, older, _Layout.of(older), CubeHints())
    if (other := find_sibling(header, [header.stem, data.name])) is not None:
        raise name_taken(header, other)
    return data


def open_cube(path: str | os.PathLike[str], reading: CubeHints | None = None) -> CubeField:
    """Open an ENVI set by its header or its data file; the data file that is chosen is the one that is read.

    Bands that `bbl` marks as bad, and values equal to `data ignore value`, are NaN. `CubeHints.variable` chooses one of
    several data files that fit a header.

    Raises:
        FileNotFoundError: the file or folder does not exist.
        AmbiguousFile: required information is missing.
        UnreadableFile: the header is damaged or contradicts the data.
    """
    path, reading = Path(path), reading or CubeHints()
    header = read_header(header_of(path))
    kind = header.text("file type").lower()
    if "library" in kind:
        raise UnreadableFile(f"{header.path.name} is a spectral library; load it as reference spectra")
    layout = _Layout.of(header)
    data = _data(path, header, layout, reading)
    array = _array(header, layout, data)
    found = _with_side_file(describe(header, array.dtype, layout.bands), data, array.dtype)
    trailing = array.file.size - layout.nbytes
    if trailing > 0:
        note = f"{data.name} has {trailing:,} bytes more than its header describes"
        decoding = replace(found.decoding, notes={**found.decoding.notes, "trailing_bytes": note})
        found = replace(found, decoding=decoding)
    return build_field(replace(found, array=array, band_axis=layout.band_axis), reading)


def _with_side_file(found: CubeDescription, data: Path, dtype: np.dtype[Any]) -> CubeDescription:
    """The description with the values without meaning that GDAL states beside the data, if the header states none."""
    stated = [] if found.decoding.fill else gdal_metadata.nodata(gdal_metadata.items_beside(data))
    if not stated:
        return found
    fill = decoding(dtype, fill=stated, scale=found.decoding.scale, offset=found.decoding.offset).fill
    return replace(found, decoding=replace(found.decoding, fill=fill))


@dataclass(frozen=True)
class _Layout:
    """Where the values are in a data file: shape and strides in file order, in bytes."""

    band_axis: int
    shape: tuple[int, int, int]
    strides: tuple[int, int, int]
    offset: int
    nbytes: int
    dtype: np.dtype[Any]

    @property
    def bands(self) -> int:
        """Number of bands."""
        return self.shape[self.band_axis]

    @classmethod
    def of(cls, header: Header) -> _Layout:
        """Layout that a header describes.

        The slowest axis counts major frames and the next one minor frames, each with bytes to skip before and after it
        (`major frame offsets`, `minor frame offsets`).
        """
        name = header.path.name
        bands, lines, samples = (header.integer(key) for key in ("bands", "lines", "samples"))
        if not all(1 <= size <= MAX_SIDE for size in (bands, lines, samples)):
            raise UnreadableFile(
                f"{name} states {samples} samples, {lines} lines, {bands} bands; each must be 1 to {MAX_SIDE:,}"
            )
        interleave = header.text("interleave", "bsq").lower()
        if interleave not in BAND_AXIS:
            raise UnreadableFile(f"{name} has interleave {interleave!r}; expected bsq, bil or bip")
        if header.integer("file compression", 0):
            raise UnreadableFile(
                f"{name} describes compressed data, which cannot be read in parts; decompress it first"
            )
        plane = [lines, samples]
        plane.insert(BAND_AXIS[interleave], bands)
        dtype, offset = header.dtype(), header.integer("header offset", 0)
        before_major, after_major = _frame_offsets(header, "major frame offsets")
        before_minor, after_minor = _frame_offsets(header, "minor frame offsets")
        minor = before_minor + plane[2] * dtype.itemsize + after_minor
        major = before_major + plane[1] * minor + after_major
        return cls(
            BAND_AXIS[interleave],
            (plane[0], plane[1], plane[2]),
            (major, minor, dtype.itemsize),
            offset + before_major + before_minor,
            offset + plane[0] * major,
            dtype,
        )


def _frame_offsets(header: Header, key: str) -> tuple[int, int]:
    values = header.numbers(key)
    if values is None:
        return 0, 0
    if values.size != 2 or (values < 0).any() or (values > MAX_SIDE).any() or (values % 1).any():
        raise UnreadableFile(f"{header.path.name} has {key} that are not two numbers of bytes")
    return int(values[0]), int(values[1])


def _data(path: Path, header: Header, layout: _Layout, reading: CubeHints) -> Path:
    """The data file that the user chose, or the only one beside the header that fits."""
    if path != header.path and not is_header(path):
        if (named := header.text("data file")) and named.casefold() != path.name.casefold():
            raise UnreadableFile(
                f"{header.path.name} describes {named[:80]!r}, not {path.name}; open the header instead"
            )
        return path
    candidates = data_files(header)
    fitting = [file for file in candidates if file.stat().st_size == layout.nbytes] or candidates[:1]
    chosen = [file for file in candidates if file.name == reading.variable]
    if not chosen and len(fitting) > 1:
        names = tuple(file.name for file in fitting)
        question = f"{header.path.name} describes {' and '.join(names)} equally well"
        raise AmbiguousFile(question, "variable", "", "", names)
    return (chosen or fitting)[0]


def _array(header: Header, layout: _Layout, data: Path) -> FileArray:
    file = WatchedFile(data)
    if layout.offset < 0 or file.size < layout.nbytes:
        raise UnreadableFile(
            f"{data.name} has {file.size:,} bytes; its header {header.path.name} describes {layout.nbytes:,}, so "
            "one of the two is damaged"
        )
    return FileArray(file, layout.dtype, layout.offset, layout.shape, layout.strides)


def describe(header: Header, dtype: np.dtype[Any], bands: int) -> CubeDescription:
    """What a header states about values of type `dtype` in `bands` bands; the array itself is that of the caller.

    Raises:
        UnreadableFile: factors that change the values are damaged.
    """
    name = header.path.name
    gain, offset, quantity = _gains(header, bands)
    factor, what, notes = header.scale_factor(bands)
    quantity = quantity or {"reflectance": Quantity.REFLECTANCE, "radiance": Quantity.RADIANCE}.get(what, "")
    bad_notes, bad = _bad_bands(header)
    provenance = {key: header.text(key) for key in DESCRIBED if header.text(key)}
    is_south_up = _is_south_up(header)
    if is_south_up:
        provenance[KEY] = _turned(header)
    try:
        decoded = decoding(
            dtype, fill=header.ignored(), scale=gain * factor, offset=offset * factor, notes={**notes, **bad_notes}
        )
    except UnreadableFile as error:
        raise UnreadableFile(f"cannot understand {name}: {error}") from error
    return CubeDescription(
        name,
        None,
        wavelengths=lambda: _wavelengths(header, bands),
        suggested=_suggested(header),
        quantity=Quantity(quantity) if quantity in set(Quantity) else Quantity.UNKNOWN,
        provenance={**provenance, **header.own()},
        decoding=decoded,
        bad=bad,
        upside_down=is_south_up,
    )


def _gains(header: Header, bands: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], str]:
    """Gains and offsets of the bands, and the quantity to which they lead; those of radiance precede reflectance."""
    for kind, quantity in (("data", ""), ("data reflectance", Quantity.REFLECTANCE.value)):
        pair = []
        for name, default in (("gain", 1.0), ("offset", 0.0)):
            key = f"{kind} {name} values"
            values = header.numbers(key)
            if values is not None and values.size not in (1, bands):
                raise UnreadableFile(f"{header.path.name} has {values.size} {key} for {bands} bands")
            pair.append(np.array([default]) if values is None else values)
        if f"{kind} gain values" in header.values or f"{kind} offset values" in header.values:
            return pair[0], pair[1], header.text("quantity") or quantity
    return np.ones(1), np.zeros(1), header.text("quantity")


def _bad_bands(header: Header) -> tuple[dict[str, str], npt.NDArray[np.bool_] | None]:
    try:
        good = header.numbers("bbl")
    except UnreadableFile as error:
        return {"bad_bands": f"{error}; it was left aside"}, None
    return {}, None if good is None else good == 0


def _wavelengths(header: Header, bands: int) -> tuple[npt.NDArray[np.float64] | None, str]:
    """Wavelengths and unit of the list, else of the names of the bands; damaged text is asked about."""
    name, unit, text = header.path.name, header.text("wavelength units"), header.text("wavelength")
    if text.strip() and unit.lower() != "index":
        items = header.values["wavelength"]
        parsed = parse_list(text) or (named_in(items) if isinstance(items, list) else None)
        if "wavelength" in header.unclosed:
            raise AmbiguousFile(f"{name} is cut short: the list of 'wavelength' has no end", "wavelengths")
        if parsed is None:
            likely = numbers_in(items) if isinstance(items, list) and len(items) == bands else None
            guess = ("", "") if likely is None else (wavelengths_text(likely), "the numbers in it")
            raise AmbiguousFile(f"{name} has a wavelength that is not a list of numbers", "wavelengths", *guess)
        if not is_placeholder(parsed[0]):
            return parsed[0], parsed[1] or unit
    names = header.values.get("band names")
    named = named_in(names) if isinstance(names, list) and len(names) == bands else None
    return named if named is not None else (None, "")


def _suggested(header: Header) -> tuple[npt.NDArray[np.float64], str] | None:
    """Numbers in the names of bands, which may be wavelengths."""
    names = header.values.get("band names")
    values = numbers_in(names) if isinstance(names, list) else None
    return None if values is None else (values, "the numbers in the names of the bands")


def _is_south_up(header: Header) -> bool:
    """Whether `map info` lets rows run from south to north: by a negative height of pixels, or as GDAL writes it.

    GDAL writes, and reads, a rotation by 180 degrees for an image that is upside down without being mirrored.
    """
    info = header.values.get(KEY)
    try:
        if not isinstance(info, list) or len(info) < 7 or not float(info[5]) > 0:
            return False
        turns = [abs(float(turn)) for part in info if (turn := _rotation(part))]
        return turns == [180] if turns and turns != [0] else float(info[6]) < 0
    except ValueError:
        return False


def _rotation(part: str) -> str:
    name, _, value = part.partition("=")
    return value if name.strip().lower() == "rotation" else ""


def _turned(header: Header) -> str:
    """The `map info` of a south-up image after its rows were reversed: its reference row counts from the other end."""
    info = [str(part) for part in header.values[KEY] if not _rotation(part)]
    info[2] = f"{header.integer('lines') + 2 - float(info[2]):.10g}"
    info[6] = f"{abs(float(info[6])):.15g}"
    return ", ".join(info)


def _band_names(export: CubeWriterSource) -> list[str]:
    """Names of the bands: those of a sensor, or the wavelength; without characters that end an entry of a list."""
    names = [f"{nm:.10g} nm" for nm in export.wavelengths]
    if isinstance(export.field, SensorField):
        names = [band.name for band in export.field.sensor.bands]
    return [" ".join(re.sub(r"[,{}]", " ", name).split()) for name in names]


def _header(export: CubeWriterSource) -> str:
    bands, lines, samples = export.shape
    values: dict[str, Any] = {
        "samples": samples,
        "lines": lines,
        "bands": bands,
        "header offset": 0,
        "file type": "ENVI Standard",
        "data type": 12 if export.encoding.is_packed else 4,
        "interleave": "bsq",
        "byte order": 0,
        "wavelength units": "Nanometers",
        "wavelength": [repr(nm) for nm in export.wavelengths],
        "band names": _band_names(export),
        "quantity": export.field.quantity.value,
    }
    if isinstance(export.field, SensorField):
        values["fwhm"] = [repr(band.fwhm) for band in export.field.sensor.bands]
    provenance = export.provenance
    if KEY in provenance:
        values[KEY] = [part.strip() for part in provenance[KEY].split(",")]
    if (lines, samples) != export.field.shape:
        values |= {"x start": export.cols.start + 1, "y start": export.rows.start + 1}  # ENVI counts from 1
    if export.encoding.is_packed:
        values["data ignore value"] = FILL
        if export.field.quantity is Quantity.REFLECTANCE:
            values["reflectance scale factor"] = repr(1 / export.encoding.scale)
        else:
            values["data gain values"] = [repr(export.encoding.scale)] * bands
    return header_text(values, provenance)
