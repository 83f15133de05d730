"""Scores as tables in the paper's shape, its figures beside ours: Markdown for people, CSV for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nesr_gui.training.experiments.description import Column, Experiment, Row, Section
from nesr_gui.training.experiments.judging import BETWEEN, FIGURES, Score
from nesr_gui.training.experiments.published import published

DIGITS = 5


@dataclass(frozen=True)
class Mean:
    """A figure: the mean over scenes, then over seeds; `spread` is half the range over seeds, None with one seed."""

    value: float
    spread: float | None = None

    def __str__(self) -> str:
        spread = "" if self.spread is None else f" ± {self.spread:.{DIGITS}f}"
        return f"{self.value:.{DIGITS}f}{spread}"


def mean(scores: Sequence[Score], figure: str) -> Mean | None:
    """Of one row, column and group; None where it was not judged."""
    seeds = sorted({score.seed for score in scores})
    if not seeds:
        return None
    each = [float(np.mean([score.figures[figure] for score in scores if score.seed == seed])) for seed in seeds]
    return Mean(float(np.mean(each)), (max(each) - min(each)) / 2 if len(each) > 1 else None)


@dataclass(frozen=True)
class Results:
    """Everything judged; `parameters` of each row's network, in millions, where it is one."""

    experiment: Experiment
    dataset: str
    scores: Sequence[Score]
    between: Sequence[Score]
    parameters: Mapping[str, float]

    def groups(self) -> list[str]:
        """What was averaged together, in the order it was judged."""
        return list(dict.fromkeys(score.group for score in self.scores))

    def of(self, section: Section, row: Row, column: Column, group: str) -> list[Score]:
        wanted = (section.title, row.name, column.key, group)
        return [s for s in self.scores if (s.section, s.row, s.column, s.group) == wanted]


def markdown(results: Results) -> str:
    """One table for every section and group, and one of what happens between the bands where that is known."""
    parts = []
    for section in results.experiment.sections:
        for group in results.groups():
            if any(score.section == section.title and score.group == group for score in results.scores):
                parts.append(f"### {group}: {section.title}\n\n{_section(results, section, group)}")
    if results.between:
        parts.append(f"### Every nm of painted scenes\n\n{_between(results)}")
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
            said = published(results.experiment.name, row.name, column.key, results.dataset)
            ours = [mean(found, figure) for figure in ("mrae", "rmse")]
            line += [str(figure or "–") for figure in ours]
            line += [f"{figure:.{DIGITS}f}" for figure in said] if said else ["–", "–"]
        if counted:
            line.append(f"{results.parameters[row.name]:.2f}" if row.name in results.parameters else "–")
        lines.append(line)
    return _laid_out(lines)


def _between(results: Results) -> str:
    lines = [["Scene", "Methods", "RMSE", "on the 10 nm bands", "between", "roughness / truth’s"]]
    titles = {row.name: row.title for section in results.experiment.sections for row in section.rows}
    kinds = list(dict.fromkeys((entry.section, entry.row, entry.column, entry.group) for entry in results.between))
    for section, row, column, group in kinds:
        found = [e for e in results.between if (e.section, e.row, e.column, e.group) == (section, row, column, group)]
        own = f" ({column})" if len({kind[2] for kind in kinds if kind[:2] == (section, row)}) > 1 else ""
        lines.append([group, titles[row] + own, *(str(mean(found, figure)) for figure in BETWEEN)])
    return _laid_out(lines)


def _laid_out(lines: Sequence[Sequence[str]]) -> str:
    rows = [lines[0], ["---"] * len(lines[0]), *lines[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in rows)


def as_csv(results: Results) -> str:
    """A line for every row, column and group."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    figures = [part for figure in FIGURES for part in (figure, f"{figure}_spread")]
    writer.writerow(
        ["section", "group", "row", "column", "scenes", "seeds", *figures, "paper_mrae", "paper_rmse", "parameters_M"]
    )
    for section in results.experiment.sections:
        for group in results.groups():
            for row, column in ((row, column) for row in section.rows for column in section.columns):
                if found := results.of(section, row, column, group):
                    writer.writerow(_line(results, section, row, column, group, found))
    return file.getvalue()


def _line(
    results: Results, section: Section, row: Row, column: Column, group: str, found: Sequence[Score]
) -> list[object]:
    means = [mean(found, figure) for figure in FIGURES]
    figures = [part for one in means if one for part in (one.value, "" if one.spread is None else one.spread)]
    said = published(results.experiment.name, row.name, column.key, results.dataset) or ("", "")
    counts = [len({score.scene for score in found}), len({score.seed for score in found})]
    size = results.parameters.get(row.name, "")
    return [section.title, group, row.title, column.key, *counts, *figures, *said, size]
