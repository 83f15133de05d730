"""Training and test data of an experiment: a data set, and scenes painted with spectra kept out of training."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from nesr_gui.spectral import FloatArray, Wavelengths
from nesr_gui.training import datasets
from nesr_gui.training.datasets import DataSet, Measured, Split
from nesr_gui.training.datasets.cache import Prepared, kept_bands, prepare
from nesr_gui.training.datasets.camera import Camera
from nesr_gui.training.datasets.resampling import BandShape
from nesr_gui.training.experiments.definitions import Request
from nesr_gui.training.scenes import TestScene
from nesr_gui.training.spectral_library import (
    EVERY_NM,
    ON_BANDS,
    Library,
    interpolation,
    read_libraries,
    without_charts,
    without_clusters,
)
from nesr_gui.training.synthesis import BANDS, painted_scene

KNOT_STEP = 5  # nm between the samples from which many published spectra were interpolated
MAX_SPLINE_ERROR = 1e-4  # of a spectrum that was interpolated so
MIN_SPECTRA = 10  # of a painted scene


def measured_scene(scene: Measured, dataset: DataSet, shape: BandShape) -> TestScene:
    """A test scene of a data set, whose truth is integrated over bands of a shape.

    Raises:
        ValueError: none of its pixels counts, so that its errors would be means of nothing.
    """
    rgb = dataset.photograph(scene)
    mask = scene.mask((rgb.shape[0], rgb.shape[1]))
    if not mask.any():
        raise ValueError(
            f"no pixel of the test scene {scene.name} counts: its chart and its edges, or what moved, cover all of it; "
            "correct its chart box, or leave the scene out"
        )
    return TestScene(dataset.title, scene.name, rgb, mask, lambda bands: scene.cube(bands, shape), scene.sha256())


def painted_scenes(held: Sequence[Library], camera: Camera) -> list[TestScene]:
    """A test scene painted with all spectra kept out of training, and one with those measured at every nm.

    A scene that would have fewer than `MIN_SPECTRA` spectra is left out.
    """
    own = [replace(library, values=library.values[measured_finely(library)]) for library in held]
    parts = {"painted": held, "painted, measured by 1 nm": own}
    return [
        _painted_scene(group, [library for library in libraries if len(library.values)], camera)
        for group, libraries in parts.items()
        if sum(len(library.values) for library in libraries) >= MIN_SPECTRA
    ]


def measured_finely(library: Library) -> np.ndarray:
    """Whether each spectrum (N,) was measured by 1 nm rather than interpolated from a coarser measurement.

    An interpolated one is a cubic spline through its values at every fifth nm, as four fifths of the reflectances of
    IES TM-30 are.
    """
    from scipy.interpolate import CubicSpline

    if library.step > 1:
        return np.zeros(len(library.values), bool)
    nm = library.wavelengths.nm
    coarse = nm[::KNOT_STEP]
    inside = nm <= coarse[-1]
    spline = CubicSpline(coarse, library.values[:, ::KNOT_STEP], axis=1)(nm[inside])
    return np.asarray(abs(spline - library.values[:, inside]).max(1) > MAX_SPLINE_ERROR)


def _painted_scene(group: str, libraries: Sequence[Library], camera: Camera) -> TestScene:
    cube = painted_scene(libraries)
    rgb = camera.expose(cube[ON_BANDS], Wavelengths(BANDS))

    def truth(bands: Wavelengths) -> FloatArray:
        if bands.nm[0] < EVERY_NM[0] or bands.nm[-1] > EVERY_NM[-1]:
            raise ValueError(f"painted scenes cover 400-700 nm; {bands.nm[0]:g}-{bands.nm[-1]:g} nm was requested")
        return np.tensordot(interpolation(Wavelengths(EVERY_NM), bands.nm), cube, axes=1)

    digest = hashlib.sha256(cube.tobytes()).hexdigest()
    return TestScene(group, "mosaic", rgb, np.ones(cube.shape[1:], bool), truth, digest, cube)


@dataclass(frozen=True, eq=False)
class ExperimentData:
    """The scenes of a data set and the spectra of libraries.

    Args:
        dataset: the data set.
        split: its training and test scenes.
        kept: the bands at which training scenes are stored.
        learned: spectra to paint training patches with.
        held: clusters of similar spectra that are kept out of training, to paint test scenes with.
    """

    dataset: DataSet
    split: Split
    kept: Wavelengths
    learned: Sequence[Library]
    held: Sequence[Library]

    @classmethod
    def load(cls, request: Request) -> ExperimentData:
        """The data that a request names.

        Raises:
            ValueError: there is no such data set, or a folder or library does not hold what it should.
            FileNotFoundError: there is no such folder or library.
        """
        dataset = datasets.dataset(request.dataset)
        split = dataset.open(request.root)
        learned, held = without_clusters(without_charts(read_libraries(request.spectra)))
        return cls(dataset, split, kept_bands([*split.train, *split.test], dataset, request.shape), learned, held)

    def prepared(self, request: Request) -> list[Prepared]:
        """The training scenes, unpacked into a folder of the run unless they already are."""
        folder: Path = request.out / "prepared"
        scenes = prepare(self.split.train, self.dataset, self.kept, request.shape, folder)
        return list(tqdm(scenes, "preparing", len(self.split.train), unit="scene", disable=None, leave=False))

    def test_scenes(self, request: Request) -> Iterator[TestScene]:
        """The test scenes of the data set, then painted ones if spectra are kept out of training."""
        for scene in self.split.test:
            yield measured_scene(scene, self.dataset, request.shape)
        if self.held:
            yield from painted_scenes(self.held, self.dataset.camera)
