"""What made a model or a table: the program, and the commit of its source."""

from __future__ import annotations

import subprocess
from pathlib import Path

import torch

from nesr_gui._version import __version__


def commit() -> str:
    """The commit of the source tree that runs, marked where files differ from it; empty for an installed program."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def program() -> str:
    """Versions of the program and of torch."""
    return f"nesr_gui {__version__}, torch {torch.__version__}"
