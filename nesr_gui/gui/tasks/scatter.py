"""Tasks of the scatter plot: its values and their density, intervals, and selections as masks, regions and files."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from nesr_gui.analysis.components import Components
from nesr_gui.analysis.definitions import ComponentDefinition
from nesr_gui.analysis.expression import Expression
from nesr_gui.analysis.indices import expression_of
from nesr_gui.analysis.maps import AnalysisMap, compute_map
from nesr_gui.analysis.masks import mask_regions
from nesr_gui.analysis.outputs import write_mask
from nesr_gui.analysis.pixelwise import Bools, PixelAnalysis, members_of
from nesr_gui.analysis.scatter import (
    Density,
    IntervalSummary,
    Limits,
    Pair,
    automatic_limits,
    density,
    polygon_mask,
    selection_map,
    summarise_intervals,
)
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.gui.model.analyses import AnalysisRequest
from nesr_gui.gui.model.marks import SimplifiedRegions
from nesr_gui.io.georeference import Georeference
from nesr_gui.io.regions.files import NamedRegion
from nesr_gui.regions import Point, Region, area

MOST_REGIONS = 20  # made of a selection
_COMPONENT = re.compile(r"(pc|mnf) ?(\d+)", re.IGNORECASE)


def component_of(text: str) -> tuple[str, int] | None:
    """Kind (`PC` or `MNF`) and number of the component that an axis names, as `PC 1` does; None if it names none."""
    named = _COMPONENT.fullmatch(text.strip())
    return (named[1].upper(), int(named[2])) if named is not None else None


def needs_components(axes: tuple[str, str]) -> bool:
    """Whether an axis names a component."""
    return any(component_of(axis) is not None for axis in axes)


def component_names(wanted: AnalysisRequest) -> list[str]:
    """Names of the components of an image, as they are defined at present."""
    definition = wanted.definition
    assert isinstance(definition, ComponentDefinition)
    low, high = wanted.within or wanted.field.wavelength_range
    bands = wanted.field.bands.nm
    count = min(definition.count, int(((bands >= low) & (bands <= high)).sum()))
    return [f"{definition.kind.short} {number}" for number in range(1, count + 1)]


def check_axis(text: str, wanted: AnalysisRequest) -> None:
    """Check without computing anything that a field has the quantity of an axis.

    Args:
        text: the axis.
        wanted: the components of the field, as they are defined at present.

    Raises:
        ValueError: it has not; ExpressionError for a mistake in an expression.
    """
    component = component_of(text)
    if component is None:
        _expression(text, wanted.field)
        return
    names = component_names(wanted)
    if f"{component[0]} {component[1]}" not in names:
        choice = f"choose {names[0]} to {names[-1]}" if names else "the range of the analyses holds no band"
        raise ValueError(f"component {component[0]} {component[1]} requested; {choice}, or define others in Analysis")


def _expression(text: str, field: SpectralField) -> PixelAnalysis:
    formula, name = expression_of(text)
    return Expression.parse(formula).for_field(field, name=name)


@dataclass(frozen=True, eq=False)
class ScatterRequest:
    """Axes (see `ScatterPlot`) to evaluate in all pixels.

    Attributes:
        axes: of the plot.
        wanted: the components of the field, as they are defined at present.
        components: these, if they are known already.
        georeference: of the image.
    """

    axes: tuple[str, str]
    wanted: AnalysisRequest
    components: Components | None = None
    georeference: Georeference | None = None


@dataclass(frozen=True, eq=False)
class ScatterValues:
    """The values of both axes, their automatic limits, and the components that they needed."""

    map: AnalysisMap
    limits: Limits
    components: Components | None


def compute_scatter(request: ScatterRequest, progress: ProgressCallback) -> ScatterValues:
    """Evaluate both axes in all pixels.

    Raises:
        ValueError: an axis is invalid, or has no values.
    """
    wanted, components, share = request.wanted, request.components, 0.0
    if needs_components(request.axes) and components is None:
        share = 0.4
        definition = wanted.definition
        assert isinstance(definition, ComponentDefinition)
        components = definition.fit(wanted.field, (), wanted.within, lambda done: progress(share * done))
    pair = pair_of(request.axes, wanted.field, components)
    values = compute_map(
        wanted.field, pair, intervals=False, georeference=request.georeference,
        progress=lambda done: progress(share + (1 - share) * done),
    )  # fmt: skip
    return ScatterValues(values, automatic_limits(values.values), components)


def pair_of(axes: tuple[str, str], field: SpectralField, components: Components | None) -> Pair:
    """Both axes as one analysis; `components` must be given if one of them is a component."""
    parts, layers = list[PixelAnalysis](), list[int]()
    for axis in axes:
        component = component_of(axis)
        if component is None:
            parts.append(_expression(axis, field))
            layers.append(0)
        else:
            assert components is not None
            parts.append(components)
            layers.append(component[1] - 1)
    return Pair(parts[0], parts[1], (layers[0], layers[1]))


@dataclass(frozen=True, eq=False)
class DensityRequest:
    """Values to count within limits, and a region of the image whose pixels are also counted by themselves."""

    field: SpectralField
    map: AnalysisMap
    limits: Limits
    region: Region | None = None


@dataclass(frozen=True, eq=False)
class Densities:
    """The density of all pixels, and that of the pixels of the region."""

    all: Density
    region: Density | None = None
    in_region: int = 0  # pixels of the region with values, also outside the limits


def count_pixels(request: DensityRequest, progress: ProgressCallback) -> Densities:
    """Count pixels in cells between the limits."""
    values = request.map.values
    everything = density(values, request.limits, progress=progress)
    if request.region is None:
        return Densities(everything)
    try:
        rows, cols = request.region.window(request.field.shape, request.field.binning)
    except ValueError:  # the region is outside the image
        return Densities(everything)
    members, part = members_of(request.field, request.region, rows, cols), values[:, rows, cols]
    members &= ~(part != part).any(axis=0)  # without NaN
    return Densities(everything, density(part, request.limits, mask=members), int(members.sum()))


@dataclass(frozen=True, eq=False)
class IntervalRequest:
    """Values whose prediction intervals are summarised."""

    field: SpectralField
    axes: tuple[str, str]
    map: AnalysisMap
    components: Components | None


def compute_intervals(request: IntervalRequest, progress: ProgressCallback) -> IntervalSummary:
    """Summarise the intervals of both axes from some of the pixels."""
    pair = pair_of(request.axes, request.field, request.components)
    return summarise_intervals(request.field, pair, request.map.differences, progress=progress)


@dataclass(frozen=True, eq=False)
class SelectionRequest:
    """Values, and the polygon that selects some of them."""

    map: AnalysisMap
    vertices: tuple[Point, ...]


def select_pixels(request: SelectionRequest, progress: ProgressCallback) -> Bools:
    """Return which pixels (H, W) are selected."""
    return polygon_mask(request.map.values, request.vertices, progress=progress)


@dataclass(frozen=True, eq=False)
class RegionsRequest:
    """Selected pixels (H, W) of a field, whose largest connected parts become regions."""

    mask: Bools
    binning: int
    name: str


def percent(share: float) -> str:
    """A share with as many digits as say something."""
    if 0.995 <= share < 1:
        return "> 99 %"  # never all of them
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


@dataclass(frozen=True, eq=False)
class SelectedRegions:
    """The largest connected parts of a selection, how they are simplified, and the share of its pixels in them."""

    regions: tuple[NamedRegion, ...]
    simplified: SimplifiedRegions
    share: float

    def in_words(self, what: str) -> str:
        """State in a sentence that they were marked."""
        count = len(self.regions)
        text = f"Marked {f'{what} as a region' if count == 1 else f'the {count} largest parts of {what}'}"
        if self.share < 1:
            text += f": {percent(self.share)} of its pixels"
        return f"{text}{self.simplified.in_words()}."


def make_regions(request: RegionsRequest, progress: ProgressCallback) -> SelectedRegions:
    """Return the outlines of the largest parts.

    Raises:
        ValueError: no pixel is selected, or the selection is too ragged.
    """
    if not request.mask.any():
        raise ValueError("the selection contains no pixel, so it has no regions; select others")
    found = mask_regions(request.mask, request.name, binning=request.binning, most=MOST_REGIONS)
    places = [each.place for each in found if isinstance(each.place, Region)]
    covered = sum(area(place.vertices) - sum(map(area, place.holes)) for place in places)
    simplified = SimplifiedRegions.of(places, request.binning)
    regions = [replace(each, place=place) for each, place in zip(found, simplified.regions, strict=True)]
    return SelectedRegions(tuple(regions), simplified, covered / (int(request.mask.sum()) * request.binning**2))


@dataclass(frozen=True, eq=False)
class SelectionExport:
    """Selected pixels to write as a mask or as regions."""

    path: Path
    map: AnalysisMap
    mask: Bools
    vertices: tuple[Point, ...]


def export_selection(request: SelectionExport, progress: ProgressCallback) -> None:
    """Write a selection; raises as `write_mask`."""
    write_mask(request.path, selection_map(request.map, request.mask, request.vertices), "selection")
