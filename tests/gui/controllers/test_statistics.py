"""The Statistics panel: tables, histogram, the interval in the plot, integrals, and what may change meanwhile."""

import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from scipy.integrate import simpson

from nesr_gui.analysis.statistics import Integral
from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.app import App
from nesr_gui.gui.model.session_file import SessionData, read_session, write_session
from nesr_gui.gui.model.statistics_settings import Scope, StatisticsSettings
from nesr_gui.gui.tasks.statistics import HistogramRequest, IntegralsRequest, StatisticsRequest
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.view_modes import MODES
from nesr_gui.gui.views.panels.statistics import StatisticsPanel
from nesr_gui.io.spectra.csv import read_table
from nesr_gui.regions import Region, inside
from nesr_gui.spectral import Quantity, Wavelengths
from tests.gui.conftest import BANDS, FakeEngine, Limited, smooth_cube
from tests.gui.test_window import drag

ELLIPSE = Region.parse("ellipse 10,20 40,60")


@pytest.fixture
def shown(opened: App, qtbot: QtBot) -> App:
    """A window with an active region and the panel."""
    opened.document.mark_set.add(ELLIPSE)
    QTest.keyClick(opened.window, Qt.Key.Key_K)
    settled(opened, qtbot)
    return opened


def settled(app: App, qtbot: QtBot) -> None:
    tasks = Task.STATISTICS, Task.HISTOGRAM, Task.INTEGRALS, Task.REGIONS, Task.REGION_REFINED, Task.CURVES
    qtbot.waitUntil(
        lambda: (
            all(mark.place in app.document.curves for mark in app.document.marks)
            and not any(app.worker.is_busy(task) for task in tasks)
        )
    )


def values_in(app: App, region: Region | None) -> np.ndarray:
    """All values (31, n) of a region."""
    assert app.document.field is not None
    cube = app.document.field.cube(BANDS).values
    members = np.ones((60, 80), bool) if region is None else inside(region, np.arange(60) + 0.5, np.arange(80) + 0.5)
    return cube[:, members].astype(np.float64)


def row_values(panel: StatisticsPanel, row: int) -> list[float]:
    return [float(text) for text in list(panel.rows[row].values())[1:]]


def expected(values: np.ndarray) -> list[float]:
    """The cells of a row from the values (n,) of all pixels."""
    low, *percentiles, high = np.percentile(values, [0, 5, 25, 50, 75, 95, 100])
    return [values.mean(), values.std(ddof=1), low, *percentiles, high]


def test_the_key_shows_the_statistics_of_the_active_region_by_band(shown: App) -> None:
    panel, values = shown.statistics.panel, values_in(shown, ELLIPSE)
    assert panel.isVisible() and panel.words.text().startswith(f"Ellipse 1: {values.shape[1]} pixels.")
    assert [row["nm"] for row in panel.rows] == ["400-700", *(f"{nm:g}" for nm in BANDS.nm)]
    for band in (0, 17, 30):
        np.testing.assert_allclose(row_values(panel, 1 + band), expected(values[band]), rtol=1e-4)
    means = np.trapezoid(values, BANDS.nm, axis=0) / 300
    np.testing.assert_allclose(row_values(panel, 0), expected(means), rtol=1e-4)
    table = panel.bands
    titles = [table.horizontalHeaderItem(at).text() for at in range(table.columnCount())]
    assert titles == ["nm", "mean", "SD", "lowest", "5 %", "25 %", "median", "75 %", "95 %", "highest"]
    assert table.item(18, 1).text() == f"{values[17].mean():.4f}" and table.item(0, 0).font().bold()


def test_the_whole_image_a_pin_and_no_mark(shown: App, qtbot: QtBot) -> None:
    panel = shown.statistics.panel
    panel.scope.setCurrentIndex(1)
    panel.scope.activated.emit(1)
    assert shown.document.statistics.scope is Scope.IMAGE
    settled(shown, qtbot)
    assert panel.words.text().startswith("Whole image: 4,800 pixels.")
    np.testing.assert_allclose(row_values(panel, 4), expected(values_in(shown, None)[3]), rtol=1e-4)
    shown.document.set_statistics(StatisticsSettings())
    shown.document.add_pin(5, 6)
    settled(shown, qtbot)
    assert panel.words.text().startswith("Pin 2: 1 pixel.")
    assert row_values(panel, 4)[:2] == [pytest.approx(values_in(shown, None)[3, 5 * 80 + 6], rel=1e-4), 0]
    shown.document.mark_set.remove(*range(1, 100))
    assert panel.words.text() == "No mark is active. Draw a region, or choose the whole image."
    assert panel.rows == () and not panel.copy.isEnabled() and panel.bands.rowCount() == 0


def test_a_pin_of_a_reduced_field_stands_for_its_pixel(opened: App, qtbot: QtBot) -> None:
    reduced = CubeField(smooth_cube(15, 20), BANDS, binning=4, source_shape=(60, 80))
    opened.document.set_field(reduced, 4, opened.document.levels)
    opened.document.add_pin(59, 41)
    opened.statistics.open()
    settled(opened, qtbot)
    assert row_values(opened.statistics.panel, 4)[0] == pytest.approx(reduced.cube(BANDS).values[3, 14, 10], rel=1e-4)


def test_numbers_and_edges_in_the_plot_set_the_interval(shown: App, qtbot: QtBot) -> None:
    panel, marker, plot = shown.statistics.panel, shown.statistics.marker, shown.window.plot
    assert marker.item.isVisible() and marker.item.getRegion() == (400, 700)
    panel.low.setValue(450)
    panel.high.setValue(545)
    assert shown.document.statistics.within == (450, 545) and marker.item.getRegion() == (450, 545)
    settled(shown, qtbot)
    assert [row["nm"] for row in panel.rows] == ["450-540", *(f"{nm}" for nm in range(450, 541, 10))]
    means = np.trapezoid(values_in(shown, ELLIPSE)[5:15], BANDS.nm[5:15], axis=0) / 90
    np.testing.assert_allclose(row_values(panel, 0), expected(means), rtol=1e-4)

    def at(nm: float) -> QPoint:
        inside = plot.box.mapViewToScene(plot.box.viewRect().center())
        return plot.mapFromScene(plot.box.mapViewToScene(type(inside)(nm, plot.box.viewRect().center().y())))

    shown.document.set_wavelength(690)  # its line is elsewhere
    drag(plot.viewport(), at(545), at(600))
    assert shown.document.statistics.within == (450, pytest.approx(600, abs=3))
    high = shown.document.statistics.within[1]
    assert panel.high.value() == high
    drag(plot.viewport(), at(500), at(520))
    assert shown.document.statistics.within == (pytest.approx(470, abs=3), pytest.approx(high + 20, abs=3))
    settled(shown, qtbot)
    panel.all.click()
    assert shown.document.statistics.within is None and marker.item.getRegion() == (400, 700)
    settled(shown, qtbot)
    assert len(panel.rows) == 32 and not panel.all.isEnabled()
    panel.low.setValue(700)
    assert shown.document.statistics.within is None and panel.low.value() == 400, "an empty interval is not taken"


def test_the_histogram_is_that_of_the_selected_wavelength(shown: App, qtbot: QtBot) -> None:
    panel = shown.statistics.panel
    panel.tabs.setCurrentWidget(panel.histogram)
    shown.document.set_wavelength(570)
    settled(shown, qtbot)
    counts, edges = np.histogram(values_in(shown, ELLIPSE)[17].astype(np.float32), 64)
    x, y = panel.histogram.bars.getData()
    np.testing.assert_allclose(x, edges, rtol=1e-5)
    assert y.tolist() == counts.tolist() and y.sum() == values_in(shown, ELLIPSE).shape[1]
    assert "at 570.0 nm" in panel.histogram.plot.getAxis("bottom").labelText
    assert panel.rows[0]["pixels"] == str(counts[0]) and len(panel.rows) == 64


def test_integrals_of_all_marks_with_their_limits(opened: App, qtbot: QtBot) -> None:
    field = Limited(0.2 + smooth_cube(60, 80), BANDS, Quantity.REFLECTANCE)
    opened.document.set_field(field, 1, opened.document.levels, opened.document.photograph)
    opened.document.mark_set.add(ELLIPSE)
    opened.document.add_pin(5, 6)
    opened.statistics.open()
    opened.statistics.set_interval((452.0, 611.0))
    panel = opened.statistics.panel
    panel.tabs.setCurrentWidget(panel.integrals)
    qtbot.waitUntil(lambda: len(panel.rows) == 2)
    settled(opened, qtbot)
    dense = np.linspace(452, 611, 20_001)
    for row, place in zip(panel.rows, (ELLIPSE, (5, 6)), strict=True):
        spectrum = opened.document.curves[place].spectrum
        area = simpson(np.interp(dense, spectrum.wavelengths.nm, spectrum.values), x=dense)
        assert float(row["integral"]) == pytest.approx(area, rel=1e-4)
        assert float(row["mean"]) == pytest.approx(area / 159, rel=1e-4)
    region, pin = panel.rows
    assert region["90 % low"] == region["90 % high"] == ""
    assert float(pin["90 % low"]) == pytest.approx(0.5 * float(pin["integral"]), rel=1e-4)
    assert float(pin["90 % high"]) == pytest.approx(1.5 * float(pin["integral"]), rel=1e-4)
    opened.document.mark_set.remove(1)
    qtbot.waitUntil(lambda: len(panel.rows) == 1)
    assert panel.rows[0]["mark"] == "pin 2"


def test_the_panel_says_that_the_uncertainty_of_a_reconstruction_is_not_included(shown: App, qtbot: QtBot) -> None:
    assert "The uncertainty of the reconstruction is not included." in shown.statistics.panel.words.text()
    measured = CubeField(smooth_cube(60, 80), BANDS, Quantity.REFLECTANCE)
    shown.document.set_field(measured, 1, (0.0, 1.0))
    settled(shown, qtbot)
    words = shown.statistics.panel.words.text()
    assert words.startswith("Ellipse 1: ") and "reconstruction" not in words


def test_what_is_visible_is_copied_and_exported(
    shown: App, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel, path = shown.statistics.panel, tmp_path / "statistics.csv"
    panel.copy.click()
    lines = QGuiApplication.clipboard().text().split("\n")
    assert lines[0].split("\t")[:3] == ["nm", "mean", "SD"] and len(lines) == 33
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    shown.window.actions_by_name["export_statistics"].trigger()
    qtbot.waitUntil(lambda: "Wrote" in shown.window.messages.text.text())
    rows = read_table(path, ["nm", "mean", "median"])
    assert [dict(row) for row in rows] == [dict(row) for row in panel.rows]
    text = path.read_text(encoding="utf-8")
    assert "# statistics_of: Ellipse 1:" in text and "# wavelengths: 400-700 nm" in text and "# rests_on:" in text


def test_a_mark_that_is_renamed_has_its_new_name(shown: App, qtbot: QtBot) -> None:
    panel, before = shown.statistics.panel, shown.statistics.panel.words.text()
    shown.document.mark_set.edit(1, name="leaf")
    settled(shown, qtbot)
    assert before.startswith("Ellipse 1: ") and panel.words.text() == before.replace("Ellipse 1", "Leaf")


def test_a_tab_without_a_field_has_no_integrals(shown: App, photograph: Path, engine: FakeEngine, qtbot: QtBot) -> None:
    panel = shown.statistics.panel
    panel.tabs.setCurrentWidget(panel.integrals)
    assert len(panel.rows) == 1
    engine.gate.clear()
    shown.files.open(photograph, beside=True)
    qtbot.waitUntil(lambda: len(shown.workspace.documents) == 2)
    assert panel.rows == [] and panel.integrals.rowCount() == 0
    shown.workspace.show(0)
    qtbot.waitUntil(lambda: len(panel.rows) == 1)
    engine.gate.set()


def test_export_without_a_table_shows_the_panel(opened: App) -> None:
    opened.window.actions_by_name["export_statistics"].trigger()
    assert opened.statistics.panel.isVisible()


def test_nothing_is_computed_while_the_panel_is_hidden(opened: App, qtbot: QtBot) -> None:
    begun: list[Task] = []
    opened.worker.progressed.connect(lambda task, fraction: begun.append(task) if fraction == 0 else None)
    opened.document.mark_set.add(ELLIPSE)
    opened.document.set_wavelength(600)
    settled(opened, qtbot)
    assert not {Task.STATISTICS, Task.HISTOGRAM, Task.INTEGRALS} & set(begun)
    assert not opened.statistics.marker.item.isVisible()
    opened.statistics.open()
    settled(opened, qtbot)
    assert {Task.STATISTICS, Task.HISTOGRAM, Task.INTEGRALS} <= set(begun)
    assert begun.count(Task.STATISTICS) == 1
    opened.statistics.dock.hide()
    assert not opened.statistics.marker.item.isVisible()


class GatedField(CubeField):
    """A field whose blocks wait for a gate, for ten seconds at most."""

    gate = threading.Event()

    def blocks(self, *args, **kwargs):
        self.gate.wait(10)
        return super().blocks(*args, **kwargs)


def test_cancelled_statistics_say_so_and_the_key_starts_them_again(
    opened: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GatedField, "gate", threading.Event())
    opened.document.set_field(GatedField(smooth_cube(60, 80), BANDS), 1, (0.0, 1.0))
    opened.document.set_statistics(StatisticsSettings(Scope.IMAGE))
    opened.statistics.open()
    assert opened.worker.is_busy(Task.STATISTICS)
    assert opened.statistics.panel.words.text() == "Whole image: …"
    opened.worker.cancel(Task.STATISTICS)
    GatedField.gate.set()
    assert opened.statistics.panel.words.text() == "Whole image: cancelled. Press K to compute the statistics."
    QTest.keyClick(opened.window, Qt.Key.Key_K)
    settled(opened, qtbot)
    assert opened.statistics.panel.words.text().startswith("Whole image: 4,800 pixels.")


def test_late_statistics_of_another_region_are_dropped(shown: App, qtbot: QtBot) -> None:
    before = shown.statistics.panel.rows
    assert shown.document.field is not None
    late = StatisticsRequest(shown.document.field, Region.rectangle(0, 0, 2, 2), (400.0, 700.0))
    shown.statistics._take_statistics(late, ValueError("late"))
    assert shown.statistics.panel.rows == before and "late" not in shown.statistics.panel.words.text()


def test_a_single_band_has_no_integrals(opened: App, qtbot: QtBot) -> None:
    field = CubeField(smooth_cube(60, 80)[:1], Wavelengths(BANDS.nm[:1]), Quantity.REFLECTANCE)
    opened.document.set_field(field, 1, opened.document.levels, opened.document.photograph)
    opened.document.add_pin(5, 6)
    opened.statistics.open()
    settled(opened, qtbot)
    assert opened.statistics.panel._rows[opened.statistics.panel.integrals] == []
    assert not opened.window.messages.isVisible()


def test_late_histograms_and_integrals_are_dropped(shown: App) -> None:
    """Of another region or wavelength, and of another interval."""
    panel, field = shown.statistics.panel, shown.document.field
    assert field is not None
    before = {table: panel._rows[table] for table in (panel.histogram, panel.integrals)}
    nm, late = shown.document.nm, (np.array([7, 7]), np.array([0.0, 1.0, 2.0]))
    for request in (HistogramRequest(field, ELLIPSE, nm + 1), HistogramRequest(field, None, nm)):
        shown.statistics._take_histogram(request, late)
    integrals = IntegralsRequest(shown.document.curves, (500.0, 510.0))
    shown.statistics._take_integrals(integrals, {mark.place: Integral(123.0) for mark in shown.document.marks})
    assert {table: panel._rows[table] for table in before} == before


def test_an_interval_that_is_dragged_ends_with_the_image(app: App, qtbot: QtBot) -> None:
    """Its edges are whole nanometres, those of this cube are not."""
    bands = Wavelengths.from_step(400.4, 699.8, 9.98)
    app.document.open_cube("scene", CubeField(smooth_cube(30, 40)[: len(bands)], bands), (0.0, 1.0))
    app.document.add_pin(3, 4)
    app.window.actions_by_name["statistics"].trigger()
    settled(app, qtbot)
    marker = app.statistics.marker
    marker.item.setRegion((400.4, 600.0))
    low, high = app.document.wavelength_range
    assert app.document.statistics.range_in((low, high)) == (low, 600.0) and low > 400
    marker.item.setRegion((450.0, high))
    settled(app, qtbot)
    assert app.document.statistics.range_in((low, high)) == (450.0, pytest.approx(high, abs=0.5))
    row = dict(app.statistics.panel._rows[app.statistics.panel.integrals][0])
    nodes = np.unique([450.0, *bands.nm[bands.nm > 450]])
    values = np.interp(nodes, bands.nm, smooth_cube(30, 40)[: len(bands), 3, 4])
    assert float(row["integral"]) == pytest.approx(np.trapezoid(values, nodes), rel=1e-3)
    assert not app.window.messages.isVisible()


def test_a_region_without_pixels_is_told_in_the_panel(shown: App, qtbot: QtBot) -> None:
    values = smooth_cube(60, 80)
    values[:, 10:40, 20:60] = np.nan
    shown.document.set_field(CubeField(values, BANDS), 1, (0.0, 1.0))
    settled(shown, qtbot)
    text = shown.statistics.panel.words.text()
    assert text == "Ellipse 1: no pixel has a value at all wavelengths; choose another region or range."
    assert shown.statistics.panel.rows == () and not shown.window.messages.isVisible()


def test_settings_are_in_sessions_and_new_tabs_and_older_sessions_have_none(shown: App, tmp_path: Path) -> None:
    chosen = StatisticsSettings(Scope.IMAGE, (450.0, 600.0))
    shown.document.set_statistics(chosen)
    path = tmp_path / "work.nesr"
    write_session(path, SessionData.of(shown.document, None))
    assert read_session(path, MODES).statistics == chosen
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"nesr_session": 4', '"nesr_session": 3').replace('"statistics"', '"other"'))
    assert read_session(path, MODES).statistics == StatisticsSettings()
    shown.workspace.make_room(beside=True)
    assert shown.document.statistics == chosen
    assert chosen.range_in((500, 900)) == (500, 600) and chosen.range_in((700, 900)) == (700, 900)
    with pytest.raises(ValueError, match="wavelengths cannot run from 600 to 450 nm"):
        StatisticsSettings(within=(600, 450))
