"""Every kind of file that the program writes, each with a number in it that a reader finds again."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from PySide6.QtCore import QSizeF
from PySide6.QtGui import QGuiApplication, QPainter

import nesr_gui.fields.protocol
from nesr_gui import export, io
from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.protocol import CubeField
from nesr_gui.gui.figures.export import save_drawing
from nesr_gui.gui.model.document import DocumentSource
from nesr_gui.gui.model.plot_settings import PlotSettings
from nesr_gui.gui.model.session_file import SessionData, read_session
from nesr_gui.gui.model.view_settings import ViewSettings
from nesr_gui.gui.tasks.sessions import CopyRequest, SaveRequest, save_session, write_copies
from nesr_gui.gui.view_modes import MODES
from nesr_gui.io import sandbox
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.io.raster import write_exr, write_layers, write_png, write_tiff
from nesr_gui.io.regions.files import NamedRegion, read_regions, write_regions
from nesr_gui.io.spectra.csv import read_curves, read_table, write_curves, write_table
from nesr_gui.io.spectra.envi_library import write_curves as write_library
from nesr_gui.io.spectra.readers import read_spectra
from nesr_gui.spectral import Spectrum, Wavelengths

BANDS = Wavelengths.evenly_spaced(4)
SHAPE = (200, 90)
PASTED = "pasted.png"


@dataclass(frozen=True)
class WrittenFile:
    """A kind of file: how a number is written to it, and read back."""

    name: str
    write: Callable[[Path, int], object]
    read: Callable[[Path], float]


def _cube(name: str, dtype: str = "float32") -> WrittenFile:
    def write(path: Path, number: int) -> None:
        field = CubeField(np.full((4, *SHAPE), number, np.float32), BANDS)
        export.write(path, field, export.ExportPlan(encoding=io.StorageEncoding(dtype, 1.0)))

    def read(path: Path) -> float:
        values = io.open_cube(path, is_trusted=True).cube(BANDS).values
        assert values.min() == values.max(), "old and new values are mixed"
        return float(values[0, 0, 0])

    return WrittenFile(name, write, read)


def _picture(name: str, write: Callable[..., None]) -> WrittenFile:
    def read(path: Path) -> float:
        if path.suffix == ".exr":
            import OpenEXR

            with OpenEXR.File(str(path)) as file:
                return float(file.channels()["Y"].pixels[-1, -1])
        return float(iio.imread(path)[-1, -1])

    dtype = np.float32 if name.endswith(".exr") else np.uint8
    return WrittenFile(name, lambda path, number: write(path, np.full(SHAPE, number, dtype), {}), read)


def _figure(name: str) -> WrittenFile:
    """A page 50 points wide for each unit of the number."""

    def draw(painter: QPainter) -> None:
        for row in range(400):
            painter.drawLine(0, row, 30, 40)

    def write(path: Path, number: int) -> None:
        _ = QGuiApplication.instance() or QGuiApplication([])
        save_drawing(path, QSizeF(50 * number, 40), draw, 72, "")

    def read(path: Path) -> float:
        content = path.read_bytes()
        end, width = {
            ".png": (b"IEND\xaeB`\x82", rb"IHDR\0\0\0(.)"),
            ".svg": (b"</svg>\n", rb'viewBox="0 0 (\d+) 40"'),
            ".pdf": (b"%%EOF\n", rb"/MediaBox \[0 0 (\d+)"),
        }[path.suffix]
        assert content.endswith(end), "it was cut short"
        found = re.search(width, content, re.DOTALL)
        assert found is not None
        return (found[1][0] if path.suffix == ".png" else int(found[1])) / 50

    return WrittenFile(name, write, read)


def session(path: Path, number: int) -> SessionData:
    return SessionData(
        source=DocumentSource(path.parent / PASTED), interpretation=DevelopSettings(), marks=(), active=None,
        view_settings=ViewSettings(), viewport=None, nm=500.0 + number, plot_settings=PlotSettings(),
        viewing=ViewingConditions(), white=None,
    )  # fmt: skip


def _save(path: Path, number: int) -> None:
    save_session(SaveRequest(path, session(path, number), ()), lambda fraction: None)


def _autosave(path: Path, number: int) -> None:
    warning = write_copies(CopyRequest((SaveRequest(path, session(path, number), ()),), ()), lambda fraction: None)
    if warning:
        raise OSError(warning)


def _checkpoint(path: Path, number: int) -> None:
    from nesr_gui.inference.checkpoint import save_checkpoint
    from tests import tiny

    save_checkpoint(path, tiny.network(), {"number": str(number)})


def _number_of_checkpoint(path: Path) -> float:
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        _ = [file.get_tensor(name) for name in file.keys()]  # noqa: SIM118
        return float(json.loads(file.metadata()["provenance"])["number"])


def _curves(number: int) -> list[Spectrum]:
    return [Spectrum(BANDS, np.full(4, number, np.float32), name) for name in "ab"]


ALL = (
    _cube("cube.h5"), _cube("cube.hdr"), _cube("cube.mat"), _cube("cube.tif"), _cube("cube.npy"), _cube("cube.npz"),
    _cube("bands", "uint16"),
    *(_cube(name) for name, library in (("cube.zarr", "zarr"), ("cube.exr", "OpenEXR")) if find_spec(library)),
    WrittenFile("curves.csv", lambda path, number: write_curves(path, _curves(number)),
                lambda path: float(read_curves(path)[0].values[0])),
    WrittenFile("library.sli", lambda path, number: write_library(path, _curves(number)),
                lambda path: float(read_spectra(path)[0].values[0])),
    WrittenFile("table.csv", lambda path, number: write_table(path, 50 * [{"number": str(number)}]),
                lambda path: float(read_table(path, ["number"])[49]["number"])),
    WrittenFile("regions.geojson", lambda path, number: write_regions(path, [NamedRegion((number, 1))]),
                lambda path: float(read_regions(path)[0].place[0])),
    _picture("picture.png", write_png), _picture("picture.tif", write_tiff),
    _picture("map.tif", lambda path, image, description: write_layers(path, image[None], ["layer"], description)),
    *([_picture("picture.exr", write_exr)] if find_spec("OpenEXR") else []),
    _figure("figure.png"), _figure("figure.svg"), _figure("figure.pdf"),
    WrittenFile("work.nesr", _save, lambda path: read_session(path, MODES).nm - 500),
    WrittenFile("copy.nesr", _autosave, lambda path: read_session(path, MODES).nm - 500),
    WrittenFile("model.safetensors", _checkpoint, _number_of_checkpoint),
)  # fmt: skip


def prepare(folder: Path) -> None:
    """Make a process ready to write into a folder.

    What writers load is loaded, so that a fault does not meet an import; cubes are written in several blocks.
    """
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    sandbox.SANDBOX.check = lambda path, module: None  # type: ignore[method-assign]
    nesr_gui.fields.protocol.BLOCK_VALUES = 2000  # several blocks
    for module in ("hdf5", "matlab", "tiff", "zarr", "exr", "numpy", "band_folder", "envi"):
        importlib.import_module(f"nesr_gui.io.cubes.{module}")
    for library in ("zarr", "OpenEXR", "Imath", "nesr_gui.colorimetry.cie", "nesr_gui.inference.checkpoint",
                    "imagecodecs", "tifffile", "tests.tiny"):  # fmt: skip
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
    with contextlib.suppress(ImportError):
        importlib.import_module("nesr_gui.io.cubes.exr").preview_matrix(BANDS)  # loads tables on first use
    write_image(folder)


def write_image(folder: Path) -> None:
    """Write the image that the sessions refer to."""
    write_png(folder / PASTED, np.zeros((8, 8, 3), np.uint8), {})
