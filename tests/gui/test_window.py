"""The window as its user meets it."""

import gc
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, QSettings, Qt, QUrl
from PySide6.QtGui import QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QDialog, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from nesr_gui import io
from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.app import App
from nesr_gui.gui.drawing import theme
from nesr_gui.gui.figures.spectra import FigureStyle
from nesr_gui.gui.main import run
from nesr_gui.gui.model.preferences import recent_files, settings
from nesr_gui.gui.views.dialogs.figures import SpectraFigureDialog
from nesr_gui.io.spectra.csv import read_curves
from nesr_gui.spectral import Quantity, Wavelengths
from tests.gui.conftest import BANDS, FakeEngine, smooth_cube

LEFT = Qt.MouseButton.LeftButton


def click(app: App, row: int, col: int) -> None:
    QTest.mouseClick(app.window.image.viewport(), LEFT, pos=app.window.image.position_of(row, col).toPoint())


def drag(widget: QWidget, start: QPoint, stop: QPoint) -> None:
    QTest.mousePress(widget, LEFT, pos=start)
    for step in range(1, 6):
        QTest.mouseMove(widget, start + (stop - start) * step / 5)
    QTest.mouseRelease(widget, LEFT, pos=stop)


def pin_with_curve(app: App, qtbot: QtBot, row: int, col: int) -> None:
    click(app, row, col)
    qtbot.waitUntil(lambda: (row, col) in app.document.curves and (row, col) in app.document.readouts)


def test_a_click_makes_a_pin_and_its_curve_is_the_field(opened: App, qtbot: QtBot) -> None:
    pin_with_curve(opened, qtbot, 12, 34)
    assert [pin.pixel for pin in opened.document.marks] == [(12, 34)]
    curve = opened.window.plot.layer.curves[1]
    assert opened.document.field is not None and len(curve.x) == 301
    np.testing.assert_array_equal(curve.y, opened.document.field.spectra([(12, 34)], curve.x)[0])
    assert not opened.window.plot.hint.isVisible() and opened.window.table.isVisible()


def test_a_drag_of_the_image_pans_and_makes_no_pin(opened: App) -> None:
    image = opened.window.image
    before = image.view()
    drag(image.viewport(), image.position_of(20, 20).toPoint(), image.position_of(30, 35).toPoint())
    assert opened.document.marks == () and image.view().left < before.left
    QTest.keyClick(opened.window, Qt.Key.Key_F)
    assert image.view().left == pytest.approx(before.left)


def test_a_drag_of_a_pin_moves_it_in_one_step(opened: App, qtbot: QtBot) -> None:
    pin_with_curve(opened, qtbot, 20, 20)
    image = opened.window.image
    drag(image.viewport(), image.position_of(20, 20).toPoint(), image.position_of(40, 50).toPoint())
    assert [pin.pixel for pin in opened.document.marks] == [(40, 50)]
    qtbot.waitUntil(lambda: (40, 50) in opened.document.curves)
    QTest.keyClick(opened.window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert [pin.pixel for pin in opened.document.marks] == [(20, 20)]
    QTest.keyClick(opened.window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert opened.document.marks == () and opened.window.image.marks.items == {}
    assert opened.window.plot.layer.curves == {}
    opened.application.redo()
    qtbot.waitUntil(lambda: list(opened.window.plot.layer.curves) == [1])


def all_agree(app: App, nm: float) -> None:
    bar, plot = app.window.bar, app.window.plot
    assert app.document.nm == nm
    assert (bar.slider.value(), bar.number.value(), round(float(plot.line.value()), 6)) == (round(10 * nm), nm, nm)


def test_slider_number_line_and_keys_agree(opened: App) -> None:
    window, bar = opened.window, opened.window.bar
    QTest.keyClick(window, Qt.Key.Key_Right)
    all_agree(opened, 551.0)
    QTest.keyClick(window, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    all_agree(opened, 541.0)
    bar.number.setValue(433.3)
    all_agree(opened, 433.3)
    bar.slider.setValue(6123)
    all_agree(opened, 612.3)
    at = QPoint(round(bar.slider.position_of(4500)), 10)
    QTest.mouseClick(bar.slider, LEFT, pos=at)
    assert abs(opened.document.nm - 450) < 1  # a pixel of the slider
    all_agree(opened, opened.document.nm)
    plot = window.plot
    context = [plot.box.mapViewToScene(QPointF(nm, 0.5)) for nm in (opened.document.nm, 620.0)]
    drag(plot.viewport(), plot.mapFromScene(context[0]), plot.mapFromScene(context[1]))
    assert abs(opened.document.nm - 620) < 2
    all_agree(opened, opened.document.nm)


def test_arrows_in_the_number_move_its_cursor(opened: App) -> None:
    opened.window.bar.number.setFocus()
    QTest.keyClick(opened.window.bar.number, Qt.Key.Key_Left)
    assert opened.document.nm == 550


def test_the_band_is_coarse_at_once_and_exact_at_rest(
    opened: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    bands: list[int] = []
    opened.renderers[0].answered.connect(lambda picture: bands.append(picture.request.sampling.stride))
    opened.renderers[0].budget = 300
    monkeypatch.setattr("nesr_gui.gui.tasks.rendering.FEWEST_SAMPLES", 1)
    QTest.keyClick(opened.window, Qt.Key.Key_2)
    assert opened.document.view_settings.mode == "band"
    qtbot.waitUntil(lambda: len(bands) == 2)
    assert bands == [4, 1] and opened.document.field is not None
    top = opened.document.levels[1]
    expected = opened.document.field.band(550)
    np.testing.assert_allclose(
        opened.window.image.canvas.layers[0].image.image[30, 40] / 255, _encoded(expected[30, 40] / top), atol=0.005
    )
    QTest.keyClick(opened.window, Qt.Key.Key_1)
    layer = opened.window.image.canvas.layers[0]
    qtbot.waitUntil(lambda: layer.picture is not None and layer.picture.shown is opened.document.colours)


def _encoded(value: float) -> float:
    return float(1.055 * value ** (1 / 2.4) - 0.055)


def test_the_sweep_plays_loops_and_stops_at_close(opened: App, qtbot: QtBot) -> None:
    opened.document.set_wavelength(699)
    QTest.keyClick(opened.window, Qt.Key.Key_Space)
    assert opened.window.bar.is_playing()
    qtbot.waitUntil(lambda: opened.document.nm < 450)
    opened.window.close()
    assert not opened.window.bar.is_playing()


def test_space_presses_a_focused_button_instead(opened: App) -> None:
    opened.window.messages.show_failure(RuntimeError("x"))
    opened.window.messages.more.setFocus()
    QTest.keyClick(opened.window.messages.more, Qt.Key.Key_Space)
    assert opened.window.messages.details.isVisible() and not opened.window.bar.is_playing()


def test_pins_made_while_reconstructing_get_curves_when_it_is_done(held: App, engine: FakeEngine, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: held.window.image.canvas.layers[0].picture is not None)  # the photograph is there already
    click(held, 10, 10)
    assert len(held.document.marks) == 1 and not held.document.curves
    engine.gate.set()
    qtbot.waitUntil(lambda: (10, 10) in held.document.curves)


def test_cancelling_a_reconstruction_leaves_the_window_usable(held: App, engine: FakeEngine, qtbot: QtBot) -> None:
    QTest.mouseClick(held.window.status.cancel, LEFT)
    assert not held.window.status.cancel.isVisible()
    engine.gate.set()
    assert held.window.actions_by_name["reconstruct"].isEnabled()
    held.reconstruction.reconstruct()
    qtbot.waitUntil(lambda: held.document.field is not None)


def test_full_resolution_keeps_pins_in_place(opened: App, engine: FakeEngine, photograph: Path, qtbot: QtBot) -> None:
    engine.model.working_pixels = 60 * 80 // 4
    opened.files.open(photograph)
    qtbot.waitUntil(lambda: opened.document.binning == 2 and opened.document.field is not None)
    assert opened.window.status.resolution.text() == "40×30 of 80×60, 1:2"
    pin_with_curve(opened, qtbot, 31, 41)
    assert opened.window.actions_by_name["reconstruct_fully"].isEnabled()
    opened.reconstruction.reconstruct_fully()
    qtbot.waitUntil(lambda: opened.document.binning == 1 and (31, 41) in opened.document.curves)
    assert not opened.window.actions_by_name["reconstruct_fully"].isEnabled()


def test_a_failed_reconstruction_is_one_sentence(app: App, photograph: Path, engine: FakeEngine, qtbot: QtBot) -> None:
    engine.error = RuntimeError("out of memory")
    app.reconstruction.load_model(None, "auto")
    app.files.open(photograph)
    qtbot.waitUntil(app.window.messages.isVisible)
    assert app.window.messages.text.text() == "out of memory."
    assert app.window.messages.more.isVisible() and not app.window.messages.details.isVisible()


def drop(app: App, path: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    app.window.dropEvent(
        QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, mime, LEFT, Qt.KeyboardModifier.NoModifier)
    )


def test_dropping_what_cannot_be_read_is_told_and_keeps_what_is_open(opened: App, tmp_path: Path, qtbot: QtBot) -> None:
    bad = tmp_path / "notes.txt"
    bad.write_text("no photograph")
    field = opened.document.field
    drop(opened, bad)
    qtbot.waitUntil(opened.window.messages.isVisible)
    assert "notes.txt" in opened.window.messages.text.text() and opened.document.field is field


def test_a_dropped_photograph_opens_and_is_remembered(
    opened: App, tmp_path: Path, photograph: Path, qtbot: QtBot
) -> None:
    other = tmp_path / "other & more.png"
    other.write_bytes(photograph.read_bytes())
    drop(opened, other)
    qtbot.waitUntil(lambda: opened.document.name == other.name and opened.document.field is not None)
    assert recent_files() == [other, photograph]
    assert next(a.text() for a in opened.window.submenus["open_recent"].actions()) == "other && more.png"


def test_a_cube_opens_as_bands(app: App, tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "cube.h5"
    cube = CubeField(smooth_cube(20, 30)[5:12], Wavelengths(BANDS.nm[5:12]), Quantity.RADIANCE)
    io.write_cube(path, cube, cube.wavelengths, progress=None)
    app.files.open(path)
    qtbot.waitUntil(lambda: app.window.image.canvas.layers[0].picture is not None)
    assert app.document.wavelength_range == (450, 510) and not app.window.actions_by_name["show_photograph"].isEnabled()
    assert app.window.bar.number.maximum() == 510
    assert app.window.plot.getPlotItem().getAxis("left").labelText == "radiance"


def choose(monkeypatch: pytest.MonkeyPatch, path: Path, kind: str) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), kind))


def test_export_curves(opened: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> None:
    choose(monkeypatch, tmp_path / "out.csv", "")
    opened.document.add_pin(12, 34)
    opened.document.add_pin(40, 50)
    opened.exporter.export_curves()
    qtbot.waitUntil(lambda: "Wrote" in opened.window.messages.text.text())
    curves = read_curves(tmp_path / "out.csv")
    assert [curve.name for curve in curves] == ["pin 1 (row 12, col 34)", "pin 2 (row 40, col 50)"]
    assert opened.document.field is not None
    expected = opened.document.field.spectra([(12, 34), (40, 50)], curves[0].wavelengths)
    np.testing.assert_array_equal([curve.values for curve in curves], expected)


@pytest.mark.parametrize("name", ["figure.png", "figure.svg"])
def test_export_figure(opened: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot, name: str) -> None:
    pin_with_curve(opened, qtbot, 12, 34)
    choose(monkeypatch, tmp_path / name, "")
    opened.exporter.export_figure()
    dialog = opened.window.findChild(SpectraFigureDialog)
    assert isinstance(dialog, SpectraFigureDialog)
    dialog.dpi.setValue(144)
    dialog.accept()
    qtbot.waitUntil(lambda: "Wrote" in opened.window.messages.text.text())
    if name.endswith("svg"):
        assert ">pin 1</text>" in (tmp_path / name).read_text()
    else:
        image = QImage(str(tmp_path / name))
        assert (image.width(), image.height()) == (1037, 713)  # 183 mm at 144 dpi
        ink = {image.pixelColor(x, y).name() for x in range(0, 1037) for y in range(0, 713, 2)}
        assert opened.document.marks[0].colour in ink


@pytest.mark.parametrize("name", ["none/figure.png", "figure.docx"])
def test_a_figure_that_cannot_be_written_is_told(
    opened: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot, name: str
) -> None:
    choose(monkeypatch, tmp_path / name, "")
    opened.exporter.save_figure(opened.exporter.figure(FigureStyle()))
    qtbot.waitUntil(lambda: "cannot write" in opened.window.messages.text.text())


def test_how_a_file_was_understood_is_told(app: App, tmp_path: Path, qtbot: QtBot) -> None:
    iio.imwrite(tmp_path / "clear.png", np.zeros((8, 9, 4), np.uint8))
    app.files.open(tmp_path / "clear.png")
    qtbot.waitUntil(lambda: "alpha channel was dropped" in app.window.messages.text.text())
    assert app.window.messages.isVisible()


def test_closing_while_reconstructing_leaves_nothing(held: App) -> None:
    held.window.close()  # what could be left, the fixture of every test looks for


def test_panels_that_take_long_to_make_wait_until_they_are_shown(opened: App) -> None:
    click(opened, 20, 20)
    docks = {each.objectName(): each for each in opened.window.panels.docks}
    waiting = [name for name, each in docks.items() if each.widget() is None]
    assert set(waiting) == {"scatter", "transect", "statistics"}
    docks["transect"].show()
    assert docks["transect"].isAncestorOf(opened.transect.panel) and docks["scatter"].widget() is None


def test_every_action_has_its_command_and_every_control_its_name(app: App) -> None:
    assert app.window.actions_by_name  # each with its command, or the window would not have been made
    assert app.scatter.panel and app.statistics.panel and app.transect.panel  # made when they are shown, or here
    inner = {view.viewport() for view in app.window.findChildren(QAbstractScrollArea)}  # their view has the name
    nameless = [
        (type(widget).__name__, widget.objectName()) for widget in app.window.findChildren(QWidget)
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus and not widget.accessibleName()
        and not widget.objectName().startswith("qt_") and widget not in inner
    ]  # fmt: skip
    assert nameless == []


def test_the_plot_follows_the_scheme(app: App, qapp: QApplication, qtbot: QtBot) -> None:
    theme.apply(qapp, Qt.ColorScheme.Dark)
    qtbot.waitUntil(lambda: app.window.plot.backgroundBrush().color().lightness() < 60)
    theme.apply(qapp, Qt.ColorScheme.Light)
    qtbot.waitUntil(lambda: app.window.plot.backgroundBrush().color().lightness() > 200)


def test_geometry_is_remembered_in_settings_of_this_test(app: App, tmp_path: Path) -> None:
    app.window.close()
    assert list((tmp_path / "settings").rglob("*.ini"))
    assert QSettings.defaultFormat() == QSettings.Format.IniFormat


def test_screenshot_is_taken_when_all_is_there(
    engine: FakeEngine, photograph: Path, tmp_path: Path, qapp: QApplication
) -> None:
    picture = tmp_path / "window.png"
    assert run([photograph], model=None, device="auto", screenshot=picture) == 0
    image = QImage(str(picture))
    assert (image.width(), image.height()) == (1280, 800)
    assert not settings().allKeys()  # it leaves the user's layout and recent files alone
    gc.collect()


def test_screenshot_of_what_cannot_be_read_fails_in_a_sentence(
    engine: FakeEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([tmp_path / "none.png"], model=None, device="auto", screenshot=tmp_path / "window.png") == 1
    assert "none.png" in capsys.readouterr().err


def test_the_badge_tells_bands_from_what_lies_between(opened: App, qtbot: QtBot) -> None:
    badge = opened.window.bar.badge
    opened.document.set_wavelength(560.0)
    assert badge.text() == "on a band"
    opened.document.set_wavelength(560.1)
    assert badge.text() == "between bands"
    assert "560.1 nm is between" in badge.toolTip()


@pytest.mark.parametrize(
    "name",
    ["about", "about_model", "export_cube", "export_figure", "export_sweep", "find_action", "preferences", "shortcuts"],
)
def test_a_dialog_that_is_closed_is_gone(opened: App, qapp: QApplication, qtbot: QtBot, name: str) -> None:
    opened.document.add_pin(3, 4)
    opened.window.actions_by_name[name].trigger()
    qtbot.waitUntil(lambda: len(opened.window.findChildren(QDialog)) == 1)
    (dialog,) = opened.window.findChildren(QDialog)
    dialog.reject()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    assert opened.window.findChildren(QDialog) == []
