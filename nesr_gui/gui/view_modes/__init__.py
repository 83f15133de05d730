"""View modes of a spectral image, in the order of their keys: 1 to 9, and Alt+1 to Alt+5 for the analyses.

To add one, write a subclass of `ViewMode` in its own module and add it here; menu, toolbar, keys, display limits and
session files follow.
"""

from nesr_gui import plugins
from nesr_gui.gui.view_modes.analysis import (
    Abundances,
    AnalysisMode,
    BandMathValues,
    Classes,
    ClusterNumbers,
    ComponentScores,
)
from nesr_gui.gui.view_modes.band import Band
from nesr_gui.gui.view_modes.base import ViewMode
from nesr_gui.gui.view_modes.colour_error import ColourError
from nesr_gui.gui.view_modes.error_map import TruthError
from nesr_gui.gui.view_modes.false_colour import FalseColour
from nesr_gui.gui.view_modes.photograph import Photograph
from nesr_gui.gui.view_modes.plugin import PluginMode
from nesr_gui.gui.view_modes.quality import QualityFlags
from nesr_gui.gui.view_modes.rerendered import Rerendered
from nesr_gui.gui.view_modes.similarity import Similarity
from nesr_gui.gui.view_modes.uncertainty import Uncertainty

TABLE: tuple[ViewMode, ...] = (
    Photograph(),
    Band(),
    FalseColour(),
    Rerendered(),
    Similarity(),
    ColourError(),
    TruthError(),
    Uncertainty(),
    QualityFlags(),
    Classes(),
    ClusterNumbers(),
    Abundances(),
    BandMathValues(),
    ComponentScores(),
)
ANALYSES = {mode.kind: mode for mode in TABLE if isinstance(mode, AnalysisMode)}
MODES = {mode.name: mode for mode in TABLE}
"""All modes by name; those of plug-ins follow when `load_plugins` was called."""


def key_of(mode: ViewMode) -> str:
    """The key of a mode of `TABLE`."""
    keys = [*map(str, range(1, 10)), *(f"Alt+{number}" for number in range(1, len(ANALYSES) + 1))]
    return keys[TABLE.index(mode)]


def load_plugins() -> list[ViewMode]:
    """Import the modes of plug-ins, which may take long, and add them to `MODES`."""
    modes: list[ViewMode] = list(plugins.load(plugins.Kind.VIEW_MODES, _accept).values())
    MODES.update({mode.name: mode for mode in modes})
    return modes


def _accept(plugin: plugins.Plugin, value: object) -> PluginMode:
    """The mode of a plug-in, an instance or a class.

    Raises:
        TypeError: it is no view mode.
        ValueError: its name is taken.
    """
    mode = plugins.require(plugin, value() if isinstance(value, type) else value, ViewMode)
    taken = {other.name for other in (*TABLE, *plugins.accepted(plugins.Kind.VIEW_MODES).values())}
    if mode.name in taken:
        raise ValueError(f"there is another view mode called {mode.name}")
    return PluginMode(plugin, mode)
