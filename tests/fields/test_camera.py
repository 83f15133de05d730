"""The photograph of a cube is what the default camera makes of its reflectances."""

from __future__ import annotations

import numpy as np
import pytest

from nesr_gui.colorimetry.cie import render_camera_rgb
from nesr_gui.colorimetry.viewing_conditions import D65, Illuminant, ViewingConditions
from nesr_gui.fields.camera import camera_weights, render_photograph
from nesr_gui.fields.protocol import Cancelled, CubeField
from nesr_gui.spectral import Quantity, Wavelengths

BANDS = Wavelengths.from_step(400, 700, 10)
RNG = np.random.default_rng(2)
VALUES = RNG.random((31, 6, 8), np.float32)


def cube(values: np.ndarray, quantity: Quantity = Quantity.REFLECTANCE, bands: Wavelengths = BANDS) -> CubeField:
    return CubeField(values.astype(np.float32), bands, quantity)


def test_reflectances_are_exposed_as_the_models_were_trained() -> None:
    made, exposure = render_photograph(cube(0.8 * VALUES), "leaf.h5")
    np.testing.assert_allclose(made.values, render_camera_rgb(np.moveaxis(0.8 * VALUES, 0, -1)), atol=2e-6)
    assert exposure == 1 and made.source.name == "leaf.h5 (photograph)" and "leaf.h5" in made.source.notes[0]


def test_another_light_is_another_photograph() -> None:
    made, _ = render_photograph(cube(VALUES), "", ViewingConditions(Illuminant("A")))
    assert np.abs(made.values - render_photograph(cube(VALUES), "")[0].values).max() > 0.01
    assert "A, CIE 1931 2°" in made.source.notes[0]


def test_radiance_is_put_under_no_light() -> None:
    lit = cube(VALUES * D65.power(BANDS.nm)[:, None, None], Quantity.RADIANCE)
    made, exposure = render_photograph(lit, "")
    reflected = render_camera_rgb(np.moveaxis(VALUES, 0, -1))
    scale = made.values.max() / reflected.max()
    np.testing.assert_allclose(made.values, np.clip(reflected * scale, 0, 1), atol=5e-3)  # D65 itself is white
    np.testing.assert_array_equal(made.values, render_photograph(lit, "", ViewingConditions(Illuminant("A")))[0].values)
    weights = camera_weights(ViewingConditions.default(), Quantity.RADIANCE, BANDS.nm)
    np.testing.assert_allclose(D65.power(BANDS.nm) / 100 @ weights, 1, rtol=1e-4)
    assert exposure < 1 and any("radiance" in note for note in made.source.notes)


def test_percent_and_counts_are_exposed() -> None:
    made, exposure = render_photograph(cube(100 * VALUES), "")
    assert exposure == pytest.approx(0.012, rel=0.1) and made.values.max() == pytest.approx(1, abs=0.01)
    assert any("multiplied by" in note for note in made.source.notes)
    dark, exposure = render_photograph(cube(0.01 * VALUES, Quantity.UNKNOWN), "")
    assert exposure > 50 and any("unknown" in note for note in dark.source.notes)
    black, _ = render_photograph(cube(0 * VALUES, Quantity.UNKNOWN), "")
    assert black.values.max() == 0


def test_a_small_object_on_black_is_exposed_as_it_is_alone() -> None:
    values = np.zeros((31, 300, 300), np.float32)
    values[:, 100:106, 100:108] = 0.01 * VALUES
    made, exposure = render_photograph(cube(values, Quantity.UNKNOWN), "")
    assert exposure == pytest.approx(render_photograph(cube(0.01 * VALUES, Quantity.UNKNOWN), "")[1])
    assert 0.3 < np.median(made.values[100:106, 100:108]) < 0.9


def test_pixels_without_values_are_black_and_told() -> None:
    holed = VALUES.copy()
    holed[3, 1, 2] = np.nan
    made, _ = render_photograph(cube(0.8 * holed), "")
    assert (
        made.values[1, 2].max() == 0 and made.clipped[1, 2] and any("1 of its pixels" in n for n in made.source.notes)
    )


def test_what_lies_outside_the_camera_is_left_out_or_refused() -> None:
    wide = Wavelengths.from_step(380, 900, 10)
    made, _ = render_photograph(cube(np.full((len(wide), 2, 2), 0.5), bands=wide), "")
    np.testing.assert_allclose(made.values, 0.5, atol=1e-6)
    narrow, _ = render_photograph(cube(VALUES[2:29], bands=Wavelengths(BANDS.nm[2:29])), "")
    assert any("420-680 nm" in note for note in narrow.source.notes)
    with pytest.raises(ValueError, match="450-600 nm"):
        render_photograph(cube(VALUES[5:21], bands=Wavelengths(BANDS.nm[5:21])), "")
    with pytest.raises(ValueError, match="800-1100 nm"):
        render_photograph(cube(VALUES, bands=Wavelengths.from_step(800, 1100, 10)), "")


def test_it_tells_its_progress_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nesr_gui.fields.protocol.BLOCK_VALUES", 31 * 8)
    told: list[float] = []

    def stop(fraction: float) -> None:
        told.append(fraction)
        if fraction > 0.4:
            raise Cancelled

    with pytest.raises(Cancelled):
        render_photograph(cube(VALUES), "", progress=stop)
    assert told == sorted(told) and 0.4 < told[-1] < 0.9
