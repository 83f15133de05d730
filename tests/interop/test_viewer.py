"""The kernel's side of the notebook viewer; what the page sends is set as its messages set it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nesr_gui.fields.protocol import CubeField
from nesr_gui.fields.sensor import Sensor, SensorField
from nesr_gui.spectral import Quantity, Wavelengths

pytest.importorskip("anywidget")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def field() -> CubeField:
    values = np.random.default_rng(0).random((31, 30, 40)).astype(np.float32)
    values[5, 3, 3] = np.nan
    return CubeField(values, Wavelengths.from_step(400, 700, 10), Quantity.REFLECTANCE)


def image(viewer: Any) -> np.ndarray:
    shape = [-(-size // viewer.stride) for size in viewer.shape]
    return np.frombuffer(viewer.band, np.uint8).reshape(shape)


def curves(viewer: Any) -> np.ndarray:
    return np.frombuffer(viewer.curves, "<f4").reshape(len(viewer.points), -1)


def test_the_band_follows_the_slider(field: CubeField) -> None:
    viewer = field.view(nm=500)
    low, high = viewer.limits
    assert low == 0 and 0.9 < high < 1
    for nm in (500.0, 612.5):
        viewer.set_state({"nm": nm})  # as a message of the page does
        expected = np.clip(field.band(nm) / high, 0, 1) * 255
        np.testing.assert_allclose(image(viewer), np.nan_to_num(expected), atol=0.51)
        assert viewer.shown_nm == nm
    viewer.set_state({"nm": 900.0})
    assert viewer.nm == viewer.shown_nm == 700


def test_a_click_adds_a_spectrum(field: CubeField) -> None:
    viewer = field.view(points=[(2, 3)])
    viewer.set_state({"picked": [29, 39]})
    assert viewer.points == [(2, 3), (29, 39)]
    nm = np.frombuffer(viewer.curve_nm, "<f4")
    np.testing.assert_allclose(curves(viewer), field.spectra([(2, 3), (29, 39)], nm), atol=1e-5)
    viewer.set_state({"picked": [2, 3]})
    assert viewer.points == [(29, 39), (2, 3)], "a pixel has one curve"
    viewer.set_state({"picked": [30, 0]})
    assert len(viewer.points) == 2, "a pixel outside has none"
    for col in range(12):
        viewer.set_state({"picked": [5, col]})
    assert len(viewer.points) == 8 and len(curves(viewer)) == 8
    viewer.set_state({"points": []})
    assert viewer.curves == b""


def test_a_pixel_can_be_clicked_again_after_clear(field: CubeField) -> None:
    viewer = field.view()
    for _ in range(2):
        viewer.set_state({"picked": [2, 3]})
        assert viewer.points == [(2, 3)] and viewer.picked == [], "the page announces only what changes"
        viewer.set_state({"points": []})


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"nm": 900}, "this image covers 400-700 nm; asked for 900 nm"),
        ({"nm": float("nan")}, "expected at least one finite wavelength"),
        ({"points": [(0, 0), (30, 0)]}, "rows 0-29 and columns 0-39; asked for row 30, column 0"),
        ({"points": [(1.7, 2)]}, r"expected \(N, 2\) integers"),
    ],
)
def test_a_view_of_what_is_outside_is_refused(field: CubeField, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        field.view(**options)


def test_a_field_of_sensor_bands_is_shown_at_its_bands(field: CubeField) -> None:
    bands = SensorField(field, Sensor.parse("b:450/40, g:550/40, r:650/40"))
    viewer = bands.view(points=[(3, 4)])
    assert viewer.nm == viewer.shown_nm == 550
    np.testing.assert_array_equal(np.frombuffer(viewer.curve_nm, "<f4"), [450, 550, 650])
    np.testing.assert_allclose(curves(viewer), bands.spectra([(3, 4)], bands.bands), rtol=1e-6)
    for asked, nm in ((560.0, 550), (610.0, 650), (400.0, 450)):
        answers = viewer.answers
        viewer.set_state({"nm": asked})
        assert viewer.nm == viewer.shown_nm == nm and viewer.answers > answers


class Failing(CubeField):
    """A field whose file cannot be read any more."""

    error: Exception | None = None

    def _read(self, *window: slice) -> Any:
        if self.error is not None:
            raise self.error
        return super()._read(*window)


def test_the_page_is_told_why_there_is_no_band(field: CubeField) -> None:
    failing = Failing(field._values, field.bands, field.quantity)
    viewer = failing.view(nm=500, points=[(2, 3)])
    for row, error in enumerate((OSError("the disk was taken away"), KeyError("band"))):
        failing.error, answers = error, viewer.answers
        with pytest.raises(type(error)):
            viewer.set_state({"nm": viewer.nm + 10})
        assert viewer.answers > answers and viewer.failure == str(error.args[0]) and not image(viewer).any()
        with pytest.raises(type(error)):
            viewer.set_state({"picked": [row, 6]})
        assert viewer.curves == b"" and viewer.points[-1] == (row, 6)
    failing.error = None
    viewer.set_state({"nm": 600.0})
    assert viewer.failure == "" and image(viewer).any()


def test_a_large_field_is_sent_reduced() -> None:
    field = CubeField(np.ones((2, 1500, 700), np.float32), Wavelengths(np.array([500.0, 600.0])))
    viewer = field.view()
    assert viewer.stride == 3 and image(viewer).shape == (500, 234)
    assert len(viewer.colours) == 3 * np.prod(viewer.colours_shape)


def test_a_constant_or_empty_field_has_a_range() -> None:
    for value in (0.0, np.nan, -1.0):
        field = CubeField(np.full((1, 3, 4), value, np.float32), Wavelengths(np.array([500.0])))
        low, high = field.view().limits
        assert high > low
