"""The scale bar: a round length in image pixels, or in metres where the cube states the size of its pixels."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nesr_gui.gui.app import App
from nesr_gui.gui.model.document import DocumentSource
from nesr_gui.gui.views.image.scale_bar import ScaleBar, round_length
from nesr_gui.io.georeference import Georeference

UTM = "{UTM, 1.000, 1.000, 500000.0, 4100000.0, 30.0, 30.0, 11, North, WGS-84, units=Meters}"


def test_lengths_are_round_and_as_long_as_there_is_room() -> None:
    assert [round_length(n, is_whole=True) for n in (0.3, 1, 1.99, 2, 4.9, 5, 99.9, 100, 7000)] == [
        1, 1, 1, 2, 2, 5, 50, 100, 5000,
    ]  # fmt: skip
    assert round_length(0.07, is_whole=False) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("pixels", "metres", "text", "length"),
    [
        (1.0, None, "100 px", 100.0), (0.1, None, "10 px", 100.0), (0.004, None, "1 px", 250.0),
        (1.0, 30.0, "2 km", 2000 / 30), (0.5, 1.0, "50 m", 100.0),
        (1.0, 1e-5, "1 mm", 100.0),
    ],
)  # fmt: skip
def test_the_bar_is_as_long_as_it_says(
    qtbot: QtBot, pixels: float, metres: float | None, text: str, length: float
) -> None:
    bar = ScaleBar(None)
    qtbot.addWidget(bar)
    bar.show_scale(pixels, metres)
    assert bar.text == text and bar.length == pytest.approx(length) and bar.width() >= length


def test_the_scale_bar_follows_zoom_and_document(opened: App, qtbot: QtBot) -> None:
    bar, image, action = opened.window.image.scale_bar, opened.window.image, opened.window.actions_by_name["scale_bar"]
    opened.window.hints.hide()
    QApplication.processEvents()
    assert not bar.isVisible()
    action.trigger()
    assert bar.isVisible() and action.isChecked() and opened.document.view_settings.scale_bar
    image.zoom(3.0, None)
    left, right = (image.position_of(0, col).x() for col in (0, int(bar.text.removesuffix(" px"))))
    assert bar.length == pytest.approx(right - left, abs=1)
    assert image.rect().contains(bar.geometry()) and bar.geometry().bottom() > image.height() - 20
    opened.document.start_from(DocumentSource(Path("photo.tif")), Georeference.parse(UTM))
    assert bar.text.endswith(" m")
    action.trigger()
    assert not bar.isVisible() and not action.isChecked()
