"""The scatter plot and the picture select in each other, and the values are those of the cube."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
import rasterio
import rasterio.features
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from scipy import ndimage
from sklearn.decomposition import PCA

from nesr_gui.analysis.components import ComponentKind
from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.app import App
from nesr_gui.gui.model.analyses import AnalysisKind
from nesr_gui.gui.model.document import DocumentSource
from nesr_gui.gui.model.scatter import ScatterPlot
from nesr_gui.gui.model.session_file import SessionData, read_session, write_session
from nesr_gui.gui.tasks import scatter as tasks
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.view_modes import MODES
from nesr_gui.io.georeference import KEY
from nesr_gui.regions import Region, inside
from nesr_gui.spectral import Quantity
from tests.analysis.scenes import BANDS, UncertainCube, field_of, mixed_cube
from tests.analysis.test_scatter import is_inside

VALUES = mixed_cube()  # (31, 24, 31)
HEIGHT, WIDTH = VALUES.shape[1:]
X, Y = VALUES[15].astype(float), VALUES[25].astype(float)  # b550 and b650, the first axes
BOX = Region.rectangle(4, 6, 15, 20)
SQUARE = ((0.15, 0.2), (0.45, 0.2), (0.45, 0.5), (0.15, 0.5))


def open_cube(app: App, field: CubeField | None = None) -> None:
    app.document.open_cube("cube.h5", field or field_of(VALUES), (0.0, 1.0))
    app.document.start_from(DocumentSource(Path("cube.h5")))


@pytest.fixture
def plotted(app: App, qtbot: QtBot) -> App:
    """A window with a measured cube and its scatter plot."""
    open_cube(app)
    app.window.actions_by_name["scatter_plot"].trigger()
    qtbot.waitUntil(lambda: app.scatter.panel.view._density is not None and not busy(app))
    return app


def busy(app: App) -> bool:
    return any(app.worker.is_busy(task) for task in Task)


def select(app: App, qtbot: QtBot, vertices: tuple[tuple[float, float], ...] = SQUARE) -> np.ndarray:
    app.scatter.panel.view.selection_picked.emit(vertices)
    qtbot.waitUntil(lambda: app.document.scatter.mask is not None)
    assert app.document.scatter.mask is not None
    return app.document.scatter.mask


def test_a_cleared_selection_is_computed_again_when_it_is_back(plotted: App, qtbot: QtBot) -> None:
    before = select(plotted, qtbot)
    plotted.window.actions_by_name["clear_selection"].trigger()
    assert plotted.document.scatter.mask is None
    plotted.application.undo()
    qtbot.waitUntil(lambda: plotted.document.scatter.mask is not None)
    np.testing.assert_array_equal(plotted.document.scatter.mask, before)


def slowly_selected(polygon: tuple[tuple[float, float], ...]) -> np.ndarray:
    return np.array(
        [[is_inside(X[row, col], Y[row, col], list(polygon)) for col in range(WIDTH)] for row in range(HEIGHT)]
    )


def set_axes(app: App, qtbot: QtBot, x: str, y: str) -> None:
    for box, text in ((app.scatter.panel.x_axis, x), (app.scatter.panel.y_axis, y)):
        line = box.lineEdit()
        assert line is not None
        line.selectAll()
        QTest.keyClicks(line, text)
        QTest.keyClick(line, Qt.Key.Key_Return)


def drag(app: App, points: list[tuple[float, float]]) -> None:
    """Drag the left button through points of the plane."""
    view = app.scatter.panel.view
    places = [view.mapFromScene(view.box.mapViewToScene(QPointF(x, y))) for x, y in points]
    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=places[0])
    for place in places[1:]:
        QTest.mouseMove(view.viewport(), place)
    QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=places[-1])


def test_the_plot_counts_every_pixel(plotted: App) -> None:
    density = plotted.scatter.panel.view._density
    assert density is not None
    left, right, bottom, top = plotted.scatter.panel.view.view_limits()
    expected, _, _ = np.histogram2d(Y.ravel(), X.ravel(), density.counts.shape, ((bottom, top), (left, right)))
    np.testing.assert_array_equal(density.counts, expected)
    assert density.pixels > 0.99 * X.size
    assert plotted.scatter.panel.words.text().startswith("744 pixels")
    image = plotted.scatter.panel.view.all
    assert image.image.shape == density.counts.shape
    place = image.mapRectToParent(image.boundingRect())  # rows of cells are upwards, from the lowest y
    assert (place.left(), place.right(), place.top(), place.bottom()) == pytest.approx((left, right, bottom, top))
    corner = image.mapToParent(QPointF(0, 0))
    assert (corner.x(), corner.y()) == pytest.approx((left, bottom))


def test_zooming_counts_in_the_visible_range(plotted: App, qtbot: QtBot) -> None:
    view = plotted.scatter.panel.view
    before = view.view_limits()
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Plus)
    limits = view.view_limits()
    assert limits[1] - limits[0] == pytest.approx((before[1] - before[0]) / 1.25)
    qtbot.waitUntil(lambda: view._density.limits == limits)
    within = (limits[0] <= X) & (limits[1] >= X) & (limits[2] <= Y) & (limits[3] >= Y)
    assert view._density.pixels == within.sum() < 744
    QTest.keyClick(view, Qt.Key.Key_Home)
    qtbot.waitUntil(lambda: view._density.limits == before)


def test_a_lasso_in_the_plot_selects_in_the_picture(plotted: App, qtbot: QtBot) -> None:
    plotted.view.show_side_by_side()
    circle = [(0.2 + 0.1 * math.cos(at / 4), 0.3 + 0.1 * math.sin(at / 4)) for at in range(26)]
    drag(plotted, circle)
    qtbot.waitUntil(lambda: plotted.document.scatter.mask is not None)
    polygon = plotted.document.scatter.plot.selection
    expected = slowly_selected(polygon)
    assert 8 < len(polygon) <= 27 and 50 < expected.sum() < 600
    np.testing.assert_array_equal(plotted.document.scatter.mask, expected)
    rough = np.hypot(X - 0.2, Y - 0.3)
    assert expected[rough < 0.08].all() and not expected[rough > 0.12].any()
    share = round(100 * expected.sum() / 744)
    assert f"selected: {expected.sum()} ({share} %)" in plotted.scatter.panel.words.text()
    for image in plotted.window.panes.images:
        np.testing.assert_array_equal(image.selection.mask, expected)
    qtbot.waitUntil(lambda: plotted.renderers[0].is_settled)
    image = plotted.window.image  # grey, as it shows a band
    shown = image.grab().toImage()
    colours = np.array(
        [[shown.pixelColor(image.position_of(row, col).toPoint()).getRgb() for col in range(WIDTH)]
         for row in range(HEIGHT)]
    )  # fmt: skip
    is_coloured = colours[..., 0] > colours[..., 1] + 40
    at_marks = np.zeros_like(expected)
    at_marks[:6] = True  # below the caption
    np.testing.assert_array_equal(is_coloured | at_marks, expected | at_marks)


def test_a_rectangle_in_the_plot_selects_too(plotted: App, qtbot: QtBot) -> None:
    plotted.scatter.panel.rectangle.click()
    drag(plotted, [(0.15, 0.2), (0.2, 0.3), (0.3, 0.4)])
    qtbot.waitUntil(lambda: plotted.document.scatter.mask is not None)
    (left, bottom), (right, _), (_, top), _ = plotted.document.scatter.plot.selection
    assert (left, bottom, right, top) == pytest.approx((0.15, 0.2, 0.3, 0.4), abs=0.01)
    within = (left <= X) & (right > X) & (bottom <= Y) & (top > Y)
    np.testing.assert_array_equal(plotted.document.scatter.mask, within)


def test_a_click_selects_nothing(plotted: App) -> None:
    drag(plotted, [(0.2, 0.3), (0.2, 0.3)])
    assert plotted.document.scatter.plot == ScatterPlot()


def test_the_active_region_is_a_density_of_its_own(plotted: App, qtbot: QtBot) -> None:
    view = plotted.scatter.panel.view
    plotted.document.mark_set.add(BOX)
    qtbot.waitUntil(lambda: view._region is not None)
    density, colour = view._region
    assert colour == plotted.document.marks[0].colour
    part = (slice(4, 15), slice(6, 20))
    left, right, bottom, top = density.limits
    expected, _, _ = np.histogram2d(
        Y[part].ravel(), X[part].ravel(), density.counts.shape, ((bottom, top), (left, right))
    )
    np.testing.assert_array_equal(density.counts, expected)
    qtbot.waitUntil(lambda: "rectangle 1: 154" in plotted.scatter.panel.words.text())
    lasso = Region.parse("lasso 2,2 20,4 18,25 4,20")
    plotted.document.mark_set.add(lasso)
    members = inside(lasso, np.arange(HEIGHT) + 0.5, np.arange(WIDTH) + 0.5)
    qtbot.waitUntil(lambda: f"lasso 2: {members.sum()}" in plotted.scatter.panel.words.text())
    assert view._region[0].pixels <= members.sum()
    plotted.document.mark_set.add((3, 3))
    qtbot.waitUntil(lambda: view._region is None)
    assert "lasso" not in plotted.scatter.panel.words.text()


def test_a_region_that_is_renamed_or_recoloured_is_shown_so(plotted: App, qtbot: QtBot) -> None:
    panel = plotted.scatter.panel
    plotted.document.mark_set.add(BOX)
    qtbot.waitUntil(lambda: "rectangle 1: 154" in panel.words.text())
    plotted.document.mark_set.edit(1, name="leaf")
    qtbot.waitUntil(lambda: "leaf: 154" in panel.words.text())
    plotted.document.mark_set.edit(1, colour="#12ab34")
    qtbot.waitUntil(lambda: panel.view._region[1] == "#12ab34")


def test_pins_and_the_pixel_under_the_mouse_are_points(plotted: App) -> None:
    plotted.document.add_pin(5, 7)
    plotted.document.add_pin(20, 30)
    plotted.document.mark_set.edit(1, visible=False)
    plotted.document.set_hover((11, 12))
    spots = [(spot.x(), spot.y()) for spot in (point.pos() for point in plotted.scatter.panel.view.spots.points())]
    expected = [(X[20, 30], Y[20, 30]), (X[11, 12], Y[11, 12])]
    np.testing.assert_allclose(spots, expected, rtol=1e-6)
    plotted.document.set_hover(None)
    assert len(plotted.scatter.panel.view.spots.points()) == 1


def test_a_binned_field_has_the_pixels_of_its_resolution(app: App, qtbot: QtBot) -> None:
    open_cube(app)
    field = field_of(VALUES, binning=2, source_shape=(2 * HEIGHT, 2 * WIDTH))
    app.document.source_shape = (2 * HEIGHT, 2 * WIDTH)
    app.document.mark_set.start((2 * HEIGHT, 2 * WIDTH))
    app.document.set_field(field, 2, (0.0, 1.0))
    app.scatter.open()
    app.document.add_pin(11, 15)
    qtbot.waitUntil(lambda: len(app.scatter.panel.view.spots.points()) == 1)
    assert app.scatter.panel.view.spots.points()[0].pos().x() == pytest.approx(X[5, 7])
    mask = select(app, qtbot)
    np.testing.assert_array_equal(mask, slowly_selected(SQUARE))
    item = app.window.image.selection
    assert item._covered.width() == item.boundingRect().width() == 2 * WIDTH
    app.scatter.make_regions()
    qtbot.waitUntil(lambda: len(app.document.marks) > 1)
    covered = np.zeros((HEIGHT, WIDTH), bool)
    for mark in app.document.marks[1:]:
        covered |= inside(mark.place, 2 * np.arange(HEIGHT) + 1.0, 2 * np.arange(WIDTH) + 1.0)
    assert (covered >= mask).all()


def test_components_and_indices_are_axes(plotted: App, qtbot: QtBot) -> None:
    set_axes(plotted, qtbot, "pc 1", "ngrdi")
    qtbot.waitUntil(lambda: plotted.document.scatter.map is not None and not busy(plotted))
    pca = PCA(1).fit(VALUES.reshape(31, -1).T)
    scores = pca.transform(VALUES.reshape(31, -1).T)[:, 0]
    found = plotted.document.scatter.map.values[0].ravel()
    np.testing.assert_allclose(found * np.sign(np.corrcoef(found, scores)[0, 1]), scores, atol=1e-4)
    green, red = (np.trapezoid(VALUES[a:b], axis=0) / (b - a - 1) for a, b in ((12, 18), (22, 29)))
    np.testing.assert_allclose(plotted.document.scatter.map.values[1], (green - red) / (green + red), atol=1e-5)
    assert [layer.name for layer in plotted.document.scatter.map.layers] == ["PC 1", "NGRDI"]


def test_the_components_of_a_field_are_fitted_once(plotted: App, qtbot: QtBot) -> None:
    set_axes(plotted, qtbot, "PC 1", "b500")
    qtbot.waitUntil(lambda: plotted.document.scatter.components is not None and not busy(plotted))
    components = plotted.document.scatter.components
    set_axes(plotted, qtbot, "PC 1", "PC 2")
    qtbot.waitUntil(lambda: plotted.document.scatter.axes == ("PC 1", "PC 2"))
    assert plotted.document.scatter.components[1] is components[1]
    other = field_of(VALUES[:, ::-1] ** 2)
    plotted.document.set_field(other, 1, (0.0, 1.0))
    qtbot.waitUntil(lambda: plotted.document.scatter.map is not None)
    assert plotted.document.scatter.components[1] is not components[1]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("b950", "X axis: the expression asks for 950 nm at position 1, but this image covers 400-700 nm."),
        ("b550 +", "X axis: the expression ends too early at position 7; write "),
        ("PC 9", "X axis: component PC 9 requested; choose PC 1 to PC 6, or define others in Analysis."),
        ("", "X axis: the expression is empty; write "),
    ],
)
def test_an_invalid_axis_gives_one_sentence(plotted: App, qtbot: QtBot, text: str, sentence: str) -> None:
    before = plotted.document.scatter.map
    plotted.scatter.panel.axes_picked.emit(text, "b650")
    words = plotted.scatter.panel.words.text()
    assert words.startswith(sentence) and words.endswith(".") and "\n" not in words
    assert plotted.document.scatter.map is before and plotted.document.scatter.plot == ScatterPlot()
    assert not plotted.document.undo_stack.canUndo() and not plotted.worker.is_busy(Task.SCATTER)


def test_axes_without_values_are_told(plotted: App, qtbot: QtBot) -> None:
    set_axes(plotted, qtbot, "b550 / (b500 - b500)", "b650")
    qtbot.waitUntil(lambda: plotted.window.messages.isVisible())
    assert "no pixel has a value of both axes" in plotted.window.messages.text.text()
    assert plotted.document.scatter.map is None and "press O" in plotted.scatter.panel.words.text()


def test_axes_and_selections_are_undone_one_by_one(plotted: App, qtbot: QtBot) -> None:
    stack, scatter = plotted.document.undo_stack, plotted.document.scatter
    assert not plotted.document.is_modified
    first = select(plotted, qtbot)
    assert plotted.document.is_modified
    set_axes(plotted, qtbot, "b450", "b650")
    qtbot.waitUntil(lambda: scatter.map is not None)
    assert scatter.plot == ScatterPlot("b450", "b650") and scatter.mask is None
    assert plotted.window.image.selection.mask is None
    stack.undo()
    assert scatter.plot == ScatterPlot("b550", "b650", SQUARE)
    qtbot.waitUntil(lambda: scatter.mask is not None)
    np.testing.assert_array_equal(plotted.window.image.selection.mask, first)
    plotted.window.actions_by_name["clear_selection"].trigger()
    assert scatter.plot.selection == () and plotted.window.image.selection.mask is None
    assert [stack.text(at) for at in range(stack.count())] == ["select in scatter plot", "clear selection"]
    stack.undo()
    stack.undo()
    assert scatter.plot.selection == () and not plotted.document.is_modified
    assert plotted.scatter.panel.view.outline.path().isEmpty()


def test_a_selection_is_in_the_session_and_shown_without_the_panel(plotted: App, qtbot: QtBot, tmp_path: Path) -> None:
    assert not plotted.document.is_modified
    mask = select(plotted, qtbot)
    assert plotted.document.is_modified
    write_session(tmp_path / "s.nesr", SessionData.of(plotted.document, None))
    data = read_session(tmp_path / "s.nesr", MODES)
    assert data.scatter == ScatterPlot("b550", "b650", SQUARE)
    plotted.scatter.dock.hide()
    plotted.workspace.make_room(beside=True)
    open_cube(plotted)
    assert plotted.document.scatter.plot == ScatterPlot() and plotted.window.image.selection.mask is None
    data.restore(plotted.document)
    qtbot.waitUntil(lambda: plotted.window.image.selection.mask is not None)
    np.testing.assert_array_equal(plotted.window.image.selection.mask, mask)
    plotted.workspace.show(0)
    assert plotted.window.image.selection.mask is mask


def test_nothing_is_computed_while_the_panel_is_hidden(app: App, qtbot: QtBot) -> None:
    submitted: list[Task] = []
    submit = app.worker.submit
    app.worker.submit = lambda task, *rest: (submitted.append(task), submit(task, *rest))[1]  # type: ignore[method-assign]
    open_cube(app)
    app.document.mark_set.add(BOX)
    app.document.set_hover((3, 3))
    qtbot.waitUntil(lambda: not busy(app))
    assert not {task for task in submitted if task.name.startswith("SCATTER")} and submitted
    app.scatter.open()
    qtbot.waitUntil(lambda: app.document.scatter.map is not None and not busy(app))
    assert Task.SCATTER_DENSITY in submitted and Task.SCATTER_INTERVALS not in submitted


def gated(monkeypatch: pytest.MonkeyPatch, name: str) -> tuple[threading.Event, threading.Event]:
    """Hold a task back until the second event is set, even if a newer request has replaced it."""
    started, go = threading.Event(), threading.Event()
    original: Callable[..., Any] = getattr(tasks, name)

    def run(request: Any, progress: Any) -> Any:
        answer = original(request, lambda fraction: None)
        started.set()
        assert go.wait(30)
        return answer

    monkeypatch.setattr(tasks, name, run)
    return started, go


@pytest.mark.parametrize("change", ["axes", "field", "document"])
def test_late_values_are_dropped(app: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    started, go = gated(monkeypatch, "compute_scatter")
    open_cube(app)
    taken: list[tuple[str, str]] = []
    document, set_values = app.document, app.document.scatter.set_values
    document.scatter.set_values = lambda axes, *rest: (taken.append(axes), set_values(axes, *rest))[1]  # type: ignore[method-assign]
    app.scatter.open()
    assert started.wait(30)
    if change == "axes":
        document.scatter.set_axes("b450", "b500")
    elif change == "field":
        document.set_field(field_of(VALUES[:, :20]), 1, (0.0, 1.0))
    else:
        app.workspace.make_room(beside=True)
        open_cube(app, field_of(VALUES[:, :20]))
    go.set()
    qtbot.waitUntil(lambda: app.document.scatter.map is not None and not busy(app))
    shape = (24, 31) if change == "axes" else (20, 31)
    assert app.document.scatter.map.values.shape[1:] == shape
    assert taken == {"axes": [("b450", "b500")], "field": [("b550", "b650")], "document": []}[change]


@pytest.mark.parametrize("name", ["select_pixels", "compute_intervals", "make_regions", "count_pixels"])
def test_late_results_of_other_values_are_dropped(
    app: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    open_cube(app, UncertainCube(VALUES, np.full((HEIGHT, WIDTH), 0.01)))
    app.scatter.open()
    qtbot.waitUntil(lambda: app.document.scatter.intervals is not None and not busy(app))
    started, go = gated(monkeypatch, name)
    if name == "compute_intervals":
        set_axes(app, qtbot, "b450", "b500")
    elif name == "count_pixels":
        app.document.mark_set.add(BOX)
    else:
        app.scatter.panel.view.selection_picked.emit(SQUARE)
        if name == "make_regions":
            qtbot.waitUntil(lambda: app.document.scatter.mask is not None)
            app.scatter.make_regions()
    qtbot.waitUntil(started.is_set)
    marks = app.document.marks
    go.set()
    other = field_of(VALUES[:, :20])
    app.document.set_field(other, 1, (0.0, 1.0))
    qtbot.waitUntil(lambda: app.document.scatter.map is not None and not busy(app))
    scatter = app.document.scatter
    assert scatter.map.values.shape[1:] == (20, 31) and app.document.marks == marks
    assert scatter.mask is None or scatter.mask.shape == (20, 31)
    assert scatter.intervals is None and app.scatter.panel.view._density.pixels <= 620


def test_a_cancelled_plot_says_so_and_is_computed_on_request(
    app: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, go = gated(monkeypatch, "compute_scatter")
    open_cube(app)
    app.scatter.open()
    assert started.wait(30) and app.scatter.panel.words.text() == "Computing…"
    app.worker.cancel(Task.SCATTER)
    go.set()
    assert app.scatter.panel.words.text() == "The values are not computed; press O to compute them."
    app.window.actions_by_name["scatter_plot"].trigger()
    qtbot.waitUntil(lambda: app.document.scatter.map is not None)


def test_the_panel_states_intervals_and_what_they_rest_on(app: App, qtbot: QtBot) -> None:
    half = np.linspace(0.001, 0.6, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
    open_cube(app, UncertainCube(VALUES, half))
    app.scatter.open()
    qtbot.waitUntil(lambda: app.document.scatter.intervals is not None and not busy(app))
    words = app.scatter.panel.words.toolTip()
    assert "reconstructed from the three colours of a photograph by the model test; they are estimates" in words
    width = 2 * np.median(half)  # of a single band
    low, high = np.percentile(X, [5, 95])
    shares = [np.mean(2 * half > np.ptp(np.percentile(values, [5, 95]))) for values in (X, Y)]
    assert high > low and f"{width:.2g} × {width:.2g}; wider than the spread of the image for " in words
    wider = f"{100 * shares[0]:.0f} % of the pixels on x, {100 * shares[1]:.0f} % on y."
    assert wider in words
    assert app.scatter.panel.words.text() == (
        f"{HEIGHT * WIDTH} pixels. Estimates of test. Cross: median 90 % interval, wider than the spread of the image "
        f"for {wider}"
    )
    box = app.scatter.panel.view.cross.path().boundingRect()
    assert box.width() == pytest.approx(width, rel=0.01) == pytest.approx(box.height(), rel=0.01)


def test_shares_that_do_not_matter_are_in_the_tool_tip_only(app: App, qtbot: QtBot) -> None:
    open_cube(app, UncertainCube(VALUES, np.full((HEIGHT, WIDTH), 0.001)))
    app.scatter.open()
    qtbot.waitUntil(lambda: app.document.scatter.intervals is not None and not busy(app))
    words = app.scatter.panel.words
    assert words.text() == f"{HEIGHT * WIDTH} pixels. Estimates of test. Cross: median 90 % interval."
    assert "0.002 × 0.002; wider than the spread of the image for 0 % of the pixels on x, 0 % on y." in words.toolTip()


def test_only_all_of_the_pixels_are_a_hundred_per_cent() -> None:
    shares = (0.0, 0.0012, 0.126, 0.994, 0.9996, 1.0)
    assert [tasks.percent(share) for share in shares] == ["0 %", "0.12 %", "13 %", "99 %", "> 99 %", "100 %"]


def test_the_largest_parts_become_regions(plotted: App, qtbot: QtBot) -> None:
    mask = select(plotted, qtbot)
    plotted.window.actions_by_name["selection_regions"].trigger()
    qtbot.waitUntil(lambda: bool(plotted.document.marks))
    labels, count = ndimage.label(mask)
    sizes = np.bincount(labels.ravel())[1:]
    covered = np.zeros_like(mask)
    for mark in plotted.document.marks:
        members = inside(mark.place, np.arange(HEIGHT) + 0.5, np.arange(WIDTH) + 0.5)
        covered |= members
    largest = np.argsort(sizes)[::-1][: tasks.MOST_REGIONS] + 1
    expected = np.isin(labels, largest)
    np.testing.assert_array_equal(covered, expected)
    assert len(plotted.document.marks) == min(count, tasks.MOST_REGIONS)
    text = plotted.window.messages.text.text()
    if expected.sum() < mask.sum():
        assert f"{100 * expected.sum() / mask.sum():.0f} % of its pixels" in text
    plotted.document.undo_stack.undo()
    assert plotted.document.marks == ()


def test_a_selection_without_pixels_makes_no_regions(plotted: App, qtbot: QtBot) -> None:
    select(plotted, qtbot, ((5, 5), (6, 5), (6, 6)))
    plotted.scatter.make_regions()
    qtbot.waitUntil(lambda: plotted.window.messages.isVisible())
    assert "the selection contains no pixel" in plotted.window.messages.text.text()


@pytest.mark.parametrize("ending", [".png", ".tif", ".geojson"])
def test_a_selection_is_exported(
    app: App, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    place = "UTM, 1, 1, 500000, 4000000, 2, 2, 32, North, WGS-84, units=Meters"
    open_cube(app, CubeField(VALUES, BANDS, Quantity.REFLECTANCE, {KEY: place}))
    app.scatter.open()
    qtbot.waitUntil(lambda: app.document.scatter.map is not None)
    mask = select(app, qtbot)
    path = tmp_path / f"mask{ending}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    app.window.actions_by_name["export_selection"].trigger()
    qtbot.waitUntil(lambda: path.exists() and not busy(app))
    if ending == ".png":
        np.testing.assert_array_equal(iio.imread(path), 255 * mask)
    elif ending == ".tif":
        with rasterio.open(path) as file:
            np.testing.assert_array_equal(file.read(1), 255 * mask)
            assert file.crs.to_epsg() == 32632 and file.transform[0] == 2
    else:
        shapes = [feature["geometry"] for feature in json.loads(path.read_text())["features"]]
        burnt = rasterio.features.rasterize(shapes, mask.shape, transform=rasterio.Affine(2, 0, 500_000, 0, -2, 4e6))
        np.testing.assert_array_equal(burnt > 0, mask)


def test_the_plot_is_used_by_keyboard(plotted: App, qtbot: QtBot) -> None:
    view, nm = plotted.scatter.panel.view, plotted.document.nm
    plotted.document.add_pin(3, 3)
    view.setFocus()
    before = view.view_limits()
    QTest.keyClick(view, Qt.Key.Key_Right)
    QTest.keyClick(view, Qt.Key.Key_Up)
    moved = view.view_limits()
    assert moved[0] - before[0] == pytest.approx(0.1 * (before[1] - before[0]))
    assert moved[2] - before[2] == pytest.approx(0.1 * (before[3] - before[2])) and plotted.document.nm == nm
    QTest.keyClick(view, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: plotted.document.scatter.mask is not None)
    within = (moved[0] <= X) & (moved[1] > X) & (moved[2] <= Y) & (moved[3] > Y)
    np.testing.assert_array_equal(plotted.document.scatter.mask, within)
    QTest.keyClick(view, Qt.Key.Key_Delete)
    assert plotted.document.scatter.plot.selection == () and len(plotted.document.marks) == 1


def test_colours_are_settings_of_the_view(plotted: App) -> None:
    panel = plotted.scatter.panel
    assert panel.logarithmic.isChecked()
    logarithmic = panel.view.all.image.copy()
    panel.logarithmic.trigger()
    assert not plotted.document.view_settings.log_counts
    counts = panel.view._density.counts
    linear = panel.view.all.image
    assert (linear != logarithmic).any() and ((linear > 0) == (counts > 0)).all()
    assert linear.max() == logarithmic.max() == 255
    panel.colormap_picked.emit("magma")
    assert plotted.document.view_settings.colormaps == {"scatter": "magma"}
    panel.colormap_picked.emit("grey")
    assert plotted.document.view_settings.colormaps == {}
    assert not plotted.document.undo_stack.canUndo() and not plotted.document.is_modified


def test_the_actions_say_what_they_need(app: App, qtbot: QtBot) -> None:
    actions = app.window.actions_by_name
    of_selection = ("clear_selection", "selection_regions", "export_selection")
    assert not any(actions[name].isEnabled() for name in (*of_selection, "select_in_view"))
    assert actions["scatter_plot"].isEnabled() and actions["scatter_plot"].shortcut().toString() == "O"
    open_cube(app)
    app.scatter.open()
    qtbot.waitUntil(actions["select_in_view"].isEnabled)
    actions["select_in_view"].trigger()
    qtbot.waitUntil(lambda: all(actions[name].isEnabled() for name in of_selection))


def test_the_mouse_wheel_zooms_and_a_double_click_shows_all(plotted: App, qtbot: QtBot) -> None:
    view = plotted.scatter.panel.view
    before = view.view_limits()
    view.box.scaleBy((0.5, 0.5))
    view.box.sigRangeChangedManually.emit([True, True])
    limits = view.view_limits()
    qtbot.waitUntil(lambda: view._density.limits == limits)
    at = view.mapFromScene(view.box.sceneBoundingRect().center())
    for step in (QTest.mouseClick, QTest.mouseDClick, QTest.mouseRelease):
        step(view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(at))
    qtbot.waitUntil(lambda: view._density.limits == before)


def test_sessions_refuse_impossible_selections(plotted: App, qtbot: QtBot, tmp_path: Path) -> None:
    data = SessionData.of(plotted.document, None)
    for wrong in (((0.0, 0.0), (1.0, 1.0)), ((0.0, 0.0), (1.0, math.inf), (0.0, 1.0))):
        with pytest.raises(ValueError, match="a selection of [23] corners; expected 3"):
            replace(data, scatter=ScatterPlot("b550", "b650", wrong))
    with pytest.raises(ValueError, match="a selection without its axes"):
        ScatterPlot("", "b650", SQUARE)


@pytest.mark.parametrize("name", ["select_pixels", "compute_intervals", "make_regions", "count_pixels"])
def test_late_results_of_other_axes_or_selections_are_dropped(
    app: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    half = np.linspace(0.001, 0.3, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
    open_cube(app, UncertainCube(VALUES, half))
    app.scatter.open()
    scatter, view = app.document.scatter, app.scatter.panel.view
    qtbot.waitUntil(lambda: scatter.intervals is not None and not busy(app))
    if name == "make_regions":
        select(app, qtbot)
    started, go = gated(monkeypatch, name)
    taken: list[Any] = []
    owner, setter = {
        "select_pixels": (scatter, "set_mask"), "compute_intervals": (scatter, "set_intervals"),
        "make_regions": (app.document.mark_set, "take_all"), "count_pixels": (view, "show_densities"),
    }[name]  # fmt: skip
    original = getattr(owner, setter)
    monkeypatch.setattr(owner, setter, lambda first, *rest: (taken.append(first), original(first, *rest))[1])
    other = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.25), (0.1, 0.25))
    steps: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "select_pixels": (lambda: view.selection_picked.emit(SQUARE), lambda: view.selection_picked.emit(other)),
        "compute_intervals": (lambda: scatter.set_axes("b450", "b500"), lambda: scatter.set_axes("b450", "b500 ** 2")),
        "make_regions": (app.scatter.make_regions, lambda: view.selection_picked.emit(other)),
        "count_pixels": (lambda: QTest.keyClick(view, Qt.Key.Key_Plus), lambda: QTest.keyClick(view, Qt.Key.Key_Plus)),
    }
    first, second = steps[name]
    first()
    qtbot.waitUntil(started.is_set)
    second()
    go.set()
    qtbot.waitUntil(lambda: not busy(app) and scatter.map is not None)
    if name == "select_pixels":
        assert len(taken) == 1
        np.testing.assert_array_equal(taken[0], slowly_selected(other))
    elif name == "compute_intervals":
        assert len(taken) == 1 and scatter.axes == ("b450", "b500 ** 2")
        fifth, tenth = (4 * VALUES[10] * half, 2 * half)  # of x² and of x, up to half²
        assert taken[0].widths == pytest.approx((np.median(tenth), np.median(fifth)), rel=0.2)
    elif name == "make_regions":
        assert taken == [] and app.document.marks == ()
    else:
        assert [density.limits for density in taken] == [view.view_limits()]


def test_values_of_components_of_an_earlier_definition_are_dropped(plotted: App, qtbot: QtBot) -> None:
    document = plotted.document
    set_axes(plotted, qtbot, "PC 1", "PC 2")
    qtbot.waitUntil(lambda: document.scatter.map is not None and not busy(plotted))
    request = tasks.ScatterRequest(("PC 1", "PC 2"), plotted.scatter._wanted())
    found = tasks.compute_scatter(request, lambda fraction: None)
    document.analysis_settings = replace(document.analysis_settings, within=(400.0, 550.0))
    before = document.scatter.map
    plotted.scatter._take_values(request, found)
    assert document.scatter.map is before


def test_pixels_without_values_are_not_counted_in_a_region() -> None:
    """Neither of all that a region covers, nor of the cells of the plot."""
    values, region = VALUES.copy(), Region.rectangle(8, 12, 30, 40)  # of pixels of the file: two per pixel
    values[15, 5, 7:9] = values[25, 6, 10] = np.nan  # of one axis each
    field = field_of(values, binning=2, source_shape=(2 * HEIGHT, 2 * WIDTH))
    pair = tasks.pair_of(("b550", "b650"), field, None)
    made = tasks.compute_map(field, pair, intervals=False)
    found = tasks.count_pixels(tasks.DensityRequest(field, made, (0.0, 2.0, 0.0, 2.0), region), lambda fraction: None)
    assert found.in_region == found.region.pixels == 11 * 14 - 3 and found.all.pixels == HEIGHT * WIDTH - 3
    beside = replace(region, vertices=((200.0, 200.0), (210.0, 220.0)))
    request = tasks.DensityRequest(field, made, (0.0, 2.0, 0.0, 2.0), beside)
    assert tasks.count_pixels(request, lambda fraction: None).region is None


def test_components_are_those_of_the_analysis_panel(plotted: App, qtbot: QtBot) -> None:
    document = plotted.document
    set_axes(plotted, qtbot, "PC 1", "PC 2")
    qtbot.waitUntil(lambda: document.scatter.map is not None and not busy(plotted))
    before = document.scatter.map.values
    settings = document.analysis_settings
    document.set_analysis_settings(replace(settings, within=(400.0, 550.0)), "range")
    qtbot.waitUntil(lambda: document.scatter.map is not None and document.scatter.map.values is not before)
    scores = PCA(2).fit_transform(VALUES[:16].reshape(16, -1).T).T
    np.testing.assert_allclose(np.abs(document.scatter.map.values.reshape(2, -1)), np.abs(scores), atol=1e-4)
    mnf = replace(settings.components, kind=ComponentKind.MNF, count=3)
    document.set_analysis_settings(settings.with_definition(AnalysisKind.COMPONENTS, mnf), "components")
    words = plotted.scatter.panel.words.text()
    assert words == "X axis: component PC 1 requested; choose MNF 1 to MNF 3, or define others in Analysis."
    offered = [plotted.scatter.panel.x_axis.itemText(at) for at in range(plotted.scatter.panel.x_axis.count())]
    assert {"MNF 1", "MNF 3"} <= set(offered) and not {"PC 1", "MNF 4"} & set(offered)
    plotted.view.show_mode("components")
    qtbot.waitUntil(lambda: document.fitted(AnalysisKind.COMPONENTS) is not None)
    set_axes(plotted, qtbot, "mnf 1", "MNF 2")
    qtbot.waitUntil(lambda: document.scatter.map is not None and not busy(plotted))
    assert document.scatter.components[1] is document.fitted(AnalysisKind.COMPONENTS).analysis
    document.undo_stack.undo()  # the axes
    document.undo_stack.undo()  # the kind
    document.undo_stack.undo()  # the range
    qtbot.waitUntil(lambda: document.scatter.map is not None and not busy(plotted))
    np.testing.assert_allclose(document.scatter.map.values, before, atol=1e-6)
