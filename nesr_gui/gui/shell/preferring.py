"""Lets what the user prefers take effect, at the start and whenever it is changed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from nesr_gui.gui.documents.autosaving import Autosaving
from nesr_gui.gui.drawing.theme import Scheme
from nesr_gui.gui.model.palette import GREY, MARK_COLOURS, Theme
from nesr_gui.gui.model.preferences import TABLE, Preferences
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.reconstructing import Reconstructing


class Preferring(QObject):
    """For each preference the one thing that it changes."""

    def __init__(
        self,
        preferences: Preferences,
        session: Session,
        reconstructing: Reconstructing,
        autosaving: Autosaving,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._preferences, self._session = preferences, session
        self._scheme = Scheme(self)
        self._effects: dict[str, Callable[[str], None]] = {
            "theme": lambda value: self._scheme.choose(Theme(value)),
            "device": reconstructing.use_device,
            "working_pixels": lambda value: reconstructing.prefer_working_pixels(int(value) if value else None),
            "colormap": self._colour_bands,
            "autosave": lambda value: autosaving.set_interval(int(value) if value else None),
            "mark_colours": lambda value: session.marking.set_palette(MARK_COLOURS[value]),
        }
        preferences.changed.connect(self._take)
        for preference in TABLE:
            self._take(preference.key)

    def _take(self, key: str) -> None:
        self._effects[key](self._preferences[key])

    def _colour_bands(self, colormap: str) -> None:
        self._session.set_look(self._session.look.with_colormap("band", None if colormap == GREY else colormap))
