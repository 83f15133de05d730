"""Tasks on the values of an analysis in all pixels: means of layers, masks as regions, and files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nesr_gui.analysis.components import Components
from nesr_gui.analysis.expression import BandMath
from nesr_gui.analysis.maps import AnalysisMap, compute_map, mean_values
from nesr_gui.analysis.outputs import class_mask, write_mask, write_values
from nesr_gui.analysis.pixelwise import Doubles, PixelAnalysis, rests_on
from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.model.analyses import FittedAnalysis
from nesr_gui.gui.tasks.scatter import RegionsRequest, SelectedRegions, make_regions
from nesr_gui.io.georeference import Georeference
from nesr_gui.io.spectra.csv import write_curves
from nesr_gui.regions import Region

_MAPPED = 0.9  # share of the progress that the map takes


def is_mask(analysis: PixelAnalysis | None) -> bool:
    """Whether an analysis is an expression that is true or false."""
    return isinstance(analysis, BandMath) and analysis.expression.is_truth_value


@dataclass(frozen=True, eq=False)
class MapRequest:
    """The values of all pixels, as in the picture.

    Attributes:
        fitted: a possible analysis.
        abstains: whether pixels abstain in which the prediction interval allows another answer.
        georeference: of the image.
    """

    fitted: FittedAnalysis
    abstains: bool
    georeference: Georeference | None = None

    @property
    def analysis(self) -> PixelAnalysis:
        """What is computed."""
        assert self.fitted.analysis is not None
        return self.fitted.analysis

    def map(self, progress: ProgressCallback) -> AnalysisMap:
        """Compute the map, with the differences asked about of the picture."""
        return compute_map(
            self.fitted.request.field, self.analysis, intervals=self.abstains, differences=self.fitted.differences,
            georeference=self.georeference,
            progress=lambda fraction: progress(_MAPPED * fraction),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class MapExport:
    """A map to write as a file."""

    path: Path
    map: MapRequest


def export_map(request: MapExport, progress: ProgressCallback) -> str:
    """Compute all pixels and write them; returns what was written, in a sentence.

    Raises:
        ValueError: the extension does not suit the map, or a mask is empty.
        OSError: the file cannot be written.
    """
    made = request.map.map(progress)
    if is_mask(request.map.analysis):
        write_mask(request.path, made, made.layers[0].name)
    else:
        write_values(request.path, made)
    progress(1.0)
    height, width = made.values.shape[1:]
    return f"Wrote {request.path}: {width}×{height} pixels. {made.in_words()}"


@dataclass(frozen=True, eq=False)
class LoadingsExport:
    """Components whose mean and loadings are written as a table of spectra."""

    path: Path
    fitted: FittedAnalysis


def export_loadings(request: LoadingsExport, progress: ProgressCallback) -> None:
    """Write mean and loadings as CSV."""
    components, field = request.fitted.analysis, request.fitted.request.field
    assert isinstance(components, Components)
    provenance = {**field.provenance, "rests_on": rests_on(field), **components.describe()}
    write_curves(request.path, components.curves(), provenance=provenance)


@dataclass(frozen=True, eq=False)
class MeansRequest:
    """An analysis whose layers are averaged over the image, or over a region of it."""

    fitted: FittedAnalysis
    region: Region | None


def compute_means(request: MeansRequest, progress: ProgressCallback) -> Doubles:
    """Return the mean (C,) of each layer; NaN where no pixel has a value."""
    assert request.fitted.analysis is not None
    return mean_values(
        request.fitted.request.field, request.fitted.analysis, region=request.region, progress=progress
    )  # fmt: skip


def outline_mask(request: MapRequest, progress: ProgressCallback) -> SelectedRegions:
    """Outline the largest parts of a mask, without pixels in which it abstains.

    Raises:
        ValueError: there are no such pixels, or the mask is too ragged.
    """
    made = request.map(progress)
    mask, name = class_mask(made, 1), made.layers[0].name
    if not mask.any():
        doubt = f" for certain (it abstains in {made.abstained_share():.0%} of them)" if made.abstained().any() else ""
        raise ValueError(f"{name} is true in no pixel{doubt}, so it has no regions; choose another comparison")
    return make_regions(RegionsRequest(mask, made.binning, name), progress)
