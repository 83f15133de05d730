"""Small spectral scenes for tests of analyses: mixtures of measured-like spectra, and fields that split them oddly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nesr_gui.colorimetry.cie import chart_reflectances
from nesr_gui.fields.protocol import Block, CubeField, IntervalBlock
from nesr_gui.spectral import FloatArray, Quantity, Spectrum, Wavelengths
from tests.calibrated_cube import CalibratedCube

BANDS = Wavelengths.from_step(400, 700, 10)


def chart_spectra(count: int = 6) -> list[Spectrum]:
    """Published reflectances of colour patches and memory colours at `BANDS`."""
    values = chart_reflectances(BANDS)
    return [Spectrum(BANDS, values[3 * at], f"patch {at}") for at in range(count)]


def mixed_cube(height: int = 24, width: int = 31, noise: float = 0.003, seed: int = 0) -> FloatArray:
    """Mixtures (L, H, W) of six patches that vary smoothly over the image, with shading and noise."""
    chance = np.random.default_rng(seed)
    members = np.stack([spectrum.values for spectrum in chart_spectra()])
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    waves = np.stack([np.sin(3 * (k + 1) * x + k) + np.cos(2 * (k + 1) * y - k) for k in range(len(members))])
    shares = np.exp(2 * waves)
    shares /= shares.sum(axis=0)
    shading = 0.6 + 0.4 * np.sin(2 * x + y)
    values = np.tensordot(members.T, shares * shading, axes=1)
    return (values + noise * chance.standard_normal(values.shape)).astype(np.float32)


def field_of(values: FloatArray, **options: Any) -> CubeField:
    return CubeField(values, BANDS, Quantity.REFLECTANCE, **options)


class TiledCube(CubeField):
    """A cube whose blocks are tiles of a given shape, as those of reconstructions are."""

    tile = (5, 7)

    def blocks(self, wavelengths: Any, *, rows: Any = None, cols: Any = None) -> Iterator[Block]:
        whole = next(super().blocks(wavelengths, rows=rows, cols=cols))
        height, width = whole.values.shape[1:]
        for top in range(0, height, self.tile[0]):
            for left in range(0, width, self.tile[1]):
                part = whole.values[:, top : top + self.tile[0], left : left + self.tile[1]]
                row, col = whole.rows.start + top, whole.cols.start + left
                yield Block(slice(row, row + part.shape[1]), slice(col, col + part.shape[2]), part)


class UncertainCube(CalibratedCube):
    """A cube with intervals of a fixed half-width (H, W) at all wavelengths."""

    def __init__(self, values: FloatArray, half_width: FloatArray) -> None:
        provenance = {"model": "test", "model_sha256": "ab", "photograph": "p.png"}
        super().__init__(values, BANDS, Quantity.REFLECTANCE, provenance)
        self.half_width = np.asarray(half_width, np.float32)

    def prediction_interval(self, points: Any, wavelengths: Any) -> tuple[FloatArray, FloatArray]:
        values, at = self.spectra(points, wavelengths), np.asarray(points)
        half = self.half_width[at[:, 0], at[:, 1]][:, None]
        return values - half, values + half

    def prediction_interval_band(
        self, nm: float, *, stride: int = 1, rows: Any = None, cols: Any = None
    ) -> tuple[FloatArray, FloatArray]:
        values = self.band(nm, stride=stride, rows=rows, cols=cols)
        half = self.half_width[rows or slice(None), cols or slice(None)][::stride, ::stride]
        return values - half, values + half

    def prediction_interval_blocks(
        self, wavelengths: Any, *, rows: Any = None, cols: Any = None
    ) -> Iterator[IntervalBlock]:
        for block in self.blocks(wavelengths, rows=rows, cols=cols):
            half = self.half_width[block.rows, block.cols]
            yield IntervalBlock(block.rows, block.cols, block.values - half, block.values + half)
