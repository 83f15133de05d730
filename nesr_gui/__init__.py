"""Reconstruction of a continuous spectrum at every pixel of a photograph.

Examples:
    >>> import nesr_gui
    >>> from nesr_gui import resources
    >>> photograph = resources.sample("coffee").photograph
    >>> field = nesr_gui.reconstruct(photograph, max_pixels=2000)
    >>> field.spectra([(20, 30)], [450.0, 550.5]).shape
    (1, 2)
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from nesr_gui._version import __version__

if TYPE_CHECKING:
    from nesr_gui.colorimetry.viewing_conditions import Observer
    from nesr_gui.fields.protocol import CubeField
    from nesr_gui.inference.band_field import BandField
    from nesr_gui.inference.model import LoadedModel
    from nesr_gui.inference.reconstructed_field import ReconstructedField
    from nesr_gui.io import CubeHints
    from nesr_gui.io.photos.camera_profile import CameraProfile

__all__ = ["__version__", "load_model", "open_cube", "reconstruct"]


def load_model(path: str | PathLike[str] | None = None, device: str = "auto") -> LoadedModel:
    """Load a model file, or the bundled default model, on `device` (auto, cpu, cuda or mps).

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: the file is not a model, or the device is not available.

    Examples:
        >>> model = load_model()
        >>> model.name
        'nesr-lean'
    """
    from nesr_gui.inference import model

    return model.load_model(Path(path) if path is not None else None, device)


def reconstruct(
    photograph: str | PathLike[str],
    model: LoadedModel | None = None,
    *,
    camera: str | PathLike[str] | CameraProfile | Observer | None = None,
    max_pixels: int | None = None,
) -> ReconstructedField | BandField:
    """Reconstruct the spectral field of a photograph file.

    Args:
        photograph: PNG, JPEG, TIFF, BMP or WebP.
        model: from `load_model`; the bundled default model if None.
        camera: the camera of the photograph, as the option `--camera` of the commands: a camera profile from a colour
            chart (`Calibration.profile`, or its .json file), or sensitivities (a table, or an .npz of several cameras,
            of which EXIF tells the model). None for the colours that the file states.
        max_pixels: a larger photograph is binned in linear light by a whole number; None for full resolution.

    Raises:
        OSError: a file does not exist or is not readable.
        ValueError: the file is not a photograph, the other is not a camera, or is damaged, or `max_pixels` is below 1.
    """
    from nesr_gui import io
    from nesr_gui.inference import engine
    from nesr_gui.io.photos.cameras import camera_settings

    image = io.read_photograph(Path(photograph), camera_settings(camera, Path(photograph)))
    return engine.encode(image if max_pixels is None else image.reduced(max_pixels), model or load_model())


def open_cube(path: str | PathLike[str], reading: CubeHints | None = None) -> CubeField:
    """Open a cube, a file or a folder, as a field that is linear between its bands and reads the file on demand.

    `nesr_gui.io.CubeHints` supplies information that the file lacks, such as wavelengths; see `nesr_gui.io.open_cube`.

    Examples:
        >>> from nesr_gui import resources
        >>> cube = open_cube(resources.sample("colour_checker").truth)
        >>> cube.shape, str(cube.bands)
        ((284, 420), '31 bands, 400-700 nm by 10 nm')
        >>> cube.spectra([(40, 40)], [605.0]).shape
        (1, 1)
    """
    from nesr_gui import io

    return io.open_cube(Path(path), reading)
