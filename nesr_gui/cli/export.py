"""The command that writes a cube of a photograph or of another cube: what the window's export dialog does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nesr_gui.cli.options import (
    PATH,
    READING,
    asked_reading,
    device_option,
    model_option,
    plan_options,
    planned,
    progress_bar,
    reading_options,
    super_resolve,
)

if TYPE_CHECKING:
    from nesr_gui.fields.protocol import SpectralField


@click.command()
@click.argument("image", type=PATH)
@click.option("-o", "--out", type=PATH, required=True, help="Cube to write, in the format of its ending: .nc .h5 .hdr "
              ".mat .tif .zarr .exr .npy .npz, or a folder of PNG bands.")  # fmt: skip
@plan_options
@click.option("--max-pixels", type=int, help="Reduce a larger image that is reconstructed by a whole number.")
@click.option("--estimate", is_flag=True, help="Only tell how large it will be and how long it will take.")
@reading_options
@model_option
@device_option
def export(
    image: Path,
    out: Path,
    max_pixels: int | None,
    estimate: bool,
    model: Path | None,
    device: str,
    **options: Any,
) -> None:
    """Write a cube of a photograph or another cube: any wavelengths or sensor bands, any part, any format.

    Of a cube at the bands that a --model sees, the model makes more. What was written is opened again and compared
    with the image.
    """
    from nesr_gui import export as exporting
    from nesr_gui import io

    reading = {name: options.pop(name) for name in READING}
    field: SpectralField
    if io.is_photograph(image):
        field, binning = _reconstructed(image, model, device, max_pixels)
        origin = ""  # which its provenance tells
    else:
        cube = io.open_cube(image, asked_reading(**reading))
        field, binning, origin = cube, 1, image.name
        if model:
            field, binning = super_resolve(cube, image.name, model, device, max_pixels)
    plan = planned(field.wavelength_range, **options)
    if estimate:
        io.writer(out, plan.encoding)
        click.echo(exporting.estimated(plan.prepared(field, binning=binning)))
        return
    with progress_bar(f"writing {out.name}") as report:
        click.echo(exporting.write(out, field, plan, binning=binning, origin=origin, progress=report))


def _reconstructed(image: Path, model: Path | None, device: str, max_pixels: int | None) -> tuple[SpectralField, int]:
    """The field of a photograph, and how many source pixels stand along one side of each of its own."""
    from nesr_gui import io
    from nesr_gui.inference import engine
    from nesr_gui.inference.model import load_model

    photograph = io.read_photograph(image)
    for note in photograph.source.notes:
        click.echo(note, err=True)
    photograph = photograph.reduced(max_pixels) if max_pixels else photograph
    with progress_bar("reading the photograph") as report:
        return engine.encode(photograph, load_model(model, device), progress=report), photograph.binning
