"""Settings and items of batch jobs, and the processing of a single item."""

from __future__ import annotations

import enum
import hashlib
import json
import shutil
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from nesr_gui import export, io
from nesr_gui.export import ExportPlan, VerificationError
from nesr_gui.fields.protocol import Cancelled, ProgressCallback
from nesr_gui.inference import engine
from nesr_gui.inference.model import LoadedModel, load_model
from nesr_gui.io.cubes.export import REQUEST
from nesr_gui.io.errors import error_message
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.spectral import RGBImage

ENCODING_SHARE = 0.4  # assumed share of the time, for the fraction done
_loading = threading.Lock()  # workers of a cluster may have several threads


@dataclass(frozen=True)
class JobSettings:
    """How each photograph is reconstructed; picklable, for other processes and machines.

    Args:
        model: model file, readable wherever items are processed; None for the bundled model.
        model_sha256: hash of that file, to ensure that all workers use the same.
        device: auto, cpu, cuda or mps.
        plan: what to export of each photograph.
        max_pixels: larger photographs are binned in linear light by a whole number; None for full resolution.
        development: how the photographs are developed.
    """

    model: Path | None
    model_sha256: str
    device: str
    plan: ExportPlan
    max_pixels: int | None = None
    development: DevelopSettings = field(default_factory=DevelopSettings)

    def request(self, photograph_sha256: str) -> str:
        """Hash of everything that determines the content of a cube: photograph, model and options, but not names."""
        content: dict[str, Any] = {
            "photograph": photograph_sha256,
            "model": self.model_sha256,
            "plan": self.plan,
            "max_pixels": self.max_pixels,
        }
        if self.development != DevelopSettings():  # cubes of the default settings keep their hash
            content["development"] = self.development
        return hashlib.sha256(json.dumps(content, default=_to_json).encode()).hexdigest()


@dataclass(frozen=True)
class JobItem:
    """A photograph and the cube to write."""

    source: Path
    out: Path


def job_items(sources: Sequence[Path], folder: Path, ending: str) -> list[JobItem]:
    """An item for each photograph, named after it; with its extension, photo.png.h5, if others share the stem.

    Args:
        sources: the photographs.
        folder: where the cubes are written.
        ending: extension of the cubes, with its dot; empty for folders of bands.

    Raises:
        ValueError: two cubes would have the same name, or a cube would replace a photograph.
    """
    photographs = list(dict.fromkeys(source.absolute() for source in sources))
    stems = Counter(source.stem.lower() for source in photographs)  # some file systems ignore case
    names = [source.name if stems[source.stem.lower()] > 1 else source.stem for source in photographs]
    items = [
        JobItem(source, folder.absolute() / (name + ending)) for source, name in zip(photographs, names, strict=True)
    ]
    used: dict[str, JobItem] = {}
    for item in items:
        other = used.setdefault(item.out.name.lower(), item)
        if other is not item:
            raise ValueError(
                f"{other.source} and {item.source} would both become {item.out.name}; give them in two commands with "
                "different folders"
            )
        if item.out in photographs:
            raise ValueError(f"the cube of {item.source.name} would replace the photograph {item.out}; "
                             "choose another folder or format")  # fmt: skip
    return items


def _to_json(value: Any) -> Any:
    """Convert dataclasses and arrays for JSON."""
    if is_dataclass(value):
        return {part.name: getattr(value, part.name) for part in fields(value)}
    return value.tolist()


def is_complete(path: Path, request: str) -> bool:
    """Whether `path` is a readable cube written for this request."""
    try:
        return io.open_cube(path).provenance.get(REQUEST) == request
    except (ValueError, OSError):
        return False


class ItemState(enum.StrEnum):
    """Outcome of an item."""

    WRITTEN = "written"
    SKIPPED = "already complete"
    FAILED = "failed"


@dataclass(frozen=True)
class ItemResult:
    """Result of an item; `message` describes what was written or why it failed."""

    item: JobItem
    state: ItemState
    message: str = ""


def process_item(item: JobItem, settings: JobSettings, progress: ProgressCallback) -> ItemResult:
    """Reconstruct a photograph and write its cube, unless it is already complete; errors become the result.

    If `progress` raises `Cancelled`, it is passed on, and no partial file remains.
    """
    try:
        if item.out.exists() and is_complete(item.out, settings.request(sha256_of(item.source))):
            return ItemResult(item, ItemState.SKIPPED)
        return ItemResult(item, ItemState.WRITTEN, _write(item, settings, progress))
    except Cancelled:
        raise
    except Exception as error:  # no error of a single photograph may end the batch
        return ItemResult(item, ItemState.FAILED, error_message(error) or type(error).__name__)


def _write(item: JobItem, settings: JobSettings, progress: ProgressCallback) -> str:
    progress(0.0)
    model = load_job_model(settings)
    photograph = read_job_photograph(item.source, settings)
    field = engine.encode(photograph, model, progress=lambda done: progress(ENCODING_SHARE * done))
    try:
        written = export.write(
            item.out,
            field,
            settings.plan,
            progress=lambda done: progress(ENCODING_SHARE + (1 - ENCODING_SHARE) * done),
            provenance={REQUEST: settings.request(photograph.source.sha256)},
        )
    except VerificationError:
        discard(item.out)
        raise
    return str(written)


def discard(out: Path) -> None:
    """Remove a faulty cube, or the part that readers require, so that it is not mistaken for a complete one."""
    if out.is_dir():
        shutil.rmtree(out)
    else:
        out.unlink(missing_ok=True)


def read_job_photograph(source: Path, settings: JobSettings) -> RGBImage:
    """Read a photograph at the requested resolution; raises as `io.read_photograph`."""
    photograph = io.read_photograph(source, settings.development)
    return photograph.reduced(settings.max_pixels) if settings.max_pixels else photograph


def load_job_model(settings: JobSettings) -> LoadedModel:
    """Model of a job, loaded once per process.

    Raises:
        ValueError: the file differs from the one the job was created with.
    """
    with _loading:
        model = _load(settings.model, settings.model_sha256, settings.device)
    if model.checkpoint.sha256 != settings.model_sha256:
        raise ValueError(
            f"the model {model.name} here differs from the requested one; install the same file or version everywhere"
        )
    return model


@lru_cache(maxsize=1)
def _load(path: Path | None, sha256: str, device: str) -> LoadedModel:
    return load_model(path, device)  # the hash is part of the key, so that a changed file is reloaded


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, as recorded in provenance.

    Raises:
        FileNotFoundError: the file does not exist.
    """
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
