"""What reading a file may end with; the text is one sentence that can be shown as it is."""

from __future__ import annotations


class UnreadableFile(ValueError):
    """The file is damaged, of another format, or holds what this program cannot understand."""


class UnreadableImage(UnreadableFile):
    """The file cannot be read as a photograph."""
