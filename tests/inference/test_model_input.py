"""What a model is shown of a cube."""

from __future__ import annotations

import numpy as np
import pytest

from nesr_gui.fields.protocol import Cancelled, CubeField
from nesr_gui.inference.model_input import BandInput, describe_input
from nesr_gui.spectral import Wavelengths

BANDS = Wavelengths.from_step(400, 700, 10)
SIXTEEN = Wavelengths.evenly_spaced(16)
VALUES = np.random.default_rng(0).random((31, 7, 10), np.float32)


def shown(values: np.ndarray, bands: Wavelengths = BANDS, max_pixels: int | None = None) -> BandInput:
    return BandInput.of(CubeField(values, bands), "c.h5", SIXTEEN, "sixteen", max_pixels=max_pixels)


def test_it_is_the_bands_that_the_model_sees() -> None:
    seen = shown(VALUES)
    np.testing.assert_array_equal(seen.values, VALUES[::2])
    assert (seen.shape, seen.source_shape, seen.binning, seen.source.notes) == ((7, 10), (7, 10), 1, ())
    assert seen.wavelengths is SIXTEEN


def test_a_larger_cube_is_reduced_to_means() -> None:
    seen = shown(VALUES, max_pixels=20)
    assert (seen.shape, seen.source_shape, seen.binning) == ((4, 5), (7, 10), 2)
    np.testing.assert_allclose(seen.values[:, 1, 2], VALUES[::2, 2:4, 4:6].mean((1, 2)), rtol=1e-6)
    np.testing.assert_allclose(seen.values[:, 3, 0], VALUES[::2, 6:7, 0:2].mean((1, 2)), rtol=1e-6)


def test_pixels_without_values_are_black_and_nothing_is_negative() -> None:
    values = VALUES - 0.5
    values[4, 2, 3] = np.nan
    seen = shown(values)
    assert not seen.values[:, 2, 3].any()
    rest = np.delete(seen.values.reshape(16, -1), 23, axis=1)
    np.testing.assert_array_equal(rest, np.maximum(np.delete(values[::2].reshape(16, -1), 23, axis=1), 0))
    assert seen.source.notes == ("Where c.h5 has no values (1.43% of its pixels), the model input is black.",)


def test_values_that_no_model_has_learned_from_are_told() -> None:
    (note,) = shown(4000 * VALUES / VALUES[::2].max()).source.notes
    assert note.startswith("The values of c.h5 reach 4000; models are trained on values up to 1")


@pytest.mark.parametrize(("off", "found"), [(0.04, True), (0.06, False)])
def test_a_band_that_a_file_has_rounded_is_found(off: float, found: bool) -> None:
    bands = Wavelengths(BANDS.nm + off)
    if found:
        np.testing.assert_array_equal(shown(VALUES, bands).values, VALUES[::2])
    else:
        with pytest.raises(ValueError, match="and lacks 400, 420, 440, 460 nm and 12 more"):
            shown(VALUES, bands)


def test_reading_can_be_cancelled() -> None:
    def stop(done: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        BandInput.of(CubeField(VALUES, BANDS), "c.h5", SIXTEEN, "sixteen", progress=stop)


def test_what_is_taken_in_words() -> None:
    assert (
        describe_input(SIXTEEN) == "cubes with its 16 bands, 400-700 nm by 20 nm"
        and describe_input(None) == "photographs"
    )


@pytest.mark.parametrize("values", [np.zeros((15, 2, 2)), np.full((16, 2, 2), -1), np.full((16, 2, 2), np.nan)])
def test_what_no_model_can_be_shown_is_refused(values: np.ndarray) -> None:
    with pytest.raises(ValueError, match="bands"):
        BandInput(values.astype(np.float32), SIXTEEN)
