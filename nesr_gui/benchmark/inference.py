"""Benchmarks of reconstruction and queries, and of time and memory for a large photograph."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch

from nesr_gui import io
from nesr_gui.benchmark.result import BenchmarkResult, median_seconds
from nesr_gui.benchmark.system import operations, peak, report_ready, reports_memory, sample_memory, synchronised
from nesr_gui.fields.protocol import PreviewField
from nesr_gui.inference import engine
from nesr_gui.inference.model import LoadedModel, load_model
from nesr_gui.inference.nesr_field import NeSRField
from nesr_gui.inference.reconstructed_field import ReconstructedField
from nesr_gui.io import read_photograph
from nesr_gui.networks.registry import SYSTEMS, build
from nesr_gui.resources import samples
from nesr_gui.spectral import RGBImage, Wavelengths

SIDE = 512  # side of the photograph in pixels
SIDES = (256, 512, 768, 1024, 1536)  # sides of photographs for the growth with pixels
COUNTS = (7, 16, 31, 61, 151, 301)  # numbers of bands for the growth with bands
REPEATS = 5
BANDS, EVERY = Wavelengths.from_step(400, 700, 10), Wavelengths.from_step(400, 700, 1)
SMALLER = (0.25, 1.0, 4.0)  # megapixels of photographs compared with the large one
IN_VIEW = 512 * 512  # screen pixels that show it
MOVES, NODES = 8, Wavelengths.from_step(400, 700, 5)  # wavelength steps, and bands for the preview while scrubbing
LOOK_SECONDS = 0.25  # seconds between memory samples, long enough not to slow it down
VAST = 30.0  # megapixels above which more memory is allowed
ONE_BAND = "reconstruct, and one band of all pixels"


def photograph(height: int, width: int) -> RGBImage:
    """Test image: the first sample, mirrored at its edges to the requested size."""
    values = read_photograph(samples()[0].photograph).values
    missing = [(0, max(wanted - size, 0)) for wanted, size in zip((height, width), values.shape, strict=False)]
    return RGBImage(np.pad(values, (*missing, (0, 0)), mode="symmetric")[:height, :width])


def measure_answers(model: LoadedModel) -> Iterator[BenchmarkResult]:
    """Yield the results one by one; this takes about two minutes on two cores."""
    image, rng = photograph(SIDE, SIDE), np.random.default_rng(0)
    encoding = median_seconds(synchronised(lambda: engine.encode(image, model), model.device), 3)
    yield BenchmarkResult(f"reconstruct {SIDE}×{SIDE}", 1000 * encoding)
    field = engine.encode(image, model)
    click = median_seconds(lambda: field.spectra([tuple(rng.integers(0, SIDE, 2).tolist())], EVERY), 8 * REPEATS)
    yield BenchmarkResult("click to 301-point curve", 1000 * click, aim=8)
    band = median_seconds(lambda: field.band(rng.uniform(400, 700)), 3 * REPEATS)
    yield BenchmarkResult(f"one more wavelength of {SIDE}×{SIDE}", 1000 * band)
    cube = median_seconds(lambda: field.cube(BANDS), REPEATS)
    yield BenchmarkResult("its 31 bands", 1000 * cube)
    opened = median_seconds(lambda: engine.encode(image, model).cube(BANDS), 3)  # without cached results of a field
    yield BenchmarkResult("one more wavelength / 31 bands", band / cube, "", aim=1 / 20)
    mst = _mst_seconds(image, model.device)
    yield BenchmarkResult("MST++, 31 fixed bands of the same photograph", 1000 * mst)
    yield BenchmarkResult("photograph to first 301-point spectrum / MST++", (encoding + click) / mst, "", aim=0.08)
    yield BenchmarkResult("photograph to 31-band cube / MST++", opened / mst, "", aim=0.25)
    if isinstance(field, NeSRField):
        yield from _throughput(field, cube, model.device)
    if isinstance(field, ReconstructedField):
        yield from _growth(model)


def _mst_seconds(image: RGBImage, device: str) -> float:
    network = build(SYSTEMS["mst++"].config).eval().to(device)
    rgb = torch.from_numpy(image.values).permute(2, 0, 1)[None].to(device)

    @torch.inference_mode()
    def forward() -> None:
        network(rgb)

    return median_seconds(synchronised(forward, device), 2)


def _throughput(field: NeSRField, cube: float, device: str) -> Iterator[BenchmarkResult]:
    """Decoding throughput as a fraction of the peak performance measured in the same minute."""
    best = peak(torch.float32, device)
    rate = operations(lambda: field.cube(BANDS)) / cube
    yield BenchmarkResult("peak of the machine, float32", best / 1e9, "GFLOP/s")
    yield BenchmarkResult("decoding, float32", rate / 1e9, "GFLOP/s")
    yield BenchmarkResult("decoding / peak, float32", rate / best, "", aim=0.7, is_more_better=True)
    best = peak(torch.bfloat16, device)
    rate *= cube / median_seconds(lambda: field.preview_bands(BANDS), REPEATS)
    yield BenchmarkResult("peak of the machine, bfloat16", best / 1e9, "GFLOP/s")
    yield BenchmarkResult("decoding of previews", rate / 1e9, "GFLOP/s")
    yield BenchmarkResult("decoding of previews / peak, bfloat16", rate / best, "", aim=0.7, is_more_better=True)


def _growth(model: LoadedModel) -> Iterator[BenchmarkResult]:
    """Deviation of times from linear growth in pixels and bands: the largest fraction of the fitted time."""
    images = {side * side: photograph(side, side) for side in SIDES}

    def opened(pixels: int) -> Callable[[], object]:
        return lambda: engine.encode(images[pixels], model).band(550)

    yield BenchmarkResult(
        "time against pixels, deviation from a straight line", deviation_from_line(_times(images, opened)), "", aim=0.05
    )
    field = engine.encode(photograph(SIDE // 2, SIDE // 2), model)

    def decoded(count: int) -> Callable[[], object]:
        return lambda: field.cube(Wavelengths.evenly_spaced(count))

    yield BenchmarkResult(
        "time against bands, deviation from a straight line", deviation_from_line(_times(COUNTS, decoded)), "", aim=0.05
    )


def _times(amounts: Iterable[int], work: Callable[[int], Callable[[], object]]) -> dict[float, float]:
    return {amount: median_seconds(work(amount), 3) for amount in amounts}


def deviation_from_line(times: Mapping[float, float]) -> float:
    """Largest relative deviation of times, by amount, from a fitted line."""
    seconds = np.array(list(times.values()))
    design = np.stack([np.ones(len(seconds)), np.array(list(times))], 1) / seconds[:, None]
    line = np.linalg.lstsq(design, np.ones(len(seconds)), rcond=None)[0]
    return float(np.abs(design @ line - 1).max())


def measure_large(model: Path | None, device: str, megapixels: float) -> Iterator[BenchmarkResult]:
    """Reconstruct, view bands and export 31 of them at full resolution: ten minutes for 24 megapixels."""
    times: dict[float, float] = {}
    peak, aim = 0, 2500 if megapixels <= VAST else 4000
    for result, memory in sample_memory(_work, model, device, megapixels, every=LOOK_SECONDS):
        peak = max(peak, memory)
        if result is None:
            continue
        step, pixels, seconds = result
        if step == ONE_BAND:
            times[pixels] = seconds
        if pixels == megapixels:
            yield BenchmarkResult(f"{pixels:g} megapixels: {step}", seconds, "s")
            if reports_memory():
                yield BenchmarkResult(f"{pixels:g} megapixels: {step}, memory", peak / 1e6, "MB", aim)
        peak = 0
    yield BenchmarkResult(
        f"time against pixels up to {megapixels:g} megapixels, deviation from a straight line",
        deviation_from_line(times),
        "",
        0.05,
    )


def _work(pipe: Connection, path: Path | None, device: str, megapixels: float) -> None:
    """Run in a separate process."""
    model = load_model(path, device)
    engine.encode(photograph(64, 64), model).cube(BANDS)
    report_ready(pipe)
    for result in _steps(model, megapixels):
        pipe.send(result)


def _steps(model: LoadedModel, megapixels: float) -> Iterator[tuple[str, float, float]]:
    """Yield (step, megapixels, seconds)."""
    image, started = _photograph(megapixels), time.perf_counter()
    field = synchronised(partial(engine.encode, image, model), model.device)()
    yield "reconstruct", megapixels, time.perf_counter() - started
    field.band(550)
    yield ONE_BAND, megapixels, time.perf_counter() - started
    started, stride = time.perf_counter(), math.ceil(math.sqrt(1e6 * megapixels / IN_VIEW))
    for nm in np.random.default_rng(0).uniform(400, 700, MOVES):
        field.band(float(nm), stride=stride)
    yield "one band of what is in view", megapixels, (time.perf_counter() - started) / MOVES
    if isinstance(field, PreviewField):
        started = time.perf_counter()
        field.preview_bands(NODES, stride=stride)
        yield "preview bands of what is in view", megapixels, time.perf_counter() - started
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        io.write_cube(Path(folder) / "cube.nc", field, BANDS)
    yield "31 bands written to a file", megapixels, time.perf_counter() - started
    del field, image
    for fewer in (part for part in SMALLER if part < megapixels):
        small = _photograph(fewer)
        yield ONE_BAND, fewer, median_seconds(partial(_encode, small, model), 3)


def _encode(image: RGBImage, model: LoadedModel) -> None:
    engine.encode(image, model).band(550)


def _photograph(megapixels: float) -> RGBImage:
    """Test image with an aspect ratio of 3:2."""
    height = round(math.sqrt(1e6 * megapixels / 1.5))
    return photograph(height, round(1e6 * megapixels / height))
