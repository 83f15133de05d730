"""The values of the active mark at all bands of the model or cube."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication

from nesr_gui.fields.protocol import SpectralField
from nesr_gui.gui.model.marks import Mark, MarkGeometry, MarkSpectrum
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks.spectra import PixelQuery, RegionQuery, query_curves, query_regions
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.dialogs.band_values import BandValuesDialog
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.regions import Region


class BandValuesController(QObject):
    """Queries the active mark at all bands while the table is open, and copies the table."""

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        self.dialog: BandValuesDialog | None = None
        self._shown: tuple[SpectralField, Mark] | None = None

    def open(self) -> None:
        """Show the table."""
        if self.dialog is None:
            self.dialog = BandValuesDialog(self._window)
            self.dialog.copy_requested.connect(self._copy)
            self.dialog.finished.connect(self._close)
        self.dialog.show()
        self.dialog.raise_()
        self.query()

    def query(self) -> None:
        """Query the values of the active mark, if the table is open; of a region over the pixels of its spectrum."""
        if self.dialog is None:
            return
        document = self._workspace.current
        mark, field = document.mark_set.active_mark, document.field
        if mark is None or field is None:
            self._shown = None
            self._worker.cancel(Task.BAND_VALUES)
            self.dialog.show_values(None, None, "")
            return
        if (field, mark) != self._shown:
            self._shown = None
            self.dialog.show_values(mark, None, "")
        if not isinstance(mark.place, Region):
            pixels = PixelQuery(field, document.truth, document.binning, (mark.place,), bands=field.bands)
            self._worker.submit(Task.BAND_VALUES, pixels, query_curves, self._take)
        elif (curve := document.curves.get(mark.place)) is not None:
            regions = RegionQuery(
                field, document.truth, document.binning, (mark.place,), curve.pixels, bands=field.bands
            )
            self._worker.submit(Task.BAND_VALUES, regions, query_regions, self._take)

    def show_actions(self) -> None:
        """Enable the action and its button."""
        document = self._workspace.current
        is_possible = document.field is not None and bool(document.marks)
        enable(self._window.actions_by_name, ("band_values",), is_possible)
        self._window.plot_toolbar.show_values_possible(is_possible)

    def _take(self, request: PixelQuery | RegionQuery, curves: dict[MarkGeometry, MarkSpectrum]) -> None:
        document = self._workspace.current
        mark = document.mark_set.active_mark
        if self.dialog is not None and request.field is document.field and mark is not None and mark.place in curves:
            self._shown = request.field, mark
            self.dialog.show_values(mark, curves[mark.place], request.field.quantity.label)

    def _copy(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)

    def _close(self) -> None:
        self.dialog = self._shown = None
        self._worker.cancel(Task.BAND_VALUES)
