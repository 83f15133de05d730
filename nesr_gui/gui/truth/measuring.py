"""Measures how far the reconstruction is from the truth: of the marks and of the image, while somebody looks."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication

from nesr_gui.fields.accuracy import CONDITIONS, Figures
from nesr_gui.fields.protocol import SpectralField
from nesr_gui.gui.export.writing import CSV, Writing
from nesr_gui.gui.model.marks import Place, as_text
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.tasks.comparison import AccuracyRequest, measure, rows_of
from nesr_gui.gui.tasks.files import TableExport, export_table
from nesr_gui.gui.tasks.worker import Worker
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.panels.accuracy import AccuracyPanel

_MARKS, _IMAGE = "accuracy", "accuracy image"


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
        self.figures: dict[Place | None, Figures] = {}
        self._basis: tuple[SpectralField | None, SpectralField | None] = (None, None)  # what the figures are of
        self._known: WeakKeyDictionary[SpectralField, tuple[SpectralField, dict[Place | None, Figures]]]
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
            for purpose in (_MARKS, _IMAGE):
                self._worker.cancel(purpose)
        self._is_declined = False
        self._ask()

    def _known_of(self, field: SpectralField | None, truth: SpectralField | None) -> dict[Place | None, Figures]:
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
                self._worker.submit(_MARKS, self._request(missing), measure, self._take)
            if None not in self.figures and not self._is_declined and not self._worker.is_busy(_IMAGE):
                self._ask_image()
        self._show()

    def _ask_image(self) -> None:
        if None not in self._basis:
            self._is_declined = False
            self._worker.submit(_IMAGE, self._request((None,)), measure, self._take)
            self._show()

    def _request(self, places: tuple[Place | None, ...]) -> AccuracyRequest:
        session = self._session
        assert session.field is not None and session.truth is not None
        return AccuracyRequest(session.field, session.truth, session.reduction, places)

    def _take(self, request: AccuracyRequest, figures: dict[Place | None, Figures]) -> None:
        if (request.field, request.truth) == self._basis:
            self.figures |= figures
            self._show()

    def _end(self, purpose: str) -> None:
        if purpose == _IMAGE:
            self._is_declined = None not in self.figures
            self._show()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(as_text(rows_of(self._session.marks, self.figures)))

    def _show(self) -> None:
        is_measuring = self._worker.is_busy(_IMAGE)
        self._panel.show_figures(self._session.marks, self.figures, is_measuring)
        self._panel.show_can_measure(None not in self._basis and None not in self.figures and not is_measuring)
        enable(self._window.actions_by_name, ["export_accuracy"], bool(self.figures))
