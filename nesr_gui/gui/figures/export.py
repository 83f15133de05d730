"""Export of drawings to PNG, SVG and PDF, from one function that paints in points (1/72 inch)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QByteArray, QMarginsF, QRectF, QSize, QSizeF, Qt
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
    with atomic_write(path) as part:
        if kind == ".png":
            written = QImageWriter(str(part), QByteArray(b"png")).write(rendered(size, draw, dpi))
        else:
            written = (_save_svg if kind == ".svg" else _save_pdf)(part, size, draw, title)
        if not written:
            raise OSError(f"cannot write {path}: the folder may be read-only or full; choose another folder")


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


def _save_svg(path: Path, size: QSizeF, draw: Draw, title: str) -> bool:
    generator = QSvgGenerator()
    generator.setFileName(str(path))
    generator.setSize(size.toSize())
    generator.setViewBox(QRectF(0, 0, size.width(), size.height()))
    generator.setResolution(72)
    generator.setTitle(title)
    painter = QPainter()
    return painter.begin(generator) and _paint(painter, draw)


def _save_pdf(path: Path, size: QSizeF, draw: Draw, title: str) -> bool:
    writer = QPdfWriter(str(path))
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
    draw(painter)
    return painter.end()


def draw_text(
    painter: QPainter, where: QRectF, text: str, ink: QColor = INK,
    side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft, points: int = 10,
) -> None:  # fmt: skip
    """Draw a line of text, elided if it does not fit; `points` is the font size."""
    font = QFont()
    font.setPixelSize(points)
    painter.setFont(font)
    painter.setPen(ink)
    metrics = QFontMetricsF(font, painter.device())
    fitting = metrics.elidedText(text, Qt.TextElideMode.ElideRight, where.width())
    painter.drawText(where, side | Qt.AlignmentFlag.AlignVCenter, fitting)
