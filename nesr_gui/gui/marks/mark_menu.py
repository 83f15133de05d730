"""What can be done to one mark, as a menu: the same in the image and in the table."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QWidget

from nesr_gui.gui.drawing.symbols import sign_icon
from nesr_gui.gui.model.marks import Mark
from nesr_gui.gui.model.palette import MARK_SYMBOLS, MarkColours


class MarkMenu(QMenu):
    """Announces what is chosen; the colours and symbols of the palette stand in it as they will look."""

    rename_picked = Signal()
    colour_asked = Signal()  # one beyond the palette
    edit_picked = Signal(str, object)  # which value of the mark, and the new one
    white_picked = Signal()
    remove_picked = Signal()

    def __init__(self, mark: Mark, palette: MarkColours, takes_white: bool, parent: QWidget | None = None) -> None:
        super().__init__(mark.title, parent)
        self.addAction("Rename…", self.rename_picked.emit)
        colours = self.addMenu("Colour")
        for name, colour in palette.colours.items():
            icon = sign_icon(mark.number, colour, mark.symbol)
            colours.addAction(icon, name, lambda colour=colour: self.edit_picked.emit("colour", colour))
        colours.addSeparator()
        colours.addAction("Other…", self.colour_asked.emit)
        symbols = self.addMenu("Symbol")
        for symbol in MARK_SYMBOLS:
            icon = sign_icon(mark.number, mark.colour, symbol)
            symbols.addAction(icon, symbol.capitalize(), lambda symbol=symbol: self.edit_picked.emit("symbol", symbol))
        text = "Hide" if mark.visible else "Show"
        self.addAction(text, lambda: self.edit_picked.emit("visible", not mark.visible))
        if takes_white:
            self.addAction("Use as white", self.white_picked.emit)
        self.addSeparator()
        self.addAction("Remove", self.remove_picked.emit)
