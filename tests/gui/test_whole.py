"""The whole program with a tiny real model: a photograph in, spectra out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

import nesr_gui
from nesr_gui import io
from nesr_gui.export import ExportPlan
from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui import benchmark, main
from nesr_gui.gui.app import App
from nesr_gui.gui.main import Screenshot
from nesr_gui.gui.tasks import files, loading
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.inference import engine
from nesr_gui.inference.checkpoint import save_checkpoint
from nesr_gui.inference.model import load_model
from nesr_gui.networks.nesr import NeSRConfig
from nesr_gui.spectral import Quantity, Wavelengths
from tests import tiny

pytestmark = pytest.mark.usefixtures("queued_refresh")


STARTED = """
import gc, sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from nesr_gui.cli.gui import import_window
main = import_window()
assert not gc.isenabled()
from nesr_gui.io.sandbox import LIBRARIES, SANDBOX
qt, timer = QApplication([]), QTimer()
timer.timeout.connect(lambda: gc.isenabled() and SANDBOX._loaded == set(LIBRARIES) and qt.quit())
timer.start(20)
main.run([], model=Path(sys.argv[1]), device="cpu", screenshot=None)
assert gc.get_freeze_count() > 50_000
"""


def test_sources_of_imported_modules_are_not_read() -> None:
    code = """
import linecache
from nesr_gui.cli.gui import import_window
main = import_window()
import wave
assert main.App and wave.__file__ not in linecache.cache
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_after_the_imports_of_the_start_garbage_is_searched_for_and_readers_are_prepared(
    tmp_path: Path, model_file: Path
) -> None:
    home = {name: str(tmp_path) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    command = [sys.executable, "-c", STARTED, str(model_file)]
    subprocess.run(command, env={**os.environ, **home}, check=True, timeout=300)


def test_open_click_scrub_export(qtbot: QtBot, photo: Path, model_file: Path, tmp_path: Path) -> None:
    app = App()
    app.window.show()
    qtbot.waitExposed(app.window)
    app.reconstruction.load_model(model_file, "cpu")
    app.files.open(photo)
    qtbot.waitUntil(lambda: app.document.field is not None, timeout=30_000)
    expected = nesr_gui.reconstruct(photo, nesr_gui.load_model(model_file, "cpu"))

    where = app.window.image.position_of(5, 7).toPoint()
    qtbot.mouseClick(app.window.image.viewport(), Qt.MouseButton.LeftButton, pos=where)
    qtbot.waitUntil(lambda: (5, 7) in app.document.curves)
    spectrum = app.document.curves[(5, 7)].spectrum
    np.testing.assert_array_equal(spectrum.values, expected.spectra([(5, 7)], spectrum.wavelengths)[0])

    app.document.set_view_settings(app.document.view_settings.showing("band"))
    with qtbot.waitSignal(app.renderers[0].answered, check_params_cb=lambda shown: shown.request.context.nm == 612.3):
        app.document.set_wavelength(612.3)

    out = tmp_path / "out.h5"
    assert app.document.field is not None
    request = files.CubeExport(out, app.document.field, ExportPlan(Wavelengths.from_step(400, 700, 50)))
    app.worker.submit(Task.EXPORT, request, files.export_cube, lambda asked, result: None)
    qtbot.waitUntil(lambda: not app.worker.is_busy(Task.EXPORT), timeout=30_000)
    cube = nesr_gui.open_cube(out)
    np.testing.assert_array_equal(cube.cube(cube.wavelengths).values, expected.cube(cube.wavelengths).values)
    app.window.close()
    app.window.deleteLater()


BANDS = Wavelengths.from_step(400, 700, 10)
MEASURED = CubeField(np.random.default_rng(0).random((31, 12, 16), np.float32), BANDS, Quantity.RADIANCE)


@pytest.fixture
def cube(tmp_path: Path) -> Path:
    io.write_cube(tmp_path / "cube.hdr", MEASURED, BANDS)
    return tmp_path / "cube.hdr"


@pytest.fixture
def sixteen(tmp_path: Path) -> Path:
    """A tiny real model that sees 16 bands."""
    config = NeSRConfig(features=8, blocks=1, channels=6, hidden=(8,), inputs=tuple(Wavelengths.evenly_spaced(16)))
    save_checkpoint(tmp_path / "sixteen.safetensors", tiny.network(config), {})
    return tmp_path / "sixteen.safetensors"


def test_a_cube_is_refined_by_a_model_of_its_bands(qtbot: QtBot, cube: Path, sixteen: Path, tmp_path: Path) -> None:
    app = App()
    app.window.show()
    qtbot.waitExposed(app.window)
    app.files.open(cube)
    app.files.open(sixteen)
    qtbot.waitUntil(lambda: app.document.encoded is not None, timeout=30_000)
    model = load_model(sixteen, "cpu")
    expected = engine.encode(model.read_input(MEASURED, "cube.hdr"), model)
    assert app.document.field is not None and app.document.field.quantity is Quantity.RADIANCE
    np.testing.assert_array_equal(app.document.field.band(612.3), expected.band(612.3))
    out = tmp_path / "out.nc"
    request = files.CubeExport(out, app.document.field, ExportPlan(Wavelengths.evenly_spaced(61)))
    app.worker.submit(Task.EXPORT, request, files.export_cube, lambda asked, result: None)
    qtbot.waitUntil(lambda: not app.worker.is_busy(Task.EXPORT), timeout=30_000)
    told = io.describe(out)
    assert (told["cube"], told["model"]) == ("cube.hdr", "sixteen")
    assert told["cube_bands_seen"] == "400-700 nm by 20 nm" and len(nesr_gui.open_cube(out).bands) == 61
    app.window.close()
    app.window.deleteLater()


def test_screenshot_of_a_photograph(
    qtbot: QtBot, photo: Path, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PySide6.QtGui import QGuiApplication, QImage

    prepared: list[object] = []
    monkeypatch.setattr(loading, "prepare_colours", lambda request, progress: prepared.append(request))
    picture = tmp_path / "window.png"
    assert main.run([photo], model=model_file, device="cpu", screenshot=picture) == 0
    assert QGuiApplication.desktopFileName() == "nesr-gui"  # packaging/linux/nesr-gui.desktop has the icon
    assert len(prepared) == 1  # the first click does not wait for it
    image = QImage(str(picture))
    assert (image.width(), image.height()) == (1280, 800)


def test_a_screenshot_waits_for_what_a_model_makes_of_a_cube(
    qtbot: QtBot, cube: Path, sixteen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []

    def take(self: Screenshot) -> None:
        taken.append(self._app.workspace.made_by)
        self.finished.emit(0)

    monkeypatch.setattr(Screenshot, "_take", take)
    for model in (sixteen, None):
        main.run([cube], model=model, device="cpu", screenshot=tmp_path / "window.png")
    assert taken == [("sixteen", "cpu"), ("as measured", "")]


def test_screenshot_of_what_cannot_be_opened_fails_with_a_sentence(
    qtbot: QtBot, model_file: Path, tmp_path: Path, capsys
) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    picture = tmp_path / "window.png"
    assert main.run([tmp_path / "broken.png"], model=model_file, device="cpu", screenshot=picture) != 0
    assert "broken.png" in capsys.readouterr().err
    assert not picture.exists()


def test_benchmark_measures_in_a_real_window(qtbot: QtBot, model_file: Path, monkeypatch) -> None:
    monkeypatch.setattr(benchmark, "SIDE", 48)
    monkeypatch.setattr(benchmark, "LARGE", (60, 80))
    monkeypatch.setattr(benchmark, "RESTS", 2)
    monkeypatch.setattr(benchmark, "SCENARIO_SECONDS", 0.6)
    found = list(benchmark.figures(load_model(model_file, "cpu")))
    assert len(found) == len({figure.name for figure in found}) == 17
    assert {figure.name: figure.aim for figure in found}["frames of a sweep per second (0.0048 megapixels)"] == 30
    assert all(figure.value > 0 for figure in found if "late" not in figure.name)
