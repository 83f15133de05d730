"""A model's field of a scene it is judged by: of the photograph, or of the bands that a column shows."""

from __future__ import annotations

import numpy as np

from nesr_gui import engine
from nesr_gui.baselines.interpolation import BandInterpolation
from nesr_gui.field import CubeField, SpectralField
from nesr_gui.spectral import RGBImage, SpectralCube, Wavelengths
from nesr_gui.training.experiments.judging import Judge


def answered(model: engine.Model, judge: Judge, seen: Wavelengths | None) -> SpectralField:
    """The field of a scene of which RGB, or the bands `seen`, are shown."""
    if seen is None:
        return engine.encode(RGBImage(judge.rgb), model)
    cube = judge.truth(seen)
    if isinstance(model.network, BandInterpolation):  # between bands it is the interpolation that any cube has
        return CubeField(cube, seen)
    return engine.encode_cube(SpectralCube(np.maximum(cube, 0), seen), model)
