"""The benchmark: what it counts and divides, and that the model is no slower than it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from nesr_gui.benchmark import inference, system
from nesr_gui.benchmark.result import BenchmarkResult, median_seconds
from nesr_gui.inference import engine
from nesr_gui.inference.model import load_model


def test_operations_are_two_for_each_multiply_add() -> None:
    one, other = torch.randn(5, 7), torch.randn(7, 3)
    assert system.operations(lambda: one @ other) == 2 * 5 * 7 * 3
    image, kernel = torch.randn(1, 2, 6, 8), torch.randn(4, 2, 3, 3)
    assert system.operations(lambda: F.conv2d(image, kernel)) == 2 * 4 * 2 * 9 * 4 * 6


@pytest.mark.parametrize(
    ("figure", "met", "said"),
    [
        (BenchmarkResult("a", 3.0, aim=4.0), True, "target ≤ 4"),
        (BenchmarkResult("a", 5.0, aim=4.0), False, "target ≤ 4, missed"),
        (BenchmarkResult("a", 5.0, "", 4.0, is_more_better=True), True, "target ≥ 4"),
        (BenchmarkResult("a", 3.0, "", 4.0, is_more_better=True), False, "target ≥ 4, missed"),
    ],
)
def test_a_figure_says_whether_it_is_what_was_aimed_at(figure: BenchmarkResult, met: bool, said: str) -> None:
    assert figure.is_met is met and figure.line().endswith(said)
    assert BenchmarkResult("a", 1.0).is_met is None and "aimed" not in BenchmarkResult("a", 1.0).line()


def test_what_grows_in_proportion_lies_on_a_line() -> None:
    line = {amount: 0.5 + 2 * amount for amount in (1, 2, 3, 8)}
    assert inference.deviation_from_line(line) == pytest.approx(0, abs=1e-9)
    assert 0.08 < inference.deviation_from_line(line | {3: 1.2 * line[3]}) < 0.2


def test_the_model_is_measured_beside_the_machine(model_file, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "SIDE", 40)
    monkeypatch.setattr(inference, "SIDES", (16, 24, 40))
    monkeypatch.setattr(inference, "COUNTS", (2, 3, 5))
    monkeypatch.setattr(system, "SIZE", 64)
    monkeypatch.setattr(system, "SIDE", 16)
    found = {figure.name: figure for figure in inference.measure_answers(load_model(model_file, "cpu"))}
    assert len(found) == 16
    assert all(np.isfinite(figure.value) and figure.value >= 0 for figure in found.values())


def test_the_embedded_model_decodes_at_a_good_part_of_what_the_machine_does() -> None:
    """A tenth: .4 where nothing else runs; half of the time may go to others, and both are measured in turn."""
    field = engine.encode(inference.photograph(128, 128), load_model(None, "cpu"))
    work = system.operations(lambda: field.cube(inference.BANDS))
    shares = []
    for _ in range(5):
        best = system.peak(torch.float32, "cpu", repeats=1)
        shares.append(work / median_seconds(lambda: field.cube(inference.BANDS), 1) / best)
    assert max(shares) > 0.1


def test_a_wavelength_more_costs_a_small_part_of_opening_a_photograph() -> None:
    """A tenth: .01 where nothing else runs, since coefficients of what is in view are kept."""
    image, model = inference.photograph(256, 256), load_model(None, "cpu")
    field = engine.encode(image, model)
    field.band(550)
    ratios = [
        median_seconds(lambda: field.band(547.3), 1) / median_seconds(lambda: engine.encode(image, model), 1)
        for _ in range(3)
    ]
    assert min(ratios) < 0.1
