"""Model files rebuild their network and refuse what they are not."""

import dataclasses
import json
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from nesr_gui.inference import checkpoint
from nesr_gui.inference.calibration import IntervalCalibration
from nesr_gui.inference.checkpoint import FORMAT, UnreadableModel, describe, load_checkpoint, save_checkpoint
from nesr_gui.networks import registry
from nesr_gui.networks.nesr import NeSRConfig
from tests import tiny


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"attention": "none", "spi": False},
        {"features": 5, "blocks": 1, "channels": 3, "hidden": ()},
        {"hidden": (4, 4, 4), "compressed": False, "context_pixels": 7},
        {"low": 380.0, "high": 780.0, "step": 20.0},
    ],
)
def test_round_trip_recovers_config_weights_and_provenance(tmp_path, changes):
    config = dataclasses.replace(tiny.CONFIG, **changes)
    network = tiny.network(config)
    save_checkpoint(tmp_path / "m.safetensors", network, {"seed": "7", "data": "two scenes"})
    loaded = load_checkpoint(tmp_path / "m.safetensors")
    assert loaded.config == config
    assert loaded.provenance == {"seed": "7", "data": "two scenes"}
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], tensor), name
    assert describe(tmp_path / "m.safetensors")["seed"] == "7"


def test_calibration_and_prior_come_back_whatever_their_layout_in_memory(tmp_path):
    prior = tiny.residual_prior()
    prior = dataclasses.replace(prior, shapes=np.asfortranarray(prior.shapes), rates=prior.rates[:, ::-1])
    numbers = np.arange(279, dtype=np.float32).reshape(3, 3, 31).T
    calibration = IntervalCalibration(prior.nm, -numbers, numbers, np.eye(32, dtype=bool), np.array(0.1, np.float32))
    save_checkpoint(tmp_path / "m.safetensors", tiny.network(), {}, calibration, prior)
    loaded = load_checkpoint(tmp_path / "m.safetensors")
    for part, expected in ((loaded.prior, prior), (loaded.calibration, calibration)):
        for each in dataclasses.fields(expected):
            np.testing.assert_array_equal(getattr(part, each.name), getattr(expected, each.name), each.name)
            assert getattr(part, each.name).dtype == getattr(expected, each.name).dtype, each.name
    save_checkpoint(tmp_path / "bare.safetensors", tiny.network(), {})
    bare = load_checkpoint(tmp_path / "bare.safetensors")
    assert bare.prior is None and bare.calibration is None


def test_a_file_with_tensors_that_are_no_longer_used_is_read(tmp_path):
    """Earlier calibrations had a covariance of residuals."""
    calibration = IntervalCalibration(np.arange(31.0), *np.zeros((2, 31, 3, 3)), np.eye(32, dtype=bool), np.array(0.1))
    save_checkpoint(tmp_path / "m.safetensors", tiny.network(), {}, calibration)
    with safe_open(tmp_path / "m.safetensors", "pt") as file:
        metadata = file.metadata()
    tensors = {**load_file(tmp_path / "m.safetensors"), "calibration.covariance": torch.zeros(31, 31)}
    save_file(tensors, tmp_path / "m.safetensors", metadata)
    assert load_checkpoint(tmp_path / "m.safetensors").calibration is not None


DAMAGE = {
    "missing": ("prior.narrowing", None, r"without narrowing"),
    "shape": ("prior.weights", torch.zeros(2, 4), r"weights has shape \(2, 4\); expected \(3, 4\)"),
    "features": ("prior.rates", torch.zeros(3, 5), r"rates has shape \(3, 5\); expected \(3, 6\)"),
    "levels": ("prior.doubt", torch.zeros(5), r"doubt has shape \(5,\); expected \(4,\)"),
    "scalar": ("prior.curves", torch.tensor(0.0), r"curves has shape"),
    "not a number": ("prior.curves", torch.full((31, 4), torch.nan), r"curves has values that are not finite"),
    "negative": ("prior.noise", torch.full((4,), -1.0), r"noise has values that are not finite or negative"),
    "wavelengths": ("prior.nm", torch.arange(31.0).square(), r"nm is not evenly spaced"),
}


@pytest.mark.parametrize(("name", "tensor", "reason"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_prior_is_one_sentence_and_can_be_calibrated_anew(tmp_path, name, tensor, reason):
    path = tmp_path / "m.safetensors"
    save_checkpoint(path, tiny.network(), {}, None, tiny.residual_prior())
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    tensors = {key: value for key, value in {**load_file(path), name: tensor}.items() if value is not None}
    save_file(tensors, path, metadata)
    sentence = rf"^the prior for measured spectra in m\.safetensors cannot be used \(.*{reason}.*\); get the file again"
    with pytest.raises(UnreadableModel, match=sentence) as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value)
    assert load_checkpoint(path, calibrated=False).prior is None


def test_missing_intervals_are_one_sentence(tmp_path):
    calibration = IntervalCalibration(np.arange(31.0), *np.zeros((2, 31, 3, 3)), np.eye(32, dtype=bool), np.array(0.1))
    save_checkpoint(tmp_path / "m.safetensors", tiny.network(), {}, calibration)
    with safe_open(tmp_path / "m.safetensors", "pt") as file:
        metadata = file.metadata()
    tensors = load_file(tmp_path / "m.safetensors")
    del tensors["calibration.high"]
    save_file(tensors, tmp_path / "m.safetensors", metadata)
    with pytest.raises(
        UnreadableModel, match=r"^the prediction intervals in m\.safetensors cannot be used \(without hi"
    ):
        load_checkpoint(tmp_path / "m.safetensors")


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no model file .*nothing\.safetensors"):
        load_checkpoint(tmp_path / "nothing.safetensors")


def header(text: bytes) -> bytes:
    return len(text).to_bytes(8, "little") + text


NO_MODELS = [
    b"", b"not tensors", b"\xff" * 64, header(b"["), header(b"[]"), header(b'{"__metadata__": {"a": 1}}'),
    header(b"[" * 100_000), header(b"\xff"),
]  # fmt: skip


@pytest.mark.parametrize("content", NO_MODELS)
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "m.safetensors").write_bytes(content)
    with pytest.raises(UnreadableModel, match="not a safetensors file"):
        load_checkpoint(tmp_path / "m.safetensors")


def test_foreign_tensors_are_refused(tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "m.safetensors")
    with pytest.raises(UnreadableModel, match="written by this program"):
        load_checkpoint(tmp_path / "m.safetensors")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        *((config, "do not match its configuration") for config in (
            "{}", '{"features": "many"}', '{"unknown": 1}', "[1]", "no"
        )),
        ('{"encoder": "resnet"}', "unknown encoder 'resnet'.*install the plug-in that provides it"),
    ],
)  # fmt: skip
def test_config_that_does_not_fit_the_weights_is_refused(tmp_path, config, message):
    save_checkpoint(tmp_path / "m.safetensors", tiny.network(), {})
    tensors = load_file(tmp_path / "m.safetensors")
    save_file(tensors, tmp_path / "m.safetensors", {"format": FORMAT, "config": config, "provenance": json.dumps({})})
    with pytest.raises(UnreadableModel, match=message):
        load_checkpoint(tmp_path / "m.safetensors")


HUGE = {
    "features": {"features": 3000},
    "too many features": {"features": 10**9},
    "blocks": {"blocks": 10**9},
    "layers": {"hidden": [8] * 100_000},
    "width of layers": {"hidden": [30_000, 30_000]},
    "bands": {"step": 1e-9},
    "range": {"high": 1e300},
    "not finite": {"low": float("nan")},
}


@pytest.mark.parametrize("changes", HUGE.values(), ids=HUGE)
def test_a_configuration_that_asks_for_much_memory_is_refused_before_it_is_taken(tmp_path, monkeypatch, changes):
    save_checkpoint(tmp_path / "m.safetensors", tiny.network(), {})
    tensors = load_file(tmp_path / "m.safetensors")
    config = json.dumps({**dataclasses.asdict(tiny.CONFIG), **changes})
    save_file(tensors, tmp_path / "m.safetensors", {"format": FORMAT, "kind": "nesr", "config": config})
    devices = []

    def build(config):
        devices.append(torch.empty(0).device.type)
        return registry.build(config)

    monkeypatch.setattr(checkpoint, "build", build)
    started = time.process_time()
    with pytest.raises(UnreadableModel, match="do not match its configuration"):
        load_checkpoint(tmp_path / "m.safetensors")
    assert "cpu" not in devices and time.process_time() - started < 2


def test_opening_a_model_does_not_load_the_compiler_of_torch():
    code = (
        "import sys; from nesr_gui import resources; from nesr_gui.inference.checkpoint import load_checkpoint\n"
        "names = [load_checkpoint(path).name for path in resources.models()]\n"
        "print(len(names), [name for name in ('torch._dynamo', 'sympy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "3 []\n", done.stderr


@pytest.mark.parametrize("provenance", ["", "[", "[" * 100_000, "3", '{"a": 1}'])
def test_a_damaged_provenance_is_refused(tmp_path, provenance):
    save_checkpoint(tmp_path / "m.safetensors", tiny.network(), {})
    tensors, config = load_file(tmp_path / "m.safetensors"), json.dumps(dataclasses.asdict(tiny.CONFIG))
    metadata = {"format": FORMAT, "kind": "nesr", "config": config, "provenance": provenance}
    save_file(tensors, tmp_path / "m.safetensors", metadata)
    for read in (load_checkpoint, describe):
        with pytest.raises(UnreadableModel, match="configuration"):
            read(tmp_path / "m.safetensors")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "m.safetensors"
    save_checkpoint(path, tiny.network(), {})
    before = path.read_bytes()
    monkeypatch.setattr("nesr_gui.inference.checkpoint.save", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_checkpoint(path, tiny.network(NeSRConfig(features=4, blocks=1)), {})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
