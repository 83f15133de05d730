"""How much the window's thread does for a click and for a step of the wavelength, in Python calls and paintings."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest
from PySide6.QtCore import QEvent, QEventLoop, QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

import nesr_gui
from nesr_gui.gui.app import App
from nesr_gui.gui.model.truth import MeasuredCube
from nesr_gui.gui.views.image import mark_items
from nesr_gui.gui.views.plot import curves

pytestmark = pytest.mark.usefixtures("queued_refresh")
PACKAGE = str(Path(nesr_gui.__file__).parent)
ROUNDS = 3  # the least of these counts: a busy machine paints in more pieces


def is_settled(app: App) -> bool:
    document, renderer = app.document, app.renderers[0]
    is_answered = all(
        document.readout(mark) and mark.place in document.curves and mark.place in document.colour_results
        for mark in document.marks
    )
    is_quiet = not app.worker._newest and not app.refresh._stale and not renderer._rest.isActive()
    return is_answered and is_quiet and renderer.is_settled


def calls_of(app: App, act: Callable[[], object]) -> int:
    """Calls of functions of the package on this thread, from the act until all of its consequences are shown."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call" and frame.f_code.co_filename.startswith(PACKAGE)

    def counted(do: Callable[[], object]) -> None:
        sys.setprofile(count)
        try:
            do()
        finally:
            sys.setprofile(None)

    counted(act)
    while not is_settled(app):
        counted(lambda: QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 20))
    return calls


@pytest.fixture
def quiet(opened: App, qtbot: QtBot) -> App:
    opened.window.resize(1280, 800)
    qtbot.waitUntil(lambda: is_settled(opened))
    return opened


def test_a_click_costs_few_calls(quiet, qtbot):
    counts = []
    for row in range(ROUNDS):
        at = quiet.window.image.position_of(20, 20 + row).toPoint()
        click = (quiet.window.image.viewport(), Qt.MouseButton.LeftButton)
        counts.append(calls_of(quiet, lambda click=click, at=at: QTest.mouseClick(*click, pos=at)))
        assert [mark.place for mark in quiet.document.marks] == [(20, 20 + row)]
        quiet.document.mark_set.remove(*range(1, 100))
        qtbot.waitUntil(lambda: is_settled(quiet))
    assert 0 < min(counts) <= 750


def test_a_step_of_the_wavelength_costs_few_calls(quiet, qtbot):
    actions = quiet.window.actions_by_name
    quiet.document.mark_set.add((20, 30))
    actions["show_band"].trigger()
    qtbot.waitUntil(lambda: is_settled(quiet))
    counts = [calls_of(quiet, actions["longer"].trigger) for _ in range(ROUNDS)]
    assert quiet.document.nm == 550 + ROUNDS
    assert 0 < min(counts) <= 500


class Events(QObject):
    """Counts the events of one type that widgets receive, by widget."""

    def __init__(self, kind: QEvent.Type, *widgets: QObject) -> None:
        super().__init__()
        self._kind, self.counts = kind, dict.fromkeys(widgets, 0)
        for widget in widgets:
            widget.installEventFilter(self)

    def eventFilter(self, widget: QObject, event: QEvent) -> bool:
        self.counts[widget] += event.type() == self._kind
        return False


def test_a_step_of_the_wavelength_paints_only_what_changes(quiet, qtbot, monkeypatch):
    document, window, actions = quiet.document, quiet.window, quiet.window.actions_by_name
    document.set_truth(MeasuredCube(document.field, "measured", is_chosen=True))
    for row in range(8):
        document.add_pin(5 * row, 30)
    actions["show_band"].trigger()
    qtbot.waitUntil(lambda: is_settled(quiet))
    actions["longer"].trigger()  # the table and the plot have taken their places
    qtbot.waitUntil(lambda: is_settled(quiet))
    qtbot.wait(50)
    paintings = []
    for owner, name in ((mark_items._Sign, "_paint"), (curves._CurvesItem, "_paint"), (curves._Signs, "show_spots")):
        original = getattr(owner, name)

        def counted(self, argument, owner=owner, original=original):
            paintings.append(owner)
            return original(self, argument)

        monkeypatch.setattr(owner, name, counted)
    layouts = Events(QEvent.Type.LayoutRequest, window.status, window.table)
    painted = Events(
        QEvent.Type.Paint, window.table.horizontalScrollBar(), *window.panes.bars[0].findChildren(QLineEdit)
    )
    before = [spot.x for spot in window.plot.layer.dots.spots]
    assert len(before) == 8
    actions["longer"].trigger()
    qtbot.waitUntil(lambda: is_settled(quiet))
    qtbot.wait(50)
    assert [spot.x for spot in window.plot.layer.dots.spots] == [nm + 1 for nm in before]
    assert paintings == [curves._Signs], "the dots of the wavelength once, and no mark or curve anew"
    assert set(layouts.counts.values()) == set(painted.counts.values()) == {0}
