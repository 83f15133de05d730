"""The preferences dialog, built from the table of preferences; changes apply immediately."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QFormLayout, QLabel, QVBoxLayout, QWidget

from nesr_gui.gui.model.preferences import TABLE, Preferences
from nesr_gui.gui.views.widgets import plain


class PreferencesDialog(QDialog):
    """One combo box per preference, with an explanation."""

    reset_requested = Signal()  # restore all defaults

    def __init__(self, preferences: Preferences, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Preferences")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._preferences = preferences
        self.boxes: dict[str, QComboBox] = {}
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setVerticalSpacing(4)
        for preference in TABLE:
            box = self.boxes[preference.key] = QComboBox()
            for value, text in preference.choices.items():
                box.addItem(text, value)
            box.setMinimumHeight(28)
            box.setAccessibleName(preference.title)
            box.setAccessibleDescription(preference.meaning)
            box.activated.connect(lambda index, key=preference.key: self._choose(key))
            label = QLabel(preference.title)
            label.setBuddy(box)
            form.addRow(label, box)
            form.addRow("", _meaning(preference.meaning))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        self.reset = buttons.addButton("Reset everything…", QDialogButtonBox.ButtonRole.ResetRole)
        self.reset.clicked.connect(self.reset_requested)
        plain(buttons)
        for button in buttons.buttons():
            button.setAccessibleName(button.text().replace("&", "").rstrip("…"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(16)
        layout.addLayout(form)
        layout.addWidget(buttons)
        self.show_preferences()

    def show_preferences(self) -> None:
        """Show the current values without emitting signals."""
        for key, box in self.boxes.items():
            with QSignalBlocker(box):
                box.setCurrentIndex(box.findData(self._preferences[key]))

    def _choose(self, key: str) -> None:
        self._preferences.choose(key, self.boxes[key].currentData())


def _meaning(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setMinimumWidth(380)
    label.setContentsMargins(0, 0, 0, 8)
    label.setForegroundRole(label.palette().ColorRole.PlaceholderText)
    return label
