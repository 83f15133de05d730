"""How much memory an export takes, format by format: anonymous and dirty pages beyond what imports take.

`python -m tests.memory` measures the writers with a field that costs nothing; `python -m tests.memory .nc --model` one
of them with the embedded model and a photograph, which takes as long as reconstructing it does. Linux only.
"""

from __future__ import annotations

import argparse
import importlib
import math
import sys
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np

from nesr_gui import io
from nesr_gui.benchmark.system import ready, watched
from nesr_gui.fields.protocol import CubeField, SpectralField
from nesr_gui.io import FORMATS, FileKind, Format, StorageEncoding
from nesr_gui.spectral import Quantity, Wavelengths

BANDS = Wavelengths.evenly_spaced(31)
WRITTEN = {
    (row.writes or row.extensions or ("",))[0]: row for row in FORMATS if row.kind is FileKind.CUBE and row.write
}


@dataclass(frozen=True)
class Footprint:
    """Bytes at the peak beyond the imports and of the file, how long it took, and the fraction that was written."""

    peak: int
    size: int
    seconds: float
    fraction: float


class Ramp:
    """Bands (L, H, W) that are computed where they are read and differ from pixel to pixel."""

    def __init__(self, height: int, width: int) -> None:
        self.shape = (len(BANDS), height, width)

    def __getitem__(self, window: tuple[slice, slice, slice]) -> Any:
        bands, rows, cols = (np.arange(*part.indices(size)) for part, size in zip(window, self.shape, strict=True))
        pixels = (rows[:, None] * 7 + cols) % 1000 / np.float32(1000)
        return (pixels + bands[:, None, None] / np.float32(100)).astype(np.float32)


def measure(
    ending: str, height: int, width: int, folder: Path, *, with_model: bool = False, limit: float = math.inf
) -> Footprint:
    """Export 31 bands of (H, W) pixels into `folder` in the format of `ending`; give up after `limit` seconds."""
    photograph = _photograph(folder.parent, height, width) if with_model else None
    began, peak, fraction = time.perf_counter(), 0, 0.0
    for done, held in watched(_export, ending, height, width, folder, photograph):
        peak, fraction = max(peak, held), fraction if done is None else done
        if fraction == 1 or time.perf_counter() - began > limit:
            break
    files = [path for path in folder.rglob("*") if path.is_file()]
    return Footprint(peak, sum(f.stat().st_size for f in files), time.perf_counter() - began, fraction)


def _export(pipe: Connection, ending: str, height: int, width: int, folder: Path, photograph: Path | None) -> None:
    row: Format = WRITTEN[ending]
    for module in {".zarr": ["zarr"], ".exr": ["OpenEXR", "Imath"]}.get(ending, []):
        importlib.import_module(module)
    if photograph:
        importlib.import_module("nesr_gui.inference.engine")
    small = CubeField(Ramp(8, 8), BANDS, Quantity.REFLECTANCE)
    encoding = StorageEncoding(row.dtypes[0])
    with tempfile.TemporaryDirectory() as aside:
        io.write_cube(Path(aside) / f"small{ending}", small, BANDS, encoding=encoding)
    ready(pipe)
    field: SpectralField = CubeField(Ramp(height, width), BANDS, Quantity.REFLECTANCE)
    if photograph:
        engine, model = (importlib.import_module(f"nesr_gui.inference.{name}") for name in ("engine", "model"))
        field = engine.encode(io.read_photograph(photograph), model.load_model())
    io.write_cube(
        folder / f"cube{ending}", field, BANDS, encoding=encoding, progress=lambda done: pipe.send(min(done, 0.999))
    )
    pipe.send(1.0)


def _photograph(folder: Path, height: int, width: int) -> Path:
    path = folder / "photograph.png"
    pixels = (Ramp(height, width)[:3, :, :].transpose(1, 2, 0) * 200).astype(np.uint8)
    path.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(pixels), level=1))
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("endings", nargs="*", default=list(WRITTEN), help="such as .nc .tif; '' is a folder of bands")
    parser.add_argument("--model", action="store_true", help="reconstruct a photograph with the embedded model")
    parser.add_argument("--size", type=int, nargs=2, default=(4000, 6000), metavar=("H", "W"))
    parser.add_argument("--limit", type=float, default=math.inf, metavar="SECONDS", help="give up after so long")
    asked = parser.parse_args()
    for ending in asked.endings:
        with tempfile.TemporaryDirectory() as folder:
            cubes = Path(folder) / "cubes"
            cubes.mkdir()
            found = measure(ending, *asked.size, cubes, with_model=asked.model, limit=asked.limit)
        name = f"{WRITTEN[ending].name} ({ending or 'folder'})"
        sys.stdout.write(f"{name:28}{found.peak / 1e6:8.0f} MB of {found.size / 1e6:6.0f} MB{found.seconds:8.0f} s")
        sys.stdout.write("\n" if found.fraction == 1 else f"  given up at {found.fraction:.0%}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
