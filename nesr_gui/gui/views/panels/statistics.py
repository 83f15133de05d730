"""The Statistics panel: statistics of pixels by band, their histogram at the wavelength, and integrals of marks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from nesr_gui.gui.drawing.labels import value_format
from nesr_gui.gui.drawing.symbols import screen_pen
from nesr_gui.gui.drawing.ticks import Axis
from nesr_gui.gui.model.statistics_settings import Range, Scope, StatisticsSettings
from nesr_gui.gui.tasks.statistics import Histogram, Row, histogram_rows
from nesr_gui.gui.views.widgets import DecimalBox, command_button, quiet, row

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEAST_HEIGHT = 170  # px of tabs with a histogram
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class StatisticsPanel(QWidget):
    """Shows tables and histogram; signals the chosen pixels and wavelengths, and requests for the visible table."""

    settings_picked = Signal(object)  # StatisticsSettings
    copy_requested = Signal()
    export_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings, self._available = StatisticsSettings(), (400.0, 700.0)
        self._rows: dict[QWidget, Sequence[Row]] = {}
        self.scope = QComboBox()
        self.scope.setAccessibleName("Pixels of the statistics")
        self.scope.view().setAccessibleName("Choices of pixels")
        for scope in Scope:
            self.scope.addItem(scope.label, scope)
        self.low, self.high = _wavelength("First wavelength"), _wavelength("Last wavelength")
        self.all = command_button("All", "Use all wavelengths", None, "All wavelengths")
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setAccessibleName("What the statistics are of")
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.bands, self.integrals = _table("Statistics by band"), _table("Integrals of the marks")
        self.histogram = HistogramView()
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName("Statistics")
        self.tabs.tabBar().setAccessibleName("Kinds of statistics")
        for widget, title in ((self.bands, "Bands"), (self.histogram, "Histogram"), (self.integrals, "Integrals")):
            self.tabs.addTab(widget, title)
        self.copy = command_button("Copy", "Copy the table for a spreadsheet", self.copy_requested, "Copy statistics")
        self.export = command_button(
            "Export…", "Export the table as CSV", self.export_requested, "Export statistics"
        )  # fmt: skip
        self.tabs.setCornerWidget(row(self.copy, self.export))  # leaves the height to the tables
        self.tabs.setMinimumHeight(_LEAST_HEIGHT)
        self.scope.activated.connect(self._pick)
        self.low.valueChanged.connect(self._pick)
        self.high.valueChanged.connect(self._pick)
        self.all.clicked.connect(self._pick_all)
        self.tabs.currentChanged.connect(self._show_buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 10, 14, 10)
        layout.setSpacing(8)
        layout.addWidget(row(self.scope, self.low, QLabel("to"), self.high, self.all))
        layout.addWidget(self.words)
        layout.addWidget(self.tabs, 1)
        self._show_buttons()

    @property
    def rows(self) -> Sequence[Row]:
        """The rows of the visible table, in full precision."""
        return self._rows.get(self.tabs.currentWidget(), ())

    def show_settings(self, settings: StatisticsSettings, available: Range) -> None:
        """Show pixels and interval in an image that covers `available` nm, without emitting signals."""
        self._settings, self._available = settings, available
        low, high = settings.range_in(available)
        blocked = [QSignalBlocker(widget) for widget in (self.scope, self.low, self.high)]
        self.scope.setCurrentIndex(list(Scope).index(settings.scope))
        for box, value in ((self.low, low), (self.high, high)):
            box.setRange(*available)
            box.setValue(value)
        self.all.setEnabled(settings.within is not None)
        for blocker in blocked:
            blocker.unblock()

    def show_words(self, text: str) -> None:
        """Say what the statistics are of, or why there are none."""
        self.words.setText(text)

    def show_statistics(self, rows: Sequence[Row]) -> None:
        """Show statistics of the interval, in the first row, and of each band; none while they are computed."""
        self._show_table(self.bands, rows, 1)

    def show_integrals(self, rows: Sequence[Row]) -> None:
        """Show the integrals of the marks."""
        self._show_table(self.integrals, rows, 0)

    def show_histogram(self, histogram: Histogram | None, title: str) -> None:
        """Show a histogram; none while it is computed."""
        self._rows[self.histogram] = histogram_rows(histogram) if histogram is not None else ()
        self.histogram.show_histogram(histogram, title)
        self._show_buttons()

    def _show_table(self, table: QTableWidget, rows: Sequence[Row], bold: int) -> None:
        """Show rows of texts, numbers with the digits of the window, the first `bold` ones emphasised."""
        self._rows[table] = rows
        titles = list(rows[0]) if rows else []
        table.setColumnCount(len(titles))
        table.setRowCount(len(rows))
        for column, title in enumerate(titles):
            header = QTableWidgetItem(title)
            header.setTextAlignment(_RIGHT if column else _LEFT)
            table.setHorizontalHeaderItem(column, header)
        numbers = [float(text) for each in rows for text in list(each.values())[1:] if text]
        form = value_format(max(map(abs, numbers), default=0.0))
        for line, each in enumerate(rows):
            for column, text in enumerate(each.values()):
                item = QTableWidgetItem(f"{float(text):{form}}" if column and text else text)
                item.setTextAlignment(_RIGHT if column else _LEFT)
                font = item.font()
                font.setBold(line < bold)
                item.setFont(font)
                table.setItem(line, column, item)
        self._show_buttons()

    def _show_buttons(self) -> None:
        for button in (self.copy, self.export):
            button.setEnabled(bool(self.rows))

    def _pick(self) -> None:
        low, high = self.low.value(), self.high.value()
        if low >= high:  # keep the last valid interval
            self.show_settings(self._settings, self._available)
            return
        scope = Scope(self.scope.currentData())
        within = (low, high) if (low, high) != self._available else None
        self.settings_picked.emit(StatisticsSettings(scope, within))

    def _pick_all(self) -> None:
        self.settings_picked.emit(StatisticsSettings(self._settings.scope))


class HistogramView(pg.PlotWidget):  # type: ignore[misc]
    """A histogram of values at one wavelength."""

    def __init__(self) -> None:
        super().__init__(axisItems={side: Axis(side) for side in ("left", "bottom")})
        self.setAccessibleName("Histogram")
        self.plot = self.getPlotItem()
        self.plot.hideButtons()
        self.plot.setMenuEnabled(False)
        self.plot.getViewBox().setMouseEnabled(False, False)
        self.bars = pg.PlotCurveItem([0.0, 0.0], [0.0], stepMode="center", fillLevel=0)
        self.plot.addItem(self.bars)
        self._title = ""
        self._follow_palette()

    def show_histogram(self, histogram: Histogram | None, title: str) -> None:
        """Show counts, with the title of the value axis; None clears it."""
        self._title = title
        if histogram is None:
            self.bars.setData([0.0, 0.0], [0.0])
        else:
            counts, edges = histogram
            self.bars.setData(edges, counts.astype(np.float64))
            self.plot.getViewBox().setRange(
                xRange=(float(edges[0]), float(edges[-1])), yRange=(0.0, float(counts.max())), padding=0.02
            )
        self._name_axes()

    def changeEvent(self, event: QEvent) -> None:
        """Update all colours when the palette changes."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "bars"):
            self._follow_palette()

    def _follow_palette(self) -> None:
        colours = self.palette()
        self.setBackground(colours.color(QPalette.ColorRole.Base))
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(pg.mkPen(colours.color(QPalette.ColorRole.Mid)))
            axis.setTextPen(colours.color(QPalette.ColorRole.PlaceholderText))
            axis.enableAutoSIPrefix(False)
            axis.setStyle(tickFont=self.font(), tickLength=0, tickTextOffset=6)
        colour = QColor(colours.color(QPalette.ColorRole.Highlight))
        self.bars.setPen(screen_pen(self, colour, 1))
        colour.setAlpha(110)
        self.bars.setBrush(colour)
        self._name_axes()

    def _name_axes(self) -> None:
        ink = self.palette().color(QPalette.ColorRole.WindowText).name()
        for side, text in (("left", "pixels"), ("bottom", self._title)):
            self.plot.getAxis(side).setLabel(text, color=ink, **{"font-size": f"{self.font().pointSizeF():g}pt"})


def _wavelength(name: str) -> DecimalBox:
    box = DecimalBox()
    box.setAccessibleName(name)
    box.setToolTip(f"{name} of the interval; its edges can also be dragged in the plot")
    box.setDecimals(1)
    box.setSuffix(" nm")
    box.setKeyboardTracking(False)
    return box


def _table(name: str) -> QTableWidget:
    table = QTableWidget(0, 0)
    table.setAccessibleName(name)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    quiet(table)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    return table
