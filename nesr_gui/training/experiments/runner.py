"""An experiment from start to finish: train the missing networks, evaluate all, write tables, figures and manifest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from nesr_gui.inference.checkpoint import save_checkpoint
from nesr_gui.networks.registry import build, parameters_of
from nesr_gui.training.closed_form import FITTED, fit, sample_crops
from nesr_gui.training.datasets.cache import Prepared
from nesr_gui.training.devices import Devices, check_extras
from nesr_gui.training.experiments import report
from nesr_gui.training.experiments.data import ExperimentData
from nesr_gui.training.experiments.definitions import Request, Settings
from nesr_gui.training.experiments.evaluation import ModelEvaluation, Points
from nesr_gui.training.experiments.plan import TrainingJob, cells
from nesr_gui.training.experiments.report import FAILED, Manifest
from nesr_gui.training.experiments.tables import Results
from nesr_gui.training.loss import TrainingLoss
from nesr_gui.training.provenance import check_run, claim_run
from nesr_gui.training.sampler import CropSampler, CropSource
from nesr_gui.training.scenes import TestScene
from nesr_gui.training.trainer import ConstantNetwork, Trainer

MODEL = "model.safetensors"
RECORD = "run.json"

Say = Callable[[str], None]
"""Receives one line of progress."""


def run(request: Request, say: Say) -> None:
    """Run an experiment, or continue the one in `request.out`.

    Raises:
        ValueError: the request is invalid, or its data is missing or damaged; the message is one sentence.
    """
    check_extras()
    experiment, data = request.chosen(), ExperimentData.load(request)
    places = list(cells(experiment, request.seeds, data.kept, request.settings))
    devices = Devices.launched(request.device, request.settings.precision)
    test_scenes = list(data.test_scenes(request)) if devices.is_main else []
    # A mistake is reported before hours of training.
    shown = _scenes_of_figures(test_scenes, request.scene, request.points) if test_scenes else {}
    with devices.main_first():
        scenes = data.prepared(request)
    manifest = report.manifest(request, data, scenes)
    jobs = list({cell.job.name: cell.job for cell in places}.values())
    models = ExperimentTraining(request, data, scenes, manifest, devices, say).models(jobs)
    if not devices.is_main:
        return
    evaluation = ModelEvaluation(models, places, data.kept, str(devices.device), request.every)
    for scene in tqdm(test_scenes, "evaluating", unit="scene", disable=None, leave=False):
        evaluation.evaluate_scene(scene, shown.get(scene))
    sizes = {cell.row.name: parameters_of(cell.job.config) / 1e6 for cell in places}
    results = Results(experiment, data.dataset.name, evaluation.scores, evaluation.continuity, sizes)
    finished = report.finished(manifest, models, test_scenes, evaluation.skipped)
    for path in report.write(request.out, results, evaluation, models, finished):
        say(str(path))
    for note in evaluation.skipped:
        say(f"not evaluated: {note}")
    for name, reason in report.failures(finished).items():
        say(f"failed run: {name}: {reason}")


@dataclass(frozen=True, eq=False)
class ExperimentTraining:
    """Trains the networks of an experiment, one after the other.

    Args:
        request: the experiment.
        data: its data.
        scenes: the prepared training scenes.
        manifest: what the models record of the experiment.
        devices: where to train.
        say: receives a line when a network is started and finished.
    """

    request: Request
    data: ExperimentData
    scenes: Sequence[Prepared]
    manifest: Manifest
    devices: Devices
    say: Say

    def models(self, jobs: Sequence[TrainingJob]) -> dict[str, Path]:
        """The model files of the jobs by name; the missing ones are trained.

        Raises:
            ValueError: the folder of a job holds a run with other settings, in which case nothing is trained, or the
                crops are impossible.
            DivergedRun: the loss of a network is no longer a finite number.
        """
        settings = self.request.settings
        records = [job.record(self.scenes, self.manifest["spectra"], settings) for job in jobs]
        for job, record in zip(jobs, records, strict=True):
            check_run(self._folder(job) / RECORD, record)
        source = CropSource(self.scenes, self.data.dataset.camera, self.data.learned, settings.crops)
        models = {}
        for number, (job, record) in enumerate(zip(jobs, records, strict=True), 1):
            if self.devices.is_main:
                claim_run(self._folder(job) / RECORD, record)
                if not ((self._folder(job) / MODEL).exists() or isinstance(job.config, FITTED)):
                    self.say(f"training {job.name} ({number} of {len(jobs)})")
            models[job.name] = self._model(job, source)
        return models

    def _folder(self, job: TrainingJob) -> Path:
        return self.request.out / "models" / job.name

    def _model(self, job: TrainingJob, source: CropSource) -> Path:
        last = ""
        with tqdm(
            total=100,
            unit="%",
            disable=None if self.devices.is_main else True,
            leave=False,
            bar_format="{desc} {bar} {n:.1f} % {elapsed}",
        ) as bar:

            def show(text: str, spent: float) -> None:
                nonlocal last
                last = text
                bar.set_description_str(text, refresh=False)
                bar.update(100 * spent - bar.n)

            provenance = report.provenance(self.manifest)
            path = train_model(job, source, self.request.settings, self._folder(job), self.devices, provenance, show)
        if last and self.devices.is_main:
            self.say(f"trained {last} after {self.request.settings.budget}")
        return path


def train_model(
    job: TrainingJob,
    source: CropSource,
    settings: Settings,
    folder: Path,
    devices: Devices,
    provenance: dict[str, str],
    progress: Callable[[str, float], None],
) -> Path:
    """Train the network of a job, unless its folder holds the model already.

    A network that fails the check of its vital signs at the end is still written, as a comparison needs its result;
    its provenance says why it failed.

    Args:
        job: the network.
        source: the training data.
        settings: of the training.
        folder: the folder of the run, from which an interrupted run is resumed.
        devices: where to train.
        provenance: what the model file records besides steps and hours.
        progress: called after every step with a description and the spent fraction of the budget.

    Returns:
        The model file.
    """
    model = folder / MODEL
    if isinstance(job.config, FITTED):
        if devices.is_main and not model.exists():
            save_checkpoint(model, fit(job.config, partial(sample_crops, source, seed=job.seed), job.seed), provenance)
        devices.barrier()
        return model
    trainer = crop_trainer(job, source, settings, folder, devices)
    if not model.exists() or trainer.spent < 1:
        try:
            with closing(trainer.run()) as steps:  # saves the state on Ctrl-C
                for step in steps:
                    progress(f"{job.name}, MRAE {step.mean_loss:.4f}", trainer.spent)
        except ConstantNetwork as error:
            provenance = provenance | {FAILED: str(error)}
            progress(f"{job.name}, which failed,", 1.0)
        provenance = provenance | {"steps": str(trainer.step), "hours": f"{trainer.seconds / 3600:.3f}"}
        if devices.is_main:
            save_checkpoint(model, trainer.network.eval().cpu(), provenance)
    devices.barrier()
    return model


def crop_trainer(job: TrainingJob, source: CropSource, settings: Settings, folder: Path, devices: Devices) -> Trainer:
    """The trainer of a job on crops of a data set, new or resumed.

    Raises:
        ValueError: the batch cannot be shared evenly by the devices.
    """
    sampler = CropSampler(
        source,
        lambda step: job.wavelengths(step, settings.decoded),
        job.inputs,
        seed=job.seed,
        part=devices.share(settings.batch),
        device=devices.device,
    )
    torch.manual_seed(job.seed)
    loss = TrainingLoss(build(job.config), sampler, settings.loss)
    return Trainer(loss, settings.optimizer, folder, devices)


def _scenes_of_figures(scenes: Sequence[TestScene], name: str | None, points: Points) -> dict[TestScene, Points]:
    """The scenes that figures may show, the first one preferred, with the pixels whose spectra are plotted.

    Raises:
        ValueError: no scene has that name, or a point is outside the first.
    """
    found = [scene for scene in scenes if name in (None, scene.name)]
    if not found:
        raise ValueError(f"no test scene {name}; there are {', '.join(scene.name for scene in scenes)}")
    return {scene: _points(scene, points if scene is found[0] else ()) for scene in found}


def _points(scene: TestScene, points: Points) -> Points:
    """The given pixels of a scene, or its brightest neutral and its most colourful one.

    Raises:
        ValueError: a point is outside the scene.
    """
    height, width = scene.counted.shape
    if outside := [point for point in points if not (0 <= point[0] < height and 0 <= point[1] < width)]:
        raise ValueError(f"{scene.name} has {height} rows and {width} columns; row, column {outside[0]} is not in it")
    if points:
        return points
    bright, least = scene.rgb.max(-1), scene.rgb.min(-1)
    colourful = np.where(scene.counted, bright - least, -1)
    neutral = np.where(scene.counted, least, -1)
    return [divmod(int(np.argmax(values)), width) for values in (neutral, colourful)]
