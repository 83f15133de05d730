"""The transect: its spectra as a picture with a colour bar, and its values at the wavelength as a curve."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPalette, QResizeEvent
from PySide6.QtWidgets import QWidget

from nesr_gui.analysis.transect import Transect
from nesr_gui.gui.drawing.labels import metric_unit
from nesr_gui.gui.drawing.symbols import screen_pen
from nesr_gui.gui.drawing.ticks import Axis, colour_axis
from nesr_gui.gui.drawing.tone_mapping import lookup
from nesr_gui.gui.model.transect import TransectSpectra
from nesr_gui.spectral import FloatArray

COLORMAP = "viridis"
_BAR, _BAR_COLUMN = 12, 62  # px of the colour bar, and with its labels
_AXIS_WIDTH = 58  # px left of both plots, so that they are aligned


class _PictureBox(pg.ViewBox):  # type: ignore[misc]
    """View box that signals clicks."""

    clicked = Signal(float)  # wavelength

    def mouseClickEvent(self, event: Any) -> None:
        """Signal the wavelength of a click of the left button."""
        if event.button() == Qt.MouseButton.LeftButton:
            event.accept()
            self.clicked.emit(float(self.mapSceneToView(event.scenePos()).y()))


class TransectView(pg.GraphicsLayoutWidget):  # type: ignore[misc]
    """Shows the spectra along a line; signals the distance under the mouse and the picked wavelength."""

    distance_hovered = Signal(object)  # source pixels from the start | None
    wavelength_picked = Signal(float)  # nm

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Transect")
        self.setAccessibleDescription(
            "Spectra along the transect: distance from A to B across, wavelength upwards; below, the values at the "
            "selected wavelength"
        )
        self.setMinimumHeight(130)
        self.setAntialiasing(True)
        self.ci.setContentsMargins(4, 6, 4, 4)
        self.ci.layout.setHorizontalSpacing(2)
        self.ci.layout.setVerticalSpacing(8)
        self._unit, self._scale, self._quantity = "px", 1.0, ""
        self._length = 0.0
        self.picture = self._add_plot(0, _PictureBox(enableMenu=False, enableMouse=False))
        self.curve = self._add_plot(1, pg.ViewBox(enableMenu=False, enableMouse=False))
        self.picture.hideAxis("bottom")
        self.curve.setXLink(self.picture)
        self.ci.layout.setRowStretchFactor(0, 3)
        self.ci.layout.setRowStretchFactor(1, 2)
        self.image = pg.ImageItem(axisOrder="row-major")
        self.picture.addItem(self.image, ignoreBounds=True)
        self.line = pg.InfiniteLine(550.0, angle=0, movable=True)
        self.picture.addItem(self.line, ignoreBounds=True)
        self.low, self.high = pg.PlotCurveItem(), pg.PlotCurveItem()
        self.band, self.values = pg.FillBetweenItem(self.low, self.high), pg.PlotCurveItem()
        for item in (self.band, self.values):
            self.curve.addItem(item, ignoreBounds=True)
        self.positions = [pg.InfiniteLine(0.0, angle=90, movable=False) for _ in range(2)]
        for plot, position in zip((self.picture, self.curve), self.positions, strict=True):
            position.hide()
            plot.addItem(position, ignoreBounds=True)
        self._add_bar()
        self.line.sigDragged.connect(self._drag_line)
        self.picture.getViewBox().clicked.connect(self._pick)
        self.scene().sigMouseMoved.connect(self._hover)
        self._follow_palette()

    def show_transect(
        self, spectra: TransectSpectra | None, values: Transect | None, quantity: str, metres: float | None
    ) -> None:
        """Show what is computed of a transect.

        Args:
            spectra: at many wavelengths.
            values: at the selected one, with prediction intervals if the field has them.
            quantity: what the values are.
            metres: length of a source pixel, if known.
        """
        known = spectra.transect if spectra is not None else values
        self._quantity = quantity
        if known is not None:
            self._length = float(known.distances[-1])
            self._unit, metres_per = metric_unit(self._length * metres) if metres is not None else ("px", 1.0)
            self._scale = (metres or 1.0) / metres_per  # units per source pixel
        self._show_spectra(spectra)
        self._show_values(values)
        self._name_axes()

    def show_wavelength(self, nm: float) -> None:
        """Move the line to the selected wavelength."""
        self.line.setValue(nm)  # sigDragged is emitted for mouse drags only

    def show_range(self, nm_range: tuple[float, float]) -> None:
        """Limit the line to a range in nm."""
        self.line.setBounds(nm_range)

    def show_position(self, distance: float | None) -> None:
        """Mark a distance from the start, in source pixels."""
        for position in self.positions:
            position.setVisible(distance is not None)
            if distance is not None:
                position.setValue(distance * self._scale)

    def leaveEvent(self, event: QEvent) -> None:
        """Signal that the mouse is nowhere."""
        super().leaveEvent(event)
        self.distance_hovered.emit(None)

    def changeEvent(self, event: QEvent) -> None:
        """Update all colours when the palette changes."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "bar"):
            self._follow_palette()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Name the axes that have room."""
        super().resizeEvent(event)
        if hasattr(self, "bar"):
            self._name_axes()

    def _add_plot(self, row: int, box: pg.ViewBox) -> Any:
        axes = {side: Axis(side) for side in ("left", "bottom")}
        plot = self.addPlot(row=row, col=0, viewBox=box, axisItems=axes)
        plot.hideButtons()
        plot.setMenuEnabled(False)
        plot.getAxis("left").setWidth(_AXIS_WIDTH)
        box.disableAutoRange()
        return plot

    def _add_bar(self) -> None:
        self.bar = pg.PlotItem(
            viewBox=pg.ViewBox(enableMenu=False, enableMouse=False), axisItems={"right": Axis("right")}
        )
        self.bar.hideButtons()
        self.bar.setMenuEnabled(False)
        for side in ("left", "bottom"):
            self.bar.hideAxis(side)
        self.bar.showAxis("right")
        self.bar.getViewBox().setFixedWidth(_BAR)
        self.bar.getAxis("right").setWidth(_BAR_COLUMN - _BAR - 2)
        self.ramp = pg.ImageItem(np.arange(256, dtype=np.uint8)[:, None], axisOrder="row-major")
        self.ramp.setLookupTable(lookup(COLORMAP, 550.0))
        self.bar.addItem(self.ramp, ignoreBounds=True)
        self.addItem(self.bar, row=0, col=1)
        self.ci.layout.setColumnStretchFactor(0, 1)
        self.ci.layout.setColumnFixedWidth(1, _BAR_COLUMN)

    def _show_spectra(self, spectra: TransectSpectra | None) -> None:
        self.bar.setVisible(spectra is not None)
        if spectra is None:
            self.image.clear()
            return
        found, (low, high) = spectra.transect, spectra.limits
        nm = found.wavelengths.nm
        step = float(found.distances[1]) * self._scale
        height = float(nm[-1] - nm[0]) / max(len(nm) - 1, 1) or 1.0
        rect = QRectF(-step / 2, nm[0] - height / 2, self._length * self._scale + step, nm[-1] - nm[0] + height)
        colours = np.full((256, 4), 255, np.uint8)
        table = lookup(COLORMAP, 550.0)
        assert table is not None  # it is not grey
        colours[:, :3] = table
        colours[0, 3] = 0
        self.image.setImage(spectra.shades, autoLevels=False, levels=(0, 255), lut=colours, rect=rect)
        self.picture.setRange(xRange=(rect.left(), rect.right()), yRange=(rect.top(), rect.bottom()), padding=0)
        self.ramp.setRect(QRectF(0, low, 1, high - low))
        self.bar.setRange(xRange=(0, 1), yRange=(low, high), padding=0)

    def _show_values(self, values: Transect | None) -> None:
        if values is None:
            for item in (self.values, self.low, self.high):
                item.setData([], [])
            return
        across, up = values.distances * self._scale, values.spectra[:, 0]
        self.values.setData(across, up, connect="finite")
        shown = [up]
        low, high = (values.limits[..., 0]) if values.limits is not None else (up[:0], up[:0])
        known = np.isfinite(low) & np.isfinite(high)
        within = across[: known.size][known]
        self.low.setData(within, low[known])
        self.high.setData(within, high[known])
        shown += [low[known], high[known]]
        self.curve.setRange(yRange=_range_of(np.concatenate(shown)), padding=0.04)

    def _drag_line(self, line: Any) -> None:
        line.setValue(round(float(line.value()), 1))  # so that no update moves it
        self.wavelength_picked.emit(float(line.value()))

    def _pick(self, nm: float) -> None:
        if self.image.image is not None:
            self.wavelength_picked.emit(round(nm, 1))

    def _hover(self, scene_pos: QPointF) -> None:
        boxes = [plot.getViewBox() for plot in (self.picture, self.curve)]
        box = next((each for each in boxes if each.sceneBoundingRect().contains(scene_pos)), None)
        if box is None or not self._length:
            self.distance_hovered.emit(None)
            return
        distance = float(box.mapSceneToView(scene_pos).x()) / self._scale
        self.distance_hovered.emit(min(max(distance, 0.0), self._length))

    def _name_axes(self) -> None:
        ink = self.palette().color(QPalette.ColorRole.WindowText).name()
        style = {"font-size": f"{self.font().pointSizeF():g}pt"}
        for axis, text in (
            (self.picture.getAxis("left"), "nm"),
            (self.curve.getAxis("left"), self._quantity if self._has_room() else ""),
            (self.curve.getAxis("bottom"), f"distance from A ({self._unit})"),
        ):  # fmt: skip
            axis.setLabel(text, color=ink, **style)

    def _has_room(self) -> bool:
        """Whether the name of the quantity fits beside the curve."""
        return self.fontMetrics().horizontalAdvance(self._quantity) <= self.curve.getViewBox().height()

    def _follow_palette(self) -> None:
        colours = self.palette()
        self.setBackground(colours.color(QPalette.ColorRole.Base))
        for plot, sides in ((self.picture, ("left",)), (self.curve, ("left", "bottom")), (self.bar, ("right",))):
            for side in sides:
                colour_axis(plot.getAxis(side), colours, self.font())
        ink, accent = colours.color(QPalette.ColorRole.WindowText), colours.color(QPalette.ColorRole.Highlight)
        self.line.setPen(screen_pen(self, "w", 2))
        self.line.setHoverPen(screen_pen(self, "w", 4))
        self.values.setPen(screen_pen(self, accent, 1.8))
        shade = QColor(accent)
        shade.setAlpha(60)
        self.band.setBrush(shade)
        for position, colour in zip(self.positions, (QColor("white"), ink), strict=True):
            position.setPen(screen_pen(self, colour, 1, (3, 3)))
        self._name_axes()


def _range_of(values: FloatArray) -> tuple[float, float]:
    """Lowest and highest finite value, with some space if they are equal."""
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)
