"""Pages of the analysis panel for abundances, band math and components."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QSpinBox, QVBoxLayout, QWidget

from nesr_gui.analysis.components import ComponentKind, Components
from nesr_gui.analysis.definitions import (
    AbundanceDefinition,
    ComponentDefinition,
    Definition,
    ExpressionDefinition,
)
from nesr_gui.analysis.expression import FUNCTIONS, RANGES, BandMath, Expression, ExpressionError
from nesr_gui.analysis.indices import INDICES, expression_of
from nesr_gui.analysis.unmixing import Unmixing
from nesr_gui.fields.protocol import CalibratedField
from nesr_gui.gui.model.analyses import AnalysisKind, FittedAnalysis
from nesr_gui.gui.model.palette import MARK_COLOURS
from nesr_gui.gui.model.preferences import recent_expressions, remember_expression
from nesr_gui.gui.views.panels.analysis_page import AnalysisPage
from nesr_gui.gui.views.panels.layer_table import LayerChoice, LayerRow
from nesr_gui.gui.views.plot.loadings_view import LoadingsView
from nesr_gui.gui.views.widgets import NumberBox, combo, command_button, note, row

KINDS = {ComponentKind.PCA: "Principal components", ComponentKind.MNF: "Minimum noise fractions"}
NO_NOISE = (
    "A reconstruction has no measured noise: what differs between neighbours is texture of the photograph, by which "
    "these fractions are ordered. Minimum noise fractions are for measured cubes."
)
SYNTAX = (
    "b550, the value at 550 nm · " + " · ".join(f"{name}(600, 650)" for name in RANGES) + " · numbers · + - * / ** · "
    f"< <= > >= == != · and, or, not · {', '.join(FUNCTIONS)}. A comparison makes a mask."
)


class DifferenceBox(QWidget):
    """The difference asked about: a number, or the contrast of the map."""

    difference_picked = Signal(object)  # the difference, or None for the contrast

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.automatic, self.number = QCheckBox("Contrast of the map"), NumberBox(digits=3)
        self.automatic.setAccessibleName("Ask about the contrast of the map")
        self.automatic.setToolTip("Pixels abstain whose interval is wider than the range from dark to bright")
        self.number.setRange(0, 1e9)
        self.number.setSingleStep(0.05)
        self.number.setKeyboardTracking(False)
        self.number.setAccessibleName("Difference asked about")
        self.number.setToolTip("Pixels abstain whose 90 % interval is wider than this difference")
        self.automatic.clicked.connect(self._pick_automatic)
        self.number.valueChanged.connect(lambda number: self.difference_picked.emit(number))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(row(self.number, self.automatic))

    def show_difference(self, difference: float | None) -> None:
        """Show what is asked about; None for the contrast."""
        self.automatic.setChecked(difference is None)
        self.number.setEnabled(difference is not None)
        if difference is not None:
            self._show_number(difference)

    def show_fitted(self, fitted: FittedAnalysis | None, layer: int) -> None:
        """Show the contrast of a layer, and nothing for an image without intervals."""
        if fitted is None:
            return
        self.setVisible(isinstance(fitted.request.field, CalibratedField))
        if self.automatic.isChecked() and 0 <= layer < len(fitted.differences):
            difference = fitted.differences[layer]
            self._show_number(difference if difference < math.inf else 0.0)

    def _show_number(self, difference: float) -> None:
        with QSignalBlocker(self.number):
            self.number.setValue(difference)

    def _pick_automatic(self, is_automatic: bool) -> None:
        self.difference_picked.emit(None if is_automatic else self.number.value())


class AbundancesPage(AnalysisPage):
    """The shown endmember, means, and the constraints of the abundances."""

    kind = AnalysisKind.ABUNDANCES
    export_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._definition = AbundanceDefinition()
        self._rendered: Callable[[], object] = lambda: None  # refers weakly to the layers that the means are of
        self._listed: list[tuple[str, str]] = []  # names and colours of the endmembers and the error
        self._means: list[Sequence[float] | None] = [None, None]
        self._layers: tuple[int, ...] = (0,)
        self.problem = _note("Why no abundances are shown")
        titles = "Endmember", "Image", "Region"
        tips = "", "Mean over the image, of a million pixels at most", "Mean over the active region"
        self.layers = LayerChoice("Abundances", titles)
        self.layers.show_titles(titles, tips)
        self.layers.table.setColumnHidden(2, True)
        self.layers.layers_picked.connect(self.layers_picked)
        self.sums_to_one = QCheckBox("Abundances sum to 1")
        self.sums_to_one.setAccessibleName("Abundances sum to 1")
        self.sums_to_one.setToolTip("Switch off where the brightness of a material varies, by shading for example")
        self.sums_to_one.clicked.connect(self._pick_sum)
        self.difference = DifferenceBox()
        self.difference.difference_picked.connect(self._pick_difference)
        self._asked = _labelled("Difference asked about", self.difference, self.difference.number)
        self.export = command_button(
            "Export map…", "Export all abundances and the error as the bands of a GeoTIFF", self.export_requested,
            "Export map of abundances",
        )  # fmt: skip
        self.add_to_head(self.sums_to_one)
        _stack(self, self.problem, self.layers, self._asked, row(self.export))

    def show_definition(self, definition: Definition) -> None:
        """Show the constraints."""
        assert isinstance(definition, AbundanceDefinition)
        self._definition = definition
        self.sums_to_one.setChecked(definition.sums_to_one)
        self.difference.show_difference(definition.difference)

    def show_fitted(self, fitted: FittedAnalysis | None) -> None:
        """List the endmembers and the error, and their means if these are still true.

        What is shown is copied: the analysis holds the image, whose file is let go when the image is closed.
        """
        if fitted is None or fitted.rendered is not self._rendered():
            self._means = [None, None]
            self._rendered = weakref.ref(fitted.rendered) if fitted is not None else lambda: None
        _show_refusal(self.problem, fitted)
        unmixing = fitted.analysis if fitted is not None else None
        self.layers.setVisible(unmixing is not None)
        self.export.setEnabled(unmixing is not None)
        self._listed = []
        if fitted is not None:
            self._asked.setVisible(isinstance(fitted.request.field, CalibratedField))
        self.difference.show_fitted(fitted, self._layers[0])
        if fitted is not None and isinstance(unmixing, Unmixing):
            colours = (*(each.colour for each in fitted.request.spectra), "")
            self._listed = [(layer.name, colour) for layer, colour in zip(unmixing.layers, colours, strict=True)]
        self._show_rows()

    def _show_rows(self) -> None:
        if self._listed:
            means = [[_share(mean) for mean in each] if each is not None else None for each in self._means]
            rows = [
                LayerRow(name, colour, tuple(texts[at] if texts is not None else "" for texts in means))
                for at, (name, colour) in enumerate(self._listed)
            ]
            self.layers.show_rows(rows, len(rows) - 1)  # the error is mixed with nothing
            self.layers.show_layers(self._layers)

    def show_layers(self, layers: tuple[int, ...]) -> None:
        """Show which layers the picture has."""
        self._layers = layers
        self.layers.show_layers(layers)

    def show_means(self, image: Sequence[float] | None, region: Sequence[float] | None) -> None:
        """Show the means of the layers over the image and the active region; None while they are unknown."""
        self._means = [image, region]
        self.layers.table.setColumnHidden(2, region is None)
        self._show_rows()

    def _pick_sum(self, sums_to_one: bool) -> None:
        self.definition_picked.emit(replace(self._definition, sums_to_one=sums_to_one), "sum of abundances", False)

    def _pick_difference(self, difference: float | None) -> None:
        self.definition_picked.emit(replace(self._definition, difference=difference), "difference asked about", True)


class ExpressionPage(AnalysisPage):
    """The expression, or the name of an index."""

    kind = AnalysisKind.EXPRESSION
    export_requested = Signal()
    regions_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._definition = ExpressionDefinition()
        self._range = 0.0, math.inf
        self._is_mistaken = False  # the text in the box
        self.text = QComboBox()
        self.text.view().setAccessibleName("Indices and earlier expressions")
        self.text.setEditable(True)
        self.text.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.text.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.text.setMinimumContentsLength(14)
        self.text.setAccessibleName("Expression of bands")
        self.text.setToolTip("An expression such as (b550 - b650) / (b550 + b650), or an index of the list")
        self.text.activated.connect(lambda at: self._pick(str(self.text.itemData(at) or self.text.currentText())))
        edit = self.text.lineEdit()
        assert edit is not None
        self._edit = edit
        edit.setAccessibleName("Expression of bands, as text")
        edit.setCompleter(None)  # type: ignore[arg-type]  # an index must not replace a band that begins like it
        edit.editingFinished.connect(lambda: self._pick(edit.text()))
        self.problem, self.source = _note("Mistake in the expression"), _note("Formula and source of the index")
        self.source.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.difference = DifferenceBox()
        self.difference.difference_picked.connect(self._pick_difference)
        self._asked = _labelled("Difference asked about", self.difference, self.difference.number)
        self.syntax = _note("Syntax of expressions")
        self.syntax.setText(SYNTAX)
        self.syntax.setForegroundRole(self.syntax.palette().ColorRole.PlaceholderText)
        self.syntax.show()
        self.export = command_button(
            "Export map…", "Export the values or the mask of all pixels", self.export_requested, "Export map of values"
        )
        self.regions = command_button(
            "Make regions", "Mark the largest connected parts of the mask as regions", self.regions_requested,
            "Make regions of the mask",
        )  # fmt: skip
        self.add_to_head(self.text)
        _stack(self, self.problem, self.source, self.syntax, self._asked, row(self.export, self.regions))
        self._list()

    def show_definition(self, definition: Definition) -> None:
        """Show the expression, or the formula and the source of an index."""
        assert isinstance(definition, ExpressionDefinition)
        is_new = definition.text != self._definition.text
        self._definition = definition
        index = INDICES.get(expression_of(definition.text)[1])
        if is_new:
            self._show_problem("")
            if index is None:
                remember_expression(definition.text)
            self._list()
        elif not (self._is_mistaken or self._edit.hasFocus()):  # what is being typed or corrected stays
            self._show_text(definition.text)
        self.source.setText(f"{index.title}: {index.expression}. {index.source}" if index is not None else "")
        self.source.setVisible(index is not None)
        self.difference.show_difference(definition.difference)

    def show_range(self, covered: tuple[float, float]) -> None:
        """Accept expressions of wavelengths (nm) that the image covers."""
        self._range = covered

    def show_fitted(self, fitted: FittedAnalysis | None) -> None:
        """Show why the expression is impossible, and what can be done with its values."""
        if not self._is_mistaken:
            _show_refusal(self.problem, fitted)
        analysis = fitted.analysis if fitted is not None else None
        mask = isinstance(analysis, BandMath) and analysis.expression.is_truth_value
        self.export.setEnabled(analysis is not None)
        self.regions.setVisible(mask)
        has_intervals = fitted is None or isinstance(fitted.request.field, CalibratedField)
        self._asked.setVisible(has_intervals and not mask)
        self.difference.show_fitted(fitted, 0)

    def _pick(self, text: str) -> None:
        """Accept an expression, or mark its mistake and keep the picture of the previous one."""
        text = " ".join(text.split())
        formula, name = expression_of(text)
        try:
            Expression.parse(formula).check(self._range)
        except ExpressionError as error:
            self._show_problem(str(error))
            self._show_text(text)
            if not name:
                self._edit.setSelection(error.start, max(error.length, 1))
            return
        self._show_problem("")
        self._show_text(text)
        if text != self._definition.text:
            self.definition_picked.emit(replace(self._definition, text=text), "expression", False)

    def _pick_difference(self, difference: float | None) -> None:
        self.definition_picked.emit(replace(self._definition, difference=difference), "difference asked about", True)

    def _show_text(self, text: str) -> None:
        if self._edit.text() != text:
            with QSignalBlocker(self.text):
                self.text.setEditText(text)

    def _show_problem(self, problem: str) -> None:
        self._is_mistaken = bool(problem)
        self.problem.setText(f"{problem[:1].upper()}{problem[1:]}. The previous picture stays." if problem else "")
        self.problem.setVisible(self._is_mistaken)

    def _list(self) -> None:
        """List the expressions that were used, and the published indices."""
        with QSignalBlocker(self.text):
            self.text.clear()
            for text in recent_expressions():
                self.text.addItem(text, text)
            if self.text.count():
                self.text.insertSeparator(self.text.count())
            for index in INDICES.values():
                self.text.addItem(f"{index.name}: {index.title[0].lower()}{index.title[1:]}", index.name)
                tip = f"{index.title}: {index.expression}\n{index.source}"
                self.text.setItemData(self.text.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self._show_text(self._definition.text)


class ComponentsPage(AnalysisPage):
    """Kind and number of the components, what they explain, and their loadings."""

    kind = AnalysisKind.COMPONENTS
    export_requested = Signal()
    loadings_requested = Signal()
    wavelength_picked = Signal(float)  # nm

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._definition = ComponentDefinition()
        self._shown: Components | None = None
        self._layers: tuple[int, ...] = (0,)
        self.components, self.count = combo("Kind of components"), QSpinBox()
        for kind, text in KINDS.items():
            self.components.addItem(text, kind.value)
        self.count.setRange(1, 100)
        self.count.setAccessibleName("Number of components")
        self.count.setKeyboardTracking(False)
        self.count.setToolTip("Number of components")
        self.components.setMinimumContentsLength(14)
        self.components.activated.connect(self._pick)
        self.count.valueChanged.connect(self._pick)
        self.add_to_head(self.components, self.count)
        self.problem = _note("Why no components are shown")
        self.remark = _note("What minimum noise fractions mean")
        self.remark.setText(NO_NOISE)
        self.layers = LayerChoice("Components", ("Component", "", ""), most=4)
        self.layers.layers_picked.connect(self.layers_picked)
        self.loadings = LoadingsView()
        self.loadings.wavelength_picked.connect(self.wavelength_picked)
        self.export = command_button(
            "Export map…", "Export the scores as the bands of a GeoTIFF", self.export_requested, "Export map of scores"
        )
        self.export_loadings = command_button(
            "Export loadings…", "Export mean and loadings as CSV", self.loadings_requested
        )
        _stack(
            self, self.problem, self.remark, self.loadings, self.layers, row(self.export, self.export_loadings),
        )  # fmt: skip

    def show_definition(self, definition: Definition) -> None:
        """Show kind and number."""
        assert isinstance(definition, ComponentDefinition)
        self._definition = definition
        self.components.setCurrentIndex(list(KINDS).index(definition.kind))
        with QSignalBlocker(self.count):
            self.count.setValue(definition.count)

    def show_fitted(self, fitted: FittedAnalysis | None) -> None:
        """Show what the components explain, and their loadings."""
        components = fitted.analysis if fitted is not None else None
        is_noise = self._definition.kind is ComponentKind.MNF
        self.remark.setVisible(is_noise and fitted is not None and "model" in fitted.request.field.provenance)
        _show_refusal(self.problem, fitted)
        for widget in (self.layers, self.loadings):
            widget.setVisible(components is not None)
        for button in (self.export, self.export_loadings):
            button.setEnabled(components is not None)
        if components is None or components is self._shown:
            return
        assert isinstance(components, Components)
        self._shown = components
        colours = [MARK_COLOURS["safe"][number] for number in range(1, len(components.strengths) + 1)]
        titles, cells = _strengths(components)
        self.layers.show_titles(("Component", *titles))
        self.layers.table.setColumnHidden(2, not titles[1])
        rows = [
            LayerRow(layer.name, colour, texts)
            for layer, colour, texts in zip(components.layers, colours, cells, strict=True)
        ]
        self.layers.show_rows(rows, len(rows))
        self.layers.show_layers(self._layers)
        self.loadings.show_loadings(components.curves()[1:], colours)

    def show_layers(self, layers: tuple[int, ...]) -> None:
        """Show which layers the picture has."""
        self._layers = layers
        self.layers.show_layers(layers)
        self.loadings.show_layers(layers)

    def _pick(self) -> None:
        definition = ComponentDefinition(ComponentKind(self.components.currentData()), self.count.value())
        if definition != self._definition:
            self.definition_picked.emit(definition, "components", False)


def _strengths(components: Components) -> tuple[tuple[str, str], list[tuple[str, str]]]:
    """Titles and texts of two columns: the share of the variance, or signal and noise, and what all up to here have."""
    if components.kind is ComponentKind.MNF:
        ratios = np.maximum(components.strengths - 1, 0)
        return ("Signal / noise", ""), [(f"{ratio:.3g}", "") for ratio in ratios]
    sums = np.cumsum(components.explained)
    pairs = zip(components.explained, sums, strict=True)
    return ("Variance", "Sum"), [(f"{100 * share:.2f} %", f"{100 * total:.2f} %") for share, total in pairs]


def _share(mean: float) -> str:
    return f"{mean:.3f}" if math.isfinite(mean) else "-"


def _show_refusal(label: QLabel, fitted: FittedAnalysis | None) -> None:
    refusal = fitted.refusal if fitted is not None else ""
    label.setText(f"{refusal[:1].upper()}{refusal[1:]}." if refusal else "")
    label.setVisible(bool(refusal))


def _note(name: str) -> QLabel:
    """A hidden text of up to three lines."""
    label = note(3)
    label.setAccessibleName(name)
    label.hide()
    return label


def _labelled(text: str, widget: QWidget, buddy: QWidget) -> QWidget:
    container = QWidget()
    label = QLabel(text)
    label.setBuddy(buddy)
    layout = QVBoxLayout(container)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(2)
    layout.addWidget(label)
    layout.addWidget(widget)
    return container


def _stack(page: QWidget, *parts: QWidget) -> None:
    layout = QVBoxLayout(page)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(6)
    for part in parts:
        layout.addWidget(part)
    layout.addStretch(1)
