"""What belongs to the program rather than to an image: its actions, first steps, start page, preferences, help."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QSize, Qt, SignalInstance
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog, QMessageBox

from nesr_gui import resources
from nesr_gui.gui.controllers.files import Opening
from nesr_gui.gui.controllers.output import CSV, Writing
from nesr_gui.gui.drawing.theme import Scheme
from nesr_gui.gui.figures.export import FILTERS
from nesr_gui.gui.figures.spectra import Figure, FigureExport, export_figure
from nesr_gui.gui.model.palette import GREY, MARK_COLOURS, Theme
from nesr_gui.gui.model.preferences import TABLE as PREFERENCES
from nesr_gui.gui.model.preferences import Preferences, settings
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.model.session_file import FILTER
from nesr_gui.gui.tasks import loading
from nesr_gui.gui.tasks.files import CurvesExport, ThumbnailRequest, export_curves, make_thumbnails
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.actions import TABLE
from nesr_gui.gui.views.dialogs.command_palette import CommandPalette, of_menus, of_wavelength
from nesr_gui.gui.views.dialogs.cube_import import LABELS, ReadingDialog
from nesr_gui.gui.views.dialogs.help import GuideWindow, ShortcutSheet
from nesr_gui.gui.views.dialogs.preferences import PreferencesDialog
from nesr_gui.gui.views.dialogs.simple import FigureExportDialog
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.message_bar import STEPS, HintBar
from nesr_gui.gui.views.start_page import RECENT_SIZE, SAMPLE_SIZE
from nesr_gui.io.cubes.description import CubeHints
from nesr_gui.resources import Sample

_KEY = "hints/done"


class Commands(QObject):
    """Carries out actions on the session, asking the user what else must be known."""

    def __init__(self, window: MainWindow, session: Session, writing: Writing, opening: Opening) -> None:
        super().__init__(window)
        self._window, self._session, self._writing, self._opening = window, session, writing, opening
        window.input.camera_file_picked.connect(self.load_camera)

    def open_file(self, beside: bool = False) -> None:
        from nesr_gui import io

        filters = ";;".join([*(io.dialog_filter(kind) for kind in (io.FileKind.PHOTOGRAPH, io.FileKind.CUBE)), FILTER])
        path, _ = QFileDialog.getOpenFileName(
            self._window, "Open a photograph, a spectral cube or a session", "", filters
        )
        if path:
            self._opening.open(Path(path), beside=beside)

    def open_beside(self) -> None:
        self.open_file(beside=True)

    def open_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(
            self._window, "Open a cube that is a folder: Zarr, or one file per band"
        )
        if path:
            self._opening.open(Path(path))

    def ask_reading(self, error: Exception, open_cube: Callable[[Path, CubeHints], None]) -> None:
        """Ask what the file of a cube leaves open, where that is why it did not open, and open it so."""
        from nesr_gui.io.cubes.description import AmbiguousFile

        if not isinstance(error, AmbiguousFile) or error.path is None or error.field not in LABELS:
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
            request = CurvesExport(path, session.field, session.binning, session.marks, session.resolution())
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


class Hinting(QObject):
    """Sees which steps are done, and remembers it."""

    def __init__(self, bar: HintBar, session: Session, exported: SignalInstance) -> None:
        super().__init__(bar)
        self._bar, self._session = bar, session
        session.field_changed.connect(self.show)
        session.marking.changed.connect(lambda: self._finish("pixel") if session.marks else None)
        session.wavelength_changed.connect(lambda nm: self._finish("wavelength"))
        exported.connect(lambda: self._finish("export"))
        bar.close_picked.connect(self.close)
        self.show()

    def show(self) -> None:
        """The steps that are left, once they can be done."""
        self._bar.show_steps(self.left() if self._session.field is not None else [])

    def left(self) -> list[str]:
        done = str(settings().value(_KEY, "")).split()
        return [step for step in STEPS if step not in done]

    def close(self) -> None:
        """All of them are gone for good."""
        self._finish(*STEPS)

    def start_again(self) -> None:
        settings().remove(_KEY)
        self.show()

    def _finish(self, *steps: str) -> None:
        left = self.left()
        if set(steps) & set(left):
            settings().setValue(_KEY, " ".join(step for step in STEPS if step not in left or step in steps))
            self.show()


class Preferring(QObject):
    """For each preference the one thing that it changes."""

    def __init__(
        self,
        preferences: Preferences,
        session: Session,
        parent: QObject,
        *,
        use_device: Callable[[str], None],
        prefer_working_pixels: Callable[[int | None], None],
        set_autosave_interval: Callable[[int | None], None],
    ) -> None:
        super().__init__(parent)
        self._preferences, self._session = preferences, session
        self._scheme = Scheme(self)
        self._effects: dict[str, Callable[[str], None]] = {
            "theme": lambda value: self._scheme.choose(Theme(value)),
            "device": use_device,
            "working_pixels": lambda value: prefer_working_pixels(int(value) if value else None),
            "colormap": self._colour_bands,
            "autosave": lambda value: set_autosave_interval(int(value) if value else None),
            "mark_colours": lambda value: session.marking.set_palette(MARK_COLOURS[value]),
        }
        preferences.changed.connect(self._take)
        for preference in PREFERENCES:
            self._take(preference.key)

    def _take(self, key: str) -> None:
        self._effects[key](self._preferences[key])

    def _colour_bands(self, colormap: str) -> None:
        self._session.set_look(self._session.look.with_colormap("band", None if colormap == GREY else colormap))


class Starting(QObject):
    """Keeps the start page up to date; its pictures are made by the worker."""

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        worker: Worker,
        opening: Opening,
        open_sample: Callable[[Sample], None],
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._worker, self._opening = window, session, worker, opening
        page, samples = window.start, present_samples()
        window.fill_menu("open_sample", [(sample.title, partial(open_sample, sample)) for sample in samples])
        page.show_samples(samples)
        page.sample_picked.connect(open_sample)
        page.file_picked.connect(opening.open)
        session.image_changed.connect(self._show)
        worker.progressed.connect(lambda task, fraction: self._show())
        worker.ended.connect(lambda task: self._show())
        opening.recent_changed.connect(self._show_recent)
        self._ask(Task.SAMPLE_THUMBNAILS, [sample.photograph for sample in samples], SAMPLE_SIZE)
        self._show_recent()
        self._show()

    def _show(self) -> None:
        """An image that is being read is waited for without the page, so that it does not flash by."""
        is_empty = self._session.source_shape is None and not self._worker.is_busy(Task.OPEN)
        wanted = self._window.start if is_empty else self._window.panes
        if self._window.middle.currentWidget() is not wanted:
            self._window.middle.setCurrentWidget(wanted)

    def _show_recent(self) -> None:
        paths = self._opening.recent()
        self._window.start.show_recent(paths)
        self._ask(Task.RECENT_THUMBNAILS, paths, RECENT_SIZE)

    def _ask(self, task: Task, paths: list[Path], size: QSize) -> None:
        request = ThumbnailRequest(tuple(paths), size * 2)  # twice, for screens with small pixels
        self._worker.submit(task, request, make_thumbnails, self._take)

    def _take(self, request: ThumbnailRequest, pictures: Mapping[Path, QImage]) -> None:
        self._window.start.show_thumbnails(pictures)
        self._window.start.show_missing(set(request.paths) - set(pictures))


def present_samples() -> list[Sample]:
    """The embedded samples."""
    try:
        return resources.samples()
    except OSError:  # a source tree whose samples are not made yet
        return []


class Shell(QObject):
    """Carries out actions on the program; methods are named in `actions.TABLE`."""

    def __init__(self, window: MainWindow, session: Session, preferences: Preferences, hinting: Hinting) -> None:
        super().__init__(window)
        self._window, self._session, self._preferences, self._hinting = window, session, preferences, hinting

    def find_action(self) -> None:
        session = self._session
        offers = of_menus(self._window.menuBar())
        palette = CommandPalette(
            offers, lambda text: of_wavelength(text, session.wavelength_range, session.set_wavelength), self._window
        )
        palette.open()

    def shortcuts(self) -> None:
        ShortcutSheet(self._window).open()

    def preferences(self) -> None:
        dialog = PreferencesDialog(self._preferences, self._window)
        dialog.reset_asked.connect(lambda: self._ask_reset(dialog))
        dialog.open()

    def guide(self) -> None:
        """The user guide; one window of it is enough."""
        shown = self._window.findChild(GuideWindow) or GuideWindow(resources.guide(), self._window)
        shown.show()
        shown.activateWindow()

    def zoom_in(self) -> None:
        self._zoom(2.0)

    def zoom_out(self) -> None:
        self._zoom(0.5)

    def _zoom(self, factor: float) -> None:
        """Around the active mark, so that it can be led to its pixel with the keys; without one, around the middle."""
        mark = self._session.marking.get(self._session.marking.active)
        self._window.panes.zoom(factor, mark.pixel if mark is not None else None)

    def _ask_reset(self, dialog: PreferencesDialog) -> None:
        box = QMessageBox(
            QMessageBox.Icon.Question,
            "Reset everything",
            "Put all preferences and the layout of the panels back as they were at first, and show the first steps "
            "again? Recent files stay.",
            QMessageBox.StandardButton.Reset | QMessageBox.StandardButton.Cancel,
            dialog,
        )
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.button(QMessageBox.StandardButton.Reset).clicked.connect(self.reset)
        box.open()

    def reset(self) -> None:
        """Preferences and layout as in a program that starts for the first time."""
        self._preferences.reset()
        self._window.reset_layout()
        self._hinting.start_again()
