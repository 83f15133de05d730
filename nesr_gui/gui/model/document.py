"""Document: the observable model of one open image, shown in one tab."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from nesr_gui.colorimetry.viewing_conditions import KELVIN_RANGES, ViewingConditions
from nesr_gui.fields.protocol import SpectralField, reconstruction_model
from nesr_gui.gui.model.analyses import (
    AnalysisKind,
    AnalysisRequest,
    AnalysisSettings,
    AnalysisSpectrum,
    ClassCounts,
    FittedAnalysis,
)
from nesr_gui.gui.model.anchoring import Anchoring, refusal_of
from nesr_gui.gui.model.changes import Change
from nesr_gui.gui.model.development import Development
from nesr_gui.gui.model.library import MatchSettings
from nesr_gui.gui.model.marks import (
    Absorption,
    ColourResult,
    Mark,
    MarkGeometry,
    MarkSet,
    MarkSpectrum,
    Pixel,
    PlacedReading,
    Readout,
    absorption_cells,
    analysis_key,
    row_of,
)
from nesr_gui.gui.model.palette import cluster_colour
from nesr_gui.gui.model.plot_settings import (
    Kind,
    LibraryCurves,
    Line,
    PlotContent,
    PlotSettings,
    ReferenceSpectrum,
    Transform,
)
from nesr_gui.gui.model.scatter import ScatterModel
from nesr_gui.gui.model.statistics_settings import StatisticsSettings
from nesr_gui.gui.model.transect import TransectModel
from nesr_gui.gui.model.truth import MeasuredCube
from nesr_gui.gui.model.undo import ReplaceValue
from nesr_gui.gui.model.view_settings import ViewSettings
from nesr_gui.gui.model.viewport import Viewport
from nesr_gui.inference.model_input import BandInput, InputKind, ModelInput
from nesr_gui.io.georeference import KEY, Georeference
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.regions import Region
from nesr_gui.spectral import RGBImage, Spectrum

if TYPE_CHECKING:
    from nesr_gui.io.cubes import description
    from nesr_gui.io.photos.photo import DecodedPhoto

UInt8Array = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Simulation:
    """How a photograph was simulated: the light and the camera of `viewing`, and `white` as in `MeasuredCube`."""

    viewing: ViewingConditions
    white: Spectrum | None = None


@dataclass(frozen=True, eq=False)
class DocumentSource:
    """Files that a document was opened from.

    Attributes:
        image: the photograph or cube; for a pasted image, a temporary file that is copied next to the session on save.
        truth: the measured cube opened with the photograph, if any.
        reading: the hints the user gave for reading the cube; None for a photograph.
        is_pasted: whether the image came from the clipboard.
        simulation: how the photograph was simulated from `image`, which is a cube; None if the image itself is open.
    """

    image: Path
    truth: Path | None = None
    reading: description.CubeHints | None = None
    is_pasted: bool = False
    simulation: Simulation | None = None


@dataclass(frozen=True, eq=False)
class OpenedCube:
    """A measured cube as opened.

    Attributes:
        field: the cube.
        levels: its display range: the values shown as black and as white.
        georeference: map coordinates or size of its pixels, if the file states them.
    """

    field: SpectralField
    levels: tuple[float, float]
    georeference: Georeference | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user on how the file was read."""
        return getattr(self.field, "notes", ())

    def as_truth(self, name: str, seen: ModelInput | None) -> MeasuredCube | None:
        """Return this cube as ground truth for a reconstruction from some of its own bands.

        Args:
            name: the name of the cube.
            seen: the input the model was given.

        Returns:
            None if the input is not a set of bands, or if the cube has no bands besides these.
        """
        if not isinstance(seen, BandInput) or len(seen.wavelengths) >= len(self.field.bands):
            return None
        return MeasuredCube(self.field, name, is_chosen=True, shown=len(seen.wavelengths))


class PendingReconstruction(Protocol):
    """A reconstruction that was requested but has not finished."""

    @property
    def full(self) -> bool:
        """Whether it runs at full resolution."""


class Document(QObject):
    """The observable model of a tab: holds its state and emits `changed` for every fact that changes.

    Attributes:
        name: the display name of the image.
        source: its files; None while nothing is open.
        cube: the opened measured cube; the field may still be a model's reconstruction from it.
        photograph: the photograph as developed, and `colours` (H, W, 3) as displayed.
        source_shape: (H, W) of the image in its file, in pixels.
        georeference: map coordinates or size of these pixels, if the file states them.
        field: the spectral field being viewed; each of its pixels covers `binning` × `binning` source pixels, and
            `levels` are the band values shown as black and as white.
        beneath: the field without measured spectra, and `anchoring` what those of the marks make of it; None if no mark
            has one, or until it is computed.
        suggestions: pixels to measure next, the best first.
        encoded: the model input that the field was reconstructed from, pixel by pixel; None for an opened cube.
        is_estimated: whether the values were reconstructed by a model, now or before they were written to a file.
        measurement: the measured cube of the photograph, and `truth` the same resampled to the photograph's pixels.
        nm: the selected wavelength.
        statistics: what the Statistics panel is about.
        viewing: the light and the observer for colours.
        white: the spectrum of a perfect white, for fields whose quantity is not reflectance.
        viewport: the visible part of the image; None is the whole image.
        hover: the pixel under the mouse pointer, and `hover_curve` the spectrum of `hover_place`.
        analysis_settings: what the analyses compute, and `analyses` those that were learned from the image.
        class_counts: how many pixels have each class or cluster; they may be those of an earlier threshold.
        match_settings: how the active mark is compared with spectral libraries, and `library_curves` those of their
            spectra that are drawn beside it.
        curves: spectra of the marks by their geometry; likewise `readouts` at `nm`, `colour_results`, and
            `absorptions` while spectra are shown without their continuum.
        developed: the settings the displayed photograph was developed with, except the working resolution; None for a
            preview.
        pending: the reconstruction that is requested and not yet finished.
        is_outdated: whether a reconstruction was cancelled or failed, so that `field` is from an earlier one.
        is_full: whether the latest reconstruction was requested at full resolution.
        awaits_model: whether to reconstruct the cube once the document is current and a model for cubes is loaded.
        model_file: the file of the model that a cube was reconstructed with.
        wants_full: whether to reconstruct at full resolution once the photograph is available.
        saved_model: name and SHA-256 of the model recorded in the session file, until the next reconstruction.
        file: the session file it was saved to or opened from.
        saved_work: the value of `work` when the document was last opened or saved.
        backup: its autosave copy, if any, and `backup_work` the value of `work` stored in it.
        revision: incremented with every change, for caches.
    """

    changed = Signal(object)  # Change

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo_stack = QUndoStack(self)
        self.revision = 0
        self.name = ""
        self.source: DocumentSource | None = None
        self.cube: OpenedCube | None = None
        self.photograph: RGBImage | None = None
        self.colours: UInt8Array | None = None
        self.source_shape: tuple[int, int] | None = None
        self.georeference: Georeference | None = None
        self.field: SpectralField | None = None
        self.beneath: SpectralField | None = None
        self.anchoring: Anchoring | None = None
        self.suggestions: tuple[Pixel, ...] = ()
        self.binning = 1
        self.levels = (0.0, 1.0)
        self.encoded: ModelInput | None = None
        self.is_estimated = False
        self.measurement: MeasuredCube | None = None
        self.truth: SpectralField | None = None
        self.nm = 550.0
        self.view_settings = ViewSettings()
        self.plot_settings = PlotSettings()
        self.statistics = StatisticsSettings()
        self.viewing = ViewingConditions.default()
        self.white: Spectrum | None = None
        self.viewport: Viewport | None = None
        self.hover: Pixel | None = None
        self.hover_curve: Spectrum | None = None
        self.curves: Mapping[MarkGeometry, MarkSpectrum] = {}
        self.readouts: Mapping[MarkGeometry, Readout] = {}
        self.colour_results: Mapping[MarkGeometry, ColourResult] = {}
        self.analysis_settings = AnalysisSettings()
        self.analyses: Mapping[AnalysisKind, FittedAnalysis] = {}
        self.class_counts: Mapping[AnalysisKind, ClassCounts] = {}
        self.match_settings = MatchSettings()
        self.library_curves: LibraryCurves | None = None
        self.absorptions: Mapping[MarkGeometry, Absorption] = {}
        announce = _weakly(self.announce)
        self.mark_set = MarkSet(self.undo_stack, announce)
        self.development = Development(self.undo_stack, announce)
        self.scatter = ScatterModel(self.undo_stack, announce)
        self.transect = TransectModel(self.undo_stack, announce)
        self.developed: DevelopSettings | None = None
        self.pending: PendingReconstruction | None = None
        self.is_outdated = False
        self.is_full = False
        self.awaits_model = False
        self.model_file: Path | None = None
        self.wants_full = False
        self.saved_model = ("", "")
        self.file: Path | None = None
        self.saved_work: tuple[object, ...] = ()
        self.backup: Path | None = None
        self.backup_work: tuple[object, ...] = ()

    def announce(self, *changes: Change) -> None:
        """Increment the revision and emit `changed` for each change."""
        self.revision += 1
        for change in changes:
            self.changed.emit(change)

    # The image

    @property
    def wavelength_range(self) -> tuple[float, float]:
        """Wavelengths (nm) that can be selected; 400-700 nm while there is no field."""
        return self.field.wavelength_range if self.field else (400.0, 700.0)

    @property
    def bands(self) -> list[float]:
        """Wavelengths (nm) at which the field was measured or its model was trained; empty without a field."""
        return self.field.bands.nm.tolist() if self.field else []

    @property
    def has_colours(self) -> bool:
        """Whether spectra have colours under the viewing conditions: by their quantity, or relative to a white."""
        return self.field is not None and (self.field.quantity.is_relative or self.white is not None)

    @property
    def input(self) -> InputKind:
        """The kind of model input that is open: a photograph or a cube."""
        return InputKind.PHOTOGRAPH if self.cube is None else InputKind.CUBE

    @property
    def title(self) -> str:
        """The title of its tab."""
        return self.file.name if self.file is not None else self.name or "Untitled"

    @property
    def work(self) -> tuple[object, ...]:
        """The state that counts as unsaved work when it differs; display settings are not part of it."""
        library = tuple(reference.spectrum for reference in self.plot_settings.library)
        return (
            self.marks, self.development.interpretation, library, self.white, self.view_settings.reference,
            self.scatter.plot if self.scatter.plot.selection else None, self.transect.line, self.analysis_settings,
        )  # fmt: skip

    @property
    def is_modified(self) -> bool:
        """Whether there is unsaved work."""
        return self.source is not None and self.work != self.saved_work

    def resolution(self) -> str:
        """Return the working resolution as text, such as "2048×1365 of 6000×4000, 1:3"; empty without a field."""
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
        """Open a photograph; its field is set later with `set_field`.

        Args:
            photograph: the developed photograph.
            colours: the same as displayed, (H, W, 3) uint8.
            truth: its measured cube, if known.
            decoded: the decoded file, if the photograph came from one.
            interpretation: the settings it was developed with.
        """
        self.photograph, self.colours, self.cube, self.georeference = photograph, colours, None, None
        self._set_measurement(truth, photograph.source_shape)
        self.development.start(decoded, interpretation or DevelopSettings())
        self._start(photograph.source.name, photograph.source_shape, ("photograph", "band"))

    def open_cube(self, name: str, cube: SpectralField, levels: tuple[float, float]) -> None:
        """Open a measured cube as the field; a reconstruction may replace it later.

        Args:
            name: the display name.
            cube: the measured cube.
            levels: the values shown as black and as white.
        """
        self.photograph, self.colours, self.cube = None, None, OpenedCube(cube, levels)
        self._set_measurement(None, cube.shape)
        self.development.start(None, DevelopSettings())
        self.georeference = Georeference.parse(cube.provenance.get(KEY, ""))
        self._start(name, cube.shape, ("band", "false_colour"))
        self.show_measured()

    def _start(self, name: str, source_shape: tuple[int, int], modes: tuple[str, str]) -> None:
        self.name, self.source_shape, self.field, self.encoded, self.binning = name, source_shape, None, None, 1
        self.is_estimated = self.is_full = False
        self.white = self.viewport = self.beneath = None
        self._forget_answers()
        self._forget_anchoring()
        self.undo_stack.clear()
        self.analysis_settings = self.analysis_settings.for_new_image()
        self.mark_set.start(source_shape)
        self.scatter.start()
        self.transect.start(source_shape)
        self.set_hover(None)
        self.view_settings = replace(self.view_settings, modes=modes, active=0, levels={}, reference=None)
        self.announce(
            Change.IMAGE, Change.FIELD, Change.ANCHORS, Change.ANALYSIS_SETTINGS, Change.VIEW_SETTINGS
        )  # fmt: skip

    def start_from(self, source: DocumentSource, georeference: Georeference | None = None) -> None:
        """Record the files of a newly opened image, and what they state of its place, without unsaved work."""
        self.source, self.file, self.georeference = source, None, georeference or self.georeference
        self.saved_work = self.work
        self.announce(Change.DOCUMENTS)

    def adopt_settings(self, other: Document) -> None:
        """Copy wavelength, viewing conditions and all settings from another document."""
        self.nm, self.viewing, self.analysis_settings = other.nm, other.viewing, other.analysis_settings
        self.statistics = other.statistics
        self.view_settings, self.plot_settings = other.view_settings, other.plot_settings
        self.match_settings = other.match_settings

    def show_measured(self) -> None:
        """Use the opened cube itself as the field."""
        assert self.cube is not None
        self.set_field(self.cube.field, 1, self.cube.levels)

    def set_photograph(self, photograph: RGBImage, colours: UInt8Array) -> None:
        """Replace the photograph after developing it anew; the old field stays until the new one is ready."""
        self.photograph, self.colours = photograph, colours
        self.announce(Change.PHOTOGRAPH)

    # The field and its results

    def set_field(
        self, field: SpectralField, binning: int, levels: tuple[float, float], encoded: ModelInput | None = None
    ) -> None:
        """Set a reconstructed or measured field; marks are unchanged, cached spectra are dropped.

        The measured spectra of the marks are applied to it later with `set_anchoring`.

        Args:
            field: the new field.
            binning: source pixels along one side of a pixel of the field.
            levels: the values shown as black and as white.
            encoded: the model input it was reconstructed from; None for an opened cube.
        """
        self.field = self.beneath = field
        self.encoded, self.binning, self.levels = encoded, binning, levels
        self.is_estimated = encoded is not None or reconstruction_model(field) != ""
        if self.cube is not None:
            self._set_measurement(self.cube.as_truth(self.name, encoded), self.cube.field.shape)
        self._forget_answers()
        self._forget_anchoring()
        self.announce(Change.FIELD)
        self.set_wavelength(self.nm)

    @property
    def anchor_refusal(self) -> str:
        """Why measured spectra cannot correct the field, in one sentence; empty if they can."""
        return refusal_of(self.beneath, self.encoded is not None)

    @property
    def awaits_anchoring(self) -> bool:
        """Whether the field does not yet reflect the measured spectra of the marks."""
        applied = self.anchoring.readings if self.anchoring is not None else ()
        return self.beneath is not None and self.mark_set.readings != applied

    def set_anchoring(self, anchoring: Anchoring | None) -> None:
        """Correct the field by measured spectra, or not; cached spectra are dropped if the field becomes another.

        Args:
            anchoring: what the measured spectra make of `beneath`; None if there are none.
        """
        self.anchoring = anchoring
        self._show_field(self.beneath if anchoring is None else anchoring.corrected)
        self.announce(Change.ANCHORS)

    def show_beneath(self) -> None:
        """Show the field without measured spectra at once, while their agreement with it is still computed."""
        self._show_field(self.beneath)

    def _show_field(self, field: SpectralField | None) -> None:
        if field is not self.field:
            self.field = field
            self._forget_answers()
            self.announce(Change.FIELD)

    @property
    def anchor_remarks(self) -> dict[PlacedReading, str]:
        """Why measured spectra of marks cannot be used or may not belong to their spots; without those that do."""
        if self.anchoring is None:
            return {}
        remarks = {placed: self.anchoring.remark(placed) for placed in self.anchoring.readings}
        return {placed: remark for placed, remark in remarks.items() if remark}

    def set_suggestions(self, pixels: Sequence[Pixel]) -> None:
        """Suggest pixels to measure next, the best first; none dismisses the suggestions."""
        if (suggestions := tuple(pixels)) != self.suggestions:
            self.suggestions = suggestions
            self.announce(Change.SUGGESTIONS)

    @property
    def open_suggestions(self) -> dict[int, Pixel]:
        """The suggested pixels that have no mark yet, by their rank from 1."""
        places = {mark.place for mark in self.marks}
        return {rank: pixel for rank, pixel in enumerate(self.suggestions, 1) if pixel not in places}

    def set_truth(self, measurement: MeasuredCube | None) -> None:
        """Set the measured cube to compare with, in a new registration, or remove it with None."""
        self._set_measurement(measurement, self.source_shape)
        self.curves, self.readouts = {}, {}
        self.announce(Change.FIELD)

    def _set_measurement(self, measurement: MeasuredCube | None, over: tuple[int, int] | None) -> None:
        self.measurement = measurement
        self.truth = measurement.over(over) if measurement is not None and over is not None else None

    def _forget_answers(self) -> None:
        """Drop the spectra, readouts, colours, absorption bands and analyses of the previous field."""
        self.curves, self.readouts, self.colour_results, self.absorptions, self.analyses = {}, {}, {}, {}, {}
        self.class_counts = {}
        self.scatter.forget_answers()
        self.transect.forget_answers()
        self.library_curves = None

    def _forget_anchoring(self) -> None:
        """Drop what depends on the previous field without measured spectra."""
        self.anchoring = None
        self.set_suggestions(())

    def set_curves(self, curves: Mapping[MarkGeometry, MarkSpectrum]) -> None:
        """Add spectra of the current field; those without a mark are dropped.

        Readouts of the given regions are dropped as well: their mean may now include more pixels.
        """
        present = {**self.curves, **curves}
        outdated = {place for place in curves if isinstance(place, Region)}
        self.readouts = {place: readout for place, readout in self.readouts.items() if place not in outdated}
        self.curves = {mark.place: present[mark.place] for mark in self.marks if mark.place in present}
        self.announce(Change.CURVES)

    def set_readouts(self, nm: float, readouts: Mapping[MarkGeometry, Readout]) -> None:
        """Add values at `nm`, unless the wavelength has changed since; those without a mark or hover are dropped."""
        if nm == self.nm:
            wanted = {self.hover_place, *(mark.place for mark in self.marks)}
            present = {**self.readouts, **readouts}
            self.readouts = {place: readout for place, readout in present.items() if place in wanted}
            self.announce(Change.READOUTS)

    def set_colour_results(self, results: Mapping[MarkGeometry, ColourResult]) -> None:
        """Replace the colours of all marks."""
        self.colour_results = results
        self.announce(Change.COLOUR_RESULTS)

    def set_absorptions(self, absorptions: Mapping[MarkGeometry, Absorption]) -> None:
        """Replace the absorption bands of all marks."""
        self.absorptions = absorptions
        self.announce(Change.ABSORPTIONS)

    def readout(self, mark: Mark) -> Readout | None:
        """Return the value of a mark (the mean of a region) at the selected wavelength; None if not computed yet."""
        return self.readouts.get(mark.place)

    # Settings

    def set_wavelength(self, nm: float) -> None:
        """Select a wavelength, rounded to the 0.1 nm of slider, line and number field and clamped to the range."""
        low, high = self.wavelength_range
        nm = min(max(round(nm, 1), low), high)
        if nm != self.nm:
            self.nm, self.readouts = nm, {}
            self.transect.values = None
            self.announce(Change.WAVELENGTH)

    def step_wavelength(self, by: float) -> None:
        """Change the wavelength by `by` nm."""
        self.set_wavelength(self.nm + by)

    def set_view_settings(self, settings: ViewSettings) -> None:
        """Change how the image is displayed."""
        if settings != self.view_settings:
            self.view_settings = settings
            self.announce(Change.VIEW_SETTINGS)

    def set_plot_settings(self, settings: PlotSettings) -> None:
        """Change how spectra are plotted, or which references are shown."""
        if settings != self.plot_settings:
            self.plot_settings = settings
            self.announce(Change.PLOT_SETTINGS)

    def set_box(self, side: int) -> None:
        """Change the side of the averaging box in source pixels, as an undoable command."""
        self._do("change of averaging box", self._put_box, self.view_settings.box, side)

    def _put_box(self, side: int) -> None:
        self.set_view_settings(replace(self.view_settings, box=side))

    def set_transform(self, transform: Transform) -> None:
        """Change how spectra are processed for the plot, as an undoable command."""
        self._do("change of processing", self._put_transform, self.plot_settings.transform, transform)

    def _put_transform(self, transform: Transform) -> None:
        self.set_plot_settings(replace(self.plot_settings, transform=transform))

    def set_statistics(self, settings: StatisticsSettings) -> None:
        """Change what the Statistics panel is about, as an undoable command; a drag of the interval is one."""
        series = "statistics interval" if settings.scope is self.statistics.scope else None
        self._do("change of statistics", self._put_statistics, self.statistics, settings, series)

    def _put_statistics(self, settings: StatisticsSettings) -> None:
        self.statistics = settings
        self.announce(Change.STATISTICS)

    def add_references(self, spectra: Sequence[Spectrum], source: str) -> None:
        """Add reference spectra to the plot, as an undoable command.

        Raises:
            ValueError: there would be too many.
        """
        self.set_references(self.plot_settings.with_spectra(spectra, source).library)

    def set_references(self, references: tuple[ReferenceSpectrum, ...]) -> None:
        """Change the reference spectra of the plot, as an undoable command."""
        before = self.plot_settings.library
        name = "removal" if len(references) < len(before) else "add"
        self._do(f"{name} of reference spectra", self._put_references, before, references)

    def _put_references(self, references: tuple[ReferenceSpectrum, ...]) -> None:
        self.set_plot_settings(replace(self.plot_settings, library=references))

    def _do(
        self, text: str, put: Callable[[Any], None], before: object, after: object, series: Hashable = None
    ) -> None:
        """Replace a value by an undoable command, unless it is the same."""
        if after != before:
            self.undo_stack.push(ReplaceValue(text, put, before, after, series))

    def add_found(self, marks: Sequence[Mark]) -> int:
        """Add marks of what an analysis found, which are not its classes or endmembers, as one command.

        Returns:
            The number of marks added; those outside the image are left out.
        """
        if not marks:
            return 0
        before = {mark.number for mark in self.marks}
        self.undo_stack.beginMacro(f"add {len(marks)} marks")
        added = self.mark_set.take_all(marks)
        settings = self.analysis_settings
        for mark in self.marks:
            if mark.number not in before:
                settings = settings.using(analysis_key(mark), is_used=False)
        self.set_analysis_settings(settings, "analysed spectra")
        self.undo_stack.endMacro()
        return added

    def remove_marks(self, *numbers: int | None) -> None:
        """Remove marks with what the analyses know of them, as one command: a later mark of a number starts anew."""
        settings = self.analysis_settings.without(
            [analysis_key(mark) for mark in self.marks if mark.number in numbers]
        )  # fmt: skip
        if settings == self.analysis_settings:
            self.mark_set.remove(*numbers)
            return
        self.undo_stack.beginMacro("removal of marks")
        self.set_analysis_settings(settings, "analysed spectra")
        self.mark_set.remove(*numbers)
        self.undo_stack.endMacro()

    def set_analysis_settings(self, settings: AnalysisSettings, item: str, series: Hashable = None) -> None:
        """Change what the analyses compute, as an undoable command.

        Args:
            settings: the new settings.
            item: what changes, after the words "change of".
            series: identifies consecutive changes that are one command; None for a change of its own.
        """
        self._do(f"change of {item}", self._put_analysis_settings, self.analysis_settings, settings, series)

    def _put_analysis_settings(self, settings: AnalysisSettings) -> None:
        self.analysis_settings = settings
        self.announce(Change.ANALYSIS_SETTINGS)

    def set_analyses(self, analyses: Mapping[AnalysisKind, FittedAnalysis]) -> None:
        """Set the analyses that were learned from the image."""
        self.analyses = analyses
        self.announce(Change.ANALYSES)

    def set_class_counts(self, kind: AnalysisKind, counts: ClassCounts) -> None:
        """Set the numbers of pixels of classes or clusters, unless these have changed meanwhile."""
        if counts.are_of(self.analyses.get(kind), self.analysis_settings.abstains):
            self.class_counts = {**self.class_counts, kind: counts}
            self.announce(Change.CLASS_COUNTS)

    def counts_of(self, kind: AnalysisKind) -> ClassCounts | None:
        """The numbers of pixels of the present classes or clusters; None until they are counted."""
        counts, fitted = self.class_counts.get(kind), self.fitted(kind)
        is_present = counts is not None and counts.are_of(fitted, self.analysis_settings.abstains)
        return counts if is_present else None

    def analysis_request(self, kind: AnalysisKind) -> AnalysisRequest | None:
        """What the analysis that is defined at present is to be learned from; None without a field."""
        if self.field is None:
            return None
        settings = self.analysis_settings
        definition, spectra = settings.definition(kind), tuple[AnalysisSpectrum, ...]()
        if definition.least_spectra:
            spectra = tuple(each for each in self.analysis_spectra if each.key not in settings.left_out)
        return AnalysisRequest(kind, definition, self.field, spectra, settings.within)

    def fitted(self, kind: AnalysisKind) -> FittedAnalysis | None:
        """The analysis that is defined at present, as learned from the image; None until it is, or if it is another."""
        fitted = self.analyses.get(kind)
        return fitted if fitted is not None and fitted.request == self.analysis_request(kind) else None

    @property
    def class_kind(self) -> AnalysisKind | None:
        """The classes or clusters that a visible picture shows, first that of the active pane."""
        settings = self.view_settings
        sides = sorted(settings.sides, key=lambda side: side != settings.active)
        kinds = {kind.value: kind for kind in AnalysisKind if kind.is_of_classes}
        return next((kinds[mode] for side in sides if (mode := settings.modes[side]) in kinds), None)

    @property
    def analysis_spectra(self) -> tuple[AnalysisSpectrum, ...]:
        """The spectra that can be classes and endmembers: of the visible marks, then the visible reference spectra."""
        spectra = [
            AnalysisSpectrum(analysis_key(mark), mark.title, mark.colour, self.curves[mark.place].spectrum)
            for mark in self.mark_set.visible
            if mark.place in self.curves
        ]
        first = 1 + max((mark.number for mark in self.marks), default=0)
        for number, reference in enumerate(self.plot_settings.library, first):
            if reference.visible:
                name, colour = reference.spectrum.name, self.mark_set.palette[number]
                spectra.append(AnalysisSpectrum(f"{name} of {reference.source}", name, colour, reference.spectrum))
        return tuple(spectra)

    def set_match_settings(self, settings: MatchSettings) -> None:
        """Change how the active mark is compared with spectral libraries, as an undoable command.

        Consecutive changes of numbers are one command.
        """
        before = self.match_settings
        is_number = settings == replace(before, within=settings.within, most=settings.most)
        series = "comparison with libraries" if is_number else None
        self._do("change of comparison", self._put_match_settings, before, settings, series)

    def _put_match_settings(self, settings: MatchSettings) -> None:
        self.match_settings = settings
        self.announce(Change.MATCH_SETTINGS)

    def set_library_curves(self, curves: LibraryCurves | None) -> None:
        """Draw library spectra beside the active mark, or none."""
        if curves is not self.library_curves:
            self.library_curves = curves
            self.announce(Change.LIBRARY_CURVES)

    def set_viewing(self, viewing: ViewingConditions) -> None:
        """Change the light or the observer that colours are computed for, as an undoable command.

        Consecutive changes of the temperature of a light are one command.
        """
        before = self.viewing
        if viewing != before:
            item = "light" if viewing.light != before.light else "observer"
            is_temperature = item == "light" and viewing.light.kind is before.light.kind in KELVIN_RANGES
            series = ("viewing", viewing.light.kind) if is_temperature else None
            self._do(f"change of {item}", self._put_viewing, before, viewing, series)

    def _put_viewing(self, viewing: ViewingConditions) -> None:
        self.viewing = viewing
        self.announce(Change.VIEWING)

    def set_white(self, number: int | None) -> None:
        """Use the spectrum of the mark with this number as a perfect white.

        None, or a mark without a spectrum, resets it. This is an undoable command.
        """
        mark = self.mark_set.get(number)
        curve = self.curves.get(mark.place) if mark is not None else None
        white = replace(curve.spectrum, name=mark.title) if curve is not None and mark is not None else None
        if white is not self.white:
            self.undo_stack.push(ReplaceValue("change of white reference", self._put_white, self.white, white))

    def _put_white(self, white: Spectrum | None) -> None:
        self.white = white
        self.announce(Change.WHITE)

    def set_hover(self, pixel: Pixel | None) -> None:
        """Set the source pixel under the mouse pointer; None outside the image.

        A view may still show the image of the previous tab, which may be larger.
        """
        if pixel is not None and not self.mark_set.holds(pixel):
            pixel = None
        if pixel != self.hover:
            self.hover = pixel
            self.announce(Change.HOVER)
            if pixel is None:
                self.set_hover_curve(None)

    @property
    def hover_place(self) -> MarkGeometry | None:
        """The pixel under the mouse pointer, or the averaging box around it."""
        return self.place_at(*self.hover) if self.hover is not None else None

    def place_at(self, row: int, col: int) -> MarkGeometry:
        """Return what a click on a source pixel marks: the pixel, or the averaging box around it."""
        side = self.view_settings.box
        if side == 1 or self.source_shape is None:
            return row, col
        return Region.square(row, col, side, self.source_shape)

    def set_hover_curve(self, curve: Spectrum | None) -> None:
        """Set the spectrum of `hover_place`."""
        self.hover_curve = curve
        self.announce(Change.HOVER_CURVE)

    # Marks

    @property
    def marks(self) -> tuple[Mark, ...]:
        """All marks, in the order of the table."""
        return self.mark_set.marks

    def pick_pixel(self, row: int, col: int) -> None:
        """Handle a click on a source pixel: pick the grey point if that is active, else mark the pixel or its box."""
        if self.mark_set.holds((row, col)):
            if self.development.is_picking:
                self.development.pick_grey(row, col)
            else:
                self.mark_set.add(self.place_at(row, col))

    def add_pin(self, row: int, col: int) -> None:
        """Add a pin at a source pixel."""
        self.mark_set.add((row, col))

    def reference(self) -> tuple[Spectrum | None, str]:
        """Return the reference of the similarity mode and its name: the chosen spectrum, or the active mark's."""
        if self.view_settings.reference is not None:
            return self.view_settings.reference, self.view_settings.reference.name
        mark = self.mark_set.active_mark
        curve = self.curves.get(mark.place) if mark else None
        return (curve.spectrum, mark.title) if mark and curve else (None, "")

    def table_rows(self, numbers: Sequence[int]) -> list[dict[str, str]]:
        """Return the table rows of the marks with these numbers, as text by column."""
        rows = []
        for mark in [mark for mark in self.marks if mark.number in numbers]:
            curve, colour_result = self.curves.get(mark.place), self.colour_results.get(mark.place)
            row = row_of(mark, self.nm, self.readout(mark), curve, colour_result)
            if self.plot_settings.transform.continuum:
                row |= absorption_cells(self.absorptions.get(mark.place))
            rows.append(row)
        return rows

    def plot_content(self) -> PlotContent:
        """Return what the spectra plot shows at present."""
        settings = self.plot_settings
        return PlotContent(
            marks=self.mark_set.visible, curves=self.curves, colour_results=self.colour_results,
            library=settings.visible_library, truth=settings.truth, smooth=settings.smooth,
            transform=settings.transform, nm=self.nm, active=self.mark_set.active, spreads=settings.spreads,
            axes=settings.axes, is_estimated=self.is_estimated,
            readings=self.anchoring.scaled if self.anchoring is not None else {}, matches=self.library_curves,
            centres=self._centre_lines() if self.analyses else (),
            hull=settings.hull, absorptions=self.absorptions,
        )  # fmt: skip

    @property
    def cluster_centres(self) -> tuple[Spectrum, ...]:
        """The centres of the clusters in a visible pane."""
        settings, fitted = self.view_settings, self.analyses.get(AnalysisKind.CLUSTERS)
        is_shown = AnalysisKind.CLUSTERS.value in [settings.modes[side] for side in settings.sides]
        return fitted.centres if fitted is not None and is_shown else ()

    def _centre_lines(self) -> list[Line]:
        return [
            Line(Kind.CENTRE, None, spectrum.name, spectrum, cluster_colour(number))
            for number, spectrum in enumerate(self.cluster_centres, 1)
        ]


def _weakly(method: Callable[..., None]) -> Callable[..., None]:
    """The method for the parts of its object, which do not keep that alive.

    A document goes with the last reference to it, and with it the memory of its image and the file that this reads:
    garbage collection is rare in an idle program, and never finds what is there when the start ends (`gui.main`).
    """
    reference = weakref.WeakMethod(method)

    def call(*args: object) -> None:
        if (alive := reference()) is not None:
            alive(*args)

    return call
