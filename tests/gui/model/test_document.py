"""Settings that change what is computed or plotted are undoable commands; others are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter

import numpy as np
import pytest

from nesr_gui.analysis.distances import Distance
from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.model.analyses import AnalysisKind, AnalysisSettings
from nesr_gui.gui.model.changes import Change
from nesr_gui.gui.model.document import Document
from nesr_gui.gui.model.library import MatchSettings
from nesr_gui.gui.model.marks import analysis_key
from nesr_gui.gui.model.plot_settings import Transform
from nesr_gui.gui.model.statistics_settings import Scope, StatisticsSettings
from nesr_gui.spectral import Spectrum, Wavelengths
from tests.gui.conftest import BANDS, smooth_cube

GREY = Spectrum(np.full(4, 0.5, np.float32), Wavelengths.evenly_spaced(4, 400, 700), name="grey")


@pytest.mark.parametrize(
    ("value", "change", "announced"),
    [
        ("view_settings.box", lambda document: document.set_box(5), Change.VIEW_SETTINGS),
        ("plot_settings.transform", lambda document: document.set_transform(Transform(continuum=True)),
         Change.PLOT_SETTINGS),
        ("plot_settings.library", lambda document: document.add_references([GREY], "grey.csv"), Change.PLOT_SETTINGS),
        ("statistics", lambda document: document.set_statistics(StatisticsSettings(Scope.IMAGE)), Change.STATISTICS),
        ("match_settings", lambda document: document.set_match_settings(MatchSettings(Distance.RMSE)),
         Change.MATCH_SETTINGS),
        ("analysis_settings", lambda document: document.set_analysis_settings(
            replace(document.analysis_settings, abstains=False), "marking"), Change.ANALYSIS_SETTINGS),
    ],
)  # fmt: skip
def test_a_change_is_undone_and_redone(value: str, change: Callable[[Document], None], announced: Change) -> None:
    document, get = Document(), attrgetter(value)
    seen: list[Change] = []
    document.changed.connect(seen.append)
    before = get(document)
    change(document)
    after = get(document)
    assert after != before and document.undo_stack.count() == 1
    document.undo_stack.undo()
    assert get(document) == before
    document.undo_stack.redo()
    assert get(document) == after
    assert seen.count(announced) == 3
    change(document) if value != "plot_settings.library" else document.set_references(document.plot_settings.library)
    assert document.undo_stack.count() == 1, "nothing has changed"


def test_a_drag_of_numbers_is_one_step_and_a_choice_is_another() -> None:
    document = Document()
    for high in (500.0, 510.0, 520.0):
        document.set_statistics(StatisticsSettings(within=(420.0, high)))
    document.set_statistics(StatisticsSettings(Scope.IMAGE, (420.0, 520.0)))
    for high in (500.0, 510.0, 520.0):
        document.set_match_settings(replace(document.match_settings, within=(420.0, high)))
    document.set_match_settings(replace(document.match_settings, distance=Distance.RMSE))
    assert document.undo_stack.count() == 4
    document.undo_stack.undo()
    assert document.match_settings == MatchSettings(within=(420.0, 520.0))
    document.undo_stack.undo()
    assert document.match_settings == MatchSettings()
    document.undo_stack.undo()
    assert document.statistics == StatisticsSettings(within=(420.0, 520.0))
    document.undo_stack.undo()
    assert document.statistics == StatisticsSettings()


def test_a_new_tab_has_all_settings_of_the_one_before() -> None:
    """What is computed and how it is shown; marks, selections and transects belong to their images."""
    document, other = Document(), Document()
    document.set_box(5)
    document.set_transform(Transform(continuum=True))
    document.set_statistics(StatisticsSettings(Scope.IMAGE))
    document.set_match_settings(MatchSettings(Distance.RMSE))
    document.set_analysis_settings(replace(document.analysis_settings, within=(450.0, 600.0)), "wavelengths")
    document.set_wavelength(612.0)
    names = "view_settings", "plot_settings", "statistics", "match_settings", "analysis_settings", "nm", "viewing"
    different = [name for name in names if getattr(document, name) != getattr(other, name)]
    assert different == list(names[:-1])
    other.adopt_settings(document)
    assert [name for name in names if getattr(document, name) != getattr(other, name)] == []


def test_references_are_removed_by_one_step() -> None:
    document = Document()
    document.add_references([GREY, replace(GREY, name="other")], "grey.csv")
    document.set_references(())
    assert document.undo_stack.undoText() == "removal of reference spectra"
    document.undo_stack.undo()
    assert [each.spectrum.name for each in document.plot_settings.library] == ["grey", "other"]


def test_a_mark_that_gets_the_number_of_a_removed_one_starts_anew() -> None:
    document = Document()
    document.open_cube("scene", CubeField(smooth_cube(20, 30), BANDS), (0.0, 1.0))
    for col in (3, 5):
        document.add_pin(4, col)
    key = analysis_key(document.marks[1])
    classes = document.analysis_settings.classes.with_own(key, 25.0)
    settings = document.analysis_settings.with_definition(AnalysisKind.CLASSES, classes).using(key, is_used=False)
    document.set_analysis_settings(settings, "threshold of a class")
    document.remove_marks(2)
    assert [mark.number for mark in document.marks] == [1]
    assert document.analysis_settings == AnalysisSettings()
    document.undo_stack.undo()
    assert [mark.number for mark in document.marks] == [1, 2] and document.analysis_settings == settings
    document.undo_stack.redo()
    document.add_pin(9, 9)
    assert document.marks[1].number == 2 and not document.analysis_settings.left_out
    steps = document.undo_stack.count()
    document.remove_marks(1, 2)
    assert document.marks == () and document.undo_stack.count() == steps + 1
