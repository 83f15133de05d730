"""A picture of what is in view in one mode, and bands that what moves under the hand is read between."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.protocol import CubeField, ProgressCallback, SpectralField
from nesr_gui.gui.drawing.tone_mapping import Histogram, ToneMapping
from nesr_gui.gui.model.document import UInt8Array
from nesr_gui.gui.model.viewport import SamplingGrid, Viewport, resolve_sampling, whole
from nesr_gui.gui.view_modes import MODES
from nesr_gui.gui.view_modes.base import RenderContext, ValueScale, ViewMode, band_in_pieces, sketches_in_pieces
from nesr_gui.spectral import Wavelengths

SPACINGS = (20.0, 5.0)  # nm: a first impression after a second, then below the 6.4 nm between a network's features
MOST_SAMPLES = 512 * 512  # of a band: 64 MB of them 5 nm apart
PROBES, PROBE_STRIDE = 8, 4  # where the error is measured: half way between nodes, at some of the samples
FEWEST_SAMPLES = 40 * 40  # below, nothing can be recognised


@dataclass(frozen=True, eq=False)
class ScrubBands:
    """Bands (L, h, w) of a sampling of a field, as a field of their own, and how far off it is between them."""

    field: SpectralField  # whose bands they are
    sampling: SamplingGrid
    bands: CubeField
    error: float  # the largest difference that was found half way between two nodes

    @property
    def is_finest(self) -> bool:
        return float(np.diff(self.bands.wavelengths.nm).max()) <= SPACINGS[-1]


@dataclass(frozen=True, eq=False)
class ScrubBandsRequest:
    """Nodes to decode; those that are known already are not asked for again."""

    field: SpectralField
    sampling: SamplingGrid
    spacing: float  # nm
    known: ScrubBands | None = None

    def finer(self, known: ScrubBands) -> ScrubBandsRequest | None:
        """The next request after this one was answered; None where nothing is to be gained."""
        finer = [spacing for spacing in SPACINGS if spacing < self.spacing]
        return replace(self, spacing=finer[0], known=known) if finer else None


def decode_scrub_bands(request: ScrubBandsRequest, progress: ProgressCallback) -> ScrubBands:
    """Ask the field for about its bands at the nodes, and for a few between them to see how far off they are."""
    low, high = request.field.wavelength_range
    bands = Wavelengths.evenly_spaced(max(round((high - low) / request.spacing), 1) + 1, low, high)
    known = request.known.bands if request.known else None
    fresh = bands.nm if known is None else np.setdiff1d(bands.nm, known.wavelengths.nm)
    sketches = sketches_in_pieces(request.field, fresh, request.sampling, progress) if fresh.size else ()
    sketched = dict(zip(fresh.tolist(), sketches, strict=True))
    values = np.empty((len(bands), *request.sampling.size), np.float32)
    for band, nm in zip(values, bands, strict=True):  # one after the other: a copy of all would hold up the window
        band[:] = known.band(nm) if known and nm not in sketched else sketched[nm]
    scrub_bands = CubeField(values, bands)
    return ScrubBands(request.field, request.sampling, scrub_bands, _error(request, scrub_bands))


def _error(request: ScrubBandsRequest, scrub_bands: CubeField) -> float:
    """The largest difference between a field and its nodes at some pixels, half way between some nodes."""
    sampling, nm = request.sampling, scrub_bands.wavelengths.nm
    sparse = replace(sampling, stride=sampling.stride * PROBE_STRIDE)
    gaps = np.unique(np.linspace(0, len(nm) - 2, PROBES).round().astype(int)).tolist()
    between = [float(nm[gap] + nm[gap + 1]) / 2 for gap in gaps]
    return max(
        float(
            np.abs(scrub_bands.band(at, stride=PROBE_STRIDE) - band_in_pieces(request.field, at, sparse, _quiet)).max()
        )
        for at in between
    )


def _quiet(fraction: float) -> None:
    """Progress nobody watches."""


@dataclass(frozen=True, eq=False)
class RenderRequest:
    """One mode's picture of a scene, at some of its pixels."""

    mode: ViewMode
    context: RenderContext
    sampling: SamplingGrid
    scrub_bands: ScrubBands | None = None  # what is read between instead of asking the field, while the hand moves

    @cached_property
    def scale(self) -> ValueScale | None:
        return self.mode.scale(self.context)

    @cached_property
    def colormap(self) -> str:
        """The user's choice for this scale, or its own."""
        return self.context.view_settings.colormaps.get(self.scale.key, self.scale.colormap) if self.scale else ""

    @property
    def limits(self) -> tuple[float, float]:
        return self.context.view_settings.levels.get(self.scale.key, self.scale.limits) if self.scale else (0.0, 255.0)

    def is_same_as(self, other: RenderRequest) -> bool:
        """Whether the two pictures differ in nothing but sampling and shading."""
        return self.mode is other.mode and self.mode.cache_key(self.context) == other.mode.cache_key(other.context)


@dataclass(frozen=True, eq=False)
class RenderedImage:
    """The answer: what the mode painted, the same as shown, its histogram once it is exact, and the seconds it took.

    `painted` is (h, w) or (h, w, 3) float32, `shown` the same shape in uint8; one array where the mode paints colours.
    """

    request: RenderRequest
    painted: npt.NDArray[Any]
    shown: UInt8Array
    seconds: float
    shading: ToneMapping | None = None
    histogram: Histogram | None = None
    is_exact: bool = False

    def value_at(self, row: int, col: int) -> npt.NDArray[Any] | None:
        """What was painted for a pixel of the source, () or (3,); None where the picture does not reach."""
        at = self.request.sampling.index_of(row, col)
        return None if at is None else self.painted[at]


def resolve_request(name: str, context: RenderContext, view: Viewport, budget: int | None) -> RenderRequest:
    """What is in view in a mode: within a budget of values read off the field, or with None as fine as the screen.

    A photograph is there already, so its picture is all of it.
    """
    mode = MODES[name]
    bands = mode.bands(context)
    if not bands:
        assert context.photograph is not None
        return RenderRequest(mode, context, whole(context.photograph.shape, context.photograph.binning))
    samples = None if budget is None else max(budget // bands, FEWEST_SAMPLES)
    sampling = resolve_sampling(context.answering.shape, context.binning, view, samples, is_costly=bands > 3)
    return RenderRequest(mode, context, sampling)


def render_frame(request: RenderRequest, progress: ProgressCallback) -> RenderedImage:
    """The picture without a stop: it is small, and while the hand moves something must be seen."""
    start = time.perf_counter()
    context, sampling = request.context, request.sampling
    if request.scrub_bands is not None:
        context, sampling = replace(context, field=request.scrub_bands.bands), whole(request.scrub_bands.bands.shape, 1)
    return _shaded(request, request.mode.render(context, sampling, lambda fraction: None), start)


def render_picture(request: RenderRequest, progress: ProgressCallback) -> RenderedImage:
    """The picture piece by piece, so that a newer request need not wait for it, with its histogram."""
    start = time.perf_counter()
    painted: npt.NDArray[Any] = request.mode.render(request.context, request.sampling, progress)
    histogram = Histogram.of(painted) if request.scale else None
    return replace(_shaded(request, painted, start), histogram=histogram, is_exact=True)


@dataclass(frozen=True, eq=False)
class ToneMapRequest:
    """A picture to be shown under the levels and colours of another request."""

    picture: RenderedImage
    request: RenderRequest


def map_tones_again(asked: ToneMapRequest, progress: ProgressCallback) -> RenderedImage:
    """The same values under other levels; nothing is asked of the field."""
    picture, request = asked.picture, replace(asked.request, sampling=asked.picture.request.sampling)
    again = _shaded(request, picture.painted, time.perf_counter())
    return replace(again, histogram=picture.histogram, is_exact=picture.is_exact, seconds=picture.seconds)


def tone_mapping_of(request: RenderRequest, is_colour: bool) -> ToneMapping | None:
    """How a picture is shown; None where it is painted in colours for the screen."""
    return ToneMapping.of(request.limits, request.colormap, is_colour) if request.scale else None


def _shaded(request: RenderRequest, painted: npt.NDArray[Any], start: float) -> RenderedImage:
    shading = tone_mapping_of(request, painted.ndim == 3)
    shown = shading.shade(painted) if shading else painted
    return RenderedImage(request, painted, shown, time.perf_counter() - start, shading)
