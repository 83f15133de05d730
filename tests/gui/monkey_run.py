"""Runs of the monkey in the loop of the program, and what goes wrong meanwhile."""

from __future__ import annotations

import linecache
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEventLoop, QTimer
from pytestqt.qtbot import QtBot

from nesr_gui.gui.app import App
from nesr_gui.gui.tasks.worker import Task
from tests.gui.monkey import Monkey

_OF_THE_PLATFORM = ("This plugin does not support", "Mouse event at")  # without a screen; of QTest itself


def is_meant(error: Exception) -> bool:
    """Whether the program itself says so, in a sentence: a file is none, a choice cannot be."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    file = frame.f_code.co_filename
    is_raised = linecache.getline(file, line).lstrip().startswith("raise ")
    is_ours = {"nesr_gui", "tests"} & set(Path(file).parts)  # the engine of the tests, too
    return isinstance(error, ValueError | OSError) and bool(is_ours) and is_raised


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


@dataclass(frozen=True)
class Run:
    """A monkey at work, and what went wrong meanwhile."""

    monkey: Monkey
    app: App
    exceptions: list[Any]  # raised in slots
    warnings: Counter[str]  # of Qt
    failures: Counter[str]  # of tasks
    unmeant: list[str]  # those which no sentence of the program explains

    def check(self, event: int) -> None:
        """Fail, with what the monkey did last, if anything went wrong."""
        wrong = ["".join(traceback.format_exception(*each)) for each in self.exceptions]
        wrong += self.unmeant
        wrong += [message for message in self.warnings if not message.startswith(_OF_THE_PLATFORM)]
        assert not wrong, "\n".join([f"event {event}", *self.monkey.trail, *wrong])

    def forget(self) -> None:
        """Forget what went wrong so far."""
        self.exceptions.clear()
        self.unmeant.clear()
        self.warnings.clear()

    def hear(self, task: Task, error: Exception) -> None:
        """Note the failure of a task."""
        self.failures.update([f"{type(error).__name__}: {str(error)[:80]}"])
        if not is_meant(error):
            self.unmeant.append("".join(traceback.format_exception(error)))


@contextmanager
def let_loose(
    app: App, files: list[Path], folder: Path, qtbot: QtBot, said: Counter[str], monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> Iterator[Run]:  # fmt: skip
    """A monkey that opens `files` and saves in `folder`, in a window that it cannot close."""
    folder.mkdir()
    monkey = Monkey(app, files, folder, seed)
    monkey.stub_system(monkeypatch)
    with monkey, qtbot.capture_exceptions() as exceptions, monkeypatch.context() as open_window:
        open_window.setattr(app.window, "may_close", lambda: False)
        run = Run(monkey, app, exceptions, said, Counter(), [])
        app.worker.failed.connect(run.hear)
        yield run
