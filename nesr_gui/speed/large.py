"""Time and memory of a large photograph, and whether its time is what small ones let expect."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from nesr_gui import io
from nesr_gui.fields.protocol import SketchingField
from nesr_gui.inference import engine
from nesr_gui.inference.model import Model, load_model
from nesr_gui.spectral import RGBImage, Wavelengths
from nesr_gui.speed.answers import BANDS, off_line, photograph
from nesr_gui.speed.figures import Figure, seconds
from nesr_gui.speed.memory import is_known, ready, watched

SMALLER = (0.25, 1.0, 4.0)  # megapixels, whose times are compared with that of the large one
IN_VIEW = 512 * 512  # pixels of the screen that show it
MOVES, NODES = 8, Wavelengths.every(400, 700, 5)  # of the wavelength, and between which a moving picture is read
EVERY = 0.25  # seconds between two looks at its memory, which would slow it down otherwise
VAST = 30.0  # megapixels from which on more memory is allowed
ONE_BAND = "reconstruct, and one band of all pixels"


def figures(model: Path | None, device: str, megapixels: float) -> Iterator[Figure]:
    """Reconstruct, look at bands and export 31 of them at full resolution: ten minutes for 24 megapixels."""
    taken: dict[float, float] = {}
    peak, aim = 0, 2500 if megapixels <= VAST else 4000
    for told, held in watched(_work, model, device, megapixels, every=EVERY):
        peak = max(peak, held)
        if told is None:
            continue
        step, pixels, took = told
        if step == ONE_BAND:
            taken[pixels] = took
        if pixels == megapixels:
            yield Figure(f"{pixels:g} megapixels: {step}", took, "s")
            if is_known():
                yield Figure(f"{pixels:g} megapixels: {step}, memory", peak / 1e6, "MB", aim)
        peak = 0
    yield Figure(f"time against pixels up to {megapixels:g} megapixels, off a straight line", off_line(taken), "", 0.05)


def _work(pipe: Connection, path: Path | None, device: str, megapixels: float) -> None:
    """In a process of its own."""
    model = load_model(path, device)
    engine.encode(photograph(64, 64), model).cube(BANDS)
    ready(pipe)
    for told in _steps(model, megapixels):
        pipe.send(told)


def _steps(model: Model, megapixels: float) -> Iterator[tuple[str, float, float]]:
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
    if isinstance(field, SketchingField):
        started = time.perf_counter()
        field.sketch(NODES, stride=stride)
        yield "what a moving picture is read between", megapixels, time.perf_counter() - started
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        io.write_cube(Path(folder) / "cube.nc", field, BANDS)
    yield "31 bands into a file", megapixels, time.perf_counter() - started
    del field, image
    for fewer in (part for part in SMALLER if part < megapixels):
        small = _photograph(fewer)
        yield ONE_BAND, fewer, seconds(partial(_opened, small, model), 3)


def _opened(image: RGBImage, model: Model) -> None:
    engine.encode(image, model).band(550)


def _photograph(megapixels: float) -> RGBImage:
    """Half as wide again as it is high."""
    height = round(math.sqrt(1e6 * megapixels / 1.5))
    return photograph(height, round(1e6 * megapixels / height))
