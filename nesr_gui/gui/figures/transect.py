"""The transect as a figure: its spectra as a picture with a colour bar above its values at one wavelength."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

from nesr_gui.analysis.transect import Transect
from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.drawing.labels import metric_unit
from nesr_gui.gui.drawing.ticks import ticks
from nesr_gui.gui.drawing.tone_mapping import lookup
from nesr_gui.gui.figures.export import INK, QUIET, draw_number, draw_text, save_drawing
from nesr_gui.gui.model.transect import TransectSpectra
from nesr_gui.gui.tasks.transect import TransectRequest, query_transect, query_transect_values

SIZE, DPI = QSizeF(360, 300), 300  # points
_PICTURE, _CURVE = QRectF(46, 10, 252, 160), QRectF(46, 180, 252, 84)
_BAR = QRectF(306, 10, 8, 160)
_GRID, _LINE = QColor("#d4d8de"), QColor("#2563c9")


@dataclass(frozen=True, eq=False)
class TransectFigure:
    """A transect to draw; `metres` is the length of a source pixel, if known."""

    path: Path
    request: TransectRequest  # with the wavelength of the curve
    metres: float | None = None


def export_transect_figure(figure: TransectFigure, progress: ProgressCallback) -> None:
    """Evaluate the transect and write the figure; raises as `save_drawing`."""
    spectra = query_transect(figure.request, progress)
    values = query_transect_values(figure.request, progress)
    save_drawing(figure.path, SIZE, lambda painter: _Drawing(painter, figure, spectra, values).draw(), DPI, "Transect")


class _Drawing:
    """Draws one figure in points."""

    def __init__(self, painter: QPainter, figure: TransectFigure, spectra: TransectSpectra, values: Transect) -> None:
        self._painter, self._spectra, self._values = painter, spectra, values
        length = float(values.distances[-1])
        self._unit, metres_per = metric_unit(length * figure.metres) if figure.metres is not None else ("px", 1.0)
        self._scale = (figure.metres or 1.0) / metres_per
        self._length = length * self._scale
        self._quantity = figure.request.field.quantity.label
        self._nm = float(values.wavelengths.nm[0])
        known = values.spectra if values.limits is None else np.stack([values.spectra, *values.limits])
        known = known[np.isfinite(known)]
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        self._range = (low, high) if high > low else (low - 0.5, high + 0.5)

    def draw(self) -> None:
        """Draw picture, colour bar and curve with their axes."""
        painter = self._painter
        painter.fillRect(QRectF(0, 0, SIZE.width(), SIZE.height()), Qt.GlobalColor.white)
        nm = self._spectra.transect.wavelengths.nm
        nm_range = float(nm[0]), float(nm[-1])
        self._draw_picture(nm_range)
        self._draw_grid(_CURVE, self._range)
        self._draw_curve()
        for area, (low, high), title in (
            (_PICTURE, nm_range, "wavelength (nm)"), (_CURVE, self._range, self._quantity),
        ):  # fmt: skip
            for value in ticks(low, high, area.height() / 24):
                y = _between(value, (low, high), area.bottom(), area.top())
                where = QRectF(14, y - 6, area.left() - 18, 12)
                draw_number(painter, where, value, QUIET, Qt.AlignmentFlag.AlignRight, points=8)
            self._draw_upright(QPointF(7, area.center().y()), title)
        for value in ticks(0.0, self._length, 6):
            x = _between(value, (0.0, self._length), _CURVE.left(), _CURVE.right())
            where = QRectF(x - 20, _CURVE.bottom() + 2, 40, 12)
            draw_number(painter, where, value, QUIET, Qt.AlignmentFlag.AlignHCenter, points=8)
        where = QRectF(0, _CURVE.bottom() + 14, SIZE.width(), 12)
        text = f"distance from A ({self._unit}); curve at {self._nm:g} nm"
        if self._values.limits is not None:
            text += ", band: 90 % prediction interval"
        draw_text(painter, where, text, INK, Qt.AlignmentFlag.AlignHCenter, points=8)

    def _draw_picture(self, nm_range: tuple[float, float]) -> None:
        painter, spectra = self._painter, self._spectra
        colours = lookup("viridis", 550.0)
        assert colours is not None
        table = np.concatenate([np.full((1, 3), 255, np.uint8), colours[1:]])
        painter.drawImage(_PICTURE, _image(table[spectra.shades[::-1]]))  # the longest wavelength on top
        painter.drawImage(_BAR, _image(np.ascontiguousarray(colours[::-1, None])))
        y = _between(self._nm, nm_range, _PICTURE.bottom(), _PICTURE.top())
        painter.setPen(QPen(QColor("white"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(_PICTURE.left(), y), QPointF(_PICTURE.right(), y))
        painter.setPen(QPen(QUIET, 0.5))
        for box in (_PICTURE, _BAR):
            painter.drawRect(box)
        low, high = spectra.limits
        for value in ticks(low, high, 7):
            y = _between(value, (low, high), _BAR.bottom(), _BAR.top())
            draw_number(painter, QRectF(_BAR.right() + 4, y - 6, 40, 12), value, QUIET, points=8)

    def _draw_grid(self, area: QRectF, value_range: tuple[float, float]) -> None:
        self._painter.setPen(QPen(_GRID, 0.5))
        for value in ticks(*value_range, area.height() / 24):
            y = _between(value, value_range, area.bottom(), area.top())
            self._painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))

    def _draw_curve(self) -> None:
        painter, values = self._painter, self._values
        across = values.distances * self._scale

        def placed(at: float, value: float) -> QPointF:
            x = _between(at, (0.0, self._length), _CURVE.left(), _CURVE.right())
            return QPointF(x, _between(value, self._range, _CURVE.bottom(), _CURVE.top()))

        if values.limits is not None:
            low, high = values.limits[..., 0]
            known = np.isfinite(low) & np.isfinite(high)
            there, back = (list(zip(across[known], each[known], strict=True)) for each in (high, low))
            edges = there + back[::-1]
            shade = QColor(_LINE)
            shade.setAlpha(60)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(shade)
            painter.drawPolygon(QPolygonF([placed(*edge) for edge in edges]))
        up = values.spectra[:, 0]
        painter.setPen(QPen(_LINE, 1.2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        ends = np.flatnonzero(np.diff(np.isfinite(up).astype(int))) + 1  # gaps interrupt the curve
        for part in np.split(np.arange(up.size), ends):
            if np.isfinite(up[part[0]]):
                painter.drawPolyline(QPolygonF([placed(across[at], up[at]) for at in part]))

    def _draw_upright(self, centre: QPointF, text: str) -> None:
        self._painter.save()
        self._painter.translate(centre)
        self._painter.rotate(-90)
        draw_text(self._painter, QRectF(-80, -6, 160, 12), text, INK, Qt.AlignmentFlag.AlignHCenter, points=8)
        self._painter.restore()


def _between(value: float, of: tuple[float, float], start: float, end: float) -> float:
    """Position of a value of a range between two positions."""
    return start + (end - start) * float(value - of[0]) / max(of[1] - of[0], 1e-12)


def _image(colours: np.ndarray) -> QImage:
    height, width = colours.shape[:2]
    return QImage(np.ascontiguousarray(colours).data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
