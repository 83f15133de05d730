"""Requests the picture that one side of the image pane shows, and the bands that scrubbing interpolates between."""

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
    ToneMapRequest,
    decode_scrub_bands,
    map_tones_again,
    render_frame,
    render_picture,
    resolve_request,
    tone_mapping_of,
)
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.view_modes import MODES
from nesr_gui.gui.view_modes.base import RenderContext, Requirement

TASKS = (
    (Task.FRAME_LEFT, Task.PICTURE_LEFT, Task.TONE_LEFT, Task.SCRUB_LEFT),
    (Task.FRAME_RIGHT, Task.PICTURE_RIGHT, Task.TONE_RIGHT, Task.SCRUB_RIGHT),
)
FRAME_SECONDS = 0.008  # a picture that takes less needs no scrub bands
REST_MS = 60  # the hand rests
COARSE_SECONDS = 0.035  # a frame while scrubbing may take this long
MOST_VALUES, FEWEST_VALUES = 512 * 512, 96 * 96
FIRST_VALUES = 192 * 192  # until it is known how fast a field answers


class ScrubCache:
    """Keeps the scrub bands of what one side shows; they are decoded when its exact picture is there."""

    def __init__(self, worker: Worker, task: Task) -> None:
        self._worker, self._task = worker, task
        self._bands: ScrubBands | None = None
        self._asked: ScrubBandsRequest | None = None

    def through(self, request: RenderRequest) -> ScrubBands | None:
        """The bands that answer a request while the hand moves; None where there are none."""
        bands = self._bands
        if bands is None or not request.mode.moves or bands.field is not request.context.field:
            return None
        return bands if bands.sampling == request.sampling else None

    def prepare(self, request: RenderRequest, seconds: float) -> None:
        """Decode scrub bands for a picture that took so many seconds, unless they are cached or on their way."""
        if not request.mode.moves or seconds < FRAME_SECONDS or self.through(request) is not None:
            return
        asked = self._asked
        if asked is None or asked.sampling != request.sampling or asked.field is not request.context.field:
            self._ask(ScrubBandsRequest(request.context.answering, request.sampling, SPACINGS[0]))

    @property
    def is_busy(self) -> bool:
        return self._worker.is_busy(self._task)

    def forget(self) -> None:
        """Another field: what is there belongs to the last one."""
        self._bands = self._asked = None
        self._worker.cancel(self._task)

    def _ask(self, request: ScrubBandsRequest) -> None:
        self._asked = request
        self._worker.submit(self._task, request, decode_scrub_bands, self._take)

    def _take(self, request: ScrubBandsRequest, bands: ScrubBands) -> None:
        if request is not self._asked:
            return
        self._bands = bands
        if (finer := request.finer(bands)) is not None:
            self._ask(finer)


class ImageRenderer(QObject):
    """Turns what a side of the pane is to show into requests, and answers into facts.

    A picture is asked coarsely at once, and as fine as the screen can show when nothing has changed for `REST_MS`. How
    coarse follows from how long the last frame took; once scrub bands are decoded, it is interpolated from them.
    Nothing is rendered twice: the last exact picture of each mode is kept as long as the field, and other levels or
    colours only map its tones again.
    """

    answered = Signal(object)  # RenderedImage, which is shown now
    emptied = Signal()  # there is no picture to show

    def __init__(self, workspace: Workspace, worker: Worker, side: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace, self._worker, self.side = workspace, worker, side
        self._coarse, self._exact, self._shade, scrub = TASKS[side]
        self._scrub_cache = ScrubCache(worker, scrub)
        self._view: Viewport | None = None
        self._basis: tuple[object, ...] = ()
        self._asked: RenderRequest | None = None
        self._refined: RenderRequest | None = None  # what was asked exactly
        self.shown: RenderedImage | None = None
        self._kept: dict[str, RenderedImage] = {}
        self.budget = FIRST_VALUES
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._ask_exact)

    @property
    def is_settled(self) -> bool:
        """Whether the exact picture of what is in view is there, and what a move of the wavelength would need."""
        wanted, fine = self._resolve(None), self._resolve(MOST_SAMPLES)
        if wanted is None or fine is None or self.shown is None:
            return wanted is None
        return self._is_answered_by(self.shown, wanted) and not self._scrub_cache.is_busy

    def stop(self) -> None:
        """Ask nothing more."""
        self._basis = ()
        self._rest.stop()
        for task in (self._coarse, self._exact, self._shade):
            self._worker.cancel(task)
        self._asked = None

    def clear(self) -> None:
        """Another image: what was shown of the last one is gone."""
        self.stop()
        self.shown = None

    def forget(self) -> None:
        """Another field: nothing kept or under way belongs to it; what is shown stays until its successor is there.

        Where there is no other picture to come, `ask` shows nothing.
        """
        self._basis = ()
        self._kept.clear()
        self._scrub_cache.forget()
        self.budget = FIRST_VALUES
        wanted = self._resolve(None)
        if wanted is None or self.shown is None or not wanted.is_same_as(self.shown.request):
            self.stop()
            self.ask()

    def set_view(self, view: Viewport) -> None:
        """The image pane shows something else: at once if part of it is not there yet, exactly when it rests."""
        self._view = view
        self.ask()

    def ask(self) -> None:
        """Have the picture of what is in view, unless it is there or on its way."""
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
            self._asked is not None
            and wanted.is_same_as(self._asked)
            and self._asked.sampling.covers(self._view, shape)
        ):
            self._rest.start()
            self._reshade(wanted)
        elif (kept := self._kept_for(wanted)) is not None:
            self.stop()
            self._asked = kept.request
            self._show(kept)
            self._reshade(wanted)
        else:
            self._ask_coarse()

    def _current_basis(self) -> tuple[object, ...]:
        """What the picture depends on: while it is the same, nothing has to be asked."""
        context = RenderContext.of(self._workspace.current)
        mode = MODES[context.view_settings.modes[self.side]]
        reference = (context.reference, context.reference_name) if Requirement.REFERENCE in mode.needs else None
        return (
            context.view_settings, self._view, context.field, id(context.colours), context.truth, context.nm,
            context.viewing, context.white, reference, self._workspace.current.source_shape,
        )  # fmt: skip

    def _ask_coarse(self) -> None:
        request = self._resolve(MOST_SAMPLES)
        assert request is not None
        if (bands := self._scrub_cache.through(request)) is not None:
            request = replace(request, scrub_bands=bands)
        else:
            request = self._resolve(self.budget)
        assert request is not None
        self._asked = request
        self._worker.cancel(self._exact)
        if request.mode.bands(request.context):
            self._worker.submit(self._coarse, request, render_frame, self._take_coarse)
            self._rest.start()
        else:
            self._worker.submit(self._coarse, request, render_picture, self._take_exact)

    def _ask_exact(self) -> None:
        request, running = self._resolve(None), self._refined if self._worker.is_busy(self._exact) else None
        if request is None or (self.shown is not None and self._is_answered_by(self.shown, request)):
            return
        if running is None or running.sampling != request.sampling or not running.is_same_as(request):
            self._refined = request
            self._worker.submit(self._exact, request, render_picture, self._take_exact)

    def _is_answered_by(self, picture: RenderedImage, wanted: RenderRequest) -> bool:
        """Whether a picture is exact for all that is in view, or finer."""
        shape = self._workspace.current.source_shape
        assert self._view is not None and shape is not None
        return (
            picture.is_exact and wanted.is_same_as(picture.request)
            and picture.request.sampling.stride <= wanted.sampling.stride
            and picture.request.sampling.covers(self._view, shape)
        )  # fmt: skip

    def _kept_for(self, wanted: RenderRequest) -> RenderedImage | None:
        kept = self._kept.get(wanted.mode.name)
        return kept if kept is not None and self._is_answered_by(kept, wanted) else None

    def _reshade(self, wanted: RenderRequest) -> None:
        """Levels or colours may have changed."""
        shown = self.shown
        if shown is None or not wanted.is_same_as(shown.request):
            return
        is_shaded = tone_mapping_of(wanted, shown.painted.ndim == 3) == shown.shading
        if not is_shaded or wanted.colormap != shown.request.colormap:
            self._worker.submit(self._shade, ToneMapRequest(shown, wanted), map_tones_again, self._take_shaded)

    def _resolve(self, budget: int | None) -> RenderRequest | None:
        document, view_settings = self._workspace.current, self._workspace.current.view_settings
        name = view_settings.modes[self.side]
        if self._view is None or document.source_shape is None or self.side not in view_settings.sides:
            return None
        context = RenderContext.of(document)
        if MODES[name].unavailable_reason(context):
            return None
        return resolve_request(name, context, self._view, budget)

    def _take_coarse(self, request: RenderRequest, picture: RenderedImage) -> None:
        if request.scrub_bands is None:
            self._learn(picture)
        self._take(picture)

    def _take_exact(self, request: RenderRequest, picture: RenderedImage) -> None:
        self._worker.cancel(self._coarse)
        self._kept[request.mode.name] = picture
        self._take(picture)
        if (moved := self._resolve(MOST_SAMPLES)) is not None:
            self._scrub_cache.prepare(moved, picture.seconds)

    def _take_shaded(self, asked: ToneMapRequest, picture: RenderedImage) -> None:
        if self.shown is asked.picture:
            self._take(picture)

    def _take(self, picture: RenderedImage) -> None:
        """Show an answer if it is still of this mode and image; while the hand scrubs, each frame counts."""
        request, wanted = picture.request, self._resolve(None)
        if wanted is None or wanted.mode is not request.mode:
            return
        if wanted.context.field is request.context.field or wanted.is_same_as(request):
            self._show(picture)
            self._reshade(wanted)

    def _show(self, picture: RenderedImage) -> None:
        self.shown = picture
        if self._kept.get(name := picture.request.mode.name) is not None and picture.is_exact:
            self._kept[name] = picture
        self.answered.emit(picture)

    def _show_nothing(self) -> None:
        if self._asked is not None:
            self.stop()
        if self.shown is not None:
            self.shown = None
            self.emptied.emit()

    def _learn(self, picture: RenderedImage) -> None:
        """Read as many values as fit in a frame; small differences are left, so that the grain stays."""
        values = picture.shown.shape[0] * picture.shown.shape[1] * picture.request.mode.bands(picture.request.context)
        fitting = values * COARSE_SECONDS / max(picture.seconds, 1e-4)
        fitting = min(max(fitting, FEWEST_VALUES), MOST_VALUES)
        if not 0.6 < fitting / self.budget < 1.7:
            self.budget = round(fitting)
