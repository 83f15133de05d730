"""How fast a model reconstructs and answers, and how fast and in how much memory a large photograph."""

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
from nesr_gui.benchmark.result import BenchmarkResult, seconds
from nesr_gui.benchmark.system import is_known, operations, peak, ready, waited, watched
from nesr_gui.fields.protocol import PreviewField
from nesr_gui.inference import engine
from nesr_gui.inference.model import LoadedModel, load_model
from nesr_gui.inference.nesr_field import NeSRField
from nesr_gui.io import read_photograph
from nesr_gui.networks.registry import SYSTEMS, build
from nesr_gui.resources import samples
from nesr_gui.spectral import RGBImage, Wavelengths

SIDE = 512  # pixels of the photograph along a side
SIDES = (256, 512, 768, 1024, 1536)  # of those whose time is compared with their pixels
COUNTS = (7, 16, 31, 61, 151, 301)  # of bands, compared with their time
REPEATS = 5
BANDS, EVERY = Wavelengths.from_step(400, 700, 10), Wavelengths.from_step(400, 700, 1)
SMALLER = (0.25, 1.0, 4.0)  # megapixels, whose times are compared with that of the large one
IN_VIEW = 512 * 512  # pixels of the screen that show it
MOVES, NODES = 8, Wavelengths.from_step(400, 700, 5)  # of the wavelength, and between which a moving picture is read
LOOK_SECONDS = 0.25  # seconds between two looks at its memory, which would slow it down otherwise
VAST = 30.0  # megapixels from which on more memory is allowed
ONE_BAND = "reconstruct, and one band of all pixels"


def photograph(height: int, width: int) -> RGBImage:
    """The first sample, mirrored at its edges until it is so large."""
    values = read_photograph(samples()[0].photograph).values
    missing = [(0, max(wanted - size, 0)) for wanted, size in zip((height, width), values.shape, strict=False)]
    return RGBImage(np.pad(values, (*missing, (0, 0)), mode="symmetric")[:height, :width])


def answer_figures(model: LoadedModel) -> Iterator[BenchmarkResult]:
    """Measure one after the other; takes about two minutes on two cores."""
    image, rng = photograph(SIDE, SIDE), np.random.default_rng(0)
    made = seconds(lambda: engine.encode(image, model), 3)
    yield BenchmarkResult(f"reconstruct {SIDE}×{SIDE}", 1000 * made)
    field = engine.encode(image, model)
    click = seconds(lambda: field.spectra([tuple(rng.integers(0, SIDE, 2).tolist())], EVERY), 8 * REPEATS)
    yield BenchmarkResult("click to 301-point curve", 1000 * click, aim=8)
    band = seconds(lambda: field.band(rng.uniform(400, 700)), 3 * REPEATS)
    yield BenchmarkResult(f"one more wavelength of {SIDE}×{SIDE}", 1000 * band)
    cube = seconds(lambda: field.cube(BANDS), REPEATS)
    yield BenchmarkResult("31 bands of it", 1000 * cube)
    yield BenchmarkResult("one more wavelength / 31 bands", band / cube, "", aim=1 / 20)
    rivals = _mst_seconds(image, model.device)
    yield BenchmarkResult("MST++, 31 fixed bands of the same photograph", 1000 * rivals)
    yield BenchmarkResult("photograph to first 301-point spectrum / MST++", (made + click) / rivals, "", aim=0.2)
    yield BenchmarkResult("photograph to 31-band cube / MST++", (made + cube) / rivals, "", aim=0.6)
    if isinstance(field, NeSRField):
        yield from _throughput(field, cube, model.device)
        yield from _growth(model)


def _mst_seconds(image: RGBImage, device: str) -> float:
    network = build(SYSTEMS["mst++"].config).eval().to(device)
    rgb = torch.from_numpy(image.values).permute(2, 0, 1)[None].to(device)

    @torch.inference_mode()
    def forward() -> None:
        network(rgb)

    return seconds(waited(forward, device), 2)


def _throughput(field: NeSRField, cube: float, device: str) -> Iterator[BenchmarkResult]:
    """Of decoding, as a share of what the machine does at best in the same minute."""
    best = peak(torch.float32, device)
    rate = operations(lambda: field.cube(BANDS)) / cube
    yield BenchmarkResult("machine's peak, float32", best / 1e9, "GFLOP/s")
    yield BenchmarkResult("decoding, float32", rate / 1e9, "GFLOP/s")
    yield BenchmarkResult("decoding / peak, float32", rate / best, "", aim=0.7, is_more_better=True)
    best = peak(torch.bfloat16, device)
    rate *= cube / seconds(lambda: field.preview_bands(BANDS), REPEATS)
    yield BenchmarkResult("machine's peak, bfloat16", best / 1e9, "GFLOP/s")
    yield BenchmarkResult("decoding for a moving picture", rate / 1e9, "GFLOP/s")
    yield BenchmarkResult(
        "decoding for a moving picture / peak, bfloat16", rate / best, "", aim=0.7, is_more_better=True
    )


def _growth(model: LoadedModel) -> Iterator[BenchmarkResult]:
    """How far times are from a straight line over pixels and over bands: the largest part of the fitted time."""
    images = {side * side: photograph(side, side) for side in SIDES}

    def opened(pixels: int) -> Callable[[], object]:
        return lambda: engine.encode(images[pixels], model).band(550)

    yield BenchmarkResult("time against pixels, off a straight line", off_line(_times(images, opened)), "", aim=0.05)
    field = engine.encode(photograph(SIDE // 2, SIDE // 2), model)

    def decoded(count: int) -> Callable[[], object]:
        return lambda: field.cube(Wavelengths.evenly_spaced(count))

    yield BenchmarkResult("time against bands, off a straight line", off_line(_times(COUNTS, decoded)), "", aim=0.05)


def _times(amounts: Iterable[int], work: Callable[[int], Callable[[], object]]) -> dict[float, float]:
    return {amount: seconds(work(amount), 3) for amount in amounts}


def off_line(times: Mapping[float, float]) -> float:
    """The largest difference of times, by amount, from a line fitted to relative errors, as a part of it."""
    taken = np.array(list(times.values()))
    design = np.stack([np.ones(len(taken)), np.array(list(times))], 1) / taken[:, None]
    line = np.linalg.lstsq(design, np.ones(len(taken)), rcond=None)[0]
    return float(np.abs(design @ line - 1).max())


def large_figures(model: Path | None, device: str, megapixels: float) -> Iterator[BenchmarkResult]:
    """Reconstruct, look at bands and export 31 of them at full resolution: ten minutes for 24 megapixels."""
    taken: dict[float, float] = {}
    peak, aim = 0, 2500 if megapixels <= VAST else 4000
    for told, held in watched(_work, model, device, megapixels, every=LOOK_SECONDS):
        peak = max(peak, held)
        if told is None:
            continue
        step, pixels, took = told
        if step == ONE_BAND:
            taken[pixels] = took
        if pixels == megapixels:
            yield BenchmarkResult(f"{pixels:g} megapixels: {step}", took, "s")
            if is_known():
                yield BenchmarkResult(f"{pixels:g} megapixels: {step}, memory", peak / 1e6, "MB", aim)
        peak = 0
    yield BenchmarkResult(
        f"time against pixels up to {megapixels:g} megapixels, off a straight line", off_line(taken), "", 0.05
    )


def _work(pipe: Connection, path: Path | None, device: str, megapixels: float) -> None:
    """In a process of its own."""
    model = load_model(path, device)
    engine.encode(photograph(64, 64), model).cube(BANDS)
    ready(pipe)
    for told in _steps(model, megapixels):
        pipe.send(told)


def _steps(model: LoadedModel, megapixels: float) -> Iterator[tuple[str, float, float]]:
    """What was done, with how many megapixels, in how many seconds."""
    image, started = _photograph(megapixels), time.perf_counter()
    field = engine.encode(image, model)
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
        yield "what a moving picture is read between", megapixels, time.perf_counter() - started
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        io.write_cube(Path(folder) / "cube.nc", field, BANDS)
    yield "31 bands into a file", megapixels, time.perf_counter() - started
    del field, image
    for fewer in (part for part in SMALLER if part < megapixels):
        small = _photograph(fewer)
        yield ONE_BAND, fewer, seconds(partial(_opened, small, model), 3)


def _opened(image: RGBImage, model: LoadedModel) -> None:
    engine.encode(image, model).band(550)


def _photograph(megapixels: float) -> RGBImage:
    """Half as wide again as it is high."""
    height = round(math.sqrt(1e6 * megapixels / 1.5))
    return photograph(height, round(1e6 * megapixels / height))
