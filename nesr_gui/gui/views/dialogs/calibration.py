"""The dialog that calibrates a camera by a chart: corners over the photograph, results per patch, and what to do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QIcon, QPalette, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from nesr_gui.colorimetry.charts import ColourChart
from nesr_gui.colorimetry.cie import encode_srgb
from nesr_gui.gui.drawing.ticks import Axis
from nesr_gui.gui.views.image.chart_view import ChartView
from nesr_gui.gui.views.widgets import form, note, plain, quiet, row
from nesr_gui.io.photos.camera_profile import CameraProfile
from nesr_gui.io.photos.chart_calibration import Calibration
from nesr_gui.spectral import Spectrum

BUILT_IN = {"classic": "ColorChecker Classic (24 patches)", "sg": "ColorChecker Digital SG (140 patches)"}
TABLE = "Table of reflectances…"
COLUMNS = ("Patch", "Before", "After", "Left out", "")
PLACING = (
    "Drag the four corners to the outer corners of the chart's corner patches, until the grid lies inside its patches."
)
ESTIMATED, MEASURED, SHOWN = "with profile", "measured", "as shown now"
SIZE = QSize(1200, 740)  # default size
FRAME = QSize(8, 40)  # of a window manager
COMPARED = np.linspace(410, 690, 57)  # nm, where the means of spectra are compared
_SIDE = 310  # px, least width of the results
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
Array = npt.NDArray[np.float64]


class CalibrationDialog(QDialog):
    """Places the corners of a chart, and shows the profile that was estimated from it.

    Args:
        missing: why charts cannot be found automatically; empty if they can.
        is_remembered: whether the photograph names its camera, so that a profile can be kept for others.
    """

    chart_picked = Signal(object)  # name of a built-in chart
    table_requested = Signal()  # choose a file
    search_requested = Signal()
    corners_changed = Signal(object)  # (4, 2), (row, col)
    estimate_requested = Signal()
    cancel_requested = Signal()
    profile_picked = Signal(object)  # CameraProfile to use for this photograph
    save_requested = Signal(object)  # CameraProfile to write to a file
    remember_picked = Signal(object, bool)  # CameraProfile, whether it is used for photographs of its camera
    anchors_picked = Signal(object)  # tuple of ChartAnchor to add as marks with measured spectra

    def __init__(self, missing: str, is_remembered: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Calibrate by a chart")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._missing, self._is_remembered = missing, is_remembered
        self._chart: ColourChart | None = None
        self._shown = 0  # entry of the chart that is shown
        self._made: Calibration | None = None
        self._remembered: CameraProfile | None = None  # as it was when it was ticked
        self._spectra: dict[str, Mapping[int, Spectrum]] = {}
        self.view, self.plot = ChartView(), PatchPlot()
        self.view.corners_changed.connect(self._take_corners)
        self.view.patch_picked.connect(self._pick_patch)
        self._make_controls()
        self._make_results()
        self._lay_out()
        self.show_busy(False)
        self._show_result(None)
        self.resize(SIZE.boundedTo(self.screen().availableSize() - FRAME))

    def _make_controls(self) -> None:
        self.charts = QComboBox()
        self.charts.setAccessibleName("Chart")
        for name, text in BUILT_IN.items():
            self.charts.addItem(text, name)
        self.charts.addItem(TABLE, None)
        self.charts.activated.connect(self._choose_chart)
        self.search = QPushButton("Find the chart")
        self.search.setAccessibleName("Find the chart in the photograph")
        self.search.setToolTip(f"{self._missing[:1].upper()}{self._missing[1:]}." if self._missing else
                             "Look for the chart in the photograph; its corners can then be corrected")  # fmt: skip
        self.search.clicked.connect(self._search)
        self.estimate = QPushButton("Estimate")
        self.estimate.setAccessibleName("Estimate the camera profile")
        self.estimate.setDefault(True)
        self.estimate.clicked.connect(self.estimate_requested)
        self.stop = QPushButton("Cancel")
        self.stop.setAccessibleName("Cancel the estimate or the search")
        self.stop.clicked.connect(self.cancel_requested)
        self.progress = QProgressBar()
        self.progress.setAccessibleName("Progress")
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        self.message = note(4)
        self.message.setAccessibleName("Message")
        self.message.setText(PLACING)

    def _make_results(self) -> None:
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setAccessibleName("Colour differences ΔE2000 of the patches")
        for column, text in enumerate(COLUMNS):
            title = QTableWidgetItem(text)
            title.setTextAlignment(_RIGHT if 1 <= column <= 3 else _LEFT)
            self.table.setHorizontalHeaderItem(column, title)
        quiet(self.table)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(len(COLUMNS) - 1, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(20)
        self.table.itemSelectionChanged.connect(self._show_selected)
        self.name, self.light = QLineEdit(), QLineEdit()
        self.name.setAccessibleName("Name of the profile")
        self.light.setAccessibleName("Note on the light")
        self.light.setPlaceholderText("for example studio flash, 5600 K")
        self.use = QPushButton("Use for this photograph")
        self.use.setToolTip("Develop and reconstruct this photograph with the profile; can be undone")
        self.use.clicked.connect(lambda: self.profile_picked.emit(self.profile()))
        self.save = QPushButton("Save camera profile…")
        self.save.setToolTip("Write the profile to a file for other photographs, and for --camera of the commands")
        self.save.clicked.connect(lambda: self.save_requested.emit(self.profile()))
        self.anchors = QPushButton("Add patches as anchors")
        self.anchors.setToolTip(
            "Add a mark to every patch that was used, with its published reflectance as measured spectrum, which "
            "corrects the reconstruction"
        )
        self.anchors.clicked.connect(self._add_anchors)
        self.remember = QCheckBox("Use for photographs of this camera")
        self.remember.setToolTip(
            "Apply the profile whenever a photograph is opened whose EXIF data name this camera"
            if self._is_remembered else "The EXIF data of this photograph name no camera"
        )  # fmt: skip
        self.remember.toggled.connect(self._remember)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        plain(self.buttons)
        self.buttons.rejected.connect(self.reject)
        for button in (self.use, self.save, self.anchors, self.remember):
            button.setAccessibleName(button.text().rstrip("…"))
        for plain_button in (self.search, self.stop, self.use, self.save, self.anchors):
            plain_button.setAutoDefault(False)

    def _lay_out(self) -> None:
        side = QVBoxLayout()
        side.setSpacing(8)
        side.addLayout(form(("&Chart", self.charts)))
        side.addWidget(row(self.search, self.estimate, self.stop))
        side.addWidget(self.progress)
        side.addWidget(self.message)
        side.addWidget(self.table, 3)
        side.addWidget(self.plot, 2)
        self.naming = QWidget()
        fields = form(("&Name", self.name), ("&Light", self.light))
        fields.setContentsMargins(0, 0, 0, 0)
        self.naming.setLayout(fields)
        side.addWidget(self.naming)
        side.addWidget(row(self.use, self.save))
        side.addWidget(row(self.anchors, self.remember))
        side.addWidget(self.buttons)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 14, 14, 12)
        layout.setSpacing(14)
        layout.addWidget(self.view, 3)
        panel = QWidget()
        panel.setMinimumWidth(_SIDE)
        side.setContentsMargins(0, 0, 0, 0)
        panel.setLayout(side)
        layout.addWidget(panel, 2)

    # What the controller shows

    def show_chart(self, chart: ColourChart, source: str | Path) -> None:
        """Show a chart that was loaded; corners stay."""
        is_first = self._chart is None
        self._chart = chart
        with QSignalBlocker(self.charts):
            if isinstance(source, Path):
                while self.charts.count() > len(BUILT_IN) + 1:
                    self.charts.removeItem(len(BUILT_IN))
                self.charts.insertItem(len(BUILT_IN), f"{chart.name} ({len(chart)} patches)", source)
            self.charts.setCurrentIndex(max(self.charts.findData(source), 0))
        self._shown = self.charts.currentIndex()
        self.view.show_chart(chart)
        if is_first:
            self.view.show_corners(self.view.first_corners())
        self._show_result(None)
        self.corners_changed.emit(self.view.corners)

    def show_corners(self, corners: Array) -> None:
        """Show corners that were found."""
        self.view.show_corners(corners)
        self._take_corners(self.view.corners)

    def show_placement(self, corners: Array | None, sentence: str) -> None:
        """Show which way the chart lies, or why that is not known."""
        self.view.show_placement(corners)
        if self._made is None:
            self.show_message(sentence or PLACING)

    def show_message(self, sentence: str) -> None:
        """Show a sentence to the user."""
        self.message.setText(f"{sentence[:1].upper()}{sentence[1:].rstrip('.')}." if sentence else "")

    def show_busy(self, is_busy: bool) -> None:
        """Show whether a search or an estimate is running."""
        self.stop.setEnabled(is_busy)
        self.search.setEnabled(not is_busy)
        self.estimate.setEnabled(not is_busy and self._chart is not None)
        self.progress.setRange(0, 100)
        self.progress.setValue(0)
        policy = self.progress.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.progress.setSizePolicy(policy)
        self.progress.setVisible(is_busy)

    def show_progress(self, fraction: float | None) -> None:
        """Show the fraction done; None if it is not known."""
        self.progress.setRange(0, 0 if fraction is None else 100)
        if fraction is not None:
            self.progress.setValue(round(100 * fraction))

    def show_result(self, made: Calibration, corners: Array) -> None:
        """Show a calibration, and which way the chart lies."""
        self._spectra = {}
        self._show_result(made)
        self.view.show_placement(corners)
        self.name.setText(made.profile.name)
        self.show_message(" ".join([summary(made.profile), *made.notes]))
        self.table.selectRow(0)

    def show_spectra(self, kind: str, spectra: Mapping[int, Spectrum]) -> None:
        """Show estimated spectra by patch, of one `kind`: `ESTIMATED` or `SHOWN`."""
        self._spectra[kind] = spectra
        self._show_selected()

    def profile(self) -> CameraProfile:
        """The profile with the name and the note that the user typed."""
        assert self._made is not None
        made = self._made.profile
        return replace(made, name=self.name.text().strip() or made.name, light=self.light.text().strip())

    # What the user does

    def _choose_chart(self) -> None:
        name = self.charts.currentData()
        if name is None:
            self.charts.setCurrentIndex(self._shown)  # until the file is read
            self.table_requested.emit()
        else:
            self.chart_picked.emit(name)

    def _search(self) -> None:
        if self._missing:
            self.show_message(self._missing)
        else:
            self.search_requested.emit()

    def _remember(self, is_remembered: bool) -> None:
        if is_remembered:
            self._remembered = self.profile()
        self.naming.setEnabled(not is_remembered)
        if self._remembered is not None:
            self.remember_picked.emit(self._remembered, is_remembered)

    def _add_anchors(self) -> None:
        if self._made is not None:
            self.anchors.setEnabled(False)
            self.anchors_picked.emit(self._made.anchors)

    def _take_corners(self, corners: Array) -> None:
        self._show_result(None)
        self.corners_changed.emit(corners)

    def _pick_patch(self, patch: int) -> None:
        self.table.selectRow(patch)
        self.view.show_patch(patch)

    # Results

    def _show_result(self, made: Calibration | None) -> None:
        """Show a calibration; without one the actions that need it are disabled."""
        self._made = made
        for widget in (self.naming, self.use, self.save, self.table, self.plot):
            widget.setEnabled(made is not None)
        self.remember.setEnabled(made is not None and self._is_remembered)
        self.anchors.setEnabled(made is not None and bool(made.anchors))
        with QSignalBlocker(self.remember):
            self.remember.setChecked(False)
        with QSignalBlocker(self.table):
            self.table.setRowCount(0)
        self.plot.show_spectra({}, "")
        self.view.show_patch(-1)
        if made is None or self._chart is None:
            return
        codes = np.round(255 * encode_srgb(np.clip(self._chart.colours, 0, 1))).astype(int).tolist()
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(made.patches))
            for line, patch in enumerate(made.patches):
                texts = [patch.name, *(f"{v:.1f}" if math.isfinite(v) else "–" for v in patch[1:4]), patch.reason]
                for column, text in enumerate(texts):
                    item = QTableWidgetItem(text)
                    if column == 0:
                        item.setIcon(_colour_icon(QColor(*codes[line])))
                    elif column <= 3:
                        item.setTextAlignment(_RIGHT)
                    self.table.setItem(line, column, item)

    def _show_selected(self) -> None:
        rows = self.table.selectionModel().selectedRows() if self._made is not None else []
        if not rows or self._chart is None:
            return
        patch = rows[0].row()
        curves = {kind: spectra[patch] for kind, spectra in self._spectra.items() if patch in spectra}
        measured = self._chart.reflectance(patch)
        if measured is not None:
            curves[MEASURED] = measured
        self.view.show_patch(patch)
        self.plot.show_spectra(curves, self._chart.patches[patch])


def summary(profile: CameraProfile) -> str:
    """What was fitted, in a sentence or two."""
    codes, light = np.array(profile.curve).T
    is_straight = bool(np.allclose(light[1:] / codes[1:], light[-1] / codes[-1], rtol=1e-3))
    curve = f"the tone curve of the file ({profile.encoding}) was kept" if is_straight else "a tone curve was fitted"
    matrix = "a 3 × 3 matrix" if len(profile.matrix[0]) == 3 else "root-polynomial terms"
    vignetting = f", and vignetting of {1 - math.exp(-profile.falloff):.0%} in the corners" if profile.falloff else ""
    return (
        f"From {profile.patches} patches: {curve}, with a white balance and {matrix}{vignetting}. Mean ΔE2000 "
        f"{profile.before:.1f} before, {profile.after:.1f} after, {profile.left_out:.1f} for patches left out."
    )


def _colour_icon(colour: QColor) -> QIcon:
    pixmap = QPixmap(14, 14)
    pixmap.fill(colour)
    return QIcon(pixmap)


STYLES = {
    MEASURED: ("#2f7d4f", Qt.PenStyle.SolidLine), ESTIMATED: ("#d0661f", Qt.PenStyle.SolidLine),
    SHOWN: ("#8a8a8a", Qt.PenStyle.DashLine),
}  # fmt: skip
"""Kind of spectrum → colour and style of its line."""


def _mean(spectrum: Spectrum | None) -> float:
    """Mean over the wavelengths that all spectra share."""
    if spectrum is None:
        return 1.0
    return float(np.interp(COMPARED, spectrum.wavelengths.nm, spectrum.values).mean())


class PatchPlot(pg.PlotWidget):  # type: ignore[misc]
    """The measured and the estimated spectra of one patch, scaled to the mean of the measured one.

    Only their shapes can be compared, since the light on a chart is seldom even.
    """

    def __init__(self) -> None:
        super().__init__(axisItems={side: Axis(side) for side in ("left", "bottom")}, enableMenu=False)
        self.setAccessibleName("Spectra of the patch")
        self.setMinimumHeight(150)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMouseEnabled(False, False)
        self.hideButtons()
        self.title = QLabel(self)
        self.title.setTextFormat(Qt.TextFormat.RichText)
        self.title.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.title.move(8, 4)
        self.getPlotItem().setContentsMargins(4, self.fontMetrics().height() + 8, 14, 2)
        self.curves: dict[str, Spectrum] = {}
        self._follow_palette()

    def show_spectra(self, curves: Mapping[str, Spectrum], name: str) -> None:
        """Show spectra by kind."""
        self.clear()
        self.curves = dict(curves)
        top, reference = 0.0, next(reversed(self.curves.values()), None)
        for kind, spectrum in self.curves.items():
            colour, style = STYLES[kind]
            values = spectrum.values * _mean(reference) / max(_mean(spectrum), 1e-6)
            self.plot(spectrum.wavelengths.nm, values, pen=pg.mkPen(colour, width=2, style=style))
            top = max(top, float(np.nanmax(values)))
        self.setRange(xRange=(400, 700), yRange=(0, max(1.08 * top, 0.05)), padding=0)
        shown = [kind for kind in STYLES if kind in self.curves]
        key = " &nbsp;".join(f'<span style="color:{STYLES[kind][0]}">■</span> {kind}' for kind in shown)
        self.title.setText(f"<b>{name}</b> &nbsp; {key}")
        self.title.adjustSize()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the palette."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "curves"):
            self._follow_palette()

    def _follow_palette(self) -> None:
        palette = self.palette()
        self.setBackground(palette.color(QPalette.ColorRole.Base))
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.setPen(pg.mkPen(palette.color(QPalette.ColorRole.Mid)))
            axis.setTextPen(palette.color(QPalette.ColorRole.PlaceholderText))
            axis.enableAutoSIPrefix(False)
            axis.setStyle(tickFont=QFont(self.font()), tickLength=0, tickTextOffset=6)
