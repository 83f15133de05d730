"""Calibration of a camera by the patches of a colour chart: tone curve, white, colours and vignetting.

Every choice (form of the tone curve, matrix or root-polynomial terms, regularisation, vignetting) is the simplest whose
error on patches left out of the fit is not clearly worse than that of the best.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry import cie
from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.io.photos.camera_profile import CameraProfile, colour_terms, squared_radius
from nesr_gui.io.photos.chart_patches import CLIPPED, ChartError, ChartReading
from nesr_gui.io.photos.photo import DecodedPhoto
from nesr_gui.regions import Region
from nesr_gui.spectral import Spectrum

DEGREES = (0, 1, 2, 3)  # of the tone curve, a polynomial in the logarithm of light; 0 is a linear file
RIDGES = (1e-4, 1e-3, 1e-2)  # weight of the distance of the matrix from that of the file
GAIN = 0.93  # error left out, relative to that of a simpler form, that a more complex form needs
LIGHT_GAIN = 0.85  # the same for uneven light, which can imitate a tone curve
VISIBLE = 0.1  # ΔE2000 that a more complex form must gain in any case
NEUTRALS = 4  # grey patches that a tone curve needs
SMALLEST_SLOPE = 0.15  # of the tone curve, in logarithms
TOE = 0.7  # range of the logarithm of light, below the darkest grey, in which the tone curve becomes linear
FOLDS = 24
KNOTS = 129
STEEPEST = 3.0  # change of the logarithm of light over the chart
RADII = 0.25  # span of squared radii that shows vignetting
UNEVEN_LIGHT = 0.4  # change of the logarithm of light over the chart that blurs the tone curve
UNEVEN = 0.25  # spread of the pixels of a patch that is partly hidden
OUTLIER = 12.0  # ΔE2000 of a patch left out that may be hidden or dirty, if it is also 4 times the median
MOST_OUTLIERS = 0.25  # fraction of the patches
WRONG = 15.0  # mean ΔE2000 of patches left out that no chart has
FEWEST = 9  # patches that are used

Array = npt.NDArray[np.float64]


class PatchResult(NamedTuple):
    """Colour differences ΔE2000 of a patch; NaN if it is not visible.

    `before` is as the file states its colours, at the exposure that fits best, `after` with the profile, `left_out`
    with a profile made without the patch. `reason` says why the patch was not used; empty if it was.
    """

    name: str
    before: float
    after: float
    left_out: float
    reason: str


@dataclass(frozen=True)
class ChartAnchor:
    """A patch offered as a measured spot: its name, the part of it that was read, and its published reflectance."""

    patch: str
    region: Region
    spectrum: Spectrum


@dataclass(frozen=True, eq=False)
class Calibration:
    """A camera profile, the figures of every patch, and notes for the user."""

    profile: CameraProfile
    patches: tuple[PatchResult, ...]
    anchors: tuple[ChartAnchor, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Form:
    """Form of a fit: degree of the tone curve, number of colour terms, regularisation, kind of illumination."""

    degree: int = 1
    terms: int = 3
    ridge: float = 1e-3
    light: str = "even"  # or over the chart a "slope", "curved" in both directions; or "falloff": vignetting


@dataclass(frozen=True, eq=False)
class _Fit:
    """Parameters of a fit, or with leading axes of fits to several selections of patches at once.

    `curve` (..., coefficients) and its range `knees` (..., 2), `gains` (..., 3), `matrix` (..., 3, terms),
    and weights of the `shading` (..., weights).
    """

    curve: Array
    knees: Array
    gains: Array
    matrix: Array
    shading: Array

    def linear(self, light: Array) -> Array:
        """Light (..., N, channels) without tone curve; a power function beyond the range of the greys."""
        logs = np.log(np.maximum(light, 1e-12))
        return np.where(light <= 0, 0, np.exp(_log_curve(self.curve, self.knees, logs)))

    def colours(self, light: Array) -> Array:
        """Linear sRGB (..., N, 3) of light (N, 3), with the shading of the chart."""
        terms = colour_terms(self.linear(light) * self.gains[..., None, :], self.matrix.shape[-1])
        colours: Array = terms @ self.matrix.swapaxes(-1, -2)
        return colours


def calibrate(
    reading: ChartReading, decoded: DecodedPhoto, progress: ProgressCallback = lambda done: None
) -> Calibration:
    """Fit a camera profile to the patches of a chart.

    Args:
        reading: the patches.
        decoded: the photograph that they were read from.
        progress: called between fits with the fraction done; exceptions it raises end the work.

    Raises:
        ChartError: too many patches are clipped or hidden, or the colours are not those of the chart.
    """
    solver = _Solver(reading, progress)
    used = solver.usable()
    form = _choose(solver, used)
    for _ in range(3):
        errors = solver.left_out(form, used)
        limit = max(OUTLIER, 4 * float(np.median(errors[used])))
        outliers = used & (errors > limit)
        if not outliers.any():
            break
        solver.reasons.update({int(patch): "does not fit" for patch in np.flatnonzero(outliers)})
        used = used & ~outliers
        if solver.misfits() > MOST_OUTLIERS * int(reading.is_visible.sum()):
            break
        form = _choose(solver, used)
    left_out = solver.left_out(form, used)
    if solver.misfits() > MOST_OUTLIERS * int(reading.is_visible.sum()) or left_out[used].mean() > WRONG:
        raise ChartError(
            f"{solver.misfits() or 'many'} patches do not have the colours of a {reading.chart.name} (mean ΔE2000 "
            f"{left_out[reading.is_visible].mean():.0f}); check its corners and type, and that nothing hides it"
        )
    return _result(solver, form, used, left_out, decoded)


def _choose(solver: _Solver, used: npt.NDArray[np.bool_]) -> _Form:
    """The form with the smallest error on patches left out, where complexity must earn its place."""
    degrees = DEGREES if (solver.neutral & used).sum() >= NEUTRALS else (0,)
    errors: dict[_Form, float] = {}

    def simplest(forms: list[_Form], gain: float) -> _Form:
        best = forms[0]
        for form in forms:
            if form not in errors:
                errors[form] = float(solver.left_out(form, used)[used].mean())
            if errors[form] < min(errors[best] * gain, errors[best] - VISIBLE):
                best = form
        return best

    form = _Form(ridge=RIDGES[1])
    curves = [simplest([replace(form, degree=d, light=light) for d in degrees], GAIN) for light in solver.lights]
    form = simplest(curves, LIGHT_GAIN)
    form = simplest([replace(form, ridge=ridge) for ridge in reversed(RIDGES)], GAIN)
    return simplest([replace(form, terms=terms) for terms in (3, 6)], GAIN)


class _Solver:
    """Fits to the patches of a reading; `reasons` says of patches why they are not used."""

    def __init__(self, reading: ChartReading, progress: ProgressCallback) -> None:
        self.reading, self.chart = reading, reading.chart
        self._progress, self._compared = progress, 0  # forms compared so far
        self._light = np.where(np.isfinite(reading.light), reading.light, 1.0)  # what is not visible has weight 0
        self.neutral = self.chart.is_neutral & (self.chart.colours.min(axis=1) > 0)
        self.reasons: dict[int, str] = {}
        self.targets = self.chart.colours
        self.weights = 1 / (np.maximum(self.targets.mean(axis=1), 0) + 0.05)
        prior = reading.primaries / reading.primaries.sum(axis=1, keepdims=True)
        self.prior = prior if np.isfinite(prior).all() else np.eye(3)
        across = self.chart.cells / np.maximum(self.chart.cells.max(axis=0), 1) - 0.5
        radius = squared_radius(reading.places[:, 0], reading.places[:, 1], reading.shape)[:, None]
        curved = np.column_stack([across, across**2 - (across**2).mean(axis=0), across.prod(axis=1)])
        self.shadings = {
            "even": np.zeros((len(self.chart), 0)), "slope": across, "curved": curved, "falloff": radius,
        }  # fmt: skip
        self.lights = ["even", "slope"]
        if np.ptp(radius[reading.is_visible]) >= RADII:
            self.lights.append("falloff")
        self.lights.append("curved")

    def usable(self) -> npt.NDArray[np.bool_]:
        """Which patches (N,) can be used.

        Raises:
            ChartError: too few can.
        """
        reading, clipped = self.reading, []
        for patch in range(len(self.chart)):
            if not reading.is_visible[patch]:
                self.reasons[patch] = "outside the photograph"
            elif reading.clipped[patch] > CLIPPED:
                self.reasons[patch] = "clipped"
                clipped.append(patch)
            elif reading.spread[patch] > UNEVEN and reading.light[patch].max() > 0.02:
                self.reasons[patch] = "not uniform"
            elif reading.light[patch].min() <= 0:
                self.reasons[patch] = "black in a channel"
        used = np.array([patch not in self.reasons for patch in range(len(self.chart))])
        greys = sum(bool(self.neutral[patch]) for patch in clipped)
        if len(clipped) > len(self.chart) / 4 or greys > max(1, self.neutral.sum() / 4):
            named = ", ".join(self.chart.patches[patch] for patch in clipped[:3])
            raise ChartError(
                f"{len(clipped)} of {len(self.chart)} patches are clipped ({named} …); photograph the chart with "
                "another exposure, so that its white is not overexposed and its black not underexposed"
            )
        if used.sum() < min(FEWEST, len(self.chart)):
            counts = "; ".join(sorted({f"{list(self.reasons.values()).count(r)} {r}" for r in self.reasons.values()}))
            raise ChartError(
                f"only {int(used.sum())} of {len(self.chart)} patches can be used ({counts}); photograph the whole "
                "chart in even light, or check its corners"
            )
        return used

    def misfits(self) -> int:
        """Number of visible patches that are not uniform or do not fit."""
        return sum(reason in ("does not fit", "not uniform") for reason in self.reasons.values())

    def fit(self, form: _Form, used: npt.NDArray[np.bool_]) -> _Fit:
        """Fits to several selections `used` (..., N) of the patches."""
        columns = np.column_stack([self.shadings[form.light], np.ones(len(self.chart))])
        weights = np.sqrt(np.maximum(self.targets.mean(axis=1), 0.02)) * used
        shading = np.zeros((*used.shape[:-1], columns.shape[1] - 1))
        fit = self._fit(form, used, shading)
        for _ in range(0 if form.light == "even" else 6):
            expected, found = self._expected(form, shading), fit.colours(self._light)
            ratio = found.clip(1e-4).sum(axis=-1) / expected.clip(1e-4).sum(axis=-1)
            shading = np.clip(shading + _least_squares(columns, np.log(ratio), weights)[..., :-1], -STEEPEST, STEEPEST)
            if form.light == "falloff":
                shading = np.minimum(shading, 0.1)  # brighter corners are no vignetting
            fit = self._fit(form, used, shading)
        return fit

    def _expected(self, form: _Form, shading: Array) -> Array:
        """Linear sRGB (..., N, 3) of the chart under this light."""
        return self.targets * self._level(form, shading)[..., None]

    def _level(self, form: _Form, shading: Array) -> Array:
        """Relative light (..., N) on the patches."""
        level: Array = np.exp(shading @ self.shadings[form.light].T)
        return level

    def _fit(self, form: _Form, used: npt.NDArray[np.bool_], shading: Array) -> _Fit:
        targets, greys = self._expected(form, shading), used & self.neutral
        count = greys.sum(axis=-1)
        shown = np.where((count >= 3)[..., None], greys, used & (targets.min(axis=-1) > 0.01))
        degrees = np.where(count > form.degree + 1, form.degree, 0)
        curve, knees, gains = _fit_curve(self._light, targets, shown, degrees)
        fit = _Fit(curve, knees, gains, np.eye(3), shading)
        terms = colour_terms(fit.linear(self._light) * gains[..., None, :], form.terms)
        return replace(fit, matrix=_fit_matrix(terms, targets, self.weights * used, self.prior, form.ridge))

    def colours(self, form: _Form, fit: _Fit) -> Array:
        """Linear sRGB (..., N, 3) of all patches in even light; NaN for those outside the photograph."""
        return fit.colours(self.reading.light) / self._level(form, fit.shading)[..., None]

    def left_out(self, form: _Form, used: npt.NDArray[np.bool_]) -> Array:
        """ΔE2000 (N,) of all patches, for each with a fit without it, and without others of a chart of many."""
        self._progress(min(self._compared / (len(self.lights) * len(DEGREES) + len(RIDGES)), 1.0))
        self._compared += 1
        patches = np.arange(len(self.chart))
        fold = np.zeros(len(self.chart), int)  # 0: is not used anyway
        fold[used] = 1 + np.arange(used.sum()) % FOLDS
        others = used & (fold != np.arange(fold.max() + 1)[:, None])
        return _differences(self.colours(form, self.fit(form, others))[fold, patches], self.targets)


def _least_squares(columns: Array, values: Array, weights: Array) -> Array:
    """Coefficients (..., K) of columns (..., N, K) for values (..., N), of the least norm if several are as good."""
    weighted: Array = np.linalg.pinv(columns * weights[..., None]) @ (values * weights)[..., None]
    return weighted[..., 0]


def _polynomial(coefficients: Array, at: Array) -> Array:
    """Values of polynomials (..., coefficients), the highest power first, at (..., N, channels)."""
    value = np.zeros(1)
    for power in range(coefficients.shape[-1]):
        value = value * at + coefficients[..., power, None, None]
    return value


def _derivative(coefficients: Array) -> Array:
    return coefficients[..., :-1] * np.arange(coefficients.shape[-1] - 1, 0, -1)


def _log_curve(curve: Array, knees: Array, logs: Array) -> Array:
    """Polynomial of `curve` (..., coefficients) in logarithms (..., N, channels), continued outside its range `knees`.

    Above by its tangent. Below, the slope tends to 1: every tone curve with a finite slope at black is linear there.
    """
    inside = np.clip(logs, knees[..., 0, None, None], knees[..., 1, None, None])
    slope = np.maximum(_polynomial(_derivative(curve), inside), SMALLEST_SLOPE)
    below, above = np.minimum(logs - inside, 0), np.maximum(logs - inside, 0)
    toe = below + (slope - 1) * TOE * np.expm1(below / TOE)
    return _polynomial(curve, inside) + slope * above + toe


def _fit_curve(
    light: Array, targets: Array, shown: npt.NDArray[np.bool_], degrees: npt.NDArray[np.intp]
) -> tuple[Array, Array, Array]:
    """Common tone curve (..., coefficients) of the channels, its range (..., 2), and their gains (..., 3).

    log target (..., N, 3) = log gain of the channel + polynomial (log light (N, 3)), from patches `shown` (..., N) by
    least squares, weighted by the derivative of the cube root, which is about that of lightness. A curve of the degree
    in `degrees` (...) that does not rise is replaced by one of a lower degree.
    """
    logs, wanted = np.log(np.maximum(light, 1e-6)), np.log(np.maximum(targets, 1e-6))
    ends = np.where(shown, logs.min(axis=1), np.inf).min(-1), np.where(shown, logs.max(axis=1), -np.inf).max(-1)
    knees, most = np.stack(ends, axis=-1), int(degrees.max())
    weights = np.cbrt(np.maximum(targets, 1e-6)) * shown[..., None]
    gains = np.exp((weights**2 * (wanted - logs)).sum(axis=-2) / (weights**2).sum(axis=-2))
    curve = np.zeros((*degrees.shape, max(most, 1) + 1))
    curve[..., -2] = 1
    flat = (*shown.shape[:-1], -1)
    values, weights = np.broadcast_to(wanted, weights.shape).reshape(flat), weights.reshape(flat)
    for degree in range(1, most + 1):
        powers = logs.reshape(-1, 1) ** np.arange(degree, 0, -1)
        solved = _least_squares(np.hstack([powers, np.tile(np.eye(3), (len(light), 1))]), values, weights)
        common = solved[..., degree:].mean(axis=-1, keepdims=True)
        higher = np.concatenate([np.zeros((*degrees.shape, most - degree)), solved[..., :degree], common], axis=-1)
        slopes = _polynomial(_derivative(higher), np.linspace(*ends, 65, axis=-1)[..., None])
        fits = ((slopes.min(axis=(-1, -2)) >= SMALLEST_SLOPE) & (degree <= degrees))[..., None]
        curve = np.where(fits, higher, curve)
        gains = np.where(fits, np.exp(solved[..., degree:] - common), gains)
    return curve, knees, gains


def _fit_matrix(terms: Array, targets: Array, weights: Array, prior: Array, ridge: float) -> Array:
    """Matrix (..., 3, K) that maps terms (..., N, K) to targets (..., N, 3) and white to white, near `prior` (3, 3).

    Least squares with weights (..., N); the rows sum to 1 (white point preserving, Finlayson and Drew 1997).
    """
    count = terms.shape[-1]
    start = np.hstack([prior, np.zeros((3, count - 3))])
    basis = np.vstack([np.eye(count - 1), -np.ones(count - 1)])  # (K, K - 1): changes that sum to 0
    free, missing = terms @ basis, targets - terms @ start.T
    weighted = (free * weights[..., None]).swapaxes(-1, -2)
    normal = weighted @ free + ridge * weights.sum(axis=-1)[..., None, None] * basis.T @ basis
    changes = np.linalg.solve(normal, weighted @ missing).swapaxes(-1, -2)  # (..., 3, K - 1)
    matrix: Array = start + changes @ basis.T
    return matrix


def _differences(colours: Array, targets: Array) -> Array:
    visible = np.isfinite(colours).all(axis=1)
    result = np.full(len(targets), np.nan)
    if visible.any():
        result[visible] = cie.colour_differences(colours[visible], targets[visible])
    return result


def _before(reading: ChartReading, used: npt.NDArray[np.bool_]) -> Array:
    """ΔE2000 (N,) of the patches as the file states its colours, at the exposure that fits best."""
    colours = reading.light @ reading.primaries.T
    ratios = np.log(reading.chart.colours[used].clip(1e-4).sum(1) / colours[used].clip(1e-4).sum(1))
    return _differences(colours * np.exp(np.median(ratios)), reading.chart.colours)


def _result(
    solver: _Solver, form: _Form, used: npt.NDArray[np.bool_], left_out: Array, decoded: DecodedPhoto
) -> Calibration:
    reading, chart = solver.reading, solver.chart
    fit = solver.fit(form, used)
    before, after = _before(reading, used), _differences(solver.colours(form, fit), chart.colours)
    camera = decoded.stored.camera
    falloff = -float(fit.shading[0]) if form.light == "falloff" else 0.0
    try:
        profile = CameraProfile(
            name=camera or decoded.name, curve=_knots(fit), matrix=_folded(fit), falloff=falloff, camera=camera,
            encoding=reading.encoding, read_as=str(reading.read_as), chart=chart.name, patches=int(used.sum()),
            photograph=decoded.name, sha256=decoded.sha256, before=float(before[used].mean()),
            after=float(after[used].mean()), left_out=float(left_out[used].mean()),
            white_balance=decoded.stored.white_balance,
        )  # fmt: skip
    except ValueError as error:  # numbers that no profile has
        raise ChartError(f"the chart is too dark for a profile, {error}; expose it more") from error
    patches = tuple(
        PatchResult(name, float(before[i]), float(after[i]), float(left_out[i]), solver.reasons.get(i, ""))
        for i, name in enumerate(chart.patches)
    )
    spectra = ((int(patch), chart.reflectance(int(patch))) for patch in np.flatnonzero(used))
    anchors = tuple(
        ChartAnchor(chart.patches[patch], reading.region(patch), spectrum)
        for patch, spectrum in spectra if spectrum is not None
    )  # fmt: skip
    return Calibration(profile, patches, anchors, tuple(_notes(solver, form, fit)))


def _notes(solver: _Solver, form: _Form, fit: _Fit) -> list[str]:
    notes = []
    if solver.reading.turned:
        notes.append(f"The chart is turned by {solver.reading.turned}° in the photograph.")
    for reason, group in itertools.groupby(sorted(solver.reasons.items(), key=lambda each: each[1]), lambda e: e[1]):
        names = [solver.chart.patches[patch] for patch, _ in group]
        notes.append(f"Not used, {reason}: {', '.join(names[:6])}{' …' if len(names) > 6 else ''}.")
    if form.degree == 0 and solver.neutral.sum() < NEUTRALS:
        notes.append("The chart has too few grey patches for a tone curve; that of the file's encoding was kept.")
    if form.light in ("slope", "curved"):
        level = np.exp(solver.shadings[form.light] @ fit.shading)
        text = "Its brightest place has {:.1f} times the light of its darkest, which the fit allows for{}."
        advice = "; photograph it in even light for an exact tone curve" if np.ptp(np.log(level)) > UNEVEN_LIGHT else ""
        notes.append("The light on the chart is uneven. " + text.format(level.max() / level.min(), advice))
    return notes


def _knots(fit: _Fit) -> tuple[tuple[float, float], ...]:
    """The tone curve as knots, dense near black, for light up to full scale and the chart's white."""
    codes = max(1.0, float(np.exp(fit.knees[1]))) * np.linspace(0, 1, KNOTS) ** 3
    light = np.maximum.accumulate(fit.linear(codes[:, None])[:, 0])
    return tuple(zip(codes.tolist(), light.tolist(), strict=True))


def _folded(fit: _Fit) -> tuple[tuple[float, ...], ...]:
    """The matrix with the gains of the channels."""
    terms = colour_terms(fit.gains[None], fit.matrix.shape[1])[0]
    return tuple(map(tuple, (fit.matrix * terms).tolist()))
