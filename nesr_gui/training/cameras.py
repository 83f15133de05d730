"""Simulated photographs by known cameras: sensitivities, light, white balance, colour matrix, tone curve, codes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry import cie
from nesr_gui.colorimetry.charts import GAP, ColourChart
from nesr_gui.colorimetry.viewing_conditions import Illuminant
from nesr_gui.io.photos.chart_patches import Corners, homography, project
from nesr_gui.io.photos.photo import DecodedPhoto, DecodedPixels
from nesr_gui.io.spectra.readers import read_camera_collection
from nesr_gui.spectral import FloatArray

FRAME = 0.03  # reflectance of the frame of a chart
WHITE = 0.85  # light of a perfect white, of full scale
BALANCE = 0.05  # standard deviation of the logarithm of the gains of a camera's white balance
READ_NOISE = 0.0005  # standard deviation in the dark, of linear light relative to full scale
SHOT_NOISE = 0.005  # the same at full scale, proportional to the square root of light
LIGHTS = ("D65", "A", "LED-B3")

Array = npt.NDArray[np.float64]


def _contrast(encoded: Array) -> Array:
    return encoded - 0.08 * np.sin(2 * np.pi * encoded)


def _shoulder(encoded: Array) -> Array:
    return np.asarray(1 - (1 - encoded) ** 1.3)


TONES: dict[str, Callable[[Array], Array]] = {
    "sRGB": lambda encoded: encoded, "contrast": _contrast, "shoulder": _shoulder,
}  # fmt: skip
"""Tone curves as functions of the sRGB encoding in [0, 1]."""


@dataclass(frozen=True, eq=False)
class SimulatedCamera:
    """A camera under a light.

    Attributes:
        name: of the camera, its light and its tone curve.
        weights: (3, 31), linear RGB = weights @ reflectance on `cie.CAMERA_BANDS`, before the tone curve.
        tone: one of `TONES`.
    """

    name: str
    weights: Array
    tone: str = "sRGB"

    def photograph(self, spectra: npt.ArrayLike, seed: int = 0) -> npt.NDArray[np.uint8]:
        """8-bit codes (..., 3) of reflectances (..., 31), with noise."""
        light = np.asarray(spectra, np.float64) @ self.weights.T
        noise = np.sqrt(READ_NOISE**2 + SHOT_NOISE**2 * np.maximum(light, 0))
        light = np.clip(light + noise * np.random.default_rng(seed).normal(size=light.shape), 0, 1)
        return np.round(255 * TONES[self.tone](cie.encode_srgb(light).astype(np.float64))).astype(np.uint8)


def simulated_cameras(
    path: Path, *, has_matrix: bool = True, tones: Sequence[str] = tuple(TONES)
) -> Iterator[SimulatedCamera]:
    """A simulated camera for every camera of a file, with lights and tone curves in turn.

    Each is white-balanced for a perfect white, but for a random error of `BALANCE`, as automatic white balance has.

    Args:
        path: the file, see `read_camera_collection`.
        has_matrix: whether the maker's colour matrix is applied, by least squares over two colour charts under its
            light; otherwise the colours are those of the sensor.
        tones: names of the tone curves.
    """
    names, sensitivities = read_camera_collection(path)
    charts = cie.chart_reflectances(cie.CAMERA_BANDS)
    wanted = charts @ cie.default_camera().T
    for index, (name, sensitivity) in enumerate(zip(names, sensitivities, strict=True)):
        light, tone = LIGHTS[index % len(LIGHTS)], tones[index // len(LIGHTS) % len(tones)]
        raw = (sensitivity * Illuminant(light).power(cie.CAMERA_BANDS.nm)[:, None]).T
        raw /= raw.sum(axis=1, keepdims=True)
        if has_matrix:
            free = charts @ (raw[:2] - raw[2]).T
            solved = np.linalg.lstsq(free, wanted - (charts @ raw[2])[:, None], rcond=None)[0].T
            raw = np.column_stack([solved, 1 - solved.sum(axis=1)]) @ raw
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
        gains = np.exp(np.random.default_rng(seed).normal(scale=BALANCE, size=3))
        weights = WHITE * gains[:, None] * raw
        yield SimulatedCamera(f"{Path(name).stem}, {light}, {tone}", weights, tone)


def chart_spectra(chart: ColourChart, corners: Corners, shape: tuple[int, int]) -> FloatArray:
    """Reflectances (H, W, 31) of a picture of a chart in perspective, surrounded by its dark frame.

    Args:
        chart: a chart with reflectances.
        corners: (4, 2), (row, col) of the outer corners of the corner patches, from the chart's top left clockwise.
        shape: (H, W).

    Raises:
        ValueError: the reflectances of the chart are not published.
    """
    if chart.reflectances is None or chart.wavelengths is None:
        raise ValueError(f"the reflectances of {chart.name} are not published; choose another chart")
    patches = np.stack([np.interp(cie.CAMERA_BANDS.nm, chart.wavelengths.nm, row) for row in chart.reflectances])
    table = np.full((chart.rows, chart.columns), -1)
    table[tuple(chart.cells.T)] = np.arange(len(chart))
    rows, cols = np.mgrid[: shape[0], : shape[1]].astype(np.float64) + 0.5
    inverse = np.linalg.inv(homography(np.asarray(corners, np.float64)))
    places = project(inverse.astype(np.float64), np.stack([rows, cols], axis=-1))  # x, y of the unit square
    cells = places[..., ::-1] * (chart.rows - GAP, chart.columns - GAP)
    index = np.floor(cells).astype(int)
    inside = ((index >= 0) & (index < table.shape) & (cells - index < 1 - GAP)).all(axis=-1)
    index = np.clip(index, 0, np.array(table.shape) - 1)
    patch = np.where(inside, table[index[..., 0], index[..., 1]], -1)
    return np.vstack([patches, np.full(len(cie.CAMERA_BANDS), FRAME)])[patch].astype(np.float32)


def decoded(codes: npt.NDArray[np.uint8], name: str = "photograph") -> DecodedPhoto:
    """8-bit codes (H, W, 3) as a decoded file."""
    return DecodedPhoto(DecodedPixels(codes), name, hashlib.sha256(codes.tobytes()).hexdigest())
