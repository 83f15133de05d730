"""Lines that keep their width at any zoom, and on any screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyqtgraph as pg
from PySide6.QtGui import QPaintDevice, QPen


def screen_pen(device: QPaintDevice, colour: Any, width: float, dash: Sequence[float] | None = None) -> QPen:
    """A pen of so many logical pixels; by itself Qt takes them for dots, of which fine screens have more.

    Args:
        device: what is drawn on.
        colour: as pyqtgraph understands it.
        width: in pixels of a screen without scaling.
        dash: lengths of lines and gaps, in widths.
    """
    return pg.mkPen(colour, width=width * device.devicePixelRatioF(), dash=list(dash) if dash else None)
