"""How the file of the open photograph is developed: the part of a document that the input panel shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from PySide6.QtGui import QUndoCommand, QUndoStack

from nesr_gui.colorimetry.viewing_conditions import Observer
from nesr_gui.gui.model.changes import Change
from nesr_gui.io.photos.develop_settings import DevelopSettings, WhiteBalance

if TYPE_CHECKING:
    from nesr_gui.io.photos.photo import DecodedPhoto


class _ChangeSettings(QUndoCommand):
    """From one set of settings to another; changes of the same item in a row are one step."""

    def __init__(self, owner: Development, after: DevelopSettings) -> None:
        self._items = tuple(
            f.name for f in fields(after) if getattr(after, f.name) != getattr(owner.interpretation, f.name)
        )
        super().__init__("change of " + _NAMES.get(self._items[0], "the input") if len(self._items) == 1 else "input")
        self._owner, self._before, self._after = owner, owner.interpretation, after

    def redo(self) -> None:
        self._owner._put(self._after)

    def undo(self) -> None:
        self._owner._put(self._before)

    def id(self) -> int:
        return 2

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _ChangeSettings) or other._items != self._items:
            return False
        self._after = other._after
        self.setObsolete(self._after == self._before)
        return True


_NAMES = {
    "encoding": "encoding",
    "gamma": "gamma",
    "balance": "white balance",
    "kelvin": "temperature",
    "tint": "tint",
    "stops": "exposure",
    "camera": "camera",
    "grey_point": "grey point",
    "working_pixels": "working resolution",
}


class Development:
    """The decoded file, the settings it is to be developed with, and whether a click now picks its grey point."""

    def __init__(self, undo_stack: QUndoStack, announce: Callable[[Change], None]) -> None:
        self._undo_stack, self._announce = undo_stack, announce
        self.decoded: DecodedPhoto | None = None
        self.interpretation = DevelopSettings()
        self.is_picking = False

    def start(self, decoded: DecodedPhoto | None, interpretation: DevelopSettings) -> None:
        """Another file is open, or none that can be developed in several ways; it has been developed already."""
        self.decoded, self.interpretation = decoded, interpretation
        self.set_picking(False)

    def choose(self, interpretation: DevelopSettings) -> None:
        """Develop the file with other settings; it can be undone."""
        if self.decoded is not None and interpretation != self.interpretation:
            self._undo_stack.push(_ChangeSettings(self, interpretation))

    def reset(self) -> None:
        """Develop the file as it specifies itself."""
        self.choose(DevelopSettings())

    def choose_camera(self, camera: Observer | None) -> None:
        self.choose(replace(self.interpretation, camera=camera))

    def set_picking(self, picking: bool) -> None:
        """Whether the next click in the image picks the grey point."""
        picking = picking and self.decoded is not None
        if picking != self.is_picking:
            self.is_picking = picking
            self._announce(Change.PICKING)

    def pick_grey(self, row: int, col: int) -> None:
        """Take a pixel of the source as grey, and end picking."""
        self.set_picking(False)
        self.choose(replace(self.interpretation, balance=WhiteBalance.GREY_POINT, grey_point=(row, col)))

    def _put(self, interpretation: DevelopSettings) -> None:
        self.interpretation = interpretation
        self._announce(Change.DEVELOPMENT)
