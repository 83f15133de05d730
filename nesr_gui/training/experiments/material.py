"""What an experiment learns from, and what it is judged by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from nesr_gui.spectral import Wavelengths
from nesr_gui.training.datasets import DATASETS, DataSet, Split
from nesr_gui.training.experiments import painting
from nesr_gui.training.experiments.judging import Judge, measured
from nesr_gui.training.experiments.preparing import Prepared, kept_bands, prepare
from nesr_gui.training.experiments.request import Request
from nesr_gui.training.libraries import Library, read_libraries, without_charts, without_clusters


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
            yield from painting.judges(self.held, self.dataset.camera)
