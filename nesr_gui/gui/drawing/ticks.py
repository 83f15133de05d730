"""Round tick values, and plot axes that use them."""

from __future__ import annotations

import bisect
import math
from typing import Any

import pyqtgraph as pg
from PySide6.QtGui import QFont, QPalette


def ticks(low: float, high: float, most: float) -> list[float]:
    """Return at most about `most` round values from `low` to `high`."""
    if not high > low:
        return [low]
    raw = (high - low) / max(most, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = power * (1, 2, 5, 10)[bisect.bisect_left((1, 2, 5, 10), raw / power * 0.999)]
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(n * step, 12) + 0.0 for n in range(first, last + 1)]


def log_ticks(low: float, high: float, most: float) -> list[float]:
    """Return at most about `most` values 1, 2 and 5 times a power of ten from `low` to `high`, both above 0.

    Powers of ten alone if there are many; `ticks` if there is less than one decade.
    """
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors, step in (((1, 2, 5), 1), *(((1,), step) for step in range(1, len(decades) + 1))):
        values = [factor * 10.0**power for power in decades[::step] for factor in factors]
        inside = [value for value in values if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
        if len(inside) <= max(most, 2):
            break
    return inside if len(inside) > 1 else [value for value in ticks(low, high, most) if value > 0]


def colour_axis(axis: pg.AxisItem, colours: QPalette, font: QFont) -> None:
    """Draw an axis in the colours of a palette, with quiet labels."""
    axis.setPen(pg.mkPen(colours.color(QPalette.ColorRole.Mid)))
    axis.setTextPen(colours.color(QPalette.ColorRole.PlaceholderText))
    axis.enableAutoSIPrefix(False)
    axis.setStyle(tickFont=QFont(font), tickLength=0, tickTextOffset=6, hideOverlappingLabels=20)


class Axis(pg.AxisItem):  # type: ignore[misc]
    """An axis with round labels, also at its ends."""

    is_logarithmic = False  # whether it shows exponents of ten as their powers

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        """Override of pyqtgraph: one level of ticks, for `size` pixels; a logarithmic axis runs over exponents."""
        most = size / (55 if self.orientation == "bottom" else 50)
        if self.is_logarithmic:
            values = [math.log10(value) for value in log_ticks(10.0**low, 10.0**high, 2 * most)]
        else:
            values = ticks(low, high, most)
        return [(values[1] - values[0] if len(values) > 1 else 1.0, values)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[Any]:
        """Override of pyqtgraph: the shortest text of each value."""
        return [f"{10.0**value if self.is_logarithmic else value:g}" for value in values]

    def _updateMaxTextSize(self, size: int) -> None:
        """Make the axis as wide as its present labels need; pyqtgraph never shrinks it."""
        self.textWidth = self.textHeight = 0
        super()._updateMaxTextSize(size)
