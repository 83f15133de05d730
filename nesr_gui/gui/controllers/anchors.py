"""Measured spectra of marks: attaching them, applying them to the reconstruction, and where to measure next."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QFileDialog

from nesr_gui.gui.model.anchoring import Anchoring
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.marks import Mark, Pixel, PlacedReading, Reading
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks import anchors
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.actions import DISABLED_REASONS, enable
from nesr_gui.gui.views.dialogs.spectrum_choice import SpectrumDialog
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.message_bar import Topic
from nesr_gui.gui.views.panels.anchors import AnchorsPanel
from nesr_gui.io.spectra.readers import spectra_filter
from nesr_gui.regions import Shape
from nesr_gui.spectral import RGBImage

REST_MS = 60  # without changes before the measured spectra are applied, so that dragging a mark does not flicker
_ON_SUGGESTIONS = ("mark_suggestions", "dismiss_suggestions")
_TITLE = "Attach measured spectrum"


class AnchorController(QObject):
    """Attaches measured spectra to marks, keeps the field in step with them, and suggests spots to measure."""

    open_requested = Signal(object)  # Path that was dropped on a mark and contains no measured spectrum

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        self.panel = AnchorsPanel()
        area = Qt.DockWidgetArea.RightDockWidgetArea
        self.dock = window.add_panel("anchors", "Anchors", self.panel, area, row=1, shown=False)
        self._requested: anchors.AnchoringRequest | None = None  # running or waiting
        self._shown: tuple[object, ...] = ()  # content of the panel
        self._suggested: dict[int, Pixel] | None = None  # spots in the image
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._submit)

    @property
    def _document(self) -> Document:
        return self._workspace.current

    # Attaching

    def attach(self) -> None:
        """Ask for a file and attach its measured spectrum to the active mark."""
        mark = self._document.mark_set.active_mark
        if mark is not None:
            path, _ = QFileDialog.getOpenFileName(self._window, _TITLE, "", f"{spectra_filter()};;All files (*)")
            if path:
                self._read(mark, anchors.ReadingRequest(Path(path)))

    def attach_file(self, number: int, path: Path) -> None:
        """Attach the measured spectrum of a file that was dropped on a mark; open a file that has none."""
        mark = self._document.mark_set.get(number)
        if mark is None:
            return
        if refusal := self._document.anchor_refusal:
            self._window.messages.show_failure(ValueError(refusal))
            return
        self._document.mark_set.set_active(number)
        self._read(mark, anchors.ReadingRequest(path, is_dropped=True))

    def attach_reference(self) -> None:
        """Attach a reference spectrum of the plot or of a colour chart to the active mark."""
        mark = self._document.mark_set.active_mark
        if mark is not None:
            request = anchors.ReferencesRequest(self._document.plot_settings.library)
            take = partial(self._take_readings, self._document, mark)
            self._worker.submit(Task.LOAD_READING, request, anchors.list_references, take)

    def detach(self) -> None:
        """Detach the measured spectrum of the active mark."""
        if (active := self._document.mark_set.active) is not None:
            self._document.mark_set.detach(active)

    def toggle(self) -> None:
        """Switch the measured spectrum of the active mark on or off."""
        mark = self._document.mark_set.active_mark
        if mark is not None and mark.reading is not None:
            self._document.mark_set.use_readings(not mark.reading.is_used, mark.number)

    def use(self, number: int, is_used: bool) -> None:
        """Switch the measured spectrum of a mark on or off."""
        self._document.mark_set.use_readings(is_used, number)

    def use_all(self, is_used: bool) -> None:
        """Switch all measured spectra on or off."""
        self._document.mark_set.use_readings(is_used, *(mark.number for mark in self._document.marks))

    def remove(self, numbers: list[int]) -> None:
        """Detach the measured spectra of marks."""
        self._document.mark_set.detach(*numbers)

    def _read(self, mark: Mark, request: anchors.ReadingRequest) -> None:
        take = partial(self._take_readings, self._document, mark)
        self._worker.submit(Task.LOAD_READING, request, anchors.read_readings, take)

    def _take_readings(
        self,
        document: Document,
        mark: Mark,
        request: anchors.ReadingRequest | anchors.ReferencesRequest,
        readings: list[Reading],
    ) -> None:
        """Attach the only reading, or let the user choose."""
        if isinstance(request, anchors.ReadingRequest) and not readings:
            self.open_requested.emit(request.path)
        elif len(readings) == 1:
            self._check(document, mark, readings[0])
        else:
            dialog = SpectrumDialog(f"{_TITLE} to {mark.title}", readings, self._window)
            dialog.picked.connect(partial(self._check, document, mark))
            dialog.open()

    def _check(self, document: Document, mark: Mark, reading: Reading) -> None:
        """Attach a reading unless it is unusable at the mark, which may have moved meanwhile."""
        present = document.mark_set.get(mark.number)
        if present is None or document.beneath is None:
            return
        request = anchors.CheckRequest(document.beneath, PlacedReading(present.number, present.place, reading))
        self._worker.submit(Task.LOAD_READING, request, anchors.check_reading, partial(self._attach, document))

    def _attach(self, document: Document, request: anchors.CheckRequest, done: None) -> None:
        document.mark_set.attach(request.placed.number, request.placed.reading)
        if document is self._document:
            self._window.panels.reveal(self.panel)

    # Applying

    def forget(self) -> None:
        """Cancel the work for the previous document or field."""
        self._requested = None
        self._rest.stop()
        for task in (Task.ANCHOR, Task.SUGGEST):
            self._worker.cancel(task)

    def stop(self) -> None:
        """Start nothing any more; called when the window closes."""
        self._rest.stop()

    def apply(self) -> None:
        """Bring the field in step with the measured spectra of the marks: at once if none is used.

        Changes are collected for a moment, unless the field is a new one, which is not to be shown without them.
        """
        document = self._workspace.current
        if not document.awaits_anchoring:
            return
        assert document.beneath is not None  # otherwise nothing is awaited
        self._rest.stop()
        readings, refusal = document.mark_set.readings, document.anchor_refusal
        if not readings:
            document.set_anchoring(None)
        elif refusal:
            refusals = {placed.number: refusal for placed in readings}
            document.set_anchoring(Anchoring(document.beneath, readings, document.beneath, refusals=refusals))
        else:
            if not any(placed.reading.is_used for placed in readings):
                document.show_beneath()
            if document.anchoring is None:
                self._submit()
            else:
                self._rest.start()

    def apply_again(self) -> None:
        """Apply the measured spectra after the user had cancelled it."""
        self._submit()

    def _submit(self) -> None:
        document = self._document
        if document.beneath is not None:
            request = anchors.AnchoringRequest(document.beneath, document.mark_set.readings, document.anchoring)
            self._requested = request
            self._worker.submit(Task.ANCHOR, request, anchors.apply_readings, self._take)

    def _take(self, request: anchors.AnchoringRequest, anchoring: Anchoring) -> None:
        """Use a result unless the field or the measured spectra have changed meanwhile."""
        document = self._document
        if request is self._requested:
            self._requested = None
        if request.beneath is document.beneath and request.readings == document.mark_set.readings:
            before = document.anchoring
            document.set_anchoring(anchoring)
            self._tell(document, before)

    def _tell(self, document: Document, before: Anchoring | None) -> None:
        """Show a new remark on a measured spectrum, of a new one first; dismiss one that no longer holds."""
        remarks = {placed: remark for placed, remark in document.anchor_remarks.items() if placed.reading.is_used}
        known = {before.remark(placed) for placed in before.readings} if before is not None else set()
        present = before.readings if before is not None else ()
        new = sorted(
            (placed for placed in remarks if remarks[placed] not in known), key=lambda placed: placed in present
        )
        if new and (mark := document.mark_set.get(new[0].number)) is not None:
            self._window.messages.show_failure(ValueError(f"{mark.title}: {remarks[new[0]]}"), Topic.ANCHORS)
        elif not remarks:
            self._window.messages.dismiss(Topic.ANCHORS)

    def take_end(self) -> None:
        """If the user cancelled, show the reconstruction without measured spectra until they are applied again."""
        document, request = self._document, self._requested
        if request is None or self._worker.is_busy(Task.ANCHOR):
            return
        self._requested = None
        if request.beneath is document.beneath and request.readings == document.mark_set.readings:
            document.set_anchoring(Anchoring(request.beneath, request.readings, request.beneath, is_cancelled=True))

    # Where to measure next

    def suggest(self) -> None:
        """Show the spots whose measured spectra would narrow the intervals of the image most."""
        field, image = self._document.field, self._document.encoded
        if field is not None and isinstance(image, RGBImage):
            request = anchors.SuggestionRequest(field, image)
            self._worker.submit(Task.SUGGEST, request, anchors.suggest, self._take_suggestions)

    def _take_suggestions(self, request: anchors.SuggestionRequest, pixels: list[Pixel]) -> None:
        if request.field is self._document.field:
            self._document.set_suggestions(pixels)

    def mark_suggestions(self) -> None:
        """Mark all suggested spots."""
        document = self._document
        pixels = document.open_suggestions.values()
        document.mark_set.take_all([Mark(1, pixel, "", "") for pixel in pixels])

    def dismiss(self) -> None:
        """Dismiss the suggested spots."""
        self._document.set_suggestions(())

    def leave(self) -> None:
        """Dismiss the suggested spots on Escape, unless it returns to the pin tool."""
        if self._workspace.tool is Shape.POINT:
            self.dismiss()

    # Display

    def show_anchors(self) -> None:
        """Show the measured spectra in the panel, and enable the actions, with the reason where they are disabled."""
        document, mark_set = self._workspace.current, self._workspace.current.mark_set
        refusal = document.anchor_refusal
        measured = [mark for mark in mark_set.marks if mark.reading is not None] if mark_set.readings else []
        content = measured, document.anchoring, refusal, document.awaits_anchoring and not refusal
        if content != self._shown:
            self._shown = content
            self.panel.show_anchors(measured, document.anchoring, refusal, is_pending=content[-1])
        active = mark_set.active_mark
        self.panel.attach.setEnabled(active is not None and not refusal)
        if measured:
            self.panel.show_active(active)
        self._show_actions(active, refusal)

    def _show_actions(self, active: Mark | None, refusal: str) -> None:
        reading, actions = active.reading if active is not None else None, self._window.actions_by_name
        for name in ("attach_reading", "attach_reference", "suggest_spots"):
            actions[name].setEnabled(not refusal and (active is not None or name == "suggest_spots"))
            actions[name].setWhatsThis(refusal or DISABLED_REASONS[name])
        for name in ("detach_reading", "use_reading"):
            actions[name].setEnabled(reading is not None)
        actions["use_reading"].setChecked(reading is not None and reading.is_used)

    def show_suggestions(self) -> None:
        """Show the suggested spots in the image."""
        document = self._workspace.current
        suggestions = document.open_suggestions if document.suggestions else {}
        if suggestions == self._suggested:
            return
        self._suggested = suggestions
        for image in self._window.panes.images:
            image.suggestions.show_suggestions(suggestions)
        self.panel.show_suggestions(bool(suggestions))
        enable(self._window.actions_by_name, _ON_SUGGESTIONS, bool(suggestions))
