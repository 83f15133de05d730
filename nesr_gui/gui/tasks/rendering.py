"""A picture of what is in view in one mode, and bands that what moves under the hand is read between."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.protocol import CubeField, ProgressCallback, SpectralField
from nesr_gui.gui.drawing.tone_mapping import Histogram, Shading
from nesr_gui.gui.model.session import Bytes
from nesr_gui.gui.model.viewport import Sampling, View, resolve_sampling, whole
from nesr_gui.gui.view_modes import MODES
from nesr_gui.gui.view_modes.base import Scale, Scene, ViewMode, band_in_pieces, sketches_in_pieces
from nesr_gui.spectral import Wavelengths

SPACINGS = (20.0, 5.0)  # nm: a first impression after a second, then below the 6.4 nm between a network's features
MOST_SAMPLES = 512 * 512  # of a band: 64 MB of them 5 nm apart
PROBES, PROBE_STRIDE = 8, 4  # where the error is measured: half way between nodes, at some of the samples
FEWEST_SAMPLES = 40 * 40  # below, nothing can be recognised


@dataclass(frozen=True, eq=False)
class Nodes:
    """Bands (L, h, w) of a sampling of a field, as a field of their own, and how far off it is between them."""

    field: SpectralField  # whose bands they are
    sampling: Sampling
    bands: CubeField
    error: float  # the largest difference that was found half way between two nodes

    @property
    def is_finest(self) -> bool:
        return float(np.diff(self.bands.wavelengths.nm).max()) <= SPACINGS[-1]


@dataclass(frozen=True, eq=False)
class NodesRequest:
    """Nodes to decode; those that are known already are not asked for again."""

    field: SpectralField
    sampling: Sampling
    spacing: float  # nm
    known: Nodes | None = None

    def finer(self, known: Nodes) -> NodesRequest | None:
        """The next request after this one was answered; None where nothing is to be gained."""
        finer = [spacing for spacing in SPACINGS if spacing < self.spacing]
        return replace(self, spacing=finer[0], known=known) if finer else None


def decode_nodes(request: NodesRequest, progress: ProgressCallback) -> Nodes:
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
    nodes = CubeField(values, bands)
    return Nodes(request.field, request.sampling, nodes, _error(request, nodes))


def _error(request: NodesRequest, nodes: CubeField) -> float:
    """The largest difference between a field and its nodes at some pixels, half way between some nodes."""
    sampling, nm = request.sampling, nodes.wavelengths.nm
    sparse = replace(sampling, stride=sampling.stride * PROBE_STRIDE)
    gaps = np.unique(np.linspace(0, len(nm) - 2, PROBES).round().astype(int)).tolist()
    between = [float(nm[gap] + nm[gap + 1]) / 2 for gap in gaps]
    return max(
        float(np.abs(nodes.band(at, stride=PROBE_STRIDE) - band_in_pieces(request.field, at, sparse, _quiet)).max())
        for at in between
    )


def _quiet(fraction: float) -> None:
    """Progress nobody watches."""


@dataclass(frozen=True, eq=False)
class PictureRequest:
    """One mode's picture of a scene, at some of its pixels."""

    mode: ViewMode
    scene: Scene
    sampling: Sampling
    nodes: Nodes | None = None  # what is read between instead of asking the field, while the hand moves

    @property
    def scale(self) -> Scale | None:
        return self.mode.scale(self.scene)

    @property
    def colormap(self) -> str:
        """The user's choice for this scale, or its own."""
        return self.scene.look.colormaps.get(self.scale.key, self.scale.colormap) if self.scale else ""

    @property
    def limits(self) -> tuple[float, float]:
        return self.scene.look.levels.get(self.scale.key, self.scale.limits) if self.scale else (0.0, 255.0)

    def is_same_as(self, other: PictureRequest) -> bool:
        """Whether the two pictures differ in nothing but sampling and shading."""
        return self.mode is other.mode and self.mode.depends(self.scene) == other.mode.depends(other.scene)


@dataclass(frozen=True, eq=False)
class Picture:
    """The answer: what the mode painted, the same as shown, its histogram once it is exact, and the seconds it took.

    `painted` is (h, w) or (h, w, 3) float32, `shown` the same shape in uint8; one array where the mode paints colours.
    """

    request: PictureRequest
    painted: npt.NDArray[Any]
    shown: Bytes
    seconds: float
    shading: Shading | None = None
    histogram: Histogram | None = None
    is_exact: bool = False

    def value_at(self, row: int, col: int) -> npt.NDArray[Any] | None:
        """What was painted for a pixel of the source, () or (3,); None where the picture does not reach."""
        at = self.request.sampling.index_of(row, col)
        return None if at is None else self.painted[at]


def resolve_picture(name: str, scene: Scene, view: View, budget: int | None) -> PictureRequest:
    """What is in view in a mode: within a budget of values read off the field, or with None as fine as the screen.

    A photograph is there already, so its picture is all of it.
    """
    mode = MODES[name]
    bands = mode.bands(scene)
    if not bands:
        assert scene.photograph is not None
        return PictureRequest(mode, scene, whole(scene.photograph.shape, scene.photograph.binning))
    samples = None if budget is None else max(budget // bands, FEWEST_SAMPLES)
    sampling = resolve_sampling(scene.answering.shape, scene.binning, view, samples, is_costly=bands > 3)
    return PictureRequest(mode, scene, sampling)


def coarse_picture(request: PictureRequest, progress: ProgressCallback) -> Picture:
    """The picture without a stop: it is small, and while the hand moves something must be seen."""
    start = time.perf_counter()
    scene, sampling = request.scene, request.sampling
    if request.nodes is not None:
        scene, sampling = replace(scene, field=request.nodes.bands), whole(request.nodes.bands.shape, 1)
    return _shaded(request, request.mode.paint(scene, sampling, lambda fraction: None), start)


def exact_picture(request: PictureRequest, progress: ProgressCallback) -> Picture:
    """The picture piece by piece, so that a newer request need not wait for it, with its histogram."""
    start = time.perf_counter()
    painted: npt.NDArray[Any] = request.mode.paint(request.scene, request.sampling, progress)
    histogram = Histogram.of(painted) if request.scale else None
    return replace(_shaded(request, painted, start), histogram=histogram, is_exact=True)


@dataclass(frozen=True, eq=False)
class ShadeRequest:
    """A picture to be shown under the levels and colours of another request."""

    picture: Picture
    request: PictureRequest


def shade_again(asked: ShadeRequest, progress: ProgressCallback) -> Picture:
    """The same values under other levels; nothing is asked of the field."""
    picture, request = asked.picture, replace(asked.request, sampling=asked.picture.request.sampling)
    again = _shaded(request, picture.painted, time.perf_counter())
    return replace(again, histogram=picture.histogram, is_exact=picture.is_exact, seconds=picture.seconds)


def shading_of(request: PictureRequest, is_colour: bool) -> Shading | None:
    """How a picture is shown; None where it is painted in colours for the screen."""
    return Shading.of(request.limits, request.colormap, is_colour) if request.scale else None


def _shaded(request: PictureRequest, painted: npt.NDArray[Any], start: float) -> Picture:
    shading = shading_of(request, painted.ndim == 3)
    shown = shading.shade(painted) if shading else painted
    return Picture(request, painted, shown, time.perf_counter() - start, shading)
