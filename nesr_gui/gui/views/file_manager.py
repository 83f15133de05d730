"""Showing a written file in the file manager of the platform."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QProcess, QUrl
from PySide6.QtDBus import QDBusConnection, QDBusMessage, QDBusPendingCallWatcher
from PySide6.QtGui import QDesktopServices

_waiting: set[QDBusPendingCallWatcher] = set()  # calls without an answer yet


def show_in_folder(path: Path) -> None:
    """Select a file in the file manager, or open its folder where that is not possible; returns at once."""
    if sys.platform == "win32":
        QProcess.startDetached("explorer", [f"/select,{path}"])
    elif sys.platform == "darwin":
        QProcess.startDetached("open", ["-R", str(path)])
    else:
        _show_by_dbus(path)


def _show_by_dbus(path: Path) -> None:
    """Ask the file manager of a freedesktop.org desktop; without an answer, open the folder."""
    bus = QDBusConnection.sessionBus()
    if not bus.isConnected():
        _open_folder(path)
        return
    name = "org.freedesktop.FileManager1"
    message = QDBusMessage.createMethodCall(name, "/org/freedesktop/FileManager1", name, "ShowItems")
    message.setArguments([[QUrl.fromLocalFile(str(path)).toString()], ""])
    watcher = QDBusPendingCallWatcher(bus.asyncCall(message))
    _waiting.add(watcher)

    def take(watcher: QDBusPendingCallWatcher) -> None:
        _waiting.discard(watcher)
        if watcher.isError():
            _open_folder(path)

    watcher.finished.connect(take)


def _open_folder(path: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))
