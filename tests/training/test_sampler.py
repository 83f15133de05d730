"""The patches of a step: what they are cut and laid from, what a camera makes of them, and that a seed repeats them."""

import dataclasses
import io

import numpy as np
import pytest
import torch
from PIL import Image

from nesr_gui.colorimetry import cie
from nesr_gui.spectral import Wavelengths
from nesr_gui.training.sampler import (
    TILES,
    Batch,
    Jpeg,
    PatchSampler,
    SamplerConfig,
    SpectralTable,
    decode_srgb,
    encode_srgb,
)
from nesr_gui.training.scenes import BORDER, Scene
from nesr_gui.training.spectral_library import Library
from tests.training import worlds

NONE = SamplerConfig(patch=16, crops=0, pixel_mosaics=0, library_mosaics=0, painted=0, collages=0)
EACH = dataclasses.replace(NONE, crops=8, pixel_mosaics=4, library_mosaics=4, painted=4, collages=4)
CLEAN = {"noise": 0.0, "jpeg": 0.0, "tinted": 0.0}


def sampler(config: SamplerConfig = EACH, device="cpu", scenes=None, libraries=None, seed: int = 0) -> PatchSampler:
    scenes = scenes or [worlds.scene("a"), worlds.scene("b", 1)]
    libraries = [worlds.library("coarse", 10)] if libraries is None else libraries
    made = PatchSampler(SpectralTable(scenes, libraries, config, device), config)
    made.generator.manual_seed(seed)
    return made


def flat(name: str, count: int, *values: float) -> Library:
    """A library of grey spectra."""
    spectra = np.full((count, 31), 0.2, np.float32)
    spectra[: len(values)] = np.array(values)[:, None]
    return Library(name, Wavelengths.from_step(400, 700, 10), spectra)


def parts(batch: Batch, config: SamplerConfig) -> dict[str, torch.Tensor]:
    """The truth of each kind of patch, in the order of a batch."""
    names = ("crops", "painted", "collages", "pixel_mosaics", "library_mosaics")
    counts = [getattr(config, name) for name in names]
    return dict(zip(names, torch.split(batch.truth, counts), strict=True))


def shapes(truth: torch.Tensor) -> torch.Tensor:
    """Spectra over their own mean: what is left of them when light and white level are divided out."""
    return truth / truth.mean(-1, keepdim=True)


def distance(truth: torch.Tensor, spectra: np.ndarray) -> torch.Tensor:
    """How far each spectrum (…, 31) of patches is from the nearest of others (N, 31), whatever its brightness."""
    others = shapes(torch.from_numpy(spectra).float().to(truth.device))
    return torch.cdist(shapes(truth).flatten(0, -2), others).amin(1).view(truth.shape[:-1]) / 31**0.5


def test_patches_are_a_function_of_the_seed_alone(device):
    one, again, other = (sampler(device=device, seed=seed).draw() for seed in (3, 3, 4))
    for name in ("image", "truth", "faithful"):
        assert torch.equal(getattr(one, name), getattr(again, name))
    assert not torch.equal(one.image, other.image)
    worn = sampler(device=device, seed=8)
    worn.draw()
    worn.generator.manual_seed(3)
    assert torch.equal(worn.draw().image, one.image)  # nothing of earlier steps stays


def test_numbers_drawn_from_elsewhere_change_nothing():
    torch.manual_seed(1)
    one = sampler(seed=3).draw()
    torch.rand(5)
    np.random.rand(5)
    assert torch.equal(sampler(seed=3).draw().image, one.image)


def test_patches_have_their_shapes_and_are_finite_and_not_negative(device):
    batch = sampler(device=device).draw()
    assert batch.image.shape == (EACH.batch, 3, 16, 16) and batch.image.is_contiguous()
    assert batch.truth.shape == (EACH.batch, 16, 16, 31)
    assert batch.faithful.shape == (EACH.batch, 16, 16, 3) and set(batch.faithful.unique().tolist()) == {0, 1}
    assert {part.device.type for part in (batch.image, batch.truth, batch.faithful)} == {device}
    for part in (batch.image, batch.truth):
        assert part.isfinite().all() and part.min() >= 0
    assert batch.image.max() > 0.3 and batch.faithful.mean() > 0.5


@pytest.mark.parametrize("kind", ["crops", "pixel_mosaics", "library_mosaics", "painted", "collages"])
def test_each_kind_may_be_all_there_is(kind):
    config = dataclasses.replace(NONE, **{kind: 4})
    batch = sampler(config).draw()
    assert len(batch.truth) == config.batch == 4
    assert batch.truth.std() > 0.01


def test_a_photograph_is_what_the_camera_sees_of_the_truth_where_it_is_faithful(device):
    """Half of an 8-bit step, at the exposure of the photograph, is all that may lie between; in the others nothing."""
    for seed in range(5):
        made = sampler(dataclasses.replace(EACH, **CLEAN), device, seed=seed)
        batch = made.draw()
        seen, rgb = batch.truth @ made.camera.T, batch.image.movedim(1, 3)
        dimmest = made.config.dimmest
        linear = (rgb * dimmest).clamp(0, 1)
        step = 0.5 / 255 / dimmest * 2.4 / 1.055 * ((encode_srgb(linear) + 0.055) / 1.055).clamp_min(0.09) ** 1.4
        off = (seen - rgb).abs() * batch.faithful
        assert (off < 1.6 * step + 1e-5).all()
        exact = off.flatten(1).amax(1) < 1e-4 * seen.flatten(1).amax(1)
        assert 0 < exact.sum() < len(exact)  # some were stored in full precision, others in 8 bits


def test_noise_is_about_as_large_as_is_set_and_half_of_the_photographs_have_it():
    off = {}
    for noise in (0.0, 0.1):
        config = dataclasses.replace(EACH, **CLEAN | {"noise": noise}, dimmest=1.0)
        made = sampler(config)
        batches = [made.draw() for _ in range(10)]
        differs = [((b.truth @ made.camera.T - b.image.movedim(1, 3)) * b.faithful).flatten(1).std(1) for b in batches]
        off[noise] = torch.cat(differs)
    assert off[0.0].max() < 0.005
    assert 0.25 < (off[0.1] > 0.006).float().mean() < 0.6
    assert 0.03 < off[0.1].max() < 0.11


def test_what_is_clipped_or_black_is_not_faithful():
    config, greys = (
        dataclasses.replace(NONE, library_mosaics=40, **CLEAN),
        flat("greys", 40, *np.geomspace(1e-3, 1, 40)),
    )
    made = sampler(config, libraries=[greys], seed=1)
    batch = made.draw()
    seen, rgb = batch.truth @ made.camera.T, batch.image.movedim(1, 3)
    clipped, black = seen - rgb > 0.03, rgb == 0
    for lost in (clipped, black):
        assert lost.any() and batch.faithful[lost].sum() == 0
    assert 1.05 < seen.max() < 1.3  # a photograph exceeds its white level but little


def test_patches_of_a_group_are_of_one_photograph():
    """Their scene, their tint and their white level are common: no spectrum of another scene occurs."""
    scenes = [worlds.scene("a"), worlds.scene("b", 1), worlds.scene("c", 2)]
    config = dataclasses.replace(NONE, crops=24, group=4, **CLEAN)
    truth = sampler(config, scenes=scenes).draw().truth
    near = torch.stack([distance(truth, scene.cube.reshape(31, -1).T).amax((1, 2)) for scene in scenes])  # (3, 24)
    assert (near.amin(0) < 5e-3).all()
    home = near.argmin(0).view(6, 4)
    assert (home == home[:, :1]).all() and len(home.unique()) > 1
    patches = truth.view(6, 4, -1, 31)
    assert any(not torch.equal(group[0], group[1]) for group in patches)  # other parts of it


def test_a_tint_is_common_to_a_photograph_and_only_darkens():
    """A scene of one grey shows the filter itself."""
    scene = Scene("grey", np.full((31, 40, 40), 0.5, np.float32))
    tinted = sampler(dataclasses.replace(NONE, crops=40, jpeg=0.0, tinted=1.0), scenes=[scene]).draw().truth
    filters = shapes(tinted).view(20, 2, -1, 31)
    assert filters.std(dim=(1, 2)).max() < 1e-5
    assert (filters[:, 0, 0].std(-1) > 0.01).float().mean() > 0.8
    plain = sampler(dataclasses.replace(NONE, crops=40, jpeg=0.0, tinted=0.0), scenes=[scene]).draw().truth
    assert shapes(plain).std() < 1e-3


@pytest.mark.parametrize("kind", ["crops", "pixel_mosaics", "collages"])
def test_charts_and_borders_are_never_learned_from(kind):
    """A chart and borders that reflect one wavelength alone, which nothing else does."""
    scene = worlds.scene("a", chart=(20, 30, 24, 40))
    forbidden = np.eye(31, dtype=np.float32)[15]
    chart = np.zeros((48, 56), bool)
    chart[20:30, 24:40] = True
    chart[:BORDER] = chart[-BORDER:] = chart[:, :BORDER] = chart[:, -BORDER:] = True
    scene.cube[:, chart] = forbidden[:, None]
    made = sampler(dataclasses.replace(NONE, patch=8, jpeg=0.0, **{kind: 60}), scenes=[scene])
    for _ in range(3):
        assert distance(made.draw().truth, forbidden[None]).min() > 0.5
    assert distance(made.table.pixels(4000, made.generator), forbidden[None]).min() > 0.5


def test_crops_come_from_everywhere_that_is_clear_and_in_all_turns():
    """A scene whose every pixel has its own brightness says where a crop is from and how it lies."""
    ramp = (0.2 + np.arange(20 * 22).reshape(20, 22) / 1000).astype(np.float32)
    table = SpectralTable([Scene("ramp", np.repeat(ramp[None], 31, 0))], [], dataclasses.replace(NONE, patch=8), "cpu")
    made = PatchSampler(table, dataclasses.replace(NONE, patch=8, group=1))
    rows = made._crops(400)
    y, x = rows // 22, rows % 22
    assert (y.min(), y.max(), x.min(), x.max()) == (BORDER, 19 - BORDER, BORDER, 21 - BORDER)
    steps = {(int(p[0, 1] - p[0, 0]), int(p[1, 0] - p[0, 0])) for p in rows}
    assert steps == {(1, 22), (1, -22), (-1, 22), (-1, -22), (22, 1), (22, -1), (-22, 1), (-22, -1)}
    assert all(len(patch.unique()) == 64 for patch in rows)


def test_dark_grounds_are_drawn_less_often():
    cube = np.full((31, 24, 200), 0.5, np.float32)
    cube[:, :, 100:] = 0.004
    scene, shares = Scene("half dark", cube), {}
    for dull in (1.0, 0.2):
        table = SpectralTable([scene], [], dataclasses.replace(NONE, dull=dull, patch=8), "cpu")
        dark = table.values[table.corners].mean(1) < 0.06
        shares[dull] = float(dark.float().mean())
    assert shares[1.0] == pytest.approx(0.5, abs=0.06)
    assert shares[0.2] == pytest.approx(0.2 / 1.2, abs=0.06)


def tile_sides(mosaics: torch.Tensor) -> list[int]:
    """The period of the borders of each mosaic of values (B, P, P), which may be cut anywhere."""
    sides = []
    for mosaic in mosaics:
        borders = torch.nonzero((mosaic.diff(dim=1) != 0).any(0)).ravel() + 1
        spacing = borders.diff().unique().tolist()
        sides.append(spacing[0] if len(spacing) == 1 else 0)
    return sides


@pytest.mark.parametrize("kind", ["pixel_mosaics", "library_mosaics"])
def test_mosaics_have_square_tiles_of_all_sizes(kind):
    config = dataclasses.replace(NONE, patch=80, **{kind: 24}, **CLEAN)
    pixels = worlds.smooth_spectra(100 * 100, cie.CAMERA_BANDS.nm).T.reshape(31, 100, 100)
    made = sampler(config, scenes=[Scene("a", pixels)], libraries=[worlds.library("many", 10, 3000)])
    truth = made.draw().truth.mean(-1)
    sides, turned = tile_sides(truth), tile_sides(truth.mT)
    assert sides == turned
    assert {side for side in sides if side} == set(TILES)
    offsets = {int(torch.nonzero(m.diff(dim=1).abs().sum(0)).min()) for m, s in zip(truth, sides, strict=True) if s > 4}
    assert len(offsets) > 2  # cut anywhere


def test_mosaics_show_what_they_are_laid_of():
    scene, library = worlds.scene("a"), worlds.library("coarse", 10)
    found = parts(sampler(dataclasses.replace(EACH, **CLEAN), scenes=[scene], libraries=[library]).draw(), EACH)
    own, of_library = scene.cube.reshape(31, -1).T, library.values
    for kind, spectra in (("crops", own), ("pixel_mosaics", own), ("library_mosaics", of_library)):
        assert distance(found[kind], spectra).max() < 5e-3, kind
    either = distance(found["collages"], np.concatenate([own, of_library]))
    assert either.max() < 5e-3
    laid = (distance(found["collages"], of_library) < 5e-3).float().mean()
    assert 0.1 < laid < 0.7  # about a third
    assert (distance(found["painted"], of_library) > 5e-3).any()  # mixtures


def test_library_mosaics_are_lit_by_more_or_less_light():
    config = dataclasses.replace(NONE, library_mosaics=40, level=0.0, **CLEAN)
    spread = {}
    for shading in (0.0, 0.5):
        made = sampler(dataclasses.replace(config, shading=shading), libraries=[flat("grey", 9)])
        spread[shading] = float(made._make_mosaics(40).mean(-1).log().std())
    assert spread[0.0] < 1e-3
    assert spread[0.5] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(("balance", "small"), [(0.0, 0.5), (0.5, 1 / 11), (1.0, 1 / 101)])
def test_libraries_are_drawn_by_balance_not_by_size(balance, small):
    config = dataclasses.replace(NONE, balance=balance, evenness=0.0)
    made = sampler(config, libraries=[flat("large", 1000), flat("small", 10, *[0.8] * 10)])
    drawn = made.table.values[made._library_rows(20_000)].float().mean(1) > 0.5
    assert float(drawn.float().mean()) == pytest.approx(small, abs=0.02)


def test_a_crowded_colour_is_drawn_as_often_as_a_rare_one():
    spectra = np.stack([np.linspace(0.1, 1, 31), np.linspace(1, 0.1, 31)]).astype(np.float32)
    library = Library("crowd", cie.CAMERA_BANDS, spectra[[0] * 9 + [1]])
    for evenness, share in ((1.0, 0.5), (0.0, 0.1)):
        made = sampler(dataclasses.replace(NONE, evenness=evenness), libraries=[library])
        rare = made._library_rows(5000) - made.table.library == 9
        assert float(rare.float().mean()) == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_as_many_crops_and_as_many_paintings_as_is_set_went_through_jpeg(share):
    config = dataclasses.replace(NONE, crops=16, painted=8, library_mosaics=4, jpeg=share)
    batch = sampler(config).draw()
    smeared = batch.faithful.flatten(1).amax(1) == 0
    assert smeared[:16].float().mean() == share
    assert smeared[16:24].float().mean() == share
    assert not smeared[24:].any()  # mosaics are as hard as a file makes nothing


def photograph(size: int = 64) -> np.ndarray:
    """sRGB codes of soft shapes with some texture and a few hard borders."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size] / size
    waves = [np.sin(a * x + b * y + c) for a, b, c in rng.uniform(-9, 9, (9, 3))]
    image = 0.5 + 0.12 * np.stack([sum(waves[k : k + 3]) for k in (0, 3, 6)], -1)
    image[size // 4 : size // 2, size // 3 : size // 2] *= 0.4
    return np.round(255 * np.clip(image + rng.normal(0, 0.01, image.shape), 0, 1)).astype(np.uint8)


@pytest.mark.parametrize("quality", [40, 60, 75, 90, 95])
def test_jpeg_is_near_that_of_a_file(device, quality):
    codes, file = photograph(), io.BytesIO()
    Image.fromarray(codes).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    expected = np.asarray(Image.open(file)).astype(np.float32) / 255
    exact = torch.from_numpy(codes).to(device)[None].float() / 255
    got = Jpeg().to(device)(exact, torch.tensor([float(quality)], device=device))[0].cpu().numpy()
    error = abs(expected - codes / 255).mean()
    assert abs(got - expected).mean() < 0.5 * error
    assert abs(got - codes / 255).mean() == pytest.approx(error, rel=0.3)


def test_quality_is_of_each_photograph_and_matters():
    exact = torch.from_numpy(photograph()).float()[None] / 255
    quality = torch.tensor([20.0, 60.0, 95.0])
    together = Jpeg()(exact.expand(3, -1, -1, -1), quality)
    errors = (together - exact).abs().mean((1, 2, 3))
    assert errors[0] > errors[1] > errors[2] > 0
    for own, value in zip(together, quality, strict=True):
        assert torch.equal(Jpeg()(exact, value[None])[0], own)


def test_srgb_curves_are_those_of_the_colorimetry(device):
    linear = torch.linspace(0, 1, 1001, device=device)
    np.testing.assert_allclose(encode_srgb(linear).cpu(), cie.encode_srgb(linear.cpu().numpy()), atol=1e-5)
    torch.testing.assert_close(decode_srgb(encode_srgb(linear)), linear, atol=1e-5, rtol=0)


def test_without_libraries_pixels_of_scenes_stand_for_their_spectra():
    scene = worlds.scene("a", chart=(0, 20, 0, 56))
    scene.cube[:, :20] = np.eye(31, dtype=np.float32)[15][:, None, None]
    made = sampler(dataclasses.replace(EACH, **CLEAN), scenes=[scene], libraries=[])
    clear = scene.cube[:, 20:].reshape(31, -1).T
    assert distance(parts(made.draw(), EACH)["library_mosaics"], clear).max() < 5e-3


@pytest.mark.parametrize(
    ("scenes", "message"),
    [
        ([], "nothing to train on; give a folder of scenes"),
        ([worlds.scene("a"), Scene("b", worlds.scene("b").cube[:, :40])], "the scenes differ in size"),
        ([worlds.scene("a", chart=(0, 48, 10, 50))], "scene a has no room for a 16-pixel patch beside its chart"),
        ([Scene("a", worlds.scene("a").cube[:, :12, :12])], "scene a has no room"),
    ],
)
def test_scenes_that_cannot_be_learned_from_are_refused_in_a_sentence(scenes, message):
    with pytest.raises(ValueError, match=message):
        SpectralTable(scenes, [worlds.library("coarse", 10)], EACH)
