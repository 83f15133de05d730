"""Preferences: one table, kept, each with its effect."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDockWidget
from pytestqt.qtbot import QtBot

from nesr_gui.gui.app import App
from nesr_gui.gui.drawing.theme import ColourScheme, is_dark
from nesr_gui.gui.model.palette import MARK_COLOURS, Theme
from nesr_gui.gui.model.preferences import (
    TABLE,
    Preference,
    Preferences,
    data_folder,
    nothing_remembered,
    profile_library,
    settings,
)
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.views.dialogs.preferences import PreferencesDialog
from tests.gui.conftest import FakeEngine


@pytest.fixture(autouse=True)
def light_again(qapp: QApplication) -> object:
    yield
    ColourScheme().choose(Theme.LIGHT)


def open_dialog(app: App) -> PreferencesDialog:
    QTest.keyClick(app.window, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
    (dialog,) = app.window.findChildren(PreferencesDialog)
    return dialog


def pick(dialog: PreferencesDialog, key: str, value: str) -> None:
    """As with the mouse or the arrow keys."""
    box = dialog.boxes[key]
    box.setCurrentIndex(box.findData(value))
    box.activated.emit(box.currentIndex())


@pytest.mark.parametrize("preference", TABLE, ids=lambda preference: preference.key)
def test_every_preference_has_a_default_among_its_choices_and_is_kept(preference: Preference, qtbot: QtBot) -> None:
    preferences = Preferences()
    key, choices = preference.key, preference.choices
    assert preferences[key] == preference.default in choices
    other = next(value for value in choices if value != preferences[key])
    with qtbot.waitSignal(preferences.changed) as told:
        preferences.choose(key, other)
    assert told.args == [key] and Preferences()[key] == other
    with pytest.raises(ValueError, match="choose one of"):
        preferences.choose(key, "nonsense")
    preferences.reset()
    assert Preferences()[key] == preference.default


def test_what_is_kept_but_no_choice_any_more_is_the_default() -> None:
    settings().setValue("preferences/theme", "sepia")
    assert Preferences()["theme"] == "system"


def test_themes_switch_live_with_their_icons_and_are_kept(app: App, qapp: QApplication, qtbot: QtBot) -> None:
    def ink() -> int:
        image = app.window.actions_by_name["open_file"].icon().pixmap(18, 18).toImage()
        inks = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
        return max((colour for colour in inks if colour.alpha() > 200), key=lambda colour: colour.alpha()).lightness()

    dialog = open_dialog(app)
    pick(dialog, "theme", "dark")
    qtbot.waitUntil(lambda: app.window.plot.backgroundBrush().color().lightness() < 60)
    qtbot.waitUntil(lambda: ink() > 150)
    assert is_dark(qapp.palette()) and app.window.table.palette().base().color().lightness() < 60
    pick(dialog, "theme", "light")
    qtbot.waitUntil(lambda: app.window.plot.backgroundBrush().color().lightness() > 200 and ink() < 100)
    dialog.close()
    assert Preferences()["theme"] == "light"


def test_a_chosen_theme_does_not_follow_the_system(qapp: QApplication) -> None:
    scheme = ColourScheme()
    for theme, dark in ((Theme.DARK, True), (Theme.LIGHT, False)):
        scheme.choose(theme)
        qapp.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Light if dark else Qt.ColorScheme.Dark)
        assert is_dark(qapp.palette()) == dark


def test_device_and_resolution_reconstruct_what_is_open(opened: App, engine: FakeEngine, qtbot: QtBot) -> None:
    field = opened.document.field
    opened.preferences.choose("device", "cpu")
    qtbot.waitUntil(lambda: opened.document.field is not field and not opened.worker.is_busy(Task.RECONSTRUCT))
    assert engine.asked_devices == ["auto", "cpu"]
    engine.model.working_pixels = 60 * 80 // 4  # what is preferred counts, where it is, and not what is quick
    opened.preferences.choose("working_pixels", "250000")
    qtbot.waitUntil(lambda: not opened.worker.is_busy(Task.RECONSTRUCT))
    assert opened.document.binning == 1
    opened.preferences.reset()
    qtbot.waitUntil(lambda: opened.document.binning == 2)


def test_colours_of_bands_and_marks(opened: App, qtbot: QtBot) -> None:
    opened.document.add_pin(1, 1)
    opened.preferences.choose("mark_colours", "vivid")
    opened.document.add_pin(2, 2)
    assert [mark.colour for mark in opened.document.marks] == [MARK_COLOURS["safe"][1], MARK_COLOURS["vivid"][2]]
    opened.preferences.choose("colormap", "viridis")
    opened.view.show_mode("band")
    qtbot.waitUntil(lambda: (shown := opened.renderers[0].shown) is not None and shown.request.colormap == "viridis")


def test_reset_puts_preferences_and_layout_back(app: App) -> None:
    dialog = open_dialog(app)
    pick(dialog, "mark_colours", "vivid")
    light = app.window.findChild(QDockWidget, "light")
    light.hide()
    app.application.reset()
    assert dialog.boxes["mark_colours"].currentData() == "safe"
    assert not light.isHidden()
    dialog.close()


def test_pictures_and_benchmarks_use_no_stored_data() -> None:
    """Neither autosave copies nor camera profiles of the user."""
    usual = data_folder()
    with nothing_remembered():
        during = data_folder()
        assert during.is_dir() and during != usual
    assert data_folder() == usual and not during.exists()
    assert profile_library().name == "camera_profiles.json"
