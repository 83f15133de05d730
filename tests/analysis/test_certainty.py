"""Thresholds that make pixels certain: those at which the map, computed by itself, abstains no more."""

import numpy as np
import pytest

from nesr_gui.analysis.certainty import measure_certainty
from nesr_gui.analysis.classification import Classification, MatchedFilter, SpectralAngleMapper
from nesr_gui.analysis.maps import compute_map
from nesr_gui.fields.protocol import Cancelled
from tests.analysis.scenes import BANDS, UncertainCube, chart_spectra, field_of, mixed_cube

VALUES = mixed_cube(40, 33)
WIDTHS = np.tile(np.linspace(0.001, 0.08, 33), (40, 1))
SPECTRA = chart_spectra(3)


def certain_share(field, scoring, threshold):
    """Share of the pixels with a class in which the map of this threshold does not abstain."""
    made = compute_map(field, Classification(scoring, threshold))
    known = np.isfinite(made.values[0])
    return ((made.values[0] > 0) & known & ~made.abstained()).sum() / known.sum()


@pytest.mark.parametrize("method", ["angle", "filter"])
def test_shares_are_those_of_the_map_at_every_threshold(method):
    values = VALUES.copy()
    values[4, 3, 2] = np.nan
    field = UncertainCube(values, WIDTHS)
    scoring = SpectralAngleMapper(SPECTRA, BANDS) if method == "angle" else MatchedFilter.fit(field, SPECTRA, BANDS)
    found = measure_certainty(field, scoring)
    assert found.used == 40 * 33 - 1 and 0.02 < found.most < 0.95
    for threshold in (5.0, 12.0, 16.0, 25.0, 180.0) if method == "angle" else (0.9, 0.5, 0.2, 0.0, -100.0):
        assert found.share(threshold) == pytest.approx(certain_share(field, scoring, threshold), abs=2e-3), threshold
    assert found.share(180.0 if method == "angle" else -100.0) == found.most
    for share in (0.01, found.most / 2, found.most):
        strictest = found.strictest(share)
        assert found.share(strictest) >= share
        beyond = np.nextafter(np.float32(strictest), np.float32(-np.inf if method == "angle" else np.inf))
        assert found.share(float(beyond)) < share
    with pytest.raises(ValueError, match=r"no threshold makes 100\.0% of the pixels certain; \d+\.\d% at most"):
        found.strictest(1.0)


def test_wide_intervals_make_no_pixel_certain():
    found = measure_certainty(UncertainCube(VALUES, np.full((40, 33), 1.0)), SpectralAngleMapper(SPECTRA, BANDS))
    assert found.most == 0 == found.share(180.0)
    narrow = measure_certainty(UncertainCube(VALUES, np.zeros((40, 33))), SpectralAngleMapper(SPECTRA, BANDS))
    assert narrow.most == 1


def test_measured_cubes_have_no_certainty():
    assert measure_certainty(field_of(VALUES), SpectralAngleMapper(SPECTRA, BANDS)) is None


def test_a_sample_is_enough_and_can_be_cancelled():
    field, scoring = UncertainCube(VALUES, WIDTHS), SpectralAngleMapper(SPECTRA, BANDS)
    found = measure_certainty(field, scoring, sample=400)
    assert found.used == 20 * 17
    part = measure_certainty(UncertainCube(VALUES[:, ::2, ::2], WIDTHS[::2, ::2]), scoring)
    np.testing.assert_array_equal(found.needed, part.needed)

    def stop(fraction):
        raise Cancelled

    with pytest.raises(Cancelled):
        measure_certainty(field, scoring, progress=stop)
