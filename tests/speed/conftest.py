"""Each time is compared with that of a fixed computation beside it, so that it can be compared between machines."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch

ROUNDS = 5


def reference_seconds() -> float:
    """Median time of a convolution of 3×3, 64 to 64 channels, over 256×256 pixels in float32."""
    pixels, weights = torch.ones(1, 64, 256, 256), torch.ones(64, 64, 3, 3)
    times = []
    with torch.inference_mode():
        for _ in range(ROUNDS + 1):
            started = time.perf_counter()
            torch.nn.functional.conv2d(pixels, weights, padding=1)
            times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


@pytest.fixture
def measured(benchmark: Any) -> Callable[[Callable[[], object]], None]:
    """Measure a function, and the reference before and after it."""

    def measure(work: Callable[[], object]) -> None:
        before = reference_seconds()
        benchmark.pedantic(work, rounds=ROUNDS, warmup_rounds=1)
        benchmark.extra_info["reference_s"] = (before + reference_seconds()) / 2

    return measure
