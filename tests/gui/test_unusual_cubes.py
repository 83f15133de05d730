"""Cubes of a single row, column or pixel are seen, and values of 1e-7 are read with all their digits."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.app import App
from nesr_gui.gui.drawing import theme
from nesr_gui.gui.model.plot_settings import Normalise, Transform
from nesr_gui.gui.view_modes.similarity import angles
from nesr_gui.gui.views.dialogs.simple import AxisLimitsDialog
from nesr_gui.gui.views.image.layers import value_text
from nesr_gui.gui.views.mark_table import MEASURED, VALUE
from nesr_gui.spectral import Quantity, Spectrum
from tests.gui.conftest import BANDS, smooth_cube
from tests.gui.controllers.test_view_settings import exact, shown

RADIANCE = (2.7e-7 * smooth_cube(20, 24)).astype(np.float32)


@pytest.fixture
def dim(app: App, qtbot: QtBot) -> App:
    """A radiance of the order of 1e-7 with its truth, in *Band*, and a pin."""
    field = CubeField(RADIANCE, BANDS, Quantity.RADIANCE)
    app.document.open_cube("cube.h5", field, (0.0, float(RADIANCE.max())))
    app.document.truth = CubeField(0.9 * RADIANCE, BANDS)
    app.document.add_pin(12, 17)
    app.view.show_mode("band")
    qtbot.waitUntil(lambda: exact(app, "band")() and (12, 17) in app.document.readouts and bool(app.document.curves))
    return app


@pytest.mark.parametrize("shape", [(1, 60), (60, 1), (1, 1)])
def test_a_cube_of_one_row_or_column_is_seen(app: App, qtbot: QtBot, shape: tuple[int, int]) -> None:
    bright = CubeField(np.full((len(BANDS), *shape), 0.9, np.float32), BANDS, Quantity.REFLECTANCE)
    app.document.open_cube("cube.h5", bright, (0.0, 1.0))
    app.view.show_mode("band")
    qtbot.waitUntil(exact(app, "band"))
    assert shown(app).painted.shape == shape
    image = app.window.image
    app.window.hints.hide()
    QApplication.processEvents()
    grabbed = image.viewport().grab().toImage()
    for row, col in ((0, 0), (shape[0] - 1, shape[1] - 1)):
        at = image.position_of(row, col).toPoint()
        around = {grabbed.pixelColor(at.x() + dx, at.y() + dy).red() for dx in (-1, 0, 1) for dy in (-1, 0, 1)}
        assert max(around) > theme.SURROUND.red() + 60, (row, col)
    app.document.add_pin(0, 0)
    qtbot.waitUntil(lambda: (0, 0) in app.document.curves)


def test_table_status_and_pixels_show_all_digits(dim: App, qtbot: QtBot) -> None:
    value = float(CubeField(RADIANCE, BANDS).band(dim.document.nm)[12, 17])
    table = dim.window.table
    assert float(table.item(0, VALUE).text()) == pytest.approx(value, rel=1e-3)
    assert float(table.item(0, MEASURED).text()) == pytest.approx(0.9 * value, rel=1e-3)
    metrics = table.fontMetrics()
    for column in (VALUE, MEASURED):
        assert metrics.horizontalAdvance(table.item(0, column).text()) + 12 <= table.columnWidth(column)
    dim.document.set_hover((12, 17))
    qtbot.waitUntil(lambda: "row 12" in dim.window.status.where.text() and " at " in dim.window.status.where.text())
    stated = dim.window.status.where.text().partition(" at ")[0].rpartition("·")[2]
    assert float(stated) == pytest.approx(value, rel=1e-3)
    assert float(value_text(np.float32(value))) == pytest.approx(value, rel=1e-2)
    assert value_text(np.float32(0.0)) == "0.000" and value_text(np.float32(0.5)) == "0.500"


def test_the_limits_of_the_colour_bar_are_shown_and_typed(dim: App, qtbot: QtBot) -> None:
    bar, high = dim.window.panes.bars[0], float(RADIANCE.max())
    assert float(bar.high.text()) == pytest.approx(high, rel=1e-3) and bar.low.value() == 0
    bar.high.setValue(1.25e-7)
    assert dim.document.view_settings.levels["band"] == (0.0, 1.25e-7)
    bar.high.stepUp()
    assert dim.document.view_settings.levels["band"][1] == pytest.approx(1.25e-7 * 1.02, rel=1e-3)
    bar.auto.click()
    low, above = dim.document.view_settings.levels["band"]
    assert 0 <= low < above <= high * 1.001


def test_similarity_and_normalised_curves_do_not_depend_on_the_magnitude(dim: App, qtbot: QtBot) -> None:
    dim.view.show_mode("similarity")
    qtbot.waitUntil(exact(dim, "similarity"))
    painted = shown(dim).painted
    bright = RADIANCE / np.float32(2.7e-7)
    np.testing.assert_allclose(painted, angles(bright, bright[:, 12, 17][:, None, None]), atol=0.05)
    spectrum = dim.document.curves[(12, 17)].spectrum
    for normalise in (Normalise.MAXIMUM, Normalise.AREA, Normalise.AT_WAVELENGTH):
        tiny = Spectrum(spectrum.wavelengths, spectrum.values * np.float32(1e-5))
        values = [Transform(normalise).apply(each, 550.0, None) for each in (spectrum, tiny)]
        np.testing.assert_allclose(*values, rtol=1e-5)


def test_axes_and_their_dialog_show_all_digits(dim: App, qtbot: QtBot) -> None:
    axis = dim.window.plot.plot.getAxis("left")
    (low, high), size = dim.window.plot.box.viewRange()[1], 300
    (spacing, values), *_ = axis.tickValues(low, high, size)
    texts = axis.tickStrings(values, 1.0, spacing)
    assert len(set(texts)) == len(values) >= 3
    assert [float(text) for text in texts] == pytest.approx(values, rel=1e-6, abs=1e-20)
    dim.spectra.choose_limits()
    dialog = dim.window.findChild(AxisLimitsDialog)
    assert float(dialog.values.high.text()) == pytest.approx(high, rel=1e-4)
    dialog.values.automatic.setChecked(False)
    dialog.values.high.setValue(3e-7)
    assert dialog.axes_chosen().value_limits == (dialog.values.low.value(), 3e-7)
    dialog.reject()


def test_the_crosshair_shows_all_digits(dim: App) -> None:
    plot = dim.window.plot
    at = plot.box.mapViewToScene(QPointF(550.0, 0.0))
    plot.crosshair.follow(at)
    number = plot.crosshair.label.text().partition("</span> ")[2].partition(" &nbsp;")[0]
    curve = dim.document.curves[(12, 17)].spectrum
    expected = float(np.interp(550.0, curve.wavelengths.nm, curve.values))
    assert float(number) == pytest.approx(expected, rel=1e-2)
