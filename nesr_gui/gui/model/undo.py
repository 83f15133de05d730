"""The undo command of the model: it replaces one value, such as the marks, the light or the development settings."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from PySide6.QtGui import QUndoCommand


class ReplaceValue(QUndoCommand):
    """Replaces a value; consecutive commands of the same series are undone together.

    A series that ends where it began leaves no command.

    Args:
        text: what is undone, after the word "Undo".
        put: sets the value and announces it.
        before: the value until now.
        after: the new value.
        series: identifies consecutive changes that belong together, such as one drag; None for a change of its own.
    """

    def __init__(
        self, text: str, put: Callable[[Any], None], before: object, after: object, series: Hashable = None
    ) -> None:
        super().__init__(text)
        self._put, self._before, self._after, self._series = put, before, after, series

    def redo(self) -> None:
        """Set the new value."""
        self._put(self._after)

    def undo(self) -> None:
        """Set the old value."""
        self._put(self._before)

    def id(self) -> int:
        """Return the same number for all commands that may be merged, as Qt requires."""
        return 1 if self._series is not None else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Take over the value of a following command of the same series."""
        if not isinstance(other, ReplaceValue) or other._series != self._series:
            return False
        self._after = other._after
        self.setObsolete(self._after == self._before)
        return True
