"""View mode of three bands as red, green and blue."""

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
    "Blood": (660.0, 576.0, 540.0),  # deoxyhaemoglobin at 660 nm, absorption bands of oxyhaemoglobin at 576 and 540 nm
    "Chlorophyll": (550.0, 680.0, 430.0),  # the reflection maximum, and the two absorption bands
    "Colour infrared": (850.0, 650.0, 550.0),
}
"""Wavelengths (nm) for red, green and blue; presets outside the field's range are disabled."""


class FalseColour(ViewMode):
    """Bands at three wavelengths as the channels of an image, with the limits of a single band."""

    name, title, tip = "false_colour", "False colour", "Show three wavelengths as red, green and blue"
    moves = True

    def caption(self, context: RenderContext) -> str:
        """Return the three wavelengths."""
        return "False colour {:g} / {:g} / {:g} nm".format(*self.wavelengths(context))

    def wavelengths(self, context: RenderContext) -> tuple[float, float, float]:
        """Return the chosen wavelengths (nm), clamped to the field's range."""
        low, high = context.answering.wavelength_range if context.field else (0.0, np.inf)
        red, green, blue = (min(max(nm, low), high) for nm in context.view_settings.false_colour)
        return red, green, blue

    def cache_key(self, context: RenderContext) -> tuple[object, ...]:
        """Field and wavelengths."""
        return context.field, *self.wavelengths(context)

    def bands(self, context: RenderContext) -> int:
        """One band per channel."""
        return 3

    def scale(self, context: RenderContext) -> ValueScale:
        """The quantity of the field, in three channels."""
        return ValueScale("false_colour", str(context.answering.quantity), "", context.levels, is_colour=True)

    def options(self, context: RenderContext) -> Sequence[ModeOption]:
        """One choice per preset."""
        low, high = context.field.wavelength_range if context.field else (400.0, 700.0)
        spread = tuple(round(low + share * (high - low)) for share in (5 / 6, 3 / 6, 1 / 6))
        choices = []
        for text, (red, green, blue) in (PRESETS | {"Evenly over the range": spread}).items():
            possible = low <= min(red, green, blue) and max(red, green, blue) <= high
            view_settings = replace(context.view_settings, false_colour=(float(red), float(green), float(blue)))
            name = f"{text}: {red:g} / {green:g} / {blue:g} nm"
            choices.append(
                ModeOption(
                    name, view_settings, view_settings.false_colour == context.view_settings.false_colour, possible
                )
            )
        return choices

    def render(self, context: RenderContext, sampling: SamplingGrid, progress: ProgressCallback) -> FloatArray:
        """Evaluate the three bands (h, w, 3)."""
        picture = np.empty((*sampling.size, 3), np.float32)
        for channel, nm in enumerate(self.wavelengths(context)):
            share = partial(_third, progress, channel)
            picture[:, :, channel] = band_in_pieces(context.answering, nm, sampling, share)
        return picture


def _third(progress: ProgressCallback, channel: int, done: float) -> None:
    progress((channel + done) / 3)
