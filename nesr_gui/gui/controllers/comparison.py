"""Measured cubes beside the reconstruction: opened and laid, photographed to try it on, measured, drawn as a figure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QMessageBox

from nesr_gui.fields.accuracy import CONDITIONS, AccuracyMetrics, shared_bands
from nesr_gui.fields.protocol import SpectralField
from nesr_gui.fields.registration import possible_orientations
from nesr_gui.fields.resampled import Orientation
from nesr_gui.gui.controllers.files import Opening
from nesr_gui.gui.controllers.output import CSV, Writing
from nesr_gui.gui.figures.comparison import TruthFigure, TruthFigureExport, export_truth_figure, preview
from nesr_gui.gui.figures.export import FILTERS
from nesr_gui.gui.model.marks import Place, as_text
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.model.truth import Measurement
from nesr_gui.gui.tasks.comparison import (
    AccuracyRequest,
    Exposed,
    ExposureRequest,
    MatchRequest,
    TruthRequest,
    expose,
    match_again,
    measure,
    open_truth,
    rows_of,
)
from nesr_gui.gui.tasks.files import TableExport, export_table
from nesr_gui.gui.tasks.loading import KindRequest, is_cube
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.view_modes.base import Scene
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.dialogs.comparison_figure import TruthFigureDialog
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.panels.accuracy import AccuracyPanel
from nesr_gui.spectral import Quantity

if TYPE_CHECKING:
    from nesr_gui.io.cubes.description import CubeHints


class Measuring(QObject):
    """Asks for figures that are missing while the panel is in sight, and shows them.

    The image is measured once for each field and truth; where its user cancels that, the panel's button asks again.
    """

    def __init__(
        self, window: MainWindow, session: Session, worker: Worker, writing: Writing, panel: AccuracyPanel
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._worker, self._panel = window, session, worker, panel
        self._writing = writing
        self.figures: dict[Place | None, AccuracyMetrics] = {}
        self._basis: tuple[SpectralField | None, SpectralField | None] = (None, None)  # what the figures are of
        self._known: WeakKeyDictionary[SpectralField, tuple[SpectralField, dict[Place | None, AccuracyMetrics]]]
        self._known = WeakKeyDictionary()  # by the truth, those of other documents too
        self._is_wanted = self._is_declined = False
        session.field_changed.connect(self._follow)
        session.marking.changed.connect(self._ask)
        panel.measure_picked.connect(self._ask_image)
        panel.copy_picked.connect(self._copy)
        worker.ended.connect(self._end)
        self._show()

    def set_wanted(self, is_wanted: bool) -> None:
        """Whether somebody looks."""
        self._is_wanted = is_wanted
        self._ask()

    def export_accuracy(self) -> None:
        """Ask where to, and write the figures."""
        path = self._writing.ask("Export accuracy", "-accuracy.csv", CSV)
        if path and self.figures:
            request = TableExport(path, rows_of(self._session.marks, self.figures), self._provenance())
            self._writing.write(request, export_table)

    def _provenance(self) -> dict[str, str]:
        session = self._session
        made = dict(session.field.provenance) if session.field is not None else {}
        if session.measurement is not None:
            made |= {"truth": session.measurement.name, "truth_match": session.measurement.match.in_words()}
        return {**made, "working_resolution": session.resolution(), "measures": CONDITIONS}

    def _follow(self) -> None:
        basis = self._session.field, self._session.truth
        if basis != self._basis:
            self._basis = basis
            self.figures = self._known_of(*basis)
            for task in (Task.ACCURACY_MARKS, Task.ACCURACY_IMAGE):
                self._worker.cancel(task)
        self._is_declined = False
        self._ask()

    def _known_of(
        self, field: SpectralField | None, truth: SpectralField | None
    ) -> dict[Place | None, AccuracyMetrics]:
        """The figures of a field and a truth that were shown before, or a place for new ones."""
        if field is None or truth is None:
            return {}
        of, figures = self._known.get(truth, (None, {}))
        self._known[truth] = field, figures if of is field else {}
        return self._known[truth][1]

    def _ask(self) -> None:
        """What is missing of marks, and of the image unless that was declined."""
        is_current = (self._session.field, self._session.truth) == self._basis  # else it is about to be followed
        if self._is_wanted and is_current and None not in self._basis:
            places = dict.fromkeys(mark.place for mark in self._session.marks)
            if missing := tuple(place for place in places if place not in self.figures):
                self._worker.submit(Task.ACCURACY_MARKS, self._request(missing), measure, self._take)
            if None not in self.figures and not self._is_declined and not self._worker.is_busy(Task.ACCURACY_IMAGE):
                self._ask_image()
        self._show()

    def _ask_image(self) -> None:
        if None not in self._basis:
            self._is_declined = False
            self._worker.submit(Task.ACCURACY_IMAGE, self._request((None,)), measure, self._take)
            self._show()

    def _request(self, places: tuple[Place | None, ...]) -> AccuracyRequest:
        session = self._session
        assert session.field is not None and session.truth is not None
        return AccuracyRequest(session.field, session.truth, session.binning, places)

    def _take(self, request: AccuracyRequest, figures: dict[Place | None, AccuracyMetrics]) -> None:
        if (request.field, request.truth) == self._basis:
            self.figures |= figures
            self._show()

    def _end(self, task: Task) -> None:
        if task is Task.ACCURACY_IMAGE:
            self._is_declined = None not in self.figures
            self._show()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(as_text(rows_of(self._session.marks, self.figures)))

    def _show(self) -> None:
        is_measuring = self._worker.is_busy(Task.ACCURACY_IMAGE)
        self._panel.show_figures(self._session.marks, self.figures, is_measuring)
        self._panel.show_can_measure(None not in self._basis and None not in self.figures and not is_measuring)
        enable(self._window.actions_by_name, ["export_accuracy"], bool(self.figures))


class TruthFigures(QObject):
    """Carries out the action `export_comparison`."""

    def __init__(self, window: MainWindow, session: Session, worker: Worker, writing: Writing) -> None:
        super().__init__(window)
        self._window, self._session, self._worker, self._writing = window, session, worker, writing
        session.field_changed.connect(self._show)
        self._show()

    def export_comparison(self) -> None:
        """Ask what to show, with a preview, then where to."""
        scene, marks = Scene.of(self._session), self._session.marking.shown
        if scene.field is None or scene.truth is None:
            return
        bands = shared_bands(scene.field, scene.truth).nm
        dialog = TruthFigureDialog((float(bands[0]), float(bands[-1])), self._window)

        def figure() -> TruthFigure:
            return TruthFigure(scene, marks, *dialog.chosen())

        def show(request: TruthFigure, image: QImage) -> None:
            if dialog.isVisible():
                dialog.show_preview(image)

        def ask() -> None:
            self._worker.submit(Task.FIGURE_PREVIEW, figure(), preview, show)

        dialog.changed.connect(ask)
        dialog.finished.connect(lambda result: self._worker.cancel(Task.FIGURE_PREVIEW))
        dialog.accepted.connect(lambda: self._save(figure(), dialog.dpi.value()))
        dialog.open()
        ask()

    def _save(self, figure: TruthFigure, dpi: int) -> None:
        path = self._writing.ask("Export comparison figure", "-comparison.png", FILTERS)
        if path:
            self._writing.write(TruthFigureExport(path, figure, dpi), export_truth_figure)

    def _show(self) -> None:
        can = self._session.field is not None and self._session.truth is not None
        enable(self._window.actions_by_name, ["export_comparison"], can)


class Comparing(QObject):
    """Does what actions, drops and the accuracy panel ask of the truth, and shows in the panel what became of it."""

    def __init__(
        self, window: MainWindow, session: Session, worker: Worker, writing: Writing, opening: Opening
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._worker, self._opening = window, session, worker, opening
        self.panel = AccuracyPanel()
        area = Qt.DockWidgetArea.RightDockWidgetArea
        self._dock = window.add_panel("accuracy", "Accuracy", self.panel, area, shown=False)
        self.measuring = Measuring(window, session, worker, writing, self.panel)
        self._shown: Measurement | None = None
        self._dock.visibilityChanged.connect(self.measuring.set_wanted)
        session.image_changed.connect(self._forget)
        session.photograph_changed.connect(self._follow)
        session.field_changed.connect(self._show)
        window.input.exposure_picked.connect(self.photograph_cube)
        self.panel.open_picked.connect(self.compare_cube)
        self.panel.photograph_picked.connect(self.photograph_cube)
        self.panel.orientation_picked.connect(self._match)
        self.panel.match_picked.connect(self._match)
        self.panel.gain_picked.connect(self._set_gain)
        self.panel.end_picked.connect(self._stop)
        self.commands = self, self.measuring, TruthFigures(window, session, worker, writing)
        self._show()

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

    def photograph_cube(self) -> None:
        """Photograph the open cube by the chosen light and camera, and reconstruct that; the cube is its truth."""
        session = self._session
        if session.cube is not None:
            cube = session.cube.field
            white = session.white if cube.quantity is Quantity.RADIANCE else None
            request = ExposureRequest(cube, session.name, session.viewing, white)
            self._worker.submit(Task.SIMULATE, request, expose, self._take_exposed)

    def open(self, path: Path, reading: CubeHints | None = None) -> None:
        """Lay a cube over the open photograph."""
        if self._session.photograph is not None:
            request = TruthRequest(path, reading, self._session.photograph)
            self._worker.submit(Task.REGISTER, request, open_truth, self._take_opened)

    def drop(self, path: Path) -> None:
        """Open a file; beside a photograph a cube may be its truth, which is asked."""
        if self._session.photograph is None:
            self._opening.open(path)
        else:
            self._worker.submit(Task.DETECT_KIND, KindRequest(path), is_cube, self._take_kind)

    def ask(self, path: Path) -> None:
        """Whether a cube shall be compared with the photograph, or opened alone."""
        box = QMessageBox(self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("Open a spectral cube")
        box.setText(f"What is {path.name}?")
        box.setInformativeText(f"It can be compared with {self._session.name}, or opened instead of it.")
        compare = box.addButton("Compare with the photograph", QMessageBox.ButtonRole.AcceptRole)
        alone = box.addButton("Open alone", QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(compare)
        compare.clicked.connect(lambda: self.open(path))
        alone.clicked.connect(lambda: self._opening.open(path))
        box.open()

    def _take_kind(self, request: KindRequest, may_be_truth: bool) -> None:
        if may_be_truth and self._session.photograph is not None:
            self.ask(request.path)
        else:
            self._opening.open(request.path)

    def _take_opened(self, request: TruthRequest, found: Measurement) -> None:
        self._session.set_truth(found)
        self._name_origin(request.path)
        match = found.match
        self._window.notice.show_success(
            f"{found.name} lies over the photograph {match.orientation}, its values × {match.gain:.4g}. {found.remark}"
        )
        self._reveal()

    def _take_exposed(self, request: ExposureRequest, made: Exposed) -> None:
        self._opening.open_exposed(request, made)
        self._reveal()

    def _match(self, orientation: Orientation | None = None) -> None:
        """Find the place anew, in an orientation or in any."""
        session = self._session
        if session.measurement is not None and session.photograph is not None:
            request = MatchRequest(session.measurement, session.photograph, orientation)
            self._worker.submit(Task.REGISTER, request, match_again, lambda asked, found: session.set_truth(found))

    def _stop(self) -> None:
        self._session.set_truth(None)
        self._name_origin(None)

    def _name_origin(self, truth: Path | None) -> None:
        """The document is of these files now."""
        document = self._session.document
        if document.origin is not None:
            document.origin = replace(document.origin, truth=truth)

    def _set_gain(self, gain: float) -> None:
        measurement = self._session.measurement
        if measurement is not None:
            self._worker.cancel(Task.REGISTER)
            match = replace(measurement.match, gain=gain)
            self._session.set_truth(replace(measurement, match=match, is_chosen=True))

    def _forget(self) -> None:
        """Another image is shown: what was asked for the one before is let go."""
        for task in (Task.REGISTER, Task.DETECT_KIND, Task.SIMULATE):
            self._worker.cancel(task)

    def _follow(self) -> None:
        """The photograph is understood otherwise: its colours are others, and so is the gain that was found."""
        measurement = self._session.measurement
        if measurement is not None and not measurement.is_chosen:
            self._match()

    def _reveal(self) -> None:
        self._dock.show()
        self._dock.raise_()

    def _show(self) -> None:
        session = self._session
        is_cube = session.cube is not None
        has_photograph = session.photograph is not None
        enable(self._window.actions_by_name, ["compare_cube", "compare_folder"], has_photograph)
        enable(self._window.actions_by_name, ["photograph_cube"], is_cube)
        self._window.input.show_cube(is_cube, session.encoded)
        self.panel.show_possible(has_photograph and session.measurement is None, is_cube)
        if session.measurement is not self._shown or session.measurement is None:
            self._shown = measurement = session.measurement
            turns = (
                possible_orientations(session.photograph.source_shape, measurement.cube.shape)
                if measurement is not None and session.photograph is not None
                else []
            )
            self.panel.show_measurement(measurement, turns)
