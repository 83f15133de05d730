"""What is remembered between two runs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QSettings, QStandardPaths

_throwaway: Path | None = None  # in its place while nothing is to be remembered


def settings() -> QSettings:
    """The program's settings, where the system keeps such things."""
    if _throwaway is not None:
        return QSettings(str(_throwaway), QSettings.Format.IniFormat)
    return QSettings(QSettings.defaultFormat(), QSettings.Scope.UserScope, "nesr_gui", "nesr_gui")


def kept_folder() -> Path:
    """Where the program keeps files of its own, where the system keeps such things."""
    return Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppDataLocation))


@contextmanager
def nothing_remembered() -> Iterator[None]:
    """Start as a new user's program and leave no trace: pictures and benchmarks are not the user's own runs."""
    global _throwaway
    with tempfile.TemporaryDirectory() as folder:
        _throwaway = Path(folder) / "settings.ini"
        try:
            yield
        finally:
            _throwaway = None
