"""Three wavelengths as red, green and blue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.gui.view_modes.base import ModeOption, RenderContext, ValueScale, ViewMode, band_in_pieces
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

    def caption(self, context: RenderContext) -> str:
        return "False colour {:g} / {:g} / {:g} nm".format(*self.wavelengths(context))

    def wavelengths(self, context: RenderContext) -> tuple[float, float, float]:
        """The three of the look, as far as the field reaches."""
        low, high = context.answering.wavelength_range if context.field else (0.0, np.inf)
        red, green, blue = (min(max(nm, low), high) for nm in context.view_settings.false_colour)
        return red, green, blue

    def cache_key(self, context: RenderContext) -> tuple[object, ...]:
        return context.field, *self.wavelengths(context)

    def bands(self, context: RenderContext) -> int:
        return 3

    def scale(self, context: RenderContext) -> ValueScale:
        return ValueScale("false_colour", str(context.answering.quantity), "", context.levels, is_colour=True)

    def options(self, context: RenderContext) -> Sequence[ModeOption]:
        low, high = context.field.wavelength_range if context.field else (400.0, 700.0)
        spread = tuple(round(low + share * (high - low)) for share in (5 / 6, 3 / 6, 1 / 6))
        made = []
        for text, (red, green, blue) in (PRESETS | {"Evenly over the range": spread}).items():
            possible = low <= min(red, green, blue) and max(red, green, blue) <= high
            view_settings = replace(context.view_settings, false_colour=(float(red), float(green), float(blue)))
            name = f"{text}: {red:g} / {green:g} / {blue:g} nm"
            made.append(
                ModeOption(
                    name, view_settings, view_settings.false_colour == context.view_settings.false_colour, possible
                )
            )
        return made

    def render(self, context: RenderContext, sampling: SamplingGrid, progress: ProgressCallback) -> FloatArray:
        picture = np.empty((*sampling.size, 3), np.float32)
        for channel, nm in enumerate(self.wavelengths(context)):
            share = partial(_third, progress, channel)
            picture[:, :, channel] = band_in_pieces(context.answering, nm, sampling, share)
        return picture


def _third(progress: ProgressCallback, channel: int, done: float) -> None:
    progress((channel + done) / 3)
