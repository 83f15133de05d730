"""What is fuzzed: each reader as a function of the bytes of one file, and what it may do with them.

The outcome is a value or one sentence, within two seconds.
"""

from __future__ import annotations

import importlib
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nesr_gui import io
from nesr_gui.io.spectra import csv
from nesr_gui.io.spectra.readers import read_sensitivities, read_spectra

CORPUS = Path(__file__).parents[1] / "corpus"
CASES = CORPUS / "cases"
MOST_SECONDS = 2.0
LONGEST = 1000  # characters of a sentence


def read_cube(path: Path) -> None:
    """Open a cube without the sandbox and read what a click and a first picture need."""
    field = io.open_cube(path, is_trusted=True)
    height, width = field.shape
    field.spectra([(height - 1, width - 1)], field.wavelengths)
    field.band(field.wavelength_range[0], stride=max(height * width // 10_000, 1))


def read_photograph(path: Path) -> None:
    """Decode a photograph of at most a megapixel and develop it."""
    from nesr_gui.io.photos.decode import read_photograph as read

    read(path, max_pixels=1_000_000)


def read_any(path: Path) -> None:
    """What the window does with a file that it is given."""
    read_photograph(path) if io.is_photograph(path) else read_cube(path)


def read_model(path: Path) -> None:
    """What the window and the command line do with a model file, except using it."""
    from nesr_gui.inference import checkpoint

    checkpoint.describe(path)
    checkpoint.load_checkpoint(path)


def read_session(path: Path) -> None:
    """Read a session and write it again: what was not refused is valid. Its images are not opened."""
    from nesr_gui.gui.model import session_file
    from nesr_gui.gui.view_modes import MODES

    session_file.write_session(path.with_name("again.nesr"), session_file.read_session(path, MODES))


@dataclass(frozen=True)
class Target:
    """A reader: the name of the file with the bytes, the files beside it, how it is read, and where to begin.

    `modules` are loaded beforehand, and instrumented.
    """

    file: str
    read: Callable[[Path], object]
    seeds: tuple[str, ...]
    opened: str = ""  # the file that is opened, if it is not the one with the bytes
    beside: tuple[tuple[str, str], ...] = ()
    modules: tuple[str, ...] = ()

    def prepare(self, folder: Path) -> None:
        """Load what the reader needs, and write the files beside that of the bytes."""
        for module in self.modules:
            importlib.import_module(module)
        for name, case in self.beside:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((CASES / case).read_bytes())

    def run(self, folder: Path, data: bytes) -> str:
        """Sentence of the error, empty for success.

        Raises:
            AssertionError: another error, no sentence, or too slow.
        """
        path = folder / self.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        started = time.process_time()
        said = ""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                self.read(folder / (self.opened or self.file))
            except (ValueError, OSError) as error:
                said = str(error)
                assert said and "\n" not in said and len(said) <= LONGEST, f"no sentence: {said[:2000]!r}"
        took = time.process_time() - started
        assert took < MOST_SECONDS, f"took {took:.1f} s"
        return said


def _zarr(metadata: str) -> tuple[tuple[str, str], ...]:
    names = ("zarr.json", "cube/zarr.json", "cube/c/0/0/0", "wavelength/zarr.json", "wavelength/c/0")
    return tuple((f"c.zarr/{name}", f"zarr/xfill3.zarr/{name}") for name in names if name != metadata)


TARGETS: dict[str, Target] = {
    "envi_header": Target(
        "c.hdr",
        read_cube,
        ("envi/nd_usgs.hdr", "envi/brk.hdr", "envi/frames.hdr", "envi/bandnames.hdr", "envi/trail.hdr"),
        beside=(("c.img", "envi/nd_usgs.img"),),
    ),
    "envi_library": Target("c.hdr", read_spectra, ("misc/lib.hdr",), beside=(("c.sli", "misc/lib.sli"),)),
    "hdf5": Target("c.h5", read_cube, ("h5/fill64.h5", "h5/emit.nc", "h5/neon.h5", "h5/unsigned.nc", "h5/prisma.he5")),
    "netcdf3": Target("c.nc", read_cube, ("h5/classic.nc",)),
    "matlab": Target("c.mat", read_cube, ("mat/struct5.mat", "mat/struct73.mat")),
    "tiff": Target(
        "c.tif",
        read_any,
        ("tif/nd9999.tif", "tif/ij_one_ifd.tif", "tif/rgb_plus2.tif", "ptif/thumbfirst.tif", "tif/side.tif"),
    ),
    "png": Target("c.png", read_photograph, ("photo/plain.png", "photo/exif_bad.png", "photo/chrm_zero.png")),
    "jpeg": Target("c.jpg", read_photograph, ("photo/x.jfif",)),
    "bmp": Target("c.bmp", read_photograph, ()),
    "webp": Target("c.webp", read_photograph, ()),
    "exr": Target("c.exr", read_any, ("exr/layer.exr", "exr/s_nover.exr", "exr/yc.exr")),
    "npy": Target("c.npy", read_cube, ()),
    "npy_description": Target("c.npy.json", read_cube, (), opened="c.npy", beside=(("c.npy", "../npy/cube"),)),
    "npz": Target("c.npz", read_cube, ()),
    "field": Target("c.field", read_cube, (), modules=("nesr_gui.io.cubes.coefficients",)),
    "zarr_group": Target(
        "c.zarr/zarr.json", read_cube, ("zarr/xfill3.zarr/zarr.json",), opened="c.zarr", beside=_zarr("zarr.json")
    ),
    "zarr_array": Target(
        "c.zarr/cube/zarr.json",
        read_cube,
        ("zarr/xfill3.zarr/cube/zarr.json",),
        opened="c.zarr",
        beside=_zarr("cube/zarr.json"),
    ),
    "curves": Target("c.csv", csv.read_curves, ()),
    "spectra": Target("c.txt", read_spectra, ()),
    "sensitivities": Target("c.csv", read_sensitivities, ()),
    "checkpoint": Target("c.safetensors", read_model, (), modules=("nesr_gui.inference.checkpoint",)),
    "session": Target(
        "c.nesr", read_session, (), modules=("nesr_gui.gui.model.session_file", "nesr_gui.gui.view_modes")
    ),
}


def saved(name: str) -> Iterator[Path]:
    """Saved inputs of a target, and the cases that it starts from."""
    yield from sorted((CORPUS / name).glob("*"))
    yield from (CASES / seed for seed in TARGETS[name].seeds)
