"""What the Statistics panel is about: pixels, and an interval of wavelengths."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

Range = tuple[float, float]


class Scope(enum.StrEnum):
    """The pixels whose statistics are computed."""

    MARK = "mark"
    IMAGE = "image"

    @property
    def label(self) -> str:
        """The label in the window."""
        return {Scope.MARK: "Active mark", Scope.IMAGE: "Whole image"}[self]


@dataclass(frozen=True)
class StatisticsSettings:
    """Pixels and wavelengths of the statistics.

    Attributes:
        scope: the pixels.
        within: the interval of wavelengths in nm; None for all.
    """

    scope: Scope = Scope.MARK
    within: Range | None = None

    def __post_init__(self) -> None:
        if self.within is not None and not (all(map(math.isfinite, self.within)) and self.within[0] < self.within[1]):
            raise ValueError(
                f"wavelengths cannot run from {self.within[0]:g} to {self.within[1]:g} nm; the first must be less than "
                "the second"
            )

    def range_in(self, available: Range) -> Range:
        """Return the interval in an image that covers `available`; all of it if they are disjoint."""
        low, high = self.within or available
        low, high = max(low, available[0]), min(high, available[1])
        return (low, high) if low < high else available
