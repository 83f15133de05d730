"""docs/own_part.py, which made a table of docs/reproduction.md."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from nesr_gui.inference.checkpoint import save_checkpoint
from nesr_gui.networks.band_network import DiscreteConfig, DiscreteNetwork
from nesr_gui.networks.nesr import NeSR, NeSRConfig
from nesr_gui.training.datasets.cave import CAVE
from nesr_gui.training.datasets.resampling import BandShape
from nesr_gui.training.evaluation import measure
from nesr_gui.training.experiments.data import measured_scene
from tests.training.datasets import layouts

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "own_part.py"))


@pytest.fixture
def cave(tmp_path) -> Path:
    layouts.cave(tmp_path / "cave")
    (tmp_path / "cave" / "train_list.txt").write_text("a\nb\nc\n")
    (tmp_path / "cave" / "test_list.txt").write_text("d\n")
    return tmp_path / "cave"


def rows(cave: Path, network: NeSR | DiscreteNetwork) -> dict[str, dict[str, str]]:
    """The printed figures of a network by kind of scenes and by part."""
    path = cave.parent / "model.safetensors"
    save_checkpoint(path, network, {})
    done = CliRunner().invoke(SCRIPT["main"], [str(cave), str(path)], catch_exceptions=False)
    found: dict[str, dict[str, str]] = {}
    for part, kind, figures in re.findall(r", (.+), [13] (test|training) scenes: (.+)", done.output):
        found.setdefault(kind, {})[part] = figures
    assert list(found) == ["test", "training"]
    assert found["test"] != found["training"]
    return found


@pytest.mark.parametrize("adds", [False, True])
def test_nesr_differs_from_the_spectrum_of_its_encoder_by_its_own_part(cave, adds):
    torch.manual_seed(0)
    network = NeSR(NeSRConfig("hscnn_r", 6, 1, profile="spectrum")).eval()
    if not adds:
        for parameter in network.mlp[-1].parameters():
            torch.nn.init.zeros_(parameter)
    for found in rows(cave, network).values():
        assert list(found) == ["linear map alone", "spectrum of the encoder", "answer"]
        assert found["linear map alone"] != found["spectrum of the encoder"]
        assert (found["answer"] != found["spectrum of the encoder"]) == adds


def test_the_answer_has_the_errors_of_the_network(cave):
    torch.manual_seed(0)
    network = DiscreteNetwork(DiscreteConfig(features=6, blocks=1)).eval()
    scene = measured_scene(CAVE.open(cave).test[0], CAVE, BandShape())
    with torch.inference_mode():
        answer = network(torch.from_numpy(scene.rgb.transpose(2, 0, 1).copy())[None])[0].numpy()
    expected = measure(answer[:, ::4, ::4], scene.truth(CAVE.bands)[:, ::4, ::4], scene.counted[::4, ::4])
    assert list(rows(cave, network)["test"]) == ["answer"]
    assert float(rows(cave, network)["test"]["answer"].split(" / ")[0]) == pytest.approx(expected.mrae, abs=6e-5)
