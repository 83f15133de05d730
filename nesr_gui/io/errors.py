"""What reading a file may end with; the text is one sentence that can be shown as it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nesr_gui.io.cubes.description import Reading


class UnreadableFile(ValueError):
    """The file is damaged, of another format, or holds what this program cannot understand."""


class UnreadableImage(UnreadableFile):
    """The file cannot be read as a photograph."""


class Unclear(UnreadableFile):
    """The file can be read as soon as the user says what it leaves open.

    `field` names what is missing as `Reading` calls it, `choices` what it can be (empty: anything), and `guess` what it
    most likely is, as a user would type it, with the `reason` for the guess. `io.open_cube` adds which file it is, and
    what the user had said already.
    """

    path: Path | None = None
    reading: Reading | None = None

    def __init__(
        self, question: str, field: str, guess: str = "", reason: str = "", choices: tuple[str, ...] = ()
    ) -> None:
        super().__init__(question + (f"; {guess} is likely ({reason})" if guess else ""))
        self.question, self.field, self.guess, self.reason, self.choices = question, field, guess, reason, choices

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.question, self.field, self.guess, self.reason, self.choices)
