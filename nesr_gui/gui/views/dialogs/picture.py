"""The dialog of picture export: which pane, its colours or its values, format and colour bar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtWidgets import QCheckBox, QComboBox, QWidget

from nesr_gui.gui.figures.picture import Content, ImageFormat, Picture
from nesr_gui.gui.views.widgets import ChoiceDialog, form

_CONTENTS = {Content.PICTURE: "Picture as displayed", Content.VALUES: "Values"}


@dataclass(frozen=True)
class PictureChoices:
    """What is exported of a picture."""

    content: Content = Content.PICTURE
    format: ImageFormat = ImageFormat.PNG
    has_bar: bool = True
    has_marks: bool = False


class PictureDialog(ChoiceDialog):
    """Settings of a picture export; shows what the file will contain, or why the settings are invalid.

    Args:
        pictures: the visible pictures by the text of their pane; the first one is proposed.
        choices: the settings to begin with, as far as they suit that picture.
    """

    def __init__(self, pictures: Mapping[str, Picture], choices: PictureChoices, parent: QWidget | None = None) -> None:
        super().__init__("Export picture", "Export…", parent, lines=2)
        self._pictures = list(pictures.values())
        self.bar, self.marks = QCheckBox("Colour bar"), QCheckBox("Marks")
        self.pane, self.content, self.format = QComboBox(), QComboBox(), QComboBox()
        for box, name, texts in (
            (self.pane, "Pane", list(pictures)), (self.content, "Content", list(_CONTENTS.values())),
            (self.format, "Format", [str(each) for each in ImageFormat]),
        ):  # fmt: skip
            box.setAccessibleName(name)
            box.addItems(texts)
            box.currentIndexChanged.connect(self._validate)
        self._begin_with(choices)
        self.stack(form(
            ("&Pane", self.pane), ("&Content", self.content), ("&Format", self.format), ("", self.bar),
            ("", self.marks),
        ))  # fmt: skip
        self._validate()

    @property
    def picture(self) -> Picture:
        """The chosen picture."""
        return self._pictures[self.pane.currentIndex()]

    def choices(self) -> PictureChoices:
        """The chosen settings; those of a box that is disabled have no effect."""
        return PictureChoices(
            list(Content)[self.content.currentIndex()], list(ImageFormat)[self.format.currentIndex()],
            has_bar=self.bar.isChecked(), has_marks=self.marks.isChecked(),
        )  # fmt: skip

    def _begin_with(self, choices: PictureChoices) -> None:
        if not self._pictures[0].reason(choices.content):
            self.content.setCurrentIndex(list(Content).index(choices.content))
        if not choices.format.missing():
            self.format.setCurrentIndex(list(ImageFormat).index(choices.format))
        self.bar.setChecked(choices.has_bar)
        self.marks.setChecked(choices.has_marks)

    def _validate(self) -> None:
        choices = self.choices()
        is_plain = choices.content is Content.PICTURE and choices.format is not ImageFormat.GEOTIFF
        self.bar.setText("Legend" if not self.picture.reason(choices.content) and self.picture.is_of_classes
                         else "Colour bar")  # fmt: skip
        self.bar.setEnabled(is_plain and not self.picture.reason(choices.content) and self.picture.has_bar)
        self.marks.setEnabled(choices.content is Content.PICTURE)
        self.validate(self._describe)

    def _describe(self) -> str:
        content, kind = self.choices().content, self.choices().format
        self.picture.check(content)
        if missing := kind.missing():
            raise ValueError(missing)
        height, width = self.picture.size
        numbers = kind.describe(content, of_classes=self.picture.is_of_classes)
        return f"{width}×{height} pixels, all of the image: {numbers}."
