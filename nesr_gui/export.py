"""Export plans: what to export of a field and how, shared by the window, the command line and batch jobs."""

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
from nesr_gui.io.atomic import check_writable
from nesr_gui.io.cubes.export import CubeWriterSource, StorageEncoding
from nesr_gui.regions import Region
from nesr_gui.spectral import FloatArray, Wavelengths

CHECKED_PIXELS, CHECKED_BANDS = 12, 8  # sample of a written cube that is compared with the field
TIMED_VALUES = 100_000  # approximate sample size for timing a field
_FLOATS = StorageEncoding()
_ROUNDING = 2e-5  # relative rounding error from the order of summation


@dataclass(frozen=True, eq=False)
class ExportPlan:
    """What to export, independent of the field; `prepared` validates it for a field.

    Args:
        bands: wavelengths, or a sensor whose bands are integrated; None for the bands of the field.
        light: illuminant that converts reflectance to radiance; None for no conversion.
        region: region in source pixels whose bounding box is exported; None for the whole image.
        is_masked: whether pixels of the bounding box outside the region are empty.
        encoding: number format of the file, and whether it includes the prediction interval.

    Examples:
        >>> import nesr_gui
        >>> from nesr_gui import resources
        >>> cube = nesr_gui.open_cube(resources.sample("colour_checker").truth)
        >>> plan = ExportPlan(bands=Wavelengths([450, 550]), region=Region.parse("rectangle 12,12 68,68"))
        >>> plan.prepared(cube).shape
        (2, 56, 56)
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
        origin: str = "",
        progress: ProgressCallback | None = None,
        provenance: Mapping[str, str] | None = None,
        as_coefficients: bool = False,
    ) -> CubeWriterSource:
        """Prepare the export of `field`.

        Args:
            field: what to export.
            origin: name of the file that was opened, if the provenance of the field does not state it.
            progress: called with the fraction done; may raise `Cancelled`.
            provenance: attributes to record in addition to those of the field.
            as_coefficients: whether the file format stores coefficients, see `Format.holds_coefficients`.

        Raises:
            ValueError: the field does not support the plan.
        """
        exported = field if self.light is None else illuminate(field, self.light)
        if isinstance(self.bands, Sensor):
            if self.encoding.error_band:
                raise ValueError(
                    "the prediction interval is not available for sensor bands; export without it, or choose "
                    "wavelengths"
                )
            exported = SensorField(exported, self.bands)
        rows, cols = self.region.window(field.shape, field.binning) if self.region else (None, None)
        return CubeWriterSource(
            exported,
            self.bands if isinstance(self.bands, Wavelengths) else exported.bands,
            progress=progress,
            rows=rows,
            cols=cols,
            encoding=self.encoding,
            mask=self.region if self.is_masked else None,
            origin=origin,
            provenance=provenance,
            as_coefficients=as_coefficients,
        )


@dataclass(frozen=True)
class ExportResult:
    """A written cube: shape (L, H, W), description, number of values clipped by the encoding, and number verified."""

    path: Path
    shape: tuple[int, int, int]
    contents: str
    clipped: int
    checked: int

    def __str__(self) -> str:
        """Summary in sentences."""
        text = f"Wrote {self.path}: {self.contents}; checked, {self.checked} values read back."
        return f"{text} {self.clipped:,} values were clipped by the number format." if self.clipped else text


class VerificationError(OSError):
    """The file does not contain what was written."""


def check_destination(path: Path, *sources: Path) -> None:
    """Check, before long work, that `path` can be written and is none of `sources`: files that are read, or open.

    Raises:
        ValueError: it would replace one of them.
        OSError: its folder is missing or not writable.
    """
    check_writable(path)
    if not path.exists():
        return
    for source in (each for each in sources if each.exists()):
        if any(path.samefile(file) for file in (source, *io.files_of(source))):
            raise ValueError(f"the output would replace {path}, a file that is in use; choose another name or format")


def write(
    path: str | os.PathLike[str],
    field: SpectralField,
    plan: ExportPlan,
    *,
    origin: str = "",
    progress: ProgressCallback | None = None,
    provenance: Mapping[str, str] | None = None,
) -> ExportResult:
    """Write a cube in the format given by the extension of `path`, then reopen it and verify a sample of its values.

    If `progress` raises `Cancelled`, no partial file remains. An existing file is kept until the new one is complete.

    Args:
        path: file or folder to write.
        field: what to export.
        plan: bands, region and encoding.
        origin: name of the file that was opened, if the provenance of the field does not state it.
        progress: called with the fraction done.
        provenance: attributes to record in addition to those of the field.

    Raises:
        ValueError: the field does not support the plan, or the format does not support the encoding.
        OSError: the folder is not writable, the disk is full, or verification failed (`VerificationError`).
    """
    path = Path(path)
    file_format = io.writer(path, plan.encoding)  # fail before anything is computed
    export = plan.prepared(
        field,
        origin=origin,
        progress=progress,
        provenance=provenance,
        as_coefficients=file_format.holds_coefficients,
    )
    io.write_export(path, export)
    return ExportResult(path, export.shape, export.contents, export.clipped, verify_sample(path, export))


def verify_sample(path: Path, export: CubeWriterSource, seed: int | None = None) -> int:
    """Compare some pixels and bands of a written cube, and its intervals, with the field.

    Returns:
        The number of values compared.

    Raises:
        VerificationError: values differ by more than rounding, or the file cannot be opened.
    """
    chance = np.random.default_rng(seed)
    size = export.shape
    rows, cols = (chance.integers(0, side, CHECKED_PIXELS) for side in size[1:])
    bands = np.sort(chance.choice(size[0], min(size[0], CHECKED_BANDS), replace=False))
    points = np.stack([rows, cols], axis=1)
    nm = export.wavelengths.nm[bands]
    expected = _expected(export, points + np.array([export.rows.start, export.cols.start]), nm)
    has_arrays = export.encoding.error_band  # of limits, which are opened like a cube
    for name, values in expected.items():
        try:
            cube = io.open_cube(path, io.CubeHints(variable=name) if has_arrays else None, is_trusted=True)
            is_whole = cube.shape == size[1:] and np.array_equal(cube.bands.nm, export.wavelengths.nm)
            read = _read(cube, "cube" if has_arrays else name, points, nm) if is_whole else None
        except ValueError as error:
            raise VerificationError(f"{path} was written but cannot be reopened ({error}); {_AGAIN}") from error
        if read is None or not (close := _are_equal(values, read, export.encoding)).all():
            where = "" if read is None else " at row {}, column {}".format(*points[np.argwhere(~close)[0][0]])
            raise VerificationError(f"{path} was written, but its content differs{where}; {_AGAIN}")
    return sum(values.size for values in expected.values())


def _read(
    cube: SpectralField, name: str, points: npt.NDArray[np.int64], nm: npt.NDArray[np.float64]
) -> FloatArray | None:
    """Values (N, l) of a reopened cube or of a limit of its prediction interval; None if it has none."""
    if name == "cube":
        return cube.spectra(points, nm)
    if not isinstance(cube, CalibratedField):
        return None
    lower, upper = cube.prediction_interval(points, nm)
    return lower if name == "lower" else upper


_AGAIN = "do not use it; export again, preferably to another disk"


def _expected(
    export: CubeWriterSource, points: npt.NDArray[np.int64], nm: npt.NDArray[np.float64]
) -> dict[str, FloatArray]:
    """Expected values (N, l) of each variable."""
    values = {"cube": export.spectra(points, nm)}
    if export.encoding.error_band:
        assert isinstance(export.field, CalibratedField)  # guaranteed by the constructor
        values["lower"], values["upper"] = export.field.prediction_interval(points, nm)
    elif export.calibrated is not None:
        values["lower"], values["upper"] = export.limits(points, nm)
    inside = np.array([export.kept(row, col)[0, 0] for row, col in zip(points[:, :1], points[:, 1:], strict=True)])
    return {name: np.where(inside[:, None], part, np.nan).astype(np.float32) for name, part in values.items()}


def _are_equal(expected: FloatArray, read: FloatArray, encoding: StorageEncoding) -> npt.NDArray[np.bool_]:
    """Whether read values equal the expected ones within rounding."""
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
    """Estimated result of an export: what it contains, size in bytes, computing time in seconds."""

    contents: str
    nbytes: int
    seconds: float

    def __str__(self) -> str:
        """Summary on one line."""
        return f"{self.contents}: {format_size(self.nbytes)}, {format_duration(self.seconds)}"


def estimated(export: CubeWriterSource) -> Estimate:
    """Size and time of an export; the time is measured on a sample."""
    return Estimate(export.contents, export.nbytes, seconds(export))


def format_size(size: int) -> str:
    """Human-readable size, for example `74.4 MB`."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= 0.9995 * scale:  # which three digits round to 1
            return f"{size / scale:.3g} {unit}" if size < 999.5 * scale else f"{size / scale:,.0f} {unit}"
    return f"{size} bytes"


def format_duration(duration: float) -> str:
    """Human-readable duration, for example `about 40 s` or `about 3 min`."""
    if duration < 1:
        return "less than a second"
    for unit, scale in (("h", 3600), ("min", 60)):
        if duration >= 2 * scale:
            return f"about {duration / scale:.{1 if duration < 10 * scale and scale > 60 else 0}f} {unit}"
    return f"about {duration:.0f} s"


def seconds(export: CubeWriterSource) -> float:
    """Computing time of an export on this machine, extrapolated from a sample; writing to disk is not included."""
    bands, height, width = export.shape
    timed = export.wavelengths
    if not isinstance(export.field, SensorField) and bands > 256:  # all wavelengths cost the same
        timed = Wavelengths(timed.nm[:: -(-bands // 256)])
    side = max(math.isqrt(TIMED_VALUES // len(timed)), 8)
    rows, cols = (
        slice(part.start + (size - min(side, size)) // 2, part.start + (size + min(side, size)) // 2)
        for part, size in ((export.rows, height), (export.cols, width))
    )
    sample = CubeWriterSource(export.field, timed, rows=rows, cols=cols, encoding=export.encoding)
    best = math.inf
    for _ in range(2):  # the first run includes lazy initialisation
        began = time.perf_counter()
        for _ in sample.blocks():
            pass
        best = min(best, time.perf_counter() - began)
    return best * math.prod(export.shape) / math.prod(sample.shape)
