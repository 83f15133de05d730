"""The colour-checker sample: a chart rendered from published reflectances, with its truth.

`python -m nesr_gui.training.checker resources/samples` writes it again. No model may have seen these spectra, see
`libraries.without_charts`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import imageio.v3 as iio
import numpy as np

from nesr_gui.colorimetry import cie
from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.cubes import hdf5
from nesr_gui.io.cubes.export import Export
from nesr_gui.spectral import FloatArray, Quantity, SpectralCube

PATCH, GAP = 56, 12  # pixels
FRAME = 0.035  # reflectance of the black frame, the same at all wavelengths
FALL_OFF = 0.3  # light lost from the top row to the bottom row
NOISE = 0.002  # standard deviation, linear


def render() -> tuple[SpectralCube, FloatArray]:
    """The truth (31, H, W) under light that falls off downwards, and its photograph (H, W, 3), linear sRGB."""
    reflectances = cie.colour_checker(cie.CAMERA_BANDS)  # (24, 31)
    size = PATCH + GAP
    values = np.full((31, 4 * size + GAP, 6 * size + GAP), FRAME, np.float32)
    for index, reflectance in enumerate(reflectances):
        y, x = GAP + index // 6 * size, GAP + index % 6 * size
        values[:, y : y + PATCH, x : x + PATCH] = reflectance[:, None, None]
    values *= np.linspace(1, 1 - FALL_OFF, values.shape[1], dtype=np.float32)[:, None]
    truth = SpectralCube(values, cie.CAMERA_BANDS, Quantity.REFLECTANCE)
    rgb = cie.expose(np.moveaxis(values, 0, -1))
    noise = np.random.default_rng(24).normal(size=rgb.shape) * NOISE
    return truth, np.clip(rgb + noise, 0, 1).astype(np.float32)


def main(folder: Path) -> None:
    """Write photograph and truth."""
    truth, rgb = render()
    iio.imwrite(folder / "colour_checker.png", np.round(cie.encode_srgb(rgb) * 255).astype(np.uint8))
    provenance = {"source": "24-patch colour checker, BabelColor average, as published in colour-science; rendered"}
    field = CubeField(truth.values, truth.wavelengths, truth.quantity, provenance)
    hdf5.write_cube(folder / "colour_checker.h5", Export(field, truth.wavelengths), compressed=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
