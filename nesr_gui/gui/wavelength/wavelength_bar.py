"""The wavelength: slider, number and sweep."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QElapsedTimer, QEvent, QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from nesr_gui.gui.drawing import theme
from nesr_gui.gui.wavelength.wavelength_slider import WavelengthSlider

SPEEDS = (0.5, 500.0)  # nm/s
_FRAME_MS = 30


class WavelengthBar(QWidget):
    """Announces the wavelength the user picks, by hand or by sweeping, and shows the one there is."""

    wavelength_picked = Signal(float)
    playing_changed = Signal(bool)
    speed_picked = Signal(float)  # nm/s

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.play = QToolButton()
        self.play.setAutoRaise(True)
        self.play.setIconSize(QSize(22, 22))
        self.play.clicked.connect(self.toggle_playing)
        self.slider = WavelengthSlider()
        self.number = QDoubleSpinBox()
        self.number.setDecimals(1)
        self.number.setSingleStep(0.1)
        self.number.setSuffix(" nm")
        self.number.setMinimumHeight(28)
        self.number.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.number.setCorrectionMode(QAbstractSpinBox.CorrectionMode.CorrectToNearestValue)
        self.number.setKeyboardTracking(False)
        self.number.setAccessibleName("Wavelength in nanometres")
        self.speed = QDoubleSpinBox()
        self.speed.setRange(*SPEEDS)
        self.speed.setDecimals(1)
        self.speed.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
        self.speed.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)  # arrow keys and the wheel do it
        self.speed.setSuffix(" nm/s")
        self.speed.setValue(40.0)
        self.speed.setMinimumHeight(28)
        self.speed.setKeyboardTracking(False)
        self.speed.setAccessibleName("Speed of the sweep in nanometres per second")
        self.speed.setToolTip("Speed of the sweep")
        self.badge = QLabel()
        self.badge.setAlignment(Qt.AlignmentFlag.AlignRight)
        small = self.badge.font()
        small.setPointSizeF(0.8 * small.pointSizeF())
        self.badge.setFont(small)
        self._bands: list[float] = []
        self._clock, self._position = QElapsedTimer(), 550.0  # where the sweep is, finer than what it announces
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_FRAME_MS)
        self._timer.timeout.connect(self._sweep)
        self.slider.valueChanged.connect(lambda tenths: self.wavelength_picked.emit(tenths / 10))
        self.number.valueChanged.connect(self.wavelength_picked)
        self.speed.valueChanged.connect(self.speed_picked)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 6)
        layout.setSpacing(10)
        for widget, stretch in ((self.play, 0), (self.speed, 0), (self.slider, 1)):
            layout.addWidget(widget, stretch, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()  # below each other: beside each other they would take width from the image
        column.setSpacing(0)
        column.addWidget(self.number)
        column.addWidget(self.badge)
        layout.addLayout(column)
        self.show_range(400.0, 700.0)
        self._show_playing()

    def show_range(self, low: float, high: float, bands: Sequence[float] = ()) -> None:
        """The wavelengths that can be picked, and those that were measured or trained on."""
        self._bands = list(bands)
        with QSignalBlocker(self.slider), QSignalBlocker(self.number):
            self.slider.setRange(round(10 * low), round(10 * high))
            self.number.setRange(low, high)
        self.number.setAccessibleDescription(f"Between {low:g} and {high:g} nm")
        self.slider.update()
        self._show_badge()

    def show_wavelength(self, nm: float) -> None:
        with QSignalBlocker(self.slider), QSignalBlocker(self.number):
            self.slider.setValue(round(10 * nm))
            self.number.setValue(nm)
        if abs(nm - self._position) > 0.06:  # not the sweep's own, to a tenth
            self._position = nm
        self.slider.update()
        self._show_badge()

    def show_speed(self, nm_per_second: float) -> None:
        with QSignalBlocker(self.speed):
            self.speed.setValue(nm_per_second)

    def is_playing(self) -> bool:
        return self._timer.isActive()

    def toggle_playing(self) -> None:
        """Sweep through the range, again and again, until asked again."""
        if self._timer.isActive():
            self._timer.stop()
        else:
            self._clock.start()
            self._timer.start()
        self._show_playing()
        self.playing_changed.emit(self.is_playing())

    def stop(self) -> None:
        if self.is_playing():
            self.toggle_playing()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.stop()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show_playing()

    def _sweep(self) -> None:
        nm = self._position + self.speed.value() * self._clock.restart() / 1000
        self._position = nm if nm <= self.number.maximum() else self.number.minimum()
        self.wavelength_picked.emit(self._position)

    def _show_badge(self) -> None:
        """Whether something was known at this very wavelength, or the answer lies between what was."""
        nm = self.number.value()
        on_band = any(abs(nm - band) < 0.05 for band in self._bands)
        self.badge.setText(("on a band" if on_band else "between bands") if self._bands else "")
        said = "is one of" if on_band else "lies between"
        self.badge.setToolTip(f"{nm:.1f} nm {said} the wavelengths the model was trained on, or the cube measured at")

    def _show_playing(self) -> None:
        playing = self.is_playing()
        self.play.setIcon(theme.icon("pause" if playing else "play", self.palette()))
        self.play.setAccessibleName("Pause the sweep" if playing else "Sweep through the wavelengths")
        self.play.setToolTip(f"{'Pause' if playing else 'Sweep through the wavelengths'} (Space)")
