"""The HTML of a field: valid, of the colours of the field, and cheap."""

from __future__ import annotations

import base64
import io
import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from nesr_gui.colorimetry.viewing_conditions import Illuminant
from nesr_gui.fields.illuminated import illuminate
from nesr_gui.fields.protocol import CubeField
from nesr_gui.fields.sensor import Sensor, SensorField
from nesr_gui.interop.html import SIDE, describe, thumbnail
from nesr_gui.spectral import Quantity, Wavelengths
from tests.io.cubes.test_cubes import Doubtful

BANDS = Wavelengths.from_step(400, 700, 10)


def cube(shape: tuple[int, int] = (300, 400), kind: type[CubeField] = CubeField, **options: Any) -> CubeField:
    """A cube whose left half reflects only long wavelengths, and whose right half only short ones."""
    values = np.zeros((31, *shape), np.float32)
    values[20:, :, : shape[1] // 2] = 0.8
    values[:8, :, shape[1] // 2 :] = 0.8
    return kind(values, BANDS, Quantity.REFLECTANCE, **options)


def parsed(html: str) -> ElementTree.Element:
    return ElementTree.fromstring(html)


def test_the_picture_has_the_colours_of_the_field() -> None:
    picture = thumbnail(cube())
    assert max(picture.shape) <= SIDE and picture.shape == (100, 134, 3)
    red, blue = picture[50, 20].astype(int), picture[50, 120].astype(int)
    assert red[0] > red[2] + 100 and blue[2] > blue[0] + 100
    html = parsed(describe(cube()))
    image = html.find(".//{*}image")
    assert image is not None
    data = base64.b64decode(image.attrib["href"].partition(",")[2])
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), picture)
    assert abs(float(image.attrib["width"]) / float(image.attrib["height"]) - 400 / 300) < 0.02


def test_the_facts_are_named_and_escaped() -> None:
    provenance = {"model": "nesr-lean", "model_sha256": "ab", "photograph": "<b>&.png"}
    html = describe(cube(kind=Doubtful, provenance=provenance))
    rows = {row[0].text: row[1].text for row in parsed(html).iter("tr")}
    assert rows["photograph"] == "<b>&.png" and rows["model"] == "nesr-lean"
    assert rows["values"] == "relative reflectance, estimated"
    assert rows["size"] == "400 × 300 pixels" and rows["interval"] == "90 %"
    assert rows["wavelengths"] == "400-700 nm; 31 bands, 400-700 nm by 10 nm"


def test_the_curves_are_those_of_the_marked_pixels() -> None:
    curves = [
        path.attrib["d"] for path in parsed(describe(cube())).findall(".//{*}path") if path.attrib["fill"] == "none"
    ]
    heights = [[float(y) for y in re.findall(r" ([\d.]+)", curve)] for curve in curves[1:]]
    assert len(heights) == 3 and all(len(line) == 61 for line in heights)
    assert heights[0][-1] < heights[0][0] and heights[2][-1] > heights[2][0]  # upwards is smaller


@pytest.mark.parametrize(
    ("bands", "quantity"),
    [
        (Wavelengths.from_step(1000, 1300, 100), Quantity.RADIANCE),
        (Wavelengths.from_step(755, 780, 5), Quantity.REFLECTANCE),
        (Wavelengths(np.array([550.0])), Quantity.UNKNOWN),
    ],
)
def test_any_cube_has_a_representation(bands: Wavelengths, quantity: Quantity) -> None:
    values = np.full((len(bands), 3, 2), 1e5, np.float32)
    values[0, 0, 0], values[-1, 1:, :] = np.nan, np.inf
    html = describe(CubeField(values, bands, quantity))
    assert "nan" not in html and "inf" not in re.sub("base64,[^']*", "", html)
    parsed(html)


def test_the_light_of_a_picture_is_taken_once() -> None:
    grey = CubeField(np.full((31, 4, 6), 0.5, np.float32), BANDS, Quantity.REFLECTANCE)
    for light in ("D65", "A"):
        red, _, blue = thumbnail(illuminate(grey, Illuminant(light)))[0, 0].astype(int)
        assert abs(red - blue) < 5 if light == "D65" else red > blue + 50


def test_a_field_of_sensor_bands_is_drawn_at_its_bands() -> None:
    bands = SensorField(cube(), Sensor.parse("b:450/40, g:550/40, r:650/40"))
    curves = [path.attrib["d"] for path in parsed(describe(bands)).findall(".//{*}path")]
    assert [curve.count(".") // 2 for curve in curves[1:]] == [3, 3, 3]


def test_a_large_cube_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    size, read, real = [0], CubeField._read, np.zeros((31, 2000, 1500), np.float32)

    def counted(self: CubeField, *window: slice) -> Any:
        values = read(self, *window)
        size[0] += values.size
        return values

    monkeypatch.setattr(CubeField, "_read", counted)
    CubeField(real, BANDS, Quantity.REFLECTANCE)._repr_html_()
    assert size[0] < 16 * SIDE * SIDE + 1000
