"""What each action of the table does; methods are named in `actions.TABLE`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox

from nesr_gui.gui.export.writing import CSV, Writing
from nesr_gui.gui.figures.export import FILTERS
from nesr_gui.gui.figures.spectra import Figure, FigureExport, export_figure
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.model.session_file import FILTER
from nesr_gui.gui.opening import Opening
from nesr_gui.gui.tasks import loading
from nesr_gui.gui.tasks.files import CurvesExport, export_curves
from nesr_gui.gui.views.actions import TABLE
from nesr_gui.gui.views.dialogs.cube_import import LABELS, ReadingDialog
from nesr_gui.gui.views.dialogs.simple import FigureExportDialog
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.io.cubes.description import Reading


class Commands(QObject):
    """Carries out actions on the session, asking the user what else must be known."""

    def __init__(self, window: MainWindow, session: Session, writing: Writing, opening: Opening) -> None:
        super().__init__(window)
        self._window, self._session, self._writing, self._opening = window, session, writing, opening
        window.input.camera_file_picked.connect(self.load_camera)

    def open_file(self, beside: bool = False) -> None:
        from nesr_gui import io

        filters = ";;".join([*(io.dialog_filter(kind) for kind in (io.Kind.PHOTOGRAPH, io.Kind.CUBE)), FILTER])
        path, _ = QFileDialog.getOpenFileName(
            self._window, "Open a photograph, a spectral cube or a session", "", filters
        )
        if path:
            self._opening.open(Path(path), beside=beside)

    def open_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(
            self._window, "Open a cube that is a folder: Zarr, or one file per band"
        )
        if path:
            self._opening.open(Path(path))

    def ask_reading(self, error: Exception, open_cube: Callable[[Path, Reading], None]) -> None:
        """Ask what the file of a cube leaves open, where that is why it did not open, and open it so."""
        from nesr_gui.io.errors import Unclear

        if not isinstance(error, Unclear) or error.path is None or error.field not in LABELS:
            return
        dialog, path = ReadingDialog(error, self._window), error.path
        dialog.accepted.connect(lambda: open_cube(path, dialog.reading()))
        dialog.open()

    def export_curves(self) -> None:
        session = self._session
        if session.field is None or not session.marks:
            return
        path = self._writing.ask("Export curves", "-curves.csv", CSV)
        if path:
            request = CurvesExport(path, session.field, session.reduction, session.marks, session.resolution())
            self._writing.write(request, export_curves)

    def export_figure(self) -> None:
        dialog = FigureExportDialog(self._window)

        def go() -> None:
            path = self._writing.ask("Export figure", "-spectra.png", FILTERS)
            if path:
                self._save_figure(path, dialog.dpi.value())

        dialog.accepted.connect(go)
        dialog.open()

    def _save_figure(self, path: Path, dpi: int) -> None:
        session = self._session
        quantity = str(session.field.quantity) if session.field else ""
        figure = Figure(session.plotted(), session.wavelength_range, quantity)
        self._writing.write(FigureExport(path, figure, dpi), export_figure)

    def load_camera(self) -> None:
        """Ask for a camera's sensitivities, to understand the photograph by."""
        path, _ = QFileDialog.getOpenFileName(self._window, "Load camera sensitivities", "", loading.CAMERAS)
        if path:
            self._opening.load_camera(Path(path))

    def quit(self) -> None:
        self._window.close()

    def undo(self) -> None:
        self._session.steps.undo()

    def redo(self) -> None:
        self._session.steps.redo()

    def fit(self) -> None:
        self._window.panes.fit()

    def reset_layout(self) -> None:
        self._window.reset_layout()

    def play(self) -> None:
        self._window.bar.toggle_playing()

    def longer(self) -> None:
        self._session.step_wavelength(1)

    def shorter(self) -> None:
        self._session.step_wavelength(-1)

    def much_longer(self) -> None:
        self._session.step_wavelength(10)

    def much_shorter(self) -> None:
        self._session.step_wavelength(-10)

    def about(self) -> None:
        box = QMessageBox(self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("About nesr_gui")
        box.setIconPixmap(self._window.windowIcon().pixmap(64, 64))
        box.setText("<b>nesr_gui</b>")
        box.setInformativeText(
            "Spectra from photographs: click a pixel, drag the wavelength, export the cube.\n\n"
            "What is shown is estimated from three colours; many spectra have the same colour, and the model names "
            "the likely one. It is no measurement."
        )
        box.open()


def bind(window: MainWindow, *commands: QObject) -> None:
    """Connect every action to the method of its name, or to `show_mode` of the mode it names."""
    methods = {entry.name: entry.mode for entry in TABLE}
    for name, action in window.actions_by_name.items():
        wanted = "show_mode" if methods[name] else name
        do: Callable[..., None] = next(getattr(some, wanted) for some in commands if hasattr(some, wanted))
        given = (methods[name],) if methods[name] else ()
        action.triggered.connect(lambda checked=False, do=do, given=given: do(*given))
