import json

import numpy as np
import pytest

from nesr_gui.gui.model.session_file import read_view_settings, view_settings_json
from nesr_gui.gui.model.view_settings import ErrorMetric, PaneLayout, ViewSettings
from nesr_gui.gui.view_modes import MODES
from nesr_gui.spectral import Spectrum, Wavelengths


def test_a_look_comes_back_from_json() -> None:
    spectrum = Spectrum(Wavelengths.from_step(400, 420, 10), np.array([0.1, 0.2, 0.3], np.float32), "leaf")
    view_settings = ViewSettings(
        ("rerendered", "truth_error"), 1, PaneLayout.DIVIDED, 0.3, (600.0, 500.0, 420.5), ErrorMetric.MRAE, spectrum,
        {"band": (0.0, 0.4)}, {"band": "viridis"}, 12.5,
    )  # fmt: skip
    back = read_view_settings(json.loads(json.dumps(view_settings_json(view_settings))), MODES)
    assert view_settings_json(back) == view_settings_json(view_settings) and back.reference is not None
    np.testing.assert_array_equal(back.reference.values, spectrum.values)
    assert (
        read_view_settings(json.loads(json.dumps(view_settings_json(ViewSettings()))), MODES)
        == ViewSettings()
        == read_view_settings({}, MODES)
    )


@pytest.mark.parametrize("broken", [
    {"arrangement": "triple"}, {"modes": ["band"]}, {"levels": {"band": [1]}}, {"reference": {"name": "x"}},
    {"colour": 1}, {"active": 2}, {"false_colour": [1, 2]}, {"measure": "taste"}, {"modes": 3}, {"levels": 7},
    {"modes": ["band", "sepia"]},
    {"levels": {"band": [1, 1]}}, {"levels": {"band": [0, float("nan")]}}, {"divider": 2}, {"speed": 0},
    {"false_colour": [1, 2, float("inf")]},
])  # fmt: skip
def test_what_is_no_look_is_refused_in_a_sentence(broken: dict) -> None:
    with pytest.raises(ValueError, match="the view settings are invalid"):
        read_view_settings(broken, MODES)


def test_two_pictures_are_never_the_same_at_first() -> None:
    view_settings = ViewSettings().showing("similarity")
    assert view_settings.arranged(PaneLayout.DIVIDED).modes == ("similarity", "band")
    twice = view_settings.showing("similarity", 1).arranged(PaneLayout.SIDE_BY_SIDE)
    assert twice.modes == ("photograph", "similarity") and twice.mode == "similarity"
    both = ViewSettings(("photograph", "photograph")).arranged(PaneLayout.DIVIDED)
    assert both.modes == ("photograph", "band")


def test_sides_levels_and_line() -> None:
    view_settings = ViewSettings().showing("band", 1)
    assert view_settings.sides == (1,) and view_settings.arranged(PaneLayout.DIVIDED).sides == (0, 1)
    assert view_settings.divided_at(2.0).divider == 0.95 and view_settings.divided_at(-1).divider == 0.05
    changed = view_settings.with_levels("band", (0.1, 0.2)).with_colormap("band", "magma")
    assert changed.with_levels("band", None).with_colormap("band", None) == view_settings
