"""Choices of colours: window themes, mark colours and colormaps."""

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
    """The preferred theme of the window."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True)
class MarkColours:
    """A palette of mark colours: name → #rrggbb, with a contrast of at least 3:1 on light and dark plot backgrounds.

    `palette[number]` is the colour of the mark with that number, from 1.
    """

    title: str
    colours: Mapping[str, str]

    def __getitem__(self, number: int) -> str:
        """Return the colour of the mark with this number, from 1."""
        return list(self.colours.values())[(number - 1) % len(self.colours)]


MARK_COLOURS = {
    "safe": MarkColours("Colour-blind safe", {
        "Red": "#c32f0f", "Blue": "#1a95fe", "Green": "#1e7652", "Orange": "#cd8309", "Magenta": "#b128a8",
        "Slate": "#626871", "Sage": "#929671", "Mauve": "#a98997",
    }),
    "vivid": MarkColours("Vivid", {
        "Vermilion": "#d2550f", "Blue": "#2f7fd4", "Green": "#0a8f6a", "Purple": "#bf5f9b", "Ochre": "#b98200",
        "Sky blue": "#1795c9", "Olive": "#8d8413", "Grey": "#7d7f87",
    }),
}  # fmt: skip
"""The first was optimised: any two differ by ΔE2000 ≥ 22 in normal vision, ≥ 14 with any one type of dichromacy."""

MARK_SYMBOLS = ("circle", "square", "triangle", "diamond", "cross", "wedge", "star")
"""Seven symbols and eight colours: the first 56 marks have distinct combinations."""


def colormaps() -> tuple[str, ...]:
    """Return the names of all colormaps: grey, wavelength tint, and those of matplotlib and colorcet (CET)."""
    return GREY, TINT, *_NAMED, _NAMED[0] + REVERSED
