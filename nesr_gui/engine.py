"""From a photograph and a model to a field: devices, precision, tiles, the attention map.

The only place that turns numpy into torch for inference. Everything is computed in float32 with TF32 off, features
included: encoding in bfloat16 took 0.4 of the time, but moved values by up to .0046 (RMSE .0001) on the first sample,
and would let them depend on tiles where features are computed again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

import nesr_gui
from nesr_gui import resources
from nesr_gui.checkpoint import Checkpoint, load_checkpoint
from nesr_gui.features import TILE, Features, RecomputedFeatures, StoredFeatures, inside_mask, square_tiles
from nesr_gui.field import (
    BLOCK_VALUES,
    Block,
    Points,
    Progress,
    checked_nm,
    checked_points,
    checked_window,
    cube_of_blocks,
)
from nesr_gui.models.nam import Correlations
from nesr_gui.models.nesr import NeSR
from nesr_gui.models.spi import HALO, SPARSE_STRIDE, lattice
from nesr_gui.spectral import FloatArray, Quantity, RGBImage, SpectralCube, Wavelengths

PATIENCE = 4.0  # seconds a user may wait for a photograph to open
WORKING_PIXELS = (2_000_000, 1_000_000, 500_000)  # on a processor: few steps, so that a machine keeps to one of them
STORED_BYTES = 1 << 30  # features above this are computed again per tile instead of kept
TOKENS = 1 << 15  # (pixel, wavelength) pairs decoded at once: enough to keep the cores busy, small enough for caches
WAVELENGTHS_AT_ONCE = 8  # neighbours share slices of the first convolution


@dataclass(frozen=True, eq=False)
class Model:
    """A checkpoint on a device."""

    checkpoint: Checkpoint
    device: str
    working_pixels: int = WORKING_PIXELS[0]  # what this device encodes in seconds; a larger photograph opens reduced

    @property
    def name(self) -> str:
        return self.checkpoint.name

    @property
    def network(self) -> NeSR:
        return self.checkpoint.network

    @property
    def wavelength_range(self) -> tuple[float, float]:
        return self.network.config.low, self.network.config.high


def chosen_device(name: str) -> str:
    """`auto`, `cpu`, `cuda` or `mps` as a device that is there.

    Raises:
        ValueError: no such device, or not on this machine.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return next(device for device, there in present.items() if there)
    if not present.get(name):
        there = ", ".join(device for device, ready in present.items() if ready)
        raise ValueError(f"device {name!r} is not on this machine; choose auto or one of: {there}")
    return name


def load_model(path: Path | None = None, device: str = "auto") -> Model:
    """The model in `path` (default: the embedded one) on `device`, one of auto, cpu, cuda, mps."""
    where = chosen_device(device)
    if where == "cuda":
        torch.backends.cudnn.allow_tf32 = False
    checkpoint = load_checkpoint(path or resources.default_model())
    checkpoint.network.to(where)
    return Model(checkpoint, where, _working_pixels(checkpoint.network) if where == "cpu" else 1 << 40)


@torch.inference_mode()
def _working_pixels(network: NeSR) -> int:
    """The largest of `WORKING_PIXELS` that this processor encodes within `PATIENCE`, from the best of three tries."""
    rgb = torch.zeros(1, 3, 128, 128)
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        network.encode(rgb)
        seconds.append(time.perf_counter() - began)
    affordable = PATIENCE / min(seconds) * rgb[0, 0].numel()
    return next((pixels for pixels in WORKING_PIXELS if pixels <= affordable), WORKING_PIXELS[-1])


def _quiet(_: float) -> None:
    """Progress nobody watches."""


@torch.inference_mode()
def encode(image: RGBImage, model: Model, *, progress: Progress | None = None) -> NeSRField:
    """Make the field of a photograph: what is slow, once.

    Args:
        image: at the resolution the field is to have.
        model: from `load_model`.
        progress: called between tiles with the fraction done; what it raises (`Cancelled`) ends the work.
    """
    report = progress or _quiet
    network = model.network
    rgb = torch.from_numpy(image.values).permute(2, 0, 1)[None].to(model.device)
    computed = RecomputedFeatures(network, rgb)
    fits = 4 * network.config.features * image.shape[0] * image.shape[1] <= STORED_BYTES
    features = StoredFeatures.of(computed, lambda done: report(0.8 * done)) if fits else computed
    attention = _attention(network, features, image.shape, lambda done: report(0.8 + 0.2 * done))
    report(1.0)
    return NeSRField(model, image, rgb, features, attention)


def _attention(network: NeSR, features: Features, shape: tuple[int, int], progress: Progress) -> Tensor:
    """The image's attention map (1, C, C): sums over its context lattice, in float64 tile by tile."""
    stride = network.context_stride(*shape)
    at_once = max(TOKENS // len(network.config.bands), 1)
    totals: list[Tensor] = []
    for done, rows, cols in square_tiles(slice(0, shape[0]), slice(0, shape[1]), TILE):
        progress(done)
        window = features.window(rows, cols)
        first = -rows.start % stride, -cols.start % stride  # the lattice is the image's, not the tile's
        if first[0] >= rows.stop - rows.start or first[1] >= cols.stop - cols.start:
            continue
        parts = (window, inside_mask(rows, cols, shape, window))
        windows, inside = (lattice(part[:, :, first[0] :, first[1] :], stride) for part in parts)
        for some in (slice(start, start + at_once) for start in range(0, windows.shape[1], at_once)):
            sums = network.nam.correlations(network.context_tokens(windows[:, some], inside[:, some]))
            doubles = [part.cpu().double() for part in sums]
            totals = [a + b for a, b in zip(totals, doubles, strict=True)] if totals else doubles
    return network.nam.attention(Correlations(*(total.float().to(window.device) for total in totals)))


class NeSRField:
    """An encoded photograph: the model's answer at any of its pixels and any wavelength in its range."""

    quantity = Quantity.REFLECTANCE

    def __init__(self, model: Model, image: RGBImage, rgb: Tensor, features: Features, attention: Tensor) -> None:
        self.model, self.image = model, image
        self.shape, self.wavelength_range = image.shape, model.wavelength_range
        self._rgb, self._features, self._attention = rgb, features, attention

    @property
    def provenance(self) -> dict[str, str]:
        """See `SpectralField.provenance`."""
        bands = self.model.network.config.bands
        return {
            "source": f"nesr_gui {nesr_gui.__version__}",
            "model": self.model.name,
            "model_sha256": self.model.checkpoint.sha256,
            "model_bands": f"{bands[0]:g}-{bands[-1]:g} nm by {self.model.network.config.step:g} nm",
            "photograph": self.image.source.name,
            "photograph_sha256": self.image.source.sha256,
            "photograph_notes": " ".join(self.image.source.notes),
            "photograph_shape": "{} x {}".format(*self.image.source_shape),
            "reduction": str(self.image.reduction),
            "precision": "float32",
        }

    @torch.inference_mode()
    def spectra(self, points: Points, wavelengths: Wavelengths | npt.ArrayLike) -> FloatArray:
        """See `SpectralField.spectra`."""
        nm, places = checked_nm(self, wavelengths), checked_points(self, points)
        curves = np.empty((len(places), nm.size), np.float32)
        at_once = max(TOKENS // nm.size, 1)
        for some in (slice(start, start + at_once) for start in range(0, len(places), at_once)):
            spots = [(slice(row, row + 1), slice(col, col + 1)) for row, col in places[some].tolist()]
            windows = torch.cat([self._features.window(*spot) for spot in spots])
            inside = torch.cat([inside_mask(*spot, self.shape, windows) for spot in spots])
            rgb = torch.cat([self._rgb[:, :, *spot] for spot in spots])
            curves[some] = self._decoded(windows, inside, rgb, nm)[:, :, 0, 0].cpu().numpy()
        return curves

    @torch.inference_mode()
    def band(self, nm: float, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None) -> FloatArray:
        """See `SpectralField.band`."""
        rows, cols = checked_window(self, rows, cols)
        image = np.empty((-(-(rows.stop - rows.start) // stride), -(-(cols.stop - cols.start) // stride)), np.float32)
        for tile in self._tiles(checked_nm(self, nm), rows, cols, stride):
            y, x = (tile.rows.start - rows.start) // stride, (tile.cols.start - cols.start) // stride
            image[y : y + tile.values.shape[1], x : x + tile.values.shape[2]] = tile.values[0]
        return image

    def blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[Block]:
        """See `SpectralField.blocks`."""
        return self._tiles(checked_nm(self, wavelengths), *checked_window(self, rows, cols), 1)

    def cube(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> SpectralCube:
        """See `SpectralField.cube`."""
        return cube_of_blocks(self, wavelengths, rows, cols)

    def _tiles(self, nm: npt.NDArray[np.float64], rows: slice, cols: slice, stride: int) -> Iterator[Block]:
        """Every `stride`-th row and column of a window, square by square; a block's slices are of the full image."""
        fitting = max(math.isqrt(BLOCK_VALUES // nm.size), 1)
        side = min(TILE, 1 << fitting.bit_length() - 1)  # a power of two: files are cut the same way
        side = max(side // stride, 1) * stride
        for _, tile_rows, tile_cols in square_tiles(rows, cols, side):
            with torch.inference_mode():
                yield Block(tile_rows, tile_cols, self._tile(nm, tile_rows, tile_cols, stride))

    def _tile(self, nm: npt.NDArray[np.float64], rows: slice, cols: slice, stride: int) -> FloatArray:
        """(L, h', w'), decoded in strips and few wavelengths at a time so that the work stays in the caches."""
        window = self._features.window(rows, cols)
        inside = inside_mask(rows, cols, self.shape, window)
        rgb = self._rgb[:, :, rows, cols]
        values = np.empty((nm.size, -(-rgb.shape[2] // stride), -(-rgb.shape[3] // stride)), np.float32)
        few = min(nm.size, WAVELENGTHS_AT_ONCE)
        step = max(TOKENS // (few * rgb.shape[3]), 1)
        step = max(step // stride, 1) if stride < SPARSE_STRIDE else step  # sparse, the pixels between are not touched
        for row in range(0, values.shape[1], step):
            pixels = slice(row * stride, (row + step) * stride)
            strip = slice(pixels.start, pixels.stop + 2 * HALO)
            for first in range(0, nm.size, few):
                some = nm[first : first + few]
                decoded = self._decoded(window[:, :, strip], inside[:, :, strip], rgb[:, :, pixels], some, stride)
                values[first : first + few, row : row + step] = decoded[0].cpu().numpy()
        return values

    def _decoded(
        self, windows: Tensor, inside: Tensor, rgb: Tensor, nm: npt.NDArray[np.float64], stride: int = 1
    ) -> Tensor:
        asked = torch.from_numpy(nm).float().to(windows.device)
        network: NeSR = self.model.network
        return network.decode(windows, rgb, self._attention, asked, inside, stride)
