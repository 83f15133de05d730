"""What `nesr-gui train` and `nesr-gui calibrate` do."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import click
import numpy as np
from tqdm import tqdm

from nesr_gui.colorimetry import cie
from nesr_gui.inference.checkpoint import load_checkpoint, save_checkpoint
from nesr_gui.inference.model import resolve_device
from nesr_gui.networks.band_network import DiscreteConfig
from nesr_gui.networks.baselines import APlusConfig, SparseCodingConfig
from nesr_gui.networks.factorised_nesr import FactorisedConfig
from nesr_gui.networks.nesr import NeSRConfig
from nesr_gui.networks.registry import parameters_of, system_named
from nesr_gui.spectral import Wavelengths
from nesr_gui.training.calibration import calibrated, coverage, seen_chromaticities, unit_of
from nesr_gui.training.closed_form import FITTED, fitted, known
from nesr_gui.training.datasets.cave import read_scenes
from nesr_gui.training.provenance import commit, program
from nesr_gui.training.sampler import PatchSampler, SpectralTable
from nesr_gui.training.scenes import Scene
from nesr_gui.training.spectral_library import Library, read_libraries, without_charts, without_clusters
from nesr_gui.training.synthesis import ON_BANDS, painted_scene
from nesr_gui.training.trainer import Trainer, TrainingConfig

SIZES: dict[str, FactorisedConfig] = {
    "lean": FactorisedConfig(),
    "field": FactorisedConfig(spi=False, attention="none"),
    "colour": FactorisedConfig(encoder="none", spi=False, attention="none"),
    "paper": FactorisedConfig("hscnn_r", features=64, blocks=16, channels=32, hidden=(128, 128, 256, 256)),
}
"""The embedded models, by what they are: NeSR with a context encoder, the low-rank field without SPI and NAM, a lookup
of the colour alone to compare with, and NeSR with the paper's encoder at the paper's size."""
LOSSES: dict[str, dict[str, Any]] = {
    "mixed": {},
    "mrae": {"squared": 0.0, "angle": 0.0, "colour": 0.0, "relative": 1.0},
}
BANDED = DiscreteConfig | SparseCodingConfig | APlusConfig  # with bands of one's choice
MODEL = "model.safetensors"
LEFT_OUT = "left out"  # in the provenance of a model: scenes and libraries that it has not seen


def as_fed(config: Any) -> Any:
    """Settings with the input that the sampler gives: photographs over their white level; networks see the root of it.

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
    system: str | None,
    loss: Literal["mixed", "mrae"],
    bands: int | None,
    attention: str | None,
    without_spi: bool,
    start: Path | None,
    device: str,
    seed: int,
    **options: Any,
) -> None:
    """Run or resume the training in `out`, then write `model.safetensors` there."""
    network = system_named(system).config if system else SIZES[size]
    network = as_fed(chosen_config(network, bands, attention, not without_spi))
    scenes = list(read_scenes(scene_folder)) if scene_folder else []
    libraries, _ = without_clusters(without_charts(read_libraries(spectra)))
    names = [scene.name for scene in scenes] + [library.name for library in libraries]
    if missing := set(leave_out) - set(names):
        raise ValueError(f"no {', '.join(sorted(missing))} to leave out; there are {', '.join(names)}")
    kept = [scene for scene in scenes if scene.name not in leave_out]
    libraries = [library for library in libraries if library.name not in leave_out]
    given = {name: value for name, value in options.items() if value is not None}
    config = TrainingConfig(seed=seed, **LOSSES[loss], **given)
    provenance = _provenance(config, kept, spectra, leave_out)  # before hours in which the source tree may change

    def table() -> SpectralTable:
        return SpectralTable(kept, libraries, config.sampler, resolve_device(device))

    if isinstance(network, FITTED):  # band interpolation learns nothing, and asks for nothing
        out.mkdir(parents=True, exist_ok=True)
        save_checkpoint(out / MODEL, fitted(network, lambda nm: known(table(), nm, seed), seed), provenance)
        click.echo(f"wrote {out / MODEL}")
        return
    begun = load_checkpoint(start) if start else None
    if begun is not None:
        if begun.config != network:
            raise ValueError(f"{start} has other settings than the network that is to be trained; name another model")
        provenance["started from"] = f"{begun.name} {begun.sha256[:16]}: {begun.provenance.get('training', '')}"
    sampler = PatchSampler(table(), config.sampler)
    trainer = Trainer(network, config, sampler, out, begun.network if begun else None)
    click.echo(
        f"{parameters_of(network) / 1e6:.2f} M parameters, {len(kept)} scenes, "
        f"{sum(len(library.values) for library in libraries)} spectra, from step {trainer.step} of {config.steps}"
    )
    try:
        _run(trainer)
    except KeyboardInterrupt:
        click.echo(f"stopped after step {trainer.step}; the same command resumes it")
        return
    model = out / MODEL
    save_checkpoint(model, trainer.averaged.cpu(), provenance)
    click.echo(f"wrote {model}")


def _run(trainer: Trainer) -> None:
    with tqdm(total=trainer.config.steps, initial=trainer.step, unit="step", mininterval=1, smoothing=0.02) as bar:
        mean = None
        for step in trainer.run():
            mean = step.loss if mean is None else mean + 0.02 * (step.loss - mean)
            bar.update(step.number - bar.n)
            bar.set_postfix(loss=f"{mean:.4f}", refresh=False)
            if step.signs is not None:
                bar.write(f"step {step.number}: loss {mean:.4f}, {step.signs}")


def _provenance(
    config: TrainingConfig, scenes: Sequence[Scene], spectra: Sequence[Path], left_out: Sequence[str]
) -> dict[str, str]:
    return {
        "scenes": ", ".join(scene.name for scene in scenes),
        "spectra": ", ".join(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}" for path in spectra),
        LEFT_OUT: ", ".join(left_out),
        "training": str(asdict(config)),
        "commit": commit(),
        "program": program(),
    }


def calibrate(model: Path, runs: Path, scene_folder: Path, spectra: Sequence[Path]) -> None:
    """Give a model its intervals, from runs in `runs` (RUN/model.safetensors) that each left some scenes out.

    What counts is what these models answer for the scenes and the libraries that they have not seen, and the model
    itself for the clusters of spectra that no model sees.

    Raises:
        ValueError: there is no such run.
    """
    checkpoint, scenes = load_checkpoint(model), list(read_scenes(scene_folder))
    learned, held = without_clusters(without_charts(read_libraries(spectra)))
    found = sorted(runs.glob(f"*/{MODEL}"))
    if not found:
        raise ValueError(f"{runs} has no RUN/{MODEL}; make some by `train --leave-out`")
    units = []
    for path in tqdm(found, unit="run"):
        run = load_checkpoint(path)
        left_out = run.provenance.get(LEFT_OUT, "").split(", ")
        for scene in (scene for scene in scenes if scene.name in left_out):
            units.append(unit_of(scene, run.network))
        if libraries := [library for library in learned if library.name in left_out]:
            units.append(unit_of(_mosaic(f"libraries left out by {path.parent.name}", libraries), run.network))
    if held:
        painted = Scene("spectra kept out", painted_scene(held)[ON_BANDS])
        units.append(unit_of(painted, checkpoint.network))
    calibration = calibrated(units, seen_chromaticities(scenes, learned))
    provenance = {**checkpoint.provenance, "calibrated": ", ".join(unit.name for unit in units)}
    save_checkpoint(model, checkpoint.network, provenance, calibration)
    for unit in units:
        click.echo(f"{unit.name:36}{coverage(calibration, unit):8.3f} of the values lie in their intervals")


def _mosaic(name: str, libraries: Sequence[Library], tile: int = 8, side: int = 48) -> Scene:
    """A scene of square tiles of spectra, every library as often as any other."""
    rng = np.random.default_rng(0)
    chosen = rng.integers(len(libraries), size=side * side)
    rows = [rng.integers(len(libraries[index].values)) for index in chosen]
    bands = [library.at(cie.CAMERA_BANDS.nm) for library in libraries]
    spectra = np.stack([bands[index][row] for index, row in zip(chosen, rows, strict=True)])
    cube = np.moveaxis(spectra.reshape(side, side, -1), -1, 0)
    return Scene(name, cube.repeat(tile, 1).repeat(tile, 2).clip(min=0).astype(np.float32))
