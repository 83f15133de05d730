"""Continuum removal in the window: the key, the plot, the table of absorption bands, and their intervals."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import spectral
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from nesr_gui.analysis.abstention import patterns
from nesr_gui.analysis.continuum import remove_continuum
from nesr_gui.gui.app import App
from nesr_gui.gui.figures.spectra import Figure, FigureStyle, preview
from nesr_gui.gui.model.marks import Absorption
from nesr_gui.gui.model.plot_settings import Kind, Transform
from nesr_gui.gui.model.session_file import SessionData, read_session, write_session
from nesr_gui.gui.tasks.spectra import AbsorptionQuery
from nesr_gui.gui.view_modes import MODES
from nesr_gui.gui.views.mark_table import BAND, BAND_DEPTH, BAND_WIDTH
from nesr_gui.regions import Region
from nesr_gui.spectral import Quantity
from tests.gui.conftest import BANDS, Limited, smooth_cube

COLUMNS = (BAND_DEPTH, BAND, BAND_WIDTH)


@pytest.fixture
def calibrated(opened: App, qtbot: QtBot) -> App:
    """A window with a field that has prediction intervals, a pin and a region."""
    field = Limited(0.2 + smooth_cube(60, 80), BANDS, Quantity.REFLECTANCE)
    opened.document.set_field(field, 1, opened.document.levels, opened.document.photograph)
    opened.document.add_pin(12, 34)
    opened.document.mark_set.add(Region.rectangle(30, 20, 40, 30))
    qtbot.waitUntil(lambda: len(opened.document.curves) == 2)
    return opened


def cells(app: App, row: int) -> list[str]:
    return [app.window.table.item(row, column).text() for column in COLUMNS]


def remove(app: App, qtbot: QtBot) -> None:
    QTest.keyClick(app.window, Qt.Key.Key_H)
    qtbot.waitUntil(lambda: app.document.absorptions.keys() == app.document.curves.keys())


def test_the_key_shows_spectra_without_their_continuum_and_the_deepest_band(calibrated: App, qtbot: QtBot) -> None:
    window, table = calibrated.window, calibrated.window.table
    assert all(table.isColumnHidden(column) for column in COLUMNS)
    remove(calibrated, qtbot)
    assert window.actions_by_name["remove_continuum"].isChecked() and window.plot_toolbar.continuum.isChecked()
    assert not window.plot_toolbar.normalise.isEnabled(), "no factor changes the ratio"
    assert not any(table.isColumnHidden(column) for column in COLUMNS)
    for row, mark in enumerate(calibrated.document.marks):
        spectrum = calibrated.document.curves[mark.place].spectrum
        nm = spectrum.wavelengths.nm
        expected = spectral.remove_continuum(spectrum.values[None].astype(np.float64), nm)[0]
        np.testing.assert_allclose(window.plot.layer.curves[mark.number].y, expected, atol=1e-6)
        deepest = int(expected.argmin())
        inside = np.flatnonzero(expected <= 1 - (1 - expected[deepest]) / 2)
        assert cells(calibrated, row)[:2] == [f"{1 - expected[deepest]:.3f}", f"{nm[deepest]:.0f} nm"]
        width = float(cells(calibrated, row)[2].removesuffix(" nm"))
        assert inside[-1] - inside[0] <= width <= inside[-1] - inside[0] + 2, "at every nm"
    rows = calibrated.document.table_rows([1, 2])
    assert rows[0]["band_depth"] == f"{calibrated.document.absorptions[(12, 34)].band[0]:.6g}"
    QTest.keyClick(window, Qt.Key.Key_H)
    assert all(table.isColumnHidden(column) for column in COLUMNS) and window.plot_toolbar.normalise.isEnabled()
    assert "band_depth" not in calibrated.document.table_rows([1])[0]
    np.testing.assert_array_equal(
        window.plot.layer.curves[1].y, calibrated.document.curves[(12, 34)].spectrum.values
    )  # as they are


def test_the_interval_is_the_range_of_the_ratios_of_spectra_within_it(calibrated: App, qtbot: QtBot) -> None:
    calibrated.document.mark_set.set_active(1)
    remove(calibrated, qtbot)
    curve = calibrated.document.curves[(12, 34)]
    values, nm, (lower, upper) = curve.spectrum.values, curve.spectrum.wavelengths, curve.interval
    ratios = [remove_continuum(values, nm)]
    for pattern in patterns(nm):
        limit = np.where(pattern > 0, upper, lower)
        ratios.append(remove_continuum(values + np.abs(pattern) * (limit - values), nm))
    (band,) = calibrated.document.plot_content().shown_spreads
    np.testing.assert_allclose(band.low, np.min(ratios, axis=0), atol=1e-6)
    np.testing.assert_allclose(band.high, np.max(ratios, axis=0), atol=1e-6)
    depths = [1 - ratio.min() for ratio in ratios]
    tip = calibrated.window.table.item(0, BAND_DEPTH).toolTip()
    assert f"the depth is {min(depths):.3f} to {max(depths):.3f}" in tip
    assert calibrated.document.absorptions[Region.rectangle(30, 20, 40, 30)].interval is None
    assert calibrated.window.table.item(1, BAND_DEPTH).toolTip() == ""


def test_new_marks_have_their_band_and_removed_ones_none(calibrated: App, qtbot: QtBot) -> None:
    remove(calibrated, qtbot)
    calibrated.document.add_pin(5, 6)
    qtbot.waitUntil(lambda: (5, 6) in calibrated.document.absorptions)
    assert "…" not in cells(calibrated, 2)
    last = cells(calibrated, 2)
    calibrated.document.mark_set.remove(1)
    assert cells(calibrated, 1) == last and calibrated.window.table.rowCount() == 2
    calibrated.document.undo_stack.undo()
    qtbot.waitUntil(lambda: (12, 34) in calibrated.document.absorptions and "…" not in cells(calibrated, 0))


def test_bands_of_earlier_spectra_are_dropped(calibrated: App, qtbot: QtBot) -> None:
    remove(calibrated, qtbot)
    before = calibrated.document.absorptions
    late = AbsorptionQuery({(12, 34): calibrated.document.curves[(12, 34)]})
    calibrated.spectra._take_absorptions(late, {(12, 34): Absorption((0.9, 400, 1))})
    assert calibrated.document.absorptions is before
    calibrated.document.set_field(calibrated.document.field, 1, (0.0, 1.0))
    assert calibrated.document.absorptions == {}


def test_the_hull_is_an_option_of_the_plot_for_spectra_that_are_not_processed(calibrated: App, qtbot: QtBot) -> None:
    toolbar = calibrated.window.plot_toolbar

    def entry():
        toolbar.display_menu.aboutToShow.emit()
        return next(each for each in toolbar.display_menu.actions() if each.text() == "Continuum of each spectrum")

    entry().trigger()
    assert calibrated.document.plot_settings.hull and entry().isChecked()
    hulls = calibrated.window.plot.layer.lines[Kind.HULL]
    assert set(hulls) == {1, 2} and (hulls[1].y >= calibrated.window.plot.layer.curves[1].y - 1e-6).all()
    assert "continuum" in [text for _, text in calibrated.window.plot.key.entries]
    remove(calibrated, qtbot)
    assert not entry().isEnabled() and calibrated.window.plot.layer.lines[Kind.HULL] == {}


def test_the_spectrum_under_the_mouse_and_the_figure_follow(calibrated: App, qtbot: QtBot) -> None:
    calibrated.document.set_hover((20, 20))
    qtbot.waitUntil(lambda: calibrated.document.hover_curve is not None)
    remove(calibrated, qtbot)
    hover = calibrated.document.hover_curve
    expected = remove_continuum(hover.values, hover.wavelengths)
    np.testing.assert_array_equal(calibrated.window.hover_curve.line.getData()[1], expected)
    content = calibrated.document.plot_content()
    figure = Figure(content, calibrated.document.wavelength_range, "reflectance", FigureStyle())
    plain = replace(figure, plotted=replace(content, transform=Transform()))
    drawn, as_they_are = (preview(each, lambda fraction: None) for each in (figure, plain))
    assert isinstance(drawn, QImage) and drawn != as_they_are


def test_sessions_keep_it(calibrated: App, qtbot: QtBot, tmp_path: Path) -> None:
    remove(calibrated, qtbot)
    calibrated.spectra.show_hull(True)
    write_session(tmp_path / "work.nesr", SessionData.of(calibrated.document, None))
    settings = read_session(tmp_path / "work.nesr", MODES).plot_settings
    assert settings.transform == Transform(continuum=True) and settings.hull
