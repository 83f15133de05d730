"""A reconstruction that was written to a portable field, opened again in the window: it stays an estimate."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from nesr_gui import export, io
from nesr_gui.export import ExportPlan
from nesr_gui.fields.protocol import CubeField, SpectralField
from nesr_gui.gui.app import App
from nesr_gui.gui.model.anchoring import STORED
from nesr_gui.gui.model.plot_settings import Kind, Spreads
from nesr_gui.gui.view_modes.base import RenderContext
from nesr_gui.gui.view_modes.uncertainty import Uncertainty
from nesr_gui.inference import engine as inference
from nesr_gui.inference.calibration import IntervalCalibration
from nesr_gui.inference.checkpoint import Checkpoint
from nesr_gui.inference.model import LoadedModel
from tests import tiny
from tests.gui.conftest import BANDS, smooth_cube


@pytest.fixture(scope="module")
def field() -> SpectralField:
    low, high = np.full((31, 3, 3), -0.1), np.full((31, 3, 3), 0.2)
    tables = IntervalCalibration(np.arange(400, 701, 10.0), low, high, np.ones((32, 32), bool), np.array(0.1))
    model = LoadedModel(Checkpoint("tiny", tiny.network(tiny.FACTORISED), {}, "ab", tables), "cpu")
    return inference.encode(tiny.image(20, 30), model)


@pytest.fixture
def stored(field: SpectralField, tmp_path: Path) -> Path:
    export.write(tmp_path / "photo.field", field, ExportPlan())
    return tmp_path / "photo.field"


@pytest.fixture
def reopened(app: App, stored: Path, qtbot: QtBot) -> App:
    app.files.open(stored)
    qtbot.waitUntil(lambda: app.document.field is not None)
    return app


def test_the_window_calls_it_a_reconstruction(reopened: App) -> None:
    document, window = reopened.document, reopened.window
    assert document.is_estimated and document.anchor_refusal == STORED
    assert window.status.device.text() == "tiny, from a file"
    assert window.input.words.text().startswith("A reconstruction by the model tiny is open")


def test_its_curves_are_estimates_with_their_interval(reopened: App, field: SpectralField, qtbot: QtBot) -> None:
    document = reopened.document
    document.add_pin(4, 7)
    qtbot.waitUntil(lambda: (4, 7) in document.curves)
    curve = document.curves[4, 7]
    expected = field.prediction_interval([(4, 7)], curve.spectrum.wavelengths)  # type: ignore[attr-defined]
    assert curve.interval is not None
    np.testing.assert_allclose(curve.interval, np.concatenate(expected), atol=1e-4)
    content = document.plot_content()
    assert (Kind.CURVE, "estimated") in content.key() and content.spreads is Spreads.ACTIVE
    assert set(Uncertainty.needs) <= RenderContext.of(document).met_requirements


def test_a_photograph_that_is_compared_with_it_is_told_so(
    app: App, stored: Path, field: SpectralField, tmp_path: Path, qtbot: QtBot
) -> None:
    colours = field.cube([450.0, 550.0, 650.0]).values[::-1].transpose(1, 2, 0)
    iio.imwrite(tmp_path / "photo.png", np.round(255 * np.clip(colours, 0, 1) ** 0.45).astype(np.uint8))
    app.reconstruction.load_model(None, "auto")
    app.files.open(tmp_path / "photo.png")
    qtbot.waitUntil(lambda: app.document.field is not None)
    assert app.document.is_estimated
    app.comparison.open(stored)
    qtbot.waitUntil(lambda: app.document.measurement is not None)
    assert app.document.measurement is not None
    remark = "It is not measured but a reconstruction by tiny; the metrics compare two estimates."
    assert app.document.measurement.remark == remark and remark in app.window.messages.text.text()


def test_a_measured_cube_opened_after_it_is_measured(reopened: App, tmp_path: Path, qtbot: QtBot) -> None:
    io.write_cube(tmp_path / "cube.hdr", CubeField(smooth_cube(8, 9), BANDS), BANDS)
    reopened.files.open(tmp_path / "cube.hdr")
    qtbot.waitUntil(lambda: reopened.document.name == "cube.hdr" and reopened.document.field is not None)
    assert not reopened.document.is_estimated and reopened.window.status.device.text() == "as measured"
    assert reopened.window.input.words.text().startswith("A measured cube is open")
