"""The worker: kinds of background tasks, their scheduling rules, and the threads that run them.

Results are delivered on the GUI thread.
"""

from __future__ import annotations

import contextlib
import enum
import os
import sys
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

from nesr_gui.fields.protocol import Cancelled, ProgressCallback

R = TypeVar("R")
T = TypeVar("T")


class Lane(enum.Enum):
    """A thread that runs its tasks one after another; separate lanes keep a click from waiting for an export.

    The number is the nice level of the thread, which threads started by torch inherit.
    """

    QUERIES = "queries", 0  # spectra and values of pixels
    FRAMES = "frames", 0  # frames while scrubbing: never behind a query
    PICTURES = "pictures", 5
    SCRUBBING = "scrubbing", 10
    REGIONS = "regions", 0
    REFINING = "refining", 5
    REGION_READOUTS = "region readouts", 5
    COLOURS = "colours", 0
    OPENING = "opening", 0
    INSPECTING = "inspecting", 0
    SIMULATION = "simulation", 0
    DEVELOPING = "developing", 5
    MODEL = "model", 5
    RECONSTRUCTION = "reconstruction", 10
    ANCHORING = "anchoring", 5
    ANALYSIS = "analysis", 5
    CLASSES = "classes", 10
    HISTOGRAM = "histogram", 10
    REGISTRATION = "registration", 0
    ACCURACY = "accuracy", 5
    IMAGE_ACCURACY = "image accuracy", 10
    EXPORT = "export", 10
    WRITING = "writing", 10
    ESTIMATE = "estimate", 10
    SAVING = "saving", 0
    AUTOSAVE = "autosave", 10
    TABLES = "tables", 0
    THUMBNAILS = "thumbnails", 0
    LISTS = "lists", 0
    HOUSEKEEPING = "housekeeping", 0
    FIGURES = "figures", 0
    STATISTICS = "statistics", 10
    BAND_HISTOGRAM = "band histogram", 5
    CHART = "chart", 0
    CALIBRATION = "calibration", 5
    MEANS = "means", 10
    SCATTER = "scatter plot", 5
    SCATTER_INTERVALS = "scatter plot intervals", 10
    TRANSECT = "transect", 5
    TRANSECT_VALUES = "transect values", 0
    LIBRARIES = "libraries", 5
    MATCHING = "matching", 0

    def __init__(self, title: str, nice: int) -> None:
        self.title, self.nice = title, nice


class Order(enum.Enum):
    """What happens to a request while another one of the same task is running."""

    NEWEST = enum.auto()  # it replaces the running one
    IN_TURN = enum.auto()  # it is queued: every request has an effect of its own


@dataclass(frozen=True, eq=False)
class _Rules:
    """The rules of a task, which are also its attributes.

    Attributes:
        lane: the thread that runs it.
        text: its text in the status bar; empty for tasks that are not shown.
        order: what happens to a new request while one is running.
        after: delay in seconds before it is shown, as most finish sooner.
        can_cancel: whether the user can cancel it, and `can_pause` whether they can pause it.
        is_timed: whether the remaining time is shown, for tasks that may take minutes.
    """

    lane: Lane
    text: str = ""
    order: Order = Order.NEWEST
    after: float = 0.0
    can_cancel: bool = True
    can_pause: bool = False
    is_timed: bool = False


class Task(enum.Enum):
    """All kinds of background tasks; the status bar shows the first of them that is running."""

    EXPORT = _Rules(Lane.EXPORT, "Exporting", can_pause=True, is_timed=True)
    WRITE = _Rules(Lane.WRITING, "Writing", Order.IN_TURN, after=0.7)
    COPY_PICTURE = _Rules(Lane.FIGURES, "Copying picture", after=0.4)
    RECONSTRUCT = _Rules(Lane.RECONSTRUCTION, "Reconstructing", is_timed=True)
    LOAD_MODEL = _Rules(Lane.MODEL, "Loading model", Order.IN_TURN, can_cancel=False)
    OPEN = _Rules(Lane.OPENING, "Opening", can_cancel=False)
    DEVELOP = _Rules(Lane.DEVELOPING, "Developing photograph", after=0.4, can_cancel=False)
    LOAD_READING = _Rules(Lane.TABLES, "Reading measured spectrum", Order.IN_TURN, after=0.7)
    ANCHOR = _Rules(Lane.ANCHORING, "Applying measured spectra", after=0.4)
    SUGGEST = _Rules(Lane.ANCHORING, "Finding spots to measure", after=0.4)
    FIT_ANALYSIS = _Rules(Lane.ANALYSIS, "Computing analysis", after=0.4)
    CLASS_REGIONS = _Rules(Lane.CLASSES, "Outlining classes", after=0.4)
    CLASS_STATISTICS = _Rules(Lane.CLASSES, "Computing statistics of classes", after=0.4)
    REGISTER = _Rules(Lane.REGISTRATION, "Registering measured cube", after=0.4)
    SIMULATE = _Rules(Lane.SIMULATION, "Simulating photograph")
    OPEN_LIBRARIES = _Rules(Lane.LIBRARIES, "Opening libraries", Order.IN_TURN, after=0.4)
    MARK_LIBRARY = _Rules(Lane.LIBRARIES, "Computing spectra of marks", Order.IN_TURN, after=0.7)
    MATCH = _Rules(Lane.MATCHING, "Comparing with libraries", after=0.7)
    ACCURACY_IMAGE = _Rules(Lane.IMAGE_ACCURACY, "Computing accuracy")
    ACCURACY_MARKS = _Rules(Lane.ACCURACY, "Computing accuracy of marks", after=0.7)
    STATISTICS = _Rules(Lane.STATISTICS, "Computing statistics", after=0.4)
    PICTURE_LEFT = _Rules(Lane.PICTURES, "Rendering", after=0.7)
    PICTURE_RIGHT = _Rules(Lane.PICTURES, "Rendering", after=0.7)
    COUNT_CLASSES = _Rules(Lane.CLASSES, "Counting classes", after=1.0)
    COUNT_CLUSTERS = _Rules(Lane.CLASSES, "Counting clusters", after=1.0)
    SCORE_HISTOGRAM = _Rules(Lane.HISTOGRAM)
    MASK_REGIONS = _Rules(Lane.MEANS, "Making regions", after=0.4)
    IMAGE_MEANS = _Rules(Lane.MEANS, "Averaging abundances", after=1.0)
    REGION_MEANS = _Rules(Lane.MEANS)
    SCATTER = _Rules(Lane.SCATTER, "Computing scatter plot", after=0.4)
    SCATTER_REGIONS = _Rules(Lane.SCATTER, "Making regions", after=0.4)
    SCATTER_INTERVALS = _Rules(Lane.SCATTER_INTERVALS, "Computing intervals of scatter plot", after=0.7)
    TRANSECT = _Rules(Lane.TRANSECT, "Computing transect", after=0.4)
    REGION_REFINED = _Rules(Lane.REFINING, "Averaging region")
    CURVES = _Rules(Lane.QUERIES)
    READOUTS = _Rules(Lane.QUERIES)
    HOVER_CURVE = _Rules(Lane.QUERIES)
    BOX_READOUT = _Rules(Lane.QUERIES)
    BAND_VALUES = _Rules(Lane.REGIONS)
    FRAME_LEFT = _Rules(Lane.FRAMES)
    FRAME_RIGHT = _Rules(Lane.FRAMES)
    TONE_LEFT = _Rules(Lane.FRAMES)
    TONE_RIGHT = _Rules(Lane.FRAMES)
    SCRUB_LEFT = _Rules(Lane.SCRUBBING)
    SCRUB_RIGHT = _Rules(Lane.SCRUBBING)
    REGIONS = _Rules(Lane.REGIONS)
    REGION_READOUTS = _Rules(Lane.REGION_READOUTS)
    COLOURS = _Rules(Lane.COLOURS)
    SCATTER_SELECTION = _Rules(Lane.SCATTER)
    SCATTER_DENSITY = _Rules(Lane.SCATTER)
    TRANSECT_VALUES = _Rules(Lane.TRANSECT_VALUES)
    ABSORPTIONS = _Rules(Lane.COLOURS)
    HISTOGRAM = _Rules(Lane.BAND_HISTOGRAM)
    INTEGRALS = _Rules(Lane.BAND_HISTOGRAM)
    DEVELOP_PREVIEW = _Rules(Lane.DEVELOPING)
    INSTALL_MODEL = _Rules(Lane.MODEL, "Installing model", Order.IN_TURN, can_cancel=False)
    WARM_UP = _Rules(Lane.MODEL)
    PREPARE_READERS = _Rules(Lane.HOUSEKEEPING)
    LOAD_PLUGINS = _Rules(Lane.HOUSEKEEPING, can_cancel=False)
    LIST_MODELS = _Rules(Lane.LISTS)
    MODEL_CARD = _Rules(Lane.LISTS)
    DETECT_KIND = _Rules(Lane.INSPECTING)
    ESTIMATE = _Rules(Lane.ESTIMATE)
    LOAD_RESPONSES = _Rules(Lane.TABLES)
    LOAD_CAMERA = _Rules(Lane.TABLES)
    LOAD_CHART = _Rules(Lane.TABLES)
    FIND_CHART = _Rules(Lane.CALIBRATION)
    READ_PATCHES = _Rules(Lane.CHART)
    CALIBRATE = _Rules(Lane.CALIBRATION)
    PATCH_SPECTRA = _Rules(Lane.CALIBRATION)
    CAMERA_PROFILES = _Rules(Lane.TABLES, order=Order.IN_TURN)
    LOAD_SPECTRA = _Rules(Lane.TABLES, order=Order.IN_TURN)
    LOAD_REFERENCE = _Rules(Lane.TABLES)
    SAVE_SESSION = _Rules(Lane.SAVING, order=Order.IN_TURN)
    AUTOSAVE = _Rules(Lane.AUTOSAVE)
    FIND_COPIES = _Rules(Lane.HOUSEKEEPING)
    TIDY_FOLDERS = _Rules(Lane.HOUSEKEEPING)
    PASTE = _Rules(Lane.SAVING)
    FIGURE_PREVIEW = _Rules(Lane.FIGURES)
    SAMPLE_THUMBNAILS = _Rules(Lane.THUMBNAILS)
    RECENT_THUMBNAILS = _Rules(Lane.THUMBNAILS)

    def __init__(self, rules: _Rules) -> None:
        self.lane, self.text, self.order, self.after = rules.lane, rules.text, rules.order, rules.after
        self.can_cancel, self.can_pause, self.is_timed = rules.can_cancel, rules.can_pause, rules.is_timed


@dataclass(frozen=True, eq=False)
class _Job:
    task: Task
    request: Any
    run: Callable[[Any, ProgressCallback], Any]
    on_result: Callable[[Any, Any], None]
    stop: threading.Event = field(default_factory=threading.Event)  # superseded or cancelled
    dropped: threading.Event = field(default_factory=threading.Event)  # cancelled: deliver nothing
    go: threading.Event = field(default_factory=threading.Event)  # not set: wait in the next `progress`

    def __post_init__(self) -> None:
        self.go.set()

    def end(self) -> None:
        """Request it to stop, even while paused."""
        self.stop.set()
        self.go.set()


@dataclass(frozen=True, eq=False)
class _Event:
    """Progress or completion of a job."""

    job: _Job
    fraction: float | None = None
    result: Any = None
    error: Exception | None = None


class _TaskThread:
    """A thread and its queue, which holds at most one waiting job per task."""

    def __init__(self, lane: Lane, send: Callable[[_Event], None]) -> None:
        self._send, self._nice = send, lane.nice
        self._waiting: dict[Task, _Job] = {}
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._loop, name=f"nesr-{lane.title}", daemon=True)
        self._thread.start()

    def put(self, job: _Job) -> None:
        """Queue a job in the place of a waiting job of its task, so that a frequently renewed task is not starved."""
        with self._changed:
            self._waiting[job.task] = job
            self._changed.notify()

    def drop(self, task: Task) -> None:
        """Remove the waiting job of a task; the next one is queued at the end."""
        with self._changed:
            self._waiting.pop(task, None)

    def close(self) -> None:
        """Clear the queue and stop the thread after its current job."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify()

    def join(self) -> None:
        """Wait for the thread to end."""
        self._thread.join()

    def _loop(self) -> None:
        if self._nice and sys.platform == "linux":  # nice levels are per thread on Linux only
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._nice)
        while (job := self._next()) is not None:
            self._send(self._do(job))
            del job  # release the memory of the last job while idle

    def _next(self) -> _Job | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting)
            return None if self._closed else self._waiting.pop(next(iter(self._waiting)))

    def _do(self, job: _Job) -> _Event:
        def progress(fraction: float) -> None:
            job.go.wait()
            if job.stop.is_set():
                raise Cancelled
            self._send(_Event(job, fraction=fraction))

        try:
            if job.stop.is_set():
                raise Cancelled
            return _Event(job, result=job.run(job.request, progress))
        except Exception as error:  # shown by the window's failure slot
            return _Event(job, error=error)


class Worker(QObject):
    """Runs plain functions of frozen requests on the threads of their tasks' lanes.

    For a task of order `NEWEST`, a new request replaces a waiting one and stops a running one at its next `progress`.
    If that completes anyway, its result is still delivered, in order: while scrubbing every frame counts. After
    `cancel` nothing of the task is delivered. `on_result(request, result)` is called on the GUI thread.
    """

    progressed = Signal(object, float)  # Task, fraction done; 0 at the start
    ended = Signal(object)  # Task: finished, failed or cancelled, and none of its requests is left
    failed = Signal(object, object)  # Task, Exception
    _sent = Signal(object)  # _Event

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._threads: dict[Lane, _TaskThread] = {}
        self._newest: dict[Task, _Job] = {}
        self._turns: defaultdict[Task, deque[_Job]] = defaultdict(deque)  # queued requests of IN_TURN tasks
        self._failed: dict[Task, _Job] = {}  # for `retry`, until the next request of the task
        self._is_closed = False
        self._sent.connect(self._receive, Qt.ConnectionType.QueuedConnection)

    def submit(
        self, task: Task, request: R, run: Callable[[R, ProgressCallback], T], on_result: Callable[[R, T], None]
    ) -> None:
        """Run `run(request, progress)` on the task's thread; ignored after `close`."""
        if self._is_closed:
            return
        self._failed.pop(task, None)
        job = _Job(task, request, run, on_result)
        if task.order is Order.IN_TURN and self.is_busy(task):
            self._turns[task].append(job)
            return
        if (running := self._newest.get(task)) is not None:
            running.end()
        self._begin(job)

    def _begin(self, job: _Job) -> None:
        lane = job.task.lane
        if lane not in self._threads:
            self._threads[lane] = _TaskThread(lane, self._sent.emit)
        self._newest[job.task] = job
        self._threads[lane].put(job)
        self.progressed.emit(job.task, 0.0)

    def retry(self, task: Task, change: Callable[[Any], Any] = lambda request: request) -> None:
        """Submit the latest failed request of a task again, modified by `change`."""
        job = self._failed.pop(task, None)
        if job is not None:
            self.submit(task, change(job.request), job.run, job.on_result)

    def cancel(self, task: Task) -> None:
        """Stop the running request of a task and drop the waiting ones."""
        self._turns[task].clear()
        if (job := self._newest.pop(task, None)) is not None:
            self._threads[task.lane].drop(task)
            job.dropped.set()
            job.end()
            self.ended.emit(task)

    def pause(self, task: Task, paused: bool) -> None:
        """Pause the running request of a task at its next `progress`, or resume it."""
        if (job := self._newest.get(task)) is not None:
            (job.go.clear if paused else job.go.set)()

    def is_busy(self, task: Task) -> bool:
        """Return whether a request of a task is running or waiting."""
        return task in self._newest or bool(self._turns[task])

    def close(self) -> None:
        """Cancel everything and wait for the threads to end."""
        self._is_closed = True
        for job in self._newest.values():
            job.end()
        self._newest.clear()
        self._turns.clear()
        for thread in self._threads.values():
            thread.close()
        for thread in self._threads.values():
            thread.join()
        self._threads.clear()

    def _receive(self, event: _Event) -> None:
        job = event.job
        if job.dropped.is_set() or job.task not in self._newest:
            return
        is_newest = self._newest[job.task] is job
        if event.fraction is not None:
            if is_newest:
                self.progressed.emit(job.task, event.fraction)
            return
        if is_newest:
            del self._newest[job.task]
        error = event.error or self._deliver(job, event.result)
        if error is not None and not isinstance(error, Cancelled) and is_newest:
            self._failed[job.task] = job
            self.failed.emit(job.task, error)
        if is_newest and job.task not in self._newest:
            if turns := self._turns[job.task]:
                self._begin(turns.popleft())
            else:
                self.ended.emit(job.task)

    def _deliver(self, job: _Job, result: Any) -> Exception | None:
        try:
            job.on_result(job.request, result)
        except Exception as error:  # shown like any other failure
            return error
        return None
