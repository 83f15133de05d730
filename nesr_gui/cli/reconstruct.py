"""The `reconstruct` command: cubes of one or many photographs, on this machine or on a cluster."""

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
    anchor_option,
    build_plan,
    camera_option,
    device_option,
    model_option,
    plan_options,
    progress_bar,
    with_anchors,
)

if TYPE_CHECKING:
    from nesr_gui.batch.job import ItemResult, JobItem, JobSettings
    from nesr_gui.inference.model import LoadedModel
    from nesr_gui.io.photos.develop_settings import DevelopSettings


@click.command()
@click.argument("images", type=FILE, nargs=-1, required=True)
@click.option("-o", "--out", type=PATH, required=True, help="Cube to write; a folder for several photographs.")
@click.option("--format", "ending", metavar="EXT", help="Format of cubes in a folder: h5, zarr, …  [default: h5]")
@plan_options
@click.option("--max-pixels", type=click.IntRange(1), help="Bin larger photographs by a whole number, in linear light.")
@anchor_option
@click.option("--jobs", type=click.IntRange(1), help="Number of parallel processes. [default: 1]")
@click.option(
    "--scheduler", metavar="ADDRESS", help="Run on the workers of a dask.distributed scheduler: tcp://host:8786."
)
@camera_option
@model_option
@device_option
def reconstruct(
    images: tuple[Path, ...],
    out: Path,
    ending: str | None,
    anchors: tuple[str, ...],
    jobs: int | None,
    scheduler: str | None,
    camera: Path | None,
    **options: Any,
) -> None:
    """Write the spectral cubes of photographs.

    For a single photograph, -o is the cube to write. For several, or with --format, it is a folder, and each cube is
    named after its photograph; a cube that already exists for the same photograph, model and options is skipped. With
    --scheduler, a single photograph is written to a Zarr folder, its tiles computed by all workers.
    """
    from nesr_gui.io.photos.cameras import camera_settings

    if jobs and scheduler:
        raise ValueError("--jobs and --scheduler exclude each other; --jobs is for processes on this machine")
    settings, model = build_job(camera_settings(camera, images[0] if len(images) == 1 else None), **options)
    several = len(images) > 1 or ending is not None or _holds_cubes(out)
    if anchors and (several or scheduler):
        raise ValueError("--anchor belongs to a single photograph on this machine; reconstruct it alone")
    if several:
        ending = f".{(ending or 'h5').lstrip('.')}"
        run_batch(images, out, ending, settings, jobs=jobs or 1, scheduler=scheduler)
    elif jobs:
        raise ValueError("--jobs is for several photographs; a single one uses all cores without it")
    elif scheduler:
        run_tiled(images[0], out, settings, scheduler)
    else:
        run_single(images[0], out, settings, model, anchors)


def _holds_cubes(out: Path) -> bool:
    """Whether an existing folder is for cubes, rather than a cube itself (bands or Zarr)."""
    from nesr_gui.io.cubes.band_folder import DESCRIPTION

    return out.is_dir() and not out.suffix and not (out / DESCRIPTION).is_file()


def build_job(
    development: DevelopSettings, max_pixels: int | None, model: Path | None, device: str, **options: Any
) -> tuple[JobSettings, LoadedModel]:
    """Job settings from the options, validated on a black photograph before any is read, and the model."""
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
    plan = build_plan(loaded.wavelength_range, **options)
    replace(plan, region=None, is_masked=False).prepared(
        engine.encode(RGBImage(np.zeros((16, 16, 3), np.float32)), loaded)
    )
    settings = JobSettings(
        model.absolute() if model else None, loaded.checkpoint.sha256, device, plan=plan, max_pixels=max_pixels,
        development=development,
    )  # fmt: skip
    return settings, loaded


def run_single(
    image: Path, out: Path, settings: JobSettings, model: LoadedModel, anchors: tuple[str, ...] = ()
) -> None:
    """Reconstruct one photograph in this process."""
    from nesr_gui import export, io
    from nesr_gui.inference import engine

    io.writer(out, settings.plan.encoding)  # fail before anything is computed
    export.check_destination(out, image)
    photograph = io.read_photograph(image, settings.development)
    for note in photograph.source.notes:
        click.echo(note, err=True)
    photograph = photograph.reduced(settings.max_pixels) if settings.max_pixels else photograph
    with progress_bar("reading the photograph") as report:
        field = with_anchors(engine.encode(photograph, model, progress=report), anchors)
    if notes := field.provenance.get("model_notes"):
        click.echo(notes, err=True)
    with progress_bar(f"writing {out.name}") as report:
        click.echo(export.write(out, field, settings.plan, progress=report))


def run_tiled(image: Path, out: Path, settings: JobSettings, scheduler: str) -> None:
    """Reconstruct one photograph on a cluster, tile by tile."""
    from nesr_gui.batch import cluster, tiled
    from nesr_gui.batch.job import JobItem

    if out.suffix.lower() != ".zarr":
        raise ValueError(f"a cluster writes one photograph into a Zarr folder; name it {out.with_suffix('.zarr')}")
    with cluster.connect(scheduler) as client, progress_bar("reconstructing") as report:
        result = tiled.run(JobItem(image.absolute(), out.absolute()), settings, client, report)
    click.echo(result.message or f"{out} is {result.state}.")


def run_batch(
    images: tuple[Path, ...], folder: Path, ending: str, settings: JobSettings, *, jobs: int, scheduler: str | None
) -> None:
    """Reconstruct photographs to a folder; failures are listed at the end, with exit code 1."""
    from nesr_gui import io
    from nesr_gui.batch.job import ItemState, job_items

    ending = "" if ending == ".folder" else ending
    io.writer(folder / f"photograph{ending}", settings.plan.encoding)
    if folder.is_file():
        raise ValueError(f"{folder} is a file; for several photographs, or with --format, -o must be a folder")
    items = job_items(images, folder, ending)
    folder.mkdir(parents=True, exist_ok=True)
    results: list[ItemResult] = []
    try:
        with (
            _batch_progress(len(items)) as (print_line, report),
            _process_items(items, settings, jobs, scheduler, report) as arriving,
        ):
            for result in arriving:
                results.append(result)
                report(result.item, 1.0)
                if result.state is not ItemState.FAILED:
                    print_line(result.message or f"{result.item.out} is {result.state}.")
    except KeyboardInterrupt:
        click.echo(f"stopped after {len(results)} of {len(items)}; the same command resumes with the others", err=True)
        raise SystemExit(INTERRUPTED) from None
    ended = Counter(result.state for result in results)
    click.echo(", ".join(f"{ended[state]} {state}" for state in ItemState if ended[state]))
    for result in results:
        if result.state is ItemState.FAILED:
            click.echo(f"failed: {result.item.source}: {result.message}", err=True)
    if ended[ItemState.FAILED]:
        raise SystemExit(FAILED)


@contextlib.contextmanager
def _process_items(
    items: list[JobItem],
    settings: JobSettings,
    jobs: int,
    scheduler: str | None,
    report: Callable[[JobItem, float], None],
) -> Iterator[Iterator[ItemResult]]:
    """Context manager that gives an iterator of results, from local processes or a cluster; exit stops the work."""
    if scheduler is None:
        from nesr_gui.batch import process_pool

        with contextlib.closing(process_pool.run(items, settings, jobs, report)) as arriving:
            yield arriving
    else:
        from nesr_gui.batch import cluster

        with (
            cluster.connect(scheduler) as client,
            contextlib.closing(cluster.run(items, settings, client)) as arriving,
        ):
            yield arriving


@contextlib.contextmanager
def _batch_progress(count: int) -> Iterator[tuple[Callable[[str], None], Callable[[JobItem, float], None]]]:
    """Progress bar for `count` items: gives a function to print a line above it, and one to report progress."""
    from tqdm import tqdm

    fractions: dict[JobItem, float] = {}
    with tqdm(
        total=count, desc="photographs", leave=False, disable=None, bar_format="{desc} {bar} {n:.1f} of {total}"
    ) as bar:

        def report(item: JobItem, fraction: float) -> None:
            fractions[item] = fraction
            bar.update(sum(fractions.values()) - bar.n)

        yield bar.write, report
