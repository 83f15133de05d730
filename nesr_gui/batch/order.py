"""What is asked of a batch: the same cube of every photograph, each under its own name."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from nesr_gui import io
from nesr_gui.exporting import ExportPlan
from nesr_gui.io.cubes.export import REQUEST


@dataclass(frozen=True)
class Order:
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
class Task:
    """A photograph and the cube to make of it."""

    source: Path
    out: Path


def tasks(sources: Sequence[Path], folder: Path, ending: str) -> list[Task]:
    """A task for each photograph, named after it; after its full name, photo.png.h5, where others share the stem.

    Args:
        ending: of the cubes, with its dot; empty for folders of bands.

    Raises:
        ValueError: two photographs would have cubes of one name, or a cube would take the name of a photograph.
    """
    photographs = list(dict.fromkeys(source.absolute() for source in sources))
    stems = Counter(source.stem.lower() for source in photographs)  # as disks that ignore case would have it
    names = [source.name if stems[source.stem.lower()] > 1 else source.stem for source in photographs]
    made = [Task(source, folder.absolute() / (name + ending)) for source, name in zip(photographs, names, strict=True)]
    taken: dict[str, Task] = {}
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
