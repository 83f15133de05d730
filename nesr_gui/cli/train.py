"""Commands that train, calibrate and judge models, and run the paper's experiments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nesr_gui.cli.inspect import parsed_point
from nesr_gui.cli.options import FILE, FOLDER, INTERRUPTED, device_option, write_json

NAMES = ("table1", "table2", "table3", "table4", "fig3")
PART = 16, 8  # pixels along a side and wavelengths that NeSR answers per step, where the budget is not the paper's
PAINTED = 0.4  # share of painted patches where spectra are named


@click.command()
@click.option("--scenes", type=FOLDER, help="Folder of measured scenes (CAVE layout).")
@click.option("--spectra", type=FILE, multiple=True, help="Spectrum library (.npz); may be repeated.")
@click.option("--out", type=FOLDER, required=True, help="Folder of the run; a run that is there is resumed.")
@click.option("--size", type=click.Choice(["lean", "field", "colour", "paper"]), default="lean", show_default=True)
@click.option("--system", help="Train this one instead, a name of `info --models`, at the size of the paper.")
@click.option("--loss", type=click.Choice(["mixed", "mrae"]), default="mixed", help="The paper's is mrae.")
@click.option("--bands", type=int, help="Of a system with fixed bands: so many, evenly over 400-700 nm. [default: 31]")
@click.option(
    "--attention",
    type=click.Choice(["spatial_spectral", "spectral", "spatial", "none"]),
    help="Of NeSR: what its attention sums over, or none of it. [default: spatial_spectral]",
)
@click.option("--without-spi", is_flag=True, help="Of NeSR: leave spectral profile interpolation out.")
@click.option("--leave-out", multiple=True, metavar="NAME", help="A scene not to train on.")
@click.option("--steps", type=int, help="Length of the run. [default: as TrainingConfig]")
@click.option("--rate", type=float, help="Learning rate. [default: as TrainingConfig]")
@click.option("--start", type=FILE, help="Model file whose weights the run begins with.")
@click.option("--seed", type=int, default=0, show_default=True)
@device_option
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
@click.option("--attacks", "attacked", is_flag=True, help="Also attack: noise, JPEG, exposure, lights, metamers, …")
@click.option("--cameras", type=FILE, help="Sensitivities (.npz) of the cameras to attack with.")
@click.option("--colours", type=FILE, help="Reflectances (.npz) of another instrument to attack with.")
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


@click.command()
@click.argument("name", type=click.Choice(NAMES))
@click.option("--dataset", required=True, metavar="NAME", help="cave, icvl, ntire2020-clean …; a wrong one names all.")
@click.option("--root", type=FOLDER, required=True, help="Folder of the data set, as its makers laid it out.")
@click.option("--out", type=FOLDER, required=True, help="Folder of the run; what is there is resumed.")
@click.option("--budget", default="paper", show_default=True, help="For each network: paper, hours=H or steps=N.")
@click.option("--models", metavar="NAME,…", help="Rows of the table. [default: the paper's]")
@click.option("--columns", metavar="BANDS,…", help="Columns of the table, 31,16 or 16-61 say. [default: the paper's]")
@click.option("--encoder", metavar="NAME", help="A system in AWAN's place in tables 2 to 4, hscnn-r say.")
@click.option(
    "--seeds", type=click.IntRange(1), default=1, show_default=True, help="So many trainings of each network."
)
@click.option("--batch", type=click.IntRange(1), default=16, show_default=True, help="Patches per step.")
@click.option("--patch", type=click.IntRange(8), default=64, show_default=True, help="Pixels along a side of a patch.")
@click.option("--rate", type=float, default=1e-4, show_default=True, help="Learning rate at first.")
@click.option("--halvings", type=click.IntRange(0), default=15, show_default=True, help="Of that rate, over a run.")
@click.option("--precision", type=click.Choice(["32-true", "bf16-mixed"]), default="32-true", help="Of training.")
@click.option("--window", type=click.IntRange(0), help="Pixels along a side that NeSR answers per step; 0: all.")
@click.option("--decoded", type=click.IntRange(0), help="Wavelengths that NeSR answers per step; 0: all.")
@click.option("--features", type=click.IntRange(1), help="Of the encoders. [default: as published]")
@click.option("--blocks", type=click.IntRange(1), help="Of the encoders. [default: as published]")
@click.option("--spectra", type=FILE, multiple=True, help="Spectrum library (.npz) to paint patches with.")
@click.option("--painted", type=click.FloatRange(0, 1), help="Share of painted patches. [default: .4 with --spectra]")
@click.option("--band-shape", type=click.Choice(["gaussian", "box"]), default="gaussian", show_default=True)
@click.option("--band-width", type=float, default=10.0, show_default=True, help="Of bands made of finer ones, nm.")
@click.option("--every", type=click.IntRange(1), default=1, show_default=True, help="Judge by every so many pixels.")
@click.option("--scene", metavar="NAME", help="The test scene that figures show. [default: the first]")
@click.option("--at", "points", metavar="ROW,COL", multiple=True, help="A pixel whose spectra are shown; repeatable.")
@device_option
def experiment(
    name: str,
    budget: str,
    models: str | None,
    columns: str | None,
    points: tuple[str, ...],
    band_shape: Any,
    band_width: float,
    **options: Any,
) -> None:
    """Train and judge what a table or figure of the paper compares; write it with the paper's figures beside ours.

    On several GPUs: fabric run --accelerator cuda --devices 4 --strategy ddp main.py experiment table1 …
    """
    from nesr_gui.training.datasets.resampling import BandShape
    from nesr_gui.training.experiments.definitions import Budget, Request, Settings
    from nesr_gui.training.experiments.runner import run

    said = {key: options.pop(key) for key in ("batch", "patch", "rate", "halvings", "precision", "features", "blocks")}
    whole = budget == "paper"
    window, decoded, painted = (options.pop(key) for key in ("window", "decoded", "painted"))
    settings = Settings(
        budget=Budget.parse(budget),
        window=(0 if whole else min(PART[0], said["patch"])) if window is None else window,
        decoded=(0 if whole else PART[1]) if decoded is None else decoded,
        painted=(PAINTED if options["spectra"] else 0.0) if painted is None else painted,
        **said,
    )
    request = Request(
        name,
        settings=settings,
        models=_names(models),
        columns=_names(columns),
        shape=BandShape(band_shape, band_width),
        points=tuple(map(parsed_point, points)),
        **options,
    )
    try:
        run(request, click.echo)
    except KeyboardInterrupt:
        click.echo("stopped; the same command resumes it")
        raise SystemExit(INTERRUPTED) from None  # or a script would go on with the next experiment


def _names(listed: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in listed.split(",")) if listed else ()
