"""Three wavelengths as red, green and blue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.model.viewport import Sampling
from nesr_gui.gui.view_modes.base import Choice, Scale, Scene, ViewMode, band_in_pieces
from nesr_gui.spectral import FloatArray

PRESETS = {
    "Natural": (650.0, 550.0, 450.0),
    "Short visible": (550.0, 500.0, 450.0),
    "Long visible": (700.0, 625.0, 550.0),
    "Blood": (660.0, 576.0, 540.0),  # haemoglobin: deoxygenated, and a valley and a peak of the oxygenated
    "Chlorophyll": (550.0, 680.0, 430.0),  # reflected between the two bands it absorbs
    "Colour infrared": (850.0, 650.0, 550.0),
}
"""Red, green and blue in nm; those outside of what is open cannot be chosen."""


class FalseColour(ViewMode):
    """Bands at any three wavelengths as the channels of a picture, under the levels of a band."""

    name, title, tip = "false_colour", "False colour", "Show three wavelengths as red, green and blue"
    moves = True

    def caption(self, scene: Scene) -> str:
        return "False colour {:g} / {:g} / {:g} nm".format(*self.wavelengths(scene))

    def wavelengths(self, scene: Scene) -> tuple[float, float, float]:
        """The three of the look, as far as the field reaches."""
        low, high = scene.answering.wavelength_range if scene.field else (0.0, np.inf)
        red, green, blue = (min(max(nm, low), high) for nm in scene.look.false_colour)
        return red, green, blue

    def depends(self, scene: Scene) -> tuple[object, ...]:
        return scene.field, *self.wavelengths(scene)

    def bands(self, scene: Scene) -> int:
        return 3

    def scale(self, scene: Scene) -> Scale:
        return Scale("false_colour", str(scene.answering.quantity), "", scene.levels, is_colour=True)

    def choices(self, scene: Scene) -> Sequence[Choice]:
        low, high = scene.field.wavelength_range if scene.field else (400.0, 700.0)
        spread = tuple(round(low + share * (high - low)) for share in (5 / 6, 3 / 6, 1 / 6))
        made = []
        for text, (red, green, blue) in (PRESETS | {"Evenly over the range": spread}).items():
            possible = low <= min(red, green, blue) and max(red, green, blue) <= high
            look = replace(scene.look, false_colour=(float(red), float(green), float(blue)))
            name = f"{text}: {red:g} / {green:g} / {blue:g} nm"
            made.append(Choice(name, look, look.false_colour == scene.look.false_colour, possible))
        return made

    def paint(self, scene: Scene, sampling: Sampling, progress: ProgressCallback) -> FloatArray:
        picture = np.empty((*sampling.size, 3), np.float32)
        for channel, nm in enumerate(self.wavelengths(scene)):
            share = partial(_third, progress, channel)
            picture[:, :, channel] = band_in_pieces(scene.answering, nm, sampling, share)
        return picture


def _third(progress: ProgressCallback, channel: int, done: float) -> None:
    progress((channel + done) / 3)
