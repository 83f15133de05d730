"""Settings of the image display, all of which a session file stores."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from nesr_gui.gui.model.analyses import AnalysisKind
from nesr_gui.spectral import Spectrum

Limits = tuple[float, float]
Layers = Mapping[str, tuple[int, ...]]
"""Numbers of the shown layers of an analysis by the name of its mode: one, or two or three as red, green and blue."""
DIVIDERS = 0.05, 0.95  # the least and the greatest share left of the line
SPEEDS = 0.5, 500.0  # nm/s
BOXES = 1, 3, 5, 9  # sides of the averaging box in source pixels; 1 is a single pixel


class PaneLayout(enum.StrEnum):
    """How the one or two pictures are arranged."""

    SINGLE = "single"
    DIVIDED = "divided"  # two pictures in one pane, left and right of a divider
    SIDE_BY_SIDE = "side by side"


class ErrorMetric(enum.StrEnum):
    """The error shown by the error map."""

    DIFFERENCE = "difference"  # at the selected wavelength, like RELATIVE
    RELATIVE = "relative"
    RMSE = "rmse"  # over all wavelengths, like the rest
    MRAE = "mrae"
    ANGLE = "angle"
    COLOUR = "colour"


@dataclass(frozen=True)
class ViewSettings:
    """View modes of the left and the right picture, and their settings; plain values throughout.

    Attributes:
        modes: names of the left and the right view mode.
        active: the active side, 0 or 1.
        arrangement: the layout of the panes.
        divider: position of the divider as a fraction of the width.
        false_colour: wavelengths (nm) for red, green and blue.
        measure: the metric of the error map.
        reference: the reference of the similarity mode; None is the active mark's spectrum.
        levels: display limits by the key of a `ValueScale`, if the user set any; likewise `colormaps`.
        analysis: the analysis in the Analysis panel: the active mode, or the last one that was.
        layers: the shown layers of analyses that have several, of the left and of the right picture.
        speed: speed of the sweep in nm/s.
        scale_bar: whether the image has a scale bar.
        box: side of the averaging box in source pixels, one of `BOXES`.
        log_counts: whether the colours of the scatter plot are logarithms of the numbers of pixels.
    """

    modes: tuple[str, str] = ("photograph", "band")
    active: int = 0
    arrangement: PaneLayout = PaneLayout.SINGLE
    divider: float = 0.5
    false_colour: tuple[float, float, float] = (650.0, 550.0, 450.0)
    measure: ErrorMetric = ErrorMetric.DIFFERENCE
    reference: Spectrum | None = None
    levels: Mapping[str, Limits] = field(default_factory=dict)
    colormaps: Mapping[str, str] = field(default_factory=dict)
    analysis: AnalysisKind = AnalysisKind.CLASSES
    layers: tuple[Layers, Layers] = field(default_factory=lambda: ({}, {}))
    speed: float = 40.0
    scale_bar: bool = False
    box: int = 1
    log_counts: bool = True

    def __post_init__(self) -> None:
        if self.box not in BOXES:
            raise ValueError(f"an averaging box of {self.box} pixels; {', '.join(map(str, BOXES))} are possible")
        if self.active not in (0, 1):
            raise ValueError(f"picture {self.active} of two")
        for value, (low, high) in (
            (self.divider, DIVIDERS), (self.speed, SPEEDS), *((nm, (1, 1e6)) for nm in self.false_colour)
        ):  # fmt: skip
            if not low <= value <= high:
                raise ValueError(f"{value:g} is not between {low:g} and {high:g}")
        if not all(math.isfinite(low) and math.isfinite(high) and low < high for low, high in self.levels.values()):
            raise ValueError("a lower limit is not below its upper one")
        shown = [numbers for side in self.layers for numbers in side.values()]
        if not all(1 <= len(numbers) <= 3 and min(numbers) >= 0 for numbers in shown):
            raise ValueError("one to three layers of an analysis can be shown, numbered from 0")
        if self.mode in list(AnalysisKind):
            object.__setattr__(self, "analysis", AnalysisKind(self.mode))

    @property
    def mode(self) -> str:
        """The view mode of the active side."""
        return self.modes[self.active]

    @cached_property
    def sides(self) -> tuple[int, ...]:
        """The visible sides."""
        return (self.active,) if self.arrangement is PaneLayout.SINGLE else (0, 1)

    def showing(self, mode: str, side: int | None = None) -> ViewSettings:
        """Return the settings with another mode on a side (by default the active one), which becomes active.

        In a single pane, the hidden side takes the previous mode, to which `swapped` returns.
        """
        side = self.active if side is None else side
        other = self.modes[1 - side]
        if self.arrangement is PaneLayout.SINGLE and mode != self.modes[side]:
            other = self.modes[side]
        return replace(self, modes=(mode, other) if side == 0 else (other, mode), active=side)

    def swapped(self) -> ViewSettings:
        """Return the settings with the modes of both sides exchanged; of two visible sides the other becomes active."""
        active = self.active if self.arrangement is PaneLayout.SINGLE else 1 - self.active
        return replace(self, modes=self.modes[::-1], layers=self.layers[::-1], active=active)

    def arranged(self, arrangement: PaneLayout) -> ViewSettings:
        """Return the settings with another layout; if both pictures were the same, the left becomes the photograph."""
        look = replace(self, arrangement=arrangement)
        if arrangement is not PaneLayout.SINGLE and look.modes[0] == look.modes[1]:
            return replace(look, modes=("photograph", "band" if look.mode == "photograph" else look.mode), active=1)
        return look

    @property
    def next_box(self) -> int:
        """The side of the next larger averaging box, or a single pixel after the largest."""
        return BOXES[(BOXES.index(self.box) + 1) % len(BOXES)]

    def divided_at(self, share: float) -> ViewSettings:
        """Return the settings with the divider at this fraction, limited to `DIVIDERS`."""
        return replace(self, divider=round(min(max(share, DIVIDERS[0]), DIVIDERS[1]), 4))

    def with_levels(self, key: str, limits: Limits | None) -> ViewSettings:
        """Return the settings with other limits for a scale; None restores the automatic ones."""
        return replace(self, levels=_with(self.levels, key, limits))

    def with_colormap(self, key: str, name: str | None) -> ViewSettings:
        """Return the settings with another colormap for a scale; None restores the default."""
        return replace(self, colormaps=_with(self.colormaps, key, name))

    def with_layers(self, mode: str, *layers: int) -> ViewSettings:
        """Return the settings with other layers of a mode shown on the active side; in a single pane, on both."""
        is_single = self.arrangement is PaneLayout.SINGLE
        left, right = (
            _with(shown, mode, layers) if is_single or side == self.active else shown
            for side, shown in enumerate(self.layers)
        )
        return replace(self, layers=(left, right))


def _with(values: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    rest = {name: other for name, other in values.items() if name != key}
    return rest if value is None else {**rest, key: value}
