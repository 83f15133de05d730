"""The field of a photograph: one function, whoever asks, however it is cut into tiles."""

import dataclasses
import gc

import numpy as np
import pytest
import torch

import nesr_gui
from nesr_gui.colorimetry import cie
from nesr_gui.fields.protocol import CalibratedField, Cancelled, QualityFlag
from nesr_gui.inference import engine, nesr_field
from nesr_gui.inference.calibration import IntervalCalibration
from nesr_gui.inference.checkpoint import Checkpoint, save_checkpoint
from nesr_gui.inference.engine import encode
from nesr_gui.inference.features import CachedFeatures, LazyFeatures
from nesr_gui.inference.model import LoadedModel, load_model, resolve_device
from nesr_gui.inference.nesr_field import NeSRField
from nesr_gui.spectral import ImageSource, RGBImage
from tests import devices, tiny

DEVICES = [*devices.DEVICES, *["mps"] * torch.backends.mps.is_available()]
NM = [700.0, 400.0, 512.3, 405.0, 695.1]
CLOSE = {"atol": 1e-5, "rtol": 1e-5}


@pytest.fixture(params=DEVICES)
def model(request) -> LoadedModel:
    device = resolve_device(request.param)
    network = tiny.network(dataclasses.replace(tiny.CONFIG, context_pixels=100, normalised=True)).to(device)
    return LoadedModel(Checkpoint("tiny", network, {}, "ab", calibration()), device)


def calibration() -> IntervalCalibration:
    rng = np.random.default_rng(0)
    low, high = rng.uniform(-0.5, 0, (31, 3, 3)), rng.uniform(0, 0.5, (31, 3, 3))
    seen = np.zeros((32, 32), bool)
    seen[8:14, 8:14] = True
    return IntervalCalibration(np.arange(400, 701, 10.0), low, high, seen, np.array(0.1))


@pytest.fixture(params=["stored", "filed", "recomputed"])
def features(request, monkeypatch) -> str:
    if request.param != "stored":
        monkeypatch.setattr("nesr_gui.inference.features.STORED_BYTES", 0)
    if request.param == "recomputed":
        monkeypatch.setattr("nesr_gui.inference.features.DISK_SHARE", 1 << 60)
    return request.param


@pytest.fixture
def small_tiles(monkeypatch) -> None:
    monkeypatch.setattr("nesr_gui.inference.tiling.TILE", 16)
    monkeypatch.setattr("nesr_gui.inference.device.TOKENS", 100)
    monkeypatch.setattr(nesr_field, "WAVELENGTHS_AT_ONCE", 2)
    monkeypatch.setattr(nesr_field, "BLOCK_VALUES", 500)


def joint(model: LoadedModel, image: RGBImage, nm: list[float]) -> np.ndarray:
    """The model's own forward pass over the whole image: (L, H, W)."""
    level = cie.white_level(image.values)
    rgb = torch.from_numpy(image.values).permute(2, 0, 1)[None].to(model.device)
    with torch.inference_mode():
        return level * model.network(rgb / level, torch.tensor(nm, device=model.device))[0].cpu().numpy()


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 3), (37, 53)])
def test_equals_the_joint_forward_pass(model, features, small_tiles, shape):
    image = tiny.image(*shape)
    field = encode(image, model)
    if model.device == "cpu" or features != "filed":  # files are for processors only
        assert isinstance(field._features, LazyFeatures if features == "recomputed" else CachedFeatures)
    expected = joint(model, image, NM)
    assert expected.std() > 0.01
    for nm, band in zip(NM, expected, strict=True):
        np.testing.assert_allclose(field.band(nm), band, **CLOSE)


def test_equals_the_joint_forward_pass_where_the_encoder_answers_a_spectrum(features, small_tiles):
    network = tiny.network(dataclasses.replace(tiny.CONFIG, context_pixels=100, normalised=True, profile="spectrum"))
    made = LoadedModel(Checkpoint("tiny", network, {}, "ab", None), "cpu")
    image, nm = tiny.image(37, 53), [400.0, 512.5, 700.0]
    field = encode(image, made)
    np.testing.assert_allclose(field.cube(np.array(nm)).values, joint(made, image, nm), **CLOSE)
    np.testing.assert_allclose(field.band(512.5, stride=7), field.band(512.5)[::7, ::7], **CLOSE)


def test_all_readers_agree_for_any_tiles(model, features, small_tiles):
    image = tiny.image(37, 53)
    field = encode(image, model)
    expected = joint(model, image, sorted(NM))
    np.testing.assert_allclose(field.cube(sorted(NM)).values, expected, **CLOSE)
    points = [(0, 0), (36, 52), (5, 7), (16, 16)]
    np.testing.assert_allclose(field.spectra(points, sorted(NM)), [expected[:, r, c] for r, c in points], **CLOSE)
    window = field.cube(sorted(NM), rows=slice(3, 31), cols=slice(9, 50)).values
    np.testing.assert_allclose(window, expected[:, 3:31, 9:50], **CLOSE)


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 7, 60])
@pytest.mark.parametrize("window", [(None, None), (slice(5, 36), slice(2, 50))])
def test_strided_band_is_the_band_strided(model, small_tiles, stride, window):
    field = encode(tiny.image(37, 53), model)
    whole = field.band(512.3, rows=window[0], cols=window[1])
    strided = field.band(512.3, stride=stride, rows=window[0], cols=window[1])
    np.testing.assert_allclose(strided, whole[::stride, ::stride], **CLOSE)


@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize(("is_faster", "off"), [(False, 1e-5), (True, 0.02)])
def test_a_sketch_is_about_the_bands_and_exactly_these_where_that_is_no_slower(
    model, small_tiles, monkeypatch, stride, is_faster, off
):
    monkeypatch.setattr(nesr_field, "is_faster_in_bfloat16", lambda device: is_faster)
    field, window = encode(tiny.image(37, 53), model), {"stride": stride, "rows": slice(5, 37), "cols": slice(0, 50)}
    bands, sketch = np.stack([field.band(nm, **window) for nm in NM]), field.preview_bands(NM, **window)
    assert sketch.dtype == np.float32
    np.testing.assert_allclose(sketch, bands, atol=off)
    assert (abs(sketch - bands).max() > 1e-5) == is_faster
    np.testing.assert_array_equal(np.stack([field.band(nm, **window) for nm in NM]), bands)  # nothing of it stays


def test_a_value_does_not_depend_on_what_else_is_asked(model):
    field = encode(tiny.image(20, 30), model)
    alone = field.spectra([(4, 5)], [512.3])[0, 0]
    among = field.spectra([(0, 0), (4, 5), (19, 29)], [700, 512.3, 511.9, 400])[1, 1]
    assert alone == pytest.approx(among, abs=1e-6)
    assert field.spectra([], [500.0]).shape == (0, 1)


def test_outside_the_range_or_the_image_is_refused_with_the_range(model):
    field = encode(tiny.image(4, 5), model)
    with pytest.raises(ValueError, match="400-700 nm; asked for 380-720 nm"):
        field.cube([380, 720])
    with pytest.raises(ValueError, match="columns 0-4"):
        field.spectra([(0, 5)], [500])


def test_encoding_reports_progress_and_can_be_stopped(model, small_tiles):
    seen: list[float] = []
    encode(tiny.image(40, 40), model, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[0] == 0
    assert seen[-1] == 1

    def stop(done: float) -> None:
        if done > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        encode(tiny.image(40, 40), model, progress=stop)


def test_blocks_bound_their_size_and_may_be_left(model, small_tiles):
    field = encode(tiny.image(37, 53), model)
    blocks = field.blocks([400, 500, 600, 700])
    assert all(block.values.size <= 500 for block in blocks)
    partial = field.blocks([400, 500])
    next(partial)
    partial.close()


def test_values_stay_finite_on_extreme_images(model):
    for values in (np.zeros((3, 3, 3)), np.ones((3, 3, 3)), np.eye(3)[None].repeat(3, 0)):
        band = encode(RGBImage(values.astype(np.float32)), model).band(555)
        assert np.isfinite(band).all()
        assert band.min() >= 0


def test_a_darker_photograph_gives_a_darker_answer_of_the_same_shape(model):
    image = tiny.image(24, 31)
    bright, dark = (encode(RGBImage(image.values * np.float32(k)), model).cube(sorted(NM)).values for k in (1, 0.1))
    np.testing.assert_allclose(dark, 0.1 * bright, rtol=1e-3, atol=1e-6)


def test_intervals_agree_whoever_asks(model, small_tiles):
    field = encode(tiny.image(37, 53), model)
    assert isinstance(field, CalibratedField)
    nm = np.array([400.0, 512.3, 700.0])
    lower, upper = (np.empty((3, 37, 53), np.float32) for _ in range(2))
    for block in field.prediction_interval_blocks(nm):
        lower[:, block.rows, block.cols], upper[:, block.rows, block.cols] = block.lower, block.upper
    values = field.cube(nm).values
    assert (lower <= values).all()
    assert (values <= upper).all()
    read_only = field.bands.nm
    assert not read_only.flags.writeable
    next(field.prediction_interval_blocks(read_only))
    sparse = {"stride": 3, "rows": slice(2, 30), "cols": slice(1, 50)}
    for ends, cube in zip(field.prediction_interval_band(512.3, **sparse), (lower, upper), strict=True):
        np.testing.assert_allclose(ends, cube[1, 2:30:3, 1:50:3], **CLOSE)
    points = [(0, 0), (36, 52), (17, 20)]
    for ends, cube in zip(field.prediction_interval(points, nm), (lower, upper), strict=True):
        np.testing.assert_allclose(ends, [cube[:, row, col] for row, col in points], **CLOSE)


def test_doubts_mark_clipped_and_unseen_pixels(model):
    values = np.full((4, 6, 3), 0.4, np.float32)
    values[1, 2] = 0.9, 0.02, 0.02  # not seen by `calibration`
    clipped = np.zeros((4, 6), bool)
    clipped[3] = True
    field = encode(RGBImage(values, clipped=clipped), model)
    expected = QualityFlag.CLIPPED * clipped
    expected[1, 2] = QualityFlag.UNFAMILIAR_COLOUR
    np.testing.assert_array_equal(field.quality_flags(), expected)
    np.testing.assert_array_equal(field.quality_flags(stride=2, rows=slice(1, 4)), expected[1:4:2, ::2])


def test_the_field_has_the_binning_and_the_source_of_its_photograph(model):
    field = encode(tiny.image(30, 40).reduced(300), model)
    assert (field.shape, field.binning, field.source_shape) == ((15, 20), 2, (30, 40))


def test_without_a_calibration_no_limits_are_claimed(model):
    plain = LoadedModel(dataclasses.replace(model.checkpoint, calibration=None), model.device)
    assert not isinstance(encode(tiny.image(4, 4), plain), CalibratedField)


def test_float32_on_a_gpu_is_float32(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    assert resolve_device("cuda") == "cuda"
    assert not torch.backends.cudnn.allow_tf32
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    resolve_device("auto")
    assert not torch.backends.cudnn.allow_tf32


def test_device_names():
    assert resolve_device("auto") in ("cuda", "mps", "cpu")
    with pytest.raises(ValueError, match="not available on this machine; choose auto or one of: .*cpu"):
        resolve_device("tpu")


def test_a_saved_model_gives_the_same_field(tmp_path, model):
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(path, model.network, {"seed": "0"}, model.checkpoint.calibration)
    loaded = load_model(path, model.device)
    image = tiny.image(8, 9)
    np.testing.assert_array_equal(encode(image, loaded).band(500), encode(image, model).band(500))
    for ends in zip(*(encode(image, m).prediction_interval([(3, 4)], [500.0]) for m in (loaded, model)), strict=True):
        np.testing.assert_allclose(*ends, rtol=1e-6)
    provenance = encode(image, loaded).provenance
    assert provenance["model"] == "tiny"
    assert len(provenance["model_sha256"]) == 64
    assert provenance["photograph"] == "random.png"


def test_python_interface(tmp_path):
    import imageio.v3 as iio

    iio.imwrite(tmp_path / "photo.png", np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8))
    save_checkpoint(tmp_path / "m.safetensors", tiny.network(), {})
    model = nesr_gui.load_model(tmp_path / "m.safetensors", "cpu")
    field = nesr_gui.reconstruct(tmp_path / "photo.png", model)
    assert isinstance(field, NeSRField)
    assert field.spectra([(11, 3)], [450.0, 550.5]).shape == (1, 2)
    assert nesr_gui.reconstruct(tmp_path / "photo.png", model, max_pixels=50).shape == (6, 8)


def test_how_the_file_was_understood_is_recorded(model):
    understood = (("photograph_encoding", "Display P3, chosen"), ("photograph_exposure", "+1 stops"))
    image = dataclasses.replace(tiny.image(4, 5), source=ImageSource("p.png", "00", (), understood))
    assert dict(understood).items() <= encode(image, model).provenance.items()


def test_features_in_a_file_leave_nothing_behind(monkeypatch, tmp_path):
    monkeypatch.setattr("nesr_gui.inference.features.STORED_BYTES", 0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    model = LoadedModel(Checkpoint("tiny", tiny.network(tiny.CONFIG), {}, "ab", None), "cpu")
    field = engine.encode(RGBImage(np.random.default_rng(0).random((20, 30, 3), np.float32)), model)
    assert list(tmp_path.iterdir()) and isinstance(field._features, CachedFeatures)
    before = field.band(500)
    gc.collect()
    np.testing.assert_array_equal(field.band(500), before)
    del field
    gc.collect()
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fills_up_costs_time_and_no_work(monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nesr_gui.inference.features.STORED_BYTES", 0)
    monkeypatch.setattr(CachedFeatures, "filed", full)
    model = LoadedModel(Checkpoint("tiny", tiny.network(tiny.CONFIG), {}, "ab", None), "cpu")
    field = engine.encode(RGBImage(np.random.default_rng(0).random((20, 30, 3), np.float32)), model)
    assert np.isfinite(field.band(500)).all() and isinstance(field._features, LazyFeatures)


def test_work_that_is_stopped_leaves_no_file(monkeypatch, tmp_path):
    def stop(fraction):
        raise Cancelled

    monkeypatch.setattr("nesr_gui.inference.features.STORED_BYTES", 0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    model = LoadedModel(Checkpoint("tiny", tiny.network(tiny.CONFIG), {}, "ab", None), "cpu")
    with pytest.raises(Cancelled):
        engine.encode(RGBImage(np.zeros((20, 30, 3), np.float32)), model, progress=stop)
    assert not list(tmp_path.iterdir())
