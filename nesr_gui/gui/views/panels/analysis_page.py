"""Base class of the pages of the analysis panel."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from nesr_gui.analysis.definitions import Definition
from nesr_gui.gui.model.analyses import AnalysisKind, FittedAnalysis


class AnalysisPage(QWidget):
    """Shows and changes the definition of one analysis, and shows what was learned from the image."""

    definition_picked = Signal(object, str, bool)  # Definition, what changes, whether it continues a drag
    layers_picked = Signal(object)  # numbers of the layers to show: one, or up to three as red, green and blue
    kind: ClassVar[AnalysisKind]

    def show_definition(self, definition: Definition) -> None:
        """Show the definition."""
        raise NotImplementedError

    def show_fitted(self, fitted: FittedAnalysis | None) -> None:
        """Show what was learned from the image; None while it is not ready."""

    def show_range(self, covered: tuple[float, float]) -> None:
        """Adapt to the wavelengths (nm) that the image covers."""

    def show_layers(self, layers: tuple[int, ...]) -> None:
        """Show which layers the picture has."""
