"""Tables of results in the layout of the paper, next to the published values: Markdown for people, CSV for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nesr_gui.training.evaluation import ContinuityMetrics, SpectralMetrics
from nesr_gui.training.experiments.definitions import BI, SPARSE, Column, Experiment, Row, Section
from nesr_gui.training.experiments.evaluation import CellScore
from nesr_gui.training.experiments.plan import SUFFIX

Published = tuple[float, float]
"""MRAE and RMSE of the paper."""
COLUMNS1 = ("ntire2020-clean", "ntire2020-real", "cave", "ntire2018-clean", "ntire2018-real")
_TABLE1 = {
    "bi": (0.16566, 0.04551, 0.17451, 0.04307, 5.74425, 0.16886, 0.12524, 0.01941, 0.15862, 0.02375),
    "hscnn-r": (0.04128, 0.01515, 0.07278, 0.01892, 0.19613, 0.03535, 0.01943, 0.00389, 0.03437, 0.00621),
    "hscnn-r+nesr": (0.03832, 0.01323, 0.06978, 0.01814, 0.15353, 0.03304, 0.01611, 0.00383, 0.03171, 0.00584),
    "hrnet": (0.04007, 0.01401, 0.06756, 0.01821, 0.17219, 0.02987, 0.01521, 0.00368, 0.02985, 0.00571),
    "hrnet+nesr": (0.03701, 0.01284, 0.06691, 0.01797, 0.16431, 0.02977, 0.01466, 0.00351, 0.02895, 0.00557),
    "awan": (0.03441, 0.01215, 0.06883, 0.01711, 0.19156, 0.03752, 0.01226, 0.00255, 0.03121, 0.00577),
    "awan+nesr": (0.02996, 0.00989, 0.06661, 0.01632, 0.13226, 0.02789, 0.01159, 0.00229, 0.03003, 0.00552),
}
_TABLE2 = {
    "bi": (0.15573, 0.02941, 0.16611, 0.03052, 0.19012, 0.03293, 0.20214, 0.03276),
    "sparse-coding": (0.04843, 0.01116, 0.05722, 0.01287, 0.07681, 0.01451, 0.09841, 0.02079),
    "awan-d": (0.02298, 0.00534, 0.02313, 0.00544, 0.02412, 0.00565, 0.02535, 0.00578),
    "awan-s": (0.02212, 0.00530, 0.02241, 0.00543, 0.02347, 0.00567, 0.02484, 0.00571),
    "awan+nesr": (0.02001, 0.00498, 0.02024, 0.00505, 0.02129, 0.00522, 0.02119, 0.00541),
}
_EXTREME = {
    "bi": (0.14844, 0.02868, 0.14962, 0.02978, 0.14914, 0.03169),
    "awan+bi": (0.03593, 0.00848, 0.03375, 0.00791, 0.03332, 0.00771),
    "awan+nesr": (0.02689, 0.00728, 0.02655, 0.00722, 0.02677, 0.00704),
}
_SUPER_RESOLUTION = {
    "bi": (0.01521, 0.00578, 0.01837, 0.00576),
    "awan": (0.01285, 0.00271, 0.01346, 0.00296),
    "awan+nesr": (0.01232, 0.00245, 0.01312, 0.00278),
}
_TABLE4 = {
    "awan": (0.03441, 0.01215),
    "awan+mlp": (0.03387, 0.01211),
    "awan+mlp+spi": (0.03139, 0.01102),
    "awan+mlp+spi+nam": (0.02996, 0.00989),
    "spectral": (0.03214, 0.01001),
    "spatial": (0.03222, 0.01032),
    "spatial-spectral": (0.02996, 0.00989),
}
DIGITS = 5
METRICS = ("mrae", "masked_mrae", "rmse", "psnr", "angle")  # of the CSV file


def _paired(rows: Mapping[str, tuple[float, ...]], columns: tuple[str, ...]) -> dict[tuple[str, str], Published]:
    return {
        (row, column): (figures[2 * index], figures[2 * index + 1])
        for row, figures in rows.items()
        for index, column in enumerate(columns)
    }


_ALL = {
    "table1": _paired(_TABLE1, COLUMNS1),
    "fig3": _paired(_TABLE1, COLUMNS1),
    "table2": _paired(_TABLE2, ("31", "16", "11", "7")),
    "table3": _paired(_EXTREME, ("61", "51", "41")) | _paired(_SUPER_RESOLUTION, ("16-31", "16-61")),
    "table4": _paired(_TABLE4, ("31",)),
}


def published(experiment: str, row: str, column: str, dataset: str) -> Published | None:
    """The paper's result for a row and a column, in Table 1 for a row and a data set; None if it has none."""
    return _ALL[experiment].get((row, dataset if experiment in ("table1", "fig3") else column))


def paper_result(results: Results, row: Row, column: Column) -> Published | None:
    """The paper's result for a cell; None if it has none, as for an encoder that takes the place of the paper's."""
    experiment = results.experiment
    systems = (experiment.encoder, BI.system, SPARSE.system)
    if experiment.encoder and row.system.removesuffix(SUFFIX) not in systems:
        return None
    return published(experiment.name, row.name, column.key, results.dataset)


@dataclass(frozen=True)
class Mean:
    """The mean of a metric over scenes and then seeds; `spread` is half the range over seeds, None with one seed."""

    value: float
    spread: float | None = None

    def __str__(self) -> str:
        spread = "" if self.spread is None else f" ± {self.spread:.{DIGITS}f}"
        return f"{self.value:.{DIGITS}f}{spread}"


def mean(scores: Sequence[CellScore[Any]], metric: str) -> Mean | None:
    """The mean of a metric of one row, column and group; None if it was not evaluated."""
    seeds = sorted({score.seed for score in scores})
    if not seeds:
        return None
    each = [
        float(np.mean([getattr(score.metrics, metric) for score in scores if score.seed == seed])) for seed in seeds
    ]
    return Mean(float(np.mean(each)), (max(each) - min(each)) / 2 if len(each) > 1 else None)


@dataclass(frozen=True)
class Results:
    """The results of an experiment.

    Args:
        experiment: its rows and columns.
        dataset: name of the data set.
        scores: metrics on the bands.
        continuity: metrics between the bands, of painted scenes.
        parameters: parameters of the network of each row in millions, by name of the row.
    """

    experiment: Experiment
    dataset: str
    scores: Sequence[CellScore[SpectralMetrics]]
    continuity: Sequence[CellScore[ContinuityMetrics]]
    parameters: Mapping[str, float]

    def groups(self) -> list[str]:
        """Groups of scenes that are averaged, in the order of evaluation."""
        return list(dict.fromkeys(score.group for score in self.scores))

    def of(self, section: Section, row: Row, column: Column, group: str) -> list[CellScore[SpectralMetrics]]:
        """The scores of a cell for a group of scenes."""
        wanted = (section.title, row.name, column.key, group)
        return [s for s in self.scores if (s.section, s.row, s.column, s.group) == wanted]


def markdown(results: Results) -> str:
    """A table for every section and group, and one of the metrics between the bands if there are any."""
    parts = []
    for section in results.experiment.sections:
        for group in results.groups():
            if any(score.section == section.title and score.group == group for score in results.scores):
                parts.append(f"### {group}: {section.title}\n\n{_section(results, section, group)}")
    if results.continuity:
        parts.append(f"### Every nm of painted scenes\n\n{_continuity(results)}")
    return "\n\n".join(parts) + "\n"


def _section(results: Results, section: Section, group: str) -> str:
    columns = [c for c in section.columns if any(results.of(section, row, c, group) for row in section.rows)]
    counted = results.experiment.parameters
    head = ["Methods"]
    for column in columns:
        head += [f"{column.title} MRAE", "RMSE", "paper’s MRAE", "RMSE"]
    lines = [head + (["Param (M)"] if counted else [])]
    for row in section.rows:
        line = [row.title]
        for column in columns:
            found = results.of(section, row, column, group)
            paper = paper_result(results, row, column)
            ours = [mean(found, name) for name in ("mrae", "rmse")]
            line += [str(value or "–") for value in ours]
            line += [f"{value:.{DIGITS}f}" for value in paper] if paper else ["–", "–"]
        if counted:
            line.append(f"{results.parameters[row.name]:.2f}" if row.name in results.parameters else "–")
        lines.append(line)
    return _as_markdown(lines)


def _continuity(results: Results) -> str:
    lines = [["Scene", "Methods", "RMSE", "on the 10 nm bands", "between", "roughness / truth’s"]]
    titles = {row.name: row.title for section in results.experiment.sections for row in section.rows}
    kinds = list(dict.fromkeys((entry.section, entry.row, entry.column, entry.group) for entry in results.continuity))
    for section, row, column, group in kinds:
        found = [
            e for e in results.continuity if (e.section, e.row, e.column, e.group) == (section, row, column, group)
        ]
        own = f" ({column})" if len({kind[2] for kind in kinds if kind[:2] == (section, row)}) > 1 else ""
        lines.append([group, titles[row] + own, *(str(mean(found, name)) for name in ContinuityMetrics.NAMES)])
    return _as_markdown(lines)


def _as_markdown(lines: Sequence[Sequence[str]]) -> str:
    rows = [lines[0], ["---"] * len(lines[0]), *lines[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in rows)


def as_csv(results: Results) -> str:
    """CSV with a line for every row, column and group."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    names = [part for name in METRICS for part in (name, f"{name}_spread")]
    writer.writerow(
        ["section", "group", "row", "column", "scenes", "seeds", *names, "paper_mrae", "paper_rmse", "parameters_M"]
    )
    for section in results.experiment.sections:
        for group in results.groups():
            for row, column in ((row, column) for row in section.rows for column in section.columns):
                if found := results.of(section, row, column, group):
                    writer.writerow(_line(results, section, row, column, group, found))
    return file.getvalue()


def _line(
    results: Results,
    section: Section,
    row: Row,
    column: Column,
    group: str,
    found: Sequence[CellScore[SpectralMetrics]],
) -> list[object]:
    means = [mean(found, name) for name in METRICS]
    values = [part for one in means if one for part in (one.value, "" if one.spread is None else one.spread)]
    paper = paper_result(results, row, column) or ("", "")
    counts = [len({score.scene for score in found}), len({score.seed for score in found})]
    size = results.parameters.get(row.name, "")
    return [section.title, group, row.title, column.key, *counts, *values, *paper, size]
