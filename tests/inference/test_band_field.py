"""Discrete networks as fields: their bands, lines between them, whole, tiled or computed when asked for."""

import dataclasses

import numpy as np
import pytest
import torch

from nesr_gui.colorimetry import cie
from nesr_gui.fields.protocol import Cancelled, CubeField
from nesr_gui.inference import band_field, engine, tiling
from nesr_gui.inference.band_field import BandField, LazyBands
from nesr_gui.inference.checkpoint import Checkpoint, save_checkpoint
from nesr_gui.inference.engine import encode
from nesr_gui.inference.model import LoadedModel, load_model
from nesr_gui.inference.model_input import BandInput
from nesr_gui.networks.band_network import DiscreteConfig
from nesr_gui.networks.nesr import NeSRConfig
from nesr_gui.networks.registry import build
from nesr_gui.spectral import Quantity, Wavelengths
from tests import tiny

BANDS = (400.0, 450.0, 500.0, 650.0, 700.0)
CLOSE = {"atol": 1e-6, "rtol": 1e-5}


def model(config) -> LoadedModel:
    torch.manual_seed(1)
    network = build(config).eval()
    for parameter in network.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return LoadedModel(Checkpoint("small", network, {}, "ab"), "cpu")


def discrete(encoder: str, **more) -> LoadedModel:
    return model(DiscreteConfig(encoder, features=8, blocks=1, bands=BANDS, **more))


def joint(made: LoadedModel, image) -> np.ndarray:
    with torch.inference_mode():
        return made.network(torch.from_numpy(image.values).permute(2, 0, 1)[None])[0].numpy()


@pytest.mark.parametrize("encoder", ["hscnn_r", "hrnet", "awan", "mst_plus_plus"])
def test_on_its_bands_the_field_is_the_network_and_linear_between(encoder, monkeypatch):
    monkeypatch.setattr(tiling, "TILE", 16)
    made, image = discrete(encoder), tiny.image(20, 27)
    field, expected = encode(image, made), joint(made, image)
    assert isinstance(field, BandField)
    assert expected.std() > 0
    np.testing.assert_allclose(field.cube(BANDS).values, expected, **CLOSE)
    np.testing.assert_allclose(field.band(575), (expected[2] + expected[3]) / 2, **CLOSE)
    assert field.bands.nm.tolist() == list(BANDS)
    assert field.provenance["model_covers"] == "5 bands, 400-700 nm, interpolated linearly"
    assert field.provenance["model_bands"] == "400, 450, 500, 650, 700 nm"
    assert "model_notes" not in field.provenance


def test_the_field_has_the_binning_and_the_source_of_its_photograph():
    field = encode(tiny.image(30, 40).reduced(300), discrete("hscnn_r"))
    assert (field.shape, field.binning, field.source_shape) == ((15, 20), 2, (30, 40))


def test_what_is_not_kept_is_computed_when_asked_for(monkeypatch):
    monkeypatch.setattr(band_field, "STORED_BYTES", 0)
    monkeypatch.setattr(tiling, "TILE", 8)
    made, image = discrete("hscnn_r"), tiny.image(20, 27)
    field, expected = encode(image, made), joint(made, image)
    assert isinstance(field._values, LazyBands)
    np.testing.assert_allclose(field.cube(BANDS).values, expected, **CLOSE)
    np.testing.assert_allclose(field.band(450, stride=3, rows=slice(1, 19)), expected[1, 1:19:3, ::3], **CLOSE)
    np.testing.assert_allclose(field.spectra([(19, 26)], [400])[0, 0], expected[0, 19, 26], **CLOSE)


def test_a_normalised_network_does_not_see_the_exposure():
    made, image = discrete("hscnn_r", normalised=True, compressed=True), tiny.image(12, 12)
    dark = dataclasses.replace(image, values=image.values / 4)
    np.testing.assert_allclose(encode(image, made).band(500), 4 * encode(dark, made).band(500), rtol=1e-4, atol=1e-6)
    level = cie.white_level(image.values)
    scaled = dataclasses.replace(image, values=np.minimum(image.values / level, 1).astype(np.float32))
    assert encode(scaled, made).band(500).shape == (12, 12)


@pytest.mark.parametrize("kind", [DiscreteConfig, NeSRConfig])
def test_a_pooling_network_is_blended_where_it_must_be_and_says_so(monkeypatch, kind):
    made, image = model(kind("awan", features=8, blocks=1)), tiny.image(40, 24)
    whole = encode(image, made).band(500)
    monkeypatch.setattr(tiling, "WHOLE_BYTES", 4 * 64 * 16 * 16)
    field = encode(image, made)
    assert "tiles of 16 pixels" in field.provenance["model_notes"]
    assert not np.array_equal(field.band(500), whole)
    assert np.isfinite(field.band(500)).all()


def test_what_can_neither_be_kept_nor_tiled_is_refused(monkeypatch):
    monkeypatch.setattr(engine, "MOST_BYTES", 1 << 12)
    with pytest.raises(ValueError, match="24×40 pixels.*reconstruct at reduced resolution"):
        encode(tiny.image(40, 24), model(NeSRConfig("awan", features=8, blocks=1)))


@pytest.mark.parametrize("encoder", ["hscnn_r", "awan"])
def test_it_reports_and_can_be_stopped(encoder, monkeypatch):
    monkeypatch.setattr(tiling, "TILE", 8)
    made, seen = discrete(encoder), []
    encode(tiny.image(20, 20), made, progress=seen.append)
    assert seen == sorted(seen) and len(seen) > 4 and seen[-1] == 1

    def stop(done: float) -> None:
        if done > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        encode(tiny.image(20, 20), made, progress=stop)


@pytest.mark.parametrize("attention", ["none", "spectral", "spatial"])
def test_ablations_agree_with_the_joint_pass_for_any_tiles(monkeypatch, attention):
    monkeypatch.setattr(tiling, "TILE", 8)
    made = model(dataclasses.replace(tiny.CONFIG, attention=attention, context_pixels=50))
    image, nm = tiny.image(13, 17), [400.0, 512.3, 700.0]
    with torch.inference_mode():
        rgb = torch.from_numpy(image.values).permute(2, 0, 1)[None]
        expected = made.network(rgb, torch.tensor(nm))[0].numpy()
    field = encode(image, made)
    np.testing.assert_allclose(field.cube(nm).values, expected, atol=1e-5, rtol=1e-4)
    np.testing.assert_allclose(
        field.spectra([(3, 4), (12, 16)], nm), expected[:, [3, 12], [4, 16]].T, atol=1e-5, rtol=1e-4
    )


SEEN = (400.0, 550.0, 600.0, 700.0)


@pytest.mark.parametrize(
    "config",
    [
        DiscreteConfig("hscnn_r", 4, 1),
        DiscreteConfig("hscnn_r", 4, 1, skip=True),
        NeSRConfig("awan", 16, 1, channels=4, hidden=(4,)),
        NeSRConfig("hscnn_r", 4, 1, channels=4, hidden=(4,), profile="spectrum"),
    ],
)
@pytest.mark.parametrize("normalised", [False, True])
def test_a_model_of_bands_makes_a_field_of_a_cube(config, normalised):
    made = model(dataclasses.replace(config, inputs=SEEN, normalised=normalised))
    values = np.random.default_rng(0).random((4, 9, 11), np.float32)
    nm = torch.tensor([400.0, 450.0, 700.0])
    level = cie.white_level(values.transpose(1, 2, 0)) if normalised else 1.0
    with torch.inference_mode():
        seen = torch.from_numpy(values)[None] / level
        answer = made.network(seen, nm) if isinstance(config, NeSRConfig) else made.network(seen)[:, [0, 5, 30]]
    field = encode(made.read_input(CubeField(values, Wavelengths(np.array(SEEN))), "cube"), made)
    np.testing.assert_allclose(field.cube(nm.numpy()).values, answer[0] * level, atol=1e-5, rtol=1e-4)
    more = np.insert(values, 2, 9.0, axis=0)
    finer = CubeField(more, Wavelengths(np.array([400.0, 550.01, 555.0, 600.0, 700.0])))  # a file has rounded one
    same = encode(made.read_input(finer, "cube"), made)
    np.testing.assert_array_equal(same.band(455), field.band(455))


@pytest.mark.parametrize("quantity", Quantity)
@pytest.mark.parametrize("config", [DiscreteConfig("hscnn_r", 4, 1), NeSRConfig("hscnn_r", 4, 1, channels=4)])
def test_what_a_model_makes_of_a_cube_measures_what_the_cube_does(config, quantity):
    made = model(dataclasses.replace(config, inputs=SEEN))
    cube = CubeField(np.ones((4, 9, 11), np.float32), Wavelengths(np.array(SEEN)), quantity)
    assert encode(made.read_input(cube, "cube"), made).quantity is quantity


def test_a_model_refuses_what_it_does_not_take():
    cube = CubeField(np.zeros((3, 4, 4), np.float32), Wavelengths(np.array(SEEN[:3])))
    sees, colours = (model(DiscreteConfig("hscnn_r", 4, 1, inputs=inputs)) for inputs in (SEEN, ()))
    takes = "small takes cubes with its 4 bands, 400-700 nm; "
    with pytest.raises(ValueError, match=f"{takes}c.h5 has 3 bands, 400-600 nm, and lacks 700 nm, so open such a cube"):
        sees.read_input(cube, "c.h5")
    with pytest.raises(ValueError, match=f"{takes}random.png is a photograph, so open such a cube or choose another"):
        encode(tiny.image(8, 8), sees)
    with pytest.raises(ValueError, match="small takes photographs; c.h5 has 3 bands, 400-600 nm, so open a photo"):
        colours.read_input(cube, "c.h5")
    with pytest.raises(ValueError, match="small takes photographs"):
        encode(BandInput(np.zeros((3, 4, 4), np.float32), cube.bands), colours)


def test_every_kind_is_saved_and_loaded(tmp_path):
    for encoder in ("hscnn_r", "mst_plus_plus"):
        made = discrete(encoder)
        save_checkpoint(tmp_path / "m.safetensors", made.network, {"seed": "1"})
        loaded = load_model(tmp_path / "m.safetensors", "cpu")
        image = tiny.image(8, 8)
        np.testing.assert_array_equal(encode(image, loaded).band(480), encode(image, made).band(480))
        assert loaded.wavelength_range == (400, 700)
