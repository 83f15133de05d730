"""A cube over a photograph is the same field turned, averaged and scaled, for any window."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from nesr_gui.fields.protocol import CubeField
from nesr_gui.fields.resampled import Orientation, Registration, ResampledField, ResamplingWeights, binned_field
from nesr_gui.spectral import Quantity, Spectrum, Wavelengths

RNG = np.random.default_rng(3)
BANDS = Wavelengths.from_step(400, 700, 60)
VALUES = RNG.random((len(BANDS), 12, 18), np.float32)
CUBE = CubeField(VALUES, BANDS, Quantity.RADIANCE)
NM = [431.0, 640.0, 520.0]


def turned(orientation: Orientation, values: np.ndarray) -> np.ndarray:
    """Written from the words."""
    return {
        Orientation.AS_STORED: values, Orientation.TURNED_RIGHT: np.rot90(values, -1, (1, 2)),
        Orientation.TURNED_AROUND: np.rot90(values, 2, (1, 2)), Orientation.TURNED_LEFT: np.rot90(values, 1, (1, 2)),
        Orientation.MIRRORED: values[:, :, ::-1], Orientation.FLIPPED: values[:, ::-1],
        Orientation.TRANSPOSED: values.swapaxes(1, 2), Orientation.ANTITRANSPOSED: values[:, ::-1, ::-1].swapaxes(1, 2),
    }[orientation]  # fmt: skip


@pytest.mark.parametrize("orientation", Orientation)
def test_all_readers_agree_for_every_orientation_and_scale(orientation: Orientation) -> None:
    for scale in (1, 2, 3, 0.5, 1.5):
        shape = tuple(round(side / scale) for side in orientation.shape_of(CUBE.shape))
        field = ResampledField(CUBE, shape, Registration(orientation, 1.7))
        whole = field.cube(sorted(NM)).values
        if scale == 1:
            np.testing.assert_array_equal(whole, turned(orientation, CUBE.cube(sorted(NM)).values) * np.float32(1.7))
        if scale in (2, 3):
            blocks = turned(orientation, CUBE.cube(sorted(NM)).values)
            means = blocks.reshape(3, shape[0], scale, shape[1], scale).mean((2, 4)) * 1.7
            np.testing.assert_allclose(whole, means, rtol=1e-5)
        rows, cols = slice(1, shape[0] - 1), slice(2, shape[1])
        np.testing.assert_array_equal(field.cube(sorted(NM), rows=rows, cols=cols).values, whole[:, rows, cols])
        for stride in (1, 2, 3):
            sparse = field.band(520.0, stride=stride, rows=rows, cols=cols)
            np.testing.assert_array_equal(sparse, whole[1, rows, cols][::stride, ::stride])
        points = [(0, 0), (shape[0] - 1, 1), (2, shape[1] - 1)]
        expected = np.stack([whole[[0, 2, 1], row, col] for row, col in points])
        np.testing.assert_array_equal(field.spectra(points, NM), expected)
        assert all(block.values.shape[0] == 3 for block in field.blocks(NM))


def test_small_blocks_give_the_same_cube(monkeypatch: pytest.MonkeyPatch) -> None:
    field = ResampledField(CUBE, (6, 9), Registration(Orientation.FLIPPED))
    whole = field.cube(BANDS).values
    monkeypatch.setattr("nesr_gui.fields.resampled.BLOCK_VALUES", 6 * 4 * 5)
    np.testing.assert_array_equal(field.cube(BANDS).values, whole)


def test_a_reduction_averages_what_is_there_at_the_border() -> None:
    field = binned_field(CUBE, 5)
    assert field.shape == (3, 4) and binned_field(CUBE, 1) is CUBE
    band = CUBE.band(460.0)
    assert field.band(460.0)[2, 3] == pytest.approx(band[10:, 15:].mean(), rel=1e-5)
    assert field.band(460.0)[1, 1] == pytest.approx(band[5:10, 5:10].mean(), rel=1e-5)


@pytest.mark.parametrize(("size", "source"), [(7, 7), (7, 21), (7, 20), (21, 7), (1, 5), (5, 1), (30, 29)])
def test_weights_sum_to_one_and_keep_a_ramp(size: int, source: int) -> None:
    taps = ResamplingWeights.of(size, source, source / size)
    np.testing.assert_allclose(taps.weights.sum(1), 1, atol=1e-6)
    ramp = np.arange(source) + 0.5
    middle = (np.arange(size) + 0.5) * source / size
    made = (taps.weights * ramp[taps.at]).sum(1)
    inside = (middle >= 1) & (middle <= source - 1)  # beyond the last centres a constant stands for the slope
    np.testing.assert_allclose(made[inside], middle[inside], atol=0.13)  # pixels are steps, not slopes


@pytest.mark.parametrize("size", [(12, 18), (13, 25), (24, 36), (60, 19)])
def test_enlarging_is_the_bilinear_interpolation_of_other_libraries(size: tuple[int, int]) -> None:
    """To the outer edges, where the outermost values continue."""
    expected = interpolate(torch.from_numpy(VALUES)[None], size, mode="bilinear", align_corners=False)[0].numpy()
    np.testing.assert_allclose(ResampledField(CUBE, size).cube(BANDS).values, expected, rtol=1e-4, atol=1e-6)


def test_a_pixel_without_value_spoils_no_other() -> None:
    values = VALUES.copy()
    values[:, 4, 5] = np.nan
    field = ResampledField(CubeField(values, BANDS), (6, 9))
    missing = np.isnan(field.band(460.0))
    assert missing[2, 2] and missing.sum() == 1


def test_radiance_over_a_white_is_reflectance() -> None:
    light = Spectrum(BANDS, np.linspace(1, 3, len(BANDS), dtype=np.float32), "paper")
    field = ResampledField(CUBE, CUBE.shape, white=light)
    assert field.quantity is Quantity.REFLECTANCE and ResampledField(CUBE, CUBE.shape).quantity is Quantity.RADIANCE
    np.testing.assert_allclose(field.band(580.0), CUBE.band(580.0) / light.values[3], rtol=1e-6)


@pytest.mark.parametrize("gain", [0, -1, float("nan")])
def test_a_gain_is_above_zero(gain: float) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        Registration(gain=gain)
