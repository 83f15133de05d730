"""Learning the prior of `fields.residual_prior` from the errors of models on scenes that they have not seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nesr_gui.colorimetry import cie
from nesr_gui.fields.anchored import NOISE
from nesr_gui.fields.residual_prior import (
    LEVELS,
    POSITIONS,
    IntervalNarrowing,
    PatchResiduals,
    ResidualPrior,
    brightness,
)
from nesr_gui.fields.suggestion import choose_spots
from nesr_gui.inference.calibration import IntervalCalibration
from nesr_gui.networks.registry import Network
from nesr_gui.spectral import FloatArray
from nesr_gui.training.contributions import answers
from nesr_gui.training.scenes import Scene

CURVES, SHAPES = 10, 6  # principal residuals, and features of the shape of a spectrum
PATCH = 5  # side in pixels of the patches that readings are compared with
PATCHES = 2_000  # of one scene
SHAPE_UNIT = 0.3  # standard deviation of a feature of the shape, so that the first rates are of the right order
STARTS = ((0.1, 0.1, 0.1), (1.0, 1.0, 0.2), (3.0, 3.0, 0.2), (1.5, 1.5, 4.0), (0.5, 0.5, 0.2))
"""First rates of each kernel: of shapes, brightness and positions."""
FADING = (0, 0, 0, 0, 1)  # of each kernel
STEPS, RATE, SAMPLE = 150, 0.05, 120  # of the optimiser, and patches of a scene per step
FREEDOM = 6.0  # degrees of freedom of the Student-t likelihood, so that single scenes do not decide
COUNTS = (1, 3, 5, 10, 24)  # readings with which the width of the intervals is calibrated
GROUPS = 3  # of scenes, whose intervals are calibrated by a prior that is learned on the others
CALIBRATED_PIXELS = 600  # of a scene, on which its intervals are calibrated
QUANTILE = 0.92  # of the half-widths that a scene needs; more than `COVERAGE`, so that it also holds in most scenes
MOST = 3.0  # of the exponents of narrowing


@dataclass(frozen=True, eq=False)
class ResidualUnit:
    """Patches of a scene and their central pixels, over the white level, with the answers of a model.

    Args:
        name: of the scene.
        places: rows and columns (2, N) over the longer side of the image.
        patch_answers: mean answers (L, N) of the patches.
        patch_truth: mean measured spectra (L, N) of the patches.
        answers: of the central pixels (L, N).
        truth: measured spectra of the central pixels (L, N).
        rgb: colours (N, 3) of the central pixels.
    """

    name: str
    places: npt.NDArray[np.float64]
    patch_answers: FloatArray
    patch_truth: FloatArray
    answers: FloatArray
    truth: FloatArray
    rgb: FloatArray


def residual_unit(scene: Scene, network: Network) -> ResidualUnit:
    """Random patches of a scene outside its chart, with the answers of a network to its 8-bit photograph."""
    photograph = scene.photograph(eight_bit=True)
    level = np.float32(cie.white_level(photograph))
    answer, truth = answers(network, photograph) / level, np.moveaxis(scene.cube, 0, -1) / level
    windows = np.lib.stride_tricks.sliding_window_view(scene.outside_chart(), (PATCH, PATCH))
    corners = np.argwhere(windows.all((2, 3)))
    corners = corners[np.random.default_rng(0).permutation(len(corners))[:PATCHES]]
    rows, cols = corners.T + PATCH // 2

    def means(cube: FloatArray) -> FloatArray:
        return np.stack([cube[y : y + PATCH, x : x + PATCH].mean((0, 1)) for y, x in corners], axis=1)

    return ResidualUnit(
        scene.name,
        (np.stack([rows, cols]) + 0.5) / max(photograph.shape[:2]),
        patch_answers=means(answer),
        patch_truth=means(truth),
        answers=answer[rows, cols].T,
        truth=truth[rows, cols].T,
        rgb=photograph[rows, cols] / level,
    )


def fit_prior(units: Sequence[ResidualUnit], calibration: IntervalCalibration) -> ResidualPrior:
    """The prior that explains the residuals of scenes best; all have the same weight.

    Curves are principal components of the residuals where the camera is blind. Rates, weights and noise maximise the
    marginal likelihood of the scores of random patches. Narrowing and doubt give intervals their coverage with readings
    of some patches, on scenes that the prior has not seen.

    Args:
        units: the scenes.
        calibration: the intervals without readings.
    """
    prior = _fit(units)
    groups = [units[first::GROUPS] for first in range(GROUPS)]
    held = [(prior, unit) for unit in units]
    if all(len(group) < len(units) for group in groups):
        held = []
        for group in groups:
            others = _fit([unit for unit in units if all(unit is not each for each in group)])
            held += [(others, unit) for unit in group]
    narrowing, doubt = _calibrated([case for each in held for case in _cases(*each, calibration)])
    return replace(prior, narrowing=narrowing, doubt=doubt)


def _fit(units: Sequence[ResidualUnit]) -> ResidualPrior:
    """A prior whose intervals are not calibrated."""
    return _noises(_optimised(_bases(units), units), units)


def _bases(units: Sequence[ResidualUnit]) -> ResidualPrior:
    """A prior with curves and features, and the rates from which the optimisation starts."""
    exact = cie.default_camera()
    camera, blind = exact.astype(np.float32), np.eye(exact.shape[1]) - np.linalg.pinv(exact) @ exact
    residuals = [blind @ _residuals(camera, unit.patch_answers, unit.patch_truth) for unit in units]
    variance, axes = np.linalg.eigh(np.mean([part @ part.T / part.shape[1] for part in residuals], axis=0))
    curves = axes[:, : -CURVES - 1 : -1] * np.sqrt(variance[: -CURVES - 1 : -1])
    relative = [unit.patch_answers / brightness(camera, unit.patch_answers, 1) for unit in units]
    centre = np.mean([part.mean(1) for part in relative], axis=0)
    centred = [part - centre[:, None] for part in relative]
    variance, axes = np.linalg.eigh(np.mean([part @ part.T / part.shape[1] for part in centred], axis=0))
    shapes = SHAPE_UNIT * (axes[:, : -SHAPES - 1 : -1] / np.sqrt(variance[: -SHAPES - 1 : -1])).T
    rates = [[*(shape,) * SHAPES, light, *(place,) * POSITIONS] for shape, light, place in STARTS]
    unknown = np.zeros(CURVES, np.float32)
    return ResidualPrior(
        nm=cie.CAMERA_BANDS.nm, camera=camera, curves=curves.astype(np.float32), centre=centre.astype(np.float32),
        shapes=shapes.astype(np.float32), rates=np.array(rates, np.float32), fading=np.array(FADING, np.float32),
        weights=np.zeros((len(FADING), CURVES), np.float32), noise=unknown, dark_noise=unknown, pixel_noise=unknown,
        rest=np.zeros(camera.shape[1], np.float32), narrowing=np.ones(len(LEVELS), np.float32),
        doubt=np.zeros(len(LEVELS), np.float32),
    )  # fmt: skip


def _residuals(camera: FloatArray, answer: FloatArray, truth: FloatArray) -> npt.NDArray[np.float64]:
    """Residuals (L, N) of answers (L, N), over brightness."""
    return ((truth - answer) / brightness(camera, answer, 1)).astype(np.float64)


def _compare(prior: ResidualPrior, unit: ResidualUnit) -> PatchResiduals:
    """Residuals of the patches of a unit, as readings with the usual noise."""
    truth = unit.patch_truth.astype(np.float64)
    return prior.compare(unit.patch_answers, truth, np.broadcast_to(NOISE * truth.max(0), truth.shape), 1)


def _optimised(prior: ResidualPrior, units: Sequence[ResidualUnit]) -> ResidualPrior:
    """The prior with the rates, weights and noise of patches that maximise the likelihood."""
    data = []
    for unit in units:
        features = prior.features(unit.patch_answers, unit.places, 1)
        residuals = _compare(prior, unit)
        parts_of_unit = features, residuals.scores, residuals.noise, prior.faintness(features)
        data.append([torch.from_numpy(part.astype(np.float64)) for part in parts_of_unit])
    # Kernels and noise share the variance of a score, which is 1: otherwise long kernels become a linear model of any
    # variance, and a single reading would seem to explain nearly everything. What fades comes in addition.
    count = len(FADING) - sum(FADING)
    rates = torch.from_numpy(np.log(prior.rates.astype(np.float64)))
    shares = torch.zeros(count + 1, CURVES, dtype=torch.float64)
    faint = torch.full((sum(FADING) + 1, CURVES), -2.0, dtype=torch.float64)
    parameters = [part.requires_grad_() for part in (rates, shares, faint)]
    optimiser, rng = torch.optim.Adam(parameters, RATE), np.random.default_rng(0)

    def parts() -> tuple[Tensor, Tensor, Tensor]:
        """Weights (C, M), noise (M,) and dark noise (M,)."""
        variance, fading = shares.softmax(0), faint.exp()
        return torch.cat([variance[:-1], fading[:-1]]), variance[-1], fading[-1]

    for step in range(STEPS):
        for group in optimiser.param_groups:
            group["lr"] = RATE * (1 - step / STEPS)
        optimiser.zero_grad()
        for described, scored, errors, fainter in data:
            chosen = torch.from_numpy(rng.integers(described.shape[1], size=SAMPLE))
            weights, shared, dark = parts()
            powers = torch.where(torch.tensor(FADING)[:, None] > 0, fainter[chosen], 1.0)
            likelihood = _likelihood(
                described[:, chosen], scored[:, chosen], rates.exp(), weights, powers,
                errors[:, chosen] + shared[:, None] + dark[:, None] * fainter[chosen].square(),
            )  # fmt: skip
            (-likelihood / SAMPLE / len(data)).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    learned = [part.detach().numpy().astype(np.float32) for part in (rates.exp(), *parts())]
    return replace(prior, rates=learned[0], weights=learned[1], noise=learned[2], dark_noise=learned[3])


def _likelihood(
    features: Tensor, scores: Tensor, rates: Tensor, weights: Tensor, powers: Tensor, noise: Tensor
) -> Tensor:
    """Logarithm of the Student-t likelihood of scores (M, N), up to a constant.

    Source: Shah, Wilson and Ghahramani, Student-t processes as alternatives to Gaussian processes, 2014, equation 6.

    Args:
        features: of patches (F, N).
        scores: of their residuals (M, N).
        rates: see `ResidualPrior`.
        weights: see `ResidualPrior`.
        powers: factors (C, N) of the kernels.
        noise: variance (M, N).
    """
    scaled = rates[:, :, None] * features  # (C, F, N)
    squares = scaled.square().sum(1)
    apart = squares[:, :, None] + squares[:, None, :] - 2 * scaled.mT @ scaled
    kernels = (-apart.clamp_min(0) / 2).exp() * powers[:, :, None] * powers[:, None, :]
    covariance = torch.einsum("cm,cij->mij", weights, kernels)
    lower = torch.linalg.cholesky(covariance + torch.diag_embed(noise))
    whitened = torch.linalg.solve_triangular(lower, scores[:, :, None], upper=False)
    distance = whitened.square().sum((1, 2))
    volume = lower.diagonal(dim1=1, dim2=2).log().sum()
    return -(FREEDOM + scores.shape[1]) / 2 * (distance / (FREEDOM - 2)).log1p().sum() - volume


def _noises(prior: ResidualPrior, units: Sequence[ResidualUnit]) -> ResidualPrior:
    """The prior with the noise of single pixels."""
    pseudo, apart, left = np.linalg.pinv(prior.curves.astype(np.float64)), [], []
    for unit in units:
        pixels = _residuals(prior.camera, unit.answers, unit.truth)
        patches = _residuals(prior.camera, unit.patch_answers, unit.patch_truth)
        apart.append(np.square(pseudo @ (pixels - patches)).mean(1))
        left.append(np.square(pixels - prior.curves @ (pseudo @ pixels)).mean(1))
    noise, rest = (np.mean(part, axis=0).astype(np.float32) for part in (apart, left))
    return replace(prior, pixel_noise=noise, rest=rest)


@dataclass(frozen=True, eq=False)
class _Case:
    """Values of a scene, given some readings, relative to the half-widths of their intervals without readings.

    Attributes:
        needed: distances (L, N) of the truth from the corrected values.
        corrections: squared corrections (L, N).
        logarithms: of the shares (L, N) of the variance that remain.
        levels: weights (B, N) of `LEVELS` of brightness.
    """

    needed: Tensor
    corrections: Tensor
    logarithms: Tensor
    levels: Tensor


def _calibrated(cases: Sequence[_Case]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Narrowing and doubt (B,) at `LEVELS` with which intervals have their coverage; all cases have the same weight.

    They minimise the loss whose minimum is a quantile of the needed half-widths (Koenker and Bassett 1978), so that
    intervals are as narrow as their coverage permits, as far as shares and corrections tell.
    """
    knots = len(cases[0].levels)
    learned = torch.cat([torch.ones(knots), torch.full((knots,), 0.1)]).requires_grad_()
    most = torch.cat([torch.full((knots,), MOST), torch.full((knots,), torch.inf)])
    optimiser = torch.optim.LBFGS([learned], max_iter=60, line_search_fn="strong_wolfe")

    def bounded() -> Tensor:
        return learned.abs().minimum(most)

    def loss() -> float:
        optimiser.zero_grad()
        total = 0.0
        for case in cases:
            narrowing, doubt = bounded().reshape(2, knots) @ case.levels
            width = ((narrowing * case.logarithms).exp() + doubt * case.corrections + 1e-12).sqrt()
            short = case.needed - width
            part = torch.where(short > 0, QUANTILE * short, (QUANTILE - 1) * short).mean() / len(cases)
            part.backward()  # type: ignore[no-untyped-call]
            total += float(part.detach())
        return total

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    narrowing, doubt = bounded().detach().numpy().astype(np.float32).reshape(2, knots)
    return narrowing, doubt


def _cases(prior: ResidualPrior, unit: ResidualUnit, calibration: IntervalCalibration) -> Iterator[_Case]:
    """A unit with some numbers of readings, of patches as suggested and of random ones."""
    features = prior.features(unit.patch_answers, unit.places, 1)
    residuals, some = _compare(prior, unit), slice(None, None, -(-unit.answers.shape[1] // CALIBRATED_PIXELS))
    answers, truth = unit.answers[:, some], unit.truth[:, some]
    bounds = [part.T for part in calibration.prediction_interval(unit.rgb[some], answers.T, prior.nm)]
    below, above = (np.maximum(abs(bound - answers), 1e-6) for bound in bounds)
    pixels, bright = prior.features(answers, unit.places[:, some], 1), prior.brightness(answers, 1)
    faint, narrowing = prior.faintness(pixels), IntervalNarrowing.of(prior, prior.nm)
    levels = np.stack(
        [replace(prior, doubt=part).at_levels(faint)[-1] for part in np.eye(len(LEVELS), dtype=np.float32)]
    )
    for spots in _spots(prior, features, unit):
        for count in (count for count in COUNTS if count <= len(spots)):
            chosen = spots[:count]
            posterior = prior.posterior(features[:, chosen], residuals.scores[:, chosen], residuals.noise[:, chosen])
            mean, kernels = posterior.scores(pixels)
            values = np.maximum(answers + prior.curves @ mean * bright, 0)
            half = np.where(truth > values, above, below)
            shares = narrowing.shares(posterior.variances(kernels, faint), faint)
            corrections = narrowing.corrections(mean * bright) / np.square(half)
            parts = abs(truth - values) / half, corrections, np.log(shares), levels
            yield _Case(*(torch.from_numpy(part.astype(np.float32)) for part in parts))


def _spots(prior: ResidualPrior, features: FloatArray, unit: ResidualUnit) -> Iterator[npt.NDArray[np.intp]]:
    """Patches with `features` (F, N) to read: as suggested, and at random."""
    some = np.arange(0, features.shape[1], 3)
    importance = np.square(prior.brightness(unit.patch_answers, 1))
    yield some[choose_spots(prior, None, features[:, some], importance[some], np.arange(0, len(some), 2), max(COUNTS))]
    yield np.random.default_rng(0).permutation(features.shape[1])[: max(COUNTS)]
