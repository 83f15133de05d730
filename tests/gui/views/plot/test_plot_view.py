"""The plot: bands, key, names, symbols, axes, and the values at all bands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QActionGroup, QColor, QImage, QPainter, QPainterPath
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.app import App
from nesr_gui.gui.drawing.labels import spread_out
from nesr_gui.gui.drawing.spectra import paint_spread
from nesr_gui.gui.drawing.ticks import log_ticks
from nesr_gui.gui.model.marks import MarkSpectrum, new_mark
from nesr_gui.gui.model.plot_settings import Kind, PlotAxes, PlotContent, SpreadKind, Spreads
from nesr_gui.gui.views.dialogs.simple import AxisLimitsDialog
from nesr_gui.gui.views.plot.plot_view import PlotView
from nesr_gui.regions import Region
from nesr_gui.spectral import Quantity, Spectrum, Wavelengths
from tests.gui.conftest import BANDS, Limited, smooth_cube

FINE = Wavelengths.from_step(400, 700, 1)


def content(count: int = 3, **settings: object) -> PlotContent:
    """Pins with rising curves, a truth and a wide interval; the second pin has a standard deviation instead."""
    marks, curves = [], {}
    for number in range(1, count + 1):
        marks.append(new_mark((number, number), [mark.number for mark in marks]))
        values = np.linspace(0.1, 0.2 + 0.6 * number / count, 301, dtype=np.float32)
        known = {"deviation": np.full(301, 0.05, np.float32)} if number == 2 else {
            "interval": np.stack([values - 0.5, values + 0.5])
        }  # fmt: skip
        curves[(number, number)] = MarkSpectrum(Spectrum(FINE, values), Spectrum(FINE, values * 0.9), **known)
    return PlotContent(marks, curves, active=1, **settings)  # type: ignore[arg-type]


@pytest.fixture
def plot(qtbot: QtBot) -> Iterator[PlotView]:
    window = QWidget()  # pyqtgraph crashes if its own widget is closed as a window
    made = PlotView(window)
    qtbot.addWidget(window)
    made.resize(520, 320)
    window.show()
    qtbot.waitExposed(window)
    yield made


@pytest.mark.parametrize("height", [190, 320, 700])
def test_the_wavelength_beside_the_line_is_never_cut_off(plot: PlotView, height: int) -> None:
    plot.resize(520, height)
    QApplication.processEvents()
    box = plot.line.getViewBox()
    assert box.sceneBoundingRect().contains(plot.tag.mapToScene(plot.tag.boundingRect()).boundingRect().center())
    text = plot.tag.textItem.mapToScene(plot.tag.textItem.boundingRect()).boundingRect()
    assert text.top() >= box.sceneBoundingRect().top() - 0.5 and text.height() > 10


def test_there_is_a_grid_line_at_each_label(plot: PlotView) -> None:
    def lines() -> tuple[set[float], set[float]]:
        path = plot.grid.path()
        ends = [(path.elementAt(at).x, path.elementAt(at).y) for at in range(path.elementCount())]
        pairs = list(zip(ends[::2], ends[1::2], strict=True))
        return {a[0] for a, b in pairs if a[0] == b[0]}, {a[1] for a, b in pairs if a[1] == b[1]}

    plot.show_curves(content())
    for nm in ((400, 700), (500, 520)):
        plot.box.setXRange(*nm, padding=0)
        (low, high), (bottom, top) = plot.box.viewRange()
        size = plot.box.rect()
        for side, found, between in (("bottom", lines()[0], (low, high, size.width())),
                                     ("left", lines()[1], (bottom, top, size.height()))):  # fmt: skip
            labels = plot.plot.getAxis(side).tickValues(*between)[0][1]
            assert len(labels) > 1 and sorted(found) == pytest.approx(labels)


def test_only_the_band_of_the_active_mark_is_drawn(plot: PlotView) -> None:
    for settings, shown in (
        ({}, {1}), ({"spreads": Spreads.ALL}, {1, 2, 3}), ({"spreads": Spreads.NONE}, set()),
    ):  # fmt: skip
        plot.show_curves(content(**settings))
        assert set(plot.layer.bands) == shown
    plot.show_curves(replace(content(), active=2))
    assert set(plot.layer.bands) == {2} and plot.layer.bands[2].kind is SpreadKind.DEVIATION


def test_the_axis_fits_the_curves_and_not_their_bands(plot: PlotView) -> None:
    plot.show_curves(content())
    low, high = plot.box.viewRange()[1]
    assert low == 0 and high == pytest.approx(0.8 * 1.12), "the interval reaches from -0.4 to 1.3"


def test_an_interval_and_a_standard_deviation_look_different(qapp: object) -> None:
    pictures = []
    for kind in SpreadKind:
        image, outline = QImage(60, 40, QImage.Format.Format_RGB32), QPainterPath()
        image.fill(Qt.GlobalColor.white)
        outline.addRect(5, 5, 50, 30)
        painter = QPainter(image)
        paint_spread(painter, outline, kind, "#c00000", outline.boundingRect())
        painter.end()
        row = {image.pixelColor(x, 20).name() for x in range(10, 50)}
        pictures.append(row)
        assert image.pixelColor(2, 2) == QColor("white")
    assert len(pictures[0]) == 1 and "#ffffff" not in pictures[0], "the interval is filled"
    assert len(pictures[1]) > 1 and "#ffffff" in pictures[1], "the deviation is hatched"


def test_the_key_explains_what_is_shown_and_nothing_else(plot: PlotView) -> None:
    def key(plotted: PlotContent) -> list[str]:
        plot.show_curves(plotted)
        assert len(plot.key.fitting()) == len(plot.key.entries)
        return [text for _, _, text in plot.key.fitting()]

    plot.resize(600, 300)
    assert key(content()) == ["estimated", "measured", "90 % prediction interval"]
    assert key(replace(content(), active=2)) == ["estimated", "measured", "± standard deviation"]
    assert key(content(truth=False, spreads=Spreads.NONE)) == ["estimated"]
    assert key(content(truth=False, spreads=Spreads.NONE, is_estimated=False)) == ["measured"]
    assert key(PlotContent()) == []
    plot.resize(320, 300)
    assert key(content()) == ["estimated", "measured", "90 % interval"], "also in a narrow panel"
    assert plot.key.accessibleDescription() == "estimated, measured, 90 % prediction interval"


def test_the_key_of_a_cube_does_not_call_its_curves_estimated(app: App, qtbot: QtBot) -> None:
    app.document.open_cube("c", CubeField(smooth_cube(20, 30), BANDS, Quantity.REFLECTANCE), (0.0, 1.0))
    app.document.add_pin(3, 4)
    qtbot.waitUntil(lambda: bool(app.window.plot.layer.curves))
    assert app.window.plot.key.entries == [(Kind.CURVE, "measured")]


def test_symbols_are_at_the_ends_of_the_visible_lines(plot: PlotView) -> None:
    plot.show_curves(content())
    spots = plot.layer.symbols.spots
    assert len(spots) == 6
    assert sorted({round(spot.x, 1) for spot in spots}) == [404.5, 695.5]
    plot.box.setXRange(500, 600, padding=0)
    assert sorted({round(spot.x, 1) for spot in plot.layer.symbols.spots}) == [501.5, 598.5]


def test_curves_are_named_at_their_ends_where_there_is_room(plot: PlotView) -> None:
    plot.show_curves(content())
    placed = plot.names.placed()
    assert [line.name for line, _ in placed] == ["pin 1", "pin 2", "pin 3"] and plot.names.room > 20
    heights = [y for _, y in placed]
    assert heights == sorted(heights, reverse=True), "in the order of the curves"
    for (_, y), (_, value) in zip(placed, plot.layer.ends(), strict=True):
        (low, high), size = plot.box.viewRange()[1], plot.box.rect().height()
        assert y == pytest.approx(size * (high - value) / (high - low), abs=20)
    plot.show_curves(content(40))
    assert [line.name for line, _ in plot.names.placed()] == ["pin 1"], "only the active one among too many"
    plot.resize(330, 300)
    assert plot.names.room == 0, "the curves need the space"


def test_labels_are_moved_apart_as_little_as_possible() -> None:
    assert spread_out([50.0, 20.0], 10, 0, 100) == [50, 20]
    for count in range(2, 60):  # exactly as many as fit, whatever the rounding
        assert len(spread_out([50.0] * count, (97.3 - 1.1) / count, 1.1, 97.3) or ()) == count
    assert spread_out([50.0, 50.0], 10, 0, 100) == [45, 55]
    assert spread_out([1.0, 2.0, 99.0], 10, 0, 100) == [5, 15, 95]
    assert spread_out([1.0] * 11, 10, 0, 100) is None and spread_out([], 10, 0, 100) == []
    rng = np.random.default_rng(0)
    for _ in range(50):
        wanted = rng.uniform(0, 100, 8).tolist()
        placed = np.array(spread_out(wanted, 10, 0, 100))
        order = np.argsort(wanted)
        assert (np.diff(placed[order]) >= 10 - 1e-9).all() and placed.min() >= 5 and placed.max() <= 95 + 1e-9


def test_a_logarithmic_axis_shows_logarithms(plot: PlotView) -> None:
    plotted = content(axes=PlotAxes(is_logarithmic=True))
    plot.show_curves(plotted)
    np.testing.assert_allclose(10 ** plot.layer.curves[1].y, plotted.values(plotted.curves[(1, 1)].spectrum), rtol=1e-5)
    low, high = plot.box.viewRange()[1]
    assert (10**low, 10**high) == pytest.approx((0.09 / 1.12, 0.8 * 1.12), rel=1e-3)
    axis = plot.plot.getAxis("left")
    ((_, ticks),) = axis.tickValues(low, high, 300)
    assert axis.tickStrings(ticks, 1, 1) == ["0.1", "0.2", "0.5"]
    plot.show_readouts(500.0, {1: 0.25})
    spot = next(spot for spot in plot.layer.dots.spots if spot.mark.number == 1)
    assert spot.y == pytest.approx(np.log10(0.25))
    values = dict((name, value) for _, name, value in plot.layer.readout(700.0))
    assert values["pin 1"] == pytest.approx(0.4), "the readout shows values, not logarithms"
    assert set(plot.layer.bands) == {1}, "although the lower edge of its interval has no logarithm"
    assert plot.layer.bands[1].outline.boundingRect().width() == pytest.approx(300)


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [(0.01, 1.0, [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]), (1e-6, 1e6, [1e-6, 1e-4, 1e-2, 1.0, 1e2, 1e4, 1e6])],
)
def test_logarithmic_ticks(low: float, high: float, wanted: list[float]) -> None:
    assert log_ticks(low, high, 7) == pytest.approx(wanted)


def test_limits_by_hand_hold_until_they_are_automatic_again(opened: App, qtbot: QtBot) -> None:
    opened.document.add_pin(3, 4)
    qtbot.waitUntil(lambda: bool(opened.document.curves))
    plot, toolbar = opened.window.plot, opened.window.plot_toolbar
    automatic = plot.box.viewRange()
    toolbar.limits_requested.emit()
    dialog = opened.window.findChild(AxisLimitsDialog)
    assert dialog.nm.automatic.isChecked() and not dialog.nm.low.isEnabled()
    for row, limits in ((dialog.nm, (450, 600)), (dialog.values, (0.25, 0.5))):
        row.automatic.setChecked(False)
        row.low.setValue(limits[1])
        assert not dialog.accept_button.isEnabled() or row.high.value() > limits[1]
        row.low.setValue(limits[0])
        row.high.setValue(limits[1])
    dialog.accept()
    assert opened.document.plot_settings.axes == PlotAxes(False, (450.0, 600.0), (0.25, 0.5))
    np.testing.assert_allclose(plot.box.viewRange(), [(450, 600), (0.25, 0.5)])
    plot.box.setXRange(500, 510)
    plot.box.double_clicked.emit()
    np.testing.assert_allclose(plot.box.viewRange(), [(450, 600), (0.25, 0.5)])
    opened.spectra.set_axes(PlotAxes())
    np.testing.assert_allclose(plot.box.viewRange(), automatic)


def test_the_menu_of_the_toolbar_sets_scale_and_bands(opened: App) -> None:
    toolbar = opened.window.plot_toolbar
    opened.spectra.set_axes(PlotAxes(value_limits=(0.0, 1.0)))

    def choose(text: str) -> None:
        toolbar.display_menu.aboutToShow.emit()
        next(action for action in toolbar.display_menu.actions() if action.text() == text).trigger()

    choose("Logarithmic values")
    assert opened.document.plot_settings.axes == PlotAxes(True), "0 has no logarithm"
    choose("All marks")
    assert opened.document.plot_settings.spreads is Spreads.ALL
    choose("Logarithmic values")
    assert not opened.document.plot_settings.axes.is_logarithmic
    toolbar.display_menu.aboutToShow.emit()
    checked = [action.text() for action in toolbar.display_menu.actions() if action.isChecked()]
    assert checked == ["All marks"]


@pytest.mark.parametrize(
    "wrong", [{"nm_limits": (500.0, 500.0)}, {"value_limits": (1.0, 0.0)},
              {"is_logarithmic": True, "value_limits": (0.0, 1.0)}],
)  # fmt: skip
def test_axes_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="cannot"):
        PlotAxes(**wrong)  # type: ignore[arg-type]


def test_limits_of_another_image_are_ignored_where_nothing_would_be_seen() -> None:
    axes = PlotAxes(nm_limits=(450.0, 500.0))
    assert axes.nm_range((400.0, 700.0)) == (450, 500) and axes.nm_range((1000.0, 2500.0)) == (1000, 2500)
    assert axes.nm_range((480.0, 700.0)) == (480, 500) and PlotAxes().nm_range((550.0, 550.0)) == (549.5, 550.5)


def test_the_values_at_all_bands_are_those_of_the_field(app: App, qtbot: QtBot) -> None:
    odd = Wavelengths(np.linspace(400.3, 699.7, 31))
    field = Limited(smooth_cube(20, 30), odd, Quantity.REFLECTANCE)
    app.document.open_cube("c", field, (0.0, 1.0))
    action = app.window.actions_by_name["band_values"]
    assert not action.isEnabled()
    app.document.add_pin(3, 4)
    app.document.mark_set.add(Region.rectangle(5, 5, 9, 9))
    app.document.mark_set.set_active(1)
    menu = app.window.plot_toolbar.display_menu
    menu.aboutToShow.emit()
    next(entry for entry in menu.actions() if entry.text() == "Values at all bands…").trigger()
    dialog = app.band_values.dialog
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.table.rowCount() == 31)
    dialog.copy.click()
    rows = [line.split("\t") for line in QApplication.clipboard().text().splitlines()]
    assert rows[0] == ["nm", "value", "90 % low", "90 % high"]
    numbers = np.array(rows[1:], float)
    np.testing.assert_allclose(numbers[:, 0], odd.nm, rtol=1e-5)
    np.testing.assert_allclose(numbers[:, 1], field.spectra([(3, 4)], odd)[0], rtol=1e-5)
    np.testing.assert_allclose(numbers[:, 2], 0.5 * numbers[:, 1], rtol=1e-4)
    dialog.table.selectRow(2)
    dialog.copy.click()
    assert len(QApplication.clipboard().text().splitlines()) == 2, "titles and the selected row"
    app.document.mark_set.set_active(2)
    qtbot.waitUntil(lambda: "rectangle 2" in dialog.heading.text() and dialog.table.rowCount() == 31)
    mean = field.cube(odd, rows=slice(5, 9), cols=slice(5, 9)).values.mean((1, 2))
    assert float(dialog.table.item(7, 1).text()) == pytest.approx(mean[7], rel=1e-5)
    app.document.mark_set.remove(*range(1, 100))
    assert dialog.table.rowCount() == 0 and "click a pixel" in dialog.heading.text() and not dialog.copy.isEnabled()
    dialog.close()
    assert app.band_values.dialog is None


def test_the_wavelengths_at_both_ends_are_labelled(opened: App, qtbot: QtBot) -> None:
    plot = opened.window.plot
    pixmap = plot.grab()
    painter = QPainter(pixmap)
    labels = {text for _, _, text in plot.plot.getAxis("bottom").generateDrawSpecs(painter)[2]}
    painter.end()
    assert {"400", "700"} <= labels


def test_a_menu_that_is_filled_again_keeps_no_group_of_before(opened: App, qapp: QApplication) -> None:
    menu = opened.window.plot_toolbar.display_menu
    for _ in range(3):
        menu.aboutToShow.emit()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    assert len(menu.findChildren(QActionGroup)) == 1
