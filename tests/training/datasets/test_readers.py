"""Every data set is read as its makers wrote it: axes, scale, photographs, and who is trained on."""

from __future__ import annotations

import shutil
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from nesr_gui import io
from nesr_gui.colorimetry import cie
from nesr_gui.spectral import Quantity, Wavelengths
from nesr_gui.training.datasets import DATASETS
from nesr_gui.training.datasets.cave import chart_boxes, read_scenes
from nesr_gui.training.datasets.resampling import BandShape
from tests.training.datasets import layouts

SPLITS = {
    "cave": (3, 1),
    "icvl": (2, 1),
    "ntire2018-clean": (2, 1),
    "ntire2018-real": (2, 1),
    "ntire2020-clean": (2, 1),
    "ntire2020-real": (2, 1),
    "arad1k": (2, 1),
    "harvard": (2, 1),
    "kaist": (2, 1),
}


def seed_of(name: str) -> int:
    """By which `layouts` made the scene of that name."""
    named = {"a": 0, "b": 1, "c": 2, "d": 3, "bgu_0403-1444": 0, "eve_0331-1549": 1, "Labtest_0910-1502": 2}
    named |= {"imga1": 0, "imgb2": 1, "imgd7": 2}
    return named[name] if name in named else int("".join(filter(str.isdigit, name.replace("1K", "")))[-4:])


@pytest.mark.parametrize("name", DATASETS)
def test_cubes_and_photographs_are_those_that_were_measured(tmp_path: Path, name: str) -> None:
    layouts.WRITERS[name](tmp_path)
    dataset = DATASETS[name]
    split = dataset.open(tmp_path)
    assert (len(split.train), len(split.test)) == SPLITS[name]
    assert not {scene.name for scene in split.train} & {scene.name for scene in split.test}
    for scene in (*split.train, *split.test):
        truth = layouts.truth(seed_of(scene.name), dataset.bands.nm)
        scale = truth.max() if name == "harvard" else 1
        cube = scene.cube(dataset.bands)
        np.testing.assert_allclose(cube, truth / scale, atol=2e-4)
        rgb = dataset.photograph(scene)
        assert rgb.shape == (*layouts.SHAPE, 3) and rgb.dtype == np.float32 and 0 <= rgb.min() <= rgb.max() <= 1
        expected = dataset.camera.expose(truth / scale, dataset.bands)
        if dataset.camera.light == "given":
            expected = layouts.linear_photograph(truth) / 255
        np.testing.assert_allclose(rgb, expected, atol=0.05 if name.endswith("real") or name == "arad1k" else 4e-3)


@pytest.mark.parametrize("name", DATASETS)
def test_a_wrong_folder_gets_one_sentence_that_names_what_was_expected(tmp_path: Path, name: str) -> None:
    dataset = DATASETS[name]
    with pytest.raises(FileNotFoundError, match="no folder"):
        dataset.open(tmp_path / "nowhere")
    with pytest.raises(ValueError) as refused:
        dataset.open(tmp_path)
    assert str(refused.value) == f"no scene of {dataset.title} in {tmp_path}; expected {dataset.expected}"


@pytest.mark.parametrize(("written", "asked"), [("harvard", "icvl"), ("icvl", "harvard"), ("kaist_mat", "icvl")])
def test_another_data_set_is_told(tmp_path: Path, written: str, asked: str) -> None:
    getattr(layouts, written)(tmp_path)
    with pytest.raises(ValueError, match=r"does not hold .* expected ") as refused:
        DATASETS[asked].open(tmp_path)
    assert DATASETS[asked].expected in str(refused.value) and "\n" not in str(refused.value)


def test_kaist_as_matlab_files(tmp_path: Path) -> None:
    layouts.kaist_mat(tmp_path)
    split = DATASETS["kaist"].open(tmp_path)
    scene = next(scene for scene in (*split.train, *split.test) if scene.name == "scene02")
    np.testing.assert_allclose(scene.cube(DATASETS["kaist"].bands), layouts.truth(2, layouts.NM + 20), atol=1e-6)


def test_kaist_opens_as_a_cube_too(tmp_path: Path) -> None:
    layouts.kaist(tmp_path)
    path = tmp_path / "scene01_reflectance.exr"
    assert not io.is_photograph(path)
    field = io.open_cube(path)
    assert (field.wavelength_range, field.quantity) == ((420, 720), Quantity.REFLECTANCE)


def test_the_raw_form_of_icvl_gives_any_band_number(tmp_path: Path) -> None:
    layouts.icvl(tmp_path)
    nm = layouts.icvl_raw(tmp_path)
    split = DATASETS["icvl"].open(tmp_path)
    scenes = {scene.name: scene for scene in (*split.train, *split.test)}
    raw = scenes["bgu_0403-1444"]
    assert raw.path.suffix == ".hdr" and scenes["Labtest_0910-1502"].path.suffix == ".mat"
    smooth = layouts.truth(0, np.arange(400, 701, 2.5))
    for bands in (7, 16, 31, 41, 61):
        wanted = Wavelengths.evenly_spaced(bands)
        at = [int(np.argmin(abs(np.arange(400, 701, 2.5) - one))) for one in wanted]
        for shape in (BandShape(), BandShape("box", 5)):
            np.testing.assert_allclose(raw.cube(wanted, shape), smooth[at], atol=6e-3)
    with pytest.raises(ValueError, match=r"Labtest_0910-1502: its 31 bands are too coarse for 61 bands"):
        scenes["Labtest_0910-1502"].cube(Wavelengths.evenly_spaced(61))
    with pytest.raises(ValueError, match="390"):
        raw.cube(Wavelengths.from_step(380, 400, 10))
    assert len(nm) == 519


def test_the_default_camera_is_that_of_lit_data_sets() -> None:
    camera = DATASETS["cave"].camera
    np.testing.assert_allclose(camera.sensitivities(cie.CAMERA_BANDS), cie.default_camera(), atol=1e-12)


@pytest.mark.parametrize("name", ["icvl", "harvard"])
def test_radiance_is_never_lit(name: str) -> None:
    """A flat radiance is grey; under D65 it would be, too, but a blackbody's would not keep its colour."""
    dataset = DATASETS[name]
    ramp = np.linspace(0.2, 1, 31, dtype=np.float32)[:, None, None]
    nm, matching = cie.colour_matching(2)
    observer = np.stack([np.interp(dataset.bands.nm, nm, column) for column in matching.T])
    response = cie.xyz_to_linear_srgb() @ observer
    expected = response @ ramp[:, 0, 0] / response.sum(1)
    np.testing.assert_allclose(dataset.camera.expose(ramp, dataset.bands)[0, 0], expected, atol=1e-6)
    assert "no light" in str(dataset.camera)


def test_a_photograph_of_something_else_is_told(tmp_path: Path) -> None:
    layouts.ntire2020(tmp_path)
    dataset = DATASETS["ntire2020-clean"]
    scene = dataset.open(tmp_path).test[0]
    assert scene.given is not None
    original = iio.imread(scene.given)
    iio.imwrite(scene.given, original[:, ::-1])
    with pytest.raises(ValueError, match="does not show what its cube shows"):
        dataset.photograph(scene)
    iio.imwrite(scene.given, original[:, :-1])
    with pytest.raises(ValueError, match="27 x 20 pixels; expected RGB of 28 x 20"):
        dataset.photograph(scene)


def test_the_published_chart_boxes_are_of_scenes_of_512_pixels(tmp_path: Path) -> None:
    """Those of the reproduction, by `fake_and_real_lemon_slices`, whose whole chart is in the picture."""
    shutil.copy(Path(__file__).parents[3] / "docs" / "cave_chart_boxes.json", tmp_path / "chart_boxes.json")
    boxes = chart_boxes(tmp_path)
    assert len(boxes) == 28 and boxes["fake_and_real_lemon_slices"] == (48, 240, 104, 392)
    for top, bottom, left, right in boxes.values():
        assert 0 <= top < bottom <= 512 and 0 <= left < right <= 512
        assert (bottom - top) * (right - left) < 512 * 512 / 3


def test_what_moved_and_what_is_a_chart_does_not_count(tmp_path: Path) -> None:
    layouts.harvard(tmp_path / "harvard")
    moving = DATASETS["harvard"].open(tmp_path / "harvard").test[0].mask(layouts.SHAPE)
    assert moving.sum() == moving.size - 24 and not moving[:4, :6].any()
    layouts.cave(tmp_path / "cave")
    (tmp_path / "cave" / "chart_boxes.json").write_text('{"b": [2, 7, 1, 9]}')
    split = DATASETS["cave"].open(tmp_path / "cave")
    masks = {scene.name: scene.mask(layouts.SHAPE) for scene in (*split.train, *split.test)}
    inside = np.pad(np.ones((layouts.SHAPE[0] - 8, layouts.SHAPE[1] - 8), bool), 4)  # the outer four pixels are dead
    np.testing.assert_array_equal(masks["a"], inside)
    inside[2:7, 1:9] = False
    np.testing.assert_array_equal(masks["b"], inside)
    assert {scene.name: scene.chart for scene in read_scenes(tmp_path / "cave")}["b"] == (2, 7, 1, 9)


def test_the_hash_of_a_scene_is_of_all_its_files(tmp_path: Path) -> None:
    layouts.ntire2020(tmp_path)
    clean, real = (DATASETS[f"ntire2020-{track}"].open(tmp_path).test[0] for track in ("clean", "real"))
    assert clean.sha256() == clean.sha256() != real.sha256()
    layouts.icvl_raw(tmp_path / "raw")
    raw = DATASETS["icvl"].open(tmp_path / "raw").test[0]
    before = raw.sha256()
    data = raw.path.with_suffix(".raw")
    data.write_bytes(data.read_bytes()[::-1])
    assert raw.sha256() != before


def test_a_scene_that_lacks_a_band_is_told_and_not_left_out(tmp_path: Path) -> None:
    layouts.cave(tmp_path)
    lost = next(tmp_path.rglob("b_ms_17.png"))
    lost.unlink()
    for find in (DATASETS["cave"].open, lambda root: list(read_scenes(root))):
        with pytest.raises(ValueError, match=r"1 are missing, the first of them number 17") as refused:
            find(tmp_path)
        assert str(lost.parent) in str(refused.value)
