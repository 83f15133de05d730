"""Cubes as ENVI sets: a text header and a file of plain numbers, mapped into memory and never read as a whole."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from nesr_gui.fields.protocol import CubeField
from nesr_gui.fields.sensor import SensorField
from nesr_gui.io.atomic import replacing_set
from nesr_gui.io.envi_header import Header, data_of, header_of, header_text, read_header
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.export import FILL, Export, check_space
from nesr_gui.io.planar import write_block
from nesr_gui.io.reading import MAX_SIDE, Found, Reading, field_of
from nesr_gui.spectral import Quantity

BAND_AXIS = {"bsq": 0, "bil": 1, "bip": 2}  # bands, lines or pixels follow each other as a whole
DESCRIBED = ("description", "sensor type", "acquisition time", "map info", "coordinate system string", "fwhm")


def write_cube(path: str | os.PathLike[str], export: Export) -> None:
    """Stream an export, band after band (bsq), into NAME.img, then write NAME.hdr; an older set is replaced whole."""
    header = Path(os.path.realpath(path))
    data = header.with_suffix(".img")
    if header.is_file():  # or the older data would be found before the new
        try:
            data = data_of(read_header(header))
        except (UnreadableFile, OSError):
            data = header.with_suffix(".img")
    with replacing_set(data, header) as folder:
        check_space(header.parent, export.nbytes)
        with (folder / data.name).open("wb") as file:
            for _, block in export.blocks():
                write_block(file, block, export.shape)
        (folder / header.name).write_text(_header(export), encoding="utf-8")


def open_cube(path: str | os.PathLike[str], reading: Reading | None = None) -> CubeField:
    """Open an ENVI set by its header or its data file, mapped into memory.

    Bands that `bbl` marks as bad, and numbers equal to `data ignore value`, are NaN.

    Raises:
        FileNotFoundError: there is no such file.
        Unclear: the header does not say what must be known.
        UnreadableFile: the header is damaged or contradicts the data.
    """
    header = read_header(header_of(Path(path)))
    if "library" in header.text("file type").lower():
        raise UnreadableFile(f"{header.path.name} is a spectral library; open it as curves")
    return field_of(_found(header, _mapped(header)), reading or Reading())


def _mapped(header: Header) -> np.ndarray[Any, Any]:
    """The numbers in the order of the file, not read."""
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
        raise UnreadableFile(f"{name} describes compressed data, which cannot be mapped; decompress it first")
    plane = [lines, samples]
    plane.insert(BAND_AXIS[interleave], bands)
    data, dtype, offset = data_of(header), header.dtype(), header.integer("header offset", 0)
    needed = offset + math.prod(plane) * dtype.itemsize
    size = data.stat().st_size
    if offset < 0 or size < needed:
        raise UnreadableFile(
            f"{data.name} has {size:,} bytes; its header {name} describes {needed:,}, so one of the two is damaged"
        )
    return np.memmap(data, dtype, "r", offset, (plane[0], plane[1], plane[2]))


def _found(header: Header, array: np.ndarray[Any, Any]) -> Found:
    axis = BAND_AXIS[header.text("interleave", "bsq").lower()]
    bands = array.shape[axis]
    unit = header.text("wavelength units")
    wavelengths = None if unit.lower() == "index" else header.numbers("wavelength")
    listed = {key: header.numbers(key) for key in ("data gain values", "data offset values", "bbl")}
    for key, values in listed.items():
        if values is not None and values.size != bands:
            raise UnreadableFile(f"{header.path.name} has {values.size} {key} for {bands} bands")
    gain, offset, good = listed.values()
    scale = np.ones(1) if gain is None else gain
    quantity = header.text("quantity")
    if (factor := header.numbers("reflectance scale factor")) is not None:
        if factor.size != 1 or factor[0] == 0:
            raise UnreadableFile(f"{header.path.name} has a reflectance scale factor that is not one number above 0")
        scale = scale / factor[0]
        quantity = quantity or Quantity.REFLECTANCE
    ignored = header.numbers("data ignore value")
    provenance = {key: header.text(key) for key in DESCRIBED if header.text(key)}
    return Found(
        header.path.name,
        array,
        band_axis=axis,
        wavelengths=wavelengths,
        unit=unit,
        quantity=Quantity(quantity) if quantity in set(Quantity) else Quantity.UNKNOWN,
        provenance={**provenance, **header.own()},
        scale=scale,
        offset=np.zeros(1) if offset is None else offset,
        fill=() if ignored is None else tuple(ignored[np.isfinite(ignored)].tolist()),
        bad=None if good is None else good == 0,
    )


def _header(export: Export) -> str:
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
        "quantity": export.field.quantity.value,
    }
    if isinstance(export.field, SensorField):
        values["fwhm"] = [repr(band.fwhm) for band in export.field.sensor.bands]
    if (lines, samples) != export.field.shape:
        values |= {"x start": export.cols.start + 1, "y start": export.rows.start + 1}  # ENVI counts from 1
    if export.encoding.is_packed:
        values["data ignore value"] = FILL
        if export.field.quantity is Quantity.REFLECTANCE:
            values["reflectance scale factor"] = repr(1 / export.encoding.scale)
        else:
            values["data gain values"] = [repr(export.encoding.scale)] * bands
    return header_text(values, export.provenance)
