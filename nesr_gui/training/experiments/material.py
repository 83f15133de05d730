"""What an experiment learns from and is judged by: scenes, and some painted with spectra no system learned from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from nesr_gui.spectral import FloatArray, Wavelengths
from nesr_gui.training.datasets import DATASETS, DataSet, Split
from nesr_gui.training.datasets.cache import Prepared, kept_bands, prepare
from nesr_gui.training.datasets.camera import Camera
from nesr_gui.training.experiments.definitions import Request
from nesr_gui.training.experiments.judging import EVERY_NM, Judge, measured
from nesr_gui.training.spectral_library import Library, interpolation, read_libraries, without_charts, without_clusters
from nesr_gui.training.synthesis import BANDS, ON_BANDS, painted_scene

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


@dataclass(frozen=True, eq=False)
class Material:
    """The scenes of a data set, and spectra to paint with; `held` are kept out of training, whole clusters of them.

    `kept` are the bands that training scenes are kept at.
    """

    dataset: DataSet
    split: Split
    kept: Wavelengths
    learned: Sequence[Library]
    held: Sequence[Library]

    @classmethod
    def of(cls, request: Request) -> Material:
        """What a request names; raises ValueError or OSError where it is not there."""
        if request.dataset not in DATASETS:
            raise ValueError(f"no data set {request.dataset!r}; there are {', '.join(DATASETS)}")
        dataset = DATASETS[request.dataset]
        split = dataset.open(request.root)
        learned, held = without_clusters(without_charts(read_libraries(request.spectra)))
        return cls(dataset, split, kept_bands([*split.train, *split.test], dataset, request.shape), learned, held)

    def prepared(self, request: Request) -> list[Prepared]:
        """The training scenes, unpacked into a folder of the run where they are not there already."""
        folder: Path = request.out / "prepared"
        scenes = prepare(self.split.train, self.dataset, self.kept, request.shape, folder)
        return list(tqdm(scenes, "preparing", len(self.split.train), unit="scene", disable=None, leave=False))

    def judges(self, request: Request) -> Iterator[Judge]:
        """Test scenes, then painted ones where there are spectra kept out of training."""
        for scene in self.split.test:
            yield measured(scene, self.dataset, request.shape)
        if self.held:
            yield from judges(self.held, self.dataset.camera)
