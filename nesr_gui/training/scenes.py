"""Measured scenes for training and testing, and their photographs as files store them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from nesr_gui.colorimetry import cie
from nesr_gui.spectral import FloatArray, Wavelengths

BORDER = 4  # pixels along the edges of a scene that may be dead on the sensor, as all of CAVE's are


@dataclass(frozen=True, eq=False)
class Scene:
    """A measured scene that the default camera photographs.

    Args:
        name: of the scene.
        cube: reflectance (31, H, W) on `cie.CAMERA_BANDS`.
        chart: the box (y0, y1, x0, x1) of its colour chart, which is neither trained nor tested on; None without one.
    """

    name: str
    cube: FloatArray
    chart: tuple[int, int, int, int] | None = None

    @property
    def sha256(self) -> str:
        """SHA-256 of the cube and the box of the chart, 64 hexadecimal digits."""
        digest = hashlib.sha256(self.cube.tobytes())
        digest.update(repr(self.chart).encode())
        return digest.hexdigest()

    def photograph(self, *, eight_bit: bool) -> FloatArray:
        """Linear sRGB (H, W, 3) of the default camera, quantised to 8-bit sRGB codes on request."""
        rgb = cie.render_camera_rgb(np.moveaxis(self.cube, 0, -1))
        return quantised(rgb) if eight_bit else rgb

    def outside_chart(self) -> npt.NDArray[np.bool_]:
        """A mask (H, W), False within the colour chart."""
        return outside(self.chart, self.cube.shape[1:])


@dataclass(frozen=True, eq=False)
class TestScene:
    """A scene that models are tested on.

    Args:
        group: the scenes of a group are averaged.
        name: of the scene.
        rgb: its photograph (H, W, 3), linear in [0, 1].
        counted: the pixels (H, W) that are compared.
        truth: computes the measured cube (L, H, W) at any wavelengths; raises ValueError if they cannot be had.
        sha256: of the files, or of the cube.
        fine: the truth (301, H, W) at every nm of 400-700 nm, where it is known.
    """

    group: str
    name: str
    rgb: FloatArray
    counted: npt.NDArray[np.bool_]
    truth: Callable[[Wavelengths], FloatArray]
    sha256: str
    fine: FloatArray | None = None


def outside(box: tuple[int, int, int, int] | None, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """A mask (H, W), False within a box (y0, y1, x0, x1)."""
    mask = np.ones(shape, bool)
    if box:
        mask[box[0] : box[1], box[2] : box[3]] = False
    return mask


def inside_border(shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """A mask (H, W), False in the outermost `BORDER` pixels."""
    inside = np.zeros(shape, bool)
    inside[BORDER:-BORDER, BORDER:-BORDER] = True
    return inside


def quantised(rgb: FloatArray, codes: int = 255) -> FloatArray:
    """Linear sRGB as it is read from an sRGB file with the codes 0 to `codes`, without compression."""
    return cie.decode_srgb(np.round(cie.encode_srgb(rgb) * codes) / codes)


def as_jpeg(rgb: FloatArray, quality: int) -> FloatArray:
    """Linear sRGB (H, W, 3) as it is read from a JPEG file of a quality in 1-100, with chroma at half resolution."""
    codes = np.round(cie.encode_srgb(rgb) * 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(codes).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return cie.decode_srgb(np.asarray(Image.open(file)) / np.float32(255))
