"""The dialog for cubes whose files are ambiguous: wavelengths, band axis, or which array to open."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QWidget

from nesr_gui.gui.views.widgets import ChoiceDialog, form
from nesr_gui.io.cubes.description import AmbiguousFile, CubeHints
from nesr_gui.spectral import Quantity, Wavelengths

LABELS = {"wavelengths": "Wavelengths (nm)", "band_axis": "Band axis", "variable": "Array"}


class CubeImportDialog(ChoiceDialog):
    """Asks one question about a file, with a suggested answer and its reason; validates the answer."""

    def __init__(self, error: AmbiguousFile, parent: QWidget | None = None) -> None:
        super().__init__("Open a spectral cube", "Open", parent, lines=3)
        self._error = error
        self.text = QLineEdit(error.guess)
        self.text.setPlaceholderText("400:700:10, or a list: 450, 550.5")
        self.choice = QComboBox()
        self.choice.addItems(error.choices)
        self.choice.setCurrentText(error.guess)
        self.answer: QWidget = self.choice if error.choices else self.text
        self.answer.setAccessibleName(LABELS.get(error.field, error.field))
        self.quantity = QComboBox()
        self.quantity.setAccessibleName("Quantity")
        self.quantity.addItem("As stated in the file", None)
        for quantity in Quantity:
            self.quantity.addItem(quantity.label, quantity)
        self.text.textChanged.connect(self._validate)
        self._lay_out()
        self._validate()

    def reading(self) -> CubeHints:
        """The hints chosen so far, including those of earlier dialogs.

        Raises:
            ValueError: the answer is invalid.
        """
        hints = self._error.reading or CubeHints()
        if (quantity := self.quantity.currentData()) is not None:
            hints = replace(hints, quantity=Quantity(quantity))
        if self._error.field == "wavelengths":
            return replace(hints, wavelengths=Wavelengths.parse(self.text.text()))
        if self._error.field == "band_axis":
            return replace(hints, band_axis=int(self.choice.currentText()))
        return replace(hints, variable=self.choice.currentText())

    def _lay_out(self) -> None:
        question = QLabel(f"{self._error.question.rstrip('.')}.")  # not capitalised: it may start with a file name
        question.setWordWrap(True)
        label = LABELS.get(self._error.field, self._error.field)
        self.stack(question, form((label, self.answer), ("Quantity", self.quantity)))
        unused = self.text if self._error.choices else self.choice
        unused.setParent(None)

    def _validate(self) -> None:
        self.validate(self._describe)

    def _describe(self) -> str:
        reading = self.reading()
        summary = f"Suggested: {self._error.reason}." if self._error.reason else ""
        if reading.wavelengths is not None and self._error.field == "wavelengths":
            nm = reading.wavelengths.nm
            summary = f"{len(nm)} bands, {nm[0]:g}-{nm[-1]:g} nm. {summary}".strip()
        return summary
