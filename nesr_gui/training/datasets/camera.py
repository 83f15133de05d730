"""How the photographs of a data set come about: given with it, or rendered from its cubes."""

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

ALIKE = 0.3  # correlation of green below which a photograph and a cube show different things
COARSE = 4  # of whose pixels every so many are compared


@dataclass(frozen=True)
class Camera:
    """Where photographs are from: `given` files, or the CIE 1931 2° observer under a light or under none.

    A reflectance is lit by D65. A radiance holds its light already and is never multiplied by another.
    """

    light: Literal["given", "D65", "none"]
    note: str = ""

    def __str__(self) -> str:
        """For tables and manifests."""
        if self.light == "given":
            return f"the given photographs, codes over full scale as they stand{self.note}"
        lit = "under D65" if self.light == "D65" else "of the radiance as it is, no light added"
        return (
            f"rendered: CIE 1931 2° observer {lit}, linear sRGB, each channel 1 for a flat spectrum of 1, clipped to "
            f"[0, 1], not quantised{self.note}"
        )

    def sensitivities(self, bands: Wavelengths) -> npt.NDArray[np.float64]:
        """(3, L) on even bands: linear RGB = sensitivities @ spectrum; every row sums to 1."""
        nm, matching = cie.colour_matching(2)
        observer = np.stack([np.interp(bands.nm, nm, column) for column in matching.T])  # (3, L)
        if self.light == "D65":
            observer = observer * np.interp(bands.nm, *cie.illuminant("D65"))
        rgb = cie.xyz_to_linear_srgb() @ observer
        return np.asarray(rgb / rgb.sum(axis=1, keepdims=True))

    def expose(self, cube: FloatArray, bands: Wavelengths) -> FloatArray:
        """Photograph a cube (L, H, W): linear RGB (H, W, 3) in [0, 1]."""
        rgb = np.tensordot(self.sensitivities(bands).astype(np.float32), cube, axes=1)
        return np.ascontiguousarray(np.clip(np.moveaxis(rgb, 0, -1), 0, 1))


def given(path: Path, cube: CubeField) -> FloatArray:
    """A photograph of a data set: its codes over full scale (H, W, 3), which its makers left linear.

    Raises:
        ValueError: it is no RGB of the cube's size, or shows something else than the cube.
    """
    stored = decode(path).stored
    pixels = stored.pixels
    if pixels.shape[:2] != cube.shape or pixels.shape[2] < 3:
        size, expected = (f"{shape[1]} x {shape[0]}" for shape in (pixels.shape, cube.shape))
        raise ValueError(f"{path.name} has {size} pixels; expected RGB of {expected}, as its cube has")
    rgb = (pixels[:, :, :3] / np.float32(stored.white)).astype(np.float32)
    middle = float(cube.wavelengths.nm[len(cube.wavelengths) // 2])
    seen, measured = rgb[::COARSE, ::COARSE, 1], cube.band(middle, stride=COARSE)
    if min(seen.std(), measured.std()) > 0 and (found := np.corrcoef(seen.ravel(), measured.ravel())[0, 1]) < ALIKE:
        raise ValueError(
            f"{path.name} does not show what its cube shows (green and {middle:g} nm correlate by {found:.2f}); "
            "expected a photograph of the same scene, the same way up"
        )
    return rgb
