"""The input panel: how the photograph file is interpreted, with controls to change it."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import replace
from html import escape
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QFrame,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from nesr_gui.gui.views.widgets import DecimalBox, SliderSpinBox, row
from nesr_gui.inference.model_input import BandInput, ModelInput
from nesr_gui.io.photos.develop_settings import (
    GAMMAS,
    KELVIN,
    STOPS,
    TINT,
    DevelopSettings,
    SourceEncoding,
    WhiteBalance,
)
from nesr_gui.spectral import RGBImage

NOTHING = "No photograph is open. This panel shows how a photograph is interpreted, and lets you correct it."
CUBE = (
    "A measured cube is open. You can simulate a photograph of it under the chosen light and camera, and reconstruct "
    "the cube from that."
)
STORED = (
    "A reconstruction by the model {} is open, as it was written to a file; its values are estimates. You can simulate "
    "a photograph of it under the chosen light and camera."
)
REFINED = (
    "A measured cube is open. The image is reconstructed by a model from {} of it, shown as circles in the plot. You "
    "can also simulate a photograph of it under the chosen light and camera, and reconstruct the cube from that."
)
RESOLUTIONS = {"Automatic": None, **{f"{n:g} megapixels": round(n * 1e6) for n in (0.25, 0.5, 1, 2, 4, 8, 16)}}


class DevelopmentPanel(QScrollArea):
    """Shows the develop settings and notes on the file; signals changed settings."""

    interpretation_picked = Signal(object)  # DevelopSettings
    grey_picking_requested = Signal(bool)  # whether the next click in the image picks the grey point
    camera_file_requested = Signal()  # load a camera profile or sensitivities
    calibration_requested = Signal()  # calibrate by a chart
    profiles_requested = Signal()  # list the stored camera profiles
    reset_requested = Signal()  # restore the settings of the file
    simulation_requested = Signal()  # simulate a photograph of the open cube

    def __init__(self) -> None:
        super().__init__()
        self._chosen = DevelopSettings()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("Input")
        self.words = QLabel(NOTHING)
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.RichText)
        self.words.setAccessibleName("Interpretation of the file")
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._make_controls()
        self.controls = QWidget()
        self._lay_out(QFormLayout(self.controls))
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(14, 10, 14, 10)
        column.setSpacing(12)
        column.addWidget(self.words)
        column.addWidget(row(self.expose))
        column.addWidget(self.controls)
        column.addStretch(1)
        self.setWidget(inner)
        self.show_photograph(None)
        self.show_interpretation(self._chosen)

    def show_photograph(self, photograph: RGBImage | None, is_file: bool = True) -> None:
        """Describe the photograph; a simulated one has no settings to change."""
        self.controls.setEnabled(photograph is not None and is_file)
        if photograph is None:
            self.words.setText(NOTHING)
            return
        (height, width), source = photograph.source_shape, photograph.source
        metadata = dict(source.metadata)
        lines = [f"<b>{escape(source.name)}</b>, {width} × {height} pixels"]
        if encoding := metadata.get("photograph_encoding"):
            lines[0] += f", {escape(encoding)}"
        lines += [escape(note) for note in source.notes]
        self.words.setText("".join(f"<p style='margin: 0 0 5px 0'>{line}</p>" for line in lines))

    def show_cube(self, is_cube: bool, encoded: ModelInput | None, model: str = "") -> None:
        """Show whether a cube is open, and what was the input of a model.

        Args:
            is_cube: whether a cube is open.
            encoded: the bands of it that were the input of a model, if any.
            model: name of the model that the cube itself is a reconstruction by; empty for a measured one.
        """
        self.expose.setVisible(is_cube)
        if is_cube:
            opened = STORED.format(model) if model else CUBE
            self.words.setText(REFINED.format(encoded.wavelengths) if isinstance(encoded, BandInput) else opened)

    def show_interpretation(self, interpretation: DevelopSettings) -> None:
        """Show the settings without emitting signals."""
        self._chosen = chosen = interpretation
        _show(self.encoding, chosen.encoding)
        _show(self.balance, chosen.balance)
        resolution = chosen.working_pixels
        if self.resolution.findData(resolution) < 0:
            self.resolution.addItem(f"{(resolution or 0) / 1e6:g} megapixels", resolution)
        _show(self.resolution, resolution)
        with QSignalBlocker(self.gamma):
            self.gamma.setValue(chosen.gamma)
        self.gamma.setVisible(chosen.encoding is SourceEncoding.GAMMA)
        for dial, value in ((self.kelvin, chosen.kelvin), (self.tint, chosen.tint), (self.stops, chosen.stops)):
            dial.show_value(value)
        for dial in (self.kelvin, self.tint):
            self._form.setRowVisible(dial, chosen.balance is WhiteBalance.TEMPERATURE)
        has_camera = chosen.camera is not None or chosen.profile is not None
        self.camera.setText(chosen.camera_name if has_camera else "Default: CIE 1931 observer")
        self.default_camera.setVisible(has_camera)
        self.reset.setEnabled(chosen != DevelopSettings())

    def show_picking(self, picking: bool) -> None:
        """Show whether the next click in the image picks the grey point."""
        with QSignalBlocker(self.pick):
            self.pick.setChecked(picking)
        self.pick.setText("Click a grey pixel" if picking else "Pick grey point")
        _show(self.balance, WhiteBalance.GREY_POINT if picking else self._chosen.balance)

    def _make_controls(self) -> None:
        self.encoding = _combo("Encoding", ((_encoding_label(e), e) for e in SourceEncoding))
        self.encoding.activated.connect(lambda: self._pick(encoding=SourceEncoding(self.encoding.currentData())))
        self.gamma = DecimalBox()
        self.gamma.setRange(*GAMMAS)
        self.gamma.setSingleStep(0.1)
        self.gamma.setKeyboardTracking(False)
        self.gamma.setAccessibleName("Gamma")
        self.gamma.valueChanged.connect(lambda value: self._pick(gamma=value))
        self.balance = _combo("White balance", ((_balance_label(b), b) for b in WhiteBalance))
        self.balance.activated.connect(lambda: self._pick_balance(WhiteBalance(self.balance.currentData())))
        self.pick = QPushButton("Pick grey point")
        self.pick.setCheckable(True)
        self.pick.setToolTip("Then click a neutral grey or white pixel that is not overexposed")
        self.pick.setAccessibleName("Pick a grey point in the image")
        self.pick.toggled.connect(self.grey_picking_requested)
        self.kelvin = SliderSpinBox("Colour temperature of the light", KELVIN, 50, suffix=" K")
        self.tint = SliderSpinBox("Tint of the light", TINT, 1)
        self.stops = SliderSpinBox("Exposure", STOPS, 0.1, decimals=1, suffix=" stops")
        for dial, item in ((self.kelvin, "kelvin"), (self.tint, "tint"), (self.stops, "stops")):
            dial.value_picked.connect(lambda value, item=item: self._pick(**{item: value}))
        self.camera = QLabel()
        self.load_camera = QPushButton("Load camera…")
        self.load_camera.setToolTip(
            "Load a camera profile (JSON), or a CSV table of the camera's sensitivities: wavelength, R, G, B"
        )
        self.load_camera.setAccessibleName("Load a camera profile or camera sensitivities")
        self.load_camera.clicked.connect(self.camera_file_requested)
        self.default_camera = QPushButton("Default camera")
        self.default_camera.setAccessibleName("Use the default camera")
        self.default_camera.clicked.connect(lambda: self._pick(camera=None, profile=None))
        self.calibrate = QPushButton("Calibrate by a chart…")
        self.calibrate.setToolTip("Estimate tone curve, white balance and colours from a chart in the photograph")
        self.calibrate.setAccessibleName("Calibrate by a chart")
        self.calibrate.clicked.connect(self.calibration_requested)
        self.profiles = QPushButton("Profiles…")
        self.profiles.setToolTip("List the stored camera profiles, and which of them apply by themselves")
        self.profiles.setAccessibleName("Stored camera profiles")
        self.profiles.clicked.connect(self.profiles_requested)
        self.resolution = _combo("Working resolution", RESOLUTIONS.items())
        self.resolution.setToolTip("Resolution of the reconstruction; Automatic takes a few seconds on this machine")
        self.resolution.activated.connect(lambda: self._pick(working_pixels=self.resolution.currentData()))
        self.expose = QPushButton("Simulate photograph and reconstruct")
        self.expose.setToolTip(
            "Simulate a photograph of this cube, reconstruct it, and compare the result with the cube"
        )
        self.expose.setAccessibleName(self.expose.text())
        self.expose.clicked.connect(self.simulation_requested)
        self.expose.hide()
        self.reset = QPushButton("Reset to file settings")
        self.reset.setAccessibleName("Reset all settings to those of the file")
        self.reset.clicked.connect(self.reset_requested)

    def _lay_out(self, form: QFormLayout) -> None:
        self._form = form
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.addRow("E&ncoding", row(self.encoding, self.gamma, is_filled=True))
        form.addRow("White &balance", row(self.balance, self.pick, is_filled=True))
        form.addRow("Colour temperature", self.kelvin)
        form.addRow("Tint", self.tint)
        form.addRow("E&xposure", self.stops)
        form.addRow("Camera", self.camera)
        form.addRow("", row(self.load_camera, self.calibrate))
        form.addRow("", row(self.profiles, self.default_camera))
        form.addRow("Working &resolution", row(self.resolution, is_filled=True))
        form.addRow("", row(self.reset))

    def _pick(self, **items: Any) -> None:
        """Emit the current settings with some values changed."""
        self.interpretation_picked.emit(replace(self._chosen, **items))

    def _pick_balance(self, balance: WhiteBalance) -> None:
        """Pick a pixel first for a grey point; any other choice stops picking."""
        needs_place = balance is WhiteBalance.GREY_POINT and self._chosen.grey_point is None
        self.grey_picking_requested.emit(needs_place)
        if not needs_place:
            self._pick(balance=balance)


def _encoding_label(encoding: SourceEncoding) -> str:
    return "From file" if encoding is SourceEncoding.AUTOMATIC else encoding.value[0].upper() + encoding.value[1:]


def _balance_label(balance: WhiteBalance) -> str:
    return "As shot" if balance is WhiteBalance.AS_IS else balance.value.capitalize()


def _combo(name: str, entries: Iterable[tuple[str, object]]) -> QComboBox:
    combo = QComboBox()
    combo.setAccessibleName(name)
    combo.view().setAccessibleName(f"{name}, choices")
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(9)
    for text, value in entries:
        combo.addItem(text, value)
    return combo


def _show(combo: QComboBox, value: object) -> None:
    index = next(i for i in range(combo.count()) if _same(combo.itemData(i), value))
    combo.setCurrentIndex(index)


def _same(one: object, other: object) -> bool:
    """Compare by text, since Qt converts string enumerations to strings."""
    return one == other if not isinstance(other, enum.StrEnum) else str(one) == str(other)
