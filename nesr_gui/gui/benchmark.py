"""Benchmark of the responsiveness of the window."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QEventLoop, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from nesr_gui.benchmark.inference import photograph
from nesr_gui.benchmark.result import BenchmarkResult
from nesr_gui.export import ExportPlan
from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.app import App
from nesr_gui.gui.model.preferences import nothing_remembered
from nesr_gui.gui.model.truth import MeasuredCube
from nesr_gui.gui.tasks import files, loading
from nesr_gui.gui.tasks.rendering import RenderedImage
from nesr_gui.gui.tasks.worker import Task
from nesr_gui.gui.view_modes import MODES
from nesr_gui.inference.model import LoadedModel
from nesr_gui.spectral import RGBImage, Wavelengths

SIDE = 512  # side of the photograph in pixels
LARGE = (4000, 6000)  # (H, W) of the large photograph
BEAT_MS, MOVE_MS = 10, 40
SCENARIO_SECONDS = 8.0
PINS = 8
RESTS = 9  # repetitions of the measurement at rest
LONGEST_SECONDS = 120.0  # timeout
SWEEP = "frames of a sweep per second"


def figures(model: LoadedModel) -> Iterator[BenchmarkResult]:
    """Measure in a real window, with photographs of `SIDE` × `SIDE` and `LARGE` pixels."""
    yield from _in_the_window(photograph(SIDE, SIDE), model)
    large = f" ({LARGE[0] * LARGE[1] / 1e6:.3g} megapixels)"
    for result in _in_the_window(photograph(*LARGE), model):
        if result.name.startswith("GUI thread late"):
            yield replace(result, name=result.name + large)
        elif result.name == SWEEP:
            yield replace(result, name=result.name + large, aim=30)


@dataclass(eq=False)
class Heartbeat:
    """Delays (ms) of a timer on the GUI thread."""

    late: list[float] = field(default_factory=list)
    _last: float | None = None

    def beat(self) -> None:
        """Record the delay; called by the timer every `BEAT_MS`."""
        now = time.perf_counter()
        if self._last is not None:
            self.late.append(max(0.0, 1000 * (now - self._last) - BEAT_MS))
        self._last = now


@dataclass(eq=False)
class Frames(QObject):
    """Times (ms) from a change of the wavelength until a frame of it is painted.

    A frame counts for its own wavelength only. `painted` is the number of frames.
    """

    waits: list[float] = field(default_factory=list)
    painted: int = 0
    _requested: dict[float, float] = field(default_factory=dict)  # nm → time of the change
    _delivered: RenderedImage | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def start(self) -> None:
        """Forget earlier changes and times: their wavelengths may be painted much later, by chance."""
        self.waits, self._requested = [], {}

    def ask(self, nm: float) -> None:
        """Record the time of a change to `nm`."""
        self._requested[nm] = time.perf_counter()

    def take(self, picture: RenderedImage) -> None:
        """Record a rendered image that was passed to the view."""
        self._delivered = picture

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Count the delivered image after the next paint event of the viewport."""
        if event.type() == QEvent.Type.Paint and self._delivered is not None:
            QTimer.singleShot(0, self._count)
        return False

    def _count(self) -> None:
        delivered, self._delivered = self._delivered, None
        if delivered is None:
            return
        self.painted += 1
        start = self._requested.pop(delivered.request.context.nm, None)
        if start is not None:
            self.waits.append(1000 * (time.perf_counter() - start))


class Bench:
    """A window with one reconstructed photograph, and the scenarios measured in it."""

    def __init__(self, image: RGBImage, model: LoadedModel) -> None:
        qt = QApplication.instance() or QApplication(sys.argv[:1])
        assert isinstance(qt, QApplication)
        self.app, self.heart, self.frames, self.timers = App(), Heartbeat(), Frames(), QObject()
        self.loop = QEventLoop()
        self.app.window.resize(1280, 800)
        self.app.window.show()
        _every(self.timers, BEAT_MS, self.heart.beat)
        self.app.worker.submit(Task.WARM_UP, None, loading.prepare_colours, lambda request, result: None)
        self.app.document.open_photograph(image, loading.displayed(image), None)
        self.app.worker.submit(
            Task.RECONSTRUCT, loading.EncodeRequest(image, model), loading.encode, _take_into(self.app)
        )
        self.wait_for(lambda: self.app.document.field is not None)
        self.app.window.panes.images[0].viewport().installEventFilter(self.frames)
        self.app.renderers[0].answered.connect(self.frames.take)

    def run(self, seconds: float) -> None:
        """Run the event loop for some seconds."""
        QTimer.singleShot(int(1000 * seconds), self.loop.quit)
        self.loop.exec()

    def wait_for(self, done: Callable[[], bool]) -> None:
        """Run the event loop until `done()` is true, for at most `LONGEST_SECONDS`."""
        until = time.perf_counter() + LONGEST_SECONDS
        while not done() and time.perf_counter() < until:
            self.run(0.005)

    def close(self) -> None:
        """Stop the timers and close the window."""
        for timer in self.timers.findChildren(QTimer):
            timer.stop()
        self.app.window.close()

    def scrub(self, seconds: float) -> list[float]:
        """Change the wavelength at random for some seconds; return the time to paint (ms) of each frame."""
        rng = np.random.default_rng(1)
        self.frames.start()

        def move() -> None:
            nm = round(float(rng.uniform(400, 700)), 1)
            self.frames.ask(nm)
            self.app.document.set_wavelength(nm)

        timer = _every(self.timers, MOVE_MS, move)
        self.run(seconds)
        self.wait_for(lambda: bool(self.frames.waits))  # at least one on a busy machine
        timer.stop()
        return self.frames.waits

    def rest(self) -> list[float]:
        """Change the wavelength once and wait for the exact image, `RESTS` times; return the times (ms)."""
        rng, picturing, waits = np.random.default_rng(3), self.app.renderers[0], []
        for _ in range(RESTS):
            nm, started = round(float(rng.uniform(400, 700)), 1), time.perf_counter()
            self.app.document.set_wavelength(nm)
            self.wait_for(lambda nm=nm: (shown := picturing.shown) is not None and shown.is_exact
                          and shown.request.context.nm == nm)  # type: ignore[misc]  # fmt: skip
            waits.append(1000 * (time.perf_counter() - started))
        return waits

    def first_use(self, mode: str) -> tuple[float, float]:
        """Show a mode for the first time; return the times (ms) to its coarse and to its exact picture."""
        seen: list[RenderedImage] = []
        answered = self.app.renderers[0].answered
        connection = answered.connect(seen.append)
        started = time.perf_counter()
        self.app.view.show_mode(mode)
        self.wait_for(lambda: bool(seen))
        coarse = time.perf_counter() - started
        self.wait_for(lambda: seen[-1].is_exact)
        answered.disconnect(connection)
        return 1000 * coarse, 1000 * (time.perf_counter() - started)

    def add_pins_and_truth(self, truth: CubeField) -> None:
        """Add `PINS` pins and a measured cube, so that a step of the wavelength updates curves, table and readouts."""
        document = self.app.document
        document.set_truth(MeasuredCube(truth, "truth", is_chosen=True))
        for row, col in np.random.default_rng(4).integers(0, SIDE, (PINS, 2)).tolist():
            document.add_pin(row, col)
        self.wait_for(lambda: self.app.renderers[0].is_settled and len(document.readouts) == PINS)

    def sweep(self, seconds: float) -> float:
        """Play the sweep for some seconds; return the painted frames per second."""
        self.frames.painted, started = 0, time.perf_counter()
        self.app.window.bar.toggle_playing()
        self.run(seconds)
        self.wait_for(lambda: self.frames.painted > 0)
        self.app.window.bar.stop()
        return self.frames.painted / (time.perf_counter() - started)


@nothing_remembered()
def _in_the_window(image: RGBImage, model: LoadedModel) -> Iterator[BenchmarkResult]:
    """Reconstruct, scrub, rest and sweep, then scrub while clicking and exporting, with a heartbeat throughout."""
    bands = Wavelengths.from_step(400, 700, 10)
    truth = CubeField(np.full((len(bands), 64, 64), 0.5, np.float32), bands)  # before the window: it would be late
    bench = Bench(image, model)
    firsts = {mode: bench.first_use(mode) for mode in ("rerendered", "colour_error")}
    bench.app.view.show_mode("band")
    bench.wait_for(lambda: bench.app.renderers[0].is_settled)
    moved = bench.scrub(SCENARIO_SECONDS)
    rested, swept = bench.rest(), bench.sweep(SCENARIO_SECONDS / 2)
    bench.add_pins_and_truth(truth)
    marked, swept_marked = bench.scrub(SCENARIO_SECONDS / 2), bench.sweep(SCENARIO_SECONDS / 2)
    with tempfile.TemporaryDirectory() as folder:
        _click_and_export(bench.app, bench.timers, Path(folder))
        busy = bench.scrub(SCENARIO_SECONDS)
        bench.close()
    late = bench.heart.late
    yield BenchmarkResult("scrub to painted frame", float(np.median(moved)), aim=12)
    yield BenchmarkResult("scrub to painted frame, 99th percentile", float(np.percentile(moved, 99)), aim=20)
    yield BenchmarkResult("scrub to painted frame while clicking and exporting", float(np.median(busy)))
    yield BenchmarkResult("wavelength change to exact image", float(np.median(rested)), aim=250)
    for mode, (coarse, exact) in firsts.items():
        title = MODES[mode].title
        yield BenchmarkResult(f"first use of {title} to coarse image", coarse, aim=300)
        yield BenchmarkResult(f"first use of {title} to exact image", exact, aim=1000)
    yield BenchmarkResult(SWEEP, swept, "", aim=60, is_more_better=True)
    yield BenchmarkResult(f"scrub with {PINS} pins and truth", float(np.median(marked)), aim=12)
    yield BenchmarkResult(
        f"scrub with {PINS} pins and truth, 99th percentile", float(np.percentile(marked, 99)), aim=20
    )
    yield BenchmarkResult(f"{SWEEP} with {PINS} pins and truth", swept_marked, "", aim=25, is_more_better=True)
    yield BenchmarkResult("GUI thread late, 99th percentile", float(np.percentile(late, 99)), aim=50)
    yield BenchmarkResult("GUI thread late, worst", max(late), aim=100)


def _take_into(app: App) -> Callable[[loading.EncodeRequest, loading.Reconstruction], None]:
    return lambda request, result: app.document.set_field(
        result.field, result.image.binning, result.levels, result.image
    )


def _click_and_export(app: App, timers: QObject, folder: Path) -> None:
    rng = np.random.default_rng(2)

    def export() -> None:
        assert app.document.field is not None
        if not app.worker.is_busy(Task.EXPORT):
            plan = ExportPlan(Wavelengths.from_step(400, 700, 10))
            request = files.CubeExport(folder / "cube.h5", app.document.field, plan)
            app.worker.submit(Task.EXPORT, request, files.export_cube, lambda request, result: None)

    _every(timers, 400, lambda: app.document.add_pin(*rng.integers(0, SIDE, 2).tolist()))
    _every(timers, 500, export)


def _every(parent: QObject, milliseconds: int, do: Callable[[], None]) -> QTimer:
    timer = QTimer(parent)
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(do)
    timer.start(milliseconds)
    return timer
