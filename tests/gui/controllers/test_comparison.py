"""Measured cubes beside photographs, in the window: opened, dropped, laid, photographed, measured."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from nesr_gui import io
from nesr_gui.colorimetry.cie import encode_srgb
from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.accuracy import accuracy
from nesr_gui.fields.camera import render_photograph as photographed
from nesr_gui.fields.protocol import CubeField, ProgressCallback
from nesr_gui.fields.resampled import Orientation
from nesr_gui.gui.app import App
from nesr_gui.gui.controllers import comparison
from nesr_gui.gui.model.changes import Change
from nesr_gui.gui.tasks.comparison import COLUMNS, ExposureRequest, expose
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.io.spectra.csv import read_table
from nesr_gui.regions import Region, Shape
from nesr_gui.spectral import Quantity, Spectrum, Wavelengths
from tests.gui.conftest import BANDS, FakeEngine, smooth_cube

HEIGHT, WIDTH = 40, 60


def context() -> np.ndarray:
    """What `smooth_cube` is under light that falls off, so that no two of its sides are alike."""
    rows, cols = np.mgrid[0:HEIGHT, 0:WIDTH]
    return (0.8 * smooth_cube(HEIGHT, WIDTH) * (0.2 + 0.5 * rows / HEIGHT + 0.3 * cols / WIDTH)).astype(np.float32)


def write(path: Path, values: np.ndarray, quantity: Quantity = Quantity.REFLECTANCE) -> Path:
    io.write_cube(path, CubeField(np.ascontiguousarray(values), BANDS, quantity), BANDS)
    return path


@pytest.fixture
def cube(tmp_path: Path) -> Path:
    """The cube of the photograph, upside down and half as bright."""
    return write(tmp_path / "turned.h5", 0.5 * context()[:, ::-1])


@pytest.fixture
def opened(app: App, tmp_path: Path, qtbot: QtBot) -> App:
    """A window with the photograph of a cube and its reconstruction."""
    image, _ = photographed(CubeField(context(), BANDS, Quantity.REFLECTANCE), "")
    path = tmp_path / "scene.png"
    iio.imwrite(path, np.round(255 * encode_srgb(image.values)).astype(np.uint8))
    app.reconstruction.load_model(None, "auto")
    app.files.open(path)
    qtbot.waitUntil(lambda: app.document.field is not None)
    return app


@pytest.fixture
def compared(opened: App, cube: Path, qtbot: QtBot) -> App:
    opened.comparison.open(cube)
    qtbot.waitUntil(lambda: opened.document.truth is not None)
    return opened


def figures(app: App) -> dict:
    return app.accuracy.figures


def test_a_cube_is_laid_over_the_photograph(compared: App, qtbot: QtBot) -> None:
    document, panel = compared.document, compared.comparison.panel
    match = document.measurement.match
    assert match.orientation is Orientation.FLIPPED and match.gain == pytest.approx(2, rel=0.01)
    np.testing.assert_allclose(document.truth.band(550.0), context()[15] * match.gain / 2, rtol=1e-5)
    assert "flipped vertically" in compared.window.messages.text.text()
    assert panel.isVisible() and "turned.h5" in panel.words.text()
    assert panel.orientation.count() == 4 and panel.gain.value() == pytest.approx(match.gain, rel=1e-3)
    assert compared.window.actions_by_name["show_truth_error"].isEnabled()
    document.add_pin(5, 7)
    qtbot.waitUntil(lambda: (5, 7) in document.curves)
    assert document.curves[5, 7].truth is not None


def test_the_match_can_be_changed_and_found_again(compared: App, qtbot: QtBot) -> None:
    document, panel = compared.document, compared.comparison.panel
    panel.gain.setValue(3.5)
    assert document.measurement.match.gain == 3.5 and document.measurement.is_chosen
    panel.orientation.setCurrentText("As stored")
    panel.orientation.activated.emit(panel.orientation.currentIndex())
    qtbot.waitUntil(lambda: document.measurement.match.orientation is Orientation.AS_STORED)
    assert document.measurement.is_chosen
    panel.again.click()
    qtbot.waitUntil(lambda: document.measurement.match.orientation is Orientation.FLIPPED)
    assert not document.measurement.is_chosen and panel.gain.value() == pytest.approx(2, rel=0.01)
    panel.end.click()
    assert document.truth is None and not panel.table.isVisible() and panel.open.isVisible()


def test_a_brighter_photograph_has_another_gain(compared: App, qtbot: QtBot) -> None:
    compared.document.development.choose(DevelopSettings(stops=-1.0))
    qtbot.waitUntil(lambda: compared.document.measurement.match.gain == pytest.approx(1, rel=0.01))


@dataclass
class Held:
    """A function of the worker that waits for `gate` in its first call."""

    run: Callable[[Any, ProgressCallback], Any]
    gate: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)

    def __call__(self, request: Any, progress: ProgressCallback) -> Any:
        if not self.begun.is_set():
            self.begun.set()
            assert self.gate.wait(30)
        return self.run(request, lambda fraction: None)  # completes also if it is superseded


def test_a_photograph_developed_while_its_cube_is_opened_has_another_gain(
    opened: App, cube: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(comparison.open_truth)
    monkeypatch.setattr(comparison, "open_truth", held)
    opened.comparison.open(cube)
    qtbot.waitUntil(held.begun.is_set)
    opened.document.development.choose(DevelopSettings(stops=-1.0))
    qtbot.waitUntil(lambda: opened.document.developed == DevelopSettings(stops=-1.0))
    held.gate.set()
    qtbot.waitUntil(lambda: not opened.worker.is_busy(Task.REGISTER))
    assert opened.document.measurement.match.gain == pytest.approx(1, rel=0.01)
    assert "gain 1" in opened.window.messages.text.text() and opened.document.source.truth == cube


def develop_meanwhile(app: App, held: Held, qtbot: QtBot) -> None:
    """Develop the photograph one stop darker while a registration is held, and let it end."""
    qtbot.waitUntil(held.begun.is_set)
    app.document.development.choose(DevelopSettings(stops=-1.0))
    qtbot.waitUntil(lambda: app.document.developed == DevelopSettings(stops=-1.0))
    held.gate.set()
    qtbot.waitUntil(lambda: not app.worker.is_busy(Task.REGISTER))


def test_a_cube_that_is_opened_replaces_another_also_if_the_photograph_is_developed_meanwhile(
    compared: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(comparison.open_truth)
    monkeypatch.setattr(comparison, "open_truth", held)
    compared.comparison.open(write(tmp_path / "upright.h5", context()))
    develop_meanwhile(compared, held, qtbot)
    assert compared.document.measurement.name == "upright.h5"
    assert compared.document.measurement.match.gain == pytest.approx(0.5, rel=0.01)


def test_an_orientation_is_chosen_also_if_the_photograph_is_developed_meanwhile(
    compared: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(comparison.match_again)
    monkeypatch.setattr(comparison, "match_again", held)
    compared.comparison.register(Orientation.FLIPPED)
    develop_meanwhile(compared, held, qtbot)
    match = compared.document.measurement.match
    assert match.orientation is Orientation.FLIPPED and compared.document.measurement.is_chosen
    assert match.gain == pytest.approx(1, rel=0.01)


def test_a_cube_that_is_removed_while_it_is_registered_stays_removed(
    compared: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(comparison.match_again)
    monkeypatch.setattr(comparison, "match_again", held)
    compared.comparison.register(Orientation.FLIPPED)
    qtbot.waitUntil(held.begun.is_set)
    compared.comparison.panel.end.click()
    assert not compared.worker.is_busy(Task.REGISTER)
    held.gate.set()
    compared.worker.submit(Task.REGISTER, None, lambda request, progress: None, lambda request, result: None)
    qtbot.waitUntil(lambda: not compared.worker.is_busy(Task.REGISTER))  # and so is what its thread did before
    assert compared.document.measurement is None and compared.document.source.truth is None


def test_what_does_not_match_is_refused_in_a_sentence(opened: App, tmp_path: Path, qtbot: QtBot) -> None:
    opened.comparison.open(write(tmp_path / "other.h5", smooth_cube(30, 31)))
    qtbot.waitUntil(lambda: "31x30" in opened.window.messages.text.text())
    assert opened.document.truth is None


def test_what_the_file_leaves_open_is_asked(opened: App, tmp_path: Path, qtbot: QtBot) -> None:
    np.save(tmp_path / "plain.npy", context())
    opened.comparison.open(tmp_path / "plain.npy")
    while opened.document.truth is None:
        qtbot.waitUntil(lambda: dialog() is not None or opened.document.truth is not None)
        if (asked := dialog()) is not None:
            asked.choice.setCurrentText("0")
            asked.text.setText(f"400:700:{300 / (len(context()) - 1)}")
            asked.accept()
    assert opened.document.photograph is not None


def dialog() -> QDialog | None:
    return next((w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()), None)


def test_figures_of_image_and_marks_are_those_of_the_definition(compared: App, qtbot: QtBot) -> None:
    document = compared.document
    document.add_pin(5, 7)
    document.mark_set.add(Region(Shape.RECTANGLE, ((10, 10), (20, 30))))
    places = [None, (5, 7), document.marks[1].place]
    qtbot.waitUntil(lambda: all(place in figures(compared) for place in places))
    windows = [(None, None), (slice(5, 6), slice(7, 8)), (slice(10, 20), slice(10, 30))]
    for place, (rows, cols) in zip(places, windows, strict=True):
        assert figures(compared)[place] == accuracy(document.field, document.truth, rows=rows, cols=cols)
    table = compared.comparison.panel.table
    qtbot.waitUntil(lambda: table.rowCount() == 3 and table.item(2, 6).text() == "200")
    compared.comparison.panel.copy.click()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert len(lines) == 4 and lines[0].split("\t")[1:] == list(COLUMNS)
    document.set_truth(document.measurement)
    assert None not in figures(compared)


def test_figures_are_exported(compared: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    qtbot.waitUntil(lambda: None in figures(compared))
    path = tmp_path / "figures"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    compared.window.actions_by_name["export_accuracy"].trigger()
    qtbot.waitUntil(lambda: path.with_suffix(".csv").exists())
    rows = read_table(path.with_suffix(".csv"), ["part", *COLUMNS])
    assert float(rows[0]["MRAE"]) == pytest.approx(figures(compared)[None].mrae, rel=1e-5)
    assert "truth_match: flipped vertically" in path.with_suffix(".csv").read_text()


def test_measuring_the_image_can_be_cancelled(compared: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    qtbot.waitUntil(lambda: None in figures(compared))
    started, go_on = threading.Event(), threading.Event()

    def slow(self: CubeField, *args: object, **options: object) -> object:
        started.set()
        go_on.wait(5)
        return iter(())

    with monkeypatch.context() as patched:
        patched.setattr(CubeField, "blocks", slow)
        compared.document.set_truth(compared.document.measurement)
        qtbot.waitUntil(started.is_set)
        compared.worker.cancel(Task.ACCURACY_IMAGE)
        go_on.set()
        compared.document.announce(Change.MARKS)
        assert not compared.worker.is_busy(Task.ACCURACY_IMAGE) and compared.comparison.panel.measure.isEnabled()
    compared.comparison.panel.measure.click()
    qtbot.waitUntil(lambda: None in figures(compared))


def test_a_cube_is_photographed_and_becomes_the_truth(
    app: App, engine: FakeEngine, tmp_path: Path, qtbot: QtBot
) -> None:
    app.reconstruction.load_model(None, "auto")
    app.files.open(write(tmp_path / "alone.h5", context()))
    qtbot.waitUntil(lambda: app.document.field is not None)
    action = app.window.actions_by_name["photograph_cube"]
    assert action.isEnabled() and not app.window.actions_by_name["compare_cube"].isEnabled()
    assert not app.comparison.panel.measure.isEnabled()
    app.document.add_pin(5, 7)
    action.trigger()
    qtbot.waitUntil(lambda: app.document.photograph is not None and app.document.field is not None)
    document = app.document
    expected, _ = photographed(CubeField(context(), BANDS, Quantity.REFLECTANCE), "")
    np.testing.assert_allclose(document.photograph.values, expected.values, atol=1e-6)
    np.testing.assert_allclose(document.truth.band(550.0), context()[15], rtol=1e-6)
    assert [mark.place for mark in document.marks] == [(5, 7)] and "alone.h5" in document.name
    qtbot.waitUntil(lambda: None in figures(app))
    assert not action.isEnabled()


def test_a_cube_that_makes_no_photograph_says_so(app: App, tmp_path: Path, qtbot: QtBot) -> None:
    bands = Wavelengths.from_step(450, 550, 10)
    io.write_cube(tmp_path / "short.h5", CubeField(smooth_cube(6, 8)[:11], bands), bands)
    app.files.open(tmp_path / "short.h5")
    qtbot.waitUntil(lambda: app.document.field is not None)
    app.window.actions_by_name["photograph_cube"].trigger()
    qtbot.waitUntil(lambda: "450-550 nm" in app.window.messages.text.text())
    assert app.document.photograph is None and app.document.field is not None


@pytest.mark.parametrize("answer", ["Compare with photograph", "Open instead"])
def test_a_cube_dropped_on_a_photograph_is_asked_about(opened: App, cube: Path, qtbot: QtBot, answer: str) -> None:
    opened.window.files_picked.emit([cube])
    qtbot.waitUntil(lambda: isinstance(dialog(), QMessageBox))
    next(button for button in dialog().buttons() if button.text() == answer).click()
    if answer == "Open instead":
        qtbot.waitUntil(lambda: opened.document.photograph is None and opened.document.field is not None)
    else:
        qtbot.waitUntil(lambda: opened.document.truth is not None)


def test_a_photograph_dropped_on_a_photograph_is_opened(opened: App, tmp_path: Path, qtbot: QtBot) -> None:
    iio.imwrite(tmp_path / "other.png", np.zeros((5, 6, 3), np.uint8))
    opened.window.files_picked.emit([tmp_path / "other.png"])
    qtbot.waitUntil(lambda: opened.document.name == "other.png" and opened.document.field is not None)


def test_what_may_be_a_truth_is_told_by_its_name_and_its_first_bytes(tmp_path: Path, cube: Path) -> None:
    iio.imwrite(tmp_path / "photograph.tif", np.zeros((5, 6, 3), np.uint8))
    bands = CubeField(smooth_cube(5, 6), BANDS)
    io.write_cube(tmp_path / "cube.tif", bands, BANDS)
    assert io.is_cube(cube) and io.is_cube(tmp_path / "cube.tif") and not io.is_photograph(tmp_path / "cube.tif")
    assert not io.is_cube(tmp_path / "photograph.tif") and not io.is_cube(tmp_path / "notes.txt")


def test_radiance_is_photographed_relative_to_its_white() -> None:
    light = Spectrum(BANDS, np.linspace(0.5, 4.0, len(BANDS), dtype=np.float32), "paper")
    lit = CubeField((context() * light.values[:, None, None]).astype(np.float32), BANDS, Quantity.RADIANCE)
    made = expose(ExposureRequest(lit, "lit.h5", ViewingConditions.default(), light), lambda fraction: None)
    expected, _ = photographed(CubeField(context(), BANDS, Quantity.REFLECTANCE), "")
    np.testing.assert_allclose(made.image.values, expected.values, atol=1e-5)
    truth = made.measurement.over((HEIGHT, WIDTH))
    assert truth.quantity is Quantity.REFLECTANCE and made.measurement.remark == ""
    np.testing.assert_allclose(truth.band(550.0), context()[15], rtol=1e-5)
    alone = expose(ExposureRequest(lit, "lit.h5", ViewingConditions.default(), None), lambda fraction: None)
    assert "illuminant" in alone.measurement.remark


def test_a_measured_document_gives_way_to_one_that_is_not(
    opened: App, photograph: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    opened.document.add_pin(5, 6)
    truth = tmp_path / "truth.h5"
    io.write_cube(truth, CubeField(smooth_cube(60, 80), BANDS, Quantity.REFLECTANCE), BANDS)
    opened.accuracy.set_wanted(True)
    opened.files.open(photograph, truth, beside=True)
    qtbot.waitUntil(lambda: opened.document.truth is not None and opened.document.field is not None)
    opened.document.add_pin(1, 2)
    qtbot.waitUntil(lambda: {None, (1, 2)} <= set(opened.accuracy.figures))
    opened.workspace.step(1)
    assert opened.document.truth is None and opened.accuracy.figures == {}
    opened.workspace.step(1)
    assert {None, (1, 2)} <= set(opened.accuracy.figures)
