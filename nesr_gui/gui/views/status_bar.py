"""The line at the foot of the window: where the mouse is, what is worked with, and how far the work is."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QLabel, QProgressBar, QPushButton, QSizePolicy, QStatusBar, QWidget

from nesr_gui.export import format_duration
from nesr_gui.gui.model.marks import Pixel
from nesr_gui.gui.tasks.worker import Task

_SHORTEST_LEFT = 5.0  # seconds that work must still take to be shown


class Status(QStatusBar):
    """Shows; announces that the work it shows shall stop, or pause."""

    cancel_requested = Signal(object)  # Task
    pause_requested = Signal(object, bool)  # Task, whether it shall wait

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.setContentsMargins(10, 0, 8, 2)
        self._doing: dict[Task, float] = {}
        self._since: dict[Task, float] = {}
        self.where = QLabel()
        self.resolution, self.device = QLabel(), QLabel()
        self.work, self.bar = QLabel(), QProgressBar()
        self.bar.setFixedSize(130, 14)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress")
        self.cancel = QPushButton("Cancel")
        self.cancel.setAccessibleName("Cancel the work in progress")
        self.cancel.clicked.connect(lambda: self.cancel_requested.emit(self.shown()))
        self.pause = QPushButton("Pause")
        self.pause.setCheckable(True)
        self.pause.setAccessibleName("Pause the work in progress")
        self.pause.clicked.connect(lambda paused: self.pause_requested.emit(self.shown(), paused))
        self.pause.toggled.connect(lambda paused: self.pause.setText("Resume" if paused else "Pause"))
        self.pause.toggled.connect(self._keep_time)
        self._paused_at = 0.0
        self.where.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # never widens the window
        self.addWidget(self.where, 1)
        right: tuple[QWidget, ...] = (
            self.work,
            self.bar,
            self.pause,
            self.cancel,
            self.resolution,
            _line(),
            self.device,
        )
        for part in right:
            self.addPermanentWidget(part)
        self._show_work()

    def show_pixel(self, pixel: Pixel | None, nm: float, value: float | None, more: Sequence[str] = ()) -> None:
        """Where the mouse is, the value there, and `more` that is known of the pixel."""
        place = "" if pixel is None else f"row {pixel[0]}, col {pixel[1]}   ·   "
        reading = "" if pixel is None or value is None else f"{value:.4f} at "
        self.where.setText("   ·   ".join([f"{place}{reading}{nm:.1f} nm", *more]))

    def show_resolution(self, text: str) -> None:
        self.resolution.setText(text)

    def show_model(self, name: str, device: str) -> None:
        self.device.setText(" · ".join(filter(None, (name, device))))

    def show_progress(self, task: Task, fraction: float) -> None:
        if not task.text:
            return
        if fraction <= 0:
            self._since[task] = time.monotonic()
        if time.monotonic() - self._since.get(task, 0.0) >= task.after:
            self._doing[task] = fraction
            self._show_work()

    def show_end(self, task: Task) -> None:
        if task.can_pause:
            self.pause.setChecked(False)
        if self._doing.pop(task, None) is not None:
            self._show_work()

    def shown(self) -> Task | None:
        """The task whose progress is shown."""
        return next((task for task in Task if task in self._doing), None) if self._doing else None

    def _show_work(self) -> None:
        task = self.shown()
        for widget in (self.work, self.bar):
            widget.setVisible(task is not None)
        self.pause.setVisible(task is not None and task.can_pause)
        self.cancel.setVisible(task is not None and task.can_cancel)
        if task is not None:
            fraction = self._doing[task]
            self.bar.setRange(0, 0 if fraction <= 0 else 1000)
            self.bar.setValue(round(1000 * fraction))
            self.work.setText(task.text + (f" {fraction:.0%}" if fraction > 0 else " …") + self._left(task))

    def _left(self, task: Task) -> str:
        """How long the work will go on at its present speed, where that is worth telling."""
        fraction = self._doing[task]
        if not task.is_timed or fraction <= 0.01 or self.pause.isChecked():
            return ""
        left = (time.monotonic() - self._since[task]) * (1 - fraction) / fraction
        return f", {format_duration(left)} left" if left >= _SHORTEST_LEFT else ""

    def _keep_time(self, paused: bool) -> None:
        """Time that passes while the work is paused does not count as its own."""
        if paused:
            self._paused_at = time.monotonic()
        else:
            waited = time.monotonic() - self._paused_at
            self._since |= {task: since + waited for task, since in self._since.items() if task.can_pause}
        self._show_work()


def _line() -> QFrame:
    line = QFrame()
    line.setFrameShape(QFrame.Shape.VLine)
    line.setFixedHeight(14)
    line.setStyleSheet("color: palette(mid);")
    return line
