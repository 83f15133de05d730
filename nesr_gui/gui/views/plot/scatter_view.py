"""The scatter plot: the density of all pixels, that of a region, single pixels, and the selection."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainterPath, QPalette, QPolygonF
from PySide6.QtWidgets import QGraphicsPathItem, QWidget

from nesr_gui.analysis.scatter import Density, Limits
from nesr_gui.gui.drawing.symbols import screen_pen, symbol_path
from nesr_gui.gui.drawing.ticks import Axis, colour_axis
from nesr_gui.gui.drawing.tone_mapping import count_shades, lookup
from nesr_gui.gui.model.document import UInt8Array
from nesr_gui.gui.model.marks import Mark, simplified
from nesr_gui.gui.model.palette import GREY
from nesr_gui.gui.views.image.selection_item import COLOUR
from nesr_gui.regions import Point
from nesr_gui.spectral import FloatArray

_STEP, _ZOOM = 0.1, 1.25  # share of the view, and factor, of a key
_PAN = {
    Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Down: (0, -1), Qt.Key.Key_Up: (0, 1),
}  # fmt: skip
_ZOOM_KEYS = {Qt.Key.Key_Plus: 1 / _ZOOM, Qt.Key.Key_Equal: 1 / _ZOOM, Qt.Key.Key_Minus: _ZOOM}
_SELECT = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_CLEAR = (Qt.Key.Key_Delete, Qt.Key.Key_Escape)
_KEYS = (*_PAN, *_ZOOM_KEYS, *_SELECT, *_CLEAR, Qt.Key.Key_Home)
_LIGHTEST = 0.22  # share of the colour of the text in cells with one pixel
_FAINTEST = 90  # opacity of a region's cells with one pixel
_EDGE = 0.04  # of the view, between the cross of the intervals and the corner


@dataclass(frozen=True)
class Spot:
    """A single pixel in the scatter plot: a pin, or the pixel under the mouse if it has no mark."""

    x: float
    y: float
    mark: Mark | None = None


class _ScatterBox(pg.ViewBox):  # type: ignore[misc]
    """View box in which a drag of the left button draws a selection, and the other buttons move the view."""

    drawn = Signal(object, bool, bool)  # QPointF in the plane, is start, is end
    double_clicked = Signal()

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        """Draw or move the view."""
        if event.button() != Qt.MouseButton.LeftButton or axis is not None:
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        if event.isStart():
            self.drawn.emit(self.mapSceneToView(event.buttonDownScenePos()), True, False)
        self.drawn.emit(self.mapSceneToView(event.scenePos()), False, event.isFinish())

    def mouseClickEvent(self, event: Any) -> None:
        """Signal double clicks of the left button."""
        if event.button() == Qt.MouseButton.LeftButton and event.double():
            event.accept()
            self.double_clicked.emit()


class ScatterView(pg.PlotWidget):  # type: ignore[misc]
    """Shows densities; signals selections and changes of the visible range."""

    selection_picked = Signal(object)  # tuple of (x, y)
    clear_requested = Signal()
    limits_changed = Signal(object)  # Limits that the user sees

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(
            parent, viewBox=_ScatterBox(enableMenu=False), axisItems={s: Axis(s) for s in ("left", "bottom")}
        )
        self.setAccessibleName("Scatter plot")
        self.setAccessibleDescription(
            "Two quantities of all pixels; brighter where there are more. Drag around pixels to select them. Arrow "
            "keys move the view, plus and minus zoom, Enter selects what is in view, Delete clears the selection, Home "
            "shows all."
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(120)
        self.plot = self.getPlotItem()
        self.box = self.plot.getViewBox()
        self.box.disableAutoRange()
        self.plot.hideButtons()
        self.plot.setMenuEnabled(False)
        self.plot.setContentsMargins(6, 6, 12, 4)
        self.is_lasso = True
        self.limits: Limits | None = None  # automatic ones
        self._density: Density | None = None
        self._region: tuple[Density, str] | None = None
        self._style = GREY, True
        self._points: list[Point] = []
        self._widths: tuple[float, float] | None = None
        self.all, self.region = pg.ImageItem(axisOrder="row-major"), pg.ImageItem(axisOrder="row-major")
        self.outline, self.preview, self.cross = QGraphicsPathItem(), QGraphicsPathItem(), QGraphicsPathItem()
        self.spots = pg.ScatterPlotItem()
        for height, item in enumerate((self.all, self.region, self.outline, self.preview, self.cross, self.spots)):
            item.setZValue(height - 10)
            self.box.addItem(item, ignoreBounds=True)
        self.box.drawn.connect(self._draw)
        self.box.double_clicked.connect(self.fit)
        self.box.sigRangeChanged.connect(self._place_cross)
        self.box.sigRangeChangedManually.connect(self._announce)
        self._names = "", ""
        self._follow_palette()

    def show_axes(self, names: tuple[str, str], limits: Limits | None) -> None:
        """Name the axes, and show the automatic limits of new values; None if there are none."""
        self._names = names
        self._name_axes()
        is_new, self.limits = limits != self.limits, limits
        if is_new:
            self.fit()

    def show_densities(self, everything: Density | None, region: tuple[Density, str] | None) -> None:
        """Show the density of all pixels, and that of a region in the colour (#rrggbb) of its mark."""
        self._density, self._region = everything, region
        self._paint_densities()

    def show_style(self, colormap: str, is_logarithmic: bool) -> None:
        """Set the colormap, and whether colours are logarithms of numbers."""
        if (colormap, is_logarithmic) != self._style:
            self._style = colormap, is_logarithmic
            self._paint_densities()

    def show_spots(self, spots: Sequence[Spot]) -> None:
        """Show single pixels."""
        ink = self.palette().color(QPalette.ColorRole.WindowText)
        self.spots.setData([
            {
                "pos": (spot.x, spot.y), "size": 13 if spot.mark is not None else 11,
                "symbol": symbol_path(spot.mark.symbol) if spot.mark is not None else "+",
                "brush": pg.mkBrush(spot.mark.colour if spot.mark is not None else ink),
                "pen": pg.mkPen("w" if spot.mark is not None else ink, width=1.4),
            }
            for spot in spots
        ])  # fmt: skip

    def show_selection(self, vertices: Sequence[Point]) -> None:
        """Show the outline of the selection."""
        path = QPainterPath()
        if vertices:
            path.addPolygon(QPolygonF([QPointF(x, y) for x, y in vertices]))
            path.closeSubpath()
        self.outline.setPath(path)

    def show_intervals(self, widths: tuple[float, float] | None) -> None:
        """Show the median widths of the intervals of x and y as a cross in the upper right corner."""
        self._widths = widths
        self._place_cross()

    def fit(self) -> None:
        """Show the automatic limits."""
        if self.limits is not None:
            left, right, bottom, top = self.limits
            self.box.setRange(xRange=(left, right), yRange=(bottom, top), padding=0)
            self._announce()

    def view_limits(self) -> Limits:
        """The visible range."""
        (left, right), (bottom, top) = self.box.viewRange()
        return left, right, bottom, top

    def select_view(self) -> None:
        """Select the visible range."""
        left, right, bottom, top = self.view_limits()
        self.selection_picked.emit(((left, bottom), (right, bottom), (right, top), (left, top)))

    def event(self, event: QEvent) -> bool:
        """Use the keys of the view instead of the shortcuts of the window."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._is_ours(event):
            event.accept()
            return True
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move, zoom, select and clear."""
        if not self._is_ours(event):
            super().keyPressEvent(event)
            return
        key, (left, right, bottom, top) = Qt.Key(event.key()), self.view_limits()
        width, height = right - left, top - bottom
        if key in _PAN:
            across, up = (_STEP * step * size for step, size in zip(_PAN[key], (width, height), strict=True))
            self._go(left + across, right + across, bottom + up, top + up)
        elif key in _ZOOM_KEYS:
            across, up = ((_ZOOM_KEYS[key] - 1) * size / 2 for size in (width, height))
            self._go(left - across, right + across, bottom - up, top + up)
        elif key in _SELECT:
            self.select_view()
        elif key in _CLEAR:
            self.clear_requested.emit()
        else:
            self.fit()

    def changeEvent(self, event: QEvent) -> None:
        """Update all colours when the palette changes."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_names"):
            self._follow_palette()

    def _is_ours(self, event: QKeyEvent) -> bool:
        others = ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)
        return Qt.Key(event.key()) in _KEYS and not event.modifiers() & others

    def _go(self, left: float, right: float, bottom: float, top: float) -> None:
        self.box.setRange(xRange=(left, right), yRange=(bottom, top), padding=0)
        self._announce()

    def _announce(self) -> None:
        self.limits_changed.emit(self.view_limits())

    def _draw(self, at: QPointF, starts: bool, ends: bool) -> None:
        point = (at.x(), at.y())
        if starts or not self.is_lasso:
            self._points = [point] if starts else [self._points[0], point]
        else:
            self._points.append(point)
        outline = self._points
        if not self.is_lasso and len(outline) == 2:
            (left, bottom), (right, top) = outline
            outline = [(left, bottom), (right, bottom), (right, top), (left, top)]
        path = QPainterPath()
        path.addPolygon(QPolygonF([QPointF(x, y) for x, y in outline]))
        self.preview.setPath(QPainterPath() if ends else path)
        if ends:
            self._finish(outline)

    def _finish(self, outline: list[Point]) -> None:
        """Announce a selection that has an area."""
        across, up = (float(size) for size in self.box.viewPixelSize())
        if self.is_lasso and len(outline) > 3:
            scaled = simplified([(y / up, x / across) for x, y in outline], 1.0)
            outline = [(x * across, y * up) for y, x in scaled]
        (left, right), (bottom, top) = ((min(each), max(each)) for each in zip(*outline, strict=True))
        if len(outline) > 2 and right - left > across and top - bottom > up:
            self.selection_picked.emit(tuple(outline))

    def _paint_densities(self) -> None:
        colormap, is_logarithmic = self._style
        self._paint(self.all, self._density, self._colours(colormap), is_logarithmic)
        density, colour = self._region or (None, "#000000")
        self._paint(self.region, density, _translucent(colour), is_logarithmic)

    def _paint(self, item: pg.ImageItem, density: Density | None, colours: UInt8Array, is_logarithmic: bool) -> None:
        if density is None:
            item.clear()
            return
        left, right, bottom, top = density.limits
        shades = count_shades(density.counts, is_logarithmic)
        rect = QRectF(left, bottom, right - left, top - bottom)
        item.setImage(shades, autoLevels=False, levels=(0, 255), lut=colours, rect=rect)

    def _colours(self, colormap: str) -> UInt8Array:
        """Colours (256, 4) of shades, of which 0 is transparent; those of grey are between background and text."""
        colours = lookup(colormap, 550.0)
        table = np.full((256, 4), 255, np.uint8)
        if colours is None:
            base, ink = (self.palette().color(role) for role in (QPalette.ColorRole.Base, QPalette.ColorRole.Text))
            share = np.linspace(_LIGHTEST, 1, 256)[:, None]
            table[:, :3] = (1 - share) * _rgb(base) + share * _rgb(ink)
        else:
            table[:, :3] = colours
        table[0, 3] = 0
        return table

    def _place_cross(self) -> None:
        path = QPainterPath()
        if self._widths is not None and all(math.isfinite(width) for width in self._widths):
            left, right, bottom, top = self.view_limits()
            (across, up), width, height = self._widths, right - left, top - bottom
            x = right - max(min(across, width) / 2, 0) - _EDGE * width
            y = top - max(min(up, height) / 2, 0) - _EDGE * height
            for start, end in (((x - across / 2, y), (x + across / 2, y)), ((x, y - up / 2), (x, y + up / 2))):
                path.moveTo(QPointF(*start))
                path.lineTo(QPointF(*end))
        self.cross.setPath(path)

    def _name_axes(self) -> None:
        ink = self.palette().color(QPalette.ColorRole.WindowText).name()
        for side, text in zip(("bottom", "left"), self._names, strict=True):
            shown = text if len(text) <= 60 else f"{text[:58]}…"
            self.plot.getAxis(side).setLabel(shown, color=ink, **{"font-size": f"{self.font().pointSizeF():g}pt"})

    def _follow_palette(self) -> None:
        colours = self.palette()
        self.setBackground(colours.color(QPalette.ColorRole.Base))
        for side in ("left", "bottom"):
            colour_axis(self.plot.getAxis(side), colours, self.font())
        self._name_axes()
        ink = colours.color(QPalette.ColorRole.WindowText)
        chosen = QColor(COLOUR)
        chosen.setAlpha(255)
        self.outline.setPen(screen_pen(self, chosen, 2))
        self.preview.setPen(screen_pen(self, ink, 1.6, (4, 2)))
        self.cross.setPen(screen_pen(self, colours.color(QPalette.ColorRole.Highlight), 2))
        self._paint_densities()


def _rgb(colour: QColor) -> FloatArray:
    return np.array([colour.red(), colour.green(), colour.blue()], np.float32)


def _translucent(colour: str) -> UInt8Array:
    """Colours (256, 4) of the shades of one colour: fainter where there are fewer pixels."""
    ink = QColor(colour)
    table = np.zeros((256, 4), np.uint8)
    table[1:, :3] = ink.red(), ink.green(), ink.blue()
    table[1:, 3] = np.linspace(_FAINTEST, 255, 255)
    return table
