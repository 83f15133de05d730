"""A trained model in one safetensors file: weights, the config that rebuilds the network, and where it came from.

A file of tensors and text cannot run code, so a model from a stranger is safe to open.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from nesr_gui.inference.calibration import IntervalCalibration
from nesr_gui.inference.model_input import describe_input
from nesr_gui.io.atomic import atomic_write
from nesr_gui.networks.authors_release import ReleasedNeSR, released
from nesr_gui.networks.registry import Network, build, config_from_json, config_to_json, coverage, input_bands, kind_of
from nesr_gui.spectral import Wavelengths

FORMAT = "nesr_gui 1"
PREFIX = "calibration."  # of the tensors that are not the network's


class UnreadableModel(ValueError):
    """The file is no model of this program."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A network with what is known of it; `sha256` is of the file's bytes, `calibration` says how far it may be off."""

    name: str
    network: Network
    provenance: dict[str, str]
    sha256: str
    calibration: IntervalCalibration | None = None

    @property
    def config(self) -> Any:
        return self.network.config


def save_checkpoint(
    path: Path, network: Network, provenance: Mapping[str, str], calibration: IntervalCalibration | None = None
) -> None:
    """Write a network, its config, `provenance` (name → text: data, seed, commit, …) and calibration to `path`."""
    metadata = {
        "format": FORMAT,
        "kind": kind_of(network.config),
        "config": config_to_json(network.config),
        "provenance": json.dumps(dict(provenance)),
    }
    with atomic_write(path) as temporary:
        temporary.write_bytes(save({**network.state_dict(), **_tensors(calibration)}, metadata))


def load_checkpoint(path: Path) -> Checkpoint:
    """Read what `save_checkpoint` wrote, in evaluation mode, on the CPU.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableModel: it is not a model of this program, or its weights do not fit its own config.
    """
    metadata = read_metadata(path)
    try:
        network = build(_config(metadata))
        tensors = load_file(path)
        calibration = _calibration(tensors)
        network.load_state_dict(tensors, strict=True)
    except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise UnreadableModel(f"the weights in {path.name} do not fit the network that its config describes") from error
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Checkpoint(path.stem, network.eval(), json.loads(metadata.get("provenance", "{}")), digest, calibration)


def _tensors(calibration: IntervalCalibration | None) -> dict[str, Tensor]:
    if calibration is None:
        return {}
    return {PREFIX + part.name: torch.tensor(getattr(calibration, part.name)) for part in fields(calibration)}


def _calibration(tensors: dict[str, Tensor]) -> IntervalCalibration | None:
    """Take the calibration out of the tensors of a file, which leaves the network's."""
    found = {name: tensors.pop(name).numpy() for name in list(tensors) if name.startswith(PREFIX)}
    return IntervalCalibration(**{name.removeprefix(PREFIX): array for name, array in found.items()}) if found else None


def read_metadata(path: Path) -> dict[str, str]:
    """The text of a model file without its weights: format, config and provenance."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no model file {path}")
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata: dict[str, str] = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise UnreadableModel(
            f"{path.name} is not a safetensors file; expected a model written by this program"
        ) from error
    if metadata.get("format") != FORMAT:
        raise UnreadableModel(f"{path.name} holds no {FORMAT!r} model; expected a model written by this program")
    return metadata


def _config(metadata: Mapping[str, str]) -> Any:
    """The settings a file holds; the first files did not say their kind, since there was one."""
    return config_from_json(metadata.get("kind", "nesr"), metadata["config"])


def describe(path: Path) -> dict[str, str]:
    """What a model file says of itself, for people."""
    metadata = read_metadata(path)
    return {
        "model": path.stem,
        "takes": describe_input(read_input_bands(path)),
        "covers": read_coverage(path),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        **{f"network {name}": str(value) for name, value in json.loads(metadata["config"]).items()},
        **json.loads(metadata.get("provenance", "{}")),
    }


def read_coverage(path: Path) -> str:
    """What wavelengths a model file answers at, in words, without its weights; raises as `load_checkpoint`."""
    return coverage(_config_of(path))


def read_input_bands(path: Path) -> Wavelengths | None:
    """The bands of a cube that a model file sees; None where it takes photographs. As `read_coverage`."""
    return input_bands(_config_of(path))


def _config_of(path: Path) -> Any:
    try:
        return _config(read_metadata(path))
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, UnreadableModel):
            raise
        raise UnreadableModel(f"{path.name} does not say what it is; expected a model of this program") from error


def import_weights(path: Path, out: Path) -> ReleasedNeSR:
    """Make a model file of the weights that the authors of the paper released; the file cannot run code here.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableModel: it is not a file of weights, or of another network.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        network = released(_state(path))
    except (ValueError, RuntimeError, pickle.UnpicklingError, EOFError, OSError) as error:
        said = (
            str(error) if isinstance(error, ValueError) else "expected weights that torch.save wrote, and nothing else"
        )
        raise UnreadableModel(f"{path.name} cannot be imported: {said}") from error
    provenance = {"weights": path.name, "weights_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    save_checkpoint(out, network, provenance)
    return network


def _state(path: Path) -> Mapping[str, Tensor]:
    """The weights in a file, alone or beside what else a training keeps."""
    content = torch.load(path, map_location="cpu", weights_only=True)
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not all(isinstance(part, Tensor) for part in content.values()):
        raise ValueError("it holds something else than weights by name")
    return content
