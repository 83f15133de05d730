"""Tables of prediction intervals: they contain the prediction, and are linear between their wavelengths."""

from __future__ import annotations

import numpy as np
import pytest

from nesr_gui.fields.intervals import Intervals, bins

NM = np.array([400.0, 500.0, 700.0])
RGB = np.random.default_rng(0).uniform(0.01, 1, (20, 3)).astype(np.float32)


def tables(**parts: np.ndarray) -> Intervals:
    rng = np.random.default_rng(1)
    whole = {
        "nm": NM, "low": -rng.uniform(0, 0.5, (3, 3, 3)), "high": rng.uniform(0, 0.5, (3, 3, 3)),
        "below": np.zeros(3), "above": np.zeros(3), **parts,
    }  # fmt: skip
    return Intervals(**whole)


def test_limits_contain_the_prediction_and_are_not_negative() -> None:
    spectra = np.random.default_rng(2).uniform(0, 1, (20, 4)).astype(np.float32)
    low, high = tables().limits(RGB, spectra, np.array([400.0, 430.0, 500.0, 650.0]))
    assert (low >= 0).all() and (low <= spectra).all() and (spectra <= high).all() and (high - low).min() > 0


def test_added_widths_have_wavelengths_of_their_own() -> None:
    """Between those of the tables, too; twice is the sum."""
    at, spectra = np.array([400.0, 450.0, 475.0, 550.0, 700.0]), np.full((20, 5), 2, np.float32)
    nm, below, above = np.array([450.0, 550.0]), np.array([0.1, 0.3]), np.array([0.4, 0.0])
    before = tables().limits(RGB, spectra, at)
    for times in (1, 2):
        wide = tables()
        for _ in range(times):
            wide = wide.wider(nm, below, above)
        low, high = wide.limits(RGB, spectra, at)
        np.testing.assert_allclose(before[0] - low, times * np.tile([0.1, 0.1, 0.15, 0.3, 0.3], (20, 1)), atol=1e-6)
        np.testing.assert_allclose(high - before[1], times * np.tile([0.4, 0.4, 0.3, 0, 0], (20, 1)), atol=1e-6)


def test_groups_of_colours_share_a_weight_of_one() -> None:
    np.testing.assert_allclose(bins(RGB).sum(1), 1, rtol=1e-6)
    assert bins(RGB[:0]).shape == (0, 9)


@pytest.mark.parametrize(
    "part",
    [
        {"low": np.zeros((3, 3))},
        {"high": np.zeros((2, 3, 3))},
        {"above": np.zeros(2)},
        {"nm": NM[::-1]},
        {"low": np.full((3, 3, 3), 0.1)},
        {"high": np.full((3, 3, 3), -0.1)},
        {"below": np.full(3, -0.1)},
        {"above": np.full(3, np.inf)},
    ],
)
def test_tables_that_make_no_sense_are_refused(part: dict[str, np.ndarray]) -> None:
    with pytest.raises(ValueError, match="tables of intervals"):
        tables(**part)
