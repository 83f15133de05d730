"""Attacks keep what they say they keep, and every one of them is judged."""

import dataclasses

import numpy as np
import pytest

from nesr_gui.colorimetry import cie
from nesr_gui.inference.checkpoint import Checkpoint
from nesr_gui.inference.model import LoadedModel
from nesr_gui.networks.factorised_nesr import FactorisedConfig, FactorisedNeSR
from nesr_gui.training import robustness as module
from nesr_gui.training.calibration import calibrate_intervals, calibration_unit, seen_chromaticities
from nesr_gui.training.robustness import attacks, camera_matrices, interval_quality, summary
from tests.training import worlds


@pytest.fixture
def scene():
    """With a white corner: brightened it is clipped, and darkened .3 times its 8-bit code is rounded up."""
    made = worlds.scene("a", chart=(0, 8, 0, 8))
    cube = made.cube / made.cube.max()
    cube[:, -8:, -8:] = 1
    return dataclasses.replace(made, cube=cube)


@pytest.fixture
def model() -> LoadedModel:
    network = FactorisedNeSR(FactorisedConfig(encoder="none", spi=False, attention="none", hidden=(8,), rank=4)).eval()
    return LoadedModel(Checkpoint("tiny", network, {}, "0" * 64), "cpu")


def test_every_attack_is_judged_on_every_scene(scene, model, tmp_path):
    np.savez(tmp_path / "cameras.npz", names=["x"], sensitivities=np.eye(31)[None, :, [20, 15, 5]])
    np.savez(tmp_path / "colours.npz", reflectance=np.full((9, 31), 30_000, np.uint16))
    rows = list(attacks(model, [scene], tmp_path / "cameras.npz", tmp_path / "colours.npz"))
    names = [row.attack for row in rows]
    assert len(set(names)) == len(names)
    for kind in ("none", "noise", "JPEG", "exposure", "blur", "chromatic", "light", "metamers", "camera x", "colours"):
        assert any(name.startswith(kind) for name in names), kind
    assert all(np.isfinite([row.rmse, row.angle, row.masked_mrae]).all() for row in rows)
    assert len(summary(rows)) == len(rows)


def test_photographs_are_within_range(scene):
    for name, (photograph, truth) in module._photographs(scene, None):
        assert photograph.min() >= 0, name
        assert photograph.max() <= 1, name
        assert truth.shape == (*scene.cube.shape[1:], 31)


@pytest.mark.parametrize("part", [0.5, 1.0])
def test_metamers_have_the_same_colours_and_other_spectra(scene, part):
    truth = np.moveaxis(scene.cube, 0, -1)
    other = module._metamers(truth, part)
    np.testing.assert_allclose(other @ cie.default_camera().T, truth @ cie.default_camera().T, atol=1e-5)
    assert other.min() >= -1e-6
    assert other.max() <= 1 + 1e-6
    assert abs(other - truth).max() > 0.01


@pytest.mark.parametrize("kelvin", module.KELVIN)
def test_white_is_white_under_every_light(kelvin):
    np.testing.assert_allclose(module._under_light(np.ones((2, 2, 31), np.float32), kelvin), 1, atol=1e-5)


def test_a_camera_that_is_a_mixture_of_the_default_one_sees_as_that_does(tmp_path):
    light = np.interp(cie.CAMERA_BANDS.nm, *cie.illuminant("D65"))
    mixed = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.0, 0.1, 0.9]]) @ cie.default_camera() / light
    np.savez(tmp_path / "c.npz", names=["mixed"], sensitivities=mixed.T[None])
    names, matrices = camera_matrices(tmp_path / "c.npz")
    assert names == ["mixed"]
    np.testing.assert_allclose(matrices[0], cie.default_camera(), atol=1e-4)


def test_another_file_is_no_file_of_cameras(tmp_path):
    np.savez(tmp_path / "c.npz", other=np.zeros(3))
    with pytest.raises(ValueError, match="no file of cameras"):
        camera_matrices(tmp_path / "c.npz")


def test_coverage_under_attack_is_that_of_the_scene(model):
    """The photograph that is not attacked is the one that the intervals are evaluated on."""
    scene = worlds.scene("a")
    unit = calibration_unit(scene, model.network)
    calibration = calibrate_intervals([unit], seen_chromaticities([scene], []))
    model = dataclasses.replace(model, checkpoint=dataclasses.replace(model.checkpoint, calibration=calibration))
    quality = interval_quality(model, scene)
    none, *others = attacks(model, [scene])
    assert quality is not None and none.coverage == pytest.approx(quality.coverage)
    assert min(row.coverage for row in others) < none.coverage - 0.1
    marked = dataclasses.replace(scene, cube=scene.cube.copy(), chart=(0, 16, 0, 16))
    marked.cube[:, :16, :16] = np.linspace(1, 0, 31)[:, None, None]  # whose colours are no others
    without, *_ = attacks(model, [marked])
    assert without.coverage == pytest.approx(interval_quality(model, marked).coverage)
    with_chart = next(attacks(model, [dataclasses.replace(marked, chart=None)]))
    assert abs(with_chart.coverage - without.coverage) > 0.01
