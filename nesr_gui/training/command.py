"""What `nesr-gui train` and `nesr-gui evaluate` do."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import click
import torch
from tqdm import tqdm

import nesr_gui
from nesr_gui import engine, resources
from nesr_gui.checkpoint import save_checkpoint
from nesr_gui.models.nesr import NeSRConfig, parameter_count
from nesr_gui.spectral import FloatArray, RGBImage
from nesr_gui.training.evaluate import Method, Score, baselines, evaluate_scenes, mean_scores
from nesr_gui.training.libraries import read_libraries, without_charts
from nesr_gui.training.scenes import Scene, read_scenes
from nesr_gui.training.trainer import Batches, Trainer, TrainingConfig

SIZES = {
    "lean": NeSRConfig(features=48, blocks=8, channels=16, hidden=(64, 64), compressed=True, context_pixels=4096),
    "paper": NeSRConfig(),
}
BASELINE_LIBRARY = "capbone"  # the set the baselines are fitted on where a file has it; all sets otherwise


def train(
    out: Path,
    scene_folder: Path | None,
    spectra: Sequence[Path],
    leave_out: Sequence[str],
    *,
    size: str,
    output: Literal["plain", "anchored"],
    seed: int,
    **options: Any,
) -> None:
    """Run or resume the training in `out`, then write `model.safetensors` there."""
    scenes = list(read_scenes(scene_folder)) if scene_folder else []
    kept = [scene for scene in scenes if scene.name not in leave_out]
    if missing := set(leave_out) - {scene.name for scene in scenes}:
        raise ValueError(
            f"no scene {', '.join(sorted(missing))} to leave out; there are {', '.join(s.name for s in scenes)}"
        )
    libraries = without_charts(read_libraries(spectra))
    given = {name: value for name, value in options.items() if value is not None}
    config = TrainingConfig(seed=seed, **given)
    network = replace(SIZES[size], output=output)
    trainer = Trainer(network, config, Batches(kept, libraries, config), out)
    click.echo(
        f"{parameter_count(trainer.network) / 1e6:.2f} M parameters, {len(kept)} scenes, "
        f"{sum(len(library.values) for library in libraries)} spectra, from step {trainer.step} of {config.steps}"
    )
    provenance = _provenance(config, kept, spectra)  # before hours in which the source tree may change
    try:
        _run(trainer)
    except KeyboardInterrupt:
        click.echo(f"stopped after step {trainer.step}; the same command resumes it")
        return
    model = out / "model.safetensors"
    save_checkpoint(model, trainer.averaged, provenance)
    click.echo(f"wrote {model}")


def _run(trainer: Trainer) -> None:
    with tqdm(total=trainer.config.steps, initial=trainer.step, unit="step", mininterval=1, smoothing=0.02) as bar:
        mean = None
        for step in trainer.run():
            mean = step.loss if mean is None else mean + 0.02 * (step.loss - mean)
            bar.update(step.number - bar.n)
            bar.set_postfix(loss=f"{mean:.4f}", refresh=False)


def _provenance(config: TrainingConfig, scenes: Sequence[Scene], spectra: Sequence[Path]) -> dict[str, str]:
    return {
        "scenes": ", ".join(scene.name for scene in scenes),
        "spectra": ", ".join(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}" for path in spectra),
        "training": str(asdict(config)),
        "commit": _commit(),
        "program": f"nesr_gui {nesr_gui.__version__}, torch {torch.__version__}",
    }


def _commit() -> str:
    """The commit of the source tree that runs, marked where files differ from it; empty for an installed program."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def evaluate(
    models: Sequence[Path],
    *,
    scenes: Path,
    train_scenes: Path | None,
    spectra: Sequence[Path],
    exact: bool,
    with_charts: bool,
    device: str,
) -> list[dict[str, Any]]:
    """Print the figures of models and baselines, scene by scene and their means; return the rows."""
    judged, known = _scenes(scenes, with_charts), _scenes(train_scenes, with_charts) if train_scenes else []
    libraries = read_libraries(spectra)
    fitted = [library for library in libraries if library.name == BASELINE_LIBRARY] or libraries
    methods = baselines(known, fitted, eight_bit=not exact)
    for path in models or [resources.default_model()]:
        loaded = engine.load_model(path, device)
        methods[loaded.name] = model_method(loaded)
    click.echo(
        f"{'float' if exact else '8-bit sRGB'} photographs of the default camera, whole frame, "
        f"charts {'in' if with_charts else 'out'}; angle in degrees and masked figures over pixels of mean truth > 0.02"
    )
    click.echo(f"{'scene':24}{'method':28}" + "".join(f"{figure:>13}" for figure in Score.FIGURES))
    scores = []
    for row in evaluate_scenes(judged, methods, eight_bit=not exact):
        scores.append(row)
        _print(row)
    means = mean_scores(scores)
    for row in means if len(judged) > 1 else []:
        _print(row)
    return [asdict(row) for row in [*scores, *means]]


def _scenes(folder: Path, with_charts: bool) -> list[Scene]:
    return [replace(scene, chart=None) if with_charts else scene for scene in read_scenes(folder)]


def model_method(model: engine.Model) -> Method:
    """A model as what `evaluate_scenes` judges: photographs to spectra on its training bands."""

    def reconstructed(rgb: FloatArray) -> FloatArray:
        field = engine.encode(RGBImage(rgb), model)
        return field.cube(model.network.config.bands).values.transpose(1, 2, 0)

    return reconstructed


def _print(row: Score) -> None:
    figures = [getattr(row, figure) for figure in Score.FIGURES]
    click.echo(f"{row.scene:24}{row.method:28}" + "".join(f"{figure:13.4f}" for figure in figures))
