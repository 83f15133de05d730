"""The transect shows the spectra along its line, as an independent interpolation gives them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import imageio.v3 as iio
import numpy as np
import pandas as pd
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot
from scipy.ndimage import map_coordinates

from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.app import App
from nesr_gui.gui.controllers import transect as controller
from nesr_gui.gui.model.document import DocumentSource
from nesr_gui.gui.model.session_file import SessionData, read_session, write_session
from nesr_gui.gui.model.transect import LineTool, TransectLine
from nesr_gui.gui.tasks.transect import (
    MOST_WAVELENGTHS,
    TransectExport,
    TransectRequest,
    export_transect,
    query_transect,
    transect_wavelengths,
)
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.view_modes import MODES
from nesr_gui.io.georeference import KEY
from nesr_gui.regions import Shape
from nesr_gui.spectral import Quantity, Wavelengths
from tests.analysis.scenes import BANDS, UncertainCube, field_of, mixed_cube

VALUES = mixed_cube(40, 60)
HEIGHT, WIDTH = VALUES.shape[1:]
LINE = TransectLine((5.5, 4.5), (30.5, 52.5))


def open_cube(app: App, field: CubeField | None = None) -> None:
    app.document.open_cube("cube.h5", field or field_of(VALUES), (0.0, 1.0))
    app.document.start_from(DocumentSource(Path("cube.h5")))


def busy(app: App) -> bool:
    return any(app.worker.is_busy(task) for task in Task)


@pytest.fixture
def crossed(app: App, qtbot: QtBot) -> App:
    """A window with a measured cube and a transect."""
    open_cube(app)
    app.window.actions_by_name["tool_transect"].trigger()
    app.document.transect.set_line(LINE)
    settle(app, qtbot)
    return app


def settle(app: App, qtbot: QtBot) -> None:
    transect = app.document.transect
    qtbot.waitUntil(lambda: transect.spectra is not None and transect.values is not None and not busy(app))


def test_a_removed_transect_is_computed_again_when_it_is_back(crossed: App, qtbot: QtBot) -> None:
    crossed.window.actions_by_name["remove_transect"].trigger()
    assert crossed.document.transect.spectra is None
    crossed.application.undo()
    settle(crossed, qtbot)
    assert crossed.document.transect.line == LINE


@pytest.mark.usefixtures("queued_refresh")
def test_values_at_a_wavelength_that_is_left_and_chosen_again_at_once_are_computed(crossed: App, qtbot: QtBot) -> None:
    nm = crossed.document.nm
    crossed.document.set_wavelength(nm + 10)
    crossed.document.set_wavelength(nm)
    assert crossed.document.transect.values is None
    settle(crossed, qtbot)


def along(line: TransectLine, count: int, shift: tuple[float, float] = (0, 0)) -> np.ndarray:
    """Spectra (31, N) at evenly spaced points, by scipy."""
    points = np.stack([np.linspace(*ends, count) for ends in zip(*line.ends, strict=True)]) - 0.5
    points += np.array(shift)[:, None]
    return np.stack([map_coordinates(band.astype(float), points, order=1, mode="nearest") for band in VALUES])


def drag(app: App, *points: tuple[float, float]) -> None:
    """Drag in the image through (row, col)."""
    image = app.window.image
    places = [image.mapFromScene(image.box.mapViewToScene(QPointF(col, row))) for row, col in points]
    QTest.mousePress(image.viewport(), Qt.MouseButton.LeftButton, pos=places[0])
    for place in places[1:]:
        QTest.mouseMove(image.viewport(), place)
    QTest.mouseRelease(image.viewport(), Qt.MouseButton.LeftButton, pos=places[-1])


def test_a_line_is_dragged_in_the_image(app: App, qtbot: QtBot) -> None:
    open_cube(app)
    app.window.activateWindow()
    QTest.keyClick(app.window, Qt.Key.Key_T)
    assert app.workspace.tool is LineTool.TRANSECT and app.transect.panel.isVisible()
    drag(app, (10, 10), (15, 20), (20, 35), (30, 50))
    line = app.document.transect.line
    assert np.array(line.ends) == pytest.approx(np.array([(10, 10), (30, 50)]), abs=0.2)
    assert [image.transect.item.line for image in app.window.panes.images] == [line, line]
    assert app.document.undo_stack.count() == 1 and app.document.undo_stack.undoText() == "draw transect"
    assert app.document.marks == () and app.document.is_modified
    drag(app, (30, 50), (25, 52), (10, 55))  # the end
    assert app.document.transect.line.start == line.start
    assert app.document.transect.line.end == pytest.approx((10, 55), abs=0.3)
    drag(app, (10, 32), (12, 34), (14, 36))  # the line itself
    moved = app.document.transect.line
    assert moved.start == pytest.approx((14, 14), abs=0.5) and moved.end == pytest.approx((14, 59), abs=0.5)
    assert app.document.undo_stack.count() == 3
    for _ in range(3):
        app.document.undo_stack.undo()
    assert app.document.transect.line is None and not app.window.image.transect.item.isVisible()
    app.workspace.set_tool(Shape.POINT)
    app.document.undo_stack.redo()
    drag(app, (10, 10), (5, 5))  # also with another tool
    assert app.document.transect.line.start == pytest.approx((5, 5), abs=0.3)


def test_its_spectra_are_bilinear(crossed: App) -> None:
    found = crossed.document.transect.spectra
    count = len(found.transect.distances)
    assert count == round(LINE.length) + 1 and found.transect.distances[-1] == pytest.approx(LINE.length)
    assert found.transect.wavelengths.nm.tolist() == list(range(400, 701))
    expected = along(LINE, count)
    np.testing.assert_allclose(found.transect.spectra[:, ::10].T, expected, atol=1e-6)
    shades = 1 + 254 * (expected - expected.min()) / np.ptp(expected)
    np.testing.assert_allclose(found.shades[::10], shades, atol=1.01)
    np.testing.assert_array_equal(crossed.transect.panel.view.image.image, found.shades)
    rect = crossed.transect.panel.view.image.mapRectToParent(crossed.transect.panel.view.image.boundingRect())
    assert (rect.top(), rect.bottom()) == (399.5, 700.5) and rect.left() == pytest.approx(-rect.width() / count / 2)


def test_the_curve_follows_the_wavelength_both_ways(crossed: App, qtbot: QtBot) -> None:
    view = crossed.transect.panel.view
    expected = along(LINE, len(crossed.document.transect.values.distances))
    np.testing.assert_allclose(view.values.getData()[1], expected[15], atol=1e-6)
    crossed.document.set_wavelength(455.0)
    settle(crossed, qtbot)
    np.testing.assert_allclose(view.values.getData()[1], (expected[5] + expected[6]) / 2, atol=1e-6)
    assert view.line.value() == 455.0
    view.line.setValue(612.34)
    view.line.sigDragged.emit(view.line)
    assert crossed.document.nm == 612.3
    box = view.picture.getViewBox()
    at = view.mapFromScene(box.mapViewToScene(QPointF(20, 500)))
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert crossed.document.nm == pytest.approx(500, abs=2)


def test_the_mouse_is_followed_both_ways(crossed: App) -> None:
    view, document = crossed.transect.panel.view, crossed.document
    crossed.view.show_side_by_side()
    image = crossed.window.image
    QTest.mouseMove(image.viewport(), image.position_of(20, 20).toPoint())
    assert document.hover == (20, 20) and not image.canvas.cursor.isVisible()
    QApplication.sendEvent(image, QEvent(QEvent.Type.Leave))
    box = view.curve.getViewBox()
    QTest.mouseMove(view.viewport(), view.mapFromScene(box.mapViewToScene(QPointF(30, 0.3))))
    row, col = LINE.point_at(30)
    assert document.hover == pytest.approx((int(row), int(col)), abs=1)
    for image in crossed.window.panes.images:
        assert image.canvas.cursor.isVisible()
        assert image.canvas.cursor.pos().x() == document.hover[1] + 0.5
    assert [position.value() for position in view.positions] == pytest.approx([30, 30], abs=1.5)
    document.set_hover((int(row), int(col)))
    distance, away = LINE.project((int(row) + 0.5, int(col) + 0.5))
    assert away < 1 and view.positions[0].value() == pytest.approx(distance) and view.positions[1].isVisible()
    document.set_hover((35, 5))
    assert not view.positions[0].isVisible()
    document.set_hover((35, 5))
    view.distance_hovered.emit(None)
    assert document.hover is None


@pytest.mark.parametrize("pixel", ["", "2, 2", "900, 900"])
def test_a_point_of_the_curve_is_the_pixel_of_the_picture(app: App, qtbot: QtBot, pixel: str) -> None:
    """Whatever the unit of distances: pixels, metres, or kilometres."""
    place = {KEY: f"UTM, 1, 1, 500000, 4000000, {pixel}, 32, North, WGS-84, units=Meters"} if pixel else {}
    open_cube(app, CubeField(VALUES, BANDS, Quantity.REFLECTANCE, place))
    app.transect.choose_tool()
    app.document.transect.set_line(TransectLine((5.5, 0.5), (5.5, 59.5)))
    settle(app, qtbot)
    view, document = app.transect.panel.view, app.document
    box, (across, up) = view.curve.getViewBox(), view.values.getData()
    assert across.size == WIDTH
    for col in (0, 17, 44, 59):
        document.set_hover((5, col))
        assert [position.value() for position in view.positions] == pytest.approx([across[col]] * 2)
        document.set_hover(None)
        QTest.mouseMove(view.viewport(), view.mapFromScene(box.mapViewToScene(QPointF(across[col], up[col]))))
        assert document.hover == pytest.approx((5, col), abs=1)  # a pixel of the screen is less than one of the image


def test_the_mouse_is_on_a_wide_line_of_a_reduced_field(app: App, qtbot: QtBot) -> None:
    """The width counts pixels of the field, of which one covers several of the file."""
    open_cube(app)
    app.document.source_shape = (8 * HEIGHT, 8 * WIDTH)
    app.document.mark_set.start((8 * HEIGHT, 8 * WIDTH))
    app.document.transect.start((8 * HEIGHT, 8 * WIDTH))
    app.document.set_field(field_of(VALUES, binning=8, source_shape=(8 * HEIGHT, 8 * WIDTH)), 8, (0.0, 1.0))
    app.transect.choose_tool()
    app.document.transect.set_line(TransectLine((160.5, 40.5), (160.5, 400.5), 15))
    settle(app, qtbot)
    assert controller._NEAR * app.window.image.view().scale < 40
    for away, is_near in ((0, True), (55, True), (-55, True), (65, False), (-65, False)):
        app.document.set_hover((160 + away, 200))
        assert app.transect.panel.view.positions[0].isVisible() == is_near


def test_the_interval_is_a_band(app: App, qtbot: QtBot) -> None:
    half = np.tile(np.linspace(0.01, 0.2, WIDTH), (HEIGHT, 1))
    open_cube(app, UncertainCube(VALUES, half))
    app.transect.choose_tool()
    app.document.transect.set_line(TransectLine((5.5, 0.5), (5.5, 59.5)))
    settle(app, qtbot)
    low, high = (item.getData()[1] for item in (app.transect.panel.view.low, app.transect.panel.view.high))
    np.testing.assert_allclose((high - low) / 2, half[0], atol=1e-6)
    np.testing.assert_allclose((high + low) / 2, VALUES[15, 5], atol=1e-6)
    words = app.transect.panel.words
    assert words.text() == "59 px. Estimates of test. Band: 90 % prediction interval."
    assert "by the model test; they are estimates" in words.toolTip()


def test_its_width_is_a_mean_across(crossed: App, qtbot: QtBot) -> None:
    crossed.document.transect.set_line(TransectLine((10.5, 5.5), (10.5, 45.5)))
    crossed.transect.panel.across.setValue(5)
    settle(crossed, qtbot)
    expected = VALUES[:, 8:13, 5:46].mean(axis=1)
    np.testing.assert_allclose(crossed.document.transect.spectra.transect.spectra[:, ::10].T, expected, atol=1e-6)
    np.testing.assert_allclose(crossed.document.transect.values.spectra[:, 0], expected[15], atol=1e-6)
    assert "mean of 5 pixels across" in crossed.transect.panel.words.text()
    assert crossed.window.image.transect.item._across == 5
    crossed.transect.panel.across.setValue(7)
    crossed.document.undo_stack.undo()
    assert crossed.document.transect.line.width == 1 and crossed.transect.panel.across.value() == 1
    for gesture in range(1, 4):  # the width is a step of its own after a drag
        crossed.transect.draw((10.5, 5.5), (10.5, 45.5 + gesture), gesture)
        crossed.transect.set_width(5)
        crossed.document.undo_stack.undo()
        assert crossed.document.transect.line == TransectLine((10.5, 5.5), (10.5, 45.5 + gesture))


def test_it_is_moved_and_removed_by_keys(crossed: App, qtbot: QtBot) -> None:
    image, transect, nm = crossed.window.image, crossed.document.transect, crossed.document.nm
    crossed.document.add_pin(20, 20)
    image.setFocus()
    QTest.keyClick(image, Qt.Key.Key_Down)
    QTest.keyClick(image, Qt.Key.Key_Right)
    assert transect.line == LINE.moved(1, 1) and crossed.document.nm == nm
    QTest.keyClick(image, Qt.Key.Key_Return)
    QTest.keyClick(image, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert transect.line == TransectLine((6.5, 15.5), (31.5, 53.5))
    QTest.keyClick(image, Qt.Key.Key_Return)
    QTest.keyClick(image, Qt.Key.Key_Up)
    assert transect.line == TransectLine((6.5, 15.5), (30.5, 53.5))
    assert [crossed.document.undo_stack.undoText() for _ in range(3) if crossed.document.undo_stack.undo() is None] == [
        "move transect", "move transect", "add pin 1"
    ]  # fmt: skip
    assert transect.line == LINE
    crossed.document.undo_stack.redo()
    QTest.keyClick(image, Qt.Key.Key_Delete)
    assert transect.line is None and [mark.place for mark in crossed.document.marks] == [(20, 20)]
    crossed.document.undo_stack.undo()
    QTest.keyClick(image, Qt.Key.Key_Escape)
    assert transect.line is None and crossed.workspace.tool is LineTool.TRANSECT
    QTest.keyClick(image, Qt.Key.Key_Escape)
    assert crossed.workspace.tool is Shape.POINT
    crossed.document.undo_stack.undo()
    QTest.keyClick(image, Qt.Key.Key_Down)  # the pin again, as another tool is selected
    assert transect.line == LINE.moved(1, 1) and crossed.document.marks[0].place == (21, 20)


def test_it_is_drawn_without_a_mouse(app: App, qtbot: QtBot) -> None:
    actions = app.window.actions_by_name
    assert not actions["add_transect"].isEnabled() and not actions["remove_transect"].isEnabled()
    open_cube(app)
    actions["add_transect"].trigger()
    line, view = app.document.transect.line, app.window.image.view()
    assert line.start[0] == line.end[0] == pytest.approx((view.top + view.bottom) / 2)
    assert line.length == pytest.approx((view.right - view.left) / 2) and app.workspace.tool is LineTool.TRANSECT
    settle(app, qtbot)
    actions["remove_transect"].trigger()
    assert app.document.transect.line is None and app.document.transect.spectra is None
    assert not app.transect.panel.view.isVisible() and "drag a line" in app.transect.panel.words.text()


def test_it_stays_in_the_image(crossed: App) -> None:
    transect = crossed.document.transect
    crossed.transect.shift(-1, 30, 0)
    assert transect.line == TransectLine((15.0, 4.5), (40.0, 52.5))  # of the same length
    crossed.transect.shift(1, 100, 100)
    assert transect.line == TransectLine((15.0, 4.5), (40.0, 60.0))
    crossed.transect.draw((-5, -9), (20, 200), 1)
    assert transect.line == TransectLine((0, 0), (20, 60))
    transect.set_line(TransectLine((-1, 0), (5, 5)))
    assert transect.line == TransectLine((0, 0), (20, 60))


def test_it_is_in_the_session(crossed: App, qtbot: QtBot, tmp_path: Path) -> None:
    crossed.transect.set_width(3)
    write_session(tmp_path / "s.nesr", SessionData.of(crossed.document, None))
    data = read_session(tmp_path / "s.nesr", MODES)
    assert data.transect == TransectLine(*LINE.ends, 3)
    crossed.workspace.make_room(beside=True)
    open_cube(crossed)
    assert crossed.document.transect.line is None and not crossed.window.image.transect.item.isVisible()
    data.restore(crossed.document)
    assert crossed.window.image.transect.item.line == data.transect
    settle(crossed, qtbot)
    open_cube(crossed, field_of(VALUES[:, :20]))
    data.restore(crossed.document)
    assert crossed.document.transect.line is None  # outside this image


def test_nothing_is_computed_while_the_panel_is_hidden(app: App, qtbot: QtBot) -> None:
    open_cube(app)
    app.document.transect.set_line(LINE)
    app.document.set_wavelength(500)
    app.document.set_hover((6, 6))
    qtbot.waitUntil(lambda: not busy(app))
    assert app.document.transect.spectra is app.document.transect.values is None
    assert app.window.image.transect.item.line == LINE
    app.window.panels.reveal(app.transect.panel)
    settle(app, qtbot)


def gated(monkeypatch: pytest.MonkeyPatch, name: str) -> tuple[threading.Event, threading.Event]:
    """Hold the first request back until the second event is set, even if a newer one has replaced it."""
    started, go = threading.Event(), threading.Event()
    original: Callable[..., Any] = getattr(controller, name)

    def run(request: Any, progress: Any) -> Any:
        answer = original(request, lambda fraction: None)
        started.set()
        assert go.wait(30)
        return answer

    monkeypatch.setattr(controller, name, run)
    return started, go


@pytest.mark.parametrize("name", ["query_transect", "query_transect_values"])
@pytest.mark.parametrize("change", ["line", "field", "wavelength", "document"])
def test_late_results_are_dropped(
    app: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, name: str, change: str
) -> None:
    started, go = gated(monkeypatch, name)
    open_cube(app)
    app.transect.choose_tool()
    app.document.transect.set_line(LINE)
    assert started.wait(30)
    other = field_of(1 + VALUES)
    if change == "line":
        app.document.transect.set_line(LINE.moved(3, 2))
    elif change == "field":
        app.document.set_field(other, 1, (0.0, 2.0))
    elif change == "wavelength":
        app.document.set_wavelength(650)
    else:
        app.workspace.make_room(beside=True)
        open_cube(app, other)
        app.document.transect.set_line(LINE)
    taken: list[np.ndarray] = []
    transect = app.document.transect
    for setter in ("set_spectra", "set_values"):
        original = getattr(transect, setter)

        def note(answer: Any, original: Any = original) -> None:
            taken.append(getattr(answer, "transect", answer).spectra)
            original(answer)

        monkeypatch.setattr(transect, setter, note)
    go.set()
    settle(app, qtbot)
    line, base = (LINE.moved(3, 2) if change == "line" else LINE), int(change in ("field", "document"))
    expected = along(line, round(LINE.length) + 1) + base
    band = 25 if change == "wavelength" else 15
    for spectra in taken:
        wanted = expected[band][:, None] if spectra.shape[1] == 1 else expected.T
        np.testing.assert_allclose(spectra[:, :: (1 if spectra.shape[1] == 1 else 10)], wanted, atol=1e-5)
    assert 1 <= len(taken) <= 2


@pytest.mark.parametrize("metres", [None, 2.0])
def test_its_spectra_are_exported(
    app: App, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metres: float | None
) -> None:
    place = {KEY: "UTM, 1, 1, 500000, 4000000, 2, 2, 32, North, WGS-84, units=Meters"} if metres else {}
    open_cube(app, CubeField(VALUES, BANDS, Quantity.REFLECTANCE, place))
    app.transect.choose_tool()
    app.document.transect.set_line(LINE)
    settle(app, qtbot)
    bottom = app.transect.panel.view.curve.getAxis("bottom")
    assert bottom.labelText == f"distance from A ({'m' if metres else 'px'})"
    assert app.transect.panel.view.values.getData()[0][-1] == pytest.approx(LINE.length * (metres or 1))
    path = tmp_path / "t.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    app.window.actions_by_name["export_transect"].trigger()
    qtbot.waitUntil(lambda: path.exists() and not busy(app))
    table = pd.read_csv(path, comment="#")
    spectra = table[[f"{nm:g} nm" for nm in BANDS.nm]].to_numpy()
    np.testing.assert_allclose(spectra.T, along(LINE, len(table)), atol=1e-6)
    np.testing.assert_allclose(table[["row", "col"]].iloc[[0, -1]], LINE.ends)
    assert table["distance_px"].iloc[-1] == pytest.approx(LINE.length)
    assert ("distance_m" in table) == (metres is not None)
    if metres:
        assert table["distance_m"].iloc[-1] == pytest.approx(2 * LINE.length)
    assert "# rests_on: Measured values" in path.read_text(encoding="utf-8")


def test_intervals_are_exported(app: App, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_cube(app, UncertainCube(VALUES, np.full((HEIGHT, WIDTH), 0.05)))
    app.document.transect.set_line(LINE)
    path = tmp_path / "t.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    app.exporter.export_transect()
    qtbot.waitUntil(lambda: path.exists() and not busy(app))
    table = pd.read_csv(path, comment="#")
    np.testing.assert_allclose(table["550 nm 90 % high"] - table["550 nm"], 0.05, atol=1e-6)
    np.testing.assert_allclose(table["550 nm"] - table["550 nm 90 % low"], 0.05, atol=1e-6)


def test_files_have_the_means_and_intervals_of_a_wide_line(tmp_path: Path) -> None:
    half = np.random.default_rng(3).uniform(0.01, 0.1, (HEIGHT, WIDTH))
    line = TransectLine((10.5, 5.5), (10.5, 45.5), 5)
    request = TransectExport(tmp_path / "t.csv", UncertainCube(VALUES, half), line)
    export_transect(request, lambda fraction: None)
    table = pd.read_csv(tmp_path / "t.csv", comment="#")
    spectra, low, high = (
        table[[f"{nm:g} nm{part}" for nm in BANDS.nm]].to_numpy().T for part in ("", " 90 % low", " 90 % high")
    )
    np.testing.assert_allclose(spectra, VALUES[:, 8:13, 5:46].mean(axis=1), atol=1e-6)
    widths = np.broadcast_to(2 * half[8:13, 5:46].mean(axis=0), spectra.shape)
    np.testing.assert_allclose(high - low, widths, atol=1e-6)
    assert "# width: mean of 5 pixels across" in (tmp_path / "t.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("ending", [".png", ".svg", ".pdf"])
def test_the_figure_is_exported(
    crossed: App, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    path = tmp_path / f"t{ending}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    crossed.window.actions_by_name["export_transect_figure"].trigger()
    qtbot.waitUntil(lambda: path.exists() and not busy(crossed))
    if ending == ".png":
        image = iio.imread(path)[..., :3].astype(int)
        assert image.shape[:2] == (1250, 1500)
        scale = 300 / 72
        top, bottom = (int(y * scale) for y in (12, 168))
        left, right = (int(x * scale) for x in (48, 296))
        picture = image[top:bottom, left:right]
        assert (np.ptp(picture, axis=2) > 20).mean() > 0.9  # viridis has no grey
        assert (image[int(180 * scale) : int(264 * scale), left:right] == (37, 99, 201)).all(axis=2).sum() > 500
    elif ending == ".svg":
        texts = [each.text for each in ElementTree.parse(path).iter() if each.tag.endswith("text")]
        assert "distance from A (px); curve at 550 nm" in texts and "wavelength (nm)" in texts
    else:
        assert path.read_bytes().startswith(b"%PDF")


def test_wide_ranges_have_fewer_wavelengths() -> None:
    wide = CubeField(np.ones((3, 4, 5), np.float32), Wavelengths(np.array([400.0, 1000.0, 2500.0])))
    nm = transect_wavelengths(wide).nm
    assert len(nm) <= MOST_WAVELENGTHS and nm[0] == 400 and 2495 < nm[-1] <= 2500
    single = CubeField(np.ones((1, 4, 5), np.float32), Wavelengths(np.array([550.0])))
    found = query_transect(TransectRequest(single, TransectLine((1, 1), (3, 3))), lambda fraction: None)
    assert found.transect.spectra.shape[1] == 1 and found.limits[1] > found.limits[0] == 1


def test_gaps_are_no_values() -> None:
    values = VALUES.copy()
    values[:, 5, 20:25] = np.nan
    request = TransectRequest(field_of(values), TransectLine((5.5, 0.5), (5.5, 59.5)))
    found = query_transect(request, lambda fraction: None)
    assert (found.shades[:, 20:25] == 0).all() and (np.delete(found.shades, range(20, 25), axis=1) > 0).all()
    assert np.isfinite(found.limits).all()


def test_impossible_lines_are_refused() -> None:
    for ends in (((1, 1), (1, 1)), ((0, float("nan")), (1, 1))):
        with pytest.raises(ValueError, match="a transect without a length"):
            TransectLine(*ends)
    with pytest.raises(ValueError, match="a transect 0 pixels wide; 1 to 99 are possible"):
        TransectLine((0, 0), (1, 1), 0)


def test_a_click_with_the_tool_marks_nothing(crossed: App) -> None:
    at = crossed.window.image.position_of(20, 5).toPoint()
    QTest.mouseClick(crossed.window.image.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(at))
    assert crossed.document.marks == () and crossed.document.transect.line == LINE
