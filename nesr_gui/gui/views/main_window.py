"""The main window: creation and layout of its parts. Signals between them are connected in `app.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QByteArray, QChildEvent, QEvent, QKeyCombination, QPoint, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
    QShortcut,
)
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
from nesr_gui.gui.views.message_bar import FirstStepsBar, MessageBar, Overlay
from nesr_gui.gui.views.panels.development import DevelopmentPanel
from nesr_gui.gui.views.panels.viewing_conditions import ViewingConditionsPanel
from nesr_gui.gui.views.plot.plot_view import ChannelMarkers, HoverCurve, PlotView
from nesr_gui.gui.views.plot.toolbar import PlotToolbar
from nesr_gui.gui.views.start_page import StartPage
from nesr_gui.gui.views.status_bar import Status
from nesr_gui.gui.views.wavelength_bar import WavelengthBar
from nesr_gui.gui.views.widgets import FocusKeeper, FocusRing, local_files, scrollable
from nesr_gui.io.spectra.readers import is_spectrum_file

WINDOW_SIZE = QSize(1280, 800)  # default size
FRAME = QSize(8, 40)  # of a window manager: the whole window must fit on a screen of the default size


class MainWindow(QMainWindow):
    """The image with message and wavelength bars in the centre, surrounded by dockable panels."""

    files_picked = Signal(object)  # list of Path
    reading_dropped = Signal(int, object)  # number of a mark, Path of a measured spectrum
    closing = Signal()  # the window is about to close

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("nesr_gui")
        self.setWindowIcon(theme.icon("nesr", self.palette()))
        self.setAcceptDrops(True)
        self.may_close: Callable[[], bool] = lambda: True
        self._tab_style = theme.NarrowTabs()  # of panels; tab bars do not own their style
        self.actions_by_name, self.submenus = make_actions(self)
        self.panes, self.plot, self.table = SplitView(), PlotView(), MarkTable()
        self.submenus["columns"].addActions(self.table.column_actions)
        self.submenus["plugin_modes"].menuAction().setVisible(False)  # until there are some
        self.image, self.input = self.panes.images[0], DevelopmentPanel()
        self.hover_curve, self.channels = HoverCurve(self.plot), ChannelMarkers(self.plot)
        self.plot_toolbar, self.pair, self.light = PlotToolbar(CHARTS), PairDifferenceLabel(), ViewingConditionsPanel()
        self.bar, self.messages, self.status, self.tabs = WavelengthBar(), MessageBar(), Status(), Tabs()
        self.pick_leaving = QShortcut(QKeySequence(Qt.Key.Key_Escape), self, enabled=False)
        self.start, self.hints, self.middle = StartPage(self._openers()), FirstStepsBar(), QStackedWidget()
        self.middle.addWidget(self.start)
        self.middle.addWidget(self.panes)
        picture = Overlay(self.middle, self.panes.column, (self.messages, self.hints))
        picture.covered.connect(self.panes.show_covered)
        self.setCentralWidget(_column(self.tabs, picture, self.bar, growing=picture))
        self.setStatusBar(self.status)
        colour_icons(self.actions_by_name, self)
        self.focus_ring, self.focus_keeper = FocusRing(self), FocusKeeper(self)
        self.panels = DockManager(self, self.submenus["panels"])
        self._restore()
        spectra = _column(self.plot_toolbar, self.plot, self.table, self.pair)  # plot and table give way to each other
        right = Qt.DockWidgetArea.RightDockWidgetArea
        self.add_panel("spectra", "Spectra", spectra, right, shown=True)
        self.add_panel("input", "Input", self.input, right, row=1, shown=True)  # below the curves that react to them
        self.add_panel("light", "Light and camera", scrollable(self.light), right, row=1, shown=True)

    def _openers(self) -> list[QAction]:
        return [self.actions_by_name[name] for name in ("open_file", "open_folder")]

    def add_panel(
        self,
        name: str,
        title: str,
        content: QWidget | Callable[[], QWidget],
        area: Qt.DockWidgetArea,
        *,
        row: int = 0,
        shown: bool,
    ) -> QDockWidget:
        """Put a widget into a dock of its own, with an entry in the View menu.

        Args:
            name: key under which the layout is saved.
            title: displayed title.
            content: of the panel, or a function that makes it when it is first needed; see `DockManager.add`.
            area: default area.
            row: row in the area; panels of one row are tabs, the first one raised.
            shown: whether the panel is open by default.
        """
        return self.panels.add(name, title, content, area, row, shown)

    def compose(self, size: QSize) -> None:
        """Resize the window and divide the space between image and panels."""
        self.resize(size)
        self.panels.fit()

    def reset_layout(self) -> None:
        """Restore the default panel layout."""
        self.panels.reset()

    def toggle_full_screen(self) -> None:
        """Fill the screen with the window, or return to its previous size."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def show_title(self, name: str, is_modified: bool) -> None:
        """Show the name of the document, and the platform's indicator of unsaved changes."""
        self.setWindowTitle(f"{name}[*] - nesr_gui" if name else "nesr_gui[*]")
        self.setWindowModified(is_modified)

    def fill_menu(self, name: str, entries: Iterable[tuple[str, Callable[[], None] | None]]) -> None:
        """Replace the entries of a submenu; None as a callback adds a separator. An empty submenu is disabled."""
        menu = self.submenus[name]
        menu.clear()
        for text, do in entries:
            if do is None:
                menu.addSeparator()
            else:
                menu.addAction(text.replace("&", "&&")).triggered.connect(lambda checked=False, do=do: do())
        menu.setEnabled(not menu.isEmpty())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept local files and folders."""
        if local_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open the dropped files, or attach a measured spectrum to the mark that it was dropped on."""
        if paths := local_files(event.mimeData()):
            event.acceptProposedAction()
            number = (
                self._mark_at(event.position().toPoint()) if len(paths) == 1 and is_spectrum_file(paths[0]) else None
            )
            if number is None:
                self.files_picked.emit(paths)
            else:
                self.reading_dropped.emit(number, paths[0])

    def _mark_at(self, at: QPoint) -> int | None:
        """Number of the mark at a position, in the image or in the table."""
        place = self.mapToGlobal(at)
        found = [*(image.marks.mark_at(place) for image in self.panes.images), self.table.mark_at(place)]
        return next((number for number in found if number is not None), None)

    def event(self, event: QEvent) -> bool:
        """Let Space press a focused button; elsewhere it is the shortcut of the sweep."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain_space = event.keyCombination() == QKeyCombination(Qt.Key.Key_Space)
            if plain_space and isinstance(QApplication.focusWidget(), QAbstractButton):
                event.accept()
                return True
        return super().event(event)

    def changeEvent(self, event: QEvent) -> None:
        """Redraw the icons when the palette changes."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "panels"):
            colour_icons(self.actions_by_name, self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let the panels give way to the image."""
        super().resizeEvent(event)
        if hasattr(self, "panels") and event.oldSize().isValid():
            self.panels.follow_width(event.oldSize().width(), event.size().width())

    def childEvent(self, event: QChildEvent) -> None:
        """Name the tab bars that Qt creates for tabified docks, and let them show whole titles.

        Tabs that do not fit are scrolled to: Qt would shorten the titles of all of them to a letter. Only polished
        children are accessed: with any other event the child may be partly constructed or destroyed.
        """
        super().childEvent(event)
        if event.polished() and isinstance(child := event.child(), QTabBar):
            child.setAccessibleName("Panels")
            child.setElideMode(Qt.TextElideMode.ElideNone)
            child.setStyle(self._tab_style)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Save geometry and layout, unless `may_close` refuses."""
        if not self.may_close():
            event.ignore()
            return
        stored = settings()
        stored.setValue("window/geometry", self.saveGeometry())
        stored.setValue("window/layout", self.panels.save())
        self.hide()
        self.closing.emit()
        super().closeEvent(event)

    def _restore(self) -> None:
        self.resize(WINDOW_SIZE.boundedTo(self.screen().availableSize() - FRAME))
        stored = settings()
        geometry = stored.value("window/geometry")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        self.panels.restore(stored.value("window/layout"))


def _column(*widgets: QWidget, growing: QWidget | None = None) -> QWidget:
    """Stack widgets vertically without gaps; `growing` takes the free space."""
    column = QWidget()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    for widget in widgets:
        layout.addWidget(widget, 1 if widget is growing else 0)
    return column
