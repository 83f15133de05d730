"""The scale bar in the corner of an image."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from nesr_gui.gui.drawing.labels import metric_unit

_LENGTHS = 1, 2, 5, 10  # times a power of ten
_LONGEST = 140  # px
_INSET, _THICK, _EDGE = 8, 4, 1.5  # px


class ScaleBar(QWidget):
    """Shows a round length in image pixels, or in metres if their length is known."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName("Scale bar")
        self.text, self.length = "", 0.0  # label, and length in px on the screen
        self.hide()

    def show_scale(self, pixels: float, metres: float | None) -> None:
        """Show the scale.

        Args:
            pixels: image pixels per px of the widget.
            metres: length of an image pixel, if known.
        """
        unit = metres if metres is not None else 1.0
        value = round_length(_LONGEST * pixels * unit, is_whole=metres is None)
        self.text = f"{value:g} px" if metres is None else _metric(value)
        self.length = value / (pixels * unit)
        self.setAccessibleDescription(self.text)
        height = self.fontMetrics().height()
        self.setFixedSize(math.ceil(max(self.length, self.fontMetrics().horizontalAdvance(self.text))) + 2 * _INSET,
                          height + _THICK + 2 * _INSET)  # fmt: skip
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw bar and label on a translucent ground."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(15, 17, 20, 178))
        painter.drawRoundedRect(self.rect(), 5, 5)
        left = (self.width() - self.length) / 2
        painter.fillRect(QRectF(left, self.height() - _INSET - _THICK + _EDGE, self.length, _THICK), QColor("white"))
        painter.setPen(QColor("white"))
        label = self.rect().adjusted(0, _INSET - 2, 0, 0)
        painter.drawText(label, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, self.text)


def round_length(longest: float, *, is_whole: bool) -> float:
    """The greatest of 1, 2, 5 times a power of ten up to `longest`; at least 1 for whole pixels."""
    power = 10.0 ** math.floor(math.log10(longest))
    value = max(step * power for step in _LENGTHS if step * power <= longest * (1 + 1e-9))
    return max(value, 1.0) if is_whole else value


def _metric(metres: float) -> str:
    """A length with the unit that gives the shortest number."""
    name, unit = metric_unit(metres)
    return f"{metres / unit:g} {name}"
