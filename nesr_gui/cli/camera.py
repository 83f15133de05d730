"""The command `calibrate-camera`: a camera profile from a photograph of a colour chart."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nesr_gui.cli.options import FILE, check_outputs, parse_point, write_json

if TYPE_CHECKING:
    from nesr_gui.colorimetry.charts import ColourChart
    from nesr_gui.io.photos.chart_calibration import Calibration


@click.command(name="calibrate-camera")
@click.argument("photograph", type=FILE)
@click.option("-o", "--out", type=FILE, required=True, help="Camera profile to write (.json).")
@click.option(
    "--chart",
    "named",
    default="classic",
    show_default=True,
    metavar="CHART",
    help="classic (24 patches), sg (140 patches), or a table row,column,name,400,410,… of reflectances (.csv).",
)
@click.option(
    "--corners",
    metavar="'ROW,COL …'",
    help="Outer corners of the four corner patches in pixels, in any order: '30,40 20,330 225,350 215,25'. "
    "[default: found automatically, with the extra 'chart']",
)
@click.option(
    "--encoding",
    type=click.Choice(["auto", "srgb", "linear"]),
    default="auto",
    show_default=True,
    help="How the photograph stores light; its tone curve is measured on top.",
)
@click.option("--name", help="Name of the profile. [default: the camera in the EXIF data]")
@click.option("--json", "report", type=FILE, help="Also write the results to a JSON file.")  # fmt: skip
def calibrate_camera(
    photograph: Path, out: Path, named: str, corners: str | None, encoding: str, name: str | None, report: Path | None
) -> None:
    """Calibrate a camera by a colour chart in a photograph, and write its profile for --camera.

    The profile applies to photographs of the same camera with the same settings, in the same light: tone curve, white
    balance, colours, vignetting. The table lists the colour difference ΔE2000 of every patch as the file states its
    colours, with the profile, and with a profile made without that patch, which is what to expect of other colours.
    """
    from dataclasses import replace

    import numpy as np

    from nesr_gui import io
    from nesr_gui.io.photos.camera_profile import is_profile, write_profile
    from nesr_gui.io.photos.chart_calibration import calibrate
    from nesr_gui.io.photos.chart_finder import find_chart
    from nesr_gui.io.photos.chart_patches import read_patches
    from nesr_gui.io.photos.develop_settings import SourceEncoding

    if not is_profile(out):
        raise ValueError(f"a camera profile is a .json file; name it {out.with_suffix('.json')}")
    check_outputs([out, report], photograph)
    encodings = {"auto": SourceEncoding.AUTOMATIC, "srgb": SourceEncoding.SRGB, "linear": SourceEncoding.LINEAR}
    decoded, chart, read_as = io.decode_photograph(photograph), read_chart(named), encodings[encoding]
    if corners is None:
        places = find_chart(decoded, chart, read_as)
        found = " ".join(f"{row:.0f},{col:.0f}" for row, col in places)
        click.echo(f"The chart was found at --corners '{found}'.", err=True)
    else:
        places = np.array([parse_point(text) for text in corners.split()])
    reading = read_patches(decoded, chart, places, read_as)
    made = calibrate(reading, decoded)
    profile = replace(made.profile, name=name) if name else made.profile
    print_table(made)
    write_profile(out, profile)
    if report:
        write_json(report, as_json(made))
    click.echo(f"{out}: {profile.in_words()}")


def read_chart(named: str) -> ColourChart:
    """A built-in chart by name, or a chart from a table."""
    from nesr_gui.colorimetry.charts import CHARTS
    from nesr_gui.io.spectra.chart_table import read_chart as read_table

    if named in CHARTS:
        return CHARTS[named]()
    if not Path(named).is_file():
        raise ValueError(f"{named!r} is neither a chart nor a file; choose {' or '.join(CHARTS)}, or a table (.csv)")
    return read_table(named)


def print_table(made: Calibration) -> None:
    """Print the colour differences of every patch, and the notes."""
    click.echo(f"{'patch':28}{'before':>8}{'after':>8}{'left out':>10}")
    for patch in made.patches:
        figures = [f"{value:.1f}" if math.isfinite(value) else "-" for value in patch[1:4]]
        click.echo(f"{patch.name:28}{figures[0]:>8}{figures[1]:>8}{figures[2]:>10}  {patch.reason}".rstrip())
    profile = made.profile
    click.echo(f"{'mean ΔE2000':28}{profile.before:8.1f}{profile.after:8.1f}{profile.left_out:10.1f}")
    for note in made.notes:
        click.echo(note, err=True)


def as_json(made: Calibration) -> dict[str, Any]:
    """The figures of a calibration, and its patches as measured spots: region in pixels and reflectance."""
    return {
        "patches": [
            {
                key: None if isinstance(value, float) and not math.isfinite(value) else value
                for key, value in patch._asdict().items()
            }
            for patch in made.patches
        ],
        "anchors": [
            {
                "name": anchor.spectrum.name,
                "region": str(anchor.region),
                "wavelengths": anchor.spectrum.wavelengths.nm.tolist(),
                "values": anchor.spectrum.values.tolist(),
            }
            for anchor in made.anchors
        ],
        "notes": list(made.notes),
    }
