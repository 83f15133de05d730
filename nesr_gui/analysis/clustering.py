"""Clusters: mini-batch k-means of the spectra of an image, or of their components."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.analysis.classification import MOST_CLASSES
from nesr_gui.analysis.components import Components
from nesr_gui.analysis.pixelwise import Layer, iter_spectra, sampling_text
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.io.registry import require_extra
from nesr_gui.regions import Region
from nesr_gui.spectral import FloatArray, Spectrum, Wavelengths

MOST_PIXELS = 1 << 16  # that the clusters are learned from
BATCH, FIRST = 4096, 16384  # pixels of a mini-batch, and of the one from which the first centres are chosen
EPOCHS = 8  # times that every pixel is used
READ = 0.5  # share of the progress that reading takes


class Feature(enum.StrEnum):
    """What is clustered; the value is the name on the command line."""

    SPECTRA = "spectra"
    SHAPES = "shapes"
    COMPONENTS = "components"


@dataclass(frozen=True, eq=False)
class Clusters:
    """Numbers of the nearest of K cluster centres, counted from 1, the largest cluster first; a `PixelAnalysis`.

    Attributes:
        feature: spectra as they are; shapes, divided by their norm, so that brightness does not count; or components.
        components: of the spectra, for `Feature.COMPONENTS`.
        wavelengths: where the spectra are evaluated.
        centres: (K, F) in the space of the features.
        shares: of the pixels (K,) that the clusters were learned from.
        seed: of the random numbers.
        pixels: what they were learned from.
    """

    feature: Feature
    components: Components | None
    wavelengths: Wavelengths
    centres: FloatArray
    shares: tuple[float, ...]
    seed: int
    pixels: str

    @classmethod
    def fit(
        cls, image: SpectralField, wavelengths: Wavelengths, count: int, feature: Feature = Feature.SPECTRA, *,
        components: Components | None = None, seed: int = 0, region: Region | None = None, sample: int = MOST_PIXELS,
        progress: ProgressCallback | None = None,
    ) -> Clusters:  # fmt: skip
        """Learn clusters from evenly spread pixels; equal seeds give equal clusters.

        Args:
            image: any field.
            wavelengths: where its spectra are evaluated; those of the components for `Feature.COMPONENTS`.
            count: number of clusters, from 2 to 254.
            feature: what is clustered.
            components: required by `Feature.COMPONENTS`.
            seed: of the random numbers.
            region: whose pixels they are learned from; None for the whole image.
            sample: about the most pixels that they are learned from.
            progress: called with the fraction done; may raise `Cancelled`.

        Raises:
            MissingExtra: scikit-learn is not installed.
            ValueError: the count is out of range, or the image has fewer different spectra.
        """
        if not 2 <= count <= MOST_CLASSES:
            raise ValueError(f"{count} clusters requested; 2 to {MOST_CLASSES} are possible")
        assert (components is not None) == (feature is Feature.COMPONENTS)
        library = require_extra("sklearn.cluster", "clusters", "analysis", "scikit-learn")
        empty = cls(feature, components, wavelengths, np.empty((0, 0), np.float32), (), seed, "")
        report = progress or (lambda fraction: None)
        features = empty._sampled(image, region, sample, seed, lambda fraction: report(READ * fraction))
        if len(features) < count:
            raise ValueError(f"{count} clusters requested of {len(features)} pixels with values; choose fewer clusters")
        if (different := _count_different(features, count)) < count:
            raise ValueError(f"{count} clusters requested of {different} different spectra; choose fewer clusters")
        centres, sizes = _fit(library, features, count, seed, lambda fraction: report(READ + (1 - READ) * fraction))
        order = np.argsort(-sizes, kind="stable")
        shares = tuple((sizes[order] / sizes.sum()).tolist())
        pixels = sampling_text(image, len(features))
        return cls(feature, components, wavelengths, centres[order], shares, seed, pixels)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The number of the cluster."""
        return (Layer("cluster", difference=0.0),)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the clusters."""
        return tuple(f"cluster {number}" for number in range(1, len(self.centres) + 1))

    def values(self, spectra: FloatArray) -> FloatArray:
        """Cluster numbers (1, …) of spectra (L, …)."""
        origin = self.centres.mean(axis=0)  # near the data: float32 would lose differences of large values
        features = self._features(spectra).reshape(len(origin), -1) - origin[:, None]
        centres = self.centres - origin
        # |f - c|² without |f|², which is the same for all centres
        distances = (centres**2).sum(axis=1)[:, None] - 2 * (centres @ features)
        nearest = distances.argmin(axis=0).astype(np.float32) + 1
        return nearest.reshape(1, *spectra.shape[1:])

    def curves(self) -> list[Spectrum]:
        """The centres as spectra; shapes have a norm of 1."""
        values = self.centres if self.components is None else self.components.spectra(self.centres.T).T
        return [Spectrum(self.wavelengths, curve, name) for curve, name in zip(values, self.names, strict=True)]

    def describe(self) -> dict[str, str]:
        """See `PixelAnalysis.describe`."""
        named = zip(self.names, self.shares, strict=True)
        what = {"components": f"{self.components.describe()['analysis']} ({len(self.components.layers)})"} if (
            self.components is not None
        ) else {}  # fmt: skip
        return {
            "analysis": f"{len(self.centres)} clusters of {self.feature} at {self.wavelengths}, mini-batch k-means",
            **what,
            "seed": str(self.seed),
            "statistics": f"from {self.pixels}",
            "shares": "; ".join(f"{name} {share:.1%}" for name, share in named),
        }

    def _features(self, spectra: FloatArray) -> FloatArray:
        """Features (F, …) of spectra (L, …)."""
        if self.components is not None:
            return self.components.values(spectra)
        if self.feature is Feature.SHAPES:
            norms = np.sqrt(np.einsum("l...,l...->...", spectra, spectra))
            return np.divide(spectra, norms, out=np.zeros_like(spectra), where=norms > 0)
        return spectra

    def _sampled(
        self, image: SpectralField, region: Region | None, sample: int, seed: int, progress: ProgressCallback
    ) -> FloatArray:
        """Features (n, F) of at most `sample` random pixels of evenly spread strips."""
        chance, parts = np.random.default_rng(seed), []
        for block in iter_spectra(image, self.wavelengths, region=region, sample=4 * sample, progress=progress):
            parts.append(self._features(block.valid).T.astype(np.float32))
        features = np.concatenate(parts)
        if len(features) > sample:
            features = features[np.sort(chance.choice(len(features), sample, replace=False))]
        return features


def _fit(
    library: Any, features: FloatArray, count: int, seed: int, progress: ProgressCallback
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Centres (K, F) and the number of pixels of each (K,)."""
    chance, origin = np.random.default_rng(seed), features.mean(axis=0, dtype=np.float64).astype(np.float32)
    features = features - origin  # float32 would lose differences of large values
    order = np.concatenate([chance.permutation(len(features)) for _ in range(EPOCHS)])
    model = library.MiniBatchKMeans(count, random_state=seed, reassignment_ratio=0.0)
    model.partial_fit(features[order[: max(FIRST, count)]])  # k-means++ chooses the first centres among these
    for start in range(0, len(order), BATCH):
        model.partial_fit(features[order[start : start + BATCH]])
        progress(min((start + BATCH) / len(order), 1.0))
    sizes = np.bincount(model.predict(features), minlength=count).astype(np.int64)
    return (model.cluster_centers_ + origin).astype(np.float32), sizes


def _count_different(features: FloatArray, enough: int) -> int:
    """Number of different features (n, F), or `enough` if there are at least so many."""
    some = features[: 16 * enough]
    return min(len(np.unique(some if len(np.unique(some, axis=0)) >= enough else features, axis=0)), enough)
