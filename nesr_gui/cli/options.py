"""What several commands share: options, progress on the terminal, figures as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

FAILED, INTERRUPTED = 1, 130  # exit codes

FILE = click.Path(path_type=Path, dir_okay=False)
PATH = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path, file_okay=False)

device_option = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
model_option = click.option("--model", type=FILE, help="Model file (.safetensors); by default the embedded one.")


def progress_bar(what: str) -> Any:
    """A bar on the terminal whose context value is a `Progress`; nothing where no terminal watches."""
    from contextlib import contextmanager

    from tqdm import tqdm

    @contextmanager
    def bar() -> Any:
        with tqdm(
            total=100, desc=what, unit="%", leave=False, disable=None, bar_format="{desc} {bar} {n:.0f} %"
        ) as shown:
            yield lambda done: shown.update(100 * done - shown.n)

    return bar()


def write_json(path: Path, content: Any) -> None:
    """Write figures for other programs."""
    from nesr_gui.io.atomic import replacing

    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
