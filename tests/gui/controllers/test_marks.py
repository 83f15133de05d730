"""Marks as regions of other programs: exported, imported, and dropped on the window."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.app import App
from nesr_gui.gui.model.palette import MARK_COLOURS
from nesr_gui.io.regions.files import NamedRegion, write_regions
from nesr_gui.regions import Region, Shape
from nesr_gui.spectral import Quantity
from tests.gui.conftest import BANDS, smooth_cube

LEAF = Region.rectangle(2, 3, 20, 40)
FAR = Region.rectangle(99, 99, 120, 120)  # outside the photograph
UTM = "UTM, 1, 1, 500000, 5200000, 10, 10, 33, North, WGS-84"


def drop(app: App, *paths: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    modifier, button = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    app.window.dropEvent(QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, mime, button, modifier))


@pytest.mark.parametrize("ending", [".geojson", ".zip", ".csv"])
def test_marks_are_exported_and_imported_with_name_and_colour(
    opened: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    path, document = tmp_path / f"marks{ending}", opened.document
    document.add_pin(3, 4)
    document.mark_set.add(LEAF)
    document.mark_set.add(Region(Shape.ELLIPSE, ((10, 20), (30, 60))))
    document.mark_set.edit(2, name="leaf", colour="#123456")
    before = [(mark.title, mark.colour, mark.place) for mark in document.marks]
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(path), ""))
    opened.window.actions_by_name["export_table"].trigger()
    qtbot.waitUntil(path.exists)
    document.mark_set.remove(*range(1, 100))
    opened.window.actions_by_name["import_marks"].trigger()
    qtbot.waitUntil(lambda: len(document.marks) == 3)
    assert [(mark.title, mark.colour, mark.place) for mark in document.marks] == before
    opened.application.undo()
    assert document.marks == ()


def test_a_file_of_regions_is_dropped_on_its_image(opened: App, tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "RoiSet.zip"
    write_regions(path, [NamedRegion(LEAF, "leaf"), NamedRegion((5, 6)), NamedRegion(FAR)])
    opened.document.add_pin(1, 1)
    drop(opened, path)
    qtbot.waitUntil(lambda: len(opened.document.marks) == 3)
    _, leaf, pin = opened.document.marks
    assert (leaf.title, leaf.place, pin.place) == ("leaf", LEAF, (5, 6))
    assert [mark.colour for mark in opened.document.marks] == [
        MARK_COLOURS["safe"][mark.number] for mark in opened.document.marks
    ]
    assert len({(mark.number, mark.colour, mark.symbol) for mark in opened.document.marks}) == 3
    assert "Imported 2 of 3 marks of RoiSet.zip" in opened.window.messages.text.text()


def test_regions_dropped_with_their_image_come_after_it(
    app: App, photograph: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "a.geojson"
    write_regions(path, [NamedRegion(LEAF, "leaf")])
    drop(app, path)
    assert "a.geojson contains regions of an image; open the image first" in app.window.messages.text.text()
    drop(app, path, photograph)
    qtbot.waitUntil(lambda: [mark.title for mark in app.document.marks] == ["leaf"])
    assert app.document.name == photograph.name


def test_regions_of_a_georeferenced_cube_are_in_map_coordinates(
    app: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    cube = CubeField(smooth_cube(20, 24), BANDS, Quantity.REFLECTANCE, {"map info": UTM})
    app.document.open_cube("field.hdr", cube, (0.0, 1.0))
    app.document.mark_set.add(Region.rectangle(2, 3, 8, 9))
    path = tmp_path / "field.geojson"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    app.window.actions_by_name["export_table"].trigger()
    qtbot.waitUntil(path.exists)
    (feature,) = json.loads(path.read_text())["features"]
    assert np.min(feature["geometry"]["coordinates"][0], axis=0).tolist() == [500030, 5199920]
    app.document.mark_set.remove(*range(1, 100))
    app.marks.import_file(path)
    qtbot.waitUntil(lambda: [mark.place for mark in app.document.marks] == [Region.rectangle(2, 3, 8, 9)])
