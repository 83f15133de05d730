"""Plots of error maps, spectra and training losses, written as PNG without a display."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nesr_gui.colorimetry import cie
from nesr_gui.io.atomic import atomic_write
from nesr_gui.spectral import FloatArray
from nesr_gui.training.experiments.evaluation import SceneFigures

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933", "#882255", "#44AA99")
"""Of curves, distinguishable with colour-vision deficiency (Okabe and Ito 2008; Tol 2021)."""

POINT_COLOURS = ("#E69F00", "#0072B2")
ACROSS = 4  # images in a row, at most
NOT_COUNTED = "#D0D0D0"
DPI = 150
SCALE_PERCENTILE = 95  # of an error map that its scale covers; relative errors of black pixels are huge


def error_maps(path: Path, figures: SceneFigures, label: str) -> None:
    """Plot the photograph with its points, and the error maps of all systems on one scale, with their means.

    Pixels that do not count are grey, and in neither the means nor the scale.

    Args:
        path: the PNG file.
        figures: the scene and its errors.
        label: of the errors, below the plot.
    """
    from matplotlib import colormaps

    rgb, maps, viridis = figures.scene.rgb, figures.errors, colormaps["viridis"].with_extremes(bad=NOT_COUNTED)
    rows, across = grid(len(maps) + 1)
    figure = _figure(2.6 * across + 0.8, (2.6 * rgb.shape[0] / rgb.shape[1] + 0.35) * rows + 0.3)
    axes = figure.subplots(rows, across, squeeze=False).ravel()
    axes[0].imshow(cie.encode_srgb(rgb))
    axes[0].set_title(figures.scene.name, fontsize=9)
    for (row, col), colour in zip(figures.points, POINT_COLOURS, strict=False):
        axes[0].plot(col, row, "s", markerfacecolor="none", markeredgecolor=colour, markersize=8, markeredgewidth=1.6)
    most = scale_end(list(maps.values()))
    for axis, (title, errors) in zip(axes[1:], maps.items(), strict=False):
        shown = axis.imshow(errors, cmap=viridis, vmin=0, vmax=most)
        axis.set_title(f"{title}: {np.nanmean(errors):.4f}", fontsize=9)
    for axis in axes:
        axis.set_axis_off()
    figure.colorbar(shown, ax=list(axes), shrink=0.8, extend="max")
    figure.supxlabel(label, fontsize=8)
    _save(figure, path)


def grid(images: int) -> tuple[int, int]:
    """Rows and columns of a number of images, with as few empty places as so many rows allow."""
    rows = math.ceil(images / ACROSS)
    return rows, math.ceil(images / rows)


def scale_end(maps: Sequence[FloatArray]) -> float:
    """The upper end of a common scale for error maps (H, W), exceeded only by few of the pixels of each that count."""
    return max(float(np.nanpercentile(errors, SCALE_PERCENTILE)) for errors in maps) or 1.0


def curves(path: Path, figures: SceneFigures) -> None:
    """Plot the spectra at the points: the measured ones, and those of every system."""
    figure = _figure(5.2 * len(figures.points), 3.8)
    for index, axis in enumerate(figure.subplots(1, len(figures.points), squeeze=False)[0]):
        nm, values = figures.truth
        axis.plot(nm, values[index], "o", color="black", markersize=3, label="measured")
        for (title, (nm, values)), colour in zip(figures.curves.items(), _cycle(len(figures.curves)), strict=True):
            axis.plot(nm, values[index], color=colour, linewidth=1.2, label=title)
        row, col = figures.points[index]
        axis.set_title(f"■ row {row}, column {col}", fontsize=9, color=POINT_COLOURS[index % len(POINT_COLOURS)])
        axis.set_xlabel("wavelength (nm)")
        axis.set_ylim(bottom=0)
    figure.axes[0].set_ylabel("value")
    figure.axes[-1].legend(fontsize=7)
    _save(figure, path)


def training_losses(path: Path, losses: Mapping[str, Sequence[tuple[int, float]]]) -> None:
    """Plot the training loss of every network over the steps."""
    figure = _figure(7, 4)
    axis = figure.subplots()
    for (name, points), colour in zip(losses.items(), _cycle(len(losses)), strict=True):
        steps, values = zip(*points, strict=True) if points else ((), ())
        axis.plot(steps, values, ".-", color=colour, linewidth=1, markersize=3, label=name)
    axis.set_xlabel("step")
    axis.set_ylabel("MRAE of training")
    axis.set_yscale("log")
    axis.legend(fontsize=7)
    _save(figure, path)


def _cycle(count: int) -> list[str]:
    return [COLOURS[index % len(COLOURS)] for index in range(count)]


def _figure(width: float, height: float) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Any, path: Path) -> None:
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=DPI, format="png")
