"""Where else: spectral angle mapper and matched filter, and the classes that thresholds make of their scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from nesr_gui.analysis.moments import Moments
from nesr_gui.analysis.pixelwise import SAMPLE, Doubles, Layer, at_wavelengths, iter_spectra, sampling_text
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.regions import Region
from nesr_gui.spectral import FloatArray, Spectrum, Wavelengths

NONE, ABSTAINED = 0, 255
"""Numbers of pixels without a class, and of those in which a map abstains; classes are counted from 1."""
MOST_CLASSES = 254
DEFAULT_ANGLE, DEFAULT_FRACTION = 10.0, 0.5  # thresholds


class Scoring(Protocol):
    """Scores of a pixel for several classes."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes."""
        ...

    @property
    def wavelengths(self) -> Wavelengths:
        """Where the spectra must be known."""
        ...

    @property
    def quantity(self) -> str:
        """What the scores are."""
        ...

    @property
    def unit(self) -> str:
        """Unit of the scores; empty for a number without one."""
        ...

    @property
    def is_distance(self) -> bool:
        """Whether the smallest score is the best one."""
        ...

    def scores(self, spectra: FloatArray) -> FloatArray:
        """Scores (K, …) of spectra (L, …)."""
        ...

    def describe(self) -> dict[str, str]:
        """Attributes (name → text) that a file of the map records."""
        ...


class SpectralAngleMapper:
    """Spectral angles in degrees to reference spectra, independent of brightness.

    Source: Kruse et al. 1993, Remote Sensing of Environment 44, 145-163.

    Args:
        references: one spectrum per class.
        wavelengths: where they are compared.

    Raises:
        ValueError: a reference does not cover the wavelengths, or is zero there, or there are more than 254.
    """

    quantity, unit, is_distance = "spectral angle", "°", True

    def __init__(self, references: Sequence[Spectrum], wavelengths: Wavelengths) -> None:
        values = at_wavelengths(references, wavelengths, "reference").astype(np.float64)
        self.names = _class_names(references)
        norms = np.linalg.norm(values, axis=1, keepdims=True)
        if (dark := np.flatnonzero(norms == 0)).size:
            raise ValueError(f"the reference {self.names[dark[0]]} is zero and has no spectral angle; choose another")
        self.wavelengths = wavelengths
        self._directions = (values / norms).astype(np.float32)  # (K, L)

    def scores(self, spectra: FloatArray) -> FloatArray:
        """Angles (K, …) of spectra (L, …); 90° for a spectrum of zeros."""
        norms = np.sqrt(np.einsum("l...,l...->...", spectra, spectra))
        cosines = np.tensordot(self._directions, spectra, axes=1)
        np.divide(cosines, norms, out=cosines, where=norms > 0)
        np.clip(cosines, -1, 1, out=cosines)
        return np.degrees(np.arccos(cosines, out=cosines), out=cosines)

    def describe(self) -> dict[str, str]:
        """See `Scoring.describe`."""
        return {"analysis": f"spectral angles to {', '.join(self.names)} at {self.wavelengths}"}


@dataclass(frozen=True, eq=False)
class MatchedFilter:
    """Abundance of targets against the background of an image: 1 for the target, 0 on average for the background.

    score = (s - m)ᵀ C⁻¹ (t - m) / (t - m)ᵀ C⁻¹ (t - m) with mean m and covariance C of the background. Source:
    Manolakis and Shaw 2002, doi 10.1109/79.974724.
    Directions in which the background hardly varies, less than `_RIDGE` of its mean variance, are damped; otherwise the
    rounding errors of a reconstruction, which has few degrees of freedom, would decide.

    Attributes:
        names: of the targets.
        wavelengths: where the spectra are evaluated.
        mean: of the background (L,).
        filters: (K, L): score = filters @ (s - mean).
        background: what the background statistics are from.
    """

    names: tuple[str, ...]
    wavelengths: Wavelengths
    mean: Doubles
    filters: Doubles
    background: str
    quantity: str = field(default="matched filter", init=False)
    unit: str = field(default="", init=False)
    is_distance: bool = field(default=False, init=False)

    @classmethod
    def fit(
        cls,
        image: SpectralField,
        targets: Sequence[Spectrum],
        wavelengths: Wavelengths,
        *,
        region: Region | None = None,
        sample: int | None = SAMPLE,
        progress: ProgressCallback | None = None,
    ) -> MatchedFilter:
        """Compute the filters from the statistics of the background.

        Args:
            image: the field, whose pixels are the background.
            targets: one spectrum per class, in the units of the field.
            wavelengths: where they are compared.
            region: whose pixels are the background; None for the whole image.
            sample: about the most pixels that the background is from; None for all.
            progress: called with the fraction done; may raise `Cancelled`.

        Raises:
            ValueError: a target does not cover the wavelengths or is the background itself, or the background has fewer
                than two pixels or does not vary.
        """
        values = at_wavelengths(targets, wavelengths, "target").astype(np.float64)
        names = _class_names(targets)
        moments = Moments(len(wavelengths))
        for block in iter_spectra(image, wavelengths, region=region, sample=sample, progress=progress):
            moments.add(block.valid)
        covariance = moments.covariance()
        variance = float(np.trace(covariance)) / len(wavelengths)
        if not variance > 0:
            raise ValueError("the background does not vary; choose a larger region for the background")
        offsets = values - moments.mean
        is_mean = np.isclose(values, moments.mean, rtol=_SAME, atol=0).all(axis=1)
        if is_mean.any():
            name = names[is_mean.argmax()]
            raise ValueError(f"the target {name} is the mean of the background; choose another target")
        filters = np.linalg.solve(covariance + _RIDGE * variance * np.eye(len(wavelengths)), offsets.T).T
        power = np.einsum("kl,kl->k", filters, offsets)
        return cls(names, wavelengths, moments.mean, filters / power[:, None], sampling_text(image, moments.count))

    def scores(self, spectra: FloatArray) -> FloatArray:
        """Scores (K, …) of spectra (L, …)."""
        offsets = spectra - self.mean.astype(np.float32).reshape(-1, *(1,) * (spectra.ndim - 1))
        return np.asarray(np.tensordot(self.filters.astype(np.float32), offsets, axes=1), np.float32)

    def describe(self) -> dict[str, str]:
        """See `Scoring.describe`."""
        return {
            "analysis": f"matched filter of {', '.join(self.names)} at {self.wavelengths}",
            "background": self.background,
        }


_RIDGE = 1e-6
_SAME = 1e-5  # relative difference within which a target is the mean, rounded to 32 bits


class Classification:
    """Class of the best score that meets the threshold, as a `PixelAnalysis`.

    Args:
        scoring: the scores of each class.
        threshold: largest distance, or smallest score, of a pixel of a class: one for all classes, or one each.

    Raises:
        ValueError: the number of thresholds is not that of the classes, or one is not finite.
    """

    def __init__(self, scoring: Scoring, threshold: float | Sequence[float]) -> None:
        thresholds = np.atleast_1d(np.asarray(threshold, np.float64))
        if thresholds.size not in (1, len(scoring.names)) or not np.isfinite(thresholds).all():
            raise ValueError(
                f"{thresholds.size} thresholds for {len(scoring.names)} classes; give one finite threshold, or one for "
                "each class"
            )
        self.scoring = scoring
        self.thresholds = np.broadcast_to(thresholds, len(scoring.names))
        self.wavelengths = scoring.wavelengths
        self.layers = (
            Layer("class", difference=0.0),
            Layer(scoring.quantity, scoring.unit, math.inf),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes from 1."""
        return self.scoring.names

    def values(self, spectra: FloatArray) -> FloatArray:
        """Class (0 for none) and its score (2, …) of spectra (L, …); without a class, the best score of all."""
        scores = self.scoring.scores(spectra)
        classes, best = self.classes(scores), scores.min(axis=0) if self.scoring.is_distance else scores.max(axis=0)
        own = np.take_along_axis(scores, np.maximum(classes.astype(np.int64) - 1, 0)[None], axis=0)[0]
        return np.stack([classes.astype(np.float32), np.where(classes == NONE, best, own)])

    def classes(self, scores: FloatArray) -> npt.NDArray[np.uint8]:
        """Class (…) of scores (K, …): that of the best score which meets its threshold; 0 for none."""
        thresholds = self.thresholds.astype(np.float32).reshape(-1, *(1,) * (scores.ndim - 1))
        is_met = scores <= thresholds if self.scoring.is_distance else scores >= thresholds
        worst = np.float32(np.inf if self.scoring.is_distance else -np.inf)
        eligible = np.where(is_met, scores, worst)
        best = eligible.argmin(axis=0) if self.scoring.is_distance else eligible.argmax(axis=0)
        return np.where(is_met.any(axis=0), best + 1, NONE).astype(np.uint8)

    def describe(self) -> dict[str, str]:
        """See `PixelAnalysis.describe`."""
        limits = np.unique(self.thresholds)
        listed = f"{limits[0]:g}" if limits.size == 1 else ", ".join(f"{limit:g}" for limit in self.thresholds)
        at = "at most" if self.scoring.is_distance else "at least"
        named = "; ".join(f"{number} {name}" for number, name in enumerate(self.names, 1))
        return {
            **self.scoring.describe(),
            "threshold": f"{at} {listed}{self.scoring.unit}",
            "classes": f"{NONE} none; {named}; {ABSTAINED} abstained",
        }


def class_numbers(values: FloatArray, abstained: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """The numbers (h, w) that files of classes hold: 0 for none, 255 where the map abstains."""
    numbers = np.full(values.shape, NONE, np.uint8)
    np.copyto(numbers, values, casting="unsafe", where=np.isfinite(values))
    numbers[abstained] = ABSTAINED
    return numbers


def _class_names(spectra: Sequence[Spectrum]) -> tuple[str, ...]:
    if len(spectra) > MOST_CLASSES:
        raise ValueError(f"{len(spectra)} classes requested; at most {MOST_CLASSES} are possible")
    return tuple(spectrum.name or f"class {number}" for number, spectrum in enumerate(spectra, 1))
