"""Export of a wavelength sweep as an animation: MP4 or GIF."""

from __future__ import annotations

import importlib.util
import math
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter

from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.drawing.tone_mapping import lookup
from nesr_gui.gui.model.document import UInt8Array
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.gui.tasks.rendering import RenderRequest, render_frame
from nesr_gui.gui.view_modes import MODES
from nesr_gui.gui.view_modes.base import RenderContext
from nesr_gui.io.atomic import atomic_write

ENDINGS = (".mp4", ".gif")
MOST_FRAMES = 20_000
NO_VIDEO = (
    "MP4 export needs imageio-ffmpeg, which is not installed; run: pip install 'nesr-gui[video]', or choose GIF instead"
)


@dataclass(frozen=True)
class Sweep:
    """A sweep between two wavelengths (nm) at a speed (nm/s).

    Attributes:
        start: the first wavelength.
        stop: the last wavelength.
        speed: nm per second.
        frames_per_second: the frame rate.
        longest_side: the maximum side of a frame in pixels.
        is_labelled: whether the wavelength is drawn into each frame.
    """

    start: float
    stop: float
    speed: float
    frames_per_second: int = 25
    longest_side: int = 960
    is_labelled: bool = True

    def wavelengths(self) -> list[float]:
        """Return the wavelength (nm) of each frame.

        Raises:
            ValueError: the range or the speed is not positive, or there would be more than `MOST_FRAMES` frames.
        """
        if not (self.stop > self.start and self.speed > 0 and self.frames_per_second > 0):
            raise ValueError(
                f"cannot sweep from {self.start:g} to {self.stop:g} nm at {self.speed:g} nm/s; the end must be above "
                "the start, and speed and frame rate above 0"
            )
        count = math.floor((self.stop - self.start) / self.speed * self.frames_per_second) + 1
        if count > MOST_FRAMES:
            raise ValueError(
                f"the sweep would have {count:,} frames, at most {MOST_FRAMES:,} are allowed; use a higher speed"
            )
        return np.linspace(self.start, self.stop, max(count, 2)).tolist()


@dataclass(frozen=True, eq=False)
class SweepExport:
    """A sweep of one view mode to export; modes that do not depend on the wavelength are replaced by the band mode."""

    path: Path
    mode: str
    context: RenderContext
    sweep: Sweep


def missing_for(ending: str) -> str:
    """Return which package is missing for files with this extension and how to install it; empty if none is."""
    return NO_VIDEO if ending == ".mp4" and importlib.util.find_spec("imageio_ffmpeg") is None else ""


def export_sweep(request: SweepExport, progress: ProgressCallback) -> Sweep:
    """Write the animation, frame by frame.

    Raises:
        ValueError: the extension is neither .mp4 nor .gif, a package is missing, or the sweep is invalid.
        OSError: the file cannot be written.
    """
    ending, nms = request.path.suffix.lower(), request.sweep.wavelengths()
    if ending not in ENDINGS:
        raise ValueError(f"cannot write {request.path.name}: choose a name that ends in .mp4 or .gif")
    if missing := missing_for(ending):
        raise ValueError(missing)
    with atomic_write(request.path) as part, _writer(part, ending, request.sweep.frames_per_second) as writer:
        for i, nm in enumerate(nms):
            progress(i / len(nms))
            writer.append_data(frame(request, nm))
    progress(1.0)
    return request.sweep


def frame(request: SweepExport, nm: float) -> UInt8Array:
    """Render one frame (h, w, 3) uint8 with even sides, as video codecs require."""
    context = replace(request.context, nm=nm)
    mode = MODES[request.mode]
    follows = (
        mode.cache_key(context) != mode.cache_key(replace(context, nm=nm + 0.5))
        if not mode.unavailable_reason(context)
        else False
    )
    sampling = _sampling(context, request.sweep.longest_side)
    rendering = RenderRequest(mode if follows else MODES["band"], context, sampling)
    picture = render_frame(rendering, lambda fraction: None)
    table = lookup(rendering.colormap, nm)
    shown = picture.shown if table is None else table[picture.shown]
    rgb = shown if shown.ndim == 3 else np.repeat(shown[:, :, None], 3, axis=2)
    rgb = np.pad(rgb, ((0, rgb.shape[0] % 2), (0, rgb.shape[1] % 2), (0, 0)), mode="edge")
    return _labelled(rgb, f"{nm:.1f} nm") if request.sweep.is_labelled else rgb


def _sampling(context: RenderContext, longest_side: int) -> SamplingGrid:
    height, width = context.answering.shape
    stride = math.ceil(max(height, width) / longest_side)
    return SamplingGrid(stride, slice(0, height), slice(0, width), context.binning)


def _labelled(rgb: UInt8Array, text: str) -> UInt8Array:
    height, width = rgb.shape[:2]
    image = QImage(np.ascontiguousarray(rgb).data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
    painter = QPainter(image)
    font = QFont()
    font.setPixelSize(min(max(height // 22, 9), 28))
    painter.setFont(font)
    room = painter.fontMetrics().boundingRect(text)
    where = QRectF(6, 6, room.width() + 14, room.height() + 6)
    painter.fillRect(where, QColor(15, 17, 20, 178))
    painter.setPen(QColor("white"))
    painter.drawText(where, Qt.AlignmentFlag.AlignCenter, text)
    painter.end()
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(height, image.bytesPerLine())
    return rows[:, : 3 * width].reshape(height, width, 3).copy()


@contextmanager
def _writer(part: Path, ending: str, frames_per_second: int) -> Iterator[Any]:
    """Open an imageio writer for the temporary file `part`.

    imageio and ffmpeg derive the format from the extension, so a file with the right one is written and then renamed.
    """
    from imageio import v2

    film = part.with_name(part.name + ending)
    options: dict[str, Any] = (
        {"format": "GIF-PIL", "duration": 1 / frames_per_second, "loop": 0}
        if ending == ".gif"
        else {"format": "FFMPEG", "fps": frames_per_second, "codec": "libx264", "quality": 8, "macro_block_size": 2}
    )
    try:
        with closing(v2.get_writer(film, mode="I", **options)) as writer:  # its __exit__ leaks ffmpeg after an error
            yield writer
        os.replace(film, part)
    finally:
        film.unlink(missing_ok=True)
