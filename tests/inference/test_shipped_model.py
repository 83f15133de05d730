"""What the embedded model promises of any photograph."""

import numpy as np
import pytest

from nesr_gui import io, metrics, resources
from nesr_gui.colorimetry import cie
from nesr_gui.fields.protocol import CalibratedField
from nesr_gui.inference import engine
from nesr_gui.inference.model import LoadedModel, load_model
from nesr_gui.spectral import FloatArray, RGBImage

BANDS = cie.CAMERA_BANDS


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model(None, "cpu")


@pytest.fixture(scope="module")
def photograph() -> FloatArray:
    sample = next(s for s in resources.samples() if s.photograph.name.startswith("coffee"))
    return io.read_photograph(sample.photograph).reduced(12_000).values


def spectra(model: LoadedModel, rgb: FloatArray) -> FloatArray:
    """(H, W, 31)."""
    return np.moveaxis(engine.encode(RGBImage(rgb), model).cube(BANDS).values, 0, -1)


def test_its_sketches_are_hardly_off(model, photograph, monkeypatch):
    monkeypatch.setattr("nesr_gui.inference.nesr_field.is_faster_in_bfloat16", lambda device: True)
    field, nm = engine.encode(RGBImage(photograph), model), np.arange(402.5, 700, 5)
    off = abs(field.preview_bands(nm) - field.cube(nm).values)
    assert 0 < np.sqrt(np.mean(off**2)) < 5e-4
    assert off.max() < 5e-3


@pytest.mark.parametrize("k", [0.1, 0.3])
def test_a_darker_photograph_has_the_same_spectra_but_darker(model, photograph, k):
    def stored(rgb: FloatArray) -> FloatArray:
        """Through a 16-bit sRGB file."""
        return cie.decode_srgb(np.round(cie.encode_srgb(rgb) * 65535) / 65535)

    original, darker = spectra(model, stored(photograph)), spectra(model, stored(photograph * np.float32(k)))
    bright = original.mean(-1) > 0.02
    assert np.median(metrics.spectral_angle(darker[bright], original[bright])) <= 0.5
    assert np.median(abs(darker[bright] / (k * original[bright]) - 1)) <= 0.01


def test_photographed_again_the_answer_has_the_photograph_s_colours(model, photograph):
    codes = np.round(cie.encode_srgb(photograph) * 255)
    unclipped = ((codes > 0) & (codes < 255)).all(-1)
    again = spectra(model, photograph)[unclipped] @ cie.default_camera().T
    median, most = np.percentile(cie.colour_differences(again, photograph[unclipped]), [50, 99])
    assert median <= 0.5
    assert most <= 2


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 17)])
@pytest.mark.parametrize(
    "colour", [(0, 0, 0), (1, 1, 1), (0.5, 0.5, 0.5), (1, 0, 0), (0, 0, 1), (0, 1, 1), (0.001,) * 3]
)
def test_flat_and_tiny_photographs_have_plausible_spectra(model, shape, colour):
    rgb = np.broadcast_to(np.array(colour, np.float32), (*shape, 3))
    answer = spectra(model, rgb)
    assert np.isfinite(answer).all()
    assert answer.min() >= 0
    # no material is as saturated as a corner of sRGB, so what comes near must reflect more than all light
    assert answer.max() <= (1.3 if max(colour) == min(colour) else 2) * max(*colour, 1e-3)
    assert np.ptp(answer, axis=(0, 1)).max() <= 0.35 * max(max(colour), 1e-3)  # a flat photograph is answered evenly
    if colour[0] == colour[1] == colour[2] > 0:
        assert answer.mean() == pytest.approx(colour[0], rel=0.2)


def test_its_intervals_surround_the_answer_and_scale_with_the_light(model, photograph):
    field, dark = (engine.encode(RGBImage(photograph * np.float32(k)), model) for k in (1.0, 0.25))
    assert isinstance(field, CalibratedField)
    assert isinstance(dark, CalibratedField)
    points = [(row, col) for row in range(0, field.shape[0], 9) for col in range(0, field.shape[1], 9)]
    values = field.spectra(points, BANDS)
    lower, upper = field.prediction_interval(points, BANDS)
    assert (lower <= values).all()
    assert (values <= upper).all()
    assert 0.01 < np.median((upper - lower) / values) < 2
    np.testing.assert_allclose(dark.prediction_interval(points, BANDS)[1], 0.25 * upper, rtol=0.02, atol=1e-3)


def test_a_colour_no_material_has_is_doubted(model):
    rgb = np.full((4, 4, 3), 0.4, np.float32)
    rgb[1, 2] = 0.0, 1.0, 0.0
    field = engine.encode(RGBImage(rgb), model)
    assert isinstance(field, CalibratedField)
    assert field.quality_flags()[1, 2] > 0
    assert field.quality_flags()[0, 0] == 0
