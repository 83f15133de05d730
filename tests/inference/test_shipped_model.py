"""What the embedded model promises of any photograph."""

import copy
import hashlib

import numpy as np
import pytest
import torch

from nesr_gui import io, metrics, resources
from nesr_gui.colorimetry import cie
from nesr_gui.fields.protocol import CalibratedField
from nesr_gui.inference import engine
from nesr_gui.inference.model import LoadedModel, load_model
from nesr_gui.spectral import FloatArray, RGBImage
from nesr_gui.training.contributions import relative_change, variants
from nesr_gui.training.sampler import Batch
from nesr_gui.training.vital_signs import vital_signs

BANDS = cie.CAMERA_BANDS


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model(None, "cpu")


@pytest.fixture(scope="module")
def photograph() -> FloatArray:
    sample = next(s for s in resources.samples() if s.photograph.name.startswith("coffee"))
    return io.read_photograph(sample.photograph).reduced(12_000).values


@pytest.fixture(scope="module")
def small(photograph) -> FloatArray:
    """The same with a quarter of the pixels: the paper's size is slow."""
    return np.ascontiguousarray(photograph[::2, ::2])


def spectra(model: LoadedModel, rgb: FloatArray) -> FloatArray:
    """(H, W, 31)."""
    return np.moveaxis(engine.encode(RGBImage(rgb), model).cube(BANDS).values, 0, -1)


def test_its_moving_picture_is_exact(model, photograph):
    field, nm = engine.encode(RGBImage(photograph), model), np.arange(402.5, 700, 5)
    np.testing.assert_allclose(field.preview_bands(nm), field.cube(nm).values, atol=1e-6)


@pytest.fixture(scope="module", params=[path.stem for path in resources.models()])
def living(request) -> LoadedModel:
    """Every embedded model: an earlier one answered a constant, and no test noticed."""
    return load_model(resources.default_model().with_name(f"{request.param}.safetensors"), "cpu")


@pytest.fixture(scope="module")
def changes(living, small) -> dict[str, float]:
    """How much answers change without each part of a network, relative to the answers, root mean square."""
    found = variants(living.network)
    whole = found[0][1](small)
    return {name: relative_change(variant(small), whole) for name, variant in found[1:]}


LEAST_CHANGE = {"the order": 0.02, "the MLP": 0.05, "the encoder": 0.012, "the surroundings": 0.02}
LEAST_CHANGE_OF_PARTS = {"SPI's": 0.01, "SPI (": 0.012, "NAM (": 0.02, "NAM's map (id": 0.02, "NAM's map (un": 0.02}
"""Of the answers, root mean square; the earlier embedded models reached 4e-6 for the order, and .0045 for the MLP."""


def test_every_part_of_it_shows_in_its_answers(living, changes):
    expected = dict(LEAST_CHANGE)
    if living.network.config.spi:
        expected |= LEAST_CHANGE_OF_PARTS
    for part, least in expected.items():
        (found,) = (change for name, change in changes.items() if name.startswith(part))
        assert found >= least, f"without {part} the answers of {living.name} change by {found:.2%} alone"


def test_its_layers_are_alive(living, small):
    height, width = (side // 4 * 4 for side in small.shape[:2])
    rgb = torch.from_numpy(small[:height, :width].copy()).movedim(-1, 0)[None] / cie.white_level(small)
    signs = vital_signs(living.network, Batch(rgb, torch.empty(0), torch.empty(0)))
    assert signs.trouble is None
    assert min(signs.open_units.values()) >= 0.25


@pytest.mark.parametrize("kill", ["layers", "gather"])
def test_a_dead_network_is_noticed(living, small, kill):
    """What the last one was like: hidden units that are closed for every pixel, or a context that says nothing."""
    network = copy.deepcopy(living.network)
    with torch.no_grad():
        if kill == "layers":
            network.layers[-2].weight.zero_()
            network.layers[-2].bias.fill_(-1)
        else:
            network.gather.weight.zero_()
    whole = variants(network)[0][1](small)
    change = {name: relative_change(variant(small), whole) for name, variant in variants(network)[1:]}
    (surroundings,) = (value for name, value in change.items() if name.startswith("the surroundings"))
    assert surroundings < LEAST_CHANGE["the surroundings"]
    rgb = torch.from_numpy(small[:32, :32].copy()).movedim(-1, 0)[None]
    assert vital_signs(network, Batch(rgb, torch.empty(0), torch.empty(0))).trouble is not None


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


def test_calibration_leaves_its_predictions_as_they_were(model):
    """Bit for bit: the weights are those that the figures of the model card were measured with."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.network.state_dict().items()):
        digest.update(name.encode() + tensor.numpy().tobytes())
    assert digest.hexdigest() == "24876436a2fedd0e49b8a08b9e9859295aaeb9d1e0a066c6d8a3c9bdda825e4d"


def test_its_prior_comes_from_the_scenes_that_it_names_and_its_card_names_the_file(model):
    card = resources.default_model().with_suffix(".md").read_text(encoding="utf-8")
    assert model.checkpoint.sha256 in card
    learned = model.checkpoint.provenance["prior"].removeprefix("learned on ").split(", ")
    assert len(set(learned)) == 24 and not {"face", "feathers", "glass_tiles", "stuffed_toys"} & set(learned)
    assert model.checkpoint.prior is not None and model.checkpoint.calibration is not None
