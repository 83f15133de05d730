"""The export of a cube in the window: the dialog, what it says, what is written, pause and cancel."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtDBus import QDBusError, QDBusMessage, QDBusPendingCall
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from nesr_gui import io
from nesr_gui.colorimetry.viewing_conditions import Illuminant
from nesr_gui.export import Estimate
from nesr_gui.fields.accuracy import AccuracyMetrics
from nesr_gui.fields.protocol import CubeField
from nesr_gui.fields.sensor import SENSORS, BandShape, Sensor
from nesr_gui.gui.app import App
from nesr_gui.gui.figures.picture import Content, ImageFormat, PictureExport
from nesr_gui.gui.figures.spectra import FigureExport
from nesr_gui.gui.figures.sweep import Sweep, SweepExport, SweepFormat
from nesr_gui.gui.model.document import DocumentSource
from nesr_gui.gui.model.preferences import settings
from nesr_gui.gui.model.transect import TransectLine
from nesr_gui.gui.model.truth import MeasuredCube
from nesr_gui.gui.model.view_settings import ErrorMetric
from nesr_gui.gui.tasks import files
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.view_modes.base import RenderContext
from nesr_gui.gui.views import file_manager
from nesr_gui.gui.views.dialogs.export import CubeExportDialog, ExportContext, default_scale
from nesr_gui.gui.views.dialogs.figures import SpectraFigureDialog, TruthFigureChoices, TruthFigureDialog
from nesr_gui.gui.views.dialogs.picture import PictureChoices, PictureDialog
from nesr_gui.gui.views.dialogs.simple import SweepChoices, SweepDialog
from nesr_gui.io.georeference import Georeference
from nesr_gui.regions import Region, Shape
from nesr_gui.spectral import Quantity, Spectrum, Wavelengths
from tests.calibrated_cube import CalibratedCube
from tests.gui.conftest import BANDS, smooth_cube
from tests.gui.views.test_scale_bar import UTM

ELLIPSE = Region(Shape.ELLIPSE, ((10, 20), (30, 60)))


@pytest.fixture
def dialog(qtbot: QtBot) -> CubeExportDialog:
    """Offers a calibrated field of 20 × 40 pixels, each 2 × 2 of the source, and an ellipse."""
    field = CalibratedCube(smooth_cube(20, 40), BANDS, Quantity.REFLECTANCE, binning=2, source_shape=(40, 80))
    made = CubeExportDialog(
        ExportContext(field, "40×20 of 80×40, 1:2", (("ellipse 1", ELLIPSE),), Illuminant.daylight(5000))
    )
    qtbot.addWidget(made)
    return made


def pick(dialog: CubeExportDialog, kind: str) -> None:
    dialog.bands.kind.setCurrentIndex(dialog.bands.kind.findData(kind))


def test_every_choice_comes_into_the_plan(dialog: CubeExportDialog) -> None:
    plan = dialog.plan()
    assert (plan.bands, plan.light, plan.region, plan.encoding) == (None, None, None, io.StorageEncoding())
    dialog.region.setCurrentText("ellipse 1")
    dialog.only_region.setChecked(True)
    dialog.quantity.setCurrentText("Radiance under Daylight 5000 K")
    dialog.numbers.setCurrentIndex(dialog.numbers.findData("uint16"))
    dialog.scale.setValue(0.002)
    dialog.error_band.setChecked(True)
    plan = dialog.plan()
    assert (plan.region, plan.is_masked, plan.light) == (ELLIPSE, True, Illuminant.daylight(5000))
    assert plan.encoding == io.StorageEncoding("uint16", 0.002, True)
    assert dialog.summary.text().startswith("31 bands of 20×10 pixels, 37.2 kB; estimating")


def test_every_kind_of_bands(dialog: CubeExportDialog, qtbot: QtBot) -> None:
    bands = dialog.bands
    pick(dialog, "step")
    bands.stop.setValue(500)
    assert len(bands.bands()) == 11
    pick(dialog, "count")
    bands.count.setValue(7)
    np.testing.assert_allclose(bands.bands().nm, np.linspace(400, 500, 7))
    pick(dialog, "list")
    QApplication.clipboard().setText("450\n550.5\n\n620;")
    qtbot.mouseClick(bands.paste, Qt.MouseButton.LeftButton)
    assert bands.bands().nm.tolist() == [450, 550.5, 620]
    bands.text.setPlainText("400:700:100")
    assert len(bands.bands()) == 4
    pick(dialog, "sensor")
    assert bands.bands() == SENSORS["Sentinel-2A"]
    bands.shape.setCurrentIndex(bands.shape.findData(BandShape.GAUSSIAN))
    assert bands.bands() == SENSORS["Sentinel-2A"].shaped(BandShape.GAUSSIAN)
    bands.text.setPlainText("X:500/20")
    assert [band.name for band in bands.bands().bands] == ["X"]
    bands.preset.activated.emit(bands.preset.findText("61 bands of the paper"))
    pick(dialog, "list")
    assert bands.text.toPlainText() == "400:700:100", "each kind keeps its text"


@pytest.mark.parametrize(("name", "count"), [("61 bands of the paper", 61), ("Landsat 8", 5), ("Sentinel-2B", 4)])
def test_presets(dialog: CubeExportDialog, name: str, count: int) -> None:
    bands = dialog.bands
    bands.preset.setCurrentText(name)
    bands.preset.activated.emit(bands.preset.currentIndex())
    chosen = bands.bands()
    if isinstance(chosen, Sensor):
        total = len(chosen.bands)
        assert f"{count} of {total} bands are within the image's range" in dialog.summary.text()
        assert {band.shape for band in chosen.bands} == {BandShape.TABLE} and str(chosen) != bands.text.toPlainText()
    else:
        assert len(chosen) == count
    assert dialog.summary.text().startswith(f"{count} bands of 40×20 pixels")
    assert dialog.accept_button.isEnabled()


def test_a_table_of_responses_is_kept_until_its_text_is_changed(dialog: CubeExportDialog) -> None:
    table = Sensor.measured("t.csv", [Spectrum(BANDS, np.eye(31, dtype=np.float32)[9], "R")])
    dialog.bands.show_sensor(table)
    assert dialog.plan().bands == table and dialog.accept_button.isEnabled()
    dialog.bands.text.setPlainText("R:500/20")
    assert dialog.plan().bands != table


@pytest.mark.parametrize(
    ("kind", "text", "sentence"),
    [
        ("list", "380, 450", "This image covers 400-700 nm; asked for 380-450 nm."),
        ("list", "", "No wavelengths are listed; enter them in nm, for example 450, 550.5."),
        ("list", "450, red", "Cannot read wavelengths"),
        ("sensor", "500", "Cannot read the band '500'; write [NAME:]CENTRE/FWHM in nm"),
        ("sensor", "700/20", "50 % of the response of band B1"),
    ],
)
def test_what_cannot_be_is_said_at_once(dialog: CubeExportDialog, kind: str, text: str, sentence: str) -> None:
    pick(dialog, kind)
    dialog.bands.text.setPlainText(text)
    assert dialog.summary.text().startswith(sentence)
    assert not dialog.accept_button.isEnabled()
    pick(dialog, "own")
    assert dialog.accept_button.isEnabled()


def test_a_format_offers_the_numbers_it_can_store(dialog: CubeExportDialog) -> None:
    dialog.error_band.setChecked(True)
    for row in io.written_formats():
        dialog.format.setCurrentText(row.name)
        assert {dialog.numbers.itemData(i) for i in range(dialog.numbers.count())} == set(row.dtypes)
        assert dialog.error_band.isEnabled() == row.holds_bounds
        assert ("JSON" in dialog.carries.text()) == row.described_beside
        assert dialog.accept_button.isEnabled(), dialog.summary.text()
        assert io.writer(f"c{row.ending}", dialog.plan().encoding) is row


def test_a_measured_time_is_shown_for_the_plan_that_is_chosen(dialog: CubeExportDialog, qtbot: QtBot) -> None:
    with qtbot.waitSignal(dialog.estimate_requested) as asked:
        pick(dialog, "step")
    plan = asked.args[0]
    dialog.show_estimate(plan, Estimate("31 bands of 40×20 pixels", 1, 130.0))
    assert dialog.summary.text() == "31 bands of 40×20 pixels, 99.2 kB; estimated time about 2 min."
    dialog.bands.step.setValue(20)
    dialog.show_estimate(plan, Estimate("31 bands of 40×20 pixels", 1, 130.0))
    assert "estimating" in dialog.summary.text()


def test_choices_are_remembered(dialog: CubeExportDialog, qtbot: QtBot) -> None:
    pick(dialog, "sensor")
    dialog.bands.text.setPlainText("X:500/20")
    dialog.format.setCurrentText("Zarr")
    dialog.numbers.setCurrentIndex(dialog.numbers.findData("uint16"))
    other = CubeExportDialog(ExportContext(CubeField(smooth_cube(3, 4), BANDS, Quantity.REFLECTANCE)))
    qtbot.addWidget(other)
    other.restore(dialog.choices())
    assert other.choices() == dialog.choices()
    other.restore({"format": "gone", "bands": {"kind": "gone"}})
    assert (other.format.currentIndex(), other.bands.kind.currentIndex()) == (0, 0)


def test_all_of_it_can_be_reached_and_has_a_name(dialog: CubeExportDialog, qtbot: QtBot) -> None:
    dialog.show()
    qtbot.waitExposed(dialog)
    assert dialog.height() <= 720 and dialog.width() <= 1200
    for kind in ("own", "step", "count", "list", "sensor"):
        pick(dialog, kind)
        reached, widget = [], dialog.bands.kind.nextInFocusChain()
        while widget is not dialog.bands.kind:
            if widget.isVisible() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
                reached.append(widget)
            widget = widget.nextInFocusChain()
        named = [found for found in reached if type(found) is not QWidget and found.parent() is not None]
        assert dialog.accept_button in named and dialog.format in named
        nameless = [w for w in named if not (w.accessibleName() or getattr(w, "text", str)())]
        assert [type(w).__name__ for w in nameless if w.objectName() != "qt_spinbox_lineedit"] == []
    dialog.hide()


def choose(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))


def ask(app: App) -> CubeExportDialog:
    app.exporter.export_cube()
    found: CubeExportDialog = app.window.findChildren(CubeExportDialog)[-1]  # others are closed, and not deleted yet
    return found


def test_a_part_is_written_checked_and_told(
    opened: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    choose(monkeypatch, tmp_path / "out")
    opened.document.mark_set.add(Region.rectangle(10, 20, 30, 60))
    dialog = ask(opened)
    qtbot.waitUntil(lambda: "estimated time" in dialog.summary.text())
    dialog.region.setCurrentIndex(1)
    pick(dialog, "count")
    dialog.bands.count.setValue(7)
    dialog.format.setCurrentText("ENVI")
    dialog.accept()
    qtbot.waitUntil(lambda: "Wrote" in opened.window.messages.text.text())
    assert "7 bands of 40×20 pixels; checked, 84 values read back." in opened.window.messages.text.text()
    written, field = io.open_cube(tmp_path / "out.hdr"), opened.document.field
    assert field is not None
    expected = field.cube(written.bands, rows=slice(10, 30), cols=slice(20, 60)).values
    np.testing.assert_allclose(written.cube(written.bands).values, expected, rtol=1e-6)
    again = ask(opened)
    assert again.choices()["format"] == "ENVI" and again.bands.count.value() == 7
    again.reject()


def test_the_photograph_is_not_replaced(
    opened: App, photograph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    opened.exporter.export_cube()
    dialog = opened.window.findChildren(CubeExportDialog)[-1]
    dialog.format.setCurrentText("TIFF")
    (tmp_path / "link.tif").symlink_to(photograph)
    before = photograph.read_bytes()
    choose(monkeypatch, tmp_path / "link.tif")
    dialog.accept()
    qtbot.waitUntil(lambda: "would replace" in opened.window.messages.text.text())
    assert photograph.read_bytes() == before


def test_what_is_in_view_is_a_part(opened: App, qtbot: QtBot) -> None:
    dialog = ask(opened)
    assert dialog.region.count() == 1, "all of it is in view"
    dialog.reject()
    opened.window.image.box.setRange(xRange=(10, 30), yRange=(10, 20), padding=0)
    opened.window.image.is_fitted = False
    dialog = ask(opened)
    dialog.region.setCurrentText("Visible area")
    region = dialog.plan().region
    assert region is not None
    top, left, bottom, right = region.bounds
    assert 0 <= top <= 10 and 20 <= bottom <= 60 and 0 <= left <= 10 and 30 <= right <= 80
    dialog.reject()


class Held(CubeField):
    """Gives its second block when `gate` is open."""

    def __init__(self, *args) -> None:
        super().__init__(*args)
        self.gate, self.waiting = threading.Event(), threading.Event()

    def blocks(self, nm, *, rows=None, cols=None):
        whole = list(super().blocks(nm, rows=rows, cols=cols))
        yield from whole
        self.waiting.set()
        assert self.gate.wait(10)
        yield from whole


def start(app: App, path: Path, qtbot: QtBot) -> Held:
    field = Held(smooth_cube(8, 9), BANDS, Quantity.REFLECTANCE)
    from nesr_gui.export import ExportPlan

    app.exporter._writer.export(files.CubeExport(path, field, ExportPlan()), files.export_cube, app.exporter._report)
    qtbot.waitUntil(field.waiting.is_set)
    return field


def test_an_export_pauses_and_goes_on(app: App, tmp_path: Path, qtbot: QtBot) -> None:
    status = app.window.status
    field = start(app, tmp_path / "c.npy", qtbot)
    assert status.pause.isVisible()
    qtbot.mouseClick(status.pause, Qt.MouseButton.LeftButton)
    field.gate.set()
    assert status.pause.text() == "Resume"
    is_export = {"check_params_cb": lambda task: task is Task.EXPORT}
    with qtbot.waitSignal(app.worker.ended, timeout=150, raising=False, **is_export) as ended:
        pass
    assert not ended.signal_triggered
    assert not (tmp_path / "c.npy").exists() and app.worker.is_busy(Task.EXPORT)
    app.exporter.export_cube()  # nothing is open: nothing happens
    qtbot.mouseClick(status.pause, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "Wrote" in app.window.messages.text.text())
    assert not status.pause.isVisible()


def test_work_that_is_paused_before_it_first_tells_how_far_it_is_stays_paused(app: App) -> None:
    status = app.window.status
    status.show_progress(Task.EXPORT, 0.0)
    status.pause.click()
    status.show_progress(Task.EXPORT, 0.0)  # told by the thread before it came to the pause
    assert status.pause.text() == "Resume"
    status.show_end(Task.EXPORT)
    assert status.pause.text() == "Pause"


def test_a_paused_export_can_be_cancelled_and_leaves_nothing(app: App, tmp_path: Path, qtbot: QtBot) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    field = start(app, folder / "c.npy", qtbot)
    qtbot.mouseClick(app.window.status.pause, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(app.window.status.cancel, Qt.MouseButton.LeftButton)
    field.gate.set()
    qtbot.waitUntil(lambda: list(folder.iterdir()) == [])
    assert not app.worker.is_busy(Task.EXPORT) and not app.window.messages.isVisible()


def test_a_second_export_waits_for_the_first(opened: App, tmp_path: Path, qtbot: QtBot) -> None:
    field = start(opened, tmp_path / "c.npy", qtbot)
    opened.exporter.export_cube()
    assert opened.window.findChild(CubeExportDialog) is None
    assert "another export is running" in opened.window.messages.text.text()
    field.gate.set()
    qtbot.waitUntil(lambda: "Wrote" in opened.window.messages.text.text())
    assert len(io.open_cube(tmp_path / "c.npy").bands) == len(Wavelengths(BANDS.nm))


def test_a_film_waits_for_the_cube(opened: App, tmp_path: Path, qtbot: QtBot) -> None:
    field = start(opened, tmp_path / "c.npy", qtbot)
    opened.exporter.export_sweep()
    assert opened.window.findChild(SweepDialog) is None
    context, sweep = RenderContext.of(opened.document), Sweep(400, 700, 100.0, 10, 40)
    film = SweepExport(tmp_path / "film.gif", "band", context, sweep, SweepFormat.GIF)
    opened.exporter.save_sweep(film)
    assert "another export is running" in opened.window.messages.text.text()
    field.gate.set()
    qtbot.waitUntil(lambda: "Wrote" in opened.window.messages.text.text())
    assert (tmp_path / "c.npy").exists() and not film.path.exists()


def test_small_files_are_all_written_while_a_cube_is(
    opened: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    opened.document.add_pin(3, 4)
    qtbot.waitUntil(lambda: bool(opened.document.curves))
    field = start(opened, tmp_path / "c.npy", qtbot)
    names = "curves.csv", "marks.csv", "spectra.png"
    for name, export in zip(
        names, (opened.exporter.export_curves, opened.exporter.export_table, opened.exporter.export_figure),
        strict=True,
    ):  # fmt: skip
        choose(monkeypatch, tmp_path / name)
        export()
    opened.window.findChildren(SpectraFigureDialog)[-1].accept()
    qtbot.waitUntil(lambda: all((tmp_path / name).exists() for name in names))
    assert opened.worker.is_busy(Task.EXPORT) and not (tmp_path / "c.npy").exists()
    field.gate.set()
    qtbot.waitUntil((tmp_path / "c.npy").exists)


def radiance(low: float = 900.0) -> ExportContext:
    nm = Wavelengths.from_step(low, low + 300, 10)
    values = 1000 * smooth_cube(10, 20)
    return ExportContext(CubeField(values, nm, Quantity.RADIANCE), highest=900.0)


def test_choices_that_do_not_suit_the_next_image_are_not_kept_and_that_is_said(
    dialog: CubeExportDialog, qtbot: QtBot
) -> None:
    pick(dialog, "list")
    dialog.bands.text.setPlainText("450, 550")
    dialog.numbers.setCurrentIndex(dialog.numbers.findData("uint16"))
    dialog.scale.setValue(2e-5)
    saved = json.loads(json.dumps(dialog.choices()))
    same = CubeExportDialog(ExportContext(CubeField(smooth_cube(10, 20), BANDS, Quantity.REFLECTANCE)))
    other = CubeExportDialog(radiance())
    for made in (same, other):
        qtbot.addWidget(made)
        made.restore(saved)
    assert same.bands.bands().nm.tolist() == [450, 550] and same.scale.value() == 2e-5
    assert same.notes.isHidden()
    assert other.plan().bands is None and other.plan().encoding == io.StorageEncoding("uint16", 0.1)
    assert other.notes.text() == (
        "Not kept from the last export: the bands, as they are not within this image's 900-1200 nm; "
        "the scale factor, as it does not suit the values of this image."
    )
    assert not other.notes.isHidden() and other.accept_button.isEnabled()


def test_a_remembered_sensor_takes_the_bands_of_the_next_image(dialog: CubeExportDialog, qtbot: QtBot) -> None:
    bands = dialog.bands
    bands.preset.setCurrentText("Sentinel-2A")
    bands.preset.activated.emit(bands.preset.currentIndex())
    other = CubeExportDialog(radiance(600))
    qtbot.addWidget(other)
    other.restore(json.loads(json.dumps(dialog.choices())))
    assert other.bands.bands() == SENSORS["Sentinel-2A"] and other.notes.isHidden()
    assert other.bands.text.toPlainText().startswith("B4:664.6/") and "6 of 13 bands" in other.summary.text()


@dataclass
class Bus:
    """A session bus without a file manager."""

    is_there: bool
    asked: list[QDBusMessage] = field(default_factory=list)

    def sessionBus(self) -> Bus:
        return self

    def isConnected(self) -> bool:
        return self.is_there

    def asyncCall(self, message: QDBusMessage) -> QDBusPendingCall:
        self.asked.append(message)
        return QDBusPendingCall.fromError(QDBusError())


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="another program shows files there")
@pytest.mark.parametrize("is_there", [False, True])
def test_a_written_file_is_shown_in_its_folder(
    opened: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot, is_there: bool
) -> None:
    shown: list[str] = []
    bus = Bus(is_there)
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: shown.append(url.toLocalFile()))
    monkeypatch.setattr(file_manager, "QDBusConnection", bus)
    path = tmp_path / "curves of a leaf.csv"
    opened.exporter._writer.report(path)
    button = opened.window.messages.remedy
    assert button.isVisible() and button.text() == "Show in folder"
    button.click()
    qtbot.waitUntil(lambda: shown == [str(tmp_path)])
    assert [message.member() for message in bus.asked] == ["ShowItems"] * is_there
    assert all(message.arguments()[0] == [path.as_uri().replace("%20", " ")] for message in bus.asked)


def reopened(app: App, action: str, kind: type[QDialog]) -> Any:
    """The dialog of an action, after any earlier one is gone."""
    app.window.actions_by_name[action].trigger()
    return next(dialog for dialog in app.window.findChildren(kind) if dialog.isVisible())


def test_the_picture_dialog_begins_with_the_last_choices_that_suit_the_picture(
    opened: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: ("", ""))
    opened.view.show_mode("band")
    dialog = reopened(opened, "export_picture", PictureDialog)
    assert dialog.choices() == PictureChoices()
    chosen = PictureChoices(Content.VALUES, ImageFormat.TIFF16, has_bar=False, has_marks=True)
    dialog._begin_with(chosen)
    dialog.accept()
    dialog = reopened(opened, "export_picture", PictureDialog)
    assert dialog.choices() == chosen and dialog.accept_button.isEnabled()
    dialog.reject()
    opened.view.show_mode("photograph")  # has no values
    dialog = reopened(opened, "export_picture", PictureDialog)
    assert dialog.choices() == replace(chosen, content=Content.PICTURE) and dialog.accept_button.isEnabled()
    monkeypatch.setattr(ImageFormat, "missing", lambda self: "it is missing" if self is ImageFormat.TIFF16 else "")
    assert PictureDialog(dict(enumerate(dialog._pictures)), chosen).choices().format is ImageFormat.PNG  # type: ignore[arg-type]
    dialog.reject()


def test_the_sweep_dialog_begins_with_the_last_choices_but_the_range_and_size_of_the_image(
    opened: App, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: ("", ""))
    dialog = reopened(opened, "export_sweep", SweepDialog)
    dialog.start.setValue(500)
    dialog.rate.setValue(12)
    dialog.format.setCurrentIndex(list(SweepFormat).index(SweepFormat.PNG_FRAMES))
    dialog.returns.setChecked(True)
    dialog.label.setChecked(False)
    dialog.accept()
    dialog = reopened(opened, "export_sweep", SweepDialog)
    assert dialog.start.value() == 400 and dialog.side.value() == 80, "those of the image"
    expected = SweepChoices(12, None, SweepFormat.PNG_FRAMES, returns=True, is_labelled=False)
    assert dialog.choices() == expected
    dialog.side.setValue(70)
    dialog.accept()
    for shape, shown in (((60, 80), 70), ((64, 66), 66), ((900, 700), 70)):
        other = SweepDialog((900.0, 1200.0), 40.0, shape, replace(expected, longest_side=70))
        qtbot.addWidget(other)
        assert other.side.value() == shown and other.choices().longest_side == 70
    assert other.start.value() == 900


def test_the_comparison_dialog_begins_with_the_last_metric_and_resolution(
    opened: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: ("", ""))
    opened.document.set_truth(MeasuredCube(CubeField(smooth_cube(60, 80), BANDS), "truth"))
    dialog = reopened(opened, "export_comparison", TruthFigureDialog)
    dialog.measure.setCurrentIndex(1)
    dialog.limit.setValue(0.25)
    dialog.dpi.setValue(150)
    dialog.accept()
    dialog = reopened(opened, "export_comparison", TruthFigureDialog)
    assert dialog.choices() == TruthFigureChoices(ErrorMetric.RELATIVE, 150)
    assert dialog.limit.value() == 0.5, "of the metric: errors of another image have another size"
    dialog.reject()


def open_another(app: App, beside: bool) -> None:
    """What an opening of a cube does when it ends, in the same tab or in a new one."""
    app.workspace.make_room(beside)
    app.document.open_cube("other.tif", CubeField(smooth_cube(40, 50), BANDS, Quantity.REFLECTANCE), (0.0, 1.0))
    app.document.start_from(DocumentSource(Path("other.tif")), Georeference.parse(UTM))


@pytest.fixture
def requests(opened: App, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is written, which is not written here."""
    found: list[Any] = []
    monkeypatch.setattr(opened.worker, "submit", lambda task, request, *rest: found.append(request))
    return found


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize(
    ("action", "kind"),
    [("export_cube", CubeExportDialog), ("export_picture", PictureDialog), ("export_sweep", SweepDialog),
     ("export_figure", SpectraFigureDialog), ("export_comparison", TruthFigureDialog)],
)  # fmt: skip
def test_an_image_that_is_opened_behind_a_dialog_is_not_the_one_that_is_exported(
    opened: App, monkeypatch: pytest.MonkeyPatch, requests: list[Any], action: str, kind: type[QDialog], beside: bool
) -> None:
    document = opened.document
    document.set_truth(MeasuredCube(CubeField(smooth_cube(60, 80), BANDS), "truth"))
    document.add_pin(3, 4)
    field, marks, context = document.field, document.marks, RenderContext.of(document)
    dialog = reopened(opened, action, kind)
    if isinstance(dialog, PictureDialog):
        dialog._begin_with(PictureChoices(has_marks=True))
    document.saved_work = document.work
    open_another(opened, beside)
    proposed = []
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (proposed.append(args[2]) or "out.png", ""))
    dialog.accept()
    assert [Path(each).name.partition("-")[0].partition(".")[0] for each in proposed] == ["photograph"]
    request = requests[-1]
    if isinstance(request, files.CubeExport):
        assert request.field is field and request.origin == ""
    elif isinstance(request, PictureExport):
        assert request.picture.context.field is field
        assert request.marks == marks and request.georeference is None
    elif isinstance(request, SweepExport):
        assert request.context is context
    elif isinstance(request, FigureExport):
        assert tuple(request.figure.plotted.marks) == marks
    else:
        assert request.figure.context is context and tuple(request.figure.marks) == marks


@pytest.mark.parametrize("action", ["table", "accuracy", "matches", "statistics", "transect", "transect_figure"])
def test_an_image_that_is_opened_behind_a_file_dialog_is_not_the_one_that_is_exported(
    opened: App, monkeypatch: pytest.MonkeyPatch, requests: list[Any], action: str
) -> None:
    document, exporter = opened.document, opened.exporter
    document.add_pin(3, 4)
    document.transect.set_line(TransectLine((2.5, 3.5), (20.0, 30.0)))
    metrics = {None: AccuracyMetrics(*[0.1] * 5, pixels=9)}
    monkeypatch.setattr(exporter, "_metrics", lambda: metrics if opened.document is document else {})
    monkeypatch.setattr(exporter, "_matches", lambda: ([{"image": opened.document.name}], {}))

    def choose_slowly(*args: Any) -> tuple[str, str]:
        open_another(opened, beside=True)
        return "out.csv", ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose_slowly)
    if action == "statistics":
        exporter.export_statistics([{"mean": "0.5"}], {})
    else:
        getattr(exporter, f"export_{action}")()
    assert opened.document is not document
    request = requests[-1]
    if isinstance(request, files.TableExport):
        assert request.provenance["model"] == "fake"
        assert request.provenance["working_resolution"] == document.resolution()
        assert len(request.rows) == 1 and request.rows[0].get("image", document.name) == document.name
    else:
        assert request.metres is None


@pytest.mark.parametrize("damaged", ["[]", "{", '{"format": "BMP"}', '{"format": 3, "frames_per_second": "x"}'])
def test_damaged_memories_are_left_aside(opened: App, damaged: str) -> None:
    for key in ("export/picture", "export/sweep", "export/choices", "export/figure", "export/comparison"):
        settings().setValue(key, damaged)
    opened.view.show_mode("band")
    opened.document.add_pin(3, 4)
    for action, kind in (
        ("export_picture", PictureDialog), ("export_sweep", SweepDialog), ("export_cube", CubeExportDialog),
        ("export_figure", SpectraFigureDialog),
    ):  # fmt: skip
        reopened(opened, action, kind).reject()


@pytest.mark.parametrize(
    ("highest", "scale"), [(0.0, 1e-4), (0.2, 1e-4), (1.0, 1e-4), (900.0, 0.1), (2.7e-7, 1e-10), (0.004, 1e-6)]
)
def test_integers_store_values_of_any_size(highest: float, scale: float) -> None:
    assert default_scale(highest) == pytest.approx(scale)
    assert 5 * highest <= 65534 * scale and (highest == 0 or highest / scale >= 1000 or scale == 1e-4)
