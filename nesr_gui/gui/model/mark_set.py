"""The marks of the open image: what can be done to them, and undone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand

from nesr_gui.gui.model.document import Steps
from nesr_gui.gui.model.marks import Mark, Place, new_mark
from nesr_gui.gui.model.palette import MARK_COLOURS, MarkColours
from nesr_gui.regions import Region, Shape

Size = tuple[int, int]


class _ChangeMarks(QUndoCommand):
    """From one set of marks to another; changes of one gesture are one step."""

    def __init__(
        self, marking: Marking, text: str, after: tuple[Mark, ...], active: int | None, gesture: int = 0
    ) -> None:
        super().__init__(text)
        self._marking, self._gesture = marking, gesture
        self._before, self._after = (marking.marks, marking.active), (after, active)

    def redo(self) -> None:
        self._marking._put(*self._after)

    def undo(self) -> None:
        self._marking._put(*self._before)

    def id(self) -> int:
        return 1 if self._gesture else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _ChangeMarks) or other._gesture != self._gesture:
            return False
        self._after = other._after
        return True


class Marking(QObject):
    """Holds the marks and which of them is active; every change is a step of the undo stack."""

    changed = Signal()  # the marks
    active_changed = Signal(object)  # number | None
    tool_changed = Signal(object)  # Shape that is drawn next

    def __init__(self, steps: Steps, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._steps = steps
        self._size: Size = (0, 0)
        self.marks: tuple[Mark, ...] = ()
        self.active: int | None = None
        self.tool = Shape.POINT
        self.palette = MARK_COLOURS["safe"]  # what colours new marks take

    @property
    def shown(self) -> tuple[Mark, ...]:
        """The marks that are not hidden."""
        return tuple(mark for mark in self.marks if mark.visible)

    def get(self, number: int | None) -> Mark | None:
        return next((mark for mark in self.marks if mark.number == number), None)

    def start(self, size: Size) -> None:
        """Another image of `size` (H, W) source pixels: no marks, and nothing to undo."""
        self._steps.clear()
        self.show(size, (), None)

    def show(self, size: Size, marks: tuple[Mark, ...], active: int | None) -> None:
        """The marks of another document."""
        self._size = size
        self._put(marks, active)

    def add(self, place: Place) -> None:
        """Mark a pixel or a region and make it the active one; what lies outside the image is not taken."""
        if self.holds(place):
            mark = new_mark(place, (other.number for other in self.marks), self.palette)
            self._change(f"add {mark.title}", (*self.marks, mark), mark.number)

    def move(self, number: int, place: Place, gesture: int) -> None:
        """Move or reshape a mark; changes with the same `gesture` (one drag of the mouse, > 0) are undone together."""
        mark = self.get(number)
        if mark is not None and self.holds(place):
            self._replace(f"move {mark.title}", replace(mark, place=place), gesture)

    def shift(self, number: int | None, rows: int, cols: int, gesture: int = 0) -> None:
        """Move a mark by whole pixels; for `gesture` see `move`."""
        mark = self.get(number)
        if mark is not None:
            place = mark.place
            moved = place.moved(rows, cols) if isinstance(place, Region) else (place[0] + rows, place[1] + cols)
            self.move(mark.number, moved, gesture)

    def activate_next(self, by: int) -> None:
        """Make another mark the active one, in the order of the table, round and round."""
        numbers = [mark.number for mark in self.marks]
        if numbers:
            at = numbers.index(self.active) + by if self.active in numbers else min(by, 0)
            self.set_active(numbers[at % len(numbers)])

    def edit(self, number: int, **values: Any) -> None:
        """Give a mark another `name`, `colour`, `symbol`, or hide and show it (`visible`)."""
        mark = self.get(number)
        if mark is not None:
            text = {"name": "rename", "colour": "recolour", "symbol": "change sign of"}.get(next(iter(values)))
            text = text or ("show" if values.get("visible") else "hide")
            self._replace(f"{text} {mark.title}", replace(mark, **values))

    def remove(self, *numbers: int | None) -> None:
        """Remove marks, in one step."""
        gone = [mark for mark in self.marks if mark.number in numbers]
        if gone:
            left = tuple(mark for mark in self.marks if mark not in gone)
            active = self.active if self.active not in numbers else (left[-1].number if left else None)
            self._change(f"remove {gone[0].title if len(gone) == 1 else f'{len(gone)} marks'}", left, active)

    def clear(self) -> None:
        if self.marks:
            self._change("clear marks", (), None)

    def take_all(self, marks: Iterable[Mark]) -> int:
        """Add marks read from a file, under free numbers; those outside the image are left out.

        Returns how many were taken.
        """
        taken = {mark.number for mark in self.marks}
        added: list[Mark] = []
        for mark in marks:
            if self.holds(mark.place):
                number = mark.number if mark.number not in taken else new_mark(mark.place, taken).number
                taken.add(number)
                added.append(replace(mark, number=number))
        if added:
            self._change(f"add {len(added)} marks", (*self.marks, *added), added[-1].number)
        return len(added)

    def set_active(self, number: int | None) -> None:
        """Make a mark the one that others are compared with; no step to undo."""
        if number != self.active and (number is None or self.get(number) is not None):
            self.active = number
            self.active_changed.emit(number)

    def set_tool(self, tool: Shape) -> None:
        """Choose what is drawn next."""
        if tool is not self.tool:
            self.tool = tool
            self.tool_changed.emit(tool)

    def set_palette(self, palette: MarkColours) -> None:
        """The colours that marks made from now on take."""
        self.palette = palette

    def _replace(self, text: str, changed: Mark, gesture: int = 0) -> None:
        after = tuple(changed if mark.number == changed.number else mark for mark in self.marks)
        if after != self.marks:
            self._change(text, after, changed.number, gesture)

    def _change(self, text: str, after: tuple[Mark, ...], active: int | None, gesture: int = 0) -> None:
        self._steps.push(_ChangeMarks(self, text, after, active, gesture))

    def _put(self, marks: tuple[Mark, ...], active: int | None) -> None:
        previous, self.marks, self.active = self.active, marks, active
        self.changed.emit()
        if active != previous:
            self.active_changed.emit(active)

    def holds(self, place: Place) -> bool:
        """A pin must lie in the image, of a region some part with an area."""
        height, width = self._size
        if not isinstance(place, Region):
            return 0 <= place[0] < height and 0 <= place[1] < width
        top, left, bottom, right = place.bounds
        return bottom > 0 and right > 0 and top < height and left < width and bottom > top and right > left
