"""How much the window's thread does for one click and for one step of the wavelength, counted in Python calls."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest
from PySide6.QtCore import QEventLoop, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

import nesr_gui
from nesr_gui.gui.app import App

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
        quiet.document.mark_set.clear()
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
