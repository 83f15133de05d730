"""The command that makes cubes of photographs: of one, of many, on this machine or on a cluster."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nesr_gui.cli.options import FILE, PATH, device_option, model_option, progress_bar

if TYPE_CHECKING:
    from nesr_gui.batch.order import Order, Task
    from nesr_gui.batch.work import Outcome
    from nesr_gui.engine import Model
    from nesr_gui.spectral import Wavelengths

FAILED, INTERRUPTED = 1, 130  # exit codes


@click.command()
@click.argument("images", type=FILE, nargs=-1, required=True)
@click.option("-o", "--out", type=PATH, required=True, help="Cube to write; a folder where there are several.")
@click.option("--format", "ending", metavar="EXT", help="Of the cubes in a folder: h5, zarr, …  [default: h5]")
@click.option("--wavelengths", "listed", help="In nm: start:stop:step, or a list. [default: the training bands]")
@click.option("--bands", type=int, help="So many wavelengths, evenly over the model's range.")
@click.option(
    "--max-pixels", type=click.IntRange(1), help="Reduce larger photographs, in linear light, by a whole number."
)
@click.option("--jobs", type=click.IntRange(1), help="Processes among which photographs are shared. [default: 1]")
@click.option(
    "--scheduler", metavar="ADDRESS", help="Have it done by the workers of dask.distributed: tcp://host:8786."
)
@model_option
@device_option
def reconstruct(
    images: tuple[Path, ...], out: Path, ending: str | None, jobs: int | None, scheduler: str | None, **options: Any
) -> None:
    """Write the spectral cubes of photographs.

    Of one photograph, -o names the cube. Of several, or with --format, it names a folder, in which cubes are called as
    their photographs; a cube is skipped if it was made of the same photograph with the same model and options. With
    --scheduler one photograph becomes a Zarr folder, its tiles done by all workers.
    """
    if jobs and scheduler:
        raise ValueError("both --jobs and --scheduler are given; --jobs is for the processes of this machine")
    order, model = ordered(**options)
    if len(images) > 1 or ending is not None or (out.is_dir() and not out.suffix):
        several(images, out, f".{(ending or 'h5').lstrip('.')}", order, jobs or 1, scheduler)
    elif jobs:
        raise ValueError("--jobs shares several photographs among processes; a single one has all cores without it")
    elif scheduler:
        tiled(images[0], out, order, scheduler)
    else:
        one(images[0], out, order, model)


def ordered(
    listed: str | None, bands: int | None, max_pixels: int | None, model: Path | None, device: str
) -> tuple[Order, Model]:
    """What the options ask for, checked against the model."""
    from nesr_gui import engine
    from nesr_gui.batch.order import Order

    loaded = engine.load_model(model, device)
    asked = asked_wavelengths(loaded, listed, bands)
    low, high = loaded.wavelength_range
    if asked.nm[0] < low or asked.nm[-1] > high:
        raise ValueError(f"this model covers {low:g}-{high:g} nm; asked for {asked.nm[0]:g}-{asked.nm[-1]:g} nm")
    path = model.absolute() if model else None
    return Order(path, loaded.checkpoint.sha256, device, tuple(asked), max_pixels), loaded


def one(image: Path, out: Path, order: Order, model: Model) -> None:
    """Reconstruct a photograph in this process."""
    from nesr_gui import engine, io

    io.writer(out, order.encoding)  # before anything is computed
    photograph = io.read_photograph(image)
    for note in photograph.source.notes:
        click.echo(note, err=True)
    photograph = photograph.reduced(order.max_pixels) if order.max_pixels else photograph
    with progress_bar("reading the photograph") as report:
        field = engine.encode(photograph, model, progress=report)
    if told := field.provenance.get("model_notes"):
        click.echo(told, err=True)
    asked = order.bands
    with progress_bar(f"writing {len(asked)} bands") as report:
        io.write_cube(out, field, asked, encoding=order.encoding, progress=report)
    height, width = field.shape
    click.echo(f"{out}: {len(asked)} bands of {width}×{height} pixels, {asked.nm[0]:g}-{asked.nm[-1]:g} nm")


def tiled(image: Path, out: Path, order: Order, scheduler: str) -> None:
    """Reconstruct a photograph on a cluster, tile by tile."""
    from nesr_gui.batch import cluster, mosaic
    from nesr_gui.batch.order import Task

    if out.suffix.lower() != ".zarr":
        raise ValueError(f"a cluster writes one photograph into a Zarr folder; name it {out.with_suffix('.zarr')}")
    with cluster.connected(scheduler) as client, progress_bar("reconstructing") as report:
        outcome = mosaic.run(Task(image.absolute(), out.absolute()), order, client, report)
    click.echo(f"{out}: {outcome.said or outcome.state}")


def several(
    images: tuple[Path, ...], folder: Path, ending: str, order: Order, jobs: int, scheduler: str | None
) -> None:
    """Reconstruct photographs into a folder; the failed ones are listed in the end, with exit code 1."""
    from nesr_gui import io
    from nesr_gui.batch.order import tasks
    from nesr_gui.batch.work import State

    ending = "" if ending == ".folder" else ending
    io.writer(folder / f"photograph{ending}", order.encoding)
    asked = tasks(images, folder, ending)
    folder.mkdir(parents=True, exist_ok=True)
    outcomes: list[Outcome] = []
    try:
        with _overall(len(asked)) as (say, report), _done(asked, order, jobs, scheduler, report) as coming:
            for outcome in coming:
                outcomes.append(outcome)
                report(outcome.task, 1.0)
                if outcome.state is not State.FAILED:
                    say(f"{outcome.task.out}: {outcome.said or outcome.state}")
    except KeyboardInterrupt:
        click.echo(f"stopped after {len(outcomes)} of {len(asked)}; the same command goes on with the others", err=True)
        raise SystemExit(INTERRUPTED) from None
    ended = Counter(outcome.state for outcome in outcomes)
    click.echo(", ".join(f"{ended[state]} {state}" for state in State if ended[state]))
    for outcome in outcomes:
        if outcome.state is State.FAILED:
            click.echo(f"failed: {outcome.task.source}: {outcome.said}", err=True)
    if ended[State.FAILED]:
        raise SystemExit(FAILED)


@contextlib.contextmanager
def _done(
    asked: list[Task], order: Order, jobs: int, scheduler: str | None, report: Callable[[Task, float], None]
) -> Iterator[Iterator[Outcome]]:
    """The outcomes as they come, by processes of this machine or by a cluster; the work stops where that is left."""
    if scheduler is None:
        from nesr_gui.batch import local

        with contextlib.closing(local.run(asked, order, jobs, report)) as coming:
            yield coming
    else:
        from nesr_gui.batch import cluster

        with cluster.connected(scheduler) as client, contextlib.closing(cluster.run(asked, order, client)) as coming:
            yield coming


@contextlib.contextmanager
def _overall(count: int) -> Iterator[tuple[Callable[[str], None], Callable[[Task, float], None]]]:
    """A bar on the terminal for `count` tasks: what prints a line above it, and what is told how far a task is."""
    from tqdm import tqdm

    fractions: dict[Task, float] = {}
    with tqdm(
        total=count, desc="photographs", leave=False, disable=None, bar_format="{desc} {bar} {n:.1f} of {total}"
    ) as shown:

        def report(task: Task, fraction: float) -> None:
            fractions[task] = fraction
            shown.update(sum(fractions.values()) - shown.n)

        yield shown.write, report


def asked_wavelengths(model: Model, listed: str | None, bands: int | None) -> Wavelengths:
    """What --wavelengths or --bands asks of a model; its training bands where neither is given."""
    from nesr_gui.spectral import Wavelengths

    if listed and bands is not None:
        raise ValueError("both --wavelengths and --bands are given; give one of them")
    if bands is not None:
        return Wavelengths.count(bands, *model.wavelength_range)
    return Wavelengths.parse(listed) if listed else model.bands
