"""From which threshold on pixels certainly have a class: whatever spectrum within their prediction interval is true."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui.analysis.abstention import iter_deviations
from nesr_gui.analysis.classification import Scoring
from nesr_gui.fields.protocol import CalibratedField, ProgressCallback, SpectralField
from nesr_gui.spectral import FloatArray

SAMPLED = 1 << 14  # the most pixels whose intervals are evaluated


@dataclass(frozen=True, eq=False)
class ThresholdCertainty:
    """How many pixels a threshold, the same for all classes, makes certain.

    Attributes:
        needed: threshold from which on each pixel is certain, the strictest first; of those with the same nearest class
            within their whole interval, as the others are never certain.
        used: all pixels of the sample.
        is_distance: whether smaller thresholds are stricter.
    """

    needed: FloatArray
    used: int
    is_distance: bool

    @property
    def most(self) -> float:
        """The share of the pixels that some threshold makes certain."""
        return self.needed.size / max(self.used, 1)

    def share(self, threshold: float) -> float:
        """The share of the pixels that a threshold makes certain."""
        met = self.needed <= np.float32(threshold) if self.is_distance else self.needed >= np.float32(threshold)
        return int(met.sum()) / max(self.used, 1)

    def strictest(self, share: float) -> float:
        """The strictest threshold that makes this share of the pixels certain.

        Raises:
            ValueError: no threshold does.
        """
        count = max(math.ceil(share * self.used), 1)
        if count > self.needed.size:
            raise ValueError(f"no threshold makes {share:.1%} of the pixels certain; {self.most:.1%} at most")
        return float(self.needed[count - 1])


def measure_certainty(
    field: SpectralField, scoring: Scoring, *, sample: int = SAMPLED, progress: ProgressCallback | None = None
) -> ThresholdCertainty | None:
    """Evaluate scores within the prediction intervals of a sample of pixels, as `abstention` does for maps.

    Args:
        field: any field; without prediction intervals the result is None.
        scoring: the scores of each class.
        sample: the most pixels to use: of a larger image, those of a grid; strips would leave out what is between them.
        progress: called with the fraction done; may raise `Cancelled`.
    """
    if not isinstance(field, CalibratedField):
        return None
    height, width = field.shape
    stride = max(math.ceil(math.sqrt(height * width / sample)), 1)
    parts = list[tuple[FloatArray, FloatArray, FloatArray]]()
    for done, nm in enumerate(scoring.wavelengths):
        if progress is not None:
            progress(done / len(scoring.wavelengths))
        parts.append((field.band(nm, stride=stride), *field.prediction_interval_band(nm, stride=stride)))
    spectra, lower, upper = (np.stack(bands).reshape(len(bands), -1) for bands in zip(*parts, strict=True))  # (L, n)
    valid = np.isfinite(spectra).all(axis=0)
    needed = np.sort(_needed(scoring, spectra[:, valid], lower[:, valid], upper[:, valid]))
    return ThresholdCertainty(needed if scoring.is_distance else needed[::-1], int(valid.sum()), scoring.is_distance)


def _needed(scoring: Scoring, spectra: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
    """Worst scores of the spectra (L, n) that keep their nearest class within their interval."""
    nearest, worst = _best(scoring, spectra)
    keeps = np.ones(nearest.shape, bool)
    for other in iter_deviations(scoring.wavelengths, spectra, lower, upper):
        owner, score = _best(scoring, other)
        keeps &= owner == nearest
        worst = np.maximum(worst, score) if scoring.is_distance else np.minimum(worst, score)
    return worst[keeps & np.isfinite(worst)]


def _best(scoring: Scoring, spectra: FloatArray) -> tuple[npt.NDArray[np.intp], FloatArray]:
    """The nearest class (n,) and its score (n,)."""
    scores = scoring.scores(spectra)
    owner = scores.argmin(axis=0) if scoring.is_distance else scores.argmax(axis=0)
    return owner, np.take_along_axis(scores, owner[None], axis=0)[0]
