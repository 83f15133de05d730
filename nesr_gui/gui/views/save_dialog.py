"""The dialog that asks for a file to write."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget


def ask_save_path(
    parent: QWidget | None, title: str, proposed: Path | str, filters: str, *, ending: str = ""
) -> Path | None:
    """Ask for a file to write; None if the user cancels. A file that exists is never returned without a question.

    The dialog of the system asks about the name that was typed, which is not that of the file if it lacks an extension.

    Args:
        parent: window of the dialog.
        title: of the dialog.
        proposed: file name, relative to the last folder, or path.
        filters: file types in the syntax of Qt's file dialogs.
        ending: extension that the file must have; by default only a name without any gets that of the chosen type.
    """
    while True:
        chosen, kind = QFileDialog.getSaveFileName(parent, title, str(proposed), filters)
        if not chosen:
            return None
        path, endings = Path(chosen), [ending] if ending else re.findall(r"\*(\.\w+)", kind or filters)
        is_complete = path.suffix.lower() == ending if ending else bool(path.suffix)
        if is_complete or not endings:
            return path
        path = path.with_name(path.name + endings[0])
        if not path.exists() or _may_replace(parent, title, path):
            return path
        proposed = path


def _may_replace(parent: QWidget | None, title: str, path: Path) -> bool:
    buttons = QMessageBox.StandardButton
    question = f"{path.name} already exists.\nDo you want to replace it?"
    return QMessageBox.warning(parent, title, question, buttons.Yes | buttons.No, buttons.No) == buttons.Yes
