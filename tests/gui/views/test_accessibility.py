"""Everyone can use it: names, keys, focus that is seen, colours that are told apart."""

import itertools
import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QPalette
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QApplication,
    QComboBox,
    QDialog,
    QDockWidget,
    QGroupBox,
    QLabel,
    QMenu,
    QMenuBar,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from nesr_gui.gui.app import App
from nesr_gui.gui.drawing import theme
from nesr_gui.gui.model.palette import MARK_COLOURS
from nesr_gui.gui.tasks.loading import CardRequest
from nesr_gui.gui.views.dialogs.cube_import import CubeImportDialog
from nesr_gui.gui.views.message_bar import GROUNDS
from nesr_gui.io.cubes.description import AmbiguousFile

ROLES = QPalette.ColorRole
DIALOGS: dict[str, Callable[[App], object]] = {
    "palette": lambda app: app.application.find_action(),
    "sheet": lambda app: app.application.show_shortcuts(),
    "preferences": lambda app: app.application.show_preferences(),
    "guide": lambda app: app.application.show_guide(),
    "card": lambda app: app.models._show_card(CardRequest(Path("model.safetensors")), "# A card"),
    "about": lambda app: app.application.show_about(),
    "export cube": lambda app: app.exporter.export_cube(),
    "calibration": lambda app: app.calibration.open(),
    "camera profiles": lambda app: app.calibration.open_profiles(),
    "export figure": lambda app: app.exporter.export_figure(),
    "export picture": lambda app: app.exporter.export_picture(),
    "sweep": lambda app: app.exporter.export_sweep(),
    "false colour": lambda app: app.view.choose_false_colour(),
    "reading": lambda app: CubeImportDialog(
        AmbiguousFile("which axis holds the bands?", "band_axis", choices=("0", "1", "2")), app.window
    ).open(),
}


def nameless(root: QWidget) -> list[tuple[str, str]]:
    """Widgets that take the focus and have nothing by which a screen reader could call them."""
    areas = [root, *root.findChildren(QAbstractScrollArea)]
    inner: set[QWidget] = {area.viewport() for area in areas if isinstance(area, QAbstractScrollArea)}
    inner |= {box.view() for box in root.findChildren(QComboBox)}  # the area and the box have the name
    return [
        (type(widget).__name__, widget.objectName()) for widget in root.findChildren(QWidget)
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus and widget not in inner
        and not widget.objectName().startswith("qt_") and not name(widget)
    ]  # fmt: skip


def name(widget: QWidget) -> str:
    return widget.accessibleName() or (widget.text() if isinstance(widget, QAbstractButton) else "")


def test_every_control_of_the_window_has_a_name(opened: App) -> None:
    for dock in opened.window.findChildren(QDockWidget):
        dock.show()
    opened.view.show_side_by_side()
    opened.document.add_pin(3, 4)
    assert nameless(opened.window) == []


def mnemonics(root: QWidget) -> Counter[str]:
    """Letters that work with Alt in a window, including its hidden panels; a menu has letters of its own."""
    texts: list[str] = [part.text() for part in root.findChildren(QAbstractButton)]
    texts += [part.text() for part in root.findChildren(QLabel) if part.buddy() is not None]
    texts += [part.title() for part in root.findChildren(QGroupBox)]
    texts += [bar.tabText(at) for bar in root.findChildren(QTabBar) for at in range(bar.count())]
    texts += [action.text() for bar in root.findChildren(QMenuBar) for action in bar.actions()]
    keys = [QKeySequence.mnemonic(text).toString() for text in texts]
    return Counter(key for key in keys if key)


def test_mnemonics_of_the_window_are_unique(opened: App, photograph: Path, qtbot: QtBot) -> None:
    for name in ("black & white.png", "file & edit.png"):  # no letters of the window
        opened.files.open(photograph.rename(photograph.with_name(name)), beside=True)
        qtbot.waitUntil(lambda name=name: opened.document.name == name)
        photograph = photograph.with_name(name)
    for dock in opened.window.findChildren(QDockWidget):
        dock.show()
    found = mnemonics(opened.window)
    assert {"Alt+F", "Alt+E"} <= set(found) and [key for key, count in found.items() if count > 1] == []
    for menu in opened.window.findChildren(QMenu):
        menu.aboutToShow.emit()
        letters = Counter(QKeySequence.mnemonic(action.text()).toString() for action in menu.actions())
        assert [key for key, count in letters.items() if key and count > 1] == [], menu.title()


def cut_off(dialog: QDialog) -> list[str]:
    """Parts that reach beyond a dialog, which Qt limits to two thirds of the screen: 800 pixels wide here."""
    return [
        type(part).__name__ for part in dialog.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
        if part.isVisible() and not part.isWindow() and not dialog.rect().contains(part.geometry())
    ]  # fmt: skip


@pytest.mark.parametrize("which", DIALOGS)
def test_a_dialog_is_whole_and_its_controls_have_names_and_letters_of_their_own(
    opened: App, qapp: QApplication, which: str
) -> None:
    opened.document.add_pin(3, 4)
    DIALOGS[which](opened)
    (dialog,) = [widget for widget in qapp.topLevelWidgets() if isinstance(widget, QDialog) and widget.isVisible()]
    qapp.processEvents()
    assert cut_off(dialog) == [] and dialog.width() >= dialog.minimumSizeHint().width()
    assert nameless(dialog) == [] and dialog.windowTitle()
    kinds = [box for box in dialog.findChildren(QComboBox) if box.accessibleName() == "Band selection"]
    for at in range(kinds[0].count() if kinds else 1):  # fields with labels of their own
        if kinds:
            kinds[0].setCurrentIndex(at)
        assert [key for key, count in mnemonics(dialog).items() if count > 1] == []
    dialog.reject()


def tab_order(app: App) -> Iterator[QWidget]:
    """What Tab goes to, from the image on, once round."""
    first = app.window.image
    first.setFocus()
    widget: QWidget = first.nextInFocusChain()
    while widget is not first:
        takes = widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        if takes and widget.isVisible() and widget.isEnabled() and not widget.visibleRegion().isEmpty():
            yield widget
        widget = widget.nextInFocusChain()


def test_tab_reaches_everything_and_where_it_is_is_seen(opened: App, qtbot: QtBot) -> None:
    """What has the focus looks different: itself, or the frame around it."""
    opened.document.add_pin(3, 4)
    opened.window.activateWindow()
    opened.window.setAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange)  # as after Tab was pressed
    reached = [opened.window.image, *tab_order(opened)]
    assert opened.window.bar.slider in reached and opened.window.table in reached
    unseen = []
    for widget in reached:
        opened.window.setFocus()
        before = opened.window.grab().toImage()
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        if opened.window.grab().toImage() == before:
            unseen.append(name(widget))
    assert unseen == [], unseen


def test_the_frame_outlives_what_it_framed(app: App, tmp_path: Path, qtbot: QtBot) -> None:
    page = app.window.start
    page.show_recent([tmp_path / "one.png"])
    (tile,) = page.recent.values()
    app.window.activateWindow()
    tile.setFocus()
    page.show_recent([])
    qtbot.waitUntil(lambda: not isValid(tile))
    app.window.plot.setFocus()
    assert isValid(app.window.focus_ring) and app.window.focus_ring.isVisible()


def test_the_frame_leaves_the_labels_of_the_slider_free(app: App) -> None:
    slider = app.window.bar.slider
    slider.resize(500, slider.sizeHint().height())  # wide enough for labels at both ends
    picture = slider.grab().toImage()
    labels, width = range(int(slider.track().bottom()) + 6, picture.height()), picture.width()
    for x in (0, 1, 2, width - 3, width - 2, width - 1):
        assert len({picture.pixel(x, y) for y in labels}) == 1, "a label"


def luminance(colour: str) -> float:
    encoded = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    """WCAG 2's ratio, 1 to 21."""
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_text_and_signs_stand_out_from_their_ground(dark: bool, qapp: QApplication) -> None:
    """WCAG 2 AA: 4.5 for text, 3 for what is not text."""
    palette = theme.palette(dark)

    def named(role: QPalette.ColorRole) -> str:
        return palette.color(QPalette.ColorGroup.Active, role).name()

    grounds = (ROLES.Window, ROLES.Base, ROLES.AlternateBase, ROLES.Button)
    texts = [*itertools.product((ROLES.WindowText, ROLES.Text, ROLES.ButtonText, ROLES.PlaceholderText), grounds)]
    texts += [(ROLES.HighlightedText, ROLES.Highlight), (ROLES.ToolTipText, ROLES.ToolTipBase)]
    texts += [(ROLES.Link, ROLES.Base), (ROLES.BrightText, ROLES.Window)]
    poor = [(a.name, b.name, ratio) for a, b in texts if (ratio := contrast(named(a), named(b))) < 4.5]
    poor += [("focus", b.name, ratio) for b in grounds if (ratio := contrast(named(ROLES.Highlight), named(b))) < 3]
    poor += [
        (colour, "plot", ratio) for kind in MARK_COLOURS.values() for colour in kind.colours.values()
        if (ratio := contrast(colour, named(ROLES.Base))) < 3
    ]  # fmt: skip
    poor += [
        ("notice", ground, ratio) for (ground, _) in GROUNDS[dark].values()
        if (ratio := contrast(named(ROLES.WindowText), ground)) < 4.5
    ]  # fmt: skip
    assert poor == []


@pytest.mark.parametrize(
    ("kind", "least"), [(None, 20), ("Protanomaly", 14), ("Deuteranomaly", 14), ("Tritanomaly", 14)]
)
def test_colour_blind_eyes_tell_the_marks_apart(kind: str | None, least: float) -> None:
    """ΔE2000 between any two colours, as eyes without one kind of cones see them (Machado et al. 2009)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import colour

        matrix = np.eye(3) if kind is None else colour.matrix_cvd_Machado2009(kind, 1.0)
    colours = MARK_COLOURS["safe"].colours.values()
    encoded = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours]) / 255
    linear = np.clip(colour.models.eotf_sRGB(encoded) @ matrix.T, 0, 1)
    white = colour.CCS_ILLUMINANTS["CIE 1931 2 Degree Standard Observer"]["D65"]
    lab = colour.XYZ_to_Lab(linear @ colour.RGB_COLOURSPACES["sRGB"].matrix_RGB_to_XYZ.T, white)
    differences = [float(colour.delta_E(a, b, method="CIE 2000")) for a, b in itertools.combinations(lab, 2)]
    assert min(differences) >= least and not math.isnan(min(differences))
