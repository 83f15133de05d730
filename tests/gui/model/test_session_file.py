"""What a session keeps comes back exactly; what is no session, or not its image, is told in a sentence."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from nesr_gui import io
from nesr_gui.analysis.distances import Distance
from nesr_gui.colorimetry.viewing_conditions import Illuminant, Observer, ViewingConditions
from nesr_gui.fields.protocol import CubeField
from nesr_gui.fields.resampled import Orientation, Registration
from nesr_gui.gui.app import App
from nesr_gui.gui.drawing import theme
from nesr_gui.gui.model.analyses import AnalysisSettings
from nesr_gui.gui.model.document import Document, DocumentSource, Simulation
from nesr_gui.gui.model.library import MatchSettings
from nesr_gui.gui.model.marks import Mark, MarkSpectrum, Reading, new_mark
from nesr_gui.gui.model.plot_settings import Normalise, PlotAxes, PlotSettings, ReferenceSpectrum, Spreads, Transform
from nesr_gui.gui.model.preferences import recent_files, settings
from nesr_gui.gui.model.scatter import ScatterPlot
from nesr_gui.gui.model.session_file import (
    Layout,
    PanelPlace,
    SavedRegistration,
    SessionData,
    read_session,
    write_session,
)
from nesr_gui.gui.model.statistics_settings import Scope, StatisticsSettings
from nesr_gui.gui.model.transect import TransectLine
from nesr_gui.gui.model.view_settings import PaneLayout, ViewSettings
from nesr_gui.gui.model.viewport import Viewport
from nesr_gui.gui.tasks import comparison
from nesr_gui.gui.view_modes import MODES
from nesr_gui.gui.views.main_window import WINDOW_SIZE
from nesr_gui.gui.views.message_bar import STEPS
from nesr_gui.gui.views.window_layout import apply_layout, layout_of
from nesr_gui.io.cubes.description import CubeHints
from nesr_gui.io.cubes.wavelengths import BandPositions
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.photos.camera_profile import CameraProfile
from nesr_gui.io.photos.develop_settings import DevelopSettings, SourceEncoding, WhiteBalance
from nesr_gui.regions import Region, Shape
from nesr_gui.spectral import Quantity, Spectrum, Wavelengths
from tests.gui.conftest import BANDS, FakeEngine, smooth_cube

REGION = Region(Shape.LASSO, ((5.5, 6.0), (20.25, 9.0), (18.0, 30.125)))
CURVE = Spectrum(Wavelengths(np.array([400.0, 500.5, 700.0])), np.array([0.1, 0.3, 0.25]), "leaf")


def make_app(qtbot: QtBot) -> App:
    made = App()
    made.window.show()
    qtbot.waitExposed(made.window)
    made.window.compose(WINDOW_SIZE)
    made.reconstruction.load_model(None, "auto")
    return made


@pytest.fixture
def apps(qtbot: QtBot, qapp: QApplication, engine: FakeEngine) -> Iterator[Callable[[], App]]:
    """Makes windows, one after the other."""
    settings().setValue("hints/done", " ".join(STEPS))  # no first steps, which go away
    theme.apply(qapp, Qt.ColorScheme.Light)  # before there are any: the first would keep something of another
    made: list[App] = []

    def make() -> App:
        made.append(make_app(qtbot))
        return made[-1]

    yield make
    for each in made:
        each.window.close()
        each.window.deleteLater()


def is_settled(app: App) -> bool:
    """Whether all that is to be seen has been answered exactly."""
    document = app.document
    busy = any(app.worker.is_busy(task) for task in app.worker._newest)
    exact = all(
        app.renderers[side].shown is not None
        and app.renderers[side].shown.is_exact
        and not app.renderers[side]._rest.isActive()
        for side in document.view_settings.sides
    )
    known = all(document.readout(mark) and mark.place in document.colour_results for mark in document.marks)
    return document.field is not None and not busy and exact and known


def picture(app: App, qtbot: QtBot) -> QImage:
    app.window.activateWindow()  # a selection has another colour where the window is not
    qtbot.waitUntil(app.window.isActiveWindow)
    app.window.status.where.clear()
    return app.window.grab().toImage()


def work(app: App) -> None:
    """Do something of everything that a session keeps."""
    document = app.document
    document.add_pin(12, 34)
    document.mark_set.add(REGION)
    document.mark_set.edit(2, name="Blätter", colour="#123456")
    document.mark_set.set_active(1)
    document.set_wavelength(612.3)
    document.set_viewing(ViewingConditions(Illuminant.blackbody(3000), Observer("CIE 1964 10°", 10)))
    document.set_plot_settings(document.plot_settings.with_spectra([CURVE], "leaves.csv"))
    document.set_plot_settings(replace(document.plot_settings, transform=Transform(Normalise.MAXIMUM)))
    view_settings = document.view_settings.showing("band").arranged(PaneLayout.DIVIDED).divided_at(0.4)
    view_settings = view_settings.with_layers("components", 2, 0, 1)
    document.set_view_settings(view_settings.with_levels("band", (0.1, 0.8)).with_colormap("band", "viridis"))
    document.development.choose(DevelopSettings(stops=0.5))
    app.window.image.is_fitted = False
    app.window.image.box.setRange(xRange=(10, 60), yRange=(10, 40), padding=0)
    app.window.panels.docks[2].hide()


def save(app: App, path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    app.window.actions_by_name["save_session"].trigger()
    qtbot.waitUntil(lambda: path.exists() and not app.workspace.modified())


def test_a_session_is_restored_to_an_equal_picture(
    apps: Callable[[], App], photograph: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = apps(), apps()
    first.files.open(photograph)
    qtbot.waitUntil(lambda: first.document.field is not None)
    work(first)
    qtbot.waitUntil(lambda: is_settled(first))
    path = tmp_path / "work.nesr"
    assert first.window.isWindowModified()
    save(first, path, qtbot, monkeypatch)
    assert not first.window.isWindowModified() and first.window.windowTitle() == "work.nesr[*] - nesr_gui"
    first.workspace.clear_undo()  # a session begins with nothing to undo
    seen = picture(first, qtbot)
    first.window.hide()

    second.files.open(path)
    qtbot.waitUntil(lambda: second.document.name == "photograph.png" and is_settled(second))
    assert (
        second.document.marks == first.document.marks and second.document.view_settings == first.document.view_settings
    )
    qtbot.waitUntil(lambda: picture(second, qtbot) == seen)
    assert not second.window.isWindowModified() and recent_files()[0] == path
    second.document.mark_set.remove(*range(1, 100))
    second.window.actions_by_name["save_session"].trigger()  # to the same file, nothing is asked
    qtbot.waitUntil(lambda: read_session(path, MODES).marks == ())


def test_the_layout_comes_back(apps: Callable[[], App], qtbot: QtBot) -> None:
    window = apps().window
    spectra, given, light = window.panels.docks[:3]
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, spectra)
    given.setFloating(True)
    light.hide()
    window.resizeDocks([spectra], [450], Qt.Orientation.Horizontal)
    qtbot.waitUntil(lambda: spectra.width() == 450)
    layout = layout_of(window)
    window.reset_layout()
    qtbot.waitUntil(lambda: spectra.width() != 450)
    apply_layout(layout, window)
    qtbot.waitUntil(lambda: placeless(layout_of(window)) == placeless(layout))


def test_the_heights_of_panels_above_one_another_come_back(apps: Callable[[], App], qtbot: QtBot) -> None:
    window = apps().window
    upper, lower = window.panels.docks[:2]
    assert window.tabifiedDockWidgets(lower)  # whose tab bar takes some of the height
    before = upper.height()
    window.resizeDocks([upper], [before + 40], Qt.Orientation.Vertical)
    qtbot.waitUntil(lambda: upper.height() > before)
    layout, heights = layout_of(window), (upper.height(), lower.height())
    window.reset_layout()
    qtbot.waitUntil(lambda: (upper.height(), lower.height()) != heights)
    apply_layout(layout, window)
    qtbot.waitUntil(lambda: (upper.height(), lower.height()) == heights)


def placeless(layout: Layout) -> Layout:
    """Where a floating panel stands is the window manager's to say (there is none); hidden ones have no size."""
    panels = (replace(each, size=each.size if each.shown else (1, 1)) for each in layout.panels)
    return replace(layout, panels=tuple(replace(each, floats=each.floats and (0, 0)) for each in panels))


@pytest.fixture
def kept(tmp_path: Path) -> SessionData:
    """One with a value in every place."""
    rows = ((400.0, 1.0, 0.5, 0.2), (700.0, 0.1, 0.5, 0.9))
    reading = CubeHints(Wavelengths.from_step(400, 700, 100), 2, Quantity.RADIANCE, "cube")
    simulation = Simulation(ViewingConditions(Illuminant("A")), CURVE)
    overlays = PlotSettings(
        Transform(Normalise.AREA, True, True), False, True, (ReferenceSpectrum(CURVE, "leaves.csv", False),),
        Spreads.ALL, PlotAxes(True, (420.0, 680.0), (0.01, 1.5)),
    )  # fmt: skip
    reading_of_mark = Reading(
        Spectrum(CURVE.wavelengths, np.array([0.1, np.nan, 0.3]), "leaf"), "leaf.csv", "ab", False
    )
    marks = (
        replace(new_mark((3, 4), []), reading=reading_of_mark),
        replace(new_mark(REGION, [1]), name="Blätter", visible=False),
    )
    view_settings = ViewSettings(
        ("rerendered", "similarity"), 1, PaneLayout.SIDE_BY_SIDE, reference=CURVE, levels={"band": (0.0, 0.5)}
    )
    return SessionData(
        source=DocumentSource(tmp_path / "a.png", tmp_path / "truth.h5", reading, simulation=simulation),
        interpretation=DevelopSettings(
            SourceEncoding.GAMMA, 1.8, WhiteBalance.GREY_POINT, (3, 7), 5000.0, -3.0, 0.5, Observer("x", samples=rows),
            5000,
        ),
        marks=marks, active=2, view_settings=view_settings, viewport=Viewport(1.5, 30.25, 2.125, 40.0, 0.5), nm=612.3,
        plot_settings=overlays,
        viewing=ViewingConditions(Illuminant.measured("lamp", CURVE), Observer("camera", samples=rows)),
        white=CURVE, is_full=True, model=("model", "ab12"), file=tmp_path / "work.nesr", digests=("12", "34"),
        registration=SavedRegistration(Registration("turned left", 1.02, 0.99, None), True),
        scatter=ScatterPlot("PC 1", "b650 / b550", ((0.1, 0.2), (0.5, 0.25), (0.3, 1 / 3))),
        transect=TransectLine((3.5, 4.0), (20.0, 31.25), 3),
    )  # fmt: skip


def plain(kept: SessionData, path: Path) -> Any:
    write_session(path, kept)
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_camera_profile_comes_back_and_older_sessions_have_none(kept: SessionData, tmp_path: Path) -> None:
    profile = CameraProfile("Maker One", ((0, 0), (0.5, 0.25), (1, 1.25)), ((1, 0, 0), (0, 1, 0), (0, 0.5, 0.5)), 0.2)
    path = tmp_path / "a.nesr"
    written = plain(replace(kept, interpretation=DevelopSettings(profile=profile)), path)
    assert read_session(path, MODES).interpretation == DevelopSettings(profile=profile)
    del written["interpretation"]["profile"]
    path.write_text(json.dumps(written), encoding="utf-8")
    assert read_session(path, MODES).interpretation == DevelopSettings()
    written["interpretation"]["profile"] = {"name": "x", "curve": [[0, 0]], "matrix": [[1, 0, 0]] * 3}
    path.write_text(json.dumps(written), encoding="utf-8")
    with pytest.raises(UnreadableFile, match="is damaged"):
        read_session(path, MODES)


def unmeasured(session: SessionData) -> list[Mark]:
    """The marks without their readings, which are compared by identity."""
    return [replace(mark, reading=None) for mark in session.marks]


def test_measured_spectra_of_marks_come_back_without_their_files(kept: SessionData, tmp_path: Path) -> None:
    write_session(tmp_path / "a.nesr", kept)
    measured, unmeasured = (mark.reading for mark in read_session(tmp_path / "a.nesr", MODES).marks)
    expected = kept.marks[0].reading
    assert measured is not None and expected is not None and unmeasured is None
    assert (measured.source, measured.sha256, measured.is_used) == ("leaf.csv", "ab", False)
    assert measured.spectrum.name == "leaf" and measured.origin == "leaf.csv, SHA-256 ab"
    np.testing.assert_array_equal(measured.spectrum.values, expected.spectrum.values)
    np.testing.assert_array_equal(measured.spectrum.wavelengths.nm, expected.spectrum.wavelengths.nm)


def test_a_session_of_the_second_format_opens_without_readings(kept: SessionData, tmp_path: Path) -> None:
    path = tmp_path / "a.nesr"
    written = plain(kept, path)
    written["nesr_session"] = 2
    for mark in written["marks"]:
        del mark["reading"]
    path.write_text(json.dumps(written), encoding="utf-8")
    assert list(read_session(path, MODES).marks) == unmeasured(kept)


def test_every_value_comes_back(kept: SessionData, tmp_path: Path) -> None:
    path = tmp_path / "a.nesr"
    written = plain(kept, path)
    again = read_session(path, MODES)
    assert unmeasured(again) == unmeasured(kept)
    assert again.viewing == kept.viewing and again.interpretation == kept.interpretation
    assert again.source.simulation is not None and again.source.simulation.viewing == kept.source.simulation.viewing
    assert again.viewport == kept.viewport and again.source.image == kept.source.image and again.active == 2
    assert plain(again, path) == written
    assert again.plot_settings.axes == kept.plot_settings.axes and again.plot_settings.spreads is Spreads.ALL


def test_a_document_has_every_setting_of_its_session_again() -> None:
    """Each of them is set to something else than that of a new document."""

    def opened() -> Document:
        document = Document()
        document.open_cube("scene", CubeField(smooth_cube(40, 50), BANDS), (0.0, 1.0))
        document.start_from(DocumentSource(Path("scene.h5")))
        return document

    document, fresh = opened(), opened()
    document.add_pin(12, 34)
    document.set_curves({(12, 34): MarkSpectrum(CURVE)})
    document.set_white(1)
    document.set_wavelength(612.3)
    document.set_viewing(ViewingConditions(Illuminant.blackbody(3000)))
    document.set_box(5)
    document.viewport = Viewport(1.0, 20.0, 2.0, 30.0, 0.5)
    document.set_transform(Transform(Normalise.MAXIMUM))
    document.set_statistics(StatisticsSettings(Scope.IMAGE, (450.0, 600.0)))
    document.set_match_settings(MatchSettings(Distance.RMSE))
    document.set_analysis_settings(AnalysisSettings(within=(450.0, 600.0), left_out=("point 1",)), "wavelengths")
    document.scatter.select(((0.1, 0.1), (0.2, 0.1), (0.2, 0.3)), ("b500", "b600"))
    document.transect.set_line(TransectLine((1.0, 2.0), (30.0, 40.0), 3))
    data, before = SessionData.of(document, None), SessionData.of(fresh, None)
    data.restore(fresh)
    again = SessionData.of(fresh, None)
    others = {"source", "interpretation", "is_full", "model", "model_file", "layout", "file", "digests", "registration",
              "libraries"}  # fmt: skip
    names = sorted({each.name for each in fields(SessionData)} - others)
    assert [name for name in names if getattr(data, name) == getattr(before, name)] == []
    assert [name for name in names if getattr(data, name) != getattr(again, name)] == []
    assert fresh.undo_stack.count() == 0


def test_a_session_saved_before_axes_could_be_chosen_opens(kept: SessionData, tmp_path: Path) -> None:
    path = tmp_path / "a.nesr"
    written = plain(kept, path)
    for later in ("axes", "spreads"):
        del written["plot_settings"][later]
    del written["registration"]["hints"], written["simulation"]
    path.write_text(json.dumps(written), encoding="utf-8")
    again = read_session(path, MODES)
    assert again.registration is not None and again.registration.hints is None and again.source.simulation is None
    plot_settings = again.plot_settings
    assert plot_settings.axes == PlotAxes() and plot_settings.spreads is Spreads.ACTIVE
    assert plot_settings.transform == kept.plot_settings.transform


def test_a_session_of_the_first_format_opens(kept: SessionData) -> None:
    """Written by the program before its format 2; every value stands where `kept` has it."""
    old = read_session(Path(__file__).with_name("session_1.nesr"), MODES)
    assert old.source.image == Path("/photographs/a.png") and old.source.truth == Path("/photographs/truth.h5")
    assert old.source.reading is not None and kept.source.reading is not None
    assert old.source.reading.quantity is Quantity.RADIANCE and old.source.reading.band_axis == 2
    np.testing.assert_array_equal(old.source.reading.wavelengths.nm, kept.source.reading.wavelengths.nm)
    assert unmeasured(old) == unmeasured(kept)
    for name in ("interpretation", "active", "viewport", "nm", "viewing", "is_full", "model", "registration"):
        assert getattr(old, name) == getattr(kept, name), name
    assert old.plot_settings.transform == kept.plot_settings.transform  # its way to normalise was saved by its label
    assert [each.source for each in old.plot_settings.library] == ["leaves.csv"]
    assert replace(old.view_settings, reference=None) == replace(kept.view_settings, reference=None)
    for spectrum in (old.view_settings.reference, old.white, old.plot_settings.library[0].spectrum):
        assert spectrum is not None and spectrum.name == CURVE.name
        np.testing.assert_array_equal(spectrum.values, CURVE.values)
    panel = PanelPlace("spectra", "right", tabs=0, shown=True, front=True, size=(500, 400), floats=None)
    assert old.layout == Layout((1280, 800), (panel,)) and old.file == Path("/photographs/work.nesr")
    assert old.digests == ("12", "34") and old.model_file is None


def test_damaged_and_hostile_files_are_refused_in_a_sentence(kept: SessionData, tmp_path: Path) -> None:
    """Every value of a session, replaced by values of every kind: what is not refused can be written again."""
    path = tmp_path / "a.nesr"
    written, rng, refused = plain(kept, path), random.Random(0), 0
    bad = [None, True, -1, 0, 1e308, 1 << 70, "", "x" * 300, "\0", [], [1], {}, {"a": 1}, [[[]]]]
    for _ in range(600):
        known = json.loads(json.dumps(written))
        at, parent = rng.choice([(at, parent) for parent, at in _places(known)])
        parent[at] = rng.choice(bad)
        path.write_text(json.dumps(known), encoding="utf-8")
        try:
            plain(read_session(path, MODES), tmp_path / "b.nesr")
        except UnreadableFile as error:
            refused += 1
            assert path.name in str(error) and "open the image itself" in str(error) and len(str(error)) < 400
    assert refused > 200


@pytest.mark.parametrize("broken", [
    {"arrangement": "triple"}, {"modes": ["band"]}, {"levels": {"band": [1]}}, {"reference": {"name": "x"}},
    {"active": 2}, {"false_colour": [1, 2]}, {"measure": "taste"}, {"modes": 3}, {"levels": 7},
    {"modes": ["band", "sepia"]}, {"levels": {"band": [1, 1]}}, {"divider": "wide"}, {"speed": True},
    {"layers": [{"components": [0]}]}, {"layers": [{}, {"components": [0, 1, 2, 3]}]},
    {"layers": [{}, {"clusters": 1}]},
])  # fmt: skip
def test_view_settings_that_are_none_are_refused(kept: SessionData, tmp_path: Path, broken: dict[str, Any]) -> None:
    path = tmp_path / "a.nesr"
    document = plain(kept, path)
    document["view_settings"].update(broken)
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(UnreadableFile, match="is damaged"):
        read_session(path, MODES)


def _places(known: Any) -> Iterator[tuple[Any, Any]]:
    items = known.items() if isinstance(known, dict) else enumerate(known) if isinstance(known, list) else ()
    for at, value in items:
        yield known, at
        yield from _places(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a session file"), ("{}", "is not a session file"), ("[" * 100_000, "is not a session file"),
        ('{"nesr_session": NaN}', "is not a session file"), ("null", "is not a session file"),
        ("ÿþ", "is not a session file"),
        ('{"nesr_session": 5}', "its format is 5, this program reads 1 to 4"),
        ('{"nesr_session": 2}', "'image' is missing"),
    ],
)  # fmt: skip
def test_what_is_no_session_is_told(app: App, tmp_path: Path, text: str, said: str, qtbot: QtBot) -> None:
    path = tmp_path / "a.nesr"
    path.write_text(text, encoding="latin-1")
    app.files.open(path)
    qtbot.waitUntil(app.window.messages.isVisible)
    assert said in app.window.messages.text.text()


@pytest.fixture
def saved(
    opened: App, photograph: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> tuple[App, Path]:
    """A session of a photograph, both in a folder of their own, and another image shown."""
    opened.document.add_pin(12, 34)
    opened.document.add_pin(55, 70)
    (tmp_path / "there").mkdir()
    shutil.copy(photograph, tmp_path / "there")
    opened.workspace.current.source = DocumentSource(tmp_path / "there" / photograph.name)
    save(opened, tmp_path / "there" / "work.nesr", qtbot, monkeypatch)
    opened.application.undo()
    opened.workspace.close(opened.workspace.current)
    return opened, tmp_path / "there" / "work.nesr"


def asked(app: App, qtbot: QtBot, said: str) -> QMessageBox:
    """The question that says so."""

    def found() -> list[QMessageBox]:
        return [box for box in app.window.findChildren(QMessageBox) if said in box.text()]

    qtbot.waitUntil(lambda: bool(found()))
    return found()[0]


def press(box: QMessageBox, text: str) -> None:
    next(button for button in box.buttons() if button.text() == text).click()


def test_a_folder_that_moved_is_found(saved: tuple[App, Path], photograph: Path, tmp_path: Path, qtbot: QtBot) -> None:
    app, path = saved
    path.parent.rename(tmp_path / "here")
    app.files.open(tmp_path / "here" / "work.nesr")
    qtbot.waitUntil(lambda: len(app.document.marks) == 2)
    origin = app.workspace.current.source
    assert origin is not None and origin.image == tmp_path / "here" / photograph.name


def test_a_moved_image_is_asked_for_and_another_is_told(
    saved: tuple[App, Path], photograph: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, path = saved
    (path.parent / photograph.name).unlink()
    other = tmp_path / "other.png"
    iio.imwrite(other, np.zeros((50, 60, 3), np.uint8))
    app.files.open(path)
    box = asked(app, qtbot, "photograph.png of the session work.nesr is no longer in")
    assert not app.document.name and not app.window.messages.isVisible()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(other), ""))
    press(box, "Choose image…")
    press(asked(app, qtbot, "other.png is not the image"), "Use this image")
    qtbot.waitUntil(lambda: app.document.name == "other.png" and app.document.field is not None)
    assert [mark.pixel for mark in app.document.marks] == [(12, 34)]
    assert "1 of 2 marks are outside" in app.window.messages.text.text()

    app.files.open(path)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(photograph), ""))
    press(asked(app, qtbot, "is no longer in"), "Choose image…")
    qtbot.waitUntil(lambda: len(app.document.marks) == 2)
    assert app.document.name == "photograph.png" and not app.window.messages.isVisible()


def test_full_resolution_and_another_model_come_back_said(
    saved: tuple[App, Path], engine: FakeEngine, tmp_path: Path, qtbot: QtBot
) -> None:
    app, path = saved
    engine.model.working_pixels = 60 * 80 // 4
    known = json.loads(path.read_text())
    known["model"] = ["better", "12"]
    path.write_text(json.dumps(known))
    app.files.open(path)
    qtbot.waitUntil(lambda: app.document.field is not None)
    assert app.document.binning == 1
    assert "saved with model better" in app.window.messages.text.text()


def test_a_session_of_a_cube_keeps_what_was_said_of_it(
    app: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "c.npy", smooth_cube(20, 24)[:5])
    reading = CubeHints(Wavelengths.from_step(500, 540, 10), 0, Quantity.RADIANCE)
    app.files.open_cube(tmp_path / "c.npy", reading)
    qtbot.waitUntil(lambda: app.document.field is not None)
    app.document.add_pin(1, 2)
    save(app, tmp_path / "c.nesr", qtbot, monkeypatch)
    app.workspace.close(app.workspace.current)
    app.files.open(tmp_path / "c.nesr")
    qtbot.waitUntil(lambda: app.document.field is not None)
    assert app.document.wavelength_range == (500, 540) and len(app.document.marks) == 1
    app.workspace.close(app.workspace.current)
    np.save(tmp_path / "c.npy", smooth_cube(20, 24)[1:6])
    app.files.open(tmp_path / "c.nesr")
    asked(app, qtbot, "c.npy is not the image").reject()


def test_a_measured_cube_that_is_gone_is_told(
    opened: App, photograph: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = tmp_path / "truth.h5"
    field = CubeField(smooth_cube(60, 80), BANDS, Quantity.REFLECTANCE)
    io.write_cube(truth, field, BANDS)
    opened.files.open(photograph, truth)
    qtbot.waitUntil(lambda: opened.document.truth is not None)
    opened.document.add_pin(1, 2)
    turned = Registration(Orientation.TURNED_AROUND, 1.5)
    measurement = opened.document.measurement
    assert measurement is not None
    opened.document.set_truth(replace(measurement, match=turned, is_chosen=True))
    save(opened, tmp_path / "a.nesr", qtbot, monkeypatch)
    opened.files.open(tmp_path / "a.nesr")
    qtbot.waitUntil(lambda: not opened.document.undo_stack.canUndo() and opened.document.truth is not None)
    again = opened.document.measurement
    assert again is not None and again.match == turned and again.is_chosen
    truth.unlink()
    opened.files.open(tmp_path / "a.nesr")
    qtbot.waitUntil(lambda: "truth.h5 is missing or has changed" in opened.window.messages.text.text())
    assert opened.document.truth is None and len(opened.document.marks) == 1


def test_a_measured_cube_is_opened_again_with_what_was_said_of_it(
    opened: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "truth.npy", smooth_cube(60, 80))
    monkeypatch.setattr(comparison, "register", lambda *args: Registration())
    opened.comparison.open(tmp_path / "truth.npy", CubeHints(BANDS, 0, Quantity.REFLECTANCE))
    qtbot.waitUntil(lambda: opened.document.truth is not None)
    opened.comparison.set_gain(1.5)
    save(opened, tmp_path / "a.nesr", qtbot, monkeypatch)
    opened.workspace.close(opened.document)
    opened.files.open(tmp_path / "a.nesr")
    qtbot.waitUntil(lambda: opened.document.name == "photograph.png")
    assert not opened.window.messages.isVisible()
    assert opened.document.truth is not None
    np.testing.assert_array_equal(opened.document.truth.bands.nm, BANDS.nm)
    assert opened.document.measurement is not None and opened.document.measurement.match.gain == 1.5


@pytest.mark.parametrize("compares", [True, False])
def test_a_simulated_photograph_is_simulated_again(
    app: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, compares: bool
) -> None:
    app.reconstruction.load_model(None, "auto")
    np.save(tmp_path / "c.npy", smooth_cube(20, 24))
    app.files.open_cube(tmp_path / "c.npy", CubeHints(BANDS, 0, Quantity.RADIANCE))
    qtbot.waitUntil(lambda: app.document.field is not None)
    cube = app.document
    cube.add_pin(3, 4)
    qtbot.waitUntil(lambda: (3, 4) in cube.curves)
    cube.set_white(1)
    cube.set_viewing(ViewingConditions(Illuminant("A"), Observer("CIE 1964 10°", 10)))
    app.comparison.simulate_photograph()
    qtbot.waitUntil(lambda: app.document is not cube and app.document.field is not None)
    first = app.document
    first.set_viewing(ViewingConditions.default())
    cube.saved_work = cube.work  # only the photograph is saved
    if compares:
        app.comparison.set_gain(0.5)
    else:
        app.comparison.remove()
    save(app, tmp_path / "a.nesr", qtbot, monkeypatch)
    app.files.open(tmp_path / "a.nesr", beside=True)
    qtbot.waitUntil(lambda: app.document not in (cube, first) and app.document.field is not None)
    again = app.document
    assert again.cube is None and again.name == first.name and again.view_settings.modes == first.view_settings.modes
    assert not again.is_modified and again.viewing == first.viewing and again.marks == first.marks
    assert again.colours is not None and first.colours is not None and np.array_equal(again.colours, first.colours)
    assert (again.truth is not None) is (first.truth is not None) is compares
    if compares:
        np.testing.assert_array_equal(again.truth.band(550), first.truth.band(550))
    assert again.source is not None and again.source.simulation is not None, "and so will be its next session"


def test_a_wavelength_beyond_the_visible_comes_back(
    opened: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The range of a model is known only when the photograph is reconstructed."""
    wide = Wavelengths.from_step(400, 1000, 20)
    monkeypatch.setattr("tests.gui.conftest.BANDS", wide)
    opened.document.set_field(CubeField(smooth_cube(60, 80), wide), 1, (0, 1), opened.document.encoded)
    opened.document.set_wavelength(850)
    opened.document.add_pin(3, 4)
    save(opened, tmp_path / "a.nesr", qtbot, monkeypatch)
    opened.workspace.close(opened.document)
    opened.files.open(tmp_path / "a.nesr")
    qtbot.waitUntil(lambda: opened.document.field is not None)
    assert opened.document.nm == 850 and opened.window.bar.number.value() == 850


def test_what_is_looked_at_does_not_depend_on_the_room_there_was_for_it(opened: App, qtbot: QtBot) -> None:
    image, size = opened.window.image, opened.window.size()
    image.zoom(2.0, (12, 34))
    QApplication.processEvents()  # what was shown last takes its place first
    wide = image.box.viewRange()
    high = image.height()
    opened.window.resize(size.width(), size.height() - 100)
    qtbot.waitUntil(lambda: image.height() < high)
    kept = opened.window.panes.view()
    opened.window.panes.fit()
    opened.window.resize(size)
    qtbot.waitUntil(lambda: image.height() == high)
    opened.window.panes.go(kept)
    np.testing.assert_allclose(image.box.viewRange(), wide)


def test_stated_wavelengths_in_any_order_and_names_of_any_bytes_come_back(kept: SessionData, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9") if sys.platform == "linux" else "café"
    hints = CubeHints(BandPositions(np.array([700.0, 400, 550])))
    written = replace(kept, source=replace(kept.source, image=tmp_path / f"{name}.png", reading=hints))
    write_session(tmp_path / f"{name}.nesr", written)
    again = read_session(tmp_path / f"{name}.nesr", MODES)
    assert again.source.image == written.source.image
    assert again.source.reading.wavelengths.nm.tolist() == [700, 400, 550]
