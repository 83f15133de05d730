"""What the user does with marks, curves and light beyond a single gesture: menus, dialogs, files."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import QColorDialog, QFileDialog

from nesr_gui.colorimetry.viewing_conditions import Illuminant, Observer, ViewingConditions
from nesr_gui.gui.controllers.output import CSV, Writing
from nesr_gui.gui.model.marks import Mark, as_text, row_of
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.tasks import files as jobs
from nesr_gui.gui.tasks.loading import CAMERAS, CameraRequest, read_camera
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.mark_table import MarkMenu
from nesr_gui.io.spectra.readers import spectra_filter
from nesr_gui.regions import Shape
from nesr_gui.spectral import Quantity, Spectrum


class MarkCommands(QObject):
    """Carries out the actions on marks, asking the user what else must be known."""

    def __init__(self, window: MainWindow, session: Session, worker: Worker, writing: Writing) -> None:
        super().__init__(window)
        self._window, self._session, self._worker, self._writing = window, session, worker, writing

    def tool_point(self) -> None:
        self._session.marking.set_tool(Shape.POINT)

    def tool_rectangle(self) -> None:
        self._session.marking.set_tool(Shape.RECTANGLE)

    def tool_ellipse(self) -> None:
        self._session.marking.set_tool(Shape.ELLIPSE)

    def tool_polygon(self) -> None:
        self._session.marking.set_tool(Shape.POLYGON)

    def tool_lasso(self) -> None:
        self._session.marking.set_tool(Shape.LASSO)

    def clear_pins(self) -> None:
        self._session.marking.clear()

    def remove_mark(self) -> None:
        """Remove what is selected in the table, or else the active mark."""
        table, marking = self._window.table, self._session.marking
        marking.remove(*(table.selected() if table.hasFocus() else [marking.active]))

    def add_pin(self) -> None:
        """A pin in the middle of the view, from where the arrow keys take it to its pixel."""
        view, (height, width) = self._window.image.view(), self._session.source_shape or (0, 0)
        row, col = int((view.top + view.bottom) / 2), int((view.left + view.right) / 2)
        self._session.pick_pixel(min(max(row, 0), height - 1), min(max(col, 0), width - 1))
        self._window.image.setFocus()

    def next_mark(self) -> None:
        self._session.marking.activate_next(1)

    def previous_mark(self) -> None:
        self._session.marking.activate_next(-1)

    def rename_mark(self) -> None:
        if self._session.marking.active is not None:
            self._window.panels.reveal(self._window.table)
            self._window.table.rename(self._session.marking.active)

    def name_mark(self, number: int, name: str) -> None:
        """A name typed in the table; without one, a mark is called by what it is."""
        mark = self._session.marking.get(number)
        if mark is not None and name != mark.title:
            self._session.marking.edit(number, name=name)

    def show_menu(self, number: int, at: QPoint) -> None:
        """The menu of one mark, which becomes the active one."""
        mark = self._session.marking.get(number)
        if mark is None:
            return
        self._session.marking.set_active(number)
        field = self._session.field
        takes_white = field is not None and field.quantity is not Quantity.REFLECTANCE
        menu = MarkMenu(mark, self._session.marking.palette, takes_white, self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.rename_picked.connect(self.rename_mark)
        menu.colour_asked.connect(partial(self._ask_colour, mark))
        menu.edit_picked.connect(lambda what, value: self._session.marking.edit(number, **{what: value}))
        menu.white_picked.connect(lambda: self._session.set_white(number))
        menu.remove_picked.connect(lambda: self._session.marking.remove(number))
        menu.popup(at)

    def copy_table(self) -> None:
        """The table to the clipboard, as spreadsheets take it: the selected rows, or all."""
        selected = self._window.table.selected()
        chosen = selected if len(selected) > 1 else [mark.number for mark in self._session.marks]
        QGuiApplication.clipboard().setText(as_text(self._rows(chosen)))

    def export_table(self) -> None:
        session = self._session
        path = self._writing.ask("Export marks", "-marks.csv", CSV)
        if path and session.marks:
            made = dict(session.field.provenance) if session.field is not None else {}
            provenance = {**made, "working_resolution": session.resolution(), "seen_under": session.viewing.name}
            rows = self._rows([mark.number for mark in session.marks])
            self._writing.write(jobs.TableExport(path, rows, provenance), jobs.export_table)

    def import_marks(self) -> None:
        """Marks from a table that was exported."""
        path = self._ask_open("Import marks", "Marks (*.csv)")
        if path:
            self._worker.submit(Task.LOAD_SPECTRA, jobs.FileRequest(path), jobs.read_marks, self._take_marks)

    def load_spectra(self) -> None:
        """Library spectra, to compare with."""
        path = self._ask_open("Load spectra", spectra_filter())
        if path:
            self._worker.submit(Task.LOAD_SPECTRA, jobs.FileRequest(path), jobs.read_library, self._take_library)

    def load_chart(self, name: str) -> None:
        self._worker.submit(Task.LOAD_SPECTRA, jobs.ChartRequest(name), jobs.read_chart, self._take_chart)

    def load_light(self) -> None:
        path = self._ask_open("Load the spectral power of a light", spectra_filter())
        if path:
            self._worker.submit(Task.LOAD_SPECTRA, jobs.FileRequest(path), jobs.read_library, self._take_light)

    def load_camera(self) -> None:
        path = self._ask_open("Load the sensitivities of a camera", CAMERAS)
        if path:
            self._worker.submit(Task.LOAD_SPECTRA, CameraRequest(path), read_camera, self._take_camera)

    def use_white(self) -> None:
        """The active mark's spectrum becomes that of a perfect white."""
        self._session.set_white(self._session.marking.active)

    def _rows(self, numbers: list[int]) -> list[dict[str, str]]:
        session = self._session
        return [
            row_of(mark, session.nm, session.reading(mark), session.curves.get(mark.place),
                   session.findings.get(mark.place))
            for mark in session.marks if mark.number in numbers
        ]  # fmt: skip

    def _ask_open(self, title: str, filters: str) -> Path | None:
        chosen, _ = QFileDialog.getOpenFileName(self._window, title, "", filters)
        return Path(chosen) if chosen else None

    def _ask_colour(self, mark: Mark) -> None:
        dialog = QColorDialog(QColor(mark.colour), self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(f"Colour of {mark.title}")
        dialog.colorSelected.connect(lambda colour: self._session.marking.edit(mark.number, colour=colour.name()))
        dialog.open()

    def _take_marks(self, request: jobs.FileRequest, marks: list[Mark]) -> None:
        taken = self._session.marking.take_all(marks)
        if taken < len(marks):
            self._window.notice.show_success(
                f"Took {taken} of the {len(marks)} marks of {request.path.name}; the others lie outside this image."
            )

    def _take_library(self, request: jobs.FileRequest, spectra: list[Spectrum]) -> None:
        self._session.comparison.add(spectra, request.path.name)

    def _take_chart(self, request: jobs.ChartRequest, spectra: list[Spectrum]) -> None:
        self._session.comparison.add(spectra, request.name)

    def _take_light(self, request: jobs.FileRequest, spectra: list[Spectrum]) -> None:
        light = Illuminant.measured(request.path.name, spectra[0])
        self._session.set_viewing(ViewingConditions(light, self._session.viewing.observer))

    def _take_camera(self, request: CameraRequest, camera: Observer) -> None:
        self._session.set_viewing(ViewingConditions(self._session.viewing.light, camera))
