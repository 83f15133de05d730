"""What is made of the photographs of a batch, and how one of them is done."""

from __future__ import annotations

import enum
import hashlib
import json
import shutil
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from nesr_gui import export, io
from nesr_gui.export import ExportPlan, VerificationError
from nesr_gui.fields.protocol import Cancelled, ProgressCallback
from nesr_gui.inference import engine
from nesr_gui.inference.model import LoadedModel, load_model
from nesr_gui.io.cubes.export import REQUEST
from nesr_gui.spectral import RGBImage

ENCODING_SHARE = 0.4  # of the time, which the fraction done assumes
_loading = threading.Lock()  # a worker of a cluster may have several threads


@dataclass(frozen=True)
class JobSettings:
    """How every photograph is reconstructed; a value that other processes and machines are sent.

    Args:
        model: a model file, which must be readable where the work is done; None: the embedded one.
        model_sha256: of that file, so that nobody works with another.
        device: auto, cpu, cuda or mps.
        plan: what of each photograph is written.
        max_pixels: a larger photograph is reduced in linear light by a whole number; None: nothing is.
    """

    model: Path | None
    model_sha256: str
    device: str
    plan: ExportPlan
    max_pixels: int | None = None

    def request(self, photograph_sha256: str) -> str:
        """A hash of everything that decides what a cube holds: photograph, model and options, but no names."""
        said = {
            "photograph": photograph_sha256,
            "model": self.model_sha256,
            "plan": self.plan,
            "max_pixels": self.max_pixels,
        }
        return hashlib.sha256(json.dumps(said, default=_plain).encode()).hexdigest()


@dataclass(frozen=True)
class JobItem:
    """A photograph and the cube to make of it."""

    source: Path
    out: Path


def tasks(sources: Sequence[Path], folder: Path, ending: str) -> list[JobItem]:
    """A task for each photograph, named after it; after its full name, photo.png.h5, where others share the stem.

    Args:
        ending: of the cubes, with its dot; empty for folders of bands.

    Raises:
        ValueError: two photographs would have cubes of one name, or a cube would take the name of a photograph.
    """
    photographs = list(dict.fromkeys(source.absolute() for source in sources))
    stems = Counter(source.stem.lower() for source in photographs)  # as disks that ignore case would have it
    names = [source.name if stems[source.stem.lower()] > 1 else source.stem for source in photographs]
    made = [
        JobItem(source, folder.absolute() / (name + ending)) for source, name in zip(photographs, names, strict=True)
    ]
    taken: dict[str, JobItem] = {}
    for task in made:
        other = taken.setdefault(task.out.name.lower(), task)
        if other is not task:
            raise ValueError(
                f"{other.source} and {task.source} would both become {task.out.name}; give them in two commands with "
                "different folders"
            )
        if task.out in photographs:
            raise ValueError(f"the cube of {task.source.name} would replace the photograph {task.out}; "
                             "choose another folder or format")  # fmt: skip
    return made


def _plain(value: Any) -> Any:
    """What JSON does not know: values made of fields, and arrays."""
    if is_dataclass(value):
        return {part.name: getattr(value, part.name) for part in fields(value)}
    return value.tolist()


def is_complete(path: Path, request: str) -> bool:
    """Whether `path` is a cube that was made for this very request; one that cannot be read is not."""
    try:
        return io.open_cube(path).provenance.get(REQUEST) == request
    except (ValueError, OSError):
        return False


class ItemState(enum.StrEnum):
    """What became of a photograph."""

    WRITTEN = "written"
    SKIPPED = "already complete"
    FAILED = "failed"


@dataclass(frozen=True)
class ItemResult:
    """The end of a task; `said` tells in a sentence what was written or why it failed."""

    task: JobItem
    state: ItemState
    said: str = ""


def process_item(task: JobItem, order: JobSettings, progress: ProgressCallback) -> ItemResult:
    """Reconstruct a photograph into its cube, unless that is complete; whatever is wrong with it becomes the outcome.

    `progress` may raise `Cancelled`, which goes on to the caller; nothing is left behind then.
    """
    try:
        if task.out.exists() and is_complete(task.out, order.request(sha256_of(task.source))):
            return ItemResult(task, ItemState.SKIPPED)
        return ItemResult(task, ItemState.WRITTEN, _written(task, order, progress))
    except Cancelled:
        raise
    except Exception as error:  # one photograph must not end the batch, whatever a decoder or the memory makes of it
        message = error.args[0] if isinstance(error, KeyError) and error.args else error
        return ItemResult(task, ItemState.FAILED, " ".join(str(message).split()) or type(error).__name__)


def _written(task: JobItem, order: JobSettings, progress: ProgressCallback) -> str:
    progress(0.0)
    model = model_of(order)
    photograph = photograph_of(task.source, order)
    field = engine.encode(photograph, model, progress=lambda done: progress(ENCODING_SHARE * done))
    try:
        written = export.write(
            task.out,
            field,
            order.plan,
            binning=photograph.binning,
            progress=lambda done: progress(ENCODING_SHARE + (1 - ENCODING_SHARE) * done),
            provenance={REQUEST: order.request(photograph.source.sha256)},
        )
    except VerificationError:
        discard(task.out)
        raise
    return str(written)


def discard(out: Path) -> None:
    """Remove a cube that proved faulty, or what its readers need, so that nobody takes it for complete."""
    if out.is_dir():
        shutil.rmtree(out)
    else:
        out.unlink(missing_ok=True)


def photograph_of(source: Path, order: JobSettings) -> RGBImage:
    """A photograph at the resolution that is asked for."""
    photograph = io.read_photograph(source)
    return photograph.reduced(order.max_pixels) if order.max_pixels else photograph


def model_of(order: JobSettings) -> LoadedModel:
    """The model of an order, loaded once in a process; raises ValueError where it is another than was meant."""
    with _loading:
        model = _loaded(order.model, order.model_sha256, order.device)
    if model.checkpoint.sha256 != order.model_sha256:
        raise ValueError(
            f"the model {model.name} here is not the one that was asked for; bring the same file or version everywhere"
        )
    return model


@lru_cache(maxsize=1)
def _loaded(path: Path | None, sha256: str, device: str) -> LoadedModel:
    return load_model(path, device)  # the hash is of the key, so that a renewed file is loaded again


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, as provenance records it; raises FileNotFoundError in words."""
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
