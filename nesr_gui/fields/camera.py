"""The photograph of a measured cube: what a camera would have seen of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry.cie import CAMERA_BANDS
from nesr_gui.colorimetry.viewing_conditions import D65, ViewingConditions
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.spectral import FloatArray, ImageSource, Quantity, RGBImage, Wavelengths

LOST = 0.05  # of a channel's response that may lie outside a cube's wavelengths
MOST_PIXELS = 200_000_000  # as of a photograph's file
BRIGHT = 99.9  # per cent of the pixels that a set exposure leaves below white


def camera_bands(cube: SpectralField) -> Wavelengths:
    """Where a camera looks at a cube: the default camera's bands that it covers.

    Raises:
        ValueError: it covers none of them.
    """
    low, high = cube.wavelength_range
    nm = CAMERA_BANDS.nm[(CAMERA_BANDS.nm >= low) & (CAMERA_BANDS.nm <= high)]
    if not nm.size:
        raise ValueError(
            f"this cube covers {low:g}-{high:g} nm, where no photograph shows anything; open one that covers part of "
            f"{CAMERA_BANDS.nm[0]:g}-{CAMERA_BANDS.nm[-1]:g} nm"
        )
    return Wavelengths(nm)


def camera_weights(viewing: ViewingConditions, quantity: Quantity, nm: npt.ArrayLike) -> FloatArray:
    """(L, 3): values at wavelengths (L,) nm @ weights = linear sRGB.

    Radiance has its light in it and is put under no other: a camera balanced for D65 sees it, for which D65 itself is
    white. Whatever else is taken as reflectance, under the light of `viewing`.
    """
    if quantity is not Quantity.RADIANCE:
        return viewing.rgb_weights(nm)
    nm = np.atleast_1d(np.asarray(nm, np.float64))
    light = D65.power(nm) / D65.power(np.array([560.0]))
    return (ViewingConditions(D65, viewing.observer).rgb_weights(nm) / light[:, None]).astype(np.float32)


def lost_response(viewing: ViewingConditions, quantity: Quantity, bands: Wavelengths) -> float:
    """The share of the camera's response, of the channel that loses most, that lies outside `bands`."""
    response = np.abs(camera_weights(viewing, quantity, CAMERA_BANDS.nm))
    seen = (CAMERA_BANDS.nm >= bands.nm[0] - 0.5) & (CAMERA_BANDS.nm <= bands.nm[-1] + 0.5)
    return float((1 - response[seen].sum(0) / response.sum(0)).max())


def render_photograph(
    cube: SpectralField, name: str, viewing: ViewingConditions | None = None, progress: ProgressCallback | None = None
) -> tuple[RGBImage, float]:
    """The photograph (H, W, 3) of a cube, and the exposure: the cube's values × exposure have these colours.

    Reflectances are exposed so that a perfect white is white, unless more than a few pixels are brighter; whatever else
    so that its brightest pixels are. `name` is the cube's.

    Raises:
        ValueError: the cube leaves out too much of what a camera sees, or has too many pixels.
    """
    viewing, bands = viewing or ViewingConditions.default(), camera_bands(cube)
    lost = _checked_loss(cube, viewing, bands)
    if (pixels := cube.shape[0] * cube.shape[1]) > MOST_PIXELS:
        raise ValueError(f"this cube has {pixels:,} pixels; a photograph of at most {MOST_PIXELS:,} can be made")
    light, holes = _exposed(cube, bands, camera_weights(viewing, cube.quantity, bands.nm), progress)
    peaks = light.max(axis=2)
    peak = float(np.percentile(peaks, BRIGHT)) if peaks.max() > 0 else 1.0
    exposure = 1.0 if cube.quantity is Quantity.REFLECTANCE and peak <= 1 else 1 / max(peak, 1e-12)
    light *= np.float32(exposure)
    outside = (light < -1e-3).any(axis=2) | (light > 1 + 1e-3).any(axis=2)
    seen_by = viewing.observer.name if cube.quantity is Quantity.RADIANCE else viewing.name
    notes = [f"Rendered from the measured cube {name}: {seen_by}.", *_notes(cube, exposure, lost, int(holes.sum()))]
    understood = ("photograph_encoding", "rendered from a cube"), ("photograph_camera", seen_by)
    source = ImageSource(f"{name} (photograph)", "", tuple(notes), understood)
    return RGBImage(np.clip(light, 0, 1), source, clipped=outside | holes), exposure


def _checked_loss(cube: SpectralField, viewing: ViewingConditions, bands: Wavelengths) -> float:
    lost = lost_response(viewing, cube.quantity, bands)
    if lost > LOST:
        low, high = cube.wavelength_range
        raise ValueError(
            f"this cube covers {low:g}-{high:g} nm and {lost:.0%} of what a channel of the camera sees lies outside, "
            "so no photograph can be made of it; open its photograph and compare the two on the wavelengths they share"
        )
    return lost


def _exposed(
    cube: SpectralField, bands: Wavelengths, weights: FloatArray, progress: ProgressCallback | None
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Linear colours (H, W, 3), and which pixels have no values."""
    light, holes = np.empty((*cube.shape, 3), np.float32), np.zeros(cube.shape, bool)
    done = 0
    for block in cube.blocks(bands):
        seen = np.tensordot(block.values, weights, axes=(0, 0))
        known = np.asarray(np.isfinite(seen).all(axis=2))
        light[block.rows, block.cols] = np.where(known[..., None], seen, 0)
        holes[block.rows, block.cols] = ~known
        done += known.size
        if progress is not None:
            progress(done / holes.size)
    return light, holes


def _notes(cube: SpectralField, exposure: float, lost: float, holes: int) -> list[str]:
    notes = []
    if cube.quantity is Quantity.RADIANCE:
        notes.append("It holds radiance, which has its light in it; the camera is balanced for daylight (D65).")
    elif cube.quantity is Quantity.UNKNOWN:
        notes.append("What its numbers measure is not known; they are taken as reflectance.")
    if exposure != 1:
        notes.append(f"Its values were multiplied by {exposure:.4g}, so that its brightest pixels are white.")
    if lost > 1e-3:
        low, high = cube.wavelength_range
        notes.append(f"It covers {low:g}-{high:g} nm; {lost:.1%} of what the camera sees lies outside.")
    if holes:
        notes.append(f"{holes:,} of its pixels have no values and are black.")
    return notes
