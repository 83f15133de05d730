"""Scenes painted with spectra that no system learned from: the truth between the bands, where no scene has it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nesr_gui.spectral import FloatArray, Wavelengths
from nesr_gui.training.datasets.camera import Camera
from nesr_gui.training.experiments.judging import EVERY_NM, Judge
from nesr_gui.training.libraries import Library, interpolation
from nesr_gui.training.painted import ON_BANDS, painted_scene
from nesr_gui.training.rendering import BANDS

SAMPLED = 5  # nm, of the samples between which published spectra were interpolated
FAITHFUL = 1e-4  # largest deviation from such an interpolation of a spectrum that is one
FEWEST = 10  # spectra that make a scene


def judges(held: Sequence[Library], camera: Camera) -> list[Judge]:
    """A scene of all spectra kept out of training, and one of those that were measured at every nm."""
    own = [replace(library, values=library.values[measured_finely(library)]) for library in held]
    parts = {"painted": held, "painted, measured by 1 nm": own}
    return [
        _judge(group, [library for library in libraries if len(library.values)], camera)
        for group, libraries in parts.items()
        if sum(len(library.values) for library in libraries) >= FEWEST
    ]


def measured_finely(library: Library) -> np.ndarray:
    """(N,), True where a spectrum by 1 nm is no cubic spline through its values at every fifth nm.

    Of the reflectances of IES TM-30, four fifths are.
    """
    from scipy.interpolate import CubicSpline

    if library.step > 1:
        return np.zeros(len(library.values), bool)
    nm = library.wavelengths.nm
    coarse = nm[::SAMPLED]
    inside = nm <= coarse[-1]
    spline = CubicSpline(coarse, library.values[:, ::SAMPLED], axis=1)(nm[inside])
    return np.asarray(abs(spline - library.values[:, inside]).max(1) > FAITHFUL)


def _judge(group: str, libraries: Sequence[Library], camera: Camera) -> Judge:
    cube = painted_scene(libraries)
    rgb = camera.expose(cube[ON_BANDS], Wavelengths(BANDS))

    def truth(bands: Wavelengths) -> FloatArray:
        if bands.nm[0] < EVERY_NM[0] or bands.nm[-1] > EVERY_NM[-1]:
            raise ValueError(f"painted scenes cover 400-700 nm; {bands.nm[0]:g}-{bands.nm[-1]:g} nm is asked for")
        return np.tensordot(interpolation(Wavelengths(EVERY_NM), bands.nm), cube, axes=1)

    digest = hashlib.sha256(cube.tobytes()).hexdigest()
    return Judge(group, "mosaic", rgb, np.ones(cube.shape[1:], bool), truth, digest, cube)
