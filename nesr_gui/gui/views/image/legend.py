"""The legend of classes beside a picture: colours, names and shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from nesr_gui.gui.tasks.rendering import LegendEntry
from nesr_gui.gui.views.panels.class_table import SWATCH, share_text

_LEFT, _GAP = 4.0, 6.0  # px left of the swatches, and between rows


class Legend(QWidget):
    """One row per class: with its share below the name if there is room; as many as fit."""

    def __init__(self, side: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(f"Legend of the {side} pane")
        self._entries: tuple[LegendEntry, ...] = ()
        self._shares: Mapping[int, float] = {}
        self._is_thin = False

    def show_entries(self, entries: Sequence[LegendEntry], shares: Mapping[int, float], *, is_thin: bool) -> None:
        """Show classes, and their shares by number as far as they are known; a thin legend has per cents, no names."""
        shown = tuple(entries), shares, is_thin
        if shown == (self._entries, self._shares, self._is_thin):
            return
        self._entries, self._shares, self._is_thin = shown
        texts = [self._text(entry) for entry in self._entries]
        self.setToolTip("\n".join(texts))
        self.setAccessibleDescription(", ".join(texts))
        self.update()

    def fitting(self) -> tuple[list[LegendEntry], bool]:
        """The rows that fit, and whether their shares do."""
        line = self.fontMetrics().height()
        if len(self._entries) * (2 * line + _GAP) <= self.height() and self._shares:
            return list(self._entries), not self._is_thin
        room = int(self.height() // (line + _GAP))
        if len(self._entries) <= room:
            return list(self._entries), False
        return list(self._entries[: max(room - 1, 0)]), False

    @property
    def text_left(self) -> float:
        """Where texts begin, in px."""
        return _LEFT + SWATCH + (2 if self._is_thin else 5)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the rows from the top."""
        painter = QPainter(self)
        line, (rows, has_shares) = self.fontMetrics().height(), self.fitting()
        y, left = 0.0, self.text_left
        for entry in rows:
            painter.setPen(self.palette().mid().color())
            painter.setBrush(QColor(entry.colour))
            painter.drawRect(QRectF(_LEFT, y + (line - SWATCH) / 2, SWATCH, SWATCH))
            share = self._shares.get(entry.number)
            text = entry.name
            if self._is_thin:
                text = share_text(share, 0).removesuffix(" %").replace(" ", "") if share is not None else ""
            y = self._draw(painter, left, y, text)
            if has_shares:
                y = self._draw(painter, left, y, share_text(share) if share is not None else "")
            y += _GAP
        if len(rows) < len(self._entries):
            more = len(self._entries) - len(rows)
            self._draw(painter, _LEFT, y, f"+ {more}" if self._is_thin else f"and {more} more")

    def _draw(self, painter: QPainter, left: float, y: float, text: str) -> float:
        """Draw a line of text; returns the height of the next one."""
        where = QRectF(left, y, self.width() - left, self.fontMetrics().height())
        painter.setPen(self.palette().windowText().color())
        shown = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(where.width()))
        painter.drawText(where, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
        return where.bottom()

    def _text(self, entry: LegendEntry) -> str:
        share = self._shares.get(entry.number)
        return entry.name if share is None else f"{entry.name}: {share_text(share)}"
