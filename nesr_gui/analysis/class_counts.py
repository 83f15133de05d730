"""How many pixels of an image each class has, and how their scores are distributed, to choose a threshold by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui.analysis.classification import ABSTAINED, Scoring, class_numbers
from nesr_gui.analysis.maps import compute_map
from nesr_gui.analysis.outputs import ClassCount, listed_counts
from nesr_gui.analysis.pixelwise import SAMPLE, Doubles, PixelAnalysis, iter_spectra, sampled_rows
from nesr_gui.analysis.statistics import threshold_histogram
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.regions import Region
from nesr_gui.spectral import FloatArray

SCORED = 1 << 16  # about the most pixels of a histogram of scores
TAILS = 0.1, 99.9  # percentiles; scores beyond them are counted in the outer bins


@dataclass(frozen=True, eq=False)
class ClassTally:
    """Numbers of pixels of classes.

    Attributes:
        counts: without a class, of every class, and in which the map abstains; of the pixels that have values.
        uncertain: number → those of the pixels in which the map abstains that would have that class, or none.
        used: the pixels that have values.
        total: all pixels of the image.
        numbers: the numbers (H, W) of all pixels, as files of classes hold them; None if only some were classified.
    """

    counts: tuple[ClassCount, ...]
    uncertain: Mapping[int, int]
    used: int
    total: int
    numbers: npt.NDArray[np.uint8] | None

    @property
    def in_words(self) -> str:
        """What the counts are of."""
        if self.numbers is None:
            return f"Of {self.used:,} evenly spread pixels of {self.total:,}"
        without = f"; {self.total - self.used:,} have no value" if self.used < self.total else ""
        return f"Of {self.used:,} pixels{without}"


def tally_classes(
    field: SpectralField,
    analysis: PixelAnalysis,
    names: Sequence[str],
    *,
    intervals: bool = True,
    differences: Sequence[float] | None = None,
    sample: int | None = SAMPLE,
    progress: ProgressCallback | None = None,
) -> ClassTally:
    """Count the pixels of each class.

    Args:
        field: any field.
        analysis: its first layer is a class.
        names: of the classes 1, 2, …
        intervals: whether pixels can abstain; see `compute_map`, likewise `differences`.
        differences: the difference asked about, for each layer.
        sample: about the most pixels that are classified: of a larger image, evenly spread strips; None for all.
        progress: called with the fraction done; may raise `Cancelled`.
    """
    (height, width), side = field.shape, field.binning
    strips = sampled_rows(slice(0, height), width, sample)
    is_whole = strips == [slice(0, height)]
    pixels, uncertain, numbers = np.zeros(ABSTAINED + 1, np.int64), np.zeros(ABSTAINED + 1, np.int64), None
    for done, strip in enumerate(strips):

        def report(fraction: float, done: int = done) -> None:
            if progress is not None:
                progress((done + fraction) / len(strips))

        region = None if is_whole else Region.rectangle(strip.start * side, 0, strip.stop * side, width * side)
        made = compute_map(
            field, analysis, region=region, intervals=intervals, differences=differences, progress=report
        )
        abstained = made.abstained()
        numbers = class_numbers(made.values[0], abstained)
        uncertain += np.bincount(made.values[0][abstained].astype(np.int64), minlength=ABSTAINED + 1)
        pixels += np.bincount(numbers[np.isfinite(made.values[0])], minlength=ABSTAINED + 1)
    return ClassTally(
        listed_counts(pixels, names), dict(enumerate(uncertain[: len(names) + 1].tolist())), int(pixels.sum()),
        height * width, numbers if is_whole else None,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class ScoreHistogram:
    """How the best scores of pixels are distributed.

    Attributes:
        edges: of the bins (bins + 1,).
        counts: (K, bins) of the pixels whose best score is that of each class.
        used: pixels that were scored.
        total: all pixels of the image.
    """

    edges: Doubles
    counts: npt.NDArray[np.int64]
    used: int
    total: int


def score_histogram(
    field: SpectralField,
    scoring: Scoring,
    *,
    bins: int = 128,
    sample: int | None = SCORED,
    progress: ProgressCallback | None = None,
) -> ScoreHistogram:
    """Histogram of the best score of each pixel, for each class that it belongs to, whatever the threshold.

    Args:
        field: any field.
        scoring: the scores of each class.
        bins: number of bins.
        sample: about the most pixels to use: of a larger image, evenly spread strips; None for all.
        progress: called with the fraction done; may raise `Cancelled`.

    Raises:
        ValueError: no pixel has values.
    """
    parts, owners = list[FloatArray](), list[npt.NDArray[np.intp]]()
    for block in iter_spectra(field, scoring.wavelengths, sample=sample, progress=progress):
        scores = scoring.scores(block.valid)
        owner = scores.argmin(axis=0) if scoring.is_distance else scores.argmax(axis=0)
        parts.append(np.take_along_axis(scores, owner[None], axis=0)[0])
        owners.append(owner)
    best, nearest = np.concatenate(parts), np.concatenate(owners)
    if best.size:
        best = np.clip(best, *np.percentile(best, TAILS).astype(np.float32))
    edges = threshold_histogram(best, bins)[1]
    counts = [np.histogram(best[nearest == number], edges)[0] for number in range(len(scoring.names))]
    return ScoreHistogram(edges, np.array(counts, np.int64), best.size, field.shape[0] * field.shape[1])
