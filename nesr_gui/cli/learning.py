"""Commands that train, calibrate and judge models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nesr_gui.cli.options import FILE, FOLDER, device_option, write_json


@click.command()
@click.option("--scenes", type=FOLDER, help="Folder of measured scenes (CAVE layout).")
@click.option("--spectra", type=FILE, multiple=True, help="Spectrum library (.npz); may be repeated.")
@click.option("--out", type=FOLDER, required=True, help="Folder of the run; a run that is there is resumed.")
@click.option("--size", type=click.Choice(["lean", "paper"]), default="lean", show_default=True)
@click.option("--output", type=click.Choice(["anchored", "plain"]), default="anchored", show_default=True)
@click.option("--system", help="Train this one instead, a name of `info --models`, at the size of the paper.")
@click.option("--loss", type=click.Choice(["brightness", "mrae"]), default="brightness", help="The paper's is mrae.")
@click.option("--bands", type=int, help="Of a system with fixed bands: so many, evenly over 400-700 nm. [default: 31]")
@click.option(
    "--attention",
    type=click.Choice(["spatial_spectral", "spectral", "spatial", "none"]),
    help="Of NeSR: what its attention sums over, or none of it. [default: spatial_spectral]",
)
@click.option("--without-spi", is_flag=True, help="Of NeSR: leave spectral profile interpolation out.")
@click.option("--leave-out", multiple=True, metavar="NAME", help="A scene not to train on.")
@click.option("--steps", type=int, help="Length of the run. [default: as TrainingConfig]")
@click.option("--painted", type=float, help="Share of painted patches. [default: as TrainingConfig]")
@click.option("--seed", type=int, default=0, show_default=True)
def train(
    out: Path, scenes: Path | None, spectra: tuple[Path, ...], leave_out: tuple[str, ...], **options: Any
) -> None:
    """Train a model of photographs; stops at Ctrl-C and resumes where it was.

    Networks that see bands instead of a photograph (16 to 31 or 61, say) are trained by `experiment table3`.
    """
    from nesr_gui.training import commands

    commands.train(out, scenes, spectra, leave_out, **options)


@click.command()
@click.option("--scenes", type=FOLDER, required=True, help="Scenes to judge by (CAVE layout).")
@click.option("--model", "models", type=FILE, multiple=True, help="Model file; may be repeated. [default: embedded]")
@click.option("--train-scenes", type=FOLDER, help="Scenes that the baselines are fitted on.")
@click.option("--spectra", type=FILE, multiple=True, help="Libraries that the baselines are fitted on.")
@click.option("--float", "exact", is_flag=True, help="Float photographs instead of 8-bit sRGB.")
@click.option("--with-charts", is_flag=True, help="Keep the colour charts in the figures.")
@click.option("--brief", is_flag=True, help="Only the accuracy on the scenes.")
@click.option("--json", "report", type=FILE, help="Also write the figures to a JSON file.")
@click.option("--failures", type=FILE, help="Also draw where the (first) model fails: a PNG, SVG or PDF.")
@device_option
def evaluate(models: tuple[Path, ...], report: Path | None, **options: Any) -> None:
    """Print how good a model is on measured scenes, beside the baselines, and how far it can be trusted."""
    from nesr_gui.training import model_report as figures

    rows = figures.evaluate(models, **options)
    if report:
        write_json(report, rows)


@click.command()
@click.argument("model", type=FILE)
@click.option("--runs", type=FOLDER, required=True, help="Folder of runs named after the scene each left out.")
@click.option("--scenes", type=FOLDER, required=True, help="All scenes (CAVE layout).")
@click.option("--spectra", type=FILE, multiple=True, help="Spectrum library (.npz); may be repeated.")
def calibrate(model: Path, runs: Path, scenes: Path, spectra: tuple[Path, ...]) -> None:
    """Give a model its 90 % intervals, from what models got wrong on scenes they had not seen."""
    from nesr_gui.training import commands

    commands.calibrate(model, runs, scenes, spectra)


@click.command(name="import-weights")
@click.argument("weights", type=FILE)
@click.option("-o", "--out", type=FILE, required=True, help="Model file to write (.safetensors).")
def import_weights(weights: Path, out: Path) -> None:
    """Make a model of the weights (model.pth) that the authors of the paper released."""
    from nesr_gui.inference import checkpoint

    network = checkpoint.import_weights(weights, out)
    click.echo(f"wrote {out}: {network.remark}")
