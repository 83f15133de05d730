"""One open image with everything that is chosen for it and known of it: what a tab shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.protocol import SpectralField
from nesr_gui.gui.model.changes import Change
from nesr_gui.gui.model.development import Development
from nesr_gui.gui.model.marks import ColourResult, Mark, MarkGeometry, MarkSet, MarkSpectrum, Pixel, Readout, row_of
from nesr_gui.gui.model.plot_settings import PlotContent, PlotSettings
from nesr_gui.gui.model.truth import MeasuredCube
from nesr_gui.gui.model.view_settings import ViewSettings
from nesr_gui.gui.model.viewport import Viewport
from nesr_gui.inference.model_input import BandInput, InputKind, ModelInput
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.regions import Region, Shape
from nesr_gui.spectral import RGBImage, Spectrum

if TYPE_CHECKING:
    from nesr_gui.io.cubes import description
    from nesr_gui.io.photos.photo import DecodedPhoto

UInt8Array = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class DocumentSource:
    """The files that a document was made of; a cube comes with what its user specified about it.

    A pasted image is in a temporary file of the window, and is saved beside its session.
    """

    image: Path
    truth: Path | None = None
    reading: description.CubeHints | None = None
    is_pasted: bool = False


@dataclass(frozen=True, eq=False)
class OpenedCube:
    """A measured cube as opened, with its display levels."""

    field: SpectralField
    levels: tuple[float, float]

    def as_truth(self, name: str, seen: ModelInput | None) -> MeasuredCube | None:
        """The truth of what a model made of bands `seen` of it, called `name`; only where there are other bands."""
        if not isinstance(seen, BandInput) or len(seen.wavelengths) >= len(self.field.bands):
            return None
        return MeasuredCube(self.field, name, is_chosen=True, shown=len(seen.wavelengths))


class PendingReconstruction(Protocol):
    """A reconstruction that was requested; `full` is whether at full resolution."""

    @property
    def full(self) -> bool: ...


class Document(QObject):
    """The observable model of a tab: decides what a pick means and announces what became of it.

    Attributes:
        name: what the image is called.
        source: its files; None where nothing is open.
        cube: the measured cube that is open; the field may be a model's all the same.
        photograph: the photograph as developed, and `colours` (H, W, 3) as displayed.
        source_shape: rows and columns of the image in its file.
        field: what answers; each of its pixels is `binning`² of the source, and `levels` are what its bands show as
            black and as white.
        encoded: what the field was made of, pixel by pixel; None for a measured cube.
        measurement: the measured cube beside a photograph, and `truth` the same as it lies over the photograph.
        white: what stands for a perfect white where the field's quantity is no reflectance.
        viewport: what the image pane shows; None is all.
        developed: how the photograph that is shown was developed, but for the working resolution; None is a preview.
        pending: the reconstruction that was requested and is not there yet.
        is_outdated: whether its reconstruction was cancelled or failed, so that an older one answers.
        awaits_model: whether it is a cube that is reconstructed as soon as it is shown and a model takes cubes.
        model_file: the file of the model that a cube was reconstructed by.
        wants_full: whether it is to be reconstructed at full resolution as soon as its photograph is there.
        saved_model: name and SHA-256 of the model that its session was saved with, until it is reconstructed again.
        file: the session file it was saved to or opened from.
        saved_work: `work` when it was opened or saved last.
        backup: its automatic copy, where there is one, and `backup_work` the work in that.
    """

    changed = Signal(object)  # Change

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo_stack = QUndoStack(self)
        self.revision = 0  # counts changes, for those who keep what they made of a state
        self.name = ""
        self.source: DocumentSource | None = None
        self.cube: OpenedCube | None = None
        self.photograph: RGBImage | None = None
        self.colours: UInt8Array | None = None
        self.source_shape: tuple[int, int] | None = None
        self.field: SpectralField | None = None
        self.binning = 1
        self.levels = (0.0, 1.0)
        self.encoded: ModelInput | None = None
        self.measurement: MeasuredCube | None = None
        self.truth: SpectralField | None = None
        self.nm = 550.0
        self.view_settings = ViewSettings()
        self.plot_settings = PlotSettings()
        self.viewing = ViewingConditions.default()
        self.white: Spectrum | None = None
        self.viewport: Viewport | None = None
        self.hover: Pixel | None = None
        self.hover_curve: Spectrum | None = None
        self.curves: Mapping[MarkGeometry, MarkSpectrum] = {}
        self.readouts: Mapping[MarkGeometry, Readout] = {}
        self.colour_results: Mapping[MarkGeometry, ColourResult] = {}
        self.mark_set = MarkSet(self.undo_stack, self.announce)
        self.development = Development(self.undo_stack, self.announce)
        self.developed: DevelopSettings | None = None
        self.pending: PendingReconstruction | None = None
        self.is_outdated = False
        self.awaits_model = False
        self.model_file: Path | None = None
        self.wants_full = False
        self.saved_model = ("", "")
        self.file: Path | None = None
        self.saved_work: tuple[object, ...] = ()
        self.backup: Path | None = None
        self.backup_work: tuple[object, ...] = ()

    def announce(self, *changes: Change) -> None:
        """Say what has changed."""
        self.revision += 1
        for change in changes:
            self.changed.emit(change)

    # What is open

    @property
    def wavelength_range(self) -> tuple[float, float]:
        """nm that can be picked; before there is a field, what the models cover."""
        return self.field.wavelength_range if self.field else (400.0, 700.0)

    @property
    def bands(self) -> list[float]:
        """nm that the open field was measured at or its model trained on."""
        return self.field.bands.nm.tolist() if self.field else []

    @property
    def input(self) -> InputKind:
        """What is open, as far as models are concerned."""
        return InputKind.PHOTOGRAPH if self.cube is None else InputKind.CUBE

    @property
    def title(self) -> str:
        """What its tab is called."""
        return self.file.name if self.file is not None else self.name or "Untitled"

    @property
    def work(self) -> tuple[object, ...]:
        """What its user made and would not want to lose; how it is looked at is no part of it."""
        library = tuple(reference.spectrum for reference in self.plot_settings.library)
        return self.marks, self.development.interpretation, library, self.white, self.view_settings.reference

    @property
    def is_modified(self) -> bool:
        return self.source is not None and self.work != self.saved_work

    def resolution(self) -> str:
        """What the field is worked at, in words: 2048×1365 of 6000×4000, 1:3."""
        if self.field is None or self.source_shape is None:
            return ""
        if self.binning == 1:
            return "full resolution"
        (height, width), (full_height, full_width) = self.field.shape, self.source_shape
        return f"{width}×{height} of {full_width}×{full_height}, 1:{self.binning}"

    def open_photograph(
        self,
        photograph: RGBImage,
        colours: UInt8Array,
        truth: MeasuredCube | None = None,
        decoded: DecodedPhoto | None = None,
        interpretation: DevelopSettings | None = None,
    ) -> None:
        """Show a photograph at once, in `colours` (H, W, 3); its field comes later.

        `decoded` is its file, where there is one, and `interpretation` how the photograph was developed from it.
        """
        self.photograph, self.colours, self.cube = photograph, colours, None
        self._set_measurement(truth, photograph.source_shape)
        self.development.start(decoded, interpretation or DevelopSettings())
        self._start(photograph.source.name, photograph.source_shape, ("photograph", "band"))

    def open_cube(self, name: str, cube: SpectralField, levels: tuple[float, float]) -> None:
        """Show a cube, which can be asked at once; what a model makes of it may come later."""
        self.photograph, self.colours, self.cube = None, None, OpenedCube(cube, levels)
        self._set_measurement(None, cube.shape)
        self.development.start(None, DevelopSettings())
        self._start(name, cube.shape, ("band", "false_colour"))
        self.show_measured()

    def _start(self, name: str, source_shape: tuple[int, int], modes: tuple[str, str]) -> None:
        self.name, self.source_shape, self.field, self.encoded, self.binning = name, source_shape, None, None, 1
        self.white = self.viewport = None
        self._forget_answers()
        self.undo_stack.clear()
        self.mark_set.start(source_shape)
        self.set_hover(None)
        self.view_settings = replace(self.view_settings, modes=modes, active=0, levels={}, reference=None)
        self.announce(Change.IMAGE, Change.FIELD, Change.VIEW_SETTINGS)

    def start_from(self, source: DocumentSource) -> None:
        """The image that is shown was opened from there, and nothing made of it yet."""
        self.source, self.file = source, None
        self.saved_work = self.work
        self.announce(Change.DOCUMENTS)

    def adopt_settings(self, other: Document) -> None:
        """Look at what is opened next as at another document."""
        self.nm, self.viewing = other.nm, other.viewing
        self.view_settings, self.plot_settings = other.view_settings, other.plot_settings

    def show_measured(self) -> None:
        """Let the open cube answer for itself."""
        assert self.cube is not None
        self.set_field(self.cube.field, 1, self.cube.levels)

    def set_photograph(self, photograph: RGBImage, colours: UInt8Array) -> None:
        """Show the open photograph as it is developed now; its old field answers until the new one is there."""
        self.photograph, self.colours = photograph, colours
        self.announce(Change.PHOTOGRAPH)

    # What answers

    def set_field(
        self, field: SpectralField, binning: int, levels: tuple[float, float], encoded: ModelInput | None = None
    ) -> None:
        """A reconstruction is ready, or ready at another resolution; marks stay where they are."""
        self.field, self.encoded, self.binning, self.levels = field, encoded, binning, levels
        if self.cube is not None:
            self._set_measurement(self.cube.as_truth(self.name, encoded), self.cube.field.shape)
        self._forget_answers()
        self.announce(Change.FIELD)
        self.set_wavelength(self.nm)

    def set_truth(self, measurement: MeasuredCube | None) -> None:
        """Compare the photograph with a measured cube, or with the same one registered otherwise, or with none."""
        self._set_measurement(measurement, self.source_shape)
        self.curves, self.readouts = {}, {}
        self.announce(Change.FIELD)

    def _set_measurement(self, measurement: MeasuredCube | None, over: tuple[int, int] | None) -> None:
        self.measurement = measurement
        self.truth = measurement.over(over) if measurement is not None and over is not None else None

    def _forget_answers(self) -> None:
        """What another field answered is not this one's."""
        self.curves, self.readouts, self.colour_results = {}, {}, {}

    def set_curves(self, curves: Mapping[MarkGeometry, MarkSpectrum]) -> None:
        """Take curves of the present field; those of places without a mark are dropped.

        Values of a region are dropped too: its curve may be the mean of more pixels now.
        """
        present = {**self.curves, **curves}
        outdated = {place for place in curves if isinstance(place, Region)}
        self.readouts = {place: readout for place, readout in self.readouts.items() if place not in outdated}
        self.curves = {mark.place: present[mark.place] for mark in self.marks if mark.place in present}
        self.announce(Change.CURVES)

    def set_readouts(self, nm: float, readouts: Mapping[MarkGeometry, Readout]) -> None:
        """Take values at `nm`, if that still is the wavelength; those of places that nobody looks at are dropped."""
        if nm == self.nm:
            wanted = {self.hover, *(mark.place for mark in self.marks)}
            present = {**self.readouts, **readouts}
            self.readouts = {place: readout for place, readout in present.items() if place in wanted}
            self.announce(Change.READOUTS)

    def set_colour_results(self, results: Mapping[MarkGeometry, ColourResult]) -> None:
        self.colour_results = results
        self.announce(Change.COLOUR_RESULTS)

    def readout(self, mark: Mark) -> Readout | None:
        """The value of a mark at the wavelength, once it is known; of a region, the mean of its pixels' values."""
        return self.readouts.get(mark.place)

    # What is chosen

    def set_wavelength(self, nm: float) -> None:
        """Go to `nm`, to a tenth, within the range; the tenth is what slider, line and number agree on."""
        low, high = self.wavelength_range
        nm = min(max(round(nm, 1), low), high)
        if nm != self.nm:
            self.nm, self.readouts = nm, {}
            self.announce(Change.WAVELENGTH)

    def step_wavelength(self, by: float) -> None:
        self.set_wavelength(self.nm + by)

    def set_view_settings(self, settings: ViewSettings) -> None:
        """Show what is open in another way."""
        if settings != self.view_settings:
            self.view_settings = settings
            self.announce(Change.VIEW_SETTINGS)

    def set_plot_settings(self, settings: PlotSettings) -> None:
        """Compare curves in another way, or with other references."""
        if settings != self.plot_settings:
            self.plot_settings = settings
            self.announce(Change.PLOT_SETTINGS)

    def set_viewing(self, viewing: ViewingConditions) -> None:
        """See reflectances under another light, or by another observer."""
        if viewing != self.viewing:
            self.viewing = viewing
            self.announce(Change.VIEWING)

    def set_white(self, number: int | None) -> None:
        """Take the curve of a mark for that of a perfect white."""
        mark = self.mark_set.get(number)
        curve = self.curves.get(mark.place) if mark is not None else None
        self.white = replace(curve.spectrum, name=mark.title) if curve is not None and mark is not None else None
        self.announce(Change.WHITE)

    def set_hover(self, pixel: Pixel | None) -> None:
        if pixel != self.hover:
            self.hover = pixel
            self.announce(Change.HOVER)
            if pixel is None:
                self.set_hover_curve(None)

    def set_hover_curve(self, curve: Spectrum | None) -> None:
        """The spectrum under the mouse."""
        self.hover_curve = curve
        self.announce(Change.HOVER_CURVE)

    # Marks

    @property
    def marks(self) -> tuple[Mark, ...]:
        return self.mark_set.marks

    @property
    def pins(self) -> tuple[Mark, ...]:
        """The marks that are pixels."""
        return tuple(mark for mark in self.marks if mark.shape is Shape.POINT)

    def pick_pixel(self, row: int, col: int) -> None:
        """A click in the image: a pin, unless a grey point is being picked."""
        height, width = self.source_shape or (0, 0)
        if self.development.is_picking and 0 <= row < height and 0 <= col < width:
            self.development.pick_grey(row, col)
        else:
            self.add_pin(row, col)

    def add_pin(self, row: int, col: int) -> None:
        """Mark a pixel of the open image."""
        self.mark_set.add((row, col))

    def reference(self) -> tuple[Spectrum | None, str]:
        """What similarity is measured to, and its name: the spectrum chosen, or else the active mark's."""
        if self.view_settings.reference is not None:
            return self.view_settings.reference, self.view_settings.reference.name
        mark = self.mark_set.active_mark
        curve = self.curves.get(mark.place) if mark else None
        return (curve.spectrum, mark.title) if mark and curve else (None, "")

    def table_rows(self, numbers: Sequence[int]) -> list[dict[str, str]]:
        """Everything known of the marks with these numbers, as text."""
        return [
            row_of(
                mark, self.nm, self.readout(mark), self.curves.get(mark.place), self.colour_results.get(mark.place)
            )
            for mark in self.marks if mark.number in numbers
        ]  # fmt: skip

    def plot_content(self) -> PlotContent:
        """What the plot shows now."""
        settings = self.plot_settings
        return PlotContent(
            marks=self.mark_set.visible, curves=self.curves, colour_results=self.colour_results,
            library=settings.visible_library, truth=settings.truth, smooth=settings.smooth,
            transform=settings.transform, nm=self.nm, active=self.mark_set.active,
        )  # fmt: skip
