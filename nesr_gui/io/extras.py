"""Libraries that are installed on request."""

from __future__ import annotations

import importlib
from typing import Any

from nesr_gui.io.errors import UnreadableFile


class MissingExtra(UnreadableFile):
    """A file needs a library that is not installed."""


def needed(module: str, purpose: str) -> Any:
    """Import a library of the extra `formats`; raises MissingExtra, which names it, where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        library = module.partition(".")[0]
        raise MissingExtra(
            f"{purpose} need the library {library}, which is not installed; install nesr-gui[formats]"
        ) from None
