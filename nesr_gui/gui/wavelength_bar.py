"""The wavelength: slider, number and sweep."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QHBoxLayout, QToolButton, QWidget

from nesr_gui.gui import theme
from nesr_gui.gui.wavelength_slider import WavelengthSlider

SWEEP_NM_PER_SECOND = 40.0
_FRAME_MS = 40


class WavelengthBar(QWidget):
    """Announces the wavelength the user picks, by hand or by sweeping, and shows the one there is."""

    wavelength_picked = Signal(float)
    playing_changed = Signal(bool)

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
        self._timer = QTimer(self)
        self._timer.setInterval(_FRAME_MS)
        self._timer.timeout.connect(self._sweep)
        self.slider.valueChanged.connect(lambda tenths: self.wavelength_picked.emit(tenths / 10))
        self.number.valueChanged.connect(self.wavelength_picked)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 6)
        layout.setSpacing(10)
        for widget, stretch in ((self.play, 0), (self.slider, 1), (self.number, 0)):
            layout.addWidget(widget, stretch, Qt.AlignmentFlag.AlignTop)
        self.show_range(400.0, 700.0)
        self._show_playing()

    def show_range(self, low: float, high: float) -> None:
        """The wavelengths that can be picked."""
        with QSignalBlocker(self.slider), QSignalBlocker(self.number):
            self.slider.setRange(round(10 * low), round(10 * high))
            self.number.setRange(low, high)
        self.number.setAccessibleDescription(f"Between {low:g} and {high:g} nm")
        self.slider.update()

    def show_wavelength(self, nm: float) -> None:
        with QSignalBlocker(self.slider), QSignalBlocker(self.number):
            self.slider.setValue(round(10 * nm))
            self.number.setValue(nm)
        self.slider.update()

    def is_playing(self) -> bool:
        return self._timer.isActive()

    def toggle_playing(self) -> None:
        """Sweep through the range, again and again, until asked again."""
        if self._timer.isActive():
            self._timer.stop()
        else:
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
        nm = self.number.value() + SWEEP_NM_PER_SECOND * _FRAME_MS / 1000
        self.wavelength_picked.emit(nm if nm <= self.number.maximum() else self.number.minimum())

    def _show_playing(self) -> None:
        playing = self.is_playing()
        self.play.setIcon(theme.icon("pause" if playing else "play", self.palette()))
        self.play.setAccessibleName("Pause the sweep" if playing else "Sweep through the wavelengths")
        self.play.setToolTip(f"{'Pause' if playing else 'Sweep through the wavelengths'} (Space)")
