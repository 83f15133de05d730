"""Rendering requests for one side of the image panes, and cached bands for fast scrubbing."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal

from nesr_gui.gui.model.viewport import Viewport
from nesr_gui.gui.model.workspace import Workspace
from nesr_gui.gui.tasks.rendering import (
    MOST_SAMPLES,
    SPACINGS,
    RenderedImage,
    RenderRequest,
    ScrubBands,
    ScrubBandsRequest,
    UpdateRequest,
    decode_scrub_bands,
    render_frame,
    render_picture,
    resolve_request,
    update_picture,
)
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.view_modes import MODES
from nesr_gui.gui.view_modes.base import RenderContext, Requirement

TASKS = (
    (Task.FRAME_LEFT, Task.PICTURE_LEFT, Task.TONE_LEFT, Task.SCRUB_LEFT),
    (Task.FRAME_RIGHT, Task.PICTURE_RIGHT, Task.TONE_RIGHT, Task.SCRUB_RIGHT),
)
FRAME_SECONDS = 0.008  # pictures rendered faster need no scrub bands
REST_MS = 60  # without changes before the exact picture is rendered
COARSE_SECONDS = 0.035  # maximum time of a frame while scrubbing
MOST_VALUES, FEWEST_VALUES = 512 * 512, 96 * 96
FIRST_VALUES = 192 * 192  # before the speed of a field has been measured


class ScrubCache:
    """Bands between which scrubbing interpolates, decoded after the exact picture of a side."""

    def __init__(self, worker: Worker, task: Task) -> None:
        self._worker, self._task = worker, task
        self._bands: ScrubBands | None = None
        self._requested: ScrubBandsRequest | None = None

    def through(self, request: RenderRequest) -> ScrubBands | None:
        """The cached bands that a request can be interpolated from; None if there are none."""
        bands = self._bands
        if bands is None or not request.mode.moves or bands.field is not request.context.field:
            return None
        return bands if bands.sampling == request.sampling else None

    def prepare(self, request: RenderRequest, seconds: float) -> None:
        """Decode bands for a picture that took `seconds` to render, unless cached, running or unnecessary."""
        if not request.mode.moves or seconds < FRAME_SECONDS or self.through(request) is not None:
            return
        requested = self._requested
        if requested is None or requested.sampling != request.sampling or requested.field is not request.context.field:
            self._request(ScrubBandsRequest(request.context.answering, request.sampling, SPACINGS[0]))

    @property
    def is_busy(self) -> bool:
        """Whether bands are being decoded."""
        return self._worker.is_busy(self._task)

    def forget(self) -> None:
        """Discard the bands of the previous field."""
        self._bands = self._requested = None
        self._worker.cancel(self._task)

    def _request(self, request: ScrubBandsRequest) -> None:
        self._requested = request
        self._worker.submit(self._task, request, decode_scrub_bands, self._take)

    def _take(self, request: ScrubBandsRequest, bands: ScrubBands) -> None:
        if request is not self._requested:
            return
        self._bands = bands
        if (finer := request.finer(bands)) is not None:
            self._request(finer)


class ImageRenderer(QObject):
    """Turns the state of a side into rendering requests, and emits their results.

    A change is rendered coarsely at once, then at screen resolution after `REST_MS` without changes. The coarse
    resolution follows from the time of the last frame; with scrub bands, frames are interpolated. The last exact
    picture of each mode is cached until the field changes; new levels or colormaps only repeat the tone mapping.
    """

    answered = Signal(object)  # RenderedImage to show
    emptied = Signal()  # no picture is available

    def __init__(self, workspace: Workspace, worker: Worker, side: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace, self._worker, self.side = workspace, worker, side
        self._coarse, self._exact, self._shade, scrub = TASKS[side]
        self._scrub_cache = ScrubCache(worker, scrub)
        self._view: Viewport | None = None
        self._basis: tuple[object, ...] = ()
        self._requested: RenderRequest | None = None
        self._refined: RenderRequest | None = None  # last exact request
        self.shown: RenderedImage | None = None
        self._cached: dict[str, RenderedImage] = {}
        self.budget = FIRST_VALUES
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._ask_exact)

    @property
    def is_settled(self) -> bool:
        """Whether the exact picture of the viewport is shown and scrub bands are decoded."""
        wanted, fine = self._resolve(None), self._resolve(MOST_SAMPLES)
        if wanted is None or fine is None or self.shown is None:
            return wanted is None
        return self._is_answered_by(self.shown, wanted) and not self._scrub_cache.is_busy

    def stop(self) -> None:
        """Cancel all requests."""
        self._basis = ()
        self._rest.stop()
        for task in (self._coarse, self._exact, self._shade):
            self._worker.cancel(task)
        self._requested = self._refined = None

    def clear(self) -> None:
        """Discard the picture of the previous image."""
        self.stop()
        self.shown = None

    def forget(self) -> None:
        """Discard cached and running work of the previous field; its picture stays until the next one is ready.

        If no picture can follow, `ask` clears the pane.
        """
        self._basis = ()
        self._cached.clear()
        self._scrub_cache.forget()
        self.budget = FIRST_VALUES
        wanted = self._resolve(None)
        if wanted is None or self.shown is None or not wanted.is_same_as(self.shown.request):
            self.stop()
            self.ask()

    def set_view(self, view: Viewport) -> None:
        """Set the viewport; uncovered parts are rendered coarsely at once, then exactly."""
        self._view = view
        self.ask()

    def ask(self) -> None:
        """Request the current picture, unless it is shown or being rendered."""
        if (basis := self._current_basis()) == self._basis:
            return
        self._basis = basis
        wanted = self._resolve(None)
        if wanted is None:
            self._show_nothing()
            return
        shape = self._workspace.current.source_shape
        assert self._view is not None and shape is not None
        if (
            self._requested is not None
            and wanted.is_same_as(self._requested)
            and self._requested.sampling.covers(self._view, shape)
        ):
            self._rest.start()
            self._update(wanted)
        elif (cached := self._cached_for(wanted)) is not None:
            self.stop()
            self._requested = cached.request
            self._show(cached)
            self._update(wanted)
            self._rest.start()
        else:
            self._ask_coarse()

    def _current_basis(self) -> tuple[object, ...]:
        """All inputs of the picture: nothing is requested while they are unchanged."""
        context = RenderContext.of(self._workspace.current)
        mode = MODES[context.view_settings.modes[self.side]]
        reference = (context.reference, context.reference_name) if Requirement.REFERENCE in mode.needs else None
        return (
            context.view_settings, self._view, context.field, id(context.colours), context.truth, context.nm,
            context.viewing, context.white, reference, context.analyses, context.is_abstaining,
            self._workspace.current.source_shape,
        )  # fmt: skip

    def _ask_coarse(self) -> None:
        request = self._resolve(MOST_SAMPLES)
        assert request is not None
        if (bands := self._scrub_cache.through(request)) is not None:
            request = replace(request, scrub_bands=bands)
        else:
            request = self._resolve(self.budget)
        assert request is not None
        self._requested = request
        self._worker.cancel(self._exact)
        if request.mode.bands(request.context):
            self._worker.submit(self._coarse, request, render_frame, self._take_coarse)
            self._rest.start()
        else:
            self._worker.submit(self._coarse, request, render_picture, self._take_whole)

    def _ask_exact(self) -> None:
        if self._worker.is_busy(self._coarse):  # both would share the processor, and the coarse picture come later
            self._rest.start()
            return
        request, running = self._resolve(None), self._refined if self._worker.is_busy(self._exact) else None
        if request is None:
            return
        if self.shown is not None and self._is_answered_by(self.shown, request):
            self._update(request, is_resting=True)
            return
        if running is None or running.sampling != request.sampling or not running.is_same_as(request):
            self._refined = request
            self._worker.submit(self._exact, request, render_picture, self._take_exact)

    def _is_answered_by(self, picture: RenderedImage, wanted: RenderRequest) -> bool:
        """Whether a picture is exact for the whole viewport at the requested resolution or finer."""
        shape = self._workspace.current.source_shape
        assert self._view is not None and shape is not None
        return (
            picture.is_exact and wanted.is_same_as(picture.request)
            and picture.request.sampling.stride <= wanted.sampling.stride
            and picture.request.sampling.covers(self._view, shape)
        )  # fmt: skip

    def _cached_for(self, wanted: RenderRequest) -> RenderedImage | None:
        cached = self._cached.get(wanted.mode.name)
        return cached if cached is not None and self._is_answered_by(cached, wanted) else None

    def _update(self, wanted: RenderRequest, is_resting: bool = False) -> None:
        """Repeat the tone mapping if limits or colormap have changed, and the histogram once the view rests."""
        if self.shown is None or not wanted.is_same_as(self.shown.request):
            return
        request = UpdateRequest(self.shown, wanted)
        if request.is_reshaded or (is_resting and request.is_moved):
            self._worker.submit(self._shade, request, update_picture, self._take_updated)

    def _resolve(self, budget: int | None) -> RenderRequest | None:
        document, view_settings = self._workspace.current, self._workspace.current.view_settings
        name = view_settings.modes[self.side]
        if self._view is None or document.source_shape is None or self.side not in view_settings.sides:
            return None
        context = RenderContext.of(document).of_side(self.side)
        if MODES[name].unavailable_reason(context):
            return None
        return resolve_request(name, context, self._view, budget)

    def _take_coarse(self, request: RenderRequest, picture: RenderedImage) -> None:
        if request.scrub_bands is None:
            self._learn(picture)
        self._take(picture)

    def _take_exact(self, request: RenderRequest, picture: RenderedImage) -> None:
        self._worker.cancel(self._coarse)
        self._take_whole(request, picture)

    def _take_whole(self, request: RenderRequest, picture: RenderedImage) -> None:
        """Show and cache an exact picture; a later request for a photograph goes on."""
        self._cached[request.mode.name] = picture
        self._take(picture)
        if (moved := self._resolve(MOST_SAMPLES)) is not None:
            self._scrub_cache.prepare(moved, picture.seconds)

    def _take_updated(self, request: UpdateRequest, picture: RenderedImage) -> None:
        if self.shown is request.picture:
            self._take(picture)

    def _take(self, picture: RenderedImage) -> None:
        """Show a result if mode and image still match; while scrubbing, every frame is shown."""
        request, wanted = picture.request, self._resolve(None)
        if wanted is None or wanted.mode is not request.mode:
            return
        if wanted.context.field is request.context.field or wanted.is_same_as(request):
            self._show(picture)
            self._update(wanted)

    def _show(self, picture: RenderedImage) -> None:
        self.shown = picture
        if self._cached.get(name := picture.request.mode.name) is not None and picture.is_exact:
            self._cached[name] = picture
        self.answered.emit(picture)

    def _show_nothing(self) -> None:
        if self._requested is not None:
            self.stop()
        if self.shown is not None:
            self.shown = None
            self.emptied.emit()

    def _learn(self, picture: RenderedImage) -> None:
        """Adapt the number of values per coarse frame; small changes are ignored to keep the resolution stable."""
        values = picture.shown.shape[0] * picture.shown.shape[1] * picture.request.mode.bands(picture.request.context)
        fitting = values * COARSE_SECONDS / max(picture.seconds, 1e-4)
        fitting = min(max(fitting, FEWEST_VALUES), MOST_VALUES)
        if not 0.6 < fitting / self.budget < 1.7:
            self.budget = round(fitting)
