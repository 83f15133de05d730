"""How the open photograph's file is understood: the part of the session that the input panel shows."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand

from nesr_gui.colorimetry.viewing_conditions import Observer
from nesr_gui.gui.model.document import Steps
from nesr_gui.io.photos.develop_settings import DevelopSettings, WhiteBalance

if TYPE_CHECKING:
    from nesr_gui.io.photos.photo import DecodedPhoto


class _Reinterpret(QUndoCommand):
    """From one interpretation to another; changes of the same item in a row are one step."""

    def __init__(self, owner: Understanding, after: DevelopSettings) -> None:
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
        if not isinstance(other, _Reinterpret) or other._items != self._items:
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


class Understanding(QObject):
    """The decoded file, the interpretation chosen for it, and whether a click now picks its grey point."""

    changed = Signal(object)  # DevelopSettings
    picking_changed = Signal(bool)

    def __init__(self, steps: Steps, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._steps = steps
        self.decoded: DecodedPhoto | None = None
        self.interpretation = DevelopSettings()
        self.is_picking = False

    def start(self, decoded: DecodedPhoto | None, interpretation: DevelopSettings) -> None:
        """Another file is open, or none that can be understood in several ways; it has been interpreted already."""
        self.decoded, self.interpretation = decoded, interpretation
        self.set_picking(False)

    def choose(self, interpretation: DevelopSettings) -> None:
        """Understand the file otherwise; it can be undone."""
        if self.decoded is not None and interpretation != self.interpretation:
            self._steps.push(_Reinterpret(self, interpretation))

    def reset(self) -> None:
        """Understand the file as it says itself."""
        self.choose(DevelopSettings())

    def choose_camera(self, camera: Observer | None) -> None:
        self.choose(replace(self.interpretation, camera=camera))

    def set_picking(self, picking: bool) -> None:
        """Whether the next click in the image picks the grey point."""
        picking = picking and self.decoded is not None
        if picking != self.is_picking:
            self.is_picking = picking
            self.picking_changed.emit(picking)

    def pick_grey(self, row: int, col: int) -> None:
        """Take a pixel of the source as grey, and leave the picking."""
        self.set_picking(False)
        self.choose(replace(self.interpretation, balance=WhiteBalance.GREY_POINT, grey_point=(row, col)))

    def _put(self, interpretation: DevelopSettings) -> None:
        self.interpretation = interpretation
        self.changed.emit(interpretation)
