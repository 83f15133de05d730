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


def test_limits_follow_the_description_of_the_file_format() -> None:
    """docs/models-in-and-out.md, number by number: other programs compute them from it, relative to white here."""
    sides = np.array([0.02, 0.05, 0.1]), np.array([0.03, 0.0, 0.2])
    table, nm = tables(below=sides[0], above=sides[1]), [400.0, 460.0, 500.0, 650.0, 700.0]
    spectra = np.random.default_rng(2).uniform(0, 1, (20, 5)).astype(np.float32)
    rgb = RGB * np.geomspace(0.01, 1, 20, dtype=np.float32)[:, None]

    def looked_up(values: np.ndarray, pixel: np.ndarray) -> float:
        by_brightness = [np.interp(np.log(pixel.mean()), np.log([0.03, 0.12, 0.4]), row) for row in values]
        return float(np.interp(1 - pixel.min() / pixel.max(), [0.15, 0.4, 0.7], by_brightness))

    found = table.limits(rgb, spectra, np.array(nm))
    for n, pixel in enumerate(rgb.astype(np.float64)):
        for band, at in enumerate(nm):
            value = float(spectra[n, band])
            scale = value + 0.1 * pixel.mean() + 0.0001
            low, high = (
                np.interp(at, NM, [looked_up(values, pixel) for values in side]) for side in (table.low, table.high)
            )
            below, above = (np.interp(at, NM, side) for side in sides)
            expected = max(0, value + low * scale - below), max(0, value + high * scale + above)
            np.testing.assert_allclose([found[0][n, band], found[1][n, band]], expected, rtol=1e-5, atol=1e-6)


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
