"""Measured spectra of some spots correct a reconstruction everywhere.

Three numbers do not determine a spectrum, but where the spectrum of a similar pixel has been measured, the error of the
reconstruction is known there and, by the prior of `fields.residual_prior`, likely elsewhere. Mean and interval of the
posterior have closed forms. The correction lies where the camera is blind: the re-rendered colour of a pixel stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry.cie import colour_differences
from nesr_gui.fields.notebook import NotebookMethods
from nesr_gui.fields.protocol import (
    BLOCK_VALUES,
    Block,
    CalibratedField,
    IntervalBlock,
    Points,
    SpectralField,
    assemble_cube,
    iter_tiles,
    validate_points,
    validate_wavelengths,
    validate_window,
)
from nesr_gui.fields.residual_prior import (
    POSITIONS,
    Doubles,
    IntervalNarrowing,
    PatchResiduals,
    ResidualPosterior,
    ResidualPrior,
)
from nesr_gui.fields.window_cache import Key, WindowCache
from nesr_gui.spectral import FloatArray, SpectralCube, Spectrum, Wavelengths

PATCH = 5  # side in source pixels of the square whose mean a reading is compared with
NOISE = 0.005  # standard deviation of a reading, relative to its largest value, unless it is stated
MARGIN = 10.0  # nm that a reading may lack at either end of the range of a model
WIDEST_GAP = 25.0  # nm between values of a reading, within that range
DOUBTFUL_COLOUR = 10.0  # ΔE2000 from which a reading is said to be of another spot
DOUBTFUL_ERROR, DOUBTFUL_DIFFERENCE = 1.5, 0.1  # of an anchor left out: relative to the field beneath, and to its mean
CHUNK = 4096  # pixels whose kernels are computed at once, so that they stay in the processor's caches
CHUNK_VALUES = 1 << 18  # values whose intervals are computed at once, for the same reason
CACHED_BYTES = 192 << 20  # of scores, kept for the next wavelength


@dataclass(frozen=True, eq=False)
class Anchor:
    """The measured spectrum of a spot of an image.

    Only the shape of the spectrum matters: it is scaled to the brightness of the photograph, whose exposure is unknown.

    Args:
        row: of the centre of the spot, in source pixels.
        col: of the centre of the spot, in source pixels.
        spectrum: the reading; NaN where it has no value.
        noise: standard deviation (L,) of the reading at its wavelengths; None for `NOISE` of its largest value.
        origin: the file and its hash, for the provenance.

    Raises:
        ValueError: the noise is negative, or its shape does not match the spectrum.
    """

    row: int
    col: int
    spectrum: Spectrum
    noise: FloatArray | None = None
    origin: str = ""

    def __post_init__(self) -> None:
        if self.noise is not None:
            noise = np.ascontiguousarray(self.noise, dtype=np.float32)
            if noise.shape != self.spectrum.values.shape or not (noise >= 0).all():
                raise ValueError(
                    f"noise of shape {noise.shape} for {len(self.spectrum.wavelengths)} wavelengths; expected a "
                    "standard deviation of at least 0 for each"
                )
            object.__setattr__(self, "noise", noise)

    def to_data(self) -> dict[str, Any]:
        """The anchor as plain data, for JSON."""
        return {
            "row": self.row,
            "col": self.col,
            "name": self.spectrum.name,
            "wavelengths": self.spectrum.wavelengths.nm.tolist(),
            "values": [None if np.isnan(value) else value for value in self.spectrum.values.tolist()],
            "noise": None if self.noise is None else self.noise.tolist(),
            "origin": self.origin,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Anchor:
        """An anchor from the result of `to_data`.

        Raises:
            KeyError: a part is missing.
            ValueError: a part is invalid.
        """
        values = np.array([np.nan if value is None else value for value in data["values"]], np.float32)
        spectrum = Spectrum(Wavelengths(np.array(data["wavelengths"])), values, str(data["name"]))
        noise = None if data["noise"] is None else np.array(data["noise"], np.float32)
        return cls(int(data["row"]), int(data["col"]), spectrum, noise, str(data["origin"]))


class AnchorableField(SpectralField, Protocol):
    """A reconstruction of a model that has a prior of its residuals.

    Attributes:
        level: white level of the image, to which the prior is relative.
        residual_prior: the prior; None if the model has none.
    """

    level: float

    @property
    def residual_prior(self) -> ResidualPrior | None:
        """The prior; None if the model has none."""
        ...

    def band_images(
        self,
        wavelengths: Wavelengths | npt.ArrayLike,
        *,
        stride: int = 1,
        rows: slice | None = None,
        cols: slice | None = None,
    ) -> FloatArray:
        """Band images (L, h, w) float32 of a window, each equal to `band`."""
        ...


@runtime_checkable
class CalibratedAnchorableField(CalibratedField, Protocol):
    """A reconstruction with prediction intervals that can be computed from known spectra."""

    def interval_limits(
        self, points: npt.NDArray[np.integer], spectra: FloatArray, nm: npt.NDArray[np.float64]
    ) -> tuple[FloatArray, FloatArray]:
        """Lower and upper limits (N, L) at `points` (N, 2) whose `spectra` (N, L) at `nm` (L,) are known."""
        ...


def as_anchorable(field: SpectralField) -> AnchorableField:
    """A field that can be corrected by measured spectra.

    Raises:
        ValueError: it is not a reconstruction of a continuous model.
    """
    if not (hasattr(field, "residual_prior") and hasattr(field, "band_images")):
        raise ValueError(
            "measured spectra correct reconstructions by a NeSR model; open a photograph with the bundled model"
        )
    anchorable: AnchorableField = field  # type: ignore[assignment]
    return anchorable


def prior_of(field: AnchorableField) -> ResidualPrior:
    """The prior of the residuals of a field.

    Raises:
        ValueError: its model has none.
    """
    if field.residual_prior is None:
        raise ValueError(
            "this model has no prior for measured spectra; choose the default model, nesr-lean, or run nesr-gui "
            "calibrate"
        )
    return field.residual_prior


FieldT = TypeVar("FieldT", bound=AnchorableField)


def anchored(field: FieldT, anchors: Sequence[Anchor]) -> FieldT | AnchoredField:
    """A field corrected by measured spectra; without any, the field itself.

    Raises:
        ValueError: the model has no prior, a spot is outside the image, or a reading is unusable.
    """
    if not anchors:
        return field
    calibrated = isinstance(field, CalibratedAnchorableField)
    return (CalibratedAnchoredField if calibrated else AnchoredField)(field, anchors)


@dataclass(frozen=True, eq=False)
class AnchorCheck:
    """How an anchor agrees with the field beneath and with the other anchors.

    Attributes:
        before: RMSE of the field without any anchors at the spot, relative to the mean of the reading.
        left_out: the same of the field with all other anchors; much larger than `before` for a reading that
            contradicts them.
        after: the same of the field with all anchors.
        colour: ΔE2000 between the colour of the reading and of the spot; large if they do not belong together.
        scale: factor by which the reading was multiplied.
    """

    before: float
    left_out: float
    after: float
    colour: float
    scale: float

    @property
    def doubt(self) -> str:
        """A sentence for the user if the reading may not belong to its spot; empty otherwise."""
        if self.colour > DOUBTFUL_COLOUR:
            return f"the reading has another colour than the photograph (ΔE2000 {self.colour:.0f}); is it this spot?"
        if self.left_out > DOUBTFUL_ERROR * self.before and self.left_out > DOUBTFUL_DIFFERENCE:
            return (
                f"the reading contradicts the others: without it, they miss it by {self.left_out:.0%}, the photograph "
                f"alone by {self.before:.0%}"
            )
        return ""


@dataclass(frozen=True, eq=False)
class _Readings:
    """Patches of a field and what was measured there, at the wavelengths of the prior.

    Attributes:
        predicted: mean spectra (L, n) of the patches.
        measured: readings (L, n), scaled to the photograph.
        features: of the patches (F, n).
        residuals: what the readings say.
    """

    predicted: FloatArray
    measured: FloatArray
    features: FloatArray
    residuals: PatchResiduals

    def posterior(self, prior: ResidualPrior, used: npt.NDArray[np.bool_] | None = None) -> ResidualPosterior:
        """The posterior given the `used` readings, by default all."""
        chosen = slice(None) if used is None else used
        scores, noise = (part[:, chosen] for part in (self.residuals.scores, self.residuals.noise))
        return prior.posterior(self.features[:, chosen], scores, noise)


class AnchoredField(NotebookMethods):
    """A reconstruction with measured spectra of some spots; a `SpectralField`.

    Args:
        field: the field beneath.
        anchors: the measured spectra, at least one.

    Raises:
        ValueError: the model has no prior, a spot is outside the image, or a reading is unusable.
    """

    def __init__(self, field: AnchorableField, anchors: Sequence[Anchor]) -> None:
        prior = prior_of(field)
        self.field, self.anchors, self.prior = field, tuple(anchors), prior
        self.bands, self.shape, self.wavelength_range = field.bands, field.shape, field.wavelength_range
        self.binning, self.source_shape, self.quantity = field.binning, field.source_shape, field.quantity
        self.level, self.residual_prior = field.level, prior
        self._readings = read_anchors(field, prior, self.anchors)
        self.posterior = self._readings.posterior(prior)
        self._scores = WindowCache[FloatArray](CACHED_BYTES)
        self._with_intervals = WindowCache[FloatArray](CACHED_BYTES)

    @property
    def provenance(self) -> dict[str, str]:
        """Provenance of the field, with the measured spectra."""
        scaled = zip(self.anchors, self._readings.residuals.scale.tolist(), strict=True)
        listed = [
            f"{anchor.spectrum.name or 'unnamed'} at row {anchor.row} col {anchor.col}, times {scale:.4g}"
            + (f", {anchor.origin}" if anchor.origin else "")
            for anchor, scale in scaled
        ]
        return {**self.field.provenance, "measured_spectra": "; ".join(listed)}

    def anchored(self, anchors: Sequence[Anchor]) -> AnchorableField:
        """The field beneath with other measured spectra instead of these."""
        return anchored(self.field, anchors)

    def spectra(self, points: Points, wavelengths: Wavelengths | npt.ArrayLike) -> FloatArray:
        """See `SpectralField.spectra`."""
        query, pixels = self._query(wavelengths), validate_points(self, points)
        answers = self.field.spectra(pixels, query.all)
        values = self._state(answers.T[query.known], pixels.T).T @ query.functions.T
        values += answers[:, : len(query.nm)]
        return np.maximum(values, 0, out=values)

    def band(self, nm: float, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None) -> FloatArray:
        """See `SpectralField.band`."""
        band: FloatArray = self.band_images(nm, stride=stride, rows=rows, cols=cols)[0]
        return band

    def band_images(
        self,
        wavelengths: Wavelengths | npt.ArrayLike,
        *,
        stride: int = 1,
        rows: slice | None = None,
        cols: slice | None = None,
    ) -> FloatArray:
        """See `AnchorableField.band_images`."""
        images = self.field.band_images(wavelengths, stride=stride, rows=rows, cols=cols)
        scores = self._states(stride, *validate_window(self, rows, cols))
        functions = self.prior.functions(validate_wavelengths(self, wavelengths))
        values = _corrected(functions, images.reshape(len(images), -1), scores.reshape(len(scores), -1))
        return values.reshape(images.shape)

    preview_bands = band_images  # exact; see `PreviewField.preview_bands`

    def blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[Block]:
        """See `SpectralField.blocks`."""
        query = self._query(wavelengths)
        for block in self.field.blocks(query.all, rows=rows, cols=cols):
            answers = block.values.reshape(len(block.values), -1)
            values = _corrected(query.functions, answers, self._state_of(query, answers, block.rows, block.cols))
            yield Block(block.rows, block.cols, values.reshape(-1, *block.values.shape[1:]))

    def cube(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> SpectralCube:
        """See `SpectralField.cube`."""
        return assemble_cube(self, wavelengths, rows, cols)

    def checks(self) -> list[AnchorCheck]:
        """How each anchor agrees with the field beneath and with the others."""
        readings, prior = self._readings, self.prior
        everything = _predicted(prior, readings, self.posterior, self.level)
        colours = (np.clip(prior.camera @ part, 0, 1).T for part in (readings.measured, readings.predicted))
        differences, result = colour_differences(*colours), []
        for index in range(len(self.anchors)):
            others = np.arange(len(self.anchors)) != index
            left_out = readings.predicted
            if others.any():
                left_out = _predicted(prior, readings, readings.posterior(prior, others), self.level)
            measured = readings.measured[:, index]
            before, without, after = (
                float(np.sqrt(np.square(part[:, index] - measured).mean()) / measured.mean())
                for part in (readings.predicted, left_out, everything)
            )
            result.append(
                AnchorCheck(
                    before=before,
                    left_out=without,
                    after=after,
                    colour=float(differences[index]),
                    scale=float(readings.residuals.scale[index]),
                )
            )
        return result

    def _query(self, wavelengths: Wavelengths | npt.ArrayLike) -> _Query:
        return _Query.of(self.prior, validate_wavelengths(self, wavelengths))

    def _state(self, spectra: FloatArray, pixels: npt.NDArray[np.integer], *, intervals: bool = False) -> FloatArray:
        """What corrects pixels (2, N) with predicted `spectra` (L, N): their scores times brightness (M, N).

        With `intervals`, the variances of the scores and the levels of the pixels follow (2 M + 3, N).
        """
        prior, curves = self.prior, self.prior.curves.shape[1]
        state = np.empty((2 * curves + 3 if intervals else curves, spectra.shape[1]), np.float32)
        positions = (pixels + 0.5) / max(self.shape)
        for first in range(0, spectra.shape[1], CHUNK):
            part = slice(first, first + CHUNK)
            features = prior.features(spectra[:, part], positions[:, part], self.level)
            scores, kernels = self.posterior.scores(features)
            state[:curves, part] = scores * prior.brightness(spectra[:, part], self.level)
            if intervals:
                faint = prior.faintness(features)
                state[curves : 2 * curves, part] = self.posterior.variances(kernels, faint)
                state[2 * curves :, part] = prior.at_levels(faint)
        return state

    def _state_of(
        self, query: _Query, answers: FloatArray, rows: slice, cols: slice, *, intervals: bool = False
    ) -> FloatArray:
        """`_state` of a window, cached or from the `answers` (…, h · w) to a query."""
        cached = self._cached((rows.start, rows.stop, cols.start, cols.stop, 1), intervals)
        if cached is not None:
            return cached.reshape(len(cached), -1)
        return self._state(answers[query.known], _pixels(rows, cols), intervals=intervals)

    def _cached(self, key: Key, intervals: bool) -> FloatArray | None:
        """A cached `_state` of a window; those with intervals begin with the scores."""
        state = self._with_intervals.get(key)
        if intervals or state is None:
            return state if intervals else self._scores.get(key)
        return state[: self.prior.curves.shape[1]]

    def _states(self, stride: int, rows: slice, cols: slice, *, intervals: bool = False) -> FloatArray:
        """`_state` of the pixels of a window (…, h, w)."""
        key = (rows.start, rows.stop, cols.start, cols.stop, stride)
        if (cached := self._cached(key, intervals)) is not None:
            return cached
        size = [len(range(part.start, part.stop, stride)) for part in (rows, cols)]
        parts = []
        at_once = BLOCK_VALUES // len(self.prior.nm)
        for y, x in iter_tiles(slice(0, size[0]), slice(0, size[1]), max_pixels=at_once):
            tile = [
                slice(part.start + at.start * stride, min(part.start + at.stop * stride, part.stop))
                for part, at in ((rows, y), (cols, x))
            ]
            spectra = self.field.band_images(self.prior.nm, stride=stride, rows=tile[0], cols=tile[1])
            pixels = _pixels(tile[0], tile[1], stride)
            state = self._state(spectra.reshape(len(spectra), -1), pixels, intervals=intervals)
            parts.append((y, x, state.reshape(-1, *spectra.shape[1:])))
        states = np.empty((len(parts[0][2]), *size), np.float32)
        for y, x, state in parts:
            states[:, y, x] = state
        (self._with_intervals if intervals else self._scores).add(key, states)
        return states


class CalibratedAnchoredField(AnchoredField):
    """A calibrated reconstruction with measured spectra; a `CalibratedField`.

    The limits of the field beneath, relative to its values, are shrunk by the share of their standard deviation that
    the measured spectra leave.
    """

    def prediction_interval(
        self, points: Points, wavelengths: Wavelengths | npt.ArrayLike
    ) -> tuple[FloatArray, FloatArray]:
        """See `CalibratedField.prediction_interval`."""
        query, pixels = self._query(wavelengths), validate_points(self, points)
        answers = self.field.spectra(pixels, query.all).T
        lower, upper = self._limits(query, answers, pixels, self._state(answers[query.known], pixels.T, intervals=True))
        return lower.T, upper.T

    def prediction_interval_blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[IntervalBlock]:
        """See `CalibratedField.prediction_interval_blocks`."""
        query = self._query(wavelengths)
        for block in self.field.blocks(query.all, rows=rows, cols=cols):
            answers = block.values.reshape(len(block.values), -1)
            state = self._state_of(query, answers, block.rows, block.cols, intervals=True)
            limits = self._limits(query, answers, _pixels(block.rows, block.cols).T, state)
            yield IntervalBlock(
                block.rows, block.cols, *(limit.reshape(-1, *block.values.shape[1:]) for limit in limits)
            )

    def prediction_interval_band(
        self, nm: float, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """See `CalibratedField.prediction_interval_band`."""
        query, window = self._query(nm), validate_window(self, rows, cols)
        answers = self.field.band(nm, stride=stride, rows=rows, cols=cols)
        state = self._states(stride, *window, intervals=True)
        limits = self._limits(query, answers.reshape(1, -1), _pixels(*window, stride).T, state.reshape(len(state), -1))
        return limits[0].reshape(answers.shape), limits[1].reshape(answers.shape)

    def quality_flags(
        self, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None
    ) -> npt.NDArray[np.uint8]:
        """See `CalibratedField.quality_flags`."""
        return self._calibrated.quality_flags(stride=stride, rows=rows, cols=cols)

    @property
    def _calibrated(self) -> CalibratedAnchorableField:
        assert isinstance(self.field, CalibratedAnchorableField)  # `anchored` chose this class by it
        return self.field

    def _limits(
        self, query: _Query, answers: FloatArray, pixels: npt.NDArray[np.integer], state: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Limits (L, N) at pixels (N, 2) whose `answers` (…, N) at the wavelengths of the query are known."""
        curves = self.prior.curves.shape[1]
        narrowing = IntervalNarrowing.of(self.prior, query.nm)
        limits = np.empty((2, len(query.nm), len(pixels)), np.float32)
        for part in _chunks(limits[0]):
            known, scores = answers[: len(query.nm), part], state[:curves, part]
            bounds = self._calibrated.interval_limits(pixels[part], known.T, query.nm)
            limits[:, :, part] = narrowing.limits(
                known,
                (bounds[0].T, bounds[1].T),
                _corrected(query.functions, known, scores),
                scores=scores,
                variances=state[curves : 2 * curves, part],
                levels=state[2 * curves :, part],
            )
        return limits[0], limits[1]


@dataclass(frozen=True, eq=False)
class _Query:
    """Wavelengths of a query, and those at which the field beneath must be known to correct it.

    Attributes:
        nm: wanted wavelengths (L,).
        all: these and then those of the prior that are not among them.
        known: where the wavelengths of the prior are in `all`.
        functions: curves of the prior at `nm` (L, M).
    """

    nm: Doubles
    all: Doubles
    known: npt.NDArray[np.intp]
    functions: FloatArray

    @classmethod
    def of(cls, prior: ResidualPrior, nm: Doubles) -> _Query:
        """A query of wavelengths (L,)."""
        every = np.concatenate([nm, prior.nm[~np.isin(prior.nm, nm)]])
        known = np.array([np.flatnonzero(every == each)[0] for each in prior.nm])
        return cls(nm, every, known, prior.functions(nm))


def _corrected(functions: FloatArray, answers: FloatArray, scores: FloatArray) -> FloatArray:
    """Values (L, N), not negative.

    Args:
        functions: curves of the prior (L, M) at the wavelengths.
        answers: of the field beneath (…, N), at these wavelengths and then others.
        scores: times brightness (M, N).
    """
    values: FloatArray = np.matmul(functions, scores)
    values += answers[: len(functions)]
    return np.maximum(values, 0, out=values)


def _chunks(values: FloatArray) -> Iterator[slice]:
    """Slices of the pixels of values (L, N) that stay in the processor's caches."""
    size = max(CHUNK_VALUES // len(values), 1)
    return (slice(first, first + size) for first in range(0, values.shape[1], size))


def read_anchors(field: AnchorableField, prior: ResidualPrior, anchors: Sequence[Anchor]) -> _Readings:
    """Compare anchors with a field.

    Raises:
        ValueError: a spot is outside the image, or a reading is unusable.
    """
    predicted = np.stack([_patch(field, prior, anchor) for anchor in anchors], axis=1)  # (L, n)
    measured, deviations = (
        np.stack(part, axis=1) for part in zip(*(_resample(prior, a) for a in anchors), strict=True)
    )
    residuals = prior.compare(predicted, measured, deviations, field.level)
    if not (residuals.scale > 0).all():
        name = anchors[int(np.flatnonzero(~(residuals.scale > 0))[0])].spectrum.name
        raise ValueError(f"{name or 'a reading'} is black or has the opposite colour of its spot; measure it again")
    places = np.array([[anchor.row, anchor.col] for anchor in anchors]).T // field.binning + 0.5
    features = prior.features(predicted, places / max(field.shape), field.level)
    return _Readings(predicted, (measured * residuals.scale).astype(np.float32), features, residuals)


def _patch(field: AnchorableField, prior: ResidualPrior, anchor: Anchor) -> FloatArray:
    """Mean spectrum (L,) of the field around an anchor."""
    height, width = field.source_shape
    if not (0 <= anchor.row < height and 0 <= anchor.col < width):
        raise ValueError(
            f"the image has rows 0-{height - 1} and columns 0-{width - 1}; there is no spot at row {anchor.row}, "
            f"column {anchor.col}"
        )
    window = []
    for at, size in zip((anchor.row, anchor.col), field.shape, strict=True):
        first, last = at - PATCH // 2, at + PATCH // 2
        window.append(slice(max(first, 0) // field.binning, min(last // field.binning + 1, size)))
    return field.cube(prior.nm, rows=window[0], cols=window[1]).values.mean((1, 2))


def _resample(prior: ResidualPrior, anchor: Anchor) -> tuple[Doubles, Doubles]:
    """Values and standard deviations (L,) of a reading at the wavelengths of the prior."""
    spectrum, name = anchor.spectrum, anchor.spectrum.name or "the reading"
    valid = np.isfinite(spectrum.values)
    nm, values = spectrum.wavelengths.nm[valid], spectrum.values[valid].astype(np.float64)
    low, high = prior.nm[[0, -1]]
    if nm.size < 2 or nm[0] > low + MARGIN or nm[-1] < high - MARGIN:
        covers = f"covers {nm[0]:g}-{nm[-1]:g} nm" if nm.size else "has no values"
        raise ValueError(f"{name} {covers}; a measured spectrum must cover {low:g}-{high:g} nm")
    for start, stop in pairwise(nm.tolist()):
        if stop - start > WIDEST_GAP and start < high - MARGIN and stop > low + MARGIN:
            raise ValueError(
                f"{name} has no values between {start:g} and {stop:g} nm; a measured spectrum needs one every "
                f"{WIDEST_GAP:g} nm or less"
            )
    noise = np.full(nm.size, NOISE * abs(values).max()) if anchor.noise is None else anchor.noise[valid]
    return np.interp(prior.nm, nm, values), np.interp(prior.nm, nm, noise)


def _predicted(prior: ResidualPrior, readings: _Readings, posterior: ResidualPosterior, level: float) -> FloatArray:
    """Spectra (L, n) of all patches of `readings` by a posterior."""
    scores, _ = posterior.scores(readings.features)
    return np.maximum(readings.predicted + prior.curves @ scores * prior.brightness(readings.predicted, level), 0)


def _pixels(rows: slice, cols: slice, stride: int = 1) -> npt.NDArray[np.int64]:
    """Rows and columns (2, h · w) of the pixels of a window."""
    grid = np.meshgrid(*(np.arange(part.start, part.stop, stride) for part in (rows, cols)), indexing="ij")
    return np.stack(grid).reshape(POSITIONS, -1)
