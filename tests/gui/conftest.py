"""GUI tests: no screen, fresh settings, a numpy field for the engine, and nothing left behind."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import types
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partialmethod
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QEvent, QSettings, Qt, QTimer, qInstallMessageHandler
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nesr_gui.fields.protocol import CubeField, IntervalBlock, ProgressCallback, QualityFlag, SpectralField
from nesr_gui.fields.residual_prior import ResidualPrior
from nesr_gui.gui.app import App, Refresh
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.inference.model_input import BandInput, InputKind, ModelInput, input_error_message
from nesr_gui.spectral import FloatArray, Quantity, RGBImage, Wavelengths
from tests.gui.program_size import is_pooled

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # of glibc's mallopt

BANDS = Wavelengths.from_step(400, 700, 10)


def smooth_cube(height: int, width: int) -> FloatArray:
    """Reflectances (31, height, width) that differ at every pixel and wavelength."""
    rows, cols = np.mgrid[0:height, 0:width]
    phase = BANDS.nm[:, None, None] / 60 + rows / 7 + cols / 11
    return (0.5 + 0.4 * np.sin(phase)).astype(np.float32)


class Limited(CubeField):
    """Wider limits for greater values; the upper left is clipped, the last column's colour was hardly met."""

    def prediction_interval(self, points, wavelengths):
        values = self.spectra(points, wavelengths)
        return 0.5 * values, 1.5 * values

    def prediction_interval_blocks(self, wavelengths, *, rows=None, cols=None):
        for block in self.blocks(wavelengths, rows=rows, cols=cols):
            yield IntervalBlock(block.rows, block.cols, 0.5 * block.values, 1.5 * block.values)

    def prediction_interval_band(self, nm, **window):
        values = self.band(nm, **window)
        return 0.5 * values, 1.5 * values

    def quality_flags(self, *, stride=1, rows=None, cols=None):
        flags = np.zeros(self.shape, np.uint8)
        flags[:4, :6] = QualityFlag.CLIPPED
        flags[:, -1] = QualityFlag.UNFAMILIAR_COLOUR
        return flags[rows or slice(None), cols or slice(None)][::stride, ::stride]


class Anchorable(Limited):
    """A stand-in for a reconstruction of a model with intervals and a prior of its residuals."""

    level = 1.0

    def __init__(self, *args: Any, prior: ResidualPrior | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.residual_prior = prior

    def band_images(self, wavelengths: Any, **window: Any) -> FloatArray:
        return np.stack([self.band(float(nm), **window) for nm in np.atleast_1d(wavelengths)])

    def prediction_interval_blocks(self, wavelengths, *, rows=None, cols=None):
        for block in self.blocks(wavelengths, rows=rows, cols=cols):
            yield IntervalBlock(block.rows, block.cols, 0.5 * block.values, 1.5 * block.values)

    def interval_limits(
        self, points: npt.NDArray[np.integer], spectra: FloatArray, nm: npt.NDArray[np.float64]
    ) -> tuple[FloatArray, FloatArray]:
        return 0.5 * spectra, 1.5 * spectra


def anchorable(image: Any, prior: ResidualPrior | None, model: str = "fake") -> Anchorable:
    """The field of an image; the pixels differ, so that no two spots read the same."""
    return Anchorable(
        0.3 + 0.5 * smooth_cube(*image.shape), BANDS, Quantity.REFLECTANCE, {"model": model}, binning=image.binning,
        source_shape=image.source_shape, prior=prior,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a machine does in a second may take another, with much else to do, ten times as long."""
    monkeypatch.setattr(QtBot, "waitUntil", partialmethod(QtBot.waitUntil, timeout=60_000))


@pytest.fixture
def queued_refresh() -> None:
    """The window is brought up to date once per turn of the event loop, as in the program."""


@pytest.fixture(autouse=True)
def refresh_at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests of single controllers see at once what follows from what they do, unless they ask for `queued_refresh`."""
    if "queued_refresh" not in request.fixturenames:
        monkeypatch.setattr(Refresh, "delivery", Qt.ConnectionType.DirectConnection)


@pytest.fixture(autouse=True)
def every_move_counts() -> Iterator[None]:
    """pyqtgraph drops mouse moves that follow each other within 10 ms, as those of tests do."""
    before = pg.getConfigOption("mouseRateLimit")
    pg.setConfigOption("mouseRateLimit", -1)
    yield
    pg.setConfigOption("mouseRateLimit", before)


@dataclass
class FakeModel:
    name: str = "fake"
    device: str = "cpu"
    working_pixels: int = 1 << 20
    supports_low_memory: bool = False

    @property
    def input_bands(self) -> Wavelengths | None:
        return Wavelengths.evenly_spaced(16) if self.name.startswith("sixteen") else None

    @property
    def input(self) -> InputKind:
        return InputKind.PHOTOGRAPH if self.input_bands is None else InputKind.CUBE

    def read_input(self, cube: SpectralField, name: str, **options: Any) -> BandInput:
        assert self.input_bands is not None
        return BandInput.of(cube, name, self.input_bands, self.name, **options)

    def low_memory(self) -> FakeModel:
        return replace(self, name="thrifty", supports_low_memory=False)


@dataclass
class FakeEngine:
    """What loads models and encodes images, answered by numpy; `gate` holds a reconstruction back until it is set."""

    model: FakeModel = field(default_factory=FakeModel)
    gate: threading.Event = field(default_factory=threading.Event)
    encoding: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None
    helps: Callable[[FakeModel], bool] | None = None  # a model with which there is no error
    asked_devices: list[str] = field(default_factory=list)
    notes: str = ""  # what its fields say of how they were made

    def load_model(self, path: Path | None = None, device: str = "auto") -> FakeModel:
        self.asked_devices.append(device)
        if path is not None and not path.exists():
            raise FileNotFoundError(f"there is no model file {path}")
        model = self.model if path is None else FakeModel(path.stem)
        return model if device == "auto" else replace(model, device=device)

    def encode(self, image: ModelInput, model: FakeModel, *, progress: ProgressCallback) -> CubeField:
        if isinstance(image, RGBImage) and model.input_bands is not None:
            raise ValueError(input_error_message(model.name, model.input_bands, f"{image.source.name} is a photograph"))
        self.encoding.set()
        while not self.gate.wait(0.002):
            progress(0.5)
        if self.error and (self.helps is None or not self.helps(model)):
            raise self.error
        return CubeField(
            smooth_cube(*image.shape),
            BANDS,
            Quantity.REFLECTANCE,
            {"model": model.name, "model_notes": self.notes},
            binning=image.binning,
            source_shape=image.source_shape,
        )


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """A stand-in for the engine, which would bring torch; its gate is open."""
    fake = FakeEngine()
    fake.gate.set()
    for name, function in (("model", fake.load_model), ("engine", fake.encode)):
        module = types.ModuleType(f"nesr_gui.inference.{name}")
        setattr(module, function.__name__, function)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr("nesr_gui.gui.controllers.models.list_models", lambda request, progress: [])  # brings torch too
    return fake


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    """A photograph of 60 rows and 80 columns."""
    path = tmp_path / "photograph.png"
    iio.imwrite(path, np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8))
    return path


@pytest.fixture
def gives_back() -> None:
    """What is freed goes back to the system, so that resident memory tells what is held.

    By itself glibc learns to keep blocks of up to 32 MiB, in a heap for each thread, which is faster.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        for setting, value in ((_M_MMAP_THRESHOLD, 1 << 20), (_M_ARENA_MAX, 2)):
            assert libc.mallopt(setting, value)


@pytest.fixture
def said(qtlog: Any) -> Iterator[Counter[str]]:
    """What Qt warned of, and how often."""
    messages: Counter[str] = Counter()
    with qtlog.disabled():
        before = qInstallMessageHandler(lambda kind, context, message: messages.update([message]))
        yield messages
        qInstallMessageHandler(before)


@pytest.fixture
def app(qtbot: QtBot, engine: FakeEngine) -> Iterator[App]:
    """A shown window with nothing open."""
    made = App()
    made.window.show()
    qtbot.waitExposed(made.window)
    yield made
    engine.gate.set()
    made.window.close()
    made.window.deleteLater()


@pytest.fixture
def opened(app: App, photograph: Path, qtbot: QtBot) -> App:
    """A window with a photograph and its field."""
    app.reconstruction.load_model(None, "auto")
    app.files.open(photograph)
    qtbot.waitUntil(lambda: app.document.field is not None)
    return app


@pytest.fixture
def held(app: App, photograph: Path, engine: FakeEngine, qtbot: QtBot) -> App:
    """A window with a photograph that is being reconstructed, until the engine's gate is set."""
    engine.gate.clear()
    app.reconstruction.load_model(None, "auto")
    app.files.open(photograph)
    qtbot.waitUntil(lambda: engine.encoding.is_set() and app.window.status.shown() is Task.RECONSTRUCT)
    return app


@pytest.fixture(autouse=True)
def settings_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nesr_gui.gui.model.preferences.data_folder", lambda: tmp_path / "data")
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings"))


@pytest.fixture(autouse=True)
def nothing_left_behind(qapp: QApplication, settings_of_its_own: None) -> Iterator[None]:
    """Fails a test after which a window, a thread or a running timer is left."""
    threads = set(threading.enumerate())
    yield
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    gc.collect()  # here, and not while Qt lists the widgets of the next window
    left = [t.name for t in threading.enumerate() if t not in threads and t.is_alive()]
    assert [name for name in left if not is_pooled(name)] == []
    assert [w for w in qapp.topLevelWidgets() if w.isVisible()] == []
    assert [t for t in gc.get_objects() if issubclass(type(t), QTimer) and _is_active(t)] == []


def _is_active(timer: QTimer) -> bool:
    try:
        return timer.isActive()
    except RuntimeError:  # its C++ half is gone
        return False
