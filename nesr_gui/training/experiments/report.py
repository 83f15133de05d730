"""The report of an experiment: tables, figures, and a manifest of everything that its results depend on."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nesr_gui.inference.checkpoint import describe
from nesr_gui.io.atomic import atomic_write
from nesr_gui.networks.registry import SYSTEMS
from nesr_gui.spectral import Wavelengths
from nesr_gui.training import datasets
from nesr_gui.training.datasets.cache import Prepared
from nesr_gui.training.experiments import plots, tables
from nesr_gui.training.experiments.data import ExperimentData
from nesr_gui.training.experiments.definitions import SPECTRUM_WINDOW, WINDOW, Request
from nesr_gui.training.experiments.evaluation import ModelEvaluation
from nesr_gui.training.experiments.tables import Results
from nesr_gui.training.provenance import commit, file_sha256, program
from nesr_gui.training.sampler import CropConfig
from nesr_gui.training.scenes import TestScene

FAILED = "failed"  # in the provenance of a model: why its vital signs show that the run failed
UNFINISHED = "unfinished"  # in the provenance of a model: how far it was trained
PAPER_COUNTS = {"cave": (28, 4), "icvl": (80, 10)}
"""Numbers of training and test scenes in the paper."""
METRICS = (
    "MRAE = mean |y - t| / (t + .001); RMSE and PSNR for data range 1; angle in degrees over pixels of mean truth "
    "> .02; means over scenes, then over seeds; only pixels that count (no charts, nothing that moved)"
)

Manifest = dict[str, Any]


def manifest(request: Request, data: ExperimentData, scenes: Sequence[Prepared]) -> Manifest:
    """The manifest of an experiment before training: program, data with their hashes, budget and seeds."""
    return {
        "experiment": request.experiment,
        "encoder": request.encoder,
        "program": program(),
        "commit": commit(),
        "dataset": data.dataset.title,
        "photographs": str(data.dataset.camera),
        "split": data.split.how,
        "training_scenes": {scene.name: scene.sha256 for scene in scenes},
        "spectra": {path.name: file_sha256(path) for path in request.spectra},
        "painting": {library.name: len(library.values) for library in data.learned} if request.spectra else {},
        "kept_out": {library.name: len(library.values) for library in data.held},
        "training_bands_nm": _describe_bands(data.kept),
        "band_shape": asdict(request.shape),
        "budget": str(request.settings.budget),
        "settings": asdict(request.settings),
        "seeds": list(range(request.seeds)),
        "judged_every": request.every,
        "metrics": METRICS + (f", in one of {request.every} rows and columns" if request.every > 1 else ""),
    }


def _describe_bands(bands: Wavelengths) -> str:
    return f"{len(bands)}, {bands.nm[0]:g}-{bands.nm[-1]:g}"


def finished(
    manifest: Manifest, models: Mapping[str, Path], scenes: Sequence[TestScene], skipped: Sequence[str]
) -> Manifest:
    """The manifest with the trained models, the test scenes, and the reasons why columns were not evaluated."""
    described = {name: describe(path) for name, path in models.items()}
    kept = ("sha256", "steps", "hours", FAILED, UNFINISHED)
    return {
        **manifest,
        "test_scenes": {f"{scene.group}/{scene.name}": scene.sha256 for scene in scenes},
        "models": {name: {key: text[key] for key in kept if key in text} for name, text in described.items()},
        "not_judged": list(skipped),
    }


def marked(manifest: Manifest, mark: str) -> dict[str, str]:
    """Models of a finished manifest whose training failed or is unfinished, with what is said of them.

    Args:
        manifest: the manifest.
        mark: `FAILED` or `UNFINISHED`.
    """
    return {name: model[mark] for name, model in manifest["models"].items() if mark in model}


def provenance(manifest: Manifest) -> dict[str, str]:
    """What a model file records about its training."""
    return {
        "experiment": manifest["experiment"],
        "dataset": f"{manifest['dataset']}, {manifest['split']}",
        "scenes": ", ".join(f"{name} {digest[:16]}" for name, digest in manifest["training_scenes"].items()),
        "spectra": ", ".join(f"{name} {digest[:16]}" for name, digest in manifest["spectra"].items()),
        "photographs": manifest["photographs"],
        "training": str(manifest["settings"]),
        "commit": manifest["commit"],
        "program": manifest["program"],
    }


def write(
    folder: Path, results: Results, evaluation: ModelEvaluation, models: Mapping[str, Path], manifest: Manifest
) -> Iterator[Path]:
    """Write the files of the report, yielding each after it is written.

    Args:
        folder: where to write.
        results: the metrics.
        evaluation: what the figures show.
        models: model files by name; `losses.csv` beside them is plotted.
        manifest: the finished manifest.
    """
    name = results.experiment.name
    texts = {
        f"{name}.md": f"# {results.experiment.title}\n\n{preface(results, manifest)}\n\n{tables.markdown(results)}",
        f"{name}.csv": tables.as_csv(results),
        f"{name}.manifest.json": json.dumps(manifest, indent=1, ensure_ascii=False) + "\n",
    }
    for file, text in texts.items():
        with atomic_write(folder / file) as temporary:
            temporary.write_text(text, encoding="utf-8")
        yield folder / file
    for section, figures in evaluation.figures.items():
        stem = f"{name}-{section.split()[0]}" if len(results.experiment.sections) > 1 else name
        plots.error_maps(folder / f"{stem}-errors.png", figures, "mean of |y - t| / (t + .001) over the bands")
        plots.curves(folder / f"{stem}-curves.png", figures)
        yield from (folder / f"{stem}-errors.png", folder / f"{stem}-curves.png")
    losses = {model: read for model, path in models.items() if (read := _losses(path.parent / "losses.csv"))}
    if losses:
        plots.training_losses(folder / f"{name}-training.png", losses)
        yield folder / f"{name}-training.png"


def _losses(path: Path) -> list[tuple[int, float]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [(int(step), float(loss)) for step, loss in list(csv.reader(file))[1:]]


def preface(results: Results, manifest: Manifest) -> str:
    """The conditions under which the results hold, as a Markdown list."""
    settings = manifest["settings"]
    scenes = (
        len(manifest["training_scenes"]),
        sum(key.startswith(f"{manifest['dataset']}/") for key in manifest["test_scenes"]),
    )
    lines = [
        f"Data: {manifest['dataset']}, {scenes[0]} training and {scenes[1]} test scenes ({manifest['split']}).",
        f"Photographs: {manifest['photographs']}.",
        f"Every network: {manifest['budget']}, {settings['batch']} patches of {settings['patch']} pixels a "
        f"step, the same for all; Adam at {settings['rate']:g}, halved {settings['halvings']} times, MRAE, "
        f"trained in {settings['precision']}, evaluated in float32, seeds {', '.join(map(str, manifest['seeds']))}.",
        f"{manifest['metrics']}.",
        *_changed_encoders(manifest),
    ]
    whole = settings["window"] == 0 and not settings["decoded"]
    if any("nesr" in name for name in manifest["models"]) and not whole:
        lines.append(_decoded_part(settings))
    if manifest["spectra"]:
        painted = CropConfig(settings["batch"], settings["patch"], settings["painted"]).painted_patches
        learned, held = (sum(manifest[key].values()) for key in ("painting", "kept_out"))
        lines.append(
            f"{painted} of the {settings['batch']} patches of every step are painted with {learned:,} spectra of "
            f"{', '.join(manifest['spectra'])}; painted test scenes use {held:,} others."
        )
    paper = PAPER_COUNTS.get(results.dataset)
    if results.experiment.dataset and results.experiment.dataset != results.dataset:
        theirs = datasets.dataset(results.experiment.dataset).title
        lines.append(f"The paper’s figures are of {theirs}: not comparable with these.")
    elif paper and scenes != paper:
        lines.append(f"The paper had {paper[0]} and {paper[1]} scenes: its figures are not comparable with these.")
    if str(settings["budget"]["steps"]) != "300000":
        lines.append("The paper trained for 300,000 steps.")
    lines += [f"**{name} failed: {reason}.**" for name, reason in marked(manifest, FAILED).items()]
    lines += [f"**{name} is unfinished: {reason}.**" for name, reason in marked(manifest, UNFINISHED).items()]
    return "\n".join(f"* {line}" for line in lines)


def _changed_encoders(manifest: Manifest) -> Iterator[str]:
    """How the encoders differ from those of the paper's figures."""
    if manifest["encoder"] not in (None, "awan"):
        yield f"{SYSTEMS[manifest['encoder']].title} takes the place of AWAN, of which the paper’s figures are."
    sizes = {key: manifest["settings"][key] for key in ("features", "blocks")}
    if given := [f"{count} {key if count > 1 else key[:-1]}" for key, count in sizes.items() if count]:
        yield f"Encoders have {' and '.join(given)}; those of the paper’s figures have the published size."


def _decoded_part(settings: Mapping[str, Any]) -> str:
    """What NeSR decodes at every step; 0 stands for all, a window of None for the default of each network."""
    window, decoded, patch = settings["window"], settings["decoded"], settings["patch"]
    side = min(WINDOW, patch) if window is None else window
    pixels = f"{side} × {side} pixels" if side else "all pixels"
    if window is None and side > SPECTRUM_WINDOW:
        pixels += f" ({SPECTRUM_WINDOW} × {SPECTRUM_WINDOW} if its spectrum is compared too)"
    wavelengths = f"{decoded} wavelengths" if decoded else "all wavelengths"
    return f"NeSR decodes {pixels} at {wavelengths} of every patch per step, drawn at random; the paper’s decodes all."
