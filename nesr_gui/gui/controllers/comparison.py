"""Measured cubes: opening, registration, simulated photographs, and accuracy of the reconstruction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMessageBox

from nesr_gui.fields.accuracy import AccuracyMetrics
from nesr_gui.fields.protocol import SpectralField, reconstruction_model
from nesr_gui.fields.registration import possible_orientations
from nesr_gui.fields.resampled import Orientation
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.marks import MarkGeometry, as_text
from nesr_gui.gui.model.truth import MeasuredCube
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks.comparison import (
    AccuracyRequest,
    ExposureRequest,
    MatchRequest,
    SimulatedPhotograph,
    TruthRequest,
    expose,
    match_again,
    measure,
    open_truth,
    rows_of,
)
from nesr_gui.gui.tasks.loading import KindRequest, is_cube
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.panels.accuracy import AccuracyPanel

if TYPE_CHECKING:
    from nesr_gui.io.cubes.description import CubeHints


class AccuracyController(QObject):
    """Computes missing accuracy metrics while the panel is visible, and shows them.

    The whole image is evaluated once for each field and truth; if cancelled, the Compute button restarts it.
    """

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker, panel: AccuracyPanel) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker, self._panel = window, workspace, worker, panel
        self.figures: dict[MarkGeometry | None, AccuracyMetrics] = {}
        self._basis: tuple[SpectralField | None, SpectralField | None] = (None, None)  # field and truth of the metrics
        self._cached: WeakKeyDictionary[SpectralField, tuple[SpectralField, dict[MarkGeometry | None, AccuracyMetrics]]]
        self._cached = WeakKeyDictionary()  # by truth, for all documents
        self._is_wanted = self._is_declined = False
        self.show_figures()

    def set_wanted(self, is_wanted: bool) -> None:
        """Set whether the panel is visible."""
        self._is_wanted = is_wanted
        self.query()

    def take_field(self) -> None:
        """Switch to the metrics of the current field and truth."""
        basis = self._workspace.current.field, self._workspace.current.truth
        if basis != self._basis:
            self._basis = basis
            self.figures = self._cached_of(*basis)
            for task in (Task.ACCURACY_MARKS, Task.ACCURACY_IMAGE):
                self._worker.cancel(task)
        self._is_declined = False
        self.query()

    def _cached_of(
        self, field: SpectralField | None, truth: SpectralField | None
    ) -> dict[MarkGeometry | None, AccuracyMetrics]:
        """Cached metrics of a field and truth, or a new dictionary for them."""
        if field is None or truth is None:
            return {}
        of, figures = self._cached.get(truth, (None, {}))
        self._cached[truth] = field, figures if of is field else {}
        return self._cached[truth][1]

    def query(self) -> None:
        """Request missing metrics of marks, and of the image unless cancelled before."""
        is_current = (
            self._workspace.current.field,
            self._workspace.current.truth,
        ) == self._basis  # otherwise `take_field` is about to be called
        if self._is_wanted and is_current and None not in self._basis:
            places = dict.fromkeys(mark.place for mark in self._workspace.current.marks)
            if missing := tuple(place for place in places if place not in self.figures):
                self._worker.submit(Task.ACCURACY_MARKS, self._request(missing), measure, self._take)
            if None not in self.figures and not self._is_declined and not self._worker.is_busy(Task.ACCURACY_IMAGE):
                self.query_image()
        self.show_figures()

    def query_image(self) -> None:
        """Request the metrics of the whole image."""
        if None not in self._basis:
            self._is_declined = False
            self._worker.submit(Task.ACCURACY_IMAGE, self._request((None,)), measure, self._take)
            self.show_figures()

    def _request(self, places: tuple[MarkGeometry | None, ...]) -> AccuracyRequest:
        document = self._workspace.current
        assert document.field is not None and document.truth is not None
        return AccuracyRequest(document.field, document.truth, document.binning, places)

    def _take(self, request: AccuracyRequest, figures: dict[MarkGeometry | None, AccuracyMetrics]) -> None:
        if (request.field, request.truth) == self._basis:
            self.figures |= figures
            self.show_figures()

    def take_end(self) -> None:
        """Remember a cancelled evaluation of the image."""
        self._is_declined = None not in self.figures
        self.show_figures()

    def copy(self) -> None:
        """Copy the metrics to the clipboard as a table."""
        QGuiApplication.clipboard().setText(as_text(rows_of(self._workspace.current.marks, self.figures)))

    def show_figures(self) -> None:
        """Show the metrics in the panel and update its actions."""
        is_measuring = self._worker.is_busy(Task.ACCURACY_IMAGE)
        self._panel.show_figures(self._workspace.current.marks, self.figures, is_measuring)
        self._panel.show_can_measure(None not in self._basis and None not in self.figures and not is_measuring)
        enable(self._window.actions_by_name, ["export_accuracy"], bool(self.figures))


class ComparisonController(QObject):
    """Opens, registers and removes the measured cube of a photograph, and shows it in the panel."""

    open_requested = Signal(object)  # Path to open as a document
    simulated = Signal(object, object)  # ExposureRequest, SimulatedPhotograph

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        self.panel = AccuracyPanel()
        area = Qt.DockWidgetArea.RightDockWidgetArea
        self.dock = window.add_panel("accuracy", "Accuracy", self.panel, area, shown=False)
        self._shown: MeasuredCube | None = None
        self._repeat: Callable[[], None] = self.register  # what was requested last

    @property
    def _document(self) -> Document:
        return self._workspace.current

    def compare_cube(self) -> None:
        """Ask for the measured cube of the open photograph."""
        from nesr_gui import io

        path, _ = QFileDialog.getOpenFileName(
            self._window, "Compare with measured cube", "", f"{io.dialog_filter(io.FileKind.CUBE)};;All files (*)"
        )
        if path:
            self.open(Path(path))

    def compare_folder(self) -> None:
        """Ask for a measured cube that is stored as a folder."""
        path = QFileDialog.getExistingDirectory(self._window, "Compare with measured cube folder")
        if path:
            self.open(Path(path))

    def simulate_photograph(self) -> None:
        """Simulate a photograph of the open cube under the current viewing conditions; the cube is its truth."""
        document = self._workspace.current
        if document.cube is not None:
            cube = document.cube.field
            white = None if cube.quantity.is_relative else document.white
            request = ExposureRequest(cube, document.name, document.viewing, white)
            self._worker.submit(Task.SIMULATE, request, expose, self._take_exposed)

    def open(self, path: Path, reading: CubeHints | None = None) -> None:
        """Open a cube and register it with the photograph."""
        if self._document.photograph is not None:
            self._repeat = partial(self.open, path, reading)
            request = TruthRequest(path, reading, self._document.photograph)
            self._worker.submit(Task.REGISTER, request, open_truth, self._take_opened)

    def drop(self, path: Path) -> None:
        """Open a dropped file; with a photograph open, ask what to do with a cube."""
        if self._document.photograph is None:
            self.open_requested.emit(path)
        else:
            self._worker.submit(Task.DETECT_KIND, KindRequest(path), is_cube, self._take_kind)

    def ask(self, path: Path) -> None:
        """Ask whether to compare a cube with the photograph, or open it instead."""
        box = QMessageBox(self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("Open spectral cube")
        box.setText(f"How should {path.name} be opened?")
        box.setInformativeText(f"Compare the cube with {self._document.name}, or open it instead.")
        compare = box.addButton("Compare with photograph", QMessageBox.ButtonRole.AcceptRole)
        alone = box.addButton("Open instead", QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(compare)
        compare.clicked.connect(lambda: self.open(path))
        alone.clicked.connect(lambda: self.open_requested.emit(path))
        box.open()

    def _take_kind(self, request: KindRequest, may_be_truth: bool) -> None:
        if may_be_truth and self._document.photograph is not None:
            self.ask(request.path)
        else:
            self.open_requested.emit(request.path)

    def _take_opened(self, request: TruthRequest, measured: MeasuredCube) -> None:
        self._document.set_truth(measured)
        self._set_truth_file(request.path)
        match = measured.match
        self._window.messages.show_success(
            f"Registered {measured.name}: {match.orientation.label}, gain {match.gain:.4g}. {measured.remark}".strip()
        )
        self._reveal()

    def _take_exposed(self, request: ExposureRequest, photograph: SimulatedPhotograph) -> None:
        self.simulated.emit(request, photograph)
        self._reveal()

    def register(self, orientation: Orientation | None = None) -> None:
        """Register the cube again, in a given orientation or in any."""
        document = self._workspace.current
        if document.measurement is not None and document.photograph is not None:
            self._repeat = partial(self.register, orientation)
            request = MatchRequest(document.measurement, document.photograph, orientation)
            self._worker.submit(Task.REGISTER, request, match_again, lambda request, result: document.set_truth(result))

    def remove(self) -> None:
        """Remove the measured cube."""
        self._worker.cancel(Task.REGISTER)
        self._document.set_truth(None)
        self._set_truth_file(None)

    def _set_truth_file(self, truth: Path | None) -> None:
        """Record the file of the measured cube in the document's source."""
        document = self._document
        if document.source is not None:
            document.source = replace(document.source, truth=truth)

    def set_gain(self, gain: float) -> None:
        """Set the gain of the registration."""
        measurement = self._document.measurement
        if measurement is not None:
            self._worker.cancel(Task.REGISTER)
            match = replace(measurement.match, gain=gain)
            self._document.set_truth(replace(measurement, match=match, is_chosen=True))

    def register_again(self) -> None:
        """Register again after the photograph was developed with other settings, unless adjusted by hand."""
        measurement = self._document.measurement
        if self._worker.is_busy(Task.REGISTER):  # with the photograph as it was
            self._repeat()
        elif measurement is not None and not measurement.is_chosen:
            self.register()

    def _reveal(self) -> None:
        self.dock.show()
        self.dock.raise_()

    def show_measurement(self) -> None:
        """Show the registration in the panel and update the actions."""
        document = self._workspace.current
        is_cube = document.cube is not None
        has_photograph = document.photograph is not None
        enable(self._window.actions_by_name, ["compare_cube", "compare_folder"], has_photograph)
        enable(self._window.actions_by_name, ["photograph_cube"], is_cube)
        model = reconstruction_model(document.cube.field) if document.cube is not None else ""
        self._window.input.show_cube(is_cube, document.encoded, model)
        self.panel.show_possible(has_photograph and document.measurement is None, is_cube)
        if document.measurement is not self._shown or document.measurement is None:
            self._shown = measurement = document.measurement
            turns = (
                possible_orientations(document.photograph.source_shape, measurement.cube.shape)
                if measurement is not None and document.photograph is not None
                else []
            )
            self.panel.show_measurement(measurement, turns)
