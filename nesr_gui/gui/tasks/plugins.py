"""Loading of the plug-ins that the window uses."""

from __future__ import annotations

from dataclasses import dataclass

from nesr_gui import io, plugins
from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui import view_modes
from nesr_gui.gui.view_modes.base import ViewMode


@dataclass(frozen=True)
class LoadedPlugins:
    """The view modes of plug-ins, and a sentence for each plug-in that was left out."""

    modes: tuple[ViewMode, ...]
    refused: tuple[str, ...]


def load_plugins(request: None, progress: ProgressCallback) -> LoadedPlugins:
    """Import the plug-ins with file formats and view modes; the others are imported when they are used."""
    io.formats()
    modes = tuple(view_modes.load_plugins())
    return LoadedPlugins(modes, tuple(str(refusal) for refusal in plugins.refused()))
