"""Measured spectra of marks in the window: attached, applied, checked, suggested, and never stale."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from nesr_gui import io
from nesr_gui.cli.options import with_anchors
from nesr_gui.fields import anchored
from nesr_gui.fields.anchored import AnchoredField, CalibratedAnchoredField
from nesr_gui.fields.protocol import CalibratedField, CubeField
from nesr_gui.fields.residual_prior import DARK, ResidualPrior
from nesr_gui.gui.app import App
from nesr_gui.gui.model.marks import Reading
from nesr_gui.gui.model.plot_settings import Kind
from nesr_gui.gui.tasks import anchors as tasks
from nesr_gui.gui.tasks.anchors import DAMAGED, SUGGESTED
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.views.dialogs.spectrum_choice import SpectrumDialog
from nesr_gui.gui.views.mark_table import MarkMenu
from nesr_gui.gui.views.panels.anchors import EMPTY, MARK, MODEL_ERROR, REMARK, SOURCE, WITH, WITHOUT
from nesr_gui.io.spectra.csv import read_curves, write_curves
from nesr_gui.regions import Region, Shape
from nesr_gui.spectral import Quantity, RGBImage, Spectrum, Wavelengths
from tests import tiny
from tests.gui.conftest import BANDS, Anchorable, FakeEngine, anchorable, smooth_cube

SPOT, OTHER, FAR = (20, 30), (40, 50), (10, 70)


@pytest.fixture
def prior() -> ResidualPrior:
    return tiny.residual_prior()


@pytest.fixture
def window(opened: App, prior: ResidualPrior, qtbot: QtBot) -> App:
    """A window with a photograph whose reconstruction can be corrected."""
    document = opened.document
    document.set_field(anchorable(document.encoded, prior), 1, (0.0, 1.0), document.encoded)
    settle(opened, qtbot)
    return opened


def settle(app: App, qtbot: QtBot) -> None:
    """Wait until all is answered."""
    qtbot.waitUntil(
        lambda: not (
            app.worker._newest or app.refresh._stale or app.anchors._rest.isActive() or app.document.awaits_anchoring
            or app.renderers[0]._rest.isActive()
        )
    )  # fmt: skip


def reading(app: App, pixel: tuple[int, int], seed: int = 0, name: str = "leaf") -> Reading:
    """What a spectrometer reads at a pixel, on a scale of its own: the reconstruction errs by some curves."""
    beneath = app.document.beneath
    assert isinstance(beneath, Anchorable) and beneath.residual_prior is not None
    values = beneath.cube(BANDS, rows=slice(pixel[0] - 2, pixel[0] + 3), cols=slice(pixel[1] - 2, pixel[1] + 3)).values
    error = beneath.residual_prior.curves @ np.random.default_rng(seed).normal(size=4)
    return Reading(Spectrum(BANDS, 100 * (values.mean((1, 2)) + 0.2 * error), name), f"{name}.csv", "ab" * 32)


def measure(app: App, qtbot: QtBot, *pixels: tuple[int, int]) -> None:
    """Mark pixels that have been measured."""
    names = ("leaf", "bark", "moss")
    app.document.mark_set.add_measured(
        [(pixel, reading(app, pixel, seed, names[seed])) for seed, pixel in enumerate(pixels)]
    )
    settle(app, qtbot)


def expected(app: App) -> AnchoredField:
    """The field that the measured spectra of the document make of its reconstruction."""
    beneath = app.document.beneath
    used = [placed.anchor() for placed in app.document.mark_set.readings if placed.reading.is_used]
    field = anchored.anchored(beneath, used)
    assert isinstance(field, AnchoredField)
    return field


def spectrum_file(folder: Path, *readings: Reading, name: str = "spot.csv") -> Path:
    write_curves(folder / name, [each.spectrum for each in readings])
    return folder / name


def drop(app: App, at: QPoint, *paths: Path) -> None:
    """Drop files at a position on the screen, as the system does."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    handle = app.window.windowHandle()
    where, action, keys = QPointF(handle.mapFromGlobal(at)), Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(where.toPoint(), action, mime, Qt.MouseButton.LeftButton, keys)
    QApplication.sendEvent(handle, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(handle, QDropEvent(where, action, mime, Qt.MouseButton.LeftButton, keys))


def place_of(app: App, pixel: tuple[int, int]) -> QPoint:
    """The position of a pixel on the screen."""
    image = app.window.image
    return image.viewport().mapToGlobal(image.position_of(*pixel).toPoint())


# What the window shows


def test_curves_pictures_and_readouts_are_those_of_the_corrected_field(window: App, qtbot: QtBot) -> None:
    document = window.document
    document.add_pin(*FAR)
    settle(window, qtbot)
    before = window.renderers[0].shown
    alone = document.curves[FAR]
    measure(window, qtbot, SPOT, OTHER)
    field = expected(window)
    assert isinstance(document.field, CalibratedAnchoredField) and isinstance(document.field, CalibratedField)
    for place in (FAR, SPOT, OTHER):
        curve, pixel = document.curves[place], [place]
        values = field.spectra(pixel, curve.spectrum.wavelengths)[0]
        np.testing.assert_allclose(curve.spectrum.values, values, atol=1e-6)
        limits = field.prediction_interval(pixel, curve.spectrum.wavelengths)
        np.testing.assert_allclose(curve.interval, np.stack(limits)[:, 0], atol=1e-6)
        assert document.readouts[place].value == pytest.approx(float(field.spectra(pixel, [document.nm])[0, 0]))
    assert abs(document.curves[FAR].spectrum.values - alone.spectrum.values).max() > 1e-3
    window.view.show_mode("band")
    settle(window, qtbot)
    shown = window.renderers[0].shown
    assert shown is not None and shown is not before and shown.is_exact
    np.testing.assert_allclose(shown.painted, field.band(document.nm), atol=1e-6)
    window.view.show_mode("uncertainty")
    settle(window, qtbot)
    low, high = field.prediction_interval_band(document.nm)
    np.testing.assert_allclose(window.renderers[0].shown.painted, high - low, atol=1e-6)


def test_without_the_last_spectrum_the_field_is_the_model_s_again(window: App, qtbot: QtBot) -> None:
    """The same object, hence the same to the last bit, at once."""
    document, beneath = window.document, window.document.beneath
    ways: list[tuple[Callable[[], None], Callable[[], None]]] = [
        (lambda: document.mark_set.detach(1), document.undo_stack.undo),
        (lambda: document.mark_set.use_readings(False, 1), document.undo_stack.undo),
        (lambda: document.mark_set.remove(1), document.undo_stack.undo),
        (document.undo_stack.undo, document.undo_stack.redo),
    ]
    measure(window, qtbot, SPOT)
    for leave, back in ways:
        assert document.field is not beneath
        leave()
        assert document.field is beneath
        settle(window, qtbot)
        assert document.field is beneath
        back()
        settle(window, qtbot)
    assert document.field is not beneath and document.beneath is beneath


def test_unused_spectra_leave_the_field_as_it_is(window: App, qtbot: QtBot) -> None:
    document = window.document
    measure(window, qtbot, SPOT)
    field = document.field
    document.mark_set.add_measured([(OTHER, replace(reading(window, OTHER, 1), is_used=False))])
    document.mark_set.edit(1, name="a leaf")
    settle(window, qtbot)
    assert document.field is field  # with all that is cached of it
    assert set(window.window.plot.layer.lines[Kind.READING]) == {1, 2}
    both = anchored.anchored(document.beneath, [each.anchor() for each in document.mark_set.readings]).checks()
    assert document.anchoring.checks[2].left_out == both[1].left_out != both[1].before
    assert document.anchoring.checks[1].after == expected(window).checks()[0].after


def test_a_moved_mark_takes_its_spectrum_along(window: App, qtbot: QtBot) -> None:
    measure(window, qtbot, SPOT)
    for col in range(30, 36):
        window.document.mark_set.move(1, (20, col), gesture=1)
    settle(window, qtbot)
    assert isinstance(window.document.field, AnchoredField)
    assert [(a.row, a.col) for a in window.document.field.anchors] == [(20, 35)]


# Late answers


class Gate:
    """Holds the result of a function of the worker back until it is opened, so that it arrives late."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function, self.reached, self.opened = function, threading.Event(), threading.Event()

    def __call__(self, *args: Any, **named: Any) -> Any:
        result = self._function(*args, **named)
        self.reached.set()
        assert self.opened.wait(30)
        return result


@pytest.fixture
def gated(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any, str], Gate]]:
    made: list[Gate] = []

    def gate(owner: Any, name: str) -> Gate:
        made.append(Gate(getattr(owner, name)))
        monkeypatch.setattr(owner, name, made[-1])
        return made[-1]

    yield gate
    for each in made:
        each.opened.set()


def test_a_field_of_earlier_spectra_is_dropped(window: App, qtbot: QtBot, gated: Callable[..., Gate]) -> None:
    gate = gated(tasks, "apply_readings")
    window.document.mark_set.add_measured([(SPOT, reading(window, SPOT))])
    qtbot.waitUntil(gate.reached.is_set)
    window.document.mark_set.add_measured([(OTHER, reading(window, OTHER, 1))])
    fields = []
    window.document.changed.connect(lambda change: fields.append(window.document.field))
    gate.opened.set()
    settle(window, qtbot)
    assert {len(field.anchors) for field in fields if isinstance(field, AnchoredField)} == {2}


def test_a_field_of_a_detached_spectrum_is_dropped(window: App, qtbot: QtBot, gated: Callable[..., Gate]) -> None:
    gate = gated(tasks, "apply_readings")
    window.document.mark_set.add_measured([(SPOT, reading(window, SPOT))])
    qtbot.waitUntil(gate.reached.is_set)
    window.document.mark_set.detach(1)
    gate.opened.set()
    settle(window, qtbot)
    assert window.document.field is window.document.beneath and window.document.anchoring is None


def test_a_field_over_the_reconstruction_before_is_dropped(
    window: App, prior: ResidualPrior, qtbot: QtBot, gated: Callable[..., Gate]
) -> None:
    document, gate = window.document, gated(tasks, "apply_readings")
    document.mark_set.add_measured([(SPOT, reading(window, SPOT))])
    qtbot.waitUntil(gate.reached.is_set)
    other = anchorable(document.encoded, prior, "other")
    document.set_field(other, 1, (0.0, 1.0), document.encoded)
    fields = []
    document.changed.connect(lambda change: fields.append(document.field))
    gate.opened.set()
    settle(window, qtbot)
    assert document.beneath is other and document.field.field is other
    assert all(field in (other, document.field) for field in fields)


def test_curves_and_pictures_of_the_field_before_are_dropped(window: App, qtbot: QtBot) -> None:
    """A spectrum is switched off while a curve and a picture with it are computed."""
    document = window.document
    measure(window, qtbot, SPOT)
    window.view.show_mode("band")
    settle(window, qtbot)
    slow = document.field
    gates = [Gate(slow.spectra), Gate(slow.band)]
    slow.spectra, slow.band = gates  # type: ignore[method-assign,assignment]
    document.add_pin(*FAR)
    document.set_wavelength(600)
    qtbot.waitUntil(lambda: all(gate.reached.is_set() for gate in gates))
    document.mark_set.use_readings(False, 1)
    for gate in gates:
        gate.opened.set()
    settle(window, qtbot)
    beneath, curve = document.beneath, document.curves[FAR].spectrum
    np.testing.assert_array_equal(curve.values, beneath.spectra([FAR], curve.wavelengths)[0])
    assert window.renderers[0].shown.request.context.field is beneath
    np.testing.assert_array_equal(window.renderers[0].shown.painted, beneath.band(600))


def test_answers_for_another_tab_are_dropped_and_asked_again(
    window: App, photograph: Path, prior: ResidualPrior, qtbot: QtBot, gated: Callable[..., Gate]
) -> None:
    first, gate = window.document, gated(tasks, "apply_readings")
    first.mark_set.add_measured([(SPOT, reading(window, SPOT))])
    qtbot.waitUntil(gate.reached.is_set)
    window.files.open(photograph, beside=True)
    qtbot.waitUntil(lambda: window.document is not first and window.document.field is not None)
    gate.opened.set()
    settle(window, qtbot)
    assert not isinstance(window.document.field, AnchoredField) and first.field is first.beneath
    window.workspace.show(0)
    settle(window, qtbot)
    assert window.document is first and isinstance(first.field, AnchoredField)


def test_work_that_the_window_stops_itself_is_done_again(window: App, qtbot: QtBot, gated: Callable[..., Gate]) -> None:
    """As when a session is restored into the tab."""
    gate = gated(tasks, "apply_readings")
    window.document.mark_set.add_measured([(SPOT, reading(window, SPOT))])
    qtbot.waitUntil(gate.reached.is_set)
    window.workspace.current_changed.emit(window.document, window.document)
    gate.opened.set()
    settle(window, qtbot)
    assert isinstance(window.document.field, AnchoredField) and not window.document.anchoring.is_cancelled


def test_cancelled_spectra_are_not_applied_until_asked(window: App, qtbot: QtBot, gated: Callable[..., Gate]) -> None:
    document, gate, panel = window.document, gated(tasks, "apply_readings"), window.anchors.panel
    document.mark_set.add_measured([(SPOT, reading(window, SPOT))])
    qtbot.waitUntil(gate.reached.is_set)
    window.window.status.cancel_requested.emit(Task.ANCHOR)
    gate.opened.set()
    settle(window, qtbot)
    assert document.field is document.beneath and document.anchoring.is_cancelled
    assert "not applied" in panel.words.text() and panel.apply.isVisibleTo(panel)
    panel.apply.click()
    settle(window, qtbot)
    qtbot.waitUntil(lambda: isinstance(document.field, AnchoredField))
    assert not panel.apply.isVisibleTo(panel)


# Attaching


def test_a_spectrum_is_attached_from_a_file_by_the_action(
    window: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = spectrum_file(tmp_path, reading(window, SPOT))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(path), ""))
    action = window.window.actions_by_name["attach_reading"]
    assert not action.isEnabled() and "no mark is active" in action.whatsThis()
    window.document.add_pin(*SPOT)
    assert action.isEnabled()
    qtbot.keyClick(window.window.image, Qt.Key.Key_M)
    qtbot.waitUntil(lambda: window.document.marks[0].reading is not None)
    settle(window, qtbot)
    attached = window.document.marks[0].reading
    assert attached.source == "spot.csv" and attached.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert isinstance(window.document.field, AnchoredField) and window.anchors.dock.isVisible()
    assert window.document.is_modified and window.document.undo_stack.undoText().startswith("attach measured spectrum")
    window.window.actions_by_name["detach_reading"].trigger()
    assert window.document.marks[0].reading is None and window.document.field is window.document.beneath


def test_the_menu_of_a_mark_and_a_key_switch_its_spectrum(window: App, qtbot: QtBot) -> None:
    window.document.add_pin(*FAR)
    measure(window, qtbot, SPOT)
    for number, count in ((1, 2), (2, 4)):
        window.marks.show_menu(number, QPoint(0, 0))
        menu = window.window.findChildren(MarkMenu)[-1]
        names = [action.objectName() for action in menu.actions() if action.objectName()]
        assert names == ["attach_reading", "attach_reference", "use_reading", "detach_reading"][:count]
        menu.close()
    action = window.window.actions_by_name["use_reading"]
    assert action.isChecked()
    qtbot.keyClick(window.window.image, Qt.Key.Key_U)
    assert not window.document.marks[1].reading.is_used and not action.isChecked()
    window.window.actions_by_name["undo"].trigger()
    assert window.document.marks[1].reading.is_used and action.isChecked()
    settle(window, qtbot)


def test_one_of_several_spectra_is_searched_for(
    window: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = [reading(window, SPOT, seed, name) for seed, name in enumerate(("green leaf", "dry leaf", "bark"))]
    path = spectrum_file(tmp_path, *readings)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(path), ""))
    window.document.add_pin(*SPOT)
    window.anchors.attach()
    qtbot.waitUntil(lambda: window.window.findChild(SpectrumDialog) is not None)
    dialog = window.window.findChild(SpectrumDialog)
    assert dialog.list.count() == 3
    dialog.line.setText("none such")
    assert dialog.list.count() == 0 and not dialog.accept_button.isEnabled()
    dialog.line.setText("leaf")
    assert [dialog.list.item(at).text() for at in range(2)] == ["dry leaf", "green leaf"] and dialog.list.count() == 2
    qtbot.keyClick(dialog.line, Qt.Key.Key_Down)
    qtbot.keyClick(dialog.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.document.marks[0].reading is not None)
    assert window.document.marks[0].reading.spectrum.name == "green leaf"
    settle(window, qtbot)


def test_a_reference_or_a_patch_of_a_chart_is_attached(window: App, qtbot: QtBot) -> None:
    document = window.document
    library = document.plot_settings.with_spectra([reading(window, SPOT).spectrum], "library.hdr")
    document.set_plot_settings(library)
    document.add_pin(*SPOT)
    window.window.actions_by_name["attach_reference"].trigger()
    qtbot.waitUntil(lambda: window.window.findChild(SpectrumDialog) is not None)
    dialog = window.window.findChild(SpectrumDialog)
    assert dialog.list.count() > 24  # the reference, and all patches of the charts
    dialog.line.setText("library.hdr leaf")
    dialog.accept_button.click()
    qtbot.waitUntil(lambda: document.marks[0].reading is not None)
    settle(window, qtbot)
    assert document.marks[0].reading.source == "library.hdr"
    assert document.field.provenance["measured_spectra"].endswith(", library.hdr")


@pytest.mark.parametrize("target", ["image", "table"])
def test_a_file_dropped_on_a_mark_is_attached_to_it(window: App, tmp_path: Path, qtbot: QtBot, target: str) -> None:
    path, table = spectrum_file(tmp_path, reading(window, SPOT)), window.window.table
    window.document.add_pin(*SPOT)
    window.document.add_pin(*OTHER)
    qtbot.waitUntil(lambda: table.isVisible() and table.rowViewportPosition(0) >= 0)
    row = QPoint(20, table.rowViewportPosition(0) + 5)
    drop(window, place_of(window, SPOT) if target == "image" else table.viewport().mapToGlobal(row), path)
    qtbot.waitUntil(lambda: window.document.marks[0].reading is not None)
    settle(window, qtbot)
    assert window.document.marks[1].reading is None and window.document.mark_set.active == 1


def test_a_file_dropped_elsewhere_is_opened(
    window: App, photograph: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[list[Path]] = []
    window.window.files_picked.disconnect(window.queue.open)
    window.window.files_picked.connect(opened.append)
    path = spectrum_file(tmp_path, reading(window, SPOT))
    window.document.add_pin(*SPOT)
    drop(window, place_of(window, OTHER), path)
    drop(window, place_of(window, SPOT), photograph)
    drop(window, place_of(window, SPOT), path, path)
    assert opened == [[path], [photograph], [path, path]] and window.document.marks[0].reading is None


def test_a_cube_dropped_on_a_mark_is_opened(window: App, tmp_path: Path, qtbot: QtBot) -> None:
    io.write_cube(tmp_path / "cube.hdr", CubeField(smooth_cube(8, 9), BANDS, Quantity.REFLECTANCE), BANDS)
    dropped: list[Path] = []
    window.anchors.open_requested.disconnect(window.comparison.drop)
    window.anchors.open_requested.connect(dropped.append)
    window.document.add_pin(*SPOT)
    drop(window, place_of(window, SPOT), tmp_path / "cube.hdr")
    qtbot.waitUntil(lambda: bool(dropped))
    assert dropped == [tmp_path / "cube.hdr"] and window.document.marks[0].reading is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("hello", "cannot read spectra from spot.csv"),
        ("", "cannot read spectra from spot.csv"),
        ("wavelength_nm,leaf\n450,1\n650,1\n", "covers 450-650 nm; a measured spectrum must cover 400-700 nm"),
        ("wavelength_nm,leaf\n400,1\n700,1\n", "leaf has no values between 400 and 700 nm"),
        (
            "wavelength_nm,leaf\n" + "".join(f"{nm},0\n" for nm in range(400, 701, 20)),
            "leaf is black or has the opposite colour of its spot",
        ),
    ],
    ids=["text", "empty", "range", "gap", "black"],
)
def test_unusable_files_are_refused_in_one_sentence(
    window: App, tmp_path: Path, qtbot: QtBot, content: str, message: str
) -> None:
    path = tmp_path / "spot.csv"
    path.write_text(content, encoding="utf-8")
    window.document.add_pin(*SPOT)
    drop(window, place_of(window, SPOT), path)
    bar = window.window.messages
    qtbot.waitUntil(bar.isVisible)
    assert message in bar.text.text() and "\n" not in bar.text.text()
    assert window.document.marks[0].reading is None and window.document.undo_stack.count() == 1
    settle(window, qtbot)


def test_a_region_is_measured_at_its_centre(window: App, tmp_path: Path, qtbot: QtBot) -> None:
    document = window.document
    document.mark_set.add(Region.rectangle(16, 26, 25, 35))
    document.mark_set.add(Region(Shape.POLYGON, ((5, 5), (5, 60), (50, 60), (50, 55), (10, 55), (10, 5))))
    document.mark_set.add(Region.rectangle(50, 60, 90, 120))
    path = spectrum_file(tmp_path, reading(window, SPOT))
    messages = {2: "belongs to the centre of its region, which is outside the region", 3: "there is no spot at row 70"}
    for number, message in messages.items():
        window.anchors.attach_file(number, path)
        qtbot.waitUntil(lambda message=message: message in window.window.messages.text.text())
    window.anchors.attach_file(1, path)
    qtbot.waitUntil(lambda: document.marks[0].reading is not None)
    settle(window, qtbot)
    assert [(anchor.row, anchor.col) for anchor in document.field.anchors] == [SPOT]


def test_models_without_a_prior_say_so(
    window: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, actions, panel = window.document, window.window.actions_by_name, window.anchors.panel
    path = spectrum_file(tmp_path, reading(window, SPOT))
    measure(window, qtbot, SPOT)
    document.set_field(anchorable(document.encoded, None), 1, (0.0, 1.0), document.encoded)
    settle(window, qtbot)
    for name in ("attach_reading", "attach_reference", "suggest_spots"):
        assert not actions[name].isEnabled() and "no prior for measured spectra" in actions[name].whatsThis()
    assert not panel.attach.isEnabled() and not panel.suggest.isEnabled()
    assert "The measured spectra are not applied: this model has no prior" in panel.words.text()
    assert document.field is document.beneath and list(document.anchoring.refusals) == [1]
    assert actions["detach_reading"].isEnabled()
    drop(window, place_of(window, SPOT), path)
    assert "no prior for measured spectra" in window.window.messages.text.text()


def test_measured_cubes_are_not_corrected(app: App) -> None:
    app.document.open_cube("a.hdr", CubeField(smooth_cube(20, 24), BANDS, Quantity.REFLECTANCE), (0.0, 1.0))
    app.document.add_pin(3, 4)
    action = app.window.actions_by_name["attach_reading"]
    assert not action.isEnabled() and "is measured itself" in action.whatsThis()


@pytest.mark.parametrize("part", ["noise", "weights", "curves"])
def test_a_damaged_prior_is_refused_in_one_sentence(
    window: App, prior: ResidualPrior, tmp_path: Path, qtbot: QtBot, part: str
) -> None:
    document = window.document
    measure(window, qtbot, SPOT)
    damaged = copy(prior)
    object.__setattr__(damaged, part, np.full_like(getattr(prior, part), np.nan))  # past every check
    document.set_field(anchorable(document.encoded, damaged), 1, (0.0, 1.0), document.encoded)
    settle(window, qtbot)
    assert document.field is document.beneath and document.anchoring.refusals == {1: DAMAGED}
    assert DAMAGED in window.window.messages.text.text()


# The panel


def texts(app: App, column: int) -> list[str]:
    table = app.anchors.panel.table
    return [table.item(row, column).text() for row in range(table.rowCount())]


def test_the_panel_explains_itself_while_there_is_nothing(window: App) -> None:
    panel = window.anchors.panel
    assert panel.words.text() == EMPTY and not panel.table.isVisibleTo(panel)
    assert panel.suggest.isEnabled() and not panel.attach.isEnabled()
    window.document.add_pin(*SPOT)
    assert panel.attach.isEnabled()
    titles = [action.text() for action in window.window.submenus["panels"].actions()]
    assert "Anchors" in titles


def test_the_panel_lists_every_spectrum_with_its_errors(window: App, qtbot: QtBot) -> None:
    measure(window, qtbot, SPOT, OTHER, FAR)
    checks = expected(window).checks()
    for column, name in ((MODEL_ERROR, "before"), (WITHOUT, "left_out"), (WITH, "after")):
        assert texts(window, column) == [f"{getattr(check, name):.1%}" for check in checks]
    assert texts(window, MARK) == ["leaf", "bark", "moss"] and texts(window, REMARK) == ["", "", ""]
    assert len({check.before for check in checks}) == 3
    window.document.mark_set.use_readings(False, 3)
    settle(window, qtbot)
    left = expected(window).checks()
    assert texts(window, WITH) == [*(f"{check.after:.1%}" for check in left), "–"]
    assert texts(window, WITHOUT)[2] == f"{checks[2].left_out:.1%}"  # still the same two others
    assert texts(window, WITHOUT)[0] == f"{left[0].left_out:.1%}"


def test_rows_are_sorted_by_number_and_keep_their_marks(window: App, qtbot: QtBot) -> None:
    measure(window, qtbot, SPOT, OTHER, FAR)
    table, checks = window.anchors.panel.table, expected(window).checks()
    table.sortByColumn(MODEL_ERROR, Qt.SortOrder.DescendingOrder)
    order = sorted(range(3), key=lambda at: -checks[at].before)
    assert texts(window, MARK) == [("leaf", "bark", "moss")[at] for at in order]
    table.setCurrentCell(1, MODEL_ERROR)
    assert window.document.mark_set.active == order[1] + 1
    table.item(0, MARK).setCheckState(Qt.CheckState.Unchecked)
    assert [mark.reading.is_used for mark in window.document.marks] == [at != order[0] for at in range(3)]
    settle(window, qtbot)
    assert texts(window, MARK) == [("leaf", "bark", "moss")[at] for at in order]
    assert texts(window, SOURCE) == [f"{name}.csv" for name in texts(window, MARK)]
    assert texts(window, WITH)[0] == "–" and "–" not in texts(window, WITH)[1:]


def test_all_spectra_are_switched_and_some_are_removed(window: App, qtbot: QtBot) -> None:
    measure(window, qtbot, SPOT, OTHER, FAR)
    panel, document = window.anchors.panel, window.document

    def used() -> list[bool]:
        return [mark.reading.is_used for mark in document.marks if mark.reading]

    assert panel.all.checkState() is Qt.CheckState.Checked
    panel.all.click()
    assert used() == [False] * 3 and document.field is document.beneath
    panel.all.click()
    assert used() == [True] * 3
    document.mark_set.use_readings(False, 2)
    assert panel.all.checkState() is Qt.CheckState.PartiallyChecked
    panel.all.click()
    assert used() == [True] * 3
    settle(window, qtbot)
    panel.table.selectAll()
    panel.table.item(0, MARK).setSelected(False)
    for column in range(panel.table.columnCount()):
        panel.table.item(0, column).setSelected(False)
    panel.detach.click()
    assert [mark.reading is None for mark in document.marks] == [False, True, True]
    assert document.undo_stack.undoText() == "detach measured spectrum from 2 marks"
    settle(window, qtbot)


def test_a_reading_of_another_colour_is_flagged_and_told(window: App, qtbot: QtBot) -> None:
    measure(window, qtbot, SPOT)
    red = Spectrum(BANDS, np.geomspace(0.001, 1, 31).astype(np.float32), "red")
    window.document.mark_set.add_measured([(OTHER, Reading(red, "red.csv"))])
    settle(window, qtbot)
    (_, remark), bar = texts(window, REMARK), window.window.messages
    assert remark.startswith("⚠ the reading has another colour than the photograph")
    assert bar.isVisible() and "red: the reading has another colour" in bar.text.text()
    window.document.mark_set.use_readings(False, 2)
    settle(window, qtbot)
    assert not bar.isVisible() and texts(window, REMARK)[1] == remark  # it does no harm now


# Plot and image


def test_readings_are_drawn_on_the_scale_of_the_reconstruction(window: App, qtbot: QtBot) -> None:
    document = window.document
    measure(window, qtbot, SPOT)
    wide = Wavelengths.from_step(380, 780, 5)
    values = np.interp(wide.nm, BANDS.nm, reading(window, OTHER, 1).spectrum.values)
    values[10] = np.nan
    document.mark_set.add_measured([(OTHER, Reading(Spectrum(wide, values, "wide"), "wide.csv"))])
    settle(window, qtbot)
    lines = [line for line in document.plot_content().lines if line.kind is Kind.READING]
    scales = [check.scale for check in expected(window).checks()]
    assert [line.name for line in lines] == ["leaf, reading", "wide, reading"]
    np.testing.assert_allclose(
        lines[0].spectrum.values, document.marks[0].reading.spectrum.values * scales[0], rtol=1e-6
    )
    shown = lines[1].spectrum
    assert (shown.wavelengths.nm[[0, -1]] == (400, 700)).all() and len(shown.values) == 60  # without the gap
    np.testing.assert_allclose(shown.values[-1], values[-17] * scales[1], rtol=1e-5)
    assert (Kind.READING, "reading") in window.window.plot.key.entries
    drawn = window.window.plot.layer.lines[Kind.READING]
    assert set(drawn) == {1, 2}
    np.testing.assert_array_equal(drawn[1].y, lines[0].spectrum.values)
    document.mark_set.detach(1, 2)
    settle(window, qtbot)
    assert window.window.plot.layer.lines[Kind.READING] == {}


def test_marks_show_that_they_are_measured(window: App, qtbot: QtBot) -> None:
    def sign() -> QImage:
        image = window.window.image
        at = image.position_of(*SPOT).toPoint()
        return image.grab().toImage().copy(at.x(), at.y() - 24, 30, 26)

    document = window.document
    document.add_pin(*SPOT)
    settle(window, qtbot)
    looks = [sign()]
    steps: list[Callable[[], None]] = [
        lambda: document.mark_set.attach(1, reading(window, SPOT)),
        lambda: document.mark_set.use_readings(False, 1),
        lambda: document.mark_set.detach(1),
    ]
    for step in steps:
        step()
        settle(window, qtbot)
        looks.append(sign())
    assert looks[0] == looks[3] and all(looks[at] != looks[at + 1] for at in range(3)) and looks[0] != looks[2]


# Where to measure next


def test_suggested_spots_become_marks_by_a_click(window: App, qtbot: QtBot) -> None:
    document, image, actions = window.document, window.window.image, window.window.actions_by_name
    actions["suggest_spots"].trigger()
    qtbot.waitUntil(lambda: bool(document.suggestions))
    spots = document.suggestions
    assert len(spots) == SUGGESTED and list(image.suggestions.items) == [1, 2, 3, 4, 5]
    assert not any(row < 4 and col < 6 for row, col in spots)  # which is clipped
    window.workspace.set_tool(Shape.RECTANGLE)
    window.window.image._click(QPointF(spots[1][1] + 0.5, spots[1][0] + 0.5))
    assert [mark.place for mark in document.marks] == [spots[1]] and list(image.suggestions.items) == [1, 3, 4, 5]
    document.mark_set.attach(1, reading(window, spots[1]))
    settle(window, qtbot)
    assert list(document.open_suggestions) == [1, 3, 4, 5]  # which does not depend on what was read
    actions["mark_suggestions"].trigger()
    assert {mark.place for mark in document.marks} == set(spots) and not image.suggestions.items
    assert document.undo_stack.undoText() == "add 4 marks" and not actions["dismiss_suggestions"].isEnabled()
    document.undo_stack.undo()
    assert list(image.suggestions.items) == [1, 3, 4, 5]


def test_suggested_spots_are_dismissed(window: App, prior: ResidualPrior, qtbot: QtBot) -> None:
    document, image = window.document, window.window.image

    def suggest() -> None:
        window.anchors.suggest()
        qtbot.waitUntil(lambda: len(document.suggestions) == SUGGESTED)

    suggest()
    window.window.actions_by_name["dismiss_suggestions"].trigger()
    assert document.suggestions == () and not image.suggestions.items and document.marks == ()
    suggest()
    window.workspace.set_tool(Shape.RECTANGLE)
    qtbot.keyClick(image, Qt.Key.Key_Escape)  # leaves the tool
    assert document.suggestions
    qtbot.keyClick(image, Qt.Key.Key_Escape)
    assert document.suggestions == ()
    suggest()
    document.set_field(anchorable(document.encoded, prior), 1, (0.0, 1.0), document.encoded)
    assert document.suggestions == () and not image.suggestions.items
    settle(window, qtbot)


def test_suggestions_for_a_field_before_are_dropped(
    window: App, prior: ResidualPrior, qtbot: QtBot, gated: Callable[..., Gate]
) -> None:
    gate = gated(tasks, "suggest")
    window.anchors.suggest()
    qtbot.waitUntil(gate.reached.is_set)
    document = window.document
    document.set_field(anchorable(document.encoded, prior), 1, (0.0, 1.0), document.encoded)
    gate.opened.set()
    settle(window, qtbot)
    assert document.suggestions == ()


def test_the_next_spots_are_others_once_some_are_measured(window: App, qtbot: QtBot) -> None:
    window.anchors.suggest()
    qtbot.waitUntil(lambda: bool(window.document.suggestions))
    first = window.document.suggestions
    measure(window, qtbot, *first[:3])
    window.anchors.suggest()
    qtbot.waitUntil(lambda: window.document.suggestions != first)
    assert not set(first[:3]) & set(window.document.suggestions)


# Files


def test_a_session_restores_spectra_without_their_files(
    window: App, engine: FakeEngine, prior: ResidualPrior, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, path = window.document, tmp_path / "work.nesr"
    measure(window, qtbot, SPOT, OTHER)
    document.mark_set.use_readings(False, 2)
    settle(window, qtbot)
    before = document.curves[OTHER].spectrum.values
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    window.window.actions_by_name["save_session"].trigger()
    qtbot.waitUntil(lambda: path.exists() and not window.workspace.modified())
    document.mark_set.remove(*range(1, 100))
    monkeypatch.setattr(
        sys.modules["nesr_gui.inference.engine"], "encode", lambda image, model, *, progress: anchorable(image, prior)
    )
    window.files.open(path, beside=True)
    qtbot.waitUntil(lambda: window.document is not document and window.document.beneath is not None)
    restored = window.document
    settle(window, qtbot)
    qtbot.waitUntil(lambda: OTHER in restored.curves)
    assert [(mark.reading.source, mark.reading.is_used) for mark in restored.marks] == [
        ("leaf.csv", True), ("bark.csv", False),
    ]  # fmt: skip
    assert isinstance(restored.field, AnchoredField) and len(restored.field.anchors) == 1
    np.testing.assert_allclose(restored.curves[OTHER].spectrum.values, before, atol=1e-6)
    assert not restored.is_modified and texts(window, MODEL_ERROR) != ["–", "–"]


def test_exports_state_the_same_spectra_as_the_command_line(
    window: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, curves = window.document, tmp_path / "curves.csv"
    files = [spectrum_file(tmp_path, reading(window, place, seed, name), name=f"{name}.csv")
             for seed, (place, name) in enumerate(((SPOT, "leaf"), (OTHER, "bark")))]  # fmt: skip
    for number, (place, path) in enumerate(zip((SPOT, OTHER), files, strict=True), 1):
        document.add_pin(*place)
        window.anchors.attach_file(number, path)
        qtbot.waitUntil(lambda number=number: document.mark_set.get(number).reading is not None)
    settle(window, qtbot)
    options = [f"{row},{col}={path}" for (row, col), path in zip((SPOT, OTHER), files, strict=True)]
    by_command = with_anchors(document.beneath, options)
    assert document.field.provenance == by_command.provenance
    assert document.field.provenance["measured_spectra"].count("SHA-256") == 2
    np.testing.assert_array_equal(document.field.band(512.3), by_command.band(512.3))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(curves), ""))
    window.window.actions_by_name["export_curves"].trigger()
    qtbot.waitUntil(curves.exists)
    assert f"# measured_spectra: {by_command.provenance['measured_spectra']}\n" in curves.read_text(encoding="utf-8")
    assert len(read_curves(curves)) == 6


def test_nothing_is_exported_while_spectra_are_applied(
    window: App, qtbot: QtBot, gated: Callable[..., Gate], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = gated(tasks, "apply_readings")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: pytest.fail("a file is asked for"))
    window.document.mark_set.add_measured([(SPOT, reading(window, SPOT))])
    qtbot.waitUntil(gate.reached.is_set)
    for name in ("export_cube", "export_curves", "export_sweep", "export_picture", "export_figure", "export_table"):
        window.window.messages.hide()
        window.window.actions_by_name[name].trigger()
        assert "measured spectra are being applied" in window.window.messages.text.text(), name
    gate.opened.set()
    settle(window, qtbot)


def test_spots_are_suggested_where_the_photograph_is_even(prior: ResidualPrior) -> None:
    """A third of the image is a checkerboard, which no instrument could measure, and a sixth is clipped."""
    values = np.full((40, 40, 3), 0.4, np.float32) + np.linspace(0, 0.2, 40, dtype=np.float32)[:, None]
    values[:, :14] += 0.2 * (np.indices((40, 14)).sum(0) % 2)[..., None]
    clipped = np.zeros((40, 40), bool)
    clipped[:10, 14:] = True
    image = RGBImage(values, clipped=clipped)
    spots = tasks.suggest(tasks.SuggestionRequest(anchorable(image, prior), image), lambda done: None)
    assert len(spots) == SUGGESTED and all(row >= 10 and col >= 16 for row, col in spots)
    with pytest.raises(ValueError, match="the whole photograph is clipped"):
        whole = replace(image, clipped=np.ones_like(clipped))
        tasks.suggest(tasks.SuggestionRequest(anchorable(image, prior), whole), lambda done: None)


def test_unevenness_is_the_standard_deviation_of_patches() -> None:
    values = np.random.default_rng(0).random((7, 9, 3), dtype=np.float32)
    padded = np.pad(values, ((2, 2), (2, 2), (0, 0)), mode="edge")
    expected = [
        [np.sqrt((patch := padded[r : r + 5, c : c + 5]).var((0, 1)).sum()) / (patch.mean() + DARK) for c in range(9)]
        for r in range(7)
    ]
    np.testing.assert_allclose(tasks._unevenness(values, lambda done: None), expected, rtol=1e-4)


def test_a_field_over_another_reconstruction_is_not_used_again(window: App, prior: ResidualPrior, qtbot: QtBot) -> None:
    measure(window, qtbot, SPOT)
    document = window.document
    other = anchorable(document.encoded, prior, "other")
    request = tasks.AnchoringRequest(other, document.mark_set.readings, document.anchoring)
    assert tasks.apply_readings(request, lambda done: None).corrected.field is other
    again = replace(request, beneath=document.beneath)
    assert tasks.apply_readings(again, lambda done: None).corrected is document.field
