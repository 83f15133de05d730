"""Measured scenes to learn from and to be judged by: spectra, the photograph the default camera takes, the charts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry import cie
from nesr_gui.spectral import FloatArray


@dataclass(frozen=True, eq=False)
class Scene:
    """A scene on `cie.CAMERA_BANDS`: cube (31, H, W), and the box of its colour chart where it has one."""

    name: str
    cube: FloatArray
    chart: tuple[int, int, int, int] | None = None  # y0, y1, x0, x1

    def photograph(self, *, eight_bit: bool) -> FloatArray:
        """Linear sRGB (H, W, 3) of the default camera, through 8-bit sRGB codes where a file is meant."""
        rgb = cie.render_camera_rgb(np.moveaxis(self.cube, 0, -1))
        return quantised(rgb) if eight_bit else rgb

    def outside_chart(self) -> npt.NDArray[np.bool_]:
        """(H, W), True where the colour chart is not."""
        return outside(self.chart, self.cube.shape[1:])


def outside(box: tuple[int, int, int, int] | None, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """(H, W), True where a box (y0, y1, x0, x1) is not."""
    mask = np.ones(shape, bool)
    if box:
        mask[box[0] : box[1], box[2] : box[3]] = False
    return mask


def quantised(rgb: FloatArray, codes: int = 255) -> FloatArray:
    """Linear sRGB as it comes back from an sRGB file of codes 0 to `codes`."""
    return cie.decode_srgb(np.round(cie.encode_srgb(rgb) * codes) / codes)
