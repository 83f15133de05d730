"""What a cube's file leaves open, asked of the user: its wavelengths, the axis of its bands, which of its arrays."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QWidget

from nesr_gui.gui.views.widgets import ChoiceDialog, form
from nesr_gui.io.cubes.description import AmbiguousFile, CubeHints
from nesr_gui.io.cubes.wavelengths import BandPositions
from nesr_gui.spectral import Quantity

LABELS = {"wavelengths": "Wavelengths (nm)", "band_axis": "Axis of the bands", "variable": "Array"}


class ReadingDialog(ChoiceDialog):
    """One question with the likely answer filled in and the reason for it; says at once what cannot be."""

    def __init__(self, asked: AmbiguousFile, parent: QWidget | None = None) -> None:
        super().__init__("Open a spectral cube", "Open", parent, lines=3)
        self._asked = asked
        self.text = QLineEdit(asked.guess)
        self.text.setPlaceholderText("400:700:10, or a list: 450, 550.5")
        self.choice = QComboBox()
        self.choice.addItems(asked.choices)
        self.choice.setPlaceholderText("choose")
        self.choice.setCurrentIndex(self.choice.findText(asked.guess))  # nothing without a guess
        self.answer: QWidget = self.choice if asked.choices else self.text
        self.answer.setAccessibleName(LABELS.get(asked.field, asked.field))
        self.quantity = QComboBox()
        self.quantity.setAccessibleName("What the numbers measure")
        self.quantity.addItem("as the file says", None)
        for quantity in Quantity:
            self.quantity.addItem(quantity.value, quantity)
        self.text.textChanged.connect(self._judge)
        self.choice.currentIndexChanged.connect(self._judge)
        self._lay_out()
        self._judge()

    def reading(self) -> CubeHints:
        """What is known now, earlier answers included; ValueError says in a sentence why the answer cannot be."""
        known = self._asked.reading or CubeHints()
        if (quantity := self.quantity.currentData()) is not None:
            known = replace(known, quantity=Quantity(quantity))
        if self._asked.field == "wavelengths":
            return replace(known, wavelengths=BandPositions.parse(self.text.text()))
        if self.choice.currentIndex() < 0:
            raise ValueError(f"Choose one of {', '.join(self._asked.choices)}.")
        if self._asked.field == "band_axis":
            return replace(known, band_axis=int(self.choice.currentText()))
        return replace(known, variable=self.choice.currentText())

    def _lay_out(self) -> None:
        question = QLabel(f"{self._asked.question.rstrip('.')}.")  # its first letter as it is: it may be that of a file
        question.setWordWrap(True)
        label = LABELS.get(self._asked.field, self._asked.field)
        self.stack(question, form((label, self.answer), ("The numbers are", self.quantity)))
        unused = self.text if self._asked.choices else self.choice
        unused.setParent(None)

    def _judge(self) -> None:
        self.judge(self._say)

    def _say(self) -> str:
        reading = self.reading()
        said = f"The suggestion: {self._asked.reason}." if self._asked.reason else ""
        if reading.wavelengths is not None and self._asked.field == "wavelengths":
            nm = reading.wavelengths.nm
            said = f"{len(nm)} bands, {nm.min():g}-{nm.max():g} nm. {said}".strip()
        return said
