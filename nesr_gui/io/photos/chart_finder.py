"""Finding a colour chart in a photograph with colour-checker-detection, the optional package of the extra `chart`.

It runs in a process of its own: OpenCV, which it needs, points Qt to plugins of another build when it is imported, and
may crash. The process finds uniform squares and the cluster that they form; the grid of the chart is fitted to their
centres here.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry import cie
from nesr_gui.colorimetry.charts import GAP, ColourChart
from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.io.photos.chart_patches import (
    ChartError,
    ChartReading,
    homography,
    ordered_corners,
    project,
    read_patches,
)
from nesr_gui.io.photos.develop import develop
from nesr_gui.io.photos.develop_settings import DevelopSettings, SourceEncoding
from nesr_gui.io.photos.photo import DecodedPhoto

PACKAGE = "colour_checker_detection"
CHILD = (sys.executable, "-m", "nesr_gui.io.photos.chart_finder")
SENT_PIXELS = 1_600_000  # the package works on images 1440 pixels wide
TIMEOUT = 60.0  # seconds
INTERVAL = 0.05  # seconds between looks at the process
MEMORY = 4 << 30  # limit of the process in bytes, where the system supports one
BRIGHT = 0.9  # light that the brightest pixels of the image sent are scaled to
MARGIN = 1 / 6  # of a patch, by which the outline of a cluster lies outside its squares
NEAR = 0.3  # distance of a square from its place in the grid, in patches
FEWEST = 0.6  # fraction of the patches that must be found
ROUNDS = 4  # of assigning squares to places and fitting the grid

Array = npt.NDArray[np.float64]


def missing_package() -> str:
    """What to install to find charts, in one sentence; empty if it is installed."""
    if importlib.util.find_spec(PACKAGE) is not None:
        return ""
    return (
        "finding a chart needs the package colour-checker-detection; get it with: pip install 'nesr-gui[chart]', or "
        "give its four corners yourself"
    )


def find_chart(
    decoded: DecodedPhoto,
    chart: ColourChart,
    encoding: SourceEncoding = SourceEncoding.AUTOMATIC,
    progress: ProgressCallback = lambda done: None,
) -> Array:
    """Find a chart; returns the (row, col) in source pixels of the outer corners of its corner patches, (4, 2).

    Args:
        decoded: the photograph.
        chart: the chart to look for.
        encoding: how the file is read.
        progress: called regularly; exceptions it raises end the search.

    Raises:
        ChartError: the package is not installed or fails, or no such chart was found.
    """
    if missing := missing_package():
        raise ChartError(missing)
    encoding = SourceEncoding.LINEAR if encoding is SourceEncoding.GAMMA else encoding
    image = develop(decoded, DevelopSettings(encoding), max_pixels=SENT_PIXELS)
    light = image.values / max(float(np.percentile(image.values, 99.5)), 1e-4) * BRIGHT
    answer = _ask(np.round(255 * cie.encode_srgb(np.clip(light, 0, 1))).astype(np.uint8), chart, progress)
    squares = np.array(answer["squares"], np.float64).reshape(-1, 4, 2)
    found: list[ChartReading] = []
    for outline in answer["clusters"]:
        with contextlib.suppress(ChartError):  # of the next cluster
            corners = fit_grid(chart, np.array(outline, np.float64), squares) * image.binning
            found.append(read_patches(decoded, chart, corners, encoding))
    convincing = [reading for reading in found if reading.has_its_colours]  # other things have tiles, too
    if not convincing:
        raise ChartError(
            f"no {chart.name} was found in this photograph; give its four corners yourself, or photograph the whole "
            "chart larger and in even light"
        )
    return min(convincing, key=lambda reading: reading.misfit).corners


def fit_grid(chart: ColourChart, outline: Array, squares: Array) -> Array:
    """The outer corners (4, 2), (row, col), of a chart whose patches lie among squares.

    Args:
        chart: the chart.
        outline: (4, 2), (x, y) of the corners of the cluster of squares.
        squares: (N, 4, 2), (x, y) of the corners of all squares found.

    Raises:
        ChartError: the squares do not form the grid of the chart.
    """
    ring = ordered_corners(outline[:, ::-1])
    sides = np.linalg.norm(np.roll(ring, -1, axis=0) - ring, axis=1)
    if (sides[::2].sum() > sides[1::2].sum()) != (chart.columns >= chart.rows):
        ring = np.roll(ring, -1, axis=0)  # the first side runs along the rows of the chart
    centres = np.asarray(squares.mean(axis=1)[:, ::-1], np.float64)  # (row, col)
    size = np.array([chart.columns, chart.rows]) - GAP  # of the chart, in distances of patches
    fits = [_assign(chart, centres, start) for start in _starts(ring, centres, size)]
    best = max(fits, key=lambda fit: fit[0])
    moved = [_assign(chart, centres, best[1] @ _shift(right, down)) for right in (-1, 0, 1) for down in (-1, 0, 1)]
    found, matrix = max([best, *moved], key=lambda fit: fit[0])
    if found < FEWEST * len(chart):
        raise ChartError(f"only {found} of the {len(chart)} patches were found")
    return project(matrix, np.array([[0, 0], [size[0], 0], size, [0, size[1]]]))


def _starts(ring: Array, centres: Array, size: Array) -> list[Array]:
    """First guesses of the matrix (3, 3) from (x, y) in distances of patches to (row, col).

    From the outline, which is a rectangle and in perspective far from the chart, and from the outermost squares, of
    which one may be missing.
    """

    def between(low: float, high: Array, corners: Array) -> Array:
        """The matrix that maps the rectangle from (low, low) to `high` to corners."""
        (width, height), unit = high - low, np.eye(3)
        unit[[0, 1], [0, 1]], unit[:2, 2] = (1 / width, 1 / height), (-low / width, -low / height)
        return np.asarray(homography(corners) @ unit)

    starts = [between(-MARGIN, size + MARGIN, ring)]
    if len(centres):
        square = project(np.asarray(np.linalg.inv(homography(ring)), np.float64), centres)  # (x, y) of the unit square
        is_inside = ((square > 0) & (square < 1)).all(axis=1)
        inside = centres[is_inside]
        if len(inside) >= 4:
            right, down = square[is_inside].T
            outermost = [np.argmin(right + down), np.argmax(right - down), np.argmax(right + down),
                         np.argmin(right - down)]  # fmt: skip
            if len(set(outermost)) == 4:
                with contextlib.suppress(np.linalg.LinAlgError):
                    starts.append(between((1 - GAP) / 2, size - (1 - GAP) / 2, inside[outermost]))
    return starts


def _shift(right: float, down: float) -> Array:
    """Matrix (3, 3) that moves points (x, y)."""
    return np.array([[1, 0, right], [0, 1, down], [0, 0, 1.0]])


def _assign(chart: ColourChart, centres: Array, matrix: Array) -> tuple[int, Array]:
    """Number of patches that have a square at their place, and the matrix fitted to these squares."""
    places = np.asarray(chart.cells[:, ::-1] + (1 - GAP) / 2, np.float64)  # (x, y)
    count = 0
    for _ in range(ROUNDS if len(centres) else 0):
        with np.errstate(all="ignore"):  # a bad guess may have points at infinity
            expected = project(matrix, places)
            step = np.linalg.norm(project(matrix, places + np.array([1.0, 0])) - expected, axis=1)
            distances = np.linalg.norm(expected[:, None] - centres[None], axis=2) / step[:, None]
        distances = np.nan_to_num(distances, nan=np.inf)
        found = np.flatnonzero(distances.min(axis=1) < NEAR)
        count = len(found)
        if count < 4:
            break
        matrix = _fit_homography(places[found], centres[distances.argmin(axis=1)[found]])
    return count, matrix


def _fit_homography(points: Array, targets: Array) -> Array:
    """Matrix (3, 3) from points (x, y) (N, 2) to targets (row, col) (N, 2): least squares of the algebraic error."""
    centre, scale = targets.mean(axis=0), max(float(targets.std()), 1e-9)
    rows = []
    for (x, y), (row, col) in zip(points, (targets - centre) / scale, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -row * x, -row * y, -row])
        rows.append([0, 0, 0, x, y, 1, -col * x, -col * y, -col])
    matrix = np.linalg.svd(np.array(rows))[2][-1].reshape(3, 3)
    back = np.array([[scale, 0, centre[0]], [0, scale, centre[1]], [0, 0, 1]])
    return np.asarray(back @ matrix)


def _ask(image: npt.NDArray[np.uint8], chart: ColourChart, progress: ProgressCallback) -> dict[str, Any]:
    """Squares and clusters in an sRGB image (h, w, 3), from the process.

    Raises:
        ChartError: the process fails, or does not answer.
    """
    header = {"shape": image.shape, "patches": len(chart), "rows": chart.rows, "columns": chart.columns}
    process = subprocess.Popen(
        CHILD, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )  # fmt: skip
    answer: list[bytes] = []
    talk = threading.Thread(
        target=lambda: answer.append(process.communicate(json.dumps(header).encode() + b"\n" + image.tobytes())[0]),
        daemon=True,
    )
    talk.start()
    try:
        began = time.monotonic()
        while talk.is_alive() and time.monotonic() - began < TIMEOUT:
            talk.join(INTERVAL)
            progress(0.0)
    finally:
        process.kill()
        talk.join()
    try:
        return _checked(json.loads(answer[0]))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ChartError(
            "the search for the chart failed or took too long; give its four corners yourself, or install the package "
            "colour-checker-detection again"
        ) from error


def _checked(answer: Any) -> dict[str, Any]:
    """The answer of the process.

    Raises:
        ValueError, KeyError, TypeError: it has another form.
    """
    for name in ("squares", "clusters"):
        points = np.array(answer[name], np.float64)
        if points.size and (points.shape[1:] != (4, 2) or not np.isfinite(points).all()):
            raise ValueError(f"{name} of shape {points.shape}")
    return dict(answer)


def _settings(patches: int, rows: int, columns: int) -> dict[str, Any]:
    """What the package needs to know of a chart; perspective changes its aspect ratio."""
    long, short = max(rows, columns) - GAP, min(rows, columns) - GAP
    return {
        "swatches": patches, "swatches_horizontal": columns, "swatches_vertical": rows, "aspect_ratio": long / short,
        "aspect_ratio_minimum": 0.6 * long / short, "aspect_ratio_maximum": 1.7 * long / short,
        "swatches_count_minimum": patches // 2, "swatches_count_maximum": 3 * patches // 2,
    }  # fmt: skip


def _serve(source: BinaryIO, target: BinaryIO) -> None:
    """Answer one request: a line of JSON and the pixels of an image."""
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY if most < 0 else min(MEMORY, most), most))
    from colour_checker_detection.detection import segmentation

    request = json.loads(source.readline())
    height, width, channels = request["shape"]
    image = np.frombuffer(source.read(height * width * channels), np.uint8).reshape(height, width, channels)
    settings = segmentation.SETTINGS_SEGMENTATION_COLORCHECKER_CLASSIC | _settings(
        request["patches"], request["rows"], request["columns"]
    )
    # Tall images are turned, because the package makes all of them equally wide.
    is_tall = height > width
    pixels = np.rot90(image) if is_tall else image
    found = segmentation.segmenter_default(
        pixels.astype(np.float32) / 255, apply_cctf_encoding=False, additional_data=True, **settings
    )
    scale = pixels.shape[1] / settings["working_width"]

    def upright(polygons: Sequence[Any]) -> list[Any]:
        points = np.array(polygons, np.float64).reshape(-1, 4, 2) * scale
        return (np.stack([width - points[..., 1], points[..., 0]], axis=-1) if is_tall else points).tolist()

    target.write(json.dumps({"squares": upright(found.swatches), "clusters": upright(found.clusters)}).encode())


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
