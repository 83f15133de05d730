"""Where libraries of Qt are missing, the program says how to install them, and goes on without a window."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

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
@pytest.mark.parametrize("command", [["gui"], ["a.png"], ["a.png", "b.png"], ["a.png", "--screenshot", "w.png"]])
def test_a_display_that_cannot_be_reached_is_none(monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
    """Qt ended the program there, as in a session whose display is gone."""
    monkeypatch.setenv("DISPLAY", ":987")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("QT_LOGGING_RULES", "")
    monkeypatch.setattr(system_libraries, "_is_loadable", lambda name: True)
    monkeypatch.setattr(headless, "run", lambda image, **options: [f"wrote {image}"])
    monkeypatch.setattr("nesr_gui.cli.gui.import_window", lambda: SimpleNamespace(run=lambda files, **options: 7))
    monkeypatch.setenv("QT_QPA_PLATFORM", "")
    result = CliRunner().invoke(cli, command)
    if "b.png" in command:
        assert isinstance(result.exception, ValueError)
        assert "2 images were given, but there is no window (the display :987 cannot" in str(result.exception)
    elif "--screenshot" in command:
        assert result.exit_code == 7 and os.environ["QT_QPA_PLATFORM"] == "offscreen"
    else:
        image = "None" if command == ["gui"] else "a.png"
        assert result.output.splitlines() == ["no window: the display :987 cannot be reached", f"wrote {image}"]


@on_linux
def test_a_wayland_display_is_asked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(tempfile.mkdtemp())  # the path of a socket must be short
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
    monkeypatch.setenv("QT_QPA_PLATFORM", "")
    monkeypatch.delenv("DISPLAY", raising=False)
    assert why_no_window() == "the display wayland-7 cannot be reached"
    monkeypatch.setenv("WAYLAND_DISPLAY", "w" * 200)  # longer than the path of a socket may be
    assert why_no_window() == f"the display {'w' * 200} cannot be reached"
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
    with socket.socket(socket.AF_UNIX) as served:
        served.bind(str(folder / "wayland-7"))
        served.listen()
        assert why_no_window() == ""
        monkeypatch.setenv("DISPLAY", ":987")  # of which there is no need
        assert why_no_window() == ""
    shutil.rmtree(folder)
    monkeypatch.delenv("WAYLAND_DISPLAY")
    monkeypatch.delenv("DISPLAY")
    assert why_no_window() == "there is no display"


def test_images_open_in_one_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    opened: list[Path] = []
    monkeypatch.setattr(
        "nesr_gui.cli.gui.import_window", lambda: SimpleNamespace(run=lambda files, **_: opened.extend(files) or 0)
    )
    assert CliRunner().invoke(cli, ["a.png", "b.h5", "--device", "cpu"]).exit_code == 0
    assert opened == [Path("a.png"), Path("b.h5")]
    result = CliRunner().invoke(cli, ["a.png", "b.h5", "--screenshot", "w.png"])
    assert "2 images were given, but a screenshot shows one" in str(result.exception)


@on_linux
@pytest.mark.usefixtures("without_two")
def test_a_chosen_platform_needs_no_x11(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "libxcb-cursor" in why_no_window()
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert why_no_window() == ""
