"""The commands `nesr-gui train` and `nesr-gui calibrate`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import click
import numpy as np
from tqdm import tqdm

from nesr_gui.colorimetry import cie
from nesr_gui.inference.checkpoint import load_checkpoint, save_checkpoint
from nesr_gui.inference.device import is_faster_in_bfloat16
from nesr_gui.inference.model import resolve_device
from nesr_gui.networks.band_network import DiscreteConfig
from nesr_gui.networks.baselines import APlusConfig, SparseCodingConfig
from nesr_gui.networks.factorised_nesr import FactorisedConfig
from nesr_gui.networks.nesr import NeSRConfig
from nesr_gui.networks.registry import parameters_of, system_named
from nesr_gui.spectral import Wavelengths
from nesr_gui.training.calibration import calibrate_intervals, calibration_unit, coverage, seen_chromaticities
from nesr_gui.training.closed_form import FITTED, fit, sample_table
from nesr_gui.training.datasets.cave import read_scenes
from nesr_gui.training.provenance import check_run, claim_run, commit, file_sha256, program
from nesr_gui.training.residual_prior import fit_prior, residual_unit
from nesr_gui.training.sampler import PatchSampler, SpectralTable
from nesr_gui.training.scenes import Scene
from nesr_gui.training.spectral_library import ON_BANDS, Library, read_libraries, without_charts, without_clusters
from nesr_gui.training.synthesis import painted_scene
from nesr_gui.training.trainer import RECORD, Trainer, TrainingConfig, start_training

SIZES: dict[str, FactorisedConfig] = {
    "lean": FactorisedConfig(),
    "field": FactorisedConfig(spi=False, attention="none"),
    "colour": FactorisedConfig(encoder="none", spi=False, attention="none"),
    "paper": FactorisedConfig("hscnn_r", features=64, blocks=16, channels=32, hidden=(128, 128, 256, 256)),
}
"""Settings by `--size`: NeSR with a context encoder, the low-rank field without SPI and NAM, a lookup of the colour
alone as a control, and NeSR with the paper's encoder at the paper's size."""
LOSSES: dict[str, dict[str, Any]] = {
    "mixed": {},
    "mrae": {"squared": 0.0, "angle": 0.0, "colour": 0.0, "relative": 1.0},
}
BANDED = DiscreteConfig | SparseCodingConfig | APlusConfig  # systems whose bands can be chosen
MODEL = "model.safetensors"
LEFT_OUT = "left out"  # in the provenance of a model: scenes and libraries kept out of its training


def as_fed(config: Any) -> Any:
    """Settings that match the input during training: photographs over their white level, which encoders compress.

    The model applies the same normalisation later; raw photographs would be outside its training distribution.
    """
    networks = isinstance(config, NeSRConfig | DiscreteConfig)
    return replace(config, normalised=True, compressed=True) if networks else config


def chosen_config(config: Any, bands: int | None, attention: str | None, spi: bool) -> Any:
    """The settings of a system with the options of the command line.

    Args:
        config: settings of the system.
        bands: number of bands; None to keep them.
        attention: kind of attention of NeSR; None to keep it.
        spi: False to leave out the spectral profile interpolation of NeSR.

    Raises:
        ValueError: the system has no such option.
    """
    if bands is not None and not isinstance(config, BANDED):
        raise ValueError(
            "--bands applies to fixed bands: give --system hscnn-r, hrnet, awan, mst++, sparse-coding or a+"
        )
    if (attention is not None or not spi) and not isinstance(config, NeSRConfig):
        raise ValueError("--attention and --without-spi apply to NeSR; leave them out with another system")
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
    """Run or resume the training in a folder, then write `model.safetensors` there.

    The forward pass is computed in bfloat16 where a trial finds that faster, as processors that only emulate it take
    many times as long.

    Args:
        out: the folder of the run.
        scene_folder: folder of training scenes in CAVE layout.
        spectra: spectrum libraries.
        leave_out: names of scenes and libraries to keep out of training.
        size: key of `SIZES`; ignored if `system` is given.
        system: key of `networks.registry.SYSTEMS`.
        loss: key of `LOSSES`.
        bands: number of bands, see `chosen_config`.
        attention: kind of attention, see `chosen_config`.
        without_spi: whether to leave out SPI, see `chosen_config`.
        start: a model whose weights the run starts from.
        device: where to train.
        seed: of the run.
        options: other fields of `TrainingConfig`; None for the default.

    Raises:
        ValueError: the options contradict each other or the data, or the folder holds a run with other settings or
            data.
        FailedRun: the network diverged, or does not depend on its input.
        KeyboardInterrupt: it was stopped by Ctrl-C, after its state was saved.
    """
    network = system_named(system).config if system else SIZES[size]
    network = as_fed(chosen_config(network, bands, attention, not without_spi))
    scenes = list(read_scenes(scene_folder)) if scene_folder else []
    libraries, _ = without_clusters(without_charts(read_libraries(spectra)))
    names = [scene.name for scene in scenes] + [library.name for library in libraries]
    if missing := set(leave_out) - set(names):
        raise ValueError(f"no {', '.join(sorted(missing))} to leave out; there are {', '.join(names)}")
    scenes = [scene for scene in scenes if scene.name not in leave_out]
    libraries = [library for library in libraries if library.name not in leave_out]
    given = {name: value for name, value in options.items() if value is not None}
    faster = is_faster_in_bfloat16(resolve_device(device))
    config = TrainingConfig(seed=seed, precision="bf16-mixed" if faster else "32-true", **LOSSES[loss], **given)
    provenance = _provenance(config, scenes, spectra, leave_out)  # now, as the source tree may change during training
    initial = load_checkpoint(start) if start else None
    data = {
        "scenes": {scene.name: scene.sha256 for scene in scenes},
        **{key: provenance[key] for key in ("spectra", LEFT_OUT)},
        "start": initial.sha256[:16] if initial else None,
    }

    def table() -> SpectralTable:
        return SpectralTable(scenes, libraries, config.sampler, resolve_device(device))

    if isinstance(network, FITTED):  # band interpolation needs no table
        used = {"seed": seed, "sampler": asdict(config.sampler)}
        record = {"network": asdict(network), "training": used, **data}
        check_run(out / RECORD, record)
        fitted = fit(network, lambda nm: sample_table(table(), nm, seed), seed)
        claim_run(out / RECORD, record)
        save_checkpoint(out / MODEL, fitted, provenance)
        click.echo(f"wrote {out / MODEL}")
        return
    if initial is not None:
        if initial.config != network:
            raise ValueError(f"{start} has other settings than the network that is to be trained; name another model")
        provenance["started from"] = f"{initial.name} {initial.sha256[:16]}: {initial.provenance.get('training', '')}"
    sampler = PatchSampler(table(), config.sampler, seed)
    trainer = start_training(network, config, sampler, out, initial.network if initial else None, data)
    click.echo(
        f"{parameters_of(network) / 1e6:.2f} M parameters, {len(scenes)} scenes, "
        f"{sum(len(library.values) for library in libraries)} spectra, from step {trainer.step} of {config.steps}, "
        f"in {'bfloat16' if faster else 'float32'}"
    )
    try:
        _run(trainer, config.steps)
    except KeyboardInterrupt:
        click.echo(f"stopped after step {trainer.step}; the same command resumes it")
        raise
    model = out / MODEL
    save_checkpoint(model, trainer.averaged.cpu(), provenance)
    click.echo(f"wrote {model}")


def _run(trainer: Trainer, total: int) -> None:
    with (
        tqdm(total=total, initial=trainer.step, unit="step", mininterval=1, smoothing=0.02) as bar,
        closing(trainer.run()) as steps,  # saves the state on Ctrl-C
    ):
        for step in steps:
            bar.update(step.number - bar.n)
            bar.set_postfix(loss=f"{step.mean_loss:.4f}", refresh=False)
            if step.signs is not None:
                bar.write(f"step {step.number}: loss {step.mean_loss:.4f}, {step.signs}")


def _provenance(
    config: TrainingConfig, scenes: Sequence[Scene], spectra: Sequence[Path], left_out: Sequence[str]
) -> dict[str, str]:
    return {
        "scenes": ", ".join(scene.name for scene in scenes),
        "spectra": ", ".join(f"{path.name} {file_sha256(path)[:16]}" for path in spectra),
        LEFT_OUT: ", ".join(sorted(left_out)),
        "training": str(asdict(config)),
        "commit": commit(),
        "program": program(),
    }


def calibrate(model: Path, runs: Path, scene_folder: Path, spectra: Sequence[Path]) -> None:
    """Calibrate the prediction intervals of a model, and its prior for measured spectra, by errors on unseen data.

    Each of the other models was trained without some scenes or libraries, and is evaluated on these; the model itself
    is evaluated on the clusters of spectra that are kept out of all training.

    Args:
        model: the model file, which is replaced.
        runs: folder with the other models, RUN/model.safetensors.
        scene_folder: folder of all scenes in CAVE layout.
        spectra: spectrum libraries.

    Raises:
        ValueError: there is no run.
    """
    checkpoint, scenes = load_checkpoint(model, calibrated=False), list(read_scenes(scene_folder))
    learned, held = without_clusters(without_charts(read_libraries(spectra)))
    found = sorted(runs.glob(f"*/{MODEL}"))
    if not found:
        raise ValueError(f"{runs} has no RUN/{MODEL}; train some with `train --leave-out`")
    units, residuals = [], []
    for path in tqdm(found, unit="run"):
        run = load_checkpoint(path, calibrated=False)
        left_out = run.provenance.get(LEFT_OUT, "").split(", ")
        for scene in (scene for scene in scenes if scene.name in left_out):
            units.append(calibration_unit(scene, run.network))
            residuals.append(residual_unit(scene, run.network))
        if libraries := [library for library in learned if library.name in left_out]:
            units.append(
                calibration_unit(make_mosaic(f"libraries left out by {path.parent.name}", libraries), run.network)
            )
    if held:
        painted = Scene("spectra kept out", painted_scene(held)[ON_BANDS])
        units.append(calibration_unit(painted, checkpoint.network))
    calibration = calibrate_intervals(units, seen_chromaticities(scenes, learned))
    provenance = {**checkpoint.provenance, "calibrated": ", ".join(unit.name for unit in units)}
    prior = fit_prior(residuals, calibration) if residuals else None
    provenance["prior"] = f"learned on {', '.join(unit.name for unit in residuals)}" if residuals else "none"
    save_checkpoint(model, checkpoint.network, provenance, calibration, prior)
    for unit in units:
        click.echo(f"{unit.name:36}{coverage(calibration, unit):8.3f} of the values are within their intervals")


def make_mosaic(name: str, libraries: Sequence[Library], tile: int = 8, side: int = 48) -> Scene:
    """A scene of square tiles of spectra; all libraries occur equally often.

    Args:
        name: of the scene.
        libraries: the spectra.
        tile: side of a tile in pixels.
        side: tiles along a side of the scene.
    """
    rng = np.random.default_rng(0)
    chosen = rng.integers(len(libraries), size=side * side)
    rows = [rng.integers(len(libraries[index].values)) for index in chosen]
    bands = [library.at(cie.CAMERA_BANDS.nm) for library in libraries]
    spectra = np.stack([bands[index][row] for index, row in zip(chosen, rows, strict=True)])
    cube = np.moveaxis(spectra.reshape(side, side, -1), -1, 0)
    return Scene(name, cube.repeat(tile, 1).repeat(tile, 2).clip(min=0).astype(np.float32))
