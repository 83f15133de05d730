"""What the benchmark starts in processes of its own is there."""

import pytest

from nesr_gui.benchmark import system


@pytest.mark.parametrize("command", [system.HELP, system.WINDOW], ids=["help", "window"])
def test_the_started_program_prints_a_line(command, monkeypatch) -> None:
    """It is text, which neither types nor imports check."""
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    system._run_until_line(command)  # raises if there is none
