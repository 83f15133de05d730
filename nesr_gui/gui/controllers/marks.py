"""Actions on marks, reference spectra, illuminants and cameras that need menus, dialogs or files."""

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

_MARKS = (
    "Marks and regions (*.csv *.geojson *.json *.roi *.zip);;Table of marks (*.csv);;GeoJSON (*.geojson *.json);;"
    "ImageJ regions (*.roi *.zip)"
)

_OF_A_READING = ("use_reading", "detach_reading")
_ON_READINGS = ("attach_reading", "attach_reference", *_OF_A_READING)


class MarkController(QObject):
    """Implements the actions on marks, with menus and file dialogs."""

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker

    @property
    def _document(self) -> Document:
        return self._workspace.current

    def add(self, place: MarkGeometry) -> None:
        """Add a mark."""
        self._document.mark_set.add(place)

    def move(self, number: int, place: MarkGeometry, gesture: int) -> None:
        """Move a mark; moves of one gesture are one undo step."""
        self._document.mark_set.move(number, place, gesture)

    def activate(self, number: int | None) -> None:
        """Make a mark active."""
        self._document.mark_set.set_active(number)

    def leave_tool(self) -> None:
        """Return to the pin tool."""
        self._workspace.set_tool(Shape.POINT)

    def clear(self) -> None:
        """Remove all marks."""
        self._document.remove_marks(*(mark.number for mark in self._document.marks))

    def remove(self) -> None:
        """Remove the marks selected in the focused table, or the active mark."""
        table, mark_set = self._window.table, self._document.mark_set
        self._document.remove_marks(*(table.selected() if table.hasFocus() else [mark_set.active]))

    def add_pin(self) -> None:
        """Add a pin at the centre of the view; arrow keys can move it from there."""
        view, (height, width) = self._window.image.view(), self._document.source_shape or (0, 0)
        row, col = int((view.top + view.bottom) / 2), int((view.left + view.right) / 2)
        self._document.pick_pixel(min(max(row, 0), height - 1), min(max(col, 0), width - 1))
        self._window.image.setFocus()

    def activate_next(self) -> None:
        """Make the next mark active."""
        self._document.mark_set.activate_next(1)

    def activate_previous(self) -> None:
        """Make the previous mark active."""
        self._document.mark_set.activate_next(-1)

    def shift_active(self, rows: int, cols: int) -> None:
        """Move the active mark by whole pixels."""
        mark_set = self._document.mark_set
        mark_set.shift(mark_set.active, rows, cols)

    def set_visible(self, number: int, visible: bool) -> None:
        """Show or hide a mark."""
        self._document.mark_set.edit(number, visible=visible)

    def rename(self) -> None:
        """Edit the name of the active mark in the table."""
        if self._document.mark_set.active is not None:
            self._window.panels.reveal(self._window.table)
            self._window.table.rename(self._document.mark_set.active)

    def set_name(self, number: int, name: str) -> None:
        """Set the name typed in the table; an empty name restores the default."""
        mark = self._document.mark_set.get(number)
        if mark is not None and name != mark.title:
            self._document.mark_set.edit(number, name=name)

    def show_menu(self, number: int, at: QPoint) -> None:
        """Make a mark active and open its menu."""
        document = self._document
        mark = document.mark_set.get(number)
        if mark is None:
            return
        document.mark_set.set_active(number)
        takes_white = document.field is not None and document.field.quantity is not Quantity.REFLECTANCE
        more = [
            self._window.actions_by_name[name] for name in _ON_READINGS if mark.reading or name not in _OF_A_READING
        ]
        menu = MarkMenu(mark, document.mark_set.palette, takes_white, more, self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.rename_requested.connect(self.rename)
        menu.colour_requested.connect(partial(self._ask_colour, document, mark))
        menu.edit_picked.connect(lambda attribute, value: document.mark_set.edit(number, **{attribute: value}))
        menu.white_requested.connect(lambda: document.set_white(number))
        menu.remove_requested.connect(lambda: document.remove_marks(number))
        menu.popup(at)

    def copy_table(self) -> None:
        """Copy the selected rows of the mark table, or all, to the clipboard."""
        selected = self._window.table.selected()
        chosen = selected if len(selected) > 1 else [mark.number for mark in self._document.marks]
        QGuiApplication.clipboard().setText(as_text(self._document.table_rows(chosen)))

    def import_marks(self) -> None:
        """Ask for an exported table or a file of regions, and add its marks."""
        path = self._ask_open("Import marks", _MARKS)
        if path:
            self.import_file(path)

    def import_file(self, path: Path) -> None:
        """Add the marks of an exported table, or the regions of a GeoJSON or ImageJ file."""
        if self._document.source_shape is None:
            error = ValueError(f"{path.name} contains regions of an image; open the image first")
            self._window.messages.show_failure(error)
            return
        request = files.MarksRequest(path, self._document.georeference, self._document.source_shape)
        self._worker.submit(Task.LOAD_SPECTRA, request, files.read_marks, self._take_marks)

    def load_spectra(self) -> None:
        """Ask for a file of reference spectra and add them to the plot."""
        path = self._ask_open("Load reference spectra", spectra_filter())
        if path:
            self._worker.submit(Task.LOAD_SPECTRA, files.FileRequest(path), files.read_library, self._take_library)

    def load_chart(self, name: str) -> None:
        """Add the spectra of a colour chart to the plot."""
        self._worker.submit(Task.LOAD_SPECTRA, files.ChartRequest(name), files.read_chart, self._take_chart)

    def load_light(self) -> None:
        """Ask for the spectral power of an illuminant and use it."""
        path = self._ask_open("Load illuminant", spectra_filter())
        if path:
            self._worker.submit(Task.LOAD_SPECTRA, files.FileRequest(path), files.read_library, self._take_light)

    def load_camera(self) -> None:
        """Ask for camera sensitivities and use them as the observer."""
        path = self._ask_open("Load camera sensitivities", CAMERAS)
        if path:
            self._worker.submit(Task.LOAD_SPECTRA, CameraRequest(path), read_camera, self._take_camera)

    def use_white(self) -> None:
        """Use the spectrum of the active mark as white reference."""
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

    def _take_marks(self, request: files.MarksRequest, read: files.ImportedMarks) -> None:
        imported, count = self._document.mark_set.take_all(read.marks), len(read.marks)
        sentences = list(read.notes)
        if imported < count:
            sentences.append(
                f"Imported {imported} of {count} marks of {request.path.name}; the others are outside the image."
            )
        if sentences:
            self._window.messages.show_success(" ".join(sentences))

    def _take_library(self, request: files.FileRequest, spectra: list[Spectrum]) -> None:
        self._compare(spectra, request.path.name)

    def _take_chart(self, request: files.ChartRequest, spectra: list[Spectrum]) -> None:
        self._compare(spectra, request.name)

    def _compare(self, spectra: list[Spectrum], source: str) -> None:
        self._document.add_references(spectra, source)

    def _take_light(self, request: files.FileRequest, spectra: list[Spectrum]) -> None:
        light = Illuminant.measured(request.path.name, spectra[0])
        self._document.set_viewing(ViewingConditions(light, self._document.viewing.observer))

    def _take_camera(self, request: CameraRequest, camera: Observer) -> None:
        self._document.set_viewing(ViewingConditions(self._document.viewing.light, camera))
