"""How the image pane shows what is open: everything about it that a session file keeps."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from nesr_gui.spectral import Spectrum

Limits = tuple[float, float]
DIVIDERS = 0.05, 0.95  # the least and the greatest share left of the line
SPEEDS = 0.5, 500.0  # nm/s


class PaneLayout(enum.StrEnum):
    """How many pictures there are."""

    SINGLE = "single"
    DIVIDED = "divided"  # two over each other, one left and one right of a line
    SIDE_BY_SIDE = "side by side"


class ErrorMetric(enum.StrEnum):
    """What the error against the truth is."""

    DIFFERENCE = "difference"  # at the wavelength
    RELATIVE = "relative"  # at the wavelength
    RMSE = "rmse"
    MRAE = "mrae"
    ANGLE = "angle"
    COLOUR = "colour"


@dataclass(frozen=True)
class ViewSettings:
    """Modes of the left and the right picture by name, and what belongs to them; plain values throughout.

    `levels` and `colormaps` hold what the user chose, by the key of a scale; what is missing there is automatic.
    `divider` is the share of the view's width left of the line. `reference` None means the active pin's spectrum.
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
    speed: float = 40.0  # nm/s of the sweep

    def __post_init__(self) -> None:
        if self.active not in (0, 1):
            raise ValueError(f"picture {self.active} of two")
        for value, (low, high) in (
            (self.divider, DIVIDERS), (self.speed, SPEEDS), *((nm, (1, 1e6)) for nm in self.false_colour)
        ):  # fmt: skip
            if not low <= value <= high:
                raise ValueError(f"{value:g} is not between {low:g} and {high:g}")
        if not all(math.isfinite(low) and math.isfinite(high) and low < high for low, high in self.levels.values()):
            raise ValueError("a lower limit is not below its upper one")

    @property
    def mode(self) -> str:
        """The mode that the keys change."""
        return self.modes[self.active]

    @cached_property
    def sides(self) -> tuple[int, ...]:
        """Which of the two pictures are in sight."""
        return (self.active,) if self.arrangement is PaneLayout.SINGLE else (0, 1)

    def showing(self, mode: str, side: int | None = None) -> ViewSettings:
        """With another mode on one side, the active one if none is named."""
        side = self.active if side is None else side
        return replace(self, modes=(mode, self.modes[1]) if side == 0 else (self.modes[0], mode), active=side)

    def arranged(self, arrangement: PaneLayout) -> ViewSettings:
        """With one picture or two; two that would be the same become the photograph and the other."""
        look = replace(self, arrangement=arrangement)
        if arrangement is not PaneLayout.SINGLE and look.modes[0] == look.modes[1]:
            return replace(look, modes=("photograph", "band" if look.mode == "photograph" else look.mode), active=1)
        return look

    def divided_at(self, share: float) -> ViewSettings:
        """With the line elsewhere; a twentieth of the view stays on each side of it."""
        return replace(self, divider=round(min(max(share, DIVIDERS[0]), DIVIDERS[1]), 4))

    def with_levels(self, key: str, limits: Limits | None) -> ViewSettings:
        """With other levels under a key, or with None automatic ones again."""
        return replace(self, levels=_with(self.levels, key, limits))

    def with_colormap(self, key: str, name: str | None) -> ViewSettings:
        return replace(self, colormaps=_with(self.colormaps, key, name))


def _with(known: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    rest = {name: kept for name, kept in known.items() if name != key}
    return rest if value is None else {**rest, key: value}
