"""Weights of others as models of ours."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from nesr_gui.checkpoint import UnreadableModel, save_checkpoint
from nesr_gui.networks.authors_release import ReleasedNeSR, released


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
