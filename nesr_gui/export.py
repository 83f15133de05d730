"""What of a field is exported and how: one request, which the window, the command line and batches share."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nesr_gui import io
from nesr_gui.colorimetry.viewing_conditions import Illuminant
from nesr_gui.fields.illuminated import illuminate
from nesr_gui.fields.protocol import CalibratedField, ProgressCallback, SpectralField
from nesr_gui.fields.sensor import Sensor, SensorField
from nesr_gui.io.cubes.export import CubeWriterSource, StorageEncoding
from nesr_gui.regions import Region
from nesr_gui.spectral import FloatArray, Wavelengths

CHECKED_PIXELS, CHECKED_BANDS = 12, 8  # of a written cube that are compared with the field
TIMED_VALUES = 100_000  # about as many are computed to measure how fast a field is
_FLOATS = StorageEncoding()
_ROUNDING = 2e-5  # of an answer, which the order of sums may change


@dataclass(frozen=True, eq=False)
class ExportPlan:
    """What to export of any field. Everything is checked where it meets a field, in `prepared`.

    Args:
        bands: wavelengths, or a sensor whose bands are integrated; None: the bands of the field itself.
        light: what reflectances are put under, so that radiance is exported; None: as they are.
        region: in pixels of the source; its bounding box is exported. None: everything.
        is_masked: whether pixels outside the region, within its bounding box, have no value.
        encoding: the numbers of the file, and whether the error band stands beside them.
    """

    bands: Wavelengths | Sensor | None = None
    light: Illuminant | None = None
    region: Region | None = None
    is_masked: bool = False
    encoding: StorageEncoding = _FLOATS

    def prepared(
        self,
        field: SpectralField,
        *,
        binning: int = 1,
        origin: str = "",
        progress: ProgressCallback | None = None,
        provenance: Mapping[str, str] | None = None,
    ) -> CubeWriterSource:
        """The export of `field`, each pixel of which stands for `binning`² of the source; `origin` is its file.

        `provenance` is written beside what the field says of its origin.

        Raises:
            ValueError: the field cannot give what is planned; one sentence.
        """
        shown = field if self.light is None else illuminate(field, self.light)
        if isinstance(self.bands, Sensor):
            if self.encoding.error_band:
                raise ValueError(
                    "the error band is known at single wavelengths and not for sensor bands; export without it, "
                    "or choose wavelengths"
                )
            shown = SensorField(shown, self.bands)
        rows, cols = self.region.window(field.shape, binning) if self.region else (None, None)
        return CubeWriterSource(
            shown,
            self.bands if isinstance(self.bands, Wavelengths) else shown.bands,
            progress=progress,
            rows=rows,
            cols=cols,
            encoding=self.encoding,
            mask=self.region if self.is_masked else None,
            binning=binning,
            origin=origin,
            provenance=provenance,
        )


@dataclass(frozen=True)
class ExportResult:
    """A cube that was written: (L, H, W), how many values did not fit its numbers, how many were read back."""

    path: Path
    shape: tuple[int, int, int]
    clipped: int
    checked: int

    def __str__(self) -> str:
        """What to tell, in sentences."""
        bands, height, width = self.shape
        plural = "band" if bands == 1 else "bands"
        said = (
            f"Wrote {self.path}: {bands} {plural} of {width}×{height} pixels; checked, {self.checked} values read back."
        )
        return f"{said} {self.clipped:,} values did not fit the numbers and were cut." if self.clipped else said


class VerificationError(OSError):
    """A file does not hold what was just written."""


def write(
    path: str | os.PathLike[str],
    field: SpectralField,
    plan: ExportPlan,
    *,
    binning: int = 1,
    origin: str = "",
    progress: ProgressCallback | None = None,
    provenance: Mapping[str, str] | None = None,
) -> ExportResult:
    """Write a cube as planned, in the format `path` ends with, then open it and compare some of it with the field.

    `progress` may raise `Cancelled`; nothing is left behind then, and an older file stays until the new is complete.

    Raises:
        ValueError: the field cannot give what is planned, or the format cannot store it.
        OSError: the folder cannot be written or is full; or what is read back differs (`VerificationError`).
    """
    path = Path(path)
    io.writer(path, plan.encoding)  # before anything is computed
    export = plan.prepared(field, binning=binning, origin=origin, progress=progress, provenance=provenance)
    io.write_export(path, export)
    return ExportResult(path, export.shape, export.clipped, verify_sample(path, export))


def verify_sample(path: Path, export: CubeWriterSource, seed: int | None = None) -> int:
    """Compare some pixels and bands of a written cube, and its error band, with the field; gives how many values.

    Raises:
        VerificationError: they differ by more than rounding, or the file cannot be opened.
    """
    chance = np.random.default_rng(seed)
    size = export.shape
    rows, cols = (chance.integers(0, side, CHECKED_PIXELS) for side in size[1:])
    bands = np.sort(chance.choice(size[0], min(size[0], CHECKED_BANDS), replace=False))
    points = np.stack([rows, cols], axis=1)
    nm = export.wavelengths.nm[bands]
    expected = _expected(export, points + np.array([export.rows.start, export.cols.start]), nm)
    for name, values in expected.items():
        try:
            found = io.open_cube(path, io.CubeHints(variable=name) if len(expected) > 1 else None, is_trusted=True)
            is_whole = found.shape == size[1:] and np.array_equal(found.bands.nm, export.wavelengths.nm)
            read = found.spectra(points, nm) if is_whole else None
        except ValueError as error:
            raise VerificationError(f"{path} was written and cannot be opened again ({error}); {_AGAIN}") from error
        if read is None or not (close := _are_equal(values, read, export.encoding)).all():
            where = "" if read is None else " at row {}, column {}".format(*points[np.argwhere(~close)[0][0]])
            raise VerificationError(f"{path} was written, and what is read back differs{where}; {_AGAIN}")
    return sum(values.size for values in expected.values())


_AGAIN = "do not use it, and export again, best to another disk"


def _expected(
    export: CubeWriterSource, points: npt.NDArray[np.int64], nm: npt.NDArray[np.float64]
) -> dict[str, FloatArray]:
    """By variable, the values (N, l) that the file should hold."""
    values = {"cube": export.field.spectra(points, nm)}
    if export.encoding.error_band:
        assert isinstance(export.field, CalibratedField)  # the export refuses others
        values["lower"], values["upper"] = export.field.prediction_interval(points, nm)
    kept = np.array([export.kept(row, col)[0, 0] for row, col in zip(points[:, :1], points[:, 1:], strict=True)])
    return {name: np.where(kept[:, None], part, np.nan).astype(np.float32) for name, part in values.items()}


def _are_equal(expected: FloatArray, read: FloatArray, encoding: StorageEncoding) -> npt.NDArray[np.bool_]:
    """Whether values read are those expected, but for rounding."""
    stored = encoding.decode(encoding.encode(expected)[0])
    magnitude = np.abs(np.nan_to_num(stored, posinf=0, neginf=0))
    rounding: dict[str, npt.NDArray[np.floating]] = {
        "float32": np.zeros(1), "float16": 2.0**-10 * magnitude + 6e-8, "uint16": np.full(1, encoding.scale),
    }  # fmt: skip
    with np.errstate(invalid="ignore"):
        near = np.abs(read - stored) <= rounding[encoding.dtype] + _ROUNDING * (1 + magnitude)
    return near | (np.isnan(read) & np.isnan(stored)) | (read == stored)


@dataclass(frozen=True)
class Estimate:
    """What an export will come to: (L, H, W), bytes of its numbers, seconds of computing."""

    shape: tuple[int, int, int]
    nbytes: int
    seconds: float

    def __str__(self) -> str:
        bands, height, width = self.shape
        plural = "band" if bands == 1 else "bands"
        return (
            f"{bands} {plural} of {width}×{height} pixels: {format_size(self.nbytes)}, {format_duration(self.seconds)}"
        )


def estimated(export: CubeWriterSource) -> Estimate:
    """Size and time of an export; the time is measured here and now."""
    return Estimate(export.shape, export.nbytes, seconds(export))


def format_size(size: int) -> str:
    """Bytes for people: 74.4 MB."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}" if size < 1000 * scale else f"{size / scale:,.0f} {unit}"
    return f"{size} bytes"


def format_duration(duration: float) -> str:
    """Seconds for people: about 40 s, about 3 min."""
    if duration < 1:
        return "less than a second"
    for unit, scale in (("h", 3600), ("min", 60)):
        if duration >= 2 * scale:
            return f"about {duration / scale:.{1 if duration < 10 * scale and scale > 60 else 0}f} {unit}"
    return f"about {duration:.0f} s"


def seconds(export: CubeWriterSource) -> float:
    """How long an export will compute on this machine, measured on a part of it; writing to the disk comes on top."""
    bands, height, width = export.shape
    some = export.wavelengths
    if not isinstance(export.field, SensorField) and bands > 256:  # which cost alike
        some = Wavelengths(some.nm[:: -(-bands // 256)])
    side = max(math.isqrt(TIMED_VALUES // len(some)), 8)
    rows, cols = (
        slice(part.start + (size - min(side, size)) // 2, part.start + (size + min(side, size)) // 2)
        for part, size in ((export.rows, height), (export.cols, width))
    )
    sample = CubeWriterSource(export.field, some, rows=rows, cols=cols, encoding=export.encoding)
    best = math.inf
    for _ in range(2):  # the first also loads what the field puts off
        began = time.perf_counter()
        for _ in sample.blocks():
            pass
        best = min(best, time.perf_counter() - began)
    return best * math.prod(export.shape) / math.prod(sample.shape)
