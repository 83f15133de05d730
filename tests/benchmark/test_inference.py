"""The benchmark: what it counts and divides, and that the model is no slower than it was."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from nesr_gui.benchmark import inference, system
from nesr_gui.benchmark.result import BenchmarkResult, median_seconds
from nesr_gui.inference import engine
from nesr_gui.inference.model import LoadedModel, load_model


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


def test_answers_are_timed_until_the_device_has_given_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A graphics processor returns before it is done; the benchmark waited for curves and bands only."""
    seconds, pending = [0.0], [0.0]

    def start(of: float) -> SimpleNamespace:
        pending[0] += of
        return field

    def wait(of: float = 0) -> None:
        seconds[0] += pending[0] + of
        pending[0] = 0.0

    field = SimpleNamespace(
        spectra=lambda *_: wait(0.02), band=lambda *_, **__: wait(0.03), cube=lambda *_: wait(0.5), shape=(8, 8)
    )
    monkeypatch.setattr(torch.cuda, "synchronize", wait)
    monkeypatch.setattr("time.perf_counter", lambda: seconds[0])
    monkeypatch.setattr(engine, "encode", lambda *_: start(1.0))
    monkeypatch.setattr(inference, "_mst_seconds", lambda *_: 4.0)
    found = {
        each.name: each.value for each in inference.measure_answers(cast(LoadedModel, SimpleNamespace(device="cuda")))
    }
    assert found == pytest.approx(
        {
            "reconstruct 512×512": 1000,
            "click to 301-point curve": 20,
            "one more wavelength of 512×512": 30,
            "its 31 bands": 500,
            "one more wavelength / 31 bands": 0.06,
            "MST++, 31 fixed bands of the same photograph": 4000,
            "photograph to first 301-point spectrum / MST++": 1.02 / 4,
            "photograph to 31-band cube / MST++": 1.5 / 4,
        }
    )
    monkeypatch.setattr(inference.io, "write_cube", lambda *_: wait(2.0))
    steps = list(inference._steps(cast(LoadedModel, SimpleNamespace(device="cuda")), 0.3))
    assert {step: taken for step, size, taken in steps if size == 0.3} == pytest.approx(
        {
            "reconstruct": 1,
            inference.ONE_BAND: 1.03,
            "one band of what is in view": 0.03,
            "31 bands written to a file": 2,
        }
    )
    assert [(step, size, round(taken, 6)) for step, size, taken in steps if size < 0.3] == [
        (inference.ONE_BAND, 0.25, 1.03)
    ]


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
