"""The dialog of the comparison figure, with a preview."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QLabel, QLineEdit, QSpinBox, QWidget

from nesr_gui.gui.figures.comparison import MOST
from nesr_gui.gui.model.view_settings import ErrorMetric
from nesr_gui.gui.views.widgets import ChoiceDialog, form
from nesr_gui.spectral import Wavelengths

PREVIEW = QSize(640, 360)
MEASURES = {
    ErrorMetric.DIFFERENCE: ("Absolute: |difference|, overall RMSE", 0.1),
    ErrorMetric.RELATIVE: ("Relative: |difference| / measured, overall MRAE", 0.5),
}
"""Error metric → label, default upper limit of the colour bar."""


class TruthFigureDialog(ChoiceDialog):
    """Settings of the comparison figure; validates them and shows a preview."""

    changed = Signal()  # the preview is outdated

    def __init__(self, nm_range: tuple[float, float], parent: QWidget | None = None) -> None:
        super().__init__("Export comparison figure", "Export…", parent, lines=2)
        self._range = nm_range
        self.wavelengths = QLineEdit(_suggested(nm_range))
        self.wavelengths.setAccessibleName("Wavelengths in nm")
        self.wavelengths.setPlaceholderText("450, 500, 550, or 450:650:50")
        self.measure, self.limit, self.dpi = QComboBox(), QDoubleSpinBox(), QSpinBox()
        self.measure.setAccessibleName("Error metric")
        self.measure.addItems([text for text, _ in MEASURES.values()])
        self.limit.setAccessibleName("Upper limit of the colour bar")
        self.limit.setDecimals(4)
        self.limit.setRange(0.0001, 100.0)
        self.limit.setSingleStep(0.01)
        self.limit.setValue(0.1)
        self.dpi.setAccessibleName("PNG resolution")
        self.dpi.setRange(72, 1200)
        self.dpi.setValue(300)
        self.dpi.setSuffix(" dpi")
        self.picture = QLabel("…")
        self.picture.setFixedSize(PREVIEW)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.picture.setAccessibleName("Preview of the figure")
        self.wavelengths.textChanged.connect(self._validate)
        self.limit.valueChanged.connect(self._validate)
        self.measure.currentIndexChanged.connect(self._change_measure)
        self.stack(self.picture, form(
            ("&Wavelengths (nm)", self.wavelengths), ("&Error metric", self.measure), ("&Colour bar limit", self.limit),
            ("PNG &resolution", self.dpi),
        ))  # fmt: skip
        self._validate()

    def chosen(self) -> tuple[tuple[float, ...], ErrorMetric, float]:
        """Wavelengths, error metric and upper limit of the colour bar.

        Raises:
            ValueError: a choice is invalid.
        """
        nm = tuple(Wavelengths.parse(self.wavelengths.text()))
        low, high = self._range
        if nm[0] < low or nm[-1] > high:
            raise ValueError(
                f"both cubes cover {low:g}-{high:g} nm, not {nm[0]:g}-{nm[-1]:g} nm; choose wavelengths in that range"
            )
        if len(nm) > MOST:
            raise ValueError(f"the figure has room for {MOST} wavelengths, not {len(nm)}; choose fewer")
        return nm, list(MEASURES)[self.measure.currentIndex()], self.limit.value()

    def show_preview(self, image: QImage) -> None:
        """Show the rendered preview."""
        fitting = image.scaled(
            PREVIEW * self.devicePixelRatio(), Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )  # fmt: skip
        fitting.setDevicePixelRatio(self.devicePixelRatio())
        self.picture.setPixmap(QPixmap.fromImage(fitting))

    def _change_measure(self, place: int) -> None:
        self.limit.setValue(list(MEASURES.values())[place][1])
        self._validate()

    def _validate(self) -> None:
        def describe() -> str:
            self.chosen()
            return "The figure is 180 mm wide; SVG and PDF are vector formats."

        if self.validate(describe):
            self.changed.emit()


def _suggested(nm_range: tuple[float, float]) -> str:
    """Five default wavelengths within the range: round visible ones if it contains them."""
    low, high = nm_range
    if low <= 450 and high >= 650:
        return "450, 500, 550, 600, 650"
    return (
        ", ".join(f"{nm:g}" for nm in Wavelengths.evenly_spaced(5, *nm_range).nm.round(1)) if high > low else f"{low:g}"
    )
