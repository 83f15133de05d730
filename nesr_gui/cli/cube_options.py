"""Options of the commands that open cubes: what a file leaves open, said on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nesr_gui.cli.options import progress_bar

if TYPE_CHECKING:
    from nesr_gui.fields.protocol import SpectralField
    from nesr_gui.io import Reading
    from nesr_gui.spectral import Wavelengths

OPTIONS = {"wavelengths": "--band-wavelengths", "band_axis": "--band-axis", "variable": "--variable"}
"""By what `Unclear` calls the answer."""
READING = ("band_wavelengths", "band_axis", "quantity", "variable")
"""What `reading_options` are called where they arrive."""


def reading_options(command: Any) -> Any:
    """What a cube's file may leave open, as options."""
    said = [
        click.option(
            "--band-wavelengths", metavar="NM", help="Of a cube that does not say them: 400:700:10, or a list."
        ),
        click.option("--band-axis", type=click.IntRange(0, 2), help="The axis of a cube's array that runs over bands."),
        click.option("--quantity", type=click.Choice(["reflectance", "radiance", "unknown"]), help="What is measured."),
        click.option("--variable", metavar="NAME", help="The array to open where a file has several."),
    ]
    for option in reversed(said):
        command = option(command)
    return command


def opened(image: Path, model: Path | None, device: str, options: dict[str, Any]) -> SpectralField:
    """A photograph reconstructed; a cube as it is, or what a model makes of it."""
    from nesr_gui import io

    if not io.is_photograph(image):
        cube = io.open_cube(image, asked_reading(**options))
        return refined(cube, image.name, model, device)[0] if model else cube
    from nesr_gui.inference import engine
    from nesr_gui.inference.model import load_model

    return engine.encode(io.read_photograph(image), load_model(model, device))


def refined(
    cube: SpectralField, name: str, model: Path, device: str, max_pixels: int | None = None
) -> tuple[SpectralField, int]:
    """What a model makes of the bands that it sees of a cube, and how many pixels of that stand along one of its own.

    What has to be known of it goes to the terminal.
    """
    from nesr_gui.inference import engine
    from nesr_gui.inference.model import load_model

    loaded = load_model(model, device)
    seen = loaded.shown(cube, name, max_pixels=max_pixels)
    with progress_bar("reading the cube") as report:
        field = engine.encode(seen, loaded, progress=report)
    if told := field.provenance.get("model_notes"):
        click.echo(told, err=True)
    return field, seen.reduction


def usual_wavelengths(field: SpectralField) -> Wavelengths:
    """Every nm of a reconstruction; of a cube its own bands."""
    from nesr_gui.fields.protocol import CubeField
    from nesr_gui.spectral import Wavelengths

    return field.wavelengths if isinstance(field, CubeField) else Wavelengths.every(*field.wavelength_range, 1)


def asked_reading(
    band_wavelengths: str | None, band_axis: int | None, quantity: str | None, variable: str | None
) -> Reading:
    """What the options say of a cube."""
    from nesr_gui.io import Reading
    from nesr_gui.spectral import Quantity, Wavelengths

    listed = Wavelengths.parse(band_wavelengths) if band_wavelengths else None
    return Reading(listed, band_axis, Quantity[quantity.upper()] if quantity else None, variable)


def advice(error: Exception) -> str:
    """How to answer what an `Unclear` asks; nothing for other errors."""
    option = OPTIONS.get(getattr(error, "field", ""))
    return f"; say it with {option} {getattr(error, 'guess', '') or '…'}" if option else ""
