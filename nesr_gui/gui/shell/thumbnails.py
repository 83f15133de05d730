"""Small pictures of files, for the start page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColorSpace, QImage, QImageReader

from nesr_gui.fields.protocol import Progress

MOST_PIXELS = 30_000_000  # of a picture that has to be read whole; a JPEG is read small


@dataclass(frozen=True)
class ThumbnailRequest:
    """Files, and the size in pixels that their pictures shall have at most."""

    paths: tuple[Path, ...]
    size: QSize


def make_thumbnails(request: ThumbnailRequest, progress: Progress) -> Mapping[Path, QImage]:
    """The files that are there, each with its picture; one that cannot be had cheaply is null."""
    made = {}
    for done, path in enumerate(request.paths):
        progress(done / len(request.paths))
        if path.exists():
            made[path] = _thumbnail(path, request.size) if path.is_file() else QImage()
    return made


def _thumbnail(path: Path, size: QSize) -> QImage:
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    whole = reader.size()
    if not whole.isValid():
        return QImage()
    if bytes(reader.format().data()) == b"jpeg":
        reader.setScaledSize(whole.scaled(size * 2, Qt.AspectRatioMode.KeepAspectRatio))
    elif whole.width() * whole.height() > MOST_PIXELS:
        return QImage()
    image = reader.read()
    if image.colorSpace().isValid():
        image.convertToColorSpace(QColorSpace(QColorSpace.NamedColorSpace.SRgb))
    return image.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
