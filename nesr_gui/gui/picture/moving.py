"""Has the nodes decoded that the moving picture of one side is interpolated between."""

from __future__ import annotations

from nesr_gui.gui.tasks.rendering import SPACINGS, Nodes, NodesRequest, PictureRequest, decode_nodes
from nesr_gui.gui.tasks.worker import Worker

FRAME_SECONDS = 0.008  # a picture that takes less needs no nodes


class Moving:
    """Keeps the nodes of what one side shows; they are decoded when its exact picture is there."""

    def __init__(self, worker: Worker, purpose: str) -> None:
        self._worker, self._purpose = worker, purpose
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
        return self._worker.is_busy(self._purpose)

    def forget(self) -> None:
        """Another field: what is there belongs to the last one."""
        self._nodes = self._asked = None
        self._worker.cancel(self._purpose)

    def _ask(self, request: NodesRequest) -> None:
        self._asked = request
        self._worker.submit(self._purpose, request, decode_nodes, self._take)

    def _take(self, request: NodesRequest, nodes: Nodes) -> None:
        if request is not self._asked:
            return
        self._nodes = nodes
        if (finer := request.finer(nodes)) is not None:
            self._ask(finer)
