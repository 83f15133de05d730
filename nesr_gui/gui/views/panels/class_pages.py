"""Pages of the analysis panel for classes and clusters."""

from __future__ import annotations

import math
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QLabel, QSpinBox, QVBoxLayout, QWidget

from nesr_gui.analysis.certainty import ThresholdCertainty
from nesr_gui.analysis.class_counts import ClassTally, ScoreHistogram
from nesr_gui.analysis.classification import ABSTAINED, MOST_CLASSES, NONE
from nesr_gui.analysis.clustering import Feature
from nesr_gui.analysis.definitions import ClassDefinition, ClassMethod, ClusterDefinition, Definition
from nesr_gui.gui.model.analyses import AnalysisKind, ClassCounts, FittedAnalysis
from nesr_gui.gui.views.panels.analysis_page import AnalysisPage
from nesr_gui.gui.views.panels.class_table import share_text
from nesr_gui.gui.views.panels.threshold_histogram import ThresholdHistogram
from nesr_gui.gui.views.widgets import NumberBox, combo, command_button, note, row

METHODS = {ClassMethod.ANGLE: "Spectral angle", ClassMethod.FILTER: "Matched filter"}
FEATURES = {
    Feature.SPECTRA: "Spectra", Feature.SHAPES: "Shapes, without brightness",
    Feature.COMPONENTS: "Principal components",
}  # fmt: skip
_PART, _FEW = 0.1, 0.005  # the share of the pixels for which a threshold is named, and one that is not worth naming
_UNITS = {ClassMethod.ANGLE: "°", ClassMethod.FILTER: ""}


CERTAIN = (
    "A pixel is certain if all spectra within its 90 % interval are of one class. It is pale in the picture, and only "
    "likely, if some of them are of another class, or of none."
)


def certainty_text(
    tally: ClassTally | None, certainty: ThresholdCertainty | None, threshold: float, unit: str
) -> str:  # fmt: skip
    """How many pixels certainly have a class, how many likely, and which threshold makes more of them certain.

    Args:
        tally: the counts of the picture; None until they are known.
        certainty: what a threshold changes; None if that is unknown, or not decided by a single threshold.
        threshold: that of all classes.
        unit: of thresholds.
    """
    sentences = list[str]()
    if tally is not None:
        classes = [each for each in tally.counts if each.number not in (NONE, ABSTAINED)]
        certain = share_text(sum(each.share for each in classes))
        likely = share_text(sum(tally.uncertain[each.number] for each in classes) / max(tally.used, 1))
        sentences.append(f"Certain: {certain}. Likely: {likely} (pale: the interval allows another answer).")
    if certainty is None:
        return " ".join(sentences)
    if tally is None:
        sentences.append(f"Certain: about {_percent(certainty.share(threshold))}.")
    if certainty.most < _FEW:
        sentences.append("No threshold makes pixels certain: choose fewer or more different classes.")
    elif certainty.share(threshold) < (share := min(_PART, certainty.most / 2)):
        least, most = _rounded(certainty.strictest(share), certainty.is_distance), _percent(certainty.most)
        sentences.append(f"{_percent(share)} are certain from a threshold of {least:g}{unit} on, {most} at most.")
    return " ".join(sentences)


def _rounded(threshold: float, is_distance: bool) -> float:
    """A threshold of few digits that what meets this one meets as well."""
    return math.ceil(10 * threshold) / 10 if is_distance else math.floor(100 * threshold) / 100


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"


class ClassesPage(AnalysisPage):
    """Method and threshold of the classes, and the histogram of their scores."""

    kind = AnalysisKind.CLASSES

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._definition = ClassDefinition()
        self._keys: tuple[str, ...] = ()  # of the classes of the histogram
        self.method = combo("Method of classification")
        self.method.setMinimumContentsLength(13)
        for method, text in METHODS.items():
            self.method.addItem(text, method.value)
        self.threshold = NumberBox(digits=4)
        self.threshold.setAccessibleName("Threshold of the classes")
        self.threshold.setKeyboardTracking(False)
        self.histogram = ThresholdHistogram()
        self.method.activated.connect(self._pick_method)
        self.threshold.valueChanged.connect(self._pick_threshold)
        self.histogram.threshold_picked.connect(self._pick_threshold)
        layout = _column(self)
        self.add_to_head(self.method, QLabel("Threshold"), self.threshold)
        layout.addWidget(self.histogram)
        self.certainty = note(2)
        self.certainty.setAccessibleName("How many pixels are certain")
        self.certainty.setToolTip(CERTAIN)
        self.certainty.hide()
        layout.addWidget(self.certainty)

    def show_definition(self, definition: Definition) -> None:
        """Show method and threshold."""
        assert isinstance(definition, ClassDefinition)
        self._definition = definition
        is_angle = definition.method is ClassMethod.ANGLE
        self.method.setCurrentIndex(list(METHODS).index(definition.method))
        with QSignalBlocker(self.threshold):
            self.threshold.setRange(0.0 if is_angle else -100.0, 180.0 if is_angle else 100.0)
            self.threshold.setSuffix(_UNITS[definition.method])
            self.threshold.setSingleStep(0.5 if is_angle else 0.05)
            self.threshold.setValue(definition.threshold)
        self.threshold.setToolTip(
            "Largest spectral angle of a pixel of a class" if is_angle
            else "Smallest score of a pixel of a class: 1 is the class itself, 0 the mean of the background"
        )  # fmt: skip
        self._show_thresholds()

    def show_fitted(self, fitted: FittedAnalysis | None) -> None:
        """Know the classes, whose thresholds the histogram shows."""
        self._keys = tuple(each.key for each in fitted.request.spectra) if fitted is not None else ()
        self._show_thresholds()

    def show_histogram(self, histogram: ScoreHistogram | None, fitted: FittedAnalysis | None) -> None:
        """Show the histogram of the scores of classes; None until it is computed."""
        colours = [each.colour for each in fitted.request.spectra] if fitted is not None else []
        self.histogram.show_histogram(histogram, colours, _UNITS[self._definition.method])

    def show_certainty(self, counts: ClassCounts | None, certainty: ThresholdCertainty | None) -> None:
        """State how many pixels are certain, and what would make more so; nothing if both are None.

        Args:
            counts: of the pixels of each class.
            certainty: what the threshold changes.
        """
        tally, definition = counts.tally if counts is not None else None, self._definition
        has_own = any(key in definition.own for key in self._keys)
        unit = _UNITS[definition.method]
        text = certainty_text(tally, None if has_own else certainty, definition.threshold, unit)
        self.certainty.setText(text)
        self.certainty.setVisible(bool(text))

    def _show_thresholds(self) -> None:
        definition = self._definition
        self.histogram.show_threshold(
            definition.threshold, [definition.own.get(key) for key in self._keys],
            is_distance=definition.method is ClassMethod.ANGLE,
        )  # fmt: skip

    def _pick_method(self) -> None:
        method = ClassMethod(self.method.currentData())
        if method is not self._definition.method:
            self.definition_picked.emit(replace(self._definition, method=method), "method of classification", False)

    def _pick_threshold(self, threshold: float) -> None:
        if (definition := self._definition.with_threshold(threshold)) != self._definition:
            self.definition_picked.emit(definition, "threshold", True)


class ClustersPage(AnalysisPage):
    """Number and features of the clusters."""

    kind = AnalysisKind.CLUSTERS
    references_requested = Signal()  # use the centres as reference spectra

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._definition = ClusterDefinition()
        self.count, self.seed, self.feature = QSpinBox(), QSpinBox(), combo("What is clustered")
        self.feature.setMinimumContentsLength(13)
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
            box.setMaximumWidth(110)
        self.feature.activated.connect(self._pick)
        self.references = command_button(
            "Use centres as references", "Add the centres to the reference spectra: they can be classes and endmembers",
            self.references_requested,
        )  # fmt: skip
        layout = _column(self)
        self.add_to_head(self.feature, QLabel("Number"), self.count)
        layout.addWidget(row(QLabel("Seed"), self.seed, self.references))

    def show_definition(self, definition: Definition) -> None:
        """Show number, features and seed."""
        assert isinstance(definition, ClusterDefinition)
        self._definition = definition
        self.feature.setCurrentIndex(list(FEATURES).index(definition.feature))
        for box, value in ((self.count, definition.count), (self.seed, definition.seed)):
            with QSignalBlocker(box):
                box.setValue(value)

    def show_fitted(self, fitted: FittedAnalysis | None) -> None:
        """Offer the centres once they are known."""
        self.references.setEnabled(fitted is not None and fitted.analysis is not None)

    def _pick(self) -> None:
        feature = Feature(self.feature.currentData())
        definition = ClusterDefinition(self.count.value(), feature, self.seed.value())
        if definition != self._definition:
            self.definition_picked.emit(definition, "clusters", False)


def _column(page: QWidget) -> QVBoxLayout:
    layout = QVBoxLayout(page)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(6)
    return layout
