"""A measured cube as a field: linear between its bands, exact on them, read as it is asked."""

import numpy as np
import pytest

from nesr_gui.fields import protocol as field_module
from nesr_gui.fields.protocol import CubeField, iter_tiles, validate_points
from nesr_gui.spectral import Quantity, Wavelengths

BANDS = Wavelengths(np.array([400.0, 410.0, 450.0, 520.0]))


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).lognormal(size=(4, 7, 9)).astype(np.float32)


@pytest.fixture
def field(values) -> CubeField:
    return CubeField(values, BANDS, Quantity.RADIANCE)


def test_stored_bands_come_back_to_the_bit(field, values):
    np.testing.assert_array_equal(field.cube(BANDS).values, values)
    for nm, band in zip(BANDS, values, strict=True):
        np.testing.assert_array_equal(field.band(nm), band)


def test_a_missing_band_does_not_spoil_its_neighbours(values):
    values[1] = np.nan
    field = CubeField(values, BANDS)
    assert np.isfinite(field.band(400)).all()
    assert np.isfinite(field.band(450)).all()
    assert np.isnan(field.band(405)).all()


@pytest.mark.parametrize("nm", [400.0, 405.0, 449.9, 519.0])
def test_linear_between_bands_for_every_reader(field, values, nm):
    expected = np.apply_along_axis(lambda curve: np.interp(nm, BANDS.nm, curve), 0, values)
    np.testing.assert_allclose(field.band(nm), expected, rtol=1e-5)
    np.testing.assert_array_equal(field.cube([nm]).values[0], field.band(nm))
    np.testing.assert_array_equal(field.spectra([(6, 8), (2, 3)], [nm])[:, 0], field.band(nm)[[6, 2], [8, 3]])


def test_strides_windows_and_blocks_are_parts_of_the_same_cube(field, monkeypatch):
    whole = field.cube([401.0, 520.0]).values
    np.testing.assert_array_equal(field.band(401, stride=3), whole[0, ::3, ::3])
    window = field.cube([401.0, 520.0], rows=slice(2, 5), cols=slice(4, 9)).values
    np.testing.assert_array_equal(window, whole[:, 2:5, 4:9])
    monkeypatch.setattr(field_module, "BLOCK_VALUES", 40)
    assert len(list(field.blocks([401.0, 520.0]))) > 5
    np.testing.assert_array_equal(field.cube([401.0, 520.0]).values, whole)


def test_one_band_answers_at_its_wavelength_only(values):
    field = CubeField(values[:1], Wavelengths(np.array([500.0])))
    np.testing.assert_array_equal(field.band(500), values[0])
    with pytest.raises(ValueError, match="covers 500-500 nm; asked for 501 nm"):
        field.band(501)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([(7, 0)], "rows 0-6 and columns 0-8; asked for row 7, column 0"),
        ([(0, -1)], "column -1"),
        ([(0.5, 1.0)], "integers"),
        ([(1, 2, 3)], "expected"),
    ],
)
def test_points_outside_are_refused(field, points, message):
    with pytest.raises(ValueError, match=message):
        validate_points(field, points)


@pytest.mark.parametrize("window", [slice(3, 3), slice(9, None), slice(0, 6, 2)])
def test_empty_and_stepped_windows_are_refused(field, window):
    with pytest.raises(ValueError, match="non-empty slice of step 1"):
        field.band(500, rows=window)


def test_cube_refuses_what_would_not_fit_and_names_blocks(field, monkeypatch):
    monkeypatch.setattr(field_module, "MAX_CUBE_BYTES", 1000)
    with pytest.raises(ValueError, match=r"blocks\(\)"):
        field.cube(BANDS)


def test_mismatched_cube_is_refused(values):
    with pytest.raises(ValueError, match="does not match 3 wavelengths"):
        CubeField(values, Wavelengths(BANDS.nm[:3]))


@pytest.mark.parametrize("most", [1, 5, 9, 20, 1000])
def test_tiles_cover_a_window_once(most):
    seen = np.zeros((12, 14), int)
    for rows, cols in iter_tiles(slice(2, 11), slice(3, 12), most):
        assert seen[rows, cols].size <= most
        seen[rows, cols] += 1
    assert seen[2:11, 3:12].min() == seen.max() == 1
    assert seen.sum() == 81
