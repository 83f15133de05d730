"""Shows the start page while nothing is open, and opens what is picked on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QSize
from PySide6.QtGui import QImage

from nesr_gui import resources
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.opening import Opening
from nesr_gui.gui.tasks.files import ThumbnailRequest, make_thumbnails
from nesr_gui.gui.tasks.worker import Worker
from nesr_gui.gui.views.main_window import MainWindow
from nesr_gui.gui.views.start_page import RECENT_SIZE, SAMPLE_SIZE
from nesr_gui.resources import Sample


class Starting(QObject):
    """Keeps the start page up to date; its pictures are made by the worker."""

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        worker: Worker,
        opening: Opening,
        open_sample: Callable[[Sample], None],
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._worker, self._opening = window, session, worker, opening
        page, samples = window.start, present_samples()
        window.fill_menu("open_sample", [(sample.title, partial(open_sample, sample)) for sample in samples])
        page.show_samples(samples)
        page.sample_picked.connect(open_sample)
        page.file_picked.connect(opening.open)
        session.image_changed.connect(self._show)
        worker.progressed.connect(lambda purpose, fraction: self._show())
        worker.ended.connect(lambda purpose: self._show())
        opening.recent_changed.connect(self._show_recent)
        self._ask("samples", [sample.photograph for sample in samples], SAMPLE_SIZE)
        self._show_recent()
        self._show()

    def _show(self) -> None:
        """An image that is being read is waited for without the page, so that it does not flash by."""
        is_empty = self._session.source_shape is None and not self._worker.is_busy("read")
        wanted = self._window.start if is_empty else self._window.panes
        if self._window.middle.currentWidget() is not wanted:
            self._window.middle.setCurrentWidget(wanted)

    def _show_recent(self) -> None:
        paths = self._opening.recent()
        self._window.start.show_recent(paths)
        self._ask("thumbnails", paths, RECENT_SIZE)

    def _ask(self, purpose: str, paths: list[Path], size: QSize) -> None:
        request = ThumbnailRequest(tuple(paths), size * 2)  # twice, for screens with small pixels
        self._worker.submit(purpose, request, make_thumbnails, self._take)

    def _take(self, request: ThumbnailRequest, pictures: Mapping[Path, QImage]) -> None:
        self._window.start.show_thumbnails(pictures)
        self._window.start.show_missing(set(request.paths) - set(pictures))


def present_samples() -> list[Sample]:
    """The embedded samples."""
    try:
        return resources.samples()
    except OSError:  # a source tree whose samples are not made yet
        return []
