"""A folder is one run: `run.json` holds what its network is trained with, and with nothing else it is resumed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nesr_gui.io.atomic import atomic_write
from nesr_gui.networks.baselines import BandInterpolationConfig
from nesr_gui.training.closed_form import FITTED
from nesr_gui.training.datasets.cache import Prepared
from nesr_gui.training.experiments.definitions import Budget, Settings
from nesr_gui.training.experiments.plan import Task

FILE = "run.json"
FITTED_SETTINGS = ("batch", "patch", "painted")  # what pixels depend on that a system is fitted to

Run = dict[str, Any]


def run_of(task: Task, scenes: Sequence[Prepared], spectra: Mapping[str, str], settings: Settings) -> Run:
    """What a network is trained with, as JSON gives it back; `spectra` are SHA-256 of libraries."""
    said: Run = {"system": type(task.config).__name__, "config": asdict(task.config)}
    if not isinstance(task.config, BandInterpolationConfig):  # which learns nothing
        known = asdict(settings)
        seen = {key: known[key] for key in FITTED_SETTINGS} if isinstance(task.config, FITTED) else known
        said |= {"counts": task.counts, "seed": task.seed, "settings": seen}
        said |= {"scenes": {scene.name: scene.sha256 for scene in scenes}, "spectra": dict(spectra)}
    read: Run = json.loads(json.dumps(said))
    return read


def check(folder: Path, run: Run) -> None:
    """Raise ValueError where the folder holds a run of other settings: resumed, it would be neither one nor the other.

    What an older program did not write down is taken to be the same.
    """
    path = folder / FILE
    if path.exists() and (others := list(_differences(json.loads(path.read_text(encoding="utf-8")), run))):
        raise ValueError(
            f"{folder} holds a run with other settings ({'; '.join(others)}); name another folder by --out, or "
            "repeat them"
        )


def claim(folder: Path, run: Run) -> None:
    """Say what is trained in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / FILE).exists():
        with atomic_write(folder / FILE) as temporary:
            temporary.write_text(json.dumps(run, indent=1), encoding="utf-8")


def _differences(there: Run, asked: Run) -> Iterator[str]:
    """What is other than asked for, in words, settings one by one."""
    before, after = there.get("settings", {}), asked.get("settings", {})
    for key in after:
        if before.get(key, after[key]) != after[key]:
            yield f"{key} {_told(key, before[key])}, not {_told(key, after[key])}"
    if before == after and there.get("config") != asked["config"]:
        yield "another network"
    for key, what in (("counts", "other band numbers"), ("scenes", "other scenes"), ("spectra", "other spectra")):
        if key in there and key in asked and there[key] != asked[key]:
            yield what


def _told(key: str, value: Any) -> str:
    if key == "budget":
        return str(Budget(**value))
    return f"{value:g}" if isinstance(value, float) else "as published" if value is None else str(value)
