"""The legend of classes beside a picture."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QPainter
from pytestqt.qtbot import QtBot

from nesr_gui.gui.tasks.rendering import LegendEntry
from nesr_gui.gui.views.image.colour_bar import WIDTH
from nesr_gui.gui.views.image.legend import Legend
from nesr_gui.gui.views.panels.class_table import share_text

ENTRIES = [LegendEntry(number, f"pin {number}", "#c32f0f") for number in (1, 2, 3)]
SHARES = {1: 0.996, 2: 0.004, 3: 0.0}


@pytest.mark.parametrize(("share", "text", "short"), [
    (0.0, "0.0 %", "0 %"), (0.0004, "< 0.1 %", "< 1 %"), (0.004, "0.4 %", "< 1 %"), (0.123, "12.3 %", "12 %"),
    (0.996, "99.6 %", "> 99 %"), (0.9996, "> 99.9 %", "> 99 %"), (1.0, "100.0 %", "100 %"),
])  # fmt: skip
def test_a_share_is_never_rounded_to_nothing_or_all(share: float, text: str, short: str) -> None:
    assert share_text(share) == text and share_text(share, 0) == short


@pytest.mark.parametrize(("is_thin", "expected"), [
    (True, [">99", "<1", "0"]), (False, ["pin 1", "99.6 %", "pin 2", "0.4 %", "pin 3", "0.0 %"]),
])  # fmt: skip
def test_it_draws_names_with_shares_or_shares_alone(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, is_thin: bool, expected: list[str]
) -> None:
    legend, drawn = Legend("left"), list[str]()
    qtbot.addWidget(legend)
    legend.resize(WIDTH // 2 if is_thin else WIDTH, 300)
    legend.show_entries(ENTRIES, SHARES, is_thin=is_thin)
    draw = QPainter.drawText
    monkeypatch.setattr(QPainter, "drawText", lambda *given: (drawn.append(given[-1]), draw(*given)))
    legend.grab()
    assert drawn == expected, "and nothing is cut"
    assert legend.toolTip().splitlines()[1] == "pin 2: 0.4 %"
