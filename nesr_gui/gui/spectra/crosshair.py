"""The readout that follows the mouse over the plot: every curve's value at the wavelength under it."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from nesr_gui.gui.drawing.symbols import screen_pen
from nesr_gui.gui.model.marks import Mark

MOST_ROWS = 16
_GAP = 14  # pixels between the mouse and the readout
Row = tuple[Mark | None, str, float]


class Crosshair(QObject):
    """A line at the mouse, and beside it the values that `read(nm)` gives for a wavelength within `nm_range()`."""

    def __init__(
        self,
        view: QWidget,
        plot: Any,
        read: Callable[[float], Sequence[Row]],
        nm_range: Callable[[], tuple[float, float]],
    ) -> None:
        super().__init__(view)
        self._view, self._box, self._read, self._range = view, plot.getViewBox(), read, nm_range
        self.line = pg.InfiniteLine(0.0, angle=90, movable=False)
        self.line.setZValue(14)
        self.line.hide()
        plot.addItem(self.line, ignoreBounds=True)
        self.label = QLabel(view)
        self.label.setFrameShape(QFrame.Shape.StyledPanel)
        self.label.setAutoFillBackground(True)
        self.label.setBackgroundRole(QPalette.ColorRole.ToolTipBase)
        self.label.setMargin(6)
        self.label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.label.hide()
        plot.scene().sigMouseMoved.connect(self.follow)
        view.installEventFilter(self)

    def follow(self, scene_pos: QPointF) -> None:
        """The mouse is there."""
        nm = float(self._box.mapSceneToView(scene_pos).x())
        low, high = self._range()
        rows = self._read(nm) if self._box.sceneBoundingRect().contains(scene_pos) and low <= nm <= high else []
        self.line.setVisible(bool(rows))
        self.label.setVisible(bool(rows))
        if rows:
            self.line.setPen(screen_pen(self._view, self._view.palette().color(QPalette.ColorRole.PlaceholderText), 1))
            self.line.setValue(nm)
            self.label.setText(_text(nm, rows))
            self.label.adjustSize()
            self._place(scene_pos)

    def eventFilter(self, view: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self.line.hide()
            self.label.hide()
        return False

    def _place(self, scene_pos: QPointF) -> None:
        """Beside the mouse, on the side that has room."""
        area, size = self._view.rect(), self.label.size()
        x = int(scene_pos.x()) + _GAP
        if x + size.width() > area.right():
            x = int(scene_pos.x()) - _GAP - size.width()
        y = min(int(scene_pos.y()) + _GAP, area.bottom() - size.height())
        self.label.move(max(x, 0), max(y, 0))


def _text(nm: float, rows: Sequence[Row]) -> str:
    lines = [f"<b>{nm:.1f} nm</b>"]
    for mark, name, value in rows[:MOST_ROWS]:
        number = "–" if math.isnan(value) else f"{value:.4f}"
        sign = f'<span style="color:{mark.colour}">■</span>' if mark is not None else "■"
        lines.append(f"{sign} {number} &nbsp;{html.escape(name)}")
    if len(rows) > MOST_ROWS:
        lines.append(f"and {len(rows) - MOST_ROWS} more")
    return "<br>".join(lines)
