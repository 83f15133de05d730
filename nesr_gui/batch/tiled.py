"""One large photograph on a cluster: workers reconstruct its tiles, which are written to a single Zarr folder.

First the workers compute the sums for the attention map of the whole photograph, tile by tile. Then each shard of the
folder is computed, including the surrounding pixels that it depends on, and written once. White level, attention map
and borders are those of the whole photograph, so the cube equals the one a single machine would write.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nesr_gui.batch.cluster import IsStopped, WorkersDied, call_all
from nesr_gui.batch.job import (
    ItemResult,
    ItemState,
    JobItem,
    JobSettings,
    discard,
    is_complete,
    load_job_model,
    read_job_photograph,
    sha256_of,
)
from nesr_gui.export import ExportResult, VerificationError, verify_sample
from nesr_gui.fields.protocol import Cancelled, ProgressCallback
from nesr_gui.inference.engine import PreparedInput, prepare
from nesr_gui.inference.features import AttentionSums
from nesr_gui.io.cubes import zarr
from nesr_gui.io.cubes.export import REQUEST, CubeWriterSource

SUMS_SHARE = 0.4  # assumed share of the time, for the fraction done


@dataclass(frozen=True)
class TiledJob:
    """The photograph and settings that each call sends to a worker."""

    source: Path
    sha256: str
    settings: JobSettings

    @property
    def request(self) -> str:
        """Identifier of the content of the cube, see `JobSettings.request`."""
        return self.settings.request(self.sha256)

    def export(
        self, prepared: PreparedInput, sums: AttentionSums, progress: ProgressCallback | None = None
    ) -> CubeWriterSource:
        """Export of the whole photograph, once its attention map is known."""
        return self.settings.plan.prepared(
            prepared.field(sums),
            progress=progress,
            provenance={REQUEST: self.request},
        )


def run(item: JobItem, settings: JobSettings, client: Any, progress: ProgressCallback) -> ItemResult:
    """Reconstruct a photograph to a Zarr folder, unless it is already complete.

    Ctrl-C, or any exception of `progress`, stops the workers between two tiles, and no partial folder remains.

    Raises:
        ValueError: the photograph or the settings are invalid.
        OSError: the folder is not writable, or workers died.
    """
    job = TiledJob(item.source, sha256_of(item.source), settings)
    if item.out.exists() and is_complete(item.out, job.request):
        return ItemResult(item, ItemState.SKIPPED)
    progress(0.0)
    prepared = _prepare(job)
    prepared.check_tiles()
    sums = _sum_tiles(client, job, prepared, lambda done: progress(SUMS_SHARE * done))
    export = job.export(prepared, sums)
    with zarr.creating(item.out, export) as store:
        calls = [(job, sums, store, *shard) for shard in zarr.shards(export.shape)]
        for done, (_, clipped) in enumerate(_results(client, _write, calls), 1):
            export.clipped += clipped
            progress(SUMS_SHARE + (1 - SUMS_SHARE) * done / len(calls))
    try:
        checked = verify_sample(item.out, export)
    except VerificationError:
        discard(item.out)
        raise
    result = ExportResult(item.out, export.shape, export.contents, export.clipped, checked)
    return ItemResult(item, ItemState.WRITTEN, str(result))


def _sum_tiles(client: Any, job: TiledJob, prepared: PreparedInput, progress: ProgressCallback) -> AttentionSums:
    calls = [(job, index, rows, cols) for index, (_, rows, cols) in enumerate(prepared.tiles())]
    parts: dict[int, AttentionSums | None] = {}
    for (_, index, _, _), part in _results(client, _sum_tile, calls):
        parts[index] = part
        progress(len(parts) / len(calls))
    return AttentionSums.total(parts[index] for index in sorted(parts))  # in tile order, as on a single machine


def _results(client: Any, function: Any, calls: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, Any]]:
    """Results of calls; a failed call ends the work."""
    with contextlib.closing(call_all(client, function, calls)) as coming:
        for call, answer in coming:
            if isinstance(answer, WorkersDied):
                raise answer
            yield call, answer


def _sum_tile(is_stopped: IsStopped, job: TiledJob, index: int, rows: slice, cols: slice) -> AttentionSums | None:
    """Contribution of a tile to the attention map; run by a worker."""
    return None if is_stopped() else _prepare(job).sums(rows, cols)


def _write(is_stopped: IsStopped, job: TiledJob, sums: AttentionSums, store: Path, rows: slice, cols: slice) -> int:
    """Compute and write a shard, unless a worker that died already wrote it; run by a worker.

    Returns the number of clipped values.
    """

    def progress(_: float) -> None:
        if is_stopped():
            raise Cancelled

    export = job.export(_prepare(job), sums, progress)
    with contextlib.suppress(Cancelled):
        zarr.write_shard(store, export, rows, cols)
    return export.clipped


_latest: tuple[str, PreparedInput] | None = None  # photographs are large, so the threads of a worker share it
_preparing = threading.Lock()


def _prepare(job: TiledJob) -> PreparedInput:
    """Prepared photograph, read once per process.

    Raises:
        ValueError: the file differs from that of the job.
    """
    global _latest
    with _preparing:
        if _latest is None or _latest[0] != job.request:
            _latest = None
            photograph = read_job_photograph(job.source, job.settings)
            if photograph.source.sha256 != job.sha256:
                raise ValueError(f"{job.source} has changed, or is a different file on the worker; start again")
            _latest = job.request, prepare(photograph, load_job_model(job.settings))
        return _latest[1]
