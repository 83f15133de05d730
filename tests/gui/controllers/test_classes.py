"""Classes and clusters in the window: counts, thresholds, regions, statistics, files, undo, sessions, late results."""

from __future__ import annotations

import re
import sys
import threading
from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from nesr_gui.analysis.definitions import ClassDefinition
from nesr_gui.analysis.maps import compute_map
from nesr_gui.fields.protocol import CubeField, ProgressCallback
from nesr_gui.gui.app import App
from nesr_gui.gui.controllers import classes
from nesr_gui.gui.model.analyses import AnalysisKind, ClassCounts
from nesr_gui.gui.model.marks import analysis_key
from nesr_gui.gui.model.plot_settings import Kind
from nesr_gui.gui.model.session_file import SessionData, read_session, write_session
from nesr_gui.gui.tasks import class_maps
from nesr_gui.gui.tasks.class_maps import ClassMapRequest, count_classes
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.view_modes import MODES
from nesr_gui.gui.views.dialogs.class_maps import ClassMapDialog, MapFormat, RegionsDialog
from nesr_gui.gui.views.panels.class_table import NAME, PIXELS, SHARE, THRESHOLD, UNCERTAIN
from nesr_gui.spectral import Quantity
from tests.analysis.scenes import UncertainCube
from tests.gui.conftest import BANDS, Limited, smooth_cube

CLASSES, CLUSTERS = AnalysisKind.CLASSES, AnalysisKind.CLUSTERS


def is_counted(app: App, kind: AnalysisKind = CLASSES) -> bool:
    return app.document.counts_of(kind) is not None and not app.worker._newest


@pytest.fixture
def shown(opened: App, qtbot: QtBot) -> App:
    """Two pins are classes."""
    for place in ((5, 6), (30, 40)):
        opened.document.add_pin(*place)
    qtbot.waitUntil(lambda: len(opened.document.analysis_spectra) == 2)
    QTest.keySequence(opened.window, QKeySequence("Alt+1"))
    qtbot.waitUntil(lambda: is_counted(opened))
    return opened


def column(app: App, number: int) -> list[str]:
    table = app.analyses.panel.table
    return [table.item(row, number).text() for row in range(table.rowCount())]


def slow_numbers(app: App) -> np.ndarray:
    values = smooth_cube(60, 80).astype(float)
    definition = app.document.analysis_settings.classes
    angles = []
    for mark in app.document.marks:
        spectrum = values[:, mark.row, mark.col]
        cosine = np.tensordot(spectrum, values, 1) / np.linalg.norm(spectrum) / np.linalg.norm(values, axis=0)
        angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
        angles.append(np.where(angle <= definition.thresholds([analysis_key(mark)])[0], angle, np.inf))
    return np.where(np.isfinite(np.min(angles, 0)), np.argmin(angles, 0) + 1, 0)


def test_the_table_counts_the_classes_of_the_picture(shown: App) -> None:
    numbers = slow_numbers(shown)
    counts = [(numbers == number).sum() for number in (1, 2, 0)]
    assert column(shown, NAME) == ["pin 1", "pin 2", "No class"]
    assert column(shown, PIXELS) == [f"{count:,}" for count in counts]
    assert column(shown, SHARE) == [f"{100 * count / 4800:.1f} %" for count in counts]
    assert shown.analyses.panel.table.isColumnHidden(UNCERTAIN)  # this field has no intervals
    assert shown.analyses.panel.counted.text() == "Of 4,800 pixels (full resolution)."
    legend = shown.window.panes.bars[0].legend
    assert legend.isVisible() and [entry.name for entry in legend.fitting()[0]] == ["pin 1", "pin 2", "no class"]
    assert f"pin 1: {column(shown, SHARE)[0]}" in legend.toolTip()


def test_dragging_the_threshold_moves_picture_counts_and_undo(shown: App, qtbot: QtBot) -> None:
    histogram, document = shown.analyses.panel.classes.histogram, shown.document
    before, undo = slow_numbers(shown), document.undo_stack.count()
    y = histogram.height() // 3
    QTest.mousePress(histogram, Qt.MouseButton.LeftButton, pos=QPoint(round(histogram.x_of(10.0)), y))
    for angle in (12.0, 16.0, 20.0):
        QTest.mouseMove(histogram, QPoint(round(histogram.x_of(angle)), y))
    QTest.mouseRelease(histogram, Qt.MouseButton.LeftButton, pos=QPoint(round(histogram.x_of(20.0)), y))
    assert document.analysis_settings.classes.angle == pytest.approx(20, abs=0.5)
    assert shown.analyses.panel.classes.threshold.value() == document.analysis_settings.classes.angle
    assert document.undo_stack.count() == undo + 1  # one drag
    assert column(shown, PIXELS) == ["…"] * 3  # and not those of the threshold before
    qtbot.waitUntil(lambda: is_counted(shown) and shown.renderers[0].is_settled)
    picture = shown.renderers[0].shown
    assert picture is not None and not np.array_equal(slow_numbers(shown), before)
    np.testing.assert_array_equal(picture.painted, slow_numbers(shown))
    assert column(shown, PIXELS)[0] == f"{(slow_numbers(shown) == 1).sum():,}"
    shown.application.undo()
    assert document.analysis_settings.classes.angle == 10
    qtbot.waitUntil(lambda: is_counted(shown))
    assert column(shown, PIXELS)[0] == f"{(before == 1).sum():,}"


def test_arrow_keys_in_the_histogram_move_the_threshold_not_the_wavelength(shown: App) -> None:
    histogram, nm = shown.analyses.panel.classes.histogram, shown.document.nm
    histogram.setFocus()
    QTest.keyClick(histogram, Qt.Key.Key_Right)
    assert shown.document.nm == nm and shown.document.analysis_settings.classes.angle > 10
    QTest.keyClick(histogram, Qt.Key.Key_Left)
    assert shown.document.analysis_settings.classes.angle == pytest.approx(10, abs=0.1)


def test_a_class_can_have_a_threshold_of_its_own(shown: App, qtbot: QtBot) -> None:
    table, document = shown.analyses.panel.table, shown.document
    table.item(1, THRESHOLD).setText("4,5°".rstrip("°"))
    assert document.analysis_settings.classes.own_angles == {"point 2": 4.5}
    qtbot.waitUntil(lambda: is_counted(shown))
    assert column(shown, THRESHOLD) == ["10°", "4.5°", ""] and table.item(1, THRESHOLD).font().bold()
    assert column(shown, PIXELS)[1] == f"{(slow_numbers(shown) == 2).sum():,}"
    table.item(1, THRESHOLD).setText("999")
    assert "angles are from 0 to 180°" in shown.window.messages.text.text()
    assert column(shown, THRESHOLD)[1] == "4.5°"
    table.item(1, THRESHOLD).setText("")
    assert document.analysis_settings.classes.own_angles == {} and column(shown, THRESHOLD)[1] == "10°"
    shown.application.undo()
    assert document.analysis_settings.classes.own_angles == {"point 2": 4.5}


def test_thresholds_are_in_sessions_and_not_those_of_another_image(shown: App, tmp_path: Path) -> None:
    document = shown.document
    shown.analyses.set_threshold("point 2", 4.5)
    write_session(tmp_path / "s.nesr", SessionData.of(document, None))
    restored = read_session(tmp_path / "s.nesr", MODES)
    assert restored.analysis_settings == document.analysis_settings
    assert restored.analysis_settings.classes.own_angles == {"point 2": 4.5}
    assert document.is_modified
    shown.analyses.use("point 1", False)
    document.open_cube("other", CubeField(smooth_cube(20, 20), BANDS), (0.0, 1.0))
    assert document.analysis_settings.classes.own_angles == {} and document.analysis_settings.left_out == ()


def test_a_class_left_out_has_no_number(shown: App, qtbot: QtBot) -> None:
    shown.analyses.panel.table.item(0, NAME).setCheckState(Qt.CheckState.Unchecked)
    qtbot.waitUntil(lambda: is_counted(shown))
    assert [row.number for row in shown.analyses.panel.table.rows] == [-1, 1, 0]
    assert column(shown, PIXELS)[0] == "" and column(shown, PIXELS)[1] != "0"


def test_uncertain_pixels_are_counted_by_class(app: App, qtbot: QtBot) -> None:
    app.document.open_cube("scene", Limited(smooth_cube(30, 40), BANDS, Quantity.REFLECTANCE), (0.0, 1.0))
    app.document.add_pin(5, 6)
    qtbot.waitUntil(lambda: len(app.document.analysis_spectra) == 1)
    app.analyses.show(CLASSES)
    qtbot.waitUntil(lambda: is_counted(app))
    assert column(app, NAME) == ["pin 1", "No class", "Uncertain"]
    shares = [float(text.rstrip(" %")) for text in column(app, UNCERTAIN)[:2]]
    assert sum(shares) == pytest.approx(float(column(app, SHARE)[2].rstrip(" %")), abs=0.11) and max(shares) > 0
    app.analyses.set_abstaining(False)
    qtbot.waitUntil(lambda: is_counted(app))
    assert column(app, NAME) == ["pin 1", "No class"]


class PartlyCertain(Limited):
    """Certain in the left half."""

    def prediction_interval_blocks(self, wavelengths, *, rows=None, cols=None):
        for limits in super().prediction_interval_blocks(wavelengths, rows=rows, cols=cols):
            middle = (limits.lower + limits.upper) / 2
            is_certain = np.arange(limits.cols.start, limits.cols.stop) < 20
            lower, upper = (np.where(is_certain, middle, each) for each in (limits.lower, limits.upper))
            yield replace(limits, lower=lower, upper=upper)


@pytest.fixture
def partly_certain(app: App, qtbot: QtBot) -> App:
    """Classes of two pins in an image with a pixel without a value, of which the right half is uncertain."""
    values = smooth_cube(30, 40)
    values[4, 20, 7] = np.nan
    app.document.open_cube("scene", PartlyCertain(values, BANDS, Quantity.REFLECTANCE), (0.0, 1.0))
    for place in ((5, 6), (15, 12)):
        app.document.add_pin(*place)
    qtbot.waitUntil(lambda: len(app.document.analysis_spectra) == 2)
    app.analyses.show(CLASSES)
    qtbot.waitUntil(lambda: is_counted(app) and app.renderers[0].is_settled)
    return app


def test_the_status_bar_names_the_class_under_the_mouse(partly_certain: App) -> None:
    """In each pixel what the picture shows: a class, an uncertain one, none, or no value."""
    app = partly_certain
    fitted = app.document.analyses[CLASSES]
    made = compute_map(fitted.request.field, fitted.analysis)
    seen = set()
    for row in range(0, 30, 2):
        for col in range(1, 40, 3):
            value, is_uncertain = made.values[0, row, col], made.abstained()[row, col]
            name = "no value" if np.isnan(value) else ("no class", "pin 1", "pin 2")[int(value)]
            app.document.set_hover((row, col))
            expected = f"{name} or another one" if is_uncertain else name
            assert app.window.status.where.text().endswith(f"·   {expected}")
            seen.add((name, bool(is_uncertain)))
    assert seen >= {("pin 1", False), ("pin 2", False), ("no class", False), ("no value", False)}
    assert {is_uncertain for _, is_uncertain in seen} == {False, True}


def test_files_regions_and_statistics_are_uncertain_where_the_picture_is(
    partly_certain: App, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nowhere, if uncertain pixels are not marked."""
    app, document = partly_certain, partly_certain.document
    shares = []
    for abstains in (True, False):
        app.analyses.set_abstaining(abstains)
        qtbot.waitUntil(lambda: is_counted(app) and app.renderers[0].is_settled)
        picture, path = app.renderers[0].shown, tmp_path / f"map{abstains}.png"
        expected = np.where(picture.abstained, 255, np.nan_to_num(picture.painted)).astype(np.uint8)
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args, path=path: (str(path), args[3]))
        app.window.actions_by_name["export_class_map"].trigger()
        QApplication.activeModalWidget().accept()
        qtbot.waitUntil(lambda path=path: path.exists() and not app.worker._newest)
        np.testing.assert_array_equal(iio.imread(path), expected)
        asked = app.classes._map()
        np.testing.assert_array_equal(asked.all_numbers(lambda fraction: None), expected)
        np.testing.assert_array_equal(replace(asked, numbers=None).all_numbers(lambda fraction: None), expected)
        assert asked.fitted is document.fitted(CLASSES)
        shares.append((expected == 255).mean())
    assert shares[0] > 0.1 and shares[1] == 0


def test_results_of_another_image_or_question_are_dropped(shown: App, qtbot: QtBot) -> None:
    """Regions, statistics and histograms that arrive late, as if the worker had not been stopped in time."""
    controller, document = shown.classes, shown.document
    shown.window.actions_by_name["class_statistics"].trigger()
    dialog = controller.statistics
    qtbot.waitUntil(lambda: dialog.copy.isEnabled())
    asked = controller._map()
    regions = class_maps.RegionsRequest(asked, {1: "pin 1"}, {1: "#ff0000"}, 3, 1)
    found = class_maps.find_regions(regions, lambda fraction: None)
    statistics = class_maps.StatisticsRequest(asked, {1: "pin 1"})
    listed = class_maps.compute_statistics(statistics, lambda fraction: None)
    histogram = class_maps.HistogramRequest(asked.image, asked.analysis.scoring)
    counted = class_maps.summarise_scores(histogram, lambda fraction: None)
    document.open_cube("other", CubeField(smooth_cube(20, 20), BANDS), (0.0, 1.0))
    document.add_pin(5, 6)
    shown.analyses.show(CLASSES)
    qtbot.waitUntil(lambda: is_counted(shown) and controller._scored is not None and controller._scored[1] is not None)
    present = controller._scored
    dialog.show_statistics(None, "")
    controller._take_regions(regions, found)
    controller._take_statistics(statistics, listed)
    controller._take_scores(histogram, counted)
    assert len(document.marks) == 1 and not dialog.copy.isEnabled() and controller._scored is present
    dialog.close()


def test_nothing_is_done_with_classes_that_are_not_learned_yet(shown: App) -> None:
    """The picture stays as it was meanwhile, but nothing is done with what is no longer asked for."""
    assert shown.classes._map() is not None
    shown.document.analysis_settings = replace(shown.document.analysis_settings, within=(450.0, 600.0))
    assert shown.classes._map() is None and "not ready" in shown.window.messages.text.text()


def test_rows_that_are_selected_in_the_table_of_another_analysis_are_no_classes(shown: App) -> None:
    shown.analyses.panel.table.selectRow(1)
    asked = shown.classes._map()
    assert shown.classes._chosen(asked) == {2: "pin 2"}
    shown.analyses.panel.show_kind(AnalysisKind.ABUNDANCES)
    assert shown.classes._chosen(asked) == {1: "pin 1", 2: "pin 2"}


def test_how_many_pixels_are_certain_and_from_which_threshold_on(app: App, qtbot: QtBot) -> None:
    """Below the histogram, with a threshold at which the map that is then computed is certain of as much."""
    field = UncertainCube(smooth_cube(30, 40), np.tile(np.linspace(0, 0.06, 40), (30, 1)))
    app.document.open_cube("scene", field, (0.0, 1.0))
    for place in ((5, 6), (20, 30)):
        app.document.add_pin(*place)
    qtbot.waitUntil(lambda: len(app.document.analysis_spectra) == 2)
    app.document.set_analysis_settings(
        replace(app.document.analysis_settings, classes=ClassDefinition(angle=2.0)), "threshold"
    )
    app.analyses.show(CLASSES)
    label = app.analyses.panel.classes.certainty
    qtbot.waitUntil(lambda: is_counted(app) and "on, " in label.text())
    assert label.isVisible() and app.analyses.panel.classes.isAncestorOf(label)
    found = re.fullmatch(
        r"Certain: (.+ %)\. Likely: (.+ %) \(pale: the interval allows another answer\)\. "
        r"10 % are certain from a threshold of ([\d.]+)° on, (\d+) % at most\.",
        label.text(),
    )
    assert found is not None, label.text()
    shares, uncertain = ([float(text.strip("< %")) for text in column(app, part)[:2]] for part in (SHARE, UNCERTAIN))
    assert float(found[1].strip("< %")) == pytest.approx(sum(shares), abs=0.11) and sum(shares) < 10
    assert float(found[2].strip("< %")) == pytest.approx(sum(uncertain), abs=0.11)
    for threshold, least, most in (
        (float(found[3]), 10.0, 13.0),
        (180.0, float(found[4]) - 0.6, float(found[4]) + 0.6),
    ):
        app.analyses.panel.classes.threshold.setValue(threshold)
        qtbot.waitUntil(lambda: is_counted(app))
        certain = sum(float(text.strip("< %")) for text in column(app, SHARE)[:2])
        assert least <= certain <= most, (threshold, certain)
    assert " on, " not in label.text(), "nothing to gain by a larger one"
    app.analyses.panel.table.item(0, THRESHOLD).setText("5")
    qtbot.waitUntil(lambda: is_counted(app))
    assert "at most" not in label.text() and label.text().startswith("Certain: "), "no single threshold decides"
    app.analyses.set_abstaining(False)
    qtbot.waitUntil(lambda: is_counted(app))
    assert not label.isVisible()


def test_if_no_threshold_helps_the_panel_says_so(app: App, qtbot: QtBot) -> None:
    app.document.open_cube("scene", UncertainCube(smooth_cube(30, 40), np.full((30, 40), 2.0)), (0.0, 1.0))
    for place in ((5, 6), (20, 30)):
        app.document.add_pin(*place)
    qtbot.waitUntil(lambda: len(app.document.analysis_spectra) == 2)
    app.analyses.show(CLASSES)
    label = app.analyses.panel.classes.certainty
    qtbot.waitUntil(lambda: is_counted(app) and label.text().endswith("fewer or more different classes."))
    app.analyses.panel.table.item(0, NAME).setCheckState(Qt.CheckState.Unchecked)
    qtbot.waitUntil(lambda: is_counted(app) and label.text().endswith("at most."))


def test_regions_of_the_selected_class_are_one_step_of_undo(shown: App, qtbot: QtBot) -> None:
    shown.analyses.panel.table.selectRow(1)
    shown.window.actions_by_name["class_regions"].trigger()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, RegionsDialog) and "largest areas of pin 2" in dialog.summary.text()
    dialog.most.setValue(1)
    dialog.accept()
    qtbot.waitUntil(lambda: len(shown.document.marks) == 3)
    mark = shown.document.marks[-1]
    assert mark.colour == shown.document.marks[1].colour and mark.name == "pin 2, area"
    assert shown.document.analysis_settings.left_out == ("polygon 3",)
    qtbot.waitUntil(lambda: is_counted(shown))
    assert column(shown, NAME) == ["pin 1", "pin 2", "pin 2, area", "No class"] and column(shown, PIXELS)[2] == ""
    assert "Made 1 region" in shown.window.messages.text.text()
    shown.application.undo()
    assert len(shown.document.marks) == 2 and shown.document.analysis_settings.left_out == ()


def test_statistics_are_listed_copied_and_exported(
    shown: App, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    shown.window.actions_by_name["class_statistics"].trigger()
    dialog = shown.classes.statistics
    assert dialog is not None and not dialog.copy.isEnabled()
    qtbot.waitUntil(lambda: dialog.copy.isEnabled())
    numbers, values = slow_numbers(shown), smooth_cube(60, 80)
    assert f"{(numbers == 1).sum():,} pixels" in dialog.heading.text()
    dialog.copy.click()
    lines = QApplication.clipboard().text().split("\n")
    assert lines[0].split("\t") == ["nm", "mean", "standard deviation", "lowest", "highest"]
    chosen = values[4][numbers == 1]
    at_440 = [float(text) for text in lines[5].split("\t")]
    np.testing.assert_allclose(at_440, [440, chosen.mean(), chosen.std(ddof=1), chosen.min(), chosen.max()], rtol=1e-4)
    path = tmp_path / "statistics.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    dialog.export.click()
    qtbot.waitUntil(path.exists)
    dialog.classes.setCurrentIndex(1)
    assert f"{(numbers == 2).sum():,} pixels" in dialog.heading.text()
    dialog.close()
    assert shown.classes.statistics is None


def test_the_exported_map_is_the_picture(
    shown: App, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    path = tmp_path / "map.png"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), args[3]))
    shown.window.actions_by_name["export_class_map"].trigger()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ClassMapDialog) and "80×60 pixels" in dialog.summary.text()
    assert not dialog.least.isEnabled()
    dialog.format.setCurrentIndex(list(MapFormat).index(MapFormat.GEOJSON))
    assert dialog.least.isEnabled() and "areas of 2 classes" in dialog.summary.text()
    dialog.format.setCurrentIndex(0)
    dialog.accept()
    qtbot.waitUntil(path.exists)
    qtbot.waitUntil(lambda: not shown.worker._newest)
    np.testing.assert_array_equal(iio.imread(path), slow_numbers(shown))


def test_clusters_have_curves_and_become_reference_spectra(opened: App, qtbot: QtBot) -> None:
    pytest.importorskip("sklearn")
    QTest.keySequence(opened.window, QKeySequence("Alt+2"))
    qtbot.waitUntil(lambda: is_counted(opened, CLUSTERS))
    assert column(opened, NAME) == [f"cluster {number}" for number in range(1, 7)]
    assert sum(float(text.rstrip(" %")) for text in column(opened, SHARE)) == pytest.approx(100, abs=0.4)
    lines = opened.document.plot_content().lines
    assert [line.kind for line in lines] == [Kind.CENTRE] * 6 and len(opened.window.plot.layer.lines[Kind.CENTRE]) == 6
    categories = opened.renderers[0].shown.legend
    assert [entry.name for entry in categories] == column(opened, NAME)  # every pixel belongs to a cluster
    assert [row.colour for row in opened.analyses.panel.table.rows] == [entry.colour for entry in categories]
    assert [line.ink for line in lines] == [entry.colour for entry in categories]
    opened.window.actions_by_name["export_class_map"].trigger()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ClassMapDialog) and dialog.windowTitle() == "Export map of clusters"
    assert "1 to 6 for the clusters in the order of the table" in dialog.summary.text()
    dialog.reject()
    opened.analyses.panel.clusters.references.click()
    library = opened.document.plot_settings.library
    assert [each.spectrum.name for each in library] == [f"cluster {number}" for number in range(1, 7)]
    assert len(opened.document.analysis_spectra) == 6 and opened.document.is_modified
    opened.application.undo()
    assert opened.document.plot_settings.library == ()
    opened.view.show_mode("band")
    assert opened.window.plot.layer.lines[Kind.CENTRE] == {}


def test_both_panes_are_counted_and_actions_follow_the_active_one(shown: App, qtbot: QtBot) -> None:
    pytest.importorskip("sklearn")
    shown.view.show_side_by_side()
    shown.view.activate_other_side()
    shown.analyses.show(CLUSTERS)
    qtbot.waitUntil(lambda: is_counted(shown, CLUSTERS) and is_counted(shown))
    assert shown.document.class_kind is CLUSTERS
    assert [bar.legend.isVisible() for bar in shown.window.panes.bars] == [True, True]
    for bar in shown.window.panes.bars:  # per cents are never cut
        room = bar.legend.width() - bar.legend.text_left
        assert bar.is_thin and bar.legend.fontMetrics().horizontalAdvance("100") <= room
    shown.view.activate_other_side()
    assert shown.document.class_kind is CLASSES
    shown.analyses.set_range((450.0, 600.0))  # both are counted again
    assert not (is_counted(shown) or is_counted(shown, CLUSTERS))
    qtbot.waitUntil(lambda: is_counted(shown, CLUSTERS) and is_counted(shown))


def test_actions_say_why_they_are_disabled(opened: App) -> None:
    actions = opened.window.actions_by_name
    for name in ("class_regions", "class_statistics", "export_class_map", "centres_as_references"):
        assert not actions[name].isEnabled() and "first" in actions[name].whatsThis()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Holds counting back until it is set."""
    held = threading.Event()

    def wait(request: ClassMapRequest, progress: ProgressCallback) -> ClassCounts:
        while not held.wait(0.002):
            progress(0.5)
        return count_classes(request, progress)

    monkeypatch.setattr(classes, "count_classes", wait)
    return held


def test_counts_of_an_earlier_threshold_are_not_shown(opened: App, qtbot: QtBot, gate: threading.Event) -> None:
    opened.document.add_pin(5, 6)
    qtbot.waitUntil(lambda: len(opened.document.analysis_spectra) == 1)
    opened.analyses.show(CLASSES)
    qtbot.waitUntil(lambda: opened.worker.is_busy(Task.COUNT_CLASSES))
    assert column(opened, PIXELS) == ["…", "…"]
    stale = opened.document.analyses[CLASSES]
    opened.analyses.panel.classes.threshold.setValue(25.0)
    qtbot.waitUntil(lambda: opened.document.analyses[CLASSES] is not stale)
    opened.document.set_class_counts(CLASSES, count_classes(ClassMapRequest(stale, True), lambda fraction: None))
    assert opened.document.class_counts == {}
    gate.set()
    qtbot.waitUntil(lambda: is_counted(opened))
    assert column(opened, PIXELS)[0] == f"{(slow_numbers(opened) == 1).sum():,}"


def test_counting_can_be_cancelled_and_is_not_begun_again(opened: App, qtbot: QtBot, gate: threading.Event) -> None:
    opened.document.add_pin(5, 6)
    qtbot.waitUntil(lambda: len(opened.document.analysis_spectra) == 1)
    opened.analyses.show(CLASSES)
    qtbot.waitUntil(lambda: opened.worker.is_busy(Task.COUNT_CLASSES))
    opened.worker.cancel(Task.COUNT_CLASSES)
    assert "cancelled" in opened.analyses.panel.counted.text() and column(opened, PIXELS) == ["", ""]
    opened.view.move_divider_left()
    qtbot.wait(2 * classes.REST_MS)
    assert not opened.worker.is_busy(Task.COUNT_CLASSES)
    gate.set()
    opened.analyses.panel.classes.threshold.setValue(25.0)
    qtbot.waitUntil(lambda: is_counted(opened))


def test_another_field_ends_the_counting_of_the_first(opened: App, qtbot: QtBot, gate: threading.Event) -> None:
    opened.document.add_pin(5, 6)
    qtbot.waitUntil(lambda: len(opened.document.analysis_spectra) == 1)
    opened.analyses.show(CLASSES)
    qtbot.waitUntil(lambda: opened.worker.is_busy(Task.COUNT_CLASSES))
    opened.document.set_field(CubeField(1.2 - smooth_cube(60, 80), BANDS, Quantity.REFLECTANCE), 1, (0.0, 1.0))
    assert not opened.worker.is_busy(Task.COUNT_CLASSES) and opened.document.class_counts == {}
    gate.set()
    qtbot.waitUntil(lambda: is_counted(opened))
    assert opened.document.counts_of(CLASSES).fitted.request.field is opened.document.field


def test_the_panel_says_why_there_are_no_classes(opened: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = opened.analyses.panel
    opened.analyses.show(CLASSES)
    qtbot.waitUntil(lambda: panel.counted.text().startswith("Not possible: no reference given"))
    assert panel.no_spectra.isVisible() and not panel.table.isVisible() and not panel.outputs.isEnabled()
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)
    opened.analyses.show(CLUSTERS)
    qtbot.waitUntil(lambda: "scikit-learn" in panel.counted.text())
    assert "install nesr-gui[analysis]" in panel.counted.text() and not panel.no_spectra.isVisible()
    assert not panel.clusters.references.isEnabled()


def test_each_tab_has_its_own_counts(shown: App, qtbot: QtBot, gate: threading.Event) -> None:
    texts = column(shown, PIXELS)
    shown.workspace.make_room(beside=True)
    shown.document.open_cube("other", CubeField(smooth_cube(20, 30), BANDS, Quantity.REFLECTANCE), (0.0, 1.0))
    shown.document.add_pin(5, 6)
    qtbot.waitUntil(lambda: len(shown.document.analysis_spectra) == 1)
    shown.analyses.show(CLASSES)
    qtbot.waitUntil(lambda: shown.worker.is_busy(Task.COUNT_CLASSES))
    shown.workspace.show(0)  # while the second one is counted
    assert column(shown, PIXELS) == texts and not shown.worker.is_busy(Task.COUNT_CLASSES)
    gate.set()
    shown.workspace.show(1)
    qtbot.waitUntil(lambda: is_counted(shown))
    assert sum(int(text) for text in column(shown, PIXELS)) == 600
