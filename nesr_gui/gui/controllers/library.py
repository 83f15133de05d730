"""Spectral libraries: opening and closing them, and the matches of the active mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from nesr_gui.analysis.library import SpectralLibrary
from nesr_gui.analysis.matching import Match
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.library import MatchSettings, OpenedLibrary, SavedLibrary
from nesr_gui.gui.model.marks import as_text
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks import library as tasks
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.panels.library import LibraryPanel
from nesr_gui.io.spectra.readers import spectra_filter
from nesr_gui.regions import Region

NO_FIELD = "No reconstruction or cube is available; open one, or wait until it is ready."
NO_MARK = "No mark is active; click a pixel, or choose a mark."
UNFINISHED = "The comparison was not finished; it is repeated when the mark, the libraries or the settings change."
_NO_MARKS = "there are no marks with spectra; click a pixel first"
_APPLYING = "the measured spectra are being applied; use the marks again in a moment"
_ON_MATCHES = ("keep_matches", "copy_matches", "export_matches")
PREFERRED = 370  # px of the height of the panel: some rows of matches
_MOST_NAMED = 4  # unreadable files


class LibraryController(QObject):
    """Opens libraries, compares the active mark with them while the panel is visible, and draws what is selected."""

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        self.panel = LibraryPanel()
        area = Qt.DockWidgetArea.RightDockWidgetArea
        self.dock = window.add_panel("library", "Library", self.panel, area, row=1, shown=False)
        self._is_wanted = False
        self._requested: tasks.MatchRequest | None = None  # running, waiting or answered
        self.answer: tasks.MatchAnswer | None = None  # as shown

    @property
    def _document(self) -> Document:
        return self._workspace.current

    # Libraries

    def show_panel(self) -> None:
        """Show the panel with the focus in it."""
        self._window.panels.reveal(self.panel, PREFERRED)
        (self.panel.table if self._workspace.libraries else self.panel.open).setFocus(Qt.FocusReason.OtherFocusReason)

    def ask_files(self) -> None:
        """Ask for files of spectra and open them."""
        title, filters = "Open spectral libraries", f"{spectra_filter()};;All files (*)"
        paths, _ = QFileDialog.getOpenFileNames(self._window, title, "", filters)
        self.open([Path(path) for path in paths])

    def ask_folder(self) -> None:
        """Ask for a folder and open all spectra below it."""
        path = QFileDialog.getExistingDirectory(self._window, "Open folder of spectra")
        self.open([Path(path)] if path else [])

    def open(self, paths: Sequence[Path]) -> None:
        """Open files and folders as libraries; those that are open are read again."""
        if paths:
            self._window.panels.reveal(self.panel, PREFERRED)
            self._read(paths)

    def restore(self, saved: Sequence[SavedLibrary]) -> None:
        """Open the libraries of a session: files that are not open yet, and marks as they were saved."""
        present = {each.path for each in self._workspace.libraries}
        if of_marks := [each for each in saved if each.path is None]:
            self._add([OpenedLibrary(each.name, SpectralLibrary.of(each.spectra, each.name)) for each in of_marks])
        if paths := [each.path for each in saved if each.path is not None and each.path not in present]:
            self._read(paths)

    def use_marks(self) -> None:
        """Open the present spectra of the marks as a library."""
        document = self._document
        if document.field is None or not document.marks:
            self._window.messages.show_failure(ValueError(_NO_MARKS))
        elif document.awaits_anchoring:
            self._window.messages.show_failure(ValueError(_APPLYING))
        else:
            self._window.panels.reveal(self.panel, PREFERRED)
            name = f"Marks of {document.name}"
            request = tasks.MarkLibraryRequest(name, document.field, document.binning, document.marks)
            self._worker.submit(Task.MARK_LIBRARY, request, tasks.library_of_marks, self._take_marks)

    def remove(self, places: Sequence[int]) -> None:
        """Close libraries by their places in the list."""
        self._workspace.set_libraries(
            [each for place, each in enumerate(self._workspace.libraries) if place not in places]
        )

    def _read(self, paths: Sequence[Path]) -> None:
        request = tasks.LibraryRequest(tuple(path.absolute() for path in paths))
        self._worker.submit(Task.OPEN_LIBRARIES, request, tasks.open_libraries, self._take_libraries)

    def _take_libraries(self, request: tasks.LibraryRequest, read: tasks.LibrariesRead) -> None:
        if read.libraries:
            self._add(read.libraries)
        if failures := read.failures:
            listed = "; ".join(failures[:_MOST_NAMED]) + (" …" if len(failures) > _MOST_NAMED else "")
            count = len(request.paths)
            several = f"{len(failures)} of {count} libraries could not be read, the others were opened: {listed}"
            self._window.messages.show_failure(ValueError(several if count > len(failures) else listed))

    def _take_marks(self, request: tasks.MarkLibraryRequest, library: OpenedLibrary) -> None:
        self._add([library])

    def _add(self, libraries: Sequence[OpenedLibrary]) -> None:
        """Add libraries in the place of those from the same file or of the same marks."""
        new = {(each.path, each.name): each for each in libraries}
        kept = [new.pop((each.path, each.name), each) for each in self._workspace.libraries]
        self._workspace.set_libraries([*kept, *new.values()])

    # Matches

    def set_wanted(self, is_wanted: bool) -> None:
        """Set whether the panel is visible: spectra are drawn beside the mark only then."""
        self._is_wanted = is_wanted
        self._stop()
        self.query()
        self._draw()

    def forget(self) -> None:
        """Drop the matches of the previous document or field."""
        self._stop()
        self._show(None, "")

    def query(self) -> None:
        """Compare the active mark with the libraries, unless that was done or the panel is hidden."""
        if not self._is_wanted:
            return
        document = self._document
        mark, field = document.mark_set.active_mark, document.field
        if not self._workspace.libraries or field is None or mark is None:
            self._stop()
            words = "" if not self._workspace.libraries else NO_FIELD if field is None else NO_MARK
            self._show(None, words)
            return
        curve = document.curves.get(mark.place)
        if curve is None and isinstance(mark.place, Region):
            self._stop()  # until its mean is known
            return
        request = tasks.MatchRequest(
            field=field, binning=document.binning, mark=mark, pixels=curve.pixels if curve is not None else 1,
            library=self._workspace.library, settings=document.match_settings, viewing=document.viewing,
            white=document.white,
        )  # fmt: skip
        if request != self._requested:
            self._requested = request
            self._worker.submit(Task.MATCH, request, tasks.find_matches, self._take)

    def take_end(self) -> None:
        """Say that a comparison was cancelled."""
        answered = self.answer.request if self.answer is not None else None
        if self._requested not in (None, answered) and not self._worker.is_busy(Task.MATCH):
            self._show(None, UNFINISHED)

    def _stop(self) -> None:
        self._requested = None
        self._worker.cancel(Task.MATCH)

    def _take(self, request: tasks.MatchRequest, answer: tasks.MatchAnswer) -> None:
        """Show an answer unless mark, field, libraries or settings have changed meanwhile."""
        if request is self._requested:
            self._show(answer, answer.summary())

    def _show(self, answer: tasks.MatchAnswer | None, words: str) -> None:
        self.answer = answer
        self.panel.show_answer(answer, words)
        self._draw()

    def _draw(self) -> None:
        """Draw what is selected, and enable what can be done with it."""
        answer = self.answer if self._is_wanted else None
        has_matches = answer is not None and bool(answer.matches)
        enable(self._window.actions_by_name, _ON_MATCHES, has_matches)
        self._document.set_library_curves(
            tasks.library_curves(answer, self.panel.selected()) if answer is not None else None
        )

    def draw_selection(self) -> None:
        """Draw other spectra, which the user selected."""
        self._draw()

    def keep(self) -> None:
        """Add the selected spectra, or the nearest, to the reference spectra of the plot."""
        settings = self._document.plot_settings
        present = {id(reference.spectrum) for reference in settings.library}
        try:
            for match in self._chosen():
                if id(match.entry.spectrum) not in present:
                    settings = settings.with_spectra([match.entry.spectrum], match.entry.file)
        except ValueError as error:
            self._window.messages.show_failure(error)
            return
        self._document.set_references(settings.library)

    def _chosen(self) -> Sequence[Match]:
        return self.panel.selected() or (self.answer.matches[:1] if self.answer is not None else ())

    def copy(self) -> None:
        """Copy the listed matches as a table."""
        QGuiApplication.clipboard().setText(as_text(self.rows()))

    def rows(self) -> list[dict[str, str]]:
        """The listed matches as rows of a table, in the order of the list."""
        rows = self.answer.rows() if self.answer is not None else []
        return [rows[self.panel.model.rank(place) - 1] for place in range(self.panel.model.rowCount())]

    def provenance(self) -> dict[str, str]:
        """What a file of the listed matches records."""
        provenance = self.answer.provenance() if self.answer is not None else {}
        provenance["libraries"] = "; ".join(str(each.path or each.name) for each in self._workspace.libraries)
        search = self.panel.search.text().strip()
        return {**provenance, "search": search} if search else provenance

    # Settings and display

    def set_settings(self, settings: MatchSettings) -> None:
        """Set how the mark is compared."""
        self._document.set_match_settings(settings)

    def toggle_metamers(self) -> None:
        """List all spectra or only metamers, in the revealed panel."""
        self._window.panels.reveal(self.panel, PREFERRED)
        settings = self._document.match_settings
        self._document.set_match_settings(replace(settings, metamers=not settings.metamers))

    def show_libraries(self) -> None:
        """Show the opened libraries."""
        self.panel.show_libraries(self._workspace.libraries)

    def show_settings(self) -> None:
        """Show how the mark is compared."""
        document = self._workspace.current
        self.panel.show_settings(document.match_settings, document.wavelength_range)
        self._window.actions_by_name["metamers"].setChecked(document.match_settings.metamers)
