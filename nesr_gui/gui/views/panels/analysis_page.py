"""Base class of the pages of the analysis panel."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from nesr_gui.analysis.definitions import Definition
from nesr_gui.gui.model.analyses import AnalysisKind, FittedAnalysis


class AnalysisPage(QWidget):
    """Shows and changes the definition of one analysis, and shows what was learned from the image."""

    definition_picked = Signal(object, str, bool)  # Definition, what changes, whether it continues a drag
    layers_picked = Signal(object)  # numbers of the layers to show: one, or up to three as red, green and blue
    kind: ClassVar[AnalysisKind]

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.head = QWidget()  # controls beside the choice of the analysis
        layout = QHBoxLayout(self.head)
        layout.setContentsMargins(0, 0, 0, 0)

    def add_to_head(self, *widgets: QWidget) -> None:
        """Put controls beside the choice of the analysis; the first one takes the free space."""
        layout = self.head.layout()
        assert isinstance(layout, QHBoxLayout)
        for place, widget in enumerate(widgets):
            layout.addWidget(widget, 0 if place else 1)

    def show_definition(self, definition: Definition) -> None:
        """Show the definition."""
        raise NotImplementedError

    def show_fitted(self, fitted: FittedAnalysis | None) -> None:
        """Show what was learned from the image; None while it is not ready."""

    def show_range(self, covered: tuple[float, float]) -> None:
        """Adapt to the wavelengths (nm) that the image covers."""

    def show_layers(self, layers: tuple[int, ...]) -> None:
        """Show which layers the picture has."""
