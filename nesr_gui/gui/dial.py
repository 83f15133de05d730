"""A number as a slider and as digits, side by side."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSlider, QWidget


class Dial(QWidget):
    """Announces the number the user moves to; shows the one it is given, without echo."""

    value_picked = Signal(float)

    def __init__(
        self, name: str, limits: tuple[float, float], step: float, *, decimals: int = 0, suffix: str = ""
    ) -> None:
        super().__init__()
        self._step = step
        self.slider, self.number = QSlider(Qt.Orientation.Horizontal), QDoubleSpinBox()
        self.slider.setRange(round(limits[0] / step), round(limits[1] / step))
        self.slider.setPageStep(10)
        self.slider.setAccessibleName(name)
        self.number.setRange(*limits)
        self.number.setDecimals(decimals)
        self.number.setSingleStep(step)
        self.number.setSuffix(suffix)
        self.number.setKeyboardTracking(False)
        self.number.setAccessibleName(f"{name}, as a number")
        self.number.setMinimumWidth(92)
        self.setFocusProxy(self.slider)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.number)
        self.slider.valueChanged.connect(lambda steps: self._pick(steps * step))
        self.number.valueChanged.connect(self._pick)

    def show_value(self, value: float) -> None:
        blocked = [QSignalBlocker(part) for part in (self.slider, self.number)]
        self.slider.setValue(round(value / self._step))
        self.number.setValue(value)
        for blocker in blocked:
            blocker.unblock()

    def _pick(self, value: float) -> None:
        self.show_value(value)
        self.value_picked.emit(self.number.value())
