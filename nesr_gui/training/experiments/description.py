"""The paper's experiments, told as rows and columns: which systems, learned from how many bands, judged at how many."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

RANDOM = tuple(range(7, 32))
"""Band numbers of which one is drawn at every step, section 4.3."""


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
