"""The field of coefficients: one function of pixel and wavelength, whoever asks, however it is computed."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from nesr_gui.colorimetry import cie
from nesr_gui.fields.protocol import CalibratedField, Cancelled, OutOfMemory
from nesr_gui.inference import engine, factorised_field, tiling
from nesr_gui.inference.calibration import IntervalCalibration
from nesr_gui.inference.checkpoint import Checkpoint, save_checkpoint
from nesr_gui.inference.engine import PreparedFactorised, encode, prepare
from nesr_gui.inference.factorised_field import (
    CalibratedFactorisedField,
    ComputedSurroundings,
    FactorisedField,
    StoredSurroundings,
)
from nesr_gui.inference.features import AttentionSums
from nesr_gui.inference.model import LoadedModel, load_model
from nesr_gui.spectral import RGBImage
from tests import tiny

NM = [400.0, 405.0, 512.3, 695.1, 700.0]
CLOSE = {"atol": 1e-5, "rtol": 1e-5}
CONFIGS = {
    "whole": tiny.FACTORISED,
    "without attention": dataclasses.replace(tiny.FACTORISED, attention="none"),
    "low rank": tiny.LOW_RANK,
    "paper's encoder": dataclasses.replace(tiny.FACTORISED, encoder="hscnn_r"),
    "paper's encoder, low rank": dataclasses.replace(tiny.LOW_RANK, encoder="hscnn_r"),
    "colour alone": dataclasses.replace(tiny.LOW_RANK, encoder="none"),
}


def model_of(config, device: str = "cpu", calibration: IntervalCalibration | None = None) -> LoadedModel:
    return LoadedModel(Checkpoint("tiny", tiny.network(config).to(device), {}, "ab", calibration), device)


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS)
def model(request, device) -> LoadedModel:
    return model_of(request.param, device)


@pytest.fixture
def whole(device) -> LoadedModel:
    return model_of(tiny.FACTORISED, device)


@pytest.fixture
def small_tiles(monkeypatch) -> None:
    """Every limit so low that each way of cutting the work up is taken."""
    monkeypatch.setattr(factorised_field, "CELLS", 3)
    monkeypatch.setattr(factorised_field, "CACHED_BYTES", 0)
    monkeypatch.setattr(factorised_field, "PIXELS_AT_ONCE", 30)
    monkeypatch.setattr(factorised_field, "BLOCK_VALUES", 500)
    monkeypatch.setattr(tiling, "TILE", 8)


@pytest.fixture(params=["stored", "large", "thrifty"])
def memory(request, monkeypatch):
    """How much there is: makes a model of a model."""
    if request.param == "large":
        monkeypatch.setattr(engine, "STORED_BYTES", 0)
    if request.param == "thrifty":
        return lambda model: model.low_memory()
    return lambda model: model


def test_wavelengths_may_be_an_array_in_reverse(model):
    """As NumPy makes it: without a copy, which torch refuses."""
    field, nm, points = encode(tiny.image(9, 10), model), np.array(NM), [(1, 2), (8, 9)]
    np.testing.assert_allclose(field.spectra(points, nm[::-1]), field.spectra(points, nm)[:, ::-1], **CLOSE)


def joint(model: LoadedModel, image: RGBImage, nm: list[float]) -> np.ndarray:
    """The network's own forward pass over the whole image, its last pixels repeated up to whole cells: (L, H, W)."""
    level, (height, width) = cie.white_level(image.values), image.shape
    rgb = torch.from_numpy(image.values / np.float32(level)).permute(2, 0, 1)[None].to(model.device)
    scale = model.network.scale
    padded = F.pad(rgb, (0, -width % scale, 0, -height % scale), mode="replicate")
    with torch.inference_mode():
        answers = model.network(padded, torch.tensor(nm, device=model.device)).clamp_min(0)
    return level * answers[0, :, :height, :width].cpu().numpy()


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 3), (3, 3), (5, 7), (4, 4), (21, 30), (32, 16)])
def test_all_readers_equal_the_joint_forward_pass(model, shape):
    image = tiny.image(*shape)
    expected, field = joint(model, image, NM), encode(image, model)
    assert expected.std() > 0.01
    for nm, band in zip(NM, expected, strict=True):
        np.testing.assert_allclose(field.band(nm), band, **CLOSE)
    np.testing.assert_allclose(field.cube(NM).values, expected, **CLOSE)
    np.testing.assert_allclose(field.preview_bands(NM), expected, **CLOSE)
    everywhere = np.argwhere(np.ones(shape))
    np.testing.assert_allclose(field.spectra(everywhere, NM).T.reshape(expected.shape), expected, **CLOSE)


def test_nothing_depends_on_tiles_and_memory(model, memory, small_tiles, monkeypatch):
    if model.network.scale == 1:
        monkeypatch.setattr(factorised_field, "CELLS", 7)
    image = tiny.image(21, 30)
    field, expected = encode(image, memory(model)), joint(model, image, NM)
    np.testing.assert_allclose(field.cube(NM).values, expected, **CLOSE)
    np.testing.assert_allclose(field.preview_bands(NM), expected, **CLOSE)
    points = [(0, 0), (20, 29), (5, 7), (12, 12), (3, 4), (5, 7)]
    np.testing.assert_allclose(field.spectra(points, NM), [expected[:, r, c] for r, c in points], **CLOSE)
    window = {"rows": slice(3, 19), "cols": slice(9, 28)}
    np.testing.assert_allclose(field.cube(NM, **window).values, expected[:, 3:19, 9:28], **CLOSE)
    np.testing.assert_allclose(field.band(512.3, stride=5, **window), expected[2, 3:19:5, 9:28:5], **CLOSE)


@pytest.mark.parametrize("limit", ["CELLS", "CACHED_BYTES", "PIXELS_AT_ONCE", "BLOCK_VALUES"])
def test_each_limit_may_be_as_low_as_it_can_be(whole, monkeypatch, limit):
    monkeypatch.setattr(factorised_field, limit, 0 if limit == "CACHED_BYTES" else 1)
    image = tiny.image(9, 10)
    field, expected = encode(image, whole), joint(whole, image, NM)
    np.testing.assert_allclose(field.cube(NM).values, expected, **CLOSE)
    np.testing.assert_allclose(field.band(512.3, stride=2), expected[2, ::2, ::2], **CLOSE)


def test_what_is_kept_follows_from_the_memory(whole, memory, monkeypatch):
    field = encode(tiny.image(9, 10), memory(whole))
    plain = engine.STORED_BYTES > 0 and memory(whole).small_tile is None
    assert type(field._surroundings) is (StoredSurroundings if plain else ComputedSurroundings)


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 7, 60])
@pytest.mark.parametrize("window", [{}, {"rows": slice(5, 20), "cols": slice(2, 27)}])
def test_strided_band_is_the_band_strided_cached_or_not(model, monkeypatch, stride, window):
    field = encode(tiny.image(21, 30), model)
    fresh = field.band(512.3, stride=stride, **window)
    whole = field.band(512.3)  # whose coefficients are kept, and serve the next
    np.testing.assert_allclose(fresh, whole[tuple(window.values())][::stride, ::stride], **CLOSE)
    np.testing.assert_allclose(field.band(512.3, stride=stride, **window), fresh, **CLOSE)


def test_kept_coefficients_are_of_the_window_that_is_asked(whole):
    field, expected = encode(tiny.image(21, 30), whole), joint(whole, tiny.image(21, 30), NM)
    for rows, cols, stride in [(0, 0, 1), (1, 0, 1), (1, 2, 1), (1, 2, 2), (0, 0, 2), (0, 0, 1)]:
        window = slice(rows, rows + 9), slice(cols, cols + 12)
        for index in (2, 3, 2):
            band = field.band(NM[index], stride=stride, rows=window[0], cols=window[1])
            np.testing.assert_allclose(band, expected[index][window][::stride, ::stride], **CLOSE)


def test_a_value_does_not_depend_on_what_else_is_asked(model):
    field = encode(tiny.image(20, 30), model)
    alone = field.spectra([(4, 5)], [512.3])[0, 0]
    among = field.spectra([(0, 0), (4, 5), (19, 29)], [700, 512.3, 511.9, 400])[1, 1]
    assert alone == pytest.approx(among, abs=1e-6)
    assert field.spectra([], [500.0]).shape == (0, 1)


def test_surroundings_matter_and_a_lookup_of_the_colour_has_none(model):
    values = tiny.image(20, 30).values
    other = values.copy()
    other[8:12, 9] = values[8:12, 9, ::-1]  # beside the pixel that is asked
    one, two = (encode(RGBImage(v), model).spectra([(10, 11)], NM) for v in (values, other))
    assert (abs(one - two).max() > 1e-3) == model.network.has_surroundings


@pytest.mark.parametrize("factor", [0.5, 0.125])
def test_a_photograph_so_many_times_as_bright_has_answers_so_many_times_as_bright(model, factor):
    image = tiny.image(12, 15)
    bright, dark = (encode(RGBImage(image.values * np.float32(k)), model).cube(NM).values for k in (1, factor))
    np.testing.assert_allclose(dark, factor * bright, rtol=1e-5, atol=1e-7)


def test_values_stay_finite_on_extreme_photographs(model):
    for values in (np.zeros((5, 6, 3)), np.ones((5, 6, 3)), np.eye(3)[None].repeat(3, 0), np.full((4, 4, 3), 1e-6)):
        band = encode(RGBImage(values.astype(np.float32)), model).band(555)
        assert np.isfinite(band).all()
        assert band.min() >= 0


def test_answers_below_zero_are_zero(whole):
    whole.network.basis.linear.data -= 0.4
    image = tiny.image(9, 10)
    field = encode(image, whole)
    assert field.cube(NM).values.min() == 0
    assert field.spectra(np.argwhere(np.ones((9, 10))), NM).min() == 0


def test_what_is_not_there_is_refused_with_the_range(whole):
    field = encode(tiny.image(21, 30), whole)
    for ask in (field.band, lambda nm: next(field.blocks([nm])), lambda nm: field.spectra([(0, 0)], [nm])):
        with pytest.raises(ValueError, match="400-700 nm; asked for 380"):
            ask(380.0)
    with pytest.raises(ValueError, match="columns 0-29"):
        field.spectra([(0, 30)], [500])


def test_encoding_reports_progress_and_can_be_stopped(model, memory, small_tiles):
    model, image = memory(model), tiny.image(*((9, 11) if model.network.scale == 1 else (21, 30)))
    seen: list[float] = []
    encode(image, model, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1
    for limit in seen[:: max(len(seen) // 3, 1)]:

        def stop(done: float, limit: float = limit) -> None:
            if done >= limit:
                raise Cancelled

        with pytest.raises(Cancelled):
            encode(image, model, progress=stop)


def test_progress_is_told_from_tile_to_tile(whole, small_tiles):
    seen: list[float] = []
    encode(tiny.image(21, 30), whole, progress=seen.append)
    assert len(seen) > 12 and seen[0] == 0


def test_blocks_bound_their_size_cover_the_window_and_may_be_left(whole, small_tiles):
    field, counted = encode(tiny.image(21, 30), whole), np.zeros((21, 30), int)
    for block in field.blocks([400, 500, 600, 700], rows=slice(2, 20)):
        assert block.values.size <= 500
        counted[block.rows, block.cols] += 1
    assert (counted[2:20] == 1).all() and counted[:2].sum() == counted[20:].sum() == 0
    partial = field.blocks([400, 500])
    next(partial)
    partial.close()


@pytest.mark.parametrize("name", [name for name, config in CONFIGS.items() if config.attention != "none"])
@pytest.mark.parametrize("side", [8, 12, 512])
def test_sums_of_tiles_make_the_field_of_one_machine(device, monkeypatch, name, side):
    monkeypatch.setattr(tiling, "TILE", side)
    model, image = model_of(CONFIGS[name], device), tiny.image(21, 30)
    prepared = prepare(image, model)
    prepared.check_tiles()
    parts = [prepare(image, model).sums(rows, cols) for _, rows, cols in prepared.tiles()]
    assert len(parts) == -(-21 // side) * -(-30 // side)
    field = prepared.field(AttentionSums.total(parts))
    np.testing.assert_allclose(field.cube(NM).values, encode(image, model).cube(NM).values, **CLOSE)
    wrong = prepared.field(parts[0]) if len(parts) > 1 else None  # sums matter
    assert wrong is None or abs(wrong.cube(NM).values - field.cube(NM).values).max() > 1e-4


@pytest.mark.parametrize("name", ["low rank", "colour alone"])
def test_what_has_no_map_of_the_image_is_not_summed_on_several_machines(name):
    prepared = prepare(tiny.image(9, 10), model_of(CONFIGS[name]))
    assert isinstance(prepared, PreparedFactorised) and not prepared.is_tileable
    with pytest.raises(ValueError, match="choose an embedded model"):
        prepared.check_tiles()


class Full:
    """A device that has room for so many pixels at once."""

    def __init__(self, coefficients, room: int) -> None:
        self.coefficients, self.room, self.refused = coefficients, room, 0

    def __call__(self, context, rgb):
        if rgb[..., 0].numel() > self.room:
            self.refused += 1
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return self.coefficients(context, rgb)


def test_less_at_once_is_asked_of_a_device_that_is_full_and_the_answers_are_the_same(monkeypatch):
    model, image = model_of(tiny.FACTORISED), tiny.image(70, 90)
    field, expected = encode(image, model), joint(model, image, NM)
    full = Full(model.network.coefficients, 2000)
    monkeypatch.setattr(model.network, "coefficients", full)
    np.testing.assert_allclose(field.cube(NM).values, expected, **CLOSE)
    points = np.argwhere(np.ones((70, 90)))
    np.testing.assert_allclose(field.spectra(points, NM).T.reshape(expected.shape), expected, **CLOSE)
    assert 0 < full.refused <= 8  # halved so often, and remembered
    full.room = 3
    with pytest.raises(OutOfMemory, match="graphics memory"):
        field.band(500.0, rows=slice(1, 70))


def calibration() -> IntervalCalibration:
    rng = np.random.default_rng(0)
    low, high = rng.uniform(-0.5, 0, (31, 3, 3)), rng.uniform(0, 0.5, (31, 3, 3))
    return IntervalCalibration(np.arange(400, 701, 10.0), low, high, np.ones((32, 32), bool), np.array(0.1))


@pytest.mark.parametrize("config", [tiny.FACTORISED, CONFIGS["colour alone"]])
def test_intervals_agree_whoever_asks(device, small_tiles, config):
    field = encode(tiny.image(21, 30), model_of(config, device, calibration()))
    assert isinstance(field, CalibratedFactorisedField) and isinstance(field, CalibratedField)
    lower, upper = (np.full((len(NM), 21, 30), np.nan, np.float32) for _ in range(2))
    for block in field.prediction_interval_blocks(NM):
        lower[:, block.rows, block.cols], upper[:, block.rows, block.cols] = block.lower, block.upper
    values = field.cube(NM).values
    assert (lower <= values).all() and (values <= upper).all() and (upper - lower).mean() > 0.01
    sparse = {"stride": 3, "rows": slice(2, 20), "cols": slice(1, 29)}
    for ends, cube in zip(field.prediction_interval_band(512.3, **sparse), (lower, upper), strict=True):
        np.testing.assert_allclose(ends, cube[2, 2:20:3, 1:29:3], **CLOSE)
    points = [(0, 0), (20, 29), (17, 20)]
    for ends, cube in zip(field.prediction_interval(points, NM), (lower, upper), strict=True):
        np.testing.assert_allclose(ends, [cube[:, row, col] for row, col in points], **CLOSE)


def test_without_a_calibration_no_limits_are_claimed(whole):
    field = encode(tiny.image(4, 4), whole)
    assert isinstance(field, FactorisedField) and not isinstance(field, CalibratedField)


def test_a_saved_model_gives_the_same_field_and_says_what_it_is(tmp_path, device):
    model, path = model_of(tiny.FACTORISED, device, calibration()), tmp_path / "tiny.safetensors"
    save_checkpoint(path, model.network, {"seed": "0"}, model.checkpoint.calibration)
    loaded, image = load_model(path, device), tiny.image(8, 9)
    np.testing.assert_array_equal(encode(image, loaded).band(500), encode(image, model).band(500))
    for ends in zip(*(encode(image, m).prediction_interval([(3, 4)], [500.0]) for m in (loaded, model)), strict=True):
        np.testing.assert_allclose(*ends, rtol=1e-6)
    provenance = encode(image, loaded).provenance
    assert (provenance["model"], provenance["photograph"]) == ("tiny", "random.png")


def test_a_displayed_image_computes_its_coefficients_once(whole, monkeypatch):
    """It is asked in strips, at one wavelength after the other."""
    values = np.random.default_rng(5).uniform(0.05, 0.9, (24, 20, 3)).astype(np.float32)
    field, computed = encode(RGBImage(values), whole), []
    coefficients = whole.network.coefficients
    monkeypatch.setattr(
        whole.network, "coefficients", lambda context, rgb: (computed.append(rgb), coefficients(context, rgb))[1]
    )
    strips = [slice(row, row + 8) for row in range(0, 24, 8)]
    bands = [np.concatenate([field.band(nm, rows=strip) for strip in strips]) for nm in (450.0, 550.0, 600.0)]
    assert sum(rgb.shape[0] * rgb.shape[1] for rgb in computed) == 24 * 20
    computed.clear()
    spectra = np.concatenate([field.cube([450.0, 550.0, 600.0], rows=strip).values for strip in strips], axis=1)
    assert computed == []  # a mode of whole spectra reads the same strips
    np.testing.assert_allclose(bands, spectra, **CLOSE)
    np.testing.assert_allclose(bands, field.cube([450.0, 550.0, 600.0]).values, **CLOSE)
