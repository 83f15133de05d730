"""What is pasted: files that were copied, or an image without a file."""

from __future__ import annotations

import shutil
import tempfile
from itertools import count
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject
from PySide6.QtGui import QGuiApplication, QImage

from nesr_gui.gui.input.incoming import Incoming
from nesr_gui.gui.opening import Opening
from nesr_gui.gui.tasks.files import PasteRequest, write_pasted
from nesr_gui.gui.tasks.worker import Worker
from nesr_gui.gui.views.main_window import MainWindow, local_files

NAME = "Pasted image.png"


class Pasting(QObject):
    """Opens what the clipboard holds. An image from there is kept in a folder that goes with the window."""

    def __init__(self, window: MainWindow, worker: Worker, opening: Opening, incoming: Incoming) -> None:
        super().__init__(window)
        self._window, self._worker, self._opening, self._incoming = window, worker, opening, incoming
        self._folder: Path | None = None
        self._numbers = count(1)

    def paste(self) -> None:
        """Open the files that were copied in a file manager, or the image that was copied in another program."""
        clipboard = QGuiApplication.clipboard()
        mime: QMimeData | None = clipboard.mimeData()  # None where the clipboard is empty
        if mime is not None and (paths := local_files(mime)):
            self._incoming.open(paths)
        elif mime is not None and not (image := clipboard.image()).isNull():
            self._open(image)
        else:
            self._window.notice.show_failure(
                ValueError("the clipboard holds no image and no file; copy an image, or files in a file manager, first")
            )

    def _open(self, image: QImage) -> None:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="nesr_gui-"))
            self._window.closing.connect(self._clear)
        request = PasteRequest(self._folder / str(next(self._numbers)) / NAME, image)
        self._worker.submit("paste", request, write_pasted, lambda request, done: self._open_written(request.path))

    def _open_written(self, path: Path) -> None:
        self._incoming.take([lambda: self._opening.open(path, is_pasted=True)])

    def _clear(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
