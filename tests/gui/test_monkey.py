"""Random events leave no exception, no warning, no thread and no growth behind.

A run of 600 events belongs to the tests. The full one, and others, are asked for by the environment:

    NESR_MONKEY_EVENTS=20000 NESR_MONKEY_SEED=1 pytest tests/gui/test_monkey.py
"""

from __future__ import annotations

import ctypes
import gc
import linecache
import os
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QEventLoop, QObject, QTimer, qInstallMessageHandler
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from nesr_gui import io
from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.app import App
from nesr_gui.gui.model.view_settings import ViewSettings
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.views.dialogs.command_palette import of_menus
from nesr_gui.io.spectra.csv import write_curves
from nesr_gui.spectral import Quantity, Spectrum
from tests.gui.conftest import BANDS, smooth_cube
from tests.gui.monkey import Monkey

FEW = 600
EVENTS = int(os.environ.get("NESR_MONKEY_EVENTS", FEW))
SEED = int(os.environ.get("NESR_MONKEY_SEED", "0"))
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # of glibc's mallopt
_OF_THE_PLATFORM = ("This plugin does not support", "Mouse event at")  # without a screen; of QTest itself

pytestmark = pytest.mark.usefixtures("queued_refresh")


@pytest.fixture
def files(photograph: Path, tmp_path: Path) -> list[Path]:
    """What the monkey may open: a photograph, a cube, a model of cubes, curves, and things that are none of these."""
    cube, curves, broken = tmp_path / "cube.h5", tmp_path / "curves.csv", tmp_path / "broken.png"
    io.write_cube(cube, CubeField(smooth_cube(60, 80), BANDS, Quantity.RADIANCE), BANDS)
    write_curves(curves, [Spectrum(BANDS, np.linspace(0.1, 0.9, 31, dtype=np.float32), name) for name in "ab"])
    broken.write_bytes(photograph.read_bytes()[:200])
    model = tmp_path / "sixteen.safetensors"  # which takes cubes; the engine of the tests does not look into it
    model.touch()
    return [photograph, photograph, cube, cube, model, curves, broken, tmp_path / "missing.png"]


def is_meant(error: Exception) -> bool:
    """Whether the program itself says so, in a sentence: a file is none, a choice cannot be."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    file = frame.f_code.co_filename
    is_raised = linecache.getline(file, line).lstrip().startswith("raise ")
    is_ours = {"nesr_gui", "tests"} & set(Path(file).parts)  # the engine of the tests, too
    return isinstance(error, ValueError | OSError) and bool(is_ours) and is_raised


@pytest.fixture
def gives_back() -> None:
    """What is freed goes back to the system, so that resident memory tells what is held.

    By itself glibc learns to keep blocks of up to 32 MiB, in a heap for each thread, which is faster.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        for setting, value in ((_M_MMAP_THRESHOLD, 1 << 20), (_M_ARENA_MAX, 2)):
            assert libc.mallopt(setting, value)


@dataclass(frozen=True)
class Size:
    """How large the program is in the state it begins with."""

    mebibytes: float  # resident
    widgets: Counter[str]  # and other objects of Qt, by their class
    values: Counter[str]  # of Python, by their class

    @classmethod
    def of(cls, app: App, photograph: Path, qtbot: QtBot) -> Size:
        """Everything closed that was opened, and one photograph opened anew."""
        while len(app.workspace.documents) > 1 or app.document.source_shape is not None:
            app.workspace.close(app.workspace.current)
        app.document.view_settings = ViewSettings()
        app.files.open(photograph)

        def rests() -> None:
            assert app.document.field is not None
            assert list(app.worker._newest) == []

        qtbot.waitUntil(rests, timeout=120_000)  # a figure of 35 megapixels may just be opened as a photograph
        qtbot.wait(300)  # pictures follow when the hand rests
        for task in {each.lane: each for each in Task}.values():  # what was cancelled there may still come to its end
            app.worker.submit(task, None, lambda request, progress: None, lambda request, result: None)
        qtbot.waitUntil(rests, timeout=120_000)
        of_menus(app.window.menuBar())  # menus that fill themselves are filled
        for menu in app.window.findChildren(QMenu):
            menu.aboutToShow.emit()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        gc.collect()
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
        widgets = Counter(each.metaObject().className() for each in app.window.findChildren(QObject))
        return cls(resident, widgets, Counter(type(each).__name__ for each in gc.get_objects()))

    def growth(self, before: Size) -> dict[str, float]:
        """What is larger than before, as a share of it."""
        pairs = {
            "memory": (self.mebibytes, before.mebibytes),
            "objects of Qt": (self.widgets.total(), before.widgets.total()),
            "objects of Python": (self.values.total(), before.values.total()),
        }
        return {name: now / was - 1 for name, (now, was) in pairs.items()}


@pytest.fixture
def said(qtlog: Any) -> Iterator[Counter[str]]:
    """What Qt warned of, and how often."""
    messages: Counter[str] = Counter()
    with qtlog.disabled():
        before = qInstallMessageHandler(lambda kind, context, message: messages.update([message]))
        yield messages
        qInstallMessageHandler(before)


def in_a_loop(act: Callable[[int], None], events: Iterable[int]) -> None:
    """Do one event after the other as a user's come: in the loop of the program, by which Qt deletes what is closed."""
    loop, left, failures = QEventLoop(), iter(events), list[BaseException]()

    def step() -> None:
        try:
            if (event := next(left, None)) is not None:
                act(event)
                QTimer.singleShot(0, step)
                return
        except BaseException as failure:  # raised again outside of Qt
            failures.append(failure)
        loop.quit()

    QTimer.singleShot(0, step)
    loop.exec()
    for failure in failures:
        raise failure


def test_random_events_end_well(
    gives_back: None, opened: App, files: list[Path], tmp_path: Path, qtbot: QtBot, said: Counter[str],
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    folder = tmp_path / "saved"
    folder.mkdir()
    monkey, sizes = Monkey(opened, files, folder, SEED), list[Size]()
    told, unmeant = Counter[str](), list[str]()
    monkey.stub_system(monkeypatch)

    def hear(task: Task, error: Exception) -> None:
        told.update([f"{type(error).__name__}: {str(error)[:80]}"])
        if not is_meant(error):
            unmeant.append("".join(traceback.format_exception(error)))

    opened.worker.failed.connect(hear)
    with monkey, qtbot.capture_exceptions() as exceptions, monkeypatch.context() as open_window:
        open_window.setattr(opened.window, "may_close", lambda: False)

        def act(event: int) -> None:
            monkey.act()
            wrong = ["".join(traceback.format_exception(*each)) for each in exceptions]
            wrong += unmeant
            wrong += [message for message in said if not message.startswith(_OF_THE_PLATFORM)]
            assert not wrong, "\n".join([f"event {event}", *monkey.trail, *wrong])
            if event % (EVENTS // 4) == 0:
                monkey.rest()
                sizes.append(Size.of(opened, files[0], qtbot))

        in_a_loop(act, range(1, EVENTS + 1))
    growth = sizes[-1].growth(sizes[0])
    more = (sizes[-1].widgets - sizes[0].widgets).most_common(12), (sizes[-1].values - sizes[0].values).most_common(12)
    if EVENTS > FEW:
        with capsys.disabled():
            memory = [round(size.mebibytes, 1) for size in sizes]
            sys.stdout.write(f"\n{EVENTS} events: growth {growth}; MiB {memory}; more {more}; told {told}\n")
        assert max(growth.values()) <= 0.05, growth
