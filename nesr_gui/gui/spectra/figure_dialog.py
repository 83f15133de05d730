"""How fine a picture of the plot shall be."""

from __future__ import annotations

from PySide6.QtWidgets import QSpinBox, QWidget

from nesr_gui.gui.forms import ChoiceDialog, form


class FigureExportDialog(ChoiceDialog):
    """How fine a picture of the plot is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Export figure", "Export…", parent)
        self.dpi = QSpinBox()
        self.dpi.setRange(72, 1200)
        self.dpi.setValue(300)
        self.dpi.setSuffix(" dpi")
        self.dpi.setAccessibleName("Resolution of the picture")
        self.stack(form(("Resolution of a PNG", self.dpi)))
        self.judge(lambda: "The figure is 169×116 mm; an SVG or PDF is sharp at any size.")
