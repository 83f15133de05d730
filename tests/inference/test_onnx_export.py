"""A model in ONNX answers like the field; without the packages the command says what to install."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nesr_gui.inference import engine, onnx_export
from nesr_gui.inference.checkpoint import Checkpoint
from nesr_gui.inference.model import LoadedModel
from nesr_gui.inference.onnx_export import Decoder, Encoder, MissingPackage, export_onnx, paths
from nesr_gui.spectral import RGBImage
from tests import tiny
from tests.cli.test_cli import run  # noqa: F401

CONFIGS = {
    "whole": tiny.FACTORISED,
    "low rank": tiny.LOW_RANK,
    "paper's encoder": replace(tiny.FACTORISED, encoder="hscnn_r"),
    "colour alone": replace(tiny.LOW_RANK, encoder="none"),
}
INSTALLED = all(importlib.util.find_spec(name) for name in onnx_export.PACKAGES)


def model_of(config: object) -> LoadedModel:
    return LoadedModel(Checkpoint("tiny", tiny.network(config), {"licence": "MIT"}, "ab"), "cpu")


@pytest.mark.parametrize("shape", [(37, 50), (4, 4), (1, 3)])
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_encoder_and_decoder_have_the_arithmetic_of_the_field(config: object, shape: tuple[int, int]) -> None:
    model = model_of(config)
    image = RGBImage(0.4 * np.random.default_rng(1).random((*shape, 3), np.float32))
    level = torch.tensor(engine.prepare(image, model).level)
    nm = [400.0, 512.37, 700.0]
    with torch.inference_mode():
        coefficients = Encoder(model.network)(torch.from_numpy(image.values).permute(2, 0, 1)[None], level.float())
        values = Decoder(model.network)(coefficients, torch.tensor(nm))
    expected = engine.encode(image, model).cube(nm).values
    assert expected.max() > 0
    np.testing.assert_allclose(values[0].numpy(), expected, atol=2e-6)


def test_a_missing_package_is_named(run, model_file: Path, tmp_path: Path, monkeypatch) -> None:  # noqa: F811
    monkeypatch.setattr(onnx_export, "PACKAGES", ("json", "no_such_package"))
    code, _, said = run("export-model", "--onnx", tmp_path / "m.onnx", "--model", model_file)
    assert code == 2 and said.strip() == "nesr-gui: the export needs no_such_package; install nesr-gui[onnx]"


def test_a_network_without_coefficients_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(onnx_export, "PACKAGES", ())
    with pytest.raises(ValueError, match="tiny has no coefficients per pixel .* choose a factorised model"):
        export_onnx(model_of(tiny.CONFIG), tmp_path / "m.onnx")
    with pytest.raises(MissingPackage):
        monkeypatch.setattr(onnx_export, "PACKAGES", ("no_such_package",))
        export_onnx(model_of(tiny.CONFIG), tmp_path / "m.onnx")


@pytest.mark.skipif(not INSTALLED, reason="onnx, onnxscript or onnxruntime is not installed")
@pytest.mark.filterwarnings("ignore")
def test_the_written_files_are_run_and_described(tmp_path: Path, monkeypatch) -> None:
    import onnx
    import onnxruntime

    model = model_of(CONFIGS["whole"])
    assert export_onnx(model, tmp_path / "m.onnx") < 1e-5
    encoder, decoder = paths(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(str(decoder), providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert metadata["model_sha256"] == "ab" and metadata["provenance licence"] == "MIT"
    assert metadata["input wavelengths"] == "wavelengths (L,) in nm"
    assert [each.name for each in session.get_inputs()] == ["coefficients", "wavelengths"]
    assert [each.name for each in onnxruntime.InferenceSession(str(encoder)).get_inputs()] == ["rgb", "white_level"]
    loaded = onnx.load(decoder)
    names = [init.name for init in loaded.graph.initializer if init.data_type == onnx.TensorProto.FLOAT]
    assert names
    monkeypatch.setattr(Decoder, "forward", lambda self, coefficients, wavelengths: 1.01 * torch.einsum(
        "lk,bkhw->blhw", self.network.functions(wavelengths), coefficients).clamp_min(0))  # fmt: skip
    before = decoder.read_bytes()
    with pytest.raises(ValueError, match="differs from the field by .*; nothing was written"):
        export_onnx(model, tmp_path / "m.onnx")
    assert decoder.read_bytes() == before
