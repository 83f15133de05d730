"""The menu of a picture: modes, what its mode lets choose, colours and levels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtWidgets import QMenu

from nesr_gui.gui.look import Look
from nesr_gui.gui.modes import MODES, TABLE
from nesr_gui.gui.modes.mode import Need, Scene
from nesr_gui.gui.shading import colormaps

Pick = Callable[[Look], None]


def fill_look_menu(menu: QMenu, scene: Scene, side: int, pick: Pick) -> None:
    """Fill a menu for one side of a scene; every entry picks a look."""
    menu.clear()
    look = replace(scene.look, active=side)
    mode = MODES[look.modes[side]]
    for key, one in enumerate(TABLE, 1):
        _add(menu, f"{one.title}\t{key}", one is mode, is_possible(one.needs, scene), look.showing(one.name), pick)
    choices = mode.choices(replace(scene, look=look))
    if choices:
        menu.addSection(mode.title)
    for choice in choices:
        _add(menu, choice.text, choice.chosen, choice.possible, choice.look, pick)
    _add_colours(menu, replace(scene, look=look), pick)


def is_possible(needs: tuple[Need, ...], scene: Scene) -> bool:
    """Whether a mode can be chosen: a reference can still be, by a click into the picture."""
    return all(need.is_met(scene) or need is Need.REFERENCE for need in needs)


def _add_colours(menu: QMenu, scene: Scene, pick: Pick) -> None:
    look, mode = scene.look, MODES[scene.look.mode]
    scale = None if mode.missing(scene) else mode.scale(scene)
    if scale is None:
        return
    menu.addSeparator()
    if not scale.is_colour:
        submenu = menu.addMenu("Colours")
        present = look.colormaps.get(scale.key, scale.colormap)
        for name in colormaps():
            _add(submenu, name, name == present, True, look.with_colormap(scale.key, name), pick)
    changed = scale.key in look.levels
    _add(menu, "Levels as at first", None, changed, look.with_levels(scale.key, None), pick)


def _add(menu: QMenu, text: str, chosen: bool | None, possible: bool, look: Look, pick: Pick) -> None:
    action = menu.addAction(text.replace("&", "&&"))
    action.setCheckable(chosen is not None)
    action.setChecked(bool(chosen))
    action.setEnabled(possible)
    action.triggered.connect(lambda checked=False: pick(look))
