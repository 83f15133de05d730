"""The `export` command: writes a cube from a photograph or another cube, like the export dialog of the window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nesr_gui.cli.options import (
    PATH,
    READING,
    anchor_option,
    build_plan,
    camera_option,
    device_option,
    model_option,
    parse_hints,
    plan_options,
    progress_bar,
    reading_options,
    refuse_camera,
    super_resolve,
    with_anchors,
)

if TYPE_CHECKING:
    from nesr_gui.fields.protocol import SpectralField


@click.command()
@click.argument("image", type=PATH)
@click.option("-o", "--out", type=PATH, required=True, help="Cube to write, by extension: .nc .h5 .hdr "
              ".mat .tif .zarr .exr .npy .npz, .field (any wavelength), or a folder of PNG bands.")  # fmt: skip
@plan_options
@click.option("--max-pixels", type=click.IntRange(1), help="Bin larger images by a whole number before reconstruction.")
@anchor_option
@click.option("--estimate", is_flag=True, help="Print the estimated size and time, and exit.")
@reading_options
@camera_option
@model_option
@device_option
def export(
    image: Path,
    out: Path,
    max_pixels: int | None,
    anchors: tuple[str, ...],
    estimate: bool,
    camera: Path | None,
    model: Path | None,
    device: str,
    **options: Any,
) -> None:
    """Write a cube of a photograph or another cube: any wavelengths or sensor bands, any region, any format.

    For a cube with the bands that --model requires, the model reconstructs further bands. The written file is reopened
    and a sample of its values is verified.
    """
    from nesr_gui import export as exporting
    from nesr_gui import io

    if not estimate:
        exporting.check_destination(out, image)
    reading = {name: options.pop(name) for name in READING}
    field: SpectralField
    if io.is_photograph(image):
        field = with_anchors(_reconstruct(image, model, device, max_pixels, camera), anchors)
        origin = ""  # its provenance states it
    elif anchors:
        raise ValueError(f"{image.name} is a cube; --anchor applies to photographs")
    else:
        refuse_camera(camera, image)
        field, origin = io.open_cube(image, parse_hints(**reading)), image.name
        if model:
            field = super_resolve(field, image.name, model, device, max_pixels)
    plan = build_plan(field.wavelength_range, **options)
    if estimate:
        file_format = io.writer(out, plan.encoding)
        click.echo(exporting.estimated(plan.prepared(field, as_coefficients=file_format.holds_coefficients)))
        return
    with progress_bar(f"writing {out.name}") as report:
        click.echo(exporting.write(out, field, plan, origin=origin, progress=report))


def _reconstruct(
    image: Path, model: Path | None, device: str, max_pixels: int | None, camera: Path | None
) -> SpectralField:
    """Reconstruct a photograph; its notes are printed."""
    from nesr_gui import io
    from nesr_gui.inference import engine
    from nesr_gui.inference.model import load_model
    from nesr_gui.io.photos.cameras import camera_settings

    photograph = io.read_photograph(image, camera_settings(camera, image))
    for note in photograph.source.notes:
        click.echo(note, err=True)
    photograph = photograph.reduced(max_pixels) if max_pixels else photograph
    with progress_bar("reading the photograph") as report:
        return engine.encode(photograph, load_model(model, device), progress=report)
