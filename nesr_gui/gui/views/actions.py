"""Every action of the window, in one table: menus, toolbar, shortcuts and their sheet are made from it.

Keys are named by the character they write, not by where they are: `<` is Shift+, on one keyboard and a key on another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu, QToolButton

from nesr_gui.gui import view_modes
from nesr_gui.gui.drawing import theme


@dataclass(frozen=True)
class Entry:
    """One action, by `name`. A submenu is filled by the window."""

    name: str
    text: str
    menu: str
    shortcut: str = ""  # the first is told in menus; others stand after a blank
    icon: str = ""
    tip: str = ""
    in_toolbar: bool = False
    choice: str = ""  # actions with the same word exclude each other
    submenu: bool = False
    starts_group: bool = False

    @property
    def keys(self) -> list[QKeySequence]:
        return [QKeySequence(key) for key in self.shortcut.split()]


TABLE = (
    Entry("open_file", "Open…", "File", "Ctrl+O", icon="open", tip="Open a photograph or a spectral cube",
          in_toolbar=True),
    Entry("open_folder", "Open folder…", "File", "Ctrl+Shift+O", tip="Open a cube that is a folder: Zarr or bands"),
    Entry("open_in_tab", "Open in new tab…", "File", "Ctrl+T", tip="Open beside what is open"),
    Entry("open_sample", "Open sample", "File", submenu=True),
    Entry("open_recent", "Open recent", "File", submenu=True),
    Entry("compare_cube", "Compare with measured cube…", "File", "Ctrl+M",
          tip="Open the cube that was measured of this photograph; how it lies over it is found", starts_group=True),
    Entry("compare_folder", "Compare with measured folder…", "File", tip="The same, of a cube that is a folder"),
    Entry("photograph_cube", "Reconstruct from its photograph", "File",
          tip="Photograph the open cube by the chosen light and camera, reconstruct that, and compare the two"),
    Entry("save_session", "Save session", "File", "Ctrl+S", starts_group=True,
          tip="Save marks, view and everything chosen in a file that opens them again"),
    Entry("save_session_as", "Save session as…", "File", "Ctrl+Shift+S"),
    Entry("export_cube", "Export cube…", "File", "Ctrl+E", icon="export", tip="Export bands at chosen wavelengths",
          in_toolbar=True, starts_group=True),
    Entry("export_curves", "Export curves…", "File", "Ctrl+Shift+E", tip="Export the spectra of all marks as text"),
    Entry("export_table", "Export marks…", "File", tip="Export the table of marks, which can be imported again"),
    Entry("export_accuracy", "Export accuracy…", "File", tip="Export the figures against the measured cube"),
    Entry("export_comparison", "Export comparison figure…", "File",
          tip="Measured and reconstructed bands with the errors between them, as a picture"),
    Entry("export_sweep", "Export sweep…", "File", tip="Export the sweep through the wavelengths as a film"),
    Entry("import_marks", "Import marks…", "File", tip="Add the marks of a table that was exported"),
    Entry("load_spectra", "Load spectra to compare…", "File", tip="A table of text or an ENVI spectral library"),
    Entry("export_figure", "Export figure…", "File", tip="Export the plot as a picture"),
    Entry("reconstruct", "Reconstruct", "File", "Ctrl+R", tip="Reconstruct the photograph at working resolution",
          starts_group=True),
    Entry("reconstruct_fully", "Reconstruct at full resolution", "File", "Ctrl+Shift+R",
          tip="Reconstruct every pixel of the photograph; this may take minutes and can be cancelled"),
    Entry("close_tab", "Close", "File", "Ctrl+W", tip="Close what is shown", starts_group=True),
    Entry("quit", "Quit", "File", "Ctrl+Q"),
    Entry("undo", "Undo", "Edit", "Ctrl+Z", icon="undo", in_toolbar=True, starts_group=True),
    Entry("redo", "Redo", "Edit", "Ctrl+Shift+Z", icon="redo", in_toolbar=True),
    Entry("paste", "Paste", "Edit", "Ctrl+V", tip="Open the image that was copied, or files, each in a tab of its own",
          starts_group=True),
    Entry("copy_table", "Copy table of marks", "Edit", "Ctrl+C", starts_group=True),
    Entry("rename_mark", "Rename mark", "Edit", "F2"),
    Entry("remove_mark", "Remove mark", "Edit", "Del", tip="Remove the active mark"),
    Entry("clear_pins", "Clear marks", "Edit", "Ctrl+Backspace", icon="clear", tip="Remove all marks", in_toolbar=True),
    Entry("preferences", "Preferences…", "Edit", "Ctrl+,", tip="Theme, device, resolution, colours", starts_group=True),
    Entry("tool_point", "Pin", "Mark", "P", icon="point", tip="Mark a pixel with a click", in_toolbar=True,
          choice="tool",
          starts_group=True),
    Entry("tool_rectangle", "Rectangle", "Mark", "R", icon="rectangle", tip="Mark a rectangle with a drag",
          in_toolbar=True,
          choice="tool"),
    Entry("tool_ellipse", "Ellipse", "Mark", "E", icon="ellipse", tip="Mark an ellipse with a drag", in_toolbar=True,
          choice="tool"),
    Entry("tool_polygon", "Polygon", "Mark", "G", icon="polygon",
          tip="Mark a polygon: click its corners, double-click or Enter ends it, Escape gives up", in_toolbar=True,
          choice="tool"),
    Entry("tool_lasso", "Lasso", "Mark", "L", icon="lasso", tip="Mark what is circled with a drag", in_toolbar=True,
          choice="tool"),
    Entry("add_pin", "Pin in the middle", "Mark", "Shift+P", tip="Mark the pixel in the middle of the view",
          starts_group=True),
    Entry("next_mark", "Next mark", "Mark", "N", tip="Make the next mark the active one"),
    Entry("previous_mark", "Previous mark", "Mark", "Shift+N", tip="Make the mark before the active one"),
    *(
        Entry(f"show_{mode.name}", mode.title, "View", str(key), icon=mode.icon, tip=mode.tip,
          in_toolbar=bool(mode.icon),
              choice="mode", starts_group=key == 1)
        for key, mode in enumerate(view_modes.TABLE, 1)
    ),
    Entry("picture", "This picture", "View", submenu=True),
    Entry("compare_with", "Compare with a curve…", "View", tip="Show the similarity to a spectrum from a file"),
    Entry("choose_false_colour", "Wavelengths of the false colour…", "View", "Ctrl+3",
          tip="Choose the wavelengths of red, green and blue by numbers and keys"),
    Entry("auto_levels", "Automatic levels", "View", "Ctrl+L", tip="Limits between which 99 % of what is in view lies"),
    Entry("single", "One picture", "View", choice="arrangement", starts_group=True),
    Entry("divide", "Divider", "View", "D", icon="divide", tip="Show two pictures, left and right of a line",
          choice="arrangement", in_toolbar=True),
    Entry("side_by_side", "Side by side", "View", "S", icon="side_by_side", tip="Show two linked views of the image",
          choice="arrangement", in_toolbar=True),
    Entry("other_side", "Change the other picture", "View", "A",
          tip="Keys and menus go to the left picture or to the right one"),
    Entry("exchange", "Exchange left and right", "View", "X"),
    Entry("divider_left", "Divider to the left", "View", "["),
    Entry("divider_right", "Divider to the right", "View", "]"),
    Entry("fit", "Fit image", "View", "F", icon="fit", tip="Show the whole image", in_toolbar=True, starts_group=True),
    Entry("zoom_in", "Zoom in", "View", "Ctrl++ Ctrl+=", tip="Zoom in on the active mark, or the middle"),
    Entry("zoom_out", "Zoom out", "View", "Ctrl+-"),
    Entry("next_tab", "Next tab", "View", "Ctrl+Tab", starts_group=True),
    Entry("previous_tab", "Previous tab", "View", "Ctrl+Shift+Tab"),
    Entry("panels", "Panels", "View", submenu=True, starts_group=True),
    Entry("reset_layout", "Reset layout", "View", tip="Put every panel back where it stood at first"),
    Entry("play", "Play or pause the sweep", "Wavelength", "Space"),
    Entry("longer", "1 nm up", "Wavelength", ". Right", starts_group=True),
    Entry("shorter", "1 nm down", "Wavelength", ", Left"),
    Entry("much_longer", "10 nm up", "Wavelength", "> Shift+Right :"),
    Entry("much_shorter", "10 nm down", "Wavelength", "< Shift+Left ;"),
    Entry("open_model", "Open model…", "Model", tip="Reconstruct by the model in a file, which joins this menu"),
    Entry("about_model", "About this model", "Model", tip="What it was made from, how good it is, where it fails"),
    Entry("guide", "User guide", "Help", "F1", tip="How the program is used; no network is needed"),
    Entry("find_action", "Find an action…", "Help", "Ctrl+K", tip="Type what you want, a wavelength, or a file's name"),
    Entry("shortcuts", "Keyboard shortcuts", "Help", "?", tip="Every key and what it does"),
    Entry("about", "About nesr_gui", "Help"),
)  # fmt: skip

_LACKS = {
    "needs an image; open one": (
        "import_marks", "single", "divide", "side_by_side", "fit", "zoom_in", "zoom_out", "add_pin", "close_tab",
        "save_session", "save_session_as",
    ),
    "needs a reconstruction or a cube; open one, or wait until it is ready": (
        "export_cube", "export_sweep", "auto_levels", "compare_with", "choose_false_colour",
    ),
    "needs a photograph; open one": ("compare_cube", "compare_folder"),
    "needs a measured cube that is shown alone; open one": ("photograph_cube",),
    "needs a reconstruction and the cube that was measured of it; compare with one": ("export_comparison",),
    "needs figures; compare with a measured cube and look at its accuracy": ("export_accuracy",),
    "needs a mark; click a pixel": (
        "export_curves", "export_table", "export_figure", "copy_table", "rename_mark", "remove_mark", "clear_pins",
        "next_mark", "previous_mark",
    ),
    "needs two pictures; show a divider, or two side by side": (
        "other_side", "exchange", "divider_left", "divider_right",
    ),
    "needs a photograph that is not reconstructed yet": ("reconstruct",),
    "needs a photograph that is shown reduced": ("reconstruct_fully",),
    "needs two tabs; open another image in a new one": ("next_tab", "previous_tab"),
    "needs something that was done": ("undo",),
    "needs something that was undone": ("redo",),
}  # fmt: skip
LACKS = {name: why for why, names in _LACKS.items() for name in names}
"""Why an action is disabled, and what to do; that of a mode depends on what is open."""


def make_actions(window: QMainWindow) -> tuple[dict[str, QAction], dict[str, QMenu]]:
    """The actions by name and the submenus by name, in menus and toolbar of `window`."""
    actions: dict[str, QAction] = {}
    submenus: dict[str, QMenu] = {}
    menus: dict[str, QMenu] = {}
    choices: dict[str, QActionGroup] = {}
    toolbar = window.addToolBar("Tools")
    toolbar.setObjectName("tools")
    toolbar.setMovable(False)
    toolbar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    for entry in TABLE:
        menu = menus.get(entry.menu) or menus.setdefault(entry.menu, window.menuBar().addMenu(f"&{entry.menu}"))
        if entry.starts_group and not menu.isEmpty():
            menu.addSeparator()
        if entry.submenu:
            submenus[entry.name] = menu.addMenu(entry.text)
            continue
        action = actions[entry.name] = _action(entry, window)
        if entry.choice:
            group = choices.get(entry.choice) or choices.setdefault(entry.choice, QActionGroup(window))
            action.setCheckable(True)
            group.addAction(action)
        menu.addAction(action)
        if entry.in_toolbar:
            if entry.starts_group and toolbar.actions():
                toolbar.addSeparator()
            toolbar.addAction(action)
            button = toolbar.widgetForAction(action)
            button.setAccessibleName(entry.text.rstrip("…"))
            if entry.choice == "tool" and isinstance(button, QToolButton):
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)  # five in the room of two
    return actions, submenus


def _action(entry: Entry, window: QMainWindow) -> QAction:
    action = QAction(entry.text, window)
    action.setShortcuts(entry.keys)
    action.setWhatsThis(LACKS.get(entry.name, ""))
    key = f" ({action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)})" if entry.shortcut else ""
    action.setToolTip((entry.tip or entry.text) + key)
    action.setIconText(entry.text.rstrip("…"))
    return action


def connect_actions(actions: Mapping[str, QAction], methods: Mapping[str, Callable[[], object]]) -> None:
    """Have each action carried out by the method under its name.

    Raises:
        ValueError: an action has none, or a method no action.
    """
    if unmatched := set(actions) ^ set(methods):
        raise ValueError(f"actions without a method or methods without an action: {', '.join(sorted(unmatched))}")
    for name, method in methods.items():
        actions[name].triggered.connect(lambda checked=False, method=method: method())


def colour_icons(actions: dict[str, QAction], window: QMainWindow) -> None:
    """Draw the icons in the colours the window has now."""
    for entry in TABLE:
        if entry.icon:
            actions[entry.name].setIcon(theme.icon(entry.icon, window.palette()))


def enable(actions: dict[str, QAction], names: Iterable[str], enabled: bool) -> None:
    """Enable or disable several actions."""
    for name in names:
        actions[name].setEnabled(enabled)
