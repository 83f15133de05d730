"""Export of what a pane shows, or of the values behind it, at the resolution of the image."""

from __future__ import annotations

import enum
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPen, QTransform

from nesr_gui.analysis.classification import class_numbers
from nesr_gui.analysis.pixelwise import rests_on
from nesr_gui.colorimetry.cie import decode_srgb, encode_srgb
from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.drawing.symbols import draw_sign, outline, placed
from nesr_gui.gui.drawing.ticks import ticks
from nesr_gui.gui.drawing.tone_mapping import ToneMapping, lookup
from nesr_gui.gui.figures.export import INK
from nesr_gui.gui.model.document import UInt8Array
from nesr_gui.gui.model.marks import Mark
from nesr_gui.gui.model.viewport import SamplingGrid, whole
from nesr_gui.gui.tasks.rendering import RenderedImage, RenderRequest, render_picture
from nesr_gui.gui.view_modes import MODES
from nesr_gui.gui.view_modes.analysis import AnalysisMode
from nesr_gui.gui.view_modes.base import RenderContext, ViewMode
from nesr_gui.io.georeference import Georeference
from nesr_gui.io.raster import write_exr, write_layers, write_png, write_tiff
from nesr_gui.regions import Region
from nesr_gui.spectral import FloatArray

UInt16Array = npt.NDArray[np.uint16]
NO_EXR = "OpenEXR export needs OpenEXR, which is not installed; run: pip install 'nesr-gui[formats]'"


class Content(enum.StrEnum):
    """What is written of a pane."""

    PICTURE = "picture"  # the colours as displayed
    VALUES = "values"  # the map behind them


class ImageFormat(enum.StrEnum):
    """Formats of exported pictures."""

    PNG = "PNG"
    TIFF16 = "16-bit TIFF"
    EXR = "OpenEXR"
    GEOTIFF = "GeoTIFF"

    @property
    def ending(self) -> str:
        """The file name extension."""
        return {ImageFormat.PNG: ".png", ImageFormat.EXR: ".exr"}.get(self, ".tif")

    def describe(self, content: Content, *, of_classes: bool = False) -> str:
        """Return what the numbers in the file are; values of classes are their numbers in all formats."""
        if of_classes and content is Content.VALUES:
            where = ", georeferenced if the source is" if self is ImageFormat.GEOTIFF else ""
            return f"numbers of classes, 0 for none, 255 for uncertain pixels{where}"
        return _NUMBERS[self][list(Content).index(content)]

    def missing(self) -> str:
        """Return which package is missing and how to install it; empty if none is."""
        return NO_EXR if self is ImageFormat.EXR and importlib.util.find_spec("OpenEXR") is None else ""


_SCALED = "whole numbers, 0 to 65535 between the limits of the colour bar"
_NUMBERS = {
    ImageFormat.PNG: ("8-bit sRGB", _SCALED), ImageFormat.TIFF16: ("16-bit sRGB", _SCALED),
    ImageFormat.EXR: ("linear-light sRGB in single precision", "the values in single precision"),
    ImageFormat.GEOTIFF: ("8-bit sRGB, georeferenced if the source is",
                          "the values in single precision, georeferenced if the source is"),
}  # fmt: skip


def whole_picture(mode: ViewMode, context: RenderContext) -> SamplingGrid:
    """Return the grid of all pixels of the field, or of the photograph for a mode that needs no field."""
    if mode.bands(context):
        return whole(context.answering.shape, context.binning)
    assert context.photograph is not None
    return whole(context.photograph.shape, context.photograph.binning)


@dataclass(frozen=True, eq=False)
class Picture:
    """What a pane shows: a view mode and its inputs."""

    mode: str
    context: RenderContext

    def reason(self, content: Content) -> str:
        """Return why the mode cannot be rendered, or has no values besides its colours; empty if it can."""
        mode = MODES[self.mode]
        if reason := mode.unavailable_reason(self.context):
            return f"{mode.title} {reason}"
        if content is Content.VALUES and mode.scale(self.context) is None:
            return f"{mode.title} has no values besides its colours; choose the picture as displayed"
        return ""

    def check(self, content: Content) -> None:
        """Raise a ValueError with `reason` if there is one."""
        if reason := self.reason(content):
            raise ValueError(reason)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return whole_picture(MODES[self.mode], self.context).size

    @property
    def has_bar(self) -> bool:
        """Whether a colour bar, or a legend of classes, explains its colours."""
        scale = MODES[self.mode].scale(self.context)
        return scale is not None and not scale.is_colour

    @property
    def is_of_classes(self) -> bool:
        """Whether its values are numbers of classes."""
        scale = MODES[self.mode].scale(self.context)
        return scale is not None and bool(scale.categories)

    def rendered(self, progress: ProgressCallback) -> RenderedImage:
        """Render all pixels."""
        mode = MODES[self.mode]
        return render_picture(RenderRequest(mode, self.context, whole_picture(mode, self.context)), progress)


@dataclass(frozen=True, eq=False)
class PictureExport:
    """A picture to export.

    Attributes:
        path: the file.
        picture: what is written.
        content: its colours or its values.
        format: the file format.
        has_bar: whether a colour bar or legend is drawn beside the picture as displayed; not in a GeoTIFF.
        marks: the marks drawn on the picture as displayed.
        georeference: of the image.
    """

    path: Path
    picture: Picture
    content: Content
    format: ImageFormat
    has_bar: bool = False
    marks: tuple[Mark, ...] = ()
    georeference: Georeference | None = None


def export_picture(request: PictureExport, progress: ProgressCallback) -> str:
    """Render all pixels and write them; returns what was written, in a sentence.

    Raises:
        ValueError: the picture has no such content, or a package is missing.
        OSError: the file cannot be written.
    """
    request.picture.check(request.content)
    if missing := request.format.missing():
        raise ValueError(missing)
    rendered = request.picture.rendered(lambda fraction: progress(0.9 * fraction))
    progress(0.9)
    is_picture, form = request.content is Content.PICTURE, request.format
    has_bar = request.has_bar and is_picture and request.picture.has_bar and form is not ImageFormat.GEOTIFF
    description = described(rendered, request.content)
    where = None
    if form is ImageFormat.PNG:
        image: npt.NDArray[Any] = displayed(rendered, has_bar, request.marks) if is_picture else numbers(rendered)
        write_png(request.path, image, description)
    elif form is ImageFormat.TIFF16:
        image = displayed16(rendered, has_bar, request.marks) if is_picture else numbers(rendered)
        write_tiff(request.path, image, description)
    elif form is ImageFormat.EXR:
        image = linear(rendered, has_bar, request.marks) if is_picture else _coloured(values(rendered))
        write_exr(request.path, image, description)
    else:
        where = request.georeference
        where = where and where.binned(rendered.request.sampling.binning)
        image = displayed(rendered, marks=request.marks) if is_picture else values(rendered)
        scale = rendered.request.scale
        if not is_picture and scale is not None and scale.channels:
            names = [channel.name for channel in scale.channels]
            write_layers(
                request.path, np.moveaxis(image, -1, 0), names, description, georeference=where, nodata="nan"
            )  # fmt: skip
        else:
            write_tiff(request.path, image, description, where)
    progress(1.0)
    note = ""
    if form is ImageFormat.GEOTIFF:
        note = ", georeferenced" if where else "; the source has no georeference, so it is a plain TIFF"
    height, width = rendered.painted.shape[:2]
    return f"Wrote {request.path}: {width}×{height} pixels{note}."


def copied(picture: Picture, progress: ProgressCallback) -> QImage:
    """Render all pixels as displayed, for the clipboard."""
    picture.check(Content.PICTURE)
    return _image(displayed(picture.rendered(progress)))


def described(rendered: RenderedImage, content: Content) -> dict[str, object]:
    """Return what an image shows, and for values their quantity and the limits of the display."""
    request = rendered.request
    description: dict[str, object] = {"program": "nesr_gui", "picture": request.mode.caption(request.context)}
    if request.scale is not None and content is Content.VALUES:
        description |= {"quantity": request.scale.quantity, "unit": request.scale.unit}
        if request.scale.channels:
            description |= _channels(request)
        elif not request.scale.categories:
            description["limits"] = list(request.limits)
    description |= _analysed(rendered)
    return {**description, **(request.context.field.provenance if request.context.field is not None else {})}


def _channels(request: RenderRequest) -> dict[str, object]:
    """Names and units of the quantities that are colours, and the values of each that are black and full colour."""
    assert request.scale is not None
    channels = request.scale.channels
    limits = [[low + share * (high - low) for share in request.limits] for low, high in (c.limits for c in channels)]
    return {"quantity": [c.name for c in channels], "unit": [c.unit for c in channels], "limits": limits}


def displayed(rendered: RenderedImage, has_bar: bool = False, marks: Sequence[Mark] = ()) -> UInt8Array:
    """Return the colours as displayed, (h, w, 3) sRGB in 8 bits, with marks and a colour bar on the right if chosen."""
    table, shown = _table(rendered), rendered.shown
    shown = table[shown] if table is not None and shown.ndim == 2 else shown
    colours = shown if shown.ndim == 3 else np.repeat(shown[:, :, None], 3, axis=2)
    if marks:
        colours = colours.copy()  # the photograph is that of the document
        _draw_marks(colours, rendered, marks, 255)
    return np.concatenate([colours, _bar(rendered)], axis=1) if has_bar else colours


def displayed16(rendered: RenderedImage, has_bar: bool = False, marks: Sequence[Mark] = ()) -> UInt16Array:
    """Return the colours as displayed, (h, w, 3) sRGB in 16 bits: without the steps of 8 bits."""
    return np.round(65535 * _encoded(rendered, has_bar, marks)).astype(np.uint16)


def linear(rendered: RenderedImage, has_bar: bool = False, marks: Sequence[Mark] = ()) -> FloatArray:
    """Return the colours as displayed, (h, w, 3) in linear light, 1 is white."""
    return np.asarray(decode_srgb(_encoded(rendered, has_bar, marks)), np.float32)


def values(rendered: RenderedImage) -> npt.NDArray[Any]:
    """Return the values of a picture; NaN where an analysis abstains.

    Classes are their numbers in 8 bits, as in maps of `analysis.outputs`: 0 for none, 255 where they are uncertain.
    """
    if rendered.abstained is None:
        return rendered.painted
    if rendered.request.scale is not None and rendered.request.scale.categories:
        return class_numbers(rendered.painted, rendered.abstained)
    at = rendered.abstained if rendered.painted.ndim == 2 else rendered.abstained[..., None]
    return np.where(at, np.float32(np.nan), rendered.painted)


def _coloured(image: npt.NDArray[Any]) -> FloatArray:
    """Values in single precision; two quantities get a third one of zeros, as the red, green and blue of a file."""
    if image.ndim == 3 and image.shape[-1] == 2:
        image = np.concatenate([image, np.zeros_like(image[..., :1])], axis=-1)
    return image.astype(np.float32)


def numbers(rendered: RenderedImage) -> npt.NDArray[Any]:
    """Return the values as whole numbers: those of classes, or others scaled to the limits of the display."""
    if rendered.request.scale is not None and rendered.request.scale.categories:
        return values(rendered)
    return scaled(replace(rendered, painted=values(rendered)))


def _analysed(rendered: RenderedImage) -> dict[str, object]:
    """What an analysis computed, and what it rests on; empty for other pictures."""
    mode, context = rendered.request.mode, rendered.request.context
    fitted = mode.fitted(context) if isinstance(mode, AnalysisMode) else None
    if fitted is None or fitted.analysis is None or context.field is None:
        return {}
    described: dict[str, object] = {**fitted.analysis.describe(), "rests_on": rests_on(context.field)}
    if rendered.abstained is not None:
        described["abstained"] = f"{float(rendered.abstained.mean()):.2%} of the pixels"
    return described


def scaled(rendered: RenderedImage) -> UInt16Array:
    """Return the values as 16-bit numbers, 0 and 65535 at the limits of the display; nan is 0."""
    return np.round(65535 * _share(rendered)).astype(np.uint16)


def _share(rendered: RenderedImage) -> FloatArray:
    low, high = rendered.request.limits
    painted = rendered.painted.astype(np.float32)
    painted = rendered.shading.shares(painted) if rendered.shading is not None else painted
    share = (painted - np.float32(low)) / np.float32(max(high - low, 1e-12))
    return np.fmin(np.fmax(share, 0), 1)


def _encoded(rendered: RenderedImage, has_bar: bool, marks: Sequence[Mark]) -> FloatArray:
    """Return the colours as displayed, (h, w, 3) sRGB in 0-1."""
    tones, table = rendered.shading, _table(rendered)
    colours: FloatArray
    if rendered.is_final or tones is None:
        colours = np.asarray(displayed(rendered) / 255, np.float32)
    else:
        share = _share(rendered)
        share = np.asarray(encode_srgb(share), np.float32) if tones.encoded else share
        if table is not None and share.ndim == 2:
            steps, fine = np.arange(256) / 255, np.linspace(0, 1, 1 << 16)
            between = np.stack([np.interp(fine, steps, table[:, channel] / 255) for channel in range(3)], axis=-1)
            colours = between.astype(np.float32)[np.round(65535 * share).astype(np.uint16)]
        else:
            colours = share if share.ndim == 3 else np.repeat(share[:, :, None], 3, axis=2)
    _draw_marks(colours, rendered, marks, 1)
    return np.concatenate([colours, _bar(rendered).astype(np.float32) / 255], axis=1) if has_bar else colours


def _table(rendered: RenderedImage) -> UInt8Array | None:
    return lookup(rendered.request.colormap, rendered.request.context.nm) if rendered.shading is not None else None


def _bar(rendered: RenderedImage) -> UInt8Array:
    """Draw the colour bar of a rendering with its numbers and quantity, or the legend of its classes, (h, w, 3).

    It is as high as the picture.
    """
    if rendered.legend:
        return _legend(rendered)
    request, height = rendered.request, rendered.painted.shape[0]
    assert request.scale is not None
    (low, high), size = request.limits, max(min(height // 24, 48), 8)
    font = QFont()
    font.setPixelSize(size)
    metrics = QFontMetricsF(font)
    values = ticks(low, high, max(height / (4 * size), 2))
    title = f"{request.scale.quantity} ({request.scale.unit})" if request.scale.unit else request.scale.quantity
    numbers = max((metrics.horizontalAdvance(f"{value:g}") for value in values), default=0.0)
    image = QImage(round(3.6 * size + numbers + metrics.height()), height, QImage.Format.Format_RGB888)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    painter.setFont(font)
    strip = QRectF(size, size, size, max(height - 2 * size, 1))
    shades = ToneMapping.of(request.limits, request.colormap).shade(np.linspace(high, low, 256, dtype=np.float32))
    table = _table(rendered)
    colours = table[shades] if table is not None else np.repeat(shades[:, None], 3, axis=1)
    painter.drawImage(strip, _image(np.ascontiguousarray(colours[:, None])))
    painter.setPen(QPen(INK, max(size / 16, 1)))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(strip)
    for value in values:
        y = strip.bottom() - strip.height() * (value - low) / max(high - low, 1e-12)
        painter.drawLine(QPointF(strip.right(), y), QPointF(strip.right() + 0.3 * size, y))
        where = QRectF(strip.right() + 0.5 * size, y - size, numbers + size, 2 * size)
        painter.drawText(where, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, f"{value:g}")
    painter.translate(image.width() - metrics.height(), height / 2)
    painter.rotate(-90)
    painter.drawText(QRectF(-height / 2, 0, height, metrics.height()), Qt.AlignmentFlag.AlignCenter, title)
    painter.end()
    return _pixels(image)


def _legend(rendered: RenderedImage) -> UInt8Array:
    """Draw colours and names of the classes of a rendering, (h, w, 3); small enough that all fit above each other."""
    entries, height = rendered.legend, rendered.painted.shape[0]
    size = max(min(height // 24, 48, height // (2 * len(entries) + 1)), 6)
    font = QFont()
    font.setPixelSize(size)
    metrics = QFontMetricsF(font)
    names = max(min(metrics.horizontalAdvance(entry.name), 14 * size) for entry in entries)
    image = QImage(round(3.5 * size + names), height, QImage.Format.Format_RGB888)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    painter.setFont(font)
    for place, entry in enumerate(entries):
        top = (1 + 2 * place) * size
        painter.fillRect(QRectF(size, top, size, size), QColor(entry.colour))
        painter.setPen(QPen(INK, max(size / 16, 1)))
        painter.drawRect(QRectF(size, top, size, size))
        name = metrics.elidedText(entry.name, Qt.TextElideMode.ElideRight, names + 1)
        where = QRectF(2.5 * size, top - 0.5 * size, names + size, 2 * size)
        painter.drawText(where, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)
    painter.end()
    return _pixels(image)


def _pixels(image: QImage) -> UInt8Array:
    """The pixels (h, w, 3) of an image in RGB888."""
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def _draw_marks(
    colours: npt.NDArray[Any], rendered: RenderedImage, marks: Sequence[Mark], white: float
) -> None:  # fmt: skip
    """Draw the outlines and symbols of marks into colours (h, w, 3) in 0 to `white`."""
    if not marks:
        return
    height, width = colours.shape[:2]
    side = rendered.request.sampling.stride * rendered.request.sampling.binning
    size = min(max(min(height, width) / 22, 12.0), 96.0)
    layer = QImage(width, height, QImage.Format.Format_RGBA8888_Premultiplied)
    layer.fill(Qt.GlobalColor.transparent)
    painter = QPainter(layer)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for mark in marks:
        if isinstance(mark.place, Region):
            path = QTransform.fromScale(1 / side, 1 / side).map(outline(mark.place))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for ink, wide in ((QColor("white"), 0.2 * size), (QColor(mark.colour), 0.1 * size)):
                painter.setPen(QPen(ink, wide))
                painter.drawPath(path)
    for mark in marks:
        x, y = (mark.col + 0.5) / side, (mark.row + 0.5) / side
        painter.setPen(QPen(QColor("white"), 0.1 * size))
        painter.setBrush(QColor(mark.colour))
        painter.drawPath(placed(mark.symbol, QPointF(x, y), size))
        draw_sign(painter, QRectF(x - size / 2, y - size / 2, size, size), mark.number, mark.colour, mark.symbol)
    painter.end()
    drawn = np.frombuffer(layer.constBits(), np.uint8).reshape(height, width, 4)  # lines of 4 bytes are not padded
    at = np.nonzero(drawn[:, :, 3])
    over = drawn[at].astype(np.float32) / 255
    mixed = colours[at] * (1 - over[:, 3:]) + white * over[:, :3]
    colours[at] = np.round(mixed) if white > 1 else mixed


def _image(colours: UInt8Array) -> QImage:
    height, width = colours.shape[:2]
    return QImage(np.ascontiguousarray(colours).data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
