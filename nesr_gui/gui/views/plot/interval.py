"""The interval of wavelengths of the statistics, dragged in the plot."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QObject, QSignalBlocker, Signal
from PySide6.QtGui import QColor, QPalette

from nesr_gui.gui.drawing.symbols import screen_pen
from nesr_gui.gui.model.statistics_settings import Range
from nesr_gui.gui.views.plot.plot_view import PlotView


class IntervalMarker(QObject):
    """A shaded interval whose edges can be dragged; if it is not the whole range, it can be dragged as well."""

    interval_picked = Signal(object)  # (low, high) in nm

    def __init__(self, plot: PlotView) -> None:
        super().__init__(plot)
        self._plot = plot
        self.item = pg.LinearRegionItem(swapMode="block")
        self.item.setZValue(1)  # below 0, the plot would take the drags
        self.item.sigRegionChanged.connect(self._announce)
        plot.plot.addItem(self.item, ignoreBounds=True)
        self.item.hide()

    def show_interval(self, within: Range | None, available: Range) -> None:
        """Show the interval in the range `available`; None hides it."""
        self.item.setVisible(within is not None)
        if within is None:
            return
        with QSignalBlocker(self.item):
            self.item.setBounds(available)
            if self.item.getRegion() != within:
                self.item.setRegion(within)
        self.item.movable = within != available  # otherwise a drag inside pans the plot
        colour = QColor(self._plot.palette().color(QPalette.ColorRole.Highlight))
        for line in self.item.lines:
            line.setPen(screen_pen(self._plot, colour, 2))
            line.setHoverPen(screen_pen(self._plot, colour, 4))
        colour.setAlpha(30)
        self.item.setBrush(colour)
        colour.setAlpha(50)
        self.item.setHoverBrush(colour)

    def _announce(self) -> None:
        low, high = (round(float(edge)) for edge in self.item.getRegion())
        if low < high:
            self.interval_picked.emit((float(low), float(high)))
