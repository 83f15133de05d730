"""An experiment from beginning to end: train what is missing, judge it, write tables, figures and the manifest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from nesr_gui.networks.registry import parameters_of
from nesr_gui.training.experiments import devices, report
from nesr_gui.training.experiments.definitions import Request
from nesr_gui.training.experiments.evaluation import Exam, Points
from nesr_gui.training.experiments.judging import Judge
from nesr_gui.training.experiments.manifest import judged, manifest
from nesr_gui.training.experiments.material import Material
from nesr_gui.training.experiments.plan import cells
from nesr_gui.training.experiments.tables import Results
from nesr_gui.training.experiments.training import Say, Training


def run(request: Request, say: Say) -> None:
    """Do it; what is in `request.out` already is resumed. `say` is told what is done, a line at a time.

    Raises:
        ValueError: something asked for is not there, or cannot be; the text is one sentence.
    """
    devices.check_extras()
    experiment, material = request.chosen(), Material.of(request)
    places = list(cells(experiment, request.seeds, material.kept, request.settings))
    fabric = devices.launched(request.device, request.settings.precision)
    judges = list(material.judges(request)) if fabric.is_global_zero else []
    shown = (
        _shown(judges, request.scene, request.points) if judges else {}
    )  # a mistake is told before hours of training
    with fabric.rank_zero_first():
        scenes = material.prepared(request)
    said = manifest(request, material, scenes)
    tasks = list({cell.task.name: cell.task for cell in places}.values())
    models = Training(request, material, scenes, said, fabric, say).models(tasks)
    if not fabric.is_global_zero:
        return
    exam = Exam(models, places, material.kept, str(fabric.device), request.every)
    for judge in tqdm(judges, "judging", unit="scene", disable=None, leave=False):
        exam.sit(judge, shown.get(judge))
    sizes = {cell.row.name: parameters_of(cell.task.config) / 1e6 for cell in places}
    results = Results(experiment, material.dataset.name, exam.scores, exam.between, sizes)
    for path in report.write(request.out, results, exam, models, judged(said, models, judges, exam.skipped)):
        say(str(path))
    for note in exam.skipped:
        say(f"not judged: {note}")


def _shown(judges: Sequence[Judge], name: str | None, points: Points) -> dict[Judge, Points]:
    """The scenes that figures may show, the first for choice, and their pixels whose spectra are shown.

    Raises:
        ValueError: no scene is called `name`, or one of `points` is outside the first.
    """
    found = [judge for judge in judges if name in (None, judge.name)]
    if not found:
        raise ValueError(f"no test scene {name}; there are {', '.join(judge.name for judge in judges)}")
    return {judge: _points(judge, points if judge is found[0] else ()) for judge in found}


def _points(judge: Judge, asked: Points) -> Points:
    """Pixels of a scene: those asked for, or the brightest without and with a colour."""
    height, width = judge.counted.shape
    if outside := [point for point in asked if not (0 <= point[0] < height and 0 <= point[1] < width)]:
        raise ValueError(f"{judge.name} has {height} rows and {width} columns; row, column {outside[0]} is not in it")
    if asked:
        return asked
    bright, least = judge.rgb.max(-1), judge.rgb.min(-1)
    colourful = np.where(judge.counted, bright - least, -1)
    plain = np.where(judge.counted, least, -1)
    return [divmod(int(np.argmax(values)), width) for values in (plain, colourful)]
