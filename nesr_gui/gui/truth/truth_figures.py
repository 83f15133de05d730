"""Asks what the figure of a comparison shall show, previews it, and has it written."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage

from nesr_gui.fields.accuracy import shared_bands
from nesr_gui.gui.export.writing import Writing
from nesr_gui.gui.figures.comparison import TruthFigure, TruthFigureExport, export_truth_figure, preview
from nesr_gui.gui.figures.export import FILTERS
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.tasks.worker import Worker
from nesr_gui.gui.view_modes.base import Scene
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.dialogs.comparison_figure import TruthFigureDialog
from nesr_gui.gui.views.main_window import MainWindow


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
            self._worker.submit("preview", figure(), preview, show)

        dialog.changed.connect(ask)
        dialog.finished.connect(lambda result: self._worker.cancel("preview"))
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
