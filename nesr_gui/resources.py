"""Where the files that travel with the program are, in a source tree and in an installed wheel alike."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

_PACKAGED = Path(__file__).parent / "_resources"  # where the wheel puts resources/
ROOT = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parent.parent / "resources"


@dataclass(frozen=True)
class Sample:
    """An embedded photograph: its file, a title, whose it is, and its measured cube where it has one."""

    name: str
    title: str
    credit: str
    photograph: Path
    truth: Path | None


def samples() -> list[Sample]:
    """The embedded samples, the one shown first first."""
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
    """The embedded sample called `name`; a KeyError names those there are."""
    found = {entry.name: entry for entry in samples()}
    if name not in found:
        raise KeyError(f"no sample {name!r}; there are {', '.join(found)}")
    return found[name]


def default_model() -> Path:
    """The weights the program uses when none are named."""
    return ROOT / "models" / "nesr-lean.safetensors"


def models() -> list[Path]:
    """The embedded models, the one used by default first."""
    default = default_model()
    return [default, *sorted(path for path in default.parent.glob("*.safetensors") if path != default)]


def guide() -> Path:
    """The user guide, Markdown; its pictures stand beside it."""
    return ROOT / "guide" / "guide.md"


def icon(name: str) -> Path:
    """An SVG icon of the program."""
    return ROOT / "icons" / f"{name}.svg"
