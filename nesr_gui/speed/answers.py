"""How fast a model reconstructs and answers, beside the machine's peak and MST++."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import torch

from nesr_gui.inference import engine
from nesr_gui.inference.model import Model
from nesr_gui.inference.nesr_field import NeSRField
from nesr_gui.io import read_photograph
from nesr_gui.networks.registry import SYSTEMS, build
from nesr_gui.resources import samples
from nesr_gui.spectral import RGBImage, Wavelengths
from nesr_gui.speed.figures import Figure, seconds
from nesr_gui.speed.machine import operations, peak, waited

SIDE = 512  # pixels of the photograph along a side
SIDES = (256, 512, 768, 1024, 1536)  # of those whose time is compared with their pixels
COUNTS = (7, 16, 31, 61, 151, 301)  # of bands, compared with their time
REPEATS = 5
BANDS, EVERY = Wavelengths.every(400, 700, 10), Wavelengths.every(400, 700, 1)


def photograph(height: int, width: int) -> RGBImage:
    """The first sample, mirrored at its edges until it is so large."""
    values = read_photograph(samples()[0].photograph).values
    missing = [(0, max(wanted - size, 0)) for wanted, size in zip((height, width), values.shape, strict=False)]
    return RGBImage(np.pad(values, (*missing, (0, 0)), mode="symmetric")[:height, :width])


def figures(model: Model) -> Iterator[Figure]:
    """Measure one after the other; takes about two minutes on two cores."""
    image, rng = photograph(SIDE, SIDE), np.random.default_rng(0)
    made = seconds(lambda: engine.encode(image, model), 3)
    yield Figure(f"reconstruct {SIDE}×{SIDE}", 1000 * made)
    field = engine.encode(image, model)
    click = seconds(lambda: field.spectra([tuple(rng.integers(0, SIDE, 2).tolist())], EVERY), 8 * REPEATS)
    yield Figure("click to 301-point curve", 1000 * click, aim=8)
    band = seconds(lambda: field.band(rng.uniform(400, 700)), 3 * REPEATS)
    yield Figure(f"one more wavelength of {SIDE}×{SIDE}", 1000 * band)
    cube = seconds(lambda: field.cube(BANDS), REPEATS)
    yield Figure("31 bands of it", 1000 * cube)
    yield Figure("one more wavelength / 31 bands", band / cube, "", aim=1 / 20)
    rivals = _mst_seconds(image, model.device)
    yield Figure("MST++, 31 fixed bands of the same photograph", 1000 * rivals)
    yield Figure("photograph to first 301-point spectrum / MST++", (made + click) / rivals, "", aim=0.2)
    yield Figure("photograph to 31-band cube / MST++", (made + cube) / rivals, "", aim=0.6)
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


def _throughput(field: NeSRField, cube: float, device: str) -> Iterator[Figure]:
    """Of decoding, as a share of what the machine does at best in the same minute."""
    best = peak(torch.float32, device)
    rate = operations(lambda: field.cube(BANDS)) / cube
    yield Figure("machine's peak, float32", best / 1e9, "GFLOP/s")
    yield Figure("decoding, float32", rate / 1e9, "GFLOP/s")
    yield Figure("decoding / peak, float32", rate / best, "", aim=0.7, is_more_better=True)
    best = peak(torch.bfloat16, device)
    rate *= cube / seconds(lambda: field.sketch(BANDS), REPEATS)
    yield Figure("machine's peak, bfloat16", best / 1e9, "GFLOP/s")
    yield Figure("decoding for a moving picture", rate / 1e9, "GFLOP/s")
    yield Figure("decoding for a moving picture / peak, bfloat16", rate / best, "", aim=0.7, is_more_better=True)


def _growth(model: Model) -> Iterator[Figure]:
    """How far times are from a straight line over pixels and over bands: the largest part of the fitted time."""
    images = {side * side: photograph(side, side) for side in SIDES}

    def opened(pixels: int) -> Callable[[], object]:
        return lambda: engine.encode(images[pixels], model).band(550)

    yield Figure("time against pixels, off a straight line", off_line(_times(images, opened)), "", aim=0.05)
    field = engine.encode(photograph(SIDE // 2, SIDE // 2), model)

    def decoded(count: int) -> Callable[[], object]:
        return lambda: field.cube(Wavelengths.count(count))

    yield Figure("time against bands, off a straight line", off_line(_times(COUNTS, decoded)), "", aim=0.05)


def _times(amounts: Iterable[int], work: Callable[[int], Callable[[], object]]) -> dict[float, float]:
    return {amount: seconds(work(amount), 3) for amount in amounts}


def off_line(times: Mapping[float, float]) -> float:
    """The largest difference of times, by amount, from a line fitted to relative errors, as a part of it."""
    taken = np.array(list(times.values()))
    design = np.stack([np.ones(len(taken)), np.array(list(times))], 1) / taken[:, None]
    line = np.linalg.lstsq(design, np.ones(len(taken)), rcond=None)[0]
    return float(np.abs(design @ line - 1).max())
