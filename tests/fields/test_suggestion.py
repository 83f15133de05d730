"""The suggested spot is the one whose reading would narrow the intervals most."""

import dataclasses

import numpy as np
import pytest

from nesr_gui.fields.anchored import Anchor
from nesr_gui.fields.suggestion import choose_spots, suggest_spots
from nesr_gui.inference import engine
from nesr_gui.spectral import RGBImage, Spectrum
from tests import tiny
from tests.fields.test_anchored import BANDS, model


def remaining(prior, features, importance, chosen) -> float:
    """Variance that is left, from a matrix inverse per curve."""
    noise, total = prior.patch_noise(prior.faintness(features)), 0.0
    for curve, size in enumerate(np.square(prior.curves).sum(0)):
        gram = np.tensordot(prior.weights[:, curve], prior.kernels(features, features).astype(float), 1)
        across = gram[:, chosen]
        inverse = np.linalg.inv(gram[np.ix_(chosen, chosen)] + np.diag(noise[curve, chosen]))
        total += size * importance @ (np.diag(gram) - np.einsum("ij,jk,ik->i", across, inverse, across))
    return float(total)


@pytest.mark.parametrize("known", [0, 2])
def test_each_spot_leaves_the_least_variance_of_all_candidates(known):
    prior, rng = tiny.residual_prior(), np.random.default_rng(1)
    features = np.concatenate([rng.normal(0, 0.5, (3, 30)), rng.uniform(-1, 0, (1, 30)), rng.uniform(0, 1, (2, 30))])
    features = features.astype(np.float32)
    importance, candidates = rng.uniform(0.1, 1, 30), np.arange(1, 30, 2)
    before = [0, 4][:known]
    posterior = prior.posterior(features[:, before], np.zeros((4, known)), np.zeros((4, known))) if known else None
    for spot in choose_spots(prior, posterior, features, importance, candidates, 4):
        left = {each: remaining(prior, features, importance, [*before, each]) for each in candidates}
        assert left[spot] == pytest.approx(min(left[each] for each in candidates if each not in before), rel=1e-4)
        before.append(spot)
    assert len(set(before)) == 4 + known


def test_a_measured_colour_is_not_suggested_again():
    values = np.full((24, 28, 3), 0.5, np.float32)
    values[:, 18:] = (0.1, 0.4, 0.2)
    prior = dataclasses.replace(tiny.residual_prior(), rates=np.repeat([[1.0, 0]], [4, 2], 1).repeat(3, 0))
    field = engine.encode(RGBImage(values), model(prior=prior))
    (first,) = suggest_spots(field)
    assert first[1] < 18  # the larger, brighter area
    curve = field.spectra([first], BANDS)[0]
    (second,) = suggest_spots(field.anchored([Anchor(*first, Spectrum(BANDS, curve, "x"))]))
    assert second[1] > 18
    assert suggest_spots(field, 2) == [first, second]


def test_spots_are_in_source_pixels_where_they_are_allowed():
    field = engine.encode(tiny.image(24, 28).reduced(24 * 28 // 4), model())
    allowed = np.zeros(field.shape, bool)
    allowed[3:9, 4:11] = True
    spots = suggest_spots(field, 3, allowed)
    assert len(set(spots)) == 3
    assert all(row % 2 == col % 2 == 0 and allowed[row // 2, col // 2] for row, col in spots)
    with pytest.raises(ValueError, match=r"no pixel of the image may be measured"):
        suggest_spots(field, 1, np.zeros(field.shape, bool))
    assert len(suggest_spots(engine.encode(tiny.image(3, 3), model()), 2)) == 2


def test_a_model_without_a_prior_says_so():
    bare = model()
    bare = dataclasses.replace(bare, checkpoint=dataclasses.replace(bare.checkpoint, prior=None))
    with pytest.raises(ValueError, match=r"no prior for measured spectra"):
        suggest_spots(engine.encode(tiny.image(8, 8), bare))
