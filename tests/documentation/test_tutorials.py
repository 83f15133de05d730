"""The commands of tutorials and recipes run, one after the other in an empty folder, and print what the page says.

NESR_TUTORIALS=shell runs them by the installed `nesr-gui` instead of in this process, also those that open the window.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from nesr_gui import cli
from tests.documentation.recipes import Step, commands, missing_lines, steps

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [*sorted(path for path in (DOCS / "tutorials").glob("*.md") if path.stem != "index"), DOCS / "how-to.md"]
BY_SHELL = os.environ.get("NESR_TUTORIALS") == "shell"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_does_what_it_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    found = steps(page)
    assert sum(step.kind == "sh" for step in found) >= 3
    for step in found:
        if step.left_out and not (BY_SHELL and step.left_out == "opens the window"):
            continue
        printed = run_python(step, names) if step.kind == "python" else run_commands(step, monkeypatch)
        missing = missing_lines(step.printed, printed)
        assert not missing, f"{page.name}:{step.line} should print {missing}, but printed:\n{printed}"


def run_python(step: Step, names: dict[str, object]) -> str:
    out = io.StringIO()
    with redirect_stdout(out):
        exec(compile(step.code, f"line {step.line}", "exec"), names)
    return out.getvalue()


def run_commands(step: Step, monkeypatch: pytest.MonkeyPatch) -> str:
    assert step.kind == "sh"
    return "".join(run_command(words, step.left_out, monkeypatch) for words in commands(step.code))


def run_command(words: list[str], note: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a command and return what it prints; only nesr-gui is at hand on every system."""
    assert words[0] == "nesr-gui", f"{words} is not a command of the program"
    if BY_SHELL:
        options = ["--screenshot", "window.png"] if note and "--screenshot" not in words else []
        done = subprocess.run([*words, *options], capture_output=True, text=True, encoding="utf-8")
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout
    monkeypatch.setattr(sys, "argv", words)
    out, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(errors), pytest.raises(SystemExit) as stopped:
        cli.main()
    assert not stopped.value.code, f"{words}: {errors.getvalue()}"
    return out.getvalue()


def test_a_line_that_is_not_printed_is_missing():
    printed = "bands: 4, 400-700 nm\nRMSE 0.0210, angle 8.26°\n"
    assert missing_lines("RMSE 0.0211, angle 8.30°\nbands: 4, 400-700 nm\n", printed) == []
    assert missing_lines("RMSE 0.0310, angle 8.26°", printed) == ["RMSE 0.0310, angle 8.26°"]
    assert missing_lines("bands: 5, 400-700 nm", printed) == ["bands: 5, 400-700 nm"]
    assert missing_lines("RMSE 0.0210", printed) == ["RMSE 0.0210"]
