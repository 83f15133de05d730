"""What the image pane puts into the plot: the curve under the mouse, and the wavelengths of a false colour."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor, QPalette

from nesr_gui.gui.drawing.symbols import screen_pen
from nesr_gui.gui.model.plot_content import Values
from nesr_gui.gui.spectra.plot_view import PlotView

CHANNELS = (("R", "#d62f2f"), ("G", "#1f9d3a"), ("B", "#2f62e0"))


class HoverCurve(QObject):
    """The spectrum of the pixel under the mouse, as a thin line."""

    def __init__(self, plot: PlotView) -> None:
        super().__init__(plot)
        self._plot = plot
        self.line = pg.PlotCurveItem()
        self.line.setZValue(-1)
        plot.plot.addItem(self.line, ignoreBounds=True)

    def show_values(self, line: tuple[Values, Values] | None) -> None:
        """Draw values (L,) over wavelengths (L,) nm, or with None nothing."""
        if line is None:
            self.line.setData([], [])
            return
        ink = QColor(self._plot.palette().color(QPalette.ColorRole.WindowText))
        ink.setAlpha(150)
        self.line.setPen(screen_pen(self._plot, ink, 1))
        self.line.setData(*line, connect="finite")


class ChannelMarkers(QObject):
    """Three lines at the wavelengths of red, green and blue, to be dragged while they are seen."""

    wavelengths_picked = Signal(object)  # (red, green, blue) nm

    def __init__(self, plot: PlotView) -> None:
        super().__init__(plot)
        self.lines = []
        for height, (letter, colour) in zip((0.9, 0.84, 0.78), CHANNELS, strict=True):
            line = pg.InfiniteLine(
                550, angle=90, movable=True, pen=screen_pen(plot, colour, 2), hoverPen=screen_pen(plot, colour, 4)
            )
            line.setZValue(14)
            pg.InfLineLabel(
                line, letter + " {value:.0f}", position=height, color="w", fill=colour, anchors=[(0, 0.5), (1, 0.5)]
            )
            line.sigDragged.connect(self._announce)
            plot.plot.addItem(line, ignoreBounds=True)
            self.lines.append(line)
        self.show_wavelengths(None)

    def show_wavelengths(self, wavelengths: tuple[float, float, float] | None) -> None:
        """Stand at these, or with None not at all."""
        for line, nm in zip(self.lines, wavelengths or (0.0, 0.0, 0.0), strict=True):
            line.setVisible(wavelengths is not None)
            if wavelengths is not None:
                line.setValue(nm)  # emits sigDragged for the hand only, so nothing echoes

    def show_range(self, low: float, high: float) -> None:
        for line in self.lines:
            line.setBounds((low, high))

    def _announce(self) -> None:
        red, green, blue = (round(float(line.value()), 1) for line in self.lines)
        self.wavelengths_picked.emit((red, green, blue))
