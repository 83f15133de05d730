"""What a view mode is, a pure description of one way to look at an image, and how it asks a field piece by piece."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.protocol import BLOCK_VALUES, CalibratedField, PreviewField, ProgressCallback, SpectralField
from nesr_gui.gui.model.document import Document, UInt8Array
from nesr_gui.gui.model.view_settings import Limits, ViewSettings
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.spectral import FloatArray, RGBImage, Spectrum, Wavelengths

STEP = 10.0  # nm between two readings of whole spectra
PIECE = 1 << 16  # samples of a band between two chances to stop
SKETCHED = 1 << 20  # the same of all bands that are sketched at once
Value = TypeVar("Value", bound=np.generic)
Reduce = Callable[[FloatArray, slice, slice], FloatArray]
"""From spectra (L, h, w), and the rows and columns of the picture they stand at, to values (h, w) or (h, w, 3)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RenderContext:
    """All that a picture can depend on, frozen when it is asked for."""

    field: SpectralField | None
    photograph: RGBImage | None
    encoded: RGBImage | None  # the photograph that the field was made of, of the field's shape
    colours: UInt8Array | None  # (H, W, 3), the photograph as displayed
    truth: SpectralField | None
    reference: Spectrum | None  # what the similarity is to
    reference_name: str
    viewing: ViewingConditions
    white: Spectrum | None  # what stands for a perfect white where the quantity is no reflectance
    nm: float
    binning: int
    levels: Limits  # of the field's values, for every band the same
    view_settings: ViewSettings

    @classmethod
    def of(cls, document: Document) -> RenderContext:
        """The context of a document as it is now: the same one until something of it changes."""
        cached = _CONTEXTS.get(document)
        if cached is not None and cached[0] == document.revision:
            return cached[1]
        reference, name = document.reference()
        context = cls(
            field=document.field, photograph=document.photograph,
            encoded=document.encoded if isinstance(document.encoded, RGBImage) else None, colours=document.colours,
            truth=document.truth, reference=reference, reference_name=name, viewing=document.viewing,
            white=document.white, nm=document.nm, binning=document.binning, levels=document.levels,
            view_settings=document.view_settings,
        )  # fmt: skip
        _CONTEXTS[document] = document.revision, context
        return context

    @property
    def answering(self) -> SpectralField:
        """The field, for modes that need it."""
        assert self.field is not None
        return self.field

    @cached_property
    def met_requirements(self) -> frozenset[Requirement]:
        """What of all that modes need is there."""
        present = {
            Requirement.PHOTOGRAPH: self.photograph, Requirement.FIELD: self.field, Requirement.TRUTH: self.truth,
            Requirement.REFERENCE: self.reference,
            Requirement.INTERVALS: self.field if isinstance(self.field, CalibratedField) else None,
        }  # fmt: skip
        return frozenset([each for each, value in present.items() if value is not None])


_CONTEXTS: WeakKeyDictionary[Document, tuple[int, RenderContext]] = WeakKeyDictionary()


class Requirement(enum.StrEnum):
    """What a mode cannot do without; the value says what to do where it is missing."""

    PHOTOGRAPH = "needs a photograph; open one"
    FIELD = "needs a reconstruction or a cube; open one, or wait until it is ready"
    TRUTH = "needs the measured cube of this photograph; open it with File ▸ Compare with measured cube…"
    INTERVALS = "needs a reconstruction by a model that knows its limits; open a photograph with the embedded one"
    REFERENCE = "needs a spectrum to compare with; click a pixel"


@dataclass(frozen=True)
class ValueScale:
    """What the values of a picture measure, and how they are shown until the user chooses."""

    key: str  # levels and colormap are kept under this
    quantity: str
    unit: str
    limits: Limits
    colormap: str = "grey"
    is_colour: bool = False  # three values to a pixel, which are its colour


@dataclass(frozen=True)
class ModeOption:
    """One of the things a mode lets the user choose: its text, and the look it leads to."""

    text: str
    view_settings: ViewSettings
    chosen: bool = False
    possible: bool = True


class ViewMode:
    """A way to look at a spectral image; a new one is a subclass in a file of its own, and a row of `MODES`.

    Modes hold nothing: everything is in the `RenderContext` they are given, and they know a field by its protocol only.
    """

    name: ClassVar[str]  # in session files and the name of its action
    title: ClassVar[str]
    tip: ClassVar[str]
    icon: ClassVar[str] = ""  # where there is one, the mode is in the toolbar
    needs: ClassVar[tuple[Requirement, ...]] = (Requirement.FIELD,)
    moves: ClassVar[bool] = False  # made of single bands that the hand moves: see `ScrubBands`

    def unavailable_reason(self, context: RenderContext) -> str:
        """Why there can be no picture of this scene, to be read after the title; empty where there can."""
        met = context.met_requirements
        for need in self.needs:
            if need not in met:
                return need.value
        return ""

    def caption(self, context: RenderContext) -> str:
        """What the picture shows, in a few words."""
        return self.title

    def cache_key(self, context: RenderContext) -> tuple[object, ...]:
        """What the picture depends on, beside the sampling: while this is equal, nothing is computed again."""
        raise NotImplementedError

    def bands(self, context: RenderContext) -> int:
        """How many values of the field each pixel costs; none if the picture is there already."""
        return 1

    def scale(self, context: RenderContext) -> ValueScale | None:
        """What the values measure; None where the picture is made of colours."""
        return None

    def options(self, context: RenderContext) -> Sequence[ModeOption]:
        """What the user can choose about this mode."""
        return ()

    def render(
        self, context: RenderContext, sampling: SamplingGrid, progress: ProgressCallback
    ) -> FloatArray | UInt8Array:
        """The picture: values (h, w), linear colours (h, w, 3) float32, or colours for the screen (h, w, 3) uint8.

        Args:
            scene: what to look at; nothing of it is `unavailable_reason`.
            sampling: which pixels of the field, or of the photograph where `bands` is 0.
            progress: called between pieces with the fraction done; may raise `Cancelled`.
        """
        raise NotImplementedError


def bands_of(field: SpectralField, within: tuple[float, float] | None = None) -> Wavelengths:
    """Where whole spectra are read for a picture: about every 10 nm of what the field covers, of `within` if given."""
    low, high = field.wavelength_range
    if within is not None:
        low, high = max(low, within[0]), min(high, within[1])
    count = max(round((high - low) / STEP), 1) + 1 if high > low else 1
    return Wavelengths.evenly_spaced(count, low, high)


def not_shared(field: SpectralField | None, other: str, within: tuple[float, float]) -> str:
    """Why `bands_of` has nothing to read; empty where it has."""
    if field is None or (field.wavelength_range[0] <= within[1] and within[0] <= field.wavelength_range[1]):
        return ""
    low, high = field.wavelength_range
    return f"is not possible: this image covers {low:g}-{high:g} nm, {other} {within[0]:g}-{within[1]:g} nm"


def band_in_pieces(field: SpectralField, nm: float, sampling: SamplingGrid, progress: ProgressCallback) -> FloatArray:
    """One band (h, w), strip by strip."""
    return in_strips(
        sampling, progress, lambda strip: field.band(nm, stride=strip.stride, rows=strip.rows, cols=strip.cols)
    )


def sketches_in_pieces(
    field: SpectralField, nm: npt.NDArray[np.float64], sampling: SamplingGrid, progress: ProgressCallback
) -> FloatArray:
    """Bands (L, h, w) at L wavelengths, strip by strip, about as the field has them where that is sooner."""
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
    """What `render` makes of each strip of a sampling, one below the other."""
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
    """What `reduce` makes of the spectra of a sampling: (h, w, *channels), never holding more than a piece of them."""
    picture = np.empty((*sampling.size, *channels), np.float32)
    for rows, cols, spectra in _pieces(field, bands, sampling, progress):
        picture[rows, cols] = reduce(spectra, rows, cols)
    return picture


def _pieces(
    field: SpectralField, bands: Wavelengths, sampling: SamplingGrid, progress: ProgressCallback
) -> Iterator[tuple[slice, slice, FloatArray]]:
    if sampling.stride == 1:  # all wavelengths of a block at once cost less than one after the other
        done, total = 0, sampling.size[0] * sampling.size[1]
        for block in field.blocks(bands, rows=sampling.rows, cols=sampling.cols):
            yield _within(block.rows, sampling.rows), _within(block.cols, sampling.cols), block.values
            done += block.values[0].size
            progress(done / total)
        return
    height, top = sampling.rows.stop - sampling.rows.start, 0
    for strip in sampling.strips(max(BLOCK_VALUES // len(bands), 1)):
        spectra = np.empty((len(bands), *strip.size), np.float32)
        before, share = (strip.rows.start - sampling.rows.start) / height, spectra.shape[1] / sampling.size[0]
        for i, nm in enumerate(bands):
            progress(min(before + share * i / len(bands), 1.0))
            spectra[i] = field.band(nm, stride=strip.stride, rows=strip.rows, cols=strip.cols)
        yield slice(top, top + spectra.shape[1]), slice(0, spectra.shape[2]), spectra
        top += spectra.shape[1]


def _within(part: slice, of: slice) -> slice:
    return slice(part.start - of.start, part.stop - of.start)
