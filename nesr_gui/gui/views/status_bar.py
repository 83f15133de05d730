"""The status bar: pixel under the mouse, resolution, model, and progress of running tasks."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QProgressBar, QPushButton, QSizePolicy, QStatusBar, QWidget

from nesr_gui.export import format_duration
from nesr_gui.gui.drawing.labels import value_format
from nesr_gui.gui.model.marks import Pixel
from nesr_gui.gui.tasks.worker import Task

_SHORTEST_LEFT = 5.0  # seconds below which the remaining time is not shown


class Status(QStatusBar):
    """Shows pixel, resolution, model and progress; signals requests to cancel or pause a task."""

    cancel_requested = Signal(object)  # Task
    pause_requested = Signal(object, bool)  # Task, whether to pause it

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.setContentsMargins(10, 0, 8, 2)
        self._fractions: dict[Task, float] = {}
        self._since: dict[Task, float] = {}
        self.where = QLabel()
        self.resolution, self.device, self.box = QLabel(), QLabel(), QLabel()
        self.box.setToolTip("Averaging box: spectrum and value under the mouse are the mean of these image pixels")
        self._mean = ""  # what the value under the mouse is the mean of, before the value
        self.work, self.bar = QLabel(), QProgressBar()
        self.bar.setFixedSize(130, 14)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress")
        self.cancel = QPushButton("Cancel")
        self.cancel.setAccessibleName("Cancel the running task")
        self.cancel.clicked.connect(lambda: self.cancel_requested.emit(self.shown()))
        self.pause = QPushButton("Pause")
        self.pause.setCheckable(True)
        self.pause.setAccessibleName("Pause the running task")
        self.pause.clicked.connect(lambda paused: self.pause_requested.emit(self.shown(), paused))
        self.pause.toggled.connect(lambda paused: self.pause.setText("Resume" if paused else "Pause"))
        self.pause.toggled.connect(self._keep_time)
        self._paused_at = 0.0
        self.addWidget(_Free(self.where), 1)
        right: tuple[QWidget, ...] = (
            self.work,
            self.bar,
            self.pause,
            self.cancel,
            self.box,
            self.resolution,
            _line(),
            self.device,
        )
        for part in right:
            self.addPermanentWidget(part)
        self._show_work()

    def show_pixel(self, pixel: Pixel | None, nm: float, value: float | None, more: Sequence[str] = ()) -> None:
        """Show the position of the pixel, its value at `nm`, and `more` texts about it."""
        place = "" if pixel is None else f"row {pixel[0]}, col {pixel[1]}   ·   "
        reading = "" if pixel is None or value is None else f"{self._mean}{value:{value_format(abs(value))}} at "
        self.where.setText("   ·   ".join([f"{place}{reading}{nm:.1f} nm", *more]))

    def show_box(self, side: int) -> None:
        """Show the side of the averaging box in source pixels; 1 is a single pixel."""
        self.box.setVisible(side > 1)
        self.box.setText(f"box {side}×{side} px  ·")
        self._mean = f"mean of {side}×{side} px " if side > 1 else ""

    def show_resolution(self, text: str) -> None:
        """Show the working resolution."""
        self.resolution.setText(text)

    def show_model(self, name: str, device: str) -> None:
        """Show name and device of the model."""
        self.device.setText(" · ".join(filter(None, (name, device))))

    def show_progress(self, task: Task, fraction: float) -> None:
        """Show the progress of a task (0 to 1) once it has run for `task.after` seconds."""
        if not task.text:
            return
        if fraction <= 0:
            self._since[task] = time.monotonic()
        if time.monotonic() - self._since.get(task, 0.0) >= task.after:
            self._fractions[task] = fraction
            self._show_work()

    def show_end(self, task: Task) -> None:
        """Remove a task that has ended."""
        if task.can_pause:
            self.pause.setChecked(False)
        if self._fractions.pop(task, None) is not None:
            self._show_work()

    def shown(self) -> Task | None:
        """The task whose progress is shown."""
        return next((task for task in Task if task in self._fractions), None) if self._fractions else None

    def _show_work(self) -> None:
        task = self.shown()
        for widget in (self.work, self.bar):
            widget.setVisible(task is not None)
        self.pause.setVisible(task is not None and task.can_pause)
        self.cancel.setVisible(task is not None and task.can_cancel)
        if task is not None:
            fraction = self._fractions[task]
            self.bar.setRange(0, 0 if fraction <= 0 else 1000)
            self.bar.setValue(round(1000 * fraction))
            self.work.setText(task.text + (f" {fraction:.0%}" if fraction > 0 else " …") + self._left(task))

    def _left(self, task: Task) -> str:
        """Estimated remaining time, if long enough to be shown."""
        fraction = self._fractions[task]
        if not task.is_timed or fraction <= 0.01 or self.pause.isChecked():
            return ""
        left = (time.monotonic() - self._since[task]) * (1 - fraction) / fraction
        return f", {format_duration(left)} left" if left >= _SHORTEST_LEFT else ""

    def _keep_time(self, paused: bool) -> None:
        """Exclude paused time from the duration of a task."""
        if paused:
            self._paused_at = time.monotonic()
        else:
            waited = time.monotonic() - self._paused_at
            self._since |= {task: since + waited for task, since in self._since.items() if task.can_pause}
        self._show_work()


class _Free(QWidget):
    """Holds a label outside of any layout: there, a new text would lay out and paint the status bar, or widen it."""

    def __init__(self, label: QLabel) -> None:
        super().__init__()
        self._label = label
        label.setParent(self)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def sizeHint(self) -> QSize:
        """Preferred size: the height of the label."""
        return QSize(0, self._label.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let the label fill the space."""
        self._label.resize(event.size())


def _line() -> QFrame:
    line = QFrame()
    line.setFrameShape(QFrame.Shape.VLine)
    line.setFixedHeight(14)
    line.setStyleSheet("color: palette(mid);")
    return line
