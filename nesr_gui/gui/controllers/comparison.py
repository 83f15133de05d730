"""Measured cubes beside the reconstruction: opened, registered, photographed in simulation, and compared with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMessageBox

from nesr_gui.fields.accuracy import AccuracyMetrics
from nesr_gui.fields.protocol import SpectralField
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
from nesr_gui.spectral import Quantity

if TYPE_CHECKING:
    from nesr_gui.io.cubes.description import CubeHints


class AccuracyController(QObject):
    """Computes metrics that are missing while the panel is in sight, and shows them.

    The image is measured once for each field and truth; where its user cancels that, the panel's button asks again.
    """

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker, panel: AccuracyPanel) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker, self._panel = window, workspace, worker, panel
        self.figures: dict[MarkGeometry | None, AccuracyMetrics] = {}
        self._basis: tuple[SpectralField | None, SpectralField | None] = (None, None)  # what the figures are of
        self._cached: WeakKeyDictionary[SpectralField, tuple[SpectralField, dict[MarkGeometry | None, AccuracyMetrics]]]
        self._cached = WeakKeyDictionary()  # by the truth, those of other documents too
        self._is_wanted = self._is_declined = False
        self.show_figures()

    def set_wanted(self, is_wanted: bool) -> None:
        """Whether somebody looks."""
        self._is_wanted = is_wanted
        self.query()

    def take_field(self) -> None:
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
        """The figures of a field and a truth that were shown before, or a place for new ones."""
        if field is None or truth is None:
            return {}
        of, figures = self._cached.get(truth, (None, {}))
        self._cached[truth] = field, figures if of is field else {}
        return self._cached[truth][1]

    def query(self) -> None:
        """What is missing of marks, and of the image unless that was declined."""
        is_current = (
            self._workspace.current.field,
            self._workspace.current.truth,
        ) == self._basis  # else it is about to be followed
        if self._is_wanted and is_current and None not in self._basis:
            places = dict.fromkeys(mark.place for mark in self._workspace.current.marks)
            if missing := tuple(place for place in places if place not in self.figures):
                self._worker.submit(Task.ACCURACY_MARKS, self._request(missing), measure, self._take)
            if None not in self.figures and not self._is_declined and not self._worker.is_busy(Task.ACCURACY_IMAGE):
                self.query_image()
        self.show_figures()

    def query_image(self) -> None:
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

    def take_end(self, task: Task) -> None:
        if task is Task.ACCURACY_IMAGE:
            self._is_declined = None not in self.figures
            self.show_figures()

    def copy(self) -> None:
        QGuiApplication.clipboard().setText(as_text(rows_of(self._workspace.current.marks, self.figures)))

    def show_figures(self) -> None:
        is_measuring = self._worker.is_busy(Task.ACCURACY_IMAGE)
        self._panel.show_figures(self._workspace.current.marks, self.figures, is_measuring)
        self._panel.show_can_measure(None not in self._basis and None not in self.figures and not is_measuring)
        enable(self._window.actions_by_name, ["export_accuracy"], bool(self.figures))


class ComparisonController(QObject):
    """Opens, registers and removes the measured cube beside a photograph, and shows it in its panel."""

    open_requested = Signal(object)  # Path, of what is no truth
    simulated = Signal(object, object)  # ExposureRequest, SimulatedPhotograph

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        self.panel = AccuracyPanel()
        area = Qt.DockWidgetArea.RightDockWidgetArea
        self.dock = window.add_panel("accuracy", "Accuracy", self.panel, area, shown=False)
        self._shown: MeasuredCube | None = None

    @property
    def _document(self) -> Document:
        return self._workspace.current

    def compare_cube(self) -> None:
        """Ask for the cube that was measured of the open photograph."""
        from nesr_gui import io

        path, _ = QFileDialog.getOpenFileName(
            self._window, "Compare with a measured cube", "", io.dialog_filter(io.FileKind.CUBE)
        )
        if path:
            self.open(Path(path))

    def compare_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self._window, "Compare with a measured cube that is a folder")
        if path:
            self.open(Path(path))

    def simulate_photograph(self) -> None:
        """Simulate a photograph of the open cube under the chosen light and camera; the cube is its truth."""
        document = self._workspace.current
        if document.cube is not None:
            cube = document.cube.field
            white = document.white if cube.quantity is Quantity.RADIANCE else None
            request = ExposureRequest(cube, document.name, document.viewing, white)
            self._worker.submit(Task.SIMULATE, request, expose, self._take_exposed)

    def open(self, path: Path, reading: CubeHints | None = None) -> None:
        """Lay a cube over the open photograph."""
        if self._document.photograph is not None:
            request = TruthRequest(path, reading, self._document.photograph)
            self._worker.submit(Task.REGISTER, request, open_truth, self._take_opened)

    def drop(self, path: Path) -> None:
        """Open a file; beside a photograph a cube may be its truth, which is asked."""
        if self._document.photograph is None:
            self.open_requested.emit(path)
        else:
            self._worker.submit(Task.DETECT_KIND, KindRequest(path), is_cube, self._take_kind)

    def ask(self, path: Path) -> None:
        """Whether a cube shall be compared with the photograph, or opened alone."""
        box = QMessageBox(self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("Open a spectral cube")
        box.setText(f"What is {path.name}?")
        box.setInformativeText(f"It can be compared with {self._document.name}, or opened instead of it.")
        compare = box.addButton("Compare with the photograph", QMessageBox.ButtonRole.AcceptRole)
        alone = box.addButton("Open alone", QMessageBox.ButtonRole.DestructiveRole)
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

    def _take_opened(self, request: TruthRequest, found: MeasuredCube) -> None:
        self._document.set_truth(found)
        self._set_truth_file(request.path)
        match = found.match
        self._window.messages.show_success(
            f"{found.name} was registered {match.orientation}, its values × {match.gain:.4g}. {found.remark}"
        )
        self._reveal()

    def _take_exposed(self, request: ExposureRequest, made: SimulatedPhotograph) -> None:
        self.simulated.emit(request, made)
        self._reveal()

    def register(self, orientation: Orientation | None = None) -> None:
        """Find the place anew, in an orientation or in any."""
        document = self._workspace.current
        if document.measurement is not None and document.photograph is not None:
            request = MatchRequest(document.measurement, document.photograph, orientation)
            self._worker.submit(Task.REGISTER, request, match_again, lambda asked, found: document.set_truth(found))

    def remove(self) -> None:
        self._document.set_truth(None)
        self._set_truth_file(None)

    def _set_truth_file(self, truth: Path | None) -> None:
        """The document is of these files now."""
        document = self._document
        if document.source is not None:
            document.source = replace(document.source, truth=truth)

    def set_gain(self, gain: float) -> None:
        measurement = self._document.measurement
        if measurement is not None:
            self._worker.cancel(Task.REGISTER)
            match = replace(measurement.match, gain=gain)
            self._document.set_truth(replace(measurement, match=match, is_chosen=True))

    def forget(self) -> None:
        """Another image is shown: what was asked for the one before is let go."""
        for task in (Task.REGISTER, Task.DETECT_KIND, Task.SIMULATE):
            self._worker.cancel(task)

    def register_again(self) -> None:
        """The photograph was developed in another way: its colours are others, and so is the gain."""
        measurement = self._document.measurement
        if measurement is not None and not measurement.is_chosen:
            self.register()

    def _reveal(self) -> None:
        self.dock.show()
        self.dock.raise_()

    def show_measurement(self) -> None:
        document = self._workspace.current
        is_cube = document.cube is not None
        has_photograph = document.photograph is not None
        enable(self._window.actions_by_name, ["compare_cube", "compare_folder"], has_photograph)
        enable(self._window.actions_by_name, ["photograph_cube"], is_cube)
        self._window.input.show_cube(is_cube, document.encoded)
        self.panel.show_possible(has_photograph and document.measurement is None, is_cube)
        if document.measurement is not self._shown or document.measurement is None:
            self._shown = measurement = document.measurement
            turns = (
                possible_orientations(document.photograph.source_shape, measurement.cube.shape)
                if measurement is not None and document.photograph is not None
                else []
            )
            self.panel.show_measurement(measurement, turns)
