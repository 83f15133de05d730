"""A searchable list of measured spectra, for files that contain several."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QListWidget, QListWidgetItem, QWidget

from nesr_gui.gui.model.marks import Reading
from nesr_gui.gui.views.dialogs.command_palette import fitness
from nesr_gui.gui.views.widgets import ChoiceDialog

_READING = Qt.ItemDataRole.UserRole
_TO_LIST = {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}


class SpectrumDialog(ChoiceDialog):
    """Asks for one of several spectra; navigation keys control the list while typing."""

    picked = Signal(object)  # Reading

    def __init__(self, title: str, readings: Sequence[Reading], parent: QWidget | None = None) -> None:
        super().__init__(title, "Attach", parent)
        self._readings = readings
        self.line = QLineEdit()
        self.line.setAccessibleName("Search spectra")
        self.line.setPlaceholderText("Search by name")
        self.line.setClearButtonEnabled(True)
        self.list = QListWidget()
        self.list.setAccessibleName("Spectra")
        self.list.setUniformItemSizes(True)
        self.list.setMinimumHeight(260)
        self.line.textChanged.connect(self._find)
        self.line.installEventFilter(self)
        self.list.currentItemChanged.connect(self._describe)
        self.list.itemDoubleClicked.connect(self.accept)
        self.accepted.connect(self._announce)
        self.stack(self.line, self.list)
        self._find("")
        self.line.setFocus()

    def chosen(self) -> Reading | None:
        """The selected spectrum."""
        item = self.list.currentItem()
        return item.data(_READING) if item is not None else None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Forward navigation keys from the line edit to the list."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and event.key() in _TO_LIST:
            self.list.event(event)
            return True
        return super().eventFilter(watched, event)

    def _find(self, query: str) -> None:
        """List the spectra that match, best first; all in their order for an empty query."""
        rated = [(fitness(query, each.spectrum.name, each.source), each) for each in self._readings]
        found = sorted((pair for pair in rated if pair[0] is not None), key=lambda pair: -(pair[0] or 0.0))
        sources = {each.source for each in self._readings}
        self.list.clear()
        for _, reading in found:
            name = reading.spectrum.name or "unnamed"
            item = QListWidgetItem(name if len(sources) == 1 else f"{name}  –  {reading.source}", self.list)
            item.setData(_READING, reading)
        self.list.setCurrentRow(0)
        self._describe()

    def _describe(self) -> None:
        def describe() -> str:
            reading = self.chosen()
            if reading is None:
                raise ValueError("no spectrum has this name")
            nm = reading.spectrum.wavelengths.nm
            return f"{reading.source}: {nm[0]:g}-{nm[-1]:g} nm, {len(nm)} values."

        self.validate(describe)

    def _announce(self) -> None:
        if (reading := self.chosen()) is not None:
            self.picked.emit(reading)
