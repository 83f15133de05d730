"""Round tick values, and plot axes that use them."""

from __future__ import annotations

import math
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QRectF


def ticks(low: float, high: float, most: float) -> list[float]:
    """Return at most about `most` round values from `low` to `high`."""
    if not high > low:
        return [low]
    raw = (high - low) / max(most, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * n for n in (1, 2, 5, 10) if power * n >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(n * step, 12) + 0.0 for n in range(first, last + 1)]


class Axis(pg.AxisItem):  # type: ignore[misc]
    """An axis with labels at its ends and one grid line per label."""

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        """Override of pyqtgraph: one level of ticks, spaced for `size` pixels."""
        values = ticks(low, high, size / (55 if self.orientation == "bottom" else 70))
        return [(values[1] - values[0] if len(values) > 1 else 1.0, values)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[Any]:
        """Override of pyqtgraph: the shortest text of each value."""
        return [f"{value:g}" for value in values]

    def _updateMaxTextSize(self, size: int) -> None:
        """Make the axis as wide as its present labels need; pyqtgraph never shrinks it."""
        self.textWidth = self.textHeight = 0
        super()._updateMaxTextSize(size)

    def boundingRect(self) -> QRectF:
        """Override of pyqtgraph: with room for the labels at both ends."""
        bounds: QRectF = super().boundingRect()
        return bounds.adjusted(-20, -10, 20, 10)
