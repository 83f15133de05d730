"""The toolbar above the plot: normalisation, continuum, derivative, difference, reference spectra, axes and bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QMenu, QToolButton, QWidget

from nesr_gui.gui.model.plot_settings import Normalise, PlotAxes, ReferenceSpectrum, Spreads, Transform
from nesr_gui.gui.views.widgets import menu_button

NARROW = 96  # px


class PlotToolbar(QWidget):
    """Signals the chosen transform, the visibility of references, and the display of axes and bands."""

    transform_picked = Signal(object)  # Transform
    truth_picked = Signal(bool)  # whether to show measured spectra
    smooth_picked = Signal(bool)  # whether to show smooth metamers
    hull_picked = Signal(bool)  # whether to show the continuum of each spectrum
    library_requested = Signal()  # load a file
    chart_picked = Signal(str)  # name of a colour chart
    reference_picked = Signal(int, bool)  # index in the library, whether to show it
    clear_requested = Signal()  # remove all reference spectra
    spreads_picked = Signal(object)  # Spreads
    axes_picked = Signal(object)  # PlotAxes
    limits_requested = Signal()  # choose the limits of the axes
    values_requested = Signal()  # show the values of the active mark at all bands

    def __init__(self, charts: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._transform, self._charts, self._has_values = Transform(), charts, False
        self.normalise = QComboBox()
        self.normalise.setAccessibleName("Normalise spectra")
        self.normalise.setMinimumWidth(NARROW)  # so that its longest entry does not widen the panel
        self.normalise.view().setAccessibleName("Normalisations")
        self.normalise.setToolTip("Normalise all spectra to compare their shapes")
        self.normalise.addItems([each.label for each in Normalise])
        self.derivative = _toggle("d/dλ", "Derivative", "Show first derivatives per nm")
        self.difference = _toggle(
            "Δ", "Difference to the active mark", "Show differences to the spectrum of the active mark"
        )
        self.continuum = _toggle(
            "CR", "Continuum removal", "Divide spectra by their continuum, the upper convex hull (H)"
        )
        self.compare = menu_button(
            "Compare", "Compare with references", "Measured spectra, smooth metamers, reference spectra"
        )
        self.menu = QMenu(self.compare)
        self.menu.aboutToShow.connect(self._fill_menu)
        self._chart_menu = QMenu("Colour chart", self.menu)
        for name in charts:
            self._chart_menu.addAction(name, partial(self.chart_picked.emit, name))
        self.compare.setMenu(self.menu)
        self.display = menu_button(
            "Display", "Scale, limits and intervals of the plot", "Scale, axis limits, intervals"
        )
        self.display_menu = QMenu(self.display)
        self._choices: QActionGroup | None = None
        self.display_menu.aboutToShow.connect(self._fill_display_menu)
        self.display.setMenu(self.display_menu)
        self.normalise.currentIndexChanged.connect(self._announce)
        self.derivative.toggled.connect(self._announce)
        self.difference.toggled.connect(self._announce)
        self.continuum.toggled.connect(self._announce)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 0)
        layout.setSpacing(6)
        for widget in (self.normalise, self.continuum, self.derivative, self.difference, self.compare, self.display):
            layout.addWidget(widget)
        layout.addStretch(1)
        self.show_references(True, False, ())
        self.show_display(Spreads.ACTIVE, PlotAxes(), False)

    def show_transform(self, transform: Transform) -> None:
        """Show the current transform without emitting signals."""
        self._transform = transform
        toggles = self.derivative, self.difference, self.continuum
        blocked = [QSignalBlocker(widget) for widget in (self.normalise, *toggles)]
        self.normalise.setCurrentIndex(list(Normalise).index(transform.normalise))
        self.derivative.setChecked(transform.derivative)
        self.difference.setChecked(transform.difference)
        self.continuum.setChecked(transform.continuum)
        self.normalise.setEnabled(not transform.continuum)  # which no factor changes
        del blocked

    def show_references(self, truth: bool, smooth: bool, library: Sequence[ReferenceSpectrum]) -> None:
        """Set the references that the menu lists and their visibility."""
        self._references = truth, smooth, tuple(library)

    def show_display(self, spreads: Spreads, axes: PlotAxes, hull: bool) -> None:
        """Set the bands, the axes and the visibility of the continuum that the menu shows as chosen."""
        self._spreads, self._axes, self._hull = spreads, axes, hull

    def show_values_possible(self, is_possible: bool) -> None:
        """Enable the list of the values of the active mark at all bands."""
        self._has_values = is_possible

    def _fill_display_menu(self) -> None:
        menu, axes = self.display_menu, self._axes
        menu.clear()
        logarithmic = menu.addAction("Logarithmic values")
        logarithmic.setCheckable(True)
        logarithmic.setChecked(axes.is_logarithmic)
        logarithmic.toggled.connect(self._pick_scale)
        menu.addAction("Axis limits…", self.limits_requested.emit)
        hull = menu.addAction("Continuum of each spectrum")
        hull.setCheckable(True)
        hull.setChecked(self._hull)
        hull.setEnabled(self._transform == Transform())
        hull.toggled.connect(self.hull_picked)
        menu.addAction("Values at all bands…", self.values_requested.emit).setEnabled(self._has_values)
        menu.addSection("Intervals and standard deviations")
        if self._choices is not None:
            self._choices.deleteLater()  # the menu deletes its actions, not their group
        choices = self._choices = QActionGroup(menu)
        for spreads in Spreads:
            action = menu.addAction(spreads.label, partial(self.spreads_picked.emit, spreads))
            action.setCheckable(True)
            action.setChecked(spreads is self._spreads)
            choices.addAction(action)

    def _pick_scale(self, is_logarithmic: bool) -> None:
        """Announce the scale; value limits without a logarithm become automatic."""
        limits = self._axes.value_limits
        if is_logarithmic and limits is not None and limits[0] <= 0:
            limits = None
        self.axes_picked.emit(replace(self._axes, is_logarithmic=is_logarithmic, value_limits=limits))

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
            difference=self.difference.isChecked(), continuum=self.continuum.isChecked(),
        )  # fmt: skip
        self.transform_picked.emit(chosen)


def _toggle(text: str, name: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setAccessibleName(name)
    button.setToolTip(tip)
    button.setCheckable(True)
    return button
