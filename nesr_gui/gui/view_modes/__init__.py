"""View modes of a spectral image, in the order of their keys 1 to 9.

To add one, write a subclass of `ViewMode` in its own module and add it here; menu, toolbar, keys, display limits and
session files follow.
"""

from nesr_gui.gui.view_modes.band import Band
from nesr_gui.gui.view_modes.base import ViewMode
from nesr_gui.gui.view_modes.colour_error import ColourError
from nesr_gui.gui.view_modes.error_map import TruthError
from nesr_gui.gui.view_modes.false_colour import FalseColour
from nesr_gui.gui.view_modes.photograph import Photograph
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
)
MODES = {mode.name: mode for mode in TABLE}
