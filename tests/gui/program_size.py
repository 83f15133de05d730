"""How large the program is in a defined state: memory, objects, threads, timers and open files."""

from __future__ import annotations

import gc
import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot
from shiboken6 import getCppPointer, isValid

from nesr_gui.gui.app import App
from nesr_gui.gui.model.view_settings import ViewSettings
from nesr_gui.gui.tasks.worker import Lane, Task
from nesr_gui.gui.views.dialogs.command_palette import of_menus
from nesr_gui.io.sandbox import SANDBOX

_THREADS_OF_LANES = {f"nesr-{lane.title}" for lane in Lane}
_BUS = "native QDBusConnection"  # thread of Qt's connection to the message bus of the system


@dataclass(frozen=True)
class ProgramSize:
    """The size of the program with one photograph open and nothing to do."""

    mebibytes: float  # resident
    widgets: Counter[str]  # and other objects of Qt, by class
    values: Counter[str]  # objects of Python, by class
    threads: Counter[str]  # by name, without those of pools
    timers: Counter[str]  # active timers, by owner and interval
    files: Counter[str]  # open file descriptors, by what they refer to

    @classmethod
    def measure(cls, app: App, photograph: Path, qtbot: QtBot) -> ProgramSize:
        """Close everything that was opened, open one photograph, wait until all is done, and measure."""
        app.window.bar.stop()
        SANDBOX.close()
        while len(app.workspace.documents) > 1 or app.document.source_shape is not None:
            app.workspace.close(app.workspace.current)
        app.document.view_settings = ViewSettings()
        app.autosave.set_interval(30)  # the monkey may have chosen another one, or none
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
        return cls(
            mebibytes=resident,
            widgets=Counter(each.metaObject().className() for each in app.window.findChildren(QObject)),
            values=Counter(type(each).__name__ for each in gc.get_objects()),
            threads=_threads(),
            timers=Counter(_title(timer) for timer in _active_timers(app)),
            files=Counter(_open_files()),
        )

    def growth(self, before: ProgramSize) -> dict[str, float]:
        """What is larger than before, as a share of it."""
        pairs = {
            "memory": (self.mebibytes, before.mebibytes),
            "objects of Qt": (self.widgets.total(), before.widgets.total()),
            "objects of Python": (self.values.total(), before.values.total()),
        }
        return {name: now / was - 1 for name, (now, was) in pairs.items()}

    def handles_since(self, before: ProgramSize) -> Counter[str]:
        """Threads, timers and files that were not there before, except for a thread for each lane of the worker."""
        lanes = Counter(_THREADS_OF_LANES)
        bus = Counter({_BUS: 1}) & (self.threads - before.threads)  # Qt starts it once, when it is first needed
        known, opened = before.threads | lanes | bus, Counter({"anon_inode": bus.total()})
        return (self.threads - known) + (self.timers - before.timers) + (self.files - before.files - opened)

    def differences(self, before: ProgramSize) -> str:
        """Which objects, threads, timers and files there are more of than before."""
        qt, python = (self.widgets - before.widgets).most_common(12), (self.values - before.values).most_common(12)
        return f"more objects of Qt {qt}, of Python {python}; threads, timers and files {self.handles_since(before)}"

    def __str__(self) -> str:
        """The counts in one line."""
        return (
            f"{self.mebibytes:.1f} MiB, {self.widgets.total()} objects of Qt, {self.values.total()} of Python, "
            f"{self.threads.total()} threads, {self.timers.total()} timers, {self.files.total()} files"
        )


def _threads() -> Counter[str]:
    of_python = {thread.native_id: thread.name for thread in threading.enumerate()}
    names = Counter(name for name in of_python.values() if not is_pooled(name))
    for task in Path("/proc/self/task").iterdir():
        if int(task.name) not in of_python:
            with suppress(FileNotFoundError):  # it has just ended
                names.update([f"native {(task / 'comm').read_text().strip()}"])
    return names


def is_pooled(name: str) -> bool:
    """Whether a thread belongs to the pool that Zarr starts once for the whole process, up to a fixed number."""
    return name == "zarr_io" or name.startswith("asyncio_")


def _active_timers(app: App) -> list[QTimer]:
    """All that Python knows, and those of Qt within the window."""
    of_python = [each for each in gc.get_objects() if issubclass(type(each), QTimer) and isValid(each)]
    timers = [*of_python, *app.findChildren(QTimer), *app.window.findChildren(QTimer)]
    return [timer for timer in {getCppPointer(timer)[0]: timer for timer in timers}.values() if timer.isActive()]


def _title(timer: QTimer) -> str:
    return f"timer of {type(timer.parent()).__name__}, {timer.interval()} ms"


def _open_files() -> Iterator[str]:
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{descriptor}")
        except FileNotFoundError:  # that of the listing itself
            continue
        yield target.partition(":[")[0]  # pipes and sockets without their numbers
