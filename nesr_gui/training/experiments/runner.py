"""An experiment from start to finish: train the missing networks, evaluate all, write tables, figures and manifest."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from nesr_gui.inference.checkpoint import save_checkpoint
from nesr_gui.inference.device import is_faster_in_bfloat16
from nesr_gui.networks.registry import build, parameters_of
from nesr_gui.spectral import Wavelengths
from nesr_gui.training.closed_form import FITTED, fit, sample_crops, start_linear_skip
from nesr_gui.training.datasets.cache import Prepared
from nesr_gui.training.devices import Devices, check_extras
from nesr_gui.training.experiments import report
from nesr_gui.training.experiments.data import ExperimentData
from nesr_gui.training.experiments.definitions import Request, Settings
from nesr_gui.training.experiments.evaluation import ModelEvaluation, Points
from nesr_gui.training.experiments.learning_curve import STEPS as CURVE_STEPS
from nesr_gui.training.experiments.learning_curve import HeldOutCrops, LearningCurve
from nesr_gui.training.experiments.plan import TrainingJob, cells
from nesr_gui.training.experiments.report import FAILED, UNFINISHED, Manifest
from nesr_gui.training.experiments.tables import Results
from nesr_gui.training.loss import TrainingLoss
from nesr_gui.training.provenance import check_run, claim_run
from nesr_gui.training.sampler import CropSampler, CropSource
from nesr_gui.training.scenes import TestScene
from nesr_gui.training.trainer import STATE, ConstantNetwork, Trainer

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
    mixed = request.settings.precision == "bf16-mixed"
    if devices.is_main and mixed and not is_faster_in_bfloat16(devices.device.type):
        say("bf16-mixed was requested, which is not faster than 32-true on this device, and may be many times slower")
    test_scenes = list(data.test_scenes(request)) if devices.is_main else []
    # A mistake is reported before hours of training.
    shown = _scenes_of_figures(test_scenes, request.scene, request.points) if test_scenes else {}
    with devices.main_first():
        scenes = data.prepared(request)
    manifest = report.manifest(request, data, scenes)
    jobs = list({cell.job.name: cell.job for cell in places}.values())
    measured = [scene for scene in test_scenes if scene.group == data.dataset.title]
    training = ExperimentTraining(request, data, scenes, manifest, devices, HeldOutCrops(measured), say)
    models = training.unfinished(jobs) if request.unfinished else training.models(jobs)
    if not devices.is_main:
        return
    if not models:
        raise ValueError(f"no network in {request.out} is trained yet; train some before --unfinished")
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
    for name, reason in report.marked(finished, FAILED).items():
        say(f"failed run: {name}: {reason}")
    for name, reason in report.marked(finished, UNFINISHED).items():
        say(f"unfinished run: {name}: {reason}")


@dataclass(frozen=True, eq=False)
class ExperimentTraining:
    """Trains the networks of an experiment, one after the other.

    Args:
        request: the experiment.
        data: its data.
        scenes: the prepared training scenes.
        manifest: what the models record of the experiment.
        devices: where to train.
        held_out: measures the learning curves.
        say: receives a line when a network is started and finished.
    """

    request: Request
    data: ExperimentData
    scenes: Sequence[Prepared]
    manifest: Manifest
    devices: Devices
    held_out: HeldOutCrops
    say: Say

    def models(self, jobs: Sequence[TrainingJob]) -> dict[str, Path]:
        """The model files of the jobs by name; the missing ones are trained.

        Raises:
            ValueError: the folder of a job holds a run with other settings, in which case nothing is trained, or the
                crops are impossible.
            DivergedRun: the loss of a network is no longer a finite number, or has grown out of bounds.
        """
        source, models = self._checked_source(jobs), dict[str, Path]()
        while waiting := [job for job in jobs if job.name not in models]:
            for job in waiting:  # every network for a turn, or, without turns, until it is trained
                folder = self._folder(job)
                if self.devices.is_main:
                    self._claim(job)
                    if not ((folder / MODEL).exists() or (folder / STATE).exists() or isinstance(job.config, FITTED)):
                        self.say(f"training {job.name} ({jobs.index(job) + 1} of {len(jobs)})")
                self._train(job, source, models)
        return {job.name: models[job.name] for job in jobs}

    def unfinished(self, jobs: Sequence[TrainingJob]) -> dict[str, Path]:
        """Model files of the jobs as they are, by name; one that is not trained at all is left out.

        Raises:
            ValueError: see `models`.
        """
        source, settings, models = self._checked_source(jobs), self.request.settings, dict[str, Path]()
        for job in jobs:
            folder = self._folder(job)
            if isinstance(job.config, FITTED) or (folder / MODEL).exists():
                if self.devices.is_main:
                    self._claim(job)
                self._train(job, source, models)
            elif (folder / STATE).exists():
                trainer = crop_trainer(job, source, settings, folder, self.devices)
                hours = f"{trainer.seconds / 3600:.2f} hours, {trainer.spent:.0%} of the budget"
                reason = {UNFINISHED: f"{trainer.step:,} steps, {hours}", **training_record(trainer)}
                models[job.name] = folder / "unfinished.safetensors"
                if self.devices.is_main:
                    network, provenance = trainer.network.eval().cpu(), report.provenance(self.manifest)
                    save_checkpoint(models[job.name], network, provenance | reason)
        return models

    def _claim(self, job: TrainingJob) -> None:
        claim_run(self._folder(job) / RECORD, self._record(job))

    def _record(self, job: TrainingJob) -> dict[str, Any]:
        return job.record(self.scenes, self.manifest["spectra"], self.request.settings, self.request.shape)

    def _checked_source(self, jobs: Sequence[TrainingJob]) -> CropSource:
        """The crops, after a check that no folder holds a run with other settings."""
        for job in jobs:
            check_run(self._folder(job) / RECORD, self._record(job))
        return CropSource(self.scenes, self.data.dataset.camera, self.data.learned, self.request.settings.crops)

    def _folder(self, job: TrainingJob) -> Path:
        return self.request.out / "models" / job.name

    def _train(self, job: TrainingJob, source: CropSource, models: dict[str, Path]) -> None:
        """Train a job for a turn; add its model file to `models` if it is finished."""
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

            path = train_model(
                job,
                source,
                self.request.settings,
                self._folder(job),
                self.devices,
                report.provenance(self.manifest),
                show,
                held_out=self.held_out,
                turn=math.inf if self.request.turns is None else 60 * self.request.turns,
            )
        if path is not None:
            models[job.name] = path
        if last and self.devices.is_main:
            done = f"after {self.request.settings.budget}" if path else "so far"
            self.say(f"trained {last} {done}")


def train_model(
    job: TrainingJob,
    source: CropSource,
    settings: Settings,
    folder: Path,
    devices: Devices,
    provenance: dict[str, str],
    progress: Callable[[str, float], None],
    *,
    held_out: HeldOutCrops | None = None,
    turn: float = math.inf,
) -> Path | None:
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
        held_out: measures the learning curve; None for no curve.
        turn: seconds of training, as the budget counts them, after which to stop.

    Returns:
        The model file; None if training stopped before its end.
    """
    model = folder / MODEL
    if isinstance(job.config, FITTED):
        if devices.is_main and not model.exists():
            save_checkpoint(model, fit(job.config, partial(sample_crops, source, seed=job.seed), job.seed), provenance)
        devices.barrier()
        return model
    if model.exists() and not (folder / STATE).exists():  # deleted after the end, as it only serves to resume
        return model
    trainer = crop_trainer(job, source, settings, folder, devices)
    if not model.exists() or trainer.spent < 1:
        curve, stop = None, trainer.seconds + turn
        if held_out and devices.is_main:
            pairs = held_out.pairs(Wavelengths(np.array(job.config.bands)), job.inputs)
            curve = LearningCurve(folder, pairs, trainer.step) if pairs else None
        try:
            with closing(trainer.run()) as steps:  # saves the state on Ctrl-C
                for step in steps:
                    progress(f"{job.name}, MRAE {step.mean_loss:.4f}", trainer.spent)
                    if curve and (trainer.step % CURVE_STEPS == 0 or trainer.spent == 1):
                        curve.add(trainer.network, trainer.step, trainer.seconds)
                    if trainer.seconds >= stop and trainer.spent < 1:
                        return None
        except ConstantNetwork as error:
            provenance = provenance | {FAILED: str(error)}
            progress(f"{job.name}, which failed,", 1.0)
        if devices.is_main:
            save_checkpoint(model, trainer.network.eval().cpu(), provenance | training_record(trainer))
    devices.barrier()
    return model


def training_record(trainer: Trainer) -> dict[str, str]:
    """What a model file records of the length of its training."""
    return {"steps": str(trainer.step), "hours": f"{trainer.seconds / 3600:.3f}"}


def crop_trainer(job: TrainingJob, source: CropSource, settings: Settings, folder: Path, devices: Devices) -> Trainer:
    """The trainer of a job on crops of a data set, new or resumed.

    Raises:
        ValueError: the batch cannot be shared evenly by the devices.
    """
    sampler = CropSampler(
        source,
        job.wavelengths,
        job.inputs,
        seed=job.seed,
        part=devices.share(settings.batch),
        device=devices.device,
    )
    torch.manual_seed(job.seed)
    network = build(job.config)
    if not (folder / STATE).exists():
        start_linear_skip(network, CropSampler(source, lambda _: np.array(job.config.bands), job.inputs, seed=job.seed))
    loss = TrainingLoss(network, sampler, settings.loss(job.config))
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
