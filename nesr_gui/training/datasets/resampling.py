"""Resampling of an instrument's bands to other bands, by integrating over the response of each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from nesr_gui.spectral import FloatArray, Wavelengths

SAMPLES = 3  # smallest width of an integrated band, in bands of the instrument
EXACT = 1e-3  # nm within which two bands are equal


@dataclass(frozen=True)
class BandShape:
    """The spectral response of a band: a box, or a Gaussian.

    The width does not depend on the number of bands, so the truth at a wavelength is a single number.

    Args:
        kind: shape of the response.
        width: width of the box, or full width at half maximum of the Gaussian, in nm.

    Raises:
        ValueError: there is no such kind, or the width is not positive and finite.
    """

    kind: Literal["gaussian", "box"] = "gaussian"
    width: float = 10.0

    def __post_init__(self) -> None:
        if self.kind not in ("gaussian", "box") or not 0 < self.width < math.inf:
            raise ValueError(
                f"a {self.kind} band of {self.width:g} nm was requested; choose gaussian or box, and a width"
            )

    def below(self, distance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The share of the response at wavelengths below centre + `distance` nm, for any array of distances."""
        if self.kind == "box":
            return np.clip(distance / self.width + 0.5, 0, 1)
        scale = 2 * math.sqrt(math.log(2)) / self.width
        return np.vectorize(lambda at: 0.5 * (1 + math.erf(at * scale)), otypes=[float])(distance)


def weights(native: Wavelengths, wanted: Wavelengths, shape: BandShape) -> FloatArray:
    """The matrix (wanted, native) that resamples spectra of an instrument to other bands.

    Bands of a fine instrument are integrated: each of its samples represents the wavelengths nearest to it, and the
    part of a response outside the instrument's range is left out. Bands of a coarse instrument are selected.

    Args:
        native: bands of the instrument.
        wanted: bands to compute.
        shape: their response.

    Raises:
        ValueError: a band is outside the range, or the instrument is too coarse and has no such band.
    """
    if wanted.nm[0] < native.nm[0] - EXACT or wanted.nm[-1] > native.nm[-1] + EXACT:
        raise ValueError(
            f"its bands cover {native.nm[0]:g}-{native.nm[-1]:g} nm; "
            f"{wanted.nm[0]:g}-{wanted.nm[-1]:g} nm was requested, so choose wavelengths inside"
        )
    gaps = np.diff(native.nm, prepend=2 * native.nm[0] - native.nm[min(1, len(native) - 1)])
    if len(native) > 1 and shape.width >= SAMPLES * np.median(gaps):
        ends = [native.nm[0] - gaps[0] / 2, native.nm[-1] + gaps[-1] / 2]
        borders = np.concatenate([ends[:1], (native.nm[1:] + native.nm[:-1]) / 2, ends[1:]])
        shares = np.diff(shape.below(borders - wanted.nm[:, None]), axis=1)
        return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
    same = abs(wanted.nm[:, None] - native.nm) < EXACT
    if not same.any(axis=1).all():
        raise ValueError(
            f"its {len(native)} bands are too coarse for {len(wanted)} bands from {wanted.nm[0]:g} to "
            f"{wanted.nm[-1]:g} nm; finer measurements, or bands that it has, are needed"
        )
    return same.astype(np.float32)
