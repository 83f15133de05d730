"""Pictures of where a model fails, for its card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from nesr_gui import metrics
from nesr_gui.fields.protocol import CalibratedField
from nesr_gui.inference import engine
from nesr_gui.inference.model import Model
from nesr_gui.io.atomic import replacing
from nesr_gui.spectral import FloatArray, RGBImage
from nesr_gui.training.scenes import Scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SPOT = 16  # pixels along one side of what is averaged
SPOTS = 3  # shown of each scene, the worst first
APART = 5  # spots lie more than so many of their sides from each other
WORST = 0.15  # RMSE at the end of the map's scale
COLOURS = ("#d55e00", "#0072b2", "#009e73")


def draw_failures(path: Path, model: Model, scenes: Sequence[Scene]) -> None:
    """Write a picture (PNG, SVG or PDF by its ending) with a row per scene of 8-bit sRGB photographs.

    Left the RMSE of every pixel over the bands, charts left out; in the middle the worst spots, measured (dashed) and
    answered, with their intervals; right the mean difference to the truth at each band, and where 90 % of them lie.

    Raises:
        ImportError: matplotlib is not installed (extra `train`).
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 3.6 * len(scenes)), layout="constrained")
    for row, scene in zip(figure.subplots(len(scenes), 3, squeeze=False), scenes, strict=True):
        field = engine.encode(RGBImage(scene.photograph(eight_bit=True)), model)
        answers = field.cube(field.bands).values
        error = metrics.rmse(answers, scene.cube, axis=0)
        error[~scene.outside_chart()] = np.nan
        places = worst_spots(error)
        _draw_map(row[0], scene.name, error, places)
        _draw_spots(row[1], field, scene, answers, places)
        _draw_bias(row[2], field.bands.nm, (answers - scene.cube)[:, scene.outside_chart()])
    with replacing(path) as part, part.open("wb") as file:
        figure.savefig(file, format=path.suffix.lstrip(".") or "png", dpi=80)


def worst_spots(error: FloatArray) -> list[tuple[slice, slice]]:
    """The squares of `SPOT` pixels of the highest mean error (H, W), apart from each other; NaN is nowhere."""
    height, width = (size // SPOT for size in error.shape)
    means = error[: height * SPOT, : width * SPOT].reshape(height, SPOT, width, SPOT).mean((1, 3))
    means[np.isnan(means)] = -1
    rows, cols = np.mgrid[:height, :width]
    places: list[tuple[slice, slice]] = []
    while len(places) < SPOTS and means.max() >= 0:
        row, col = np.unravel_index(means.argmax(), means.shape)
        places.append((slice(row * SPOT, (row + 1) * SPOT), slice(col * SPOT, (col + 1) * SPOT)))
        means[np.hypot(rows - row, cols - col) <= APART] = -1
    return places


def _draw_map(axes: Axes, name: str, error: FloatArray, places: Sequence[tuple[slice, slice]]) -> None:
    shown = axes.imshow(error, cmap="magma", vmin=0, vmax=WORST)
    axes.figure.colorbar(shown, ax=axes, label="RMSE over the bands")
    for number, ((rows, cols), colour) in enumerate(zip(places, COLOURS, strict=False), 1):
        box = {"boxstyle": "circle", "facecolor": colour, "edgecolor": "white"}
        axes.text((cols.start + cols.stop) / 2, (rows.start + rows.stop) / 2, str(number), color="white", bbox=box,
                  ha="center", va="center", fontsize=8)  # fmt: skip
    axes.set_title(name)
    axes.set_axis_off()


def _draw_spots(
    axes: Axes, field: Any, scene: Scene, answers: FloatArray, places: Sequence[tuple[slice, slice]]
) -> None:
    nm = field.bands.nm
    for (rows, cols), colour in zip(places, COLOURS, strict=False):
        axes.plot(nm, scene.cube[:, rows, cols].mean((1, 2)), color=colour, linestyle="dashed")
        axes.plot(nm, answers[:, rows, cols].mean((1, 2)), color=colour)
        if isinstance(field, CalibratedField):
            (bounds,) = field.interval_blocks(nm, rows=rows, cols=cols)
            axes.fill_between(nm, bounds.lower.mean((1, 2)), bounds.upper.mean((1, 2)), color=colour, alpha=0.15, lw=0)
    axes.set(title="the worst spots: measured (dashed), answered", xlabel="wavelength (nm)", ylabel="reflectance")


def _draw_bias(axes: Axes, nm: npt.NDArray[np.float64], differences: FloatArray) -> None:
    low, high = np.percentile(differences, [5, 95], axis=1)
    axes.fill_between(nm, low, high, color="0.85", label="90 % of pixels")
    axes.plot(nm, differences.mean(1), color="black", label="mean")
    axes.axhline(0, color="0.5", linewidth=0.8)
    axes.set(title="answer - truth", xlabel="wavelength (nm)", ylabel="reflectance")
    axes.legend(loc="upper left")
