"""Commands that read spectra, describe files, and compare a reconstruction with a measured cube."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from nesr_gui.cli.options import (
    FILE,
    PATH,
    anchor_option,
    camera_option,
    check_outputs,
    default_wavelengths,
    device_option,
    model_option,
    open_field,
    parse_hints,
    parse_point,
    progress_bar,
    reading_options,
    with_anchors,
    write_json,
)


@click.command()
@click.argument("image", type=PATH)
@click.option("--at", "points", metavar="ROW,COL", multiple=True, required=True, help="Pixel to read; repeatable.")
@click.option("-o", "--out", type=FILE, help="File for the spectra (.csv). [default: print them]")
@click.option("--wavelengths", "listed", help="Wavelengths in nm, start:stop:step or a list. [default: every nm]")
@click.option("--continuum", is_flag=True, help="Divide by the continuum, the upper convex hull, and print depth, "
              "position and width of the deepest absorption band.")  # fmt: skip
@anchor_option
@reading_options
@camera_option
@model_option
@device_option
def spectrum(
    image: Path,
    points: tuple[str, ...],
    anchors: tuple[str, ...],
    out: Path | None,
    listed: str | None,
    continuum: bool,
    camera: Path | None,
    model: Path | None,
    device: str,
    **options: Any,
) -> None:
    """Write or print the spectra of single pixels of a photograph or a cube."""
    from nesr_gui.analysis.continuum import deepest_band, remove_continuum
    from nesr_gui.io.spectra import csv
    from nesr_gui.spectral import Spectrum, Wavelengths

    pixels = [parse_point(text) for text in points]
    check_outputs([out], image, anchors)
    field = open_field(image, model, device, options, camera, anchors)
    wavelengths = Wavelengths.parse(listed) if listed else default_wavelengths(field)
    names = [f"row {row} col {col}" for row, col in pixels]
    table, provenance = field.spectra(pixels, wavelengths), dict(field.provenance)
    if continuum:
        table = remove_continuum(table.T, wavelengths).T
        provenance["processing"] = "divided by the continuum, the upper convex hull"
        for name, (depth, nm, width) in zip(names, deepest_band(table.T, wavelengths).T.tolist(), strict=True):
            click.echo(f"{name}: band of depth {depth:.4g} at {nm:.4g} nm, {width:.4g} nm wide", err=True)
    spectra = [Spectrum(wavelengths, values, name) for values, name in zip(table, names, strict=True)]
    if out:
        csv.write_curves(out, spectra, provenance=provenance)
        what = "1 spectrum" if len(spectra) == 1 else f"{len(spectra)} spectra"
        click.echo(f"{out}: {what} at {len(wavelengths)} wavelengths")
        return
    click.echo("\t".join(["nm", *names]))
    for index, nm in enumerate(wavelengths):
        click.echo("\t".join([f"{nm:g}", *(f"{curve.values[index]:.6g}" for curve in spectra)]))


@click.command()
@click.argument("file", type=PATH, required=False)
@click.option("--models", is_flag=True, help="List the available systems and their numbers of parameters.")
@reading_options
def info(file: Path | None, models: bool, **options: Any) -> None:
    """Describe a model, cube or photograph file, and how it is interpreted."""
    from nesr_gui import io

    if models == (file is not None):
        raise ValueError("info needs either a file or --models; give one of them")
    if file is None:
        print_systems()
        return
    if file.suffix == ".safetensors":
        from nesr_gui.inference.checkpoint import describe

        description = describe(file)
    elif io.is_photograph(file):
        from nesr_gui.io.photos.decode import describe as describe_photograph

        description = describe_photograph(file)
    else:
        description = io.describe(file, parse_hints(**options))
    for key, value in description.items():
        click.echo(f"{key}: {' '.join(value.split())}")


def print_systems() -> None:
    """Print the number of parameters of each system, counted in networks built for it, and as published."""
    from nesr_gui.networks.registry import SYSTEMS, coverage, parameters_of

    click.echo(f"{'name':20}{'system':28}{'parameters':>12}{'published':>12}  wavelengths")
    for name, system in SYSTEMS.items():
        published = f"{system.published:.2f} M" if system.published else "-"
        count = f"{parameters_of(system.config) / 1e6:.2f} M"
        click.echo(f"{name:20}{system.title:28}{count:>12}{published:>12}  {coverage(system.config)}")


@click.command()
@click.argument("photograph", type=FILE)
@click.argument("cube", type=PATH)
@click.option("--max-pixels", type=click.IntRange(1), help="Bin larger photographs by a whole number, in linear light.")
@click.option("--json", "report", type=FILE, help="Also write the results to a JSON file.")
@anchor_option
@reading_options
@camera_option
@model_option
@device_option
def compare(
    photograph: Path,
    cube: Path,
    anchors: tuple[str, ...],
    max_pixels: int | None,
    report: Path | None,
    camera: Path | None,
    model: Path | None,
    device: str,
    **options: Any,
) -> None:
    """Compare the reconstruction of a photograph with a measured cube, in any orientation and size."""
    from nesr_gui import io
    from nesr_gui.fields.accuracy import CONDITIONS, accuracy, shared_bands
    from nesr_gui.fields.protocol import reconstruction_model
    from nesr_gui.fields.registration import register
    from nesr_gui.fields.resampled import ResampledField, binned_field
    from nesr_gui.inference import engine
    from nesr_gui.inference.model import load_model
    from nesr_gui.io.photos.cameras import camera_settings

    check_outputs([report], photograph, anchors, [cube])
    development = camera_settings(camera, photograph)
    image, measured = io.read_photograph(photograph, development), io.open_cube(cube, parse_hints(**options))
    registration = register(image, measured)
    click.echo(f"{cube.name}: {registration.in_words()}")
    if author := reconstruction_model(measured):
        click.echo(f"{cube.name} is a reconstruction by {author}: two estimates are compared", err=True)
    image = image.reduced(max_pixels) if max_pixels else image
    with progress_bar("reading the photograph") as report_progress:
        field = with_anchors(engine.encode(image, load_model(model, device), progress=report_progress), anchors)
    truth = binned_field(ResampledField(measured, field.source_shape, registration), field.binning)
    with progress_bar("comparing") as report_progress:
        metrics = accuracy(field, truth, progress=report_progress)
    nm = shared_bands(field, truth).nm
    click.echo(f"{metrics.pixels:,} pixels, {len(nm)} bands of {nm[0]:g}-{nm[-1]:g} nm, at 1:{field.binning}")
    click.echo(metrics.in_words())
    click.echo(CONDITIONS)
    if report:
        write_json(
            report, {**asdict(metrics), **asdict(registration), "bands": nm.tolist(), "reduction": field.binning}
        )
