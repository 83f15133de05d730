"""Pages of the analysis panel for classes and clusters."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QSpinBox, QVBoxLayout, QWidget

from nesr_gui.analysis.classification import MOST_CLASSES
from nesr_gui.analysis.clustering import Feature
from nesr_gui.analysis.definitions import ClassDefinition, ClassMethod, ClusterDefinition, Definition
from nesr_gui.gui.model.analyses import AnalysisKind
from nesr_gui.gui.views.panels.analysis_page import AnalysisPage
from nesr_gui.gui.views.widgets import NumberBox, combo, form

METHODS = {ClassMethod.ANGLE: "Spectral angle", ClassMethod.FILTER: "Matched filter"}
FEATURES = {
    Feature.SPECTRA: "Spectra", Feature.SHAPES: "Shapes, without brightness",
    Feature.COMPONENTS: "Principal components",
}  # fmt: skip


class ClassesPage(AnalysisPage):
    """Method and threshold of the classes."""

    kind = AnalysisKind.CLASSES

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._definition = ClassDefinition()
        self.method = combo("Method of classification")
        for method, text in METHODS.items():
            self.method.addItem(text, method.value)
        self.threshold = NumberBox()
        self.threshold.setAccessibleName("Threshold of the classes")
        self.threshold.setKeyboardTracking(False)
        self.method.activated.connect(self._pick_method)
        self.threshold.valueChanged.connect(self._pick_threshold)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form(("Compare by", self.method), ("Threshold", self.threshold)))

    def show_definition(self, definition: Definition) -> None:
        """Show method and threshold."""
        assert isinstance(definition, ClassDefinition)
        self._definition = definition
        is_angle = definition.method is ClassMethod.ANGLE
        self.method.setCurrentIndex(list(METHODS).index(definition.method))
        with QSignalBlocker(self.threshold):
            self.threshold.setRange(0.0 if is_angle else -100.0, 180.0 if is_angle else 100.0)
            self.threshold.setSuffix("°" if is_angle else "")
            self.threshold.setSingleStep(0.5 if is_angle else 0.05)
            self.threshold.setValue(definition.threshold)
        self.threshold.setToolTip(
            "Largest spectral angle of a pixel of a class" if is_angle
            else "Smallest score of a pixel of a class: 1 is the class itself, 0 the mean of the background"
        )  # fmt: skip

    def _pick_method(self) -> None:
        method = ClassMethod(self.method.currentData())
        if method is not self._definition.method:
            self.definition_picked.emit(replace(self._definition, method=method), "method of classification", False)

    def _pick_threshold(self, threshold: float) -> None:
        before = self._definition
        is_angle = before.method is ClassMethod.ANGLE
        definition = replace(before, angle=threshold) if is_angle else replace(before, fraction=threshold)
        self.definition_picked.emit(definition, "threshold", True)


class ClustersPage(AnalysisPage):
    """Number and features of the clusters."""

    kind = AnalysisKind.CLUSTERS

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._definition = ClusterDefinition()
        self.count, self.seed, self.feature = QSpinBox(), QSpinBox(), combo("What is clustered")
        self.count.setRange(2, MOST_CLASSES)
        self.count.setAccessibleName("Number of clusters")
        self.seed.setRange(0, (1 << 31) - 1)
        self.seed.setAccessibleName("Seed of the clusters")
        self.seed.setToolTip("Start of the random numbers; equal seeds give equal clusters")
        for feature, text in FEATURES.items():
            self.feature.addItem(text, feature.value)
        for box in (self.count, self.seed):
            box.setKeyboardTracking(False)
            box.valueChanged.connect(self._pick)
        self.feature.activated.connect(self._pick)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form(("Clusters", self.count), ("Of", self.feature), ("Seed", self.seed)))

    def show_definition(self, definition: Definition) -> None:
        """Show number, features and seed."""
        assert isinstance(definition, ClusterDefinition)
        self._definition = definition
        self.feature.setCurrentIndex(list(FEATURES).index(definition.feature))
        for box, value in ((self.count, definition.count), (self.seed, definition.seed)):
            with QSignalBlocker(box):
                box.setValue(value)

    def _pick(self) -> None:
        feature = Feature(self.feature.currentData())
        definition = ClusterDefinition(self.count.value(), feature, self.seed.value())
        if definition != self._definition:
            self.definition_picked.emit(definition, "clusters", False)
