"""A whole piece of work in a real window with the embedded model: from a sample to files that say the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from nesr_gui import io, resources
from nesr_gui.gui import view_modes
from nesr_gui.gui.app import App
from nesr_gui.gui.drawing import theme
from nesr_gui.gui.model.preferences import settings
from nesr_gui.gui.tasks.files import MarksRequest, read_marks
from nesr_gui.gui.views.main_window import WINDOW_SIZE
from nesr_gui.gui.views.message_bar import STEPS
from nesr_gui.io.spectra.csv import read_curves
from nesr_gui.regions import Shape
from nesr_gui.resources import Sample

LEFT = Qt.MouseButton.LeftButton
SIDE = 64  # pixels of the sample's corner, which reconstruct in a second
PINS = [(20, 30), (40, 50), (58, 44)]

pytestmark = pytest.mark.usefixtures("queued_refresh")


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    """The corner of an embedded sample with its measured cube."""
    whole = next(each for each in resources.samples() if each.truth is not None)
    assert whole.truth is not None
    photograph, truth = tmp_path / "corner.png", tmp_path / "corner.h5"
    iio.imwrite(photograph, iio.imread(whole.photograph)[:SIDE, :SIDE])
    cube = io.open_cube(whole.truth)
    io.write_cube(truth, cube, cube.bands, rows=slice(0, SIDE), cols=slice(0, SIDE))
    return Sample("corner", "Corner", "", photograph, truth)


@pytest.fixture
def windows(qtbot: QtBot, qapp: QApplication) -> Iterator[Callable[[], App]]:
    """Makes windows with the embedded model."""
    settings().setValue("hints/done", " ".join(STEPS))
    theme.apply(qapp, Qt.ColorScheme.Light)
    made: list[App] = []

    def make() -> App:
        app = App()
        made.append(app)
        app.window.show()
        qtbot.waitExposed(app.window)
        app.window.compose(WINDOW_SIZE)
        app.reconstruction.load_model(None, "cpu")
        return app

    yield make
    for app in made:
        app.window.close()
        app.window.deleteLater()


def at(app: App, row: int, col: int) -> QPoint:
    return app.window.image.position_of(row, col).toPoint()


def key(app: App, name: str) -> None:
    """Do an action by its key."""
    combination = app.window.actions_by_name[name].shortcut()[0]
    QTest.keyClick(app.window, combination.key(), combination.keyboardModifiers())


def is_settled(app: App) -> bool:
    """Whether all that is to be seen has been answered exactly."""
    document, left = app.document, app.renderers[app.document.view_settings.sides[0]]
    known = all(document.readout(mark) and mark.place in document.colour_results for mark in document.marks)
    exact = left.shown is not None and left.shown.is_exact and not left._rest.isActive()
    return document.field is not None and known and exact and not app.worker._newest and not app.refresh._stale


def mark(app: App, qtbot: QtBot) -> None:
    """Three pins by clicks, a rectangle by a drag."""
    viewport = app.window.image.viewport()
    for row, col in PINS:
        QTest.mouseClick(viewport, LEFT, pos=at(app, row, col))
    key(app, "tool_rectangle")
    QApplication.processEvents()  # the tool is in the image in the next turn
    start, stop = at(app, 10, 10), at(app, 30, 25)
    QTest.mousePress(viewport, LEFT, pos=start)
    for step in range(1, 6):
        QTest.mouseMove(viewport, start + (stop - start) * step / 5)
    QTest.mouseRelease(viewport, LEFT, pos=stop)
    key(app, "tool_point")
    assert [each.pixel for each in app.document.marks[:3]] == PINS
    assert [each.shape for each in app.document.marks[3:]] == [Shape.RECTANGLE]
    qtbot.waitUntil(lambda: is_settled(app), timeout=30_000)


def scrub(app: App, qtbot: QtBot) -> None:
    """By keys and by the slider; each band that rests is that of the field."""
    key(app, "show_band")
    for _ in range(7):
        key(app, "much_longer")
    QTest.keyClicks(app.window, ",")
    assert app.document.nm == 619
    qtbot.waitUntil(lambda: is_settled(app), timeout=30_000)
    field, reading = app.document.field, app.document.readouts[PINS[0]]
    assert field is not None and reading.value == pytest.approx(float(field.band(619)[PINS[0]]), abs=1e-6)


def view_settings(app: App, qtbot: QtBot) -> None:
    """Every mode by its key, each another picture of what is open."""
    seen = []
    for mode in view_modes.TABLE:
        action = app.window.actions_by_name[f"show_{mode.name}"]
        assert action.isEnabled(), f"{mode.title}: {action.whatsThis()}"
        key(app, f"show_{mode.name}")
        qtbot.waitUntil(lambda: is_settled(app), timeout=30_000)
        shown = app.renderers[0].shown
        assert shown is not None and shown.request.mode is mode
        seen.append(app.window.image.grab().toImage())
    assert all(one != other for i, one in enumerate(seen) for other in seen[:i])


def undo_and_redo(app: App) -> None:
    marks, steps = app.document.marks, app.document.undo_stack
    while steps.canUndo():
        key(app, "undo")
        QApplication.processEvents()  # actions are enabled in the next turn
    assert app.document.marks == ()
    while steps.canRedo():
        key(app, "redo")
        QApplication.processEvents()
    assert app.document.marks == marks


def export(app: App, name: str, path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its action, its dialog as it stands, and a name."""
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    app.window.messages.hide()
    app.window.actions_by_name[name].trigger()
    for dialog in app.window.findChildren(QDialog):
        dialog.accept()
    qtbot.waitUntil(
        lambda: "Wrote" in app.window.messages.text.text() and app.window.messages.isVisible(), timeout=30_000
    )


def export_all(app: App, folder: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cube, curves, table and figure, which say what the window says."""
    document, field = app.document, app.document.field
    assert field is not None
    export(app, "export_cube", folder / "cube.nc", qtbot, monkeypatch)
    cube = io.open_cube(folder / "cube.nc")
    np.testing.assert_allclose(cube.cube(cube.bands).values, field.cube(cube.bands).values, atol=1e-6)
    export(app, "export_curves", folder / "curves.csv", qtbot, monkeypatch)
    curves = {curve.name: curve.values for curve in read_curves(folder / "curves.csv")}
    for each in document.marks:
        found = next(values for name, values in curves.items() if name.startswith(each.title))
        np.testing.assert_allclose(found, document.curves[each.place].spectrum.values, atol=1e-5)
    export(app, "export_table", folder / "marks.csv", qtbot, monkeypatch)
    read = read_marks(MarksRequest(folder / "marks.csv"), lambda fraction: None).marks
    assert [(each.place, each.name) for each in read] == [(each.place, each.name) for each in document.marks]
    export(app, "export_figure", folder / "figure.png", qtbot, monkeypatch)
    assert QImage(str(folder / "figure.png")).width() > 1000


def pictures(app: App, qtbot: QtBot) -> dict[str, QImage]:
    """The middle of the window and every panel that is open, without what belongs to the moment: mouse, focus, news."""
    window = app.window
    window.messages.hide()
    app.document.set_hover(None)
    if (focused := QApplication.focusWidget()) is not None:
        focused.clearFocus()
    qtbot.waitUntil(lambda: is_settled(app), timeout=30_000)
    docks = {dock.windowTitle(): dock for dock in window.panels.docks if not dock.visibleRegion().isEmpty()}
    parts: dict[str, QWidget] = {"middle": window.centralWidget(), **docks}
    return {name: part.grab().toImage() for name, part in parts.items()}


def test_from_a_sample_to_files_and_back(
    windows: Callable[[], App], sample: Sample, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = windows()
    app.open_sample(sample)
    qtbot.waitUntil(lambda: app.document.field is not None, timeout=60_000)
    mark(app, qtbot)
    scrub(app, qtbot)
    view_settings(app, qtbot)
    undo_and_redo(app)
    app.window.messages.hide()
    for _ in range(2):
        key(app, "zoom_in")
    qtbot.waitUntil(lambda: is_settled(app), timeout=30_000)
    export_all(app, tmp_path, qtbot, monkeypatch)
    assert app.window.messages.isVisible()  # and takes its height from the image while the session is saved

    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / "work.nesr"), ""))
    app.window.actions_by_name["save_session"].trigger()
    qtbot.waitUntil(lambda: (tmp_path / "work.nesr").exists() and not app.workspace.modified(), timeout=30_000)
    seen = pictures(app, qtbot)
    app.window.hide()
    again = windows()
    again.files.open(tmp_path / "work.nesr")
    qtbot.waitUntil(lambda: again.document.marks == app.document.marks and is_settled(again), timeout=60_000)
    restored = pictures(again, qtbot)
    assert [where for where, image in restored.items() if image != seen[where]] == []
