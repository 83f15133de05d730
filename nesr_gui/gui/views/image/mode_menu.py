"""The menu of a picture: modes, what its mode lets choose, colours and levels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from nesr_gui.gui.model.palette import colormaps
from nesr_gui.gui.model.view_settings import Look
from nesr_gui.gui.view_modes import MODES, TABLE
from nesr_gui.gui.view_modes.base import Need, Scene

Pick = Callable[[Look], None]


def fill_look_menu(menu: QMenu, scene: Scene, side: int, pick: Pick) -> None:
    """Fill a menu for one side of a scene; every entry picks a look."""
    _empty(menu)
    look = replace(scene.look, active=side)
    scene = replace(scene, look=look)
    mode, group = MODES[look.mode], QActionGroup(menu)
    for key, one in enumerate(TABLE, 1):
        action = _add(menu, f"{one.title}\t{key}", look.showing(one.name), pick, is_possible(one.needs, scene))
        _tick(action, group, one is mode)
    choices, group = mode.choices(scene), QActionGroup(menu)
    if choices:
        menu.addSection(mode.title)
    for choice in choices:
        _tick(_add(menu, choice.text, choice.look, pick, choice.possible), group, choice.chosen)
    _add_colours(menu, scene, pick)


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
        group, present = QActionGroup(submenu), look.colormaps.get(scale.key, scale.colormap)
        for name in colormaps():
            _tick(_add(submenu, name, look.with_colormap(scale.key, name), pick), group, name == present)
    _add(menu, "Levels as at first", look.with_levels(scale.key, None), pick, scale.key in look.levels)


def _empty(menu: QMenu) -> None:
    """Leave nothing of what the menu held; `clear` alone keeps submenus and groups."""
    menu.clear()
    for kind in (QMenu, QActionGroup):
        for child in menu.findChildren(kind, options=Qt.FindChildOption.FindDirectChildrenOnly):
            child.deleteLater()


def _add(menu: QMenu, text: str, look: Look, pick: Pick, is_enabled: bool = True) -> QAction:
    action = menu.addAction(text.replace("&", "&&"))
    action.setEnabled(is_enabled)
    action.triggered.connect(lambda checked=False: pick(look))
    return action


def _tick(action: QAction, group: QActionGroup, is_chosen: bool) -> None:
    """One of several that exclude each other."""
    action.setCheckable(True)
    action.setChecked(is_chosen)
    group.addAction(action)
