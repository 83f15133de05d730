"""Models that take cubes: spectral super-resolution in the window, beside models that take photographs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from nesr_gui import io
from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.app import App
from nesr_gui.gui.model.plot_settings import Normalise, Transform
from nesr_gui.gui.tasks.loading import list_models
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.inference.checkpoint import save_checkpoint
from nesr_gui.inference.model_input import BandInput, InputKind
from nesr_gui.networks.band_network import DiscreteConfig, DiscreteNetwork
from nesr_gui.regions import Region, Shape
from nesr_gui.spectral import Quantity, Wavelengths
from tests.gui.conftest import BANDS, FakeEngine, smooth_cube

SIXTEEN = Wavelengths.evenly_spaced(16)
MEASURED = 0.8 * smooth_cube(20, 30)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """What the stand-in engine takes for a model of 16 bands."""
    path = tmp_path / "sixteen.safetensors"
    path.touch()
    return path


def written(path: Path, bands: Wavelengths = BANDS) -> Path:
    values = MEASURED[np.isin(BANDS.nm, bands.nm)]
    io.write_cube(path, CubeField(values, bands, Quantity.REFLECTANCE), bands)
    return path


@pytest.fixture
def cube(tmp_path: Path) -> Path:
    """A cube with more bands than the model sees."""
    return written(tmp_path / "cube.h5")


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A cube without most of the bands that the model sees."""
    return written(tmp_path / "few.h5", Wavelengths(BANDS.nm[5:12]))


@pytest.fixture
def refined(app: App, model: Path, cube: Path, qtbot: QtBot) -> App:
    """A window with a cube reconstructed by the model."""
    app.reconstruction.load_model(None, "auto")
    app.files.open(cube)
    app.files.open(model)  # as it is dropped
    qtbot.waitUntil(lambda: app.document.encoded is not None)
    return app


def told(app: App, qtbot: QtBot) -> str:
    qtbot.waitUntil(app.window.messages.isVisible)
    return app.window.messages.text.text()


def kept(app: App, folder: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The session saved, and its model let go."""
    path = folder / "kept.nesr"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    app.window.actions_by_name["save_session"].trigger()
    qtbot.waitUntil(lambda: app.workspace.current.file == path)
    app.reconstruction.leave_cubes()
    return path


@pytest.mark.parametrize("ending", ["hdr", "nc", "mat", "tif", "npz"])
def test_a_cube_that_is_opened_is_reconstructed_by_the_model(
    app: App, model: Path, tmp_path: Path, ending: str, qtbot: QtBot
) -> None:
    app.reconstruction.load_model(model, "auto")
    app.files.open(written(tmp_path / f"cube.{ending}", SIXTEEN))
    qtbot.waitUntil(lambda: app.document.encoded is not None)
    document = app.document
    assert isinstance(document.encoded, BandInput) and document.field.provenance["model"] == "sixteen"
    np.testing.assert_allclose(document.encoded.values, MEASURED[::2], atol=1e-3)
    assert (
        document.truth is None and app.workspace.model.name == "sixteen"
    )  # it has no bands that the model did not see
    assert not app.reconstruction.can_reconstruct() and not app.window.messages.isVisible()


def test_clicks_show_what_the_model_was_shown(refined: App, qtbot: QtBot) -> None:
    document, layer = refined.document, refined.window.plot.layer
    document.add_pin(4, 7)
    document.mark_set.add(Region(Shape.RECTANGLE, ((2.0, 3.0), (6.0, 9.0))))
    region = document.marks[1].place
    qtbot.waitUntil(lambda: {(4, 7), region} <= document.curves.keys())
    seen = document.curves[(4, 7)].seen
    np.testing.assert_allclose(seen.wavelengths.nm, SIXTEEN.nm)
    np.testing.assert_allclose(seen.values, MEASURED[::2, 4, 7], atol=1e-6)
    np.testing.assert_allclose(document.curves[region].seen.values, MEASURED[::2, 2:6, 3:9].mean((1, 2)), atol=1e-6)
    np.testing.assert_allclose([spot.x for spot in layer.inputs.spots[:16]], SIXTEEN.nm)
    np.testing.assert_allclose([spot.y for spot in layer.inputs.spots[:16]], seen.values)
    document.set_plot_settings(
        replace(document.plot_settings, transform=Transform(Normalise.MAXIMUM))
    )  # of the curve, beside which the circles stay
    of_maximum = seen.values / document.curves[(4, 7)].spectrum.values.max()
    np.testing.assert_allclose([spot.y for spot in layer.inputs.spots[:16]], of_maximum, rtol=1e-6)
    document.set_plot_settings(replace(document.plot_settings, transform=Transform(derivative=True)))
    assert not layer.inputs.spots


def test_differences_of_circles_are_those_of_curves(refined: App, qtbot: QtBot) -> None:
    document = refined.document
    document.add_pin(4, 7)
    document.add_pin(9, 9)
    qtbot.waitUntil(lambda: len(document.curves) == 2)
    document.mark_set.set_active(document.marks[0].number)
    document.set_plot_settings(replace(document.plot_settings, transform=Transform(difference=True)))
    plotted, (first, second) = document.plot_content(), (document.curves[mark.place] for mark in document.marks)
    active = np.interp(SIXTEEN.nm, first.spectrum.wavelengths.nm, first.spectrum.values)
    for curve in (first, second):
        np.testing.assert_allclose(plotted.seen(curve)[1], curve.seen.values - active, atol=1e-6)


def test_the_cube_is_the_truth_where_it_has_more_bands(refined: App, qtbot: QtBot) -> None:
    document = refined.document
    document.add_pin(4, 7)
    qtbot.waitUntil(lambda: (4, 7) in document.curves)
    truth = document.curves[(4, 7)].truth
    np.testing.assert_allclose(truth.values[::10], MEASURED[:, 4, 7], atol=1e-6)
    assert "16 of its 31 bands were" in document.measurement.remark
    assert "16 bands, 400-700 nm by 20 nm" in refined.window.input.words.text()
    panel = refined.comparison.panel
    assert [part.isHidden() for part in (panel.orientation, panel.again)] == [True] * 2  # it is the same
    assert not panel.end.isHidden()
    panel.removal_requested.emit()
    assert document.truth is None and document.field.provenance["model"] == "sixteen"


def test_photographs_and_cubes_have_a_model_each(
    opened: App, model: Path, cube: Path, photograph: Path, engine: FakeEngine, qtbot: QtBot
) -> None:
    app, field = opened, opened.document.field
    app.files.open(model)
    expected = "sixteen requires cubes with its 16 bands, 400-700 nm by 20 nm as input"
    assert told(app, qtbot) == f"{expected}; photograph.png is unchanged."
    assert app.document.field is field and app.workspace.model.name == "fake"
    app.files.open(cube, beside=True)
    qtbot.waitUntil(lambda: app.document.encoded is not None and app.document.cube is not None)
    assert app.workspace.model.name == "sixteen"
    app.workspace.show(0)
    assert app.document.field is field and app.workspace.model.name == "fake"
    app.files.open(photograph, beside=True)
    qtbot.waitUntil(lambda: app.document.photograph is not None and app.document.field not in (None, field))
    assert app.document.field.provenance["model"] == "fake"


def test_a_model_of_photographs_leaves_the_cube_as_it_is(refined: App, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "other.safetensors").touch()
    field = refined.document.field
    refined.reconstruction.use_model(tmp_path / "other.safetensors")
    assert told(refined, qtbot) == "other requires photographs as input; cube.h5 is unchanged."
    assert refined.document.field is field and refined.workspace.model.name == "sixteen"


def test_a_cube_without_the_bands_stays_as_it_was_measured(
    app: App, model: Path, few: Path, cube: Path, qtbot: QtBot
) -> None:
    app.reconstruction.load_model(model, "auto")
    app.files.open(few)
    said = told(app, qtbot)
    assert said.startswith("sixteen takes cubes with its 16 bands, 400-700 nm by 20 nm; few.h5 has 7 bands, 450-510 nm")
    assert said.endswith("and lacks 400, 420, 440, 520 nm and 9 more, so open such a cube or choose another model.")
    assert app.document.field is app.document.cube.field and app.document.encoded is None
    app.files.open(cube)
    qtbot.waitUntil(lambda: app.document.encoded is not None)
    assert not app.window.messages.isVisible()


def test_a_photograph_that_no_model_takes_is_shown_and_told(
    app: App, model: Path, photograph: Path, qtbot: QtBot
) -> None:
    app.reconstruction.load_model(model, "auto")
    app.files.open(photograph)
    assert "photograph.png is a photograph, so open such a cube or choose another model" in told(app, qtbot)
    assert app.document.photograph is not None and app.document.field is None
    app.reconstruction.load_model(None, "auto")
    qtbot.waitUntil(lambda: app.document.field is not None)


def test_the_status_names_what_made_what_is_shown(
    opened: App, tmp_path: Path, model: Path, few: Path, cube: Path, engine: FakeEngine, qtbot: QtBot
) -> None:
    app, status = opened, opened.window.status
    (tmp_path / "other.safetensors").touch()
    engine.gate.clear()
    engine.encoding.clear()
    app.reconstruction.use_model(tmp_path / "other.safetensors")
    qtbot.waitUntil(engine.encoding.is_set)
    assert app.workspace.model.name == "other" and status.device.text() == "fake · cpu"  # whose answers these are
    engine.gate.set()
    qtbot.waitUntil(lambda: status.device.text() == "other · cpu")
    app.files.open(cube)
    qtbot.waitUntil(lambda: app.document.cube is not None)
    assert status.device.text() == "as measured"
    app.files.open(model)
    qtbot.waitUntil(lambda: status.device.text() == "sixteen · cpu")
    app.files.open(few)
    assert "few.h5 has 7 bands" in told(app, qtbot) and status.device.text() == "as measured"


def test_a_reconstruction_that_was_cancelled_can_be_asked_for_again(
    opened: App, tmp_path: Path, engine: FakeEngine, qtbot: QtBot
) -> None:
    app, again = opened, opened.window.actions_by_name["reconstruct"]
    (tmp_path / "other.safetensors").touch()
    engine.gate.clear()
    engine.encoding.clear()
    app.reconstruction.use_model(tmp_path / "other.safetensors")
    qtbot.waitUntil(engine.encoding.is_set)
    assert not again.isEnabled()
    app.worker.cancel(Task.RECONSTRUCT)
    engine.gate.set()
    assert again.isEnabled() and app.document.field.provenance["model"] == "fake"
    again.trigger()
    qtbot.waitUntil(lambda: app.document.field.provenance["model"] == "other")
    assert not again.isEnabled()


def test_why_it_failed_is_said_until_it_is_tried_again(
    app: App, model: Path, photograph: Path, engine: FakeEngine, qtbot: QtBot
) -> None:
    app.reconstruction.load_model(model, "auto")
    app.files.open(photograph)
    assert "photograph.png is a photograph" in told(app, qtbot)
    app.reconstruction.load_model(None, "auto")
    qtbot.waitUntil(lambda: not app.window.messages.isVisible())
    qtbot.waitUntil(lambda: app.document.field is not None)


def test_cancelled_it_is_the_measured_cube_until_it_is_asked_for(
    app: App, model: Path, cube: Path, engine: FakeEngine, qtbot: QtBot
) -> None:
    engine.gate.clear()
    app.reconstruction.load_model(model, "auto")
    app.files.open(cube)
    qtbot.waitUntil(engine.encoding.is_set)
    assert app.document.field is app.document.cube.field  # which answers meanwhile
    app.worker.cancel(Task.RECONSTRUCT)
    engine.gate.set()
    app.files.open(cube, beside=True)
    qtbot.waitUntil(lambda: app.document.encoded is not None)
    app.workspace.show(0)
    assert app.document.encoded is None and not app.worker.is_busy(Task.RECONSTRUCT)
    assert app.window.actions_by_name["reconstruct"].isEnabled()
    app.window.actions_by_name["reconstruct"].trigger()
    qtbot.waitUntil(lambda: app.document.encoded is not None)
    assert not app.window.actions_by_name["reconstruct"].isEnabled()


def test_a_large_cube_is_reconstructed_reduced_and_then_in_full(
    app: App, model: Path, cube: Path, qtbot: QtBot
) -> None:
    app.reconstruction.prefer_working_pixels(200)
    app.reconstruction.load_model(model, "auto")
    app.files.open(cube)
    qtbot.waitUntil(lambda: app.document.encoded is not None)
    document = app.document
    assert document.field.shape == (10, 15) and document.resolution() == "15×10 of 30×20, 1:2"
    document.add_pin(5, 8)
    qtbot.waitUntil(lambda: (5, 8) in document.curves)
    np.testing.assert_allclose(document.curves[(5, 8)].seen.values, MEASURED[::2, 4:6, 8:10].mean((1, 2)), atol=1e-6)
    assert document.truth.shape == (20, 30)
    app.window.actions_by_name["reconstruct_fully"].trigger()
    qtbot.waitUntil(lambda: document.binning == 1)
    assert document.field.shape == (20, 30) and document.marks[0].pixel == (5, 8)


def test_full_resolution_ends_with_the_image_it_was_asked_for(
    opened: App, model: Path, cube: Path, qtbot: QtBot
) -> None:
    opened.reconstruction.prefer_working_pixels(200)
    opened.reconstruction.reconstruct_fully()
    opened.files.open(cube)
    qtbot.waitUntil(lambda: opened.document.cube is not None)
    assert len(opened.workspace.documents) == 1
    opened.files.open(model)
    qtbot.waitUntil(lambda: opened.document.encoded is not None)
    assert opened.document.binning == 2


def test_a_session_brings_its_model(
    refined: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    refined.document.add_pin(4, 7)
    path = kept(refined, tmp_path, qtbot, monkeypatch)
    refined.files.open(path)
    qtbot.waitUntil(lambda: refined.document.encoded is not None and bool(refined.document.curves))
    assert [pin.pixel for pin in refined.document.marks] == [(4, 7)]
    assert refined.document.curves[(4, 7)].seen is not None
    assert not refined.window.messages.isVisible()


def test_a_session_whose_model_is_gone_shows_the_measured_cube(
    refined: App, model: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kept(refined, tmp_path, qtbot, monkeypatch)
    model.unlink()
    refined.files.open(path)
    assert "there is no model file" in told(refined, qtbot)
    assert refined.document.field is refined.document.cube.field


def test_the_menu_tells_what_models_take_and_lets_cubes_be(
    refined: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, path = refined, tmp_path / "real.safetensors"
    save_checkpoint(path, DiscreteNetwork(DiscreteConfig("hscnn_r", 4, 1, inputs=tuple(SIXTEEN))), {})
    (tmp_path / "sixteen.safetensors").write_bytes(path.read_bytes())
    monkeypatch.setattr("nesr_gui.gui.controllers.models.list_models", list_models)
    app.models.take_models()
    entries = app.models._groups[InputKind.CUBE]
    qtbot.waitUntil(lambda: len(entries.actions()) == 2)
    measured, sixteen = entries.actions()
    assert sixteen.text() == "sixteen\t16 bands, 400-700 nm by 20 nm → 31 bands, 400-700 nm, interpolated linearly"
    assert sixteen.isChecked() and app.models._groups[InputKind.PHOTOGRAPH].checkedAction() is not None
    measured.trigger()
    assert app.document.field is app.document.cube.field and app.document.truth is None and app.document.encoded is None
    assert measured.isChecked() and InputKind.CUBE not in app.workspace.models
    sixteen.trigger()
    qtbot.waitUntil(lambda: app.document.encoded is not None)


def test_another_device_is_for_both_models(refined: App, qtbot: QtBot) -> None:
    refined.reconstruction.use_device("cpu2")
    qtbot.waitUntil(lambda: {used.device for used in refined.workspace.models.values()} == {"cpu2"})
    assert {used.name for used in refined.workspace.models.values()} == {"fake", "sixteen"}


def test_a_reconstructed_cube_is_photographed_as_it_was_measured(refined: App, qtbot: QtBot) -> None:
    measured = refined.document.cube.field
    refined.comparison.simulate_photograph()
    qtbot.waitUntil(lambda: refined.document.photograph is not None and refined.document.field is not None)
    assert refined.document.measurement.cube is measured and refined.document.field.provenance["model"] == "fake"


def test_models_among_dropped_files_do_not_hold_up_the_others(
    app: App, model: Path, cube: Path, photograph: Path, qtbot: QtBot
) -> None:
    app.reconstruction.load_model(None, "auto")
    app.queue.open([photograph, model, cube])
    qtbot.waitUntil(lambda: len(app.workspace.documents) == 2 and app.document.cube is not None)
    qtbot.waitUntil(lambda: app.document.encoded is not None)
