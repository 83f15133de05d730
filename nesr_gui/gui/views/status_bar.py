"""The line at the foot of the window: where the mouse is, what is worked with, and how far the work is."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QLabel, QProgressBar, QPushButton, QSizePolicy, QStatusBar, QWidget

from nesr_gui.export import format_duration
from nesr_gui.gui.model.marks import Pixel

WORK = {
    "export": "Exporting",
    "write": "Writing",
    "encode": "Reconstructing",
    "model": "Loading the model",
    "read": "Opening",
    "interpret": "Reading the colours",
    "truth": "Laying the measured cube over the photograph",
    "expose": "Photographing the cube",
    "accuracy image": "Measuring the accuracy",
    "accuracy": "Measuring the accuracy of the marks",
    "exact": "Computing the picture",
    "exact right": "Computing the picture",
    "regions_finer": "Averaging a region",
}
"""What is told of the work for each purpose, the most telling first; the rest is too short to tell."""
_PAUSABLE = ("export",)
_TIMED = ("export", "encode")  # which may take minutes
_WORTH_TELLING = 5.0  # seconds that work will still take
_TOLD_AFTER = {
    "write": 0.7,
    "exact": 0.7,
    "exact right": 0.7,
    "interpret": 0.4,
    "truth": 0.4,
    "accuracy": 0.7,
}  # seconds; most are there before


class Status(QStatusBar):
    """Shows; announces that the work it shows shall stop, or pause."""

    cancel_picked = Signal(str)  # purpose
    pause_picked = Signal(str, bool)  # purpose, whether it shall wait

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.setContentsMargins(10, 0, 8, 2)
        self._doing: dict[str, float] = {}
        self._since: dict[str, float] = {}
        self.where = QLabel()
        self.resolution, self.device = QLabel(), QLabel()
        self.work, self.bar = QLabel(), QProgressBar()
        self.bar.setFixedSize(130, 14)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress")
        self.cancel = QPushButton("Cancel")
        self.cancel.setAccessibleName("Cancel the work in progress")
        self.cancel.clicked.connect(lambda: self.cancel_picked.emit(self.shown()))
        self.pause = QPushButton("Pause")
        self.pause.setCheckable(True)
        self.pause.setAccessibleName("Pause the work in progress")
        self.pause.clicked.connect(lambda paused: self.pause_picked.emit(self.shown(), paused))
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
        self.device.setText(" · ".join(part for part in (name, device) if part))

    def show_progress(self, purpose: str, fraction: float) -> None:
        if purpose in WORK:
            if fraction <= 0:
                self._since[purpose] = time.monotonic()
            lasted = time.monotonic() - self._since.get(purpose, 0.0)
            if lasted >= _TOLD_AFTER.get(purpose, 0.0):
                self._doing[purpose] = fraction
                self._show_work()

    def show_end(self, purpose: str) -> None:
        if purpose in _PAUSABLE:
            self.pause.setChecked(False)
        if self._doing.pop(purpose, None) is not None:
            self._show_work()

    def shown(self) -> str:
        """The purpose whose work is shown, or nothing."""
        return next((purpose for purpose in WORK if purpose in self._doing), "")

    def _show_work(self) -> None:
        purpose = self.shown()
        for widget in (self.work, self.bar):
            widget.setVisible(bool(purpose))
        self.pause.setVisible(purpose in _PAUSABLE)
        self.cancel.setVisible(purpose not in ("", "model", "read", "interpret"))
        if purpose:
            fraction = self._doing[purpose]
            self.bar.setRange(0, 0 if fraction <= 0 else 1000)
            self.bar.setValue(round(1000 * fraction))
            self.work.setText(WORK[purpose] + (f" {fraction:.0%}" if fraction > 0 else " …") + self._left(purpose))

    def _left(self, purpose: str) -> str:
        """How long the work will go on at its present speed, where that is worth telling."""
        fraction = self._doing[purpose]
        if purpose not in _TIMED or fraction <= 0.01 or self.pause.isChecked():
            return ""
        left = (time.monotonic() - self._since[purpose]) * (1 - fraction) / fraction
        return f", {format_duration(left)} left" if left >= _WORTH_TELLING else ""

    def _keep_time(self, paused: bool) -> None:
        """Time that passes while the work is paused does not count as its own."""
        if paused:
            self._paused_at = time.monotonic()
        else:
            waited = time.monotonic() - self._paused_at
            self._since |= {purpose: self._since[purpose] + waited for purpose in _PAUSABLE if purpose in self._since}
        self._show_work()


def _line() -> QFrame:
    line = QFrame()
    line.setFrameShape(QFrame.Shape.VLine)
    line.setFixedHeight(14)
    line.setStyleSheet("color: palette(mid);")
    return line
