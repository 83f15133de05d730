"""The slider drawn on the colours of the spectrum."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QSlider, QWidget

from nesr_gui.gui.drawing.theme import spectrum_gradient

_MARGIN = 9  # half a handle, so that it can stand at either end
_TICK_STEPS = (10, 20, 25, 50, 100, 200, 500, 1000)


class WavelengthSlider(QSlider):
    """A slider in tenths of a nm; a press goes where it points."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setAccessibleName("Wavelength")
        self.setAccessibleDescription("The wavelength shown, in tenths of a nanometre")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setRange(4000, 7000)
        self.setSingleStep(10)
        self.setPageStep(100)

    def sizeHint(self) -> QSize:
        return QSize(400, 24 + self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 24 + self.fontMetrics().height())

    def track(self) -> QRectF:
        """Where the gradient is, in this widget's pixels."""
        return QRectF(_MARGIN, 5, max(self.width() - 2 * _MARGIN, 1), 14)

    def position_of(self, value: float) -> float:
        """x of a value in tenths of a nm."""
        track, span = self.track(), max(self.maximum() - self.minimum(), 1)
        return track.left() + track.width() * (value - self.minimum()) / span

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self._go(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.isSliderDown():
            self._go(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.setSliderDown(False)

    def _go(self, event: QMouseEvent) -> None:
        track = self.track()
        share = (event.position().x() - track.left()) / track.width()
        self.setValue(round(self.minimum() + share * (self.maximum() - self.minimum())))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.isEnabled():
            painter.setOpacity(0.4)
        track = self.track()
        path = QPainterPath()
        path.addRoundedRect(track, 4, 4)
        low, high = self.minimum() / 10, self.maximum() / 10
        painter.fillPath(path, spectrum_gradient(low, high, track.topLeft(), track.topRight()))
        self._paint_ticks(painter, low, high)
        self._paint_handle(painter)

    def _paint_ticks(self, painter: QPainter, low: float, high: float) -> None:
        painter.setPen(self.palette().placeholderText().color())
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 0.9)
        painter.setFont(font)
        width = painter.fontMetrics().horizontalAdvance("0000") * 1.8
        room = max(self.track().width() / width, 1)
        step = next((s for s in _TICK_STEPS if (high - low) / s <= room), _TICK_STEPS[-1])
        top = int(self.track().bottom()) + 2
        for nm in np.arange(np.ceil(low / step) * step, high + 1e-6, step):
            x = self.position_of(10 * float(nm))
            where = QRect(round(x - width / 2), top, round(width), self.height() - top)
            where.moveLeft(min(max(where.left(), 0), self.width() - where.width()))
            edge = Qt.AlignmentFlag.AlignHCenter
            if x - width / 2 < 0:
                edge = Qt.AlignmentFlag.AlignLeft
            elif x + width / 2 > self.width():
                edge = Qt.AlignmentFlag.AlignRight
            painter.drawText(where, edge | Qt.AlignmentFlag.AlignVCenter, f"{nm:g}")

    def _paint_handle(self, painter: QPainter) -> None:
        x, track = self.position_of(self.sliderPosition()), self.track()
        handle = QRectF(x - 5, track.top() - 4, 10, track.height() + 8)
        focus = self.hasFocus()
        painter.setPen(QPen(self.palette().highlight().color() if focus else QColor(40, 44, 50), 2.4 if focus else 1.4))
        painter.setBrush(QColor("white"))
        painter.drawRoundedRect(handle, 4, 4)
        painter.setPen(QPen(QColor(90, 96, 104), 1.2))
        painter.drawLine(QPointF(x, handle.top() + 6), QPointF(x, handle.bottom() - 6))
