"""Widths of intervals for cameras that are not known exactly are those that their pictures need."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nesr_gui.colorimetry import cie
from nesr_gui.colorimetry.charts import classic
from nesr_gui.inference import engine
from nesr_gui.inference.model import LoadedModel
from nesr_gui.spectral import CameraKnowledge
from nesr_gui.training import camera_evaluation
from nesr_gui.training.camera_evaluation import (
    CHART_CORNERS,
    CHART_SHAPE,
    measure_widening,
    photographed,
    scale_to,
)
from nesr_gui.training.cameras import chart_spectra, simulated_cameras
from nesr_gui.training.robustness import interval_cubes
from tests.fields.test_anchored import model
from tests.training import worlds


@pytest.fixture(scope="module")
def cameras(tmp_path_factory):
    nm, path = cie.CAMERA_BANDS.nm, tmp_path_factory.mktemp("cameras") / "cameras.npz"
    bumps = [np.exp(-(((nm[:, None] - np.array([peak, 540, 455])) / 40) ** 2)) for peak in (590, 610)]
    np.savez(path, names=np.array(["one", "two"]), sensitivities=np.stack(bumps).astype(np.float32))
    return path


@pytest.fixture(scope="module")
def exact() -> LoadedModel:
    """A model whose intervals have no width."""
    plain = model()
    given = plain.checkpoint.calibration
    assert given is not None
    none = replace(given, low=0 * given.low, high=0 * given.high)
    return replace(plain, checkpoint=replace(plain.checkpoint, calibration=none))


@pytest.fixture(autouse=True, scope="module")
def calibrate_each_camera_once():
    made, slow = {}, camera_evaluation.chart_profile

    def profile(camera, *chart):
        key = camera.weights.tobytes()
        if key not in made:
            made[key] = slow(camera, *chart)
        return made[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(camera_evaluation, "chart_profile", profile)
        yield


@pytest.mark.parametrize("knowledge", [CameraKnowledge.CHART, CameraKnowledge.UNKNOWN])
def test_with_the_widths_the_intervals_hold_nine_tenths(exact, cameras, knowledge, monkeypatch):
    scenes, has_chart = [worlds.scene("a")], knowledge is CameraKnowledge.CHART
    widths = measure_widening(exact, scenes, cameras, knowledge, every=1, stride=4)
    monkeypatch.setattr(engine, "measured_widening", lambda camera: widths if camera is knowledge else None)
    inside = []
    chart = chart_spectra(classic(), CHART_CORNERS, CHART_SHAPE)
    for scene in (camera_evaluation.thinned(each, 4) for each in scenes):
        for camera in simulated_cameras(cameras):
            profile = camera_evaluation.chart_profile(camera, chart, CHART_CORNERS) if has_chart else None
            image = photographed(camera, scene, profile)
            image = replace(image, source=replace(image.source, camera=knowledge))
            field = engine.encode(image, exact)
            low, high = interval_cubes(field, field.shape)
            counted = np.ones(field.shape, bool)
            answer = field.cube(cie.CAMERA_BANDS).values
            truth = scene.cube * (1 if has_chart else scale_to(scene.cube, answer, counted))
            inside.append(((truth >= low) & (truth <= high)).mean())
    assert np.mean(inside) == pytest.approx(0.9, abs=0.05)
    assert widths.below.min() >= 0 and max(widths.below.max(), widths.above.max()) > 0.05


def test_a_profile_from_a_chart_is_used(exact, cameras):
    """It brings the pictures nearer to the truth, whose scale it fixes."""
    seen = []
    for knowledge in (CameraKnowledge.CHART, CameraKnowledge.UNKNOWN):
        widths = measure_widening(exact, [worlds.scene("a")], cameras, knowledge, every=1, stride=4)
        seen.append(np.stack([widths.below, widths.above]))
    assert abs(seen[0] - seen[1]).max() > 0.01


def test_a_model_without_intervals_is_refused(cameras):
    with pytest.raises(ValueError, match=r"tiny has no intervals to widen; calibrate it first"):
        measure_widening(model(calibrated=False), [worlds.scene("a")], cameras, CameraKnowledge.UNKNOWN)
