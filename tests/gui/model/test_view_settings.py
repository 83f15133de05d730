import json

import numpy as np
import pytest

from nesr_gui.gui.model.view_settings import Arrangement, Look, Measure, as_json, from_json
from nesr_gui.gui.view_modes import MODES
from nesr_gui.spectral import Spectrum, Wavelengths


def test_a_look_comes_back_from_json() -> None:
    spectrum = Spectrum(Wavelengths.from_step(400, 420, 10), np.array([0.1, 0.2, 0.3], np.float32), "leaf")
    look = Look(
        ("rerendered", "truth_error"), 1, Arrangement.DIVIDED, 0.3, (600.0, 500.0, 420.5), Measure.MRAE, spectrum,
        {"band": (0.0, 0.4)}, {"band": "viridis"}, 12.5,
    )  # fmt: skip
    back = from_json(json.loads(json.dumps(as_json(look))), MODES)
    assert as_json(back) == as_json(look) and back.reference is not None
    np.testing.assert_array_equal(back.reference.values, spectrum.values)
    assert from_json(json.loads(json.dumps(as_json(Look()))), MODES) == Look() == from_json({}, MODES)


@pytest.mark.parametrize("broken", [
    {"arrangement": "triple"}, {"modes": ["band"]}, {"levels": {"band": [1]}}, {"reference": {"name": "x"}},
    {"colour": 1}, {"active": 2}, {"false_colour": [1, 2]}, {"measure": "taste"}, {"modes": 3}, {"levels": 7},
    {"modes": ["band", "sepia"]},
    {"levels": {"band": [1, 1]}}, {"levels": {"band": [0, float("nan")]}}, {"divider": 2}, {"speed": 0},
    {"false_colour": [1, 2, float("inf")]},
])  # fmt: skip
def test_what_is_no_look_is_refused_in_a_sentence(broken: dict) -> None:
    with pytest.raises(ValueError, match="no view that nesr_gui saved"):
        from_json(broken, MODES)


def test_two_pictures_are_never_the_same_at_first() -> None:
    look = Look().showing("similarity")
    assert look.arranged(Arrangement.DIVIDED).modes == ("similarity", "band")
    twice = look.showing("similarity", 1).arranged(Arrangement.SIDE_BY_SIDE)
    assert twice.modes == ("photograph", "similarity") and twice.mode == "similarity"
    both = Look(("photograph", "photograph")).arranged(Arrangement.DIVIDED)
    assert both.modes == ("photograph", "band")


def test_sides_levels_and_line() -> None:
    look = Look().showing("band", 1)
    assert look.sides == (1,) and look.arranged(Arrangement.DIVIDED).sides == (0, 1)
    assert look.divided_at(2.0).divider == 0.95 and look.divided_at(-1).divider == 0.05
    changed = look.with_levels("band", (0.1, 0.2)).with_colormap("band", "magma")
    assert changed.with_levels("band", None).with_colormap("band", None) == look
