"""Shared parts of commands: options, progress bars, JSON output.

`plan_options` specify what to export of an image, like the export dialog of the window; `reading_options` supply
information that a cube file lacks.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from nesr_gui.colorimetry.viewing_conditions import Illuminant
    from nesr_gui.export import ExportPlan
    from nesr_gui.fields.anchored import Anchor
    from nesr_gui.fields.protocol import SpectralField
    from nesr_gui.fields.sensor import Sensor
    from nesr_gui.io import CubeHints
    from nesr_gui.spectral import Wavelengths


FAILED, INTERRUPTED = 1, 130  # exit codes
FILE = click.Path(path_type=Path, dir_okay=False)
PATH = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path, file_okay=False)
device_option = click.option(
    "--device", default="auto", show_default=True, help="Compute device: auto, cpu, cuda or mps."
)
model_option = click.option(
    "--model", type=FILE, help="Model: a file (.safetensors), or a name that `nesr-gui models list` prints. "
    "[default: the bundled model]",
)  # fmt: skip
camera_option = click.option(
    "--camera", type=FILE, help="Camera of the photograph: a profile (.json, see calibrate-camera), a table of its "
    "sensitivities (.csv), or a file of several cameras (.npz), of which EXIF tells the model.",
)  # fmt: skip
OPTIONS = {"wavelengths": "--band-wavelengths", "band_axis": "--band-axis", "variable": "--variable"}
"""Options by the name that `AmbiguousFile` uses."""
anchor_option = click.option(
    "--anchor", "anchors", metavar="ROW,COL=FILE", multiple=True,
    help="Measured spectrum of a spot of the photograph, in source pixels: a table, ENVI library, CGATS or CxF file; "
    "FILE:NAME for one of several spectra. Repeatable; the spectra correct the whole reconstruction.",
)  # fmt: skip
READING = ("band_wavelengths", "band_axis", "quantity", "variable")
"""Parameter names of `reading_options`."""


def progress_bar(what: str) -> Any:
    """Context manager that gives a `ProgressCallback` shown as a bar; silent without a terminal."""
    from contextlib import contextmanager

    from tqdm import tqdm

    @contextmanager
    def bar() -> Any:
        with tqdm(
            total=100, desc=what, unit="%", leave=False, disable=None, bar_format="{desc} {bar} {n:.0f} %"
        ) as progress:
            yield lambda done: progress.update(100 * done - progress.n)

    return bar()


def write_json(path: Path, content: Any) -> None:
    """Write results to a JSON file for other programs; numbers that are not finite, which JSON has not, are null."""
    from nesr_gui.io.atomic import atomic_write

    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(_finite(content), indent=1, allow_nan=False), encoding="utf-8")


def _finite(content: Any) -> Any:
    """Results with None for each number that is not finite."""
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def plan_options(command: Any) -> Any:
    """Add the options that `build_plan` takes."""
    options = [
        click.option("--wavelengths", metavar="NM", help="Wavelengths in nm, start:stop:step or a list. "
                     "[default: the image's bands]"),
        click.option("--bands", type=int, metavar="N",
                     help="Number of wavelengths, evenly spaced over the image's range."),
        click.option("--sensor", metavar="BANDS", help="Integrate over sensor bands: Sentinel-2A, Sentinel-2B, "
                     "Landsat 8-9; a table of responses; or [NAME:]CENTRE/FWHM,… in nm."),
        click.option("--band-shape", type=click.Choice(["gaussian", "box"]), help="Response shape of sensor bands."),
        click.option("--light", metavar="LIGHT", help="Write radiance under a CIE illuminant (D65, FL11, LED-B3), "
                     "'daylight 5000', 'blackbody 3000', or a table of its power. [default: relative reflectance]"),
        click.option("--region", metavar="SHAPE", help="Region in source pixels: 'rectangle 10,20 50,80' "
                     "(row,column of two corners), ellipse, polygon (corners; those of a hole follow 'hole')."),
        click.option("--mask", is_flag=True, help="Omit values outside the region, within its bounding box."),
        click.option("--dtype", type=click.Choice(["float32", "float16", "uint16"]), default="float32",
                     show_default=True, help="Number format of the file."),
        click.option("--scale", type=float, default=1e-4, show_default=True,
                     help="For uint16: value = stored number * scale."),
        click.option("--error-band", is_flag=True, help="Also write the limits of the 90 % prediction interval."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def build_plan(
    wavelength_range: tuple[float, float],
    *,
    wavelengths: str | None,
    bands: int | None,
    sensor: str | None,
    band_shape: str | None,
    light: str | None,
    region: str | None,
    mask: bool,
    dtype: str,
    scale: float,
    error_band: bool,
) -> ExportPlan:
    """Export plan for an image with `wavelength_range` in nm, from the options.

    Raises:
        ValueError: options are contradictory or invalid.
    """
    from nesr_gui.export import ExportPlan
    from nesr_gui.io import StorageEncoding
    from nesr_gui.regions import Region
    from nesr_gui.spectral import Wavelengths

    exclusive = [
        f"--{name}" for name, value in (("wavelengths", wavelengths), ("bands", bands), ("sensor", sensor)) if value
    ]
    if len(exclusive) > 1:
        raise ValueError(f"{' and '.join(exclusive)} exclude each other; give one of them")
    if mask and region is None:
        raise ValueError("--mask requires a region; add --region")
    if band_shape and not sensor:
        raise ValueError("--band-shape requires a sensor; add --sensor")
    chosen: Wavelengths | Sensor | None = Wavelengths.parse(wavelengths) if wavelengths else None
    if bands is not None:
        chosen = Wavelengths.evenly_spaced(bands, *wavelength_range)
    if sensor:
        chosen = parse_sensor(sensor, band_shape)
    return ExportPlan(
        chosen,
        parse_illuminant(light) if light else None,
        Region.parse(region) if region else None,
        mask,
        StorageEncoding(dtype, scale, error_band),
    )


def parse_sensor(text: str, shape: str | None) -> Sensor:
    """Sensor by name, by a table of responses, or by a list of bands.

    Raises:
        ValueError: the text is none of these.
    """
    from nesr_gui.fields.sensor import SENSORS, BandShape, Sensor
    from nesr_gui.io.spectra.readers import read_spectra

    drawn = {"gaussian": BandShape.GAUSSIAN, "box": BandShape.BOX}.get(shape or "")
    if text in SENSORS:
        return SENSORS[text].shaped(drawn) if drawn else SENSORS[text]
    if Path(text).is_file():
        return Sensor.measured(Path(text).name, read_spectra(text))
    if "/" not in text and " " not in text.strip():
        raise ValueError(f"{text!r} is neither a sensor nor a file; choose {', '.join(SENSORS)}, or list CENTRE/FWHM,…")
    return Sensor.parse(text, drawn or BandShape.GAUSSIAN)


def parse_illuminant(text: str) -> Illuminant:
    """Illuminant by name, by temperature, or by a table of its power.

    Raises:
        ValueError: the text is none of these.
    """
    from nesr_gui.colorimetry.viewing_conditions import Illuminant
    from nesr_gui.io.spectra.readers import read_spectra

    kind, _, kelvin = text.partition(" ")
    if kind in ("daylight", "blackbody"):
        try:
            temperature = float(kelvin.rstrip(" K"))
        except ValueError:
            raise ValueError(
                f"cannot read the light {text!r}; write a temperature in kelvin, as in {kind} 5000"
            ) from None
        return Illuminant.daylight(temperature) if kind == "daylight" else Illuminant.blackbody(temperature)
    if Path(text).is_file():
        return Illuminant.measured(Path(text).name, read_spectra(text)[0])
    return Illuminant(text)


def reading_options(command: Any) -> Any:
    """Add options for information that a cube file lacks."""
    options = [
        click.option(
            "--band-wavelengths",
            metavar="NM",
            help="Wavelengths of a cube in the order of its bands, instead of those that it states: 400:700:10, "
            "700:400:-10, or a list in any order.",
        ),
        click.option("--band-axis", type=click.IntRange(0, 2), help="Axis of a cube's array that runs over the bands."),
        click.option(
            "--quantity",
            type=click.Choice(["reflectance", "radiance", "unknown"]),
            help="What the values of a cube measure.",
        ),
        click.option("--variable", metavar="NAME", help="Array to open if a file has several."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def parse_point(text: str) -> tuple[int, int]:
    """Parse `ROW,COL`.

    Raises:
        ValueError: the text does not consist of two integers.
    """
    try:
        row, col = (int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"cannot read the pixel {text!r}; write ROW,COL, as in 120,64") from None
    return row, col


def parse_anchor(text: str) -> Anchor:
    """Read an anchor from `ROW,COL=FILE` or `ROW,COL=FILE:NAME`.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: the text has another form, or the file has several spectra and none is named.
    """
    from nesr_gui.fields.anchored import Anchor
    from nesr_gui.io.spectra.readers import describe_origin, read_spectra

    place, separator, file = text.partition("=")
    if not separator or not file:
        raise ValueError(f"cannot read the anchor {text!r}; write ROW,COL=FILE, as in 120,64=leaf.csv")
    row, col = parse_point(place)
    path, name = anchor_file(file)
    found = read_spectra(path)
    chosen = [spectrum for spectrum in found if spectrum.name == name] if name else found
    if len(chosen) != 1:
        names = ", ".join(spectrum.name for spectrum in found[:8]) + (", …" if len(found) > 8 else "")
        raise ValueError(f"{path.name} has {len(found)} spectra; name one of them, as in {path.name}:NAME: {names}")
    origin = describe_origin(path.name, hashlib.sha256(path.read_bytes()).hexdigest())
    return Anchor(row, col, chosen[0], origin=origin)


def anchor_file(text: str) -> tuple[Path, str]:
    """Path and name of a spectrum, which may be empty, from `FILE` or `FILE:NAME`."""
    if not Path(text).exists() and ":" in text:
        return Path(text.rpartition(":")[0]), text.rpartition(":")[2]
    return Path(text), ""


def with_anchors(field: SpectralField, anchors: Sequence[str]) -> SpectralField:
    """A reconstruction corrected by the anchors of the command line; what does not fit is printed.

    Raises:
        ValueError: the field is not a reconstruction of a photograph, or an anchor is unusable.
    """
    if not anchors:
        return field
    from nesr_gui.fields.anchored import AnchoredField, anchored, as_anchorable

    corrected = anchored(as_anchorable(field), [parse_anchor(text) for text in anchors])
    assert isinstance(corrected, AnchoredField)
    for anchor, check in zip(corrected.anchors, corrected.checks(), strict=True):
        if doubt := check.doubt:
            click.echo(f"{anchor.spectrum.name} at row {anchor.row}, column {anchor.col}: {doubt}", err=True)
    return corrected


def check_outputs(
    outputs: Sequence[Path | None], image: Path, anchors: Sequence[str] = (), others: Sequence[Path] = ()
) -> None:
    """Check that the files a command writes replace none of those it reads; see `export.check_destination`.

    Args:
        outputs: files to write; None for those that were not asked for.
        image: the image.
        anchors: of the command line.
        others: other files that are read; folders of them are not searched.
    """
    from nesr_gui.export import check_destination

    anchored = [anchor_file(text.partition("=")[2])[0] for text in anchors]
    read = [path for path in (*anchored, *others) if path.is_file()]
    for out in outputs:
        if out is not None:
            check_destination(out, image, *read)


def open_field(
    image: Path, model: Path | None, device: str, options: dict[str, Any], camera: Path | None = None,
    anchors: Sequence[str] = (),
) -> SpectralField:  # fmt: skip
    """Field of an image: a photograph reconstructed; a cube as it is, or super-resolved if a model is given.

    Raises:
        ValueError: a camera or an anchor is given for a cube.
    """
    from nesr_gui import io

    if not io.is_photograph(image):
        if anchors:
            raise ValueError(f"{image.name} is a cube; --anchor applies to photographs")
        refuse_camera(camera, image)
        cube = io.open_cube(image, parse_hints(**options))
        return super_resolve(cube, image.name, model, device) if model else cube
    from nesr_gui.inference import engine
    from nesr_gui.inference.model import load_model
    from nesr_gui.io.photos.cameras import camera_settings

    photograph = io.read_photograph(image, camera_settings(camera, image))
    return with_anchors(engine.encode(photograph, load_model(model, device)), anchors)


def refuse_camera(camera: Path | None, image: Path) -> None:
    """Raise ValueError if a camera is given for a cube."""
    if camera is not None:
        raise ValueError(f"--camera is for photographs, and {image.name} is a cube; leave it out")


def super_resolve(
    cube: SpectralField, name: str, model: Path, device: str, max_pixels: int | None = None
) -> SpectralField:
    """Field that a model reconstructs from some bands of a cube; its notes are printed.

    Raises:
        ValueError: the cube lacks bands that the model requires.
    """
    from nesr_gui.inference import engine
    from nesr_gui.inference.model import load_model

    loaded = load_model(model, device)
    bands = loaded.read_input(cube, name, max_pixels=max_pixels)
    with progress_bar("reading the cube") as report:
        field = engine.encode(bands, loaded, progress=report)
    if notes := field.provenance.get("model_notes"):
        click.echo(notes, err=True)
    return field


def default_wavelengths(field: SpectralField) -> Wavelengths:
    """Default wavelengths: every nm of a reconstruction, the bands of a cube."""
    from nesr_gui.fields.protocol import is_linear_between_bands
    from nesr_gui.spectral import Wavelengths

    return field.bands if is_linear_between_bands(field) else Wavelengths.from_step(*field.wavelength_range, 1)


def parse_hints(
    band_wavelengths: str | None, band_axis: int | None, quantity: str | None, variable: str | None
) -> CubeHints:
    """Hints about a cube from the options."""
    from nesr_gui.io import BandPositions, CubeHints
    from nesr_gui.spectral import Quantity

    listed = BandPositions.parse(band_wavelengths) if band_wavelengths else None
    return CubeHints(listed, band_axis, Quantity[quantity.upper()] if quantity else None, variable)


def hint_option(error: Exception) -> str:
    """Option that answers an `AmbiguousFile`; empty for other errors."""
    option = OPTIONS.get(getattr(error, "field", ""))
    return f"; specify it with {option} {getattr(error, 'guess', '') or '…'}" if option else ""
