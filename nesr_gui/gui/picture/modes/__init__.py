"""The ways to look at a spectral image, in the order of their keys 1, 2, 3, …

A new one is a `ViewMode` in a file of its own and a row here; menu, toolbar, keys, levels and session files follow.
"""

from nesr_gui.gui.picture.modes.band import Band
from nesr_gui.gui.picture.modes.colour_error import ColourError
from nesr_gui.gui.picture.modes.doubts import Doubts
from nesr_gui.gui.picture.modes.false_colour import FalseColour
from nesr_gui.gui.picture.modes.mode import ViewMode
from nesr_gui.gui.picture.modes.photograph import Photograph
from nesr_gui.gui.picture.modes.rerendered import Rerendered
from nesr_gui.gui.picture.modes.similarity import Similarity
from nesr_gui.gui.picture.modes.truth_error import TruthError
from nesr_gui.gui.picture.modes.uncertainty import Uncertainty

TABLE: tuple[ViewMode, ...] = (
    Photograph(),
    Band(),
    FalseColour(),
    Rerendered(),
    Similarity(),
    ColourError(),
    TruthError(),
    Uncertainty(),
    Doubts(),
)
MODES = {mode.name: mode for mode in TABLE}
