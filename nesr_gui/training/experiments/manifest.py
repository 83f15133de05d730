"""What an experiment's figures come from: the program, the data with their hashes, the budget, the seeds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nesr_gui.inference.checkpoint import describe
from nesr_gui.spectral import Wavelengths
from nesr_gui.training.datasets.cache import Prepared
from nesr_gui.training.experiments.definitions import Request
from nesr_gui.training.experiments.judging import Judge
from nesr_gui.training.experiments.material import Material
from nesr_gui.training.provenance import commit, program

Manifest = dict[str, Any]

METRICS = (
    "MRAE = mean |y - t| / (t + .001); RMSE and PSNR for data range 1; angle in degrees over pixels of mean truth "
    "> .02; means over scenes, then over seeds; only pixels that count (no charts, nothing that moved)"
)


def manifest(request: Request, material: Material, scenes: Sequence[Prepared]) -> Manifest:
    """Everything that is known before training."""
    return {
        "experiment": request.experiment,
        "program": program(),
        "commit": commit(),
        "dataset": material.dataset.title,
        "photographs": str(material.dataset.camera),
        "split": material.split.how,
        "training_scenes": {scene.name: scene.sha256 for scene in scenes},
        "spectra": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in request.spectra},
        "painting": {library.name: len(library.values) for library in material.learned} if request.spectra else {},
        "kept_out": {library.name: len(library.values) for library in material.held},
        "training_bands_nm": said_bands(material.kept),
        "band_shape": asdict(request.shape),
        "budget": str(request.settings.budget),
        "settings": asdict(request.settings),
        "seeds": list(range(request.seeds)),
        "judged_every": request.every,
        "metrics": METRICS + (f", in one of {request.every} rows and columns" if request.every > 1 else ""),
    }


def said_bands(bands: Wavelengths) -> str:
    """How many, and where."""
    return f"{len(bands)}, {bands.nm[0]:g}-{bands.nm[-1]:g}"


def judged(said: Manifest, models: Mapping[str, Path], judges: Sequence[Judge], skipped: Sequence[str]) -> Manifest:
    """With what was trained, and what it was judged by."""
    described = {name: describe(path) for name, path in models.items()}
    kept = ("sha256", "steps", "hours")
    return {
        **said,
        "test_scenes": {f"{judge.group}/{judge.name}": judge.sha256 for judge in judges},
        "models": {name: {key: text[key] for key in kept if key in text} for name, text in described.items()},
        "not_judged": list(skipped),
    }


def provenance(said: Manifest) -> dict[str, str]:
    """What a model file says of its training."""
    return {
        "experiment": said["experiment"],
        "dataset": f"{said['dataset']}, {said['split']}",
        "scenes": ", ".join(f"{name} {digest[:16]}" for name, digest in said["training_scenes"].items()),
        "spectra": ", ".join(f"{name} {digest[:16]}" for name, digest in said["spectra"].items()),
        "photographs": said["photographs"],
        "training": str(said["settings"]),
        "commit": said["commit"],
        "program": said["program"],
    }
