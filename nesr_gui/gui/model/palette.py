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
    """A palette of colours of marks and classes, with a contrast of at least 3:1 on light and dark plot backgrounds.

    `palette[number]` is the colour of the mark with that number, from 1.

    Attributes:
        title: of the palette.
        colours: name → #rrggbb, of the first numbers.
        more: those of the following numbers, #rrggbb; after them the colours repeat.
    """

    title: str
    colours: Mapping[str, str]
    more: tuple[str, ...]

    def __getitem__(self, number: int) -> str:
        """Return the colour of the mark with this number, from 1."""
        colours = [*self.colours.values(), *self.more]
        return colours[(number - 1) % len(colours)]


MARK_COLOURS = {
    "safe": MarkColours("Colour-blind safe", {
        "Red": "#c32f0f", "Blue": "#1a95fe", "Green": "#1e7652", "Orange": "#cd8309", "Magenta": "#b128a8",
        "Slate": "#626871", "Sage": "#929671", "Mauve": "#a98997",
    }, (
        "#fc48c0", "#8430fc", "#cc3078", "#7884a8", "#9c7848", "#309084", "#6c6c30", "#786c90", "#5460c0", "#a86060",
        "#a884cc", "#c06c24", "#4878f0", "#f06060", "#6c9c84", "#608490",
    )),
    "vivid": MarkColours("Vivid", {
        "Vermilion": "#d2550f", "Blue": "#2f7fd4", "Green": "#0a8f6a", "Purple": "#bf5f9b", "Ochre": "#b98200",
        "Sky blue": "#1795c9", "Olive": "#8d8413", "Grey": "#7d7f87",
    }, (
        "#9c5448", "#849c60", "#78606c", "#6c3cfc", "#c0009c", "#a88484", "#5460b4", "#9084fc", "#9c6c3c", "#606c60",
        "#9c909c", "#7884a8", "#cc180c", "#f06c48", "#905484", "#fc0cd8",
    )),
}  # fmt: skip
"""The first was optimised: any two of its eight named colours differ by ΔE2000 ≥ 22 in normal vision, and ≥ 14 with
any one type of dichromacy (Machado et al. 2009, doi 10.1109/TVCG.2009.113). Each further colour is the one that differs
most from those before it, in normal vision and with dichromacy: any two of the first 16 by ΔE2000 ≥ 11 and ≥ 6.9, any
two of all 24 by ≥ 9.5 and ≥ 5."""

MARK_SYMBOLS = ("circle", "square", "triangle", "diamond", "cross", "wedge", "star")
"""Seven symbols and 24 colours: the first 168 marks have distinct combinations."""


def cluster_colour(number: int) -> str:
    """Return the colour of a cluster, from 1."""
    return MARK_COLOURS["safe"][number]


def colormaps() -> tuple[str, ...]:
    """Return the names of all colormaps: grey, wavelength tint, and those of matplotlib and colorcet (CET)."""
    return GREY, TINT, *_NAMED, _NAMED[0] + REVERSED
