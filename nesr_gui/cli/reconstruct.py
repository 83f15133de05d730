"""The command that makes cubes of photographs: of one, of many, on this machine or on a cluster."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nesr_gui.cli.options import (
    FAILED,
    FILE,
    INTERRUPTED,
    PATH,
    device_option,
    model_option,
    plan_options,
    planned,
    progress_bar,
)

if TYPE_CHECKING:
    from nesr_gui.batch.job import ItemResult, JobItem, JobSettings
    from nesr_gui.inference.model import LoadedModel


@click.command()
@click.argument("images", type=FILE, nargs=-1, required=True)
@click.option("-o", "--out", type=PATH, required=True, help="Cube to write; a folder where there are several.")
@click.option("--format", "ending", metavar="EXT", help="Of the cubes in a folder: h5, zarr, …  [default: h5]")
@plan_options
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
    if len(images) > 1 or ending is not None or _holds_cubes(out):
        run_batch(images, out, f".{(ending or 'h5').lstrip('.')}", order, jobs or 1, scheduler)
    elif jobs:
        raise ValueError("--jobs shares several photographs among processes; a single one has all cores without it")
    elif scheduler:
        run_tiled(images[0], out, order, scheduler)
    else:
        run_single(images[0], out, order, model)


def _holds_cubes(out: Path) -> bool:
    """Whether a folder that is there is for cubes and not one itself, of bands or of Zarr."""
    from nesr_gui.io.cubes.band_folder import DESCRIPTION

    return out.is_dir() and not out.suffix and not (out / DESCRIPTION).is_file()


def ordered(max_pixels: int | None, model: Path | None, device: str, **options: Any) -> tuple[JobSettings, LoadedModel]:
    """What the options ask for, tried on a black photograph before any is read, and the model."""
    import numpy as np

    from nesr_gui.batch.job import JobSettings
    from nesr_gui.inference import engine
    from nesr_gui.inference.model import load_model
    from nesr_gui.inference.model_input import describe_input
    from nesr_gui.spectral import RGBImage

    loaded = load_model(model, device)
    if loaded.input_bands is not None:
        raise ValueError(
            f"{loaded.name} takes {describe_input(loaded.input_bands)}; give one to nesr-gui export, or choose a model "
            "that takes photographs"
        )
    plan = planned(loaded.wavelength_range, **options)
    replace(plan, region=None, is_masked=False).prepared(
        engine.encode(RGBImage(np.zeros((16, 16, 3), np.float32)), loaded)
    )
    return JobSettings(model.absolute() if model else None, loaded.checkpoint.sha256, device, plan, max_pixels), loaded


def run_single(image: Path, out: Path, order: JobSettings, model: LoadedModel) -> None:
    """Reconstruct a photograph in this process."""
    from nesr_gui import export, io
    from nesr_gui.inference import engine

    io.writer(out, order.plan.encoding)  # before anything is computed
    photograph = io.read_photograph(image)
    for note in photograph.source.notes:
        click.echo(note, err=True)
    photograph = photograph.reduced(order.max_pixels) if order.max_pixels else photograph
    with progress_bar("reading the photograph") as report:
        field = engine.encode(photograph, model, progress=report)
    if told := field.provenance.get("model_notes"):
        click.echo(told, err=True)
    with progress_bar(f"writing {out.name}") as report:
        click.echo(export.write(out, field, order.plan, binning=photograph.binning, progress=report))


def run_tiled(image: Path, out: Path, order: JobSettings, scheduler: str) -> None:
    """Reconstruct a photograph on a cluster, tile by tile."""
    from nesr_gui.batch import cluster
    from nesr_gui.batch import tiled as mosaic
    from nesr_gui.batch.job import JobItem

    if out.suffix.lower() != ".zarr":
        raise ValueError(f"a cluster writes one photograph into a Zarr folder; name it {out.with_suffix('.zarr')}")
    with cluster.connected(scheduler) as client, progress_bar("reconstructing") as report:
        outcome = mosaic.run(JobItem(image.absolute(), out.absolute()), order, client, report)
    click.echo(outcome.said or f"{out} is {outcome.state}.")


def run_batch(
    images: tuple[Path, ...], folder: Path, ending: str, order: JobSettings, jobs: int, scheduler: str | None
) -> None:
    """Reconstruct photographs into a folder; the failed ones are listed in the end, with exit code 1."""
    from nesr_gui import io
    from nesr_gui.batch.job import ItemState, tasks

    ending = "" if ending == ".folder" else ending
    io.writer(folder / f"photograph{ending}", order.plan.encoding)
    if folder.is_file():
        raise ValueError(f"{folder} is a file; of several photographs, or with --format, -o names a folder")
    asked = tasks(images, folder, ending)
    folder.mkdir(parents=True, exist_ok=True)
    outcomes: list[ItemResult] = []
    try:
        with _overall(len(asked)) as (say, report), _done(asked, order, jobs, scheduler, report) as coming:
            for outcome in coming:
                outcomes.append(outcome)
                report(outcome.task, 1.0)
                if outcome.state is not ItemState.FAILED:
                    say(outcome.said or f"{outcome.task.out} is {outcome.state}.")
    except KeyboardInterrupt:
        click.echo(f"stopped after {len(outcomes)} of {len(asked)}; the same command goes on with the others", err=True)
        raise SystemExit(INTERRUPTED) from None
    ended = Counter(outcome.state for outcome in outcomes)
    click.echo(", ".join(f"{ended[state]} {state}" for state in ItemState if ended[state]))
    for outcome in outcomes:
        if outcome.state is ItemState.FAILED:
            click.echo(f"failed: {outcome.task.source}: {outcome.said}", err=True)
    if ended[ItemState.FAILED]:
        raise SystemExit(FAILED)


@contextlib.contextmanager
def _done(
    asked: list[JobItem], order: JobSettings, jobs: int, scheduler: str | None, report: Callable[[JobItem, float], None]
) -> Iterator[Iterator[ItemResult]]:
    """The outcomes as they come, by processes of this machine or by a cluster; the work stops where that is left."""
    if scheduler is None:
        from nesr_gui.batch import process_pool

        with contextlib.closing(process_pool.run(asked, order, jobs, report)) as coming:
            yield coming
    else:
        from nesr_gui.batch import cluster

        with cluster.connected(scheduler) as client, contextlib.closing(cluster.run(asked, order, client)) as coming:
            yield coming


@contextlib.contextmanager
def _overall(count: int) -> Iterator[tuple[Callable[[str], None], Callable[[JobItem, float], None]]]:
    """A bar on the terminal for `count` tasks: what prints a line above it, and what is told how far a task is."""
    from tqdm import tqdm

    fractions: dict[JobItem, float] = {}
    with tqdm(
        total=count, desc="photographs", leave=False, disable=None, bar_format="{desc} {bar} {n:.1f} of {total}"
    ) as shown:

        def report(task: JobItem, fraction: float) -> None:
            fractions[task] = fraction
            shown.update(sum(fractions.values()) - shown.n)

        yield shown.write, report
