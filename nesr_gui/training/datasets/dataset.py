"""What a data set is: measured scenes in a folder, and the photographs of them that a network is to see."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.cubes.envi import files_of
from nesr_gui.io.registry import MissingExtra
from nesr_gui.spectral import FloatArray, Wavelengths
from nesr_gui.training.datasets import camera, splitting
from nesr_gui.training.datasets.camera import Camera
from nesr_gui.training.datasets.resampling import BandShape, weights

BANDS = Wavelengths.every(400, 700, 10)


class Opened(NamedTuple):
    """A cube as it is stored, and the stored number that counts as 1; None: the largest of the scene."""

    field: CubeField
    full_scale: float | None


@dataclass(frozen=True, eq=False)
class Measured:
    """A scene of a data set, read when it is asked for.

    Args:
        name: without the folder and the ending.
        path: the cube: a file, or a folder of bands.
        open: opens the cube, without reading more of it than its format demands.
        given: the photograph that came with it, where one did.
        counted: gives the pixels (H, W) of a scene of that size that count; None: all.
    """

    name: str
    path: Path
    open: Callable[[], Opened]
    given: Path | None = None
    counted: Callable[[tuple[int, int]], npt.NDArray[np.bool_]] | None = None

    def cube(self, wanted: Wavelengths, shape: BandShape | None = None) -> FloatArray:
        """The cube (L, H, W) at `wanted`, in units of its full scale; `shape` is of bands that are integrated.

        Raises:
            UnreadableFile: the file is damaged or not of the data set's layout.
            ValueError: its bands are too coarse for `wanted`, or it has values that are no numbers.
        """
        field, full_scale = self.open()
        native = field.wavelengths
        try:
            matrix = weights(native, wanted, shape or BandShape())
        except ValueError as error:
            raise ValueError(f"{self.name}: {error}") from error
        used = np.flatnonzero(matrix.any(axis=0))
        values = np.empty((len(wanted), *field.shape), np.float32)
        for block in field.blocks(native.nm[used]):
            values[:, block.rows, block.cols] = np.tensordot(matrix[:, used], block.values, axes=1)
        if not np.isfinite(values).all():
            raise ValueError(f"{self.path} has values that are no numbers; the file is damaged or not of this data set")
        values /= np.float32(full_scale or _largest(field))
        return values

    def mask(self, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """The pixels (H, W) that count."""
        return self.counted(shape) if self.counted else np.ones(shape, bool)

    @property
    def files(self) -> list[Path]:
        """Those of the cube by name, then the given photograph."""
        if self.path.is_dir():
            cube = sorted(self.path.glob("*.png"))
        else:
            cube = sorted(files_of(self.path)) if self.path.suffix == ".hdr" else [self.path]
        return [*cube, *([self.given] if self.given else [])]

    def sha256(self) -> str:
        """Of the SHA-256 of each of the files."""
        digest = hashlib.sha256()
        for file in self.files:
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()


@dataclass(frozen=True)
class DataSet:
    """One row of the table.

    Args:
        name: as on the command line.
        title: for people, as in "no scene of …".
        expected: what its folder holds, to complete "expected …".
        find: the scenes in a folder, by name; none where there are none.
        camera: how the photographs come about.
        counts: training and test scenes in the paper, for data sets without lists of their own.
        bands: the wavelengths it was published at.
    """

    name: str
    title: str
    expected: str
    find: Callable[[Path], list[Measured]]
    camera: Camera
    counts: tuple[int, int]
    bands: Wavelengths = BANDS

    def open(self, root: Path, seed: int = 0) -> splitting.Split:
        """The scenes to train on and to be judged by; see `splitting.split`.

        Raises:
            FileNotFoundError: there is no such folder.
            ValueError: it does not hold this data set.
        """
        if not root.is_dir():
            raise FileNotFoundError(f"there is no folder {root}")
        scenes = sorted(self.find(root), key=lambda scene: scene.name)
        if not scenes:
            raise ValueError(f"no scene of {self.title} in {root}; expected {self.expected}")
        try:
            scenes[0].open()
        except MissingExtra:
            raise
        except ValueError as error:
            raise ValueError(f"{root} does not hold {self.title} ({error}); expected {self.expected}") from error
        return splitting.split(root, scenes, self.counts, seed)

    def photograph(self, scene: Measured) -> FloatArray:
        """What a network sees of a scene: (H, W, 3) linear in [0, 1].

        Raises:
            ValueError: a given photograph is of another size than its cube, or of something else.
        """
        if scene.given is None:
            return self.camera.expose(scene.cube(self.bands), self.bands)
        return camera.given(scene.given, scene.open().field)


def _largest(field: CubeField) -> float:
    return max(float(block.values.max()) for block in field.blocks(field.wavelengths)) or 1.0
