"""Error maps, spectra and the course of training as PNG, drawn without a display."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nesr_gui.colorimetry import cie
from nesr_gui.io.atomic import atomic_write
from nesr_gui.spectral import FloatArray
from nesr_gui.training.experiments.evaluation import Portrait

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933", "#882255", "#44AA99")
"""Of curves, told apart by the colour-blind (Okabe and Ito 2008; Tol 2021)."""

SPOTS = ("#E69F00", "#0072B2")
ACROSS = 4  # pictures in a row
DPI = 150
SHOWN = 95  # percent of an error map's pixels are within its scale: relative errors of black ones are huge


def error_maps(path: Path, portrait: Portrait, what: str) -> None:
    """The photograph with its points, and the errors of every system on one scale; `what` they are."""
    rgb, maps = portrait.judge.rgb, portrait.errors
    across = min(len(maps) + 1, ACROSS)
    rows = math.ceil((len(maps) + 1) / across)
    figure = _figure(2.6 * across + 0.8, (2.6 * rgb.shape[0] / rgb.shape[1] + 0.35) * rows + 0.3)
    axes = figure.subplots(rows, across, squeeze=False).ravel()
    axes[0].imshow(cie.encode_srgb(rgb))
    axes[0].set_title(portrait.judge.name, fontsize=9)
    for (row, col), colour in zip(portrait.points, SPOTS, strict=False):
        axes[0].plot(col, row, "s", markerfacecolor="none", markeredgecolor=colour, markersize=8, markeredgewidth=1.6)
    most = most_shown(list(maps.values()))
    for axis, (title, errors) in zip(axes[1:], maps.items(), strict=False):
        shown = axis.imshow(errors, cmap="viridis", vmin=0, vmax=most)
        axis.set_title(f"{title}: {errors.mean():.4f}", fontsize=9)
    for axis in axes:
        axis.set_axis_off()
    figure.colorbar(shown, ax=list(axes), shrink=0.8, extend="max")
    figure.supxlabel(what, fontsize=8)
    _save(figure, path)


def most_shown(maps: Sequence[FloatArray]) -> float:
    """The end of a scale for errors (H, W) that few of the pixels are beyond."""
    return max(float(np.percentile(errors, SHOWN)) for errors in maps) or 1.0


def curves(path: Path, portrait: Portrait) -> None:
    """Spectra at the points: the truth and each system's answer."""
    figure = _figure(5.2 * len(portrait.points), 3.8)
    for index, axis in enumerate(figure.subplots(1, len(portrait.points), squeeze=False)[0]):
        nm, values = portrait.truth
        axis.plot(nm, values[index], "o", color="black", markersize=3, label="measured")
        for (title, (nm, values)), colour in zip(portrait.curves.items(), _cycle(len(portrait.curves)), strict=True):
            axis.plot(nm, values[index], color=colour, linewidth=1.2, label=title)
        row, col = portrait.points[index]
        axis.set_title(f"■ row {row}, column {col}", fontsize=9, color=SPOTS[index % len(SPOTS)])
        axis.set_xlabel("wavelength (nm)")
        axis.set_ylim(bottom=0)
    figure.axes[0].set_ylabel("value")
    figure.axes[-1].legend(fontsize=7)
    _save(figure, path)


def courses(path: Path, losses: Mapping[str, Sequence[tuple[int, float]]]) -> None:
    """The loss of every network while it was trained."""
    figure = _figure(7, 4)
    axis = figure.subplots()
    for (name, course), colour in zip(losses.items(), _cycle(len(losses)), strict=True):
        steps, values = zip(*course, strict=True) if course else ((), ())
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
