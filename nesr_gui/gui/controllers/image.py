"""Asks for the picture that one side of the image pane shows, and for the bands a moving one is read between."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal

from nesr_gui.gui.model.session import Session
from nesr_gui.gui.model.viewport import View
from nesr_gui.gui.tasks.rendering import (
    MOST_SAMPLES,
    SPACINGS,
    Nodes,
    NodesRequest,
    Picture,
    PictureRequest,
    ShadeRequest,
    coarse_picture,
    decode_nodes,
    exact_picture,
    resolve_picture,
    shade_again,
    shading_of,
)
from nesr_gui.gui.tasks.worker import Task, Worker
from nesr_gui.gui.view_modes import MODES
from nesr_gui.gui.view_modes.base import Scene

TASKS = (
    (Task.FRAME_LEFT, Task.PICTURE_LEFT, Task.TONE_LEFT, Task.SCRUB_LEFT),
    (Task.FRAME_RIGHT, Task.PICTURE_RIGHT, Task.TONE_RIGHT, Task.SCRUB_RIGHT),
)
FRAME_SECONDS = 0.008  # a picture that takes less needs no nodes
REST_MS = 60  # the hand rests
COARSE_SECONDS = 0.035  # a frame while scrubbing may take this long
MOST_VALUES, FEWEST_VALUES = 512 * 512, 96 * 96
FIRST_VALUES = 192 * 192  # until it is known how fast a field answers


class Moving:
    """Keeps the nodes of what one side shows; they are decoded when its exact picture is there."""

    def __init__(self, worker: Worker, task: Task) -> None:
        self._worker, self._task = worker, task
        self._nodes: Nodes | None = None
        self._asked: NodesRequest | None = None

    def through(self, request: PictureRequest) -> Nodes | None:
        """The nodes that answer a request while the hand moves; None where there are none."""
        nodes = self._nodes
        if nodes is None or not request.mode.moves or nodes.field is not request.scene.field:
            return None
        return nodes if nodes.sampling == request.sampling else None

    def prepare(self, request: PictureRequest, seconds: float) -> None:
        """A picture stands still that took so many seconds: decode nodes, unless they are there or on their way."""
        if not request.mode.moves or seconds < FRAME_SECONDS or self.through(request) is not None:
            return
        asked = self._asked
        if asked is None or asked.sampling != request.sampling or asked.field is not request.scene.field:
            self._ask(NodesRequest(request.scene.answering, request.sampling, SPACINGS[0]))

    @property
    def is_busy(self) -> bool:
        return self._worker.is_busy(self._task)

    def forget(self) -> None:
        """Another field: what is there belongs to the last one."""
        self._nodes = self._asked = None
        self._worker.cancel(self._task)

    def _ask(self, request: NodesRequest) -> None:
        self._asked = request
        self._worker.submit(self._task, request, decode_nodes, self._take)

    def _take(self, request: NodesRequest, nodes: Nodes) -> None:
        if request is not self._asked:
            return
        self._nodes = nodes
        if (finer := request.finer(nodes)) is not None:
            self._ask(finer)


class Picturing(QObject):
    """Turns what a side of the pane is to show into requests, and answers into facts.

    A picture is asked coarsely at once, and as fine as the screen can show when nothing has changed for `REST_MS`. How
    coarse follows from how long the last frame took; once nodes are decoded, it is not coarse but read between them.
    Nothing is asked that is there: the last exact picture of each
    mode is kept while the field is, and other levels or colours only shade it again.
    """

    answered = Signal(object)  # Picture
    emptied = Signal()  # there is no picture to show

    def __init__(self, session: Session, worker: Worker, side: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._worker, self.side = session, worker, side
        self._coarse, self._exact, self._shade, scrub = TASKS[side]
        self._moving = Moving(worker, scrub)
        self._view: View | None = None
        self._asked: PictureRequest | None = None
        self._refined: PictureRequest | None = None  # what was asked exactly
        self.shown: Picture | None = None
        self._kept: dict[str, Picture] = {}
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
        return self._is_answered_by(self.shown, wanted) and not self._moving.is_busy

    def stop(self) -> None:
        """Ask nothing more."""
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
        self._kept.clear()
        self._moving.forget()
        self.budget = FIRST_VALUES
        wanted = self._resolve(None)
        if wanted is None or self.shown is None or not wanted.is_same_as(self.shown.request):
            self.stop()
            self.ask()

    def set_view(self, view: View) -> None:
        """The image pane shows something else: at once if part of it is not there yet, exactly when it rests."""
        self._view = view
        self.ask()

    def ask(self) -> None:
        """Have the picture of what is in view, unless it is there or on its way."""
        wanted = self._resolve(None)
        if wanted is None:
            self._show_nothing()
            return
        shape = self._session.source_shape
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

    def _ask_coarse(self) -> None:
        request = self._resolve(MOST_SAMPLES)
        assert request is not None
        if (nodes := self._moving.through(request)) is not None:
            request = replace(request, nodes=nodes)
        else:
            request = self._resolve(self.budget)
        assert request is not None
        self._asked = request
        self._worker.cancel(self._exact)
        if request.mode.bands(request.scene):
            self._worker.submit(self._coarse, request, coarse_picture, self._take_coarse)
            self._rest.start()
        else:
            self._worker.submit(self._coarse, request, exact_picture, self._take_exact)

    def _ask_exact(self) -> None:
        request, running = self._resolve(None), self._refined if self._worker.is_busy(self._exact) else None
        if request is None or (self.shown is not None and self._is_answered_by(self.shown, request)):
            return
        if running is None or running.sampling != request.sampling or not running.is_same_as(request):
            self._refined = request
            self._worker.submit(self._exact, request, exact_picture, self._take_exact)

    def _is_answered_by(self, picture: Picture, wanted: PictureRequest) -> bool:
        """Whether a picture is exact for all that is in view, or finer."""
        shape = self._session.source_shape
        assert self._view is not None and shape is not None
        return (
            picture.is_exact and wanted.is_same_as(picture.request)
            and picture.request.sampling.stride <= wanted.sampling.stride
            and picture.request.sampling.covers(self._view, shape)
        )  # fmt: skip

    def _kept_for(self, wanted: PictureRequest) -> Picture | None:
        kept = self._kept.get(wanted.mode.name)
        return kept if kept is not None and self._is_answered_by(kept, wanted) else None

    def _reshade(self, wanted: PictureRequest) -> None:
        """Levels or colours may have changed."""
        shown = self.shown
        if shown is None or not wanted.is_same_as(shown.request):
            return
        is_shaded = shading_of(wanted, shown.painted.ndim == 3) == shown.shading
        if not is_shaded or wanted.colormap != shown.request.colormap:
            self._worker.submit(self._shade, ShadeRequest(shown, wanted), shade_again, self._take_shaded)

    def _resolve(self, budget: int | None) -> PictureRequest | None:
        session, look = self._session, self._session.look
        name = look.modes[self.side]
        if self._view is None or session.source_shape is None or self.side not in look.sides:
            return None
        scene = Scene.of(session)
        if MODES[name].missing(scene):
            return None
        return resolve_picture(name, scene, self._view, budget)

    def _take_coarse(self, request: PictureRequest, picture: Picture) -> None:
        if request.nodes is None:
            self._learn(picture)
        self._take(picture)

    def _take_exact(self, request: PictureRequest, picture: Picture) -> None:
        self._worker.cancel(self._coarse)
        self._kept[request.mode.name] = picture
        self._take(picture)
        if (moved := self._resolve(MOST_SAMPLES)) is not None:
            self._moving.prepare(moved, picture.seconds)

    def _take_shaded(self, asked: ShadeRequest, picture: Picture) -> None:
        if self.shown is asked.picture:
            self._take(picture)

    def _take(self, picture: Picture) -> None:
        """Show an answer if it is still of this mode and image; while the hand scrubs, each frame counts."""
        request, wanted = picture.request, self._resolve(None)
        if wanted is None or wanted.mode is not request.mode:
            return
        if wanted.scene.field is request.scene.field or wanted.is_same_as(request):
            self._show(picture)
            self._reshade(wanted)

    def _show(self, picture: Picture) -> None:
        self.shown = picture
        if self._kept.get(name := picture.request.mode.name) is not None and picture.is_exact:
            self._kept[name] = picture
        self.answered.emit(picture)

    def _show_nothing(self) -> None:
        self.stop()
        if self.shown is not None:
            self.shown = None
            self.emptied.emit()

    def _learn(self, picture: Picture) -> None:
        """Read as many values as fit in a frame; small differences are left, so that the grain stays."""
        values = picture.shown.shape[0] * picture.shown.shape[1] * picture.request.mode.bands(picture.request.scene)
        fitting = values * COARSE_SECONDS / max(picture.seconds, 1e-4)
        fitting = min(max(fitting, FEWEST_VALUES), MOST_VALUES)
        if not 0.6 < fitting / self.budget < 1.7:
            self.budget = round(fitting)
