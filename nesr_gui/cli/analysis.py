"""Commands that answer questions about an image: what, where, how much, and how its parts differ."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nesr_gui.cli.options import (
    FILE,
    PATH,
    READING,
    anchor_option,
    camera_option,
    check_outputs,
    device_option,
    model_option,
    open_field,
    parse_illuminant,
    parse_point,
    progress_bar,
    reading_options,
)

if TYPE_CHECKING:
    from nesr_gui.analysis.maps import AnalysisMap
    from nesr_gui.analysis.pixelwise import PixelAnalysis, Range
    from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
    from nesr_gui.fields.protocol import SpectralField
    from nesr_gui.regions import Region
    from nesr_gui.spectral import Spectrum, Wavelengths

range_option = click.option("--range", "within", metavar="START-STOP", help="Wavelengths in nm. [default: all bands]")
region_option = click.option(
    "--region", metavar="SHAPE", help="Region in source pixels: 'rectangle 10,20 50,80' (row,column of two corners), "
    "ellipse, polygon (corners; those of a hole follow 'hole'). [default: the whole image]",
)  # fmt: skip
intervals_option = click.option(
    "--abstain/--no-abstain", "intervals", default=True, show_default=True,
    help="Leave out pixels whose 90 % prediction interval is wider than the difference asked about.",
)  # fmt: skip


def _checked_difference(_: click.Context, __: click.Parameter, difference: float | None) -> float | None:
    if difference is not None:
        from nesr_gui.analysis.definitions import check_difference

        check_difference(difference)
    return difference


difference_option = click.option(
    "--difference", type=float, callback=_checked_difference, help="Difference asked about: pixels whose value is "
    "less certain are left out. [default: the contrast of each layer]",
)  # fmt: skip


def image_options(command: Any) -> Any:
    """Add the options that open an image: anchors, hints about a cube, camera, model and device."""
    for option in (device_option, model_option, camera_option, reading_options, anchor_option):
        command = option(command)
    return command


def reference_options(command: Any) -> Any:
    """Add the options that `references` takes."""
    options = [
        click.option("--library", "libraries", type=PATH, multiple=True, help="File or folder of spectra: a table, "
                     "ENVI library, CGATS, CxF, ECOSTRESS or USGS text. Repeatable."),
        click.option("--name", "names", multiple=True, help="Name of a spectrum of the library to use; repeatable. "
                     "[default: all]"),
        click.option("--at", "points", metavar="ROW,COL[=NAME]", multiple=True,
                     help="Pixel of the image to use, in source pixels; repeatable."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.argument("image", type=PATH)
@click.option("--at", "point", metavar="ROW,COL", required=True, help="Pixel to identify, in source pixels.")
@click.option("--library", "libraries", type=PATH, multiple=True, required=True, help="File or folder of spectra: a "
              "table, ENVI library, CGATS, CxF, ECOSTRESS or USGS text. Repeatable.")  # fmt: skip
@click.option("--search", default="", help="Only library spectra whose names contain these words.")
@click.option("--by", "distance", type=click.Choice(["angle", "divergence", "rmse", "colour"]), default="angle",
              show_default=True, help="Distance: spectral angle, information divergence, RMSE after the best gain, or "
              "colour difference ΔE2000.")  # fmt: skip
@range_option
@click.option("--metamers", is_flag=True, help="Only spectra with the same colour as the pixel, ΔE2000 up to 1.")
@click.option("--light", help="Light of colours: a CIE illuminant, 'daylight 5000', or a table of its power. "
              "[default: D65]")  # fmt: skip
@click.option("--observer", help="Observer of colours: 2 or 10 (CIE standard observers, degrees), or a table of a "
              "camera's sensitivities. [default: 2]")  # fmt: skip
@click.option("--most", type=click.IntRange(1), default=10, show_default=True, help="Number of matches to print.")
@click.option("-o", "--out", type=FILE, help="Also write all matches to a table (.csv).")
@image_options
def match(
    image: Path,
    point: str,
    libraries: tuple[Path, ...],
    search: str,
    distance: str,
    within: str | None,
    metamers: bool,
    light: str | None,
    observer: str | None,
    most: int,
    out: Path | None,
    **options: Any,
) -> None:
    """Find the library spectra that are most similar to a pixel.

    Those marked with = cannot be told apart from it: with some gain, they lie within its 90 % prediction interval.
    """
    from nesr_gui.analysis.distances import Distance
    from nesr_gui.analysis.library import SpectralLibrary
    from nesr_gui.analysis.matching import LEAST_COVER, Query, find_metamers, match_rows, rank_matches
    from nesr_gui.analysis.pixelwise import rests_on
    from nesr_gui.io.spectra.csv import write_table

    row, col = parse_point(point)
    viewing = parse_viewing(light, observer)
    check_outputs([out], image, options["anchors"], libraries)
    library = SpectralLibrary.read(libraries).search(search)
    if not len(library):
        raise ValueError(f"no spectrum of the library is called {search!r}; search for other words")
    field = open_image(image, options)
    query = Query.at_pixel(field, row // field.binning, col // field.binning, parse_within(within))
    chosen = Distance(distance)
    if metamers:
        chosen, matches = Distance.COLOUR, find_metamers(query, library, viewing)
    else:
        with progress_bar("comparing") as report:
            matches = rank_matches(query, library, chosen, viewing=viewing, progress=report)
    click.echo(rests_on(field), err=True)
    click.echo(f"{'':2}{chosen.label:>22}{'gain':>8}{'within':>8}  name")
    for each in matches[:most]:
        cover = "-" if query.limits is None else f"{each.cover:.0%}"
        sign = "=" if each.cannot_be_told_apart else " "
        name = f"{each.entry.name} ({each.entry.file})"
        click.echo(f"{sign:2}{f'{each.distance:.4g}{chosen.unit}':>22}{each.gain:8.3g}{cover:>8}  {name}")
    same = sum(each.cannot_be_told_apart for each in matches)
    if metamers:
        click.echo(f"{len(matches)} of {len(library)} spectra have the colour of the pixel under {viewing.name}.")
    if query.limits is not None:
        click.echo(f"{same} of {len(matches)} cannot be told apart: within the interval at {LEAST_COVER:.0%} or more.")
    if out:
        if not matches:
            raise ValueError(f"no spectrum matches, so {out.name} would be empty; use another library")
        provenance = {**field.provenance, "rests_on": rests_on(field), "pixel": f"row {row} col {col}"}
        provenance["wavelengths"] = str(query.spectrum.wavelengths)
        write_table(out, match_rows(matches, chosen), provenance=provenance)
        click.echo(f"{out}: {len(matches)} matches")


@click.command()
@click.argument("image", type=PATH)
@reference_options
@click.option("-o", "--out", type=FILE, required=True, help="Map of classes to write: .tif, .png, or .geojson, .zip "
              "(ImageJ) for their areas.")  # fmt: skip
@click.option("--by", type=click.Choice(["angle", "filter"]), default="angle", show_default=True,
              help="Spectral angle, or matched filter against the background of the image.")  # fmt: skip
@click.option("--threshold", "thresholds", type=float, multiple=True, help="Largest angle in degrees, or smallest "
              "score of the filter; once, or once per class. [default: 10, 0.5]")  # fmt: skip
@range_option
@region_option
@intervals_option
@click.option("--least-pixels", type=click.IntRange(1), default=1, help="Leave out areas with fewer pixels.")
@click.option("--statistics", type=FILE, help="Also write mean and standard deviation of each class (.csv).")
@image_options
def classify(
    image: Path,
    out: Path,
    by: str,
    thresholds: tuple[float, ...],
    least_pixels: int,
    statistics: Path | None,
    within: str | None,
    region: str | None,
    intervals: bool,
    **options: Any,
) -> None:
    """Map where an image has the spectra of a library, or of some of its own pixels."""
    from nesr_gui.analysis.classification import (
        DEFAULT_ANGLE,
        DEFAULT_FRACTION,
        Classification,
        MatchedFilter,
        Scoring,
        SpectralAngleMapper,
    )
    from nesr_gui.analysis.outputs import CLASSES, check_ending
    from nesr_gui.analysis.pixelwise import bands_within

    check_ending(out, CLASSES, "a map of classes")
    area, field = parse_region(region), open_image(image, options, out, statistics)
    bands = bands_within(field, parse_within(within))
    spectra = references(field, bands, options)
    scoring: Scoring
    if by == "angle":
        scoring = SpectralAngleMapper(spectra, bands)
    else:
        with progress_bar("reading the background") as report:
            scoring = MatchedFilter.fit(field, spectra, bands, region=area, progress=report)
    analysis = Classification(scoring, thresholds or (DEFAULT_ANGLE if by == "angle" else DEFAULT_FRACTION))
    made = map_of(field, analysis, area, intervals, image)
    write_class_map(out, made, analysis.names, field, least_pixels, statistics, bands)


@click.command()
@click.argument("image", type=PATH)
@click.option("-n", "--count", type=int, default=6, show_default=True, help="Number of clusters.")
@click.option("-o", "--out", type=FILE, required=True, help="Map of clusters to write: .tif, .png, or .geojson, .zip "
              "(ImageJ) for their areas.")  # fmt: skip
@click.option("--of", "feature", type=click.Choice(["spectra", "shapes", "components"]), default="spectra",
              show_default=True, help="What is clustered: spectra, spectra without their brightness, or principal "
              "components.")  # fmt: skip
@click.option("--components", "kept", type=int, default=5, show_default=True, help="Number of components to cluster.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the random numbers.")
@range_option
@region_option
@intervals_option
@click.option("--least-pixels", type=click.IntRange(1), default=1, help="Leave out areas with fewer pixels.")
@click.option("--centres", type=FILE, help="Also write the spectra of the centres (.csv).")
@click.option("--statistics", type=FILE, help="Also write mean and standard deviation of each cluster (.csv).")
@image_options
def cluster(
    image: Path,
    out: Path,
    count: int,
    feature: str,
    kept: int,
    seed: int,
    within: str | None,
    region: str | None,
    intervals: bool,
    least_pixels: int,
    centres: Path | None,
    statistics: Path | None,
    **options: Any,
) -> None:
    """Divide an image into clusters of similar spectra (k-means)."""
    from nesr_gui.analysis.clustering import Clusters, Feature
    from nesr_gui.analysis.components import Components
    from nesr_gui.analysis.outputs import CLASSES, check_ending
    from nesr_gui.analysis.pixelwise import bands_within
    from nesr_gui.io.spectra.csv import write_curves

    check_ending(out, CLASSES, "a map of classes")
    area, field = parse_region(region), open_image(image, options, out, centres, statistics)
    bands = bands_within(field, parse_within(within))
    components = None
    if feature == "components":
        with progress_bar("computing components") as report:
            components = Components.fit(field, bands, kept, region=area, progress=report)
    with progress_bar("clustering") as report:
        analysis = Clusters.fit(
            field, bands, count, Feature(feature), components=components, seed=seed, region=area, progress=report
        )
    made = map_of(field, analysis, area, intervals, image)
    write_class_map(out, made, analysis.names, field, least_pixels, statistics, bands)
    if centres:
        write_curves(centres, analysis.curves(), provenance=made.provenance)
        click.echo(f"{centres}: {len(analysis.names)} spectra")


@click.command()
@click.argument("image", type=PATH)
@reference_options
@click.option("-o", "--out", type=FILE, required=True, help="Abundance maps to write: the bands of a .tif.")
@click.option("--any-sum", is_flag=True, help="Abundances need not sum to 1, so that brightness may vary.")
@difference_option
@range_option
@region_option
@intervals_option
@image_options
def unmix(
    image: Path,
    out: Path,
    any_sum: bool,
    difference: float | None,
    within: str | None,
    region: str | None,
    intervals: bool,
    **options: Any,
) -> None:
    """Map how much of each endmember is in every pixel: linear unmixing, not negative, with a sum of 1."""
    from nesr_gui.analysis.outputs import TIFF, check_ending, write_values
    from nesr_gui.analysis.pixelwise import bands_within
    from nesr_gui.analysis.unmixing import Unmixing

    check_ending(out, TIFF, "abundance maps")
    area, field = parse_region(region), open_image(image, options, out)
    bands = bands_within(field, parse_within(within))
    spectra = references(field, bands, options)
    analysis = Unmixing(spectra, bands, sums_to_one=not any_sum, difference=difference)
    made = map_of(field, analysis, area, intervals, image)
    write_values(out, made)
    print_map(out, made)


@click.command()
@click.argument("expression")
@click.argument("image", type=PATH)
@click.option("-o", "--out", type=FILE, required=True, help="Map to write: .tif or .exr; of a comparison also .png, "
              ".geojson, .zip (ImageJ).")  # fmt: skip
@difference_option
@region_option
@intervals_option
@click.option("--least-pixels", type=click.IntRange(1), default=1, help="Leave out areas with fewer pixels.")
@image_options
def compute(
    expression: str,
    image: Path,
    out: Path,
    difference: float | None,
    region: str | None,
    intervals: bool,
    least_pixels: int,
    **options: Any,
) -> None:
    """Map an EXPRESSION of bands, such as '(b550 - b650) / (b550 + b650)', or an index by its name.

    \b
    b550                     value at 550 nm
    mean(600, 650)           mean over a range in nm; also slope and integral
    + - * / **  < <= == !=   arithmetic and comparisons; also and, or, not
    abs sqrt log log10 exp min max where(condition, value, otherwise)
    GLI VARI NGRDI TGI PRI CRI550 CRI700 ARI CTR1    published indices
    """  # noqa: D301 (click needs the \b)
    from nesr_gui.analysis.expression import Expression
    from nesr_gui.analysis.indices import expression_of
    from nesr_gui.analysis.outputs import CLASSES, VALUES, check_ending, write_values

    text, name = expression_of(expression)
    parsed = Expression.parse(text)
    is_mask = parsed.is_truth_value and out.suffix.lower() not in VALUES
    check_ending(out, (*VALUES, *CLASSES) if parsed.is_truth_value else VALUES, "a map of values")
    area, field = parse_region(region), open_image(image, options, out)
    analysis = parsed.for_field(field, difference, name)
    made = map_of(field, analysis, area, intervals, image)
    if is_mask:
        write_class_map(out, made, (name or text,), field, least_pixels, None, analysis.wavelengths)
    else:
        write_values(out, made)
        print_map(out, made)


@click.command()
@click.argument("image", type=PATH)
@click.option("-n", "--count", type=int, default=5, show_default=True, help="Number of components.")
@click.option("-o", "--out", type=FILE, required=True, help="Maps to write: the bands of a .tif.")
@click.option("--kind", type=click.Choice(["pca", "mnf"]), default="pca", show_default=True,
              help="Principal components, or minimum noise fractions.")  # fmt: skip
@difference_option
@range_option
@region_option
@intervals_option
@click.option("--loadings", type=FILE, help="Also write the mean and the loadings as spectra (.csv).")
@image_options
def components(
    image: Path,
    out: Path,
    count: int,
    kind: str,
    difference: float | None,
    within: str | None,
    region: str | None,
    intervals: bool,
    loadings: Path | None,
    **options: Any,
) -> None:
    """Map the principal components or the minimum noise fractions of an image."""
    from dataclasses import replace

    from nesr_gui.analysis.components import ComponentKind, Components
    from nesr_gui.analysis.outputs import TIFF, check_ending, write_values
    from nesr_gui.analysis.pixelwise import bands_within
    from nesr_gui.io.spectra.csv import write_curves

    check_ending(out, TIFF, "maps of components")
    area, field = parse_region(region), open_image(image, options, out, loadings)
    with progress_bar("computing components") as report:
        analysis = Components.fit(
            field, bands_within(field, parse_within(within)), count, ComponentKind(kind), region=area, progress=report
        )
    analysis = replace(analysis, difference=difference)
    made = map_of(field, analysis, area, intervals, image)
    write_values(out, made)
    for layer, strength, share in zip(analysis.layers, analysis.strengths, analysis.explained, strict=True):
        what = f"{share:.2%} of the variance" if kind == "pca" else f"signal-to-noise ratio {max(strength - 1, 0):.3g}"
        click.echo(f"{layer.name}: {what}")
    print_map(out, made)
    if loadings:
        write_curves(loadings, analysis.curves(), provenance=made.provenance)
        click.echo(f"{loadings}: {len(analysis.layers) + 1} spectra")


def open_image(image: Path, options: dict[str, Any], *outputs: Path | None) -> SpectralField:
    """Field of an image from `image_options`, once it is clear that `outputs` can be written; see `check_outputs`."""
    check_outputs(outputs, image, options["anchors"], options.get("libraries", ()))
    reading = {name: options[name] for name in READING}
    return open_field(image, options["model"], options["device"], reading, options["camera"], options["anchors"])


def references(field: SpectralField, bands: Wavelengths, options: dict[str, Any]) -> list[Spectrum]:
    """Spectra of a library and of pixels of the image, from `reference_options`.

    Raises:
        ValueError: there are none, a name is not in the library, or a pixel is outside the image.
    """
    from nesr_gui.analysis.library import SpectralLibrary
    from nesr_gui.spectral import Spectrum

    libraries, names, points = options["libraries"], options["names"], options["points"]
    found: list[Spectrum] = []
    if names and not libraries:
        raise ValueError("--name chooses spectra of a library; add --library")
    if libraries:
        library = SpectralLibrary.read(libraries)
        found += library.pick(names) if names else [entry.spectrum for entry in library.entries]
    for text in points:
        place, _, name = text.partition("=")
        row, col = parse_point(place)
        values = field.spectra([(row // field.binning, col // field.binning)], bands)[0]
        found.append(Spectrum(bands, values, name or f"row {row} col {col}"))
    if not found:
        raise ValueError("no reference spectrum given; add --library FILE, or --at ROW,COL of the image")
    return found


def parse_within(text: str | None) -> Range | None:
    """Range of wavelengths from the option `--range`."""
    from nesr_gui.analysis.pixelwise import parse_range

    return parse_range(text) if text else None


def parse_region(text: str | None) -> Region | None:
    """Region from the option `--region`."""
    from nesr_gui.regions import Region

    return Region.parse(text) if text else None


def parse_viewing(light: str | None, observer: str | None) -> ViewingConditions:
    """Viewing conditions from the options `--light` and `--observer`.

    Raises:
        ValueError: the light is unknown, or the observer is neither 2 nor 10 nor a file.
    """
    from nesr_gui.colorimetry.viewing_conditions import CIE_1931, CIE_1964, D65, ViewingConditions
    from nesr_gui.io.spectra.readers import read_camera

    observers = {None: CIE_1931, "2": CIE_1931, "10": CIE_1964}
    if observer not in observers and not Path(str(observer)).is_file():
        raise ValueError(f"{observer!r} is no observer; choose 2 or 10, or a table of a camera's sensitivities")
    seen_by = observers[observer] if observer in observers else read_camera(Path(str(observer)))
    return ViewingConditions(parse_illuminant(light) if light else D65, seen_by)


def map_of(
    field: SpectralField, analysis: PixelAnalysis, region: Region | None, intervals: bool, image: Path
) -> AnalysisMap:
    """The map of an analysis, with a progress bar."""
    from nesr_gui.analysis.maps import compute_map
    from nesr_gui.io.georeference import Georeference

    with progress_bar("computing the map") as report:
        return compute_map(
            field, analysis, region=region, intervals=intervals,
            georeference=Georeference.of_image(image, field.provenance), progress=report,
        )  # fmt: skip


def write_class_map(
    out: Path,
    made: AnalysisMap,
    names: Sequence[str],
    field: SpectralField,
    least_pixels: int,
    statistics: Path | None,
    bands: Wavelengths,
) -> None:
    """Write a map of classes and their statistics, and print how many pixels each has."""
    import numpy as np

    from nesr_gui.analysis.classification import NONE, class_numbers
    from nesr_gui.analysis.outputs import count_classes, write_classes
    from nesr_gui.analysis.statistics import class_statistics
    from nesr_gui.io.spectra.csv import write_curves

    write_classes(out, made, names, least_pixels=least_pixels)
    counts = count_classes(made, names)
    for each in counts:
        if each.pixels:
            click.echo(f"{each.number:4} {each.name}: {each.pixels:,} pixels, {each.share:.1%}")
    print_map(out, made, "classes")
    if statistics is None:
        return
    numbers = np.full(field.shape, NONE, np.uint8)
    numbers[made.rows, made.cols] = class_numbers(made.values[0], made.abstained())
    within = float(bands.nm[0]), float(bands.nm[-1])
    with progress_bar("statistics of the classes") as report:
        found = class_statistics(field, numbers, range(1, len(names) + 1), within=within, progress=report)
    curves = [curve for number, each in found.items() for curve in each.curves(names[number - 1])]
    if not curves:
        raise ValueError(f"no pixel has a class, so {statistics.name} would be empty; choose another threshold")
    write_curves(statistics, curves, provenance=made.provenance)
    click.echo(f"{statistics}: {len(curves)} spectra")


def print_map(out: Path, made: AnalysisMap, what: str = "") -> None:
    """Print what was written, what it rests on, and where it abstains."""
    height, width = made.values.shape[1:]
    what = what or f"{len(made.layers)} {'layer' if len(made.layers) == 1 else 'layers'}"
    click.echo(f"{out}: {what} of {width}×{height} pixels. {made.in_words()}")
