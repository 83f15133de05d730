"""Sensor bands: means over responses, honest where a response leaves the field's range."""

import numpy as np
import pytest

from nesr_gui.fields.protocol import CubeField
from nesr_gui.fields.sensor import SAMPLINGS, SENSORS, BandShape, Sensor, SensorBand, SensorField
from nesr_gui.spectral import Quantity, Spectrum, Wavelengths

FINE = Wavelengths.from_step(400, 700, 1)
COARSE = Wavelengths(np.array([400.0, 437.5, 480.0, 555.5, 640.0, 700.0]))


class Asked:
    """A field that is no cube, so that it is asked at every nm."""

    def __init__(self, cube: CubeField) -> None:
        self._cube = cube

    def __getattr__(self, name: str):
        return getattr(self._cube, name)


def cube(values, bands=FINE) -> CubeField:
    return CubeField(np.asarray(values, np.float32), bands, Quantity.REFLECTANCE, {"source": "s"})


def curve(of, bands=FINE) -> CubeField:
    """A field of 2 × 3 pixels with one curve."""
    return cube(np.broadcast_to(np.asarray(of(bands.nm))[:, None, None], (len(bands), 2, 3)), bands)


def sensor(centre, fwhm, shape=BandShape.GAUSSIAN) -> Sensor:
    return Sensor("one", (SensorBand("B1", centre, fwhm, shape),))


@pytest.mark.parametrize("name", SENSORS)
@pytest.mark.parametrize("shape", [BandShape.BOX, BandShape.GAUSSIAN])
@pytest.mark.parametrize("bands", [FINE, COARSE], ids=["fine", "coarse"])
def test_bands_of_a_constant_are_the_constant(name, shape, bands):
    made = SensorField(curve(lambda nm: np.full(nm.shape, 0.37), bands), SENSORS[name].shaped(shape))
    np.testing.assert_allclose(made.cube(made.bands).values, 0.37, rtol=1e-6)


@pytest.mark.parametrize("field", [curve(lambda nm: np.sin(nm / 9)), Asked(curve(lambda nm: np.sin(nm / 9)))])
@pytest.mark.parametrize("centre", [550.0, 550.3])
def test_a_box_of_no_width_is_the_band(field, centre):
    made = SensorField(field, sensor(centre, 1e-6, BandShape.BOX))
    np.testing.assert_allclose(made.band(centre), field.band(centre), rtol=1e-5)


@pytest.mark.parametrize("shape", [BandShape.BOX, BandShape.GAUSSIAN])
@pytest.mark.parametrize("bands", [FINE, COARSE], ids=["fine", "coarse"])
@pytest.mark.parametrize("wrap", [lambda field: field, Asked], ids=["cube", "other"])
def test_means_are_those_of_a_fine_sum(shape, bands, wrap):
    band = SensorBand("B", 551.7, 33.3, shape)
    field = curve(lambda nm: np.cos(nm / 40) + nm / 500, bands)
    nm = np.arange(400, 700, 0.01) + 0.005
    response = band.response(nm)
    expected = (np.interp(nm, bands.nm, field.spectra([(0, 0)], bands)[0]) * response).sum() / response.sum()
    made = SensorField(wrap(field), Sensor("one", (band,)))
    tolerance = 1e-5 if wrap is not Asked or bands is FINE else 1e-3  # knots of the cube lie between whole nm
    np.testing.assert_allclose(made.spectra([(1, 2)], made.bands), [[expected]], rtol=tolerance)


def test_a_table_of_responses_is_a_sensor():
    nm = Wavelengths.from_step(500, 600, 5)
    triangle = Spectrum(nm, np.maximum(1 - np.abs(nm.nm - 550) / 30, -0.01), "T")
    made = Sensor.measured("t.csv", [triangle])
    assert (made.bands[0].centre, made.bands[0].fwhm) == (550, 30)
    field = curve(lambda nm: nm / 1000)
    np.testing.assert_allclose(SensorField(field, made).band(550), 0.55, rtol=1e-5)
    with pytest.raises(ValueError, match="band T has no response"):
        Sensor.measured("t.csv", [Spectrum(nm, np.zeros(21), "T")])


def test_every_reader_agrees_and_a_subset_is_itself():
    values = np.random.default_rng(0).random((301, 9, 7))
    made = SensorField(cube(values), SENSORS["Sentinel-2A"])
    whole = made.cube(made.bands, rows=slice(2, 8)).values
    points = [(2, 0), (5, 6)]
    np.testing.assert_allclose(made.spectra(points, made.bands), [whole[:, r - 2, c] for r, c in points], rtol=1e-5)
    for index, nm in enumerate(made.bands):
        np.testing.assert_allclose(made.band(nm, rows=slice(2, 8)), whole[index], rtol=1e-5)
        np.testing.assert_allclose(made.band(nm, stride=2), made.band(nm)[::2, ::2], rtol=1e-5)
    np.testing.assert_allclose(made.cube(made.bands.nm[1:3], rows=slice(2, 8)).values, whole[1:3], rtol=1e-5)
    with pytest.raises(ValueError, match=r"Sentinel-2A has no band at 500 nm; its bands are B1:442.7/21"):
        made.band(500)


def test_a_missing_value_spoils_only_the_bands_that_respond_there():
    values = np.ones((301, 1, 2))
    values[60, 0, 0] = np.nan  # 460 nm, in B2 only
    made = SensorField(cube(values), SENSORS["Sentinel-2A"])
    read = made.cube(made.bands).values
    assert np.isnan(read[:, 0, 0]).tolist() == [False, True, False, False]
    assert np.isfinite(read[:, 0, 1]).all()


def test_a_band_that_leaves_the_range_is_refused_or_said():
    field = curve(lambda nm: nm / 1000)
    with pytest.raises(ValueError, match=r"50 % of the response of band B1 \(700 nm, 20 nm wide, Gaussian\) lies out"):
        SensorField(field, sensor(700, 20))
    with pytest.raises(ValueError, match="100 % of the response"):
        SensorField(field, sensor(900, 20))
    assert SensorField(field, sensor(550, 20)).missing_text() == ""
    cut = SensorField(field, sensor(425, 20))  # the range ends at 2.9 standard deviations
    assert "B1 0.16 %" in cut.provenance["sensor_missing"]
    assert 0.425 < cut.band(425)[0, 0] < 0.4253


@pytest.mark.parametrize(
    "text",
    [
        "B2:492.4/66, B3:559.8/36",
        "B2 492.4 66\nB3 559.8 36",
        "B2\t492.4\t66\nB3\t559.8\t36\n",
        "B3:559.8/36;B2:492.4/66",
    ],
)
def test_bands_are_read_from_text(text):
    made = Sensor.parse(text, BandShape.BOX)
    assert [(band.name, band.centre, band.fwhm) for band in made.bands] == [("B2", 492.4, 66), ("B3", 559.8, 36)]
    assert Sensor.parse(str(made), BandShape.BOX) == made


@pytest.mark.parametrize("text", ["", "  ", "492.4", "B2:a/b", "492/0", "nan/3", "492/-3", "500/10, 500/20", "1/2/3/x"])
def test_other_text_is_refused_in_one_sentence(text):
    with pytest.raises(ValueError, match=r"band|bands") as caught:
        Sensor.parse(text)
    assert "\n" not in str(caught.value)


def test_presets_lie_within_the_models_range():
    for made in SENSORS.values():
        assert SensorField(curve(lambda nm: nm), made).missing_text() == ""
        assert "Landsat" in made.source or "Sentinel" in made.source
    assert [len(bands) for bands in SAMPLINGS.values()] == [31, 241, 7, 11, 16, 61]
