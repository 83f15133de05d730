"""Patches are the step's: the same for every system, on however many devices, at whatever wavelengths."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from nesr_gui.spectral import Wavelengths
from nesr_gui.training.datasets import DATASETS, cache
from nesr_gui.training.datasets.cache import Prepared, kept_bands, prepare
from nesr_gui.training.datasets.resampling import BandShape
from nesr_gui.training.sampler import Batch, CropConfig, CropSampler, CropSource
from tests.training import worlds
from tests.training.datasets import layouts

CAVE = DATASETS["cave"]
NM = CAVE.bands.nm
WHOLE = slice(0, 4)
CONFIG = CropConfig(batch=4, patch=12)


def prepared(seed: int = 0, counted: np.ndarray | None = None) -> Prepared:
    cube = layouts.truth(seed)
    rgb = CAVE.camera.expose(cube, CAVE.bands)
    mask = np.ones(layouts.SHAPE, bool) if counted is None else counted
    return Prepared(f"scene {seed}", np.moveaxis(cube, 0, -1), rgb, mask, CAVE.bands, "")


def source(config: CropConfig = CONFIG, **changes: object) -> CropSource:
    given = {"scenes": [prepared(0), prepared(1)], "camera": CAVE.camera, "libraries": [worlds.library("fine", 1)]}
    return CropSource(**{**given, **changes}, config=config)


def draw(
    step: int,
    config: CropConfig = CONFIG,
    nm: np.ndarray = NM,
    inputs: Wavelengths | None = None,
    part: slice = WHOLE,
    seed: int = 0,
    **changes: object,
) -> Batch:
    """The patches of a step."""
    sampler = CropSampler(source(config, **changes), lambda _: nm, inputs, seed=seed, part=part)
    sampler.seek(step)
    return sampler.draw()


PAINTED = dataclasses.replace(CONFIG, painted=0.5)


@pytest.mark.parametrize("config", [CONFIG, PAINTED])
def test_a_batch_is_of_its_seed_and_step(config):
    first, again, later = (draw(step, config) for step in (3, 3, 4))
    other = draw(3, config, seed=1)
    assert first.image.shape == (4, 3, 12, 12) and first.truth.shape == (4, 12, 12, 31)
    assert first.nm.tolist() == NM.tolist()
    np.testing.assert_array_equal(first.truth, again.truth)
    for different in (later, other):
        assert not np.array_equal(first.image, different.image)


@pytest.mark.parametrize("config", [CONFIG, PAINTED])
def test_devices_share_the_batch_that_one_would_have(config):
    whole = draw(5, config)
    parts = [draw(5, config, part=slice(start, start + 1)) for start in range(4)]
    np.testing.assert_array_equal(torch.cat([part.image for part in parts]), whole.image)
    np.testing.assert_array_equal(torch.cat([part.truth for part in parts]), whole.truth)


@pytest.mark.parametrize("config", [CONFIG, PAINTED])
def test_what_is_seen_does_not_depend_on_the_wavelengths_of_a_step(config):
    every, few = (draw(2, config, nm) for nm in (NM, NM[::5]))
    np.testing.assert_allclose(few.image, every.image, atol=1e-6)
    np.testing.assert_allclose(few.truth, every.truth[..., ::5], atol=1e-6)


@pytest.mark.parametrize("config", [CONFIG, PAINTED])
def test_photographs_are_of_their_truth(config):
    batch = draw(7, config)
    for image, truth in zip(batch.image, batch.truth, strict=True):
        photograph = CAVE.camera.expose(truth.movedim(-1, 0).numpy(), CAVE.bands)
        np.testing.assert_allclose(image.movedim(0, -1), photograph, atol=2e-6)


@pytest.mark.parametrize("config", [CONFIG, PAINTED])
def test_bands_may_be_seen_instead_of_colours(config):
    seen = Wavelengths.evenly_spaced(16)
    batch = draw(7, config, inputs=seen)
    np.testing.assert_allclose(batch.image.movedim(1, 3), batch.truth[..., ::2], atol=1e-6)


@pytest.mark.parametrize(
    ("batch", "share", "patches"), [(16, 0.4, 6), (8, 0.4, 3), (8, 0.5, 4), (2, 1.0, 2), (1, 0.0, 0)]
)
def test_a_share_is_rounded_to_whole_patches(batch, share, patches):
    config = CropConfig(batch, patch=12, painted=share)
    assert config.painted_patches == patches
    flat = [dataclasses.replace(prepared(), cube=np.full((*layouts.SHAPE, 31), 0.25, np.float32))]
    truth = draw(0, config, scenes=flat, part=slice(0, batch)).truth
    assert (truth.flatten(1).std(1) > 1e-3).sum() == patches


def test_a_share_of_no_patch_is_refused():
    with pytest.raises(ValueError, match=r"a share of 0\.2 of 2 patches was requested, which is none; choose a larger"):
        CropConfig(batch=2, painted=0.2)


def test_what_does_not_count_is_never_drawn():
    counted = np.ones(layouts.SHAPE, bool)
    counted[:, :5] = False
    scene = prepared(0, counted)
    marked = dataclasses.replace(scene, cube=np.where(counted[:, :, None], scene.cube, 9).astype(np.float32))
    assert max(draw(step, scenes=[marked]).truth.max() for step in range(30)) < 9
    with pytest.raises(ValueError, match="scene 0 has no room for a crop of 12 pixels that all count"):
        source(scenes=[prepared(0, np.zeros(layouts.SHAPE, bool))])


def test_a_crop_larger_than_a_scene_is_told():
    with pytest.raises(ValueError, match="scene 0 has 28 x 20 pixels; a crop of 24 is too large"):
        source(dataclasses.replace(CONFIG, patch=24))


@pytest.mark.parametrize(
    ("change", "told"), [({"camera": DATASETS["icvl"].camera}, "cave"), ({"libraries": []}, "--spectra")]
)
def test_painting_needs_spectra_and_the_default_camera(change, told):
    with pytest.raises(ValueError, match=told):
        source(PAINTED, **change)


# --- unpacked scenes ---


def unpacked(root: Path, folder: Path, bands: Wavelengths = CAVE.bands) -> list[Prepared]:
    return list(prepare(CAVE.open(root).train, CAVE, bands, BandShape(), folder))


def test_scenes_are_unpacked_once_and_again_when_they_change(tmp_path, monkeypatch):
    layouts.cave(tmp_path / "cave")
    scenes = CAVE.open(tmp_path / "cave").train
    first = unpacked(tmp_path / "cave", tmp_path / "prepared")
    for scene, made in zip(scenes, first, strict=True):
        np.testing.assert_array_equal(np.moveaxis(made.cube, -1, 0), scene.cube(CAVE.bands))
        np.testing.assert_array_equal(made.rgb, CAVE.photograph(scene))
        assert made.sha256 == scene.sha256()
        np.testing.assert_array_equal(made.counted, scene.mask(layouts.SHAPE))
    saved = []
    original = cache._save
    monkeypatch.setattr(cache, "_save", lambda path, values: (saved.append(path.name), original(path, values)))
    unpacked(tmp_path / "cave", tmp_path / "prepared")
    assert saved == []
    band = scenes[0].files[3]
    band.write_bytes(scenes[0].files[4].read_bytes())
    again = unpacked(tmp_path / "cave", tmp_path / "prepared")
    assert saved == [f"{scenes[0].name}.cube.npy", f"{scenes[0].name}.rgb.npy"]
    assert again[0].sha256 != first[0].sha256


def test_fine_instruments_are_kept_by_five_nanometres(tmp_path):
    icvl = DATASETS["icvl"]
    layouts.icvl_raw(tmp_path)
    scenes = icvl.open(tmp_path).train
    assert len(kept_bands(scenes, icvl, BandShape())) == 61
    layouts.icvl(tmp_path)  # one scene more, as .mat
    mixed = icvl.open(tmp_path)
    assert len(kept_bands([*mixed.train, *mixed.test], icvl, BandShape())) == 31
