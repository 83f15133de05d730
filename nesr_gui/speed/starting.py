"""How long the program takes to start, each time as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from nesr_gui.speed.figures import Figure, seconds

REPEATS = 3
WINDOW = "from nesr_gui.gui.benchmark import open_and_close; open_and_close()"


def figures() -> Iterator[Figure]:
    """From nothing to the help text, and to a window that can be used."""
    for name, command, aim in (
        ("start to the help text", ["-m", "nesr_gui", "--help"], 300.0),
        ("start to a usable window", ["-c", WINDOW], 2500.0),
    ):
        yield Figure(name, 1000 * seconds(lambda command=command: _run(command), REPEATS), aim=aim)  # type: ignore[misc]


def _run(command: list[str]) -> None:
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
