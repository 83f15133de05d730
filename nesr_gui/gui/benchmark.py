"""How fast the window answers on this machine: the promise "never blocked", measured."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from nesr_gui import engine
from nesr_gui.exporting import ExportPlan
from nesr_gui.gui import jobs
from nesr_gui.gui.app import App
from nesr_gui.gui.export import export_jobs
from nesr_gui.gui.settings import nothing_remembered
from nesr_gui.io import read_photograph
from nesr_gui.resources import samples
from nesr_gui.spectral import RGBImage, Wavelengths

SIDE = 512  # pixels of the photograph along a side
LARGE = (3000, 4000)  # of the one that the window must bear
BEAT_MS = 10
SCENARIO_SECONDS = 8.0
REPEATS = 40


def photograph(height: int, width: int) -> RGBImage:
    """The first sample, mirrored at its edges until it is so large."""
    values = read_photograph(samples()[0].photograph).values
    missing = [(0, max(wanted - size, 0)) for wanted, size in zip((height, width), values.shape, strict=False)]
    return RGBImage(np.pad(values, (*missing, (0, 0)), mode="symmetric")[:height, :width])


def measure(model_path: Path | None, device: str) -> dict[str, float]:
    """Milliseconds by name, medians where several were taken."""
    model = engine.load_model(model_path, device)
    image = photograph(SIDE, SIDE)
    started = time.perf_counter()
    reconstructed = engine.encode(image, model)
    figures = {"encode 512×512": 1000 * (time.perf_counter() - started)}
    rng = np.random.default_rng(0)
    every = Wavelengths.every(*reconstructed.wavelength_range, 1)

    def click() -> None:
        reconstructed.spectra([tuple(rng.integers(0, SIDE, 2).tolist())], every)

    figures["click to 301-point curve"] = _median(click)
    figures["coarse band of 512×512 (stride 6)"] = _median(lambda: reconstructed.band(rng.uniform(400, 700), stride=6))
    figures["exact band of 512×512"] = _median(lambda: reconstructed.band(rng.uniform(400, 700)))
    figures |= _in_the_window(image, model)
    large = _in_the_window(photograph(*LARGE), model)
    megapixels = f" ({LARGE[0] * LARGE[1] / 1e6:.3g} megapixels)"
    return figures | {name + megapixels: value for name, value in large.items() if name.startswith("GUI thread late")}


def _median(work: Callable[[], object]) -> float:
    work()
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


@dataclass(eq=False)
class Heartbeat:
    """How late a timer of the GUI thread fires, in ms."""

    late: list[float] = field(default_factory=list)
    _last: float | None = None

    def beat(self) -> None:
        now = time.perf_counter()
        if self._last is not None:
            self.late.append(max(0.0, 1000 * (now - self._last) - BEAT_MS))
        self._last = now


@dataclass(eq=False)
class Frames:
    """Milliseconds from a move of the wavelength to the band that answers it being handed to the view."""

    waits: list[float] = field(default_factory=list)
    _asked: dict[float, float] = field(default_factory=dict)

    def ask(self, nm: float) -> None:
        self._asked[nm] = time.perf_counter()

    def answer(self, nm: float) -> None:
        if nm in self._asked:
            self.waits.append(1000 * (time.perf_counter() - self._asked.pop(nm)))


@nothing_remembered()
def _in_the_window(image: RGBImage, model: engine.Model) -> dict[str, float]:
    """Reconstruct, scrub, sweep, click and export at once in a real window, with a heartbeat all along."""
    qt = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(qt, QApplication)
    app = App()
    app.window.resize(1280, 800)
    app.window.show()
    heart, frames, timers = Heartbeat(), Frames(), QObject()
    colours = jobs.displayed(image)
    _every(timers, BEAT_MS, heart.beat)
    app.session.open_photograph(image, colours, None)
    loop = QEventLoop()
    app.session.field_changed.connect(loop.quit)
    app.worker.submit("encode", jobs.EncodeRequest(image, model), jobs.encode, _take_into(app))
    loop.exec()
    _scrub(app, frames, timers)
    _run_for(loop, SCENARIO_SECONDS / 2)
    alone, frames.waits = frames.waits, []
    app.window.bar.toggle_playing()
    _run_for(loop, SCENARIO_SECONDS / 4)
    app.window.bar.stop()
    with tempfile.TemporaryDirectory() as folder:
        _click_and_export(app, timers, Path(folder))
        _run_for(loop, SCENARIO_SECONDS)
        for timer in timers.findChildren(QTimer):
            timer.stop()
        app.window.close()
    return {
        "scrub to coarse band, in the window": statistics.median(alone),
        "the same while clicking and exporting": statistics.median(frames.waits),
        "GUI thread late, 99th percentile": float(np.percentile(heart.late, 99)),
        "GUI thread late, worst": max(heart.late),
    }


def _take_into(app: App) -> Callable[[jobs.EncodeRequest, jobs.Reconstruction], None]:
    return lambda request, made: app.session.set_field(made.field, made.image.reduction, made.levels, made.image)


def _run_for(loop: QEventLoop, seconds: float) -> None:
    QTimer.singleShot(int(1000 * seconds), loop.quit)
    loop.exec()


def _scrub(app: App, frames: Frames, timers: QObject) -> None:
    rng = np.random.default_rng(1)
    app.session.set_look(app.session.look.showing("band"))

    def scrub() -> None:
        nm = round(float(rng.uniform(400, 700)), 1)
        frames.ask(nm)
        app.session.set_wavelength(nm)

    app.pictures[0].answered.connect(lambda picture: frames.answer(picture.request.scene.nm))
    _every(timers, 60, scrub)


def _click_and_export(app: App, timers: QObject, folder: Path) -> None:
    rng = np.random.default_rng(2)

    def export() -> None:
        assert app.session.field is not None
        if not app.worker.is_busy("export"):
            plan = ExportPlan(Wavelengths.every(400, 700, 10))
            request = export_jobs.CubeExport(folder / "cube.h5", app.session.field, plan)
            app.worker.submit("export", request, export_jobs.export_cube, lambda asked, result: None)

    _every(timers, 400, lambda: app.session.add_pin(*rng.integers(0, SIDE, 2).tolist()))
    _every(timers, 500, export)


def _every(parent: QObject, milliseconds: int, do: Callable[[], None]) -> None:
    timer = QTimer(parent)
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(do)
    timer.start(milliseconds)
