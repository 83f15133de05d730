"""Figure of the spectra plot for print, drawn so that lines, text and legend have fixed sizes at any resolution."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QMarginsF, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QPolygonF

from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.drawing.labels import spread_out
from nesr_gui.gui.drawing.spectra import draw_key_sign, line_pen, paint_spread
from nesr_gui.gui.drawing.symbols import placed
from nesr_gui.gui.drawing.theme import spectrum_gradient
from nesr_gui.gui.drawing.ticks import log_ticks, ticks
from nesr_gui.gui.figures.export import INK, QUIET, draw_text, rendered, save_drawing, text_width
from nesr_gui.gui.model.marks import Mark
from nesr_gui.gui.model.plot_settings import NAMED, Kind, Line, PlotAxes, PlotContent, Spreads, Values, symbol_places

POINTS = 72 / 25.4  # per mm
ASPECT = 0.6875  # height of a figure of automatic height, of its width
COLUMNS = {"Single column": 89.0, "Double column": 183.0}
"""Usual widths (mm) of the columns of a journal."""
WIDTHS, HEIGHTS = (40.0, 500.0), (30.0, 500.0)  # mm
FONT_SIZES, LINE_WIDTHS, RESOLUTIONS = (5, 24), (0.25, 5.0), (72, 1200)  # points, points, dpi
_GRID = QColor("#e1e4e8")
_LENGTH = 2.6  # of the sample of a legend entry, in font sizes
_LEAST = 0.3  # of the page, width and height of the axes
_SHOW = 110  # dpi of the preview


class LegendPlace(enum.StrEnum):
    """Where the names of the curves are; the key of line styles is above unless there is no legend."""

    ABOVE = "above"
    RIGHT = "right"
    UPPER_LEFT = "upper left"  # inside the axes
    UPPER_RIGHT = "upper right"
    LINE_ENDS = "line ends"
    NONE = "none"

    @property
    def label(self) -> str:
        """The label in the window."""
        return _LABELS[self]


_LABELS = {
    LegendPlace.ABOVE: "Above the axes", LegendPlace.RIGHT: "Right of the axes",
    LegendPlace.UPPER_LEFT: "Inside, upper left", LegendPlace.UPPER_RIGHT: "Inside, upper right",
    LegendPlace.LINE_ENDS: "Names at the line ends", LegendPlace.NONE: "No legend",
}  # fmt: skip


@dataclass(frozen=True)
class FigureStyle:
    """How a figure of spectra is laid out.

    Attributes:
        width: width in mm.
        height: height in mm; None is `ASPECT` of the width.
        font: family of the font; empty is the font of the program.
        font_size: in points.
        line_width: of the curves, in points.
        legend: the place of the legend.
        spreads: the marks whose standard deviation or prediction interval is shown.
        dpi: resolution of PNG files.
    """

    width: float = COLUMNS["Double column"]
    height: float | None = None
    font: str = ""
    font_size: int = 8
    line_width: float = 1.25
    legend: LegendPlace = LegendPlace.ABOVE
    spreads: Spreads = Spreads.ACTIVE
    dpi: int = 300

    def __post_init__(self) -> None:
        for name, value, (low, high) in (
            ("a width", self.width, WIDTHS), ("a height", self.height or HEIGHTS[0], HEIGHTS),
            ("a font size", self.font_size, FONT_SIZES), ("a line width", self.line_width, LINE_WIDTHS),
            ("a resolution", self.dpi, RESOLUTIONS),
        ):  # fmt: skip
            if not low <= value <= high:
                raise ValueError(f"{name} of {value:g} is not possible; choose {low:g} to {high:g}")

    @property
    def size(self) -> QSizeF:
        """Width and height in points."""
        return QSizeF(self.width, self.width * ASPECT if self.height is None else self.height) * POINTS


@dataclass(frozen=True, eq=False)
class Figure:
    """Content and style of the figure.

    Attributes:
        plotted: the content of the plot; its `spreads` are replaced by those of the style.
        available: the wavelengths (nm) that the image covers.
        quantity: the name of the quantity.
        style: the layout.
    """

    plotted: PlotContent
    available: tuple[float, float]
    quantity: str
    style: FigureStyle = FigureStyle()


def draw(painter: QPainter, figure: Figure) -> None:
    """Draw the whole figure, in points.

    Raises:
        ValueError: the legend leaves too little room for the curves.
    """
    _Drawing(painter, figure).draw()


@dataclass(frozen=True, eq=False)
class _Entry:
    """An entry of the legend: its text, and how its sample is drawn."""

    text: str
    draw: Callable[[QRectF], None]


class _Drawing:
    """One drawing of a figure with a painter; all lengths are in points."""

    def __init__(self, painter: QPainter, figure: Figure) -> None:
        self._painter, self._style, self._figure = painter, figure.style, figure
        self._plotted = replace(figure.plotted, spreads=figure.style.spreads)
        self._font, self._size = figure.style.font, figure.style.font_size
        self._row = 1.45 * self._size  # height of a line of text
        self._page = QRectF(QPointF(0, 0), figure.style.size)

    def draw(self) -> None:
        """Draw axes, curves and legend."""
        self._painter.fillRect(self._page, Qt.GlobalColor.white)
        plotted, place = self._plotted, self._style.legend
        value_range = plotted.value_range()
        self._ticks = (log_ticks if plotted.axes.is_logarithmic else ticks)(*value_range, 6)
        names, styles = self._names(), self._styles()
        if place is LegendPlace.NONE:
            names, styles = [], []
        above = self._page.adjusted(self._size, 0.8 * self._size, -self._size, 0)
        if place is LegendPlace.ABOVE:
            above.setTop(self._draw_entries(names, above))
        top = self._draw_entries(styles, above)
        widest = max((self._width(entry.text) for entry in names), default=0.0)
        right = 1.6 * self._size
        if names and place is LegendPlace.RIGHT:
            right = min(widest + (_LENGTH + 2.2) * self._size, 0.45 * self._page.width())
        elif names and place is LegendPlace.LINE_ENDS:
            right = min(widest + 1.4 * self._size, 0.45 * self._page.width())
        numbers = max((self._width(f"{value:g}") for value in self._ticks), default=0.0)
        area = self._page.marginsRemoved(QMarginsF(
            numbers + 2.9 * self._size, top + 0.6 * self._size, right, 4.6 * self._size
        ))  # fmt: skip
        if area.height() < _LEAST * self._page.height() or area.width() < _LEAST * self._page.width():
            raise ValueError(
                "the legend leaves too little room for the curves; choose a larger figure, a smaller font, or another "
                "place for the legend"
            )
        axes = _Axes(area, plotted.axes.nm_range(self._figure.available), value_range, plotted.axes)
        self._draw_axes(axes)
        self._draw_curves(axes)
        if place is LegendPlace.RIGHT:
            self._draw_entries(names, QRectF(area.right() + self._size, area.top(), right - self._size, 0), columns=1)
        elif place in (LegendPlace.UPPER_LEFT, LegendPlace.UPPER_RIGHT):
            self._draw_inside(names, area, place, widest)
        elif place is LegendPlace.LINE_ENDS:
            self._draw_names(axes, right)

    # Text

    def _width(self, text: str) -> float:
        return text_width(self._painter, text, self._size, self._font)

    def _text(
        self, where: QRectF, text: str, ink: QColor = INK, side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft
    ) -> None:
        draw_text(self._painter, where, text, ink, side, self._size, self._font)

    # Legend

    def _names(self) -> list[_Entry]:
        """The curves of marks and references by name."""
        return [
            _Entry(line.name, lambda where, line=line: self._draw_sample(where, line))  # type: ignore[misc]
            for line in self._plotted.lines if line.kind in NAMED
        ]  # fmt: skip

    def _styles(self) -> list[_Entry]:
        """The kinds of lines and bands; none if there is only one."""
        key, width = self._plotted.key(), self._style.line_width
        return [
            _Entry(text, lambda where, sign=sign: draw_key_sign(self._painter, where, sign, QUIET, width))  # type: ignore[misc]
            for sign, text in key
        ] if len(key) > 1 else []  # fmt: skip

    def _draw_sample(self, where: QRectF, line: Line) -> None:
        self._painter.setPen(self._pen(line))
        self._painter.drawLine(QPointF(where.left(), where.center().y()), QPointF(where.right(), where.center().y()))
        if line.mark is not None:
            self._draw_symbol(line.mark, where.center())

    def _placed(self, entries: Sequence[_Entry], room: QRectF, columns: int = 0) -> list[QRectF]:
        """Return the places of entries from the top of a room: one after the other in lines, or in columns.

        No text is cut that fits into the width of the room or of a column.
        """
        places: list[QRectF] = []
        x, y = room.left(), room.top()
        for place, entry in enumerate(entries):
            if columns:
                row, column = divmod(place, columns)
                width = room.width() / columns
                x, y = room.left() + column * width, room.top() + row * self._row
            else:
                width = min(self._width(entry.text) + (_LENGTH + 0.7) * self._size, room.width())
                if x + width > room.right() + 0.01:
                    x, y = room.left(), y + self._row
            places.append(QRectF(x, y, width, self._row))
            x += width + 1.4 * self._size
        return places

    def _draw_entries(self, entries: Sequence[_Entry], room: QRectF, columns: int = 0) -> float:
        """Draw entries from the top of a room; returns the bottom of the last line."""
        places = self._placed(entries, room, columns)
        for entry, place in zip(entries, places, strict=True):
            entry.draw(QRectF(place.left(), place.top(), _LENGTH * self._size, self._row))
            self._text(place.adjusted((_LENGTH + 0.6) * self._size, 0, 0, 0), entry.text)
        return places[-1].bottom() if places else room.top()

    def _draw_inside(self, entries: Sequence[_Entry], area: QRectF, place: LegendPlace, widest: float) -> None:
        """Draw the entries on a light ground in a corner of the axes, in as few columns as the height allows."""
        if not entries:
            return
        columns = math.ceil(len(entries) * self._row / max(area.height() - 2 * self._size, self._row))
        width = min(columns * (widest + (_LENGTH + 2) * self._size), area.width() - self._size)
        box = QRectF(0, 0, width, (math.ceil(len(entries) / columns) + 0.4) * self._row)
        gap = 0.5 * self._size
        box.moveTop(area.top() + gap)
        if place is LegendPlace.UPPER_LEFT:
            box.moveLeft(area.left() + gap)
        else:
            box.moveRight(area.right() - gap)
        self._painter.fillRect(box, QColor(255, 255, 255, 215))
        inner = box.adjusted(gap, 0.2 * self._row, 0, 0)
        self._draw_entries(entries, inner, columns)

    def _draw_names(self, axes: _Axes, room: float) -> None:
        """Draw the names of the curves beside their ends."""
        ends = []
        for line in self._plotted.lines:
            if line.kind in NAMED:
                nm, values = line.spectrum.wavelengths.nm, self._plotted.values(line.spectrum)
                value = float(np.interp(symbol_places(nm, axes.x_range)[1], nm, values, left=np.nan, right=np.nan))
                if math.isfinite(y := axes.y(value)):
                    ends.append((line, y))
        top, bottom = axes.area.top() - self._row / 2, axes.area.bottom() + self._row / 2
        row = min(self._row, (bottom - top) / max(len(ends), 1))
        for (line, _), y in zip(ends, spread_out([y for _, y in ends], row, top, bottom) or [], strict=True):
            ink = QColor(line.ink) if line.ink else QUIET
            where = QRectF(axes.area.right() + 0.5 * self._size, y - self._row / 2, room - 0.6 * self._size, self._row)
            self._text(where, line.name, ink)

    # Curves

    def _draw_curves(self, axes: _Axes) -> None:
        painter, plotted = self._painter, self._plotted
        painter.save()
        painter.setClipRect(axes.area)
        for spread in plotted.shown_spreads:
            outline = axes.band(spread.nm, spread.low, spread.high)
            paint_spread(painter, outline, spread.kind, spread.mark.colour, axes.area, 0.8)
        for line in plotted.lines:
            values, nm = plotted.values(line.spectrum), line.spectrum.wavelengths.nm
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(self._pen(line))
            for part in axes.lines(nm, values):
                painter.drawPolyline(part)
            if line.kind is Kind.CURVE and line.mark is not None:
                for at in symbol_places(nm, axes.x_range):
                    value = axes.y(float(np.interp(at, nm, values, left=np.nan, right=np.nan)))
                    if math.isfinite(value):
                        self._draw_symbol(line.mark, QPointF(axes.x(at), value))
        for mark, inputs in plotted.inputs:
            painter.setPen(QPen(QColor(mark.colour), 0.7 * self._style.line_width))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for nm, value in zip(*inputs, strict=True):
                if math.isfinite(y := axes.y(value)):
                    painter.drawEllipse(QPointF(axes.x(nm), y), 0.3 * self._size, 0.3 * self._size)
        painter.restore()

    def _draw_symbol(self, mark: Mark, at: QPointF) -> None:
        self._painter.setPen(QPen(QColor("white"), 0.5))
        self._painter.setBrush(QColor(mark.colour))
        self._painter.drawPath(placed(mark.symbol, at, 0.8 * self._size))

    def _pen(self, line: Line) -> QPen:
        colour = QColor(line.ink) if line.ink else QUIET
        width = {Kind.CURVE: 1.0, Kind.METAMER: 0.4}.get(line.kind, 0.8)
        return line_pen(colour, self._style.line_width * width, line.kind.value)

    # Axes

    def _draw_axes(self, axes: _Axes) -> None:
        painter, area, size = self._painter, axes.area, self._size
        for value in self._ticks:
            y = axes.y(value)
            painter.setPen(QPen(_GRID, 0.6))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            where = QRectF(0, y - self._row / 2, area.left() - 0.5 * size, self._row)
            self._text(where, f"{value:g}", QUIET, Qt.AlignmentFlag.AlignRight)
        strip = QRectF(area.left(), area.bottom(), area.width(), 0.6 * size)
        painter.fillRect(strip, spectrum_gradient(*axes.x_range, strip.topLeft(), strip.topRight()))
        for nm in ticks(*axes.x_range, max(area.width() / (5 * size), 2)):
            x = axes.x(nm)
            painter.setPen(QPen(_GRID, 0.6))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            where = QRectF(x - 3 * size, strip.bottom() + 0.3 * size, 6 * size, self._row)
            self._text(where, f"{nm:g}", QUIET, Qt.AlignmentFlag.AlignHCenter)
        middle = Qt.AlignmentFlag.AlignHCenter
        title = QRectF(area.left(), self._page.bottom() - 1.9 * size, area.width(), self._row)
        self._text(title, "wavelength (nm)", INK, middle)
        painter.save()
        painter.translate(0.4 * size, area.center().y())
        painter.rotate(-90)
        room = self._page.height()
        quantity = self._plotted.transform.unit(self._figure.quantity)
        self._text(QRectF(-room / 2, 0, room, self._row), quantity, INK, middle)
        painter.restore()


@dataclass(frozen=True, eq=False)
class _Axes:
    """Mapping of wavelengths and values to the page."""

    area: QRectF
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    axes: PlotAxes

    def x(self, nm: float) -> float:
        low, high = self.x_range
        return self.area.left() + self.area.width() * (nm - low) / max(high - low, 1e-9)

    def y(self, value: float) -> float:
        """The height of a value; nan if it has none on a logarithmic axis."""
        value, low, high = self.axes.scaled(np.array([value, *self.y_range])).tolist()
        return self.area.bottom() - self.area.height() * (value - low) / max(high - low, 1e-12)

    def lines(self, nm: Values, values: Values) -> list[QPolygonF]:
        """The unbroken parts of a curve."""
        heights = [self.y(value) for value in values.tolist()]
        parts: list[list[QPointF]] = [[]]
        for at, y in zip(nm.tolist(), heights, strict=True):
            if math.isfinite(y):
                parts[-1].append(QPointF(self.x(at), y))
            elif parts[-1]:
                parts.append([])
        return [QPolygonF(part) for part in parts if part]

    def band(self, nm: Values, low: Values, high: Values) -> QPainterPath:
        """The outline of a band; without a place on a logarithmic axis, its lower edge is the bottom."""
        outline, bottom = QPainterPath(), self.area.bottom()
        upper = [
            QPointF(self.x(at), y) for at, value in zip(nm, high, strict=True) if math.isfinite(y := self.y(value))
        ]
        edge = zip(nm, low, high, strict=True)
        lower = [QPointF(self.x(at), y if math.isfinite(y := self.y(under)) else bottom)
                 for at, under, over in edge if math.isfinite(self.y(over))]  # fmt: skip
        outline.addPolygon(QPolygonF(upper + lower[::-1]))
        outline.closeSubpath()
        return outline


@dataclass(frozen=True, eq=False)
class FigureExport:
    """A figure to export."""

    path: Path
    figure: Figure


def export_figure(request: FigureExport, progress: ProgressCallback) -> None:
    """Draw the figure and write it as PNG, SVG or PDF, by extension; raises as `save_drawing`."""
    style = request.figure.style
    save_drawing(request.path, style.size, lambda painter: draw(painter, request.figure), style.dpi, "Spectra")


def preview(figure: Figure, progress: ProgressCallback) -> QImage | ValueError:
    """Draw the figure at the resolution of a screen, for the dialog; returns the error if it cannot be drawn."""
    try:
        return rendered(figure.style.size, lambda painter: draw(painter, figure), _SHOW)
    except ValueError as error:
        return error
