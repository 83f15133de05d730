"""Marks, curves, colours and light, as the user meets them in the window."""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QMenu
from pytestqt.qtbot import QtBot

from nesr_gui.colorimetry import cie
from nesr_gui.colorimetry.viewing_conditions import CIE_1964, Illuminant, IlluminantKind, ViewingConditions
from nesr_gui.fields.protocol import CubeField, IntervalBlock, QualityFlag
from nesr_gui.gui.app import App
from nesr_gui.gui.figures.spectra import FigureStyle
from nesr_gui.gui.model.marks import Readout
from nesr_gui.gui.model.palette import MARK_COLOURS
from nesr_gui.gui.model.plot_settings import Normalise, Spreads, Transform
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.view_modes import MODES
from nesr_gui.gui.view_modes.base import RenderContext
from nesr_gui.gui.views.dialogs.help import GuideWindow
from nesr_gui.gui.views.mark_table import (
    BAND,
    BAND_DEPTH,
    BAND_WIDTH,
    COLOUR,
    DOMINANT,
    MARK,
    MEASURED,
    PIXELS,
    POSITION,
    VALUE,
    A,
    B,
    L,
    MarkTable,
    X,
    Y,
)
from nesr_gui.io.spectra.csv import read_curves, write_curves
from nesr_gui.regions import Region, Shape
from nesr_gui.spectral import Quantity, Spectrum, Wavelengths
from tests.gui.conftest import BANDS, smooth_cube
from tests.gui.test_window import click, drag

KEY, CONTROL = Qt.Key, Qt.KeyboardModifier.ControlModifier


def at(app: App, row: float, col: float) -> QPoint:
    image = app.window.image
    return image.mapFromScene(image.box.mapViewToScene(QPointF(col, row)))


def press(app: App, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(app.window.image, key, modifier)


def draw(app: App, key: Qt.Key, start: tuple[float, float], stop: tuple[float, float]) -> None:
    press(app, key)
    drag(app.window.image.viewport(), at(app, *start), at(app, *stop))


def settled(app: App, qtbot: QtBot) -> None:
    """Everything is known of every mark."""
    busy = (
        Task.CURVES, Task.READOUTS, Task.REGIONS, Task.REGION_REFINED, Task.COLOURS, Task.LOAD_SPECTRA, Task.WRITE,
    )  # fmt: skip
    qtbot.waitUntil(
        lambda: (
            all(mark.place in app.document.colour_results for mark in app.document.marks)
            and not any(app.worker.is_busy(task) for task in busy)
        )
    )


@pytest.mark.parametrize(
    ("key", "shape"), [(KEY.Key_R, Shape.RECTANGLE), (KEY.Key_E, Shape.ELLIPSE)], ids=["rectangle", "ellipse"]
)
def test_a_drag_draws_a_region_and_its_curve_is_the_mean(opened: App, qtbot: QtBot, key: Qt.Key, shape: Shape) -> None:
    draw(opened, key, (10, 20), (30, 50))
    (mark,) = opened.document.marks
    assert mark.place == Region(shape, ((10, 20), (30, 50)))
    settled(opened, qtbot)
    field, curve = opened.document.field, opened.document.curves[mark.place]
    assert field is not None and curve.pixels == curve.of and 1 in opened.window.plot.layer.bands
    if shape is Shape.RECTANGLE:
        drawn = opened.window.plot.layer.curves[1]
        np.testing.assert_allclose(
            drawn.y, field.cube(drawn.x, rows=slice(10, 30), cols=slice(20, 50)).values.mean((1, 2)), atol=1e-6
        )
    press(opened, KEY.Key_Z, CONTROL)
    assert opened.document.marks == () and opened.window.image.marks.items == {}
    assert opened.window.plot.layer.curves == {} and opened.window.plot.layer.bands == {}


def test_a_polygon_is_clicked_and_ends_with_enter_or_at_its_start(opened: App) -> None:
    press(opened, KEY.Key_G)
    for corner in ((10, 10), (10, 40), (40, 40), (20, 20)):
        QTest.mouseClick(opened.window.image.viewport(), Qt.MouseButton.LeftButton, pos=at(opened, *corner))
    press(opened, KEY.Key_Backspace)
    press(opened, KEY.Key_Return)
    for corner in ((50, 50), (50, 70), (58, 70), (50, 50)):
        QTest.mouseClick(opened.window.image.viewport(), Qt.MouseButton.LeftButton, pos=at(opened, *corner))
    polygons = [mark.place for mark in opened.document.marks if isinstance(mark.place, Region)]
    assert [len(polygon.vertices) for polygon in polygons] == [3, 3]
    np.testing.assert_allclose(polygons[0].vertices, [(10, 10), (10, 40), (40, 40)], atol=0.2)


def test_escape_gives_up_a_drawing_and_then_the_tool(opened: App) -> None:
    press(opened, KEY.Key_G)
    click(opened, 10, 10)
    assert opened.window.image.marks.drawing.is_drawing
    press(opened, KEY.Key_Escape)
    assert not opened.window.image.marks.drawing.is_drawing and opened.workspace.tool is Shape.POLYGON
    press(opened, KEY.Key_Escape)
    assert opened.workspace.tool is Shape.POINT and opened.window.actions_by_name["tool_point"].isChecked()
    assert opened.document.marks == ()


def test_a_lasso_follows_the_hand(opened: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(pg.CONFIG_OPTIONS, "mouseRateLimit", -1)  # a hand is slower than this test
    press(opened, KEY.Key_L)
    viewport = opened.window.image.viewport()
    path = [(30 + 15 * np.sin(a), 40 + 20 * np.cos(a)) for a in np.linspace(0, 2 * np.pi, 40)]
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, pos=at(opened, *path[0]))
    for point in path[1:]:
        QTest.mouseMove(viewport, at(opened, *point))
    QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=at(opened, *path[-1]))
    settled(opened, qtbot)
    (mark,) = opened.document.marks
    assert mark.shape is Shape.LASSO
    assert opened.document.curves[mark.place].of == pytest.approx(np.pi * 15 * 20, rel=0.05)


def test_a_region_is_moved_by_its_outline_and_reshaped_by_a_handle(opened: App, qtbot: QtBot) -> None:
    draw(opened, KEY.Key_R, (10, 20), (30, 50))
    press(opened, KEY.Key_P)
    drag(opened.window.image.viewport(), at(opened, 30, 35), at(opened, 35, 40))
    assert opened.document.marks[0].place == Region(Shape.RECTANGLE, ((15, 25), (35, 55)))
    drag(opened.window.image.viewport(), at(opened, 35, 55), at(opened, 40, 70))
    assert opened.document.marks[0].place == Region(Shape.RECTANGLE, ((15, 25), (40, 70)))
    opened.application.undo()
    opened.application.undo()
    assert opened.document.marks[0].place == Region(Shape.RECTANGLE, ((10, 20), (30, 50)))
    settled(opened, qtbot)


def test_the_keyboard_moves_the_active_mark(opened: App, qtbot: QtBot) -> None:
    click(opened, 20, 20)
    press(opened, KEY.Key_Right, Qt.KeyboardModifier.AltModifier)
    press(opened, KEY.Key_Down, Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier)
    assert opened.document.marks[0].pixel == (30, 21)
    settled(opened, qtbot)


def test_a_click_on_a_mark_makes_it_active_everywhere(opened: App, qtbot: QtBot) -> None:
    click(opened, 10, 10)
    click(opened, 40, 60)
    settled(opened, qtbot)
    table = opened.window.table
    assert opened.document.mark_set.active == 2 and table.selected() == [2]
    click(opened, 10, 10)
    assert opened.document.mark_set.active == 1 and table.selected() == [1] and len(opened.document.marks) == 2
    assert opened.window.plot.layer.curves[1].pen.widthF() > opened.window.plot.layer.curves[2].pen.widthF()
    table.setCurrentCell(1, VALUE)
    assert opened.document.mark_set.active == 2


def test_marker_curve_row_and_export_share_their_signs(
    opened: App, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    click(opened, 10, 10)
    draw(opened, KEY.Key_R, (20, 20), (30, 40))
    opened.document.mark_set.edit(2, name="leaf", colour="#00aa55", symbol="star")
    settled(opened, qtbot)
    (mark,) = [mark for mark in opened.document.marks if mark.number == 2]
    assert opened.window.image.marks.items[2].mark is mark
    assert opened.window.plot.layer.curves[2].pen.color().name() == "#00aa55"
    spots = [spot for spot in opened.window.plot.layer.symbols.spots if spot.mark.number == 2]
    assert len(spots) == 2 and {spot.mark for spot in spots} == {mark}
    row = opened.window.table.item(1, MARK)
    assert row is not None and row.text() == "leaf"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / "m.csv"), ""))
    opened.exporter.export_table()
    settled(opened, qtbot)
    before = opened.document.marks
    opened.document.mark_set.remove(*range(1, 100))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(tmp_path / "m.csv"), ""))
    opened.marks.import_marks()
    qtbot.waitUntil(lambda: opened.document.marks == before)
    settled(opened, qtbot)


def test_rename_hide_and_remove_in_the_table(opened: App, qtbot: QtBot) -> None:
    for place in ((10, 10), (20, 20), (30, 30)):
        opened.document.add_pin(*place)
    settled(opened, qtbot)
    table = opened.window.table
    QTest.keyClick(opened.window, KEY.Key_F2)
    editor = table.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit)
    editor.selectAll()
    QTest.keyClicks(editor, "a leaf")
    QTest.keyClick(editor, KEY.Key_Return)
    qtbot.waitUntil(lambda: opened.document.marks[2].name == "a leaf")
    table.item(0, MARK).setCheckState(Qt.CheckState.Unchecked)
    assert not opened.document.marks[0].visible and 1 not in opened.window.plot.layer.curves
    assert not opened.window.image.marks.items[1].isVisible() and opened.document.marks[0].name == ""
    table.setFocus()
    table.clearSelection()
    table.selectRow(1)
    QTest.keyClick(table, KEY.Key_Delete)
    assert [mark.number for mark in opened.document.marks] == [1, 3]
    settled(opened, qtbot)


def test_a_mark_whose_name_is_being_edited_is_not_edited_twice(
    opened: App, qtbot: QtBot, said: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after a mouse button was released beside the editor, which ends the state of editing only."""
    opened.document.add_pin(10, 10)
    settled(opened, qtbot)
    table = opened.window.table
    monkeypatch.setattr(table, "setFocus", lambda: None)  # another window has it
    table.rename(1)
    table.setState(table.State.NoState)
    table.rename(1)
    assert [message for message in said if "edit" in message] == []


def test_the_menu_of_a_mark_changes_it(opened: App, qtbot: QtBot) -> None:
    opened.document.add_pin(10, 10)
    settled(opened, qtbot)
    opened.marks.show_menu(1, QPoint(5, 5))
    (menu,) = [menu for menu in opened.window.findChildren(QMenu) if menu.title() == "pin 1"]
    entries = {action.text(): action for action in menu.actions()}
    colours = entries["Colour"].menu()
    assert isinstance(colours, QMenu) and "Use as white reference" not in entries
    colours.actions()[1].trigger()
    assert opened.document.marks[0].colour == MARK_COLOURS["safe"][2]
    entries["Remove"].trigger()
    assert opened.document.marks == ()
    menu.close()


def test_the_table_tells_colours_under_the_chosen_light(opened: App, qtbot: QtBot) -> None:
    click(opened, 10, 10)
    click(opened, 40, 60)
    settled(opened, qtbot)
    table = opened.window.table
    texts = [[table.item(row, column).text() for column in (X, L, DOMINANT)] for row in (0, 1)]
    opened.window.light.viewing_picked.emit(ViewingConditions(Illuminant("A"), CIE_1964))
    qtbot.waitUntil(lambda: table.item(0, X).text() != texts[0][0])
    for row, mark in enumerate(opened.document.marks):
        seen = opened.document.colour_results[mark.place].appearance
        assert seen is not None and [table.item(row, at).text() for at in (X, Y)] == [
            f"{value:.4f}" for value in seen.xy
        ]
        assert [table.item(row, at).text() for at in (L, A, B)] == [f"{value:.1f}" for value in seen.lab]
        assert seen.hex in table.item(row, COLOUR).toolTip()
    table.selectAll()
    pair = opened.window.pair
    first, second = (opened.document.colour_results[mark.place].appearance for mark in opened.document.marks)
    assert first is not None and second is not None
    assert f"ΔE2000 {cie.delta_e(first.lab, second.lab):.2f}" in pair.text() and "spectral angle" in pair.text()
    opened.marks.copy_table()
    lines = QGuiApplication.clipboard().text().split("\n")
    assert len(lines) == 3 and lines[0].startswith("number\tname\tshape") and lines[1].startswith("1\t")


def test_the_panel_chooses_light_and_observer(opened: App, qtbot: QtBot) -> None:
    panel, document = opened.window.light, opened.document
    panel.light.setCurrentIndex(panel.light.findText("LED-B1", Qt.MatchFlag.MatchStartsWith))
    panel.light.activated.emit(panel.light.currentIndex())
    assert document.viewing == ViewingConditions(Illuminant("LED-B1"))
    panel.light.setCurrentIndex(panel.light.findText("Blackbody", Qt.MatchFlag.MatchStartsWith))
    panel.light.activated.emit(panel.light.currentIndex())
    panel.kelvin.setValue(2200)
    assert document.viewing.light == Illuminant.blackbody(2200)
    panel.observer.setCurrentIndex(1)
    panel.observer.activated.emit(1)
    assert document.viewing.observer == CIE_1964
    panel.reset.click()
    assert document.viewing == ViewingConditions.default() and panel.light.currentText().startswith("D65")


def test_lights_and_cameras_come_from_files(
    opened: App, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nm = np.arange(380, 721, 10)
    path = tmp_path / "lamp.csv"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(path), ""))
    path.write_text("wavelength,power\n" + "".join(f"{at},{at - 300}\n" for at in nm))
    opened.window.light.load_light.click()
    qtbot.waitUntil(lambda: opened.document.viewing.light.kind is IlluminantKind.FILE)
    assert opened.window.light.light.currentText() == "lamp.csv"
    path = tmp_path / "camera.csv"
    curves = np.exp(-(((nm[:, None] - [600, 540, 460]) / 40) ** 2))
    path.write_text("nm,R,G,B\n" + "".join(f"{at},{r},{g},{b}\n" for at, (r, g, b) in zip(nm, curves, strict=True)))
    opened.window.light.load_camera.click()
    qtbot.waitUntil(lambda: opened.document.viewing.observer.is_camera)
    path.write_text("nm,R\n400,1\n500,2\n")
    opened.window.light.load_camera.click()
    qtbot.waitUntil(lambda: "wavelength,R,G,B" in opened.window.messages.text.text())
    settled(opened, qtbot)


def test_radiance_is_seen_relative_to_a_white_that_is_picked(app: App, qtbot: QtBot) -> None:
    light = np.linspace(1, 3, 31)[:, None, None]
    cube = CubeField((smooth_cube(20, 30) * light).astype(np.float32), BANDS, Quantity.RADIANCE)
    app.document.open_cube("radiance", cube, (0.0, 3.0))
    app.document.add_pin(3, 3)
    app.document.add_pin(10, 20)
    settled(app, qtbot)
    table, panel = app.window.table, app.window.light
    assert table.item(0, X).text() == "–" and "radiance" in panel.note.text() and not panel.light.isEnabled()
    panel.white_requested.emit()
    qtbot.waitUntil(lambda: [table.item(1, at).text() for at in (L, A, B)] == ["100.0", "0.0", "0.0"])
    assert "Relative to the white reference pin 2" in panel.note.text() and panel.light.isEnabled()
    assert table.item(0, X).text() != "–"


def test_what_cannot_be_seen_is_told_where_the_colour_would_stand(app: App, qtbot: QtBot) -> None:
    values = smooth_cube(20, 30)[:4].copy()
    values[:, 3, 3] = np.nan
    app.document.open_cube("violet", CubeField(values, Wavelengths(BANDS.nm[:4]), Quantity.REFLECTANCE), (0.0, 1.0))
    app.document.add_pin(3, 3)
    app.document.add_pin(10, 20)
    settled(app, qtbot)
    assert [app.window.table.item(row, X).text() for row in (0, 1)] == ["–", "–"]
    assert "invalid values" in app.window.table.item(0, X).toolTip()
    assert "lies outside 400-430 nm, which therefore do not determine a colour" in app.window.table.item(1, X).toolTip()
    assert "has no response" not in app.window.messages.text.text()


def test_curves_are_normalised_differentiated_and_compared(opened: App, qtbot: QtBot) -> None:
    click(opened, 10, 10)
    click(opened, 40, 60)
    settled(opened, qtbot)
    bar, plot = opened.window.plot_toolbar, opened.window.plot
    assert [bar.normalise.itemText(i) for i in range(len(Normalise))] == [way.label for way in Normalise]
    bar.normalise.setCurrentIndex(list(Normalise).index(Normalise.AT_WAVELENGTH))
    opened.document.set_wavelength(612)
    for curve in plot.layer.curves.values():
        assert np.interp(612, curve.x, curve.y) == pytest.approx(1)
    bar.normalise.setCurrentIndex(0)
    bar.difference.click()
    np.testing.assert_allclose(plot.layer.curves[2].y, 0, atol=1e-12)
    first, second = (opened.document.curves[mark.place].spectrum.values for mark in opened.document.marks)
    np.testing.assert_allclose(plot.layer.curves[1].y, first - second, atol=1e-6)
    assert plot.getPlotItem().getAxis("left").labelText == "difference in relative reflectance"
    bar.difference.click()
    bar.derivative.click()
    np.testing.assert_allclose(plot.layer.curves[1].y, np.gradient(first), atol=1e-6)
    assert opened.document.plot_settings.transform == Transform(derivative=True)


def test_references_stand_beside_the_curves(
    opened: App, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    click(opened, 10, 10)
    settled(opened, qtbot)
    bar, plot, document = opened.window.plot_toolbar, opened.window.plot, opened.document
    write_curves(tmp_path / "lib.csv", [Spectrum(BANDS, np.linspace(0, 1, 31), name) for name in ("grass", "stone")])
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(tmp_path / "lib.csv"), ""))
    bar.menu.aboutToShow.emit()
    next(action for action in bar.menu.actions() if action.text() == "Load reference spectra…").trigger()
    qtbot.waitUntil(lambda: [line.name for line in document.plot_content().lines] == ["pin 1", "grass", "stone"])
    bar.menu.aboutToShow.emit()
    next(action for action in bar.menu.actions() if action.text().startswith("grass")).trigger()
    assert [line.name for line in document.plot_content().lines] == ["pin 1", "stone"]
    next(action for action in bar.menu.actions() if action.text().startswith("Smooth")).trigger()
    qtbot.waitUntil(lambda: "pin 1, smooth metamer" in [line.name for line in document.plot_content().lines])
    smooth = document.colour_results[(10, 10)].smooth
    assert smooth is not None and document.photograph is not None
    seen = np.interp(cie.CAMERA_BANDS, smooth.wavelengths.nm, smooth.values) @ cie.default_camera().T
    np.testing.assert_allclose(seen, document.photograph.values[10, 10], atol=2e-3)
    readout = {name: value for _, name, value in plot.layer.readout(550.0)}
    reading = document.readout(document.marks[0])
    assert reading is not None and readout["pin 1"] == pytest.approx(reading.value, abs=1e-6)
    assert readout["stone"] == pytest.approx(0.5)
    for _ in range(3):
        opened.marks.load_chart(cie.CHARTS[0])
        settled(opened, qtbot)
    assert "at most 48" in opened.window.messages.text.text()
    document.set_references(())


def test_the_crosshair_reads_every_curve(opened: App, qtbot: QtBot) -> None:
    click(opened, 10, 10)
    settled(opened, qtbot)
    plot = opened.window.plot
    plot.crosshair.follow(plot.box.mapViewToScene(QPointF(480, 0.5)))
    assert plot.crosshair.label.isVisible() and "480.0 nm" in plot.crosshair.label.text()
    value = float(opened.document.field.spectra([(10, 10)], [480])[0, 0])  # type: ignore[union-attr]
    assert f"{value:.4f}" in plot.crosshair.label.text() and "pin 1" in plot.crosshair.label.text()
    plot.crosshair.follow(QPointF(-5, -5))
    assert not plot.crosshair.label.isVisible()


class SureField(CubeField):
    """A field that says how far it can be trusted."""

    def prediction_interval(self, points, wavelengths):
        values = self.spectra(points, wavelengths)
        return values - 0.1, values + 0.2

    def prediction_interval_blocks(self, wavelengths, *, rows=None, cols=None):
        for block in self.blocks(wavelengths, rows=rows, cols=cols):
            yield IntervalBlock(block.rows, block.cols, block.values - 0.1, block.values + 0.2)

    def prediction_interval_band(self, nm, **window):
        values = self.band(nm, **window)
        return values - 0.1, values + 0.2

    def quality_flags(self, *, stride=1, rows=None, cols=None):
        flags = np.zeros(self.shape, np.uint8)
        flags[:, :6] = QualityFlag.CLIPPED
        return flags[rows or slice(None), cols or slice(None)][::stride, ::stride]


def test_an_interval_is_shaded_and_exported(
    app: App, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.document.open_cube("sure", SureField(smooth_cube(20, 30), BANDS, Quantity.REFLECTANCE), (0.0, 1.0))
    app.document.add_pin(3, 4)
    app.document.mark_set.add(Region(Shape.RECTANGLE, ((5, 5), (9, 9))))
    settled(app, qtbot)
    assert set(app.window.plot.layer.bands) == {2}, "only that of the active mark"
    app.document.set_plot_settings(replace(app.document.plot_settings, spreads=Spreads.ALL))
    assert set(app.window.plot.layer.bands) == {1, 2}
    low, high = app.document.plot_content().spread(app.document.curves[(3, 4)])  # type: ignore[misc]
    np.testing.assert_allclose(high - low, 0.3, atol=1e-6)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / "c.csv"), ""))
    app.exporter.export_curves()
    qtbot.waitUntil(lambda: "Wrote" in app.window.messages.text.text())
    curves = {curve.name: curve for curve in read_curves(tmp_path / "c.csv")}
    pin, region = "pin 1 (row 3, col 4)", "rectangle 2 (rows 5-9, cols 5-9)"
    assert list(curves) == [pin, f"{pin} 90 % low", f"{pin} 90 % high", region, f"{region} standard deviation"]
    np.testing.assert_allclose(curves[f"{pin} 90 % high"].values, curves[pin].values + 0.2, atol=1e-6)
    text = (tmp_path / "c.csv").read_text(encoding="utf-8")
    assert "90 % prediction interval" in text and "mean ± SD of 16 pixels" in text


def test_doubts_are_told_of_marks_and_of_the_pixel_under_the_mouse(app: App, qtbot: QtBot) -> None:
    app.document.open_cube("sure", SureField(smooth_cube(20, 30), BANDS, Quantity.REFLECTANCE), (0.0, 1.0))
    for place in ((3, 4), (3, 14)):
        app.document.add_pin(*place)
    app.document.mark_set.add(Region(Shape.RECTANGLE, ((5, 4), (9, 8))))
    settled(app, qtbot)
    positions = [app.window.table.item(row, POSITION).text() for row in range(3)]  # type: ignore[union-attr]
    assert positions[0].endswith("; clipped in the photograph") and "clipped" not in positions[1]
    assert positions[2].endswith("; 50% clipped in the photograph")
    app.document.set_hover((8, 2))
    qtbot.waitUntil(lambda: "clipped in the photograph" in app.window.status.where.text())
    app.document.set_hover((8, 20))
    qtbot.waitUntil(lambda: "clipped" not in app.window.status.where.text())


class SlowField(CubeField):
    """A field whose windows wait for a gate."""

    def __init__(self) -> None:
        super().__init__(smooth_cube(60, 80), BANDS, Quantity.REFLECTANCE)
        self.gate, self.asked = threading.Event(), threading.Event()

    def cube(self, *args, **kwargs):
        self.asked.set()
        self.gate.wait(5)
        return super().cube(*args, **kwargs)


@pytest.mark.parametrize("how", ["removed", "cancelled"])
def test_asking_all_pixels_of_a_region_can_be_stopped(app: App, qtbot: QtBot, how: str) -> None:
    field = SlowField()
    app.document.open_cube("slow", field, (0.0, 1.0))
    first, second = (Region(Shape.RECTANGLE, ((row, 0), (row + 30, 80))) for row in (0, 30))
    app.document.mark_set.add(first)
    app.document.mark_set.add(second)
    qtbot.waitUntil(lambda: len(app.document.curves) == 2 and field.asked.is_set())
    assert app.document.curves[first].spread_text() == ", mean ± SD of 192 of 2400 pixels"
    assert "192 of 2400 pixels" in app.window.table.item(0, POSITION).text()
    if how == "removed":
        app.document.mark_set.remove(1)
    else:
        qtbot.waitUntil(app.window.status.cancel.isVisible)
        QTest.mouseClick(app.window.status.cancel, Qt.MouseButton.LeftButton)
    field.gate.set()
    qtbot.waitUntil(lambda: app.document.curves[second].pixels == 2400)  # the other one is asked all the same
    assert first not in app.document.curves if how == "removed" else app.document.curves[first].pixels == 192
    settled(app, qtbot)


def test_regions_stay_in_place_at_another_resolution(opened: App, qtbot: QtBot) -> None:
    draw(opened, KEY.Key_R, (10, 20), (30, 50))
    settled(opened, qtbot)
    place = opened.document.marks[0].place
    opened.document.set_field(CubeField(smooth_cube(30, 40), BANDS, Quantity.REFLECTANCE), 2, (0.0, 1.0))
    settled(opened, qtbot)
    assert opened.document.marks[0].place == place and opened.document.curves[place].of == 10 * 15


def test_a_figure_shows_what_the_plot_shows(
    opened: App, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    click(opened, 10, 10)
    draw(opened, KEY.Key_E, (20, 20), (40, 50))
    opened.document.set_plot_settings(replace(opened.document.plot_settings, transform=Transform(Normalise.MAXIMUM)))
    opened.document.set_plot_settings(
        opened.document.plot_settings.with_spectra(
            [Spectrum(Wavelengths.evenly_spaced(4), np.ones(4), "flat <grey>")], "lib"
        )
    )
    settled(opened, qtbot)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / "f.svg"), ""))
    opened.exporter.save_figure(opened.exporter.figure(FigureStyle()))
    qtbot.waitUntil(lambda: "Wrote" in opened.window.messages.text.text())
    svg = (tmp_path / "f.svg").read_text(encoding="utf-8")
    for text in ("pin 1", "ellipse 2", "± standard deviation", "flat &lt;grey&gt;", "maximum = 1"):
        assert text in svg


def test_curves_lie_over_each_other_as_their_marks_do_whichever_is_answered_first(opened: App, qtbot: QtBot) -> None:
    for pixel in ((3, 4), (10, 20), (30, 40)):
        opened.document.add_pin(*pixel)
    settled(opened, qtbot)
    known, layer = dict(opened.document.curves), opened.window.plot.layer
    for first in known:
        for curves in ({}, {first: known[first]}, known):
            opened.document.curves = curves
            opened.spectra.show_curves()
        assert list(layer.curves) == [1, 2, 3], "lowest first"


def test_the_table_comes_forward_for_a_name(opened: App, qtbot: QtBot, qtlog: Any) -> None:
    opened.document.add_pin(1, 2)
    spectra, given = opened.window.panels.docks[:2]
    opened.window.tabifyDockWidget(given, spectra)
    spectra.hide()
    opened.window.actions_by_name["guide"].trigger()  # another window keeps the focus
    for _ in range(2):
        opened.window.actions_by_name["rename_mark"].trigger()
        qtbot.waitUntil(opened.window.table.isVisible)
    shown = [editor.text() for editor in opened.window.table.findChildren(QLineEdit) if editor.isVisible()]
    assert shown == ["pin 1"]
    assert [record.message for record in qtlog.records if "editing failed" in record.message] == []
    opened.window.findChild(GuideWindow).close()


@pytest.mark.parametrize("quantity", Quantity)
def test_table_and_picture_agree_on_what_has_colours(app: App, quantity: Quantity, qtbot: QtBot) -> None:
    app.document.open_cube("cube.h5", CubeField(smooth_cube(20, 24), BANDS, quantity), (0.0, 1.0))
    app.document.add_pin(3, 4)
    for white in (None, 1):
        app.document.set_white(white)
        qtbot.waitUntil(lambda: (3, 4) in app.document.colour_results and not app.worker.is_busy(Task.COLOURS))
        context = RenderContext.of(app.document)
        is_rendered = MODES["rerendered"].unavailable_reason(context) == ""
        assert is_rendered is app.document.has_colours is app.window.light.light.isEnabled()
        assert is_rendered is (quantity is not Quantity.RADIANCE or white is not None)
        assert (app.document.colour_results[3, 4].appearance is not None) is is_rendered
        qtbot.waitUntil(lambda: (3, 4) in app.document.curves)
        if quantity is Quantity.UNKNOWN and white is None:  # and says what it assumes
            assert "taken as reflectance" in MODES["rerendered"].caption(context)
            assert "taken as reflectance" in app.window.light.note.text()


def test_numbers_of_the_table_stand_at_the_right(opened: App, qtbot: QtBot) -> None:
    click(opened, 10, 10)
    settled(opened, qtbot)
    table, right = opened.window.table, Qt.AlignmentFlag.AlignRight
    at_right = [at for at in range(table.columnCount()) if table.item(0, at).textAlignment() & right]
    numbers = [BAND_DEPTH, BAND, BAND_WIDTH, X, Y, L, A, B, DOMINANT, PIXELS]
    assert at_right in ([VALUE, *numbers], [VALUE, MEASURED, *numbers])
    assert all(table.horizontalHeaderItem(at).textAlignment() & right for at in at_right)


def test_columns_are_chosen_and_remembered(opened: App, qtbot: QtBot) -> None:
    click(opened, 10, 10)
    settled(opened, qtbot)
    table = opened.window.table
    table.horizontalHeader().customContextMenuRequested.emit(QPoint(5, 5))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    actions = {action.text(): action for action in menu.actions()}
    assert actions.keys() == {action.text() for action in opened.window.submenus["columns"].actions()}
    assert [at for at in range(table.columnCount()) if table.isColumnHidden(at)] == [
        MEASURED, BAND_DEPTH, BAND, BAND_WIDTH,
    ]  # fmt: skip
    assert actions["a*"].isChecked() and "Mark" not in actions
    actions["a*"].trigger()
    actions["Position"].trigger()
    assert table.isColumnHidden(A) and table.isColumnHidden(POSITION) and not table.isColumnHidden(B)
    table.show_readouts(550, {1: Readout(0.5, 0.4)})  # a measured cube is opened
    assert not table.isColumnHidden(MEASURED)
    other = MarkTable()
    qtbot.addWidget(other)
    assert other.isColumnHidden(A) and other.isColumnHidden(POSITION) and not other.isColumnHidden(L)
    actions["All columns"].trigger()
    assert actions["a*"].isChecked() and not table.isColumnHidden(A) and not table.isColumnHidden(POSITION)
    menu.close()


def test_near_black_has_no_chromaticity_and_a_purple_a_complementary_wavelength(app: App, qtbot: QtBot) -> None:
    values = np.full((31, 20, 24), 0.001, np.float32)
    values[(BANDS.nm < 450) | (BANDS.nm > 650), :, 12:] = 0.9  # purple
    app.document.open_cube("cube.h5", CubeField(values, BANDS, Quantity.REFLECTANCE), (0.0, 1.0))
    app.document.add_pin(3, 4)
    app.document.add_pin(3, 15)
    app.document.mark_set.add(Region.rectangle(2, 3, 6, 9))
    settled(app, qtbot)
    table = app.window.table
    assert [table.item(0, at).text() for at in (X, Y, DOMINANT)] == ["–", "–", "–"]
    assert table.item(0, L).text() == "0.9" and "Darker than 0.2% of white" in table.item(0, X).toolTip()
    assert re.fullmatch(r"complementary 5\d\d nm", table.item(1, DOMINANT).text())
    assert table.item(1, X).text() != "–"
    assert [table.item(row, PIXELS).text() for row in range(3)] == ["1", "1", "24"]
    assert app.document.table_rows([1])[0]["x"] == ""


def test_light_and_white_are_undone(app: App, qtbot: QtBot) -> None:
    cube = CubeField(smooth_cube(20, 24), BANDS, Quantity.RADIANCE)
    app.document.open_cube("cube.h5", cube, (0.0, 1.0))
    app.document.add_pin(3, 4)
    settled(app, qtbot)
    app.marks.use_white()
    app.document.set_viewing(ViewingConditions(Illuminant("A")))
    for kelvin in (2000, 2500, 3000):  # of the spin box: one step
        app.document.set_viewing(ViewingConditions(Illuminant.blackbody(kelvin)))
    app.document.set_viewing(ViewingConditions(Illuminant.blackbody(3000), CIE_1964))
    undo, lights = app.window.actions_by_name["undo"], []
    assert undo.text() == "Undo change of observer"
    for _ in range(4):
        app.application.undo()
        lights.append(app.document.viewing.light.name)
    assert lights == ["Blackbody 3000 K", "Blackbody 2000 K", "A", "D65"] and app.document.white is not None
    assert app.window.light.light.currentText().startswith("D65") and undo.text() == "Undo change of white reference"
    app.application.undo()
    assert app.document.white is None and not app.window.light.light.isEnabled()
    app.application.redo()
    assert app.document.white is not None
