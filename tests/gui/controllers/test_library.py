"""Spectral libraries in the window: opened, ranked as by the analysis, drawn to scale, never stale, in sessions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spectral
from PySide6.QtCore import QMimeData, QPoint, QPointF, QSize, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from nesr_gui.analysis.distances import Distance, colour_distances
from nesr_gui.analysis.library import SpectralLibrary
from nesr_gui.analysis.matching import Query, find_metamers, rank_matches
from nesr_gui.colorimetry.viewing_conditions import Illuminant, ViewingConditions
from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.app import App
from nesr_gui.gui.controllers.library import NO_FIELD, NO_MARK, UNFINISHED
from nesr_gui.gui.model.changes import Change
from nesr_gui.gui.model.document import DocumentSource
from nesr_gui.gui.model.library import MatchSettings
from nesr_gui.gui.model.plot_settings import MOST, Kind
from nesr_gui.gui.tasks import library as tasks
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.views.panels.library import EMPTY, MatchModel
from nesr_gui.io.spectra.csv import read_table, write_curves
from nesr_gui.io.spectra.envi_library import write_curves as write_sli
from nesr_gui.io.spectra.readers import read_spectra
from nesr_gui.regions import Region
from nesr_gui.spectral import Quantity, Spectrum, Wavelengths
from tests.analysis.scenes import BANDS, UncertainCube, chart_spectra, mixed_cube
from tests.gui.controllers.test_anchors import FAR, SPOT, measure, prior, window  # noqa: F401 - fixtures

PIN, OTHER, BOX = (3, 4), (20, 9), Region.rectangle(5, 6, 9, 12)
VALUES = mixed_cube(24, 31)
CHART = chart_spectra(18)
RANK, NAME, DISTANCE, TOLD, GAIN, FILE = range(6)


def settle(app: App, qtbot: QtBot) -> None:
    """Wait until all is answered."""
    qtbot.waitUntil(
        lambda: not (app.worker._newest or app.refresh._stale or app.renderers[0]._rest.isActive())
    )  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A table of twelve patches, and a library of six others in percent, one of which is short."""
    wide = Wavelengths.from_step(380, 720, 5)
    write_curves(tmp_path / "paints.csv", CHART[:12])
    percent = [
        Spectrum(wide, 100 * np.interp(wide.nm, BANDS.nm, each.values).astype(np.float32), f"mineral {at}")
        for at, each in enumerate(CHART[12:])
    ]
    write_sli(tmp_path / "minerals.sli", percent)
    short = Wavelengths.from_step(500, 700, 10)
    write_curves(tmp_path / "short.csv", [Spectrum(short, np.linspace(0.2, 0.5, len(short)), "short")])
    return tmp_path / "paints.csv", tmp_path / "minerals.sli"


@pytest.fixture
def cube(app: App, qtbot: QtBot) -> App:
    """A window with a measured cube."""
    app.document.open_cube("cube", CubeField(VALUES, BANDS, Quantity.REFLECTANCE), (0.0, 1.0))
    settle(app, qtbot)
    return app


@pytest.fixture
def library(cube: App, files: tuple[Path, Path], qtbot: QtBot) -> App:
    """A window with a measured cube, a pin, and two libraries in the visible panel."""
    cube.document.add_pin(*PIN)
    cube.library.open(files)
    settle(cube, qtbot)
    return cube


@pytest.fixture
def uncertain(library: App, qtbot: QtBot) -> App:
    """The same with a reconstruction that has intervals."""
    show_field(library, UncertainCube(VALUES, np.full(VALUES.shape[1:], 0.06)))
    settle(library, qtbot)
    return library


def show_field(app: App, field: CubeField) -> None:
    app.document.set_field(field, 1, (0.0, 1.0))


def cells(app: App, column: int) -> list[str]:
    model = app.library.panel.model
    return [model.index(row, column).data() for row in range(model.rowCount())]


def change(app: App, **settings: Any) -> None:
    app.document.set_match_settings(replace(app.document.match_settings, **settings))


def drawn(app: App, kind: Kind) -> dict[str, Spectrum]:
    return {line.name: line.spectrum for line in app.document.plot_content().lines if line.kind is kind}


def slow_angles(values: np.ndarray, others: list[Spectrum]) -> dict[str, float]:
    """Angles in degrees at the bands by the definition, one value after the other."""
    found = {}
    for other in others:
        a = [float(value) for value in values]
        b = [float(np.interp(nm, other.wavelengths.nm, other.values)) for nm in BANDS.nm]
        dot = sum(x * y for x, y in zip(a, b, strict=True))
        found[other.name] = np.degrees(np.arccos(dot / (sum(x * x for x in a) * sum(y * y for y in b)) ** 0.5))
    return found


# What the panel lists


def test_the_list_is_that_of_a_slow_computation_on_a_measured_cube(library: App, files: tuple[Path, Path]) -> None:
    spectra = [*read_spectra(files[0]), *read_spectra(files[1])]
    angles = slow_angles(VALUES[:, PIN[0], PIN[1]], spectra)
    expected = sorted(angles, key=angles.__getitem__)
    assert cells(library, NAME) == expected and len(expected) == 18
    assert cells(library, DISTANCE) == [f"{angles[name]:.3g}°" for name in expected]
    assert cells(library, RANK) == [str(rank) for rank in range(1, 19)]
    assert set(cells(library, TOLD)) == {"–"}
    file_of = {each.name: files[at >= 12].name for at, each in enumerate(spectra)}
    assert cells(library, FILE) == [file_of[name] for name in expected]


def test_the_list_is_that_of_the_analysis(uncertain: App, files: tuple[Path, Path], qtbot: QtBot) -> None:
    panel, document = uncertain.library.panel, uncertain.document
    for distance in Distance:
        panel.distance.setCurrentIndex(panel.distance.findData(distance))
        panel.distance.activated.emit(panel.distance.currentIndex())
        within = (420.0, 690.0) if distance is not Distance.COLOUR else (410.0, 700.0)
        panel.low.setValue(within[0])
        panel.high.setValue(within[1])
        assert document.match_settings == MatchSettings(distance, within)
        settle(uncertain, qtbot)
        query = Query.at_pixel(document.field, *PIN, within)
        matches = rank_matches(query, SpectralLibrary.read(files), distance, viewing=document.viewing)
        assert cells(uncertain, NAME) == [match.entry.name for match in matches]
        assert cells(uncertain, DISTANCE) == [f"{match.distance:.3g}{distance.unit}" for match in matches]
        assert cells(uncertain, GAIN) == [f"{match.gain:.3g}" for match in matches]
        told = [text.partition(" ")[0] for text in cells(uncertain, TOLD)]
        assert told == ["no" if match.cannot_be_told_apart else "yes" for match in matches]
        assert {"no", "yes"} == set(told)
    panel.low.setValue(400)
    assert document.match_settings.within is None, "the whole range, whatever the next image covers"


def test_a_region_is_compared_by_the_mean_of_its_pixels(uncertain: App, files: tuple[Path, Path], qtbot: QtBot) -> None:
    uncertain.document.mark_set.add(BOX)
    settle(uncertain, qtbot)
    pixels = [(row, col) for row in range(5, 9) for col in range(6, 12)]
    mean = sum(VALUES[:, row, col].astype(np.float64) for row, col in pixels) / len(pixels)
    angles = slow_angles(mean, [*read_spectra(files[0]), *read_spectra(files[1])])
    assert cells(uncertain, NAME) == sorted(angles, key=angles.__getitem__)
    query = Query(Spectrum(BANDS, mean.astype(np.float32)), (mean - 0.06, mean + 0.06))
    told = {m.entry.name: m.cannot_be_told_apart for m in rank_matches(query, SpectralLibrary.read(files))}
    shown = dict(zip(cells(uncertain, NAME), cells(uncertain, TOLD), strict=True))
    assert {name: text.startswith("no") for name, text in shown.items()} == told
    assert "rectangle 2" in uncertain.library.panel.words.text()


def test_what_an_answer_rests_on_is_written(uncertain: App, files: tuple[Path, Path], qtbot: QtBot) -> None:
    panel = uncertain.library.panel
    uncertain.library.open([files[0].with_name("short.csv")])
    settle(uncertain, qtbot)
    compared = "ompared at 31 bands, 400-700 nm by 10 nm. 1 of 19 spectra do not cover them and were left out."
    assert panel.basis.text() == f"Estimates of test, c{compared}"
    assert panel.basis.toolTip() == (
        "Spectra reconstructed from the three colours of a photograph by the model test; they are estimates, not "
        f"measurements. C{compared}"
    )
    alike = sum(text.startswith("no") for text in cells(uncertain, TOLD))
    assert panel.words.text() == f"{alike} of 18 spectra cannot be told apart from pin 1, within its 90 % interval."
    change(uncertain, within=(510.0, 690.0))
    settle(uncertain, qtbot)
    assert "19 bands, 510-690 nm by 10 nm." in panel.basis.text() and "left out" not in panel.basis.text()
    change(uncertain, within=(502.0, 508.0))
    settle(uncertain, qtbot)
    assert panel.words.text() == (
        "The range 502-508 nm holds 0 of the image's 31 bands, which cover 400-700 nm; choose a range with at least "
        "two."
    )
    assert cells(uncertain, NAME) == [] and not panel.table.isVisibleTo(panel)
    change(uncertain, within=None, distance=Distance.COLOUR)
    uncertain.document.set_viewing(ViewingConditions(Illuminant("FL11")))
    settle(uncertain, qtbot)
    assert "as colours under FL11, CIE 1931 2°." in panel.basis.text()


def test_the_question_follows_mark_field_and_light(library: App, qtbot: QtBot) -> None:
    names = {PIN: cells(library, NAME)}
    library.document.mark_set.move(1, OTHER, gesture=1)
    settle(library, qtbot)
    names[OTHER] = cells(library, NAME)
    assert names[OTHER] != names[PIN]
    library.document.undo_stack.undo()
    settle(library, qtbot)
    assert cells(library, NAME) == names[PIN]
    show_field(library, CubeField(VALUES[::-1].copy(), BANDS))
    settle(library, qtbot)
    assert cells(library, NAME) != names[PIN]
    change(library, distance=Distance.COLOUR)
    settle(library, qtbot)
    before = cells(library, DISTANCE)
    library.document.set_viewing(ViewingConditions(Illuminant("A")))
    settle(library, qtbot)
    assert cells(library, DISTANCE) != before


def test_without_library_mark_or_field_the_panel_says_what_to_do(
    app: App, files: tuple[Path, Path], qtbot: QtBot
) -> None:
    panel = app.library.panel
    assert panel.words.text() == EMPTY and not panel.search.isVisibleTo(panel)
    app.window.actions_by_name["library"].trigger()
    assert panel.isVisible() and panel.words.text() == EMPTY
    app.library.open(files)
    settle(app, qtbot)
    assert panel.words.text() == NO_FIELD and panel.search.isVisibleTo(panel)
    app.document.open_cube("cube", CubeField(VALUES, BANDS), (0.0, 1.0))
    settle(app, qtbot)
    assert panel.words.text() == NO_MARK
    app.document.add_pin(*PIN)
    settle(app, qtbot)
    assert panel.words.text() == f"The nearest of 18 spectra to pin 1 is {cells(app, NAME)[0]}."
    app.document.mark_set.remove(*range(1, 100))
    assert panel.words.text() == NO_MARK and cells(app, NAME) == [] and panel.basis.text() == ""


def test_radiance_is_compared_relative_to_a_white(library: App, qtbot: QtBot) -> None:
    document = library.document
    light = Illuminant("A").power(BANDS.nm).astype(np.float32)
    reflectances = cells(library, NAME)
    radiance = VALUES * light[:, None, None]
    radiance[:, OTHER[0], OTHER[1]] = light
    show_field(library, CubeField(radiance, BANDS, Quantity.RADIANCE))
    settle(library, qtbot)
    assert "Radiance includes the light of the scene" in library.library.panel.basis.text()
    assert cells(library, NAME) != reflectances
    change(library, metamers=True)
    settle(library, qtbot)
    assert library.library.panel.words.text().startswith("Colours of radiance need a white; mark a white patch")
    change(library, metamers=False)
    document.add_pin(*OTHER)
    settle(library, qtbot)
    document.set_white(2)
    document.mark_set.set_active(1)
    settle(library, qtbot)
    assert cells(library, NAME) == reflectances
    assert "Relative to the white pin 2." in library.library.panel.basis.text()
    (spectrum,) = drawn(library, Kind.MATCH).values()  # in the units of the plot, beside the radiance
    match = library.library.answer.matches[0]
    expected = match.gain * np.interp(550, match.entry.spectrum.wavelengths.nm, match.entry.spectrum.values) * light[15]
    assert np.interp(550, spectrum.wavelengths.nm, spectrum.values) == pytest.approx(expected, rel=1e-4)


def test_a_corrected_reconstruction_is_compared_as_corrected(
    window: App,  # noqa: F811
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    write_curves(tmp_path / "paints.csv", CHART)
    window.library.open([tmp_path / "paints.csv"])
    before = window.document.field
    before.provenance["model_sha256"] = "ab"  # as of a model
    measure(window, qtbot, SPOT)
    settle(window, qtbot)
    field = window.document.field
    assert field is not before
    for place in (SPOT, FAR):
        window.document.mark_set.move(1, place, gesture=1)
        qtbot.waitUntil(lambda: not window.document.awaits_anchoring and not window.anchors._rest.isActive())
        settle(window, qtbot)
        matches = rank_matches(Query.at_pixel(window.document.field, *place), SpectralLibrary.of(CHART))
        assert cells(window, NAME) == [match.entry.name for match in matches]
        assert cells(window, DISTANCE) == [f"{match.distance:.3g}°" for match in matches]
    basis = window.library.panel.basis
    assert "by the model fake, corrected by 1 measured spectrum; they are estimates" in basis.toolTip()
    assert basis.text().startswith("Estimates of fake, corrected by 1 measured spectrum, compared at")


# Late answers


class Gate:
    """Holds the result of a function of the worker back until it is opened, so that it arrives late."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function, self.reached, self.opened = function, threading.Event(), threading.Event()

    def __call__(self, *args: Any) -> Any:
        result = self._function(*args)
        self.reached.set()
        assert self.opened.wait(30)
        return result


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    made = Gate(tasks.find_matches)
    monkeypatch.setattr(tasks, "find_matches", made)
    yield made
    made.opened.set()


def shown_answers(app: App) -> list[tasks.MatchAnswer]:
    """The answers that are shown from now on."""
    shown: list[tasks.MatchAnswer] = []
    show = app.library.panel.show_answer

    def note(answer: tasks.MatchAnswer | None, words: str) -> None:
        if answer is not None:
            shown.append(answer)
        show(answer, words)

    app.library.panel.show_answer = note  # type: ignore[method-assign]
    return shown


LATER: dict[str, Callable[[App], object]] = {
    "mark": lambda app: app.document.mark_set.move(1, (11, 12), gesture=2),
    "field": lambda app: show_field(app, CubeField(VALUES + 0.2, BANDS)),
    "settings": lambda app: change(app, distance=Distance.RMSE),
    "light": lambda app: app.document.set_viewing(ViewingConditions(Illuminant("A"))),
    "libraries": lambda app: app.library.remove([0]),
}


def test_answers_to_an_earlier_question_are_dropped(library: App, gate: Gate, qtbot: QtBot) -> None:
    shown = shown_answers(library)
    for at, ask_again in enumerate(LATER.values()):
        gate.reached.clear()
        gate.opened.clear()
        library.document.mark_set.move(1, (20, 9 + at), gesture=1)
        qtbot.waitUntil(gate.reached.is_set)
        late = library.library._requested
        ask_again(library)
        shown.clear()
        gate.opened.set()
        settle(library, qtbot)
        assert shown and all(answer.request is not late for answer in shown)
        assert library.library.answer.request == library.library._requested != late


def test_an_answer_for_another_tab_is_dropped(library: App, gate: Gate, photograph: Path, qtbot: QtBot) -> None:
    first = library.document
    first.mark_set.move(1, OTHER, gesture=1)
    qtbot.waitUntil(gate.reached.is_set)
    first.start_from(DocumentSource(photograph))  # so that the photograph takes a new tab
    library.files.open(photograph, beside=True)
    qtbot.waitUntil(lambda: library.document is not first)
    gate.opened.set()
    settle(library, qtbot)
    assert cells(library, NAME) == [] and library.document.library_curves is None
    library.library.dock.hide()
    library.workspace.show(0)
    settle(library, qtbot)
    assert first.library_curves is None, "those of the time before are not shown again"
    library.window.actions_by_name["library"].trigger()
    settle(library, qtbot)
    assert len(cells(library, NAME)) == 18 and first.library_curves is not None, "libraries are shared by all tabs"


def test_a_cancelled_comparison_is_told_and_repeated_when_asked(library: App, gate: Gate, qtbot: QtBot) -> None:
    library.document.mark_set.move(1, OTHER, gesture=1)
    qtbot.waitUntil(gate.reached.is_set)
    library.window.status.cancel_requested.emit(Task.MATCH)
    assert library.library.panel.words.text() == UNFINISHED and cells(library, NAME) == []
    gate.opened.set()
    settle(library, qtbot)
    assert cells(library, NAME) == []
    library.document.mark_set.move(1, PIN, gesture=2)
    settle(library, qtbot)
    assert len(cells(library, NAME)) == 18


def test_a_hidden_panel_asks_and_draws_nothing(library: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    actions, asked = library.window.actions_by_name, []
    assert drawn(library, Kind.MATCH) and actions["keep_matches"].isEnabled()
    library.library.dock.hide()
    assert not drawn(library, Kind.MATCH) and not actions["keep_matches"].isEnabled()
    submit = library.worker.submit
    monkeypatch.setattr(library.worker, "submit", lambda task, *rest: (asked.append(task), submit(task, *rest)))
    library.document.mark_set.move(1, OTHER, gesture=1)
    change(library, distance=Distance.RMSE)
    settle(library, qtbot)
    assert Task.CURVES in asked and Task.MATCH not in asked
    library.window.actions_by_name["library"].trigger()
    settle(library, qtbot)
    assert asked.count(Task.MATCH) == 1 and library.library.answer.request.mark.place == OTHER
    assert drawn(library, Kind.MATCH) and actions["keep_matches"].isEnabled()


# What is drawn


def test_the_nearest_or_what_is_selected_is_drawn_scaled_to_the_mark(library: App, qtbot: QtBot) -> None:
    panel, answer = library.library.panel, library.library.answer
    assert list(drawn(library, Kind.MATCH)) == [f"{answer.matches[0].entry.name} × {answer.matches[0].gain:.3g}"]
    assert (Kind.MATCH, "library, scaled to the mark") in library.window.plot.key.entries
    library.window.resize(1280, 1100)
    for row, keys in ((7, Qt.KeyboardModifier.NoModifier), (2, Qt.KeyboardModifier.ControlModifier)):
        panel.table.scrollTo(panel.model.index(row, 0))
        place = panel.table.visualRect(panel.model.index(row, NAME)).center()
        QTest.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, keys, place)
    lines = drawn(library, Kind.MATCH)
    chosen = [answer.matches[2], answer.matches[7]]
    assert list(lines) == [f"{match.entry.name} × {match.gain:.3g}" for match in chosen]
    mark = VALUES[:, PIN[0], PIN[1]]
    for match, spectrum in zip(chosen, lines.values(), strict=True):
        at_bands = np.interp(BANDS.nm, spectrum.wavelengths.nm, spectrum.values)
        original = np.interp(BANDS.nm, match.entry.spectrum.wavelengths.nm, match.entry.spectrum.values)
        gains = np.linspace(0.5, 1.5, 2001) * match.gain
        best = gains[np.argmin([((gain * original - mark) ** 2).sum() for gain in gains])]
        np.testing.assert_allclose(at_bands, best * original, rtol=2e-3)
        assert spectrum.wavelengths.nm[0] <= 400 and spectrum.wavelengths.nm[-1] >= 700
        assert len(spectrum.wavelengths) <= len(match.entry.spectrum.wavelengths)
    assert set(library.window.plot.layer.lines[Kind.MATCH]) == {0, 1}


def test_selected_spectra_stay_selected_while_the_mark_moves(library: App, qtbot: QtBot) -> None:
    panel = library.library.panel
    panel.table.selectRow(5)
    (name,) = [match.entry.name for match in panel.selected()]
    gains = {library.library.answer.matches[5].gain}
    for col in range(5, 9):
        library.document.mark_set.move(1, (3, col), gesture=1)
        settle(library, qtbot)
        assert [match.entry.name for match in panel.selected()] == [name]
        assert [line.partition(" × ")[0] for line in drawn(library, Kind.MATCH)] == [name]
        gains |= {panel.selected()[0].gain}
    assert len(gains) == 5


def test_a_double_click_or_enter_keeps_a_spectrum_in_the_plot(library: App, qtbot: QtBot) -> None:
    panel, document = library.library.panel, library.document
    place = panel.table.visualRect(panel.model.index(1, NAME)).center()
    QTest.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseDClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    match = library.library.answer.matches[1]
    (kept,) = document.plot_settings.library
    assert kept.spectrum is match.entry.spectrum and kept.source == match.entry.file
    assert document.is_modified or document.source is None
    QTest.keyClick(panel.table, Qt.Key.Key_Return)
    assert len(document.plot_settings.library) == 1, "once only"
    panel.table.clearSelection()
    panel.keep.click()
    assert document.plot_settings.library[1].spectrum is library.library.answer.matches[0].entry.spectrum
    document.set_plot_settings(document.plot_settings.with_spectra([CHART[0]] * (MOST - 2), "many.csv"))
    panel.table.selectRow(6)
    library.window.actions_by_name["keep_matches"].trigger()
    assert f"at most {MOST} can be compared at once" in library.window.messages.text.text()


# Metamers


def metameric_files(folder: Path) -> Path:
    """Spectra of the colour of the pin in three brightnesses, and others."""
    weights = ViewingConditions.default().rgb_weights(BANDS.nm).astype(np.float64)
    chance = np.random.default_rng(4)
    _, _, rows = np.linalg.svd(weights.T)
    black = rows[3:]  # no camera sees these
    own = VALUES[:, PIN[0], PIN[1]].astype(np.float64)
    twins = {gain: gain * (own + black.T @ chance.normal(0, 0.01, len(black))) for gain in (1.0, 0.5, 60.0)}
    spectra = [Spectrum(BANDS, values.astype(np.float32), f"twin {gain}") for gain, values in twins.items()]
    write_curves(folder / "twins.csv", [*spectra, *CHART[:6]])
    return folder / "twins.csv"


def test_metamers_are_listed_and_drawn_as_a_family(library: App, tmp_path: Path, qtbot: QtBot) -> None:
    panel, document = library.library.panel, library.document
    library.library.remove([0, 1])
    library.library.open([metameric_files(tmp_path)])
    settle(library, qtbot)
    library.window.actions_by_name["metamers"].trigger()
    settle(library, qtbot)
    assert panel.metamers.isChecked() and library.window.actions_by_name["metamers"].isChecked()
    found = find_metamers(Query.at_pixel(document.field, *PIN), library.workspace.library, document.viewing)
    assert cells(library, NAME) == [match.entry.name for match in found]
    assert {name for name in cells(library, NAME) if name.startswith("twin")} == {"twin 1.0", "twin 0.5", "twin 60.0"}
    family = drawn(library, Kind.METAMER)
    assert list(family) == cells(library, NAME) and not drawn(library, Kind.MATCH)
    for spectrum in family.values():  # as drawn, each photographs like the pixel
        own = VALUES[:, PIN[0], PIN[1]]
        assert colour_distances(own, spectrum.values[None], BANDS, at_any_brightness=False)[0] <= 1
    assert (Kind.METAMER, f"{len(found)} metamers, scaled to the mark") in library.window.plot.key.entries
    assert panel.words.text() == (
        f"{len(found)} of 9 spectra have the colour of pin 1 (ΔE2000 up to 1) under D65, CIE 1931 2°: what it might be."
    )
    panel.table.selectRow(0)
    assert len(drawn(library, Kind.MATCH)) == 1 and len(drawn(library, Kind.METAMER)) == len(found)
    kinds = [line.kind for line in document.plot_content().lines]
    assert kinds == [*[Kind.METAMER] * len(found), Kind.CURVE, Kind.MATCH], "beneath and above the mark"
    assert len(library.window.plot.layer.readout(550)) == 2, "of the family only what is selected"
    panel.brightness.click()
    settle(library, qtbot)
    assert cells(library, NAME) == ["twin 1.0"] and cells(library, GAIN) == ["1"]
    np.testing.assert_array_equal(
        drawn(library, Kind.METAMER)["twin 1.0"].values, library.workspace.library.pick(["twin 1.0"])[0].values
    )
    document.set_viewing(ViewingConditions(Illuminant("FL11")))
    settle(library, qtbot)
    assert "twin 1.0" not in cells(library, NAME), "another light separates them"


def test_a_large_family_is_drawn_by_members_of_all_ranks(cube: App, qtbot: QtBot) -> None:
    own = VALUES[:, PIN[0], PIN[1]]
    waves = [own * (1 + 0.0005 * at * np.sin(BANDS.nm / 15)) for at in range(200)]
    spectra = [Spectrum(BANDS, values.astype(np.float32), f"wave {at}") for at, values in enumerate(waves)]
    cube.workspace.set_libraries([tasks.OpenedLibrary("waves", SpectralLibrary.of(spectra, "waves"))])
    change(cube, metamers=True, most=20.0)
    cube.window.actions_by_name["library"].trigger()
    cube.document.add_pin(*PIN)
    settle(cube, qtbot)
    assert cells(cube, NAME) == [f"wave {at}" for at in range(200)]
    members = [int(name.split()[1]) for name in drawn(cube, Kind.METAMER)]
    assert len(members) == tasks.MOST_DRAWN and (members[0], members[-1]) == (0, 199)
    assert {3, 4} >= {after - before for before, after in pairwise(members)}
    assert (Kind.METAMER, "60 of 200 metamers, scaled to the mark") in cube.window.plot.key.entries


def test_no_metamer_is_said_with_what_to_try(library: App, qtbot: QtBot) -> None:
    change(library, metamers=True, most=0.1, any_brightness=False)
    settle(library, qtbot)
    panel = library.library.panel
    own = VALUES[:, PIN[0], PIN[1]]
    entries = library.workspace.library.entries
    values = [np.interp(BANDS.nm, each.spectrum.wavelengths.nm, each.spectrum.values) for each in entries]
    distances = colour_distances(own, values, BANDS, at_any_brightness=False)
    nearest = entries[int(np.argmin(distances))].name
    assert panel.words.text() == (
        "None of 18 spectra has the colour of pin 1 (ΔE2000 up to 0.1) under D65, CIE 1931 2°. The nearest is "
        f"{nearest} with {distances.min():.1f}. Allow any brightness, allow a larger difference, open more libraries, "
        "or try another light or observer."
    )
    assert library.document.library_curves is None and not library.window.actions_by_name["keep_matches"].isEnabled()
    panel.most.setValue(float(np.ceil(distances.min() * 10) / 10))
    settle(library, qtbot)
    assert cells(library, NAME)[0] == nearest


# Search, order, copies


def test_the_list_is_searched_and_sorted_and_ranks_stay(uncertain: App, qtbot: QtBot) -> None:
    panel = uncertain.library.panel
    rank_of = dict(zip(cells(uncertain, NAME), cells(uncertain, RANK), strict=True))
    panel.table.selectRow(3)
    (chosen,) = panel.selected()
    for column, key in (
        (NAME, lambda m: (m.entry.name.split()[0], int(m.entry.name.split()[1]))), (DISTANCE, lambda m: m.distance),
        (TOLD, lambda m: m.cover), (GAIN, lambda m: m.gain), (FILE, lambda m: m.entry.file),
        (RANK, lambda m: m.distance),
    ):  # fmt: skip
        for order in (Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder):
            panel.table.sortByColumn(column, order)
            keys = [key(match) for match in panel.model.shown()]
            assert keys == sorted(keys, reverse=order is Qt.SortOrder.DescendingOrder), column
            assert {name: rank_of[name] for name in cells(uncertain, NAME)} == dict(
                zip(cells(uncertain, NAME), cells(uncertain, RANK), strict=True)
            )
            assert panel.selected() == [chosen]
    QTest.keyClicks(panel.search, "SLI mineral")
    assert set(cells(uncertain, NAME)) == {f"mineral {at}" for at in range(6)}
    assert all(rank_of[name] == rank for name, rank in zip(cells(uncertain, NAME), cells(uncertain, RANK), strict=True))
    uncertain.document.mark_set.move(1, OTHER, gesture=1)
    settle(uncertain, qtbot)
    assert len(cells(uncertain, NAME)) == 6, "the search stays"
    panel.search.clear()
    assert len(cells(uncertain, NAME)) == 18


def test_what_is_listed_is_copied_and_exported(
    uncertain: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel, answer = uncertain.library.panel, uncertain.library.answer
    panel.search.setText("patch")
    panel.table.sortByColumn(NAME, Qt.SortOrder.AscendingOrder)
    panel.copy.click()
    lines = [line.split("\t") for line in QGuiApplication.clipboard().text().split("\n")]
    assert lines[0] == ["rank", "spectral angle", "gain", "within interval", "cannot be told apart", "name", "file"]
    assert [line[5] for line in lines[1:]] == [f"patch {at}" for at in range(12)]
    copied = QGuiApplication.clipboard().text()
    QGuiApplication.clipboard().clear()
    QTest.keyClick(panel.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == copied, "not the table of marks"
    of_patch = {match.entry.name: (rank, match) for rank, match in enumerate(answer.matches, 1)}
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / "found"), args[3]))
    panel.export.click()
    settle(uncertain, qtbot)
    rows = read_table(tmp_path / "found.csv", ("rank", "name"))
    for at, row in enumerate(rows):
        rank, match = of_patch[f"patch {at}"]
        assert (row["rank"], row["name"], row["file"]) == (str(rank), f"patch {at}", "paints.csv")
        assert float(row["spectral angle"]) == pytest.approx(match.distance, rel=1e-5)
        assert row["cannot be told apart"] == str(match.cannot_be_told_apart).lower()
    head = (tmp_path / "found.csv").read_text(encoding="utf-8")
    for text in ("# mark: pin 1 (row 3, col 4)", "# search: patch", "minerals.sli", "# rests_on: Spectra reconstructed",
                 "# wavelengths: 31 bands", "# result: "):  # fmt: skip
        assert text in head


def test_thousands_of_matches_are_shown_by_few_questions(
    cube: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No widget per row, and only visible cells are asked for."""
    chance = np.random.default_rng(0)
    spectra = [Spectrum(BANDS, chance.random(31), f"mineral {at}") for at in range(2500)]
    cube.workspace.set_libraries([tasks.OpenedLibrary("many", SpectralLibrary.of(spectra, "many"))])
    cube.window.actions_by_name["library"].trigger()
    asked: list[int] = []
    data = MatchModel.data
    monkeypatch.setattr(MatchModel, "data", lambda self, index, role=0: (asked.append(1), data(self, index, role))[1])
    widgets = len(cube.library.panel.findChildren(object))
    cube.document.add_pin(*PIN)
    settle(cube, qtbot)
    qtbot.waitUntil(lambda: bool(asked))
    assert cube.library.panel.model.rowCount() == 2500 and len(asked) < 2500
    assert len(cube.library.panel.findChildren(object)) - widgets < 20


# Opening


def test_unreadable_files_are_named_and_the_rest_is_kept(
    cube: App, files: tuple[Path, Path], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = files[0].parent
    (folder / "notes.txt").write_text("these are notes")
    chosen = [str(files[0]), str(folder / "notes.txt"), str(folder / "gone.csv"), str(files[1])]
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *args: (chosen, ""))
    cube.window.actions_by_name["open_libraries"].trigger()
    settle(cube, qtbot)
    panel = cube.library.panel
    assert panel.isVisible()
    listed = [panel.libraries.item(at).text() for at in range(panel.libraries.count())]
    assert listed == ["paints.csv: 12 spectra", "minerals.sli: 6 spectra"]
    text = cube.window.messages.text.text()
    assert text.startswith("2 of 4 libraries could not be read, the others were opened: cannot read spectra from notes")
    assert "there is no file" in text and "gone.csv" in text
    cube.window.messages.hide()
    cube.library.open([folder / "notes.txt"])
    settle(cube, qtbot)
    assert cube.window.messages.text.text().startswith("cannot read spectra from notes.txt")
    assert len(cube.workspace.libraries) == 2


def test_six_matches_are_seen_in_a_window_of_the_default_size(
    uncertain: App, files: tuple[Path, Path], qtbot: QtBot
) -> None:
    """The opened libraries are listed on demand; the list opens, and closes a library, without a mouse."""
    app, panel = uncertain, uncertain.library.panel
    app.library.dock.close()
    app.window.compose(QSize(1280, 800))
    app.window.actions_by_name["statistics"].trigger()
    app.window.actions_by_name["library"].trigger()
    settle(app, qtbot)
    assert app.window.height() == 800
    assert panel.table.viewport().height() >= 6 * panel.table.rowHeight(0)
    assert panel.listing.text() == "2 libraries" and not panel.libraries.isVisible()
    assert panel.listing.accessibleDescription() == "paints.csv: 12 spectra, minerals.sli: 6 spectra"
    panel.marks.setFocus()
    QTest.keyClick(panel.marks, Qt.Key.Key_Tab)
    assert app.window.focusWidget() is panel.listing
    QTest.keyClick(panel.listing, Qt.Key.Key_Space)
    assert panel.libraries.isVisible() and panel.remove.isVisible()
    QTest.keyClick(panel.listing, Qt.Key.Key_Tab)
    assert app.window.focusWidget() is panel.libraries
    panel.libraries.setCurrentRow(0)
    QTest.keyClick(panel.libraries, Qt.Key.Key_Delete)
    settle(app, qtbot)
    assert panel.listing.text() == "1 library" and panel.libraries.isVisible()
    panel.libraries.setCurrentRow(0)
    QTest.keyClick(panel.libraries, Qt.Key.Key_Delete)
    settle(app, qtbot)
    assert not (panel.listing.isVisible() or panel.libraries.isVisible() or panel.remove.isVisible())


def test_metamers_leave_the_image_its_width(library: App, qtbot: QtBot) -> None:
    library.window.compose(QSize(1280, 800))
    settle(library, qtbot)
    width = library.window.image.width()
    for _ in range(2):
        library.library.panel.metamers.click()
        settle(library, qtbot)
        assert library.window.image.width() == width


def test_a_folder_is_a_library_and_is_read_anew(
    cube: App, files: tuple[Path, Path], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = files[0].parent / "books"
    folder.mkdir()
    write_curves(folder / "a.csv", CHART[:2])
    (folder / "notes.txt").write_text("these are notes")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: str(folder))
    cube.window.actions_by_name["open_library_folder"].trigger()
    settle(cube, qtbot)
    item = cube.library.panel.libraries.item(0)
    assert item.text() == "books: 2 spectra"
    assert item.toolTip() == f"{folder}\n1 files without spectra were skipped: notes.txt"
    assert [entry.file for entry in cube.workspace.library.entries] == ["books/a.csv"] * 2
    write_curves(folder / "b.csv", CHART[2:3])
    cube.library.open([folder])
    settle(cube, qtbot)
    assert [len(each.library) for each in cube.workspace.libraries] == [3], "not a second time"
    (folder / "a.csv").unlink()
    (folder / "b.csv").unlink()
    cube.library.open([folder])
    settle(cube, qtbot)
    assert "books holds no spectra" in cube.window.messages.text.text()


def test_files_are_dropped_on_the_panel(cube: App, files: tuple[Path, Path], qtbot: QtBot) -> None:
    cube.window.actions_by_name["library"].trigger()
    panel, document = cube.library.panel, cube.document
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in files])
    handle = cube.window.windowHandle()
    where = QPointF(handle.mapFromGlobal(panel.mapToGlobal(QPoint(60, panel.height() - 30))))
    action, keys = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(where.toPoint(), action, mime, Qt.MouseButton.LeftButton, keys)
    QApplication.sendEvent(handle, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(handle, QDropEvent(where, action, mime, Qt.MouseButton.LeftButton, keys))
    settle(cube, qtbot)
    assert [each.name for each in cube.workspace.libraries] == ["paints.csv", "minerals.sli"]
    assert cube.document is document and len(cube.workspace.documents) == 1, "not opened as an image"


def test_selected_libraries_are_closed_and_no_mark_with_them(library: App, qtbot: QtBot) -> None:
    panel = library.library.panel
    assert not panel.remove.isEnabled()
    panel.libraries.setCurrentRow(0)
    QTest.keyClick(panel.libraries, Qt.Key.Key_Delete)
    settle(library, qtbot)
    assert [each.name for each in library.workspace.libraries] == ["minerals.sli"] and len(library.document.marks) == 1
    assert set(cells(library, FILE)) == {"minerals.sli"}
    panel.libraries.setCurrentRow(0)
    panel.remove.click()
    settle(library, qtbot)
    assert library.workspace.libraries == () and panel.words.text() == EMPTY and cells(library, NAME) == []
    assert library.document.library_curves is None


def test_reading_is_cancelled(cube: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in range(3):
        write_curves(tmp_path / f"{at}.csv", CHART[:2])
    reached, opened = threading.Event(), threading.Event()
    read, seen = tasks.read_entries, []

    def slow(path: Path, progress: Any) -> Any:
        seen.append(path.name)
        reached.set()
        assert opened.wait(30)
        return read(path, progress)

    monkeypatch.setattr(tasks, "read_entries", slow)
    cube.library.open([tmp_path / f"{at}.csv" for at in range(3)])
    qtbot.waitUntil(reached.is_set)
    cube.window.status.cancel_requested.emit(Task.OPEN_LIBRARIES)
    opened.set()
    settle(cube, qtbot)
    qtbot.waitUntil(lambda: not cube.worker._threads[Task.OPEN_LIBRARIES.lane]._waiting)
    assert cube.workspace.libraries == () and not cube.worker.is_busy(Task.OPEN_LIBRARIES)
    cube.library.open([tmp_path / "0.csv"])
    settle(cube, qtbot)
    assert len(cube.workspace.libraries) == 1 and seen == ["0.csv", "0.csv"], "the others were not read"


def test_the_key_shows_the_panel_and_the_palette_finds_it(library: App, qtbot: QtBot) -> None:
    library.library.dock.hide()
    QTest.keyClick(library.window, Qt.Key.Key_I)
    assert library.library.panel.isVisible()
    qtbot.waitUntil(lambda: library.window.focusWidget() is library.library.panel.table)
    names = {item.name for item in library.application._palette_items()}
    assert {"Library", "Metamers of the mark", "Distance between spectra", "Open spectral libraries…"} <= names


# Libraries of marks


def test_marks_become_a_library(uncertain: App, qtbot: QtBot) -> None:
    document = uncertain.document
    document.mark_set.edit(1, name="leaf")
    document.mark_set.add(BOX)
    settle(uncertain, qtbot)
    uncertain.window.actions_by_name["marks_as_library"].trigger()
    settle(uncertain, qtbot)
    own = uncertain.workspace.libraries[-1]
    assert own.name == f"Marks of {document.name}" and own.library.names == ("leaf", "rectangle 2")
    assert cells(uncertain, NAME)[0] == "rectangle 2" and cells(uncertain, TOLD)[0] == "no (100%)"
    document.mark_set.set_active(1)
    settle(uncertain, qtbot)
    assert cells(uncertain, NAME)[0] == "leaf" and float(cells(uncertain, DISTANCE)[0][:-1]) < 1e-3
    uncertain.window.actions_by_name["marks_as_library"].trigger()
    settle(uncertain, qtbot)
    assert len(uncertain.workspace.libraries) == 3, "in the place of the former"
    document.mark_set.remove(*range(1, 100))
    uncertain.library.panel.marks.click()
    assert "there are no marks with spectra; click a pixel first" in uncertain.window.messages.text.text()


def test_marks_of_a_cube_whose_range_is_no_whole_number_can_be_compared(app: App, qtbot: QtBot) -> None:
    """Spectra at every whole nm would not cover the last band."""
    bands = Wavelengths(np.linspace(400.3, 700.6, 31))
    app.document.open_cube("odd", CubeField(VALUES, bands), (0.0, 1.0))
    app.document.add_pin(*PIN)
    app.library.use_marks()
    settle(app, qtbot)
    assert cells(app, NAME) == ["pin 1"]
    np.testing.assert_array_equal(app.workspace.library.entries[0].spectrum.wavelengths.nm, bands.nm)
    show_field(app, CubeField(VALUES, bands, provenance={"model": "odd", "model_sha256": "ab"}))
    app.library.use_marks()
    settle(app, qtbot)
    assert cells(app, NAME) == ["pin 1"]
    assert set(bands.nm) < set(app.workspace.library.entries[0].spectrum.wavelengths.nm)


@pytest.mark.parametrize("ending", [".sli", ".csv"])
def test_marks_are_saved_as_a_library_that_others_read(
    uncertain: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    document = uncertain.document
    document.add_pin(*OTHER)
    document.mark_set.edit(2, name="leaf, green")
    path = tmp_path / f"own{ending}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    uncertain.window.actions_by_name["save_marks"].trigger()
    settle(uncertain, qtbot)
    one, other = read_spectra(path)
    assert (one.name, other.name) == ("pin 1", "leaf, green")
    for spectrum, place in ((one, PIN), (other, OTHER)):
        np.testing.assert_allclose(spectrum.values, document.field.spectra([place], spectrum.wavelengths)[0], rtol=1e-6)
        assert set(BANDS.nm) <= set(spectrum.wavelengths.nm)
    text = path.with_suffix(".hdr" if ending == ".sli" else ending).read_text(encoding="utf-8")
    assert "they are estimates, not measurements" in " ".join(text.split()) and "row 20" in text
    if ending == ".sli":
        foreign = spectral.open_image(str(path.with_suffix(".hdr")))
        assert foreign.names == ["pin 1", "leaf; green"] and foreign.bands.band_unit.lower() == "nanometers"
        np.testing.assert_allclose(foreign.spectra, np.stack([one.values, other.values]), rtol=1e-6)
        np.testing.assert_array_equal(foreign.bands.centers, one.wavelengths.nm)
    uncertain.library.open([path])
    settle(uncertain, qtbot)
    assert cells(uncertain, NAME)[0] == "leaf, green"


# Sessions


@pytest.fixture
def saved(
    opened: App, files: tuple[Path, Path], tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> tuple[App, Path]:
    """A window with a session that has libraries and settings, saved and then changed."""
    opened.document.add_pin(20, 30)
    opened.library.open(files)
    settle(opened, qtbot)
    opened.library.use_marks()
    settle(opened, qtbot)
    change(opened, distance=Distance.DIVERGENCE, within=(420.0, 680.0), metamers=True, most=2.5, any_brightness=False)
    path = tmp_path / "work.nesr"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    opened.window.actions_by_name["save_session"].trigger()
    qtbot.waitUntil(lambda: path.exists() and not opened.workspace.modified())
    opened.workspace.set_libraries([])
    opened.document.set_match_settings(MatchSettings())
    return opened, path


def test_a_session_opens_its_libraries(saved: tuple[App, Path], qtbot: QtBot) -> None:
    app, path = saved
    app.files.open(path)
    qtbot.waitUntil(lambda: len(app.workspace.libraries) == 3)
    settle(app, qtbot)
    assert {each.name: len(each.library) for each in app.workspace.libraries} == {
        "paints.csv": 12, "minerals.sli": 6, "Marks of photograph.png": 1,
    }  # fmt: skip
    assert app.document.match_settings == MatchSettings(Distance.DIVERGENCE, (420.0, 680.0), True, 2.5, False)
    panel = app.library.panel
    assert (panel.low.value(), panel.high.value(), panel.most.value()) == (420, 680, 2.5)
    own = next(each for each in app.workspace.libraries if each.path is None)
    spectrum = own.library.entries[0].spectrum
    np.testing.assert_array_equal(spectrum.values, app.document.field.spectra([(20, 30)], spectrum.wavelengths)[0])
    app.files.open(path)
    settle(app, qtbot)
    assert len(app.workspace.libraries) == 3, "those that are open are not opened again"


def test_a_session_moves_with_its_libraries_and_names_missing_ones(
    saved: tuple[App, Path], files: tuple[Path, Path], photograph: Path, qtbot: QtBot
) -> None:
    app, path = saved
    folder = path.parent / "elsewhere"
    folder.mkdir()
    for each in (path, photograph, files[0], files[1].with_suffix(".hdr")):
        each.rename(folder / each.name)
    files[1].unlink()
    app.files.open(folder / path.name)
    qtbot.waitUntil(lambda: len(app.workspace.libraries) == 2)
    settle(app, qtbot)
    assert {each.path for each in app.workspace.libraries} == {folder / "paints.csv", None}
    assert app.window.messages.text.text() == f"The library {files[1]} is missing and was left out."


def test_opened_libraries_are_no_unsaved_work(cube: App, files: tuple[Path, Path], qtbot: QtBot) -> None:
    before, changes = cube.document.work, list[Change]()
    cube.workspace.changed.connect(changes.append)
    cube.library.open(files)
    settle(cube, qtbot)
    assert cube.document.work == before and changes.count(Change.LIBRARIES) == 1
    assert not cube.document.undo_stack.canUndo()
