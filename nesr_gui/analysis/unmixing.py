"""How much: linear unmixing of spectra into endmembers, with abundances that are not negative and may sum to one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from nesr_gui.analysis.pixelwise import Bools, Doubles, Layer, at_wavelengths
from nesr_gui.spectral import FloatArray, Spectrum, Wavelengths

MOST_ENDMEMBERS = 30
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
            raise ValueError(f"{len(endmembers)} endmembers given; 2 to {MOST_ENDMEMBERS} can be unmixed")
        self.names = tuple(spectrum.name or f"endmember {n}" for n, spectrum in enumerate(endmembers, 1))
        self.wavelengths, self.sums_to_one = wavelengths, sums_to_one
        self.endmembers = at_wavelengths(endmembers, wavelengths, "endmember").astype(np.float64)  # (K, L)
        self._check_independence()
        error = Layer("error (RMSE)", difference=math.inf)
        self.layers = (*(Layer(name, difference=difference) for name in self.names), error)

    def values(self, spectra: FloatArray) -> FloatArray:
        """Abundances of each endmember, and the RMSE of the mixture, (K + 1, …), of spectra (L, …)."""
        flat = spectra.reshape(len(self.wavelengths), -1).astype(np.float64)
        values = np.full((len(self.names) + 1, flat.shape[1]), np.nan)
        valid = np.isfinite(flat).all(axis=0)
        measured = flat[:, valid]
        abundances = self.abundances(measured)
        error = np.sqrt(((self.endmembers.T @ abundances - measured) ** 2).mean(axis=0))
        values[:, valid] = np.concatenate([abundances, error[None]])
        return values.astype(np.float32).reshape(-1, *spectra.shape[1:])

    def abundances(self, spectra: Doubles) -> Doubles:
        """Abundances (K, n) of finite spectra (L, n)."""
        gram, products = self.endmembers @ self.endmembers.T, self.endmembers @ spectra
        return _ActiveSet(gram, products, self.sums_to_one).solve()

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
        self._tolerance = _TOLERANCE * max(float(np.abs(gram).max()), float(np.abs(products).max(initial=0.0)))
        count, pixels = products.shape
        self._solution = np.zeros((count, pixels))
        self._used: Bools = np.zeros((count, pixels), bool)  # the endmembers that may be above 0
        if sums_to_one and pixels:  # begin with the single endmember that is nearest
            nearest = (np.diag(gram)[:, None] / 2 - products).argmin(axis=0)
            self._solution[nearest, np.arange(pixels)] = 1
            self._used[nearest, np.arange(pixels)] = True

    def solve(self) -> Doubles:
        """The minimisers (K, n)."""
        count, pixels = self._products.shape
        active = np.arange(pixels)
        for _ in range(3 * count * count + 10):  # each step lowers the objective; far fewer are needed
            gradient = self._products[:, active] - self._gram @ self._solution[:, active]
            used = self._used[:, active]
            if self._sums_to_one:  # on the simplex only differences from the used endmembers count
                gradient = gradient - (gradient * used).sum(axis=0) / used.sum(axis=0)
            gradient[used] = -np.inf
            best = gradient.argmax(axis=0)
            improves = gradient[best, np.arange(active.size)] > self._tolerance
            active, best = active[improves], best[improves]
            if not active.size:
                return self._solution
            self._used[best, active] = True
            self._descend(active)
        return self._solution

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
