"""What an experiment is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from nesr_gui.networks.band_network import DiscreteConfig
from nesr_gui.networks.registry import SYSTEMS
from nesr_gui.training.datasets.resampling import BandShape
from nesr_gui.training.experiments.description import EXPERIMENTS, Experiment
from nesr_gui.training.experiments.settings import Settings


@dataclass(frozen=True)
class Request:
    """An experiment on a data set in `root`, into the folder `out`.

    Args:
        models, columns: names of rows, and of columns; empty: the paper's.
        encoder: what takes AWAN's place; None: AWAN.
        spectra: libraries that patches are painted with, and scenes between the bands.
        shape: of the bands that are made of finer ones.
        every: of the pixels that models are judged by, every so many rows and columns.
        scene, points: what the figures show; by default the first test scene, and two of its pixels.
    """

    experiment: str
    dataset: str
    root: Path
    out: Path
    settings: Settings = field(default_factory=Settings)
    seeds: int = 1
    models: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    encoder: str | None = None
    spectra: tuple[Path, ...] = ()
    shape: BandShape = field(default_factory=BandShape)
    every: int = 1
    device: str = "auto"
    scene: str | None = None
    points: tuple[tuple[int, int], ...] = ()

    def chosen(self) -> Experiment:
        """The experiment with what is asked for; raises ValueError where there is no such row, column or encoder."""
        able = [name for name, system in SYSTEMS.items() if isinstance(system.config, DiscreteConfig)]
        if self.encoder and self.encoder not in able:
            raise ValueError(f"{self.encoder!r} cannot take AWAN's place; choose one of {', '.join(able)}")
        title = SYSTEMS[self.encoder or "awan"].title
        return EXPERIMENTS[self.experiment].chosen(self.models, self.encoder, title, self.columns)
