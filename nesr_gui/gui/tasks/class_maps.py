"""Tasks on the classes or clusters of all pixels: counts, histograms of scores, regions, statistics and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nesr_gui.analysis.certainty import ThresholdCertainty, measure_certainty
from nesr_gui.analysis.class_counts import ScoreHistogram, score_histogram, tally_classes
from nesr_gui.analysis.classification import Classification, Scoring, class_numbers
from nesr_gui.analysis.clustering import Clusters
from nesr_gui.analysis.maps import AnalysisMap, compute_map
from nesr_gui.analysis.masks import mask_regions
from nesr_gui.analysis.outputs import write_classes
from nesr_gui.analysis.pixelwise import rests_on
from nesr_gui.analysis.statistics import RegionStatistics, class_statistics
from nesr_gui.fields.protocol import CalibratedField, ProgressCallback, SpectralField
from nesr_gui.gui.model.analyses import ClassCounts, FittedAnalysis
from nesr_gui.gui.model.marks import Mark, SimplifiedRegions
from nesr_gui.io.georeference import Georeference
from nesr_gui.io.regions.files import NamedRegion
from nesr_gui.io.spectra.csv import write_curves
from nesr_gui.regions import Region

_MAPPED = 0.8  # share of the progress of what follows from a map that the map takes


@dataclass(frozen=True, eq=False)
class ClassMapRequest:
    """The classes or clusters of all pixels, as in the picture.

    Attributes:
        fitted: classes or clusters that were learned from the image.
        abstains: whether pixels abstain in which the prediction interval allows another class.
        numbers: the numbers (H, W) of the pixels, if they are known.
    """

    fitted: FittedAnalysis
    abstains: bool
    numbers: npt.NDArray[np.uint8] | None = None

    @property
    def analysis(self) -> Classification | Clusters:
        """The classes or clusters."""
        analysis = self.fitted.analysis
        assert isinstance(analysis, Classification | Clusters)
        return analysis

    @property
    def advice(self) -> str:
        """What to do if there are no pixels of a class."""
        other = "choose another threshold or another class"
        if self.abstains and isinstance(self.image, CalibratedField):
            return f"{other}, or switch off Mark uncertain pixels, which count for no class"
        return other

    @property
    def image(self) -> SpectralField:
        """The image."""
        return self.fitted.request.field

    def map(self, progress: ProgressCallback, georeference: Georeference | None = None) -> AnalysisMap:
        """Compute the map, with the differences asked about of the picture."""
        return compute_map(
            self.image, self.analysis, intervals=self.abstains, differences=self.fitted.differences,
            georeference=georeference, progress=progress,
        )  # fmt: skip

    def all_numbers(self, progress: ProgressCallback) -> npt.NDArray[np.uint8]:
        """The numbers (H, W) of all pixels."""
        if self.numbers is not None:
            return self.numbers
        made = self.map(progress)
        return class_numbers(made.values[0], made.abstained())


def count_classes(request: ClassMapRequest, progress: ProgressCallback) -> ClassCounts:
    """Count the pixels of each class; of a large image, those of a sample."""
    tally = tally_classes(
        request.image, request.analysis, request.analysis.names, intervals=request.abstains,
        differences=request.fitted.differences, progress=progress,
    )  # fmt: skip
    return ClassCounts(request.fitted, request.abstains, tally)


@dataclass(frozen=True, eq=False)
class HistogramRequest:
    """The scores of classes whose histogram is asked for."""

    image: SpectralField
    scoring: Scoring


@dataclass(frozen=True, eq=False)
class ScoreSummary:
    """How the scores of pixels are distributed, and which thresholds make pixels certain; None without intervals."""

    histogram: ScoreHistogram
    certainty: ThresholdCertainty | None


def summarise_scores(request: HistogramRequest, progress: ProgressCallback) -> ScoreSummary:
    """Compute the histogram of the best scores, and of images with intervals the certainty, from samples of pixels."""
    image, scoring = request.image, request.scoring
    histogram = score_histogram(image, scoring, progress=lambda fraction: progress(0.5 * fraction))
    certainty = measure_certainty(image, scoring, progress=lambda fraction: progress(0.5 + 0.5 * fraction))
    return ScoreSummary(histogram, certainty)


@dataclass(frozen=True, eq=False)
class RegionsRequest:
    """Areas of classes to be made marks.

    Attributes:
        map: the classes of all pixels.
        chosen: number → name of the classes, and `colours` their colours #rrggbb by number.
        most: how many areas of each class, the largest first.
        least_pixels: smaller areas are left out.
    """

    map: ClassMapRequest
    chosen: Mapping[int, str]
    colours: Mapping[int, str]
    most: int
    least_pixels: int


@dataclass(frozen=True, eq=False)
class ClassRegions:
    """Marks of areas of classes, and how their regions differ from these areas."""

    marks: tuple[Mark, ...]
    simplified: SimplifiedRegions


def find_regions(request: RegionsRequest, progress: ProgressCallback) -> ClassRegions:
    """Outline the largest areas of classes.

    Raises:
        ValueError: the classes have no area of that size, or too many.
    """
    numbers = request.map.all_numbers(lambda fraction: progress(_MAPPED * fraction))
    titles, found = list[str](), list[NamedRegion]()
    for done, (number, name) in enumerate(request.chosen.items()):
        progress(_MAPPED + (1 - _MAPPED) * done / len(request.chosen))
        areas = mask_regions(
            numbers == number, binning=request.map.image.binning, colour=request.colours[number],
            least_pixels=request.least_pixels, most=request.most,
        )  # fmt: skip
        found += areas
        titles += [f"{name}, area {rank}" if len(areas) > 1 else f"{name}, area" for rank in range(1, len(areas) + 1)]
    if not found:
        size = f"{request.least_pixels:,} pixels or more"
        raise ValueError(f"no area of {', '.join(request.chosen.values())} has {size}; {request.map.advice}")
    places = [each.place for each in found if isinstance(each.place, Region)]
    simplified = SimplifiedRegions.of(places, request.map.image.binning)
    marks = [
        Mark(1, place, each.colour, "", title)
        for place, each, title in zip(simplified.regions, found, titles, strict=True)
    ]
    return ClassRegions(tuple(marks), simplified)


@dataclass(frozen=True, eq=False)
class StatisticsRequest:
    """Statistics of classes to compute: number → name of the classes."""

    map: ClassMapRequest
    chosen: Mapping[int, str]


@dataclass(frozen=True, eq=False)
class ClassStatistics:
    """Statistics of classes by name, and attributes that a file of them records."""

    by_name: tuple[tuple[str, RegionStatistics], ...]
    provenance: Mapping[str, str]


def compute_statistics(request: StatisticsRequest, progress: ProgressCallback) -> ClassStatistics:
    """Compute mean, deviation, lowest and highest value of the classes at each band of the image.

    Raises:
        ValueError: no pixel has one of the classes.
    """
    numbers = request.map.all_numbers(lambda fraction: progress(_MAPPED / 2 * fraction))
    found = class_statistics(
        request.map.image, numbers, list(request.chosen), within=request.map.fitted.request.within,
        progress=lambda fraction: progress(_MAPPED / 2 + (1 - _MAPPED / 2) * fraction),
    )  # fmt: skip
    if not found:
        raise ValueError(f"no pixel has the class {' or '.join(request.chosen.values())}; {request.map.advice}")
    image, analysis = request.map.image, request.map.analysis
    provenance = {**image.provenance, "rests_on": rests_on(image), **analysis.describe()}
    return ClassStatistics(tuple((request.chosen[number], each) for number, each in found.items()), provenance)


@dataclass(frozen=True, eq=False)
class StatisticsExport:
    """Statistics of classes to write as a table of spectra."""

    path: Path
    statistics: ClassStatistics


def export_statistics(request: StatisticsExport, progress: ProgressCallback) -> None:
    """Write mean, deviation, lowest and highest value of each class as CSV."""
    curves = [curve for name, each in request.statistics.by_name for curve in each.curves(name)]
    pixels = "; ".join(f"{name} {each.pixels}" for name, each in request.statistics.by_name)
    write_curves(request.path, curves, provenance={**request.statistics.provenance, "pixels": pixels})


@dataclass(frozen=True, eq=False)
class ClassMapExport:
    """A map of classes to write.

    Attributes:
        path: the file; its extension is that of an image or of regions.
        map: the classes of all pixels.
        names: of the classes 1, 2, …, and `colours` their colours #rrggbb.
        colours: see `names`.
        least_pixels: smaller areas are left out of files of regions.
        origin: name of the image.
        georeference: of the image.
    """

    path: Path
    map: ClassMapRequest
    names: Sequence[str]
    colours: Sequence[str]
    least_pixels: int = 1
    origin: str = ""
    georeference: Georeference | None = None


def export_class_map(request: ClassMapExport, progress: ProgressCallback) -> str:
    """Classify all pixels and write them; returns what was written, in a sentence.

    Raises:
        ValueError: no pixel has a class, or there are too many areas.
        OSError: the file cannot be written.
    """
    made = request.map.map(lambda fraction: progress(0.9 * fraction), request.georeference)
    if request.origin:
        made = made.with_provenance({"exported_from": request.origin})
    write_classes(
        request.path, made, request.names, colours=request.colours, least_pixels=request.least_pixels
    )  # fmt: skip
    progress(1.0)
    height, width = made.values.shape[1:]
    return f"Wrote {request.path}: {width}×{height} pixels. {made.in_words()}"
