"""What `nesr-gui train` and `nesr-gui calibrate` do."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import click
from tqdm import tqdm

from nesr_gui.inference.checkpoint import load_checkpoint, save_checkpoint
from nesr_gui.inference.model import load_model
from nesr_gui.networks.band_network import DiscreteConfig
from nesr_gui.networks.baselines.a_plus import APlusConfig
from nesr_gui.networks.baselines.sparse_coding import SparseCodingConfig
from nesr_gui.networks.nesr import NeSRConfig
from nesr_gui.networks.registry import parameters_of, system_named
from nesr_gui.spectral import Wavelengths
from nesr_gui.training.calibration import calibrated, coverage, seen_chromaticities, unit_of
from nesr_gui.training.closed_form import FITTED, fitted, known
from nesr_gui.training.datasets.cave import read_scenes
from nesr_gui.training.provenance import commit, program
from nesr_gui.training.robustness import spectra_of
from nesr_gui.training.sampler import Batches, TrainingConfig
from nesr_gui.training.scenes import Scene
from nesr_gui.training.spectral_library import read_libraries, without_charts, without_clusters
from nesr_gui.training.synthesis import ON_BANDS, painted_scene
from nesr_gui.training.trainer import Trainer

SIZES = {
    "lean": NeSRConfig(features=48, blocks=8, channels=16, hidden=(64, 64), context_pixels=4096),
    "paper": NeSRConfig(),
}
LOSSES: dict[str, dict[str, Any]] = {"brightness": {}, "mrae": {"squared": 0.0, "colour": 0.0, "relative": 1.0}}
BANDED = DiscreteConfig | SparseCodingConfig | APlusConfig  # with bands of one's choice
MODEL = "model.safetensors"


def network_config(size: str, output: Literal["plain", "anchored"]) -> NeSRConfig:
    """A network of one of the `SIZES`: plain as the paper has it, or anchored on a guide of the colour alone."""
    return replace(SIZES[size], output=output)


def as_fed(config: Any) -> Any:
    """Settings with the input that `Batches` gives: photographs over their white level; networks see the root of it.

    A network that is answered for raw photographs after learning from these would be asked what it never saw.
    """
    networks = isinstance(config, NeSRConfig | DiscreteConfig)
    return replace(config, normalised=True, compressed=True) if networks else config


def chosen_config(config: Any, bands: int | None, attention: str | None, spi: bool) -> Any:
    """A system's settings with what is chosen otherwise; raises ValueError where it has no such choice."""
    if bands is not None and not isinstance(config, BANDED):
        raise ValueError(
            "--bands is of a system with fixed bands: give --system hscnn-r, hrnet, awan, mst++, sparse-coding or a+"
        )
    if (attention is not None or not spi) and not isinstance(config, NeSRConfig):
        raise ValueError("--attention and --without-spi are of NeSR; leave them out with another system")
    if isinstance(config, BANDED):
        return replace(config, bands=tuple(Wavelengths.evenly_spaced(bands))) if bands is not None else config
    if isinstance(config, NeSRConfig):
        changed: dict[str, Any] = {"attention": attention} if attention else {}
        return replace(config, spi=config.spi and spi, **changed)
    return config


def train(
    out: Path,
    scene_folder: Path | None,
    spectra: Sequence[Path],
    leave_out: Sequence[str],
    *,
    size: str,
    output: Literal["plain", "anchored"],
    system: str | None,
    loss: Literal["brightness", "mrae"],
    bands: int | None,
    attention: str | None,
    without_spi: bool,
    seed: int,
    **options: Any,
) -> None:
    """Run or resume the training in `out`, then write `model.safetensors` there."""
    network = system_named(system).config if system else network_config(size, output)
    network = as_fed(chosen_config(network, bands, attention, not without_spi))
    scenes = list(read_scenes(scene_folder)) if scene_folder else []
    kept = [scene for scene in scenes if scene.name not in leave_out]
    if missing := set(leave_out) - {scene.name for scene in scenes}:
        raise ValueError(
            f"no scene {', '.join(sorted(missing))} to leave out; there are {', '.join(s.name for s in scenes)}"
        )
    libraries, _ = without_clusters(without_charts(read_libraries(spectra)))
    given = {name: value for name, value in options.items() if value is not None}
    config = TrainingConfig(seed=seed, **LOSSES[loss], **given)
    batches = Batches(kept, libraries, config)
    if isinstance(network, FITTED):
        out.mkdir(parents=True, exist_ok=True)
        save_checkpoint(out / MODEL, fitted(network, partial(known, batches), seed), _provenance(config, kept, spectra))
        click.echo(f"wrote {out / MODEL}")
        return
    trainer = Trainer(network, config, batches, out)
    click.echo(
        f"{parameters_of(network) / 1e6:.2f} M parameters, {len(kept)} scenes, "
        f"{sum(len(library.values) for library in libraries)} spectra, from step {trainer.step} of {config.steps}"
    )
    provenance = _provenance(config, kept, spectra)  # before hours in which the source tree may change
    try:
        _run(trainer)
    except KeyboardInterrupt:
        click.echo(f"stopped after step {trainer.step}; the same command resumes it")
        return
    model = out / MODEL
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
        "commit": commit(),
        "program": program(),
    }


def calibrate(model: Path, runs: Path, scene_folder: Path, spectra: Sequence[Path]) -> None:
    """Give a model its intervals, from runs that each left one scene out: `runs`/SCENE/model.safetensors.

    Raises:
        ValueError: there is no such run.
    """
    scenes = [scene for scene in read_scenes(scene_folder) if (runs / scene.name / MODEL).exists()]
    if not scenes:
        raise ValueError(f"{runs} has no SCENE/{MODEL} for a scene of {scene_folder}; make it by `train --leave-out`")
    units = []
    for scene in tqdm(scenes, unit="scene"):
        photograph = scene.photograph(eight_bit=True)
        answers = spectra_of(load_model(runs / scene.name / MODEL), photograph)
        units.append(unit_of(scene, photograph, answers))
    learned, held = without_clusters(without_charts(read_libraries(spectra)))
    if held:
        cube = painted_scene(held)[ON_BANDS]
        painted = Scene("painted", cube)
        photograph = painted.photograph(eight_bit=True)
        units.append(unit_of(painted, photograph, spectra_of(load_model(model), photograph)))
    calibration = calibrated(units, seen_chromaticities(list(read_scenes(scene_folder)), learned))
    checkpoint = load_checkpoint(model)
    provenance = {**checkpoint.provenance, "calibrated": ", ".join(unit.name for unit in units)}
    save_checkpoint(model, checkpoint.network, provenance, calibration)
    for unit in units:
        click.echo(f"{unit.name:28}{coverage(calibration, unit):8.3f} of the values lie in their intervals")
