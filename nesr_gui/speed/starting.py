"""How long the program takes to start, each time as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from nesr_gui.speed.figures import Figure, seconds

REPEATS = 3
WINDOW = "from nesr_gui.gui import program; program.say_when_usable()"


def figures() -> Iterator[Figure]:
    """From nothing to the help text, and to a window that can be used, while the model is still being loaded."""
    yield Figure(
        "start to the help text", 1000 * seconds(lambda: _until_line(["-m", "nesr_gui", "--help"]), REPEATS), aim=300
    )
    yield Figure("start to a usable window", 1000 * seconds(lambda: _until_line(["-c", WINDOW]), REPEATS), aim=2500)


def _until_line(command: list[str]) -> None:
    """Run Python until it has written a line."""
    with subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        process.kill()
    if not said:
        raise OSError(f"{' '.join(command)} ended without a word")
