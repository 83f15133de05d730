"""Export of a wavelength sweep: as MP4 or GIF, or as numbered PNG or OpenEXR frames in a folder."""

from __future__ import annotations

import enum
import importlib.util
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter

from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.figures.picture import Content, ImageFormat, described, displayed, linear
from nesr_gui.gui.model.document import UInt8Array
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.gui.tasks.rendering import RenderedImage, RenderRequest, render_frame
from nesr_gui.gui.view_modes import MODES
from nesr_gui.gui.view_modes.base import RenderContext
from nesr_gui.io.atomic import atomic_write, atomic_write_set
from nesr_gui.io.raster import write_exr, write_png

MOST_FRAMES = 20_000
NO_VIDEO = (
    "MP4 export needs ffmpeg, which is not installed; install it, or run: pip install 'nesr-gui[video]', or choose GIF"
)


class SweepFormat(enum.Enum):
    """Formats of a sweep: the label, and the extension of the file, or of each frame in a folder."""

    MP4 = "MP4 video", ".mp4"
    GIF = "GIF animation", ".gif"
    PNG_FRAMES = "PNG frames in a folder", ".png"
    EXR_FRAMES = "OpenEXR frames in a folder", ".exr"

    def __init__(self, label: str, frame_ending: str) -> None:
        self.label, self.frame_ending = label, frame_ending

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of numbered frames."""
        return self in (SweepFormat.PNG_FRAMES, SweepFormat.EXR_FRAMES)

    @property
    def ending(self) -> str:
        """The extension of the file; empty for a folder."""
        return "" if self.is_folder else self.frame_ending

    @property
    def filter(self) -> str:
        """The filter of a file dialog."""
        return "New folder (*)" if self.is_folder else f"{self.label} (*{self.ending})"

    def missing(self) -> str:
        """Return which package is missing and how to install it; empty if none is."""
        if self is SweepFormat.MP4:
            return "" if _has_ffmpeg() else NO_VIDEO
        return ImageFormat.EXR.missing() if self is SweepFormat.EXR_FRAMES else ""


def _has_ffmpeg() -> bool:
    """Whether imageio-ffmpeg is there, with a program of its own or that of the system."""
    package = importlib.util.find_spec("imageio_ffmpeg")
    if package is None or package.origin is None:
        return False
    own = (Path(package.origin).parent / "binaries").glob("ffmpeg*")
    return any(own) or shutil.which("ffmpeg") is not None


@dataclass(frozen=True)
class Sweep:
    """A sweep between two wavelengths (nm) at a speed (nm/s).

    Attributes:
        start: the first wavelength.
        stop: the last wavelength.
        speed: nm per second.
        frames_per_second: the frame rate.
        longest_side: the maximum side of a frame in pixels.
        is_labelled: whether the wavelength is drawn into each frame, except into OpenEXR frames.
        returns: whether it runs back again; first and last wavelength are then shown once, so that it loops smoothly.
    """

    start: float
    stop: float
    speed: float
    frames_per_second: int = 25
    longest_side: int = 960
    is_labelled: bool = True
    returns: bool = False

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
        count = max(count, 2)
        if (total := 2 * count - 2 if self.returns else count) > MOST_FRAMES:
            raise ValueError(
                f"the sweep would have {total:,} frames, at most {MOST_FRAMES:,} are allowed; use a higher speed"
            )
        forth: list[float] = np.linspace(self.start, self.stop, count).tolist()
        return forth + forth[-2:0:-1] if self.returns else forth


@dataclass(frozen=True, eq=False)
class SweepExport:
    """A sweep of one view mode to export; modes that do not depend on the wavelength are replaced by the band mode.

    `path` is the file, or the folder of the frames.
    """

    path: Path
    mode: str
    context: RenderContext
    sweep: Sweep
    format: SweepFormat


def export_sweep(request: SweepExport, progress: ProgressCallback) -> Sweep:
    """Write the sweep, frame by frame.

    Raises:
        ValueError: the file has another extension, the folder contains files, a package is missing, or the sweep is
            invalid.
        OSError: the file or folder cannot be written.
    """
    kind, nms = request.format, request.sweep.wavelengths()
    if missing := kind.missing():
        raise ValueError(missing)
    if kind.is_folder:
        _export_frames(request, nms, progress)
    else:
        if request.path.suffix.lower() != kind.ending:
            raise ValueError(
                f"cannot write {request.path.name} as {kind.label}; choose a name that ends in {kind.ending}"
            )
        write = _write_gif if kind is SweepFormat.GIF else _write_video
        with atomic_write(request.path) as part:
            write(part, _frames(request, nms, progress), request.sweep.frames_per_second)
    progress(1.0)
    return request.sweep


def _export_frames(request: SweepExport, nms: list[float], progress: ProgressCallback) -> None:
    """Write numbered frames into a new folder: colours as PNG, or the values behind them as OpenEXR.

    Frames of the way back are those of the way forth, and are not rendered again.
    """
    path = request.path
    if path.is_dir() and any(path.iterdir()):
        raise ValueError(f"cannot write frames to {path}: the folder is not empty; choose a new folder")
    digits, first = max(len(str(len(nms))), 4), dict[float, Path]()
    with atomic_write_set(path) as part:
        folder = part / path.name
        folder.mkdir()
        for i, nm in enumerate(nms):
            progress(i / len(nms))
            file = folder / f"{path.name}_{i + 1:0{digits}}{request.format.frame_ending}"
            if nm in first:
                shutil.copyfile(first[nm], file)
                continue
            first[nm] = file
            if request.format is SweepFormat.EXR_FRAMES:
                rendered = _rendered(request, nm)
                values = rendered.painted if rendered.shading is not None else linear(rendered)
                write_exr(file, values, {**described(rendered, Content.VALUES), "wavelength_nm": nm})
            else:
                write_png(
                    file, _labelled_if_wanted(request, displayed(_rendered(request, nm)), nm), {"wavelength_nm": nm}
                )


def frame(request: SweepExport, nm: float) -> UInt8Array:
    """Render one frame (h, w, 3) uint8 with even sides, as video codecs require."""
    rgb = displayed(_rendered(request, nm))
    rgb = np.pad(rgb, ((0, rgb.shape[0] % 2), (0, rgb.shape[1] % 2), (0, 0)), mode="edge")
    return _labelled_if_wanted(request, rgb, nm)


def _labelled_if_wanted(request: SweepExport, rgb: UInt8Array, nm: float) -> UInt8Array:
    return _labelled(rgb, f"{nm:.1f} nm") if request.sweep.is_labelled else rgb


def _rendered(request: SweepExport, nm: float) -> RenderedImage:
    context = replace(request.context, nm=nm)
    mode = MODES[request.mode]
    follows = not mode.unavailable_reason(context) and (
        mode.cache_key(context) != mode.cache_key(replace(context, nm=nm + 0.5))
    )
    sampling = _sampling(context, request.sweep.longest_side)
    return render_frame(RenderRequest(mode if follows else MODES["band"], context, sampling), lambda fraction: None)


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


def _frames(request: SweepExport, nms: list[float], progress: ProgressCallback) -> Iterator[UInt8Array]:
    for i, nm in enumerate(nms):
        progress(i / len(nms))
        yield frame(request, nm)


def _write_gif(part: Path, frames: Iterator[UInt8Array], frames_per_second: int) -> None:
    """Write an animation that repeats for ever; equal frames are merged, and last as long as all of them."""
    from PIL import Image

    images, duration = map(Image.fromarray, frames), round(1000 * gif_seconds(frames_per_second))
    next(images).save(part, "GIF", save_all=True, append_images=images, duration=duration, loop=0)


def gif_seconds(frames_per_second: int) -> float:
    """Return how long a frame of a GIF lasts: whole hundredths of a second, of which viewers show no fewer than two."""
    return max(round(100 / frames_per_second), 2) / 100


def _write_video(part: Path, frames: Iterator[UInt8Array], frames_per_second: int) -> None:
    """Write H.264; imageio and ffmpeg derive the format from the extension, so a file that has it is renamed."""
    from imageio import v2

    film = part.with_name(part.name + SweepFormat.MP4.ending)
    options = {"fps": frames_per_second, "codec": "libx264", "quality": 8, "macro_block_size": 2}
    try:
        # its __exit__ leaks ffmpeg after an error
        with closing(v2.get_writer(film, format="FFMPEG", mode="I", **options)) as writer:
            for rgb in frames:
                writer.append_data(rgb)
        os.replace(film, part)
    finally:
        film.unlink(missing_ok=True)
