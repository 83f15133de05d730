"""The paper's experiments as rows and columns, what one is asked to do, and how long its networks are trained."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from nesr_gui.networks.band_network import DiscreteConfig
from nesr_gui.networks.registry import SYSTEMS
from nesr_gui.training.datasets.resampling import BandShape

PAPER_STEPS = 300_000
PAPER_HALVINGS = 15  # every 20,000 of 300,000 steps
Precision = Literal["32-true", "bf16-mixed"]
RANDOM = tuple(range(7, 32))
"""Band numbers of which one is drawn at every step, section 4.3."""


@dataclass(frozen=True)
class Budget:
    """So many steps, or so many seconds of training, for each network."""

    steps: int | None = PAPER_STEPS
    seconds: float | None = None

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read `paper`, `hours=H` or `steps=N`; raises ValueError."""
        found = re.fullmatch(r"(hours|steps)=(\d+(?:\.\d+)?)", text)
        if text == "paper":
            return cls()
        if found and found[1] == "hours" and float(found[2]) > 0:
            return cls(None, float(found[2]) * 3600)
        if found and found[1] == "steps" and found[2].isdigit() and int(found[2]) > 0:
            return cls(int(found[2]))
        raise ValueError(f"cannot read the budget {text!r}; write paper, hours=1.5 or steps=2000")

    def spent(self, steps: int, seconds: float) -> float:
        """The share of the budget that is spent, 1 at the end."""
        share = steps / self.steps if self.steps else seconds / (self.seconds or 1)
        return min(share, 1.0)

    def __str__(self) -> str:
        return f"{self.steps:,} steps" if self.steps else f"{(self.seconds or 0) / 3600:g} hours"


@dataclass(frozen=True)
class Settings:
    """One budget for all: Adam (β .9 and .999), MRAE, a learning rate that is halved.

    Args:
        patch: pixels along a side of a crop.
        halvings: of the learning rate, evenly over a run.
        precision: of training, as Fabric calls it; answers are always in float32.
        window, decoded: of a crop, the pixels along a side and the number of wavelengths that a continuous network
            answers per step, drawn anew each time; 0: all, as in the paper, which only a GPU finishes. Discrete
            networks answer all they have.
        painted: the share of a batch that is painted with library spectra.
        features, blocks: of the encoders, where they are not to have the paper's size.
    """

    budget: Budget = Budget()
    batch: int = 16
    patch: int = 64
    rate: float = 1e-4
    halvings: int = PAPER_HALVINGS
    precision: Precision = "32-true"
    window: int = 0
    decoded: int = 0
    painted: float = 0.0
    features: int | None = None
    blocks: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.rate < math.inf:
            raise ValueError(f"a learning rate of {self.rate:g} asked for; it must be above 0, 1e-4 say")
        if self.window > self.patch:
            raise ValueError(f"a window of {self.window} pixels asked for; a patch has {self.patch}")

    def rate_at(self, spent: float) -> float:
        """The learning rate where a share of the budget is spent."""
        return self.rate * 0.5 ** int(self.halvings * spent)


@dataclass(frozen=True)
class Column:
    """Judged at so many bands, evenly over the data set's range; seen are RGB or so many `inputs` bands."""

    bands: int = 31
    inputs: int | None = None

    @property
    def key(self) -> str:
        """For files and published figures."""
        return f"{self.inputs}-{self.bands}" if self.inputs else str(self.bands)

    @property
    def title(self) -> str:
        return f"{self.key} bands"


@dataclass(frozen=True)
class Row:
    """A system of a table; `{}` stands for the encoder that takes AWAN's place.

    Args:
        name: as --models calls it.
        title: as the paper writes it.
        system: by its name in the table of systems.
        learned: the band numbers it learns from, one of them at every step; `column`: a network for every column;
            `finest`: the most bands that the training scenes have.
        changes: of the system's settings.
        extra: not in the paper's table, so only where it is asked for.
    """

    name: str
    title: str
    system: str
    learned: tuple[int, ...] | Literal["column", "finest"] = (31,)
    changes: tuple[tuple[str, Any], ...] = ()
    extra: bool = False


@dataclass(frozen=True)
class Section:
    """One table of columns by rows; some of the paper's tables are two side by side."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Experiment:
    """A table or figure of the paper.

    `encoder` is what stands for `{}`; None where nothing does. `dataset` is the paper's, None where it has several.
    """

    name: str
    title: str
    sections: tuple[Section, ...]
    encoder: str | None = None
    dataset: str | None = None
    parameters: bool = False  # whether the table counts them

    def chosen(
        self, models: tuple[str, ...], encoder: str | None, title: str, columns: tuple[str, ...] = ()
    ) -> Experiment:
        """With an encoder (its name and title) in AWAN's place, and rows called `models` and `columns`, or the paper's.

        Raises:
            ValueError: no row or column is called so, a row has none of the columns, or there is no place for an
                encoder.
        """
        if encoder and self.encoder is None:
            raise ValueError(f"{self.name} compares encoders already; choose some by --models instead of --encoder")
        sections = tuple(
            replace(section, rows=tuple(_filled(row, encoder or self.encoder or "", title) for row in section.rows))
            for section in self.sections
        )
        known = list(dict.fromkeys(row.name for section in sections for row in section.rows))
        if unknown := [name for name in models if name not in known]:
            raise ValueError(f"{self.name} has no row {', '.join(unknown)}; there are {', '.join(known)}")
        keys = list(dict.fromkeys(column.key for section in sections for column in section.columns))
        if unknown := [key for key in columns if key not in keys]:
            raise ValueError(f"{self.name} has no column {', '.join(unknown)}; there are {', '.join(keys)}")
        kept = [
            replace(
                s,
                rows=tuple(r for r in s.rows if (r.name in models if models else not r.extra)),
                columns=tuple(c for c in s.columns if c.key in (columns or keys)),
            )
            for s in sections
        ]
        chosen = replace(self, sections=tuple(section for section in kept if section.rows and section.columns))
        judged = {row.name for section in chosen.sections for row in section.rows}
        for name in (name for name in models if name not in judged):
            own = [column.key for section in sections if name in _names(section) for column in section.columns]
            raise ValueError(
                f"{self.name} judges {name} at {', '.join(own)}, not at {', '.join(columns)}; name one of these by "
                "--columns, or leave the row out"
            )
        return chosen


def _names(section: Section) -> list[str]:
    return [row.name for row in section.rows]


def _filled(row: Row, encoder: str, title: str) -> Row:
    return replace(row, name=row.name.format(encoder), title=row.title.format(title), system=row.system.format(encoder))


BI = Row("bi", "BI", "bi")
SPARSE = Row("sparse-coding", "Sparse coding", "sparse-coding", "finest")
NESR = Row("{}+nesr", "{} + NeSR", "{}+nesr", RANDOM)

SYSTEM_ROWS = (
    BI,
    Row("hscnn-r", "HSCNN-R", "hscnn-r"),
    Row("hscnn-r+nesr", "HSCNN-R + NeSR", "hscnn-r+nesr"),
    Row("hrnet", "HRNet", "hrnet"),
    Row("hrnet+nesr", "HRNet + NeSR", "hrnet+nesr"),
    Row("awan", "AWAN", "awan"),
    Row("awan+nesr", "AWAN + NeSR", "awan+nesr"),
    Row("mst++", "MST++", "mst++", extra=True),
    Row("sparse-coding", "Sparse coding", "sparse-coding", extra=True),
    Row("a+", "A+", "a+", extra=True),
)

ABLATIONS = (
    Row("{}", "{}", "{}"),
    Row("{}+mlp", "{} + MLP", "{}+nesr", changes=(("spi", False), ("attention", "none"))),
    Row("{}+mlp+spi", "{} + MLP + SPI", "{}+nesr", changes=(("attention", "none"),)),
    Row("{}+mlp+spi+nam", "{} + MLP + SPI + NAM", "{}+nesr"),
)
ATTENTIONS = (
    Row("spectral", "Spectral-wise", "{}+nesr", changes=(("attention", "spectral"),)),
    Row("spatial", "Spatial-wise", "{}+nesr", changes=(("attention", "spatial"),)),
    Row("spatial-spectral", "Spatial-spectral-wise", "{}+nesr"),
)

TABLE1 = Section("31 bands from RGB", (Column(),), SYSTEM_ROWS)
TABLE2 = Section(
    "arbitrary bands from RGB",
    (Column(31), Column(16), Column(11), Column(7)),
    (
        BI,
        SPARSE,
        Row("{}-d", "{} (-D)", "{}", "finest"),
        Row("{}-s", "{} (-S)", "{}", "column"),
        NESR,
        Row("a+", "A+", "a+", "finest", extra=True),
    ),
)
EXTREME = Section(
    "extreme band numbers from RGB",
    (Column(61), Column(51), Column(41)),
    (BI, Row("{}+bi", "{} + BI", "{}"), NESR, replace(SPARSE, extra=True)),
)
SUPER_RESOLUTION = Section(
    "more bands from 16",
    (Column(31, 16), Column(61, 16)),
    (BI, Row("{}", "{}", "{}", "column"), Row("{}+nesr", "{} + NeSR", "{}+nesr", (31, 61))),
)

EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        Experiment("table1", "Comparison to the state of the art", (TABLE1,), parameters=True),
        Experiment("table2", "Continuous spectral reconstruction", (TABLE2,), "awan", "icvl"),
        Experiment(
            "table3",
            "Extreme spectral reconstruction, and spectral super-resolution",
            (EXTREME, SUPER_RESOLUTION),
            "awan",
            "icvl",
        ),
        Experiment(
            "table4",
            "Ablations",
            (Section("modules", (Column(),), ABLATIONS), Section("attention", (Column(),), ATTENTIONS)),
            "awan",
            "ntire2020-clean",
        ),
        Experiment("fig3", "Error maps and spectra of one scene", (TABLE1,), dataset="ntire2020-clean"),
    )
}


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
