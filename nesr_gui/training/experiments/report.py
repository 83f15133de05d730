"""What an experiment leaves in its folder: tables, figures, the manifest."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from nesr_gui.io.atomic import atomic_write
from nesr_gui.training.datasets import DATASETS
from nesr_gui.training.experiments import plots, tables
from nesr_gui.training.experiments.evaluation import Exam
from nesr_gui.training.experiments.manifest import Manifest
from nesr_gui.training.experiments.tables import Results

PAPER_COUNTS = {"cave": (28, 4), "icvl": (80, 10)}
"""Training and test scenes that the paper drew."""


def write(folder: Path, results: Results, exam: Exam, models: Mapping[str, Path], said: Manifest) -> Iterator[Path]:
    """Write everything, one file after the other."""
    name = results.experiment.name
    texts = {
        f"{name}.md": f"# {results.experiment.title}\n\n{preface(results, said)}\n\n{tables.markdown(results)}",
        f"{name}.csv": tables.as_csv(results),
        f"{name}.manifest.json": json.dumps(said, indent=1, ensure_ascii=False) + "\n",
    }
    for file, text in texts.items():
        with atomic_write(folder / file) as temporary:
            temporary.write_text(text, encoding="utf-8")
        yield folder / file
    for section, portrait in exam.portraits.items():
        stem = f"{name}-{section.split()[0]}" if len(results.experiment.sections) > 1 else name
        plots.error_maps(folder / f"{stem}-errors.png", portrait, "mean of |y - t| / (t + .001) over the bands")
        plots.curves(folder / f"{stem}-curves.png", portrait)
        yield from (folder / f"{stem}-errors.png", folder / f"{stem}-curves.png")
    courses = {task: _course(path.parent / "losses.csv") for task, path in models.items()}
    if courses := {task: course for task, course in courses.items() if course}:
        plots.courses(folder / f"{name}-training.png", courses)
        yield folder / f"{name}-training.png"


def _course(path: Path) -> list[tuple[int, float]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [(int(step), float(loss)) for step, loss in list(csv.reader(file))[1:]]


def preface(results: Results, said: Manifest) -> str:
    """Under which conditions the figures hold, in words."""
    settings = said["settings"]
    scenes = len(said["training_scenes"]), sum(key.startswith(f"{said['dataset']}/") for key in said["test_scenes"])
    lines = [
        f"Data: {said['dataset']}, {scenes[0]} scenes to train on and {scenes[1]} to be judged by ({said['split']}).",
        f"Photographs: {said['photographs']}.",
        f"Every network: {said['budget']}, {settings['batch']} patches of {settings['patch']} pixels a "
        f"step, the same for all; Adam at {settings['rate']:g}, halved {settings['halvings']} times, MRAE, "
        f"trained in {settings['precision']}, judged in float32, seeds {', '.join(map(str, said['seeds']))}.",
        f"{said['metrics']}.",
    ]
    if any("nesr" in name for name in said["models"]) and (settings["window"] or settings["decoded"]):
        lines.append(_share(settings["window"], settings["decoded"]))
    if said["spectra"]:
        learned, held = (sum(said[key].values()) for key in ("painting", "kept_out"))
        lines.append(
            f"Of every batch {settings['painted']:.0%} is painted with {learned:,} spectra of "
            f"{', '.join(said['spectra'])}; painted scenes are of {held:,} others."
        )
    paper = PAPER_COUNTS.get(results.dataset)
    if results.experiment.dataset and results.experiment.dataset != results.dataset:
        theirs = DATASETS[results.experiment.dataset].title
        lines.append(f"The paper’s figures are of {theirs}: not comparable with these.")
    elif paper and scenes != paper:
        lines.append(f"The paper had {paper[0]} and {paper[1]} scenes: its figures are not comparable with these.")
    if str(settings["budget"]["steps"]) != "300000":
        lines.append("The paper trained for 300,000 steps.")
    return "\n".join(f"* {line}" for line in lines)


def _share(window: int, decoded: int) -> str:
    """What NeSR is corrected by at every step, where that is not all; 0: all."""
    pixels = f"{window} × {window} pixels" if window else "all pixels"
    wavelengths = f"{decoded} wavelengths" if decoded else "all wavelengths"
    return f"NeSR answers {pixels} at {wavelengths} of every patch a step, drawn anew each time; the paper’s all."
