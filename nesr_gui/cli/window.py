"""Commands that show: the window, and how fast it answers on this machine."""

from __future__ import annotations

import os
import sys
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
            from nesr_gui import headless

            for line in headless.run(image, model=model, device=device):
                click.echo(line)
            return
    from nesr_gui.gui import program

    raise SystemExit(program.run(image, model=model, device=device, screenshot=screenshot))


@click.command()
@model_option
@device_option
@click.option("--json", "report", type=FILE, help="Also write the figures to a JSON file.")
def benchmark(model: Path | None, device: str, report: Path | None) -> None:
    """Measure how fast this machine answers, with the window and without; takes half a minute."""
    if not display_is_there():
        draw_off_screen()
    from nesr_gui.gui import benchmark as measurement

    figures = measurement.measure(model, device)
    for name, milliseconds in figures.items():
        click.echo(f"{name:56}{milliseconds:9.1f} ms")
    if report:
        write_json(report, figures)


def display_is_there() -> bool:
    """Whether a window could open: everywhere but on a Unix without X11 or Wayland, unless Qt is told a platform."""
    if os.environ.get("QT_QPA_PLATFORM") or sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def draw_off_screen() -> None:
    """Let Qt draw into memory, and keep to itself what that platform does not support."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")
