"""The histogram of the scores of classes, with the threshold as a line that can be dragged."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from nesr_gui.analysis.class_counts import ScoreHistogram
from nesr_gui.gui.drawing.ticks import ticks

_MARGIN = 8.0  # px left and right of the axis
_REACH = 6.0  # px from the threshold within which it is grasped
_DIGITS = 3  # of a dragged threshold
_KEY_PRESSES = 100  # from one end of the axis to the other
_STEPS: dict[int, int] = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_Up: 1}
_PALE = 0.28  # opacity of scores that do not meet the threshold


class ThresholdHistogram(QWidget):
    """Stacked histogram of the best score of pixels, in the colours of their nearest classes.

    Scores that do not meet the threshold are pale.
    """

    threshold_picked = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Histogram of scores")
        self.setToolTip("Pixels by the score of their nearest class; drag the line, or press the arrow keys")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumHeight(72)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._histogram: ScoreHistogram | None = None
        self._colours: tuple[str, ...] = ()
        self._own: tuple[float | None, ...] = ()
        self._threshold, self._is_distance, self._unit, self._is_dragged = 0.0, True, "", False
        self._axis = (0.0, 1.0)

    def sizeHint(self) -> QSize:
        """Preferred size."""
        return QSize(200, 84)

    def show_histogram(self, histogram: ScoreHistogram | None, colours: Sequence[str], unit: str) -> None:
        """Show a histogram of classes of these colours; None until it is computed."""
        self._histogram, self._colours, self._unit = histogram, tuple(colours), unit
        used = f", from {histogram.used:,} of {histogram.total:,} pixels" if histogram is not None else ""
        self.setAccessibleDescription(f"Pixels by the score of their nearest class{used}")
        self._fit()

    def show_threshold(self, threshold: float, own: Sequence[float | None], *, is_distance: bool) -> None:
        """Show the threshold of all classes, and those that classes have of their own.

        Args:
            threshold: the common one.
            own: of each class; None for the common one.
            is_distance: whether smaller scores meet the threshold.
        """
        self._threshold, self._own, self._is_distance = threshold, tuple(own), is_distance
        self._fit()

    def x_of(self, value: float) -> float:
        """Horizontal position of a score in widget pixels."""
        low, high = self._axis
        return _MARGIN + (self.width() - 2 * _MARGIN) * (value - low) / max(high - low, 1e-12)

    def _fit(self) -> None:
        """Let the axis hold scores and threshold; it keeps still during a drag."""
        if not self._is_dragged:
            known = [self._threshold, *(each for each in self._own if each is not None)]
            if self._histogram is not None:
                known += self._histogram.edges[[0, -1]].tolist()
            if self._is_distance:
                known.append(0.0)
            low, high = min(known), max(known)
            margin = 0.08 * ((high - low) or 1.0)
            self._axis = (low if self._is_distance and low == 0 else low - margin, high + margin)
        self.update()

    def _value_at(self, x: float) -> float:
        low, high = self._axis
        value = low + (high - low) * (x - _MARGIN) / max(self.width() - 2 * _MARGIN, 1)
        return self._rounded(min(max(value, low), high))

    def _rounded(self, value: float) -> float:
        low, high = self._axis
        digits = _DIGITS - 1 - math.floor(math.log10(max(high - low, 1e-12)))
        return round(value, digits) + 0.0

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start dragging the threshold."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._is_dragged = True
            self.threshold_picked.emit(self._value_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the threshold, and show the cursor for dragging near it."""
        if self._is_dragged:
            self.threshold_picked.emit(self._value_at(event.position().x()))
        is_near = self._is_dragged or abs(event.position().x() - self.x_of(self._threshold)) < _REACH
        self.setCursor(Qt.CursorShape.SizeHorCursor if is_near else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Stop dragging."""
        self._is_dragged = False
        self._fit()

    def event(self, event: QEvent) -> bool:
        """Take the arrow keys, which are shortcuts of the window."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in _STEPS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the threshold by a step."""
        if (step := _STEPS.get(event.key())) is None:
            super().keyPressEvent(event)
            return
        low, high = self._axis
        moved = self._rounded(self._threshold + step * (high - low) / _KEY_PRESSES)
        self.threshold_picked.emit(max(moved, 0.0) if self._is_distance else moved)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint histogram, axis and thresholds."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 0.85)
        painter.setFont(font)
        bottom = self.height() - painter.fontMetrics().height() - 3.0
        ground = QRectF(0.5, 0.5, self.width() - 1, bottom - 0.5)
        painter.fillRect(ground, self.palette().base())
        self._paint_bars(painter, bottom)
        quiet_ink = self.palette().placeholderText().color()
        painter.setPen(QPen(quiet_ink, 1))
        painter.drawLine(QPointF(ground.left(), bottom), QPointF(ground.right(), bottom))
        self._paint_ticks(painter, bottom)
        for value, colour in zip(self._own, self._colours, strict=False):
            if value is not None:
                painter.setPen(QPen(QColor(colour), 1.5, Qt.PenStyle.DashLine))
                painter.drawLine(QPointF(self.x_of(value), 2), QPointF(self.x_of(value), bottom))
        x = self.x_of(self._threshold)
        painter.setPen(QPen(self.palette().highlight().color(), 2.5 if self.hasFocus() else 2))
        painter.drawLine(QPointF(x, 0), QPointF(x, bottom))

    def _paint_bars(self, painter: QPainter, bottom: float) -> None:
        histogram = self._histogram
        if histogram is None:
            painter.setPen(self.palette().placeholderText().color())
            painter.drawText(QRectF(0, 0, self.width(), bottom), Qt.AlignmentFlag.AlignCenter, "…")
            return
        heights = np.sqrt(histogram.counts.sum(axis=0))  # few pixels of a class must be seen beside many without one
        scale = (bottom - 4) / max(float(heights.max()), 1.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = np.nan_to_num(histogram.counts / histogram.counts.sum(axis=0))
        xs = [self.x_of(edge) for edge in histogram.edges.tolist()]
        thresholds = [self._threshold if own is None else own for own in self._own] or [self._threshold] * len(shares)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for at, whole in enumerate((scale * heights).tolist()):
            y, centre = bottom, float(histogram.edges[at : at + 2].mean())
            for share, colour, threshold in zip(shares[:, at].tolist(), self._colours, thresholds, strict=False):
                ink = QColor(colour)
                is_met = centre <= threshold if self._is_distance else centre >= threshold
                ink.setAlphaF(1.0 if is_met else _PALE)
                painter.fillRect(QRectF(xs[at], y - share * whole, xs[at + 1] - xs[at], share * whole), ink)
                y -= share * whole
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def _paint_ticks(self, painter: QPainter, bottom: float) -> None:
        painter.setPen(self.palette().windowText().color())
        for value in ticks(*self._axis, self.width() / 70):
            where = QRectF(self.x_of(value) - 40, bottom + 1, 80, self.height() - bottom)
            painter.drawText(where, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, f"{value:g}{self._unit}")
