"""From the rows and columns of an experiment to the networks that have to be trained for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.networks.band_network import DiscreteConfig
from nesr_gui.networks.baselines import BandInterpolationConfig
from nesr_gui.networks.nesr import NeSRConfig
from nesr_gui.networks.registry import SYSTEMS
from nesr_gui.spectral import Wavelengths
from nesr_gui.training.experiments.definitions import Column, Experiment, Row, Section, Settings

SUFFIX = "+nesr"


@dataclass(frozen=True)
class Task:
    """A network to be trained: its settings, and the band numbers that it learns from, one of them at every step."""

    name: str
    config: Any
    counts: tuple[int, ...]
    seed: int

    @property
    def inputs(self) -> Wavelengths | None:
        """The bands that it sees; None where it sees RGB."""
        seen = getattr(self.config, "inputs", ())
        return Wavelengths(np.array(seen)) if seen else None

    def wavelengths(self, step: int, decoded: int) -> npt.NDArray[np.float64]:
        """What a step learns from, nm; of a continuous network `decoded` of them, or all where that is 0."""
        low, high = self.config.bands[0], self.config.bands[-1]
        if not isinstance(self.config, NeSRConfig):
            return np.array(self.config.bands)
        rng = np.random.default_rng([self.seed, step, 1])
        nm = Wavelengths.evenly_spaced(int(rng.choice(self.counts)), low, high).nm
        return np.sort(rng.choice(nm, decoded, replace=False)) if 0 < decoded < nm.size else nm


@dataclass(frozen=True)
class Cell:
    """A place in a table, of one seed, and what is trained for it."""

    section: Section
    row: Row
    column: Column
    task: Task


def cells(experiment: Experiment, seeds: int, kept: Wavelengths, settings: Settings) -> Iterator[Cell]:
    """Every cell; cells of a row share a task unless it learns for each column. BI learns nothing, so it has one seed.

    Args:
        kept: the bands that training scenes are kept at.
    """
    for seed in range(seeds):
        for section in experiment.sections:
            for row in section.rows:
                for column in section.columns:
                    task = _task(row, column, seed, kept, settings)
                    if seed == 0 or not isinstance(task.config, BandInterpolationConfig):
                        yield Cell(section, row, column, task)


def _task(row: Row, column: Column, seed: int, kept: Wavelengths, settings: Settings) -> Task:
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
    else:
        config = replace(config, bands=bands)
    named = [row.system, *(f"{key}-{value}" for key, value in row.changes)]
    named += [f"{column.inputs}-in"] if column.inputs else []
    learned = "7-31" if len(counts) > 2 else "+".join(map(str, counts))
    return Task(".".join([*named, f"{learned}-bands", f"seed{seed}"]), config, counts, seed)


def system_config(name: str) -> Any:
    """Settings of a system at its full size; any discrete system may be followed by +nesr."""
    if name in SYSTEMS:
        return SYSTEMS[name].config
    config = SYSTEMS[name.removesuffix(SUFFIX)].config
    return NeSRConfig(config.encoder, config.features, config.blocks)


def _sized(config: Any, settings: Settings) -> Any:
    """With encoders of the size that the settings ask for."""
    if not isinstance(config, DiscreteConfig | NeSRConfig):
        return config
    return replace(
        config,
        features=settings.features or config.features,
        blocks=settings.blocks or config.blocks,
    )
