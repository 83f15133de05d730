"""The values at the wavelength: of pins and regions, in the table and on the curves, and never those of another one."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.app import App
from nesr_gui.gui.model.marks import Readout
from nesr_gui.gui.model.truth import MeasuredCube
from nesr_gui.gui.views.mark_table import MEASURED, VALUE
from nesr_gui.regions import Region
from nesr_gui.spectral import Quantity, Wavelengths

PEAK = 553.5  # nm, between the samples of a curve
REGION = Region.rectangle(2, 3, 9, 8)


@pytest.fixture
def peaked(app: App, qtbot: QtBot) -> App:
    """A cube with a band between two samples of its curves, a pin and a region."""
    values = np.random.default_rng(0).random((3, 12, 10), np.float32)
    cube = CubeField(values * np.float32([[[0.1]], [[1]], [[0.2]]]), Wavelengths([400, PEAK, 700]), Quantity.RADIANCE)
    app.document.open_cube("peaked.h5", cube, (0.0, 1.0))
    app.document.mark_set.add((4, 5))
    app.document.mark_set.add(REGION)
    qtbot.waitUntil(lambda: is_known(app))
    return app


def is_known(app: App) -> bool:
    return all(app.document.readout(mark) for mark in app.document.marks) and not app.worker._newest


def cells(app: App, column: int = VALUE) -> list[str]:
    table = app.window.table
    return [table.item(row, column).text() for row in range(table.rowCount())]


def heading(app: App) -> str:
    return app.window.table.horizontalHeaderItem(VALUE).text()


def test_the_value_of_a_region_is_the_mean_of_the_answers_at_exactly_the_wavelength(peaked: App, qtbot: QtBot) -> None:
    for nm in (PEAK, 553.4, 612.0):
        peaked.document.set_wavelength(nm)
        qtbot.waitUntil(lambda: is_known(peaked))
        assert peaked.document.field is not None
        expected = peaked.document.field.band(nm)[2:9, 3:8].mean()
        assert peaked.document.readouts[REGION].value == pytest.approx(float(expected), rel=1e-6)
        assert cells(peaked)[1] == f"{expected:.4f}" and heading(peaked) == f"At {nm:.1f} nm"


def test_values_wait_for_their_wavelength(peaked: App, qtbot: QtBot) -> None:
    document, before, shown = peaked.document, dict(peaked.document.readouts), cells(peaked)
    assert heading(peaked) == "At 550.0 nm" and "…" not in shown
    document.set_wavelength(612.0)
    assert heading(peaked) == "At 550.0 nm" and cells(peaked) == shown, "they do not blink"
    document.set_readouts(550.0, before)  # late
    assert document.readouts == {}
    spots = {spot.mark.number: spot for spot in peaked.window.plot.layer.dots.spots}
    assert {number: spot.x for number, spot in spots.items()} == {1: 612, 2: 612}, "the signs are there already"
    curve = document.curves[4, 5].spectrum
    assert spots[1].y == pytest.approx(np.interp(612, curve.wavelengths.nm, curve.values), rel=1e-5)
    qtbot.waitUntil(lambda: is_known(peaked))
    assert heading(peaked) == "At 612.0 nm" and "…" not in cells(peaked) and cells(peaked) != shown


@pytest.mark.parametrize("what", ["marks", "field"])
def test_no_value_of_another_mark_or_field_waits(peaked: App, qtbot: QtBot, what: str) -> None:
    document = peaked.document
    document.set_wavelength(612.0)
    if what == "marks":
        document.mark_set.remove(document.marks[0].number)
    else:
        assert isinstance(document.field, CubeField)
        document.set_truth(MeasuredCube(document.field, "measured", is_chosen=True))
    assert heading(peaked) == "At 612.0 nm" and set(cells(peaked)) == {"…"}
    qtbot.waitUntil(lambda: is_known(peaked))
    assert "…" not in cells(peaked)


def test_the_measured_column_does_not_blink(opened: App, qtbot: QtBot) -> None:
    opened.document.add_pin(3, 4)
    qtbot.waitUntil(lambda: is_known(opened))
    table = opened.window.table
    assert table.isColumnHidden(MEASURED)
    table.show_readouts(550.0, {1: Readout(0.5, 0.25)})
    assert not table.isColumnHidden(MEASURED) and cells(opened, MEASURED) == ["0.2500"]
    table.show_readouts(551.0, {})
    assert not table.isColumnHidden(MEASURED) and cells(opened, MEASURED) == [""]


def test_a_click_on_a_sign_picks_the_wavelength_there(peaked: App, qtbot: QtBot) -> None:
    plot = peaked.window.plot
    peaked.document.set_wavelength(612.0)
    qtbot.waitUntil(lambda: is_known(peaked))
    spot = plot.layer.symbols.spots[0]
    at = plot.box.mapViewToScene(QPointF(spot.x, spot.y))
    QTest.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(round(at.x()), round(at.y())))
    assert peaked.document.nm == pytest.approx(spot.x, abs=1.5)
