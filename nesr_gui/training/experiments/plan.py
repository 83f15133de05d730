"""From the rows and columns of an experiment to the networks that have to be trained for it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.networks.band_network import DiscreteConfig
from nesr_gui.networks.baselines import BandInterpolationConfig
from nesr_gui.networks.factorised_nesr import FactorisedConfig
from nesr_gui.networks.nesr import NeSRConfig
from nesr_gui.networks.registry import SYSTEMS, input_bands
from nesr_gui.spectral import Wavelengths
from nesr_gui.training.closed_form import FITTED
from nesr_gui.training.datasets.cache import Prepared
from nesr_gui.training.datasets.resampling import BandShape
from nesr_gui.training.experiments.definitions import Column, Experiment, Row, Section, Settings

SUFFIX = "+nesr"
FITTED_SETTINGS = ("batch", "patch", "painted")  # settings that change what a system in closed form is fitted to


@dataclass(frozen=True)
class TrainingJob:
    """A network to be trained.

    Args:
        name: identifies the network among those of an experiment; the name of its folder.
        config: its settings.
        counts: numbers of training bands, one of which is drawn at every step.
        seed: of the run.
    """

    name: str
    config: Any
    counts: tuple[int, ...]
    seed: int

    @property
    def inputs(self) -> Wavelengths | None:
        """The bands that the network sees; None for RGB."""
        return input_bands(self.config)

    def wavelengths(self, step: int) -> npt.NDArray[np.float64]:
        """The wavelengths (L,) nm of a step, which for a continuous network are evenly spaced, in a random number."""
        low, high = self.config.bands[0], self.config.bands[-1]
        if not isinstance(self.config, NeSRConfig):
            return np.array(self.config.bands)
        rng = np.random.default_rng([self.seed, step, 1])
        return Wavelengths.evenly_spaced(int(rng.choice(self.counts)), low, high).nm

    def record(
        self, scenes: Sequence[Prepared], spectra: Mapping[str, str], settings: Settings, shape: BandShape
    ) -> dict[str, Any]:
        """Everything that determines the trained network, as its folder records it.

        Args:
            scenes: the training scenes.
            spectra: SHA-256 of the spectrum libraries by file name.
            settings: of the training.
            shape: response of the bands that are computed from finer ones.
        """
        record: dict[str, Any] = {"system": type(self.config).__name__, "config": asdict(self.config)}
        if isinstance(self.config, BandInterpolationConfig):  # has no parameters
            return record
        used = asdict(settings)
        if isinstance(self.config, FITTED):
            used = {key: used[key] for key in FITTED_SETTINGS}
        elif isinstance(self.config, NeSRConfig):
            used["window"] = settings.window_for(self.config)
        else:  # decodes all
            used = {key: value for key, value in used.items() if key not in ("window", "decoded")}
        record |= {"counts": self.counts, "seed": self.seed, "settings": used, "band_shape": asdict(shape)}
        record |= {"scenes": {scene.name: scene.sha256 for scene in scenes}, "spectra": dict(spectra)}
        counted = {scene.name: hashlib.sha256(scene.counted.tobytes()).hexdigest() for scene in scenes}
        return record | {"counted": counted}


@dataclass(frozen=True)
class Cell:
    """A cell of a table, for one seed, and the network that it evaluates."""

    section: Section
    row: Row
    column: Column
    job: TrainingJob


def cells(experiment: Experiment, seeds: int, kept: Wavelengths, settings: Settings) -> Iterator[Cell]:
    """All cells of an experiment; those of a row share a job unless the row trains a network per column.

    Args:
        experiment: the experiment.
        seeds: number of seeds; band interpolation, which has no parameters, has a single one.
        kept: the bands of the prepared training scenes.
        settings: of the training.
    """
    for seed in range(seeds):
        for section in experiment.sections:
            for row in section.rows:
                for column in section.columns:
                    job = _job(row, column, seed, kept, settings)
                    if seed == 0 or not isinstance(job.config, BandInterpolationConfig):
                        yield Cell(section, row, column, job)


def _job(row: Row, column: Column, seed: int, kept: Wavelengths, settings: Settings) -> TrainingJob:
    low, high = float(kept.nm[0]), float(kept.nm[-1])
    finest = {"column": (column.bands,), "finest": (len(kept),)}
    counts = finest[row.learned] if isinstance(row.learned, str) else row.learned
    config = _sized(system_config(row.system), settings)
    seen = tuple(Wavelengths.evenly_spaced(column.inputs, low, high)) if column.inputs else ()
    bands = tuple(Wavelengths.evenly_spaced(counts[0], low, high))
    if isinstance(config, NeSRConfig):
        config = replace(config, low=low, high=high, inputs=seen, **dict(row.changes))
    elif isinstance(config, DiscreteConfig):
        config = replace(config, bands=bands, inputs=seen)
    elif isinstance(config, BandInterpolationConfig):
        config = replace(config, low=low, high=high)
    elif isinstance(config, FactorisedConfig):
        if bands != config.bands:
            raise ValueError(
                f"{row.title} was requested on {len(bands)} bands of {low:g}-{high:g} nm; it is trained on "
                f"{len(config.bands)} of {config.low:g}-{config.high:g} nm: leave its row out"
            )
        config = replace(config, **dict(row.changes))
    else:
        config = replace(config, bands=bands)
    named = [row.system, *(f"{key}-{value}" for key, value in row.changes)]
    named += [f"{column.inputs}-in"] if column.inputs else []
    learned = "7-31" if len(counts) > 2 else "+".join(map(str, counts))
    return TrainingJob(".".join([*named, f"{learned}-bands", f"seed{seed}"]), config, counts, seed)


def system_config(name: str) -> Any:
    """Settings of a system at its published size; `+nesr` may follow the name of any discrete system."""
    if name in SYSTEMS:
        return SYSTEMS[name].config
    config = SYSTEMS[name.removesuffix(SUFFIX)].config
    return NeSRConfig(config.encoder, config.features, config.blocks)


def _sized(config: Any, settings: Settings) -> Any:
    """Settings of a system with an encoder of the requested size."""
    if not isinstance(config, DiscreteConfig | NeSRConfig | FactorisedConfig):
        return config
    return replace(
        config,
        features=settings.features or config.features,
        blocks=settings.blocks or config.blocks,
    )
