"""What several commands share: their options, progress on the terminal, figures as JSON.

`plan_options` say what of an image is exported and how, the window's export dialog as words; `reading_options` what the
file of a cube leaves open.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from nesr_gui.colorimetry.viewing_conditions import Illuminant
    from nesr_gui.export import ExportPlan
    from nesr_gui.fields.protocol import SpectralField
    from nesr_gui.fields.sensor import Sensor
    from nesr_gui.io import CubeHints
    from nesr_gui.spectral import Wavelengths


FAILED, INTERRUPTED = 1, 130  # exit codes
FILE = click.Path(path_type=Path, dir_okay=False)
PATH = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path, file_okay=False)
device_option = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
model_option = click.option("--model", type=FILE, help="Model file (.safetensors); by default the embedded one.")
OPTIONS = {"wavelengths": "--band-wavelengths", "band_axis": "--band-axis", "variable": "--variable"}
"""By what `AmbiguousFile` calls the answer."""
READING = ("band_wavelengths", "band_axis", "quantity", "variable")
"""What `reading_options` are called where they arrive."""


def progress_bar(what: str) -> Any:
    """A bar on the terminal whose context value is a `Progress`; nothing where no terminal watches."""
    from contextlib import contextmanager

    from tqdm import tqdm

    @contextmanager
    def bar() -> Any:
        with tqdm(
            total=100, desc=what, unit="%", leave=False, disable=None, bar_format="{desc} {bar} {n:.0f} %"
        ) as shown:
            yield lambda done: shown.update(100 * done - shown.n)

    return bar()


def write_json(path: Path, content: Any) -> None:
    """Write figures for other programs."""
    from nesr_gui.io.atomic import atomic_write

    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")


def plan_options(command: Any) -> Any:
    """What `planned` understands, as options."""
    said = [
        click.option("--wavelengths", metavar="NM", help="start:stop:step or a list. [default: the image's bands]"),
        click.option("--bands", type=int, metavar="N", help="So many wavelengths, evenly over the image's range."),
        click.option("--sensor", metavar="BANDS", help="Sentinel-2A, Sentinel-2B, Landsat 8-9; a table of responses; "
                     "or [NAME:]CENTRE/FWHM,… in nm: bands that are integrated."),
        click.option("--band-shape", type=click.Choice(["gaussian", "box"]), help="Of a sensor's bands."),
        click.option("--light", metavar="LIGHT", help="Write radiance under a CIE illuminant (D65, FL11, LED-B3), "
                     "'daylight 5000', 'blackbody 3000', or a table of its power. [default: relative reflectance]"),
        click.option("--region", metavar="SHAPE", help="Only a part, in pixels of the source: 'rectangle 10,20 50,80' "
                     "(row,column of two corners), ellipse, polygon."),
        click.option("--mask", is_flag=True, help="No values outside the region, within the box around it."),
        click.option("--dtype", type=click.Choice(["float32", "float16", "uint16"]), default="float32",
                     show_default=True, help="Numbers of the file."),
        click.option("--scale", type=float, default=1e-4, show_default=True, help="Of uint16: value = number * scale."),
        click.option("--error-band", is_flag=True, help="Also the lower and upper ends of the 90 % interval."),
    ]  # fmt: skip
    for option in reversed(said):
        command = option(command)
    return command


def planned(
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
    """The plan that the options say, for an image of a wavelength range in nm.

    Raises:
        ValueError: they contradict each other or make no sense.
    """
    from nesr_gui.export import ExportPlan
    from nesr_gui.io import StorageEncoding
    from nesr_gui.regions import Region
    from nesr_gui.spectral import Wavelengths

    given = [
        f"--{name}" for name, value in (("wavelengths", wavelengths), ("bands", bands), ("sensor", sensor)) if value
    ]
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)} are given; give one of them")
    if mask and region is None:
        raise ValueError("--mask leaves out what is outside a region; say which with --region")
    if band_shape and not sensor:
        raise ValueError("--band-shape is of the bands of a sensor; say which with --sensor")
    chosen: Wavelengths | Sensor | None = Wavelengths.parse(wavelengths) if wavelengths else None
    if bands is not None:
        chosen = Wavelengths.evenly_spaced(bands, *wavelength_range)
    if sensor:
        chosen = asked_sensor(sensor, band_shape)
    return ExportPlan(
        chosen,
        asked_light(light) if light else None,
        Region.parse(region) if region else None,
        mask,
        StorageEncoding(dtype, scale, error_band),
    )


def asked_sensor(text: str, shape: str | None) -> Sensor:
    """A sensor by its name, by a table of responses, or by a list of bands."""
    from nesr_gui.fields.sensor import SENSORS, BandShape, Sensor
    from nesr_gui.io.spectra.readers import read_spectra

    drawn = {"gaussian": BandShape.GAUSSIAN, "box": BandShape.BOX}.get(shape or "")
    if text in SENSORS:
        return SENSORS[text].shaped(drawn) if drawn else SENSORS[text]
    if Path(text).is_file():
        return Sensor.measured(Path(text).name, read_spectra(text))
    if "/" not in text and " " not in text.strip():
        raise ValueError(f"there is no sensor and no file {text!r}; choose {', '.join(SENSORS)}, or list CENTRE/FWHM,…")
    return Sensor.parse(text, drawn or BandShape.GAUSSIAN)


def asked_light(text: str) -> Illuminant:
    """A light by its name, by its temperature, or by a table of its power."""
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
        return super_resolve(cube, image.name, model, device)[0] if model else cube
    from nesr_gui.inference import engine
    from nesr_gui.inference.model import load_model

    return engine.encode(io.read_photograph(image), load_model(model, device))


def super_resolve(
    cube: SpectralField, name: str, model: Path, device: str, max_pixels: int | None = None
) -> tuple[SpectralField, int]:
    """What a model makes of the bands that it sees of a cube, and how many pixels of that stand along one of its own.

    What has to be known of it goes to the terminal.
    """
    from nesr_gui.inference import engine
    from nesr_gui.inference.model import load_model

    loaded = load_model(model, device)
    seen = loaded.read_input(cube, name, max_pixels=max_pixels)
    with progress_bar("reading the cube") as report:
        field = engine.encode(seen, loaded, progress=report)
    if told := field.provenance.get("model_notes"):
        click.echo(told, err=True)
    return field, seen.binning


def usual_wavelengths(field: SpectralField) -> Wavelengths:
    """Every nm of a reconstruction; of a cube its own bands."""
    from nesr_gui.fields.protocol import CubeField
    from nesr_gui.spectral import Wavelengths

    return field.wavelengths if isinstance(field, CubeField) else Wavelengths.from_step(*field.wavelength_range, 1)


def asked_reading(
    band_wavelengths: str | None, band_axis: int | None, quantity: str | None, variable: str | None
) -> CubeHints:
    """What the options say of a cube."""
    from nesr_gui.io import CubeHints
    from nesr_gui.spectral import Quantity, Wavelengths

    listed = Wavelengths.parse(band_wavelengths) if band_wavelengths else None
    return CubeHints(listed, band_axis, Quantity[quantity.upper()] if quantity else None, variable)


def advice(error: Exception) -> str:
    """How to answer what an `AmbiguousFile` asks; nothing for other errors."""
    option = OPTIONS.get(getattr(error, "field", ""))
    return f"; say it with {option} {getattr(error, 'guess', '') or '…'}" if option else ""
