"""Commands that make spectra of photographs and cubes, and tell what a file is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nesr_gui.cli import cube_options
from nesr_gui.cli.options import FILE, PATH, device_option, model_option, progress_bar

if TYPE_CHECKING:
    from nesr_gui.engine import Model
    from nesr_gui.spectral import Wavelengths


@click.command()
@click.argument("image", type=FILE)
@click.option("-o", "--out", type=FILE, required=True, help="Cube to write (.h5).")
@click.option("--wavelengths", "listed", help="In nm: start:stop:step, or a list. [default: the training bands]")
@click.option("--bands", type=int, help="So many wavelengths, evenly over the model's range.")
@click.option("--max-pixels", type=int, help="Reduce a larger photograph, in linear light, by a whole number.")
@model_option
@device_option
def reconstruct(
    image: Path,
    out: Path,
    listed: str | None,
    bands: int | None,
    max_pixels: int | None,
    model: Path | None,
    device: str,
) -> None:
    """Write the spectral cube of a photograph."""
    from nesr_gui import engine, io

    loaded = engine.load_model(model, device)
    asked = asked_wavelengths(loaded, listed, bands)
    photograph = io.read_photograph(image)
    for note in photograph.source.notes:
        click.echo(note, err=True)
    photograph = photograph.reduced(max_pixels) if max_pixels else photograph
    with progress_bar("reading the photograph") as report:
        field = engine.encode(photograph, loaded, progress=report)
    with progress_bar(f"writing {len(asked)} bands") as report:
        io.write_cube(out, field, asked, progress=report)
    height, width = field.shape
    click.echo(f"{out}: {len(asked)} bands of {width}×{height} pixels, {asked.nm[0]:g}-{asked.nm[-1]:g} nm")


@click.command()
@click.argument("image", type=PATH)
@click.option("--at", "points", metavar="ROW,COL", multiple=True, required=True, help="A pixel; may be repeated.")
@click.option("-o", "--out", type=FILE, help="Curves to write (.csv); by default they are printed.")
@click.option("--wavelengths", "listed", help="In nm: start:stop:step, or a list. [default: every nm]")
@cube_options.reading_options
@model_option
@device_option
def spectrum(
    image: Path,
    points: tuple[str, ...],
    out: Path | None,
    listed: str | None,
    model: Path | None,
    device: str,
    **options: Any,
) -> None:
    """Write or print the spectra of single pixels of a photograph or a cube."""
    from nesr_gui.io import curves
    from nesr_gui.spectral import Spectrum, Wavelengths

    pixels = [parsed_point(text) for text in points]
    field = cube_options.opened(image, model, device, options)
    asked = Wavelengths.parse(listed) if listed else cube_options.usual_wavelengths(field)
    names = [f"row {row} col {col}" for row, col in pixels]
    spectra = [Spectrum(asked, values, name) for values, name in zip(field.spectra(pixels, asked), names, strict=True)]
    if out:
        curves.write_curves(out, spectra, provenance=field.provenance)
        click.echo(f"{out}: {len(spectra)} curves at {len(asked)} wavelengths")
        return
    click.echo("\t".join(["nm", *names]))
    for index, nm in enumerate(asked):
        click.echo("\t".join([f"{nm:g}", *(f"{curve.values[index]:.5f}" for curve in spectra)]))


@click.command()
@click.argument("file", type=PATH)
@cube_options.reading_options
def info(file: Path, **options: Any) -> None:
    """Tell what a model, a cube or a photograph file is and how it is understood."""
    from nesr_gui import io

    if file.suffix == ".safetensors":
        from nesr_gui.checkpoint import describe

        said = describe(file)
    elif io.is_photograph(file):
        from nesr_gui.io.photograph import describe as describe_photograph

        said = describe_photograph(file)
    else:
        said = io.describe(file, cube_options.asked_reading(**options))
    for key, value in said.items():
        click.echo(f"{key}: {' '.join(value.split())}")


def asked_wavelengths(model: Model, listed: str | None, bands: int | None) -> Wavelengths:
    """What --wavelengths or --bands asks of a model; its training bands where neither is given."""
    import numpy as np

    from nesr_gui.spectral import Wavelengths

    if listed and bands is not None:
        raise ValueError("both --wavelengths and --bands are given; give one of them")
    if bands is not None:
        return Wavelengths.count(bands, *model.wavelength_range)
    return Wavelengths.parse(listed) if listed else Wavelengths(np.array(model.network.config.bands))


def parsed_point(text: str) -> tuple[int, int]:
    """`ROW,COL` as two integers."""
    try:
        row, col = (int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"cannot read the pixel {text!r}; write ROW,COL, as in 120,64") from None
    return row, col
