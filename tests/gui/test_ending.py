"""The window closes whatever is under way; work that fails is told, and the rest goes on."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from nesr_gui.export import ExportPlan
from nesr_gui.fields.protocol import CubeField, ProgressCallback
from nesr_gui.gui.app import App
from nesr_gui.gui.figures.sweep import Sweep, SweepExport, SweepFormat
from nesr_gui.gui.main import SIGNALS, closes_on_signals
from nesr_gui.gui.model.view_settings import PaneLayout
from nesr_gui.gui.tasks import files
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.view_modes.base import RenderContext
from nesr_gui.spectral import Quantity
from tests.gui.conftest import BANDS, smooth_cube

pytestmark = pytest.mark.usefixtures("queued_refresh")


class Large:
    """Bands (31, 4000, 4000) that are made where they are read: more than is exported while a test waits."""

    shape = (31, 4000, 4000)

    def __getitem__(self, window: tuple[slice, slice, slice]) -> np.ndarray:
        sizes = [len(range(*part.indices(size))) for part, size in zip(window, self.shape, strict=True)]
        return np.full(sizes, 0.5, np.float32)


class Unsure(CubeField):
    """Its file cannot be read while `is_gone`."""

    is_gone = False

    def spectra(self, points, wavelengths):
        return super().spectra(self._checked(points), wavelengths)

    def band(self, nm, **window):
        return super().band(self._checked(nm), **window)

    def _checked(self, asked):
        if self.is_gone:
            raise OSError("cannot read cube.h5: the drive is gone; open it again")
        return asked


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made


def is_under_way(app: App, qtbot: QtBot, task: Task) -> None:
    with qtbot.waitSignal(app.worker.progressed, check_params_cb=lambda what, share: what is task and share > 0):
        pass


def no_work_is_left() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("nesr-")]


def test_it_closes_while_a_photograph_is_reconstructed(held: App, qtbot: QtBot) -> None:
    is_under_way(held, qtbot, Task.RECONSTRUCT)
    held.window.close()
    assert no_work_is_left() == [] and held.document.field is None


@pytest.fixture
def heeded() -> Iterator[None]:
    """Signals end the program; the shell lets programs in its background ignore Ctrl-C, tests too."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_closes_the_window_as_its_button_does(app: App, qtbot: QtBot, number: signal.Signals) -> None:
    """Ctrl-C in the terminal was shown as an error of the window at its next event, and the window stayed."""
    before = signal.getsignal(number)
    for may_close in (False, True):
        app.window.may_close = Mock(return_value=may_close)
        with closes_on_signals(app.window):
            signal.raise_signal(number)
            qtbot.waitUntil(lambda: app.window.may_close.called)
            assert signal.getsignal(number) is signal.SIG_DFL, "the second one ends the program"
        assert signal.getsignal(number) is before and app.window.isVisible() is not may_close


@pytest.mark.usefixtures("heeded")
def test_signals_that_are_ignored_remain_so(app: App) -> None:
    """As of programs that a shell starts in the background, or by nohup."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with closes_on_signals(app.window):
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is not signal.default_int_handler


@pytest.mark.skipif(os.name == "nt", reason="sends a Unix signal")
def test_a_program_that_waits_for_events_ends_at_a_signal(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nesr_gui", "gui", "--say-when-usable"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"HOME": str(tmp_path)}) as running:
        assert running.stdout is not None and running.stdout.readline() == b"usable\n"
        running.terminate()
        assert running.wait(60) == 0


@pytest.mark.parametrize("is_paused", [False, True])
@pytest.mark.parametrize("ending", [".h5", ".npy", ".hdr"])
def test_it_closes_while_a_cube_is_exported(app: App, folder: Path, qtbot: QtBot, ending: str, is_paused: bool) -> None:
    field = CubeField(Large(), BANDS, Quantity.REFLECTANCE)
    request = files.CubeExport(folder / f"cube{ending}", field, ExportPlan())
    app.worker.submit(Task.EXPORT, request, files.export_cube, app.exporter._report)
    is_under_way(app, qtbot, Task.EXPORT)
    app.worker.pause(Task.EXPORT, is_paused)
    app.window.close()
    assert no_work_is_left() == [] and list(folder.iterdir()) == []


@pytest.mark.parametrize("kind", SweepFormat)
def test_it_closes_while_a_sweep_is_filmed(opened: App, folder: Path, qtbot: QtBot, kind: SweepFormat) -> None:
    film = SweepExport(
        folder / f"film{kind.ending}",
        "band",
        RenderContext.of(opened.document),
        Sweep(400, 700, 1.0, 60, 960, is_labelled=True),
        kind,
    )
    opened.exporter.save_sweep(film)
    is_under_way(opened, qtbot, Task.EXPORT)
    opened.window.close()
    assert no_work_is_left() == [] and list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["export_cube", "export_sweep", "export_figure", "preferences", "find_action", "guide", "about_model"]
)
def test_it_closes_with_a_dialog_before_it(opened: App, name: str) -> None:
    opened.document.add_pin(3, 4)
    opened.window.actions_by_name[name].trigger()
    opened.window.close()
    for dialog in opened.window.findChildren(QDialog):
        dialog.close()
    assert no_work_is_left() == []


def test_it_closes_in_the_middle_of_everything(opened: App) -> None:
    opened.document.set_view_settings(
        opened.document.view_settings.showing("similarity").arranged(PaneLayout.SIDE_BY_SIDE)
    )
    for row in range(0, 60, 7):
        opened.document.add_pin(row, row)
        opened.document.set_hover((row, row))
        opened.document.step_wavelength(3)
    opened.window.bar.toggle_playing()
    opened.window.close()
    assert no_work_is_left() == []


def test_a_cube_whose_file_goes_away_is_told_and_answers_when_it_is_back(app: App, qtbot: QtBot) -> None:
    cube = Unsure(smooth_cube(20, 24), BANDS, Quantity.REFLECTANCE)
    app.document.open_cube("cube.h5", cube, (0.0, 1.0))
    qtbot.waitUntil(lambda: app.renderers[0].shown is not None and app.renderers[0].shown.is_exact)
    cube.is_gone = True
    app.document.add_pin(3, 4)
    app.document.set_wavelength(612)
    app.document.set_hover((5, 6))
    qtbot.waitUntil(lambda: not app.refresh._stale and not app.worker._newest)
    assert app.window.messages.isVisible() and "the drive is gone" in app.window.messages.text.text()
    cube.is_gone = False
    app.document.add_pin(7, 8)
    app.document.set_wavelength(500)
    app.document.set_hover((6, 6))
    qtbot.waitUntil(lambda: {(3, 4), (7, 8)} == set(app.document.curves) == set(app.document.colour_results))
    qtbot.waitUntil(lambda: (6, 6) in app.document.readouts and app.document.hover_curve is not None)
    qtbot.waitUntil(lambda: app.renderers[0].shown is not None and app.renderers[0].shown.request.context.nm == 500)


def test_an_error_of_the_operating_system_is_told_without_its_number(app: App, qtbot: QtBot) -> None:
    def fail(request: None, progress: ProgressCallback) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), "/data/cube.h5")

    app.worker.submit(Task.OPEN, None, fail, lambda request, done: None)
    qtbot.waitUntil(app.window.messages.isVisible)
    told = app.window.messages.text.text()
    assert told == "no permission to use /data/cube.h5; change its permissions, or choose another place."
