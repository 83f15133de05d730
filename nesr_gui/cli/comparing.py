"""The command that compares a photograph's reconstruction with a measured cube."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from nesr_gui.cli import cube_options
from nesr_gui.cli.options import FILE, PATH, device_option, model_option, progress_bar, write_json


@click.command()
@click.argument("photograph", type=FILE)
@click.argument("cube", type=PATH)
@click.option("--max-pixels", type=int, help="Reduce a larger photograph, in linear light, by a whole number.")
@click.option("--json", "report", type=FILE, help="Also write the figures to a JSON file.")
@cube_options.reading_options
@model_option
@device_option
def compare(
    photograph: Path,
    cube: Path,
    max_pixels: int | None,
    report: Path | None,
    model: Path | None,
    device: str,
    **options: Any,
) -> None:
    """Print how far a photograph's reconstruction is from the measured cube, which may be turned or of another size."""
    from nesr_gui import io
    from nesr_gui.fields.accuracy import CONDITIONS, accuracy, shared_bands
    from nesr_gui.fields.registration import match
    from nesr_gui.fields.resampled import MatchedField, at_reduction
    from nesr_gui.inference import engine
    from nesr_gui.inference.model import load_model

    image, measured = io.read_photograph(photograph), io.open_cube(cube, cube_options.asked_reading(**options))
    found = match(image, measured)
    click.echo(f"{cube.name}: {found.in_words()}")
    image = image.reduced(max_pixels) if max_pixels else image
    with progress_bar("reading the photograph") as show:
        field = engine.encode(image, load_model(model, device), progress=show)
    truth = at_reduction(MatchedField(measured, image.source_shape, found), image.reduction)
    with progress_bar("comparing") as show:
        figures = accuracy(field, truth, progress=show)
    nm = shared_bands(field, truth).nm
    click.echo(f"{figures.pixels:,} pixels, {len(nm)} bands of {nm[0]:g}-{nm[-1]:g} nm, at 1:{image.reduction}")
    click.echo(figures.in_words())
    click.echo(CONDITIONS)
    if report:
        write_json(report, {**asdict(figures), **asdict(found), "bands": nm.tolist(), "reduction": image.reduction})
