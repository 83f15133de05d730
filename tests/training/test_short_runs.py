"""docs/short_runs.py, which made figures of docs/reproduction.md: every network of it is trained and compared."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from click.testing import CliRunner

from nesr_gui.networks.nesr import NeSR, NeSRConfig
from tests.training.datasets import layouts

SCRIPT = Path(__file__).parents[2] / "docs" / "short_runs.py"


@pytest.fixture
def runs(monkeypatch) -> ModuleType:
    """The script, for crops of a few pixels."""
    spec = importlib.util.spec_from_file_location("short_runs", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "short_runs", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)  # other tests use all
    smaller = {"VALIDATION": ("b",), "FEATURES": 6, "BLOCKS": 1, "PATCH": 8, "BATCH": 2, "CROP": 8}
    for name, value in smaller.items():
        monkeypatch.setattr(module, name, value)
    for name, variant in module.VARIANTS.items():
        monkeypatch.setitem(module.VARIANTS, name, dataclasses.replace(variant, steps=2, window=variant.window // 4))
    return module


def test_every_variant_is_trained_and_compared(runs, tmp_path):
    layouts.cave(tmp_path / "cave")
    (tmp_path / "cave" / "train_list.txt").write_text("a\nb\nc\n")
    (tmp_path / "cave" / "test_list.txt").write_text("d\n")
    done = CliRunner().invoke(runs.main, [str(tmp_path / "cave"), str(tmp_path / "out")], catch_exceptions=False)
    assert done.exit_code == 0
    rows = [json.loads(line) for line in (tmp_path / "out" / "runs.jsonl").read_text().splitlines()]
    assert [row["name"] for row in rows] == list(runs.VARIANTS)
    figures = {(row["validation"]["mrae"], row["validation"]["own"]) for row in rows}
    assert len(figures) == len(rows)  # each is another network
    assert all(row["averaged"] != row["validation"] for row in rows)
    assert all(("open" in row) != row["variant"]["discrete"] for row in rows)


def test_the_repaired_network_is_that_of_the_program(runs, monkeypatch):
    monkeypatch.setattr(runs, "PATCH", 4)  # the attention map is then of every pixel, as the program's
    config = NeSRConfig("hscnn_r", runs.FEATURES, runs.BLOCKS, profile="spectrum")
    torch.manual_seed(0)
    made, theirs = runs.ShortNetwork(runs.VARIANTS["C"], torch.rand(31, 3)), NeSR(config)
    made.initialise(torch.empty(0))
    weights = {name.removeprefix("nesr."): value for name, value in made.state_dict().items()}
    for key in ("weight", "bias"):
        weights[f"encoder.tail.{key}"] = weights.pop(f"tail.{key}")
    weights["linear.weight"] = weights.pop("linear")[:, :, None, None]
    theirs.load_state_dict(weights)
    image, nm = torch.rand(2, 3, 8, 8), torch.tensor([400.0, 512.3, 700.0])
    with torch.no_grad():
        own, added = made.answer(image, nm, 1)
        expected = theirs(image, nm)
    assert own.std() > 0.01
    torch.testing.assert_close(own + added, expected, atol=1e-5, rtol=1e-4)
