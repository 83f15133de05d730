"""Commands that train, calibrate and evaluate models, and reproduce the paper's experiments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nesr_gui.cli.options import FILE, FOLDER, INTERRUPTED, check_outputs, device_option, parse_point, write_json

NAMES = ("table1", "table2", "table3", "table4", "fig3")
RATE = click.FloatRange(0, min_open=True)
PAINTED = 0.4  # default share of synthetic patches if --spectra is given


@click.command()
@click.option("--scenes", type=FOLDER, help="Folder of measured scenes (CAVE layout).")
@click.option("--spectra", type=FILE, multiple=True, help="Spectrum library (.npz); repeatable.")
@click.option("--out", type=FOLDER, required=True, help="Folder of the run; an existing run is resumed.")
@click.option(
    "--size",
    type=click.Choice(["lean", "field", "colour", "paper"]),
    default="lean",
    show_default=True,
    help="Network: lean, field and paper are the embedded models, colour has no surroundings.",
)
@click.option("--system", help="Train this system of `info --models` instead, at the size of the paper.")
@click.option(
    "--loss",
    type=click.Choice(["mixed", "mrae"]),
    default="mixed",
    help="Loss function; the paper uses mrae.",
)
@click.option(
    "--bands", type=int, help="For systems with fixed bands: their number, evenly spaced over 400-700 nm. [default: 31]"
)
@click.option(
    "--attention",
    type=click.Choice(["spatial_spectral", "spectral", "spatial", "none"]),
    help="For NeSR: kind of attention. [default: spatial_spectral]",
)
@click.option("--without-spi", is_flag=True, help="For NeSR: omit spectral profile interpolation.")
@click.option("--leave-out", multiple=True, metavar="NAME", help="Scene or library to exclude; repeatable.")
@click.option("--steps", type=click.IntRange(1), help="Number of training steps. [default: 10000]")
@click.option("--rate", type=RATE, help="Initial learning rate. [default: 0.002]")
@click.option("--start", type=FILE, help="Model file whose weights the run starts from.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the initial weights and the patches.")
@device_option
def train(
    out: Path, scenes: Path | None, spectra: tuple[Path, ...], leave_out: tuple[str, ...], **options: Any
) -> None:
    """Train a model for photographs; Ctrl-C stops it (exit code 130), and the same command resumes it.

    Networks that take bands instead of a photograph (for example 16 to 31 or 61) are trained by `experiment table3`.
    """
    from nesr_gui.training import commands

    try:
        commands.train(out, scenes, spectra, leave_out, **options)
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None  # otherwise a script would go on without a model


@click.command()
@click.option("--scenes", type=FOLDER, required=True, help="Folder of test scenes (CAVE layout).")
@click.option(
    "--model", "models", type=FILE, multiple=True, help="Model file; repeatable. [default: the bundled model]"
)
@click.option("--train-scenes", type=FOLDER, help="Scenes to fit the baselines on.")
@click.option("--spectra", type=FILE, multiple=True, help="Spectrum libraries to fit the baselines on.")
@click.option("--float", "exact", is_flag=True, help="Use floating-point photographs instead of 8-bit sRGB.")
@click.option("--with-charts", is_flag=True, help="Include the colour charts in the results.")
@click.option("--brief", is_flag=True, help="Report only the accuracy on the scenes.")
@click.option("--json", "report", type=FILE, help="Also write the results to a JSON file.")
@click.option(
    "--attacks", "attacked", is_flag=True, help="Also test under noise, JPEG, exposure, blur, lights and metamers."
)
@click.option("--cameras", type=FILE, help="Camera sensitivities (.npz) for --attacks and --chart.")
@click.option(
    "--chart",
    "calibrated",
    is_flag=True,
    help="Also test simulated photographs of --cameras, calibrated by a chart or not.",
)
@click.option("--colours", type=FILE, help="Reflectances (.npz) from another instrument for --attacks.")
@click.option(
    "--anchors", metavar="N,…", help="Also report the accuracy with measured spectra of N spots: 0,1,3,5,10,24."
)
@click.option("--failures", type=FILE, help="Also plot failure cases of the (first) model: a PNG, SVG or PDF.")
@device_option
def evaluate(models: tuple[Path, ...], report: Path | None, anchors: str | None, **options: Any) -> None:
    """Report the accuracy of a model on measured scenes, next to baselines, and the coverage of its intervals."""
    from nesr_gui.io.atomic import check_writable
    from nesr_gui.training import model_report as figures

    for path in filter(None, (report, options["failures"])):
        check_writable(path)
    rows = figures.evaluate(models, anchors=_counts(anchors), **options)
    if report:
        write_json(report, rows)


@click.command()
@click.argument("model", type=FILE)
@click.option(
    "--runs",
    type=FOLDER,
    required=True,
    help="Folder of runs of `train --leave-out`; each model records what was left out.",
)
@click.option("--scenes", type=FOLDER, required=True, help="Folder of all scenes (CAVE layout).")
@click.option("--spectra", type=FILE, multiple=True, help="Spectrum library (.npz); repeatable.")
def calibrate(model: Path, runs: Path, scenes: Path, spectra: tuple[Path, ...]) -> None:
    """Compute the 90 % intervals of a model, and its prior for measured spectra, from errors on held-out scenes."""
    from nesr_gui.training import commands

    commands.calibrate(model, runs, scenes, spectra)


@click.command(name="import-weights")
@click.argument("weights", type=FILE)
@click.option("-o", "--out", type=FILE, required=True, help="Model file to write (.safetensors).")
def import_weights(weights: Path, out: Path) -> None:
    """Convert the weights (model.pth) released by the authors of the paper to a model file."""
    from nesr_gui.inference import checkpoint

    check_outputs([out], weights)
    network = checkpoint.import_weights(weights, out)
    click.echo(f"wrote {out}: {network.remark}")


@click.command()
@click.argument("name", type=click.Choice(NAMES))
@click.option(
    "--dataset",
    required=True,
    metavar="NAME",
    help="Data set: cave, icvl, ntire2020-clean …; an unknown name lists all.",
)
@click.option("--root", type=FOLDER, required=True, help="Folder of the data set in its original layout.")
@click.option("--out", type=FOLDER, required=True, help="Folder of the run; an existing run is resumed.")
@click.option(
    "--budget", default="paper", show_default=True, help="Training budget per network: paper, hours=H or steps=N."
)
@click.option("--models", metavar="NAME,…", help="Rows of the table. [default: the paper's]")
@click.option(
    "--columns", metavar="BANDS,…", help="Columns of the table, for example 31,16 or 16-61. [default: the paper's]"
)
@click.option("--encoder", metavar="NAME", help="System to use instead of AWAN in tables 2 to 4, for example hscnn-r.")
@click.option(
    "--seeds", type=click.IntRange(1), default=1, show_default=True, help="Number of training runs per network."
)
@click.option("--batch", type=click.IntRange(1), default=16, show_default=True, help="Patches per step.")
@click.option("--patch", type=click.IntRange(8), default=64, show_default=True, help="Side of a patch in pixels.")
@click.option("--rate", type=RATE, default=1e-4, show_default=True, help="Initial learning rate.")
@click.option(
    "--halvings",
    type=click.IntRange(0),
    default=15,
    show_default=True,
    help="Number of times the learning rate is halved during a run.",
)
@click.option(
    "--precision",
    type=click.Choice(["32-true", "bf16-mixed"]),
    default="32-true",
    help="Numerical precision of training.",
)
@click.option(
    "--window",
    type=click.IntRange(0),
    help="Side of the window that NeSR decodes per step, in pixels; 0: all. "
    "[default: 16, 8 for a network with a skip, 0 with --budget paper]",
)
@click.option("--decoded", type=click.IntRange(0), help="Number of wavelengths that NeSR decodes per step; 0: all.")
@click.option("--features", type=click.IntRange(1), help="Width of the encoders. [default: as published]")
@click.option("--blocks", type=click.IntRange(1), help="Depth of the encoders. [default: as published]")
@click.option("--spectra", type=FILE, multiple=True, help="Spectrum library (.npz) for synthetic patches; repeatable.")
@click.option(
    "--painted",
    type=click.FloatRange(0, 1),
    help="Fraction of synthetic patches, rounded to whole ones. [default: .4, 6 of 16, with --spectra]",
)
@click.option(
    "--band-shape",
    type=click.Choice(["gaussian", "box"]),
    default="gaussian",
    show_default=True,
    help="Shape of bands computed from finer ones.",
)
@click.option(
    "--band-width", type=float, default=10.0, show_default=True, help="Width in nm of bands computed from finer ones."
)
@click.option(
    "--every", type=click.IntRange(1), default=1, show_default=True, help="Evaluate every n-th row and column."
)
@click.option(
    "--turns",
    type=click.FloatRange(0, min_open=True),
    metavar="MINUTES",
    help="Train the networks by turns of this many minutes. [default: one after the other]",
)
@click.option("--unfinished", is_flag=True, help="Evaluate the networks as they are, without training them further.")
@click.option("--scene", metavar="NAME", help="Test scene of the figures. [default: the first]")
@click.option("--at", "points", metavar="ROW,COL", multiple=True, help="Pixel whose spectra are plotted; repeatable.")
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
    """Train and evaluate the systems of a table or figure of the paper; results are listed next to the published ones.

    On several GPUs: fabric run --accelerator cuda --devices 4 --strategy ddp main.py experiment table1 …
    """
    from nesr_gui.training.datasets.resampling import BandShape
    from nesr_gui.training.experiments.definitions import DECODED, Request, Settings
    from nesr_gui.training.experiments.runner import run
    from nesr_gui.training.trainer import Budget

    training = {
        key: options.pop(key) for key in ("batch", "patch", "rate", "halvings", "precision", "features", "blocks")
    }
    whole = budget == "paper"
    window, decoded, painted = (options.pop(key) for key in ("window", "decoded", "painted"))
    settings = Settings(
        budget=Budget.parse(budget),
        window=0 if whole and window is None else window,
        decoded=(0 if whole else DECODED) if decoded is None else decoded,
        painted=(PAINTED if options["spectra"] else 0.0) if painted is None else painted,
        **training,
    )
    request = Request(
        name,
        settings=settings,
        models=_names(models),
        columns=_names(columns),
        shape=BandShape(band_shape, band_width),
        points=tuple(map(parse_point, points)),
        **options,
    )
    try:
        run(request, click.echo)
    except KeyboardInterrupt:
        click.echo("stopped; the same command resumes it")
        raise SystemExit(INTERRUPTED) from None  # otherwise a script would continue with the next experiment


def _counts(listed: str | None) -> list[int]:
    """Numbers of spots of `--anchors`.

    Raises:
        ValueError: the text is not a list of whole numbers.
    """
    parts = _names(listed)
    if not all(part.isdecimal() for part in parts):
        raise ValueError(f"cannot read the numbers of spots {listed!r}; write them as in 0,1,3,5,10,24")
    return [int(part) for part in parts]


def _names(listed: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in listed.split(",")) if listed else ()
