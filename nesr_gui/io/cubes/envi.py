"""Cubes as ENVI files: a text header of `key = value` lines and a binary file, which is memory-mapped."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.protocol import CubeField
from nesr_gui.fields.sensor import SensorField
from nesr_gui.io.atomic import atomic_write_set
from nesr_gui.io.cubes.binary import write_block
from nesr_gui.io.cubes.description import MAX_SIDE, CubeDescription, CubeHints, build_field
from nesr_gui.io.cubes.export import FILL, CubeWriterSource, check_space
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.regions.georeference import KEY
from nesr_gui.spectral import Quantity

MAX_HEADER = 16 << 20  # bytes; a header with 100,000 bands has 2 MB
DATA_TYPES = {1: "u1", 2: "i2", 3: "i4", 4: "f4", 5: "f8", 6: "c8", 9: "c16", 12: "u2", 13: "u4", 14: "i8", 15: "u8"}
DATA_ENDINGS = ("", ".img", ".dat", ".sli", ".raw", ".bsq", ".bil", ".bip", ".bin", ".hyspex")
LINE = 100  # characters per line of a list: GDAL's limit is 10,000
OURS = "nesr "  # prefix of our own keys
BAND_AXIS = {"bsq": 0, "bil": 1, "bip": 2}  # whether bands, lines or pixels are contiguous
DESCRIBED = ("description", "sensor type", "acquisition time", "map info", "coordinate system string", "fwhm")


@dataclass(frozen=True)
class Header:
    """Lower-case key → value, a text or a list of texts; `path` is the header file."""

    path: Path
    values: Mapping[str, str | list[str]]

    def text(self, key: str, default: str = "") -> str:
        """A value as text; `default` if missing."""
        value = self.values.get(key, default)
        return ", ".join(value) if isinstance(value, list) else value

    def integer(self, key: str, default: int | None = None) -> int:
        """A value as an integer.

        Raises:
            UnreadableFile: it is missing (without a default) or not an integer.
        """
        written = self.text(key, "" if default is None else str(default))
        try:
            return int(written)
        except ValueError:
            raise UnreadableFile(
                f"{self.path.name} has {key} = {written[:40]!r}; expected a whole number, as in every ENVI header"
            ) from None

    def numbers(self, key: str) -> npt.NDArray[np.float64] | None:
        """A value as a list of numbers; None if missing.

        Raises:
            UnreadableFile: it is not a list of numbers.
        """
        value = self.values.get(key)
        if value is None:
            return None
        try:
            return np.array([float(part) for part in (value if isinstance(value, list) else [value])])
        except ValueError:
            raise UnreadableFile(f"{self.path.name} has a {key} that is not a list of numbers") from None

    def dtype(self) -> np.dtype[Any]:
        """Number type with byte order.

        Raises:
            UnreadableFile: the data type is unknown.
        """
        code = self.integer("data type")
        if code not in DATA_TYPES:
            raise UnreadableFile(f"{self.path.name} has data type {code}; ENVI knows {', '.join(map(str, DATA_TYPES))}")
        return np.dtype(DATA_TYPES[code]).newbyteorder(">" if self.integer("byte order", 0) == 1 else "<")

    def own(self) -> dict[str, str]:
        """Entries that this program adds to headers."""
        return {key[len(OURS) :]: _unquoted(self.text(key)) for key in self.values if key.startswith(OURS)}


def is_header(path: Path) -> bool:
    """Whether a file is an ENVI header; a .hdr file may also be a photograph (Radiance)."""
    if path.suffix.lower() != ".hdr":
        return True
    with path.open("rb") as file:
        return file.read(4) == b"ENVI"


def read_header(path: Path) -> Header:
    """Read an ENVI header.

    Raises:
        FileNotFoundError: the file does not exist.
        UnreadableFile: it is not an ENVI header, or is damaged.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    with path.open("rb") as file:
        data = file.read(MAX_HEADER + 1)
    if data[:4] != b"ENVI":
        raise UnreadableFile(f"{path.name} is not an ENVI header: its first line is not ENVI")
    if len(data) > MAX_HEADER:
        raise UnreadableFile(f"{path.name} is larger than {MAX_HEADER >> 20} MiB, which no ENVI header is")
    values: dict[str, str | list[str]] = {}
    lines = iter(data.decode("utf-8", "replace").splitlines()[1:])
    for line in lines:
        key, equals, value = line.partition("=")
        if not equals or key.lstrip().startswith(";"):
            continue
        value = value.strip()
        if value.startswith("{"):
            parts = [value]
            while "}" not in parts[-1]:
                following = next(lines, None)
                if following is None:
                    raise UnreadableFile(f"{path.name} is cut short: the list of {key.strip()[:40]!r} has no end")
                parts.append(following.strip())
            inside = " ".join(parts)[1:].partition("}")[0]
            items = [item.strip() for item in inside.split(",")]
            values[key.strip().lower()] = items if items != [""] else []
        else:
            values[key.strip().lower()] = value
    return Header(path, values)


def header_of(path: Path) -> Path:
    """Header of a set, given its header or its data file.

    Raises:
        FileNotFoundError: the file does not exist.
        UnreadableFile: it has no header.
    """
    if path.suffix.lower() == ".hdr":
        return path
    beside = [path.with_name(path.name + ".hdr"), path.with_suffix(".hdr")]
    for candidate in beside:
        if candidate.is_file():
            return candidate
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    raise UnreadableFile(f"{path.name} has no ENVI header {beside[1].name} beside it; open a set that has both files")


def data_of(header: Header) -> Path:
    """Data file of a header, always in the same folder.

    Raises:
        UnreadableFile: there is none, or the header points elsewhere.
    """
    path = header.path
    if named := header.text("data file"):
        if Path(named).name != named or "\\" in named or named in ("", ".", ".."):
            raise UnreadableFile(
                f"{path.name} names the data file {named[:80]!r}; only one beside the header is opened"
            )
        candidates = [path.with_name(named)]
    else:
        stem = path.with_suffix("")
        endings = [ending for e in DATA_ENDINGS for ending in dict.fromkeys((e, e.upper()))]
        candidates = [stem.with_name(stem.name + ending) for ending in endings]
    for candidate in candidates:
        if candidate.is_file() and candidate != path:
            return candidate
    raise UnreadableFile(f"{path.name} has no data file beside it; expected {candidates[0].name} or {path.stem}.img")


def files_of(path: Path) -> list[Path]:
    """Header and data file of a set."""
    header = read_header(header_of(path))
    return [header.path, data_of(header)]


def header_text(values: Mapping[str, Any], provenance: Mapping[str, str]) -> str:
    """Text of an ENVI header: plain numbers and texts, lists in braces, and the provenance under our own keys."""
    lines = ["ENVI"]
    for key, value in values.items():
        if isinstance(value, str) or not isinstance(value, Sequence):
            lines.append(f"{key} = {value}")
        else:
            lines += [f"{key} = {{", *_wrapped([str(part) for part in value])]
    lines += [f"{OURS}{_plain(key)} = {_quoted(text)}" for key, text in provenance.items()]
    return "\n".join(lines) + "\n"


def _wrapped(parts: list[str]) -> list[str]:
    lines = [""]
    for index, part in enumerate(parts):
        if len(lines[-1]) + len(part) > LINE:
            lines.append("")
        lines[-1] += f" {part}" + ("," if index < len(parts) - 1 else "}")
    return lines


def _plain(key: str) -> str:
    return " ".join(str(key).replace("=", "-").lower().split())


def _quoted(text: str) -> str:
    """Text on one line and without braces, which would begin a list."""
    return json.dumps(str(text)).replace("{", "\\u007b").replace("}", "\\u007d")


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        return text


def write_cube(path: str | os.PathLike[str], export: CubeWriterSource) -> None:
    """Stream an export, band by band (bsq), to NAME.img, then write NAME.hdr; an existing set is replaced as a whole.

    Raises:
        OSError: the folder is not writable or has too little space.
    """
    header = Path(os.path.realpath(path))
    data = header.with_suffix(".img")
    if header.is_file():  # otherwise the old data file would be found before the new one
        try:
            data = data_of(read_header(header))
        except (UnreadableFile, OSError):
            data = header.with_suffix(".img")
    with atomic_write_set(data, header) as folder:
        check_space(header.parent, export.nbytes)
        with (folder / data.name).open("wb") as file:
            for _, block in export.blocks():
                write_block(file, block, export.shape)
        (folder / header.name).write_text(_header(export), encoding="utf-8")


def open_cube(path: str | os.PathLike[str], reading: CubeHints | None = None) -> CubeField:
    """Open an ENVI set by its header or its data file, memory-mapped.

    Bands that `bbl` marks as bad, and values equal to `data ignore value`, are NaN.

    Raises:
        FileNotFoundError: the file or folder does not exist.
        AmbiguousFile: required information is missing.
        UnreadableFile: the header is damaged or contradicts the data.
    """
    header = read_header(header_of(Path(path)))
    if "library" in header.text("file type").lower():
        raise UnreadableFile(f"{header.path.name} is a spectral library; load it as reference spectra")
    return build_field(_found(header, _mapped(header)), reading or CubeHints())


def _mapped(header: Header) -> np.ndarray[Any, Any]:
    """Memory map of the values in file order."""
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


def _found(header: Header, array: np.ndarray[Any, Any]) -> CubeDescription:
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
    return CubeDescription(
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
