"""The wavelength bar: slider over the spectral colours, spin box and sweep controls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QElapsedTimer, QEvent, QPointF, QRect, QRectF, QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QHideEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from nesr_gui.gui.drawing import theme
from nesr_gui.gui.drawing.theme import spectrum_gradient
from nesr_gui.gui.model.view_settings import SPEEDS
from nesr_gui.gui.views.widgets import DecimalBox

_MARGIN = 9  # half the width of the handle
_RING = 4  # kept free of labels at both ends: a frame is drawn there while the slider has the focus
_TICK_STEPS = (10, 20, 25, 50, 100, 200, 500, 1000)
_FRAME_MS = 15  # at most 66 frames of a sweep per second; what is not ready by then is left out


class WavelengthSlider(QSlider):
    """A slider in tenths of a nanometre that jumps to the position of a click."""

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
        """Preferred size, with room for the tick labels."""
        return QSize(400, 24 + self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        """Minimum size, with room for the tick labels."""
        return QSize(120, 24 + self.fontMetrics().height())

    def track(self) -> QRectF:
        """Rectangle of the gradient in widget pixels."""
        return QRectF(_MARGIN, 5, max(self.width() - 2 * _MARGIN, 1), 14)

    def position_of(self, value: float) -> float:
        """Horizontal position of a value in tenths of a nanometre."""
        track, span = self.track(), max(self.maximum() - self.minimum(), 1)
        return track.left() + track.width() * (value - self.minimum()) / span

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Move the handle to the mouse and start dragging."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self._go(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the handle."""
        if self.isSliderDown():
            self._go(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Stop dragging."""
        self.setSliderDown(False)

    def _go(self, event: QMouseEvent) -> None:
        track = self.track()
        share = (event.position().x() - track.left()) / track.width()
        self.setValue(round(self.minimum() + share * (self.maximum() - self.minimum())))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint gradient, ticks and handle."""
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
        track = self.track()
        step = next((s for s in _TICK_STEPS if (high - low) * width <= s * max(track.width(), width)), _TICK_STEPS[-1])
        top, per_nm = int(track.bottom()) + 2, track.width() / max(high - low, 0.1)
        for nm in np.arange(np.ceil(low / step) * step, high + 1e-6, step):
            x = track.left() + per_nm * (float(nm) - low)
            where = QRect(round(x - width / 2), top, round(width), self.height() - top)
            where.moveLeft(min(max(where.left(), _RING), self.width() - _RING - where.width()))
            edge = Qt.AlignmentFlag.AlignHCenter
            if x - width / 2 < _RING:
                edge = Qt.AlignmentFlag.AlignLeft
            elif x + width / 2 > self.width() - _RING:
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


class WavelengthBar(QWidget):
    """Signals the wavelength that the user picks or sweeps to, and shows the current one."""

    wavelength_picked = Signal(float)  # nm
    playing_changed = Signal(bool)  # whether the sweep is running
    speed_picked = Signal(float)  # nm/s

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.play = QToolButton()
        self.play.setAutoRaise(True)
        self.play.setIconSize(QSize(22, 22))
        self.play.clicked.connect(self.toggle_playing)
        self.slider = WavelengthSlider()
        self.number = DecimalBox()
        self.number.setDecimals(1)
        self.number.setSingleStep(0.1)
        self.number.setSuffix(" nm")
        self.number.setMinimumHeight(28)
        self.number.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.number.setCorrectionMode(QAbstractSpinBox.CorrectionMode.CorrectToNearestValue)
        self.number.setKeyboardTracking(False)
        self.number.setAccessibleName("Wavelength in nanometres")
        self.speed = DecimalBox()
        self.speed.setRange(*SPEEDS)
        self.speed.setDecimals(1)
        self.speed.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
        self.speed.setButtonSymbols(
            QAbstractSpinBox.ButtonSymbols.NoButtons
        )  # arrow keys and mouse wheel change the value
        self.speed.setSuffix(" nm/s")
        self.speed.setValue(40.0)
        self.speed.setMinimumHeight(28)
        self.speed.setKeyboardTracking(False)
        self.speed.setAccessibleName("Sweep speed in nanometres per second")
        self.speed.setToolTip("Sweep speed")
        self.badge = QLabel()
        self.badge.setAlignment(Qt.AlignmentFlag.AlignRight)
        small = self.badge.font()
        small.setPointSizeF(0.8 * small.pointSizeF())
        self.badge.setFont(small)
        self._bands: list[float] = []
        self._clock, self._position = QElapsedTimer(), 550.0  # of the sweep, in nm, at full precision
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_FRAME_MS)
        self._timer.timeout.connect(self._sweep)
        self.slider.valueChanged.connect(lambda tenths: self.wavelength_picked.emit(tenths / 10))
        self.number.valueChanged.connect(self.wavelength_picked)
        self.speed.valueChanged.connect(self.speed_picked)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 6)
        layout.setSpacing(10)
        for widget, stretch in ((self.play, 0), (self.speed, 0), (self.slider, 1)):
            layout.addWidget(widget, stretch, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()  # stacked to save width
        column.setSpacing(0)
        column.addWidget(self.number)
        column.addWidget(self.badge)
        layout.addLayout(column)
        self.show_range(400.0, 700.0)
        self._show_playing()

    def show_range(self, low: float, high: float, bands: Sequence[float] = ()) -> None:
        """Set the wavelength range, and the bands that the model was trained on or the cube was measured at."""
        self._bands = list(bands)
        with QSignalBlocker(self.slider), QSignalBlocker(self.number):
            self.slider.setRange(round(10 * low), round(10 * high))
            self.number.setRange(low, high)
        self.number.setAccessibleDescription(f"Between {low:g} and {high:g} nm")
        self.slider.update()
        self._show_badge()

    def show_wavelength(self, nm: float) -> None:
        """Show the current wavelength without emitting signals."""
        with QSignalBlocker(self.slider), QSignalBlocker(self.number):
            self.slider.setValue(round(10 * nm))
            self.number.setValue(nm)
        if abs(nm - self._position) > 0.06:  # not set by the sweep, whose value is rounded to 0.1 nm
            self._position = nm
        self.slider.update()
        self._show_badge()

    def show_speed(self, nm_per_second: float) -> None:
        """Show the speed of the sweep without emitting signals."""
        with QSignalBlocker(self.speed):
            self.speed.setValue(nm_per_second)

    def is_playing(self) -> bool:
        """Whether the sweep is running."""
        return self._timer.isActive()

    def toggle_playing(self) -> None:
        """Start or stop sweeping through the range in a loop."""
        if self._timer.isActive():
            self._timer.stop()
        else:
            self._clock.start()
            self._timer.start()
        self._show_playing()
        self.playing_changed.emit(self.is_playing())

    def stop(self) -> None:
        """Stop the sweep."""
        if self.is_playing():
            self.toggle_playing()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop the sweep when the bar is hidden."""
        super().hideEvent(event)
        self.stop()

    def changeEvent(self, event: QEvent) -> None:
        """Redraw the icon when the palette changes."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show_playing()

    def _sweep(self) -> None:
        nm = self._position + self.speed.value() * self._clock.restart() / 1000
        self._position = nm if nm <= self.number.maximum() else self.number.minimum()
        self.wavelength_picked.emit(self._position)

    def _show_badge(self) -> None:
        """Show whether the wavelength is a band of the model or cube, or lies between two."""
        nm = self.number.value()
        on_band = bool(self._bands) and min([abs(nm - band) for band in self._bands]) < 0.05
        self.badge.setText(("on a band" if on_band else "between bands") if self._bands else "")
        relation = "is one of" if on_band else "is between"
        self.badge.setToolTip(f"{nm:.1f} nm {relation} the bands of the training data or the measured cube")

    def _show_playing(self) -> None:
        playing = self.is_playing()
        self.play.setIcon(theme.icon("pause" if playing else "play", self.palette()))
        self.play.setAccessibleName("Pause sweep" if playing else "Play sweep")
        self.play.setToolTip(f"{'Pause sweep' if playing else 'Play sweep'} (Space)")
