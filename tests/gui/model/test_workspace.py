"""Several documents in tabs: each keeps its own, and nothing is computed again."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDockWidget, QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from nesr_gui import io
from nesr_gui.colorimetry.viewing_conditions import Illuminant, ViewingConditions
from nesr_gui.fields.protocol import CubeField, ProgressCallback
from nesr_gui.gui.app import App
from nesr_gui.gui.controllers import documents
from nesr_gui.gui.model.analyses import AnalysisKind
from nesr_gui.gui.model.changes import Change
from nesr_gui.gui.model.document import DocumentSource
from nesr_gui.gui.model.transect import TransectLine
from nesr_gui.gui.tasks.sessions import SaveRequest, save_session
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.views.dialogs.simple import FalseColourDialog
from nesr_gui.io.cubes.description import CubeHints
from nesr_gui.regions import Region, Shape
from nesr_gui.spectral import Quantity, Wavelengths
from tests.gui.conftest import BANDS, FakeEngine, smooth_cube

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A photograph of 40 rows and 50 columns."""
    path = tmp_path / "other.png"
    iio.imwrite(path, np.random.default_rng(1).integers(0, 256, (40, 50, 3)).astype(np.uint8))
    return path


@pytest.fixture
def cube(tmp_path: Path) -> Path:
    path = tmp_path / "cube.h5"
    field = CubeField(smooth_cube(20, 30)[5:12], Wavelengths(BANDS.nm[5:12]), Quantity.RADIANCE)
    io.write_cube(path, field, field.wavelengths, progress=None)
    return path


def open_beside(app: App, path: Path, qtbot: QtBot) -> None:
    known = len(app.workspace.documents)
    app.files.open(path, beside=True)
    qtbot.waitUntil(lambda: len(app.workspace.documents) == known + 1 and app.document.field is not None)


@pytest.mark.parametrize("dragged", ["mark", "transect", "rectangle"])
def test_a_drag_ends_when_another_image_is_shown(opened: App, other: Path, qtbot: QtBot, dragged: str) -> None:
    open_beside(opened, other, qtbot)
    opened.document.add_pin(30, 40)
    second, marks = opened.document, opened.document.marks
    opened.workspace.show(0)
    opened.document.add_pin(10, 10)
    if dragged == "transect":
        opened.document.transect.set_line(TransectLine((10.5, 10.5), (30.0, 40.0)))
    elif dragged == "rectangle":
        opened.workspace.set_tool(Shape.RECTANGLE)
    view = opened.window.image

    def at(row: float, col: float) -> QPoint:
        return view.mapFromScene(view.box.mapViewToScene(QPointF(col + 0.5, row + 0.5)))

    first, start = opened.document, (20, 5) if dragged == "rectangle" else (10, 10)
    before = first.undo_stack.count()
    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=at(*start))
    for row, col in ((13, 14), (15, 16)):
        QTest.mouseMove(view.viewport(), at(row, col))
    assert view.marks.drawing.is_drawing if dragged == "rectangle" else first.undo_stack.count() > before
    opened.workspace.show(1)
    seen = view.box.viewRange()
    for row, col in ((22, 24), (25, 28)):
        QTest.mouseMove(view.viewport(), at(row, col))
    QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=at(25, 28))
    assert second.marks == marks and second.transect.line is None
    assert view.box.viewRange() == seen and not view.marks.drawing.is_drawing
    opened.workspace.set_tool(Shape.POINT)
    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=at(30, 40))
    for row, col in ((25, 35), (20, 30)):
        QTest.mouseMove(view.viewport(), at(row, col))
    QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=at(20, 30))
    assert second.marks[0].place == (20, 30)


def test_a_polygon_is_not_continued_in_the_image_that_replaces_its_own(opened: App) -> None:
    opened.workspace.set_tool(Shape.POLYGON)
    drawing = opened.window.image.marks.drawing
    for col, row in ((10, 10), (20, 10), (20, 30)):
        drawing.click(QPointF(col, row), 1.0)
    assert drawing.is_drawing
    opened.document.open_cube("other.h5", CubeField(smooth_cube(40, 50), BANDS), (0.0, 1.0))
    assert not drawing.is_drawing


def titles(app: App) -> list[str]:
    return [app.window.tabs.tabText(place) for place in range(app.window.tabs.count())]


def test_each_tab_keeps_its_own_and_asks_nothing_again(
    opened: App, other: Path, cube: Path, engine: FakeEngine, qtbot: QtBot
) -> None:
    document, first = opened.document, opened.document.field
    document.add_pin(3, 4)
    document.set_wavelength(612.3)
    document.set_view_settings(document.view_settings.showing("band"))
    document.set_viewing(ViewingConditions(Illuminant("A")))
    opened.window.image.is_fitted = False
    opened.window.image.box.setRange(xRange=(10, 40), yRange=(10, 40))
    qtbot.waitUntil(lambda: (3, 4) in document.curves)
    view, curve = opened.window.image.view(), document.curves[(3, 4)]
    assert not opened.window.tabs.isVisible()

    open_beside(opened, other, qtbot)
    assert opened.document.marks == () and opened.document.name == "other.png" and opened.window.tabs.isVisible()
    assert not opened.document.undo_stack.canUndo() and opened.window.image.is_fitted
    opened.document.add_pin(1, 1)
    opened.document.set_wavelength(450)
    open_beside(opened, cube, qtbot)
    assert opened.document.wavelength_range == (450, 510) and opened.document.colours is None
    assert titles(opened) == ["photograph.png*", "other.png*", "cube.h5"] and opened.window.tabs.currentIndex() == 2

    engine.encoding.clear()
    QTest.keyClick(opened.window, Qt.Key.Key_Tab, CONTROL)  # after the last comes the first
    assert (
        opened.document.field is first and opened.document.nm == 612.3 and opened.document.view_settings.mode == "band"
    )
    again = opened.window.image.view()
    assert opened.document.viewing.light.name == "A"
    assert (again.left, again.right) == (view.left, view.right)  # above and below less is seen: tabs take room
    assert again.top + again.bottom == pytest.approx(view.top + view.bottom)
    assert opened.document.curves[(3, 4)] is curve and opened.window.plot.layer.curves.keys() == {1}
    assert [item.pixel for item in opened.document.marks] == [(3, 4)] and opened.window.table.rowCount() == 1
    layer = opened.window.image.canvas.layers[0]
    qtbot.waitUntil(lambda: layer.picture is not None and layer.picture.request.context.field is first)
    opened.application.undo()
    assert opened.document.viewing == ViewingConditions()
    opened.application.undo()
    assert opened.document.marks == ()
    opened.application.redo()

    QTest.keyClick(opened.window, Qt.Key.Key_Tab, CONTROL)
    assert (
        [item.pixel for item in opened.document.marks] == [(1, 1)]
        and opened.document.nm == 450
        and opened.document.undo_stack.canUndo()
    )
    QTest.keyClick(opened.window, Qt.Key.Key_Tab, CONTROL | SHIFT)
    assert [item.pixel for item in opened.document.marks] == [(3, 4)]
    assert not engine.encoding.is_set()


def test_an_image_takes_the_place_of_one_in_which_nothing_was_made(opened: App, other: Path, qtbot: QtBot) -> None:
    opened.document.set_wavelength(600)
    opened.files.open(other)
    qtbot.waitUntil(lambda: opened.document.name == "other.png")
    assert len(opened.workspace.documents) == 1
    opened.document.add_pin(2, 2)
    opened.files.open(other)
    qtbot.waitUntil(lambda: len(opened.workspace.documents) == 2)
    assert titles(opened) == ["other.png*", "other.png (2)"] and opened.document.marks == ()
    opened.workspace.show(0)
    opened.application.undo()  # nothing is made any more
    assert titles(opened) == ["other.png", "other.png (2)"]


@pytest.mark.parametrize("kind", ["photograph", "cube", "session"])
def test_what_is_opened_in_a_tab_replaces_no_other_that_is_looked_at_meanwhile(
    opened: App, other: Path, cube: Path, kind: str, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = cube.with_name("kept.nesr")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(kept), ""))
    opened.documents.save_session()
    qtbot.waitUntil(lambda: opened.document.file == kept)
    open_beside(opened, other, qtbot)
    before = tuple(opened.workspace.documents)
    if kind == "cube":
        opened.files.open_cube(cube, CubeHints())
    else:
        opened.files.open(other if kind == "photograph" else kept)
    opened.workspace.show(0)  # before it is read
    qtbot.waitUntil(lambda: not opened.worker.is_busy(Task.OPEN))
    first, new, second = opened.workspace.documents
    assert (first, second) == before and opened.document is new


def test_a_reconstruction_goes_on_and_lands_in_its_own_document(
    held: App, cube: Path, engine: FakeEngine, qtbot: QtBot
) -> None:
    open_beside(held, cube, qtbot)
    seen = held.document.field
    engine.gate.set()
    qtbot.waitUntil(lambda: held.workspace.documents[0].field is not None)
    assert held.document.field is seen and not held.worker.is_busy(Task.RECONSTRUCT)
    held.workspace.show(0)
    assert held.document.field is not None and held.document.field.shape == (60, 80)


def test_what_is_shown_is_reconstructed_first_and_the_others_after_it(
    held: App, other: Path, engine: FakeEngine, qtbot: QtBot
) -> None:
    held.files.open(other, beside=True)
    qtbot.waitUntil(lambda: len(held.workspace.documents) == 2 and held.worker.is_busy(Task.RECONSTRUCT))
    order = []
    held.document.changed.connect(
        lambda change: order.append(held.workspace.documents[0].field) if change is Change.FIELD else None
    )
    engine.gate.set()
    qtbot.waitUntil(lambda: held.document.field is not None)
    assert order == [None]
    qtbot.waitUntil(lambda: held.workspace.documents[0].field is not None)
    assert [document.field.shape for document in held.workspace.documents] == [(60, 80), (40, 50)]
    assert held.document.field is not None and held.document.field.shape == (40, 50)


def test_a_reconstruction_that_is_cancelled_is_not_asked_again(held: App) -> None:
    held.worker.cancel(Task.RECONSTRUCT)
    assert not held.worker.is_busy(Task.RECONSTRUCT) and held.reconstruction.can_reconstruct()


def test_a_photograph_whose_tab_is_left_while_it_is_developed_is_developed_on_return(
    held: App, other: Path, engine: FakeEngine, qtbot: QtBot
) -> None:
    """Also if it was being reconstructed as it had been before."""
    held.files.open(other, beside=True)
    qtbot.waitUntil(lambda: held.document.name == "other.png")
    held.workspace.show(0)
    document, before = held.document, held.document.photograph.values.mean()
    held.files.choose_development(replace(document.development.interpretation, stops=-2.0))
    held.workspace.show(1)
    assert not held.worker.is_busy(Task.DEVELOP) and document.pending is not None
    held.workspace.show(0)
    engine.gate.set()
    qtbot.waitUntil(lambda: not any(map(held.worker.is_busy, (Task.DEVELOP, Task.RECONSTRUCT))))
    assert document.developed == document.development.interpretation and document.developed.stops == -2
    assert document.encoded.values.mean() == pytest.approx(before / 4, rel=1e-3)


def change_device(app: App, qtbot: QtBot) -> None:
    """Choose a device, and wait for the field that follows."""
    before = app.document.field
    app.reconstruction.use_device("cpu")
    qtbot.waitUntil(lambda: app.document.field is not before)


def test_each_tab_is_reconstructed_again_at_its_own_resolution(
    opened: App, other: Path, engine: FakeEngine, qtbot: QtBot
) -> None:
    engine.model.working_pixels = 500
    first = opened.document
    opened.reconstruction.reconstruct_fully()
    qtbot.waitUntil(lambda: not opened.worker.is_busy(Task.RECONSTRUCT))
    open_beside(opened, other, qtbot)
    second = opened.document
    assert (first.binning, second.binning) == (1, 2)
    for place in (0, 1):
        opened.workspace.show(place)
        change_device(opened, qtbot)
    assert (first.binning, second.binning) == (1, 2)


def test_the_reconstruction_of_a_tab_that_is_closed_is_cancelled(
    opened: App, other: Path, engine: FakeEngine, qtbot: QtBot
) -> None:
    open_beside(opened, other, qtbot)
    engine.gate.clear()
    opened.reconstruction.reconstruct_fully()
    opened.workspace.show(0)
    assert opened.worker.is_busy(Task.RECONSTRUCT)  # it goes on
    opened.workspace.close(opened.workspace.documents[1])
    assert not opened.worker.is_busy(Task.RECONSTRUCT)


def test_closing_goes_to_a_neighbour_and_in_the_end_to_nothing(opened: App, other: Path, qtbot: QtBot) -> None:
    open_beside(opened, other, qtbot)
    tabs = opened.window.tabs
    QTest.mouseClick(tabs, Qt.MouseButton.MiddleButton, pos=tabs.tabRect(0).center())
    assert opened.document.name == "other.png" and not tabs.isVisible()
    QTest.keyClick(opened.window, Qt.Key.Key_W, CONTROL)
    document = opened.document
    assert document.field is None and document.source_shape is None and document.name == ""
    assert not opened.window.actions_by_name["close_tab"].isEnabled()
    assert opened.window.image.canvas.layers[0].picture is None and opened.window.input.isEnabled()
    opened.files.open(other)
    qtbot.waitUntil(lambda: document.field is not None)
    assert len(opened.workspace.documents) == 1


def test_several_files_open_in_tabs_each_and_a_bad_one_among_them_stops_nothing(
    app: App, photograph: Path, other: Path, cube: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in (photograph, bad, other, cube)])
    QGuiApplication.clipboard().setMimeData(mime)
    app.window.actions_by_name["paste"].trigger()
    qtbot.waitUntil(lambda: titles(app) == ["photograph.png", "other.png", "cube.h5"])
    qtbot.waitUntil(lambda: not app.worker.is_busy(Task.OPEN))
    told = app.window.messages.text.text()
    assert (
        app.window.messages.isVisible() and told.startswith("1 of 4 files could not be opened: ") and "bad.png" in told
    )
    app.files.open(other, beside=True)
    qtbot.waitUntil(lambda: len(app.workspace.documents) == 4)
    assert not app.window.messages.isVisible()  # what is opened later has nothing to do with it
    app.workspace.close(app.workspace.current)
    QGuiApplication.clipboard().setText("no file")
    app.window.actions_by_name["paste"].trigger()
    assert (
        "the clipboard contains no image or file" in app.window.messages.text.text()
        and len(app.workspace.documents) == 3
    )


@pytest.mark.parametrize("action", ["open_file", "open_in_tab"])
def test_several_files_are_chosen_in_the_dialog(
    opened: App, photograph: Path, other: Path, cube: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    chosen = [str(other), str(cube)]
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (chosen, ""))
    opened.window.actions_by_name[action].trigger()
    qtbot.waitUntil(lambda: titles(opened) == ["photograph.png", "other.png", "cube.h5"])
    chosen[:] = [str(photograph)]
    opened.window.actions_by_name[action].trigger()
    qtbot.waitUntil(lambda: "cube.h5" not in titles(opened)[2:3] or len(titles(opened)) == 4)
    assert len(titles(opened)) == (3 if action == "open_file" else 4)
    chosen.clear()
    opened.window.actions_by_name[action].trigger()
    assert not opened.worker.is_busy(Task.OPEN)


def press(app: App, button: QMessageBox.StandardButton, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: bool(app.window.findChildren(QMessageBox)))
    app.window.findChildren(QMessageBox)[0].button(button).click()
    qtbot.waitUntil(lambda: not app.window.findChildren(QMessageBox))


def test_what_is_not_saved_is_asked_about_before_it_is_lost(
    opened: App, other: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    buttons, window, file = QMessageBox.StandardButton, opened.window, tmp_path / "kept.nesr"
    window.may_close = opened.documents.may_close_window
    opened.document.add_pin(3, 4)
    open_beside(opened, other, qtbot)
    opened.documents.close_tab()  # nothing was made of it
    assert len(opened.workspace.documents) == 1
    opened.documents.close_tab()
    press(opened, buttons.Cancel, qtbot)
    assert not window.close() and window.isVisible()
    press(opened, buttons.Cancel, qtbot)
    assert window.isVisible() and len(opened.document.marks) == 1
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(file), ""))
    opened.documents.close_tab()
    press(opened, buttons.Save, qtbot)
    qtbot.waitUntil(lambda: opened.document.source_shape is None)
    opened.files.open(file)
    qtbot.waitUntil(lambda: len(opened.document.marks) == 1)
    opened.document.add_pin(5, 6)
    assert not window.close()
    press(opened, buttons.Discard, qtbot)
    assert not window.isVisible()


def test_a_tab_is_picked_with_the_mouse(opened: App, other: Path, qtbot: QtBot) -> None:
    open_beside(opened, other, qtbot)
    tabs = opened.window.tabs
    QTest.mouseClick(tabs, Qt.MouseButton.LeftButton, pos=tabs.tabRect(0).topLeft() + QPoint(12, 12))
    assert opened.document.name == "photograph.png"


def test_a_tab_left_and_found_again_at_once_has_its_picture(opened: App, other: Path, qtbot: QtBot) -> None:
    open_beside(opened, other, qtbot)
    layer = opened.window.image.canvas.layers[0]
    qtbot.waitUntil(lambda: layer.picture is not None)
    opened.workspace.show(0)
    opened.workspace.show(1)  # before the picture of the first has come
    qtbot.waitUntil(lambda: layer.picture is not None and layer.picture.shown is opened.document.colours)


def test_nothing_is_pasted_of_an_empty_clipboard(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(QGuiApplication.clipboard()), "mimeData", lambda clipboard: None)
    app.window.actions_by_name["paste"].trigger()
    assert "the clipboard contains no image or file" in app.window.messages.text.text()


def test_a_document_that_is_closed_while_it_is_saved_is_closed_once(opened: App) -> None:
    opened.document.add_pin(3, 4)
    document = opened.workspace.current
    for _ in range(2):
        opened.workspace.close(document)
    assert document not in opened.workspace.documents and len(opened.workspace.documents) == 1


@pytest.fixture
def held_save(opened: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Saves to a file of its own, and not before the event is set."""
    gate = threading.Event()

    def save(request: SaveRequest, progress: ProgressCallback) -> DocumentSource:
        assert gate.wait(10)
        return save_session(request, progress)

    monkeypatch.setattr(documents, "save_session", save)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / "kept.nesr"), ""))
    failures: list[Exception] = []
    opened.worker.failed.connect(lambda task, error: failures.append(error))
    yield gate
    assert failures == []


def test_an_image_that_is_opened_while_another_is_saved_has_no_session(
    opened: App, other: Path, held_save: threading.Event, tmp_path: Path, qtbot: QtBot
) -> None:
    opened.documents.save_session()
    opened.files.open(other)
    qtbot.waitUntil(lambda: opened.document.name == "other.png")
    with qtbot.waitSignal(opened.documents.saved) as saved:
        held_save.set()
    assert len(opened.workspace.documents) == 1 and saved.args == [tmp_path / "kept.nesr"]
    assert opened.document.file is None and not opened.document.is_modified
    assert opened.document.source is not None and opened.document.source.image == other


def test_a_comparison_that_is_removed_while_its_image_is_saved_stays_removed(
    opened: App, photograph: Path, held_save: threading.Event, tmp_path: Path, qtbot: QtBot
) -> None:
    truth = tmp_path / "truth.h5"
    io.write_cube(truth, CubeField(smooth_cube(60, 80), BANDS, Quantity.REFLECTANCE), BANDS)
    opened.files.open(photograph, truth)
    qtbot.waitUntil(lambda: opened.document.measurement is not None and not opened.worker.is_busy(Task.OPEN))
    opened.documents.save_session()
    opened.comparison.remove()
    with qtbot.waitSignal(opened.documents.saved):
        held_save.set()
    assert opened.document.file == tmp_path / "kept.nesr"
    assert opened.document.source is not None and opened.document.source.truth is None


def delete_what_was_closed() -> None:
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def test_what_is_closed_while_another_is_saved_is_not_asked_about(
    opened: App, other: Path, held_save: threading.Event, qtbot: QtBot
) -> None:
    opened.window.may_close = opened.documents.may_close_window
    opened.document.add_pin(3, 4)
    open_beside(opened, other, qtbot)
    opened.document.add_pin(5, 6)
    assert not opened.window.close()
    press(opened, QMessageBox.StandardButton.Save, qtbot)
    opened.workspace.close(opened.workspace.documents[1])
    delete_what_was_closed()
    held_save.set()
    qtbot.waitUntil(lambda: not opened.window.isVisible())


@pytest.mark.parametrize("answer", [QMessageBox.StandardButton.Save, QMessageBox.StandardButton.Discard])
def test_a_document_that_is_closed_twice_while_it_is_saved_is_gone(
    opened: App, held_save: threading.Event, qtbot: QtBot, answer: QMessageBox.StandardButton
) -> None:
    opened.document.add_pin(3, 4)
    opened.documents.close_tab()
    press(opened, QMessageBox.StandardButton.Save, qtbot)
    opened.documents.close_tab()
    held_save.set()
    qtbot.waitUntil(lambda: opened.document.source_shape is None)
    delete_what_was_closed()
    press(opened, answer, qtbot)
    qtbot.waitUntil(lambda: not opened.worker.is_busy(Task.SAVE_SESSION))
    assert len(opened.workspace.documents) == 1 and opened.document.source_shape is None


def test_a_dialog_may_outlive_its_document(opened: App, qtbot: QtBot, qapp: QApplication) -> None:
    """A tab that was being saved is closed while another dialog of it is open; then it is freed."""
    opened.view.choose_false_colour()
    dialog = opened.window.findChild(FalseColourDialog)
    document = weakref.ref(opened.document)
    opened.workspace.close(opened.document)
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    dialog.reject()
    del dialog
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    qtbot.waitUntil(lambda: (gc.collect(), document() is None)[1])


@pytest.fixture
def without_garbage_collection() -> Iterator[None]:
    """As for all that is there when the start ends, which is never searched for garbage."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("without_garbage_collection")
def test_the_field_of_a_closed_document_is_freed_also_if_a_second_pane_showed_it(opened: App, qtbot: QtBot) -> None:
    """With the field goes its open file."""
    opened.view.show_side_by_side()
    qtbot.waitUntil(lambda: all(renderer.is_settled for renderer in opened.renderers))
    opened.view.show_single()
    field = weakref.ref(opened.document.field)
    opened.workspace.close(opened.document)
    qtbot.waitUntil(lambda: field() is None, timeout=5000)


@pytest.mark.usefixtures("without_garbage_collection")
def test_the_photograph_of_a_closed_document_is_freed(opened: App, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: all(renderer.is_settled for renderer in opened.renderers) and not opened.worker._newest)
    document = opened.document
    freed = [weakref.ref(each) for each in (document.photograph, document.development.decoded, document.field)]
    opened.workspace.close(document)
    del document
    qtbot.waitUntil(lambda: [each() for each in freed] == [None] * 3, timeout=5000)


@pytest.mark.usefixtures("without_garbage_collection")
@pytest.mark.parametrize("kind", AnalysisKind)
def test_the_file_of_a_closed_cube_is_let_go_whatever_was_shown_of_it(
    opened: App, tmp_path: Path, kind: AnalysisKind, qtbot: QtBot
) -> None:
    """Also if the panels that showed it were closed before; other programs may then replace the file."""
    values = np.random.default_rng(3).random((31, 20, 30), np.float32)  # of which any spectra can be unmixed
    io.write_cube(path := tmp_path / "cube.h5", CubeField(values, BANDS), BANDS)
    open_beside(opened, path, qtbot)
    for place in ((2, 3), (9, 12), (15, 20)):
        opened.document.add_pin(*place)
    opened.document.mark_set.add(Region.rectangle(3, 3, 9, 9))
    for name in ("statistics", "scatter_plot", "add_transect", "library", "band_values", f"show_{kind}"):
        opened.window.actions_by_name[name].trigger()
    qtbot.waitUntil(lambda: opened.document.fitted(kind) is not None and not opened.worker._newest)
    qtbot.waitUntil(lambda: all(renderer.is_settled for renderer in opened.renderers))
    assert opened.document.analyses[kind].analysis is not None
    for panel in opened.window.findChildren(QDockWidget):
        panel.close()
    field = weakref.ref(opened.document.field)
    opened.workspace.close(opened.document)
    qtbot.waitUntil(lambda: field() is None, timeout=5000)


@pytest.mark.usefixtures("queued_refresh")
def test_a_second_click_on_a_tab_that_is_closed_closes_no_other(opened: App, other: Path, qtbot: QtBot) -> None:
    """Until the next turn of the event loop the tab is still there."""
    opened.files.open(other, beside=True)
    qtbot.waitUntil(lambda: opened.window.tabs.count() == 2)
    last = opened.workspace.documents[1]
    for _ in range(2):
        opened.window.tabs.close_requested.emit(0)
    assert opened.workspace.documents == [last]
    opened.window.tabs.place_picked.emit(0)
    assert opened.document is last
    qtbot.waitUntil(lambda: opened.window.tabs.count() == 1 or not opened.window.tabs.isVisible())
    opened.window.tabs.close_requested.emit(0)
    assert last not in opened.workspace.documents
