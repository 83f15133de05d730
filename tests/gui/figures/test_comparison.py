"""The figure of a comparison: its pictures are those of the modes, its files are pictures of the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from nesr_gui.colorimetry.cie import encode_srgb
from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.protocol import Cancelled, CubeField
from nesr_gui.gui.app import App
from nesr_gui.gui.figures import export
from nesr_gui.gui.figures.comparison import WIDTH, TruthFigure, TruthFigureExport, export_truth_figure, painted
from nesr_gui.gui.model.truth import MeasuredCube
from nesr_gui.gui.model.view_settings import ErrorMetric, ViewSettings
from nesr_gui.gui.view_modes.base import RenderContext
from nesr_gui.gui.views.dialogs.figures import TruthFigureDialog
from nesr_gui.spectral import Quantity, RGBImage
from tests.gui.conftest import BANDS, smooth_cube

FIELD = CubeField(smooth_cube(20, 30), BANDS, Quantity.REFLECTANCE)
TRUTH = CubeField((0.9 * smooth_cube(40, 60)).astype(np.float32), BANDS, Quantity.REFLECTANCE)


@pytest.fixture
def figure() -> TruthFigure:
    photograph = RGBImage(np.full((40, 60, 3), 0.5, np.float32))
    colours = np.full((40, 60, 3), 188, np.uint8)
    context = RenderContext(
        field=FIELD,
        photograph=photograph,
        encoded=None,
        colours=colours,
        truth=TRUTH,
        reference=None,
        reference_name="",
        viewing=ViewingConditions.default(),
        white=None,
        nm=500.0,
        binning=2,
        levels=(0.0, 1.0),
        view_settings=ViewSettings(),
        analyses={},
        is_abstaining=True,
    )
    return TruthFigure(context, (), (450.0, 560.0, 655.5), ErrorMetric.DIFFERENCE, 0.2)


def ignore(fraction: float) -> None:
    pass


def test_pictures_are_the_bands_and_their_errors(figure: TruthFigure) -> None:
    made = painted(figure, ignore)
    assert [len(row) for row in made.rows] == [4, 4, 4] and made.rows[0][0].shape == (40, 60, 3)
    known = TRUTH.band(560.0).reshape(20, 2, 30, 2).mean((1, 3))
    for row, band in ((0, known), (1, FIELD.band(560.0))):
        expected = 255 * encode_srgb(np.clip(band, 0, 1))
        np.testing.assert_allclose(made.rows[row][2], expected[:, :, None].repeat(3, 2), atol=1)
    step = np.minimum((np.abs(FIELD.band(560.0) - known) / 0.2 * 256).astype(int), 255)
    np.testing.assert_array_equal(made.rows[2][2], made.bar[step])
    relative = painted(replace(figure, measure=ErrorMetric.RELATIVE), ignore)
    assert (relative.rows[2][2] != made.rows[2][2]).any()


@pytest.mark.parametrize("quantity", Quantity)
def test_a_cube_that_was_reconstructed_stands_where_there_is_no_photograph(
    figure: TruthFigure, quantity: Quantity
) -> None:
    field, truth = (CubeField(smooth_cube(20, 30), BANDS, quantity) for _ in range(2))
    context = replace(figure.context, field=field, photograph=None, colours=None, truth=truth, binning=1)
    made = painted(replace(figure, context=context), ignore)
    np.testing.assert_array_equal(made.rows[0][0], made.rows[1][0])
    assert made.rows[0][0].shape == (20, 30, 3) and made.rows[0][0].std() > 1


def test_the_page_holds_every_row(figure: TruthFigure) -> None:
    made = painted(figure, ignore)
    assert made.size.width() == WIDTH and made.size.height() > 3 * made.cell[1]
    assert made.cell[0] / made.cell[1] == pytest.approx(1.5)


@pytest.mark.parametrize(("name", "head"), [("f.png", b"\x89PNG"), ("f.svg", b"<?xml"), ("f.pdf", b"%PDF")])
def test_files_are_written(figure: TruthFigure, tmp_path: Path, name: str, head: bytes, qtbot: QtBot) -> None:
    path = tmp_path / name
    export_truth_figure(TruthFigureExport(path, figure, 72), ignore)
    assert path.read_bytes().startswith(head)
    if path.suffix == ".png":
        assert iio.imread(path).shape[1] == WIDTH and iio.imread(path)[..., :3].std() > 20


def test_other_endings_are_refused_and_work_can_be_stopped(figure: TruthFigure, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.pdf"):
        export_truth_figure(TruthFigureExport(tmp_path / "f.docx", figure, 72), ignore)

    def stop(fraction: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        painted(figure, stop)


def test_the_dialog_previews_and_exports(
    opened: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    action = opened.window.actions_by_name["export_comparison"]
    assert not action.isEnabled()
    opened.document.set_truth(MeasuredCube(CubeField((0.9 * smooth_cube(60, 80)).astype(np.float32), BANDS), "truth"))
    action.trigger()
    dialog = opened.window.findChild(TruthFigureDialog)
    qtbot.waitUntil(lambda: not dialog.picture.pixmap().isNull())
    dialog.wavelengths.setText("450, 800")
    assert not dialog.accept_button.isEnabled() and "400-700 nm" in dialog.summary.text()
    dialog.wavelengths.setText("400:700:10")
    assert not dialog.accept_button.isEnabled() and "not 31" in dialog.summary.text()
    dialog.wavelengths.setText("450, 650")
    dialog.measure.setCurrentIndex(1)
    assert dialog.accept_button.isEnabled() and dialog.limit.value() == 0.5
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "out"), "PDF document (*.pdf)"))
    dialog.accept()
    qtbot.waitUntil(lambda: (tmp_path / "out.pdf").exists())
    qtbot.waitUntil(lambda: "Wrote" in opened.window.messages.text.text())


def test_numbers_at_ticks_are_drawn_whole(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = list[tuple[str, float, int]]()
    monkeypatch.setattr(
        export, "draw_text", lambda painter, where, text, ink, side, points: drawn.append((text, where.width(), points))
    )
    image = QImage(100, 100, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    for value in (0.0, 0.005, 150000.0, -1.5e-7):
        export.draw_number(painter, QRectF(0, 0, 26, 12), value)
    fits = [export.text_width(painter, text, points) <= width for text, width, points in drawn]
    painter.end()
    assert all(fits) and [(text, points == 10) for text, _, points in drawn] == [
        ("0", True), ("0.005", False), ("150000", False), ("-1.5e-07", False),
    ]  # fmt: skip
