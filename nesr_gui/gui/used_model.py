"""What the session knows of a model in use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class UsedModel:
    """Its name, the device it runs on, and its file; None is the one that travels with the program."""

    name: str = ""
    device: str = ""
    path: Path | None = None
