"""Distances between spectra on common wavelengths: of one spectrum (L,) to many (N, L)."""

from __future__ import annotations

import enum

import numpy as np
import numpy.typing as npt

from nesr_gui import metrics
from nesr_gui.analysis.pixelwise import Doubles
from nesr_gui.colorimetry.cie import colour_differences
from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.camera import MAX_LOST_RESPONSE, camera_weights, lost_response
from nesr_gui.spectral import Quantity, Wavelengths

LEAST = 1e-6  # of the mean of a spectrum: smaller values count as this in the divergence, which needs positive ones


class Distance(enum.StrEnum):
    """How spectra are compared; the value is the name on the command line."""

    ANGLE = "angle"
    DIVERGENCE = "divergence"
    RMSE = "rmse"
    COLOUR = "colour"

    @property
    def label(self) -> str:
        """Name for tables."""
        return {
            Distance.ANGLE: "spectral angle",
            Distance.DIVERGENCE: "information divergence",
            Distance.RMSE: "RMSE after gain",
            Distance.COLOUR: "ΔE2000",
        }[self]

    @property
    def explanation(self) -> str:
        """What it means, as a sentence; none of them depends on brightness."""
        return {
            Distance.ANGLE: "Angle between the spectra as vectors, independent of brightness.",
            Distance.DIVERGENCE: "Relative entropy between the spectra as distributions, independent of brightness.",
            Distance.RMSE: "Root mean square error after the gain that makes it least.",
            Distance.COLOUR: "Colour difference under the chosen light, each spectrum scaled to the same brightness.",
        }[self]

    @property
    def unit(self) -> str:
        """Unit; empty for a number without one."""
        return "°" if self is Distance.ANGLE else ""


def spectral_angles(spectrum: npt.ArrayLike, others: npt.ArrayLike) -> Doubles:
    """Spectral angles (N,) in degrees, independent of brightness (Kruse et al. 1993, doi 10.1016/0034-4257(93)90013-N).

    90° if either spectrum is zero.
    """
    one, many = np.asarray(spectrum, np.float64), np.asarray(others, np.float64)
    return np.asarray(metrics.spectral_angle(many, one))


def information_divergences(spectrum: npt.ArrayLike, others: npt.ArrayLike) -> Doubles:
    """Spectral information divergences (N,): the symmetric relative entropy of the spectra as distributions.

    Independent of brightness (Chang 2000, doi 10.1109/18.857802). Values that are not positive count as `LEAST` of the
    mean of their spectrum; a spectrum without positive values has an infinite distance.
    """
    one, many = np.atleast_2d(np.asarray(spectrum, np.float64)), np.asarray(others, np.float64)
    p, q = _distributions(one), _distributions(many)
    with np.errstate(invalid="ignore"):
        divergence = ((p - q) * (np.log(p) - np.log(q))).sum(axis=1)
    return np.where(np.isfinite(divergence), divergence, np.inf)


def best_gains(spectrum: npt.ArrayLike, others: npt.ArrayLike) -> Doubles:
    """Factors (N,) by which the others come closest to the spectrum in the least-squares sense; at least 0."""
    one, many = np.asarray(spectrum, np.float64), np.asarray(others, np.float64)
    power = (many**2).sum(axis=1)
    gains = np.divide(many @ one, power, out=np.zeros_like(power), where=power > 0)
    return np.maximum(gains, 0)


def gained_rmse(spectrum: npt.ArrayLike, others: npt.ArrayLike) -> Doubles:
    """RMSE (N,) in the units of the spectrum after the best gain of each of the others."""
    one, many = np.asarray(spectrum, np.float64), np.asarray(others, np.float64)
    difference = best_gains(one, many)[:, None] * many - one
    return np.asarray(np.sqrt((difference**2).mean(axis=1)))


def colour_distances(
    spectrum: npt.ArrayLike,
    others: npt.ArrayLike,
    wavelengths: Wavelengths,
    viewing: ViewingConditions | None = None,
    quantity: Quantity = Quantity.REFLECTANCE,
    *,
    at_any_brightness: bool = True,
) -> Doubles:
    """ΔE2000 (N,) of the colours that an observer or a camera sees under an illuminant.

    Colours are not clipped to [0, 1]. Those of a camera are its R, G, B after white balance, which count as sRGB.

    Args:
        spectrum: (L,).
        others: (N, L).
        wavelengths: where they are known.
        viewing: illuminant and observer; by default the default camera.
        quantity: of the spectra: radiance includes its illuminant.
        at_any_brightness: whether each of the others is first scaled to the colour (linear, least squares), as the
            exposure of a photograph and the shading of its objects are unknown.

    Raises:
        ValueError: the wavelengths do not determine a colour.
    """
    viewing = viewing or ViewingConditions.default()
    check_colour(viewing, quantity, wavelengths)
    one, many = _colours(spectrum, others, wavelengths, viewing, quantity)
    if at_any_brightness:
        many = best_gains(one, many)[:, None] * many
    return colour_differences(np.broadcast_to(one, many.shape), many).astype(np.float64)


def colour_gains(
    spectrum: npt.ArrayLike,
    others: npt.ArrayLike,
    wavelengths: Wavelengths,
    viewing: ViewingConditions,
    quantity: Quantity = Quantity.REFLECTANCE,
) -> Doubles:
    """Factors (N,) by which `colour_distances` scales each of the others to the brightness of the spectrum."""
    return best_gains(*_colours(spectrum, others, wavelengths, viewing, quantity))


def _colours(
    spectrum: npt.ArrayLike,
    others: npt.ArrayLike,
    wavelengths: Wavelengths,
    viewing: ViewingConditions,
    quantity: Quantity,
) -> tuple[Doubles, Doubles]:
    """Linear colours of a spectrum (3,) and of others (N, 3)."""
    weights = camera_weights(viewing, quantity, wavelengths.nm).astype(np.float64)
    return np.asarray(spectrum, np.float64) @ weights, np.asarray(others, np.float64) @ weights


def check_colour(viewing: ViewingConditions, quantity: Quantity, wavelengths: Wavelengths) -> None:
    """Raise ValueError if wavelengths miss too much of the response of an observer to determine a colour."""
    lost = lost_response(viewing, quantity, wavelengths)
    if lost > MAX_LOST_RESPONSE:
        raise ValueError(
            f"{lost:.0%} of the response of {viewing.observer.name} lies outside {wavelengths.nm[0]:g}-"
            f"{wavelengths.nm[-1]:g} nm, which therefore do not determine a colour; a colour needs 400-700 nm"
        )


def _distributions(spectra: Doubles) -> Doubles:
    """Spectra (N, L) with a sum of 1; NaN for those without positive values."""
    mean = np.maximum(spectra, 0).mean(axis=1, keepdims=True)
    positive = np.maximum(spectra, LEAST * mean)
    with np.errstate(invalid="ignore"):
        return np.asarray(positive / positive.sum(axis=1, keepdims=True))
