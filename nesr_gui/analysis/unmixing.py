"""How much: linear unmixing of spectra into endmembers, with abundances that are not negative and may sum to one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from nesr_gui.analysis.pixelwise import Bools, Doubles, Layer, at_wavelengths
from nesr_gui.spectral import FloatArray, Spectrum, Wavelengths

MOST_ENDMEMBERS = 30
_FEW_ENDMEMBERS = 4  # up to which all sets of endmembers are tried, which is faster
_TOLERANCE = 1e-10  # of the largest product of spectra: gradients below count as zero
_LEAST_INDEPENDENCE = 1e-6  # ratio of singular values below which endmembers count as mixtures of one another


class Unmixing:
    """Abundances of endmembers, and the error of the mixture, as a `PixelAnalysis`.

    The abundances minimise the squared difference between a spectrum and the sum of abundance × endmember. They are at
    least 0, and sum to 1 if `sums_to_one` (fully constrained least squares, Heinz and Chang 2001, doi
    10.1109/36.911111). Without that, endmembers may be darker or brighter in a pixel, by shading for example. The
    solution is exact: an active-set method like that of Lawson and Hanson, for all pixels at once; pixels with the same
    set of endmembers are solved together (Van Benthem and Keenan 2004, doi 10.1002/cem.889).

    Args:
        endmembers: pure spectra, in the units of the image.
        wavelengths: where spectra are compared.
        sums_to_one: whether the abundances of a pixel sum to 1.
        difference: the abundance difference asked about; None for the contrast of each map.

    Raises:
        ValueError: there are fewer than 2 or more than 30 endmembers, one does not cover the wavelengths, or one is a
            mixture of others.
    """

    def __init__(
        self,
        endmembers: Sequence[Spectrum],
        wavelengths: Wavelengths,
        *,
        sums_to_one: bool = True,
        difference: float | None = None,
    ) -> None:
        if not 2 <= len(endmembers) <= MOST_ENDMEMBERS:
            given = f"{len(endmembers)} {'is' if len(endmembers) == 1 else 'are'} given"
            choose = "choose spectra of further materials" if len(endmembers) < 2 else "leave some out"
            raise ValueError(f"2 to {MOST_ENDMEMBERS} endmembers can be unmixed, and {given}; {choose}")
        self.names = tuple(spectrum.name or f"endmember {n}" for n, spectrum in enumerate(endmembers, 1))
        self.wavelengths, self.sums_to_one = wavelengths, sums_to_one
        self.endmembers = at_wavelengths(endmembers, wavelengths, "endmember").astype(np.float64)  # (K, L)
        self._check_independence()
        error = Layer("error (RMSE)", difference=math.inf)
        self.layers = (*(Layer(name, difference=difference) for name in self.names), error)

    def values(self, spectra: FloatArray) -> FloatArray:
        """Abundances of each endmember, and the RMSE of the mixture, (K + 1, …), of spectra (L, …)."""
        flat = spectra.reshape(len(self.wavelengths), -1).astype(np.float64)
        values = self.values_of(self.weights @ flat)
        values[-1] = np.sqrt(((self.endmembers.T @ values[:-1] - flat) ** 2).mean(axis=0))
        return values.reshape(-1, *spectra.shape[1:])

    @property
    def weights(self) -> Doubles:
        """The endmembers (K, L), whose products with a spectrum decide on its abundances."""
        return self.endmembers

    def values_of(self, features: Doubles) -> FloatArray:
        """Abundances of each endmember, and NaN for the RMSE, (K + 1, …), of products with the endmembers (K, …)."""
        products = features.reshape(len(self.names), -1)
        values = np.full((len(self.names) + 1, products.shape[1]), np.nan, np.float32)
        valid = np.isfinite(products).all(axis=0)
        if valid.all():
            values[:-1] = self._abundances(products)
        else:
            values[:-1, valid] = self._abundances(products[:, valid])
        return values.reshape(-1, *features.shape[1:])

    def abundances(self, spectra: Doubles) -> Doubles:
        """Abundances (K, n) of finite spectra (L, n)."""
        return self._abundances(self.endmembers @ spectra)

    def _abundances(self, products: Doubles) -> Doubles:
        return _ActiveSet(self.endmembers @ self.endmembers.T, products, self.sums_to_one).solve()

    def describe(self) -> dict[str, str]:
        """See `PixelAnalysis.describe`."""
        sums = "sum to 1" if self.sums_to_one else "with any sum"
        return {
            "analysis": f"linear unmixing into {', '.join(self.names)} at {self.wavelengths}",
            "abundances": f"not negative, {sums}; the last layer is the error of the mixture (RMSE)",
        }

    def _check_independence(self) -> None:
        """Raise ValueError if an endmember is a mixture of others, so that abundances are not determined."""
        for count in range(1, len(self.names) + 1):
            rows = self.endmembers[:count]
            if self.sums_to_one:  # affine independence
                rows = rows[1:] - rows[0]
            if not len(rows):
                continue
            norms = np.linalg.norm(rows, axis=1, keepdims=True)
            singular = np.linalg.svd(rows / np.where(norms > 0, norms, 1), compute_uv=False)
            is_full = len(rows) <= rows.shape[1] and (norms > 0).all() and singular[-1] > _LEAST_INDEPENDENCE
            if not is_full:
                raise ValueError(
                    f"the endmember {self.names[count - 1]} is a mixture of the ones before it at these "
                    f"{len(self.wavelengths)} wavelengths; leave one out, or use more wavelengths"
                )


class _ActiveSet:
    """Minimises ½ aᵀ G a - cᵀ a for a ≥ 0, and with a sum of 1 if asked, for every column c.

    Args:
        gram: G (K, K), positive definite (on differences, if the sum is fixed).
        products: c (K, n).
        sums_to_one: whether the sum is fixed.
    """

    def __init__(self, gram: Doubles, products: Doubles, sums_to_one: bool) -> None:
        self._gram, self._products, self._sums_to_one = gram, products, sums_to_one
        self._tolerance = _TOLERANCE * np.maximum(np.abs(gram).max(), np.abs(products).max(axis=0))  # (n,)
        self._solution = np.zeros(products.shape)
        self._used: Bools = np.zeros(products.shape, bool)  # the endmembers that may be above 0

    def solve(self) -> Doubles:
        """The minimisers (K, n)."""
        count, pixels = self._products.shape
        active = self._try_all() if count <= _FEW_ENDMEMBERS else np.arange(pixels)
        if self._sums_to_one and active.size:  # begin with the single endmember that is nearest
            nearest = (np.diag(self._gram)[:, None] / 2 - self._products[:, active]).argmin(axis=0)
            self._solution[nearest, active] = 1
            self._used[nearest, active] = True
        for _ in range(3 * count * count + 10):  # each step lowers the objective; far fewer are needed
            gradient = self._products[:, active] - self._gram @ self._solution[:, active]
            used = self._used[:, active]
            if self._sums_to_one:  # on the simplex only differences from the used endmembers count
                gradient = gradient - (gradient * used).sum(axis=0) / used.sum(axis=0)
            gradient[used] = -np.inf
            best = gradient.argmax(axis=0)
            improves = gradient[best, np.arange(active.size)] > self._tolerance[active]
            active, best = active[improves], best[improves]
            if not active.size:
                return self._solution
            self._used[best, active] = True
            self._descend(active)
        return self._solution

    def _try_all(self) -> npt.NDArray[np.int64]:
        """Solve for every set of endmembers, and keep the solutions that meet the conditions of a minimum.

        Returns:
            The pixels without one, because of rounding.
        """
        active, products = np.arange(self._products.shape[1]), self._products
        for chosen, others in _sets(len(products), least=1 if self._sums_to_one else 0):
            solver = self._solver(self._gram[np.ix_(chosen, chosen)])
            matrix, offset = np.zeros((len(products),) * 2), np.zeros((len(products), 1))
            # abundances of the chosen, and how much the objective would rise with each of the others
            offset[chosen] = solver(np.zeros((len(chosen), 1)))
            matrix[np.ix_(chosen, chosen)] = solver(np.eye(len(chosen))) - offset[chosen]
            slopes = self._gram[:, chosen] @ matrix[chosen] - np.eye(len(products))
            slope = self._gram[:, chosen] @ offset[chosen]
            if self._sums_to_one:  # the same for all that are chosen
                slopes, slope = slopes - slopes[chosen[0]], slope - slope[chosen[0]]
            matrix[others], offset[others] = slopes[others], slope[others]
            found = matrix @ products + offset
            found[others] += self._tolerance[active]
            is_minimum = found.min(axis=0) >= 0
            self._solution[np.ix_(chosen, active[is_minimum])] = found[np.ix_(chosen, is_minimum)]
            active, products = active[~is_minimum], products[:, ~is_minimum]
            if not active.size:
                break
        return active

    def _descend(self, pixels: npt.NDArray[np.int64]) -> None:
        """Move to the minimum over the used endmembers; those that would become negative are no longer used."""
        while pixels.size:
            wanted = self._minimum(pixels)
            used, now = self._used[:, pixels], self._solution[:, pixels]
            blocked = used & (wanted <= 0)
            is_reached = ~blocked.any(axis=0)
            self._solution[:, pixels[is_reached]] = wanted[:, is_reached]
            pixels, now, wanted, blocked = (
                pixels[~is_reached], now[:, ~is_reached], wanted[:, ~is_reached], blocked[:, ~is_reached],
            )  # fmt: skip
            way = now - wanted
            shares = np.where(blocked, np.divide(now, way, out=np.zeros_like(way), where=way > 0), np.inf)
            share = shares.min(axis=0)  # of the way that can be gone until the first of them is 0
            self._solution[:, pixels] = np.maximum(now + share * (wanted - now), 0)
            leaves = blocked & (shares <= share + 1e-12)
            self._used[:, pixels] &= ~leaves

    def _minimum(self, pixels: npt.NDArray[np.int64]) -> Doubles:
        """Unconstrained minimum (K, m) over the used endmembers of each pixel, whatever the sign."""
        used = self._used[:, pixels]
        wanted = np.zeros(used.shape)
        codes = (1 << np.arange(len(used), dtype=np.int64)) @ used
        for code in np.unique(codes).tolist():
            members = np.flatnonzero(codes == code)
            chosen = np.flatnonzero(used[:, members[0]])
            if not chosen.size:
                continue
            gram, products = self._gram[np.ix_(chosen, chosen)], self._products[np.ix_(chosen, pixels[members])]
            wanted[np.ix_(chosen, members)] = self._solver(gram)(products)
        return wanted

    def _solver(self, gram: Doubles) -> Callable[[Doubles], Doubles]:
        """Function that gives the minima (P, m) of products (P, m)."""
        if not self._sums_to_one:
            return lambda products: np.asarray(np.linalg.solve(gram, products), np.float64)
        size = len(gram)
        scale = np.trace(gram) / size  # so that the two parts of the matrix have similar magnitudes
        system = np.block([[gram, np.full((size, 1), scale)], [np.full((1, size), scale), np.zeros((1, 1))]])

        def solve(products: Doubles) -> Doubles:
            sums = np.full((1, products.shape[1]), scale)
            return np.asarray(np.linalg.solve(system, np.concatenate([products, sums]))[:size], np.float64)

        return solve


def _sets(count: int, least: int) -> Iterator[tuple[list[int], list[int]]]:
    """Yield all sets of at least `least` of `count` endmembers, the largest first, and the others."""
    everything = range(count)
    for size in range(count, least - 1, -1):
        for chosen in combinations(everything, size):
            yield list(chosen), [each for each in everything if each not in chosen]
