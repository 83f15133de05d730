"""Tasks that render view modes: frames, exact images, tone mapping, and decoded bands for scrubbing."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.analysis.classification import ABSTAINED, NONE
from nesr_gui.fields.protocol import CubeField, ProgressCallback, SpectralField
from nesr_gui.gui.drawing.tone_mapping import (
    NONE_COLOUR,
    UNCERTAIN_COLOUR,
    Histogram,
    ToneMapping,
    lookup,
    paint_answers,
    paint_categories,
)
from nesr_gui.gui.model.document import UInt8Array
from nesr_gui.gui.model.viewport import SamplingGrid, Viewport, resolve_sampling, whole
from nesr_gui.gui.view_modes import MODES
from nesr_gui.gui.view_modes.base import (
    Answers,
    RenderContext,
    ValueScale,
    ViewMode,
    band_in_pieces,
    sketches_in_pieces,
)
from nesr_gui.spectral import Wavelengths

SPACINGS = (20.0, 5.0)  # nm: a coarse set within a second, then one finer than the network's 6.4 nm feature spacing
MOST_SAMPLES = 512 * 512  # per band: 64 MB for bands every 5 nm
PROBES, PROBE_STRIDE = 8, 4  # number of midpoints at which the error is measured, and the stride of their samples
FEWEST_SAMPLES = 40 * 40  # minimum for a recognisable image


@dataclass(frozen=True, eq=False)
class ScrubBands:
    """Decoded bands (L, h, w) that are interpolated while scrubbing, and the interpolation error.

    Attributes:
        field: the field they were decoded from, and `sampling` their pixels.
        bands: the bands as a field of their own.
        error: the largest absolute error measured midway between neighbouring bands.
    """

    field: SpectralField
    sampling: SamplingGrid
    bands: CubeField
    error: float

    @property
    def is_finest(self) -> bool:
        """Whether the bands have the finest spacing."""
        return float(np.diff(self.bands.wavelengths.nm).max()) <= SPACINGS[-1]


@dataclass(frozen=True, eq=False)
class ScrubBandsRequest:
    """Bands to decode at a spacing in nm; those in `cached` are reused."""

    field: SpectralField
    sampling: SamplingGrid
    spacing: float  # nm
    cached: ScrubBands | None = None

    def finer(self, cached: ScrubBands) -> ScrubBandsRequest | None:
        """Return the request for the next finer spacing, which reuses the result of this one; None at the finest."""
        finer = [spacing for spacing in SPACINGS if spacing < self.spacing]
        return replace(self, spacing=finer[0], cached=cached) if finer else None


def decode_scrub_bands(request: ScrubBandsRequest, progress: ProgressCallback) -> ScrubBands:
    """Decode preview bands, and measure the interpolation error at some midpoints."""
    low, high = request.field.wavelength_range
    bands = Wavelengths.evenly_spaced(max(round((high - low) / request.spacing), 1) + 1, low, high)
    cached = request.cached.bands if request.cached else None
    fresh = bands.nm if cached is None else np.setdiff1d(bands.nm, cached.wavelengths.nm)
    sketches = sketches_in_pieces(request.field, fresh, request.sampling, progress) if fresh.size else ()
    sketched = dict(zip(fresh.tolist(), sketches, strict=True))
    values = np.empty((len(bands), *request.sampling.size), np.float32)
    for band, nm in zip(values, bands, strict=True):  # one at a time: a single large copy would block the GUI thread
        band[:] = cached.band(nm) if cached and nm not in sketched else sketched[nm]
    scrub_bands = CubeField(values, bands)
    return ScrubBands(request.field, request.sampling, scrub_bands, _error(request, scrub_bands))


def _error(request: ScrubBandsRequest, scrub_bands: CubeField) -> float:
    """Return the largest absolute interpolation error at some pixels, midway between some neighbouring bands.

    Pixels without a value (nan) are left out; without any other, the error is 0.
    """
    sampling, nm = request.sampling, scrub_bands.wavelengths.nm
    sparse = replace(sampling, stride=sampling.stride * PROBE_STRIDE)
    gaps = np.unique(np.linspace(0, len(nm) - 2, PROBES).round().astype(int)).tolist()
    between = [float(nm[gap] + nm[gap + 1]) / 2 for gap in gaps]
    errors = [
        scrub_bands.band(at, stride=PROBE_STRIDE) - band_in_pieces(request.field, at, sparse, _quiet) for at in between
    ]
    return float(np.fmax.reduce(np.abs(errors), axis=None, initial=0.0))  # `fmax` leaves out nan


def _quiet(fraction: float) -> None:
    """Ignore progress."""


@dataclass(frozen=True, eq=False)
class RenderRequest:
    """A rendering of one mode.

    Attributes:
        mode: the mode, and `context` its inputs.
        sampling: the pixels to render.
        view: the visible part, of which the histogram is; None for all.
        scrub_bands: bands whose interpolation replaces the field.
    """

    mode: ViewMode
    context: RenderContext
    sampling: SamplingGrid
    view: Viewport | None = None
    scrub_bands: ScrubBands | None = None

    @cached_property
    def scale(self) -> ValueScale | None:
        """The scale of the values; None for display colours."""
        return self.mode.scale(self.context)

    @property
    def has_histogram(self) -> bool:
        """Whether its values have a histogram: neither display colours nor numbers of classes."""
        return self.scale is not None and not self.scale.categories

    @cached_property
    def colormap(self) -> str:
        """The user's colormap for this scale, or its default."""
        return self.context.view_settings.colormaps.get(self.scale.key, self.scale.colormap) if self.scale else ""

    @property
    def limits(self) -> tuple[float, float]:
        """The user's limits for this scale, or its defaults."""
        return self.context.view_settings.levels.get(self.scale.key, self.scale.limits) if self.scale else (0.0, 255.0)

    def is_same_as(self, other: RenderRequest) -> bool:
        """Return whether two renderings differ only in sampling and tone mapping."""
        return self.mode is other.mode and self.mode.cache_key(self.context) == other.mode.cache_key(other.context)


@dataclass(frozen=True)
class LegendEntry:
    """What a colour of a picture of classes means: number, name and colour #rrggbb of a class."""

    number: int
    name: str
    colour: str


@dataclass(frozen=True, eq=False)
class RenderedImage:
    """A rendering before and after tone mapping.

    Attributes:
        request: the request.
        painted: the values as rendered, (h, w) or (h, w, 3) float32, (h, w, 2 or 3) of channels, or display colours
            uint8.
        shown: the same tone-mapped to uint8, of the same shape; the colours (h, w, 3) of an analysis.
        seconds: the time it took.
        shading: the tone mapping; None for display colours.
        histogram: the histogram of the visible values, if the rendering is exact and some of them are finite.
        is_exact: whether it is at screen resolution and not interpolated.
        abstained: where (h, w) an analysis abstains; None for other modes.
    """

    request: RenderRequest
    painted: npt.NDArray[Any]
    shown: UInt8Array
    seconds: float
    shading: ToneMapping | None = None
    histogram: Histogram | None = None
    is_exact: bool = False
    abstained: npt.NDArray[np.bool_] | None = None

    @property
    def is_final(self) -> bool:
        """Whether `shown` are display colours, to which no lookup table applies."""
        return self.shading is None or self.abstained is not None

    @cached_property
    def legend(self) -> tuple[LegendEntry, ...]:
        """The classes, and what the picture shows besides: none of them, and uncertain pixels. Empty for others."""
        scale = self.request.scale
        if scale is None or not scale.categories:
            return ()
        entries = [LegendEntry(number, each.name, each.colour) for number, each in enumerate(scale.categories, 1)]
        if (self.painted == NONE).any():
            entries.append(LegendEntry(NONE, scale.none, NONE_COLOUR))
        if self.abstained is not None and self.abstained.any():
            entries.append(LegendEntry(ABSTAINED, "uncertain", UNCERTAIN_COLOUR))
        return tuple(entries)

    def value_at(self, row: int, col: int) -> npt.NDArray[Any] | None:
        """Return the rendered value at a source pixel, () or (2 or 3,); None outside the rendering."""
        at = self.request.sampling.index_of(row, col)
        return None if at is None else self.painted[at]

    def abstains_at(self, row: int, col: int) -> bool:
        """Return whether an analysis abstains at a source pixel."""
        at = self.request.sampling.index_of(row, col)
        return at is not None and self.abstained is not None and bool(self.abstained[at])


def resolve_request(name: str, context: RenderContext, view: Viewport, budget: int | None) -> RenderRequest:
    """Return the rendering request for the visible part of an image.

    Photographs are always rendered whole, as they need no computation.

    Args:
        name: the view mode.
        context: the inputs.
        view: the visible part.
        budget: the maximum number of field values to compute; None renders at screen resolution.
    """
    mode = MODES[name]
    bands = mode.bands(context)
    if not bands:
        assert context.photograph is not None
        return RenderRequest(mode, context, whole(context.photograph.shape, context.photograph.binning), view)
    samples = None if budget is None else max(budget // bands, FEWEST_SAMPLES)
    sampling = resolve_sampling(context.answering.shape, context.binning, view, samples, is_costly=bands > 3)
    return RenderRequest(mode, context, sampling, view)


def render_frame(request: RenderRequest, progress: ProgressCallback) -> RenderedImage:
    """Render without cancellation, for small frames while scrubbing."""
    start = time.perf_counter()
    context, sampling = request.context, request.sampling
    if request.scrub_bands is not None:
        context, sampling = replace(context, field=request.scrub_bands.bands), whole(request.scrub_bands.bands.shape, 1)
    return _shaded(request, *_parts(request.mode.render(context, sampling, lambda fraction: None)), start)


def render_picture(request: RenderRequest, progress: ProgressCallback) -> RenderedImage:
    """Render an exact image with its histogram; can be cancelled between pieces."""
    start = time.perf_counter()
    painted, abstained = _parts(request.mode.render(request.context, request.sampling, progress))
    return _with_histogram(replace(_shaded(request, painted, abstained, start), is_exact=True))


@dataclass(frozen=True, eq=False)
class UpdateRequest:
    """A rendered image to bring up to date with the view, the limits and the colormap of another request."""

    picture: RenderedImage
    request: RenderRequest

    @property
    def is_reshaded(self) -> bool:
        """Whether limits or colormap have changed."""
        picture, request = self.picture, self.request
        shading = tone_mapping_of(request, picture.painted.ndim == 3)
        return shading != picture.shading or request.colormap != picture.request.colormap

    @property
    def is_moved(self) -> bool:
        """Whether the histogram of an exact picture is of another part of the image than the visible one."""
        before = self.picture.request
        return self.picture.is_exact and before.has_histogram and (
            before.sampling.visible(self.request.view) != before.sampling.visible(before.view)
        )  # fmt: skip


def update_picture(request: UpdateRequest, progress: ProgressCallback) -> RenderedImage:
    """Tone-map rendered values again, and take their histogram again, without evaluating the field."""
    picture = request.picture
    wanted = replace(request.request, sampling=picture.request.sampling)
    updated = replace(picture, request=wanted)
    if request.is_reshaded:
        shaded = _shaded(wanted, picture.painted, picture.abstained, time.perf_counter())
        updated = replace(updated, shown=shaded.shown, shading=shaded.shading)
    return _with_histogram(updated) if request.is_moved else updated


def _with_histogram(picture: RenderedImage) -> RenderedImage:
    """The picture with the histogram of what is visible of it; classes and display colours have none."""
    request = picture.request
    if not request.has_histogram:
        return picture
    visible = picture.painted[request.sampling.visible(request.view)]
    return replace(picture, histogram=Histogram.of(picture.shading.shares(visible) if picture.shading else visible))


def tone_mapping_of(request: RenderRequest, is_colour: bool) -> ToneMapping | None:
    """Return the tone mapping of a request; None if the mode renders display colours or classes."""
    if request.scale is None or request.scale.categories:
        return None
    if not request.scale.is_light:
        channels = tuple(channel.limits for channel in request.scale.channels)
        return ToneMapping(request.limits, encoded=False, channels=channels)
    return ToneMapping.of(request.limits, request.colormap, is_colour)


def _parts(
    rendered: npt.NDArray[Any] | Answers,
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]:
    """What a mode rendered, and where it abstains."""
    return (rendered.values, rendered.abstained) if isinstance(rendered, Answers) else (rendered, None)


def _shaded(
    request: RenderRequest, painted: npt.NDArray[Any], abstained: npt.NDArray[np.bool_] | None, start: float
) -> RenderedImage:
    shading = tone_mapping_of(request, painted.ndim == 3)
    shown = shading.shade(painted) if shading else painted
    if request.scale is not None and request.scale.categories:
        shown = paint_categories(painted, [category.colour for category in request.scale.categories])
    if abstained is not None:
        table = lookup(request.colormap, request.context.nm)
        missing = ~np.isfinite(painted if painted.ndim == 2 else painted.sum(axis=-1))
        shown = paint_answers(shown, table, abstained, missing)
    return RenderedImage(request, painted, shown, time.perf_counter() - start, shading, abstained=abstained)
