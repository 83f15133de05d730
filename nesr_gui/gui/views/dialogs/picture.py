"""The dialog of picture export: which pane, its colours or its values, format and colour bar."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtWidgets import QCheckBox, QComboBox, QWidget

from nesr_gui.gui.figures.picture import Content, ImageFormat, Picture
from nesr_gui.gui.views.widgets import ChoiceDialog, form

_CONTENTS = {Content.PICTURE: "Picture as displayed", Content.VALUES: "Values"}


class PictureDialog(ChoiceDialog):
    """Settings of a picture export; shows what the file will contain, or why the settings are invalid.

    Args:
        pictures: the visible pictures by the text of their pane; the first one is proposed.
    """

    def __init__(self, pictures: Mapping[str, Picture], parent: QWidget | None = None) -> None:
        super().__init__("Export picture", "Export…", parent, lines=2)
        self._pictures = list(pictures.values())
        self.pane, self.content, self.format = QComboBox(), QComboBox(), QComboBox()
        for box, name, texts in (
            (self.pane, "Pane", list(pictures)), (self.content, "Content", list(_CONTENTS.values())),
            (self.format, "Format", [str(each) for each in ImageFormat]),
        ):  # fmt: skip
            box.setAccessibleName(name)
            box.addItems(texts)
            box.currentIndexChanged.connect(self._validate)
        self.bar, self.marks = QCheckBox("Colour bar"), QCheckBox("Marks")
        self.bar.setChecked(True)
        self.stack(form(
            ("&Pane", self.pane), ("&Content", self.content), ("&Format", self.format), ("", self.bar),
            ("", self.marks),
        ))  # fmt: skip
        self._validate()

    @property
    def picture(self) -> Picture:
        """The chosen picture."""
        return self._pictures[self.pane.currentIndex()]

    def choices(self) -> tuple[Content, ImageFormat, bool]:
        """The chosen content and format, and whether to draw a colour bar."""
        content, kind = list(Content)[self.content.currentIndex()], list(ImageFormat)[self.format.currentIndex()]
        return content, kind, self.bar.isEnabled() and self.bar.isChecked()

    @property
    def has_marks(self) -> bool:
        """Whether to draw the marks."""
        return self.marks.isEnabled() and self.marks.isChecked()

    def _validate(self) -> None:
        content, kind, _ = self.choices()
        is_plain = content is Content.PICTURE and kind is not ImageFormat.GEOTIFF
        self.bar.setEnabled(is_plain and not self.picture.reason(content) and self.picture.has_bar)
        self.marks.setEnabled(content is Content.PICTURE)
        self.validate(self._describe)

    def _describe(self) -> str:
        content, kind, _ = self.choices()
        self.picture.check(content)
        if missing := kind.missing():
            raise ValueError(missing)
        height, width = self.picture.size
        return f"{width}×{height} pixels, all of the image: {kind.describe(content)}."
