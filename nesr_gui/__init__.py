"""A photograph in, a continuous spectrum at every pixel out.

>>> field = nesr_gui.reconstruct("photo.png")
>>> field.spectra([(120, 64)], [450.0, 550.5])
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from nesr_gui._version import __version__

if TYPE_CHECKING:
    from nesr_gui.fields.protocol import CubeField
    from nesr_gui.inference.band_field import BandField
    from nesr_gui.inference.model import LoadedModel
    from nesr_gui.inference.nesr_field import NeSRField
    from nesr_gui.io import CubeHints

__all__ = ["__version__", "load_model", "open_cube", "reconstruct"]


def load_model(path: str | PathLike[str] | None = None, device: str = "auto") -> LoadedModel:
    """The embedded model, or the one in a file, on `device` (auto, cpu, cuda or mps)."""
    from nesr_gui.inference import model

    return model.load_model(Path(path) if path is not None else None, device)


def reconstruct(
    photograph: str | PathLike[str], model: LoadedModel | None = None, *, max_pixels: int | None = None
) -> NeSRField | BandField:
    """The spectral field of a photograph file.

    Args:
        photograph: PNG, JPEG, TIFF, BMP or WebP.
        model: from `load_model`; by default the embedded one.
        max_pixels: a larger photograph is reduced in linear light by a whole number; by default nothing is.

    Raises:
        OSError, ValueError: the file is missing, no photograph, or damaged; the message says which.
    """
    from nesr_gui import io
    from nesr_gui.inference import engine

    image = io.read_photograph(Path(photograph))
    return engine.encode(image.reduced(max_pixels) if max_pixels else image, model or load_model())


def open_cube(path: str | PathLike[str], reading: CubeHints | None = None) -> CubeField:
    """The field of a cube, a file or a folder, linear between its bands; the file is read as it is asked.

    `nesr_gui.io.CubeHints` says what the file leaves open, such as its wavelengths; see `nesr_gui.io.open_cube`.
    """
    from nesr_gui import io

    return io.open_cube(Path(path), reading)
