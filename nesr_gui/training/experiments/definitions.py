"""The paper's experiments as tables of rows and columns, and the request to run one of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from nesr_gui.networks.band_network import DiscreteConfig
from nesr_gui.networks.nesr import NeSRConfig
from nesr_gui.networks.registry import SYSTEMS
from nesr_gui.training.datasets.resampling import BandShape
from nesr_gui.training.loss import LossConfig, Precision
from nesr_gui.training.sampler import CropConfig
from nesr_gui.training.trainer import Budget, OptimizerConfig

PAPER_HALVINGS = 15  # every 20,000 of 300,000 steps
WINDOW, SPECTRUM_WINDOW, DECODED = 16, 8, 8
"""Side of the window and number of wavelengths that NeSR decodes per step if not all; the window is smaller if its
spectrum is compared everywhere."""
RANDOM = tuple(range(7, 32))
"""Band numbers of which one is drawn at every step, section 4.3."""


@dataclass(frozen=True)
class Settings:
    """How every network of an experiment is trained: Adam (β .9 and .999), MRAE, a learning rate that is halved.

    Args:
        budget: of each network.
        batch: patches per step.
        patch: side of a crop in pixels.
        rate: initial learning rate.
        halvings: how often it is halved, evenly over a run.
        precision: of training; models are always evaluated in float32.
        window: side in pixels of the part of a crop that a continuous network decodes per step, at a random place; 0
            for all of it, as in the paper, which is feasible only on a GPU; None for `WINDOW`, or `SPECTRUM_WINDOW` if
            the network has a spectrum. Discrete networks always decode all.
        decoded: number of wavelengths, drawn at random, that a continuous network decodes per step; 0 for all.
        painted: share of a batch that is painted with library spectra, 0-1, rounded to whole patches.
        features: width of the encoders; None for the paper's.
        blocks: depth of the encoders; None for the paper's.

    Raises:
        ValueError: the rate is not positive and finite, or the window is larger than a patch.
    """

    budget: Budget = field(default_factory=Budget)
    batch: int = 16
    patch: int = 64
    rate: float = 1e-4
    halvings: int = PAPER_HALVINGS
    precision: Precision = "32-true"
    window: int | None = 0
    decoded: int = 0
    painted: float = 0.0
    features: int | None = None
    blocks: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.rate < math.inf:
            raise ValueError(f"a learning rate of {self.rate:g} was requested; it must be above 0, for example 1e-4")
        if self.window is not None and self.window > self.patch:
            raise ValueError(f"a window of {self.window} pixels was requested; a patch has {self.patch}")

    @property
    def crops(self) -> CropConfig:
        """The batches."""
        return CropConfig(self.batch, self.patch, self.painted)

    def loss(self, config: Any) -> LossConfig:
        """The loss of a network with these settings: MRAE, equation (6)."""
        return LossConfig(window=self.window_for(config), decoded=self.decoded, precision=self.precision)

    def window_for(self, config: Any) -> int:
        """Side of the window that a network with these settings decodes; 0 for all of a crop, as discrete ones do."""
        if not isinstance(config, NeSRConfig):
            return 0
        default = SPECTRUM_WINDOW if config.profile == "spectrum" else WINDOW
        return min(default, self.patch) if self.window is None else self.window

    @property
    def optimizer(self) -> OptimizerConfig:
        """The optimiser. Comparisons need the whole budget, so a failing network is reported only at the end."""
        return OptimizerConfig(self.budget, self.rate, self.halvings)


@dataclass(frozen=True)
class Column:
    """Evaluation at a number of bands, evenly over the range of the data set, from RGB or from `inputs` bands."""

    bands: int = 31
    inputs: int | None = None

    @property
    def key(self) -> str:
        """How files and published figures identify the column, such as `31` or `16-61`."""
        return f"{self.inputs}-{self.bands}" if self.inputs else str(self.bands)

    @property
    def title(self) -> str:
        """How people read it."""
        return f"{self.key} bands"


@dataclass(frozen=True)
class Row:
    """A system of a table; `{}` in the texts is replaced by the encoder, which is AWAN in the paper.

    Args:
        name: the name for --models.
        title: the name in the paper.
        system: the name in `networks.registry.SYSTEMS`.
        learned: numbers of training bands, one of which is drawn at every step; `column` for a network per column with
            its number of bands, `finest` for the most bands that the training scenes have.
        changes: changed settings of the system.
        extra: whether the row is not in the paper and appears only on request.
    """

    name: str
    title: str
    system: str
    learned: tuple[int, ...] | Literal["column", "finest"] = (31,)
    changes: tuple[tuple[str, Any], ...] = ()
    extra: bool = False


@dataclass(frozen=True)
class Section:
    """One table of rows by columns; some of the paper's tables consist of two sections."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Experiment:
    """A table or figure of the paper.

    Args:
        name: the name on the command line.
        title: the caption.
        sections: the tables.
        encoder: the default encoder for `{}`; None if no row has one.
        dataset: the data set of the paper; None if the paper uses several.
        parameters: whether the table has a column of parameter counts.
    """

    name: str
    title: str
    sections: tuple[Section, ...]
    encoder: str | None = None
    dataset: str | None = None
    parameters: bool = False

    def chosen(
        self, models: tuple[str, ...], encoder: str | None, title: str, columns: tuple[str, ...] = ()
    ) -> Experiment:
        """The experiment restricted to some rows and columns, with another encoder.

        Args:
            models: names of rows; empty for the paper's.
            encoder: name of the system that replaces AWAN; None for AWAN.
            title: title of that system.
            columns: keys of columns; empty for all.

        Raises:
            ValueError: there is no such row or column, a row has none of the columns, or the experiment has no place
                for an encoder.
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
                f"{self.name} evaluates {name} at {', '.join(own)}, not at {', '.join(columns)}; name one of these by "
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
    *(Row(name, system.title, name, extra=True) for name, system in SYSTEMS.items() if "+skip" in name),
    Row("hscnn-r+factorised", SYSTEMS["hscnn-r+factorised"].title, "hscnn-r+factorised", extra=True),
    Row(
        "hscnn-r+factorised+mlp",
        "HSCNN-R + MLP, factorised",
        "hscnn-r+factorised",
        changes=(("spi", False), ("attention", "none")),
        extra=True,
    ),
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
    """A request to run an experiment.

    Args:
        experiment: name of the experiment.
        dataset: name of the data set.
        root: folder of the data set.
        out: folder of the results, models and prepared scenes.
        settings: how the networks are trained.
        seeds: number of training runs per network.
        models: names of rows; empty for the paper's.
        columns: keys of columns; empty for the paper's.
        encoder: name of the system that replaces AWAN; None for AWAN.
        turns: minutes after which training goes on with the next network, until all are trained; None to train one
            after the other.
        unfinished: whether to evaluate the networks as they are, without further training; those that are not trained
            at all are left out.
        spectra: libraries for painted patches, and for test scenes that are known between the bands.
        shape: spectral response of the bands that are computed from finer ones.
        every: step in rows and columns between the pixels that are evaluated.
        device: `auto`, `cpu`, `cuda` or any other name that torch knows.
        scene: name of the test scene of the figures; None for the first.
        points: row and column of the pixels whose spectra are plotted; empty for two chosen automatically.
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
    turns: float | None = None
    unfinished: bool = False
    spectra: tuple[Path, ...] = ()
    shape: BandShape = field(default_factory=BandShape)
    every: int = 1
    device: str = "auto"
    scene: str | None = None
    points: tuple[tuple[int, int], ...] = ()

    def chosen(self) -> Experiment:
        """The requested experiment.

        Raises:
            ValueError: there is no such row, column or encoder.
        """
        able = [name for name, system in SYSTEMS.items() if isinstance(system.config, DiscreteConfig)]
        if self.encoder and self.encoder not in able:
            raise ValueError(f"{self.encoder!r} cannot take AWAN's place; choose one of {', '.join(able)}")
        title = SYSTEMS[self.encoder or "awan"].title
        return EXPERIMENTS[self.experiment].chosen(self.models, self.encoder, title, self.columns)
