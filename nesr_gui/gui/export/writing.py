"""Files that are written: asks where to, has it done, and tells what became of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from PySide6.QtWidgets import QFileDialog

from nesr_gui.fields.protocol import Progress
from nesr_gui.gui.model.preferences import settings
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.tasks.worker import Worker
from nesr_gui.gui.views.main_window import MainWindow

CSV = "Comma-separated values (*.csv)"
_FOLDER = "files/exported"
_BUSY = "another export is being written; wait until it is done, or cancel it"


class ToWrite(Protocol):
    """A frozen request that ends in a file or folder at `path`."""

    @property
    def path(self) -> Path: ...


R = TypeVar("R", bound=ToWrite)
T = TypeVar("T")


class Writing:
    """Has small files written one after the other, and of cubes and films only one at a time."""

    def __init__(self, window: MainWindow, session: Session, worker: Worker) -> None:
        self._window, self._session, self._worker = window, session, worker

    def ask(self, title: str, ending: str, filters: str) -> Path | None:
        """Where to; proposed is the image's name with `ending`, beside what was written last.

        A name without an ending of its own gets that of the kind of file that is chosen.
        """
        proposed = Path(str(settings().value(_FOLDER, ""))) / f"{Path(self._session.name).stem or 'image'}{ending}"
        chosen, kind = QFileDialog.getSaveFileName(self._window, title, str(proposed), filters)
        if not chosen:
            return None
        path, endings = Path(chosen), re.findall(r"\*(\.\w+)", kind or filters)
        return path.with_suffix(endings[0]) if endings and not path.suffix else path

    def write(self, request: R, run: Callable[[R, Progress], None]) -> None:
        """Have a small file written, after those that were asked for before."""
        self._worker.submit("write", request, run, lambda asked, done: self.tell(asked.path))

    def may_export(self) -> bool:
        """Whether a cube or a film can be begun; if not, the user is told why."""
        is_busy = self._worker.is_busy("export")
        if is_busy:
            self._window.notice.show_failure(ValueError(_BUSY))
        return not is_busy

    def export(self, request: R, run: Callable[[R, Progress], T], then: Callable[[R, T], None]) -> None:
        """Have a cube or a film written, unless another one is; `then` tells of it."""
        if self.may_export():
            self._worker.submit("export", request, run, then)

    def tell(self, path: Path, said: str = "") -> None:
        """Say that a file was written, if need be in other words."""
        settings().setValue(_FOLDER, str(path.resolve().parent))
        self._window.notice.show_success(said or f"Wrote {path}.")
