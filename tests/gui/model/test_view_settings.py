from typing import Any

import pytest

from nesr_gui.gui.model.view_settings import PaneLayout, ViewSettings


@pytest.mark.parametrize("broken", [
    {"active": 2}, {"levels": {"band": (1, 1)}}, {"levels": {"band": (0, float("nan"))}}, {"divider": 2},
    {"speed": 0}, {"false_colour": (1, 2, float("inf"))}, {"layers": ({"components": ()}, {})},
    {"layers": ({}, {"components": (0, 1, 2, 3)})}, {"layers": ({"components": (-1,)}, {})},
])  # fmt: skip
def test_values_out_of_their_range_are_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is not|of two|one to three layers"):
        ViewSettings(**broken)


def test_two_pictures_are_never_the_same_at_first() -> None:
    view_settings = ViewSettings().showing("similarity")
    assert view_settings.arranged(PaneLayout.DIVIDED).modes == ("similarity", "photograph")
    twice = view_settings.showing("similarity", 1).arranged(PaneLayout.SIDE_BY_SIDE)
    assert twice.modes == ("photograph", "similarity") and twice.mode == "similarity"
    both = ViewSettings(("photograph", "photograph")).arranged(PaneLayout.DIVIDED)
    assert both.modes == ("photograph", "band")


def test_the_previous_mode_of_a_single_pane_comes_back() -> None:
    band = ViewSettings(("similarity", "doubts")).showing("band")
    assert band.mode == "band" and band.swapped().mode == "similarity" and band.swapped().swapped() == band
    assert band.showing("band") == band  # the mode that is shown again does not hide the previous one
    divided = ViewSettings(("similarity", "doubts"), arrangement=PaneLayout.DIVIDED).showing("band")
    assert divided.modes == ("band", "doubts") and divided.swapped().modes == ("doubts", "band")
    assert divided.swapped().mode == "band"


def test_sides_levels_and_line() -> None:
    view_settings = ViewSettings().showing("band", 1)
    assert view_settings.sides == (1,) and view_settings.arranged(PaneLayout.DIVIDED).sides == (0, 1)
    assert view_settings.divided_at(2.0).divider == 0.95 and view_settings.divided_at(-1).divider == 0.05
    changed = view_settings.with_levels("band", (0.1, 0.2)).with_colormap("band", "magma")
    assert changed.with_levels("band", None).with_colormap("band", None) == view_settings


def test_two_panes_show_layers_of_their_own() -> None:
    single = ViewSettings().showing("components").with_layers("components", 2)
    assert single.layers == ({"components": (2,)}, {"components": (2,)})  # a second pane begins with the same
    beside = single.arranged(PaneLayout.SIDE_BY_SIDE).showing("components", 1).with_layers("components", 0, 1, 2)
    assert beside.layers == ({"components": (2,)}, {"components": (0, 1, 2)})
    assert beside.swapped().layers == beside.layers[::-1]


def test_the_panel_keeps_the_analysis_that_was_active_last() -> None:
    settings = ViewSettings().showing("components")
    assert settings.analysis == "components"
    for other in (settings.showing("band"), settings.swapped(), settings.showing("band").showing("photograph")):
        assert other.analysis == "components"
    assert settings.arranged(PaneLayout.SIDE_BY_SIDE).showing("expression").analysis == "expression"
