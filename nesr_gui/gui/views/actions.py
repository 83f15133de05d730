"""The table of actions, from which menus, toolbar, shortcuts and the shortcut sheet are built.

Shortcuts name the character that a key produces, not its position: `<` is Shift+, on one keyboard and a key of its own
on another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu, QToolButton

from nesr_gui.gui import view_modes
from nesr_gui.gui.drawing import theme
from nesr_gui.gui.model.analyses import AnalysisKind
from nesr_gui.gui.model.view_settings import BOXES


@dataclass(frozen=True)
class Entry:
    """An action or a submenu, identified by `name`; the window fills submenus."""

    name: str
    text: str
    menu: str
    shortcut: str = ""  # separated by spaces; menus show the first
    icon: str = ""
    tip: str = ""
    in_toolbar: bool = False
    choice: str = ""  # name of an exclusive group
    checkable: bool = False
    submenu: bool = False
    starts_group: bool = False

    @property
    def keys(self) -> list[QKeySequence]:
        """Key sequences of the action, the one shown in menus first."""
        return [QKeySequence(key) for key in self.shortcut.split()]


TABLE = (
    Entry("open_file", "Open…", "File", "Ctrl+O", icon="open", tip="Open a photograph or spectral cube",
          in_toolbar=True),
    Entry("open_folder", "Open folder…", "File", "Ctrl+Shift+O",
          tip="Open a cube stored as a folder: Zarr, or one file per band"),
    Entry("open_in_tab", "Open in new tab…", "File", "Ctrl+T", tip="Open a file in a new tab"),
    Entry("open_sample", "Open sample", "File", submenu=True),
    Entry("open_recent", "Open recent", "File", submenu=True),
    Entry("compare_cube", "Compare with measured cube…", "File", "Ctrl+M",
          tip="Open the measured cube of this photograph and register it automatically", starts_group=True),
    Entry("compare_folder", "Compare with measured cube folder…", "File",
          tip="Compare with a measured cube stored as a folder"),
    Entry("photograph_cube", "Simulate photograph and reconstruct", "File",
          tip="Simulate a photograph under the chosen light and camera, and compare its reconstruction"),
    Entry("calibrate_camera", "Calibrate by a chart…", "File",
          tip="Estimate the camera profile from a colour chart in the photograph", starts_group=True),
    Entry("camera_profiles", "Camera profiles…", "File", tip="List, use and remove the stored camera profiles"),
    Entry("save_session", "Save session", "File", "Ctrl+S", starts_group=True,
          tip="Save marks, view and settings in a session file"),
    Entry("save_session_as", "Save session as…", "File", "Ctrl+Shift+S"),
    Entry("export_cube", "Export cube…", "File", "Ctrl+E", icon="export", tip="Export bands at chosen wavelengths",
          in_toolbar=True, starts_group=True),
    Entry("export_curves", "Export spectra…", "File", "Ctrl+Shift+E", tip="Export the spectra of all marks as CSV"),
    Entry("export_table", "Export marks…", "File", tip="Export the marks as CSV, GeoJSON or ImageJ regions"),
    Entry("export_accuracy", "Export accuracy…", "File",
          tip="Export the accuracy metrics against the measured cube as CSV"),
    Entry("export_comparison", "Export comparison figure…", "File",
          tip="Export measured and reconstructed bands with their error maps as a figure"),
    Entry("export_picture", "Export picture…", "File",
          tip="Export the picture of a pane, or the values behind it, with all pixels of the image"),
    Entry("export_sweep", "Export sweep…", "File",
          tip="Export the wavelength sweep as a video, an animation or numbered frames"),
    Entry("import_marks", "Import marks…", "File", tip="Add marks of a CSV table, GeoJSON or ImageJ regions"),
    Entry("load_spectra", "Load reference spectra…", "File",
          tip="Load a text table or an ENVI spectral library"),
    Entry("export_figure", "Export figure…", "File", tip="Export the plot as PNG, SVG or PDF"),
    Entry("reconstruct", "Reconstruct", "File", "Ctrl+R", tip="Reconstruct the photograph at working resolution",
          starts_group=True),
    Entry("reconstruct_fully", "Reconstruct at full resolution", "File", "Ctrl+Shift+R",
          tip="Reconstruct every pixel of the photograph; may take minutes and can be cancelled"),
    Entry("close_tab", "Close", "File", "Ctrl+W", tip="Close the current tab", starts_group=True),
    Entry("quit", "Quit", "File", "Ctrl+Q"),
    Entry("undo", "Undo", "Edit", "Ctrl+Z", icon="undo", in_toolbar=True, starts_group=True),
    Entry("redo", "Redo", "Edit", "Ctrl+Shift+Z", icon="redo", in_toolbar=True),
    Entry("paste", "Paste", "Edit", "Ctrl+V", tip="Open the copied image, or each copied file in its own tab",
          starts_group=True),
    Entry("copy_table", "Copy mark table", "Edit", "Ctrl+C", starts_group=True),
    Entry("copy_picture", "Copy picture", "Edit", "Ctrl+Shift+C",
          tip="Copy the picture of the active pane with all pixels of the image"),
    Entry("rename_mark", "Rename mark", "Edit", "F2"),
    Entry("remove_mark", "Remove mark", "Edit", "Del", tip="Remove the active mark"),
    Entry("clear_pins", "Clear marks", "Edit", "Ctrl+Backspace", icon="clear", tip="Remove all marks", in_toolbar=True),
    Entry("preferences", "Preferences…", "Edit", "Ctrl+,", tip="Theme, device, resolution, colours", starts_group=True),
    Entry("tool_point", "Pin", "Mark", "P", icon="point", tip="Click to mark a pixel", in_toolbar=True,
          choice="tool",
          starts_group=True),
    Entry("tool_rectangle", "Rectangle", "Mark", "R", icon="rectangle", tip="Drag to mark a rectangle",
          in_toolbar=True,
          choice="tool"),
    Entry("tool_ellipse", "Ellipse", "Mark", "E", icon="ellipse", tip="Drag to mark an ellipse", in_toolbar=True,
          choice="tool"),
    Entry("tool_polygon", "Polygon", "Mark", "G", icon="polygon",
          tip="Click the corners of a polygon; double-click or Enter closes it, Escape cancels", in_toolbar=True,
          choice="tool"),
    Entry("tool_lasso", "Lasso", "Mark", "L", icon="lasso", tip="Drag around a region to mark it", in_toolbar=True,
          choice="tool"),
    Entry("add_pin", "Pin at centre", "Mark", "Shift+P", tip="Mark the pixel at the centre of the view",
          starts_group=True),
    Entry("next_mark", "Next mark", "Mark", "N", tip="Make the next mark active"),
    Entry("previous_mark", "Previous mark", "Mark", "Shift+N", tip="Make the previous mark active"),
    Entry("band_values", "Values at all bands…", "Mark", tip="List the values of the active mark at all bands",
          starts_group=True),
    Entry("attach_reading", "Attach measured spectrum…", "Mark", "M", starts_group=True,
          tip="Attach the spectrum that was measured at the active mark; it corrects the whole reconstruction"),
    Entry("attach_reference", "Attach reference spectrum…", "Mark",
          tip="Attach one of the reference spectra, or of a patch of a colour chart, to the active mark"),
    Entry("use_reading", "Use measured spectrum", "Mark", "U", checkable=True,
          tip="Switch the measured spectrum of the active mark on or off"),
    Entry("detach_reading", "Detach measured spectrum", "Mark", "Shift+M",
          tip="Remove the measured spectrum from the active mark"),
    Entry("suggest_spots", "Where to measure next", "Mark", "W", starts_group=True,
          tip="Show the spots whose measured spectra would narrow the intervals of the image most"),
    Entry("mark_suggestions", "Mark suggested spots", "Mark", tip="Mark all suggested spots"),
    Entry("dismiss_suggestions", "Dismiss suggested spots", "Mark",
          tip="Hide the suggested spots, as Escape in the image does"),
    Entry("columns", "Columns of the table", "Mark", submenu=True, starts_group=True),
    *(
        Entry(f"show_{mode.name}", mode.title, "View", view_modes.key_of(mode), icon=mode.icon, tip=mode.tip,
              in_toolbar=bool(mode.icon), choice="mode",
              starts_group=mode in (view_modes.TABLE[0], view_modes.ANALYSES[AnalysisKind.CLASSES]))
        for mode in view_modes.TABLE
    ),
    Entry("plugin_modes", "Modes of plug-ins", "View", submenu=True),
    Entry("picture", "Active pane", "View", submenu=True),
    Entry("compare_with", "Compare with spectrum…", "View", tip="Show the similarity to a spectrum from a file"),
    Entry("choose_false_colour", "False-colour wavelengths…", "View", "Ctrl+3",
          tip="Set the wavelengths of the red, green and blue channels"),
    Entry("auto_levels", "Automatic levels", "View", "Ctrl+L",
          tip="Set the limits to the central 99 % of the values in view"),
    Entry("single", "Single pane", "View", choice="arrangement", starts_group=True),
    Entry("divide", "Divider", "View", "D", icon="divide", tip="Show two modes, left and right of a movable divider",
          choice="arrangement", in_toolbar=True),
    Entry("side_by_side", "Side by side", "View", "S", icon="side_by_side", tip="Show two modes in linked panes",
          choice="arrangement", in_toolbar=True),
    Entry("other_side", "Switch active pane", "View", "A",
          tip="Apply keys and menus to the other pane"),
    Entry("exchange", "Swap modes", "View", "X",
          tip="Swap the modes of two panes; in a single pane, return to the previous mode to compare both by blinking"),
    Entry("divider_left", "Move divider left", "View", "["),
    Entry("divider_right", "Move divider right", "View", "]"),
    Entry("fit", "Fit image", "View", "F", icon="fit", tip="Show the whole image", in_toolbar=True, starts_group=True),
    Entry("zoom_in", "Zoom in", "View", "Ctrl++ Ctrl+=",
          tip="Zoom in on the active mark, or on the centre of the view"),
    Entry("zoom_out", "Zoom out", "View", "Ctrl+-"),
    Entry("actual_size", "Actual size", "View", "Ctrl+1", tip="Show one image pixel per pixel of the screen (100 %)"),
    Entry("scale_bar", "Scale bar", "View", checkable=True,
          tip="Show a scale bar in image pixels, or in metres if the cube states the size of its pixels"),
    Entry("full_screen", "Full screen", "View", "F11", tip="Fill the screen with the window, or return from it"),
    Entry("next_tab", "Next tab", "View", "Ctrl+Tab", starts_group=True),
    Entry("previous_tab", "Previous tab", "View", "Ctrl+Shift+Tab"),
    Entry("panels", "Panels", "View", submenu=True, starts_group=True),
    Entry("reset_layout", "Reset layout", "View", tip="Restore the default panel layout"),
    Entry("play", "Play or pause sweep", "Wavelength", "Space"),
    Entry("longer", "1 nm up", "Wavelength", ". Right", starts_group=True),
    Entry("shorter", "1 nm down", "Wavelength", ", Left"),
    Entry("much_longer", "10 nm up", "Wavelength", "> Shift+Right :"),
    Entry("much_shorter", "10 nm down", "Wavelength", "< Shift+Left ;"),
    Entry("statistics", "Statistics", "Analysis", "K", starts_group=True,
          tip="Show statistics and histogram of the active mark or the image within an interval, and integrals"),
    Entry("export_statistics", "Export statistics…", "Analysis",
          tip="Export the visible table of the Statistics panel as CSV"),
    Entry("class_regions", "Make regions of classes…", "Analysis", starts_group=True,
          tip="Mark the largest areas of the selected classes or clusters, or of all"),
    Entry("class_statistics", "Statistics of classes…", "Analysis",
          tip="List mean, standard deviation, lowest and highest value of classes or clusters at each band"),
    Entry("export_class_map", "Export map of classes…", "Analysis",
          tip="Export the classes or clusters of all pixels as PNG, GeoTIFF, GeoJSON or ImageJ regions"),
    Entry("centres_as_references", "Use cluster centres as references", "Analysis",
          tip="Add the centres of the clusters to the reference spectra, which can be classes and endmembers"),
    Entry("remove_continuum", "Continuum removal", "Analysis", "H", checkable=True, starts_group=True,
          tip="Divide spectra by their upper convex hull, which leaves absorption bands; the table shows the deepest"),
    Entry("next_box", "Next averaging box", "Analysis", "B", starts_group=True,
          tip="Average over the next larger box around the mouse, or show single pixels again; a click marks the box"),
    *(
        Entry(f"box_{side}", f"Box of {side}×{side} pixels" if side > 1 else "Single pixel", "Analysis",
              choice="box", tip=f"Average over {side}×{side} image pixels around the mouse; a click marks the box"
              if side > 1 else "Show the spectrum of the pixel under the mouse; a click marks the pixel")
        for side in BOXES
    ),
    Entry("next_layer", "Next layer", "Analysis", "Alt+Down", starts_group=True,
          tip="Show the next endmember or component, or the scores of classes, in the active pane"),
    Entry("previous_layer", "Previous layer", "Analysis", "Alt+Up",
          tip="Show the previous endmember or component, or the scores of classes, in the active pane"),
    Entry("mix_layers", "Layers as colours", "Analysis", "Alt+0",
          tip="Show the first three endmembers or components as red, green and blue, or a single one again"),
    Entry("mask_regions", "Make regions of the mask", "Analysis",
          tip="Mark the largest connected parts in which the expression is true as regions"),
    Entry("export_map", "Export map of values…", "Analysis",
          tip="Export abundances, band math or components of all pixels as GeoTIFF, or a mask also as regions"),
    Entry("export_loadings", "Export loadings…", "Analysis", tip="Export mean and loadings of the components as CSV"),
    Entry("scatter_plot", "Scatter plot", "Analysis", "O", starts_group=True,
          tip="Compare two bands, indices or components of all pixels, and select pixels by them"),
    Entry("select_in_view", "Select what the scatter plot shows", "Analysis",
          tip="Select the pixels in the visible range of the scatter plot"),
    Entry("clear_selection", "Clear selection", "Analysis", tip="Select no pixel in the scatter plot"),
    Entry("selection_regions", "Make regions of selection", "Analysis",
          tip="Mark the largest connected parts of the selection as regions"),
    Entry("export_selection", "Export selection…", "Analysis",
          tip="Export the selected pixels as a mask (PNG, GeoTIFF) or as regions (GeoJSON, ImageJ)"),
    Entry("tool_transect", "Transect", "Analysis", "T", choice="tool", starts_group=True,
          tip="Drag a line to see the spectra along it; arrow keys move it, Enter chooses the end that they move"),
    Entry("add_transect", "Transect across view", "Analysis",
          tip="Draw a transect across the middle of the view; arrow keys move it"),
    Entry("remove_transect", "Remove transect", "Analysis", tip="Remove the transect, as Delete does with its tool"),
    Entry("export_transect", "Export transect…", "Analysis", tip="Export the spectra along the transect as CSV"),
    Entry("export_transect_figure", "Export figure of transect…", "Analysis",
          tip="Export picture and curve of the transect as PNG, SVG or PDF"),
    Entry("library", "Library", "Analysis", "I", starts_group=True, tip="Show the panel Library: what is it?"),
    Entry("open_libraries", "Open spectral libraries…", "Analysis", starts_group=True,
          tip="Open files of spectra to compare the active mark with: tables, ENVI, CGATS, CxF, ECOSTRESS, USGS"),
    Entry("open_library_folder", "Open folder of spectra…", "Analysis", tip="Open all spectra below a folder"),
    Entry("marks_as_library", "Use marks as library", "Analysis",
          tip="Add the spectra of the marks, as they are now, to the opened libraries"),
    Entry("save_marks", "Save marks as library…", "Analysis",
          tip="Save the spectra of the marks as an ENVI spectral library or a table"),
    Entry("metamers", "Metamers of the mark", "Analysis", checkable=True, starts_group=True,
          tip="List library spectra that photograph like the active mark: what it might be"),
    Entry("keep_matches", "Add matches to references", "Analysis",
          tip="Add the selected library spectra to the reference spectra of the plot"),
    Entry("copy_matches", "Copy matches", "Analysis", tip="Copy the list of matches as text"),
    Entry("export_matches", "Export matches…", "Analysis", tip="Export the list of matches as CSV"),
    Entry("open_model", "Open model…", "Model", tip="Reconstruct with a model from a file and add it to this menu"),
    Entry("install_model", "Install model…", "Model",
          tip="Verify a model package (a zip file or the config.json of a folder) and add it to this menu"),
    Entry("about_model", "About this model", "Model",
          tip="Show the model card: training data, accuracy and limitations"),
    Entry("guide", "User guide", "Help", "F1", tip="Show the user guide; works offline"),
    Entry("find_action", "Find action…", "Help", "Ctrl+K",
          tip="Search actions and recent files, or go to a wavelength"),
    Entry("shortcuts", "Keyboard shortcuts", "Help", "?", tip="List all keyboard shortcuts"),
    Entry("about", "About nesr_gui", "Help"),
)  # fmt: skip

_MENU_TITLES = {"Model": "Mo&del"}  # where the first letter is that of another menu
_DISABLED_REASONS = {
    "no image is open; open one first": (
        "import_marks", "single", "divide", "side_by_side", "fit", "zoom_in", "zoom_out", "add_pin", "close_tab",
        "save_session", "save_session_as", "export_picture", "copy_picture", "exchange", "actual_size", "scale_bar",
    ),
    "no reconstruction or cube is available; open one, or wait until it is ready": (
        "export_cube", "export_sweep", "auto_levels", "compare_with", "choose_false_colour", "add_transect",
    ),
    "no photograph is open; open one first": ("compare_cube", "compare_folder"),
    "no measured cube is open in this tab; open one first": ("photograph_cube",),
    "requires a photograph from a file; open one with a colour chart in it first": ("calibrate_camera",),
    "requires a reconstruction and its measured cube; compare with a measured cube first": ("export_comparison",),
    "no accuracy has been computed; compare with a measured cube and open the Accuracy panel": ("export_accuracy",),
    "requires an analysis with several layers; choose View ▸ Abundances or Components first": (
        "next_layer", "previous_layer", "mix_layers",
    ),
    "requires a comparison, such as b550 > 0.3; choose View ▸ Band math and enter one first": ("mask_regions",),
    "requires values of an analysis; choose View ▸ Abundances, Band math or Components first": ("export_map",),
    "requires components; choose View ▸ Components first": ("export_loadings",),
    "there are no marks; click a pixel first": (
        "export_curves", "export_table", "export_figure", "copy_table", "rename_mark", "remove_mark", "clear_pins",
        "next_mark", "previous_mark", "band_values", "marks_as_library", "save_marks",
    ),
    "there are no matches; open libraries and a mark in the panel Library first": (
        "keep_matches", "copy_matches", "export_matches",
    ),
    "no mark is active; click a pixel, or choose a mark, first": ("attach_reading", "attach_reference"),
    "the active mark has no measured spectrum; attach one first": ("use_reading", "detach_reading"),
    "requires a reconstruction; open a photograph, or wait until it is ready": ("suggest_spots",),
    "no spots are suggested; choose Where to measure next first": ("mark_suggestions", "dismiss_suggestions"),
    "no classes or clusters are shown; choose Classes (Alt+1) or Clusters (Alt+2) first": (
        "class_regions", "class_statistics", "export_class_map",
    ),
    "no clusters are known; choose Clusters (Alt+2) first": ("centres_as_references",),
    "the scatter plot shows nothing; open an image and the Scatter plot panel (O) first": ("select_in_view",),
    "no pixels are selected; drag around some in the scatter plot (O) first": (
        "clear_selection", "selection_regions", "export_selection",
    ),
    "there is no transect; choose its tool (T) and drag a line in the image first": (
        "remove_transect", "export_transect", "export_transect_figure",
    ),
    "requires two panes; choose Divider or Side by side first": (
        "other_side", "divider_left", "divider_right",
    ),
    "requires a photograph that has not been reconstructed": ("reconstruct",),
    "requires a photograph reconstructed at reduced resolution": ("reconstruct_fully",),
    "only one tab is open; open another image in a new tab": ("next_tab", "previous_tab"),
    "there is nothing to undo": ("undo",),
    "there is nothing to redo": ("redo",),
}  # fmt: skip
DISABLED_REASONS = {name: reason for reason, names in _DISABLED_REASONS.items() for name in names}
"""Why each action is disabled, and how to enable it; the reason of a mode depends on the open document."""

SYNONYMS = {
    "open_file": "load import image picture raw", "open_folder": "load directory zarr cave",
    "open_sample": "example demo test image colour checker", "open_recent": "history last file",
    "compare_cube": "truth ground reference validate error accuracy", "photograph_cube": "truth camera rgb render",
    "calibrate_camera": "colour checker colorchecker macbeth target white balance tone curve matrix profile anchors",
    "camera_profiles": "manage stored library calibration automatic exif remove",
    "save_session": "project workspace store", "save_session_as": "project workspace store",
    "export_cube": "save write hyperspectral envi hdf5 netcdf tiff matlab numpy sensor sentinel landsat",
    "export_curves": "save write csv table data curves",
    "export_table": "save write csv roi region geojson imagej table",
    "export_accuracy": "save write rmse sam psnr metrics csv",
    "export_comparison": "save write truth error map paper image",
    "export_sweep": "movie film video animation gif mp4 record",
    "export_figure": "save plot paper image svg pdf",
    "import_marks": "roi region geojson imagej load", "load_spectra": "library speclib endmember curves import",
    "reconstruct": "run compute predict infer", "reconstruct_fully": "run compute predict infer high quality",
    "close_tab": "document", "quit": "exit leave", "undo": "back revert step", "redo": "again repeat forward",
    "paste": "clipboard insert", "copy_table": "clipboard values", "rename_mark": "label name",
    "remove_mark": "delete erase pin roi", "clear_pins": "delete erase all roi", "preferences": "settings options",
    "tool_point": "pixel probe spectrum click", "tool_rectangle": "roi region box area", "tool_ellipse": "roi circle",
    "tool_polygon": "roi region area", "tool_lasso": "roi freehand region area", "add_pin": "centre middle pixel",
    "show_photograph": "rgb original input", "show_band": "channel wavelength monochrome grey",
    "show_rerendered": "relight illuminant light metamer d50 d65 colour", "show_false_colour": "composite infrared rgb",
    "show_colour_error": "delta e difference", "show_similarity": "spectral angle sam match classify",
    "show_uncertainty": "confidence interval error",
    "show_doubts": "warning clipped mask overexposed reliability", "show_truth_error": "difference accuracy ground",
    "show_classes": "classify sam spectral angle mapper matched filter target detection segmentation",
    "show_clusters": "k-means kmeans unsupervised segmentation groups",
    "show_abundances": "unmix unmixing endmember fraction fcls mixture",
    "show_expression": "band math index ratio ndvi vegetation calculator",
    "show_components": "pca mnf principal minimum noise fraction eigenvector loadings",
    "next_layer": "component endmember abundance", "previous_layer": "component endmember abundance",
    "mix_layers": "composite rgb false colour", "mask_regions": "roi threshold vectorise polygons",
    "export_map": "save write abundance index scores geotiff exr", "export_loadings": "save write eigenvectors csv",
    "columns": "header show hide value lab chromaticity dominant wavelength",
    "picture": "colormap palette lut contrast", "choose_false_colour": "composite rgb channels",
    "auto_levels": "contrast stretch histogram brightness exposure limits", "single": "one pane",
    "divide": "split wipe slider compare blink", "side_by_side": "split two compare linked",
    "exchange": "switch flip blink", "fit": "zoom reset whole", "zoom_in": "magnify larger", "zoom_out": "smaller",
    "actual_size": "100 % one to one 1:1 pixels zoom", "scale_bar": "ruler metres length",
    "full_screen": "fullscreen maximise window", "export_picture": "save screenshot png tiff exr geotiff image",
    "copy_picture": "screenshot clipboard image", "band_values": "table spectrum numbers list readout",
    "panels": "dock window sidebar show hide", "reset_layout": "default window docks restore",
    "play": "animate movie scan stop", "open_model": "network weights checkpoint load",
    "attach_reading": "anchor spectrometer measurement calibrate reading",
    "attach_reference": "anchor library chart patch",
    "use_reading": "anchor enable disable switch toggle", "detach_reading": "anchor remove reading",
    "suggest_spots": "anchor suggestion spectrometer plan", "mark_suggestions": "anchor spots pins",
    "dismiss_suggestions": "anchor hide clear",
    "statistics": "mean deviation minimum maximum percentile median histogram integral area under curve roi",
    "export_statistics": "save write csv mean deviation histogram integral",
    "class_regions": "classification mask roi polygon clusters segment",
    "class_statistics": "classification clusters mean deviation table csv",
    "export_class_map": "classification clusters save write png geotiff geojson imagej mask areas",
    "centres_as_references": "clusters endmembers library kmeans",
    "remove_continuum": "convex hull absorption band depth position width fwhm clark roush",
    "next_box": "mean neighbourhood window kernel smooth noise", "box_1": "averaging off none",
    **{f"box_{side}": f"averaging mean neighbourhood window kernel {side}x{side}" for side in BOXES[1:]},
    "scatter_plot": "scattergram feature space correlation pca principal components lasso brush 2d histogram",
    "select_in_view": "scatter range brush", "clear_selection": "scatter deselect none",
    "selection_regions": "scatter mask roi polygon", "export_selection": "scatter mask save geotiff geojson png",
    "tool_transect": "profile line section cut", "add_transect": "profile line section cut",
    "remove_transect": "delete profile line", "export_transect": "profile save csv table",
    "export_transect_figure": "profile save plot svg png",
    "library": "identify match speclib endmember what", "open_libraries": "speclib identify match load usgs ecostress",
    "open_library_folder": "speclib identify match load usgs splib07 ecostress directory",
    "marks_as_library": "speclib endmember own", "save_marks": "speclib endmember own export sli write",
    "metamers": "identify colour match what might be family", "keep_matches": "identify library plot compare",
    "copy_matches": "identify library clipboard", "export_matches": "identify library csv table save write",
    "install_model": "add download hub zip package",
    "about_model": "network card licence training", "guide": "manual documentation help tutorial",
    "find_action": "palette command search", "shortcuts": "keys keyboard hotkeys", "about": "version licence",
}  # fmt: skip
"""Other words by which the command palette finds actions and submenus."""


def make_actions(window: QMainWindow) -> tuple[dict[str, QAction], dict[str, QMenu]]:
    """Create all actions and submenus of `window`, in its menus and toolbar; returns both by name."""
    actions: dict[str, QAction] = {}
    submenus: dict[str, QMenu] = {}
    menus: dict[str, QMenu] = {}
    choices: dict[str, QActionGroup] = {}
    toolbar = window.addToolBar("Tools")
    toolbar.setObjectName("tools")
    toolbar.setMovable(False)
    toolbar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    for entry in TABLE:
        title = _MENU_TITLES.get(entry.menu, f"&{entry.menu}")
        menu = menus.get(entry.menu) or menus.setdefault(entry.menu, window.menuBar().addMenu(title))
        if entry.starts_group and not menu.isEmpty():
            menu.addSeparator()
        if entry.submenu:
            submenus[entry.name] = menu.addMenu(entry.text)
            submenus[entry.name].menuAction().setObjectName(entry.name)
            continue
        action = actions[entry.name] = _action(entry, window)
        action.setCheckable(entry.checkable)
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
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)  # saves toolbar space
    return actions, submenus


def _action(entry: Entry, window: QMainWindow) -> QAction:
    action = QAction(entry.text, window)
    action.setObjectName(entry.name)
    action.setShortcuts(entry.keys)
    action.setWhatsThis(DISABLED_REASONS.get(entry.name, ""))
    key = f" ({action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)})" if entry.shortcut else ""
    action.setToolTip((entry.tip or entry.text) + key)
    action.setIconText(entry.text.rstrip("…"))
    return action


def connect_actions(actions: Mapping[str, QAction], methods: Mapping[str, Callable[[], object]]) -> None:
    """Connect each action to the method of the same name.

    Raises:
        ValueError: an action has no method, or a method no action.
    """
    if unmatched := set(actions) ^ set(methods):
        raise ValueError(f"actions without a method or methods without an action: {', '.join(sorted(unmatched))}")
    for name, method in methods.items():
        actions[name].triggered.connect(lambda checked=False, method=method: method())


def colour_icons(actions: dict[str, QAction], window: QMainWindow) -> None:
    """Redraw the icons in the current palette of the window."""
    for entry in TABLE:
        if entry.icon:
            actions[entry.name].setIcon(theme.icon(entry.icon, window.palette()))


def enable(actions: dict[str, QAction], names: Iterable[str], enabled: bool) -> None:
    """Enable or disable several actions."""
    for name in names:
        actions[name].setEnabled(enabled)
