"""Three first steps for a new user; each is gone for good when it is done."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, SignalInstance
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton

from nesr_gui.gui.model.preferences import settings
from nesr_gui.gui.model.session import Session

STEPS = {
    "pixel": "Click a pixel to see its spectrum",
    "wavelength": "Drag the wavelength to see any band",
    "export": "Export the cube",
}
_KEY = "hints/done"


class HintBar(QFrame):
    """A line that names the steps that are left."""

    close_picked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.ToolTipBase)
        self.text = QLabel()
        self.text.setForegroundRole(QPalette.ColorRole.ToolTipText)
        self.text.setAccessibleName("First steps")
        self.text.setWordWrap(True)  # rather than widen the window beyond the screen
        self.close_button = QToolButton()
        self.close_button.setText("✕")
        self.close_button.setAutoRaise(True)
        self.close_button.setAccessibleName("Close the first steps for good")
        self.close_button.setToolTip("Do not show the first steps again")
        self.close_button.clicked.connect(self.close_picked)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 4, 8, 4)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.close_button)
        self.hide()

    def show_steps(self, steps: list[str]) -> None:
        self.text.setText(
            "&nbsp; &nbsp; ".join(f"<b>{n}</b> {STEPS[step]}" for n, step in enumerate(STEPS, 1) if step in steps)
        )
        self.setVisible(bool(steps))


class Hinting(QObject):
    """Sees which steps are done, and remembers it."""

    def __init__(self, bar: HintBar, session: Session, exported: SignalInstance) -> None:
        super().__init__(bar)
        self._bar, self._session = bar, session
        session.field_changed.connect(self.show)
        session.marking.changed.connect(lambda: self._finish("pixel") if session.marks else None)
        session.wavelength_changed.connect(lambda nm: self._finish("wavelength"))
        exported.connect(lambda: self._finish("export"))
        bar.close_picked.connect(self.close)
        self.show()

    def show(self) -> None:
        """The steps that are left, once they can be done."""
        self._bar.show_steps(self.left() if self._session.field is not None else [])

    def left(self) -> list[str]:
        done = str(settings().value(_KEY, "")).split()
        return [step for step in STEPS if step not in done]

    def close(self) -> None:
        """All of them are gone for good."""
        self._finish(*STEPS)

    def start_again(self) -> None:
        settings().remove(_KEY)
        self.show()

    def _finish(self, *steps: str) -> None:
        left = self.left()
        if set(steps) & set(left):
            settings().setValue(_KEY, " ".join(step for step in STEPS if step not in left or step in steps))
            self.show()
