"""Pages of the analysis panel for abundances, band math and components."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QSpinBox, QVBoxLayout, QWidget

from nesr_gui.analysis.components import ComponentKind
from nesr_gui.analysis.definitions import (
    AbundanceDefinition,
    ComponentDefinition,
    Definition,
    ExpressionDefinition,
)
from nesr_gui.analysis.indices import INDICES
from nesr_gui.gui.model.analyses import AnalysisKind
from nesr_gui.gui.views.panels.analysis_page import AnalysisPage
from nesr_gui.gui.views.widgets import combo, form

KINDS = {ComponentKind.PCA: "Principal components", ComponentKind.MNF: "Minimum noise fractions"}


class AbundancesPage(AnalysisPage):
    """Constraints of the abundances."""

    kind = AnalysisKind.ABUNDANCES

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._definition = AbundanceDefinition()
        self.sums_to_one = QCheckBox("Abundances sum to 1")
        self.sums_to_one.setToolTip("Switch off where the brightness of a material varies, by shading for example")
        self.sums_to_one.clicked.connect(self._pick)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.sums_to_one)

    def show_definition(self, definition: Definition) -> None:
        """Show the constraints."""
        assert isinstance(definition, AbundanceDefinition)
        self._definition = definition
        self.sums_to_one.setChecked(definition.sums_to_one)

    def _pick(self, sums_to_one: bool) -> None:
        self.definition_picked.emit(replace(self._definition, sums_to_one=sums_to_one), "sum of abundances", False)


class ExpressionPage(AnalysisPage):
    """The expression, or the name of an index."""

    kind = AnalysisKind.EXPRESSION

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._definition = ExpressionDefinition()
        self.text = QComboBox()
        self.text.setEditable(True)
        self.text.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.text.setAccessibleName("Expression of bands")
        for index in INDICES.values():
            self.text.addItem(index.name)
            tip = f"{index.title}: {index.expression}\n{index.source}"
            self.text.setItemData(self.text.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.text.activated.connect(self._pick)
        edit = self.text.lineEdit()
        assert edit is not None
        edit.editingFinished.connect(self._pick)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form(("Expression", self.text)))

    def show_definition(self, definition: Definition) -> None:
        """Show the expression."""
        assert isinstance(definition, ExpressionDefinition)
        self._definition = definition
        with QSignalBlocker(self.text):
            self.text.setEditText(definition.text)

    def _pick(self) -> None:
        text = self.text.currentText()
        if text != self._definition.text:
            self.definition_picked.emit(replace(self._definition, text=text), "expression", False)


class ComponentsPage(AnalysisPage):
    """Kind and number of the components."""

    kind = AnalysisKind.COMPONENTS

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._definition = ComponentDefinition()
        self.components, self.count = combo("Kind of components"), QSpinBox()
        for kind, text in KINDS.items():
            self.components.addItem(text, kind.value)
        self.count.setRange(1, 100)
        self.count.setAccessibleName("Number of components")
        self.count.setKeyboardTracking(False)
        self.components.activated.connect(self._pick)
        self.count.valueChanged.connect(self._pick)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form(("Kind", self.components), ("Number", self.count)))

    def show_definition(self, definition: Definition) -> None:
        """Show kind and number."""
        assert isinstance(definition, ComponentDefinition)
        self._definition = definition
        self.components.setCurrentIndex(list(KINDS).index(definition.kind))
        with QSignalBlocker(self.count):
            self.count.setValue(definition.count)

    def _pick(self) -> None:
        definition = ComponentDefinition(ComponentKind(self.components.currentData()), self.count.value())
        if definition != self._definition:
            self.definition_picked.emit(definition, "components", False)
