"""How do they differ: principal components, and minimum noise fractions, as pictures and loadings."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from nesr_gui.analysis.moments import Moments
from nesr_gui.analysis.pixelwise import (
    SAMPLE,
    Doubles,
    Layer,
    SpectraBlock,
    iter_spectra,
    iter_strips,
    sampling_text,
)
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.regions import Region
from nesr_gui.spectral import FloatArray, Spectrum, Wavelengths

_LEAST_NOISE = 1e-10  # of the largest noise variance: directions with less noise count as having this


class ComponentKind(enum.StrEnum):
    """How components are chosen; the value is the name on the command line."""

    PCA = "pca"
    MNF = "mnf"

    @property
    def short(self) -> str:
        """Short name of one component."""
        return {ComponentKind.PCA: "PC", ComponentKind.MNF: "MNF"}[self]


@dataclass(frozen=True, eq=False)
class Components:
    """Linear components of the spectra of an image, as a `PixelAnalysis`.

    Principal components are ordered by variance. Minimum noise fractions are ordered by the ratio of signal and noise;
    the noise is estimated from the differences of neighbouring pixels (Green et al. 1988, doi 10.1109/36.3001).

    Attributes:
        kind: how they were chosen.
        wavelengths: where the spectra are evaluated.
        mean: of the spectra (L,).
        projection: (C, L): scores = projection @ (spectrum - mean).
        loadings: (C, L): spectrum ≈ mean + scores @ loadings, exact with all components.
        strengths: variances of the scores (C,) of principal components; of minimum noise fractions, whose noise has a
            variance of 1, these are the ratios of signal and noise plus 1.
        total: sum of the variances of all components, of which `strengths` may be the first.
        pixels: what the statistics are from.
        difference: the difference of scores asked about; None for the contrast of each map.
    """

    kind: ComponentKind
    wavelengths: Wavelengths
    mean: Doubles
    projection: Doubles
    loadings: Doubles
    strengths: Doubles
    total: float
    pixels: str
    difference: float | None = None

    @classmethod
    def fit(
        cls, image: SpectralField, wavelengths: Wavelengths, count: int, kind: ComponentKind = ComponentKind.PCA, *,
        region: Region | None = None, sample: int | None = SAMPLE, progress: ProgressCallback | None = None,
    ) -> Components:  # fmt: skip
        """Compute components from the covariance of an image, in one pass.

        The largest loading of each component is positive.

        Args:
            image: any field.
            wavelengths: where its spectra are evaluated.
            count: number of components, from 1 to that of the wavelengths.
            kind: how they are chosen.
            region: whose pixels they are from; None for the whole image.
            sample: about the most pixels that they are from; None for all.
            progress: called with the fraction done; may raise `Cancelled`.

        Raises:
            ValueError: the count is out of range, or the pixels do not vary, or have no noise.
        """
        if not 1 <= count <= len(wavelengths):
            raise ValueError(f"{count} components requested; {len(wavelengths)} wavelengths have 1 to that many")
        signal, noise = Moments(len(wavelengths)), NoiseMoments(len(wavelengths))
        iterate = iter_strips if kind is ComponentKind.MNF else iter_spectra
        for block in iterate(image, wavelengths, region=region, sample=sample, progress=progress):
            signal.add(block.valid)
            if kind is ComponentKind.MNF:
                noise.add(block)
        covariance = signal.covariance()
        if not np.trace(covariance) > 0:
            raise ValueError("all pixels have the same spectrum, which has no components; choose a larger region")
        if kind is ComponentKind.PCA:
            strengths, vectors = _largest_first(covariance)
            projection = loadings = vectors.T
        else:
            strengths, projection, loadings = _noise_fractions(covariance, noise.covariance())
        signs = np.sign(np.take_along_axis(loadings, np.abs(loadings).argmax(axis=1)[:, None], axis=1))
        return cls(
            kind=kind, wavelengths=wavelengths, mean=signal.mean, projection=(signs * projection)[:count],
            loadings=(signs * loadings)[:count], strengths=strengths[:count], total=float(strengths.sum()),
            pixels=sampling_text(image, signal.count),
        )  # fmt: skip

    @property
    def layers(self) -> tuple[Layer, ...]:
        """One per component."""
        numbers = range(1, len(self.strengths) + 1)
        return tuple(Layer(f"{self.kind.short} {number}", difference=self.difference) for number in numbers)

    @property
    def explained(self) -> Doubles:
        """Share (C,) of the variance that each principal component explains.

        Of minimum noise fractions, of the noise-adjusted variance.
        """
        return self.strengths / self.total

    def values(self, spectra: FloatArray) -> FloatArray:
        """Scores (C, …) of spectra (L, …)."""
        offset = (self.projection @ self.mean).reshape(-1, *(1,) * (spectra.ndim - 1))
        scores = np.tensordot(self.projection.astype(np.float32), spectra, axes=1)
        return np.asarray(scores - offset.astype(np.float32), np.float32)

    @property
    def weights(self) -> Doubles:
        """See `LinearAnalysis.weights`: the projection."""
        return self.projection

    def values_of(self, features: Doubles) -> FloatArray:
        """See `LinearAnalysis.values_of`."""
        offset = (self.projection @ self.mean).reshape(-1, *(1,) * (features.ndim - 1))
        return np.asarray(features - offset, np.float32)

    def spectra(self, scores: FloatArray) -> FloatArray:
        """Spectra (L, …) of scores (C, …): the mean and the loadings; with the first components, without noise."""
        values = np.tensordot(self.loadings.T.astype(np.float32), scores, axes=1)
        return np.asarray(values + self.mean.astype(np.float32).reshape(-1, *(1,) * (scores.ndim - 1)), np.float32)

    def curves(self) -> list[Spectrum]:
        """Mean and loadings as spectra, for plots and tables."""
        named = zip(self.layers, self.loadings, strict=True)
        return [
            Spectrum(self.wavelengths, self.mean.astype(np.float32), "mean"),
            *(Spectrum(self.wavelengths, values.astype(np.float32), layer.name) for layer, values in named),
        ]

    def describe(self) -> dict[str, str]:
        """See `PixelAnalysis.describe`."""
        name = {ComponentKind.PCA: "principal components", ComponentKind.MNF: "minimum noise fractions"}[self.kind]
        listed = ", ".join(f"{strength:.4g}" for strength in self.strengths)
        what = "variances" if self.kind is ComponentKind.PCA else "signal-to-noise ratios plus 1"
        return {"analysis": f"{name} at {self.wavelengths}", "statistics": f"from {self.pixels}", what: listed}


class NoiseMoments:
    """Covariance of the noise of an image, from the differences of horizontal and vertical neighbours.

    The difference of two pixels of the same material has twice the covariance of the noise. Both directions count
    equally, and neighbours in successive strips count, so that it does not matter how the image is split.
    """

    def __init__(self, size: int) -> None:
        self._products, self.count = np.zeros((size, size)), 0
        self._last: tuple[int, FloatArray] | None = None  # row, and its spectra (L, w)

    def add(self, block: SpectraBlock) -> None:
        """Add full rows of spectra, from top to bottom."""
        spectra = np.where(block.members, block.spectra, np.float32(np.nan))
        above = spectra
        if self._last is not None and self._last[0] == block.rows.start - 1:
            above = np.concatenate([self._last[1][:, None], spectra], axis=1)
        for differences in (np.diff(spectra, axis=2), np.diff(above, axis=1)):
            valid = differences[:, np.isfinite(differences).all(axis=0)].astype(np.float64)
            self._products += valid @ valid.T
            self.count += valid.shape[1]
        self._last = block.rows.stop - 1, spectra[:, -1].copy()

    def covariance(self) -> Doubles:
        """Covariance (L, L) of the noise; the mean difference of neighbours is zero by definition.

        Raises:
            ValueError: no two neighbours have values.
        """
        if not self.count:
            raise ValueError("no two neighbouring pixels have values, which the noise is estimated from")
        return self._products / (2 * self.count)


def _largest_first(covariance: Doubles) -> tuple[Doubles, Doubles]:
    """Eigenvalues (L,), the largest first and none below 0, and eigenvectors (L, L) in columns."""
    values, vectors = np.linalg.eigh(covariance)
    return np.maximum(values[::-1], 0), vectors[:, ::-1]


def _noise_fractions(signal: Doubles, noise: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Strengths (L,), projection (L, L) and loadings (L, L): the generalised eigenvalue problem of two covariances."""
    variances, directions = _largest_first(noise)
    if not variances[0] > 0:
        raise ValueError("neighbouring pixels do not differ, so they have no noise; choose principal components")
    deviations = np.sqrt(np.maximum(variances, _LEAST_NOISE * variances[0]))
    whitening = directions / deviations  # noise @ whitening has unit covariance
    strengths, vectors = _largest_first(whitening.T @ signal @ whitening)
    return strengths, (whitening @ vectors).T, (directions * deviations @ vectors).T
