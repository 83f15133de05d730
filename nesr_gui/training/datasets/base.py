"""Data sets of measured scenes: their cubes, their photographs, and the split into training and test scenes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.protocol import CubeField
from nesr_gui.io.cubes import matlab
from nesr_gui.io.cubes.description import CubeHints
from nesr_gui.io.cubes.envi import files_of
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.registry import MissingExtra
from nesr_gui.spectral import FloatArray, Wavelengths
from nesr_gui.training.datasets import camera
from nesr_gui.training.datasets.camera import Camera
from nesr_gui.training.datasets.resampling import BandShape, weights

TRAIN = re.compile(r"(^|[^a-z])train", re.IGNORECASE)
TEST = re.compile(r"(^|[^a-z])(valid|test|(dev|val)([^a-z]|$))", re.IGNORECASE)
BANDS = Wavelengths.from_step(400, 700, 10)


@dataclass(frozen=True, eq=False)
class Split:
    """The training and test scenes of a data set; `how` says what decided the split, for tables and manifests."""

    train: list[Measured]
    test: list[Measured]
    how: str


def split(root: Path, scenes: Sequence[Measured], counts: tuple[int, int], seed: int) -> Split:
    """Split the scenes of a data set into training and test scenes.

    Lists have priority: text files in `root` or one folder below, named like train_list.txt and valid_list.txt (or
    test), with a name per line. Then folders: Train…, and Valid…, Test… or Dev…. Otherwise the scenes are drawn at
    random.

    Args:
        root: folder of the data set.
        scenes: all scenes.
        counts: numbers of training and test scenes to draw; a smaller set is divided in that proportion.
        seed: of the draw.

    Raises:
        ValueError: a list names a scene that does not exist, both lists name the same scene, or one part is empty.
    """
    lists = sorted([*root.glob("*.txt"), *root.glob("*/*.txt")])
    train, test = ([file for file in lists if side.search(file.stem)] for side in (TRAIN, TEST))
    if train and test:
        test = [file for file in test if "valid" in file.stem.lower()] or test
        chosen = Split(_listed(train, scenes), _listed(test, scenes), f"{train[0].name} and {test[0].name}")
    else:
        chosen = _by_folder(root, scenes) or _drawn(scenes, counts, seed)
    if both := {scene.name for scene in chosen.train} & {scene.name for scene in chosen.test}:
        raise ValueError(f"{min(both)} is a training and a test scene according to {chosen.how}; it must be one")
    if not (chosen.train and chosen.test):
        raise ValueError(
            f"{root} has {len(scenes)} scenes, {len(chosen.train)} for training and {len(chosen.test)} for testing; "
            "both are needed"
        )
    return chosen


def _listed(files: Sequence[Path], scenes: Sequence[Measured]) -> list[Measured]:
    known = {scene.name: scene for scene in scenes}
    lines = [(file, line.strip()) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    chosen = []
    for file, line in lines:
        if not line:
            continue
        name = line if line in known else Path(line).stem
        if name not in known:
            raise ValueError(f"{file.name} names {line}, which is not among the {len(known)} scenes in {file.parent}")
        chosen.append(known[name])
    return chosen


def _by_folder(root: Path, scenes: Sequence[Measured]) -> Split | None:
    sides: dict[str, list[Measured]] = {"train": [], "test": []}
    for scene in scenes:
        folders = scene.path.relative_to(root).parts[:-1]
        for name, pattern in (("test", TEST), ("train", TRAIN)):
            if any(pattern.search(folder) for folder in folders):
                sides[name].append(scene)
                break
    return Split(sides["train"], sides["test"], "the data set's folders") if all(sides.values()) else None


def _drawn(scenes: Sequence[Measured], counts: tuple[int, int], seed: int) -> Split:
    order = np.random.default_rng(seed).permutation(len(scenes))
    test = min(counts[1], max(1, round(len(scenes) * counts[1] / sum(counts))))
    train = min(counts[0], len(scenes) - test)
    drawn = [scenes[index] for index in order[: test + train]]
    by_name = [sorted(part, key=lambda scene: scene.name) for part in (drawn[test:], drawn[:test])]
    return Split(by_name[0], by_name[1], f"{train} and {test} of {len(scenes)} scenes drawn with seed {seed}")


class Opened(NamedTuple):
    """A cube as stored, and the stored number that stands for 1; None for the largest of the scene."""

    field: CubeField
    full_scale: float | None


@dataclass(frozen=True, eq=False)
class Measured:
    """A scene of a data set, read on demand.

    Args:
        name: of the scene, without folder and suffix.
        path: the cube: a file, or a folder of bands.
        open: opens the cube, without reading more of it than its format requires.
        given: the photograph published with the cube; None if it is rendered.
        counted: computes the mask (H, W) of the pixels that count, for a scene of that size; None if all count.
    """

    name: str
    path: Path
    open: Callable[[], Opened]
    given: Path | None = None
    counted: Callable[[tuple[int, int]], npt.NDArray[np.bool_]] | None = None

    def cube(self, wanted: Wavelengths, shape: BandShape | None = None) -> FloatArray:
        """The cube (L, H, W) at other wavelengths, relative to full scale.

        Args:
            wanted: the wavelengths.
            shape: response of the bands, if they are integrated from finer ones; Gaussian of 10 nm by default.

        Raises:
            UnreadableFile: the file is damaged, or does not have the layout of the data set.
            ValueError: its bands are too coarse for the wavelengths, or it has values that are not finite.
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
            raise ValueError(f"{self.path} has values that are not finite; the file is damaged or not of this data set")
        values /= np.float32(full_scale or _largest(field))
        return values

    def mask(self, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """The mask (H, W) of the pixels that count, for a scene of that size."""
        return self.counted(shape) if self.counted else np.ones(shape, bool)

    @property
    def files(self) -> list[Path]:
        """The files of the cube in order of their names, then the published photograph."""
        if self.path.is_dir():
            cube = sorted(self.path.glob("*.png"))
        else:
            cube = sorted(files_of(self.path)) if self.path.suffix == ".hdr" else [self.path]
        return [*cube, *([self.given] if self.given else [])]

    def sha256(self) -> str:
        """SHA-256 of the concatenated SHA-256 digests of the files, 64 hexadecimal digits."""
        digest = hashlib.sha256()
        for file in self.files:
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()


@dataclass(frozen=True)
class DataSet:
    """A data set that experiments can use.

    Args:
        name: on the command line.
        title: for people, as in "no scene of …".
        expected: the expected content of its folder, to complete "expected …".
        find: finds the scenes in a folder.
        camera: the origin of the photographs.
        counts: numbers of training and test scenes in the paper, for data sets without lists of their own.
        bands: the published wavelengths.
    """

    name: str
    title: str
    expected: str
    find: Callable[[Path], list[Measured]]
    camera: Camera
    counts: tuple[int, int]
    bands: Wavelengths = BANDS

    def open(self, root: Path, seed: int = 0) -> Split:
        """The training and test scenes in a folder, see `split`.

        Raises:
            FileNotFoundError: there is no such folder.
            ValueError: the folder does not hold this data set.
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
        return split(root, scenes, self.counts, seed)

    def photograph(self, scene: Measured) -> FloatArray:
        """The photograph of a scene (H, W, 3), linear in [0, 1].

        Raises:
            ValueError: a published photograph does not have the size of its cube, or shows something else.
        """
        if scene.given is None:
            return self.camera.expose(scene.cube(self.bands), self.bands)
        return camera.read_photograph(scene.given, scene.open().field)


def open_mat(path: Path, arrays: Mapping[str, float | None], bands: Wavelengths) -> Opened:
    """Open the cube of a MATLAB file, whose axes the reader of the program recognises.

    Args:
        path: the file.
        arrays: names of arrays, of which the first that exists is opened, with the number that stands for 1.
        bands: its wavelengths.

    Raises:
        UnreadableFile: the file has none of the arrays, or another number of bands.
        MissingExtra: a package that its version of the format needs is not installed.
    """
    refusals = []
    for name, full_scale in arrays.items():
        try:
            return Opened(matlab.open_cube(path, CubeHints(wavelengths=bands, variable=name)), full_scale)
        except MissingExtra:
            raise
        except UnreadableFile as error:
            refusals.append(error)
    raise refusals[0]


def _largest(field: CubeField) -> float:
    return max(float(block.values.max()) for block in field.blocks(field.wavelengths)) or 1.0
