"""One large photograph on a cluster: many workers reconstruct its tiles, which land in one Zarr folder.

First the workers sum what the attention map of the whole photograph follows from, tile by tile. Then each shard of the
folder is computed, with as many pixels around it as its values depend on, and written once. The photograph's white
level, its map and the borders being those of the whole, the cube is the one that a single machine would write.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nesr_gui.batch.cluster import IsStopped, WorkersDied, answers
from nesr_gui.batch.job import (
    ItemResult,
    ItemState,
    JobItem,
    JobSettings,
    discard,
    is_complete,
    model_of,
    photograph_of,
    sha256_of,
)
from nesr_gui.export import ExportResult, VerificationError, verify_sample
from nesr_gui.fields.protocol import Cancelled, ProgressCallback
from nesr_gui.inference.engine import PreparedInput
from nesr_gui.inference.features import AttentionSums
from nesr_gui.io.cubes import zarr
from nesr_gui.io.cubes.export import REQUEST, CubeWriterSource

SUMS_SHARE = 0.4  # of the time, which the fraction done assumes


@dataclass(frozen=True)
class TiledJob:
    """The photograph whose tiles are done, and how: what every call tells a worker."""

    source: Path
    sha256: str
    order: JobSettings

    @property
    def request(self) -> str:
        return self.order.request(self.sha256)

    def export(
        self, prepared: PreparedInput, sums: AttentionSums, progress: ProgressCallback | None = None
    ) -> CubeWriterSource:
        """The export of the whole, once its attention map is known."""
        return self.order.plan.prepared(
            prepared.field(sums),
            binning=prepared.image.binning,
            progress=progress,
            provenance={REQUEST: self.request},
        )


def run(task: JobItem, order: JobSettings, client: Any, progress: ProgressCallback) -> ItemResult:
    """Reconstruct a photograph into a Zarr folder, unless that is complete.

    Ctrl-C, or whatever `progress` raises, stops the workers between two tiles, and nothing is left behind.

    Raises:
        ValueError, OSError: the photograph or the folder is not as it should be, or workers died.
    """
    picture = TiledJob(task.source, sha256_of(task.source), order)
    if task.out.exists() and is_complete(task.out, picture.request):
        return ItemResult(task, ItemState.SKIPPED)
    progress(0.0)
    prepared = _prepared(picture)
    prepared.check_tiles()
    sums = _summed(client, picture, prepared, lambda done: progress(SUMS_SHARE * done))
    export = picture.export(prepared, sums)
    with zarr.creating(task.out, export) as store:
        calls = [(picture, sums, store, *shard) for shard in zarr.shards(export.shape)]
        for done, (_, clipped) in enumerate(_results(client, _write, calls), 1):
            export.clipped += clipped
            progress(SUMS_SHARE + (1 - SUMS_SHARE) * done / len(calls))
    try:
        checked = verify_sample(task.out, export)
    except VerificationError:
        discard(task.out)
        raise
    return ItemResult(task, ItemState.WRITTEN, str(ExportResult(task.out, export.shape, export.clipped, checked)))


def _summed(client: Any, picture: TiledJob, prepared: PreparedInput, progress: ProgressCallback) -> AttentionSums:
    calls = [(picture, index, rows, cols) for index, (_, rows, cols) in enumerate(prepared.tiles())]
    parts: dict[int, AttentionSums | None] = {}
    for (_, index, _, _), part in _results(client, _sum, calls):
        parts[index] = part
        progress(len(parts) / len(calls))
    return AttentionSums.total(parts[index] for index in sorted(parts))  # in the order of the tiles, as on one machine


def _results(client: Any, function: Any, calls: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, Any]]:
    """The answers; here a call that cannot be done ends the work."""
    with contextlib.closing(answers(client, function, calls)) as coming:
        for call, answer in coming:
            if isinstance(answer, WorkersDied):
                raise answer
            yield call, answer


def _sum(is_stopped: IsStopped, picture: TiledJob, index: int, rows: slice, cols: slice) -> AttentionSums | None:
    """What a tile adds to the attention map; done by a worker."""
    return None if is_stopped() else _prepared(picture).sums(rows, cols)


def _write(is_stopped: IsStopped, picture: TiledJob, sums: AttentionSums, store: Path, rows: slice, cols: slice) -> int:
    """Compute and write a shard, unless another worker did and died before it could tell; done by a worker.

    Returns how many values did not fit.
    """

    def progress(_: float) -> None:
        if is_stopped():
            raise Cancelled

    export = picture.export(_prepared(picture), sums, progress)
    with contextlib.suppress(Cancelled):
        zarr.write_shard(store, export, rows, cols)
    return export.clipped


_latest: tuple[str, PreparedInput] | None = None  # a photograph is large: a worker's threads share it
_preparing = threading.Lock()


def _prepared(picture: TiledJob) -> PreparedInput:
    """The photograph as the network sees it, read once in a process; ValueError where it is not the one meant."""
    global _latest
    with _preparing:
        if _latest is None or _latest[0] != picture.request:
            _latest = None
            photograph = photograph_of(picture.source, picture.order)
            if photograph.source.sha256 != picture.sha256:
                raise ValueError(f"{picture.source} has changed, or is another file there than here; start again")
            _latest = picture.request, PreparedInput.of(photograph, model_of(picture.order))
        return _latest[1]
