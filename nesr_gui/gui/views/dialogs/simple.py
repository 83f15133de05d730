"""Small dialogs: false-colour wavelengths, axis limits and sweep export."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QSpinBox, QWidget

from nesr_gui.gui.figures.sweep import Sweep, SweepFormat, gif_seconds
from nesr_gui.gui.model.plot_settings import PlotAxes
from nesr_gui.gui.model.view_settings import SPEEDS, Limits
from nesr_gui.gui.views.widgets import ChoiceDialog, DecimalBox, NumberBox, SliderSpinBox, form

Three = tuple[float, float, float]


class FalseColourDialog(ChoiceDialog):
    """Signals each change of the wavelengths, so that the image updates immediately."""

    wavelengths_picked = Signal(object)  # (red, green, blue) nm

    def __init__(self, nm_range: tuple[float, float], wavelengths: Three, parent: QWidget | None = None) -> None:
        super().__init__("False-colour wavelengths", "OK", parent)
        names = "Red", "Green", "Blue"
        self.dials = [SliderSpinBox(f"{name} wavelength", nm_range, 1.0, decimals=1, suffix=" nm") for name in names]
        for dial, nm in zip(self.dials, wavelengths, strict=True):
            dial.show_value(nm)
            dial.value_picked.connect(self._announce)
        self.stack(form(*((f"&{name}", dial) for name, dial in zip(names, self.dials, strict=True))))
        self.validate(lambda: "You can also drag the lines in the plot.")

    def _announce(self) -> None:
        red, green, blue = (dial.number.value() for dial in self.dials)
        self.wavelengths_picked.emit((red, green, blue))


class AxisLimitsDialog(ChoiceDialog):
    """Limits of the wavelength and the value axis of the plot, each automatic or chosen.

    Args:
        axes: the present settings.
        shown: the limits in view, (wavelength in nm, value), as proposals.
    """

    def __init__(self, axes: PlotAxes, shown: tuple[Limits, Limits], parent: QWidget | None = None) -> None:
        super().__init__("Axis limits", "OK", parent)
        self._axes = axes
        self.nm, self.values = (
            _LimitsRow(name, chosen, proposed, suffix)
            for name, chosen, proposed, suffix in (
                ("wavelength", axes.nm_limits, shown[0], " nm"), ("value", axes.value_limits, shown[1], ""),
            )
        )  # fmt: skip
        for limits in (self.nm, self.values):
            limits.changed.connect(self._validate)
        self.stack(form(("&Wavelength", self.nm), ("&Value", self.values)))
        self._validate()

    def axes_chosen(self) -> PlotAxes:
        """The chosen settings.

        Raises:
            ValueError: the limits are not possible.
        """
        return replace(self._axes, nm_limits=self.nm.limits(), value_limits=self.values.limits())

    def _validate(self) -> None:
        def describe() -> str:
            self.axes_chosen()
            return "Double-click the plot to return to these limits."

        self.validate(describe)


class _LimitsRow(QWidget):
    """Two numbers, or automatic limits."""

    changed = Signal()

    def __init__(self, name: str, chosen: Limits | None, proposed: Limits, suffix: str) -> None:
        super().__init__()
        self.automatic = QCheckBox("Automatic")
        self.automatic.setAccessibleName(f"Automatic {name} limits")
        self.automatic.setChecked(chosen is None)
        self.low, self.high = NumberBox(), NumberBox()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.automatic, self.low, QLabel("to"), self.high):
            layout.addWidget(widget)
        self.setFocusProxy(self.automatic)
        low, high = chosen or proposed
        for end, box, at in (("Lower", self.low, low), ("Upper", self.high, high)):
            box.setAccessibleName(f"{end} {name} limit")
            box.setRange(-1e9, 1e9)
            box.setSuffix(suffix)
            box.setSingleStep(abs(high - low) / 20 or 1.0)
            box.setValue(at)
            box.valueChanged.connect(self.changed)
        self.automatic.toggled.connect(self._toggle)
        self._toggle()

    def limits(self) -> Limits | None:
        """The limits; None if they are automatic."""
        return None if self.automatic.isChecked() else (self.low.value(), self.high.value())

    def _toggle(self) -> None:
        for box in (self.low, self.high):
            box.setEnabled(not self.automatic.isChecked())
        self.changed.emit()


@dataclass(frozen=True)
class SweepChoices:
    """Settings of a sweep that suit every image; without a side length, the proposed one."""

    frames_per_second: int = 25
    longest_side: int | None = None
    format: SweepFormat = SweepFormat.MP4
    returns: bool = False
    is_labelled: bool = True


class SweepDialog(ChoiceDialog):
    """Settings of a sweep export; shows the resulting length or why the settings are invalid.

    Args:
        nm_range: the wavelengths of the image.
        speed: the speed of the sweep in the window, in nm/s.
        shape: height and width of the image.
        choices: the settings to begin with, as far as they suit this image.
    """

    def __init__(
        self,
        nm_range: tuple[float, float],
        speed: float,
        shape: tuple[int, int],
        choices: SweepChoices,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Export sweep", "Export…", parent)
        self._shape = shape
        self.start, self.stop = (_box(name, nm, nm_range, " nm") for name, nm in
                                 (("First wavelength", nm_range[0]), ("Last wavelength", nm_range[1])))  # fmt: skip
        self.speed = _box("Sweep speed", speed, SPEEDS, " nm/s")
        self.rate, self.side = QSpinBox(), QSpinBox()
        self.rate.setRange(1, 60)
        self.rate.setValue(choices.frames_per_second)
        self.rate.setSuffix(" frames per second")
        self.rate.setAccessibleName("Frame rate")
        self.side.setRange(64, max(4096, *shape))
        self._side = min(choices.longest_side or 960, max(64, *shape))
        self._choices = choices
        self.side.setValue(self._side)
        self.side.setSuffix(" pixels")
        self.side.setAccessibleName("Maximum side length")
        self.format = QComboBox()
        self.format.addItems([each.label for each in SweepFormat])
        self.format.setAccessibleName("Format")
        if not choices.format.missing():
            self.format.setCurrentIndex(list(SweepFormat).index(choices.format))
        self.label = QCheckBox("Show the wavelength in the image")
        self.label.setChecked(choices.is_labelled)
        self.label.setAccessibleName("Show the wavelength in the image")
        self.returns = QCheckBox("Back and forth")
        self.returns.setAccessibleName("Back and forth")
        self.returns.setChecked(choices.returns)
        self.returns.toggled.connect(self._validate)
        for box in (self.start, self.stop, self.speed, self.rate, self.side):
            box.valueChanged.connect(self._validate)
        self.format.currentIndexChanged.connect(self._validate)
        self.stack(form(
            ("From", self.start), ("To", self.stop), ("Speed", self.speed), ("Frame rate", self.rate),
            ("Maximum side length", self.side), ("Format", self.format), ("", self.returns),
            ("", self.label),
        ))  # fmt: skip
        self._validate()

    def sweep(self) -> Sweep:
        """The chosen settings."""
        return Sweep(
            self.start.value(), self.stop.value(), self.speed.value(), frames_per_second=self.rate.value(),
            longest_side=self.side.value(), is_labelled=self.label.isChecked(),
            returns=self.returns.isChecked(),
        )  # fmt: skip

    def choices(self) -> SweepChoices:
        """The settings to begin with next time; a side length only if the user chose it."""
        side = self._choices.longest_side if self.side.value() == self._side else self.side.value()
        return SweepChoices(self.rate.value(), side, self.kind(), self.returns.isChecked(), self.label.isChecked())

    def kind(self) -> SweepFormat:
        """The chosen format."""
        return list(SweepFormat)[self.format.currentIndex()]

    def _validate(self) -> None:
        self.label.setEnabled(self.kind() is not SweepFormat.EXR_FRAMES)  # these hold values
        self.validate(self._describe)

    def _describe(self) -> str:
        frames = len(self.sweep().wavelengths())
        if missing := self.kind().missing():
            raise ValueError(missing)
        height, width = self._shape
        stride = -(-max(height, width) // self.side.value())
        size = f"{-(-width // stride)}×{-(-height // stride)}"
        duration = gif_seconds(self.rate.value()) if self.kind() is SweepFormat.GIF else 1 / self.rate.value()
        return f"{frames} frames of {size} pixels, {frames * duration:.1f} s."


def _box(name: str, value: float, within: tuple[float, float], suffix: str) -> DecimalBox:
    box = DecimalBox()
    box.setDecimals(1)
    box.setRange(*within)
    box.setValue(value)
    box.setSuffix(suffix)
    box.setAccessibleName(name)
    return box
