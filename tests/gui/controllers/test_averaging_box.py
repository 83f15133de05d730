"""The averaging box: the mean under the mouse, its outline, and the region that a click makes of it."""

import numpy as np
import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nesr_gui.analysis.transect import box_mean
from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.app import App
from nesr_gui.gui.model.plot_settings import Normalise, Transform
from nesr_gui.gui.model.session_file import SessionData, read_session, write_session
from nesr_gui.gui.model.view_settings import BOXES, PaneLayout, ViewSettings
from nesr_gui.gui.view_modes import MODES
from nesr_gui.regions import Region
from nesr_gui.spectral import Wavelengths
from tests.gui.conftest import BANDS, smooth_cube
from tests.gui.test_window import click

EVERY_NM = Wavelengths.from_step(400, 700, 1)


def hover(app: App, row: int, col: int) -> None:
    QTest.mouseMove(app.window.image.viewport(), app.window.image.position_of(row, 5).toPoint())  # certainly moves
    QTest.mouseMove(app.window.image.viewport(), app.window.image.position_of(row, col).toPoint())


def shown_values(app: App) -> np.ndarray:
    return np.asarray(app.window.hover_curve.line.getData()[1])


def averaged(app: App, top: int, left: int, bottom: int, right: int, nm: Wavelengths = EVERY_NM) -> np.ndarray:
    """The mean of the spectra of pixels, one after another."""
    assert app.document.field is not None
    pixels = [(row, col) for row in range(top, bottom) for col in range(left, right)]
    return np.mean([app.document.field.spectra([pixel], nm)[0] for pixel in pixels], axis=0, dtype=np.float64)


def test_the_key_goes_through_the_boxes_which_menu_and_status_bar_show(opened: App) -> None:
    actions, status = opened.window.actions_by_name, opened.window.status
    assert actions["box_1"].isChecked() and status.box.isHidden()
    for side in (*BOXES[1:], 1):
        QTest.keyClick(opened.window, Qt.Key.Key_B)
        assert opened.document.view_settings.box == side
        assert [name for name in actions if name.startswith("box_") and actions[name].isChecked()] == [f"box_{side}"]
        assert status.box.isHidden() == (side == 1) and (
            side == 1 or status.box.text().startswith(f"box {side}×{side} px")
        )
    actions["box_9"].trigger()
    assert opened.document.view_settings.box == 9


@pytest.mark.parametrize(
    ("at", "edges"),
    [((30, 41), (28, 39, 33, 44)), ((0, 0), (0, 0, 3, 3)), ((59, 78), (57, 76, 60, 80))],
    ids=["inside", "upper left corner", "lower right corner"],
)
def test_spectrum_and_value_under_the_mouse_are_the_mean_of_the_box(
    opened: App, qtbot: QtBot, at: tuple[int, int], edges: tuple[int, int, int, int]
) -> None:
    opened.window.actions_by_name["box_5"].trigger()
    hover(opened, *at)
    box = Region.rectangle(*edges)
    mean = averaged(opened, *edges)
    qtbot.waitUntil(lambda: box in opened.document.readouts)
    qtbot.waitUntil(lambda: opened.document.hover_curve is not None and np.allclose(shown_values(opened), mean))
    value = averaged(opened, *edges, Wavelengths(np.array([550.0])))[0]
    assert f"row {at[0]}, col {at[1]}   ·   mean of 5×5 px {value:.4f} at 550.0 nm" in opened.window.status.where.text()
    top, left, bottom, right = edges
    outline = opened.window.image.canvas.outline
    assert outline.isVisible() and outline.rect() == QRectF(left, top, right - left, bottom - top)


def test_another_box_applies_at_once_where_the_mouse_is(opened: App, qtbot: QtBot) -> None:
    hover(opened, 30, 41)
    qtbot.waitUntil(lambda: opened.document.hover_curve is not None)
    QTest.keyClick(opened.window, Qt.Key.Key_B)
    qtbot.waitUntil(lambda: np.allclose(shown_values(opened), averaged(opened, 29, 40, 32, 43), rtol=1e-5))
    assert opened.window.image.canvas.outline.rect() == QRectF(40, 29, 3, 3)
    opened.document.set_wavelength(610)
    qtbot.waitUntil(lambda: "mean of 3×3 px" in opened.window.status.where.text())
    opened.window.actions_by_name["box_1"].trigger()
    qtbot.waitUntil(lambda: np.array_equal(shown_values(opened), averaged(opened, 30, 41, 31, 42).astype(np.float32)))
    assert not opened.window.image.canvas.outline.isVisible()
    assert "mean of" not in opened.window.status.where.text()


def test_the_outline_goes_with_the_mouse_and_is_in_both_panes(opened: App) -> None:
    opened.window.actions_by_name["box_3"].trigger()
    opened.document.set_view_settings(opened.document.view_settings.arranged(PaneLayout.SIDE_BY_SIDE))
    QApplication.processEvents()
    hover(opened, 30, 41)
    assert [image.canvas.outline.isVisible() for image in opened.window.panes.images] == [True, True]
    opened.document.set_hover(None)
    assert [image.canvas.outline.isVisible() for image in opened.window.panes.images] == [False, False]


def test_a_click_marks_the_box_as_a_region_which_can_be_undone(opened: App, qtbot: QtBot) -> None:
    opened.window.actions_by_name["box_5"].trigger()
    click(opened, 0, 79)
    (mark,) = opened.document.marks
    assert mark.place == Region.rectangle(0, 77, 3, 80) and mark.title == "rectangle 1"
    qtbot.waitUntil(lambda: mark.place in opened.document.curves)
    curve = opened.document.curves[mark.place]
    assert curve.deviation is not None and curve.pixels == curve.of == 9
    np.testing.assert_allclose(curve.spectrum.values, averaged(opened, 0, 77, 3, 80), rtol=1e-5)
    opened.window.actions_by_name["box_1"].trigger()
    assert opened.document.marks == (mark,), "the setting changes no mark"
    click(opened, 30, 41)
    assert [each.place for each in opened.document.marks] == [mark.place, (30, 41)]
    undo = opened.document.undo_stack
    undo.undo()
    assert opened.document.view_settings.box == 1 and undo.undoText() == "change of averaging box"
    undo.undo()
    assert opened.document.view_settings.box == 5
    undo.undo()
    assert opened.document.marks == ()


def test_clicks_beside_the_image_mark_nothing_and_grey_is_picked_at_one_pixel(opened: App) -> None:
    opened.window.actions_by_name["box_9"].trigger()
    opened.document.pick_pixel(60, 3)
    opened.document.pick_pixel(-1, 3)
    assert opened.document.marks == ()
    opened.files.set_picking(True)
    click(opened, 30, 41)
    assert opened.document.marks == () and opened.document.development.interpretation.grey_point is not None


@pytest.mark.parametrize("side", BOXES[1:])
def test_the_box_counts_source_pixels_at_a_reduced_resolution(opened: App, qtbot: QtBot, side: int) -> None:
    reduced = CubeField(smooth_cube(15, 20), BANDS, binning=4, source_shape=(60, 80))
    opened.document.set_field(reduced, 4, opened.document.levels)
    opened.window.actions_by_name[f"box_{side}"].trigger()
    hover(opened, 30, 41)
    qtbot.waitUntil(lambda: opened.document.hover_curve is not None)
    expected, _, pixels = box_mean(reduced, 30, 41, side, EVERY_NM)
    assert pixels == {3: 1, 5: 1, 9: 6}[side]
    qtbot.waitUntil(lambda: np.allclose(shown_values(opened), expected.values, rtol=1e-5))
    place = opened.document.hover_place
    qtbot.waitUntil(lambda: place in opened.document.readouts)
    at_wavelength = box_mean(reduced, 30, 41, side, Wavelengths(np.array([opened.document.nm])))[0].values.item()
    assert opened.document.readouts[place].value == pytest.approx(at_wavelength, rel=1e-5)
    click(opened, 30, 41)
    (mark,) = opened.document.marks
    qtbot.waitUntil(lambda: mark.place in opened.document.curves)
    assert opened.document.curves[mark.place].pixels == pixels
    np.testing.assert_allclose(opened.document.curves[mark.place].spectrum.values, expected.values, rtol=1e-5)


def test_the_box_is_in_sessions_and_in_new_tabs(opened: App, tmp_path) -> None:
    opened.window.actions_by_name["box_5"].trigger()
    write_session(tmp_path / "work.nesr", SessionData.of(opened.document, None))
    assert read_session(tmp_path / "work.nesr", MODES).view_settings.box == 5
    opened.workspace.make_room(beside=True)
    assert opened.document.view_settings.box == 5
    with pytest.raises(ValueError, match=r"an averaging box of 4 pixels; 1, 3, 5, 9 are possible"):
        ViewSettings(box=4)


def test_the_curve_under_the_mouse_follows_the_wavelength_and_the_mark_that_it_depends_on(
    opened: App, qtbot: QtBot
) -> None:
    document = opened.document
    hover(opened, 30, 41)
    qtbot.waitUntil(lambda: document.hover_curve is not None)
    document.set_transform(Transform(normalise=Normalise.AT_WAVELENGTH))
    document.set_wavelength(610)
    spectrum = document.hover_curve
    assert spectrum is not None
    at_610 = spectrum.values / np.interp(610, spectrum.wavelengths.nm, spectrum.values)
    qtbot.waitUntil(lambda: np.allclose(shown_values(opened), at_610, rtol=1e-5))
    document.set_transform(Transform(difference=True))
    document.add_pin(30, 41)
    qtbot.waitUntil(lambda: np.allclose(shown_values(opened), 0, atol=1e-6))
