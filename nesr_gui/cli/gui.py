"""Commands that open the window or measure its response times."""

from __future__ import annotations

import gc
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType

import click

from nesr_gui.cli import system_libraries
from nesr_gui.cli.options import FILE, PATH, check_outputs, device_option, model_option, write_json


@click.command()
@click.argument("files", type=PATH, metavar="[IMAGE]...", nargs=-1)
@model_option
@device_option
@click.option(
    "--screenshot", type=FILE, help="Open the window, wait for the reconstruction, save a screenshot, and exit."
)
@click.option("--say-when-usable", is_flag=True, hidden=True)  # for `benchmark`
def gui(
    files: tuple[Path, ...], model: Path | None, device: str, screenshot: Path | None, say_when_usable: bool
) -> None:
    """Open the window (the default), each image in a tab; without a display, reconstruct one into nesr-out/ instead."""
    if say_when_usable:
        import_window().say_when_usable()
        return
    obstacle = why_no_window()
    if len(files) > 1 and (obstacle or screenshot is not None):
        without = f"there is no window ({obstacle})" if screenshot is None else "a screenshot shows one"
        raise ValueError(f"{len(files)} images were given, but {without}; give one, or use nesr-gui reconstruct")
    if screenshot is not None and files:
        check_outputs([screenshot], files[0])
    if obstacle:
        draw_off_screen()
        if screenshot is None:
            from nesr_gui.cli import headless

            click.echo(f"no window: {obstacle}")
            for line in headless.run(next(iter(files), None), model=model, device=device):
                click.echo(line)
            return
    if missing := system_libraries.missing(system_libraries.DRAWING):
        raise click.ClickException(system_libraries.how_to_install(missing))
    raise SystemExit(import_window().run(files, model=model, device=device, screenshot=screenshot))


def import_window() -> ModuleType:
    """Return `nesr_gui.gui.main`, imported without searches for garbage, which it resumes when the model is loaded.

    What is imported stays, and a search of it keeps the window waiting for more than 0.1 s.
    """
    gc.disable()
    _leave_sources_unread()
    from nesr_gui.gui import main

    return main


def _leave_sources_unread() -> None:
    """Keep PySide from reading the source of each module that is imported, to find out if it may use `__feature__`.

    No module here does, and it takes a seventh of the time of the imports of the start, for which the window waits.
    """
    with suppress(ImportError):
        import_module("PySide6.QtCore")
        feature = vars(import_module("shibokensupport.feature"))
        if (check := "_mod_uses_pyside") in feature:  # not public
            feature[check] = lambda module: False


@click.command()
@model_option
@device_option
@click.option("--json", "report", type=FILE, help="Also write the results and the machine description to a JSON file.")
@click.option("--without-window", is_flag=True, help="Benchmark only the model, not the window.")
@click.option(
    "--large", type=click.FloatRange(1, 1000), metavar="MEGAPIXELS",
    help="Also measure a photograph of this size; 24 takes ten more minutes and 8 GB of temporary disk space.",
)  # fmt: skip
def benchmark(model: Path | None, device: str, report: Path | None, without_window: bool, large: float | None) -> None:
    """Measure the response times of this machine against their targets; this takes some minutes on an idle machine."""
    if why_no_window():
        draw_off_screen()
    from nesr_gui.benchmark import inference, system
    from nesr_gui.benchmark.result import BenchmarkResult
    from nesr_gui.inference.model import load_model
    from nesr_gui.io.atomic import check_writable

    if report:
        check_writable(report)
    loaded = load_model(model, device)
    results: list[dict[str, object]] = []
    groups: list[Callable[[], Iterator[BenchmarkResult]]] = [
        system.measure_start,
        partial(inference.measure_answers, loaded),
    ]
    if not without_window:
        _leave_sources_unread()  # as when the program starts
        from nesr_gui.gui import benchmark as window

        groups.append(partial(window.figures, loaded))
    if large is not None:
        groups.append(partial(inference.measure_large, model, device, large))
    click.echo(f"{loaded.name} on {system.description(loaded.device)}")
    for result in itertools.chain.from_iterable(group() for group in groups):
        click.echo(result.line())
        results.append(asdict(result) | {"is_met": result.is_met})
    if report:
        write_json(report, {"machine": system.description(loaded.device), "model": loaded.name, "figures": results})


def why_no_window() -> str:
    """Why no window can be opened, and what to do; empty if one can. Qt would end the program with its own message."""
    if os.environ.get("QT_QPA_PLATFORM") or sys.platform in ("win32", "darwin"):
        return ""
    display, wayland = os.environ.get("DISPLAY", ""), os.environ.get("WAYLAND_DISPLAY", "")
    if wayland and system_libraries.wayland_answers(wayland):
        return ""
    if not display:
        return f"the display {wayland} cannot be reached" if wayland else "there is no display"
    if missing := system_libraries.missing(system_libraries.DRAWING + system_libraries.X11):
        return system_libraries.how_to_install(missing)
    return "" if system_libraries.x11_answers() else f"the display {display} cannot be reached"


def draw_off_screen() -> None:
    """Make Qt draw to memory, and silence its messages about unsupported features of that platform."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")
