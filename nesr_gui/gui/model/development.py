"""Development settings of the open photograph, as shown by the development panel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from PySide6.QtGui import QUndoStack

from nesr_gui.colorimetry.viewing_conditions import Observer
from nesr_gui.gui.model.changes import Change
from nesr_gui.gui.model.undo import ReplaceValue
from nesr_gui.io.photos.camera_profile import CameraProfile
from nesr_gui.io.photos.develop_settings import DevelopSettings, SourceEncoding, WhiteBalance

if TYPE_CHECKING:
    from nesr_gui.io.photos.photo import DecodedPhoto


_NAMES = {
    "encoding": "encoding",
    "gamma": "gamma",
    "balance": "white balance",
    "kelvin": "temperature",
    "tint": "tint",
    "stops": "exposure",
    "camera": "camera",
    "profile": "camera profile",
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
            before = self.interpretation
            items = tuple(f.name for f in fields(before) if getattr(interpretation, f.name) != getattr(before, f.name))
            text = "change of " + _NAMES.get(items[0], "the input") if len(items) == 1 else "change of the input"
            self._undo_stack.push(ReplaceValue(text, self._put, before, interpretation, ("develop", items)))

    def reset(self) -> None:
        """Return to the settings that the file specifies."""
        self.choose(DevelopSettings())

    def choose_camera(self, camera: Observer | CameraProfile) -> None:
        """Set the camera the photograph was taken with, or its profile; one replaces the other."""
        if isinstance(camera, CameraProfile):
            self.use_profile(camera)
        else:
            self.choose(replace(self.interpretation, camera=camera, profile=None))

    def use_profile(self, profile: CameraProfile) -> None:
        """Develop with a camera profile alone, which states encoding, white and exposure as well."""
        plain = replace(self.interpretation, encoding=SourceEncoding.AUTOMATIC, balance=WhiteBalance.AS_IS, stops=0.0)
        self.choose(replace(plain, camera=None, profile=profile))

    def note_automatic_profile(self) -> None:
        """Make the profile that a photograph was opened with a change that can be undone."""
        without = replace(self.interpretation, profile=None)
        self._undo_stack.push(ReplaceValue("use of the camera profile", self._put, without, self.interpretation))

    def leave_out_profile(self) -> None:
        """Develop without a camera profile."""
        self.choose(replace(self.interpretation, profile=None))

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
        if interpretation != self.interpretation:
            self.interpretation = interpretation
            self._announce(Change.DEVELOPMENT)
