"""Paths of the bundled files, in a source tree or an installed wheel."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

_PACKAGED = Path(__file__).parent / "_resources"  # location of resources/ in a wheel
ROOT = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parent.parent / "resources"


@dataclass(frozen=True)
class Sample:
    """A bundled photograph: file, title, attribution, and measured cube if there is one."""

    name: str
    title: str
    credit: str
    photograph: Path
    truth: Path | None


def samples() -> list[Sample]:
    """The bundled samples; the first is the one shown first."""
    folder = ROOT / "samples"
    return [
        Sample(
            name=entry["name"],
            title=entry["title"],
            credit=entry["credit"],
            photograph=folder / entry["photograph"],
            truth=folder / entry["truth"] if entry.get("truth") else None,
        )
        for entry in json.loads((folder / "samples.json").read_text(encoding="utf-8"))
    ]


def sample(name: str) -> Sample:
    """The bundled sample called `name`.

    Raises:
        KeyError: the name is unknown; the message lists the names.
    """
    by_name = {entry.name: entry for entry in samples()}
    if name not in by_name:
        raise KeyError(f"unknown sample {name!r}; available: {', '.join(by_name)}")
    return by_name[name]


def default_model() -> Path:
    """Path of the default model's weights."""
    return ROOT / "models" / "nesr-lean.safetensors"


def models() -> list[Path]:
    """Paths of the bundled models, the default first."""
    default = default_model()
    return [default, *sorted(path for path in default.parent.glob("*.safetensors") if path != default)]


def guide() -> Path:
    """Path of the user guide (Markdown); its figures are in the same folder."""
    return ROOT / "guide" / "guide.md"


def unknown_camera() -> Path:
    """What is added to the prediction intervals of pictures by unknown cameras, see `inference.unknown_camera`."""
    return ROOT / "unknown_camera.json"


def sensor_tables() -> Path:
    """Path of the spectral responses of satellite sensors (JSON)."""
    return ROOT / "sensors.json"


def icon(name: str) -> Path:
    """Path of an SVG icon."""
    return ROOT / "icons" / f"{name}.svg"
