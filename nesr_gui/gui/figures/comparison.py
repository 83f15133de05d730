"""Comparison figure as in publications: measured bands, reconstructed bands, and the errors between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.fields.resampled import binned_field
from nesr_gui.gui.drawing.symbols import draw_sign
from nesr_gui.gui.drawing.ticks import ticks
from nesr_gui.gui.drawing.tone_mapping import bar_colours, lookup
from nesr_gui.gui.figures.export import INK, QUIET, draw_number, draw_text, rendered, save_drawing
from nesr_gui.gui.model.document import UInt8Array
from nesr_gui.gui.model.marks import Mark
from nesr_gui.gui.model.palette import GREY, TINT
from nesr_gui.gui.model.view_settings import ErrorMetric, ViewSettings
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.gui.tasks.rendering import RenderRequest, render_frame
from nesr_gui.gui.view_modes import MODES
from nesr_gui.gui.view_modes.base import RenderContext
from nesr_gui.gui.view_modes.error_map import SCALES

WIDTH = 510.0  # points: 180 mm, two columns of a journal
LEFT, TOP, GAP, BAR, FOOT = 18.0, 18.0, 4.0, 46.0, 22.0
ROWS = ("Measured", "Estimated", "Error")
KINDS = {ErrorMetric.DIFFERENCE: ErrorMetric.RMSE, ErrorMetric.RELATIVE: ErrorMetric.MRAE}
"""Error metrics at a wavelength → those over all wavelengths with the same scale, for one common colour bar."""
MOST = 9  # wavelengths that are legible on a page


@dataclass(frozen=True, eq=False)
class TruthFigure:
    """Content of the figure.

    Attributes:
        context: the reconstruction and its measured cube.
        marks: the marks drawn on the photograph.
        wavelengths: the wavelengths (nm) of the columns.
        measure: the error metric, at a wavelength.
        limit: the upper end of the colour bar.
        longest: the maximum side of an image in pixels.
    """

    context: RenderContext
    marks: tuple[Mark, ...]
    wavelengths: tuple[float, ...]
    measure: ErrorMetric
    limit: float
    longest: int = 600


@dataclass(frozen=True, eq=False)
class Page:
    """Rendered images of the figure, row by row, (h, w, 3) uint8; the first column is in colour or over all bands."""

    figure: TruthFigure
    rows: tuple[tuple[UInt8Array, ...], ...]
    bar: UInt8Array  # (256, 3), the colour bar

    @property
    def cell(self) -> tuple[float, float]:
        """Width and height of an image in points."""
        columns = len(self.figure.wavelengths) + 1
        width = (WIDTH - LEFT - BAR - GAP * (columns - 1)) / columns
        height, across = self.figure.context.answering.shape
        return width, width * height / across

    @property
    def size(self) -> QSizeF:
        """Width and height of the page in points."""
        return QSizeF(WIDTH, TOP + len(ROWS) * (self.cell[1] + GAP) + FOOT)


def painted(figure: TruthFigure, progress: ProgressCallback) -> Page:
    """Render every image of the figure."""
    context = replace(figure.context, viewing=ViewingConditions.default(), white=None, view_settings=_look(figure))
    assert context.truth is not None
    measured = replace(context, field=binned_field(context.truth, context.binning))
    over = replace(context, view_settings=replace(context.view_settings, measure=KINDS[figure.measure]))
    photograph = ("photograph", context) if context.colours is not None else (_coloured(measured), measured)
    firsts = (photograph, (_coloured(context), context), ("truth_error", over))
    seconds = (("band", measured), ("band", context), ("truth_error", context))
    rows, done, total = [], 0, len(ROWS) * (len(figure.wavelengths) + 1)
    for first, second in zip(firsts, seconds, strict=True):
        columns = [first, *((second[0], replace(second[1], nm=nm)) for nm in figure.wavelengths)]
        row = []
        for name, of in columns:
            progress(done / total)
            row.append(_picture(name, of, figure.longest))
            done += 1
        rows.append(tuple(row))
    colormap = context.view_settings.colormaps[SCALES[figure.measure].key]
    return Page(figure, tuple(rows), bar_colours(colormap, 550.0))


def _coloured(context: RenderContext) -> str:
    """Return the mode that shows the spectra in colour; radiance includes its illuminant and needs no re-rendering."""
    return "rerendered" if context.answering.quantity.is_relative else "false_colour"


def _look(figure: TruthFigure) -> ViewSettings:
    """Return view settings with the same limits and colormap for errors at a wavelength and over all."""
    view_settings = replace(figure.context.view_settings, measure=figure.measure)
    colours = view_settings.colormaps.get(SCALES[figure.measure].key, SCALES[figure.measure].colormap)
    colours = GREY if colours == TINT else colours  # the tint of one wavelength is not that of the colour bar
    for measure in (figure.measure, KINDS[figure.measure]):
        key = SCALES[measure].key
        view_settings = view_settings.with_levels(key, (0.0, figure.limit)).with_colormap(key, colours)
    return view_settings.with_colormap("band", "grey")


def _picture(name: str, context: RenderContext, longest: int) -> UInt8Array:
    """Render a mode in display colours (h, w, 3)."""
    shape = context.answering.shape
    if name == "photograph":
        assert context.colours is not None
        stride = max(max(context.colours.shape) // longest, 1)
        return np.ascontiguousarray(context.colours[::stride, ::stride])
    stride = -(-max(shape) // longest)
    request = RenderRequest(
        MODES[name], context, SamplingGrid(stride, slice(0, shape[0]), slice(0, shape[1]), context.binning)
    )
    shown = render_frame(request, lambda fraction: None).shown
    table = lookup(request.colormap, context.nm)
    shown = shown if table is None or shown.ndim == 3 else table[shown]
    return shown if shown.ndim == 3 else np.repeat(shown[:, :, None], 3, axis=2)


def draw_page(painter: QPainter, page: Page) -> None:
    """Draw the whole figure, in points."""
    figure, (width, height) = page.figure, page.cell
    painter.fillRect(QRectF(0, 0, page.size.width(), page.size.height()), Qt.GlobalColor.white)
    middle = Qt.AlignmentFlag.AlignHCenter
    titles = ("RGB", *(f"{nm:g} nm" for nm in figure.wavelengths))
    for column, title in enumerate(titles):
        draw_text(painter, QRectF(LEFT + column * (width + GAP), 2, width, TOP - 4), title, side=middle)
    for row, pictures in enumerate(page.rows):
        top = TOP + row * (height + GAP)
        _draw_upright(painter, QRectF(0, top, LEFT - 4, height), ROWS[row])
        for column, picture in enumerate(pictures):
            where = QRectF(LEFT + column * (width + GAP), top, width, height)
            painter.drawImage(where, _image(picture))
            if row == column == 0:
                _draw_marks(painter, figure, where)
    _draw_bar(painter, page, QRectF(WIDTH - BAR + 6, TOP + 2 * (height + GAP), 8, height))
    at, over = SCALES[figure.measure].quantity, SCALES[KINDS[figure.measure]].quantity
    foot = QRectF(LEFT, page.size.height() - FOOT + 4, WIDTH - LEFT, FOOT - 6)
    draw_text(painter, foot, f"Error: {at} at each wavelength; left column: {over} over all wavelengths.", QUIET)


def _draw_upright(painter: QPainter, where: QRectF, text: str) -> None:
    painter.save()
    painter.translate(where.center())
    painter.rotate(-90)
    turned = QRectF(-where.height() / 2, -where.width() / 2, where.height(), where.width())
    fitting = min(10, max(int(where.height() / 5.4), 4))  # the widest of ROWS is about 5.4 times its height
    draw_text(painter, turned, text, side=Qt.AlignmentFlag.AlignHCenter, points=fitting)
    painter.restore()


def _draw_marks(painter: QPainter, figure: TruthFigure, where: QRectF) -> None:
    """Draw the symbols of the marks at their positions in the photograph."""
    height, width = (side * figure.context.binning for side in figure.context.answering.shape)
    for mark in figure.marks:
        centre = QPointF(
            where.left() + where.width() * (mark.col + 0.5) / width,
            where.top() + where.height() * (mark.row + 0.5) / height,
        )
        painter.save()
        draw_sign(painter, QRectF(centre.x() - 5, centre.y() - 5, 10, 10), mark.number, mark.colour, mark.symbol)
        painter.restore()


def _draw_bar(painter: QPainter, page: Page, where: QRectF) -> None:
    """Draw the common colour bar of all errors."""
    painter.drawImage(where, _image(np.ascontiguousarray(page.bar[::-1, None])))
    painter.setPen(QPen(QColor("#a4aab3"), 0.5))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(where)
    for value in ticks(0.0, page.figure.limit, max(where.height() / 18, 2)):
        y = where.bottom() - where.height() * value / page.figure.limit
        painter.setPen(QPen(INK, 0.5))
        painter.drawLine(QPointF(where.right(), y), QPointF(where.right() + 2.5, y))
        draw_number(painter, QRectF(where.right() + 4, y - 6, BAR - 20, 12), value, points=8)


def _image(picture: UInt8Array) -> QImage:
    height, width = picture.shape[:2]
    return QImage(np.ascontiguousarray(picture).data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


@dataclass(frozen=True, eq=False)
class TruthFigureExport:
    """A comparison figure to export; `dpi` is for PNG."""

    path: Path
    figure: TruthFigure
    dpi: int


def export_truth_figure(request: TruthFigureExport, progress: ProgressCallback) -> None:
    """Render the figure and write it to a file; raises as `save_drawing`."""
    page = painted(request.figure, progress)
    save_drawing(request.path, page.size, lambda painter: draw_page(painter, page), request.dpi, "Accuracy")


def preview(figure: TruthFigure, progress: ProgressCallback) -> QImage:
    """Render the figure at reduced resolution, for the dialog."""
    page = painted(replace(figure, longest=160), progress)
    return rendered(page.size, lambda painter: draw_page(painter, page), 110)
