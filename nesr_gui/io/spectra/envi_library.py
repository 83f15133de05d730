"""Spectra as ENVI spectral libraries: NAME.sli, a table with one spectrum per line, and its header NAME.hdr."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.io.atomic import atomic_write_set
from nesr_gui.io.cubes import envi
from nesr_gui.io.cubes.description import AmbiguousFile
from nesr_gui.io.cubes.envi_header import (
    Header,
    data_of,
    file_type,
    header_beside,
    header_of,
    header_text,
    is_header,
    name_taken,
    read_header,
)
from nesr_gui.io.cubes.wavelengths import MAX_BANDS, contradiction, parse_list, to_nanometres, wavelengths_text
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.names import readable
from nesr_gui.spectral import Spectrum, Wavelengths

MAX_CURVES = 1_000_000


def write_curves(
    path: str | os.PathLike[str], curves: Sequence[Spectrum], *, provenance: Mapping[str, str] | None = None
) -> None:
    """Write spectra with common wavelengths as float32.

    Commas in the names become semicolons for other programs.

    Raises:
        ValueError: there are no spectra, or their wavelengths differ.
        FileExistsError: the header belongs to another file.
        OSError: the folder is not writable.
    """
    if not curves:
        raise ValueError("no spectra to write; expected at least one")
    nm = curves[0].wavelengths.nm
    if any(not np.array_equal(curve.wavelengths.nm, nm) for curve in curves):
        raise ValueError("the spectra have different wavelengths; a library requires common wavelengths")
    names = [curve.name for curve in curves]
    values = {
        "samples": nm.size,
        "lines": len(curves),
        "bands": 1,
        "header offset": 0,
        "file type": "ENVI Spectral Library",
        "data type": 4,
        "interleave": "bsq",
        "byte order": 0,
        "wavelength units": "Nanometers",
        "wavelength": [repr(value) for value in nm.tolist()],
        "spectra names": [_listed(name) for name in names],
    }
    data = Path(os.path.realpath(path))
    header = data.with_suffix(".hdr")
    older = header_beside(data) or header
    is_replaced = older == header and data.is_file() and "library" in file_type(header)
    if older.exists() and not is_replaced:
        raise name_taken(data, older)
    with atomic_write_set(data, header) as folder:
        np.stack([curve.values for curve in curves]).astype("<f4").tofile(folder / data.name)
        own = {**(provenance or {}), "names": json.dumps(names)}
        (folder / header.name).write_text(readable(header_text(values, own)), encoding="utf-8")


def read_curves(path: str | os.PathLike[str]) -> list[Spectrum]:
    """Read a spectral library by its data file or its header.

    Numbers become values as in images of ENVI: gains, offsets and scale factors are applied, and the ignore value and
    bad bands are NaN.

    Raises:
        FileNotFoundError: the file does not exist.
        AmbiguousFile: the header states no wavelengths.
        UnreadableFile: it is damaged or not a spectral library.
    """
    path = Path(path)
    header = read_header(header_of(path))
    length, count = header.integer("samples"), header.integer("lines")
    if "library" not in header.text("file type").lower() or header.integer("bands", 1) != 1:
        raise UnreadableFile(f"{header.path.name} is not a spectral library; open an image as a cube")
    if not (1 <= length <= MAX_BANDS and 1 <= count <= MAX_CURVES):
        raise UnreadableFile(f"{header.path.name} states {count} spectra of {length} values, which cannot be")
    dtype, offset = header.dtype(), header.integer("header offset", 0)
    data = data_of(header) if is_header(path) else path
    if offset < 0 or data.stat().st_size < offset + count * length * dtype.itemsize:
        raise UnreadableFile(f"{data.name} is shorter than its header {header.path.name} says; copy both again")
    stored = np.fromfile(data, dtype, count * length, offset=offset)
    if stored.size < count * length:
        raise UnreadableFile(f"{data.name} is shorter than its header {header.path.name} says; copy both again")
    values = _decoded(header, stored.reshape(count, length))
    nm = _positions(header, length)
    order = np.argsort(nm, kind="stable")
    try:
        wavelengths = Wavelengths(nm[order])
    except ValueError as error:
        raise UnreadableFile(f"cannot understand {header.path.name}: {error}") from error
    return [
        Spectrum(wavelengths, curve[order].astype(np.float32), name)
        for curve, name in zip(values, _names(header, count), strict=True)
    ]


def _decoded(header: Header, stored: npt.NDArray[Any]) -> npt.NDArray[np.floating]:
    """Values of stored spectra (spectra, L)."""
    found = envi.describe(header, stored.dtype, stored.shape[1])
    values = found.decoding.decode(stored.T).T
    if found.bad is not None and found.bad.size == stored.shape[1]:
        values[:, found.bad] = np.nan
    return values


def _positions(header: Header, length: int) -> npt.NDArray[np.float64]:
    name = header.path.name
    if not (text := header.text("wavelength").strip()):
        raise AmbiguousFile(f"{name} does not state the wavelengths of its {length} values", "wavelengths")
    parsed = parse_list(text)
    if parsed is None or "wavelength" in header.unclosed:
        raise AmbiguousFile(f"{name} has wavelengths that are not a list of numbers", "wavelengths")
    given, unit = parsed[0], parsed[1] or header.text("wavelength units")
    if given.size != length:
        raise UnreadableFile(f"{name} has {given.size} wavelengths for spectra of {length} values")
    try:
        reason, likely = contradiction(given, unit)
        nm = to_nanometres(given, unit).nm
    except ValueError as error:
        raise UnreadableFile(f"cannot understand the wavelengths of {name}: {error}") from error
    if reason:
        guess = "" if likely is None else wavelengths_text(likely)
        why = "the same numbers in another unit" if guess else ""
        raise AmbiguousFile(f"{name} {reason}", "wavelengths", guess, why)
    return nm


def _names(header: Header, count: int) -> list[str]:
    """Names from our own list, which may contain commas, or the standard list; numbers otherwise."""
    try:
        own = json.loads(header.own().get("names", ""))
    except ValueError:
        own = header.values.get("spectra names", [])
    names = [str(name) for name in own] if isinstance(own, list) else [str(own)]
    return names if len(names) == count else [f"spectrum {number}" for number in range(1, count + 1)]


def _listed(name: str) -> str:
    """Name in a form that is valid in a list of a header."""
    return " ".join(name.translate(str.maketrans(",{}", ";()")).split()) or "-"
