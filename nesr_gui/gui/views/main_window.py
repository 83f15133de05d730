"""The window: where each part stands. What they say to each other is in `app.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from PySide6.QtCore import QByteArray, QChildEvent, QEvent, QKeyCombination, QMimeData, QSize, Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDockWidget,
    QMainWindow,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from nesr_gui.colorimetry.cie import CHARTS
from nesr_gui.gui.drawing import theme
from nesr_gui.gui.model.preferences import settings
from nesr_gui.gui.views.actions import colour_icons, make_actions
from nesr_gui.gui.views.docks import DockManager
from nesr_gui.gui.views.document_tabs import Tabs
from nesr_gui.gui.views.image.split_view import SplitView
from nesr_gui.gui.views.mark_table import MarkTable, PairDifferenceLabel
from nesr_gui.gui.views.message_bar import FirstStepsBar, MessageBar
from nesr_gui.gui.views.panels.development import DevelopmentPanel
from nesr_gui.gui.views.panels.viewing_conditions import ViewingConditionsPanel
from nesr_gui.gui.views.plot.plot_view import ChannelMarkers, HoverCurve, PlotView
from nesr_gui.gui.views.plot.toolbar import PlotToolbar
from nesr_gui.gui.views.start_page import StartPage
from nesr_gui.gui.views.status_bar import Status
from nesr_gui.gui.views.wavelength_bar import WavelengthBar
from nesr_gui.gui.views.widgets import FocusRing

WINDOW_SIZE = QSize(1280, 800)  # what the window is composed at
FRAME = QSize(8, 40)  # what a window manager puts around it: on a screen of just that size all of it must show


class MainWindow(QMainWindow):
    """The image with its notice and wavelength in the middle; what belongs to it in panels around."""

    files_picked = Signal(object)  # list of Path
    closing = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("nesr_gui")
        self.setWindowIcon(theme.icon("nesr", self.palette()))
        self.setAcceptDrops(True)
        self.may_close: Callable[[], bool] = lambda: True
        self.actions_by_name, self.submenus = make_actions(self)
        self.panes, self.plot, self.table = SplitView(), PlotView(), MarkTable()
        self.image, self.input = self.panes.images[0], DevelopmentPanel()
        self.hover_curve, self.channels = HoverCurve(self.plot), ChannelMarkers(self.plot)
        self.plot_toolbar, self.pair, self.light = PlotToolbar(CHARTS), PairDifferenceLabel(), ViewingConditionsPanel()
        self.bar, self.messages, self.status, self.tabs = WavelengthBar(), MessageBar(), Status(), Tabs()
        self.pick_leaving = QShortcut(QKeySequence(Qt.Key.Key_Escape), self, enabled=False)
        self.start, self.hints, self.middle = StartPage(self._openers()), FirstStepsBar(), QStackedWidget()
        self.middle.addWidget(self.start)
        self.middle.addWidget(self.panes)
        self.setCentralWidget(_column(self.tabs, self.messages, self.middle, self.hints, self.bar))
        self.setStatusBar(self.status)
        colour_icons(self.actions_by_name, self)
        self.focus_ring = FocusRing(self)
        self.panels = DockManager(self, self.submenus["panels"])
        self._restore()
        spectra = _column(self.plot_toolbar, self.plot, self.table, self.pair)
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        self.add_panel("spectra", "Spectra", spectra, right, shown=True)
        self.add_panel("input", "Input", self.input, right, shown=True)
        self.add_panel("light", "Light and camera", self.light, left, shown=False)

    def _openers(self) -> list[QAction]:
        return [self.actions_by_name[name] for name in ("open_file", "open_folder")]

    def add_panel(self, name: str, title: str, widget: QWidget, area: Qt.DockWidgetArea, *, shown: bool) -> QDockWidget:
        """Put a widget into a panel of its own, with an entry in the View menu.

        Args:
            name: what the panel is remembered under.
            title: what the user reads.
            widget: what it holds.
            area: where it stands until the user moves it; panels of one area are tabs, the first in front.
            shown: whether it is open until the user opens or closes it.
        """
        return self.panels.add(name, title, widget, area, shown)

    def compose(self, size: QSize) -> None:
        """Take a size, and share it out among image and panels."""
        self.resize(size)
        self.panels.fit()

    def reset_layout(self) -> None:
        """Every panel where it stands at first."""
        self.panels.reset()

    def show_title(self, name: str, is_modified: bool) -> None:
        """What is open, and the system's mark where something is not saved."""
        self.setWindowTitle(f"{name}[*] - nesr_gui" if name else "nesr_gui[*]")
        self.setWindowModified(is_modified)

    def fill_menu(self, name: str, entries: Iterable[tuple[str, Callable[[], None] | None]]) -> None:
        """Put these entries in a submenu, None for a line between them; an empty one cannot be opened."""
        menu = self.submenus[name]
        menu.clear()
        for text, do in entries:
            if do is None:
                menu.addSeparator()
            else:
                menu.addAction(text.replace("&", "&&")).triggered.connect(lambda checked=False, do=do: do())
        menu.setEnabled(not menu.isEmpty())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if local_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        if paths := local_files(event.mimeData()):
            event.acceptProposedAction()
            self.files_picked.emit(paths)

    def event(self, event: QEvent) -> bool:
        """Space presses the button that has the focus; elsewhere it is the shortcut of the sweep."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain_space = event.keyCombination() == QKeyCombination(Qt.Key.Key_Space)
            if plain_space and isinstance(QApplication.focusWidget(), QAbstractButton):
                event.accept()
                return True
        return super().event(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "panels"):
            colour_icons(self.actions_by_name, self)

    def childEvent(self, event: QChildEvent) -> None:
        """Qt makes the tab bars of tabified panels without a name.

        The child of any other event may be half made or half gone, and must not be asked for.
        """
        super().childEvent(event)
        if event.polished() and isinstance(child := event.child(), QTabBar):
            child.setAccessibleName("Panels")

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.may_close():
            event.ignore()
            return
        kept = settings()
        kept.setValue("window/geometry", self.saveGeometry())
        kept.setValue("window/layout", self.panels.save())
        self.hide()
        self.closing.emit()
        super().closeEvent(event)

    def _restore(self) -> None:
        self.resize(WINDOW_SIZE.boundedTo(self.screen().availableSize() - FRAME))
        kept = settings()
        geometry = kept.value("window/geometry")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        self.panels.restore(kept.value("window/layout"))


def local_files(mime: QMimeData) -> list[Path]:
    """The files and folders that are dragged or were copied."""
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]


def _column(*widgets: QWidget) -> QWidget:
    """Widgets under each other without gaps; the first that can grow does."""
    column = QWidget()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    for widget in widgets:
        layout.addWidget(widget, 1 if isinstance(widget, QStackedWidget | PlotView) else 0)
    return column
