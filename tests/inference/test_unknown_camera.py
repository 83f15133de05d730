"""Intervals of pictures by unknown cameras."""

from __future__ import annotations

import numpy as np
import pytest

from nesr_gui.inference.calibration import IntervalCalibration
from nesr_gui.inference.engine import prepare
from nesr_gui.inference.model import LoadedModel, load_model
from nesr_gui.inference.unknown_camera import WidenedCalibration, Widening, measured_widening, widened
from nesr_gui.io.photos.camera_profile import CameraProfile
from nesr_gui.io.photos.develop import develop
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.io.photos.photo import DecodedPhoto, DecodedPixels
from nesr_gui.spectral import CameraKnowledge

PROFILE = CameraProfile("none", ((0, 0), (1, 1)), ((1, 0, 0), (0, 1, 0), (0, 0, 1)))


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model(None, "cpu")


def photo(camera: str, white: int = 255) -> DecodedPhoto:
    pixels = np.random.default_rng(0).integers(10, 250, (16, 16, 3)).astype(np.uint8 if white == 255 else np.uint16)
    return DecodedPhoto(DecodedPixels(pixels, white, camera=camera), "a", "0")


@pytest.mark.parametrize(
    ("camera", "white", "settings", "knowledge"),
    [
        ("Maker One", 255, DevelopSettings(), CameraKnowledge.UNKNOWN),
        ("", 255, DevelopSettings(), CameraKnowledge.KNOWN),
        ("Maker One", 65535, DevelopSettings(), CameraKnowledge.KNOWN),
        ("Maker One", 255, DevelopSettings(profile=PROFILE), CameraKnowledge.CHART),
        ("", 65535, DevelopSettings(profile=PROFILE), CameraKnowledge.CHART),
    ],
)
def test_intervals_are_wider_by_what_is_not_known_of_the_camera(model, camera, white, settings, knowledge) -> None:
    given, image = model.checkpoint.calibration, develop(photo(camera, white), settings)
    used = prepare(image, model).calibration
    assert given is not None and image.source.camera is knowledge
    assert (used is given) == (knowledge is CameraKnowledge.KNOWN)
    if isinstance(used, WidenedCalibration):
        assert used.widening is measured_widening(knowledge)


def test_widths_are_added_to_their_side_and_wavelength(model: LoadedModel) -> None:
    given = model.checkpoint.calibration
    assert isinstance(given, IntervalCalibration)
    wide = widened(given, Widening(np.array([400.0, 700.0]), np.array([0.1, 0.3]), np.array([0.0, 0.2])))
    rgb, nm = np.random.default_rng(0).uniform(0.5, 1, (6, 3)).astype(np.float32), np.array([550.0, 400.0])
    spectra = np.full((6, 2), 0.6, np.float32)
    (low, high), (lower, higher) = (each.prediction_interval(rgb, spectra, nm) for each in (given, wide))
    np.testing.assert_allclose(lower, np.maximum(low - np.array([0.2, 0.1]), 0), atol=1e-6)
    np.testing.assert_allclose(higher, high + np.array([0.1, 0.0]), atol=1e-6)
    np.testing.assert_array_equal(wide.is_unfamiliar(rgb), given.is_unfamiliar(rgb))
    dark = wide.prediction_interval(rgb * 0.01, spectra * 0.01, nm)[0]
    assert (dark == 0).all()


def test_the_measured_widths_are_larger_the_less_is_known() -> None:
    means = []
    for knowledge in (CameraKnowledge.CHART, CameraKnowledge.UNKNOWN):
        measured = measured_widening(knowledge)
        assert measured is not None and measured.nm.shape == measured.below.shape == measured.above.shape == (31,)
        sides = np.stack([measured.below, measured.above])
        assert sides.min() >= 0
        means.append(sides.mean())
    assert 0.0005 < means[0] < 0.7 * means[1] < 0.1
    assert measured_widening(CameraKnowledge.KNOWN) is None
