"""The analysis panel: what an analysis computes, from which spectra, and what its picture rests on."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QCheckBox, QLabel, QListWidget, QListWidgetItem, QStackedWidget, QVBoxLayout, QWidget

from nesr_gui.gui.model.analyses import AnalysisKind, AnalysisSettings, AnalysisSpectrum, FittedAnalysis
from nesr_gui.gui.views.panels.analysis_page import AnalysisPage
from nesr_gui.gui.views.panels.class_pages import ClassesPage, ClustersPage
from nesr_gui.gui.views.panels.value_pages import AbundancesPage, ComponentsPage, ExpressionPage
from nesr_gui.gui.views.widgets import NumberBox, combo, row

TITLES = {
    AnalysisKind.CLASSES: "Classes", AnalysisKind.CLUSTERS: "Clusters", AnalysisKind.ABUNDANCES: "Abundances",
    AnalysisKind.EXPRESSION: "Band math", AnalysisKind.COMPONENTS: "Components",
}  # fmt: skip
NO_SPECTRA = "Click pixels, draw regions, or load reference spectra: each of them is a class or an endmember."
_KEY = Qt.ItemDataRole.UserRole  # of the spectrum of a row


class AnalysisPanel(QWidget):
    """Chooses an analysis and changes its definition, its spectra and its wavelengths."""

    kind_picked = Signal(object)  # AnalysisKind
    definition_picked = Signal(object, object, str, bool)  # AnalysisKind, Definition, what changes, continues a drag
    use_picked = Signal(str, bool)  # key of a spectrum, whether it is a class or an endmember
    range_picked = Signal(object)  # wavelengths in nm, or None for all
    abstaining_picked = Signal(bool)  # whether uncertain pixels are marked
    layers_picked = Signal(object, object)  # AnalysisKind, numbers of the layers to show

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kinds = combo("Analysis")
        for kind, title in TITLES.items():
            self.kinds.addItem(title, kind.value)
        self.kinds.activated.connect(lambda: self.kind_picked.emit(AnalysisKind(self.kinds.currentData())))
        self.spectra = QListWidget()
        self.spectra.setAccessibleName("Classes and endmembers")
        self.spectra.itemChanged.connect(self._pick_use)
        self.no_spectra = QLabel(NO_SPECTRA)
        self.no_spectra.setWordWrap(True)
        self.stack = QStackedWidget()
        self.pages: dict[AnalysisKind, AnalysisPage] = {}
        for page in (ClassesPage(), ClustersPage(), AbundancesPage(), ExpressionPage(), ComponentsPage()):
            self.pages[page.kind] = page
            self.stack.addWidget(page)
            page.definition_picked.connect(self._pick_definition)
            page.layers_picked.connect(self._pick_layers)
        self.all = QCheckBox("All wavelengths")
        self.low, self.high = _wavelength("Shortest wavelength"), _wavelength("Longest wavelength")
        self.all.clicked.connect(self._pick_range)
        for box in (self.low, self.high):
            box.valueChanged.connect(self._pick_range)
        self.abstaining = QCheckBox("Show uncertain pixels pale")
        self.abstaining.setToolTip("Pale where the 90 % prediction interval allows another answer")
        self.abstaining.clicked.connect(self.abstaining_picked)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setAccessibleName("What the analysis rests on")
        layout = QVBoxLayout(self)
        for widget in (self.kinds, self.no_spectra, self.spectra, self.stack, self.all, row(self.low, self.high)):
            layout.addWidget(widget)
        layout.addWidget(self.abstaining)
        layout.addWidget(self.words)
        layout.addStretch(1)

    @property
    def kind(self) -> AnalysisKind:
        """The analysis of the page in front."""
        return AnalysisKind(self.kinds.currentData())

    def show_kind(self, kind: AnalysisKind) -> None:
        """Bring the page of an analysis to the front."""
        self.kinds.setCurrentIndex(list(TITLES).index(kind))
        self.stack.setCurrentWidget(self.pages[kind])

    def show_settings(self, settings: AnalysisSettings, limits: tuple[float, float]) -> None:
        """Show the definition, the wavelengths within the `limits` of the image (nm), and whether uncertain is pale."""
        page = self.pages[self.kind]
        page.show_range(limits)
        page.show_definition(settings.definition(self.kind))
        self.all.setChecked(settings.within is None)
        for box, value in zip((self.low, self.high), settings.within or limits, strict=True):
            with QSignalBlocker(box):
                box.setRange(*limits)
                box.setValue(value)
            box.setEnabled(settings.within is not None)
        self.abstaining.setChecked(settings.abstains)

    def show_spectra(self, spectra: Sequence[AnalysisSpectrum], left_out: Sequence[str]) -> None:
        """List the spectra that can be classes and endmembers."""
        with QSignalBlocker(self.spectra):
            self.spectra.clear()
            for each in spectra:
                pixmap = QPixmap(12, 12)
                pixmap.fill(QColor(each.colour))
                item = QListWidgetItem(QIcon(pixmap), each.name, self.spectra)
                item.setData(_KEY, each.key)
                item.setCheckState(Qt.CheckState.Unchecked if each.key in left_out else Qt.CheckState.Checked)
        self.no_spectra.setHidden(bool(spectra))

    def show_layers(self, layers: tuple[int, ...]) -> None:
        """Show which layers the picture of the analysis has."""
        self.pages[self.kind].show_layers(layers)

    def show_fitted(self, fitted: FittedAnalysis | None, rests_on: str, has_intervals: bool) -> None:
        """Show what was learned from the image, and what its picture rests on; None while it is not ready."""
        self.pages[self.kind].show_fitted(fitted)
        self.words.setText(rests_on)
        self.abstaining.setVisible(has_intervals)

    def _pick_definition(self, definition: object, item: str, is_continued: bool) -> None:
        self.definition_picked.emit(self.kind, definition, item, is_continued)

    def _pick_layers(self, layers: tuple[int, ...]) -> None:
        self.layers_picked.emit(self.kind, layers)

    def _pick_use(self, item: QListWidgetItem) -> None:
        self.use_picked.emit(item.data(_KEY), item.checkState() is Qt.CheckState.Checked)

    def _pick_range(self) -> None:
        within = self.low.value(), self.high.value()
        if self.all.isChecked():
            self.range_picked.emit(None)
        elif within[0] < within[1]:
            self.range_picked.emit(within)


def _wavelength(name: str) -> NumberBox:
    box = NumberBox()
    box.setSuffix(" nm")
    box.setAccessibleName(name)
    box.setKeyboardTracking(False)
    return box
