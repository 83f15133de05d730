"""Commands that show: the window, and how fast it answers on this machine."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click

from nesr_gui.cli.options import FILE, PATH, device_option, model_option, write_json


@click.command()
@click.argument("image", type=PATH, required=False)
@model_option
@device_option
@click.option("--screenshot", type=FILE, help="Open, wait for the reconstruction, save a picture of the window, exit.")
def gui(image: Path | None, model: Path | None, device: str, screenshot: Path | None) -> None:
    """Open the window (the default); without a display, reconstruct into nesr-out/ instead."""
    if not display_is_there():
        draw_off_screen()
        if screenshot is None:
            from nesr_gui.cli import headless

            for line in headless.run(image, model=model, device=device):
                click.echo(line)
            return
    from nesr_gui.gui import main

    raise SystemExit(main.run(image, model=model, device=device, screenshot=screenshot))


@click.command()
@model_option
@device_option
@click.option("--json", "report", type=FILE, help="Also write the figures, and what machine it is, to a JSON file.")
@click.option("--without-window", is_flag=True, help="Only the model, not the window.")
@click.option(
    "--large", type=click.FloatRange(1, 1000), metavar="MEGAPIXELS",
    help="Also time and memory of a photograph so large; 24 take ten minutes more, and 8 GB in the temporary folder.",
)  # fmt: skip
def benchmark(model: Path | None, device: str, report: Path | None, without_window: bool, large: float | None) -> None:
    """Measure how fast this machine answers, beside what is aimed at; takes some minutes, with nothing else running."""
    if not display_is_there():
        draw_off_screen()
    from nesr_gui.benchmark import inference, system
    from nesr_gui.benchmark.result import BenchmarkResult
    from nesr_gui.inference.model import load_model

    loaded = load_model(model, device)
    found: list[dict[str, object]] = []
    groups: list[Callable[[], Iterator[BenchmarkResult]]] = [
        system.start_figures,
        partial(inference.answer_figures, loaded),
    ]
    if not without_window:
        from nesr_gui.gui import benchmark as window

        groups.append(partial(window.figures, loaded))
    if large is not None:
        groups.append(partial(inference.large_figures, model, device, large))
    click.echo(f"{loaded.name} on {system.description(loaded.device)}")
    for figure in itertools.chain.from_iterable(group() for group in groups):
        click.echo(figure.line())
        found.append(asdict(figure) | {"is_met": figure.is_met})
    if report:
        write_json(report, {"machine": system.description(loaded.device), "model": loaded.name, "figures": found})


def display_is_there() -> bool:
    """Whether a window could open: everywhere but on a Unix without X11 or Wayland, unless Qt is told a platform."""
    if os.environ.get("QT_QPA_PLATFORM") or sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def draw_off_screen() -> None:
    """Let Qt draw into memory, and keep to itself what that platform does not support."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")
