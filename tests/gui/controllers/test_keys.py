"""The keyboard does everything: palette, sheet, wavelength, marks."""

from collections import Counter

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.app import App
from nesr_gui.gui.views.actions import DISABLED_REASONS, SYNONYMS, TABLE
from nesr_gui.gui.views.dialogs.command_palette import CommandPalette, fitness, of_menus, of_wavelength
from nesr_gui.gui.views.dialogs.help import ShortcutSheet, sections
from tests.gui.conftest import BANDS, smooth_cube

SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


def opened_palette(app: App, *, typed: str = "") -> CommandPalette:
    if QApplication.activeWindow() is app.window:
        QTest.keyClick(app.window, Qt.Key.Key_K, CONTROL)
    else:  # offscreen, a window is not activated again when a dialog closes
        app.application.find_action()
    (palette,) = app.window.findChildren(CommandPalette)
    QTest.keyClicks(palette.line, typed)
    return palette


def enter(palette: CommandPalette) -> None:
    QTest.keyClick(palette.line, Qt.Key.Key_Return)


def test_fitness_prefers_words_and_names() -> None:
    texts = ["Export cube…", "Export spectra…", "Move divider left", "Reset layout"]

    def best(query: str) -> str:
        return max(texts, key=lambda text: -1.0 if (worth := fitness(query, text)) is None else worth)

    assert [best(query) for query in ("exp spec", "ec", "reslay", "left")] == [
        "Export spectra…", "Export cube…", "Reset layout", "Move divider left",
    ]  # fmt: skip
    assert fitness("qz", *texts) is None and fitness("", "anything") == 0
    assert fitness("RESUME", "résumé") is not None
    scattered = {
        "ebr": "Export cube",
        "snap": "Save session as project",
        "light": "Load in right hand tab",
        "ed": "Export dark",
    }
    assert {query for query, text in scattered.items() if fitness(query, text) is not None} == {"ed"}
    assert fitness("port", "Export cube") is not None and fitness("po", "Export cube") is None
    named, told = fitness("zoom", "Zoom in", ""), fitness("zoom", "Fit", "Zoom in")
    assert named is not None and told is not None and named > told


def test_the_palette_offers_every_action_and_does_it(opened: App, qtbot: QtBot) -> None:
    offered = {offer.name for offer in of_menus(opened.window.menuBar())}
    assert {action.text().replace("&", "") for action in opened.window.actions_by_name.values()} <= offered
    palette = opened_palette(opened, typed="side by")
    assert palette.shown()[0].name == "Side by side"
    enter(palette)
    qtbot.waitUntil(lambda: opened.document.view_settings.arrangement.name == "SIDE_BY_SIDE")
    qtbot.waitUntil(lambda: not opened.window.findChildren(CommandPalette))


def test_actions_settings_lights_and_controls_are_found_by_their_usual_names(opened: App) -> None:
    usual = {
        "illuminant d50": "Light: D50", "d50": "Light: D50", "metamer": "Re-rendered", "histogram": "Automatic levels",
        "contrast": "Automatic levels", "movie": "Export sweep…", "dark": "Theme: Dark", "dark theme": "Theme: Dark",
        "roi": "Rectangle", "undo": "Undo", "delete": "Remove mark", "settings": "Preferences…",
        "gpu": "Compute on: Automatic", "white balance": "White balance", "gamma": "Encoding",
        "screenshot": "Copy picture", "fullscreen": "Full screen", "100 %": "Actual size", "exposure": "Exposure",
        "d75": "Light: D75",
    }  # fmt: skip
    palette, first = opened_palette(opened), {}
    for typed in usual:
        palette.line.clear()
        QTest.keyClicks(palette.line, typed)
        first[typed] = [item.name for item in palette.shown()[:3]]
    palette.reject()
    assert {typed: names for typed, names in first.items() if usual[typed] not in names} == {}


def test_a_light_and_a_preference_are_chosen_in_the_palette(opened: App, qtbot: QtBot) -> None:
    enter(opened_palette(opened, typed="light d50"))
    qtbot.waitUntil(lambda: opened.document.viewing.light.name == "D50")
    qtbot.waitUntil(lambda: not opened.window.findChildren(CommandPalette))
    enter(opened_palette(opened, typed="autosave never"))
    qtbot.waitUntil(lambda: opened.preferences["autosave"] == "")
    qtbot.waitUntil(lambda: not opened.window.findChildren(CommandPalette))
    palette = opened_palette(opened, typed="autosave")
    assert {item.name: item.checked for item in palette.shown()}["Autosave: Never"] is True
    palette.reject()


def test_a_control_of_a_hidden_panel_is_revealed_and_focused(opened: App, qtbot: QtBot) -> None:
    opened.window.panels.reveal(opened.window.plot)
    enter(opened_palette(opened, typed="white balance"))
    box = opened.window.input.balance
    qtbot.waitUntil(lambda: opened.window.focusWidget() is box and box.isVisible())


def test_the_palette_follows_what_becomes_possible_while_it_is_open(opened: App, qtbot: QtBot) -> None:
    palette = opened_palette(opened, typed="rename mark")
    assert not palette.shown()[0].possible
    opened.document.add_pin(3, 4)
    qtbot.waitUntil(lambda: palette.shown()[0].possible)
    palette.line.setText("single pane")
    assert palette.shown()[0].checked is True
    opened.view.show_side_by_side()
    qtbot.waitUntil(lambda: palette.shown()[0].checked is False)
    palette.line.setText("side")
    palette.list.setCurrentRow(1)
    chosen = palette.shown()[1].name
    opened.document.mark_set.remove(*range(1, 100))
    qtbot.waitUntil(lambda: not opened.window.actions_by_name["rename_mark"].isEnabled())
    assert palette.list.currentItem().text() == chosen
    palette.reject()


def test_the_palette_lists_an_action_once_that_panels_have_buttons_for(opened: App) -> None:
    opened.document.open_cube("cube.h5", CubeField(smooth_cube(6, 8), BANDS), (0.0, 1.0))
    for name in ("accuracy", "anchors"):
        next(dock for dock in opened.window.panels.docks if dock.objectName() == name).show()
    for typed, menu in (("simulate", "File"), ("where to measure", "Mark")):
        palette = opened_palette(opened, typed=typed)
        assert [item.menu for item in palette.shown() if typed in item.name.lower()] == [menu]
        palette.reject()
        palette.deleteLater()
        QApplication.sendPostedEvents(palette, QEvent.Type.DeferredDelete.value)


def test_the_palette_says_that_nothing_was_found(opened: App) -> None:
    palette = opened_palette(opened, typed="zzqy")
    assert palette.nothing.isVisible() and palette.nothing.text() == "Nothing found for “zzqy”"
    QTest.keyClicks(palette.line, "\b" * 4 + "fit")
    assert palette.list.isVisible() and not palette.nothing.isVisible()
    palette.reject()


def test_synonyms_belong_to_actions(app: App) -> None:
    assert set(SYNONYMS) <= {*app.window.actions_by_name, *app.window.submenus}


@pytest.mark.parametrize(("typed", "nm"), [("612", 612.0), ("433.3 nm", 433.3), ("433,3nm", 433.3)])
def test_a_wavelength_that_is_typed_is_gone_to(opened: App, qtbot: QtBot, typed: str, nm: float) -> None:
    enter(opened_palette(opened, typed=typed))
    qtbot.waitUntil(lambda: opened.document.nm == nm)


def test_a_wavelength_outside_is_refused_with_the_range(opened: App) -> None:
    palette = opened_palette(opened, typed="900")
    first = palette.shown()[0]
    assert not first.possible and first.why == "the open image covers 400-700 nm"
    enter(palette)
    assert palette.isVisible() and opened.document.nm == 550
    palette.reject()
    assert of_wavelength("12 pins", (400, 700), print) is None


def test_the_palette_is_led_by_keys_and_says_what_enter_does(opened: App, qtbot: QtBot) -> None:
    palette = opened_palette(opened, typed="export")
    first = palette.list.currentRow()
    QTest.keyClick(palette.line, Qt.Key.Key_Down)
    assert palette.list.currentRow() == first + 1
    assert palette.shown()[first + 1].name in palette.line.accessibleDescription()
    QTest.keyClick(palette.line, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not opened.window.findChildren(CommandPalette))


def test_what_cannot_be_done_says_why(app: App) -> None:
    offers = {offer.name: offer for offer in of_menus(app.window.menuBar())}
    silent = [name for name, offer in offers.items() if not offer.possible and not offer.why]
    assert silent == []
    assert offers["Rename mark"].why == "there are no marks; click a pixel first"
    palette = opened_palette(app, typed="rename")
    enter(palette)
    assert palette.isVisible()
    palette.reject()
    assert set(DISABLED_REASONS) <= set(app.window.actions_by_name)


def test_the_sheet_tells_every_key(app: App) -> None:
    told = {key for _, rows in sections() for _, keys in rows for key in keys}
    native = QKeySequence.SequenceFormat.NativeText
    for action in app.window.actions_by_name.values():
        assert {key.toString(native) for key in action.shortcuts()} <= told
    QTest.keyClick(app.window, Qt.Key.Key_Question)
    (sheet,) = app.window.findChildren(ShortcutSheet)
    assert "10 nm down" in sheet.text.toPlainText() and "Ctrl+K" in sheet.text.toPlainText()
    sheet.close()


def test_no_two_actions_share_a_key(app: App) -> None:
    keys = Counter(key.toString() for action in app.window.findChildren(QAction) for key in action.shortcuts())
    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize(
    ("key", "nm"), [(".", 551), (",", 549), (">", 560), ("<", 540), (":", 560), (";", 540)]
)  # < > are Shift with , . on American keyboards, ; : on German ones
def test_marks_of_punctuation_step_the_wavelength(opened: App, key: str, nm: float) -> None:
    QTest.keyClicks(opened.window, key)
    assert opened.document.nm == nm


def test_arrows_move_the_active_mark_while_the_image_has_the_focus(opened: App) -> None:
    image, mark_set = opened.window.image, opened.document.mark_set
    QTest.keyClick(image, Qt.Key.Key_Right)
    assert opened.document.nm == 551  # there is no mark
    QTest.keyClick(opened.window, Qt.Key.Key_P, SHIFT)
    assert [mark.pixel for mark in mark_set.marks] == [(30, 40)] and QApplication.focusWidget() is image
    QTest.keyClick(image, Qt.Key.Key_Right)
    QTest.keyClick(image, Qt.Key.Key_Up, SHIFT)
    assert [mark.pixel for mark in mark_set.marks] == [(20, 41)] and opened.document.nm == 551
    QTest.keyClick(opened.window.bar, Qt.Key.Key_Right)
    assert opened.document.nm == 552
    opened.application.undo()  # consecutive moves of one mark are one step
    assert [mark.pixel for mark in mark_set.marks] == [(30, 40)]
    opened.application.undo()
    assert mark_set.marks == ()


def test_marks_are_gone_through_and_zoomed_to(opened: App) -> None:
    for col in (10, 20, 30):
        opened.document.add_pin(5, col)
    active = []
    for key in ("N", "N", "Shift+N"):
        QTest.keySequence(opened.window, QKeySequence(key))
        active.append(opened.document.mark_set.active)
    assert active == [1, 2, 1]
    before = opened.window.image.view()
    QTest.keyClick(opened.window, Qt.Key.Key_Plus, CONTROL)
    view = opened.window.image.view()
    assert view.right - view.left == pytest.approx((before.right - before.left) / 2)
    assert ((view.top + view.bottom) / 2, (view.left + view.right) / 2) == pytest.approx((5.5, 10.5))
    QTest.keyClick(opened.window, Qt.Key.Key_Minus, CONTROL)
    assert opened.window.image.view().right - opened.window.image.view().left > view.right - view.left


def test_every_menu_has_actions_with_keys_that_parse() -> None:
    assert all(not key.isEmpty() for entry in TABLE for key in entry.keys)
