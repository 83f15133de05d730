"""Errors of reading a file; each message is one sentence for the user."""

from __future__ import annotations


class UnreadableFile(ValueError):
    """The file is damaged, has another format, or has content that is not supported."""


class UnreadableImage(UnreadableFile):
    """The file is not readable as a photograph."""
