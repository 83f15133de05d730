"""How fast the window answers on this machine: the promise "never blocked", measured."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QEventLoop, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from nesr_gui.benchmark.inference import photograph
from nesr_gui.benchmark.result import BenchmarkResult
from nesr_gui.export import ExportPlan
from nesr_gui.gui.app import App
from nesr_gui.gui.model.preferences import nothing_remembered
from nesr_gui.gui.tasks import files, loading
from nesr_gui.gui.tasks.rendering import RenderedImage
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.inference.model import LoadedModel
from nesr_gui.spectral import RGBImage, Wavelengths

SIDE = 512  # pixels of the photograph along a side
LARGE = (3000, 4000)  # of the one that the window must bear
BEAT_MS, MOVE_MS = 10, 40
SCENARIO_SECONDS = 8.0
RESTS = 9  # how often the hand rests
LONGEST_SECONDS = 120.0  # that anything is waited for


def figures(model: LoadedModel) -> Iterator[BenchmarkResult]:
    """Measure in a real window, with a photograph of `SIDE` and a large one."""
    yield from _in_the_window(photograph(SIDE, SIDE), model)
    large = f" ({LARGE[0] * LARGE[1] / 1e6:.3g} megapixels)"
    for figure in _in_the_window(photograph(*LARGE), model):
        if figure.name.startswith("GUI thread late"):
            yield BenchmarkResult(figure.name + large, figure.value, figure.unit, figure.aim)


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
class Frames(QObject):
    """Milliseconds from a move of the wavelength until a picture of it, or of a later one, is painted."""

    waits: list[float] = field(default_factory=list)
    painted: int = 0
    _asked: dict[float, float] = field(default_factory=dict)
    _given: RenderedImage | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def ask(self, nm: float) -> None:
        self._asked[nm] = time.perf_counter()

    def take(self, picture: RenderedImage) -> None:
        self._given = picture

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Of the viewport: what is given is painted when its paint event is over."""
        if event.type() == QEvent.Type.Paint and self._given is not None:
            QTimer.singleShot(0, self._count)
        return False

    def _count(self) -> None:
        given, self._given = self._given, None
        if given is None:
            return
        self.painted += 1
        asked = self._asked.pop(given.request.context.nm, None)
        if asked is not None:
            self.waits.append(1000 * (time.perf_counter() - asked))


class Bench:
    """A window with one reconstructed photograph, and what is measured in it."""

    def __init__(self, image: RGBImage, model: LoadedModel) -> None:
        qt = QApplication.instance() or QApplication(sys.argv[:1])
        assert isinstance(qt, QApplication)
        self.app, self.heart, self.frames, self.timers = App(), Heartbeat(), Frames(), QObject()
        self.loop = QEventLoop()
        self.app.window.resize(1280, 800)
        self.app.window.show()
        _every(self.timers, BEAT_MS, self.heart.beat)
        self.app.worker.submit(Task.WARM_UP, None, loading.prepare_colours, lambda asked, result: None)
        self.app.document.open_photograph(image, loading.displayed(image), None)
        self.app.worker.submit(
            Task.RECONSTRUCT, loading.EncodeRequest(image, model), loading.encode, _take_into(self.app)
        )
        self.wait_for(lambda: self.app.document.field is not None)
        self.app.window.panes.images[0].viewport().installEventFilter(self.frames)
        self.app.renderers[0].answered.connect(self.frames.take)
        self.app.document.set_view_settings(self.app.document.view_settings.showing("band"))
        self.wait_for(lambda: self.app.renderers[0].is_settled)

    def run(self, seconds: float) -> None:
        """Let the window live."""
        QTimer.singleShot(int(1000 * seconds), self.loop.quit)
        self.loop.exec()

    def wait_for(self, done: Callable[[], bool]) -> None:
        """Let it live until something is so."""
        until = time.perf_counter() + LONGEST_SECONDS
        while not done() and time.perf_counter() < until:
            self.run(0.005)

    def close(self) -> None:
        for timer in self.timers.findChildren(QTimer):
            timer.stop()
        self.app.window.close()

    def scrub(self, seconds: float) -> list[float]:
        """Move the wavelength at random for some time: milliseconds of all frames."""
        rng, self.frames.waits = np.random.default_rng(1), []

        def move() -> None:
            nm = round(float(rng.uniform(400, 700)), 1)
            self.frames.ask(nm)
            self.app.document.set_wavelength(nm)

        timer = _every(self.timers, MOVE_MS, move)
        self.run(seconds)
        timer.stop()
        return self.frames.waits

    def rest(self) -> list[float]:
        """Move once and wait for the exact picture: milliseconds."""
        rng, picturing, waits = np.random.default_rng(3), self.app.renderers[0], []
        for _ in range(RESTS):
            nm, started = round(float(rng.uniform(400, 700)), 1), time.perf_counter()
            self.app.document.set_wavelength(nm)
            self.wait_for(lambda nm=nm: (shown := picturing.shown) is not None and shown.is_exact
                          and shown.request.context.nm == nm)  # type: ignore[misc]  # fmt: skip
            waits.append(1000 * (time.perf_counter() - started))
        return waits

    def sweep(self, seconds: float) -> float:
        """Play the sweep: pictures painted per second."""
        self.frames.painted = 0
        self.app.window.bar.toggle_playing()
        self.run(seconds)
        self.app.window.bar.stop()
        return self.frames.painted / seconds


@nothing_remembered()
def _in_the_window(image: RGBImage, model: LoadedModel) -> Iterator[BenchmarkResult]:
    """Reconstruct, scrub, rest, sweep, click and export at once in a real window, with a heartbeat all along."""
    bench = Bench(image, model)
    moved = bench.scrub(SCENARIO_SECONDS)
    rested, swept = bench.rest(), bench.sweep(SCENARIO_SECONDS / 2)
    with tempfile.TemporaryDirectory() as folder:
        _click_and_export(bench.app, bench.timers, Path(folder))
        busy = bench.scrub(SCENARIO_SECONDS)
        bench.close()
    late = bench.heart.late
    yield BenchmarkResult("scrub to painted frame", float(np.median(moved)), aim=16)
    yield BenchmarkResult("scrub to painted frame, 99th percentile", float(np.percentile(moved, 99)), aim=33)
    yield BenchmarkResult("scrub to painted frame while clicking and exporting", float(np.median(busy)))
    yield BenchmarkResult("hand at rest to exact picture", float(np.median(rested)), aim=250)
    yield BenchmarkResult("frames of a sweep per second", swept, "", aim=30, is_more_better=True)
    yield BenchmarkResult("GUI thread late, 99th percentile", float(np.percentile(late, 99)), aim=50)
    yield BenchmarkResult("GUI thread late, worst", max(late), aim=150)


def _take_into(app: App) -> Callable[[loading.EncodeRequest, loading.Reconstruction], None]:
    return lambda request, made: app.document.set_field(made.field, made.image.binning, made.levels, made.image)


def _click_and_export(app: App, timers: QObject, folder: Path) -> None:
    rng = np.random.default_rng(2)

    def export() -> None:
        assert app.document.field is not None
        if not app.worker.is_busy(Task.EXPORT):
            plan = ExportPlan(Wavelengths.from_step(400, 700, 10))
            request = files.CubeExport(folder / "cube.h5", app.document.field, plan)
            app.worker.submit(Task.EXPORT, request, files.export_cube, lambda asked, result: None)

    _every(timers, 400, lambda: app.document.add_pin(*rng.integers(0, SIDE, 2).tolist()))
    _every(timers, 500, export)


def _every(parent: QObject, milliseconds: int, do: Callable[[], None]) -> QTimer:
    timer = QTimer(parent)
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(do)
    timer.start(milliseconds)
    return timer
