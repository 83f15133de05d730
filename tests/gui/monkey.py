"""A user without a plan: clicks, drags, turns the wheel, types and picks actions at random, the same for each seed."""

from __future__ import annotations

import random
import string
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QDesktopServices, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QMessageBox, QWidget
from shiboken6 import isValid

from nesr_gui.gui.app import App
from nesr_gui.gui.views.actions import TABLE

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
_HELD = {
    Qt.Key.Key_Shift: Qt.KeyboardModifier.ShiftModifier, Qt.Key.Key_Control: Qt.KeyboardModifier.ControlModifier,
    Qt.Key.Key_Alt: Qt.KeyboardModifier.AltModifier,
}  # fmt: skip
_MODIFIERS = (Qt.KeyboardModifier.NoModifier,) * 6 + (
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)
_KEYS = (
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Tab, Qt.Key.Key_Backtab,
    Qt.Key.Key_Return, Qt.Key.Key_Escape, Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_Space, Qt.Key.Key_Home,
    Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_F2,
)  # fmt: skip
_NOT_PICKED = {"quit"}
_MOST_TABS = 5
_STUCK = 300  # ms that a menu or a drag may hold the program in a loop of its own


class Monkey:
    """Does one thing after the other; `trail` tells what it did last.

    Args:
        app: a shown window.
        files: what it picks where the program asks for a file to open.
        folder: where what it saves goes; it picks from there, too.
        seed: of everything it decides.
    """

    def __init__(self, app: App, files: Sequence[Path], folder: Path, seed: int) -> None:
        self.app, self.trail = app, deque[str](maxlen=30)
        self._files, self._folder, self._random = list(files), folder, random.Random(seed)
        self._patience = 0  # things done in the present dialog
        self._done = self._seen = 0
        self._does = (
            (self._click, 30), (self._drag, 12), (self._wheel, 6), (self._press, 14), (self._use_shortcut, 12),
            (self._type, 3), (self._pick_action, 16), (self._drop, 1), (self._resize, 1), (self._hover, 10),
        )  # fmt: skip
        self._watch = QTimer()  # a menu of a button, or a drag, waits in a loop of its own
        self._watch.timeout.connect(self._free)

    def stub_system(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Answer for what belongs to the system: its file dialogs, its browser."""
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (self._file(), ""))
        monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *args: ([self._file()], ""))
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: self._file())
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (self._target(), args[3]))
        buttons = QMessageBox.StandardButton
        monkeypatch.setattr(QMessageBox, "warning", lambda *args: self._random.choice([buttons.Yes, buttons.No]))
        monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: True)

    def act(self) -> None:
        """Do one thing, in the dialog that is open if there is one."""
        self._done += 1
        top = self._top()
        if top is None:
            self.trail.append("no window is active")
        elif isinstance(dialog := QApplication.activeModalWidget(), QDialog) and self._is_bored():
            self.trail.append(f"close {type(dialog).__name__}")
            dialog.reject()
        else:
            do = self._random.choices([do for do, _ in self._does], [weight for _, weight in self._does])[0]
            do(top)
        QApplication.processEvents()
        if self._random.random() < 0.1:
            QTest.qWait(self._random.randrange(1, 20))  # answers come between

    def __enter__(self) -> Monkey:
        self._watch.start(_STUCK)
        return self

    def __exit__(self, *error: object) -> None:
        self._watch.stop()
        self.rest()

    def rest(self) -> None:
        """Leave menus, dialogs and further windows."""
        for _ in range(100):
            top = QApplication.activePopupWidget() or QApplication.activeModalWidget()
            if top is None:
                break
            (top.reject if isinstance(top, QDialog) else top.close)()
            QApplication.processEvents()
        for widget in QApplication.topLevelWidgets():
            if widget is not self.app.window and widget.isVisible():
                widget.close()

    def _is_bored(self) -> bool:
        self._patience = self._patience + 1 if self._random.random() > 0.15 else 0
        return self._patience == 0

    def _free(self) -> None:
        """Press Escape where nothing was done since the last time."""
        if self._seen == self._done:
            popup = QApplication.activePopupWidget()
            if popup is not None:
                popup.close()
            elif (window := QApplication.focusWindow()) is not None:
                QTest.keyClick(window, Qt.Key.Key_Escape)
        self._seen = self._done

    def _top(self) -> QWidget | None:
        """The window that takes what is done: a menu, the dialog in front, or any that is there."""
        top: QWidget | None = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        if top is None:
            shown = [w for w in QApplication.topLevelWidgets() if w.isVisible() and w is not self.app.window]
            top = self._random.choice(shown) if shown and self._random.random() < 0.15 else self.app.window
            if top is not self.app.window and self._random.random() < 0.2:
                self.trail.append(f"close window {type(top).__name__}")
                top.close()
                top = self.app.window
        return top if top.windowHandle() is not None else None

    def _place(self, top: QWidget) -> QPoint:
        """Somewhere in the window: on one of its widgets, small ones as likely as large ones."""
        if self._random.random() < 0.1:
            return self._inside(top)
        # `findChildren` of the main window would hold on to the parts of dialogs that are open, as long as it is there
        shown = [w for w in QApplication.allWidgets() if w.isVisible() and w.window() is top and not w.size().isEmpty()]
        images = [image.viewport() for image in self.app.window.panes.images if image.isVisible()]
        if top is self.app.window and images and self._random.random() < 0.35:
            shown = images
        widget = self._random.choice(shown or [top])
        return within(top, widget.mapTo(top, self._inside(widget)))

    def _inside(self, widget: QWidget) -> QPoint:
        return QPoint(self._random.randrange(widget.width()), self._random.randrange(widget.height()))

    def _click(self, top: QWidget) -> None:
        at, button = self._place(top), self._random.choices([LEFT, RIGHT], [5, 1])[0]
        modifier = self._random.choice(_MODIFIERS)
        twice = self._random.random() < 0.1 and top is self.app.window  # others may close meanwhile
        self.trail.append(f"{'double ' if twice else ''}{button.name} {modifier.name} {self._what(top, at)}")
        if twice:
            QTest.mouseDClick(top.windowHandle(), button, modifier, at)
            return
        QTest.mousePress(top.windowHandle(), button, modifier, at)
        if is_there(top):
            QTest.mouseRelease(top.windowHandle(), button, modifier, at)

    def _drag(self, top: QWidget) -> None:
        start = self._place(top)
        end = self._place(top) if self._random.random() < 0.5 else within(top, start + QPoint(*self._step(60)))
        self.trail.append(f"drag {self._what(top, start)} to {end.toTuple()}")
        QTest.mousePress(top.windowHandle(), LEFT, Qt.KeyboardModifier.NoModifier, start)
        for share in (0.3, 0.7, 1.0):
            if is_there(top):
                QTest.mouseMove(top.windowHandle(), start + (end - start) * share)
        if is_there(top):
            QTest.mouseRelease(top.windowHandle(), LEFT, Qt.KeyboardModifier.NoModifier, end)

    def _hover(self, top: QWidget) -> None:
        at = self._place(top)
        self.trail.append(f"hover {self._what(top, at)}")
        QTest.mouseMove(top.windowHandle(), at)

    def _wheel(self, top: QWidget) -> None:
        at, turn = self._place(top), QPoint(0, self._random.choice([-120, 120, 480, -480]))
        self.trail.append(f"wheel {turn.y()} {self._what(top, at)}")
        event = QWheelEvent(
            QPointF(at), QPointF(top.mapToGlobal(at)), QPoint(), turn, Qt.MouseButton.NoButton,
            self._random.choice(_MODIFIERS), Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(top.windowHandle(), event)

    def _press(self, top: QWidget) -> None:
        key, modifier = self._random.choice(_KEYS), self._random.choice(_MODIFIERS)
        self.trail.append(f"key {modifier.name} {key.name}")
        self._strike(top, key, modifier)

    def _use_shortcut(self, top: QWidget) -> None:
        keys = [key for entry in TABLE if entry.name not in _NOT_PICKED for key in entry.keys]
        combination = self._random.choice(keys)[0]
        self.trail.append(f"shortcut {combination.keyboardModifiers().name} {combination.key().name}")
        self._strike(top, combination.key(), combination.keyboardModifiers())

    def _type(self, top: QWidget) -> None:
        text = "".join(self._random.choices(string.printable[:95], k=self._random.randrange(1, 6)))
        self.trail.append(f"type {text!r}")
        for letter in text:
            self._strike(top, letter, Qt.KeyboardModifier.NoModifier)

    def _strike(self, top: QWidget, key: Qt.Key | str, modifier: Qt.KeyboardModifier) -> None:
        """Press a key and let it go; each event may have closed the window of the next one, as Alt closes a menu.

        With modifiers, QTest sends several events to one window. So they are pressed before, and not held in a release.
        """
        nothing = Qt.KeyboardModifier.NoModifier
        strikes = [(QTest.keyPress, held, nothing) for held, bit in _HELD.items() if bit & modifier]
        for strike, each, held in (*strikes, (QTest.keyPress, key, modifier), (QTest.keyRelease, key, nothing)):
            if is_there(top):
                strike(top.windowHandle(), each, held)

    def _pick_action(self, top: QWidget) -> None:
        if top is not self.app.window:
            return
        actions = self.app.window.actions_by_name
        crowded = len(self.app.workspace.documents) > _MOST_TABS
        name = "close_tab" if crowded else self._random.choice([name for name in actions if name not in _NOT_PICKED])
        self.trail.append(f"action {name}{'' if actions[name].isEnabled() else ' (disabled)'}")
        actions[name].trigger()

    def _drop(self, top: QWidget) -> None:
        paths = [Path(self._file() or self._folder) for _ in range(self._random.randrange(1, 3))]
        self.trail.append(f"drop {[path.name for path in paths]}")
        self.app.window.files_picked.emit(paths)

    def _resize(self, top: QWidget) -> None:
        if top is self.app.window:
            self.trail.append("resize")
            self.app.window.resize(self._random.randrange(700, 1500), self._random.randrange(450, 1000))

    def _step(self, most: int) -> tuple[int, int]:
        return self._random.randint(-most, most), self._random.randint(-most, most)

    def _file(self) -> str:
        """One to open: most often one that fits nothing in particular, at times none."""
        path = str(self._random.choice([*self._files, *sorted(self._folder.iterdir()), ""]))
        self.trail.append(f"  file {path}")
        return path

    def _target(self) -> str:
        path = self._random.choice(["", *(str(self._folder / f"saved{number}") for number in range(4))])
        self.trail.append(f"  saved as {path}")
        return path

    def _what(self, top: QWidget, at: QPoint) -> str:
        widget = top.childAt(at) or top
        return f"{type(widget).__name__} {widget.accessibleName()!r} of {type(top).__name__} {at.toTuple()}"


def within(top: QWidget, at: QPoint) -> QPoint:
    """The place of the window that is nearest."""
    return QPoint(min(max(at.x(), 0), top.width() - 1), min(max(at.y(), 0), top.height() - 1))


def is_there(top: QWidget) -> bool:
    """Whether a window still is, after what was done to it."""
    return isValid(top) and top.windowHandle() is not None
