"""Three first steps for a new user; each is gone for good when it is done."""

from __future__ import annotations

from PySide6.QtCore import QObject, SignalInstance

from nesr_gui.gui.model.preferences import settings
from nesr_gui.gui.model.session import Session
from nesr_gui.gui.views.message_bar import STEPS, HintBar

_KEY = "hints/done"


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
