"""A model's field of a scene it is judged by: of the photograph, or of the bands that a column shows."""

from __future__ import annotations

import numpy as np

from nesr_gui.fields.protocol import CubeField, SpectralField
from nesr_gui.inference import engine
from nesr_gui.inference.model import Model
from nesr_gui.inference.model_input import SeenBands
from nesr_gui.networks.baselines.interpolation import BandInterpolation
from nesr_gui.spectral import FloatArray, RGBImage, Wavelengths
from nesr_gui.training.experiments.judging import Judge


def answered(model: Model, judge: Judge, seen: Wavelengths | None) -> SpectralField:
    """The field of a scene of which RGB, or the bands `seen`, are shown."""
    if seen is None:
        return engine.encode(RGBImage(judge.rgb), model)
    cube = judge.truth(seen)
    if isinstance(model.network, BandInterpolation):  # between bands it is the interpolation that any cube has
        return CubeField(cube, seen)
    return engine.encode(SeenBands(cube, seen), model)


def thinned(field: SpectralField, wavelengths: Wavelengths, every: int) -> FloatArray:
    """The cube (L, h, w) of every so many rows and columns; only what is in it is computed."""
    if every == 1:
        return field.cube(wavelengths).values
    rows, cols = (np.arange(0, size, every) for size in field.shape)
    points = np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1).reshape(-1, 2)
    curves = field.spectra(points, wavelengths)  # (N, L)
    return np.ascontiguousarray(curves.T).reshape(-1, rows.size, cols.size)
