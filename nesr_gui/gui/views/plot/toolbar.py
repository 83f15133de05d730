"""The toolbar above the plot: normalisation, derivative, difference and reference spectra."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QMenu, QToolButton, QWidget

from nesr_gui.gui.model.plot_settings import Normalise, ReferenceSpectrum, Transform


class PlotToolbar(QWidget):
    """Signals the chosen transform and the visibility of references."""

    transform_picked = Signal(object)  # Transform
    truth_picked = Signal(bool)  # whether to show measured spectra
    smooth_picked = Signal(bool)  # whether to show smooth metamers
    library_requested = Signal()  # load a file
    chart_picked = Signal(str)  # name of a colour chart
    reference_picked = Signal(int, bool)  # index in the library, whether to show it
    clear_requested = Signal()  # remove all reference spectra

    def __init__(self, charts: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._transform, self._charts = Transform(), charts
        self.normalise = QComboBox()
        self.normalise.setAccessibleName("Normalise spectra")
        self.normalise.view().setAccessibleName("Normalisations")
        self.normalise.setToolTip("Normalise all spectra to compare their shapes")
        self.normalise.addItems([str(each) for each in Normalise])
        self.derivative = _toggle("d/dλ", "Derivative", "Show first derivatives per nm")
        self.difference = _toggle(
            "Δ", "Difference to the active mark", "Show differences to the spectrum of the active mark"
        )
        self.compare = _toggle(
            "Compare", "Compare with references", "Measured spectra, smooth metamers, reference spectra"
        )
        self.compare.setCheckable(False)
        self.compare.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.compare)
        self.menu.aboutToShow.connect(self._fill_menu)
        self._chart_menu = QMenu("Colour chart", self.menu)
        for name in charts:
            self._chart_menu.addAction(name, partial(self.chart_picked.emit, name))
        self.compare.setMenu(self.menu)
        self.normalise.currentIndexChanged.connect(self._announce)
        self.derivative.toggled.connect(self._announce)
        self.difference.toggled.connect(self._announce)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 0)
        layout.setSpacing(6)
        for widget in (self.normalise, self.derivative, self.difference, self.compare):
            layout.addWidget(widget)
        layout.addStretch(1)
        self.show_references(True, False, ())

    def show_transform(self, transform: Transform) -> None:
        """Show the current transform without emitting signals."""
        self._transform = transform
        blocked = [QSignalBlocker(widget) for widget in (self.normalise, self.derivative, self.difference)]
        self.normalise.setCurrentIndex(list(Normalise).index(transform.normalise))
        self.derivative.setChecked(transform.derivative)
        self.difference.setChecked(transform.difference)
        del blocked

    def show_references(self, truth: bool, smooth: bool, library: Sequence[ReferenceSpectrum]) -> None:
        """Set the references that the menu lists and their visibility."""
        self._references = truth, smooth, tuple(library)

    def _fill_menu(self) -> None:
        menu, (truth, smooth, library) = self.menu, self._references
        menu.clear()
        for text, shown, picked in (
            ("Measured spectra", truth, self.truth_picked), ("Smooth metamers", smooth, self.smooth_picked),
        ):  # fmt: skip
            action = menu.addAction(text)
            action.setCheckable(True)
            action.setChecked(shown)
            action.toggled.connect(picked)
        menu.addSeparator()
        menu.addAction("Load reference spectra…", self.library_requested.emit)
        menu.addMenu(self._chart_menu)
        if library:
            menu.addSeparator()
            for place, reference in enumerate(library):
                action = menu.addAction(f"{reference.spectrum.name}  ({reference.source})".replace("&", "&&"))
                action.setCheckable(True)
                action.setChecked(reference.visible)
                action.toggled.connect(partial(self.reference_picked.emit, place))
            menu.addAction("Remove reference spectra", self.clear_requested.emit)

    def _announce(self) -> None:
        normalise = list(Normalise)[self.normalise.currentIndex()]
        chosen = replace(
            self._transform, normalise=normalise, derivative=self.derivative.isChecked(),
            difference=self.difference.isChecked(),
        )  # fmt: skip
        self.transform_picked.emit(chosen)


def _toggle(text: str, name: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setAccessibleName(name)
    button.setToolTip(tip)
    button.setCheckable(True)
    return button
