"""What the user does with marks, references and light beyond a single gesture: menus, dialogs, files."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import QColorDialog, QFileDialog

from nesr_gui.colorimetry.viewing_conditions import Illuminant, Observer, ViewingConditions
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.marks import Mark, MarkGeometry, as_text
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks import files
from nesr_gui.gui.tasks.loading import CAMERAS, CameraRequest, read_camera
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.mark_table import MarkMenu
from nesr_gui.io.spectra.readers import spectra_filter
from nesr_gui.regions import Shape
from nesr_gui.spectral import Quantity, Spectrum


class MarkController(QObject):
    """Carries out the actions on marks, asking the user for what else is needed."""

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker

    @property
    def _document(self) -> Document:
        return self._workspace.current

    def pick_pixel(self, row: int, col: int) -> None:
        self._document.pick_pixel(row, col)

    def add(self, place: MarkGeometry) -> None:
        self._document.mark_set.add(place)

    def move(self, number: int, place: MarkGeometry, gesture: int) -> None:
        self._document.mark_set.move(number, place, gesture)

    def activate(self, number: int | None) -> None:
        self._document.mark_set.set_active(number)

    def leave_tool(self) -> None:
        """Draw pins again."""
        self._workspace.set_tool(Shape.POINT)

    def clear(self) -> None:
        self._document.mark_set.clear()

    def remove(self) -> None:
        """Remove what is selected in the table, or else the active mark."""
        table, mark_set = self._window.table, self._document.mark_set
        mark_set.remove(*(table.selected() if table.hasFocus() else [mark_set.active]))

    def add_pin(self) -> None:
        """A pin in the middle of the view, from where the arrow keys take it to its pixel."""
        view, (height, width) = self._window.image.view(), self._document.source_shape or (0, 0)
        row, col = int((view.top + view.bottom) / 2), int((view.left + view.right) / 2)
        self._document.pick_pixel(min(max(row, 0), height - 1), min(max(col, 0), width - 1))
        self._window.image.setFocus()

    def activate_next(self) -> None:
        self._document.mark_set.activate_next(1)

    def activate_previous(self) -> None:
        self._document.mark_set.activate_next(-1)

    def shift_active(self, rows: int, cols: int, gesture: int) -> None:
        """Move the active mark by whole pixels."""
        mark_set = self._document.mark_set
        mark_set.shift(mark_set.active, rows, cols, gesture)

    def set_visible(self, number: int, visible: bool) -> None:
        self._document.mark_set.edit(number, visible=visible)

    def rename(self) -> None:
        if self._document.mark_set.active is not None:
            self._window.panels.reveal(self._window.table)
            self._window.table.rename(self._document.mark_set.active)

    def set_name(self, number: int, name: str) -> None:
        """A name typed in the table; without one, a mark is called by what it is."""
        mark = self._document.mark_set.get(number)
        if mark is not None and name != mark.title:
            self._document.mark_set.edit(number, name=name)

    def show_menu(self, number: int, at: QPoint) -> None:
        """The menu of one mark, which becomes the active one."""
        document = self._document
        mark = document.mark_set.get(number)
        if mark is None:
            return
        document.mark_set.set_active(number)
        takes_white = document.field is not None and document.field.quantity is not Quantity.REFLECTANCE
        menu = MarkMenu(mark, document.mark_set.palette, takes_white, self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.rename_requested.connect(self.rename)
        menu.colour_requested.connect(partial(self._ask_colour, document, mark))
        menu.edit_picked.connect(lambda what, value: document.mark_set.edit(number, **{what: value}))
        menu.white_requested.connect(lambda: document.set_white(number))
        menu.remove_requested.connect(lambda: document.mark_set.remove(number))
        menu.popup(at)

    def copy_table(self) -> None:
        """The table to the clipboard, as spreadsheets take it: the selected rows, or all."""
        selected = self._window.table.selected()
        chosen = selected if len(selected) > 1 else [mark.number for mark in self._document.marks]
        QGuiApplication.clipboard().setText(as_text(self._document.table_rows(chosen)))

    def import_marks(self) -> None:
        """Marks from a table that was exported."""
        path = self._ask_open("Import marks", "Marks (*.csv)")
        if path:
            self._worker.submit(Task.LOAD_SPECTRA, files.FileRequest(path), files.read_marks, self._take_marks)

    def load_spectra(self) -> None:
        """Library spectra, to compare with."""
        path = self._ask_open("Load spectra", spectra_filter())
        if path:
            self._worker.submit(Task.LOAD_SPECTRA, files.FileRequest(path), files.read_library, self._take_library)

    def load_chart(self, name: str) -> None:
        self._worker.submit(Task.LOAD_SPECTRA, files.ChartRequest(name), files.read_chart, self._take_chart)

    def load_light(self) -> None:
        path = self._ask_open("Load the spectral power of a light", spectra_filter())
        if path:
            self._worker.submit(Task.LOAD_SPECTRA, files.FileRequest(path), files.read_library, self._take_light)

    def load_camera(self) -> None:
        path = self._ask_open("Load the sensitivities of a camera", CAMERAS)
        if path:
            self._worker.submit(Task.LOAD_SPECTRA, CameraRequest(path), read_camera, self._take_camera)

    def use_white(self) -> None:
        """The active mark's spectrum becomes that of a perfect white."""
        self._document.set_white(self._document.mark_set.active)

    def _ask_open(self, title: str, filters: str) -> Path | None:
        chosen, _ = QFileDialog.getOpenFileName(self._window, title, "", filters)
        return Path(chosen) if chosen else None

    def _ask_colour(self, document: Document, mark: Mark) -> None:
        dialog = QColorDialog(QColor(mark.colour), self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(f"Colour of {mark.title}")
        dialog.colorSelected.connect(lambda colour: document.mark_set.edit(mark.number, colour=colour.name()))
        dialog.open()

    def _take_marks(self, request: files.FileRequest, marks: list[Mark]) -> None:
        taken = self._document.mark_set.take_all(marks)
        if taken < len(marks):
            self._window.messages.show_success(
                f"Imported {taken} of the {len(marks)} marks of {request.path.name}; the others lie outside this image."
            )

    def _take_library(self, request: files.FileRequest, spectra: list[Spectrum]) -> None:
        self._compare(spectra, request.path.name)

    def _take_chart(self, request: files.ChartRequest, spectra: list[Spectrum]) -> None:
        self._compare(spectra, request.name)

    def _compare(self, spectra: list[Spectrum], source: str) -> None:
        self._document.set_plot_settings(self._document.plot_settings.with_spectra(spectra, source))

    def _take_light(self, request: files.FileRequest, spectra: list[Spectrum]) -> None:
        light = Illuminant.measured(request.path.name, spectra[0])
        self._document.set_viewing(ViewingConditions(light, self._document.viewing.observer))

    def _take_camera(self, request: CameraRequest, camera: Observer) -> None:
        self._document.set_viewing(ViewingConditions(self._document.viewing.light, camera))
