"""Cubes as spectral OpenEXR: one channel per wavelength and a colour preview (Fichet, Pacanowski, Wilkie, JCGT 2021).

Reflectance is in channels such as `T.550,5nm`, any other quantity in `S0.550,5nm`. Files are written some lines at a
time. Channels such as w420nm (reflectances of the KAIST data set) and 420nm can also be read.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.atomic import atomic_write
from nesr_gui.io.cubes.arrays import MAX_CHUNK
from nesr_gui.io.cubes.decoding import Decoding
from nesr_gui.io.cubes.description import MAX_SIDE, AmbiguousFile, CubeDescription, CubeHints, build_field
from nesr_gui.io.cubes.export import CubeWriterSource, check_space
from nesr_gui.io.errors import UnreadableFile, error_message, translate_library_errors
from nesr_gui.io.names import library_name
from nesr_gui.io.raster import check_whole_exr
from nesr_gui.io.registry import require_extra
from nesr_gui.spectral import FloatArray, Quantity, Wavelengths

_LINES = {0: 1, 1: 1, 2: 1, 3: 16, 4: 32, 5: 16, 6: 32, 7: 32, 8: 32}  # decoded together, by compression; else 256
MAX_HEADER = 16 << 20  # bytes
MAX_DECODED = 4 << 30  # bytes of a file with several parts, which is decoded as a whole
LINES = 64  # lines written at once
OURS = "nesrProvenance"
QUANTITIES = {
    "T": Quantity.REFLECTANCE, "S0": Quantity.RADIANCE, "w": Quantity.REFLECTANCE, "": Quantity.UNKNOWN,
}  # fmt: skip
"""Kind of channel → what it holds; the first that a file has is read."""
_CHANNEL = re.compile(
    r"(?:(?P<root>.*)\.)?(?P<kind>S0|T)\.(?P<value>\d*[,.]?\d*(?:[Ee][+-]?\d+)?)(?P<unit>(?:[YZEPTGMkhdcmunpfazy]|da)?(?:m|Hz))"
)
_PLAIN = re.compile(  # w: reflectances of Choi et al. 2017
    r"(?:(?P<root>.*[^\d.])\.)?(?P<kind>w|)(?P<value>\d{3,4}(?:[.,]\d+)?)(?P<unit>nm)"
)
_CHANNEL_BYTES = re.compile(
    rb"[\0.](?:w?\d{3,4}(?:[.,]\d+)?nm|(?:S0|T)\.\d+[,.]?\d*(?:[Ee][+-]?\d+)?[a-zA-Z]{0,3}(?:m|Hz))\0"
)
_PREFIXES = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "c": 1e-2, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def write_cube(path: str | os.PathLike[str], export: CubeWriterSource) -> None:
    """Stream an export as 32- or 16-bit floating point with ZIP compression; the preview is linear sRGB.

    Raises:
        MissingExtra: OpenEXR is not installed.
        OSError: the folder is not writable or has too little space.
    """
    exr, imath = require_extra("OpenEXR", "spectral OpenEXR files"), require_extra("Imath", "spectral OpenEXR files")
    path = Path(path)
    _, height, width = export.shape
    reflective = export.field.quantity is Quantity.REFLECTANCE
    names = [f"{'T' if reflective else 'S0'}.{_decimal(nm)}nm" for nm in export.wavelengths]
    half = export.encoding.dtype == "float16"
    channel = imath.Channel(imath.PixelType(imath.PixelType.HALF if half else imath.PixelType.FLOAT))
    preview = preview_matrix(export.wavelengths)
    colours = ["R", "G", "B"] if preview is not None else []
    header = exr.Header(width, height)
    header["channels"] = dict.fromkeys([*names, *colours], channel)
    header["spectralLayoutVersion"] = b"1.0"
    if not reflective:
        header["emissiveUnits"] = b"W.m^-2.sr^-1" if export.field.quantity is Quantity.RADIANCE else b"unknown"
    attributes = {"quantity": export.field.quantity.value, **export.provenance}
    header[OURS] = json.dumps(attributes).encode()
    with atomic_write(path) as part:
        check_space(part.parent, export.nbytes)
        with library_name(part) as name, translate_library_errors(path):
            output = exr.OutputFile(name, header)
        with closing(output):
            for _, block in export.tiles(LINES, width):
                lines = dict(zip(names, block.values, strict=True))
                if preview is not None:
                    lines |= dict(zip(colours, _preview(preview, block.values), strict=True))
                packed = {name: np.ascontiguousarray(values).tobytes() for name, values in lines.items()}
                with translate_library_errors(path):
                    output.writePixels(packed, block.values.shape[1])
        check_whole_exr(part, path)


def open_cube(path: str | os.PathLike[str], reading: CubeHints | None = None) -> CubeField:
    """Open a spectral OpenEXR file; lines are decoded on demand.

    Of a file with emission and reflection, the reflection is opened unless `CubeHints.variable` is S0. Bispectral and
    polarised channels are ignored.

    Raises:
        FileNotFoundError: the file or folder does not exist.
        AmbiguousFile: required information is missing.
        UnreadableFile: the file is damaged or has no spectral channels, or OpenEXR is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    exr = require_extra("OpenEXR", "spectral OpenEXR files")
    try:
        with library_name(path) as name:
            if not exr.isOpenExrFile(name):
                raise ValueError("it is not an OpenEXR file")
            _check_blocks(path)
            file = exr.InputFile(name)
            if not file.isComplete():
                raise ValueError("it is cut short")
            parts = [] if _spectral(file.header()["channels"]) else _parts_with_spectra(exr, name)
        found = _found(path.name, parts[0] if parts else Channels(file), reading or CubeHints())
    except AmbiguousFile:
        raise
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path.name} has a damaged header; copy or export it again") from error
    except Exception as error:  # OpenEXR raises many kinds of errors for damaged files
        raise UnreadableFile(
            f"cannot open {path.name}: {error_message(error)[:300]}; expected a spectral OpenEXR file"
        ) from error
    return build_field(found, reading or CubeHints())


def _check_blocks(path: Path) -> None:
    """Check the size of the lines that are decoded together, for which the library takes memory at opening.

    Raises:
        ValueError: they take more than `MAX_CHUNK`, or the header is damaged.
    """
    with path.open("rb") as file:
        data = file.read(MAX_HEADER)
    try:
        size = max(_block_size(header) for header in _headers(data))
    except (KeyError, IndexError, ValueError, struct.error) as error:
        raise ValueError("its header is damaged") from error
    if size > MAX_CHUNK:
        raise ValueError(f"{size / 2**30:.1f} GiB of it are decoded together; at most 1 GiB is read")


def _block_size(header: Mapping[bytes, bytes]) -> int:
    """Bytes of the lines of a part that are decoded together, in single precision."""
    left, top, right, bottom = struct.unpack("<4i", header[b"dataWindow"])
    lines = _LINES.get(header[b"compression"][0], 256)
    if b"tiles" in header:
        lines = struct.unpack_from("<I", header[b"tiles"], 4)[0]
    channels = len(re.findall(rb"[^\0]+\0.{16}", header[b"channels"], re.DOTALL))
    return 4 * max(right - left + 1, 0) * min(lines, max(bottom - top + 1, 0)) * channels


def _headers(data: bytes) -> Iterator[dict[bytes, bytes]]:
    """Attributes of each part, not decoded: their texts may be in any encoding."""
    is_multipart, position = bool(int.from_bytes(data[4:8], "little") & 0x1000), 8
    while data[position : position + 1] != b"\0":
        header: dict[bytes, bytes] = {}
        while data[position] != 0:
            name, kind = data.index(0, position), data.index(0, data.index(0, position) + 1)
            start = kind + 5
            end = start + int.from_bytes(data[kind + 1 : start], "little")
            header[data[position:name]] = data[start:end]
            position = end
        yield header
        position += 1
        if not is_multipart:
            return


def is_cube(path: Path) -> bool:
    """Whether a file has spectral channels, by the beginning of its header; no library is required."""
    try:
        with path.open("rb") as file:
            data = file.read(1 << 20)
    except OSError:
        return False
    named = b"spectralLayoutVersion\0" in data or _CHANNEL_BYTES.search(data) is not None
    return data[:4] == b"\x76\x2f\x31\x01" and named


def preview_matrix(wavelengths: Wavelengths) -> FloatArray | None:
    """Matrix (3, L) from bands to linear sRGB under D65; None if no band is visible."""
    from nesr_gui.colorimetry import cie

    nm, camera = wavelengths.nm, cie.CAMERA_BANDS.nm
    if nm[-1] < camera[0] or nm[0] > camera[-1]:
        return None
    weights = np.stack([np.interp(camera, nm, unit) for unit in np.eye(len(nm))])  # (L, 31)
    return (cie.default_camera() @ weights.T).astype(np.float32)


def _preview(matrix: FloatArray, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    rgb = np.tensordot(matrix, np.nan_to_num(values.astype(np.float32)), axes=1)
    return np.maximum(rgb, 0).astype(values.dtype)


def _decimal(nm: float) -> str:
    return np.format_float_positional(nm, trim="0").replace(".", ",")


def _spectral(names: Iterable[str]) -> list[re.Match[str]]:
    """Names of spectral channels: those of Fichet et al., else plain wavelengths."""
    listed = list(names)
    return [match for match in map(_CHANNEL.fullmatch, listed) if match] or [
        match for match in map(_PLAIN.fullmatch, listed) if match
    ]


def _parts_with_spectra(exr: Any, path: str) -> list[PartChannels]:
    """Parts after the first that have spectral channels; they can only be decoded as a whole."""
    with exr.File(path, separate_channels=True, header_only=True) as headers:
        sizes = [_size_of(part.header) for part in headers.parts]
        chosen = [i for i, part in enumerate(headers.parts) if _spectral(c.name for c in part.header["channels"])]
    if not chosen:
        return []
    if sum(sizes) > MAX_DECODED:
        raise ValueError(f"its parts take {sum(sizes) / 2**30:.1f} GiB together; save the spectral part alone")
    with exr.File(path, separate_channels=True) as opened:
        return [PartChannels(opened.parts[index]) for index in chosen]


def _size_of(header: Mapping[str, Any]) -> int:
    low, high = header["dataWindow"]
    return 4 * int(high[0] - low[0] + 1) * int(high[1] - low[1] + 1) * len(header["channels"])


def _found(name: str, channels: Channels | PartChannels, reading: CubeHints) -> CubeDescription:
    matches = _spectral(channels.names)
    kinds = {match["kind"] for match in matches}
    if not kinds:
        raise ValueError("it has no spectral channels such as T.550,0nm")
    kind = reading.variable if reading.variable in kinds else next(known for known in QUANTITIES if known in kinds)
    chosen = [match for match in matches if match["kind"] == kind]
    roots = sorted({match["root"] or "" for match in chosen})
    chosen = [match for match in chosen if (match["root"] or "") == roots[0]]
    notes = {}
    if len(kinds) > 1:
        others = " and ".join(sorted(kinds - {kind}))
        notes["channels"] = f"those of {kind or 'plain wavelengths'} were read; the file also has {others or 'others'}"
    if len(roots) > 1:
        notes["layer"] = f"{roots[0] or 'the one without a name'}, the first of {len(roots)}, was read"
    attributes = _own(channels.header)
    stated = attributes.pop("quantity", "")
    quantity = QUANTITIES[str(kind)]
    return CubeDescription(
        name,
        channels.select([match[0] for match in chosen]),
        band_axis=0,
        wavelengths=lambda: _wavelengths(name, chosen),
        quantity=Quantity(stated) if stated in set(Quantity) else quantity,
        provenance=attributes,
        decoding=Decoding(notes=notes),
    )


def _own(header: dict[str, Any]) -> dict[str, str]:
    """Attributes that this program wrote, and the unit of emission."""
    attributes: dict[str, str] = {}
    with contextlib.suppress(ValueError, AttributeError):
        attributes = {str(key): str(value) for key, value in json.loads(header.get(OURS, b"{}")).items()}
    units = header.get("emissiveUnits")
    if isinstance(units, bytes) and units not in (b"", b"unknown"):
        attributes.setdefault("units", units.decode("utf-8", "replace"))
    return attributes


def _wavelengths(name: str, channels: list[re.Match[str]]) -> tuple[npt.NDArray[np.float64], str]:
    try:
        return np.array([_nanometres(match) for match in channels]), "nm"
    except (ValueError, ZeroDivisionError) as error:
        raise AmbiguousFile(f"{name} has channels whose names are not wavelengths", "wavelengths") from error


def _nanometres(match: re.Match[str]) -> float:
    value = float(match["value"].replace(",", "."))
    unit = match["unit"]
    if unit.endswith("Hz"):
        return 299_792_458e9 / (value * _PREFIXES.get(unit[:-2], np.nan))
    factor = _PREFIXES.get(unit[:-1], np.nan)
    return value if factor == 1e-9 else value * factor * 1e9


class Channels:
    """(L, H, W) float32 array over channels of the first part of a file; slices read the lines they need."""

    dtype = np.dtype(np.float32)

    def __init__(self, file: Any, names: list[str] | None = None) -> None:
        import Imath

        self._file, self.header = file, file.header()
        self.names = list(self.header["channels"]) if names is None else names
        self._float = Imath.PixelType(Imath.PixelType.FLOAT)
        window = self.header["dataWindow"]
        self._top = window.min.y
        height, width = window.max.y - window.min.y + 1, window.max.x - window.min.x + 1
        if not (0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE):
            raise ValueError(f"it states {width} x {height} pixels")
        if names is not None and any(self.header["channels"][name].xSampling != 1 for name in names):
            raise ValueError("its channels are subsampled")
        self.shape = (len(self.names), height, width)

    def select(self, names: list[str]) -> Channels:
        """The array over some of the channels."""
        return Channels(self._file, names)

    def __getitem__(self, window: tuple[slice, slice, slice]) -> npt.NDArray[np.float32]:
        bands, rows, cols = (range(*part.indices(size)) for part, size in zip(window, self.shape, strict=True))
        names = [self.names[band] for band in bands]
        try:
            lines = self._file.channels(names, self._float, self._top + rows.start, self._top + rows.stop - 1)
        except Exception as error:  # damage is detected when a line is decoded
            raise UnreadableFile(f"the OpenEXR file is damaged: {error_message(error)[:200]}") from error
        values = [np.frombuffer(line, np.float32).reshape(len(rows), self.shape[2]) for line in lines]
        return np.stack(values)[:, :, cols.start : cols.stop]


class PartChannels:
    """Channels of one part of a file, decoded."""

    def __init__(self, part: Any) -> None:
        self.header = dict(part.header)
        self._pixels = {name: np.asarray(channel.pixels, np.float32) for name, channel in part.channels.items()}
        self.names = list(self._pixels)

    def select(self, names: list[str]) -> npt.NDArray[np.float32]:
        """(L, H, W) float32 of some of the channels.

        Raises:
            ValueError: they have different sizes.
        """
        return np.stack([self._pixels[name] for name in names])
