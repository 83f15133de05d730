"""Fields as xarray datasets, and `xarray.open_dataset(path, engine="nesr")`.

Names and attributes are those of exported NetCDF files.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray
from xarray.backends import BackendArray, BackendEntrypoint
from xarray.core import indexing

from nesr_gui import io
from nesr_gui.fields.protocol import CalibratedField, SpectralField
from nesr_gui.inference import engine
from nesr_gui.inference.model import LoadedModel, load_model
from nesr_gui.interop.lazy_cube import LazyCube
from nesr_gui.io.georeference import KEY, Georeference
from nesr_gui.spectral import Quantity, Wavelengths

DIMENSIONS = ("wavelength", "y", "x")
_LONG_NAMES = {"cube": "", "lower": "lower limit of the 90 % prediction interval of ",
               "upper": "upper limit of the 90 % prediction interval of "}  # fmt: skip
_UTM = (32601, 32760)  # EPSG codes of its zones on WGS-84
_GEOGRAPHIC = 4326


class _Backend(BackendArray):
    """A lazy cube for xarray; its own indexing is that which xarray calls outer."""

    def __init__(self, cube: LazyCube) -> None:
        self.cube, self.shape, self.dtype = cube, cube.shape, cube.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> npt.NDArray[Any]:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self.cube.__getitem__
        )


def to_dataset(field: SpectralField, wavelengths: Wavelengths | npt.ArrayLike | None = None) -> xarray.Dataset:
    """See `NotebookMethods.to_xarray`.

    Raises:
        ValueError: a wavelength is outside the range of the field.
    """
    names = ["cube", "lower", "upper"] if isinstance(field, CalibratedField) else ["cube"]
    cubes = {name: LazyCube.of(field, wavelengths, "" if name == "cube" else name) for name in names}
    coordinates = _coordinates(field, cubes["cube"].nm)
    mapped = {"grid_mapping": "spatial_ref"} if "spatial_ref" in coordinates else {}
    units = {"units": "1"} if field.quantity is Quantity.REFLECTANCE else {}
    variables = {
        name: xarray.Variable(
            DIMENSIONS,
            indexing.LazilyIndexedArray(_Backend(cube)),
            {"long_name": _LONG_NAMES[name] + field.quantity.value, **units, **mapped},
            {"preferred_chunks": {"wavelength": 1, "y": field.shape[0], "x": field.shape[1]}},
        )
        for name, cube in cubes.items()
    }
    attributes = {**field.provenance, "quantity": field.quantity.value, "Conventions": "CF-1.11"}
    return xarray.Dataset(variables, coordinates, attributes)


def _coordinates(field: SpectralField, nm: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Coordinates with CF attributes: positions on the map where they are known, otherwise pixels of the field."""
    wavelength = {"units": "nm", "standard_name": "radiation_wavelength", "long_name": "wavelength"}
    coordinates: dict[str, Any] = {"wavelength": ("wavelength", nm, wavelength)}
    height, width = field.shape
    where = Georeference.parse(field.provenance.get(KEY, ""))
    if where is None:
        for name, size, text in (("y", height, "row of the pixel, from the top"),
                                 ("x", width, "column of the pixel, from the left")):  # fmt: skip
            coordinates[name] = (name, np.arange(size, dtype=np.int32), {"long_name": text})
        return coordinates
    where = where.binned(field.binning)
    x = where.to_map(np.stack([np.full(width, 0.5), np.arange(width) + 0.5], axis=1))[:, 0]
    y = where.to_map(np.stack([np.arange(height) + 0.5, np.full(height, 0.5)], axis=1))[:, 1]
    for name, values in (("x", x), ("y", y)):
        coordinates[name] = (name, values, _axis(where, name))
    a, b, c, d, e, f = where.transform
    system = {"spatial_ref": f"EPSG:{where.epsg}"} if where.epsg is not None else {}
    geo_transform = " ".join(repr(float(number)) for number in (c, a, b, f, d, e))
    coordinates["spatial_ref"] = ((), np.int32(0), {**system, "GeoTransform": geo_transform})
    return coordinates


def _axis(where: Georeference, name: str) -> dict[str, str]:
    if where.epsg == _GEOGRAPHIC:
        degrees, meaning = ("degrees_east", "longitude") if name == "x" else ("degrees_north", "latitude")
        return {"units": degrees, "standard_name": meaning}
    units = {"units": "m"} if where.metres == 1 else {}
    return {"standard_name": f"projection_{name}_coordinate", **units}


class NesrBackend(BackendEntrypoint):
    """The engine `nesr`: reconstructs photographs, and opens every cube that this program reads."""

    description = "Reconstruct the spectra of a photograph, or open a spectral cube, with nesr_gui"
    open_dataset_parameters = ("filename_or_obj", "drop_variables", "wavelengths", "model", "device", "max_pixels")

    def open_dataset(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        wavelengths: Wavelengths | npt.ArrayLike | None = None,
        model: LoadedModel | str | os.PathLike[str] | None = None,
        device: str = "auto",
        max_pixels: int | None = None,
    ) -> xarray.Dataset:
        """The dataset of a file, each part of which is computed or read when it is used.

        Args:
            filename_or_obj: path of a photograph or cube.
            drop_variables: names of variables to leave out.
            wavelengths: in nm; by default the bands of the model or cube.
            model: a loaded model or its file; the bundled one by default.
            device: of the model: auto, cpu, cuda or mps.
            max_pixels: larger photographs are binned by a whole number.

        Raises:
            FileNotFoundError: the file does not exist.
            ValueError: the file is of no known format, a wavelength is outside its range, or `max_pixels` is below 1.
        """
        path = Path(filename_or_obj)
        field: SpectralField
        if io.is_photograph(path):
            image = io.read_photograph(path)
            if not isinstance(model, LoadedModel):
                model = load_model(None if model is None else Path(model), device)
            field = engine.encode(image if max_pixels is None else image.reduced(max_pixels), model)
        else:
            field = io.open_cube(path)
        dropped = [drop_variables] if isinstance(drop_variables, str) else list(drop_variables or ())
        return to_dataset(field, wavelengths).drop_vars(dropped, errors="ignore")

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Whether this engine is taken where none is named: for portable fields only."""
        try:
            return Path(filename_or_obj).suffix.lower() == ".field"
        except TypeError:
            return False
