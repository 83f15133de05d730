"""The napari plug-in: photographs and cubes as images with a wavelength axis, and cubes written from such images.

`napari.yaml` declares it. Bands are computed when they are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui import io, resources
from nesr_gui.fields.protocol import CubeField, SpectralField, is_linear_between_bands
from nesr_gui.inference import engine
from nesr_gui.inference.model import load_model
from nesr_gui.interop.lazy_cube import LazyCube
from nesr_gui.spectral import Quantity, Wavelengths

STEP = 5.0  # nm between the bands of a reconstruction
KEY = "nesr_gui"  # of what the metadata of a layer say about its cube
SAMPLES = 3  # bands from which the contrast limits are found
SIDE = 256  # pixels along the longest side of these

LayerData = tuple[Any, dict[str, Any], str]


def get_reader(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], list[LayerData]] | None:
    """The reader of a path, or of several; None if this program cannot read one of them."""
    paths = [path] if isinstance(path, str) else list(path)
    readable = (io.is_photograph(each) or io.is_cube(each) for each in paths)
    return read_layers if paths and all(readable) else None


def read_layers(path: str | Sequence[str]) -> list[LayerData]:
    """An image layer for each path: the reconstruction of a photograph with the bundled model, or a cube as it is.

    Raises:
        OSError, ValueError: a file cannot be read.
    """
    return [_layer(_open(Path(each)), Path(each).stem) for each in ([path] if isinstance(path, str) else path)]


def open_sample() -> list[LayerData]:
    """The layer of the first bundled photograph."""
    photograph = resources.samples()[0].photograph
    return [_layer(_open(photograph), photograph.stem)]


def _open(path: Path) -> SpectralField:
    if not io.is_photograph(path):
        return io.open_cube(path)
    model = load_model()
    return engine.encode(io.read_photograph(path).reduced(model.working_pixels), model)


def _layer(field: SpectralField, name: str) -> LayerData:
    bands = field.bands if is_linear_between_bands(field) else Wavelengths.from_step(*field.wavelength_range, STEP)
    data = LazyCube.of(field, bands)
    described = {"wavelengths": bands.nm.tolist(), "quantity": field.quantity.value, "provenance": field.provenance}
    options: dict[str, Any] = {
        "name": name,
        "metadata": {KEY: described},
        "contrast_limits": _contrast_limits(data),
        "axis_labels": ("wavelength", "y", "x"),
    }
    gaps = np.diff(bands.nm)
    if gaps.size and np.allclose(gaps, gaps[0]):  # then the slider of napari counts in nm
        options |= {
            "scale": (float(gaps[0]), 1.0, 1.0),
            "translate": (float(bands.nm[0]), 0.0, 0.0),
            "units": ("nm", "pixel", "pixel"),
        }
    return data, options, "image"


def _contrast_limits(data: LazyCube) -> tuple[float, float]:
    stride = max(max(data.shape[1:]) // SIDE, 1)
    shown = np.unique(np.linspace(0, len(data) - 1, SAMPLES).astype(int))
    values = np.stack([data[int(index), ::stride, ::stride] for index in shown])
    values = values[np.isfinite(values)]
    low, high = (float(each) for each in np.percentile(values, (0.5, 99.5))) if values.size else (0.0, 1.0)
    return min(low, 0.0), max(high, min(low, 0.0) + 1e-6)


def write_cube(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write an image layer (wavelength, y, x) as a cube in the format of the extension.

    Args:
        path: file or folder to write.
        data: the array of the layer.
        attributes: of the layer; `metadata` or the scale in nm state the wavelengths.

    Returns:
        The written path.

    Raises:
        ValueError: the layer has not three dimensions, or does not say at which wavelengths its bands are.
        OSError: the file cannot be written.
    """
    if np.ndim(data) != 3 and len(getattr(data, "shape", ())) != 3:
        raise ValueError("a cube is written from an image with three dimensions: wavelength, y, x")
    described = attributes.get("metadata", {}).get(KEY, {})
    bands = Wavelengths(_wavelengths(attributes, described, len(data)))
    quantity = Quantity(described.get("quantity", Quantity.UNKNOWN))
    provenance = {str(key): str(text) for key, text in described.get("provenance", {}).items()}
    io.write_cube(path, CubeField(_Array(data), bands, quantity, provenance), bands)
    return [path]


def _wavelengths(attributes: dict[str, Any], described: dict[str, Any], count: int) -> npt.NDArray[np.float64]:
    stated = described.get("wavelengths")
    if stated is not None and len(stated) == count:
        return np.array(stated, np.float64)
    if str((attributes.get("units") or [""])[0]) in ("nm", "nanometer"):
        return attributes["translate"][0] + attributes["scale"][0] * np.arange(count)
    raise ValueError(
        "the layer does not say at which wavelengths its bands are; set its units, scale and translate in nm"
    )


class _Array:
    """An array of a layer, of NumPy, dask or this program, that is read when it is indexed."""

    def __init__(self, data: Any) -> None:
        self._data, self.shape = data, tuple(int(size) for size in data.shape)

    def __getitem__(self, window: tuple[slice, slice, slice]) -> npt.NDArray[np.float32]:
        return np.asarray(self._data[window], np.float32)
