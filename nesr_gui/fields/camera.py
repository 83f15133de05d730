"""Simulated photograph of a measured cube."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry.cie import CAMERA_BANDS
from nesr_gui.colorimetry.viewing_conditions import D65, ViewingConditions
from nesr_gui.fields.protocol import ProgressCallback, SpectralField
from nesr_gui.spectral import FloatArray, ImageSource, Quantity, RGBImage, Wavelengths

MAX_LOST_RESPONSE = 0.05  # fraction of a channel's response that may lie outside the range of a cube
MOST_PIXELS = 200_000_000  # the limit of photograph files
BRIGHT = 99.9  # percentile of the pixels that the exposure makes white


def camera_bands(cube: SpectralField) -> Wavelengths:
    """Bands of the default camera that a cube covers.

    Raises:
        ValueError: it covers none of them.
    """
    low, high = cube.wavelength_range
    nm = CAMERA_BANDS.nm[(CAMERA_BANDS.nm >= low) & (CAMERA_BANDS.nm <= high)]
    if not nm.size:
        raise ValueError(
            f"this cube covers {low:g}-{high:g} nm, where a photograph has no response; open one that covers part of "
            f"{CAMERA_BANDS.nm[0]:g}-{CAMERA_BANDS.nm[-1]:g} nm"
        )
    return Wavelengths(nm)


def camera_weights(viewing: ViewingConditions, quantity: Quantity, nm: npt.ArrayLike) -> FloatArray:
    """Weights (L, 3) at wavelengths (L,) nm: values @ weights = linear sRGB.

    Radiance already contains its illuminant: it is rendered for a camera balanced for D65, to which D65 itself is
    white. Any other quantity is treated as reflectance under the illuminant of `viewing`.
    """
    if quantity is not Quantity.RADIANCE:
        return viewing.rgb_weights(nm)
    nm = np.atleast_1d(np.asarray(nm, np.float64))
    light = D65.power(nm) / D65.power(np.array([560.0]))
    return (ViewingConditions(D65, viewing.observer).rgb_weights(nm) / light[:, None]).astype(np.float32)


def lost_response(viewing: ViewingConditions, quantity: Quantity, bands: Wavelengths) -> float:
    """Fraction of the camera response outside `bands`, for the channel that loses most."""
    response = np.abs(camera_weights(viewing, quantity, CAMERA_BANDS.nm))
    covered = (CAMERA_BANDS.nm >= bands.nm[0] - 0.5) & (CAMERA_BANDS.nm <= bands.nm[-1] + 0.5)
    return float((1 - response[covered].sum(0) / response.sum(0)).max())


def render_photograph(
    cube: SpectralField, name: str, viewing: ViewingConditions | None = None, progress: ProgressCallback | None = None
) -> tuple[RGBImage, float]:
    """Render a photograph (H, W, 3) of a cube; cube values × the returned exposure have its colours.

    Reflectance is exposed so that a perfect white is white, unless more than a few pixels are brighter. Any other
    quantity is exposed so that the brightest pixels are white. `name` is the name of the cube.

    Raises:
        ValueError: the cube covers too little of the camera response, or has too many pixels.
    """
    viewing, bands = viewing or ViewingConditions.default(), camera_bands(cube)
    lost = _check_response(cube, viewing, bands)
    if (pixels := cube.shape[0] * cube.shape[1]) > MOST_PIXELS:
        raise ValueError(f"this cube has {pixels:,} pixels; a photograph can have at most {MOST_PIXELS:,}")
    light, holes = _render(cube, bands, camera_weights(viewing, cube.quantity, bands.nm), progress)
    peaks = light.max(axis=2)
    lit = peaks[peaks > 0]
    peak = float(np.percentile(lit, BRIGHT)) if lit.size else 1.0
    exposure = 1.0 if cube.quantity is Quantity.REFLECTANCE and peak <= 1 else 1 / peak
    light *= np.float32(exposure)
    outside = (light < -1e-3).any(axis=2) | (light > 1 + 1e-3).any(axis=2)
    conditions = viewing.observer.name if cube.quantity is Quantity.RADIANCE else viewing.name
    notes = [f"Rendered from the measured cube {name}: {conditions}.", *_notes(cube, exposure, lost, int(holes.sum()))]
    metadata = ("photograph_encoding", "rendered from a cube"), ("photograph_camera", conditions)
    source = ImageSource(f"{name} (photograph)", "", tuple(notes), metadata)
    return RGBImage(np.clip(light, 0, 1), source, clipped=outside | holes), exposure


def _check_response(cube: SpectralField, viewing: ViewingConditions, bands: Wavelengths) -> float:
    lost = lost_response(viewing, cube.quantity, bands)
    if lost > MAX_LOST_RESPONSE:
        low, high = cube.wavelength_range
        raise ValueError(
            f"this cube covers {low:g}-{high:g} nm, and {lost:.0%} of the response of a camera channel is outside; "
            "no photograph can be rendered, so open its photograph and compare them at the wavelengths they share"
        )
    return lost


def _render(
    cube: SpectralField, bands: Wavelengths, weights: FloatArray, progress: ProgressCallback | None
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Linear colours (H, W, 3), and which pixels have no values."""
    light, holes = np.empty((*cube.shape, 3), np.float32), np.zeros(cube.shape, bool)
    done = 0
    for block in cube.blocks(bands):
        colours = np.tensordot(block.values, weights, axes=(0, 0))
        valid = np.asarray(np.isfinite(colours).all(axis=2))
        light[block.rows, block.cols] = np.where(valid[..., None], colours, 0)
        holes[block.rows, block.cols] = ~valid
        done += valid.size
        if progress is not None:
            progress(done / holes.size)
    return light, holes


def _notes(cube: SpectralField, exposure: float, lost: float, holes: int) -> list[str]:
    notes = []
    if cube.quantity is Quantity.RADIANCE:
        notes.append("It contains radiance, which includes its light; the camera is balanced for daylight (D65).")
    elif cube.quantity is Quantity.UNKNOWN:
        notes.append("The quantity of its values is unknown; they are treated as reflectance.")
    if exposure != 1:
        notes.append(f"Its values were multiplied by {exposure:.4g}, so that its brightest pixels are white.")
    if lost > 1e-3:
        low, high = cube.wavelength_range
        notes.append(f"It covers {low:g}-{high:g} nm; {lost:.1%} of the camera response lies outside.")
    if holes:
        notes.append(f"{holes:,} of its pixels have no values and are black.")
    return notes
