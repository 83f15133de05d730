"""Colours that can be chosen: of the window, of marks, and of pictures."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

GREY, TINT = "grey", "wavelength"
REVERSED = " reversed"
_NAMED = (
    "viridis", "cividis", "inferno", "magma", "plasma", "turbo", "CET-L3", "CET-L8", "CET-L17", "CET-D1A", "CET-CBL2",
    "CET-R4",
)  # fmt: skip


class Theme(enum.StrEnum):
    """What the user prefers."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True)
class MarkColours:
    """Colours that marks take in turn: name → #rrggbb, each at least 3:1 against the plot's ground, light and dark."""

    title: str
    colours: Mapping[str, str]

    def __getitem__(self, number: int) -> str:
        """The colour of the mark with a number, from 1."""
        return list(self.colours.values())[(number - 1) % len(self.colours)]


MARK_COLOURS = {
    "safe": MarkColours("For colour-blind eyes too", {
        "Red": "#c32f0f", "Blue": "#1a95fe", "Green": "#1e7652", "Orange": "#cd8309", "Magenta": "#b128a8",
        "Slate": "#626871", "Sage": "#929671", "Mauve": "#a98997",
    }),
    "vivid": MarkColours("Vivid", {
        "Vermilion": "#d2550f", "Blue": "#2f7fd4", "Green": "#0a8f6a", "Purple": "#bf5f9b", "Ochre": "#b98200",
        "Sky blue": "#1795c9", "Olive": "#8d8413", "Grey": "#7d7f87",
    }),
}  # fmt: skip
"""The first was searched for: two of it differ by ΔE2000 22 for normal eyes, 14 where one kind of cones is missing."""

MARK_SYMBOLS = ("circle", "square", "triangle", "diamond", "cross", "wedge", "star")
"""Seven beside eight colours, so that no two of the first 56 marks share both."""


def colormaps() -> tuple[str, ...]:
    """The names that can be chosen: matplotlib's and colorcet's (CET), as pyqtgraph brings them."""
    return GREY, TINT, *_NAMED, _NAMED[0] + REVERSED
