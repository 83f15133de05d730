"""The menu of a pane: view modes, options of the current mode, colormap and levels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from nesr_gui.gui.model.palette import colormaps
from nesr_gui.gui.model.view_settings import ViewSettings
from nesr_gui.gui.view_modes import MODES, TABLE, key_of
from nesr_gui.gui.view_modes.base import RenderContext

Pick = Callable[[ViewSettings], None]


def fill_mode_menu(menu: QMenu, context: RenderContext, side: int, pick: Pick) -> None:
    """Fill the menu of one side; every entry picks new view settings."""
    _empty(menu)
    view_settings = replace(context.view_settings, active=side)
    context = replace(context, view_settings=view_settings)
    obtainable = context.obtainable_requirements
    mode, group = MODES[view_settings.mode], QActionGroup(menu)
    keys = {one.name: f"\t{key_of(one)}" for one in TABLE}
    for one in list(MODES.values()):
        action = _add(
            menu,
            f"{one.title}{keys.get(one.name, '')}",
            view_settings.showing(one.name),
            pick,
            obtainable.issuperset(one.needs),
        )
        _tick(action, group, one is mode)
    choices, group = mode.options(context), QActionGroup(menu)
    if choices:
        menu.addSection(mode.title)
    for choice in choices:
        _tick(_add(menu, choice.text, choice.view_settings, pick, choice.possible), group, choice.chosen)
    _add_colours(menu, context, pick)


def _add_colours(menu: QMenu, context: RenderContext, pick: Pick) -> None:
    view_settings, mode = context.view_settings, MODES[context.view_settings.mode]
    scale = None if mode.unavailable_reason(context) else mode.scale(context)
    if scale is None or scale.categories:
        return
    menu.addSeparator()
    if not scale.is_colour:
        submenu = menu.addMenu("Colormap")
        group, present = QActionGroup(submenu), view_settings.colormaps.get(scale.key, scale.colormap)
        for name in colormaps():
            _tick(_add(submenu, name, view_settings.with_colormap(scale.key, name), pick), group, name == present)
    _add(menu, "Reset levels", view_settings.with_levels(scale.key, None), pick, scale.key in view_settings.levels)


def _empty(menu: QMenu) -> None:
    """Delete all contents of the menu; `clear` alone keeps submenus and action groups."""
    menu.clear()
    for kind in (QMenu, QActionGroup):
        for child in menu.findChildren(kind, options=Qt.FindChildOption.FindDirectChildrenOnly):
            child.deleteLater()


def _add(menu: QMenu, text: str, view_settings: ViewSettings, pick: Pick, is_enabled: bool = True) -> QAction:
    action = menu.addAction(text.replace("&", "&&"))
    action.setEnabled(is_enabled)
    action.triggered.connect(lambda checked=False: pick(view_settings))
    return action


def _tick(action: QAction, group: QActionGroup, is_chosen: bool) -> None:
    """Make the action checkable in an exclusive group."""
    action.setCheckable(True)
    action.setChecked(is_chosen)
    group.addAction(action)
