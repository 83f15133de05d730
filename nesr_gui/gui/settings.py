"""What is remembered between two runs."""

from __future__ import annotations

from PySide6.QtCore import QSettings


def settings() -> QSettings:
    """The program's settings, where the system keeps such things."""
    return QSettings(QSettings.defaultFormat(), QSettings.Scope.UserScope, "nesr_gui", "nesr_gui")
