"""Loadings of components as curves over the wavelength."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QWidget

from nesr_gui.gui.drawing.ticks import Axis, colour_axis
from nesr_gui.spectral import Spectrum

_AXIS_WIDTH = 44  # px
_PALE = 70  # opacity of 255 of a component that the picture does not show


class LoadingsView(pg.GraphicsLayoutWidget):  # type: ignore[misc]
    """Shows one curve per component, those of the picture in front; signals the picked wavelength."""

    wavelength_picked = Signal(float)  # nm

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Loadings")
        self.setAccessibleDescription("Weight of each wavelength in the components; drag the line to choose one")
        self.setMinimumHeight(150)
        self.setAntialiasing(True)
        self.ci.setContentsMargins(2, 4, 6, 2)
        box = pg.ViewBox(enableMenu=False, enableMouse=False)
        self.plot = self.addPlot(viewBox=box, axisItems={side: Axis(side) for side in ("left", "bottom")})
        self.plot.hideButtons()
        self.plot.setMenuEnabled(False)
        self.plot.getAxis("left").setWidth(_AXIS_WIDTH)
        self.plot.setLabel("bottom", "Wavelength (nm)")
        box.disableAutoRange()
        self.zero = pg.InfiniteLine(0.0, angle=0, movable=False)
        self.line = pg.InfiniteLine(550.0, angle=90, movable=True)
        for item in (self.zero, self.line):
            self.plot.addItem(item, ignoreBounds=True)
        self.line.sigDragged.connect(lambda line: self.wavelength_picked.emit(float(line.value())))
        self.curves: list[pg.PlotCurveItem] = []
        self._colours: tuple[str, ...] = ()
        self._shown: tuple[int, ...] = ()
        self._follow_palette()

    def show_loadings(self, loadings: Sequence[Spectrum], colours: Sequence[str]) -> None:
        """Show the loadings of components in their colours #rrggbb."""
        for curve in self.curves:
            self.plot.removeItem(curve)
        self.curves = [pg.PlotCurveItem(each.wavelengths.nm, each.values) for each in loadings]
        for curve in self.curves:
            self.plot.addItem(curve, ignoreBounds=True)
        self._colours = tuple(colours)
        if loadings:
            nm = loadings[0].wavelengths.nm
            most = max(float(np.abs(each.values).max()) for each in loadings)
            self.line.setBounds((nm[0], nm[-1]))
            self.plot.setRange(xRange=(nm[0], nm[-1]), yRange=(-most, most), padding=0.04)
        self._paint()

    def show_layers(self, layers: Sequence[int]) -> None:
        """Emphasise the components of the picture."""
        if (shown := tuple(layers)) != self._shown:
            self._shown = shown
            self._paint()

    def show_wavelength(self, nm: float) -> None:
        """Move the line to the selected wavelength."""
        self.line.setValue(nm)  # sigDragged is emitted for mouse drags only

    def changeEvent(self, event: QEvent) -> None:
        """Update all colours when the palette changes."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "curves"):
            self._follow_palette()

    def _paint(self) -> None:
        for number, (curve, colour) in enumerate(zip(self.curves, self._colours, strict=True)):
            is_shown, ink = number in self._shown, QColor(colour)
            if not is_shown:
                ink.setAlpha(_PALE)
            curve.setPen(pg.mkPen(ink, width=2 if is_shown else 1))
            curve.setZValue(int(is_shown))

    def _follow_palette(self) -> None:
        colours = self.palette()
        self.setBackground(colours.color(QPalette.ColorRole.Base))
        for side in ("left", "bottom"):
            colour_axis(self.plot.getAxis(side), colours, self.font())
        quiet = colours.color(QPalette.ColorRole.Mid)
        self.zero.setPen(pg.mkPen(quiet))
        self.line.setPen(pg.mkPen(colours.color(QPalette.ColorRole.PlaceholderText), style=Qt.PenStyle.DashLine))
        self.line.setHoverPen(pg.mkPen(colours.color(QPalette.ColorRole.Highlight), width=2))
