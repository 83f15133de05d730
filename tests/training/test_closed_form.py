"""What baselines are fitted to."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from nesr_gui.training import closed_form
from tests.training.test_crop_sampler import CAVE, NM, prepared, source


def test_the_camera_follows_from_colours_that_were_not_clipped(monkeypatch):
    """A regression that also learns from channels clipped at zero is bent: saturated dyes lie outside sRGB."""
    monkeypatch.setattr(closed_form, "CROP_BATCHES", 8)
    scene = prepared(0)
    scene.cube[..., :18] *= 0.02  # all yellow, orange and red
    clipped = dataclasses.replace(scene, rgb=CAVE.camera.expose(np.moveaxis(scene.cube, -1, 0), CAVE.bands))
    assert (clipped.rgb == 0).any()
    colours, spectra = closed_form.sample_crops(source(scenes=[clipped, prepared(1)]), NM, seed=0)
    assert colours.min() > 0 and colours.max() < 1 and len(colours) > 100
    camera = torch.from_numpy(CAVE.camera.sensitivities(CAVE.bands).T.astype(np.float32))
    torch.testing.assert_close(spectra @ camera, colours, atol=1e-5, rtol=1e-4)
