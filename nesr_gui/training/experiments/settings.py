"""How long and on what every network of an experiment is trained: the same for all of them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

PAPER_STEPS = 300_000
PAPER_HALVINGS = 15  # every 20,000 of 300,000 steps

Precision = Literal["32-true", "bf16-mixed"]


@dataclass(frozen=True)
class Budget:
    """So many steps, or so many seconds of training, for each network."""

    steps: int | None = PAPER_STEPS
    seconds: float | None = None

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read `paper`, `hours=H` or `steps=N`; raises ValueError."""
        found = re.fullmatch(r"(hours|steps)=(\d+(?:\.\d+)?)", text)
        if text == "paper":
            return cls()
        if found and found[1] == "hours" and float(found[2]) > 0:
            return cls(None, float(found[2]) * 3600)
        if found and found[1] == "steps" and found[2].isdigit() and int(found[2]) > 0:
            return cls(int(found[2]))
        raise ValueError(f"cannot read the budget {text!r}; write paper, hours=1.5 or steps=2000")

    def spent(self, steps: int, seconds: float) -> float:
        """The share of the budget that is spent, 1 at the end."""
        share = steps / self.steps if self.steps else seconds / (self.seconds or 1)
        return min(share, 1.0)

    def __str__(self) -> str:
        return f"{self.steps:,} steps" if self.steps else f"{(self.seconds or 0) / 3600:g} hours"


@dataclass(frozen=True)
class Settings:
    """One budget for all: Adam (β .9 and .999), MRAE, a learning rate that is halved.

    Args:
        patch: pixels along a side of a crop.
        halvings: of the learning rate, evenly over a run.
        precision: of training, as Fabric calls it; answers are always in float32.
        window, decoded: of a crop, the pixels along a side and the number of wavelengths that a continuous network
            answers per step, drawn anew each time; 0: all, as in the paper, which only a GPU finishes. Discrete
            networks answer all they have.
        painted: the share of a batch that is painted with library spectra.
        features, blocks: of the encoders, where they are not to have the paper's size.
    """

    budget: Budget = Budget()
    batch: int = 16
    patch: int = 64
    rate: float = 1e-4
    halvings: int = PAPER_HALVINGS
    precision: Precision = "32-true"
    window: int = 0
    decoded: int = 0
    painted: float = 0.0
    features: int | None = None
    blocks: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.rate < math.inf:
            raise ValueError(f"a learning rate of {self.rate:g} asked for; it must be above 0, 1e-4 say")
        if self.window > self.patch:
            raise ValueError(f"a window of {self.window} pixels asked for; a patch has {self.patch}")

    def rate_at(self, spent: float) -> float:
        """The learning rate where a share of the budget is spent."""
        return self.rate * 0.5 ** int(self.halvings * spent)
