"""Program-wide behaviour: first steps, start page, preferences, help and actions of the main window."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QMessageBox

from nesr_gui import resources
from nesr_gui.colorimetry.viewing_conditions import CIE_1931, CIE_1964, ILLUMINANTS, Illuminant, ViewingConditions
from nesr_gui.gui.drawing.theme import ColourScheme
from nesr_gui.gui.model.palette import GREY, MARK_COLOURS, Theme
from nesr_gui.gui.model.preferences import TABLE, Preferences, recent_files, settings
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks.files import ThumbnailRequest, make_thumbnails
from nesr_gui.gui.tasks.spectra import NO_COLOURS
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.views.actions import SYNONYMS
from nesr_gui.gui.views.dialogs.command_palette import CommandPalette, PaletteItem, of_menus, of_panel, of_wavelength
from nesr_gui.gui.views.dialogs.help import GuideWindow, ShortcutSheet
from nesr_gui.gui.views.dialogs.preferences import PreferencesDialog
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.message_bar import STEPS, FirstStepsBar
from nesr_gui.gui.views.start_page import RECENT_SIZE, SAMPLE_SIZE
from nesr_gui.resources import Sample

_KEY = "hints/done"


class FirstSteps(QObject):
    """Tracks which first steps are completed and saves them in the settings."""

    def __init__(self, bar: FirstStepsBar, workspace: Workspace) -> None:
        super().__init__(bar)
        self._bar, self._workspace = bar, workspace
        self.show()

    def show(self) -> None:
        """Show the remaining steps once an image is ready."""
        self._bar.show_steps(self.left() if self._workspace.current.field is not None else [])

    def left(self) -> list[str]:
        """The remaining steps."""
        done = str(settings().value(_KEY, "")).split()
        return [step for step in STEPS if step not in done]

    def finish_pixel(self) -> None:
        """Complete the step of clicking a pixel."""
        if self._workspace.current.marks:
            self._finish("pixel")

    def finish_wavelength(self) -> None:
        """Complete the step of changing the wavelength."""
        self._finish("wavelength")

    def finish_export(self) -> None:
        """Complete the step of exporting a cube."""
        self._finish("export")

    def close(self) -> None:
        """Complete all steps, which hides the bar permanently."""
        self._finish(*STEPS)

    def start_again(self) -> None:
        """Show all steps again."""
        settings().remove(_KEY)
        self.show()

    def _finish(self, *steps: str) -> None:
        left = self.left()
        if set(steps) & set(left):
            settings().setValue(_KEY, " ".join(step for step in STEPS if step not in left or step in steps))
            self.show()


class PreferenceBinder(QObject):
    """Applies each preference to the part of the program that it configures."""

    def __init__(
        self,
        preferences: Preferences,
        workspace: Workspace,
        parent: QObject,
        *,
        scheme: ColourScheme,
        use_device: Callable[[str], None],
        prefer_working_pixels: Callable[[int | None], None],
        set_autosave_interval: Callable[[int | None], None],
    ) -> None:
        super().__init__(parent)
        self._preferences, self._workspace = preferences, workspace
        self._scheme = scheme
        self._effects: dict[str, Callable[[str], None]] = {
            "theme": lambda value: self._scheme.choose(Theme(value)),
            "device": use_device,
            "working_pixels": lambda value: prefer_working_pixels(int(value) if value else None),
            "colormap": self._colour_bands,
            "autosave": lambda value: set_autosave_interval(int(value) if value else None),
            "mark_colours": lambda value: workspace.set_mark_colours(MARK_COLOURS[value]),
        }
        for preference in TABLE:
            self.apply(preference.key)

    def apply(self, key: str) -> None:
        """Apply the current value of a preference."""
        self._effects[key](self._preferences[key])

    def close(self) -> None:
        """Stop following the colour scheme of the system."""
        self._scheme.stop()

    def _colour_bands(self, colormap: str) -> None:
        document = self._workspace.current
        document.set_view_settings(document.view_settings.with_colormap("band", None if colormap == GREY else colormap))


class StartController(QObject):
    """Updates the start page; thumbnails are rendered by the worker."""

    sample_picked = Signal(object)  # Sample

    def __init__(self, window: MainWindow, workspace: Workspace, worker: Worker) -> None:
        super().__init__(window)
        self._window, self._workspace, self._worker = window, workspace, worker
        samples = present_samples()
        window.fill_menu(
            "open_sample", [(sample.title, partial(self.sample_picked.emit, sample)) for sample in samples]
        )
        window.start.show_samples(samples)
        self._query(Task.SAMPLE_THUMBNAILS, [sample.photograph for sample in samples], SAMPLE_SIZE)
        self.show_recent()
        self.show_page()

    def show_page(self) -> None:
        """Show the start page or the image; not while a file is being opened, to avoid flicker."""
        is_empty = self._workspace.current.source_shape is None and not self._worker.is_busy(Task.OPEN)
        page = self._window.start if is_empty else self._window.panes
        if self._window.middle.currentWidget() is not page:
            self._window.middle.setCurrentWidget(page)

    def show_recent(self) -> None:
        """Show the recent files with thumbnails."""
        page = self._window.start
        page.show_recent(recent_files())
        self._query(Task.RECENT_THUMBNAILS, list(page.recent), RECENT_SIZE)  # no samples, whose pictures are larger

    def _query(self, task: Task, paths: list[Path], size: QSize) -> None:
        request = ThumbnailRequest(tuple(paths), size * 2)  # for a device pixel ratio of 2
        self._worker.submit(task, request, make_thumbnails, self._take)

    def _take(self, request: ThumbnailRequest, pictures: Mapping[Path, QImage]) -> None:
        self._window.start.show_thumbnails(pictures)
        self._window.start.show_missing(set(request.paths) - set(pictures))


def present_samples() -> list[Sample]:
    """The embedded samples."""
    try:
        return resources.samples()
    except OSError:  # a source tree without generated samples
        return []


class ApplicationController(QObject):
    """Implements the actions that concern the program and its window."""

    def __init__(
        self, window: MainWindow, workspace: Workspace, preferences: Preferences, first_steps: FirstSteps
    ) -> None:
        super().__init__(window)
        self._window, self._workspace = window, workspace
        self._preferences, self._first_steps = preferences, first_steps

    def quit(self) -> None:
        """Close the window."""
        self._window.close()

    def undo(self) -> None:
        """Undo the last change of the current document."""
        self._workspace.current.undo_stack.undo()

    def redo(self) -> None:
        """Redo the last undone change of the current document."""
        self._workspace.current.undo_stack.redo()

    def show_undo(self) -> None:
        """Update state and text of the undo and redo actions."""
        stack, actions = self._workspace.current.undo_stack, self._window.actions_by_name
        actions["undo"].setEnabled(stack.canUndo())
        actions["redo"].setEnabled(stack.canRedo())
        actions["undo"].setText(f"Undo {stack.undoText()}".strip())
        actions["redo"].setText(f"Redo {stack.redoText()}".strip())

    def step_up(self) -> None:
        """Increase the wavelength by 1 nm."""
        self._workspace.current.step_wavelength(1)

    def step_down(self) -> None:
        """Decrease the wavelength by 1 nm."""
        self._workspace.current.step_wavelength(-1)

    def leap_up(self) -> None:
        """Increase the wavelength by 10 nm."""
        self._workspace.current.step_wavelength(10)

    def leap_down(self) -> None:
        """Decrease the wavelength by 10 nm."""
        self._workspace.current.step_wavelength(-10)

    def find_action(self) -> None:
        """Open the command palette."""
        document = self._workspace.current
        palette = CommandPalette(
            self._palette_items,
            lambda text: of_wavelength(text, document.wavelength_range, document.set_wavelength),
            self._window,
        )
        palette.follow(self._window.actions_by_name.values())
        palette.open()

    def _palette_items(self) -> list[PaletteItem]:
        """Actions, lights and observers, preferences, and the controls of the panels."""
        window = self._window
        actions = of_menus(window.menuBar(), SYNONYMS)
        listed = {item.name.rstrip("…") for item in actions}
        items = [*actions, *self._lights(), *self._preference_items()]
        for dock in window.panels.docks:
            items += of_panel(dock.windowTitle(), window.panels.content(dock), window.panels.reveal, listed)
        return items

    def _lights(self) -> Iterator[PaletteItem]:
        document = self._workspace.current
        viewing, possible = document.viewing, document.has_colours
        why = "" if possible else NO_COLOURS
        for name, meaning in ILLUMINANTS.items():
            light = ViewingConditions(Illuminant(name), viewing.observer)
            yield PaletteItem(
                f"Light: {name}", "Light and camera", partial(document.set_viewing, light), tip=meaning,
                possible=possible, why=why, synonyms="illuminant whitepoint", checked=light == viewing,
            )  # fmt: skip
        for observer in (CIE_1931, CIE_1964):
            seen = ViewingConditions(viewing.light, observer)
            yield PaletteItem(
                f"Observer: {observer.name}", "Light and camera", partial(document.set_viewing, seen),
                possible=possible, why=why, synonyms="standard eye degree", checked=seen == viewing,
            )  # fmt: skip

    def _preference_items(self) -> Iterator[PaletteItem]:
        for preference in TABLE:
            for value, text in preference.choices.items():
                yield PaletteItem(
                    f"{preference.title}: {text}", "Preferences",
                    partial(self._preferences.choose, preference.key, value), preference.meaning,
                    synonyms=preference.synonyms, checked=self._preferences[preference.key] == value,
                )  # fmt: skip

    def show_shortcuts(self) -> None:
        """Show the sheet of keyboard shortcuts."""
        ShortcutSheet(self._window).open()

    def show_preferences(self) -> None:
        """Open the preferences dialog."""
        dialog = PreferencesDialog(self._preferences, self._window)
        self._preferences.changed.connect(dialog.show_preferences)
        dialog.reset_requested.connect(lambda: self._ask_reset(dialog))
        dialog.open()

    def show_guide(self) -> None:
        """Show the user guide, in its existing window if open."""
        guide = self._window.findChild(GuideWindow) or GuideWindow(resources.guide(), self._window)
        guide.show()
        guide.activateWindow()

    def show_about(self) -> None:
        """Show the About box."""
        box = QMessageBox(self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("About nesr_gui")
        box.setIconPixmap(self._window.windowIcon().pixmap(64, 64))
        box.setText("<b>nesr_gui</b>")
        box.setInformativeText(
            "Spectral reconstruction from photographs: click a pixel, change the wavelength, export the cube.\n\n"
            "Spectra are estimated from three colour channels. Many spectra have the same colour; the model predicts a "
            "likely one. The result is not a measurement."
        )
        box.open()

    def zoom_in(self) -> None:
        """Zoom in by a factor of 2."""
        self._zoom(2.0)

    def zoom_out(self) -> None:
        """Zoom out by a factor of 2."""
        self._zoom(0.5)

    def _zoom(self, factor: float) -> None:
        """Zoom around the active mark, so that arrow keys can move it, or around the centre."""
        mark = self._workspace.current.mark_set.active_mark
        self._window.panes.zoom(factor, mark.pixel if mark is not None else None)

    def show_image_actions(self) -> None:
        """Enable the actions that need an image."""
        is_open = self._workspace.current.source_shape is not None
        for name in ("fit", "zoom_in", "zoom_out", "add_pin"):
            self._window.actions_by_name[name].setEnabled(is_open)

    def _ask_reset(self, dialog: PreferencesDialog) -> None:
        box = QMessageBox(
            QMessageBox.Icon.Question,
            "Reset everything",
            "Reset all preferences and the panel layout to their defaults, and show the first steps again? "
            "The list of recent files is kept.",
            QMessageBox.StandardButton.Reset | QMessageBox.StandardButton.Cancel,
            dialog,
        )
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.button(QMessageBox.StandardButton.Reset).clicked.connect(self.reset)
        box.open()

    def reset(self) -> None:
        """Restore default preferences and layout, and show the first steps again."""
        self._preferences.reset()
        self._window.reset_layout()
        self._first_steps.start_again()
