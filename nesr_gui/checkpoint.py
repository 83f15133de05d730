"""A trained model in one safetensors file: weights, the config that rebuilds the network, and where it came from.

A file of tensors and text cannot run code, so a model from a stranger is safe to open.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save

from nesr_gui.io.atomic import replacing
from nesr_gui.models.nesr import NeSR, NeSRConfig

FORMAT = "nesr_gui 1"


class UnreadableModel(ValueError):
    """The file is no model of this program."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A network with what is known of it; `sha256` is of the file's bytes."""

    name: str
    network: NeSR
    provenance: dict[str, str]
    sha256: str

    @property
    def config(self) -> NeSRConfig:
        return self.network.config


def save_checkpoint(path: Path, network: NeSR, provenance: Mapping[str, str]) -> None:
    """Write a network, its config and `provenance` (name → text: data, seed, commit, …) to `path`."""
    metadata = {
        "format": FORMAT,
        "config": json.dumps(asdict(network.config)),
        "provenance": json.dumps(dict(provenance)),
    }
    with replacing(path) as temporary:
        temporary.write_bytes(save(network.state_dict(), metadata))


def load_checkpoint(path: Path) -> Checkpoint:
    """Read what `save_checkpoint` wrote, in evaluation mode, on the CPU.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableModel: it is not a model of this program, or its weights do not fit its own config.
    """
    metadata = read_metadata(path)
    try:
        network = NeSR(config_from_json(metadata["config"]))
        network.load_state_dict(load_file(path), strict=True)
    except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise UnreadableModel(f"the weights in {path.name} do not fit the network that its config describes") from error
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Checkpoint(path.stem, network.eval(), json.loads(metadata.get("provenance", "{}")), digest)


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


def config_from_json(text: str) -> NeSRConfig:
    """A config from its JSON; unknown or missing-typed keys raise TypeError."""
    fields: dict[str, Any] = json.loads(text)
    return NeSRConfig(**{**fields, "hidden": tuple(fields.get("hidden", NeSRConfig.hidden))})


def describe(path: Path) -> dict[str, str]:
    """What a model file says of itself, for people."""
    metadata = read_metadata(path)
    return {
        "model": path.stem,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        **{f"network {name}": str(value) for name, value in json.loads(metadata["config"]).items()},
        **json.loads(metadata.get("provenance", "{}")),
    }
