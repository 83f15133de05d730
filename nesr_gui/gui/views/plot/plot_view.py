"""The plot: spectra of the marks above a strip of spectral colours, with wavelength line and crosshair."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QFrame, QGraphicsPathItem, QLabel, QWidget

from nesr_gui.colorimetry.cie import wavelength_colours
from nesr_gui.gui.drawing.labels import spread_out, value_format
from nesr_gui.gui.drawing.spectra import draw_key_sign
from nesr_gui.gui.drawing.symbols import screen_pen
from nesr_gui.gui.drawing.ticks import Axis, colour_axis
from nesr_gui.gui.model.plot_settings import KeySign, Line, PlotContent, SpreadKind, Values
from nesr_gui.gui.model.transect import LineTool, Tool
from nesr_gui.gui.views.plot.curves import CurveLayer
from nesr_gui.regions import Shape

MOST_ROWS = 16
NARROWEST, WIDEST = 340, 96  # px of a plot with names at the ends of its curves, and of these names
_GAP = 14  # pixels between the mouse and the readout
_KEY_LEFT, _SAMPLE, _KEY_GAP = 12, 20, 12  # px, of the key, a sample in it, and between its entries
_QUIET = QPalette.ColorRole.PlaceholderText
Row = tuple[str, str, float]
"""Colour #rrggbb of a curve (empty for a quiet one), its name, and its value."""
HINTS: dict[Tool, str] = {
    Shape.POINT: "Click a pixel in the image to see its spectrum",
    Shape.RECTANGLE: "Drag a rectangle in the image to see its mean spectrum",
    Shape.ELLIPSE: "Drag an ellipse in the image to see its mean spectrum",
    Shape.POLYGON: "Click the corners of a polygon in the image to see its mean spectrum",
    Shape.LASSO: "Drag around a region in the image to see its mean spectrum",
    LineTool.TRANSECT: "Drag a line in the image to see the spectra along it",
}
CHANNELS = (("R", "#d62f2f"), ("G", "#1f9d3a"), ("B", "#2f62e0"))


class Crosshair(QObject):
    """A vertical line at the mouse with the values `read(nm)` at its wavelength, within `nm_range()`."""

    def __init__(
        self,
        view: QWidget,
        plot: Any,
        read: Callable[[float], Sequence[Row]],
        nm_range: Callable[[], tuple[float, float]],
    ) -> None:
        super().__init__(view)
        self._view, self._box, self._read, self._range = view, plot.getViewBox(), read, nm_range
        self.line = pg.InfiniteLine(0.0, angle=90, movable=False)
        self.line.setZValue(14)
        self.line.hide()
        plot.addItem(self.line, ignoreBounds=True)
        self.label = QLabel(view)
        self.label.setFrameShape(QFrame.Shape.StyledPanel)
        self.label.setAutoFillBackground(True)
        self.label.setBackgroundRole(QPalette.ColorRole.ToolTipBase)
        self.label.setMargin(6)
        self.label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.label.hide()
        plot.scene().sigMouseMoved.connect(self.follow)
        view.installEventFilter(self)

    def follow(self, scene_pos: QPointF) -> None:
        """Move the crosshair to a scene position, or hide it outside the plot."""
        nm = float(self._box.mapSceneToView(scene_pos).x())
        low, high = self._range()
        rows = self._read(nm) if self._box.sceneBoundingRect().contains(scene_pos) and low <= nm <= high else []
        self.line.setVisible(bool(rows))
        self.label.setVisible(bool(rows))
        if rows:
            self.line.setPen(screen_pen(self._view, self._view.palette().color(QPalette.ColorRole.PlaceholderText), 1))
            self.line.setValue(nm)
            self.label.setText(_text(nm, rows))
            self.label.adjustSize()
            self._place(scene_pos)

    def eventFilter(self, view: QObject, event: QEvent) -> bool:
        """Hide the crosshair when the mouse leaves the view."""
        if event.type() == QEvent.Type.Leave:
            self.line.hide()
            self.label.hide()
        return False

    def _place(self, scene_pos: QPointF) -> None:
        """Place the readout beside the mouse, on the side with enough space."""
        area, size = self._view.rect(), self.label.size()
        x = int(scene_pos.x()) + _GAP
        if x + size.width() > area.right():
            x = int(scene_pos.x()) - _GAP - size.width()
        y = min(int(scene_pos.y()) + _GAP, area.bottom() - size.height())
        self.label.move(max(x, 0), max(y, 0))


def _text(nm: float, rows: Sequence[Row]) -> str:
    lines = [f"<b>{nm:.1f} nm</b>"]
    form = value_format(max((abs(value) for _, _, value in rows if not math.isnan(value)), default=0.0))
    for ink, name, value in rows[:MOST_ROWS]:
        number = "–" if math.isnan(value) else f"{value:{form}}"
        sign = f'<span style="color:{ink}">■</span>' if ink else "■"
        lines.append(f"{sign} {number} &nbsp;{html.escape(name)}")
    if len(rows) > MOST_ROWS:
        lines.append(f"and {len(rows) - MOST_ROWS} more")
    return "<br>".join(lines)


class PlotKey(QWidget):
    """One line above the plot that explains the lines, bands and circles in it; as much of it as fits."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName("Key of the plot")
        self.setFixedHeight(self.fontMetrics().height() + 8)
        self.entries: list[tuple[KeySign, str]] = []

    def show_key(self, entries: Sequence[tuple[KeySign, str]]) -> None:
        """Show what `PlotContent.key` returns."""
        if (shown := list(entries)) != self.entries:
            self.entries = shown
            self.setAccessibleDescription(", ".join(text for _, text in shown))
            self.update()

    def fitting(self) -> list[tuple[float, KeySign, str]]:
        """The entries that fit into the width, with their positions; with short names if only these all fit."""
        if len(placed := self._placed(self.entries)) == len(self.entries):
            return placed
        return self._placed([(sign, sign.short if isinstance(sign, SpreadKind) else text)
                             for sign, text in self.entries])  # fmt: skip

    def _placed(self, entries: Sequence[tuple[KeySign, str]]) -> list[tuple[float, KeySign, str]]:
        x, placed = float(_KEY_LEFT), list[tuple[float, KeySign, str]]()
        for sign, text in entries:
            width = _SAMPLE + 5 + self.fontMetrics().horizontalAdvance(text)
            if x + width > self.width():
                break
            placed.append((x, sign, text))
            x += width + _KEY_GAP
        return placed

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw samples and texts."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink, height = self.palette().color(QPalette.ColorRole.PlaceholderText), self.height()
        for x, sign, text in self.fitting():
            draw_key_sign(painter, QRectF(x, height / 2 - 7, _SAMPLE, 14), sign, ink)
            painter.setPen(ink)
            where = QRectF(x + _SAMPLE + 5, 0, self.width(), height)
            painter.drawText(where, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)


class EndNames(pg.GraphicsWidget):  # type: ignore[misc]
    """The names of the curves beside their ends; only that of the active mark if there is no room for all."""

    def __init__(self, layer: CurveLayer, box: Any) -> None:
        super().__init__()
        self._layer, self._box = layer, box
        self.room = 0.0  # width in px
        self._placed: list[tuple[Line, float]] | None = None  # until the ends of the curves move
        self.setFixedWidth(self.room)

    def fit(self, most: float) -> float:
        """Take the width that the names need, or none if it is more than `most` px; returns it.

        Without names it keeps its width, so that the plot does not move when marks come and go.
        """
        metrics = QFontMetricsF(self.font())
        names = [line.name for line, _ in self._layer.ends()]
        width = min(max(map(metrics.horizontalAdvance, names), default=0.0), WIDEST) + 8 if names else self.room
        width = width if width <= most else 0.0
        if width != self.room:
            self.room = width
            self.setFixedWidth(width)
        self.arrange()
        return width

    def arrange(self) -> None:
        """Place the names at the present ends of the curves, when they are next painted."""
        self._placed = None
        self.update()

    def placed(self) -> list[tuple[Line, float]]:
        """The named curves, and the heights of the names in px of this item."""
        (low, high), size = self._box.viewRange()[1], self._box.rect().height()
        named = [(line, size * (high - value) / (high - low))
                 for line, value in self._layer.ends() if low <= value <= high]  # fmt: skip
        row, active = QFontMetricsF(self.font()).height(), self._layer.plotted.active
        if len(named) * row > size:
            named = [(line, y) for line, y in named if line.mark is not None and line.mark.number == active]
        places = spread_out([y for _, y in named], row, 0, size) or []
        return [(line, place) for (line, _), place in zip(named, places, strict=False)]

    def paint(self, painter: QPainter, option: Any, widget: QWidget | None = None) -> None:
        """Draw the names in the colours of their curves."""
        if not self.room:
            return
        metrics, view = QFontMetricsF(self.font()), self.getViewWidget()
        painter.setFont(self.font())
        if self._placed is None:
            self._placed = self.placed()
        for line, y in self._placed:
            painter.setPen(QColor(line.ink) if line.ink else view.palette().color(_QUIET))
            where = QRectF(6, y - metrics.height() / 2, self.room - 6, metrics.height())
            painter.drawText(where, metrics.elidedText(line.name, Qt.TextElideMode.ElideRight, where.width()))


class Grid(QGraphicsPathItem):
    """Lines at the labels of both axes.

    Not the grid of pyqtgraph's axes, which then span the plot and omit the labels at their ends.
    """

    def __init__(self, plot: Any) -> None:
        super().__init__()
        self._plot, self._box = plot, plot.getViewBox()
        self.setZValue(-10)
        self._box.addItem(self, ignoreBounds=True)

    def fit(self) -> None:
        """Draw the lines for the present range and size of the plot."""
        (left, right), (low, high) = self._box.viewRange()
        size, x, y = self._box.rect(), list[float](), list[float]()
        for nm in self._plot.getAxis("bottom").tickValues(left, right, size.width())[0][1]:
            x += (nm, nm)
            y += (low, high)
        for value in self._plot.getAxis("left").tickValues(low, high, size.height())[0][1]:
            x += (left, right)
            y += (value, value)
        self.setPath(pg.arrayToQPath(np.array(x), np.array(y), connect="pairs", finiteCheck=False))


class _CurveBox(pg.ViewBox):  # type: ignore[misc]
    """View box that signals the wavelength of a click; a double click resets the view."""

    clicked = Signal(float)  # nm
    double_clicked = Signal()

    def mouseClickEvent(self, event: Any) -> None:
        """Signal single and double clicks of the left button."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        event.accept()
        if event.double():
            self.double_clicked.emit()
        else:
            self.clicked.emit(self.mapSceneToView(event.scenePos()).x())


class PlotView(pg.PlotWidget):  # type: ignore[misc]
    """Shows the spectra; signals the wavelength picked in the plot."""

    wavelength_picked = Signal(float)  # nm

    def __init__(self, parent: QWidget | None = None) -> None:
        axes = {side: Axis(side) for side in ("left", "bottom")}
        super().__init__(parent, viewBox=_CurveBox(enableMenu=False), axisItems=axes)
        self.setAccessibleName("Spectra")
        self.setAccessibleDescription("Spectra of the marks; the vertical line is at the current wavelength")
        self.setAntialiasing(True)
        self.setMinimumHeight(160)
        self.plot = self.getPlotItem()
        self.box = self.plot.getViewBox()
        self.plot.hideButtons()
        self.plot.setMenuEnabled(False)
        self.layer = CurveLayer(self.plot, self._quiet_ink)
        self.line = pg.InfiniteLine(550.0, angle=90, movable=True)
        self.line.setZValue(15)
        self.tag = pg.InfLineLabel(self.line, "{value:.1f} nm", position=1, anchors=[(-0.06, 0), (1.06, 0)])
        self.plot.addItem(self.line, ignoreBounds=True)
        self.line.sigDragged.connect(self._drag_line)
        self.box.clicked.connect(self.wavelength_picked)
        self.box.double_clicked.connect(self.fit)
        self._add_strip()
        self.grid = Grid(self.plot)
        self.names, self.key = EndNames(self.layer, self.box), PlotKey(self)
        self.plot.layout.addItem(self.names, 2, 3)
        self._margins = (0, 0, 0, 0)
        self._make_room()
        self.box.sigRangeChanged.connect(self._follow_view)
        self.box.sigResized.connect(self._follow_view)
        self.crosshair = Crosshair(self, self.plot, self.layer.readout, lambda: self._range)
        self.hint = QLabel(HINTS[Shape.POINT], self)
        self.hint.setAutoFillBackground(True)
        self.hint.setBackgroundRole(QPalette.ColorRole.Base)
        self.hint.setMargin(8)
        self.hint.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.show_range((400.0, 700.0), "relative reflectance")
        self._follow_palette()

    def sizeHint(self) -> QSize:
        """Preferred size: where there is less room, a long table of marks gives way to the plot, too."""
        return QSize(super().sizeHint().width(), 300)

    def _add_strip(self) -> None:
        """Add the strip of spectral colours between curves and wavelength axis."""
        self.strip = pg.ViewBox(enableMenu=False, enableMouse=False, defaultPadding=0)
        self.strip.setFixedHeight(8)
        self.strip.setZValue(1)  # above the grid
        self.strip.setXLink(self.box)
        self.strip.setYRange(0, 1, padding=0)
        self._colours = pg.ImageItem(axisOrder="row-major")
        self.strip.addItem(self._colours, ignoreBounds=True)
        axis = self.plot.getAxis("bottom")
        self.plot.layout.removeItem(axis)
        self.plot.layout.addItem(self.strip, 3, 1)
        self.plot.layout.addItem(axis, 4, 1)

    def show_range(self, nm_range: tuple[float, float], quantity: str) -> None:
        """Set wavelength range and quantity of the axes."""
        low, high = nm_range
        self._range = (low, high) if high > low else (low - 0.5, high + 0.5)
        self._quantity = self._unit = quantity
        low, high = self._range
        colours = wavelength_colours(np.linspace(low, high, 512))[None]
        self._colours.setImage(colours, autoLevels=False, levels=None, rect=QRectF(low, 0, high - low, 1))
        self.line.setBounds(nm_range)
        self.box.setLimits(xMin=low, xMax=high, minXRange=min(2.0, high - low))
        self._name_axes()
        self.fit()

    def _drag_line(self, line: Any) -> None:
        """Snap the line to 0.1 nm: rounding to the current wavelength causes no update that would move it."""
        line.setValue(round(float(line.value()), 1))
        self.wavelength_picked.emit(float(line.value()))

    def show_wavelength(self, nm: float) -> None:
        """Move the line to the current wavelength."""
        self.line.setValue(nm)  # sigDragged is emitted for mouse drags only

    def show_curves(self, plotted: PlotContent) -> None:
        """Show the spectra of all marks and references."""
        self.layer.show(plotted)
        self.hint.setVisible(not plotted.marks and not plotted.library)
        self.plot.getAxis("left").is_logarithmic = plotted.axes.is_logarithmic
        self.key.show_key(plotted.key())
        self._make_room()
        self._unit = plotted.transform.unit(self._quantity)
        self._name_axes()
        self.fit()
        self.layer.place_symbols()

    def show_readouts(self, nm: float, values: Mapping[int, float]) -> None:
        """Place the symbol of each mark at the wavelength; `values` by number."""
        self.layer.show_dots(nm, values)

    def fit(self) -> None:
        """Show the chosen limits, or those that fit all curves."""
        plotted = self.layer.plotted
        nm, values = plotted.axes.nm_range(self._range), plotted.axes.scaled(np.array(plotted.value_range()))
        self.box.setRange(xRange=nm, yRange=values.tolist(), padding=0)

    def _follow_view(self) -> None:
        """Move grid, symbols and names with the range in view and the size of the plot."""
        self.grid.fit()
        self.layer.follow_view()
        self.names.arrange()

    def _make_room(self) -> None:
        """Give the names of the curves a column beside the plot if it is wide enough."""
        margins = 10, self.key.height(), 8 if self.names.fit(self.width() - NARROWEST) else 22, 6
        if margins != self._margins:  # a layout of the plot is slow
            self._margins = margins
            self.plot.setContentsMargins(*margins)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the hint centred."""
        super().resizeEvent(event)
        if hasattr(self, "hint"):
            self._make_room()
            self.key.resize(self.width(), self.key.height())
            self._place_hint()

    def show_tool(self, tool: Tool) -> None:
        """Say how the current tool gives a spectrum, while there is none."""
        self.hint.setText(HINTS[tool])
        self._place_hint()

    def _place_hint(self) -> None:
        self.hint.adjustSize()
        area = self.box.mapRectToScene(self.box.rect()).toRect()
        self.hint.move(area.center() - self.hint.rect().center())

    def changeEvent(self, event: QEvent) -> None:
        """Update all colours when the palette changes."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "hint"):
            self._follow_palette()

    def _quiet_ink(self) -> QColor:
        return self.palette().color(QPalette.ColorRole.PlaceholderText)

    def _name_axes(self) -> None:
        ink = self.palette().color(QPalette.ColorRole.WindowText).name()
        for side, text in (("left", self._unit), ("bottom", "wavelength (nm)")):
            self.plot.getAxis(side).setLabel(text, color=ink, **{"font-size": f"{self.font().pointSizeF():g}pt"})

    def _follow_palette(self) -> None:
        colours = self.palette()
        ink = colours.color(QPalette.ColorRole.WindowText)
        self.setBackground(colours.color(QPalette.ColorRole.Base))
        for side in ("left", "bottom"):
            colour_axis(self.plot.getAxis(side), colours, self.font())
        grid = colours.color(QPalette.ColorRole.Mid)
        grid.setAlphaF(0.35)
        self.grid.setPen(screen_pen(self, grid, 1))
        self._name_axes()
        self.line.setPen(screen_pen(self, ink, 1.4))
        self.line.setHoverPen(screen_pen(self, colours.color(QPalette.ColorRole.Highlight), 3))
        self.tag.setColor(ink)
        self.layer.show(self.layer.plotted)
        self.layer.place_symbols()


class HoverCurve(QObject):
    """The spectrum of the pixel under the mouse as a thin line."""

    def __init__(self, plot: PlotView) -> None:
        super().__init__(plot)
        self._plot = plot
        self.line = pg.PlotCurveItem()
        self.line.setZValue(-1)
        plot.plot.addItem(self.line, ignoreBounds=True)

    def show_values(self, line: tuple[Values, Values] | None) -> None:
        """Draw values (L,) over wavelengths (L,) in nm; None clears the line."""
        if line is None:
            self.line.setData([], [])
            return
        ink = QColor(self._plot.palette().color(QPalette.ColorRole.WindowText))
        ink.setAlpha(150)
        self.line.setPen(screen_pen(self._plot, ink, 1))
        self.line.setData(line[0], self._plot.layer.plotted.axes.scaled(line[1]), connect="finite")


class ChannelMarkers(QObject):
    """Draggable lines at the wavelengths of red, green and blue of the false-colour mode."""

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
        """Show the lines at these wavelengths; None hides them."""
        for line, nm in zip(self.lines, wavelengths or (0.0, 0.0, 0.0), strict=True):
            line.setVisible(wavelengths is not None)
            if wavelengths is not None:
                line.setValue(nm)  # sigDragged is emitted for mouse drags only

    def show_range(self, low: float, high: float) -> None:
        """Limit the lines to a range in nm."""
        for line in self.lines:
            line.setBounds((low, high))

    def _announce(self) -> None:
        red, green, blue = (round(float(line.value()), 1) for line in self.lines)
        self.wavelengths_picked.emit((red, green, blue))
