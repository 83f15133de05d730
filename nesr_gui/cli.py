"""The command line: `nesr-gui [IMAGE]` opens the window, the commands do without it.

Imports that cost time stand inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import nesr_gui
from nesr_gui import cube_options

if TYPE_CHECKING:
    from nesr_gui.engine import Model
    from nesr_gui.spectral import Wavelengths

FILE = click.Path(path_type=Path, dir_okay=False)
PATH = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path, file_okay=False)


class WindowByDefault(click.Group):
    """What names no command is an image for the window."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {"--help", "--version", "-h"}
        return super().parse_args(
            ctx, args if args and (args[0] in own or args[0] in self.commands) else ["gui", *args]
        )


device_option = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
model_option = click.option("--model", type=FILE, help="Model file (.safetensors); by default the embedded one.")


@click.group(cls=WindowByDefault, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(nesr_gui.__version__, package_name="nesr-gui")
def cli() -> None:
    """Open a photograph, click a pixel, see its spectrum.

    `nesr-gui [IMAGE]` opens the window; `nesr-gui gui --help` tells its options.
    """


@cli.command()
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


@cli.command()
@click.argument("image", type=FILE)
@click.option("-o", "--out", type=FILE, required=True, help="Cube to write (.h5).")
@click.option("--wavelengths", "listed", help="In nm: start:stop:step, or a list. [default: the training bands]")
@click.option("--bands", type=int, help="So many wavelengths, evenly over the model's range.")
@click.option("--max-pixels", type=int, help="Reduce a larger photograph, in linear light, by a whole number.")
@model_option
@device_option
def reconstruct(
    image: Path,
    out: Path,
    listed: str | None,
    bands: int | None,
    max_pixels: int | None,
    model: Path | None,
    device: str,
) -> None:
    """Write the spectral cube of a photograph."""
    from nesr_gui import engine, io

    loaded = engine.load_model(model, device)
    asked = asked_wavelengths(loaded, listed, bands)
    photograph = io.read_photograph(image)
    for note in photograph.source.notes:
        click.echo(note, err=True)
    photograph = photograph.reduced(max_pixels) if max_pixels else photograph
    with progress_bar("reading the photograph") as report:
        field = engine.encode(photograph, loaded, progress=report)
    with progress_bar(f"writing {len(asked)} bands") as report:
        io.write_cube(out, field, asked, progress=report)
    height, width = field.shape
    click.echo(f"{out}: {len(asked)} bands of {width}×{height} pixels, {asked.nm[0]:g}-{asked.nm[-1]:g} nm")


@cli.command()
@click.argument("image", type=PATH)
@click.option("--at", "points", metavar="ROW,COL", multiple=True, required=True, help="A pixel; may be repeated.")
@click.option("-o", "--out", type=FILE, help="Curves to write (.csv); by default they are printed.")
@click.option("--wavelengths", "listed", help="In nm: start:stop:step, or a list. [default: every nm]")
@cube_options.reading_options
@model_option
@device_option
def spectrum(
    image: Path,
    points: tuple[str, ...],
    out: Path | None,
    listed: str | None,
    model: Path | None,
    device: str,
    **options: Any,
) -> None:
    """Write or print the spectra of single pixels of a photograph or a cube."""
    from nesr_gui.io import curves
    from nesr_gui.spectral import Spectrum, Wavelengths

    pixels = [parsed_point(text) for text in points]
    field = cube_options.opened(image, model, device, options)
    asked = Wavelengths.parse(listed) if listed else cube_options.usual_wavelengths(field)
    names = [f"row {row} col {col}" for row, col in pixels]
    spectra = [Spectrum(asked, values, name) for values, name in zip(field.spectra(pixels, asked), names, strict=True)]
    if out:
        curves.write_curves(out, spectra, provenance=field.provenance)
        click.echo(f"{out}: {len(spectra)} curves at {len(asked)} wavelengths")
        return
    click.echo("\t".join(["nm", *names]))
    for index, nm in enumerate(asked):
        click.echo("\t".join([f"{nm:g}", *(f"{curve.values[index]:.5f}" for curve in spectra)]))


@cli.command()
@click.argument("file", type=PATH)
@cube_options.reading_options
def info(file: Path, **options: Any) -> None:
    """Tell what a model, a cube or a photograph file is and how it is understood."""
    from nesr_gui import io

    if file.suffix == ".safetensors":
        from nesr_gui.checkpoint import describe

        said = describe(file)
    elif io.is_photograph(file):
        from nesr_gui.io.photograph import describe as describe_photograph

        said = describe_photograph(file)
    else:
        said = io.describe(file, cube_options.asked_reading(**options))
    for key, value in said.items():
        click.echo(f"{key}: {' '.join(value.split())}")


@cli.command()
@click.option("--scenes", type=FOLDER, help="Folder of measured scenes (CAVE layout).")
@click.option("--spectra", type=FILE, multiple=True, help="Spectrum library (.npz); may be repeated.")
@click.option("--out", type=FOLDER, required=True, help="Folder of the run; a run that is there is resumed.")
@click.option("--size", type=click.Choice(["lean", "paper"]), default="lean", show_default=True)
@click.option("--output", type=click.Choice(["anchored", "plain"]), default="anchored", show_default=True)
@click.option("--leave-out", multiple=True, metavar="NAME", help="A scene not to train on.")
@click.option("--steps", type=int, help="Length of the run. [default: as TrainingConfig]")
@click.option("--painted", type=float, help="Share of painted patches. [default: as TrainingConfig]")
@click.option("--seed", type=int, default=0, show_default=True)
def train(
    out: Path, scenes: Path | None, spectra: tuple[Path, ...], leave_out: tuple[str, ...], **options: Any
) -> None:
    """Train a model; stops at Ctrl-C and resumes where it was."""
    from nesr_gui.training import command

    command.train(out, scenes, spectra, leave_out, **options)


@cli.command()
@click.option("--scenes", type=FOLDER, required=True, help="Scenes to judge by (CAVE layout).")
@click.option("--model", "models", type=FILE, multiple=True, help="Model file; may be repeated. [default: embedded]")
@click.option("--train-scenes", type=FOLDER, help="Scenes that the baselines are fitted on.")
@click.option("--spectra", type=FILE, multiple=True, help="Libraries that the baselines are fitted on.")
@click.option("--float", "exact", is_flag=True, help="Float photographs instead of 8-bit sRGB.")
@click.option("--with-charts", is_flag=True, help="Keep the colour charts in the figures.")
@click.option("--brief", is_flag=True, help="Only the accuracy on the scenes.")
@click.option("--json", "report", type=FILE, help="Also write the figures to a JSON file.")
@device_option
def evaluate(models: tuple[Path, ...], report: Path | None, **options: Any) -> None:
    """Print how good a model is on measured scenes, beside the baselines, and how far it can be trusted."""
    from nesr_gui.training import report as figures

    rows = figures.evaluate(models, **options)
    if report:
        write_json(report, rows)


@cli.command()
@click.argument("model", type=FILE)
@click.option("--runs", type=FOLDER, required=True, help="Folder of runs named after the scene each left out.")
@click.option("--scenes", type=FOLDER, required=True, help="All scenes (CAVE layout).")
@click.option("--spectra", type=FILE, multiple=True, help="Spectrum library (.npz); may be repeated.")
def calibrate(model: Path, runs: Path, scenes: Path, spectra: tuple[Path, ...]) -> None:
    """Give a model its 90 % intervals, from what models got wrong on scenes they had not seen."""
    from nesr_gui.training import command

    command.calibrate(model, runs, scenes, spectra)


@cli.command()
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


def write_json(path: Path, content: Any) -> None:
    """Write figures for other programs."""
    from nesr_gui.io.atomic import replacing

    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")


def draw_off_screen() -> None:
    """Let Qt draw into memory, and keep to itself what that platform does not support."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")


def asked_wavelengths(model: Model, listed: str | None, bands: int | None) -> Wavelengths:
    """What --wavelengths or --bands asks of a model; its training bands where neither is given."""
    import numpy as np

    from nesr_gui.spectral import Wavelengths

    if listed and bands is not None:
        raise ValueError("both --wavelengths and --bands are given; give one of them")
    if bands is not None:
        return Wavelengths.count(bands, *model.wavelength_range)
    return Wavelengths.parse(listed) if listed else Wavelengths(np.array(model.network.config.bands))


def parsed_point(text: str) -> tuple[int, int]:
    """`ROW,COL` as two integers."""
    try:
        row, col = (int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"cannot read the pixel {text!r}; write ROW,COL, as in 120,64") from None
    return row, col


def progress_bar(what: str) -> Any:
    """A bar on the terminal whose context value is a `Progress`; nothing where no terminal watches."""
    from contextlib import contextmanager

    from tqdm import tqdm

    @contextmanager
    def bar() -> Any:
        with tqdm(
            total=100, desc=what, unit="%", leave=False, disable=None, bar_format="{desc} {bar} {n:.0f} %"
        ) as shown:
            yield lambda done: shown.update(100 * done - shown.n)

    return bar()


def main() -> None:
    """Run the command line; a mistake of the user's is one line on stderr and exit code 2."""
    try:
        cli()
    except (ValueError, OSError, KeyError) as error:
        message = error.args[0] if isinstance(error, KeyError) and error.args else error
        message = f"{message}{cube_options.advice(error)}"
        click.echo(f"nesr-gui: {message}", err=True)
        raise SystemExit(2) from error
