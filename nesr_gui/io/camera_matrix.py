"""From a camera's red, green and blue to the default camera's, which the models know."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry import cie
from nesr_gui.colorimetry.viewing_conditions import Observer, Viewing
from nesr_gui.spectral import Wavelengths

FIT_AT = Wavelengths.every(400, 700, 5)


@dataclass(frozen=True, eq=False)
class CameraFit:
    """default camera's RGB ≈ matrix (3, 3) @ camera's RGB; `error` is what is left, as root mean square."""

    matrix: npt.NDArray[np.float64]
    error: float
    surfaces: int

    def in_words(self, name: str) -> str:
        """A sentence for notes and files."""
        return (
            f"Colours of the camera {name} were turned into the default camera's by a matrix fitted to "
            f"{self.surfaces} surfaces of colour charts under D65; what it leaves is {self.error:.4f} of white."
        )


@lru_cache(maxsize=8)
def camera_matrix(camera: Observer) -> CameraFit:
    """The matrix that comes nearest over the colour charts' surfaces, under D65, white staying white.

    Both cameras are balanced: a perfect white reflector is (1, 1, 1) to either. Least squares of linear light, with
    the rows of the matrix summing to 1 (the white point preserving fit of Finlayson and Drew, 1997).

    Raises:
        ValueError: the camera sees nothing of one of its channels between 400 and 700 nm.
    """
    surfaces = cie.chart_reflectances(FIT_AT)  # (N, L)
    theirs = (surfaces @ Viewing(observer=camera).weights(FIT_AT.nm)).astype(np.float64)  # (N, 3)
    ours = (surfaces @ Viewing.default().weights(FIT_AT.nm)).astype(np.float64)
    # rows that sum to 1 are 1 = a + b + c: with c = 1 - a - b two unknowns are left, of differences to blue
    free = theirs[:, :2] - theirs[:, 2:]
    solved = np.linalg.lstsq(free, ours - theirs[:, 2:], rcond=None)[0].T  # (3, 2)
    matrix = np.column_stack([solved, 1 - solved.sum(axis=1)])
    error = float(np.sqrt(np.mean((theirs @ matrix.T - ours) ** 2)))
    return CameraFit(matrix, error, len(surfaces))
