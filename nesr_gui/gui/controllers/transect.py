"""The transect: drawing it, queries of its spectra, and their display."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property

from PySide6.QtCore import QObject, Qt, Signal

from nesr_gui.analysis.pixelwise import brief_basis, rests_on
from nesr_gui.analysis.transect import Transect
from nesr_gui.fields.protocol import CalibratedField
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.transect import LineTool, TransectLine, TransectSpectra
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks.transect import TransectRequest, query_transect, query_transect_values
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.image.mark_items import WHOLE
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.panels.transect import EMPTY, TransectPanel
from nesr_gui.regions import Point

_TASKS = Task.TRANSECT, Task.TRANSECT_VALUES
PREFERRED = 350  # px of the height of the panel
_NEAR = 8.0  # px on the screen from the line within which the mouse is on it


class TransectController(QObject):
    """Keeps the transect of the document, computes it while its panel is visible, and links it with the picture."""

    panel_made = Signal(object)  # TransectPanel

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        area = Qt.DockWidgetArea.RightDockWidgetArea
        self.dock = window.add_panel("transect", "Transect", lambda: self.panel, area, row=1, shown=False)
        self._is_visible = False
        self._asked: dict[Task, tuple[object, ...]] = {}  # what the latest request of each task is about

    @cached_property
    def panel(self) -> TransectPanel:
        """The panel, which takes long to make: it is made when it is first shown."""
        panel = TransectPanel()
        self._window.panels.fill(self.dock, panel)
        self.panel_made.emit(panel)
        return panel

    @property
    def _document(self) -> Document:
        return self._workspace.current

    # What the user does

    def choose_tool(self) -> None:
        """Draw transects with the mouse, and show the panel."""
        self._workspace.set_tool(LineTool.TRANSECT)
        self._window.panels.reveal(self.panel, PREFERRED)

    def add_across(self) -> None:
        """Draw a transect across the middle of the view; keys can move it from there."""
        view, transect = self._window.image.view(), self._document.transect
        row = (view.top + view.bottom) / 2
        left, right = (view.left + share * (view.right - view.left) for share in (0.25, 0.75))
        start, end = transect.clamped((row, left)), transect.clamped((row, right))
        if self._document.source_shape is not None and start != end:
            transect.set_line(self._with_width(start, end))
            self.choose_tool()
            self._window.image.setFocus()

    def draw(self, start: Point, end: Point, gesture: int) -> None:
        """Set the ends of the transect; changes of one gesture are one undo step."""
        self._set_ends(start, end, ("transect", gesture))
        self._window.panels.reveal(self.panel, PREFERRED)

    def shift(self, grip: int, rows: int, cols: int) -> None:
        """Move the transect or one of its ends; consecutive moves are one undo step."""
        line = self._document.transect.line
        if line is not None:
            row, col = line.ends[max(grip, 0)]
            moved = line.moved(rows, cols) if grip == WHOLE else line.with_end(grip, (row + rows, col + cols))
            self._set_ends(*moved.ends, ("shift transect", grip))

    def set_width(self, width: int) -> None:
        """Average this number of pixels across the line."""
        transect = self._document.transect
        if transect.line is not None:
            transect.set_line(replace(transect.line, width=width), "width of transect")

    def remove(self) -> None:
        """Remove the transect."""
        self._document.transect.set_line(None)

    def hover(self, distance: float | None) -> None:
        """Show a position on the transect in the picture."""
        document = self._document
        line, shape = document.transect.line, document.source_shape
        if distance is None or line is None or shape is None:
            document.set_hover(None)
            return
        row, col = (math.floor(at) for at in line.point_at(distance))
        document.set_hover((min(row, shape[0] - 1), min(col, shape[1] - 1)))

    def _set_ends(self, start: Point, end: Point, series: tuple[str, int]) -> None:
        """Set the ends, as far as they are in the image: a shift of the whole line keeps its length."""
        transect = self._document.transect
        line = transect.line
        inside = [transect.clamped(point) for point in (start, end)]
        if line is not None and _is_shift(line, start, end):
            back = [max((to[axis] - at[axis] for to, at in zip(inside, (start, end), strict=True)), key=abs)
                    for axis in (0, 1)]  # fmt: skip
            inside = list(replace(line, start=start, end=end).moved(*back).ends)
        if inside[0] != inside[1]:
            transect.set_line(self._with_width(*inside), series)

    def _with_width(self, start: Point, end: Point) -> TransectLine:
        line = self._document.transect.line
        return TransectLine(start, end, line.width if line is not None else 1)

    # Queries

    def forget(self) -> None:
        """Cancel the work for the previous field."""
        self._asked.clear()
        for task in _TASKS:
            self._worker.cancel(task)

    def set_visible(self, is_visible: bool) -> None:
        """Compute and show the transect while its panel is visible."""
        self._is_visible = is_visible
        if is_visible:
            self._asked.clear()  # of what was cancelled
            self.query()
            self.show()
            self.show_wavelength()

    def query(self) -> None:
        """Query what is missing for the line, the field and the wavelength."""
        document = self._workspace.current
        line, field = document.transect.line, document.field
        if line is None or field is None or not self._is_visible:
            return
        if document.transect.spectra is None and self._is_new(Task.TRANSECT, field, line):
            self._worker.submit(Task.TRANSECT, TransectRequest(field, line), query_transect, self._take_spectra)
        if document.transect.values is None and self._is_new(Task.TRANSECT_VALUES, field, line, document.nm):
            request = TransectRequest(field, line, document.nm)
            self._worker.submit(Task.TRANSECT_VALUES, request, query_transect_values, self._take_values)

    def _is_new(self, task: Task, *key: object) -> bool:
        """Whether the latest request of a task is about something else, or was answered: the answer may be gone."""
        before, self._asked[task] = self._asked.get(task), key
        return before != key

    def _take_spectra(self, request: TransectRequest, spectra: TransectSpectra) -> None:
        document = self._document
        self._asked.pop(Task.TRANSECT, None)
        if request.field is document.field and request.line == document.transect.line:
            document.transect.set_spectra(spectra)

    def _take_values(self, request: TransectRequest, values: Transect) -> None:
        document = self._document
        self._asked.pop(Task.TRANSECT_VALUES, None)
        is_same = request.field is document.field and request.line == document.transect.line
        if is_same and request.nm == document.nm:
            document.transect.set_values(values)

    # Display

    def show(self) -> None:
        """Show the line in the picture, and what is computed of it in the panel."""
        document, transect = self._workspace.current, self._workspace.current.transect
        self._window.panes.show_transect(transect.line, document.binning)
        actions = self._window.actions_by_name
        enable(actions, ("remove_transect", "export_transect", "export_transect_figure"), transect.line is not None)
        enable(actions, ("add_transect",), document.field is not None)
        if not self._is_visible:
            return
        self.panel.show_line(transect.line.width if transect.line is not None else None)
        place = document.georeference
        quantity = document.field.quantity.label if document.field is not None else ""
        self.panel.view.show_range(document.wavelength_range)
        self.panel.view.show_transect(
            transect.spectra, transect.values, quantity, place.pixel_metres if place is not None else None
        )
        basis = rests_on(document.field) if document.field is not None and document.is_estimated else ""
        self.panel.show_words(self._words(document), basis)

    def show_wavelength(self) -> None:
        """Show the selected wavelength."""
        if self._is_visible:
            self.panel.view.show_wavelength(self._document.nm)

    def show_hover(self) -> None:
        """Show the position of the pixel under the mouse, if it is on the transect."""
        document = self._workspace.current
        line = document.transect.line
        if line is None or not self._is_visible:
            return
        distance = None
        if document.hover is not None:
            at, away = line.project((document.hover[0] + 0.5, document.hover[1] + 0.5))
            reach = max(_NEAR * self._window.image.view().scale, line.width * document.binning / 2, 1.0)
            distance = at if away <= reach else None
        self.panel.view.show_position(distance)

    def _words(self, document: Document) -> str:
        """What the panel shows, and what it rests on."""
        line, field = document.transect.line, document.field
        if line is None or field is None:
            return EMPTY
        text = f"{line.length:.4g} px"
        if line.width > 1:
            text += f", mean of {line.width} pixels across"
        if document.is_estimated:
            text += f". {brief_basis(field)}"
        if isinstance(field, CalibratedField):
            text += ". Band: 90 % prediction interval"
            text += ", as if errors across the line were equal" if line.width > 1 else ""
        return f"{text}."


def _is_shift(line: TransectLine, start: Point, end: Point) -> bool:
    """Whether both ends moved by the same amount."""
    moves = [to[axis] - at[axis] for axis in (0, 1) for to, at in zip((start, end), line.ends, strict=True)]
    return math.isclose(moves[0], moves[1], abs_tol=1e-6) and math.isclose(moves[2], moves[3], abs_tol=1e-6)
