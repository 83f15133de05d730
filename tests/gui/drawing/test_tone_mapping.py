import numpy as np
import pytest

from nesr_gui.colorimetry.cie import decode_srgb, encode_srgb, wavelength_colours
from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.drawing.tone_mapping import Histogram, ToneMapping, bar_colours, display_range, lookup
from nesr_gui.gui.model.palette import GREY, TINT, colormaps
from nesr_gui.gui.tasks.loading import displayed
from nesr_gui.spectral import RGBImage
from tests.gui.conftest import BANDS, smooth_cube

FIELD = CubeField(smooth_cube(300, 400), BANDS)
VALUES = np.linspace(-1, 3, 999, dtype=np.float32)


@pytest.mark.parametrize("limits", [(0.0, 1.0), (-0.5, 0.5), (0.2, 2.7)])
def test_grey_is_encoded_like_a_photograph_and_colours_are_linear(limits: tuple[float, float]) -> None:
    share = np.clip((VALUES - limits[0]) / (limits[1] - limits[0]), 0, 1)
    np.testing.assert_allclose(ToneMapping.of(limits, GREY).shade(VALUES) / 255, encode_srgb(share), atol=0.003)
    np.testing.assert_allclose(ToneMapping.of(limits, "viridis").shade(VALUES) / 255, share, atol=0.005)
    assert (
        ToneMapping.of(limits, TINT)
        == ToneMapping.of(limits, "viridis", is_colour=True)
        == ToneMapping.of(limits, GREY)
    )


@pytest.mark.parametrize("colormap", [GREY, "viridis"])
def test_what_is_no_number_is_shaded_all_the_same(colormap: str) -> None:
    odd = np.array([np.nan, -np.inf, np.inf], np.float32)
    before = odd.copy()
    assert ToneMapping.of((0, 1), colormap).shade(odd).tolist() == [0, 0, 255]
    np.testing.assert_array_equal(odd, before)  # what was painted stays


@pytest.mark.parametrize("name", colormaps())
def test_every_colormap_has_its_256_colours(name: str) -> None:
    table = lookup(name, 550.0)
    assert table is None if name == GREY else (table.shape, table.dtype) == ((256, 3), np.uint8)


def test_a_tint_ends_in_the_colour_of_its_wavelength_and_reversed_is_reversed() -> None:
    tint, forth, back = lookup(TINT, 650.0), lookup("viridis", 0.0), lookup("viridis reversed", 0.0)
    assert tint is not None and forth is not None and back is not None
    assert tint[0].tolist() == [0, 0, 0] and tint[255].tolist() == wavelength_colours(650.0)[0].tolist()
    np.testing.assert_array_equal(forth, back[::-1])
    assert lookup("of another machine", 550.0) is None


@pytest.mark.parametrize("name", [GREY, TINT, "viridis", "magma, reversed"])
def test_the_colours_of_a_bar_are_those_of_the_picture(name: str) -> None:
    values = np.linspace(2, 6, 256, dtype=np.float32)
    table, shades = lookup(name, 520.0), ToneMapping.of((2.0, 6.0), name).shade(values)
    picture = table[shades] if table is not None else np.repeat(shades[:, None], 3, axis=1)
    assert np.abs(bar_colours(name, 520.0).astype(int) - picture).max() <= 2


def test_a_histogram_counts_finite_values_and_knows_where_most_lie() -> None:
    values = np.r_[np.linspace(0, 1, 1000), np.nan, np.inf].astype(np.float32)
    known = Histogram.of(values)
    assert known is not None and known.counts.sum() == 1000 and (known.low, known.high) == (0, 1)
    np.testing.assert_allclose(known.percentiles, (0.005, 0.995), atol=1e-3)
    flat = Histogram.of(np.full((4, 4), 2.0, np.float32))
    assert flat is not None and flat.percentiles[1] > flat.percentiles[0]
    assert Histogram.of(np.full(3, np.nan, np.float32)) is None


def test_levels_are_zero_and_nearly_the_top() -> None:
    low, high = display_range(FIELD)
    assert low == 0 and 0.85 < high <= 0.9
    assert display_range(CubeField(np.zeros((31, 4, 4), np.float32), BANDS)) == (0, 1)


def test_displayed_colours_are_those_of_the_file() -> None:
    codes = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    np.testing.assert_array_equal(displayed(RGBImage(decode_srgb(codes / 255))), codes)
