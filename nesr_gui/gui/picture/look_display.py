"""Shows in the window how the image is looked at."""

from __future__ import annotations

from collections.abc import Sequence

from nesr_gui.fields.protocol import Doubt
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.model.view_settings import Arrangement
from nesr_gui.gui.picture.picturing import Picturing
from nesr_gui.gui.view_modes import MODES, TABLE
from nesr_gui.gui.view_modes.base import Scene
from nesr_gui.gui.views.actions import enable
from nesr_gui.gui.views.image.layers import value_text
from nesr_gui.gui.views.image.mode_menu import is_possible
from nesr_gui.gui.views.main_window import MainWindow

_ARRANGEMENTS = {
    Arrangement.SINGLE: "single", Arrangement.DIVIDED: "divide", Arrangement.SIDE_BY_SIDE: "side_by_side",
}  # fmt: skip


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
            row, col = (part // session.photograph.reduction for part in session.hover)
            known.append("RGB {} {} {}".format(*session.colours[row, col]))
        reading = session.readings.get(session.hover)
        known += [doubt.text for doubt in Doubt if reading is not None and doubt in reading.doubt]
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
