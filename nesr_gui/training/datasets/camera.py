"""The photographs of a data set: published with it, or rendered from its cubes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry import cie
from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.photos.decode import decode
from nesr_gui.spectral import FloatArray, Wavelengths

MIN_CORRELATION = 0.3  # of the green channel and a cube, below which they show different things
STRIDE = 4  # between the pixels that are compared


@dataclass(frozen=True)
class Camera:
    """The origin of photographs: published files, or the CIE 1931 2° observer.

    Args:
        light: `given` for published files, `D65` for reflectances lit by D65, `none` for radiances, which include their
            light already.
        note: appended to the description.
    """

    light: Literal["given", "D65", "none"]
    note: str = ""

    def __str__(self) -> str:
        """The description in tables and manifests."""
        if self.light == "given":
            return f"the given photographs, codes over full scale, unchanged{self.note}"
        lit = "under D65" if self.light == "D65" else "of the radiance as it is, no light added"
        return (
            f"rendered: CIE 1931 2° observer {lit}, linear sRGB, each channel 1 for a flat spectrum of 1, clipped to "
            f"[0, 1], not quantised{self.note}"
        )

    def sensitivities(self, bands: Wavelengths) -> npt.NDArray[np.float64]:
        """The matrix (3, L) from spectra on evenly spaced bands to linear RGB; every row sums to 1."""
        nm, matching = cie.colour_matching(2)
        observer = np.stack([np.interp(bands.nm, nm, column) for column in matching.T])  # (3, L)
        if self.light == "D65":
            observer = observer * np.interp(bands.nm, *cie.illuminant("D65"))
        rgb = cie.xyz_to_linear_srgb() @ observer
        return np.asarray(rgb / rgb.sum(axis=1, keepdims=True))

    def expose(self, cube: FloatArray, bands: Wavelengths) -> FloatArray:
        """Render the photograph (H, W, 3) of a cube (L, H, W): linear RGB, clipped to [0, 1]."""
        rgb = np.tensordot(self.sensitivities(bands).astype(np.float32), cube, axes=1)
        return np.ascontiguousarray(np.clip(np.moveaxis(rgb, 0, -1), 0, 1))


def read_photograph(path: Path, cube: CubeField) -> FloatArray:
    """Read a published photograph: its codes over full scale (H, W, 3), which its authors left linear.

    Args:
        path: the image file.
        cube: the cube of the same scene, to check that it matches.

    Raises:
        ValueError: the file is not an RGB image of the size of the cube, or shows something else.
    """
    stored = decode(path).stored
    pixels = stored.pixels
    if pixels.shape[:2] != cube.shape or pixels.shape[2] < 3:
        size, expected = (f"{shape[1]} x {shape[0]}" for shape in (pixels.shape, cube.shape))
        raise ValueError(f"{path.name} has {size} pixels; expected RGB of {expected}, as its cube has")
    rgb = (pixels[:, :, :3] / np.float32(stored.white)).astype(np.float32)
    middle = float(cube.wavelengths.nm[len(cube.wavelengths) // 2])
    seen, measured = rgb[::STRIDE, ::STRIDE, 1], cube.band(middle, stride=STRIDE)
    if (
        min(seen.std(), measured.std()) > 0
        and (found := np.corrcoef(seen.ravel(), measured.ravel())[0, 1]) < MIN_CORRELATION
    ):
        raise ValueError(
            f"{path.name} does not show what its cube shows (green and {middle:g} nm correlate by {found:.2f}); "
            "expected a photograph of the same scene, the same way up"
        )
    return rgb
