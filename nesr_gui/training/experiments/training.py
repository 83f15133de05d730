"""The networks of an experiment, one after the other: what is missing is trained, and told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from nesr_gui.training.closed_form import FITTED
from nesr_gui.training.datasets.cache import Prepared
from nesr_gui.training.experiments.crops import Crops
from nesr_gui.training.experiments.definitions import Request
from nesr_gui.training.experiments.learner import MODEL, learned
from nesr_gui.training.experiments.manifest import Manifest, provenance
from nesr_gui.training.experiments.material import Material
from nesr_gui.training.experiments.plan import Task
from nesr_gui.training.experiments.run_folder import Run, check, claim, run_of

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Training:
    """What all networks of an experiment are trained with; `manifest` is what models say of it, `say` hears a line at
    a time."""

    request: Request
    material: Material
    scenes: Sequence[Prepared]
    manifest: Manifest
    fabric: Fabric
    say: Say

    def models(self, tasks: Sequence[Task]) -> dict[str, Path]:
        """The model files of the tasks by name, each trained where it is missing.

        Raises:
            ValueError: the folder of one of them holds a run of other settings; nothing was trained then.
        """
        runs = [run_of(task, self.scenes, self.manifest["spectra"], self.request.settings) for task in tasks]
        for task, run in zip(tasks, runs, strict=True):
            check(self._folder(task), run)
        numbered = enumerate(zip(tasks, runs, strict=True), 1)
        return {task.name: self._model(task, run, f"{number} of {len(tasks)}") for number, (task, run) in numbered}

    def _folder(self, task: Task) -> Path:
        return self.request.out / "models" / task.name

    def _model(self, task: Task, run: Run, place: str) -> Path:
        settings, folder = self.request.settings, self._folder(task)
        crops = Crops(self.scenes, self.material.dataset.camera, self.material.learned, settings, task.seed)
        if self.fabric.is_global_zero:
            claim(folder, run)
            if not ((folder / MODEL).exists() or isinstance(task.config, FITTED)):
                self.say(f"training {task.name} ({place})")
        heard = ""
        quiet = None if self.fabric.is_global_zero else True
        with tqdm(
            total=100, unit="%", disable=quiet, leave=False, bar_format="{desc} {bar} {n:.1f} % {elapsed}"
        ) as bar:

            def shown(what: str, done: float) -> None:
                nonlocal heard
                heard = what
                bar.set_description_str(what, refresh=False)
                bar.update(100 * done - bar.n)

            model = learned(task, crops, settings, folder, self.fabric, provenance(self.manifest), shown)
        if heard and self.fabric.is_global_zero:
            self.say(f"trained {heard} after {settings.budget}")
        return model
