"""Results of benchmarks and their targets."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class BenchmarkResult:
    """One measured value; the target `aim` is a maximum, or a minimum if `is_more_better`."""

    name: str
    value: float
    unit: str = "ms"
    aim: float | None = None
    is_more_better: bool = False

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None if there is none."""
        if self.aim is None:
            return None
        return self.value >= self.aim if self.is_more_better else self.value <= self.aim

    def line(self) -> str:
        """Line to print."""
        text = f"{self.name:58}{self.value:10.3g} {self.unit}" if abs(self.value) < 100 else (
            f"{self.name:58}{self.value:10.0f} {self.unit}"
        )  # fmt: skip
        if self.aim is None:
            return text
        sign = "≥" if self.is_more_better else "≤"
        return f"{text:80}target {sign} {self.aim:g}{'' if self.is_met else ', missed'}"


def median_seconds(work: Callable[[], object], repeats: int) -> float:
    """Median duration of some calls, after a warm-up call."""
    work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)
