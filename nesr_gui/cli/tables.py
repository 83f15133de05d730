"""Commands that write tables of parts of an image: regions, lines, and pairs of values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nesr_gui.cli.analysis import image_options, open_image, parse_region, parse_within, range_option, region_option
from nesr_gui.cli.options import FILE, PATH, parse_point, progress_bar

if TYPE_CHECKING:
    from nesr_gui.fields.protocol import SpectralField


@click.command()
@click.argument("image", type=PATH)
@click.option("-o", "--out", type=FILE, required=True, help="Statistics at each band to write (.csv).")
@range_option
@region_option
@image_options
def statistics(image: Path, out: Path, within: str | None, region: str | None, **options: Any) -> None:
    """Write mean, standard deviation, extremes and percentiles of a region or the whole image.

    The first row is of the mean of each pixel over the wavelengths. The uncertainty of a reconstruction is not
    included.
    """
    from nesr_gui.analysis.statistics import integrate, region_statistics

    check_table(out)
    area, field = parse_region(region), open_image(image, options, out)
    with progress_bar("statistics") as report:
        found = region_statistics(field, area, within=parse_within(within), progress=report)
    about = {"statistics_of": f"{region or 'the whole image'}: {found.in_words()}"}
    write(out, found.rows(), field, about)
    mean, nm = found.curves()[0], found.wavelengths.nm
    integral = integrate(mean, (float(nm[0]), float(nm[-1])))
    click.echo(f"{out}: {found.in_words()}")
    click.echo(f"{nm[0]:g}-{nm[-1]:g} nm: mean {found.overall.mean:.6g}, integral of the mean {integral.area:.6g}")


@click.command()
@click.argument("image", type=PATH)
@click.option("--through", "points", metavar="ROW,COL", multiple=True, required=True,
              help="Corner of the line in source pixels; twice or more often.")  # fmt: skip
@click.option("-o", "--out", type=FILE, required=True, help="Spectra along the line to write (.csv).")
@click.option("--width", type=click.IntRange(1, 99), default=1, show_default=True, help="Pixels across the line whose "
              "mean is taken.")  # fmt: skip
@click.option("--wavelengths", "listed", help="Wavelengths in nm, start:stop:step or a list. [default: all bands]")
@image_options
def transect(image: Path, points: tuple[str, ...], out: Path, width: int, listed: str | None, **options: Any) -> None:
    """Write the spectra along a line, with their 90 % prediction intervals."""
    from nesr_gui.analysis.transect import describe_line, sample_transect
    from nesr_gui.io.georeference import Georeference
    from nesr_gui.spectral import Wavelengths

    check_table(out)
    corners = [(float(row), float(col)) for row, col in map(parse_point, points)]
    field = open_image(image, options, out)
    place = Georeference.of_image(image, field.provenance)
    wavelengths = Wavelengths.parse(listed) if listed else field.bands
    with progress_bar("evaluating the line") as report:
        found = sample_transect(field, corners, wavelengths, width=width, progress=report)
    write(out, found.rows(place.pixel_metres if place is not None else None), field, describe_line(corners, width))
    click.echo(f"{out}: {len(found.distances)} points over {found.distances[-1]:.6g} pixels")


@click.command()
@click.argument("x")
@click.argument("y")
@click.argument("image", type=PATH)
@click.option("-o", "--out", type=FILE, required=True, help="Numbers of pixels to write (.csv).")
@click.option("--cells", type=click.IntRange(2, 1024), default=256, show_default=True, help="Cells of each axis.")
@region_option
@image_options
def scatter(x: str, y: str, image: Path, out: Path, cells: int, region: str | None, **options: Any) -> None:
    """Count the pixels in cells of the plane of two values: a scatter plot as a table.

    X and Y are expressions of bands or indices, see `nesr-gui compute --help`. Cells without pixels are left out; all
    but .1 % of the values at each end are within the limits.
    """
    from nesr_gui.analysis.expression import Expression
    from nesr_gui.analysis.indices import expression_of
    from nesr_gui.analysis.maps import compute_map
    from nesr_gui.analysis.scatter import Pair, automatic_limits, density

    check_table(out)
    (of_x, name_x), (of_y, name_y) = ((Expression.parse(text), name) for text, name in map(expression_of, (x, y)))
    area, field = parse_region(region), open_image(image, options, out)
    pair = Pair(of_x.for_field(field, name=name_x), of_y.for_field(field, name=name_y))
    with progress_bar("computing both values") as report:
        values = compute_map(field, pair, region=area, intervals=False, progress=report).values
    found = density(values, automatic_limits(values), (cells, cells))
    rows = found.rows([layer.name for layer in pair.layers])
    write(out, rows, field, pair.describe() | {"region": region or "the whole image"})
    click.echo(f"{out}: {found.pixels:,} pixels in {len(rows):,} cells")


def check_table(out: Path) -> None:
    """Refuse a file that is no table, before the work."""
    if out.suffix.lower() != ".csv":
        raise ValueError(f"{out.name} is no name of a table; give one that ends in .csv")


def write(out: Path, rows: list[Any], field: SpectralField, about: dict[str, str]) -> None:
    """Write a table with what it is of and what it rests on."""
    from nesr_gui.analysis.pixelwise import rests_on
    from nesr_gui.io.georeference import KEY
    from nesr_gui.io.spectra.csv import write_table

    provenance = {key: text for key, text in field.provenance.items() if key != KEY}
    write_table(out, rows, provenance=provenance | about | {"rests_on": rests_on(field)})
