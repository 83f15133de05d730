"""Calibration by a chart in the window: from corners to a profile that is used, saved, kept and applied by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from nesr_gui import io
from nesr_gui.colorimetry.charts import classic
from nesr_gui.fields.protocol import Cancelled, CubeField
from nesr_gui.gui.app import App
from nesr_gui.gui.model.preferences import profile_library
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.views.dialogs.calibration import ESTIMATED, MEASURED, SHOWN, CalibrationDialog
from nesr_gui.gui.views.dialogs.camera_profiles import CameraProfilesDialog
from nesr_gui.gui.views.message_bar import Topic
from nesr_gui.io.photos import chart_calibration, chart_finder
from nesr_gui.io.photos.camera_profile import CameraProfile, read_profile
from nesr_gui.io.photos.chart_calibration import calibrate
from nesr_gui.io.photos.chart_patches import ChartError, read_patches
from nesr_gui.io.photos.develop_settings import DevelopSettings, SourceEncoding, WhiteBalance
from nesr_gui.io.photos.photo import TONE_CURVE
from nesr_gui.io.photos.profile_library import StoredProfile, read_library, write_library
from nesr_gui.spectral import Wavelengths
from tests.gui.conftest import BANDS, smooth_cube
from tests.io.photos.test_chart_calibration import CORNERS, SHAPE, codes, photograph

TRUE = np.array(CORNERS)


def write_photo(path: Path, camera: str = "One", pixels: Any = None) -> Path:
    tags = Image.Exif()
    if camera:
        tags[0x010F], tags[0x0110] = "Maker", camera
    Image.fromarray(codes(photograph("contrast")) if pixels is None else pixels).save(path, exif=tags)
    return path


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return write_photo(tmp_path / "chart.png")


@pytest.fixture
def expected(photo: Path) -> CameraProfile:
    """The profile of the command line."""
    decoded = io.decode_photograph(photo)
    return calibrate(read_patches(decoded, classic(), TRUE), decoded).profile


def open_photo(app: App, path: Path, qtbot: QtBot) -> None:
    app.reconstruction.load_model(None, "auto")
    app.files.open(path)
    qtbot.waitUntil(lambda: app.document.name == path.name and app.document.field is not None)


def open_dialog(app: App, qtbot: QtBot) -> CalibrationDialog:
    app.window.actions_by_name["calibrate_camera"].trigger()
    dialog = app.calibration.dialog
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.estimate.isEnabled() and not app.worker.is_busy(Task.READ_PATCHES))
    return dialog


@pytest.fixture
def dialog(app: App, photo: Path, qtbot: QtBot) -> Any:
    open_photo(app, photo, qtbot)
    yield open_dialog(app, qtbot)
    if app.calibration.dialog is not None:
        app.calibration.dialog.close()


def estimate(app: App, dialog: CalibrationDialog, qtbot: QtBot, corners: Any = TRUE) -> None:
    dialog.show_corners(np.array(corners, float))
    qtbot.mouseClick(dialog.estimate, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not any(app.worker.is_busy(task) for task in (Task.CALIBRATE, Task.PATCH_SPECTRA)))


def test_nothing_to_calibrate_without_a_photograph_from_a_file(app: App) -> None:
    assert not app.window.actions_by_name["calibrate_camera"].isEnabled()
    app.calibration.open()
    assert app.calibration.dialog is None


def test_the_grid_shows_whether_the_chart_is_where_the_corners_are(app: App, dialog: Any, qtbot: QtBot) -> None:
    assert dialog.view._placed is None  # somewhere in the middle
    dialog.show_corners(np.roll(TRUE, 1, axis=0))
    qtbot.waitUntil(lambda: dialog.view._placed is not None)
    np.testing.assert_allclose(dialog.view._placed, TRUE)
    assert "are those of the chart" in dialog.message.text()
    dialog.view._move(TRUE + 40)
    qtbot.waitUntil(lambda: not app.worker.is_busy(Task.READ_PATCHES))
    assert dialog.view._placed is None and "Drag the four corners" in dialog.message.text()


def test_a_profile_is_estimated_and_used_and_undone(
    app: App, dialog: Any, expected: CameraProfile, qtbot: QtBot
) -> None:
    assert not dialog.use.isEnabled() and not dialog.save.isEnabled() and not dialog.remember.isEnabled()
    app.document.development.choose(replace(DevelopSettings(), balance=WhiteBalance.TEMPERATURE, kelvin=4000, stops=1))
    estimate(app, dialog, qtbot)
    assert dialog.profile() == expected
    table = dialog.table
    assert table.rowCount() == 24 and table.item(14, 0).text() == "red"
    shown = np.array([[float(table.item(row, column).text()) for column in (1, 2, 3)] for row in range(24)])
    np.testing.assert_allclose(shown.mean(axis=0), (expected.before, expected.after, expected.left_out), atol=0.06)
    assert "a tone curve was fitted, with a white balance and" in dialog.message.text()
    assert f"ΔE2000 {expected.before:.1f} before, {expected.after:.1f} after" in dialog.message.text()
    dialog.name.setText("studio")
    dialog.light.setText("flash")
    qtbot.mouseClick(dialog.use, Qt.MouseButton.LeftButton)
    chosen = app.document.development.interpretation
    assert chosen.profile == replace(expected, name="studio", light="flash")
    assert chosen.balance is WhiteBalance.AS_IS and chosen.stops == 0  # which the profile states
    dialog.close()
    qtbot.waitUntil(lambda: app.document.developed == chosen and not app.worker.is_busy(Task.RECONSTRUCT))
    assert app.window.input.camera.text() == "studio"
    assert app.document.photograph is not None
    np.testing.assert_allclose(app.document.photograph.values[50, 60], classic().colours[0], atol=0.02)
    assert TONE_CURVE not in app.document.photograph.source.notes  # it has been measured
    app.application.undo()
    assert app.document.development.interpretation.profile is None
    assert app.document.development.interpretation.stops == 1


def test_the_spectra_of_a_patch_are_shown(app: App, dialog: Any, qtbot: QtBot) -> None:
    estimate(app, dialog, qtbot)
    dialog.view.patch_picked.emit(16)
    assert dialog.table.currentRow() == 16 and dialog.view._patch == 16
    curves = dialog.plot.curves
    assert set(curves) == {SHOWN, ESTIMATED, MEASURED}
    np.testing.assert_array_equal(curves[MEASURED].values, classic().reflectance(16).values)
    field = app.document.field
    assert field is not None
    region = read_patches(io.decode_photograph(app.document.source.image), classic(), TRUE).region(16)  # type: ignore[union-attr]
    at = tuple(int(value) for value in region.centre)
    inside = field.spectra([at], curves[SHOWN].wavelengths)[0]
    np.testing.assert_allclose(curves[SHOWN].values, inside, atol=0.25)
    lines = dialog.plot.getPlotItem().listDataItems()
    means = [np.interp(np.linspace(410, 690, 57), *line.getData()).mean() for line in lines]
    np.testing.assert_allclose(means, means[-1], rtol=0.01)  # shapes are compared
    dialog.table.selectRow(3)
    assert dialog.plot.curves[MEASURED].values[0] == classic().reflectance(3).values[0]  # type: ignore[union-attr]


def test_moved_corners_make_the_result_void(app: App, dialog: Any, qtbot: QtBot) -> None:
    estimate(app, dialog, qtbot)
    assert dialog.use.isEnabled()
    dialog.view._move(TRUE + 2)
    assert not dialog.use.isEnabled() and dialog.table.rowCount() == 0 and not dialog.anchors.isEnabled()


@pytest.mark.parametrize(
    ("change", "corners", "message"),
    [
        (lambda pixels: np.minimum(pixels.astype(int) * 3, 255), TRUE, "patches are clipped"),
        (lambda pixels: pixels[:, ::-1], np.column_stack([TRUE[:, 0], SHAPE[1] - TRUE[:, 1]]), "is mirrored"),
        (lambda pixels: pixels[:, :140], TRUE, "patches are inside the photograph"),
        (lambda pixels: pixels, TRUE[0] + (TRUE - TRUE[0]) / 12, "pixels wide; at least 6"),
        (lambda pixels: np.where(np.arange(SHAPE[1])[None, :, None] < 190, 90, pixels), TRUE, "nothing hides it"),
    ],
)
def test_a_chart_that_cannot_be_used_is_one_sentence_and_the_corners_stay(
    app: App, tmp_path: Path, qtbot: QtBot, change: Callable[[Any], Any], corners: Any, message: str
) -> None:
    pixels = np.ascontiguousarray(change(codes(photograph("contrast"))).astype(np.uint8))
    open_photo(app, write_photo(tmp_path / "bad.png", pixels=pixels), qtbot)
    dialog = open_dialog(app, qtbot)
    estimate(app, dialog, qtbot, corners)
    assert message in dialog.message.text() and not dialog.message.text()[0].islower()
    np.testing.assert_array_equal(dialog.view.corners, corners)
    assert not dialog.use.isEnabled() and dialog.estimate.isEnabled()
    dialog.close()


def test_an_upside_down_chart_is_used(app: App, tmp_path: Path, expected: CameraProfile, qtbot: QtBot) -> None:
    pixels = np.ascontiguousarray(codes(photograph("contrast"))[::-1, ::-1])
    open_photo(app, write_photo(tmp_path / "down.png", pixels=pixels), qtbot)
    dialog = open_dialog(app, qtbot)
    estimate(app, dialog, qtbot, np.array(SHAPE) - TRUE)
    assert "turned by 180°" in dialog.message.text()
    np.testing.assert_allclose(dialog.profile().matrix, expected.matrix, atol=0.02)
    dialog.close()


def test_an_estimate_can_be_cancelled(app: App, dialog: Any, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    began, stopped = threading.Event(), threading.Event()

    def endless(reading: Any, decoded: Any, progress: Callable[[float], None]) -> None:
        began.set()
        try:
            while True:
                progress(0.5)
        except Cancelled:
            stopped.set()
            raise

    monkeypatch.setattr(chart_calibration, "calibrate", endless)
    dialog.show_corners(TRUE)
    qtbot.mouseClick(dialog.estimate, Qt.MouseButton.LeftButton)
    assert dialog.stop.isEnabled() and not dialog.estimate.isEnabled()
    qtbot.waitUntil(lambda: began.is_set() and dialog.progress.value() == 50)
    qtbot.mouseClick(dialog.stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(stopped.is_set)
    assert not dialog.stop.isEnabled() and dialog.estimate.isEnabled() and not dialog.progress.isVisible()


def test_a_profile_is_saved(
    app: App, dialog: Any, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimate(app, dialog, qtbot)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / "my 5.0 camera"), ""))
    qtbot.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "Wrote" in dialog.message.text())
    assert read_profile(tmp_path / "my 5.0 camera.json") == dialog.profile()


def test_a_table_is_a_chart_and_a_bad_one_says_why(
    app: App, dialog: Any, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    chart = classic()
    assert chart.reflectances is not None and chart.wavelengths is not None
    lines = ["row,column,name," + ",".join(f"{nm:g}" for nm in chart.wavelengths.nm)]
    lines += [f"{row + 1},{col + 1},patch {n},{','.join(map(str, values))}" for n, ((row, col), values)
              in enumerate(zip(chart.cells, chart.reflectances, strict=True))]  # fmt: skip
    path = tmp_path / "own.csv"
    path.write_text("row,column\n1,2\n")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(path), ""))
    dialog.charts.setCurrentIndex(2)
    dialog.charts.activated.emit(2)
    qtbot.waitUntil(lambda: "cannot read" in dialog.message.text() or "no column" in dialog.message.text())
    assert dialog.charts.currentIndex() == 0
    path.write_text("\n".join(lines))
    corners = dialog.view.corners
    dialog.charts.activated.emit(2) if dialog.charts.currentData() is None else dialog.table_requested.emit()
    qtbot.waitUntil(lambda: dialog.charts.currentText() == "own (24 patches)")
    np.testing.assert_array_equal(dialog.view.corners, corners)
    estimate(app, dialog, qtbot)
    assert dialog.table.item(3, 0).text() == "patch 3" and dialog.profile().chart == "own"
    dialog.charts.setCurrentIndex(1)
    dialog.charts.activated.emit(1)
    qtbot.waitUntil(lambda: len(app.calibration._chart) == 140)  # type: ignore[arg-type]
    assert not dialog.use.isEnabled()


def test_patches_become_marks_with_measured_spectra(app: App, dialog: Any, qtbot: QtBot) -> None:
    app.document.add_pin(3, 4)
    estimate(app, dialog, qtbot)
    qtbot.mouseClick(dialog.anchors, Qt.MouseButton.LeftButton)
    marks = app.document.marks
    assert len(marks) == 25 and marks[15].name == "red" and not dialog.anchors.isEnabled()
    for patch, mark in enumerate(marks[1:]):
        assert mark.reading is not None and mark.reading.source == "published reflectances of the ColorChecker Classic"
        np.testing.assert_array_equal(mark.reading.spectrum.values, classic().reflectance(patch).values)  # type: ignore[union-attr]
    top, left, bottom, right = marks[1].place.bounds  # type: ignore[union-attr]
    assert 30 < top < bottom < 80 and 40 < left < right < 90
    app.application.undo()
    assert len(app.document.marks) == 1


def test_an_image_that_is_opened_behind_the_dialog_stays_as_it_is(app: App, dialog: Any, qtbot: QtBot) -> None:
    document = app.document
    app.workspace.make_room(beside=True)
    narrow = CubeField(smooth_cube(*SHAPE)[10:13], Wavelengths.from_step(500, 520, 10))
    app.document.open_cube("other.h5", narrow, (0.0, 1.0))
    assert app.document is not document
    estimate(app, dialog, qtbot)
    red = dialog._spectra[SHOWN][14]
    assert (red.wavelengths.nm[0], red.wavelengths.nm[-1]) == document.wavelength_range
    qtbot.mouseClick(dialog.anchors, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(dialog.use, Qt.MouseButton.LeftButton)
    assert len(document.marks) == 24 and document.development.interpretation.profile is not None
    assert app.document.marks == () and app.document.development.interpretation.profile is None


def test_an_image_that_replaces_the_photograph_of_the_dialog_stays_as_it_is(
    app: App, dialog: Any, qtbot: QtBot
) -> None:
    estimate(app, dialog, qtbot)
    app.document.open_cube("other.h5", CubeField(smooth_cube(40, 50), BANDS), (0.0, 1.0))
    qtbot.mouseClick(dialog.use, Qt.MouseButton.LeftButton)
    assert "Another image was opened in the tab of this photograph" in dialog.message.text()
    qtbot.mouseClick(dialog.anchors, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(dialog.estimate, Qt.MouseButton.LeftButton)
    assert app.document.marks == () and app.document.development.interpretation.profile is None
    assert not app.worker.is_busy(Task.CALIBRATE) and dialog.save.isEnabled()


def test_a_chart_is_found(app: App, dialog: Any, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def find(decoded: Any, chart: Any, encoding: Any, progress: Any) -> Any:
        asked.append((decoded, chart.name))
        if len(asked) == 1:
            raise ChartError("no chart was found")
        return TRUE[::-1]

    monkeypatch.setattr(chart_finder, "find_chart", find)
    dialog._missing = ""
    before = dialog.view.corners
    qtbot.mouseClick(dialog.search, Qt.MouseButton.LeftButton)
    assert not dialog.search.isEnabled()
    qtbot.waitUntil(lambda: dialog.message.text() == "No chart was found.")
    assert dialog.view.corners is before
    qtbot.waitUntil(dialog.search.isEnabled)
    qtbot.mouseClick(dialog.search, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dialog.view._placed is not None)
    np.testing.assert_array_equal(dialog.view.corners, TRUE[::-1])
    assert asked[0] == (app.document.development.decoded, "ColorChecker Classic")


def test_a_missing_package_is_named(app: App, photo: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chart_finder, "PACKAGE", "no_such_package")
    open_photo(app, photo, qtbot)
    dialog = open_dialog(app, qtbot)
    qtbot.mouseClick(dialog.search, Qt.MouseButton.LeftButton)
    assert "pip install 'nesr-gui[chart]'" in dialog.message.text() and "pip install" in dialog.search.toolTip()
    assert not app.worker.is_busy(Task.FIND_CHART)
    dialog.close()


def test_the_corners_are_there_again_when_the_dialog_is_opened_again(app: App, dialog: Any, qtbot: QtBot) -> None:
    estimate(app, dialog, qtbot)
    dialog.close()
    assert app.calibration.dialog is None
    again = open_dialog(app, qtbot)
    np.testing.assert_array_equal(again.view.corners, TRUE)
    again.close()


# --- stored profiles ---


def keep(profile: CameraProfile, is_automatic: bool = True) -> None:
    write_library(profile_library(), (StoredProfile(profile, is_automatic),))


def test_a_profile_is_kept_and_applied_to_photographs_of_the_camera(
    app: App, dialog: Any, tmp_path: Path, qtbot: QtBot
) -> None:
    estimate(app, dialog, qtbot)
    dialog.remember.click()
    assert not dialog.naming.isEnabled()
    profile = dialog.profile()
    qtbot.waitUntil(lambda: read_library(profile_library()) == (StoredProfile(profile, True),))
    dialog.close()
    open_photo(app, write_photo(tmp_path / "other.png"), qtbot)
    assert app.document.development.interpretation == DevelopSettings(profile=profile)
    assert not app.document.is_modified
    messages = app.window.messages
    assert messages.isVisible() and messages._topic is Topic.CAMERA_PROFILE
    assert messages.text.text() == (
        "The camera profile Maker One was applied, as chosen for photographs of the Maker One."
    )
    messages.remedy.click()
    assert app.document.development.interpretation == DevelopSettings() and not messages.isVisible()
    app.application.undo()
    assert app.document.development.interpretation.profile == profile
    app.application.undo()  # that it was applied
    assert app.document.development.interpretation.profile is None
    app.application.redo()
    assert app.document.development.interpretation.profile == profile
    for name, camera in (("foreign.png", "Two"), ("nameless.png", "")):
        open_photo(app, write_photo(tmp_path / name, camera), qtbot)
        assert app.document.development.interpretation == DevelopSettings()


def test_a_profile_that_is_unticked_is_forgotten(app: App, dialog: Any, qtbot: QtBot) -> None:
    estimate(app, dialog, qtbot)
    dialog.remember.click()
    qtbot.waitUntil(lambda: len(read_library(profile_library())) == 1)
    dialog.remember.click()
    qtbot.waitUntil(lambda: read_library(profile_library()) == ())
    assert dialog.naming.isEnabled()


def test_a_photograph_without_camera_is_not_remembered(app: App, tmp_path: Path, qtbot: QtBot) -> None:
    open_photo(app, write_photo(tmp_path / "nameless.png", ""), qtbot)
    dialog = open_dialog(app, qtbot)
    estimate(app, dialog, qtbot)
    assert dialog.use.isEnabled() and not dialog.remember.isEnabled()
    dialog.close()


def test_a_damaged_list_of_profiles_does_not_keep_photographs_shut(app: App, photo: Path, qtbot: QtBot) -> None:
    profile_library().parent.mkdir(parents=True)
    profile_library().write_text("{")
    open_photo(app, photo, qtbot)
    assert "Stored camera profiles were left aside" in app.window.messages.text.text()
    assert app.document.development.interpretation == DevelopSettings()


@pytest.mark.parametrize("choose", ["use_profile", "choose_camera"])
def test_a_profile_decides_how_its_photograph_is_read(
    app: App, photo: Path, expected: CameraProfile, qtbot: QtBot, choose: str
) -> None:
    """An encoding, white or exposure chosen before would be applied once more."""
    open_photo(app, photo, qtbot)
    development = app.document.development
    development.choose(DevelopSettings(encoding=SourceEncoding.GAMMA, stops=1.0))
    getattr(development, choose)(expected)
    assert development.interpretation == DevelopSettings(profile=expected)


def test_a_session_keeps_its_own_profile_exactly(
    app: App, photo: Path, tmp_path: Path, expected: CameraProfile, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is stored by then."""
    open_photo(app, photo, qtbot)
    mine = replace(expected, name="mine", light="flash", white_balance=(2.0123456789, 1.0, 1.4987654321))
    app.document.development.use_profile(mine)
    app.document.add_pin(3, 4)
    path = tmp_path / "work.nesr"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    app.documents.save_session_as()
    qtbot.waitUntil(lambda: path.exists() and not app.document.is_modified)
    keep(expected)
    app.document.mark_set.remove(*range(1, 100))
    app.files.open(path)
    qtbot.waitUntil(lambda: len(app.document.marks) == 1)
    assert app.document.development.interpretation == DevelopSettings(profile=mine)
    app.document.development.reset()
    app.documents.save_session()
    qtbot.waitUntil(lambda: not app.document.is_modified)
    app.files.open(path)
    qtbot.waitUntil(lambda: not app.worker.is_busy(Task.OPEN) and app.document.undo_stack.count() == 0)
    assert app.document.development.interpretation == DevelopSettings()


@pytest.fixture
def manager(app: App, photo: Path, expected: CameraProfile, qtbot: QtBot) -> Any:
    other = replace(expected, name="garden", light="sun", white_balance=(2, 1, 1.5))
    write_library(profile_library(), (StoredProfile(expected, True), StoredProfile(other, False)))
    app.window.actions_by_name["camera_profiles"].trigger()
    made = app.calibration.profiles
    assert made is not None
    qtbot.waitUntil(lambda: made.table.rowCount() == 2)
    yield made
    made.close()


def test_stored_profiles_are_listed_and_ticked(app: App, manager: CameraProfilesDialog, qtbot: QtBot) -> None:
    texts = [[manager.table.item(row, column).text() for column in range(6)] for row in range(2)]  # type: ignore[union-attr]
    assert texts[0][:4] == ["Maker One", "Maker One", "", ""]
    assert texts[1][:4] == ["garden", "Maker One", "sun", "red × 2.00, blue × 1.50"]
    assert not manager.use.isEnabled()  # no photograph is open
    tick = manager.table.item(1, 0)
    assert tick is not None
    tick.setCheckState(Qt.CheckState.Checked)
    qtbot.waitUntil(lambda: manager.table.item(0, 0).checkState() == Qt.CheckState.Unchecked)  # type: ignore[union-attr]
    assert [each.is_automatic for each in read_library(profile_library())] == [False, True]


def test_a_stored_profile_is_removed_after_a_question(app: App, manager: CameraProfilesDialog, qtbot: QtBot) -> None:
    manager.table.selectRow(1)
    manager.remove.click()
    box = manager.findChild(QMessageBox)
    assert box is not None and "Remove the camera profile garden?" in box.text()
    next(button for button in box.buttons() if button.text() == "Remove").click()
    qtbot.waitUntil(lambda: manager.table.rowCount() == 1)
    assert [each.profile.name for each in read_library(profile_library())] == ["Maker One"]


def test_a_stored_profile_is_added_from_a_file_and_used(
    app: App, photo: Path, tmp_path: Path, expected: CameraProfile, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nesr_gui.io.photos.camera_profile import write_profile

    open_photo(app, photo, qtbot)
    write_profile(tmp_path / "a.json", replace(expected, name="from a file"))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(tmp_path / "a.json"), ""))
    app.window.input.profiles.click()
    manager = app.calibration.profiles
    assert manager is not None
    manager.add.click()
    qtbot.waitUntil(lambda: manager.table.rowCount() == 1)
    assert [each.is_automatic for each in read_library(profile_library())] == [False]
    manager.use.click()
    assert app.document.development.interpretation.profile == replace(expected, name="from a file")
    manager.close()
    assert app.calibration.profiles is None
