"""The first minutes: start page, first steps, guide."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nesr_gui import resources
from nesr_gui.gui.app import App
from nesr_gui.gui.drawing.theme import ColourScheme
from nesr_gui.gui.model.palette import Theme
from nesr_gui.gui.model.preferences import recent_files
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.views.dialogs.help import GuideText, GuideWindow
from nesr_gui.gui.views.main_window import WINDOW_SIZE
from nesr_gui.gui.views.message_bar import STEPS

LEFT = Qt.MouseButton.LeftButton


def test_the_start_page_stands_until_something_is_open(app: App, photograph: Path, qtbot: QtBot) -> None:
    page = app.window.start
    assert page.isVisible() and not app.window.panes.isVisible()
    assert len(page.samples) == len(resources.samples())
    app.files.open(photograph)
    assert not page.isVisible()  # at once, so that it does not flash by
    qtbot.waitUntil(lambda: app.document.source_shape is not None)
    assert app.window.panes.isVisible() and app.window.image.is_fitted


def test_it_comes_back_when_the_file_cannot_be_read(app: App, tmp_path: Path, qtbot: QtBot) -> None:
    app.files.open(tmp_path / "none.png")
    qtbot.waitUntil(app.window.start.isVisible)
    assert app.window.messages.isVisible()


@pytest.mark.parametrize("key", [None, Qt.Key.Key_Space])
def test_a_sample_is_one_click_or_one_key(app: App, qtbot: QtBot, key: Qt.Key | None) -> None:
    app.window.resize(1280, 800)
    sample = resources.samples()[1]
    tile = app.window.start.samples[sample.photograph]
    qtbot.waitUntil(lambda: not app.worker.is_busy(Task.SAMPLE_THUMBNAILS))
    assert tile.icon().actualSize(tile.iconSize()).width() > 60
    if key is None:
        QTest.mouseClick(tile, LEFT)
    else:
        tile.setFocus()
        QTest.keyClick(tile, key)
    qtbot.waitUntil(lambda: app.document.source_shape is not None)
    assert app.document.name == sample.photograph.name and app.document.truth is not None


def test_the_picture_of_a_sample_keeps_its_size_when_it_is_a_recent_file(app: App, qtbot: QtBot) -> None:
    sample = resources.samples()[0]
    tile = app.window.start.samples[sample.photograph]
    qtbot.waitUntil(lambda: not app.worker.is_busy(Task.SAMPLE_THUMBNAILS))
    before = tile.icon().actualSize(tile.iconSize())
    app.open_sample(sample)
    qtbot.waitUntil(lambda: sample.photograph in recent_files())
    qtbot.waitUntil(lambda: not app.worker.is_busy(Task.RECENT_THUMBNAILS))
    assert tile.icon().actualSize(tile.iconSize()) == before


def test_recent_files_have_pictures_and_missing_ones_cannot_be_picked(
    opened: App, photograph: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    page, gone = opened.window.start, tmp_path / "gone.png"
    gone.write_bytes(photograph.read_bytes())
    opened.files.open(gone)
    qtbot.waitUntil(
        lambda: set(page.recent) == {gone, photograph} and not opened.worker.is_busy(Task.RECENT_THUMBNAILS)
    )
    assert page.recent[gone].icon().actualSize(page.recent[gone].iconSize()).width() == 48
    gone.unlink()
    opened.files.recent_changed.emit()
    qtbot.waitUntil(lambda: not page.recent[gone].isEnabled())
    assert page.recent[photograph].isEnabled()


def test_first_steps_go_for_good_as_they_are_done(opened: App, qtbot: QtBot) -> None:
    bar = opened.window.hints
    assert bar.isVisible() and all(text in bar.text.text() for text in STEPS.values())
    opened.document.add_pin(3, 4)
    opened.document.set_wavelength(500.0)
    assert opened.first_steps.left() == ["export"] and STEPS["export"] in bar.text.text()
    assert STEPS["pixel"] not in bar.text.text()
    opened.exporter.exported.emit()
    assert not bar.isVisible() and opened.first_steps.left() == []
    opened.first_steps.start_again()
    assert bar.isVisible()
    QTest.mouseClick(bar.close_button, LEFT)
    assert not bar.isVisible() and opened.first_steps.left() == []


def test_first_steps_do_not_widen_the_window(opened: App) -> None:
    window = opened.window
    for dock in window.panels.docks:
        dock.show()
    assert window.hints.isVisible()
    narrow = window.minimumSizeHint().width()
    assert narrow <= WINDOW_SIZE.width() and window.hints.minimumSizeHint().width() < 300
    window.hints.hide()
    assert window.minimumSizeHint().width() == narrow


def test_without_an_image_there_is_no_hint(app: App) -> None:
    assert not app.window.hints.isVisible()


def test_help_shows_the_guide_with_its_pictures(app: App, qtbot: QtBot) -> None:
    QTest.keyClick(app.window, Qt.Key.Key_F1)
    (guide,) = app.window.findChildren(GuideWindow)
    headings = guide.text.headings()
    assert headings[0][:2] == (1, "nesr_gui") and guide.contents.count() == len(headings)
    guide.contents.setCurrentRow(1)
    assert guide.text.textCursor().block().text() == headings[1][1]
    guide.search.setText("Ctrl+K")
    guide.search.returnPressed.emit()
    assert guide.text.textCursor().selectedText() == "Ctrl+K"
    app.application.show_guide()
    assert app.window.findChildren(GuideWindow) == [guide]
    guide.close()
    qtbot.waitUntil(lambda: not app.window.findChildren(GuideWindow))


def test_pictures_of_the_guide_are_there_and_follow_width_and_theme(
    qapp: QApplication, tmp_path: Path, qtbot: QtBot
) -> None:
    for name, colour in (("a.png", Qt.GlobalColor.white), ("a-dark.png", Qt.GlobalColor.black)):
        image = QImage(2000, 100, QImage.Format.Format_RGB32)
        image.fill(colour)
        image.save(str(tmp_path / name))
    (tmp_path / "guide.md").write_text("# One\n\n![picture](a.png)\n\n## Two\n\n[up](#one)\n")
    text = GuideText()
    qtbot.addWidget(text)
    text.resize(600, 300)
    text.show()
    text.show_page(tmp_path / "guide.md")

    def shown() -> QImage:
        picture = text.loadResource(2, QUrl("a.png"))
        assert isinstance(picture, QImage)
        return picture

    for theme, lightness in ((Theme.DARK, 0), (Theme.LIGHT, 255)):
        ColourScheme().choose(theme)
        qtbot.waitUntil(lambda wanted=lightness: shown().pixelColor(5, 5).lightness() == wanted)
        assert 400 < shown().width() < 600
    text.anchorClicked.emit(QUrl("#two"))
    assert text.textCursor().block().text() == "Two"
