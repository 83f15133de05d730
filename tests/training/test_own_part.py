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
        assert list(found) == ["linear map alone", "spectrum of the encoder", "answer", "last hidden units"]
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


def test_units_that_never_or_always_open_are_counted(cave):
    """Of the paper's network, too, which has no spectrum."""
    torch.manual_seed(0)
    network = NeSR(NeSRConfig("hscnn_r", 6, 1, hidden=(8, 20))).eval()
    with torch.no_grad():
        network.mlp[-3].weight.mul_(1e-3)
        network.mlp[-3].bias.fill_(-1)[:5] = 1  # a quarter is open for all pixels, the others for none
    for found in rows(cave, network).values():
        assert list(found) == ["answer", "last hidden units"]
        assert found["last hidden units"] == "75.0% open for no pixel, 25.0% for all"


def test_a_unit_that_is_open_at_some_wavelengths_is_neither(cave):
    network = NeSR(NeSRConfig("hscnn_r", 6, 1, hidden=(2, 20), spi=False, attention="none")).eval()
    first, second = network.mlp[0], network.mlp[2]
    with torch.no_grad():
        for parameter in (first.weight, first.bias, second.weight, second.bias):
            parameter.zero_()
        first.weight[:, -1] = torch.tensor([1.0, -1.0])  # open above, and below the middle of the range
        second.weight[:15, 0] = second.weight[15:, 1] = 1
    for found in rows(cave, network).values():
        assert found["last hidden units"] == "0.0% open for no pixel, 0.0% for all"
    one_by_one = SCRIPT["LastHiddenUnits"](network)
    for nm in (400.0, 700.0):
        network.decode_all(torch.rand(1, 6, 4, 4), torch.tensor([nm]))
    assert str(one_by_one) == "0.0% open for no pixel, 0.0% for all"
