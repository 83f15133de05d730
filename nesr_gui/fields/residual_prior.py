"""How the errors of a model hang together: a Gaussian process over the pixels of an image, one for each error curve.

The residual of a pixel, divided by its brightness, is a sum of a few curves over wavelength. The score of each curve is
a Gaussian process whose kernel compares two pixels by the shape of their predicted spectra, their brightness and their
distance in the image. The curves are invisible to the default camera, so no score changes the colour of a pixel.
Everything is learned in training (`training.residual_prior`) and stored in the model file.

Source of the formulas: Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, equations 2.25 and 2.26.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui.spectral import FloatArray

Doubles = npt.NDArray[np.float64]

DARK = 0.02  # added to the brightness by which residuals are divided, relative to the white level
BRIGHTNESS_UNIT = 0.3  # scale of the logarithm of brightness among the features
LEVELS = (0.03, 0.06, 0.15, 0.4)  # of brightness, between whose logarithms what is learned of intervals is interpolated
NOT_NEGATIVE = ("rates", "weights", "noise", "dark_noise", "pixel_noise", "rest", "narrowing", "doubt")  # of a prior
POSITIONS = 2  # features that are coordinates: row and column, over the longer side of the image


@dataclass(frozen=True, eq=False)
class ResidualPrior:
    """Prior of the residuals of a model, measured spectrum minus prediction, over brightness.

    Attributes:
        nm: (L,), evenly spaced wavelengths of the curves.
        camera: (3, L), sensitivities of the default camera, to which the curves are invisible.
        curves: (L, M), principal residual curves, scaled so that their scores have a variance of about 1.
        centre: (L,), mean of predicted spectra over their brightness.
        shapes: (Q, L), projection of predicted spectra, less `centre`, to features.
        rates: (C, F), inverse correlation lengths of C kernels in the F = Q + 3 features; zeros ignore a feature.
        fading: (C,), 1 for kernels of errors that do not grow with the brightness, such as stray light, which are
            multiplied by `faintness` of both pixels; 0 for the others.
        weights: (C, M), variance of the score of each curve that each kernel explains.
        noise: (M,), variance of the scores of a small patch that no other patch shares.
        dark_noise: (M,), the same that fades with brightness.
        pixel_noise: (M,), variance of the scores of a single pixel within a patch.
        rest: (L,), variance of the residual of a pixel that is in no curve.
        narrowing: (B,), exponents, at `LEVELS` of brightness, of the share of the variance that readings leave.
        doubt: (B,), share of a squared score, at `LEVELS`, that is added to the squared width of intervals.

    Raises:
        ValueError: an array has another shape, is not finite, or has a negative variance.
    """

    nm: npt.NDArray[np.float64]
    camera: FloatArray
    curves: FloatArray
    centre: FloatArray
    shapes: FloatArray
    rates: FloatArray
    fading: FloatArray
    weights: FloatArray
    noise: FloatArray
    dark_noise: FloatArray
    pixel_noise: FloatArray
    rest: FloatArray
    narrowing: FloatArray
    doubt: FloatArray

    def __post_init__(self) -> None:
        bands, shapes, kernels = (part.shape[:1] for part in (self.nm, self.shapes, self.rates))
        scores = self.curves.shape[1:2]
        expected = {
            "nm": bands, "camera": (3, *bands), "curves": bands + scores, "centre": bands, "shapes": shapes + bands,
            "rates": (*kernels, sum(shapes) + 1 + POSITIONS), "fading": kernels, "weights": kernels + scores,
            "noise": scores, "dark_noise": scores, "pixel_noise": scores, "rest": bands, "narrowing": (len(LEVELS),),
            "doubt": (len(LEVELS),),
        }  # fmt: skip
        for name, shape in expected.items():
            values = getattr(self, name)
            if values.shape != shape:
                raise ValueError(f"{name} has shape {values.shape}; expected {shape}")
            if not np.isfinite(values).all() or (name in NOT_NEGATIVE and (values < 0).any()):
                raise ValueError(f"{name} has values that are not finite or negative")
        if bands < (4,) or not np.allclose(np.diff(self.nm), self.nm[1] - self.nm[0]) or self.nm[1] <= self.nm[0]:
            raise ValueError("nm is not evenly spaced")

    def brightness(self, spectra: FloatArray, level: float) -> FloatArray:
        """Brightness (N,) by which the residuals of spectra (L, N) are divided, for a white level."""
        return brightness(self.camera, spectra, level)

    def features(self, spectra: FloatArray, positions: Doubles, level: float) -> FloatArray:
        """Features (F, N) of pixels by which the kernels compare them.

        Args:
            spectra: predicted spectra (L, N) at `nm`.
            positions: rows and columns (2, N), over the longer side of the image.
            level: white level of the spectra.
        """
        bright = self.brightness(spectra, level)
        shape = self.shapes @ (spectra / bright - self.centre[:, None])
        light = BRIGHTNESS_UNIT * np.log(bright / np.float32(level))
        return np.concatenate([shape, light[None], positions.astype(np.float32)])

    def functions(self, nm: npt.NDArray[np.float64]) -> FloatArray:
        """The curves at wavelengths (K,) nm: (K, M)."""
        return interpolate(self.nm, self.curves, nm)

    def faintness(self, features: FloatArray) -> FloatArray:
        """Ratio (N,) of `DARK` to the brightness of pixels with `features` (F, N), in (0, 1]."""
        return DARK * np.exp(features[-1 - POSITIONS] / np.float32(-BRIGHTNESS_UNIT))

    def kernels(self, first: FloatArray, second: FloatArray) -> FloatArray:
        """The kernels (C, N, K) between features (F, N) and (F, K): exp(-|rates · difference|² / 2), fading or not."""
        result = np.empty((len(self.rates), first.shape[1], second.shape[1]), np.float32)
        # |x - y|² as |x|² + |y|² - 2 x·y, in double precision, because the squares are much larger than their
        # difference. One matrix product gives all terms but |y|².
        one, other = first.astype(np.float64), second.astype(np.float64)
        squared_rates = np.square(self.rates.astype(np.float64))  # (C, F)
        right = np.vstack([other, np.ones_like(other[:1])])
        halves = -0.5 * squared_rates @ np.square(other)  # (C, K)
        exponent = np.empty(result.shape[1:])
        for kernel, rates, half, fading in zip(result, squared_rates, halves, self.fading, strict=True):
            left = np.vstack([one * rates[:, None], -0.5 * rates @ np.square(one)])
            np.matmul(left.T, right, out=exponent)
            np.add(exponent, half, out=kernel, casting="same_kind")
            np.exp(kernel, out=kernel)
            if fading:
                kernel *= self.faintness(first)[:, None]
                kernel *= self.faintness(second)
        return result

    def variances(self, faint: FloatArray) -> FloatArray:
        """Prior variance (M, N) of the scores of pixels of some `faintness` (N,), without noise."""
        fading = self.fading[:, None] > 0
        return self.weights.T @ np.where(fading, np.square(faint), np.float32(1))

    def patch_noise(self, faint: FloatArray) -> FloatArray:
        """Variance (M, N) of the scores of patches of some `faintness` (N,) that no other patch shares."""
        return self.noise[:, None] + self.dark_noise[:, None] * np.square(faint)

    def at_levels(self, faint: FloatArray) -> FloatArray:
        """Faintness, narrowing and doubt (3, N) of pixels of some `faintness` (N,), for `IntervalNarrowing`."""
        place, knots = -np.log(faint), np.log(np.array(LEVELS) / DARK)
        learned = [np.interp(place, knots, part) for part in (self.narrowing, self.doubt)]
        return np.stack([faint, *learned]).astype(np.float32)

    def compare(self, predicted: FloatArray, measured: Doubles, deviations: Doubles, level: float) -> PatchResiduals:
        """Scores of the residuals of patches.

        Readings are scaled to the brightness of the photograph, whose exposure is unknown. One whose colour is not that
        of its patch, because the patch is clipped or the reading belongs elsewhere, is trusted less.

        Args:
            predicted: mean spectra (L, n) of the patches.
            measured: readings (L, n) on any scale.
            deviations: standard deviations (L, n) of the readings.
            level: white level of the predicted spectra.
        """
        seen, wanted = self.camera @ measured, self.camera @ predicted
        scale = (seen * wanted).sum(0) / np.maximum(np.square(seen).sum(0), 1e-30)
        mismatch = np.square(scale * seen - wanted).mean(0)
        bright = self.brightness(predicted, level).astype(np.float64)
        pseudo = np.linalg.pinv(self.curves.astype(np.float64))  # (M, L)
        noise = np.square(pseudo) @ ((np.square(deviations * scale) + mismatch) / np.square(bright))
        return PatchResiduals(scale, pseudo @ ((measured * scale - predicted) / bright), noise)

    def posterior(self, features: FloatArray, scores: Doubles, noise: Doubles) -> ResidualPosterior:
        """Condition on measured patches.

        Args:
            features: of the patches (F, n).
            scores: measured scores (M, n).
            noise: variance (M, n) of the error of the scores; that of patches is added.
        """
        covariance = np.einsum("cm,cij->mij", self.weights.astype(np.float64), self.kernels(features, features))
        covariance += np.eye(features.shape[1]) * (noise + self.patch_noise(self.faintness(features)))[:, None, :]
        lower = np.linalg.cholesky(covariance)  # (M, n, n)
        whitening = np.linalg.inv(lower)
        solved = np.swapaxes(whitening, 1, 2) @ (whitening @ scores[:, :, None])  # (M, n, 1)
        return ResidualPosterior(self, features, solved[:, :, 0].astype(np.float32), whitening.astype(np.float32))


@dataclass(frozen=True, eq=False)
class PatchResiduals:
    """What readings of patches say.

    Attributes:
        scale: factors (n,) by which the readings are multiplied; not positive for an unusable one.
        scores: of the residuals (M, n).
        noise: variance (M, n) of the error of the scores.
    """

    scale: Doubles
    scores: Doubles
    noise: Doubles


@dataclass(frozen=True, eq=False)
class ResidualPosterior:
    """Scores of all pixels given those of some patches.

    Attributes:
        prior: the prior.
        features: of the patches (F, n).
        solved: (M, n), inverse covariance of the patches times their scores.
        whitening: (M, n, n), inverses of the Cholesky factors of the covariance.
    """

    prior: ResidualPrior
    features: FloatArray
    solved: FloatArray
    whitening: FloatArray

    def scores(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean (M, N) of the scores of pixels with `features` (F, N), and their `kernels` (C, n, N) for `variances`."""
        kernels = self.prior.kernels(self.features, features)
        weights = self.prior.weights.T[:, :, None] * self.solved[:, None]  # (M, C, n)
        mean: FloatArray = np.matmul(weights.reshape(len(weights), -1), kernels.reshape(-1, features.shape[1]))
        return mean, kernels

    def variances(self, kernels: FloatArray, faint: FloatArray) -> FloatArray:
        """Variance (M, N) of the scores of pixels without noise, from their `kernels` (C, n, N) and faintness (N,)."""
        covariance = self.prior.weights.T @ kernels.reshape(len(kernels), -1)
        whitened = self.whitening @ covariance.reshape(len(self.solved), *kernels.shape[1:])
        return np.maximum(self.prior.variances(faint) - np.einsum("mij,mij->mj", whitened, whitened), 0)


@dataclass(frozen=True, eq=False)
class IntervalNarrowing:
    """How readings narrow prediction intervals at some wavelengths.

    The squared half-width is multiplied by the share of the variance that the readings leave, to a power that depends
    on the brightness of the pixel. A part of the squared scores is added to it: where readings correct much, the errors
    of the scene are larger than those of most, or of another kind. Powers and parts are those that give intervals
    their coverage on scenes that the prior has not seen.

    Attributes:
        prior: the prior.
        squares: (L, M), squared curves.
        left: (L, 2), variance of a value that no reading reduces: a constant, and a factor of the squared faintness.
        whole: (L, 2), the same of the variance without readings.
    """

    prior: ResidualPrior
    squares: FloatArray
    left: FloatArray
    whole: FloatArray

    @classmethod
    def of(cls, prior: ResidualPrior, nm: npt.NDArray[np.float64]) -> IntervalNarrowing:
        """For wavelengths (L,)."""
        squares, fading = np.square(prior.functions(nm)), prior.fading > 0
        noise = np.stack([prior.noise + prior.pixel_noise, prior.dark_noise], axis=1)  # (M, 2)
        shared = np.stack([prior.weights[~fading].sum(0), prior.weights[fading].sum(0)], axis=1)
        rest = np.stack([np.interp(nm, prior.nm, prior.rest), np.zeros(nm.size)], axis=1).astype(np.float32)  # (L, 2)
        return cls(prior, squares, squares @ noise + rest, squares @ (noise + shared) + rest)

    def shares(self, variances: FloatArray, faint: FloatArray) -> FloatArray:
        """Share (L, N) of the variance of values that remains, in (0, 1].

        Args:
            variances: of the scores of the pixels (M, N) given the readings, without noise.
            faint: faintness of the pixels (N,).
        """
        powers = np.stack([np.ones_like(faint), np.square(faint)])
        share: FloatArray = self.squares @ variances
        share += self.left @ powers
        share /= self.whole @ powers
        return share

    def corrections(self, scores: FloatArray) -> FloatArray:
        """Squared corrections (L, N) by scores (M, N), summed over the curves, so that they do not cancel."""
        return self.squares @ np.square(scores)

    def limits(
        self,
        answers: FloatArray,
        bounds: tuple[FloatArray, FloatArray],
        values: FloatArray,
        *,
        scores: FloatArray,
        variances: FloatArray,
        levels: FloatArray,
    ) -> tuple[FloatArray, FloatArray]:
        """Lower and upper limits (L, N), not negative.

        Args:
            answers: values (L, N) without readings.
            bounds: lower and upper limits (L, N) without readings.
            values: corrected values (L, N).
            scores: of the correction, times brightness (M, N).
            variances: see `shares`.
            levels: of the pixels (3, N), see `ResidualPrior.at_levels`.
        """
        faint, narrowing, doubt = levels
        share = self.shares(variances, faint)
        np.log(share, out=share)
        share *= narrowing
        np.exp(share, out=share)
        added = self.corrections(scores)
        added *= doubt
        widths = []
        for bound in bounds:
            width = bound - answers
            width *= width
            width *= share
            width += added
            widths.append(np.sqrt(width, out=width))
        lower, upper = values - widths[0], widths[1]
        upper += values
        return np.maximum(lower, 0, out=lower), upper


def brightness(camera: FloatArray, spectra: FloatArray, level: float) -> FloatArray:
    """See `ResidualPrior.brightness`; `camera` are its sensitivities (3, L)."""
    bright: FloatArray = camera.mean(0) @ spectra + np.float32(DARK * level)
    return np.maximum(bright, np.float32(DARK * level))


def interpolate(nm: npt.NDArray[np.float64], values: FloatArray, wanted: npt.NDArray[np.float64]) -> FloatArray:
    """Interpolate values (L, …) at evenly spaced `nm` (L,) by Catmull-Rom splines, exact at `nm`: (K, …).

    Beyond an end, the line through the last two values is extended.
    """
    padded = np.concatenate([2 * values[:1] - values[1:2], values, 2 * values[-1:] - values[-2:-1]])
    position = (wanted - nm[0]) / (nm[1] - nm[0])
    below = np.clip(np.floor(position), 0, len(nm) - 2).astype(np.intp)
    t = position - below
    taps = 0.5 * np.stack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2])
    rows = np.stack([padded[below + tap] for tap in range(4)])  # (4, K, …)
    return np.einsum("tk,tk...->k...", taps, rows).astype(np.float32)
