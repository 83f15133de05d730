"""The analysis panel: what an analysis computes, from which spectra, and what its picture rests on."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox, QFormLayout, QLabel, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from nesr_gui.analysis.classification import ABSTAINED
from nesr_gui.analysis.definitions import ClassDefinition, ClassMethod
from nesr_gui.gui.model.analyses import AnalysisKind, AnalysisSettings, ClassCounts, FittedAnalysis
from nesr_gui.gui.views.panels.analysis_page import AnalysisPage
from nesr_gui.gui.views.panels.class_pages import ClassesPage, ClustersPage
from nesr_gui.gui.views.panels.class_table import ClassRow, ClassTable
from nesr_gui.gui.views.panels.value_pages import AbundancesPage, ComponentsPage, ExpressionPage
from nesr_gui.gui.views.widgets import NumberBox, combo, command_button, row

TITLES = {
    AnalysisKind.CLASSES: "Classes", AnalysisKind.CLUSTERS: "Clusters", AnalysisKind.ABUNDANCES: "Abundances",
    AnalysisKind.EXPRESSION: "Band math", AnalysisKind.COMPONENTS: "Components",
}  # fmt: skip
NO_SPECTRA = "Click pixels, draw regions, or load reference spectra: each of them is a class or an endmember."
COUNTING = "Counting pixels…"
NOT_COUNTED = "The pixels are not counted, because this was cancelled."
_OF_SPECTRA = (AnalysisKind.CLASSES, AnalysisKind.ABUNDANCES)
_ROWS = {AnalysisKind.CLASSES: "Class", AnalysisKind.CLUSTERS: "Cluster", AnalysisKind.ABUNDANCES: "Used as endmember"}


class AnalysisPanel(QWidget):
    """Chooses an analysis and changes its definition, its spectra and its wavelengths."""

    kind_picked = Signal(object)  # AnalysisKind
    definition_picked = Signal(object, object, str, bool)  # AnalysisKind, Definition, what changes, continues a drag
    use_picked = Signal(str, bool)  # key of a spectrum, whether it is a class or an endmember
    threshold_picked = Signal(str, object)  # key of a spectrum, its own threshold, or None for that of all
    range_picked = Signal(object)  # wavelengths in nm, or None for all
    abstaining_picked = Signal(bool)  # whether uncertain pixels are marked
    regions_requested = Signal()  # of the selected classes
    statistics_requested = Signal()  # of the selected classes
    export_requested = Signal()  # of the map of classes
    references_requested = Signal()  # use the centres of clusters as reference spectra
    layers_picked = Signal(object, object)  # AnalysisKind, numbers of the layers to show

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kinds = combo("Analysis")
        self.kinds.setMinimumContentsLength(10)
        self.kinds.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        for kind, title in TITLES.items():
            self.kinds.addItem(title, kind.value)
        self.kinds.activated.connect(lambda: self.kind_picked.emit(AnalysisKind(self.kinds.currentData())))
        self._has_uncertain = False
        self.stack, self.pages = QStackedWidget(), dict[AnalysisKind, AnalysisPage]()
        self.classes, self.clusters = ClassesPage(), ClustersPage()
        pages: tuple[AnalysisPage, ...] = (
            self.classes, self.clusters, AbundancesPage(), ExpressionPage(), ComponentsPage()
        )  # fmt: skip
        for page in pages:
            self.pages[page.kind] = page
            self.stack.addWidget(page)
            page.definition_picked.connect(self._pick_definition)
            page.layers_picked.connect(self._pick_layers)
        self.clusters.references_requested.connect(self.references_requested)
        self.table = ClassTable()
        self.table.use_picked.connect(self.use_picked)
        self.table.threshold_picked.connect(self.threshold_picked)
        self.no_spectra, self.counted, self.words = (_text() for _ in range(3))
        self.no_spectra.setText(NO_SPECTRA)
        self.words.setAccessibleName("What the analysis rests on")
        self.outputs = row(
            command_button("Make regions…", "Mark the largest areas of the selected classes, or of all",
                           self.regions_requested, "Make regions of classes"),
            command_button("Statistics…", "Mean, standard deviation, lowest and highest value of the selected classes, "
                           "or of all, at each band", self.statistics_requested, "Statistics of classes"),
            command_button("Export map…", "Export the classes of all pixels as an image or as areas",
                           self.export_requested, "Export map of classes"),
        )  # fmt: skip
        self.all = QCheckBox("All wavelengths")
        self.all.setAccessibleName("Analyse all wavelengths")
        self.low, self.high = _wavelength("Shortest wavelength"), _wavelength("Longest wavelength")
        self.all.clicked.connect(self._pick_range)
        for box in (self.low, self.high):
            box.valueChanged.connect(self._pick_range)
        self.abstaining = QCheckBox("Mark uncertain pixels")
        self.abstaining.setAccessibleName("Mark uncertain pixels")
        self.abstaining.setToolTip(
            "Pale where the 90 % prediction interval allows another answer; these pixels count for no class"
        )
        self.abstaining.clicked.connect(self.abstaining_picked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 8, 14, 10)
        layout.setSpacing(6)
        self.heads = QStackedWidget()  # the first controls of each page, beside the kind
        for head in [page.head for page in self.pages.values()]:
            self.heads.addWidget(head)
        self.heads.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        top = QFormLayout()
        top.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)  # with large text
        top.addRow(self.kinds, self.heads)
        layout.addLayout(top)
        for widget in (self.stack, self.no_spectra, self.outputs, self.table, self.counted):
            layout.addWidget(widget)
        self.wavelengths = row(self.all, self.low, QLabel("to"), self.high)
        layout.addWidget(self.wavelengths)
        layout.addWidget(self.abstaining)
        layout.addWidget(self.words)
        layout.addStretch(1)
        self.show_kind(self.kind)

    @property
    def kind(self) -> AnalysisKind:
        """The analysis of the page in front."""
        return AnalysisKind(self.kinds.currentData())

    def show_kind(self, kind: AnalysisKind) -> None:
        """Bring the page of an analysis to the front."""
        self.kinds.setCurrentIndex(list(TITLES).index(kind))
        self.stack.setCurrentWidget(self.pages[kind])
        self.heads.setCurrentWidget(self.pages[kind].head)
        for page in self.pages.values():  # the stack is as high as the page in front
            is_front = page is self.pages[kind]
            page.setSizePolicy(
                QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred if is_front else QSizePolicy.Policy.Ignored
            )
        self.stack.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._show_columns()
        self.table.show_title(_ROWS.get(kind, ""))
        self.outputs.setVisible(kind.is_of_classes)
        self.counted.setVisible(kind.is_of_classes)
        self.wavelengths.setHidden(kind is AnalysisKind.EXPRESSION)  # which states its own

    def _show_columns(self) -> None:
        is_of_classes = self.kind.is_of_classes
        self.table.show_columns(
            thresholds=self.kind is AnalysisKind.CLASSES, counts=is_of_classes, uncertain=self._has_uncertain
        )

    def show_settings(self, settings: AnalysisSettings, limits: tuple[float, float]) -> None:
        """Show the definition, the wavelengths within the `limits` of the image (nm), and whether uncertain is pale."""
        page = self.pages[self.kind]
        page.show_range(limits)
        page.show_definition(settings.definition(self.kind))
        self._show_thresholds(settings.classes)
        self.all.setChecked(settings.within is None)
        for box, value in zip((self.low, self.high), settings.within or limits, strict=True):
            with QSignalBlocker(box):
                box.setRange(*limits)
                box.setValue(value)
            box.setEnabled(settings.within is not None)
        self.abstaining.setChecked(settings.abstains)

    def show_rows(self, rows: Sequence[ClassRow], definition: ClassDefinition) -> None:
        """List the spectra that can be classes and endmembers, or the clusters."""
        self.table.show_rows(rows)
        self._has_uncertain = any(row.number == ABSTAINED for row in rows)
        self._show_columns()
        self._show_thresholds(definition)
        self.table.setVisible(bool(rows))
        self.no_spectra.setVisible(self.kind in _OF_SPECTRA and not any(each.is_used is not None for each in rows))

    def show_layers(self, layers: tuple[int, ...]) -> None:
        """Show which layers the picture of the analysis has."""
        self.pages[self.kind].show_layers(layers)

    def show_fitted(self, fitted: FittedAnalysis | None, rests_on: str, has_intervals: bool) -> None:
        """Show what was learned from the image, and what its picture rests on; None while it is not ready."""
        self.pages[self.kind].show_fitted(fitted)
        self.words.setText(rests_on)
        self.abstaining.setVisible(has_intervals)
        self.outputs.setEnabled(fitted is not None and fitted.analysis is not None)

    def show_counts(self, counts: ClassCounts | None, resolution: str, remark: str) -> None:
        """Show how many pixels each class has.

        Args:
            counts: None until they are counted.
            resolution: of the image that is analysed.
            remark: why there are none.
        """
        self.table.show_counts(counts.tally if counts is not None else None, "…" if remark == COUNTING else "")
        self.counted.setText(f"{counts.tally.in_words} ({resolution})." if counts is not None else remark)

    def _show_thresholds(self, definition: ClassDefinition) -> None:
        unit = "°" if definition.method is ClassMethod.ANGLE else ""
        self.table.show_thresholds(definition.threshold, definition.own, unit)

    def _pick_definition(self, definition: object, item: str, is_continued: bool) -> None:
        self.definition_picked.emit(self.kind, definition, item, is_continued)

    def _pick_layers(self, layers: tuple[int, ...]) -> None:
        self.layers_picked.emit(self.kind, layers)

    def _pick_range(self) -> None:
        within = self.low.value(), self.high.value()
        if self.all.isChecked():
            self.range_picked.emit(None)
        elif within[0] < within[1]:
            self.range_picked.emit(within)


def _text() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    return label


def _wavelength(name: str) -> NumberBox:
    box = NumberBox()
    box.setSuffix(" nm")
    box.setAccessibleName(name)
    box.setKeyboardTracking(False)
    return box
