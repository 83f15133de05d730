"""One photograph of a batch, done wherever it is asked: in this process, another, or on another machine."""

from __future__ import annotations

import enum
import hashlib
import shutil
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from nesr_gui import exporting, io
from nesr_gui.batch.order import Order, Task, is_complete
from nesr_gui.exporting import FaultyFile
from nesr_gui.fields.protocol import Cancelled, Progress
from nesr_gui.inference import engine
from nesr_gui.inference.model import Model, load_model
from nesr_gui.io.cubes.export import REQUEST
from nesr_gui.spectral import RGBImage

ENCODING_SHARE = 0.4  # of the time, which the fraction done assumes

_loading = threading.Lock()  # a worker of a cluster may have several threads


class State(enum.StrEnum):
    """What became of a photograph."""

    WRITTEN = "written"
    SKIPPED = "already complete"
    FAILED = "failed"


@dataclass(frozen=True)
class Outcome:
    """The end of a task; `said` tells in a sentence what was written or why it failed."""

    task: Task
    state: State
    said: str = ""


def perform(task: Task, order: Order, progress: Progress) -> Outcome:
    """Reconstruct a photograph into its cube, unless that is complete; whatever is wrong with it becomes the outcome.

    `progress` may raise `Cancelled`, which goes on to the caller; nothing is left behind then.
    """
    try:
        if task.out.exists() and is_complete(task.out, order.request(sha256_of(task.source))):
            return Outcome(task, State.SKIPPED)
        return Outcome(task, State.WRITTEN, _written(task, order, progress))
    except Cancelled:
        raise
    except Exception as error:  # one photograph must not end the batch, whatever a decoder or the memory makes of it
        message = error.args[0] if isinstance(error, KeyError) and error.args else error
        return Outcome(task, State.FAILED, " ".join(str(message).split()) or type(error).__name__)


def _written(task: Task, order: Order, progress: Progress) -> str:
    progress(0.0)
    model = model_of(order)
    photograph = photograph_of(task.source, order)
    field = engine.encode(photograph, model, progress=lambda done: progress(ENCODING_SHARE * done))
    try:
        written = exporting.write(
            task.out,
            field,
            order.plan,
            reduction=photograph.reduction,
            progress=lambda done: progress(ENCODING_SHARE + (1 - ENCODING_SHARE) * done),
            provenance={REQUEST: order.request(photograph.source.sha256)},
        )
    except FaultyFile:
        discard(task.out)
        raise
    return str(written)


def discard(out: Path) -> None:
    """Remove a cube that proved faulty, or what its readers need, so that nobody takes it for complete."""
    if out.is_dir():
        shutil.rmtree(out)
    else:
        out.unlink(missing_ok=True)


def photograph_of(source: Path, order: Order) -> RGBImage:
    """A photograph at the resolution that is asked for."""
    photograph = io.read_photograph(source)
    return photograph.reduced(order.max_pixels) if order.max_pixels else photograph


def model_of(order: Order) -> Model:
    """The model of an order, loaded once in a process; raises ValueError where it is another than was meant."""
    with _loading:
        model = _loaded(order.model, order.model_sha256, order.device)
    if model.checkpoint.sha256 != order.model_sha256:
        raise ValueError(
            f"the model {model.name} here is not the one that was asked for; bring the same file or version everywhere"
        )
    return model


@lru_cache(maxsize=1)
def _loaded(path: Path | None, sha256: str, device: str) -> Model:
    return load_model(path, device)  # the hash is of the key, so that a renewed file is loaded again


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, as provenance records it; raises FileNotFoundError in words."""
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
