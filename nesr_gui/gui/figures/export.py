"""Export of drawings to PNG, SVG and PDF, from one function that paints in points (1/72 inch)."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QImageWriter,
    QPageLayout,
    QPageSize,
    QPainter,
    QPdfWriter,
)
from PySide6.QtSvg import QSvgGenerator

from nesr_gui.io.atomic import atomic_write

INK, QUIET = QColor("#1c2127"), QColor("#4b525c")
FILTERS = "PNG image (*.png);;SVG drawing (*.svg);;PDF document (*.pdf)"
_PDF_DPI = 1200

Draw = Callable[[QPainter], None]


def save_drawing(path: Path, size: QSizeF, draw: Draw, dpi: int, title: str) -> None:
    """Write a drawing in the format of the file name extension; callable on any thread.

    Args:
        path: the file; ends in .png, .svg or .pdf.
        size: width and height in points.
        draw: paints the drawing in points.
        dpi: resolution of PNG files.
        title: the title stored in SVG and PDF files.

    Raises:
        ValueError: the extension is not one of these.
        OSError: the file cannot be written.
    """
    kind = path.suffix.lower()
    if kind not in (".png", ".svg", ".pdf"):
        raise ValueError(f"cannot write {path.name}: choose a name that ends in .png, .svg or .pdf")
    drawn = QBuffer()  # Qt does not tell whether an SVG or PDF file could be written completely
    drawn.open(QIODevice.OpenModeFlag.WriteOnly)
    if kind == ".png":
        is_drawn = QImageWriter(drawn, QByteArray(b"png")).write(rendered(size, draw, dpi))
    else:
        is_drawn = (_draw_svg if kind == ".svg" else _draw_pdf)(drawn, size, draw, title)
    if not is_drawn:
        raise MemoryError
    with atomic_write(path) as part:
        part.write_bytes(drawn.data().data())


def rendered(size: QSizeF, draw: Draw, dpi: int) -> QImage:
    """Return the drawing on a white background at `dpi`."""
    scale = dpi / 72
    image = QImage(QSize(round(size.width() * scale), round(size.height() * scale)), QImage.Format.Format_RGB32)
    image.setDotsPerMeterX(round(dpi / 0.0254))
    image.setDotsPerMeterY(round(dpi / 0.0254))
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    painter.scale(scale, scale)
    _paint(painter, draw)
    return image


def _draw_svg(device: QIODevice, size: QSizeF, draw: Draw, title: str) -> bool:
    generator = QSvgGenerator(QSvgGenerator.SvgVersion.Svg11)  # Tiny, the default, has no clipping
    generator.setOutputDevice(device)
    generator.setSize((size * 100).toSize())  # the page in 1/100 point, as it takes whole numbers only
    generator.setResolution(7200)
    generator.setViewBox(QRectF(0, 0, size.width(), size.height()))
    generator.setTitle(title)
    painter = QPainter()
    return painter.begin(generator) and _paint(painter, draw)


def _draw_pdf(device: QIODevice, size: QSizeF, draw: Draw, title: str) -> bool:
    writer = QPdfWriter(device)
    writer.setTitle(title)
    writer.setResolution(_PDF_DPI)
    page = QPageSize(size, QPageSize.Unit.Point, title, QPageSize.SizeMatchPolicy.ExactMatch)
    writer.setPageLayout(QPageLayout(page, QPageLayout.Orientation.Portrait, QMarginsF()))
    painter = QPainter()
    if not painter.begin(writer):
        return False
    painter.scale(_PDF_DPI / 72, _PDF_DPI / 72)
    return _paint(painter, draw)


def _paint(painter: QPainter, draw: Draw) -> bool:
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    try:
        draw(painter)
    except BaseException:
        painter.end()  # else Qt would destroy the device while it is painted on
        raise
    return painter.end()


def draw_text(
    painter: QPainter, where: QRectF, text: str, ink: QColor = INK,
    side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft, points: int = 10, family: str = "",
) -> None:  # fmt: skip
    """Draw a line of text, elided if it does not fit; `points` is the font size, `family` the font if not default."""
    font = _font(points, family)
    painter.setFont(font)
    painter.setPen(ink)
    metrics = QFontMetricsF(font, painter.device())
    fitting = metrics.elidedText(text, Qt.TextElideMode.ElideRight, where.width())
    painter.drawText(where, side | Qt.AlignmentFlag.AlignVCenter, fitting)


def draw_number(
    painter: QPainter, where: QRectF, value: float, ink: QColor = INK,
    side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft, points: int = 10,
) -> None:  # fmt: skip
    """Draw a number at a tick, smaller if it does not fit: without its last digits it would be another number."""
    text = f"{value:g}"
    while points > 1 and text_width(painter, text, points) > where.width():
        points -= 1
    draw_text(painter, where, text, ink, side, points)


def text_width(painter: QPainter, text: str, points: int, family: str = "") -> float:
    """Return the width in points that `draw_text` needs, rounded up to a whole point."""
    return math.ceil(QFontMetricsF(_font(points, family), painter.device()).horizontalAdvance(text)) + 1.0


def _font(points: int, family: str) -> QFont:
    font = QFont(family) if family else QFont()
    font.setPixelSize(points)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)  # spacing is the same at any resolution
    return font
