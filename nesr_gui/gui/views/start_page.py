"""The page shown while no document is open: samples, recent files and buttons to open others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QIcon, QImage, QPixmap, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QScrollArea, QToolButton, QVBoxLayout, QWidget

from nesr_gui.gui.drawing import theme
from nesr_gui.gui.drawing.symbols import plain_icon
from nesr_gui.resources import Sample

SAMPLE_SIZE, RECENT_SIZE = QSize(168, 112), QSize(48, 36)
_MOST_SAMPLES_ACROSS, _MOST_RECENT_ACROSS = 3, 2
_MOST_RECENT = 6
_MARGIN = 36  # px, left and right


class StartPage(QScrollArea):
    """Offers samples and recent files, each opened by one click or with Tab and Enter."""

    sample_picked = Signal(object)  # Sample
    file_picked = Signal(object)  # Path

    def __init__(self, actions: Sequence[QAction]) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its tiles take the focus
        self.setAccessibleName("Start page")
        self.samples: dict[Path, QToolButton] = {}
        self.recent: dict[Path, QToolButton] = {}
        self._sample_grid, self._recent_grid = QGridLayout(), QGridLayout()
        self._recent_title = _title("Recent")
        self.openers = [_opener(action) for action in actions]
        openers = QHBoxLayout()
        for button in self.openers:
            openers.addWidget(button)
        self._drop = QLabel("or drop a photograph or cube anywhere in this window")
        self._drop.setForegroundRole(self.palette().ColorRole.PlaceholderText)
        self._drop.setWordWrap(True)
        openers.addWidget(self._drop, 1)
        heading = QLabel("Open a photograph, see its spectra")
        large = heading.font()
        large.setPointSizeF(1.7 * large.pointSizeF())
        heading.setFont(large)
        heading.setWordWrap(True)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(_MARGIN, 28, _MARGIN, 20)
        column.setSpacing(10)
        column.addWidget(heading)
        column.addLayout(openers)
        column.addSpacing(10)
        column.addWidget(_title("Samples"))
        column.addLayout(self._sample_grid)
        column.addSpacing(10)
        column.addWidget(self._recent_title)
        column.addLayout(self._recent_grid)
        column.addStretch(1)
        self._sample_grid.setColumnStretch(_MOST_SAMPLES_ACROSS, 1)
        self._recent_grid.setColumnStretch(_MOST_RECENT_ACROSS, 1)
        self.setWidget(inner)
        self.show_recent([])

    def show_samples(self, samples: Sequence[Sample]) -> None:
        """Add a tile for each sample."""
        for sample in samples:
            button = _tile(sample.title, SAMPLE_SIZE, Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setToolTip(f"{sample.title}: {sample.credit}")
            button.setAccessibleName(f"Open sample {sample.title}")
            button.setAccessibleDescription(sample.credit)
            button.clicked.connect(lambda checked=False, sample=sample: self.sample_picked.emit(sample))
            self.samples[sample.photograph] = button
        self._arrange()

    def show_recent(self, paths: Sequence[Path]) -> None:
        """Show tiles of the recent files, except samples."""
        for button in self.recent.values():
            self._recent_grid.removeWidget(button)
            button.deleteLater()
        self.recent = {}
        others = [path for path in paths if path not in self.samples]
        for path in others[:_MOST_RECENT]:
            button = _tile("", RECENT_SIZE, Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            name = button.fontMetrics().elidedText(path.name, Qt.TextElideMode.ElideMiddle, 200)
            folder = button.fontMetrics().elidedText(str(path.parent), Qt.TextElideMode.ElideLeft, 200)
            button.setText(f"{name}\n{folder}".replace("&", "&&"))
            button.setToolTip(str(path))
            button.setAccessibleName(f"Open {path.name}")
            button.setAccessibleDescription(str(path.parent))
            button.clicked.connect(lambda checked=False, path=path: self.file_picked.emit(path))
            self.recent[path] = button
        self._arrange()
        self._recent_title.setVisible(bool(self.recent))

    def show_thumbnails(self, pictures: Mapping[Path, QImage]) -> None:
        """Set the thumbnails of tiles; a null image is replaced by the cube icon."""
        for tiles in (self.samples, self.recent):
            for path, button in tiles.items():
                if path in pictures:
                    button.setIcon(_framed(pictures[path], button.iconSize()))
                    self._mark_plain(button, pictures[path].isNull())

    def show_missing(self, paths: set[Path]) -> None:
        """Disable the tiles of files that no longer exist."""
        for path in paths & set(self.recent):
            self.recent[path].setEnabled(False)
            self.recent[path].setToolTip(f"{path} no longer exists")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place as many tiles side by side as fit."""
        super().resizeEvent(event)
        self._arrange()

    def changeEvent(self, event: QEvent) -> None:
        """Redraw the cube icons when the palette changes."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "recent"):
            for button in self.recent.values():
                self._mark_plain(button, button.property("plain") is True)

    def _arrange(self) -> None:
        width = self.viewport().width() - 2 * _MARGIN
        for grid, tiles, most in (
            (self._sample_grid, self.samples, _MOST_SAMPLES_ACROSS),
            (self._recent_grid, self.recent, _MOST_RECENT_ACROSS),
        ):
            buttons = list(tiles.values())
            across = _fitting(buttons, most, width, grid.horizontalSpacing())
            for at, button in enumerate(buttons):
                grid.addWidget(button, *divmod(at, across))

    def _mark_plain(self, button: QToolButton, is_plain: bool) -> None:
        button.setProperty("plain", is_plain)
        if is_plain:
            button.setIcon(theme.icon("band", self.palette()))


def _fitting(tiles: Sequence[QToolButton], most: int, width: int, spacing: int) -> int:
    """How many tiles fit side by side, each column as wide as its widest tile; one where not even two do."""
    widths = [tile.sizeHint().width() for tile in tiles]
    for across in range(min(most, len(tiles)), 1, -1):
        if sum(max(widths[column::across]) for column in range(across)) + (across - 1) * spacing <= width:
            return across
    return 1


def _framed(image: QImage, size: QSize) -> QIcon:
    """An icon of a thumbnail with more pixels than its tile has at a device pixel ratio of 1."""
    pixmap = QPixmap.fromImage(image)
    pixmap.setDevicePixelRatio(max(pixmap.width() / size.width(), pixmap.height() / size.height(), 1e-3))
    return plain_icon(pixmap) if not pixmap.isNull() else QIcon()


def _tile(text: str, size: QSize, style: Qt.ToolButtonStyle) -> QToolButton:
    button = QToolButton()
    button.setText(text.replace("&", "&&"))
    button.setIconSize(size)
    button.setToolButtonStyle(style)
    button.setAutoRaise(True)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    blank = QPixmap(size)
    blank.fill(QColor(128, 128, 128, 40))
    button.setIcon(plain_icon(blank))
    return button


def _opener(action: QAction) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    button.setAccessibleName(action.text().rstrip("…"))
    button.setMinimumHeight(32)
    return button


def _title(text: str) -> QLabel:
    label = QLabel(text)
    bold = label.font()
    bold.setBold(True)
    label.setFont(bold)
    return label
