"""Unmixing is exact: it equals an exhaustive search over all sets of endmembers, and SciPy's NNLS."""

from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import nnls

from nesr_gui.analysis.maps import compute_map
from nesr_gui.analysis.unmixing import Unmixing
from nesr_gui.spectral import Spectrum, Wavelengths
from tests.analysis.scenes import BANDS, chart_spectra, field_of, mixed_cube


def exhaustive(endmembers: np.ndarray, spectrum: np.ndarray) -> np.ndarray:
    """The best mixture that sums to 1: the least-squares solution of every set of endmembers, if none is negative."""
    count, best, found = len(endmembers), np.inf, np.zeros(len(endmembers))
    for size in range(1, count + 1):
        for chosen in combinations(range(count), size):
            members = endmembers[list(chosen)]
            base, rest = members[0], members[1:] - members[0]
            shares = np.linalg.lstsq(rest.T, spectrum - base, rcond=None)[0] if size > 1 else np.zeros(0)
            abundances = np.concatenate([[1 - shares.sum()], shares])
            error = ((members.T @ abundances - spectrum) ** 2).sum()
            if (abundances >= 0).all() and error < best - 1e-15:
                best, found = error, np.zeros(count)
                found[list(chosen)] = abundances
    return found


def random_spectra(count: int, seed: int = 0) -> np.ndarray:
    """Spectra (L, n): mixtures with noise, pure endmembers, black, and some that are far from any mixture."""
    chance, members = np.random.default_rng(seed), np.stack([s.values for s in chart_spectra()]).astype(float)
    mixed = members.T @ chance.dirichlet(np.full(len(members), 0.5), count).T
    mixed += chance.normal(0, 0.02, mixed.shape)
    return np.concatenate([mixed, members.T, np.zeros((31, 1)), 2 * chance.random((31, 20))], axis=1)


@pytest.mark.parametrize("count", [2, 4, 6])  # all sets of few endmembers are tried at once
def test_abundances_that_sum_to_one_equal_an_exhaustive_search(count):
    unmixing, spectra = Unmixing(chart_spectra(count), BANDS), random_spectra(60)
    found = unmixing.abundances(spectra)
    expected = np.stack([exhaustive(unmixing.endmembers, spectrum) for spectrum in spectra.T], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-7)
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-9)
    assert (expected == 0).any(axis=0).mean() > 0.5  # the constraint matters in these pixels


@pytest.mark.parametrize("count", [2, 3, 4, 6])
def test_abundances_with_any_sum_equal_those_of_scipy(count):
    unmixing, spectra = Unmixing(chart_spectra(count), BANDS, sums_to_one=False), random_spectra(200, 1)
    expected = np.stack([nnls(unmixing.endmembers.T, spectrum)[0] for spectrum in spectra.T], axis=1)
    np.testing.assert_allclose(unmixing.abundances(spectra), expected, atol=1e-7)


@pytest.mark.parametrize("sums_to_one", [True, False])
def test_many_endmembers_meet_the_conditions_of_a_minimum(sums_to_one):
    """The gradient is the same for all endmembers in a mixture, and no larger for the others (Karush-Kuhn-Tucker)."""
    chance = np.random.default_rng(3)
    bands = Wavelengths.evenly_spaced(61)
    members = [Spectrum(bands, chance.random(61), str(at)) for at in range(12)]
    unmixing, spectra = Unmixing(members, bands, sums_to_one=sums_to_one), chance.random((61, 500))
    found = unmixing.abundances(spectra)
    gradient = unmixing.endmembers @ (spectra - unmixing.endmembers.T @ found)
    level = np.where(found > 0, gradient, -np.inf).max(axis=0) if sums_to_one else 0.0
    np.testing.assert_allclose(np.where(found > 0, gradient - level, 0), 0, atol=1e-8)
    assert (gradient - level <= 1e-8).all()


@pytest.mark.parametrize("value", [-9999.0, 65535.0, 1e20])
@pytest.mark.parametrize("sums_to_one", [True, False])
@pytest.mark.parametrize("count", [3, 6, 8])
def test_a_defective_pixel_does_not_change_the_abundances_of_others(count, sums_to_one, value):
    members = [Spectrum(BANDS, np.random.default_rng(at).random(31), str(at)) for at in range(count)]
    unmixing, spectra = Unmixing(members, BANDS, sums_to_one=sums_to_one), random_spectra(100)
    alone = unmixing.abundances(spectra)
    together = unmixing.abundances(np.concatenate([np.full((31, 1), value), spectra], axis=1))
    np.testing.assert_allclose(together[:, 1:], alone, atol=1e-9)


def test_the_map_holds_abundances_and_the_error_of_the_mixture():
    values = mixed_cube()
    values[3, 2, 1] = np.nan
    unmixing = Unmixing(chart_spectra(), BANDS)
    made = compute_map(field_of(values), unmixing)
    assert [layer.name for layer in made.layers] == [f"patch {at}" for at in range(6)] + ["error (RMSE)"]
    rebuilt = np.tensordot(unmixing.endmembers.T, made.values[:6].astype(float), axes=1)
    error = np.sqrt(((rebuilt - values) ** 2).mean(axis=0))
    np.testing.assert_allclose(made.values[6], error, atol=1e-6)
    assert np.isnan(made.values[:, 2, 1]).all() and np.isfinite(made.values).sum() == 7 * (24 * 31 - 1)


@pytest.mark.parametrize("sums_to_one", [True, False])
def test_endmembers_that_are_mixtures_of_others_are_named(sums_to_one):
    one, two, *_ = chart_spectra()
    mixture = Spectrum(BANDS, 0.3 * one.values + 0.7 * two.values, "grey")
    with pytest.raises(ValueError, match=r"the endmember grey is a mixture of the ones before it at these 31"):
        Unmixing([one, two, mixture], BANDS, sums_to_one=sums_to_one)
    brighter = Spectrum(BANDS, 1.5 * one.values, "bright")
    if sums_to_one:  # shades of one material are different points, and different mixtures
        assert Unmixing([one, brighter], BANDS).abundances(1.25 * one.values[:, None]).ravel() == pytest.approx(
            [0.5, 0.5]
        )
    else:
        with pytest.raises(ValueError, match="the endmember bright is a mixture"):
            Unmixing([one, brighter], BANDS, sums_to_one=False)


def test_bad_endmembers_are_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"2 to 30 endmembers can be unmixed, and 1 is given; choose"):
        Unmixing(chart_spectra(1), BANDS)
    short = Spectrum(Wavelengths.from_step(450, 700, 10), np.ones(26), "short")
    with pytest.raises(ValueError, match=r"the endmember short covers 450-700 nm, but 400-700 nm is analysed"):
        Unmixing([*chart_spectra(2), short], BANDS)
