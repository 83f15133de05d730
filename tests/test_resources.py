"""What travels with the program is there, opens, and is what it says."""

import re

import numpy as np
import pytest

from nesr_gui import io, resources
from nesr_gui.colorimetry import cie
from nesr_gui.inference.checkpoint import load_checkpoint
from nesr_gui.networks.nesr import parameter_count
from nesr_gui.training import synthesis


@pytest.mark.parametrize("sample", resources.samples(), ids=lambda sample: sample.name)
def test_samples_open(sample):
    image = io.read_photograph(sample.photograph)
    assert sample.title
    assert sample.credit
    if sample.truth:
        assert io.open_cube(sample.truth).shape == image.shape


def test_the_colour_checker_is_what_the_project_renders():
    sample = resources.sample("colour_checker")
    truth, rgb = synthesis.render()
    cube = io.open_cube(sample.truth)
    np.testing.assert_allclose(cube.cube(truth.wavelengths).values, truth.values, atol=1e-6)
    photograph = io.read_photograph(sample.photograph).values
    np.testing.assert_allclose(cie.encode_srgb(photograph), cie.encode_srgb(rgb), atol=0.6 / 255)


def test_unknown_sample_names_those_there_are():
    with pytest.raises(KeyError, match="colour_checker"):
        resources.sample("mona_lisa")


def test_the_embedded_model_is_lean_and_says_where_it_comes_from():
    path = resources.default_model()
    assert path.stat().st_size < 20 << 20
    checkpoint = load_checkpoint(path)
    assert parameter_count(checkpoint.network) < 0.6e6
    assert checkpoint.config.bands[0] == 400
    assert checkpoint.config.bands[-1] == 700
    for key in ("scenes", "spectra", "training", "device", "calibrated"):
        assert checkpoint.provenance[key], key
    learned = checkpoint.provenance["scenes"].split(", ")
    assert len(learned) == 24
    assert not {"face", "feathers", "glass_tiles", "stuffed_toys"} & set(learned)
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    assert checkpoint.sha256 in card


def test_the_guide_is_whole():
    guide = resources.guide()
    text = guide.read_text(encoding="utf-8")
    assert text.startswith("# ")
    pictures = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", text)
    assert [name for _, name in pictures if not (guide.parent / name).is_file()] == []
    assert [name for words, name in pictures if len(words) < 10] == []  # what it shows, for those who do not see it
    headings = [line.lstrip("# ").lower() for line in text.splitlines() if line.startswith("#")]
    slugs = {re.sub(r"[^\w-]", "", heading.replace(" ", "-")) for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= slugs
