"""Dialogs of exported figures with a preview: the spectra of the plot, and the comparison with a measured cube."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont, QImage, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFontComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QWidget,
)

from nesr_gui.gui.figures.comparison import MOST
from nesr_gui.gui.figures.spectra import (
    ASPECT,
    COLUMNS,
    FONT_SIZES,
    HEIGHTS,
    LINE_WIDTHS,
    RESOLUTIONS,
    WIDTHS,
    FigureStyle,
    LegendPlace,
)
from nesr_gui.gui.model.plot_settings import Spreads
from nesr_gui.gui.model.view_settings import ErrorMetric
from nesr_gui.gui.views.widgets import ChoiceDialog, DecimalBox, NumberBox, form, row
from nesr_gui.spectral import Wavelengths

PREVIEW = QSize(640, 360)
MEASURES = {
    ErrorMetric.DIFFERENCE: ("Absolute: |difference|, overall RMSE", 0.1),
    ErrorMetric.RELATIVE: ("Relative: |difference| / measured, overall MRAE", 0.5),
}
"""Error metric → label, default upper limit of the colour bar."""
OTHER_WIDTH = "Other width"


class FigureDialog(ChoiceDialog):
    """The settings of a figure; signals when the preview must be drawn anew."""

    changed = Signal()  # the preview is outdated

    def __init__(self, title: str, parent: QWidget | None = None, *, lines: int = 1) -> None:
        super().__init__(title, "Export…", parent, lines=lines)
        self.dpi = QSpinBox()
        self.dpi.setAccessibleName("PNG resolution")
        self.dpi.setRange(*RESOLUTIONS)
        self.dpi.setValue(300)
        self.dpi.setSuffix(" dpi")
        self.picture = QLabel("…")
        self.picture.setFixedSize(PREVIEW)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.picture.setAccessibleName("Preview of the figure")

    def show_preview(self, image: QImage) -> None:
        """Show the rendered preview."""
        fitting = image.scaled(
            PREVIEW * self.devicePixelRatio(), Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )  # fmt: skip
        fitting.setDevicePixelRatio(self.devicePixelRatio())
        self.picture.setPixmap(QPixmap.fromImage(fitting))


class SpectraFigureDialog(FigureDialog):
    """Size, fonts, lines, legend and bands of the figure of the plot."""

    def __init__(self, style: FigureStyle, parent: QWidget | None = None) -> None:
        super().__init__("Export figure", parent, lines=2)
        self.columns, self.width_mm, self.height_mm = QComboBox(), _millimetres(WIDTHS), _millimetres(HEIGHTS)
        self.columns.setAccessibleName("Width of the figure")
        self.columns.addItems([*COLUMNS, OTHER_WIDTH])
        self.width_mm.setAccessibleName("Width in mm")
        self.is_proportional = QCheckBox("Proportional")
        self.is_proportional.setToolTip("Choose the height that suits the width")
        self.height_mm.setAccessibleName("Height in mm")
        self.font_name, self.font_size = QFontComboBox(), QSpinBox()
        self.font_name.setAccessibleName("Font")
        for line in self.font_name.findChildren(QLineEdit):
            line.setAccessibleName("Name of the font")
        self.font_size.setAccessibleName("Font size")
        self.font_size.setRange(*FONT_SIZES)
        self.font_size.setSuffix(" pt")
        self.line_width = DecimalBox()
        self.line_width.setAccessibleName("Line width")
        self.line_width.setRange(*LINE_WIDTHS)
        self.line_width.setSingleStep(0.25)
        self.line_width.setSuffix(" pt")
        self.legend, self.spreads = QComboBox(), QComboBox()
        self.legend.setAccessibleName("Legend")
        for place in LegendPlace:
            self.legend.addItem(place.label, place)
        self.spreads.setAccessibleName("Intervals and standard deviations")
        for spreads in Spreads:
            self.spreads.addItem(spreads.label, spreads)
        self._show_style(style)
        self.columns.currentTextChanged.connect(self._choose_columns)
        self.is_proportional.toggled.connect(self._change)
        for box in (self.width_mm, self.height_mm, self.font_size, self.line_width, self.dpi):
            box.valueChanged.connect(self._change)
        for choice in (self.legend, self.spreads):
            choice.currentIndexChanged.connect(self._change)
        self.font_name.currentFontChanged.connect(self._change)
        parts = QHBoxLayout()
        parts.setSpacing(20)
        parts.addLayout(form(
            ("&Width", row(self.columns, self.width_mm)), ("&Height", row(self.height_mm, self.is_proportional)),
            ("&Font", self.font_name), ("Font &size", self.font_size), ("&Line width", self.line_width),
            ("Le&gend", self.legend), ("&Intervals and SD", self.spreads), ("PNG &resolution", self.dpi),
        ))  # fmt: skip
        self.picture.setAutoFillBackground(True)
        parts.addWidget(self.picture)
        self.stack(parts)
        self._change()

    def style_chosen(self) -> FigureStyle:
        """The chosen settings."""
        return FigureStyle(
            width=self.width_mm.value(),
            height=None if self.is_proportional.isChecked() else self.height_mm.value(),
            font=self.font_name.currentFont().family(),
            font_size=self.font_size.value(),
            line_width=self.line_width.value(),
            legend=LegendPlace(self.legend.currentData()),  # Qt returns a plain text
            spreads=Spreads(self.spreads.currentData()),
            dpi=self.dpi.value(),
        )

    def show_failure(self, error: ValueError) -> None:
        """Show why the figure cannot be drawn with these settings."""

        def refuse() -> str:
            raise error

        self.validate(refuse)
        self.picture.clear()

    def _show_style(self, style: FigureStyle) -> None:
        named = next((name for name, width in COLUMNS.items() if width == style.width), OTHER_WIDTH)
        self.columns.setCurrentText(named)
        self.width_mm.setValue(style.width)
        self.is_proportional.setChecked(style.height is None)
        self.height_mm.setValue(style.height or style.width * ASPECT)
        self.font_name.setCurrentFont(QFont(style.font) if style.font else QFont())
        self.font_size.setValue(style.font_size)
        self.line_width.setValue(style.line_width)
        self.legend.setCurrentIndex(self.legend.findData(style.legend))
        self.spreads.setCurrentIndex(self.spreads.findData(style.spreads))
        self.dpi.setValue(style.dpi)

    def _choose_columns(self, name: str) -> None:
        if name in COLUMNS:
            self.width_mm.setValue(COLUMNS[name])
        self._change()

    def _change(self) -> None:
        self.width_mm.setEnabled(self.columns.currentText() == OTHER_WIDTH)
        self.height_mm.setEnabled(not self.is_proportional.isChecked())
        self.validate(self._describe)
        self.changed.emit()

    def _describe(self) -> str:
        style = self.style_chosen()
        size = style.size / 72  # inches
        pixels = f"{size.width() * style.dpi:.0f}×{size.height() * style.dpi:.0f}"
        millimetres = f"{style.width:g}×{25.4 * size.height():.0f} mm"
        return f"The figure is {millimetres}; as PNG {pixels} pixels. SVG and PDF are vector formats with text as text."


def _millimetres(limits: tuple[float, float]) -> DecimalBox:
    box = DecimalBox()
    box.setRange(*limits)
    box.setDecimals(1)
    box.setSuffix(" mm")
    return box


@dataclass(frozen=True)
class TruthFigureChoices:
    """Settings of the comparison figure that suit every image."""

    measure: ErrorMetric = ErrorMetric.DIFFERENCE
    dpi: int = 300


class TruthFigureDialog(FigureDialog):
    """Wavelengths, error metric and colour bar of the comparison figure.

    Args:
        nm_range: the wavelengths of both cubes.
        choices: the settings to begin with.
    """

    def __init__(
        self, nm_range: tuple[float, float], choices: TruthFigureChoices, parent: QWidget | None = None
    ) -> None:
        super().__init__("Export comparison figure", parent, lines=2)
        self._range = nm_range
        self.wavelengths = QLineEdit(_suggested(nm_range))
        self.wavelengths.setAccessibleName("Wavelengths in nm")
        self.wavelengths.setPlaceholderText("450, 500, 550, or 450:650:50")
        self.measure, self.limit = QComboBox(), NumberBox()
        self.measure.setAccessibleName("Error metric")
        self.measure.addItems([text for text, _ in MEASURES.values()])
        self.limit.setAccessibleName("Upper limit of the colour bar")
        self.limit.setRange(1e-12, 1e9)
        self.limit.setSingleStep(0.01)
        self.dpi.setValue(choices.dpi)
        if choices.measure in MEASURES:
            self.measure.setCurrentIndex(list(MEASURES).index(choices.measure))
        self.limit.setValue(list(MEASURES.values())[self.measure.currentIndex()][1])
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

    def choices(self) -> TruthFigureChoices:
        """The settings to begin with next time."""
        return TruthFigureChoices(list(MEASURES)[self.measure.currentIndex()], self.dpi.value())

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
