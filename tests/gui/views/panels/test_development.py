"""The input panel and what it changes: the photograph, its reconstruction, and what exports record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import imageio.v3 as iio
import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from nesr_gui.colorimetry.viewing_conditions import Observer
from nesr_gui.gui.app import App
from nesr_gui.gui.model.changes import Change
from nesr_gui.gui.model.document import UInt8Array
from nesr_gui.gui.model.preferences import recent_files
from nesr_gui.gui.tasks import loading
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.io.photos import develop
from nesr_gui.io.photos.camera_profile import CameraProfile, write_profile
from nesr_gui.io.photos.develop_settings import DevelopSettings, SourceEncoding, WhiteBalance
from nesr_gui.regions import Shape
from nesr_gui.spectral import FloatArray
from tests.gui.conftest import FakeEngine
from tests.gui.test_window import click, pin_with_curve

LEFT = Qt.MouseButton.LeftButton


def choose(app: App, combo: str, value: object) -> None:
    box = getattr(app.window.input, combo)
    box.setCurrentIndex(box.findData(value))
    box.activated.emit(box.currentIndex())


def reread(app: App, qtbot: QtBot) -> None:
    """Wait until the photograph and its field are as the interpretation says."""
    qtbot.waitUntil(
        lambda: (
            app.workspace.current.developed == replace(app.document.development.interpretation, working_pixels=None)
            and not app.worker.is_busy(Task.RECONSTRUCT)
        )
    )


def values(app: App) -> FloatArray:
    assert app.document.photograph is not None
    return app.document.photograph.values


def shown(app: App, side: int) -> UInt8Array | None:
    picture = app.window.panes.images[side].canvas.layers[side].picture
    return picture.shown if picture else None


def test_the_panel_says_how_the_file_was_understood(opened: App) -> None:
    panel = opened.window.input
    assert "photograph.png" in panel.words.text() and "sRGB" in panel.words.text()
    assert panel.controls.isEnabled() and not panel.reset.isEnabled()
    assert panel.encoding.currentText() == "From file"
    assert panel.kelvin.isHidden() and panel.gamma.isHidden() and panel.default_camera.isHidden()


def test_without_a_photograph_nothing_can_be_changed(app: App) -> None:
    assert not app.window.input.controls.isEnabled()
    app.document.development.choose(DevelopSettings(stops=1))
    app.document.development.set_picking(True)
    assert app.document.development.interpretation == DevelopSettings() and not app.document.development.is_picking


def test_a_change_shows_at_once_is_reconstructed_and_keeps_pins_and_view(opened: App, qtbot: QtBot) -> None:
    pin_with_curve(opened, qtbot, 12, 34)
    opened.window.image.box.setRange(xRange=(10, 40), yRange=(10, 40))
    view, before, field = opened.window.image.view(), values(opened).copy(), opened.document.field
    opened.window.input.stops.number.setValue(-1)
    reread(opened, qtbot)
    np.testing.assert_allclose(values(opened), before / 2, rtol=1e-5)
    assert opened.document.field is not field and opened.window.image.view() == view
    assert [pin.pixel for pin in opened.document.marks] == [(12, 34)]
    np.testing.assert_array_equal(opened.document.colours, loading.displayed(opened.document.photograph))
    qtbot.waitUntil(lambda: shown(opened, 0) is opened.document.colours)
    qtbot.waitUntil(lambda: (12, 34) in opened.document.curves)


def test_changes_are_undone_and_those_in_a_row_are_one_step(opened: App, qtbot: QtBot) -> None:
    before = values(opened).copy()
    for stops in (-0.5, -1.0, -1.5):
        opened.window.input.stops.number.setValue(stops)
    choose(opened, "encoding", SourceEncoding.LINEAR)
    reread(opened, qtbot)
    opened.application.undo()
    reread(opened, qtbot)
    np.testing.assert_allclose(values(opened), before / 2**1.5, rtol=1e-5)
    assert opened.window.input.encoding.currentText() == "From file"
    opened.application.undo()
    reread(opened, qtbot)
    np.testing.assert_array_equal(values(opened), before)
    assert opened.window.input.stops.number.value() == 0 and not opened.document.undo_stack.canUndo()
    opened.application.redo()
    reread(opened, qtbot)
    assert opened.document.development.interpretation.stops == -1.5


def test_reset_is_the_file_s_own_again(opened: App, qtbot: QtBot) -> None:
    before = values(opened).copy()
    choose(opened, "encoding", SourceEncoding.GAMMA)
    assert not opened.window.input.gamma.isHidden()
    opened.window.input.gamma.setValue(1.8)
    choose(opened, "balance", WhiteBalance.TEMPERATURE)
    assert not opened.window.input.kelvin.isHidden()
    opened.window.input.kelvin.number.setValue(4000)
    opened.window.input.tint.number.setValue(20)
    reread(opened, qtbot)
    assert not np.allclose(values(opened), before)
    wanted = DevelopSettings(SourceEncoding.GAMMA, 1.8, WhiteBalance.TEMPERATURE, None, 4000, 20)
    assert opened.document.development.interpretation == wanted
    QTest.mouseClick(opened.window.input.reset, LEFT)
    reread(opened, qtbot)
    np.testing.assert_array_equal(values(opened), before)
    assert opened.window.input.kelvin.isHidden() and not opened.window.input.reset.isEnabled()


@pytest.mark.parametrize("by_combo", [False, True])
def test_a_grey_point_is_picked_in_the_image(opened: App, qtbot: QtBot, by_combo: bool) -> None:
    numbers = np.full((60, 80, 3), (150, 120, 100), np.uint8)
    path = recent_files()[0].with_name("warm.png")
    iio.imwrite(path, numbers)
    opened.files.open(path)
    qtbot.waitUntil(lambda: opened.document.name == "warm.png" and opened.document.field is not None)
    panel = opened.window.input
    if by_combo:
        choose(opened, "balance", WhiteBalance.GREY_POINT)
    else:
        panel.pick.click()
    assert opened.document.development.is_picking and panel.pick.isChecked()
    assert opened.window.image.captions[0].text() == "Click a grey pixel"
    click(opened, 30, 40)
    assert not opened.document.development.is_picking and not panel.pick.isChecked() and opened.document.marks == ()
    reread(opened, qtbot)
    np.testing.assert_allclose(values(opened), values(opened).mean(), rtol=1e-5)
    assert panel.balance.currentData() == WhiteBalance.GREY_POINT
    click(opened, 20, 20)
    assert [pin.pixel for pin in opened.document.marks] == [(20, 20)]
    choose(opened, "balance", WhiteBalance.AS_IS)
    choose(opened, "balance", WhiteBalance.GREY_POINT)  # whose place is known now
    assert not opened.document.development.is_picking
    assert opened.document.development.interpretation.grey_point == (30, 40)


def test_picking_ends_when_it_is_unchecked_left_or_something_else_opens(
    opened: App, photograph: Path, qtbot: QtBot
) -> None:
    panel = opened.window.input
    panel.pick.click()
    panel.pick.click()
    assert not opened.document.development.is_picking and panel.balance.currentData() == WhiteBalance.AS_IS
    panel.pick.click()
    QTest.keyClick(opened.window, Qt.Key.Key_Escape)
    assert not opened.document.development.is_picking and not panel.pick.isChecked()
    assert opened.window.image.captions[0].text() == "Photograph"
    panel.pick.click()
    opened.files.open(photograph)
    qtbot.waitUntil(lambda: not opened.document.development.is_picking)
    assert not panel.pick.isChecked()


def test_a_camera_is_loaded_and_left_again(
    opened: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    path = tmp_path / "camera.csv"
    bells = [(nm, *(np.exp(-(((nm - at) / 40) ** 2)) for at in (600, 540, 460))) for nm in range(400, 701, 10)]
    path.write_text("wavelength,R,G,B\n" + "\n".join(",".join(map(str, row)) for row in bells))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(path), ""))
    before = values(opened).copy()
    opened.window.input.load_camera.click()
    qtbot.waitUntil(lambda: opened.document.development.interpretation.camera is not None)
    reread(opened, qtbot)
    assert opened.window.input.camera.text() == "camera.csv" and "54 surfaces" in opened.window.input.words.text()
    assert not np.allclose(values(opened), before)
    opened.window.input.default_camera.click()
    reread(opened, qtbot)
    np.testing.assert_array_equal(values(opened), before)
    path.write_text("no table")
    opened.window.input.load_camera.click()
    qtbot.waitUntil(lambda: "camera.csv" in opened.window.messages.text.text())


def test_a_camera_profile_replaces_sensitivities(
    opened: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    path = tmp_path / "camera.json"
    matrix = ((0.8, 0.1, 0.1), (0.1, 0.8, 0.1), (0.0, 0.2, 0.8))
    profile = CameraProfile("Maker One", ((0, 0), (0.5, 0.4), (1, 1)), matrix, patches=24)
    write_profile(path, profile)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(path), ""))
    development, before = opened.document.development, values(opened).copy()
    samples = tuple((nm, 1.0, nm / 700, nm / 600) for nm in (400.0, 700.0))
    development.choose(DevelopSettings(camera=Observer("table", samples=samples)))
    reread(opened, qtbot)
    opened.window.input.load_camera.click()
    qtbot.waitUntil(lambda: development.interpretation == DevelopSettings(profile=profile))
    reread(opened, qtbot)
    assert opened.window.input.camera.text() == "Maker One" and "24 patches" in opened.window.input.words.text()
    assert not np.allclose(values(opened), before)
    opened.window.input.default_camera.click()
    reread(opened, qtbot)
    np.testing.assert_array_equal(values(opened), before)


def test_the_working_resolution_is_chosen(opened: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    photograph = opened.document.photograph
    opened.document.development.choose(DevelopSettings(working_pixels=60 * 80 // 4))
    qtbot.waitUntil(lambda: opened.document.binning == 2)
    assert opened.document.photograph is photograph  # only what is reconstructed changes
    assert opened.window.input.resolution.currentData() == 1200
    choose(opened, "resolution", None)
    qtbot.waitUntil(lambda: opened.document.binning == 1)


def test_the_chosen_working_resolution_counts_before_the_preferred_one(opened: App, qtbot: QtBot) -> None:
    opened.preferences.choose("working_pixels", "250000")
    opened.document.development.choose(DevelopSettings(working_pixels=60 * 80 // 4))
    qtbot.waitUntil(lambda: not opened.worker.is_busy(Task.RECONSTRUCT) and opened.document.binning == 2)


def test_a_large_photograph_is_a_draft_first_and_reconstructed_from_all_its_pixels(
    app: App, photograph: Path, engine: FakeEngine, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(develop, "PREVIEW_PIXELS", 600)
    monkeypatch.setattr(loading, "SHOWN_PIXELS", 60 * 80 // 4)
    engine.model.working_pixels = 600
    shapes: list[tuple[int, int]] = []
    app.document.changed.connect(
        lambda change: (
            shapes.append(app.document.photograph.shape) if change in (Change.IMAGE, Change.PHOTOGRAPH) else None
        )
    )
    app.reconstruction.load_model(None, "auto")
    app.files.open(photograph)
    qtbot.waitUntil(lambda: app.document.field is not None)
    assert shapes == [(20, 27), (30, 40)] and app.document.source_shape == (60, 80)
    assert app.document.field.shape == (15, 20) and app.document.binning == 4
    pin_with_curve(app, qtbot, 59, 79)
    app.window.input.stops.number.setValue(-1)
    reread(app, qtbot)
    assert shapes[2:] == [(20, 27), (30, 40)]
    app.reconstruction.reconstruct_fully()
    qtbot.waitUntil(lambda: app.document.field.shape == (60, 80) and (59, 79) in app.document.curves)


def test_a_cube_leaves_nothing_to_understand(opened: App, qtbot: QtBot, tmp_path: Path) -> None:
    from nesr_gui import io
    from nesr_gui.fields.protocol import CubeField
    from nesr_gui.spectral import Quantity
    from tests.gui.conftest import BANDS, smooth_cube

    cube = CubeField(smooth_cube(20, 30), BANDS, Quantity.RADIANCE)
    io.write_cube(tmp_path / "cube.h5", cube, BANDS)
    opened.window.input.stops.number.setValue(-1)
    opened.files.open(tmp_path / "cube.h5")
    qtbot.waitUntil(lambda: opened.document.name == "cube.h5")
    assert not opened.window.input.controls.isEnabled()
    assert opened.document.development.interpretation == DevelopSettings()


def test_many_changes_in_a_row_end_with_the_last_one_in_full(
    app: App, photograph: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(develop, "PREVIEW_PIXELS", 600)
    app.reconstruction.load_model(None, "auto")
    app.files.open(photograph)
    qtbot.waitUntil(lambda: app.document.field is not None)
    before = values(app).copy()
    for step in range(1, 21):
        if step % 5:
            app.window.input.stops.number.setValue(-0.1 * step)
            continue
        with qtbot.waitSignal(
            app.document.changed, check_params_cb=lambda change: change is Change.PHOTOGRAPH
        ):  # of any of them, with the others under way
            app.window.input.stops.number.setValue(-0.1 * step)
    field = app.document.field
    reread(app, qtbot)
    qtbot.waitUntil(lambda: not any(map(app.worker.is_busy, (Task.DEVELOP_PREVIEW, Task.DEVELOP, Task.RECONSTRUCT))))
    np.testing.assert_allclose(values(app), before / 4, rtol=1e-5)
    assert app.document.field is not field and app.document.field.shape == (60, 80)


def test_a_change_shows_in_both_views_and_a_grey_point_is_picked_in_either(opened: App, qtbot: QtBot) -> None:
    opened.view.show_side_by_side()
    second = opened.window.panes.images[1]
    for side in (0, 1):
        opened.document.set_view_settings(opened.document.view_settings.showing("photograph", side))
    opened.window.input.stops.number.setValue(-1)
    reread(opened, qtbot)
    qtbot.waitUntil(lambda: shown(opened, 0) is opened.document.colours and shown(opened, 1) is opened.document.colours)
    opened.window.input.pick.click()
    assert second.captions[1].text() == "Click a grey pixel"
    QTest.mouseClick(second.viewport(), LEFT, pos=second.position_of(30, 40).toPoint())
    assert opened.document.development.interpretation.grey_point == (30, 40) and opened.document.marks == ()


def test_a_grey_point_is_picked_whatever_mark_is_there_and_whatever_tool_is_chosen(opened: App, qtbot: QtBot) -> None:
    pin_with_curve(opened, qtbot, 30, 40)
    opened.workspace.set_tool(Shape.RECTANGLE)
    opened.window.input.pick.click()
    assert not opened.window.image.marks.grab(opened.window.image.box.mapViewToScene(QPointF(40.5, 30.5)))
    click(opened, 30, 40)
    assert opened.document.development.interpretation.grey_point == (30, 40)
    assert [mark.place for mark in opened.document.marks] == [(30, 40)] and not opened.document.development.is_picking


def test_colour_error_is_of_the_photograph_that_was_encoded(opened: App, qtbot: QtBot, engine: FakeEngine) -> None:
    before = opened.document.photograph
    assert opened.document.encoded is before
    opened.view.show_mode("colour_error")
    engine.gate.clear()
    with qtbot.waitSignal(opened.document.changed, check_params_cb=lambda change: change is Change.PHOTOGRAPH):
        opened.window.input.stops.number.setValue(-1)
    assert opened.document.encoded is before and opened.document.photograph is not before
    engine.gate.set()
    reread(opened, qtbot)
    assert opened.document.encoded is opened.document.photograph
    qtbot.waitUntil(lambda: opened.renderers[0].shown.request.context.encoded is opened.document.encoded)


def test_what_is_shown_of_the_old_field_stays_until_the_new_one_answers(opened: App, qtbot: QtBot) -> None:
    opened.view.show_mode("band")
    qtbot.waitUntil(lambda: shown(opened, 0) is not None and opened.window.panes.bars[0].isVisible())
    field, emptied = opened.document.field, list[None]()
    opened.renderers[0].emptied.connect(lambda: emptied.append(None))
    opened.window.input.stops.number.setValue(-1)
    reread(opened, qtbot)
    qtbot.waitUntil(lambda: opened.renderers[0].shown.request.context.field is not field)
    assert opened.document.field is not field and not emptied


def test_long_reading_of_the_colours_is_told(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    status, clock = app.window.status, iter([10.0, 10.0, 10.2, 10.9])
    monkeypatch.setattr("nesr_gui.gui.views.status_bar.time", SimpleNamespace(monotonic=lambda: next(clock)))
    for fraction in (0.0, 0.3):
        status.show_progress(Task.DEVELOP, fraction)
    assert status.shown() is None
    status.show_progress(Task.DEVELOP, 0.6)
    assert status.shown() is Task.DEVELOP and status.work.text() == "Developing photograph 60%"
    assert status.cancel.isHidden()  # what it makes is what is reconstructed
    status.show_end(Task.DEVELOP)
    assert status.shown() is None
