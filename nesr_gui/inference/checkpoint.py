"""Model files: weights, configuration, calibration and provenance of a network in one safetensors file.

Such a file contains only tensors and text and cannot run code, so models from untrusted sources are safe to open.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from nesr_gui.fields.residual_prior import ResidualPrior
from nesr_gui.inference.calibration import IntervalCalibration
from nesr_gui.inference.model_input import describe_input
from nesr_gui.io.atomic import atomic_write
from nesr_gui.networks.authors_release import ReleasedNeSR, released
from nesr_gui.networks.encoders import UnknownEncoder
from nesr_gui.networks.registry import (
    Network,
    build,
    build_without_weights,
    config_from_json,
    config_to_json,
    coverage,
    input_bands,
    kind_of,
)
from nesr_gui.spectral import Wavelengths

FORMAT = "nesr_gui 1"
MAX_HEADER = 16 << 20  # bytes
_DAMAGE = (KeyError, TypeError, ValueError, RuntimeError, ArithmeticError, IndexError, AttributeError)
"""What networks raise for a configuration that makes no sense."""
CALIBRATION, PRIOR = "calibration.", "prior."  # of the names of tensors that belong to these
PartT = TypeVar("PartT", IntervalCalibration, ResidualPrior)


class UnreadableModel(ValueError):
    """The file is not a valid model of this program."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A network with its metadata; `sha256` is the hash of its file."""

    name: str
    network: Network
    provenance: dict[str, str]
    sha256: str
    calibration: IntervalCalibration | None = None
    prior: ResidualPrior | None = None

    @property
    def config(self) -> Any:
        """Configuration of the network."""
        return self.network.config


def save_checkpoint(
    path: Path,
    network: Network,
    provenance: Mapping[str, str],
    calibration: IntervalCalibration | None = None,
    prior: ResidualPrior | None = None,
) -> None:
    """Write a network to `path`, with its configuration and provenance (name → text), calibration and prior."""
    metadata = {
        "format": FORMAT,
        "kind": kind_of(network.config),
        "config": config_to_json(network.config),
        "provenance": json.dumps(dict(provenance)),
    }
    with atomic_write(path) as temporary:
        tensors = {**network.state_dict(), **_tensors(CALIBRATION, calibration), **_tensors(PRIOR, prior)}
        temporary.write_bytes(save(tensors, metadata))


def load_checkpoint(path: Path, *, calibrated: bool = True) -> Checkpoint:
    """Read a model file; the network is in evaluation mode, on the CPU.

    Args:
        path: the file.
        calibrated: False to leave out calibration and prior, for a model that is to be calibrated anew.

    Raises:
        FileNotFoundError: the file does not exist.
        UnreadableModel: the file is not a model of this program, its weights do not match its configuration, or its
            calibration or prior is damaged.
    """
    metadata = read_metadata(path)
    content = path.read_bytes()
    try:
        config, tensors = _config(metadata), load(content)
        provenance = _provenance(metadata)
        extras = {prefix: _remove(prefix, tensors) for prefix in (CALIBRATION, PRIOR)}
        _check_shapes(config, tensors)
        network = build(config)
        network.load_state_dict(tensors, strict=True)
    except UnknownEncoder as error:
        raise UnreadableModel(f"{path.name}: {error}; install the plug-in that provides it") from error
    except (*_DAMAGE, SafetensorError) as error:
        raise UnreadableModel(f"the weights in {path.name} do not match its configuration") from error
    digest = hashlib.sha256(content).hexdigest()
    bare = Checkpoint(path.stem, network.eval(), provenance, digest)
    if not calibrated:
        return bare
    calibration = _built(IntervalCalibration, extras[CALIBRATION], f"prediction intervals in {path.name}")
    prior = _built(ResidualPrior, extras[PRIOR], f"prior for measured spectra in {path.name}")
    return replace(bare, calibration=calibration, prior=prior)


def _check_shapes(config: Any, tensors: Mapping[str, Tensor]) -> None:
    """Check that the network of a configuration has the weights of the file, before memory is taken for it.

    Raises:
        ValueError: it has others.
    """
    expected = {name: tensor.shape for name, tensor in build_without_weights(config).state_dict().items()}
    if expected != {name: tensor.shape for name, tensor in tensors.items()}:
        raise ValueError("the weights have other names or shapes")


def _tensors(prefix: str, part: IntervalCalibration | ResidualPrior | None) -> dict[str, Tensor]:
    if part is None:
        return {}
    return {prefix + each.name: torch.tensor(np.array(getattr(part, each.name), order="C")) for each in fields(part)}


def _remove(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Any]:
    """Remove the tensors with a prefix from those of a file and return them as arrays; the weights remain."""
    return {name.removeprefix(prefix): tensors.pop(name).numpy() for name in list(tensors) if name.startswith(prefix)}


def _built(kind: type[PartT], arrays: Mapping[str, Any], what: str) -> PartT | None:
    """What the arrays of a file describe; None without any. Earlier files have further ones, which are not used.

    Raises:
        UnreadableModel: one is missing or damaged.
    """
    if not arrays:
        return None
    try:
        if missing := [part.name for part in fields(kind) if part.name not in arrays]:
            raise ValueError(f"without {', '.join(missing)}")
        return kind(**{part.name: arrays[part.name] for part in fields(kind)})
    except (TypeError, ValueError) as error:
        raise UnreadableModel(
            f"the {what} cannot be used ({error}); get the file again, or run nesr-gui calibrate"
        ) from error


def read_metadata(path: Path) -> dict[str, str]:
    """Read the text of a model file without its weights: format, configuration and provenance.

    Raises:
        FileNotFoundError: the file does not exist.
        UnreadableModel: the file is not a model of this program.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no model file {path}")
    try:
        metadata = _metadata(path)
    except (ValueError, RecursionError) as error:
        raise UnreadableModel(
            f"{path.name} is not a safetensors file; expected a model written by this program"
        ) from error
    if metadata.get("format") != FORMAT:
        raise UnreadableModel(f"{path.name} contains no {FORMAT!r} model; expected a model written by this program")
    return metadata


def _metadata(path: Path) -> dict[str, str]:
    """Text of a safetensors file, which begins with the length of a JSON header.

    The library would map the file into memory, and the process would end if another one shortened it meanwhile.

    Raises:
        ValueError: there is no such header.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > MAX_HEADER:
            raise ValueError(f"the header states {length:,} bytes")
        header = json.loads(file.read(length))
    metadata = header.get("__metadata__", {}) if isinstance(header, dict) else None
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ValueError("the header is not an object with texts")
    return metadata


def _config(metadata: Mapping[str, str]) -> Any:
    """Configuration in a file; the earliest files have no kind, since there was only one."""
    return config_from_json(metadata.get("kind", "nesr"), metadata["config"])


def _provenance(metadata: Mapping[str, str]) -> dict[str, str]:
    provenance = json.loads(metadata.get("provenance", "{}"))
    if not isinstance(provenance, dict) or not all(isinstance(text, str) for text in provenance.values()):
        raise TypeError(f"the provenance is {provenance!r}; expected names and texts")
    return provenance


def describe(path: Path) -> dict[str, str]:
    """Describe a model file (name → text) for `nesr-gui info`; raises as `read_metadata`."""
    metadata = read_metadata(path)
    with _explain_configuration(path):
        config = _config(metadata)
        return {
            "model": path.stem,
            "takes": describe_input(input_bands(config)),
            "covers": coverage(config),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            **{f"network {name}": str(value) for name, value in json.loads(metadata["config"]).items()},
            **_provenance(metadata),
        }


def read_coverage(path: Path) -> str:
    """Description of the wavelengths of a model file, without its weights; raises as `load_checkpoint`."""
    metadata = read_metadata(path)
    with _explain_configuration(path):
        return coverage(_config(metadata))


def read_input_bands(path: Path) -> Wavelengths | None:
    """Input bands of a model file, or None for photographs, without its weights; raises as `load_checkpoint`."""
    metadata = read_metadata(path)
    with _explain_configuration(path):
        return input_bands(_config(metadata))


@contextmanager
def _explain_configuration(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise UnreadableModel(
            f"{path.name} has no valid configuration; expected a model written by this program"
        ) from error


def import_weights(path: Path, out: Path) -> ReleasedNeSR:
    """Convert the weights released by the authors of the paper to a model file; code in `path` is never run.

    Raises:
        FileNotFoundError: the file does not exist.
        UnreadableModel: the file does not contain weights, or those of another network.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        network = released(_state(path))
    except (ValueError, RuntimeError, pickle.UnpicklingError, EOFError, OSError) as error:
        reason = str(error) if isinstance(error, ValueError) else "expected only weights, written by torch.save"
        raise UnreadableModel(f"{path.name} cannot be imported: {reason}") from error
    provenance = {"weights": path.name, "weights_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    save_checkpoint(out, network, provenance)
    return network


def _state(path: Path) -> Mapping[str, Tensor]:
    """Read the weights of a file, which may also contain other training state."""
    content = torch.load(path, map_location="cpu", weights_only=True)
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not all(isinstance(part, Tensor) for part in content.values()):
        raise ValueError("it does not contain named weights")
    return content
