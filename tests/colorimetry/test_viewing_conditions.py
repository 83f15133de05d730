"""A white reflector stays white under every light, the default is the default camera, and metamers part."""

from dataclasses import asdict

import numpy as np
import pytest

from nesr_gui.colorimetry import cie
from nesr_gui.colorimetry.viewing_conditions import (
    CIE_1931,
    CIE_1964,
    ILLUMINANTS,
    Illuminant,
    Observer,
    ViewingConditions,
)
from nesr_gui.spectral import Spectrum, Wavelengths

FINE, BANDS = Wavelengths.from_step(400, 700, 1), cie.CAMERA_BANDS.nm
CAMERA = Observer.camera(
    "camera", [Spectrum(FINE, np.exp(-(((FINE.nm - peak) / 40) ** 2))) for peak in (600, 540, 460)]
)
LIGHTS = [
    *(Illuminant(name) for name in ILLUMINANTS),
    *(Illuminant.blackbody(kelvin) for kelvin in (1500, 3000, 25_000)),
    *(Illuminant.daylight(kelvin) for kelvin in (4000, 6504, 25_000)),
    Illuminant.measured("lamp", Spectrum(Wavelengths.from_step(380, 720, 20), np.linspace(0.1, 1, 18))),
]


@pytest.mark.parametrize("light", LIGHTS, ids=lambda light: light.name)
@pytest.mark.parametrize("observer", [CIE_1931, CIE_1964, CAMERA], ids=lambda observer: observer.name)
@pytest.mark.parametrize("nm", [FINE.nm, np.array([400.0, 403, 450, 470, 520, 540, 600, 610, 690])], ids=len)
def test_white_is_white_under_every_light(light, observer, nm):
    weights = ViewingConditions(light, observer).rgb_weights(nm)
    assert weights.shape == (len(nm), 3) and weights.dtype == np.float32
    np.testing.assert_allclose(weights.sum(0), 1, atol=2e-6)
    np.testing.assert_allclose((np.full(len(nm), 0.5) @ weights), 0.5, atol=2e-6)


def test_the_default_is_the_default_camera():
    weights = ViewingConditions.default().rgb_weights(cie.CAMERA_BANDS.nm)
    np.testing.assert_allclose(weights.T, cie.default_camera(), atol=1e-7)


def test_finer_wavelengths_say_the_same_of_smooth_spectra():
    patches = cie.colour_checker(cie.CAMERA_BANDS), cie.colour_checker(FINE)
    for light in (Illuminant("A"), Illuminant("D50"), Illuminant("LED-B3")):
        coarse, fine = (
            p @ ViewingConditions(light).rgb_weights(nm)
            for p, nm in zip(patches, (cie.CAMERA_BANDS, FINE), strict=True)
        )
        np.testing.assert_allclose(coarse, fine, atol=0.02)


LAMP = Illuminant.measured(  # of three phosphors and lines of mercury
    "lamp",
    Spectrum(
        FINE,
        sum(height * np.exp(-(((FINE.nm - nm) / 1.5) ** 2)) for nm, height in ((436, 2), (487, 1), (544, 5), (611, 6))),
    ),
)


@pytest.mark.parametrize(
    "light", [LAMP, Illuminant("FL11"), Illuminant("FL12"), Illuminant("A")], ids=lambda each: each.name
)
@pytest.mark.parametrize("nm", [BANDS, np.delete(BANDS, [4, 17]), np.linspace(400, 700, 23)], ids=len)
def test_lines_of_a_light_count_wherever_they_are_between_wavelengths(light, nm):
    """The colour of linear spectra is that by 1 nm, whose sums include every line."""
    viewing, patches = ViewingConditions(light), cie.chart_reflectances(Wavelengths(nm))
    dense = np.stack([np.interp(FINE.nm, nm, patch) for patch in patches])
    differences = cie.colour_differences(patches @ viewing.rgb_weights(nm), dense @ viewing.rgb_weights(FINE.nm))
    assert differences.max() < 0.25


def test_chart_whites_and_greys_stay_grey_where_only_the_light_changes():
    greys = cie.colour_checker(FINE)[18:23]
    for name in ("A", "D50", "D65", "FL11", "LED-B1"):
        rgb = greys @ ViewingConditions(Illuminant(name)).rgb_weights(FINE)
        assert (np.ptp(rgb, axis=1) < 0.06 * rgb.mean(1)).all()


def test_metamers_part():
    """Two reflectances of equal colour under D65 differ under A: the second adds what the default observer misses."""
    d65 = ViewingConditions.default().rgb_weights(FINE).astype(np.float64)
    bump = np.exp(-(((FINE.nm - 560) / 15) ** 2))
    unseen = bump - d65 @ np.linalg.lstsq(d65, bump, rcond=None)[0]
    pair = np.stack([np.full(301, 0.5), 0.5 + 0.4 * unseen / np.abs(unseen).max()])
    same, apart = pair @ d65, pair @ ViewingConditions(Illuminant("A")).rgb_weights(FINE)
    assert np.abs(same[0] - same[1]).max() < 1e-6 < 0.01 < np.abs(apart[0] - apart[1]).max()


def test_xyz_of_white_is_the_lights_white_point():
    x, y, z = ViewingConditions(Illuminant("A")).xyz_weights(np.arange(360.0, 831)).sum(0)
    np.testing.assert_allclose([x / (x + y + z), y / (x + y + z)], [0.44757, 0.40745], atol=2e-4)
    assert y == pytest.approx(1)
    np.testing.assert_array_equal(
        ViewingConditions(Illuminant("A"), CAMERA).xyz_weights(FINE),
        ViewingConditions(Illuminant("A"), CIE_1931).xyz_weights(FINE),
    )


@pytest.mark.parametrize("light", LIGHTS[-7:], ids=lambda light: light.name)
def test_plain_values_make_it_again(light):
    assert Illuminant(**asdict(light)) == light and hash(Illuminant(**asdict(light))) == hash(light)
    assert Observer(**asdict(CAMERA)) == CAMERA


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Illuminant("D66"), "unknown illuminant 'D66'; choose one of A, D50"),
        (lambda: Illuminant.blackbody(100), "choose 1500 to 25000 K"),
        (lambda: Illuminant.daylight(3000), "choose 4000 to 25000 K"),
        (lambda: Illuminant.measured("dark", Spectrum(FINE, np.zeros(301))), "dark emits no light"),
        (lambda: Illuminant.measured("odd", Spectrum(FINE, np.full(301, np.nan))), "odd is not a table"),
        (lambda: Observer.camera("two.csv", [Spectrum(FINE, np.ones(301))] * 2), "two.csv has 2 columns"),
        (
            lambda: ViewingConditions.default().rgb_weights([900.0, 1000.0]),
            "has no response, or not in all three channels",
        ),
        (lambda: ViewingConditions.default().xyz_weights([900.0, 1000.0]), "has no response"),
        (lambda: ViewingConditions(observer=CAMERA).rgb_weights([310.0, 320.0]), "camera has no response"),
    ],
)
def test_refusals_are_sentences(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
