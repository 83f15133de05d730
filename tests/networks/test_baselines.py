"""The baselines of the paper: reference values by hand, exact recovery, and each as a model file."""

import dataclasses
from functools import partial

import numpy as np
import pytest
import torch

from nesr_gui.inference.checkpoint import save_checkpoint
from nesr_gui.inference.engine import encode
from nesr_gui.inference.model import load_model
from nesr_gui.networks.band_network import EVERY_TEN, BandNetwork
from nesr_gui.networks.baselines import (
    APlus,
    APlusConfig,
    BandInterpolation,
    BandInterpolationConfig,
    SparseCoding,
    SparseCodingConfig,
    pursue,
)
from nesr_gui.spectral import RGBImage
from nesr_gui.training import closed_form
from nesr_gui.training.sampler import SamplerConfig, SpectralTable
from tests import tiny
from tests.training import worlds

BANDS = (400.0, 500.0, 600.0, 700.0)


def image_of(*colours: tuple[float, float, float]) -> RGBImage:
    return RGBImage(np.array([colours], np.float32))


def saved(tmp_path, network):
    save_checkpoint(tmp_path / "baseline.safetensors", network, {})
    return load_model(tmp_path / "baseline.safetensors", "cpu")


def test_band_interpolation_by_hand(tmp_path):
    model = saved(tmp_path, BandInterpolation(BandInterpolationConfig()))
    field = encode(image_of((0.6, 0.3, 0.1)), model)
    asked = {400: 0.1, 460: 0.1, 505: 0.2, 550: 0.3, 580: 0.45, 610: 0.6, 655: 0.6, 700: 0.6}
    np.testing.assert_allclose(field.spectra([(0, 0)], list(asked))[0], list(asked.values()), atol=1e-6)
    assert "R, G, B" in field.provenance["model_covers"]


def sparse(colours: list[list[float]], seed: int = 0) -> SparseCoding:
    network = SparseCoding(SparseCodingConfig(BANDS, atoms=len(colours), nonzero=2))
    network.colours.copy_(torch.tensor(colours))
    network.atoms.copy_(torch.rand(len(colours), 4, generator=torch.Generator().manual_seed(seed)))
    return network


def test_an_exactly_sparse_mixture_is_recovered(tmp_path):
    network = sparse([[2.0, 0, 0], [0, 0.5, 0], [0, 0, 0.9], [0.6, 0.6, 0.6]])
    amounts = np.array([[0.25, 0.6, 0, 0], [0, 0, 0.7, 0], [0, 0.4, 0.5, 0]])
    colours, spectra = amounts @ network.colours.numpy(), amounts @ network.atoms.numpy()
    field = encode(image_of(*colours.tolist()), saved(tmp_path, network))
    np.testing.assert_allclose(field.spectra([(0, 0), (0, 1), (0, 2)], BANDS), spectra, atol=1e-5)


def test_pursuit_as_a_loop():
    rng = np.random.default_rng(1)
    atoms, signals = rng.normal(size=(9, 3)), rng.normal(size=(20, 3))
    chosen, amounts = pursue(torch.from_numpy(atoms).float(), torch.from_numpy(signals).float(), 2)
    unit = atoms / np.linalg.norm(atoms, axis=1, keepdims=True)
    for signal, got, much in zip(signals, chosen.numpy(), amounts.numpy(), strict=True):
        first = np.argmax(abs(unit @ signal))
        left = signal - unit[first] * (unit[first] @ signal)
        second = np.argmax([abs(unit[i] @ left) if i != first else -1 for i in range(9)])
        assert got.tolist() == [first, second]
        expected = np.linalg.lstsq(atoms[[first, second]].T, signal, rcond=None)[0]
        np.testing.assert_allclose(much, expected, atol=1e-4, rtol=1e-4)


def test_black_is_black_and_darker_is_darker():
    network = sparse([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
    colours = torch.tensor([[0.0, 0, 0], [0.4, 0.2, 0], [0.2, 0.1, 0]])
    black, bright, dark = network.spectra(colours)
    assert black.abs().max() == 0
    torch.testing.assert_close(2 * dark, bright)


def test_a_plus_learns_a_linear_map_around_each_anchor(tmp_path):
    rng = torch.Generator().manual_seed(0)
    maps = torch.rand(2, 3, 4, generator=rng)
    colours = torch.rand(400, 3, generator=rng)
    warm = colours[:, 0] > colours[:, 2]
    colours[warm, 2] *= 0.05
    colours[~warm, 0] *= 0.05
    spectra = torch.where(warm[:, None], colours @ maps[0], colours @ maps[1])
    network = APlus(APlusConfig(BANDS, anchors=2, neighbours=150, ridge=1e-6))
    network.fit(colours, spectra, torch.tensor([[1.0, 0.6, 0.0], [0.0, 0.6, 1.0]]))
    field = encode(image_of((0.8, 0.4, 0.0), (0.0, 0.2, 0.3)), saved(tmp_path, network))
    expected = torch.stack([torch.tensor([0.8, 0.4, 0]) @ maps[0], torch.tensor([0, 0.2, 0.3]) @ maps[1]])
    np.testing.assert_allclose(field.spectra([(0, 0), (0, 1)], BANDS), expected, atol=1e-4)


@pytest.fixture
def table(monkeypatch) -> SpectralTable:
    monkeypatch.setattr(closed_form, "CANDIDATES", 2000)
    monkeypatch.setattr(closed_form, "PIXELS", 400)
    return SpectralTable([worlds.scene("a")], [worlds.library("fine", 1)], SamplerConfig(patch=16))


def fit(config: object, table: SpectralTable) -> BandNetwork:
    return closed_form.fit(config, partial(closed_form.sample_table, table, seed=0), seed=0)


def test_what_is_known_is_the_camera_s_answer_to_lit_spectra(table):
    nm = np.arange(400, 701, 10.0)
    colours, spectra = closed_form.sample_table(table, nm, seed=0)
    assert colours.shape == (400, 3) and spectra.shape == (400, 31)
    torch.testing.assert_close(colours, spectra @ table.camera.T, atol=1e-5, rtol=1e-4)
    again = closed_form.sample_table(table, np.array([500.0, 505.0]), seed=0)[1]
    torch.testing.assert_close(again[:, 0], spectra[:, 10])  # the same pixels, wherever they are asked
    assert not torch.equal(closed_form.sample_table(table, nm, seed=1)[0], colours)


@pytest.mark.parametrize(
    "config",
    [
        BandInterpolationConfig(),
        *(SparseCodingConfig(bands, atoms=40) for bands in (EVERY_TEN, BANDS)),
        *(APlusConfig(bands, anchors=20, neighbours=60) for bands in (EVERY_TEN, BANDS)),
    ],
)
def test_fitted_to_the_patches_each_is_a_model(tmp_path, table, config):
    network = fit(config, table)
    again = fit(dataclasses.replace(config), table)
    for one, other in zip(network.state_dict().values(), again.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)  # sums of a machine may differ in their last bits
    field = encode(tiny.image(9, 11), saved(tmp_path, network))
    cube = field.cube(np.arange(400, 701, 10.0)).values
    assert cube.shape == (31, 9, 11)
    assert np.isfinite(cube).all() and cube.min() >= 0 and cube.std() > 0.01


def test_sparse_coding_and_a_plus_know_the_spectra_they_were_fitted_on(table):
    colours, spectra = closed_form.sample_table(table, np.arange(400, 701, 10.0), seed=0)
    for config in (SparseCodingConfig(atoms=40), APlusConfig(anchors=20, neighbours=60)):
        network = fit(config, table)
        answer = network.spectra(colours)
        assert (answer - spectra).square().mean() < 0.5 * (spectra - spectra.mean(0)).square().mean()
