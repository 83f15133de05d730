"""Where libraries of Qt are missing, the program says how to install them, and goes on without a window."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from nesr_gui.cli import cli, headless, system_libraries
from nesr_gui.cli.gui import why_no_window
from nesr_gui.cli.system_libraries import DRAWING, X11, how_to_install, missing

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="wheels bring everything elsewhere")


@pytest.fixture
def without_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """A display, and a system as Debian installs it: two of the libraries are missing."""
    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    absent = ("libxcb-cursor.so.0", "libxcb-icccm.so.4")
    monkeypatch.setattr(system_libraries, "_is_loadable", lambda name: name not in absent)


@on_linux
def test_what_cannot_be_loaded_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    present = system_libraries.Library("libc.so.6", "libc6", "glibc", "glibc")
    absent = system_libraries.Library("libno-such-thing.so.7", "a", "b", "c")
    assert missing((present, absent)) == [absent]
    monkeypatch.setattr(sys, "platform", "darwin")
    assert missing((present, absent)) == []


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        ("apt", "sudo apt install libxcb-cursor0 libxcb-randr0 libxcb-render0"),
        ("dnf", "sudo dnf install xcb-util-cursor libxcb"),  # one package, named once
        ("pacman", "sudo pacman -S xcb-util-cursor libxcb"),
        ("", "install the packages of your system that contain them"),
    ],
)
def test_the_command_is_that_of_the_system(monkeypatch: pytest.MonkeyPatch, manager: str, command: str) -> None:
    monkeypatch.setattr(system_libraries.shutil, "which", lambda name: f"/usr/bin/{name}" if name == manager else None)
    by_name = {library.name: library for library in DRAWING + X11}
    names = ("libxcb-cursor.so.0", "libxcb-randr.so.0", "libxcb-render.so.0")
    sentence = how_to_install([by_name[name] for name in names])
    assert sentence.endswith(command) and all(name in sentence for name in names)


@on_linux
@pytest.mark.usefixtures("without_two")
def test_the_program_says_so_and_goes_on_without_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(image: Path | None, **options: object) -> Iterator[str]:
        yield "cube.h5: written"

    monkeypatch.setattr(headless, "run", run)
    monkeypatch.setenv("QT_LOGGING_RULES", "")  # what the command sets is put back after the test
    result = CliRunner().invoke(cli, ["gui"])
    assert result.exit_code == 0, result.output
    assert "libxcb-cursor.so.0, libxcb-icccm.so.4" in result.output.splitlines()[0]
    assert result.output.splitlines()[1] == "cube.h5: written"


@on_linux
@pytest.mark.usefixtures("without_two")
def test_a_chosen_platform_needs_no_x11(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "libxcb-cursor" in why_no_window()
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert why_no_window() == ""
