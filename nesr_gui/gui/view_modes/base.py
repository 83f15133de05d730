"""Base class of view modes, the context they render, and evaluation of fields in pieces."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.protocol import (
    BLOCK_VALUES,
    Block,
    CalibratedField,
    PreviewField,
    ProgressCallback,
    SpectralField,
)
from nesr_gui.gui.model.analyses import AnalysisKind, FittedAnalysis
from nesr_gui.gui.model.document import Document, UInt8Array
from nesr_gui.gui.model.view_settings import Limits, ViewSettings
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.spectral import FloatArray, RGBImage, Spectrum, Wavelengths

STEP = 10.0  # nm between the wavelengths of whole spectra
PIECE = 1 << 16  # samples of a band between two calls of `progress`
SKETCHED = 1 << 20  # the same for several preview bands together
Value = TypeVar("Value", bound=np.generic)
Reduce = Callable[[FloatArray, slice, slice], FloatArray]
"""From spectra (L, h, w), and their rows and columns in the image, to values (h, w) or (h, w, 3)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RenderContext:
    """Frozen inputs of a rendering.

    Attributes:
        field: the field; None while there is none.
        photograph: the photograph, and `colours` (H, W, 3) uint8 as displayed.
        encoded: the photograph that the field was reconstructed from, of the shape of the field.
        truth: the measured cube, in source pixels.
        reference: the reference of the similarity mode, and `reference_name` its name.
        viewing: the light and the observer.
        white: the spectrum of a perfect white, for fields whose quantity is not reflectance.
        nm: the selected wavelength.
        binning: source pixels along one side of a pixel of the field.
        levels: the display limits of all bands.
        view_settings: how the image is displayed.
        analyses: the analyses that were learned from the field.
        is_abstaining: whether analyses mark pixels in which the prediction interval allows another answer.
    """

    field: SpectralField | None
    photograph: RGBImage | None
    encoded: RGBImage | None
    colours: UInt8Array | None
    truth: SpectralField | None
    reference: Spectrum | None
    reference_name: str
    viewing: ViewingConditions
    white: Spectrum | None
    nm: float
    binning: int
    levels: Limits
    view_settings: ViewSettings
    analyses: Mapping[AnalysisKind, FittedAnalysis]
    is_abstaining: bool

    @classmethod
    def of(cls, document: Document) -> RenderContext:
        """Return the context of a document, cached until the document changes."""
        cached = _CONTEXTS.get(document)
        if cached is not None and cached[0] == document.revision:
            return cached[1]
        reference, name = document.reference()
        context = cls(
            field=document.field, photograph=document.photograph,
            encoded=document.encoded if isinstance(document.encoded, RGBImage) else None, colours=document.colours,
            truth=document.truth, reference=reference, reference_name=name, viewing=document.viewing,
            white=document.white, nm=document.nm, binning=document.binning, levels=document.levels,
            view_settings=document.view_settings, analyses=document.analyses,
            is_abstaining=document.analysis_settings.abstains,
        )  # fmt: skip
        _CONTEXTS[document] = document.revision, context
        return context

    def of_side(self, side: int) -> RenderContext:
        """The context of one side: it is the active one of the view settings, whose layers are rendered."""
        return self if side == self.view_settings.active else self._of_other_side

    @cached_property
    def _of_other_side(self) -> RenderContext:
        return replace(self, view_settings=replace(self.view_settings, active=1 - self.view_settings.active))

    @property
    def answering(self) -> SpectralField:
        """The field, for modes that require one."""
        assert self.field is not None
        return self.field

    @cached_property
    def met_requirements(self) -> frozenset[Requirement]:
        """The requirements of modes that this context meets."""
        present = {
            Requirement.PHOTOGRAPH: self.photograph, Requirement.FIELD: self.field, Requirement.TRUTH: self.truth,
            Requirement.REFERENCE: self.reference,
            Requirement.INTERVALS: self.field if isinstance(self.field, CalibratedField) else None,
        }  # fmt: skip
        return frozenset([each for each, value in present.items() if value is not None])

    @cached_property
    def obtainable_requirements(self) -> frozenset[Requirement]:
        """The requirements of modes that can be chosen: a missing reference can be picked afterwards by a click."""
        return self.met_requirements | {Requirement.REFERENCE}


_CONTEXTS: WeakKeyDictionary[Document, tuple[int, RenderContext]] = WeakKeyDictionary()


class Requirement(enum.StrEnum):
    """Input that a mode requires; the value is read after the title of the mode if it is missing."""

    PHOTOGRAPH = "needs a photograph; open one"
    FIELD = "needs a reconstruction or a cube; open one, or wait until it is ready"
    TRUTH = "needs the measured cube of this photograph; open it with File ▸ Compare with measured cube…"
    INTERVALS = "needs a model with prediction intervals; open a photograph with the embedded model"
    REFERENCE = "needs a reference spectrum; click a pixel"


@dataclass(frozen=True)
class Category:
    """A class of pixels: its name, and its colour #rrggbb."""

    name: str
    colour: str


@dataclass(frozen=True)
class Channel:
    """A quantity that is one of the colours of a picture; its limits are black and the full colour."""

    name: str
    unit: str
    limits: Limits


@dataclass(frozen=True)
class ValueScale:
    """The quantity of a rendering, and its default display.

    Attributes:
        key: identifies the user's limits and colormap in `ViewSettings`.
        quantity: the name of the quantity, and `unit` its unit.
        limits: the default limits.
        colormap: the default colormap.
        is_colour: whether there are three values per pixel, which are a colour.
        is_light: whether these are intensities of light, which sRGB encodes; other values are shown linearly.
        categories: what the values 1, 2, … mean, if they are numbers of classes; 0 is none of them.
        none: what 0 means, if there are categories.
        channels: the quantities that are red, green and blue; the values are theirs, and the limits those of shares.
    """

    key: str
    quantity: str
    unit: str
    limits: Limits
    colormap: str = "grey"
    is_colour: bool = False
    is_light: bool = True
    categories: tuple[Category, ...] = ()
    none: str = ""
    channels: tuple[Channel, ...] = ()


@dataclass(frozen=True, eq=False)
class Answers:
    """Values of an analysis, and where they are uncertain.

    Attributes:
        values: (h, w), or (h, w, 2 or 3) of channels, float32, as a mode renders them; NaN where there is none.
        abstained: where (h, w) the prediction interval allows another answer.
    """

    values: FloatArray
    abstained: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ModeOption:
    """A choice in the menu of a mode: its text, the resulting settings, and whether it is checked and enabled."""

    text: str
    view_settings: ViewSettings
    chosen: bool = False
    possible: bool = True


class ViewMode:
    """Base class of view modes.

    Modes are stateless: all inputs are in the `RenderContext`, and fields are used only through their protocol.
    """

    name: ClassVar[str]  # identifies it in session files and as an action
    title: ClassVar[str]
    tip: ClassVar[str]
    icon: ClassVar[str] = ""  # modes with an icon are in the toolbar
    needs: ClassVar[tuple[Requirement, ...]] = (Requirement.FIELD,)
    moves: ClassVar[bool] = False  # composed of single bands, so that `ScrubBands` can be used

    def unavailable_reason(self, context: RenderContext) -> str:
        """Return why this context cannot be rendered, to be read after the title; empty if it can."""
        met = context.met_requirements
        for need in self.needs:
            if need not in met:
                return need.value
        return ""

    def caption(self, context: RenderContext) -> str:
        """Return a short description of the rendering."""
        return self.title

    def cache_key(self, context: RenderContext) -> tuple[object, ...]:
        """Return everything the rendering depends on except the sampling; equal keys mean equal renderings."""
        raise NotImplementedError

    def bands(self, context: RenderContext) -> int:
        """Return the number of field values needed per pixel; 0 if the image is already available."""
        return 1

    def scale(self, context: RenderContext) -> ValueScale | None:
        """Return the scale of the values; None if the mode renders display colours."""
        return None

    def options(self, context: RenderContext) -> Sequence[ModeOption]:
        """Return the choices for the menu of the mode."""
        return ()

    def render(
        self, context: RenderContext, sampling: SamplingGrid, progress: ProgressCallback
    ) -> FloatArray | UInt8Array | Answers:
        """Render values (h, w), linear colours (h, w, 3) float32, or display colours (h, w, 3) uint8.

        Args:
            context: the inputs; `unavailable_reason` must be empty for it.
            sampling: the pixels of the field, or of the photograph if `bands` is 0.
            progress: called between pieces with the fraction done; may raise `Cancelled`.
        """
        raise NotImplementedError


def bands_of(field: SpectralField, within: tuple[float, float] | None = None) -> Wavelengths:
    """Return the wavelengths at which whole spectra are rendered: about every 10 nm of the field's range.

    `within` limits the range.
    """
    low, high = field.wavelength_range
    if within is not None:
        low, high = max(low, within[0]), min(high, within[1])
    count = max(round((high - low) / STEP), 1) + 1 if high > low else 1
    return Wavelengths.evenly_spaced(count, low, high)


def not_shared(field: SpectralField | None, other: str, within: tuple[float, float]) -> str:
    """Return why `bands_of` would be empty, to be read after the title; empty if it would not."""
    if field is None or (field.wavelength_range[0] <= within[1] and within[0] <= field.wavelength_range[1]):
        return ""
    low, high = field.wavelength_range
    return f"is not possible: the image covers {low:g}-{high:g} nm, but {other} {within[0]:g}-{within[1]:g} nm"


def band_in_pieces(field: SpectralField, nm: float, sampling: SamplingGrid, progress: ProgressCallback) -> FloatArray:
    """Evaluate one band (h, w), strip by strip."""
    return in_strips(
        sampling, progress, lambda strip: field.band(nm, stride=strip.stride, rows=strip.rows, cols=strip.cols)
    )


def sketches_in_pieces(
    field: SpectralField, nm: npt.NDArray[np.float64], sampling: SamplingGrid, progress: ProgressCallback
) -> FloatArray:
    """Evaluate preview bands (L, h, w), strip by strip; exact bands if the field has no previews."""
    bands, top = np.empty((nm.size, *sampling.size), np.float32), 0
    for strip in sampling.strips(max(SKETCHED // nm.size, 1)):
        progress(top / sampling.size[0])
        rows = bands[:, top : top + strip.size[0]]
        if isinstance(field, PreviewField):
            rows[:] = field.preview_bands(nm, stride=strip.stride, rows=strip.rows, cols=strip.cols)
        else:
            for band, at in zip(rows, nm.tolist(), strict=True):
                band[:] = field.band(at, stride=strip.stride, rows=strip.rows, cols=strip.cols)
        top += strip.size[0]
    return bands


def in_strips(
    sampling: SamplingGrid, progress: ProgressCallback, render: Callable[[SamplingGrid], npt.NDArray[Value]]
) -> npt.NDArray[Value]:
    """Render a sampling strip by strip and concatenate the results."""
    pieces: list[npt.NDArray[Value]] = []
    height = sampling.rows.stop - sampling.rows.start
    for strip in sampling.strips(PIECE):
        progress((strip.rows.start - sampling.rows.start) / height)
        pieces.append(render(strip))
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def spectra_in_pieces(
    field: SpectralField,
    bands: Wavelengths,
    sampling: SamplingGrid,
    progress: ProgressCallback,
    reduce: Reduce,
    *channels: int,
) -> FloatArray:
    """Apply `reduce` to the spectra of a sampling piece by piece, in bounded memory: (h, w, *channels) float32."""
    picture = np.empty((*sampling.size, *channels), np.float32)
    for piece in iter_pieces(field, bands, sampling, progress):
        picture[piece.rows, piece.cols] = reduce(piece.spectra, piece.rows, piece.cols)
    return picture


@dataclass(frozen=True, eq=False)
class Piece:
    """Part of a sampling.

    Attributes:
        rows: of the part, in the picture.
        cols: of the part, in the picture.
        spectra: (L, h, w).
        limits: lower and upper limits of their prediction interval, (L, h, w) each; None if not asked for.
    """

    rows: slice
    cols: slice
    spectra: FloatArray
    limits: tuple[FloatArray, FloatArray] | None = None


def iter_pieces(
    field: SpectralField,
    bands: Wavelengths,
    sampling: SamplingGrid,
    progress: ProgressCallback,
    intervals: CalibratedField | None = None,
) -> Iterator[Piece]:
    """Yield the spectra of a sampling piece by piece, in bounded memory.

    Args:
        field: any field.
        bands: where to evaluate it.
        sampling: its pixels.
        progress: called with the fraction done; may raise `Cancelled`.
        intervals: the same field, to evaluate its prediction intervals as well.
    """
    if sampling.stride == 1:  # blocks with all wavelengths are faster than single bands
        done, total = 0, sampling.size[0] * sampling.size[1]
        for strip in sampling.strips(PIECE):  # like bands, so that fields can reuse what they cached for one of them
            for block in field.blocks(bands, rows=strip.rows, cols=strip.cols):
                for part in _with_limits(block, bands, intervals):
                    rows, cols = _within(part.rows, sampling.rows), _within(part.cols, sampling.cols)
                    yield replace(part, rows=rows, cols=cols)
                done += block.values[0].size
                progress(done / total)
        return
    height, top = sampling.rows.stop - sampling.rows.start, 0
    for strip in sampling.strips(max(BLOCK_VALUES // len(bands), 1)):
        spectra = np.empty((len(bands), *strip.size), np.float32)
        limits = (np.empty_like(spectra), np.empty_like(spectra)) if intervals is not None else None
        before, share = (strip.rows.start - sampling.rows.start) / height, spectra.shape[1] / sampling.size[0]
        for i, nm in enumerate(bands):
            progress(min(before + share * i / len(bands), 1.0))
            spectra[i] = field.band(nm, stride=strip.stride, rows=strip.rows, cols=strip.cols)
            if intervals is not None and limits is not None:
                limits[0][i], limits[1][i] = intervals.prediction_interval_band(
                    nm, stride=strip.stride, rows=strip.rows, cols=strip.cols
                )
        yield Piece(slice(top, top + spectra.shape[1]), slice(0, spectra.shape[2]), spectra, limits)
        top += spectra.shape[1]


def _with_limits(block: Block, bands: Wavelengths, intervals: CalibratedField | None) -> Iterator[Piece]:
    """A block as it is, or in the pieces for which its prediction intervals are evaluated."""
    if intervals is None:
        yield Piece(block.rows, block.cols, block.values)
        return
    for limits in intervals.prediction_interval_blocks(bands, rows=block.rows, cols=block.cols):
        inner = _within(limits.rows, block.rows), _within(limits.cols, block.cols)
        yield Piece(limits.rows, limits.cols, block.values[(slice(None), *inner)], (limits.lower, limits.upper))


def _within(part: slice, of: slice) -> slice:
    return slice(part.start - of.start, part.stop - of.start)
