"""How the image is looked at: what actions, menus and handles do to it, and how the window shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMenu

from nesr_gui.fields.protocol import QualityFlag
from nesr_gui.gui.controllers.image import Picturing
from nesr_gui.gui.controllers.output import Writing
from nesr_gui.gui.figures.sweep import SweepExport, export_sweep
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.model.view_settings import Arrangement, Limits
from nesr_gui.gui.tasks.files import FileRequest, read_library
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.view_modes import MODES, TABLE
from nesr_gui.gui.view_modes.base import Scene
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.dialogs.simple import FalseColourDialog, SweepDialog
from nesr_gui.gui.views.image.layers import value_text
from nesr_gui.gui.views.image.mode_menu import fill_look_menu, is_possible
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.io.spectra.readers import spectra_filter
from nesr_gui.spectral import Spectrum

DIVIDER_STEP = 0.02  # of the view's width
_ARRANGEMENTS = {
    Arrangement.SINGLE: "single", Arrangement.DIVIDED: "divide", Arrangement.SIDE_BY_SIDE: "side_by_side",
}  # fmt: skip


class LookCommands(QObject):
    """Changes how the image is looked at, asking the user what else must be known."""

    def __init__(
        self, window: MainWindow, session: Session, worker: Worker, writing: Writing, pictures: Sequence[Picturing]
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._worker, self._pictures = window, session, worker, pictures
        self._writing = writing

    def show_mode(self, name: str) -> None:
        self._session.set_look(self._session.look.showing(name))

    def single(self) -> None:
        self._arrange(Arrangement.SINGLE)

    def divide(self) -> None:
        self._arrange(Arrangement.DIVIDED)

    def side_by_side(self) -> None:
        self._arrange(Arrangement.SIDE_BY_SIDE)

    def other_side(self) -> None:
        self.activate(1 - self._session.look.active)

    def activate(self, side: int) -> None:
        """Keys and menus go to this side."""
        self._session.set_look(replace(self._session.look, active=side))

    def exchange(self) -> None:
        look = self._session.look
        self._session.set_look(replace(look, modes=(look.modes[1], look.modes[0]), active=1 - look.active))

    def divider_left(self) -> None:
        self.move_divider(self._session.look.divider - DIVIDER_STEP)

    def divider_right(self) -> None:
        self.move_divider(self._session.look.divider + DIVIDER_STEP)

    def move_divider(self, share: float) -> None:
        self._session.set_look(self._session.look.divided_at(share))

    def set_levels(self, key: str, limits: Limits) -> None:
        self._session.set_look(self._session.look.with_levels(key, limits))

    def auto_levels(self) -> None:
        """Limits of the active picture that most of its values lie between."""
        shown = self._pictures[self._session.look.active].shown
        if shown is not None and shown.request.scale is not None and shown.histogram is not None:
            self.set_levels(shown.request.scale.key, shown.histogram.percentiles)

    def set_false_colour(self, wavelengths: tuple[float, float, float]) -> None:
        self._session.set_look(replace(self._session.look, false_colour=wavelengths))

    def choose_false_colour(self) -> None:
        """Ask for the three wavelengths; the picture follows meanwhile, and is as before where the user gives up."""
        session, before = self._session, self._session.look
        if session.field is None:
            return
        if "false_colour" not in [before.modes[side] for side in before.sides]:
            session.set_look(before.showing("false_colour"))
        dialog = FalseColourDialog(session.wavelength_range, before.false_colour, self._window)
        dialog.wavelengths_picked.connect(self.set_false_colour)
        dialog.rejected.connect(lambda: session.set_look(before))
        dialog.open()

    def set_speed(self, nm_per_second: float) -> None:
        self._session.set_look(replace(self._session.look, speed=nm_per_second))

    def fill_active_menu(self) -> None:
        self.fill_menu(self._session.look.active, self._window.submenus["picture"])

    def fill_menu(self, side: int, menu: QMenu) -> None:
        """Offer all that the picture of a side could be."""
        scene = Scene.of(self._session)
        fill_look_menu(menu, scene, side, self._session.set_look)
        further = {"similarity": ("Compare with a curve…", self.compare_with),
                   "false_colour": ("Other wavelengths…", self.choose_false_colour)}  # fmt: skip
        if scene.look.modes[side] in further:
            text, do = further[scene.look.modes[side]]
            menu.addSeparator()
            menu.addAction(text).triggered.connect(lambda checked=False: do())

    def compare_with(self) -> None:
        """Take a curve of a file as what similarity is measured to."""
        path, _ = QFileDialog.getOpenFileName(self._window, "Compare with a curve", "", spectra_filter())
        if path:
            self._worker.submit(Task.LOAD_REFERENCE, FileRequest(Path(path)), read_library, self._take_references)

    def export_sweep(self) -> None:
        """Ask what to film, then where to, and do it."""
        session, shown = self._session, self._pictures[self._session.look.active].shown
        if session.field is None or not self._writing.may_export():
            return
        dialog = SweepDialog(session.wavelength_range, session.look.speed, session.field.shape, self._window)

        def go() -> None:
            sweep = dialog.sweep()
            kinds = {".mp4": "MP4 film (*.mp4)", ".gif": "GIF animation (*.gif)"}
            path = self._writing.ask("Export sweep", f"-sweep{dialog.ending()}", kinds[dialog.ending()])
            if path:
                mode = "band" if shown is None else shown.request.mode.name
                self.save_sweep(SweepExport(path, mode, Scene.of(session), sweep))

        dialog.accepted.connect(go)
        dialog.open()

    def save_sweep(self, request: SweepExport) -> None:
        self._writing.export(request, export_sweep, lambda asked, made: self._writing.tell(asked.path))

    def _arrange(self, arrangement: Arrangement) -> None:
        """Two pictures in some way, or if they are that way already, one again."""
        look = self._session.look
        again = look.arrangement is arrangement
        self._session.set_look(look.arranged(Arrangement.SINGLE if again else arrangement))

    def _take_references(self, request: FileRequest, curves: list[Spectrum]) -> None:
        if len(curves) == 1:
            self._compare(curves[0])
            return
        dialog = QInputDialog(self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle("Compare with a curve")
        dialog.setLabelText(f"{request.path.name} holds {len(curves)} curves. Compare with")
        dialog.setComboBoxItems([curve.name for curve in curves])
        by_name = {curve.name: curve for curve in curves}
        dialog.textValueSelected.connect(lambda name: self._compare(by_name[name]))
        dialog.open()

    def _compare(self, curve: Spectrum) -> None:
        self._session.set_look(replace(self._session.look, reference=curve).showing("similarity"))


class LookDisplay:
    """Puts the session's look into panes, captions, markers and actions."""

    def __init__(self, session: Session, window: MainWindow, pictures: Sequence[Picturing]) -> None:
        self._session, self._window, self._pictures = session, window, pictures

    def show_look(self) -> None:
        session, window, look = self._session, self._window, self._session.look
        window.panes.show_look(look)
        window.bar.show_speed(look.speed)
        is_false = any(look.modes[side] == "false_colour" for side in look.sides) and session.field is not None
        window.channels.show_wavelengths(look.false_colour if is_false else None)
        self.show_captions()

    def show_captions(self) -> None:
        """What each side shows, or why it cannot."""
        scene = Scene.of(self._session)
        is_open = self._session.source_shape is not None
        for side in (0, 1):
            mode = MODES[scene.look.modes[side]]
            missing = mode.missing(scene)
            text = f"{mode.title} {missing}" if missing else mode.caption(scene)
            shown = self._pictures[side].shown
            if shown is not None and shown.request.mode is mode and shown.request.nodes is not None:
                text += f" ± {shown.request.nodes.error:.1g} while it moves"
            if self._session.understanding.is_picking:
                text = "Click something grey"
            self._window.panes.show_caption(side, text if is_open else "Open a photograph, or drop one here")

    def show_actions(self) -> None:
        """What can be chosen, and what is."""
        actions, scene, look = self._window.actions_by_name, Scene.of(self._session), self._session.look
        for mode in TABLE:
            enable(actions, [f"show_{mode.name}"], is_possible(mode.needs, scene))
            actions[f"show_{mode.name}"].setWhatsThis(mode.missing(scene))
        enable(actions, ["export_sweep", "auto_levels", "compare_with", "choose_false_colour"], scene.field is not None)
        two = ["other_side", "exchange", "divider_left", "divider_right"]
        enable(actions, two, look.arrangement is not Arrangement.SINGLE)
        enable(actions, _ARRANGEMENTS.values(), self._session.source_shape is not None)
        actions[f"show_{look.mode}"].setChecked(True)
        actions[_ARRANGEMENTS[look.arrangement]].setChecked(True)

    def known_of_pixel(self) -> list[str]:
        """The colour of the pixel under the mouse, and what the pictures in sight measure there."""
        session, known = self._session, list[str]()
        if session.hover is None:
            return known
        if session.colours is not None and session.photograph is not None:
            row, col = (part // session.photograph.binning for part in session.hover)
            known.append("RGB {} {} {}".format(*session.colours[row, col]))
        reading = session.readings.get(session.hover)
        known += [doubt.text for doubt in QualityFlag if reading is not None and doubt in reading.doubt]
        for side in session.look.sides:
            shown = self._pictures[side].shown
            scale = shown.request.scale if shown else None
            value = shown.value_at(*session.hover) if shown else None
            if shown is None or scale is None or value is None or scale.key == "band":
                continue
            what = shown.request.mode.title if scale.is_colour else scale.quantity
            near = "≈ " if shown.request.sampling.stride > 1 else ""  # of a sample beside the pixel
            known.append(f"{what} {near}{' '.join(value_text(value).split())}{scale.unit}")
        return known
