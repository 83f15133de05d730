"""Answers that arrive after their question has changed are dropped: those of another field, mode or wavelength."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nesr_gui.colorimetry.viewing_conditions import Illuminant, ViewingConditions
from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.app import App
from nesr_gui.gui.controllers import comparison, image
from nesr_gui.gui.model.changes import Change
from nesr_gui.gui.model.truth import MeasuredCube
from nesr_gui.gui.tasks.rendering import RenderedImage, render_picture
from nesr_gui.gui.tasks.spectra import FEW
from nesr_gui.gui.tasks.worker import Task, _Event
from nesr_gui.regions import Region
from tests.gui.conftest import BANDS, smooth_cube

pytestmark = pytest.mark.usefixtures("queued_refresh")
PIN, BOX = (20, 30), Region.rectangle(5, 5, 15, 20)


@pytest.fixture
def quiet(opened: App, qtbot: QtBot) -> App:
    wait_until_settled(opened, qtbot)
    return opened


def wait_until_settled(app: App, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not app.worker._newest and not app.refresh._stale and not app.renderers[0]._rest.isActive())


def change_field(app: App) -> CubeField:
    """Let a field answer that differs everywhere."""
    other = CubeField(smooth_cube(*app.document.field.shape) + 1, BANDS)
    app.document.set_field(other, 1, (0.0, 2.0), app.document.encoded)
    return other


def query(app: App, task: Task, ask: Callable[[], None] = lambda: None) -> None:
    """Submit what is stale, and wait until the result of a task is posted to this thread, which has not seen it."""
    posted = threading.Event()

    def note(event: _Event) -> None:
        if event.job.task is task and event.fraction is None:
            posted.set()

    app.worker._sent.connect(note, Qt.ConnectionType.DirectConnection)
    ask()
    QApplication.sendPostedEvents(app.refresh)
    assert posted.wait(30)
    app.worker._sent.disconnect(note)


@pytest.mark.parametrize(
    ("place", "task"),
    [(PIN, Task.CURVES), (BOX, Task.REGIONS), (PIN, Task.READOUTS)],
    ids=["curve", "region", "readout"],
)
def test_answers_of_the_field_before_are_dropped(quiet: App, qtbot: QtBot, place: object, task: Task) -> None:
    quiet.document.mark_set.add(place)
    query(quiet, task)
    field = change_field(quiet)
    qtbot.waitUntil(lambda: place in quiet.document.curves and place in quiet.document.readouts)
    pixels = [PIN] if place == PIN else [(row, col) for row in range(5, 15) for col in range(5, 20)]
    curve = quiet.document.curves[place].spectrum
    expected = field.spectra(np.array(pixels), curve.wavelengths).mean(axis=0)
    np.testing.assert_allclose(curve.values, expected, rtol=1e-5)
    at_nm = np.interp(550, curve.wavelengths.nm, expected)
    assert quiet.document.readouts[place].value == pytest.approx(at_nm, rel=1e-4)


def test_readouts_of_regions_of_the_field_before_are_dropped(quiet: App, qtbot: QtBot) -> None:
    quiet.document.mark_set.add(BOX)
    qtbot.waitUntil(lambda: BOX in quiet.document.readouts)
    wait_until_settled(quiet, qtbot)
    quiet.document.set_wavelength(600)
    query(quiet, Task.REGION_READOUTS)
    field = change_field(quiet)
    qtbot.waitUntil(lambda: BOX in quiet.document.readouts)
    assert quiet.document.readouts[BOX].value == pytest.approx(field.band(600)[5:15, 5:20].mean(), rel=1e-4)


def test_readouts_of_fewer_pixels_than_the_curve_are_dropped(quiet: App, qtbot: QtBot) -> None:
    """A region is averaged over some of its pixels first; its value must not stay that of these."""
    whole = Region.rectangle(0, 0, 60, 80)
    assert FEW < 60 * 80
    quiet.document.mark_set.add(whole)
    refined = threading.Event()
    curves = quiet.spectra._take_refined
    waiting: list[tuple[object, object]] = []

    def hold(request: object, result: object) -> None:
        waiting.append((request, result))
        refined.set()

    quiet.spectra._take_refined = hold  # the curve of all pixels arrives while a value of some is on its way
    qtbot.waitUntil(refined.is_set)
    quiet.document.set_wavelength(600)
    query(quiet, Task.REGION_READOUTS)
    curves(*waiting[0])
    qtbot.waitUntil(lambda: whole in quiet.document.readouts)
    wait_until_settled(quiet, qtbot)
    assert quiet.document.readouts[whole].value == pytest.approx(quiet.document.field.band(600).mean(), rel=1e-5)


def test_readouts_at_the_wavelength_before_are_dropped(quiet: App, qtbot: QtBot) -> None:
    quiet.document.mark_set.add(PIN)
    query(quiet, Task.READOUTS)
    quiet.document.set_wavelength(600)
    qtbot.waitUntil(lambda: PIN in quiet.document.readouts)
    assert quiet.document.readouts[PIN].value == pytest.approx(quiet.document.field.band(600)[PIN], rel=1e-4)


def test_the_hover_curve_of_the_field_before_is_dropped(quiet: App, qtbot: QtBot) -> None:
    quiet.document.set_hover(PIN)
    query(quiet, Task.HOVER_CURVE)
    field, shown = change_field(quiet), []
    quiet.document.changed.connect(
        lambda change: shown.append(quiet.document.hover_curve) if change is Change.HOVER_CURVE else None
    )
    qtbot.waitUntil(lambda: quiet.document.hover_curve is not None)
    wait_until_settled(quiet, qtbot)
    for curve in filter(None, shown):
        np.testing.assert_allclose(curve.values, field.spectra(np.array([PIN]), curve.wavelengths)[0], rtol=1e-5)


def pictures_shown(app: App) -> list[RenderedImage]:
    shown: list[RenderedImage] = []
    app.renderers[0].answered.connect(shown.append)
    return shown


def test_a_picture_of_the_mode_before_is_dropped(quiet: App, qtbot: QtBot) -> None:
    show = quiet.document.set_view_settings
    show(quiet.document.view_settings.showing("false_colour"))
    query(quiet, Task.FRAME_LEFT)
    show(quiet.document.view_settings.showing("rerendered"))
    shown = pictures_shown(quiet)
    qtbot.waitUntil(lambda: bool(shown) and shown[-1].is_exact)
    assert {picture.request.mode.name for picture in shown} == {"rerendered"}


def test_a_picture_of_the_field_before_is_dropped(quiet: App, qtbot: QtBot) -> None:
    quiet.document.set_view_settings(quiet.document.view_settings.showing("band"))
    query(quiet, Task.FRAME_LEFT)
    field, shown = change_field(quiet), pictures_shown(quiet)
    qtbot.waitUntil(lambda: bool(shown) and shown[-1].is_exact)
    assert all(picture.request.context.field is field for picture in shown)


def test_a_photograph_that_was_developed_anew_is_shown_after_the_one_before(quiet: App, qtbot: QtBot) -> None:
    document = quiet.document
    dark, bright = np.zeros_like(document.colours), np.full_like(document.colours, 200)
    document.set_photograph(document.photograph, dark)
    query(quiet, Task.FRAME_LEFT)
    document.set_photograph(document.photograph, bright)
    QApplication.sendPostedEvents(quiet.refresh)
    wait_until_settled(quiet, qtbot)
    assert quiet.renderers[0].shown.painted is bright


def test_scrub_bands_that_are_not_wanted_any_more_are_dropped(
    quiet: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image, "FRAME_SECONDS", 0.0)
    quiet.document.set_view_settings(quiet.document.view_settings.showing("band"))
    qtbot.waitUntil(lambda: quiet.renderers[0]._scrub_cache._bands is not None)
    wait_until_settled(quiet, qtbot)
    cache = quiet.renderers[0]._scrub_cache
    requested, bands = cache._requested, cache._bands
    cache._take(replace(requested, spacing=20.0), replace(bands, error=9.0))
    assert cache._bands is bands


def test_tones_of_a_picture_that_was_replaced_are_dropped(quiet: App, qtbot: QtBot) -> None:
    quiet.document.set_view_settings(quiet.document.view_settings.showing("band"))
    wait_until_settled(quiet, qtbot)
    quiet.document.set_view_settings(quiet.document.view_settings.with_levels("band", (0.2, 0.4)))
    query(quiet, Task.TONE_LEFT)
    quiet.document.set_wavelength(600)
    renderer = quiet.renderers[0]
    request = renderer._resolve(None)
    renderer._take_exact(request, render_picture(request, lambda fraction: None))  # as if its thread was quicker
    shown = pictures_shown(quiet)
    wait_until_settled(quiet, qtbot)
    assert all(picture.request.context.nm == 600 for picture in (*shown, renderer.shown))


@pytest.fixture
def beside(quiet: App, tmp_path: Path, qtbot: QtBot) -> App:
    """A window with another photograph in a second tab, which is current."""
    iio.imwrite(tmp_path / "beside.png", np.full((60, 80, 3), 90, np.uint8))
    quiet.files.open(tmp_path / "beside.png", beside=True)
    qtbot.waitUntil(lambda: quiet.document.name == "beside.png" and quiet.document.field is not None)
    wait_until_settled(quiet, qtbot)
    return quiet


def test_colours_of_the_tab_before_are_dropped_and_asked_again_there(beside: App, qtbot: QtBot) -> None:
    second, first = beside.workspace.documents[1], beside.workspace.documents[0]
    second.add_pin(5, 5)
    qtbot.waitUntil(lambda: (5, 5) in second.colour_results)
    expected = second.colour_results
    beside.workspace.show(0)
    first.add_pin(5, 5)
    first.add_pin(7, 7)
    qtbot.waitUntil(lambda: (7, 7) in first.colour_results)
    wait_until_settled(beside, qtbot)
    before = first.colour_results
    first.set_viewing(ViewingConditions(Illuminant("A")))
    query(beside, Task.COLOURS)
    beside.workspace.show(1)
    wait_until_settled(beside, qtbot)
    assert second.colour_results == expected
    beside.workspace.show(0)
    wait_until_settled(beside, qtbot)
    assert first.colour_results[7, 7].appearance.hex != before[7, 7].appearance.hex


def test_a_measured_cube_of_the_tab_before_is_dropped(
    beside: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = MeasuredCube(CubeField(smooth_cube(60, 80), BANDS), "measured.h5")
    monkeypatch.setattr(comparison, "open_truth", lambda request, progress: measured)
    query(beside, Task.REGISTER, lambda: beside.comparison.open(tmp_path / "measured.h5"))
    beside.workspace.show(0)
    wait_until_settled(beside, qtbot)
    assert [document.measurement for document in beside.workspace.documents] == [None, None]


def test_a_mouse_over_the_picture_of_the_tab_before_points_at_nothing(
    opened: App, tmp_path: Path, qtbot: QtBot
) -> None:
    """Until the next turn of the event loop its picture is shown, which may be larger than the image of this tab."""
    small = tmp_path / "small.png"
    iio.imwrite(small, np.zeros((20, 30, 3), np.uint8))
    opened.files.open(small, beside=True)
    qtbot.waitUntil(lambda: opened.document.source_shape == (20, 30) and opened.document.field is not None)
    opened.workspace.show(0)
    qtbot.waitUntil(lambda: not opened.worker._newest and not opened.refresh._stale)
    opened.workspace.show(1)
    opened.window.image.pixel_hovered.emit((50, 70))
    opened.refresh.run()
    assert opened.document.hover is None
