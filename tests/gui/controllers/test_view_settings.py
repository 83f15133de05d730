"""Looking at an image, as the user does it: keys, divider, linked views, levels, hover."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QInputDialog, QMenu
from pytestqt.qtbot import QtBot

from nesr_gui import resources
from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.app import App
from nesr_gui.gui.drawing.tone_mapping import lookup
from nesr_gui.gui.model.plot_settings import Transform
from nesr_gui.gui.model.view_settings import ErrorMetric, PaneLayout
from nesr_gui.gui.tasks.files import FileRequest
from nesr_gui.gui.tasks.rendering import RenderedImage
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.view_modes import MODES, TABLE, key_of
from nesr_gui.gui.view_modes.base import Answers, RenderContext
from nesr_gui.gui.views.dialogs.simple import AxisLimitsDialog, FalseColourDialog, SweepDialog
from nesr_gui.gui.views.image.mode_menu import fill_mode_menu
from nesr_gui.io.spectra.csv import write_curves
from nesr_gui.spectral import Quantity, Spectrum
from tests.gui.conftest import BANDS, Limited, smooth_cube
from tests.gui.test_window import LEFT, click, drag


@pytest.fixture
def known(opened: App, qtbot: QtBot) -> App:
    """A window with a photograph, a field that knows its limits, its truth and a pin."""
    limited = Limited(smooth_cube(60, 80), BANDS, Quantity.REFLECTANCE)
    opened.document.set_field(limited, 1, opened.document.levels, opened.document.photograph)
    opened.document.truth = CubeField((0.9 * smooth_cube(60, 80)).astype(np.float32), BANDS)
    opened.document.add_pin(12, 34)
    qtbot.waitUntil(lambda: (12, 34) in opened.document.curves)
    return opened


def press(app: App, key: str, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(app.window, key, modifiers)


def exact(app: App, mode: str, side: int = 0) -> Callable[[], bool]:
    def is_there() -> bool:
        shown = app.renderers[side].shown
        return shown is not None and shown.is_exact and shown.request.mode.name == mode

    return is_there


def shown(app: App, side: int = 0) -> RenderedImage:
    picture = app.renderers[side].shown
    assert picture is not None
    return picture


@pytest.mark.parametrize(("key", "mode"), [(key_of(mode), mode) for mode in TABLE])
def test_each_key_shows_its_mode_exactly(known: App, qtbot: QtBot, key: str, mode: object) -> None:
    known.document.add_pin(40, 70)  # for abundances
    qtbot.waitUntil(lambda: len(known.document.curves) == 2)
    press(known, "2" if key == "1" else "1")
    alt, _, digit = key.rpartition("+")
    press(known, digit, Qt.KeyboardModifier.AltModifier if alt else Qt.KeyboardModifier.NoModifier)
    qtbot.waitUntil(exact(known, mode.name))
    layer = known.window.image.canvas.layers[0]
    assert layer.picture is shown(known) and known.window.actions_by_name[f"show_{mode.name}"].isChecked()
    expected = mode.render(shown(known).request.context, shown(known).request.sampling, lambda fraction: None)
    is_analysis = isinstance(expected, Answers)
    np.testing.assert_array_equal(shown(known).painted, expected.values if is_analysis else expected)
    np.testing.assert_array_equal(shown(known).abstained, expected.abstained if is_analysis else None)
    caption = known.window.image.captions[0].accessibleName()  # of a long one only a part is seen
    assert caption == f"Image: {mode.caption(RenderContext.of(known.document))}"
    scale = mode.scale(shown(known).request.context)
    bar = known.window.panes.bars[0]
    assert bar.isVisible() == (scale is not None)
    assert bar.legend.isVisible() == (scale is not None and bool(scale.categories))


def test_only_the_wavelength_moves_so_nothing_is_read_again(known: App, qtbot: QtBot) -> None:
    press(known, "4")
    qtbot.waitUntil(exact(known, "rerendered"))
    before = shown(known)
    known.document.set_wavelength(612.0)
    assert not known.worker.is_busy(Task.FRAME_LEFT)
    press(known, "2")
    qtbot.waitUntil(exact(known, "band"))
    press(known, "4")
    assert shown(known) is before  # kept, and there at once


def test_what_is_missing_is_said_until_it_is_there(opened: App, qtbot: QtBot) -> None:
    assert not opened.window.actions_by_name["show_truth_error"].isEnabled()
    press(opened, "5")
    caption = opened.window.image.captions[0].accessibleName()  # of a long one only a part is seen
    assert "click a pixel" in caption and opened.renderers[0].shown is None
    click(opened, 20, 20)
    qtbot.waitUntil(exact(opened, "similarity"))
    assert shown(opened).painted[20, 20] == pytest.approx(0, abs=0.05)
    assert opened.window.image.captions[0].text() == "Similarity to pin 1"
    before = shown(opened)
    opened.document.mark_set.move(1, (40, 50), gesture=1)
    qtbot.waitUntil(lambda: exact(opened, "similarity")() and shown(opened) is not before)
    assert shown(opened).painted[40, 50] == pytest.approx(0, abs=0.05)


def test_the_divider_divides_by_mouse_and_keys(known: App, qtbot: QtBot) -> None:
    press(known, "D")
    assert known.document.view_settings.arrangement is PaneLayout.DIVIDED
    qtbot.waitUntil(lambda: exact(known, "band", 1)() and exact(known, "photograph")())
    canvas, image = known.window.image.canvas, known.window.image
    left, right = (layer.rect() for layer in canvas.layers)
    assert left.right() == pytest.approx(right.left()) and left.width() + right.width() == pytest.approx(80)
    press(known, "]")
    assert (
        known.document.view_settings.divider == pytest.approx(0.52) and canvas.layers[0].rect().width() > left.width()
    )
    start = image.mapFromScene(image.box.mapViewToScene(QPointF(canvas.line.value(), 10)))
    drag(image.viewport(), start, start - QPoint(60, 0))
    assert known.document.view_settings.divider < 0.45 and canvas.layers[0].rect().width() < left.width()
    view = image.view()
    image.box.setRange(QRectF(10, 10, 20, 20))  # the line stays where it is on the screen
    now = image.view()
    share = (canvas.line.value() - now.left) / (now.right - now.left)
    assert share == pytest.approx(known.document.view_settings.divider) and now != view
    press(known, "D")
    assert known.document.view_settings.arrangement is PaneLayout.SINGLE and not canvas.line.isVisible()


def test_keys_go_to_the_side_that_was_picked(known: App, qtbot: QtBot) -> None:
    press(known, "D")
    click(known, 20, 70)
    assert known.document.view_settings.active == 1
    press(known, "3")
    assert known.document.view_settings.modes == ("photograph", "false_colour")
    press(known, "A")
    press(known, "2")
    assert known.document.view_settings.modes == ("band", "false_colour")
    press(known, "X")
    assert known.document.view_settings.modes == ("false_colour", "band") and known.document.view_settings.active == 1
    qtbot.waitUntil(lambda: exact(known, "false_colour")() and exact(known, "band", 1)())


def test_two_views_show_the_same_part_and_the_same_cursor(known: App, qtbot: QtBot) -> None:
    press(known, "S")
    first, second = known.window.panes.images
    qtbot.waitUntil(lambda: second.isVisible() and exact(known, "band", 1)())
    qtbot.waitUntil(lambda: abs(first.width() - second.width()) <= 1)
    for image, other in ((first, second), (second, first)):
        centre = image.position_of(30, 40)
        image.box.scaleBy((0.5, 0.5), QPointF(40, 30))
        image.box.sigRangeChangedManually.emit(image.box.state["mouseEnabled"])
        assert other.view().left == pytest.approx(image.view().left, abs=0.5)
        assert other.view().scale == pytest.approx(image.view().scale, rel=0.02)
        QTest.mouseMove(image.viewport(), centre.toPoint())
        qtbot.waitUntil(lambda image=image: known.window.panes._pointed is image)
        assert other.canvas.cursor.isVisible() and not image.canvas.cursor.isVisible()
    press(known, "F")
    assert first.is_fitted and second.is_fitted
    QTest.mouseClick(second.viewport(), LEFT, pos=second.position_of(5, 6).toPoint())
    assert [pin.pixel for pin in known.document.marks] == [
        (12, 34),
        (5, 6),
    ] and known.document.view_settings.active == 1
    assert set(first.marks.items) == set(second.marks.items) == {1, 2}


def test_drags_in_two_views_are_two_steps(known: App) -> None:
    known.view.show_side_by_side()
    for image, to in zip(known.window.panes.images, (QPointF(20.5, 20.5), QPointF(8.5, 9.5)), strict=True):
        pixel = known.document.marks[0].pixel
        assert image.marks.grab(image.box.mapViewToScene(QPointF(pixel[1] + 0.5, pixel[0] + 0.5)))
        image.marks.drag(to, True, True)
    assert known.document.marks[0].pixel == (9, 8)
    known.application.undo()
    assert known.document.marks[0].pixel == (20, 20)
    known.application.undo()
    assert known.document.marks[0].pixel == (12, 34)


def test_similarity_follows_the_active_mark(known: App, qtbot: QtBot) -> None:
    known.document.add_pin(5, 6)
    qtbot.waitUntil(lambda: (5, 6) in known.document.curves)
    assert known.document.reference()[0] is known.document.curves[5, 6].spectrum
    known.document.mark_set.set_active(1)
    assert known.document.reference() == (known.document.curves[12, 34].spectrum, "pin 1")
    press(known, "5")
    qtbot.waitUntil(exact(known, "similarity"))
    assert known.window.image.captions[0].text() == "Similarity to pin 1"
    assert shown(known).painted[12, 34] == pytest.approx(0, abs=0.05)
    known.document.mark_set.set_active(2)
    qtbot.waitUntil(lambda: shown(known).painted[5, 6] < 0.05)
    assert known.window.image.captions[0].text() == "Similarity to pin 2"


def test_the_curve_under_the_mouse_is_shown_as_the_others_are(known: App) -> None:
    document = known.document
    document.set_plot_settings(replace(document.plot_settings, transform=Transform(derivative=True)))
    curve = document.curves[12, 34].spectrum
    document.set_hover_curve(curve)
    np.testing.assert_allclose(known.window.hover_curve.line.getData()[1], document.plot_content().values(curve))
    assert np.abs(document.plot_content().values(curve) - curve.values).max() > 0.1


def test_levels_are_dragged_typed_automatic_and_kept_for_each_mode(known: App, qtbot: QtBot) -> None:
    press(known, "2")
    qtbot.waitUntil(exact(known, "band"))
    bar, values = known.window.panes.bars[0], shown(known).painted
    at = QPoint(10, round(bar.scale.y_of(bar.scale.limits[1])))
    drag(bar.scale, at, at + QPoint(0, 40))
    high = known.document.view_settings.levels["band"][1]
    assert high < known.document.levels[1] and bar.high.value() == pytest.approx(high, abs=1e-3)
    qtbot.waitUntil(lambda: shown(known).request.limits[1] == high)
    assert shown(known).painted is values  # nothing was read again
    bar.low.setValue(0.2)
    qtbot.waitUntil(lambda: shown(known).request.limits[0] == pytest.approx(0.2))
    assert (shown(known).shown[values < 0.2] == 0).all() and (shown(known).shown[values > high] == 255).all()
    press(known, "L", Qt.KeyboardModifier.ControlModifier)
    low, high = known.document.view_settings.levels["band"]
    assert (low, high) == pytest.approx(tuple(np.percentile(values, (0.5, 99.5))), abs=1e-3)
    known.document.set_wavelength(450.0)
    assert known.document.view_settings.levels["band"] == (low, high)  # fixed while scrubbing
    press(known, "4")
    qtbot.waitUntil(exact(known, "rerendered"))
    assert shown(known).request.limits == (0.0, 1.0)


def test_a_colormap_colours_without_reading(known: App, qtbot: QtBot) -> None:
    press(known, "2")
    qtbot.waitUntil(exact(known, "band"))
    values = shown(known).painted
    known.document.set_view_settings(known.document.view_settings.with_colormap("band", "viridis"))
    qtbot.waitUntil(lambda: shown(known).request.colormap == "viridis")
    assert shown(known).painted is values and known.window.image.canvas.layers[0].image.lut.shape == (256, 3)


def test_false_colour_markers_are_dragged_in_the_plot(known: App, qtbot: QtBot) -> None:
    plot, lines = known.window.plot, known.window.channels.lines
    assert not any(line.isVisible() for line in lines)
    press(known, "3")
    qtbot.waitUntil(exact(known, "false_colour"))
    assert [line.value() for line in lines] == [650, 550, 450] and all(line.isVisible() for line in lines)
    context = [plot.box.mapViewToScene(QPointF(nm, 0.5)) for nm in (650.0, 600.0)]
    drag(plot.viewport(), plot.mapFromScene(context[0]), plot.mapFromScene(context[1]))
    red = known.document.view_settings.false_colour[0]
    assert red == pytest.approx(600, abs=4) and known.document.view_settings.false_colour[1:] == (550, 450)
    qtbot.waitUntil(
        lambda: exact(known, "false_colour")() and shown(known).request.context.view_settings.false_colour[0] == red
    )


def test_false_colour_is_chosen_by_keys(known: App, qtbot: QtBot) -> None:
    before = known.document.view_settings
    for ends, expected in ((Qt.Key.Key_Return, (651.0, 550.0, 440.0)), (Qt.Key.Key_Escape, before.false_colour)):
        known.document.set_view_settings(before)
        QTest.keyClick(known.window, Qt.Key.Key_3, Qt.KeyboardModifier.ControlModifier)
        assert known.document.view_settings.mode == "false_colour"
        dialog = known.window.findChildren(FalseColourDialog)[-1]
        QTest.keyClick(dialog.dials[0].slider, Qt.Key.Key_Right)
        QTest.keyClick(dialog.dials[2].slider, Qt.Key.Key_PageDown)
        assert known.document.view_settings.false_colour == (651.0, 550.0, 440.0)
        assert [line.value() for line in known.window.channels.lines] == [651.0, 550.0, 440.0]
        QTest.keyClick(dialog, ends)
        assert known.document.view_settings.false_colour == expected
    assert known.document.view_settings == before


def test_an_image_that_is_opened_behind_a_dialog_keeps_its_settings(
    opened: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    first = opened.document
    opened.view.choose_false_colour()
    opened.spectra.choose_limits()
    curves = [Spectrum(BANDS, smooth_cube(60, 80)[:, row, 5], f"leaf {row}") for row in (7, 8)]
    opened.view._take_references(FileRequest(tmp_path / "two.csv"), curves)
    opened.workspace.make_room(beside=True)
    opened.document.open_cube("other.h5", CubeField(smooth_cube(40, 50), BANDS), (0.0, 1.0))
    second, view_settings, plot_settings = opened.document, opened.document.view_settings, opened.document.plot_settings
    channels, limits, references = (
        opened.window.findChild(kind) for kind in (FalseColourDialog, AxisLimitsDialog, QInputDialog)
    )
    channels.wavelengths_picked.emit((650.0, 560.0, 450.0))
    limits.nm.automatic.setChecked(False)
    limits.nm.low.setValue(450)
    limits.accept()
    references.setTextValue("leaf 8")
    references.accept()
    assert second is not first and (second.view_settings, second.plot_settings) == (view_settings, plot_settings)
    assert first.view_settings.false_colour == (650.0, 560.0, 450.0) and first.view_settings.reference is curves[1]
    assert first.plot_settings.axes.nm_limits is not None
    channels.accept()


def test_the_menu_of_a_picture_offers_all_it_could_be(known: App, qtbot: QtBot) -> None:
    menu = QMenu()
    qtbot.addWidget(menu)
    picked = []
    view_settings = replace(
        known.document.view_settings, modes=("photograph", "truth_error"), arrangement=PaneLayout.DIVIDED
    )
    context = replace(RenderContext.of(known.document), view_settings=view_settings)
    for _ in range(3):
        fill_mode_menu(menu, context, 1, picked.append)
        qtbot.wait(1)
    entries = {action.text().partition("\t")[0]: action for action in menu.actions()}
    assert len(menu.findChildren(QMenu)) == 1 and "Photograph" in entries
    entries["Over all wavelengths: RMSE"].trigger()
    entries["Band"].trigger()
    assert picked[0].measure is ErrorMetric.RMSE and picked[0].active == 1
    assert picked[1].modes == ("photograph", "band")


def test_a_caption_opens_its_menu(known: App) -> None:
    caption = known.window.image.captions[0]
    caption.menu().aboutToShow.emit()
    entries = {action.text().partition("\t")[0]: action for action in caption.menu().actions()}
    entries["Colour error"].trigger()
    assert known.document.view_settings.mode == "colour_error"


def test_captions_never_overlap_nor_leave_the_picture(known: App) -> None:
    left, right = known.window.image.captions
    view_settings = known.document.view_settings
    for modes in (("photograph", "band"), ("truth_error", "doubts"), ("doubts", "doubts"), ("similarity", "doubts")):
        known.document.set_view_settings(replace(view_settings, modes=modes, arrangement=PaneLayout.DIVIDED))
        for width in (1500, 900, 760):
            known.window.resize(width, 700)
            QApplication.processEvents()
            assert not left.geometry().intersects(right.geometry())
            for caption in (left, right):
                assert known.window.image.rect().contains(caption.geometry())
    said = right.accessibleName().partition(": ")[2]
    assert right.text() == said or (right.text().endswith("…") and right.toolTip().startswith(said))


def test_the_pixel_under_the_mouse_is_told(known: App, qtbot: QtBot) -> None:
    press(known, "7")
    qtbot.waitUntil(exact(known, "truth_error"))
    QTest.mouseMove(known.window.image.viewport(), known.window.image.position_of(30, 41).toPoint())
    qtbot.waitUntil(lambda: known.document.hover_curve is not None and (30, 41) in known.document.readouts)
    x, y = known.window.hover_curve.line.getData()
    assert known.document.field is not None
    np.testing.assert_array_equal(y, known.document.field.spectra([(30, 41)], x)[0])
    rgb = "RGB {} {} {}".format(*known.document.colours[30, 41])
    text = known.window.status.where.text()
    assert "row 30, col 41" in text and "at 550.0 nm" in text and rgb in text
    assert f"|difference| {shown(known).painted[30, 41]:.3f}" in text
    known.document.set_hover(None)
    assert known.document.hover_curve is None and len(known.window.hover_curve.line.getData()[0]) == 0


def test_values_are_written_into_large_pixels(known: App, qtbot: QtBot) -> None:
    press(known, "2")
    qtbot.waitUntil(exact(known, "band"))
    image = known.window.image

    def ink(cell: float) -> int:
        """Colours on a flat ground: letters and lines are the only other ones."""
        side = image.width() / cell
        image.box.setRange(QRectF(30, 20, side, side), padding=0)
        known.document.set_view_settings(known.document.view_settings.with_levels("band", (5.0, 6.0)))  # all black
        qtbot.waitUntil(lambda: shown(known).shown.max() == 0)
        image.captions[0].hide()
        picture = image.grab().toImage()
        return len({picture.pixel(x, y) for x in range(0, image.width(), 2) for y in range(0, image.height(), 2)})

    known.document.mark_set.remove(*range(1, 100))
    assert ink(8) < ink(25) < ink(120)


def test_similarity_to_a_curve_from_a_file(
    opened: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    curves = [Spectrum(BANDS, smooth_cube(60, 80)[:, row, 5], f"leaf {row}") for row in (7, 8)]
    write_curves(tmp_path / "one.csv", curves[:1])
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(tmp_path / "one.csv"), ""))
    opened.view.compare_with()
    qtbot.waitUntil(exact(opened, "similarity"))
    assert shown(opened).painted[7, 5] == pytest.approx(0, abs=0.05)
    assert opened.window.image.captions[0].text() == "Similarity to leaf 7"
    opened.view._take_references(FileRequest(tmp_path / "two.csv"), curves)
    dialog = opened.window.findChild(QInputDialog)
    assert dialog is not None and dialog.comboBoxItems() == ["leaf 7", "leaf 8"]
    dialog.setTextValue("leaf 8")
    dialog.accept()
    assert (
        opened.document.view_settings.reference is not None and opened.document.view_settings.reference.name == "leaf 8"
    )


def test_the_sweep_goes_at_its_speed(opened: App, qtbot: QtBot) -> None:
    opened.window.bar.speed.setValue(200)
    assert opened.document.view_settings.speed == 200
    opened.document.set_wavelength(400)
    QTest.keyClick(opened.window, Qt.Key.Key_Space)
    qtbot.wait(400)
    QTest.keyClick(opened.window, Qt.Key.Key_Space)
    assert 430 < opened.document.nm < 600
    opened.window.bar.speed.setValue(1.0)  # less than a tenth of a nm between two frames
    start = opened.document.nm
    QTest.keyClick(opened.window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: opened.document.nm > start)
    QTest.keyClick(opened.window, Qt.Key.Key_Space)
    assert opened.document.nm < start + 2


def test_the_sweep_is_exported_from_the_window(
    opened: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / "film"), ""))
    opened.exporter.export_sweep()
    dialog = opened.window.findChild(SweepDialog)
    assert isinstance(dialog, SweepDialog)
    dialog.format.setCurrentIndex(1)
    dialog.speed.setValue(500)
    dialog.rate.setValue(10)
    dialog.accept()
    qtbot.waitUntil(lambda: "Wrote" in opened.window.messages.text.text())
    assert (tmp_path / "film.gif").stat().st_size > 1000


def test_another_image_starts_with_its_own_look(known: App, qtbot: QtBot) -> None:
    known.document.set_view_settings(
        known.document.view_settings.with_levels("band", (0, 0.1)).arranged(PaneLayout.SIDE_BY_SIDE)
    )
    press(known, "5")
    known.document.open_cube("cube", CubeField(smooth_cube(20, 30), BANDS), (0.0, 1.0))
    view_settings = known.document.view_settings
    assert (
        view_settings.modes == ("band", "false_colour")
        and not view_settings.levels
        and view_settings.arrangement is PaneLayout.SIDE_BY_SIDE
    )
    qtbot.waitUntil(lambda: exact(known, "band")() and exact(known, "false_colour", 1)())
    assert shown(known).request.sampling.size == (20, 30)


def test_only_pictures_that_take_long_are_told_of(opened: App, monkeypatch: pytest.MonkeyPatch) -> None:
    status, now = opened.window.status, [10.0]
    monkeypatch.setattr("nesr_gui.gui.views.status_bar.time.monotonic", lambda: now[0])
    status.show_progress(Task.PICTURE_LEFT, 0.0)
    status.show_progress(Task.PICTURE_LEFT, 0.2)
    assert status.shown() is None
    now[0] += 1
    status.show_progress(Task.PICTURE_LEFT, 0.4)
    assert "Rendering 40%" in status.work.text() and status.cancel.isVisibleTo(status)
    status.show_end(Task.PICTURE_LEFT)
    assert status.shown() is None


def test_similar_pixels_are_bright_as_the_guide_says(known: App, qtbot: QtBot) -> None:
    press(known, "5")
    qtbot.waitUntil(exact(known, "similarity"))
    picture = shown(known)
    table = lookup(picture.request.colormap, picture.request.context.nm)
    assert table is not None
    light = table[picture.shown].mean(-1)
    most, least = np.unravel_index([picture.painted.argmin(), picture.painted.argmax()], picture.painted.shape)
    assert light[most[0], least[0]] > light[most[1], least[1]] + 50
    text = " ".join(resources.guide().read_text(encoding="utf-8").split())
    assert "Pixels of the same material are bright" in text


@pytest.mark.parametrize(
    ("mode", "start"),
    [("band", "Band 550.0 nm"), ("false_colour", "650/550/450 nm"), ("rerendered", "D65, CIE 1931 2°"),
     ("truth_error", "|difference| at 550.0 nm"), ("uncertainty", "550.0 nm")],
)  # fmt: skip
def test_captions_begin_with_what_matters(known: App, mode: str, start: str) -> None:
    context = RenderContext.of(known.document)
    assert MODES[mode].caption(context).startswith(start)
