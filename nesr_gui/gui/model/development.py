"""Development settings of the open photograph, as shown by the development panel."""

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
    """Undo command that replaces the settings; consecutive changes of the same item merge into one."""

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
    """The decoded file, its development settings, and whether the next click picks the grey point.

    Attributes:
        decoded: the decoded file; None for cubes and simulated photographs.
        interpretation: the settings to develop it with.
        is_picking: whether the next click in the image picks the grey point.
    """

    def __init__(self, undo_stack: QUndoStack, announce: Callable[[Change], None]) -> None:
        self._undo_stack, self._announce = undo_stack, announce
        self.decoded: DecodedPhoto | None = None
        self.interpretation = DevelopSettings()
        self.is_picking = False

    def start(self, decoded: DecodedPhoto | None, interpretation: DevelopSettings) -> None:
        """Set file and settings of a newly opened image; the photograph has already been developed with them."""
        self.decoded, self.interpretation = decoded, interpretation
        self.set_picking(False)

    def choose(self, interpretation: DevelopSettings) -> None:
        """Change the settings, as an undoable command; ignored without a file."""
        if self.decoded is not None and interpretation != self.interpretation:
            self._undo_stack.push(_ChangeSettings(self, interpretation))

    def reset(self) -> None:
        """Return to the settings that the file specifies."""
        self.choose(DevelopSettings())

    def choose_camera(self, camera: Observer | None) -> None:
        """Set the camera the photograph was taken with; None is the default camera."""
        self.choose(replace(self.interpretation, camera=camera))

    def set_picking(self, picking: bool) -> None:
        """Start or stop picking the grey point; ignored without a file."""
        picking = picking and self.decoded is not None
        if picking != self.is_picking:
            self.is_picking = picking
            self._announce(Change.PICKING)

    def pick_grey(self, row: int, col: int) -> None:
        """Use a source pixel as the grey point and stop picking."""
        self.set_picking(False)
        self.choose(replace(self.interpretation, balance=WhiteBalance.GREY_POINT, grey_point=(row, col)))

    def _put(self, interpretation: DevelopSettings) -> None:
        self.interpretation = interpretation
        self._announce(Change.DEVELOPMENT)
