"""Colour bars of the panes: colour scale, histogram and draggable limits, in a column of constant width."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QLinearGradient, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QHBoxLayout,
    QLabel,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from nesr_gui.gui.drawing import theme
from nesr_gui.gui.drawing.ticks import ticks
from nesr_gui.gui.drawing.tone_mapping import SHADES, Histogram
from nesr_gui.gui.model.document import UInt8Array
from nesr_gui.gui.tasks.rendering import RenderedImage
from nesr_gui.gui.view_modes.base import Channel, ValueScale
from nesr_gui.gui.views.image.legend import Legend
from nesr_gui.gui.views.widgets import NumberBox

Limits = tuple[float, float]
WIDTH = 88  # px of the column
_REACH = 9.0
_TITLE_LINES = 3  # of the longest title, "prediction interval width"
_TIP = "Drag a limit; double-click for automatic levels"
_ROOM = 1.12  # factor of headroom on the axis


class LevelsScale(QWidget):
    """A colour gradient with histogram, between two limits that can be dragged."""

    limits_picked = Signal(float, float)  # low, high

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setToolTip(_TIP)
        self.setMouseTracking(True)
        self.limits: Limits = (0.0, 1.0)
        self._axis: Limits = (0.0, 1.0)
        self._histogram: Histogram | None = None
        self._stops = SHADES[:: len(SHADES) // 32]
        self._colours: UInt8Array | None = None
        self._dragged_limit: int | None = None

    def sizeHint(self) -> QSize:
        """Preferred size."""
        return QSize(84, 240)

    def show_levels(
        self, limits: Limits, usual: Limits, histogram: Histogram | None, colours: UInt8Array | None
    ) -> None:
        """Show limits, histogram and colours; the axis always includes the `usual` limits."""
        axis = self._axis
        if self._dragged_limit is None:  # keep the axis fixed during a drag
            low, high = min(limits[0], usual[0]), max(limits[1], usual[1])
            axis = (low - (_ROOM - 1) * (high - low) if low < 0 else low, low + (high - low) * _ROOM)
        is_new = (limits, axis) != (self.limits, self._axis) or histogram is not self._histogram
        if is_new or colours is not self._colours:  # painting is slow, and scrubbing changes nothing here
            self.limits, self._axis, self._histogram, self._colours = limits, axis, histogram, colours
            self.update()

    def y_of(self, value: float) -> float:
        """Vertical position of a value in widget pixels."""
        low, high = self._axis
        inner = self.height() - 2 * _REACH
        return _REACH + inner * (1 - (value - low) / max(high - low, 1e-12))

    def _strip(self) -> QRectF:
        """Rectangle of the gradient; a thin scale leaves as much space as possible for the numbers."""
        left, width = (2.0, 9.0) if self.width() < WIDTH // 2 + 1 else (6.0, 14.0)
        return QRectF(left, _REACH, width, self.height() - 2 * _REACH)

    def _value_at(self, y: float) -> float:
        low, high = self._axis
        return low + (high - low) * (1 - (y - _REACH) / max(self.height() - 2 * _REACH, 1))

    def _near(self, y: float) -> int:
        """Index of the limit nearest to y; if both coincide, the one that can move towards y."""
        low, high = (abs(y - self.y_of(limit)) for limit in self.limits)
        return 0 if low < high or (low == high and y > self.y_of(self.limits[0])) else 1

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start dragging the nearest limit."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._dragged_limit = self._near(event.position().y())
            self._drag(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag a limit, and show the cursor for dragging near one."""
        if self._dragged_limit is not None:
            self._drag(event)
        near = min(abs(event.position().y() - self.y_of(limit)) for limit in self.limits)
        self.setCursor(Qt.CursorShape.SizeVerCursor if near < _REACH else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Stop dragging."""
        self._dragged_limit = None

    def _drag(self, event: QMouseEvent) -> None:
        value, (low, high) = self._value_at(event.position().y()), self.limits
        least = 1e-3 * (self._axis[1] - self._axis[0])
        if self._dragged_limit == 0:
            self.limits_picked.emit(min(value, high - least), high)
        else:
            self.limits_picked.emit(low, max(value, low + least))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint gradient, histogram, tick labels and limits."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        strip = self._strip()
        lines = [self.y_of(limit) for limit in self.limits]
        bottom, top = [min(max(y, strip.top()), strip.bottom()) for y in lines]
        gradient = QLinearGradient(QPointF(0, bottom), QPointF(0, max(top, 0) if top < bottom else bottom - 1))
        colours = self._colours[::8] if self._colours is not None else np.repeat(self._stops[:, None], 3, 1)
        for share, rgb in zip(np.linspace(0, 1, len(colours)), colours.tolist(), strict=True):
            gradient.setColorAt(float(share), QColor(*rgb))
        painter.fillRect(strip, gradient)
        painter.setPen(QPen(self.palette().mid().color(), 1))
        painter.drawRect(strip)
        self._paint_histogram(painter)
        self._paint_numbers(painter, lines)
        painter.setPen(QPen(self.palette().highlight().color(), 2))
        for y in lines:
            painter.drawLine(QPointF(0, y), QPointF(self.width(), y))

    def _paint_histogram(self, painter: QPainter) -> None:
        histogram = self._histogram
        if histogram is None:
            return
        steps = np.linspace(histogram.low, histogram.high, len(histogram.counts) + 1)
        inside = (steps[1:] >= self._axis[0]) & (steps[:-1] <= self._axis[1])
        left = self._strip().right() + 2
        room = self.width() - left - 2
        lengths = room * np.sqrt(histogram.counts / max(int(histogram.counts.max()), 1))
        painter.setPen(Qt.PenStyle.NoPen)
        ink = QColor(self.palette().placeholderText().color())
        ink.setAlpha(90)
        painter.setBrush(ink)
        low, high = self._axis
        inner = self.height() - 2 * _REACH
        ys = (_REACH + inner * (1 - (steps - low) / max(high - low, 1e-12))).tolist()  # `y_of`, vectorised
        outline = [QPointF(left, ys[0])]
        for i in np.flatnonzero(inside).tolist():
            x = left + float(lengths[i])
            outline += [QPointF(x, ys[i]), QPointF(x, ys[i + 1])]
        outline.append(QPointF(left, outline[-1].y()))
        outline[0].setY(outline[1].y() if len(outline) > 2 else outline[0].y())
        painter.setClipRect(self.rect().adjusted(0, int(_REACH), 0, -int(_REACH)))
        painter.drawPolygon(QPolygonF(outline))
        painter.setClipping(False)

    def _paint_numbers(self, painter: QPainter, lines: list[float]) -> None:
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 0.85)
        painter.setFont(font)
        painter.setPen(self.palette().windowText().color())
        height = painter.fontMetrics().height()
        left = self._strip().right() + 4
        for value in ticks(*self._axis, self.height() / (3.5 * height)):
            y = self.y_of(value)
            if abs(y - lines[0]) < height / 2 or abs(y - lines[1]) < height / 2:
                continue
            where = QRectF(left, y - height / 2, self.width() - left, height)
            painter.drawText(where, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, f"{value:g}")


class ColourBar(QWidget):
    """The colour bar of one side, with spin boxes for the limits and a button for automatic levels.

    A thin one has the scale only.
    """

    limits_picked = Signal(str, object)  # key of the scale, (low, high)

    def __init__(self, side: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._key, self._automatic = "", (0.0, 1.0)
        self._shown: tuple[Limits, str, str] | None = None  # limits and texts of the boxes
        self._histogram: Histogram | None = None
        self.title = QLabel()
        self.title.setWordWrap(True)
        self.title.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom)
        self.title.setFixedHeight(_TITLE_LINES * self.title.fontMetrics().lineSpacing())  # the scale keeps still
        self.high, self.low = (_number(f"{end} limit of the {side} pane") for end in ("Upper", "Lower"))
        self.scale = LevelsScale()
        self.auto = QToolButton()
        self.auto.setText("Auto")
        self.auto.setToolTip("Set the limits to the central 99 % of the values in view")
        self.auto.setAccessibleName(f"Automatic levels of the {side} pane")
        self.auto.setSizePolicy(self.high.sizePolicy())
        self.legend = Legend(side)
        self._has_classes = False
        self._layout = layout = QVBoxLayout(self)
        layout.setSpacing(4)
        for widget in (self.title, self.high, self.scale, self.low, self.auto, self.legend):
            layout.addWidget(widget, 1 if widget in (self.scale, self.legend) else 0)
        self.scale.limits_picked.connect(self._pick)
        self.auto.clicked.connect(lambda: self._pick(*self._automatic))
        for box in (self.high, self.low):
            box.valueChanged.connect(lambda _: self._pick(self.low.value(), self.high.value()))
        self.show_thin(False)
        self.hide()

    def show_thin(self, is_thin: bool) -> None:
        """Show the scale alone, in half the width of the column, or everything."""
        self.is_thin = is_thin
        self.setFixedWidth(WIDTH // 2 if is_thin else WIDTH)
        side = 0 if is_thin else 4
        self._layout.setContentsMargins(side, 8, side, 6)
        self._show_parts()

    def _show_parts(self) -> None:
        """Show scale or legend; a thin one has neither title nor limits."""
        self.title.setHidden(self.is_thin)
        for widget in (self.high, self.low, self.auto):
            widget.setHidden(self.is_thin or self._has_classes)
        self.scale.setHidden(self._has_classes)
        self.legend.setVisible(self._has_classes)

    def show_picture(
        self, picture: RenderedImage | None, limits: Limits, lookup: UInt8Array | None, shares: Mapping[int, float]
    ) -> None:
        """Show the scale of a picture with the current limits, or the legend of classes; hidden for one without.

        A preview keeps the histogram of the last exact picture.
        """
        scale = _scale(picture)
        self.setVisible(scale is not None)
        if picture is None or scale is None:
            return
        if (has_classes := bool(scale.categories)) is not self._has_classes:
            self._has_classes = has_classes
            self._show_parts()
        if has_classes:
            self.title.setText(f"{scale.quantity}, share of the image" if shares else scale.quantity)
            self.legend.show_entries(picture.legend, shares, is_thin=self.is_thin)
            self._key = scale.key
            return
        if scale.key != self._key:
            self._histogram = None
        self._key = scale.key
        if picture.histogram is not None:
            self._histogram = picture.histogram
            self._automatic = picture.histogram.percentiles
        self.auto.setEnabled(self._histogram is not None)
        name = f"{scale.quantity} ({scale.unit})" if scale.unit else scale.quantity
        self.title.setText(name)
        self.scale.setToolTip("\n".join((f"{name[:1].upper()}{name[1:]}", *map(_channel_text, scale.channels), _TIP)))
        low, high = limits
        step = (high - low) / 50
        if (limits, self.high.text(), self.low.text()) != self._shown:  # setting a value paints the box
            for box, value in ((self.high, high), (self.low, low)):
                with QSignalBlocker(box):
                    box.setDigits(4 + max(math.floor(math.log10(max(abs(low), abs(high)) / (high - low))), 0))
                    box.setSingleStep(step)
                    box.setValue(value)
            self._shown = limits, self.high.text(), self.low.text()
        self.scale.show_levels((low, high), scale.limits, self._histogram, lookup)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Set automatic levels."""
        if self.auto.isEnabled() and not self._has_classes:
            self._pick(*self._automatic)

    def _pick(self, low: float, high: float) -> None:
        if high > low:
            self.limits_picked.emit(self._key, (low, high))


class ColourBarColumn(QWidget):
    """Two colour bars in a column that keeps its width, so that the images beside it never move.

    One bar takes the whole column, two are thin; without a scale the column looks like the surround of the images.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(WIDTH)
        self.setAutoFillBackground(True)
        self.setPalette(theme.on_surround())
        self.bars = ColourBar("first"), ColourBar("second")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for bar in self.bars:
            layout.addWidget(bar)

    def show_pictures(
        self,
        shown: Sequence[tuple[RenderedImage | None, Limits, UInt8Array | None]],
        shares: Mapping[str, Mapping[int, float]],
    ) -> None:
        """Show the scale or the legend of the picture of each side.

        Args:
            shown: picture, limits and lookup table of each side; None for a side without.
            shares: of classes by number, by the name of the view mode.
        """
        is_thin = None not in [_scale(picture) for picture, _, _ in shown]
        for bar, (picture, limits, lookup) in zip(self.bars, shown, strict=True):
            if is_thin != bar.is_thin:
                bar.show_thin(is_thin)
            name = picture.request.mode.name if picture is not None else ""
            bar.show_picture(picture, limits, lookup, shares.get(name, {}))


def _scale(picture: RenderedImage | None) -> ValueScale | None:
    """The scale of a picture; None without one."""
    return picture.request.scale if picture is not None else None


def _channel_text(channel: Channel) -> str:
    """From where to where a quantity goes as one of the colours."""
    low, high = channel.limits
    return f"{channel.name}: 0 is {low:.3g}{channel.unit}, 1 is {high:.3g}{channel.unit}"


def _number(name: str) -> NumberBox:
    box = NumberBox()
    box.setRange(-1e9, 1e9)
    box.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
    box.setAlignment(Qt.AlignmentFlag.AlignHCenter)
    box.setKeyboardTracking(False)
    box.setAccessibleName(name)
    box.setToolTip(name)
    return box
