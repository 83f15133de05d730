"""Radiance of a field of reflectances under an illuminant."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry.viewing_conditions import Illuminant
from nesr_gui.fields.notebook import NotebookMethods
from nesr_gui.fields.protocol import (
    Block,
    CalibratedField,
    IntervalBlock,
    Points,
    SpectralField,
    assemble_cube,
    validate_wavelengths,
)
from nesr_gui.spectral import FloatArray, Quantity, SpectralCube, Wavelengths


def illuminate(field: SpectralField, light: Illuminant) -> IlluminatedField:
    """Radiance field of a field of reflectances under `light`.

    Raises:
        ValueError: the field does not hold reflectance, or the illuminant is dark in its range.

    Examples:
        >>> import nesr_gui
        >>> from nesr_gui import resources
        >>> cube = nesr_gui.open_cube(resources.sample("colour_checker").truth)
        >>> illuminate(cube, Illuminant("FL11")).quantity.value
        'radiance'
    """
    return (
        CalibratedIlluminatedField(field, light)
        if isinstance(field, CalibratedField)
        else IlluminatedField(field, light)
    )


class IlluminatedField(NotebookMethods):
    """Relative radiance: reflectance times the power of an illuminant, normalised to a maximum of 1 in range."""

    quantity = Quantity.RADIANCE

    def __init__(self, field: SpectralField, light: Illuminant) -> None:
        if field.quantity is not Quantity.REFLECTANCE:
            if field.quantity is Quantity.RADIANCE:
                reason = "this image contains radiance, which includes its light"
            else:
                reason = "the quantity of this image is unknown"
            raise ValueError(f"{reason}; only relative reflectance can be illuminated by {light.name}")
        self.field, self.light = field, light
        self.bands, self.shape, self.wavelength_range = field.bands, field.shape, field.wavelength_range
        self.binning, self.source_shape = field.binning, field.source_shape
        low, high = field.wavelength_range
        self._brightest = float(light.power(np.unique(np.append(np.arange(low, high), high))).max())
        if not self._brightest > 0:
            raise ValueError(f"{light.name} is dark at {low:g}-{high:g} nm; choose another light")

    @property
    def provenance(self) -> dict[str, str]:
        """Provenance of the field, with the illuminant."""
        low, high = self.wavelength_range
        scale = f"its greatest power at {low:g}-{high:g} nm being 1"
        return {
            **self.field.provenance,
            "light": self.light.name,
            "radiance": f"reflectance x power of the light, {scale}",
        }

    def power(self, wavelengths: Wavelengths | npt.ArrayLike) -> FloatArray:
        """Normalised power (L,) of the illuminant at `wavelengths`."""
        return (self.light.power(validate_wavelengths(self, wavelengths)) / self._brightest).astype(np.float32)

    def spectra(self, points: Points, wavelengths: Wavelengths | npt.ArrayLike) -> FloatArray:
        """See `SpectralField.spectra`."""
        return self.field.spectra(points, wavelengths) * self.power(wavelengths)

    def band(self, nm: float, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None) -> FloatArray:
        """See `SpectralField.band`."""
        return self.field.band(nm, stride=stride, rows=rows, cols=cols) * self.power(nm)[0]

    def blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[Block]:
        """See `SpectralField.blocks`."""
        power = self.power(wavelengths)[:, None, None]
        for block in self.field.blocks(wavelengths, rows=rows, cols=cols):
            yield Block(block.rows, block.cols, block.values * power)

    def cube(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> SpectralCube:
        """See `SpectralField.cube`."""
        return assemble_cube(self, wavelengths, rows, cols)


class CalibratedIlluminatedField(IlluminatedField):
    """Radiance of a calibrated field: intervals and quality flags are those of the reflectance, scaled."""

    def prediction_interval(
        self, points: Points, wavelengths: Wavelengths | npt.ArrayLike
    ) -> tuple[FloatArray, FloatArray]:
        """See `CalibratedField.prediction_interval`."""
        lower, upper = self._calibrated.prediction_interval(points, wavelengths)
        power = self.power(wavelengths)
        return lower * power, upper * power

    def prediction_interval_blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[IntervalBlock]:
        """See `CalibratedField.prediction_interval_blocks`."""
        power = self.power(wavelengths)[:, None, None]
        for block in self._calibrated.prediction_interval_blocks(wavelengths, rows=rows, cols=cols):
            yield IntervalBlock(block.rows, block.cols, block.lower * power, block.upper * power)

    def prediction_interval_band(
        self, nm: float, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """See `CalibratedField.prediction_interval_band`."""
        lower, upper = self._calibrated.prediction_interval_band(nm, stride=stride, rows=rows, cols=cols)
        power = self.power(nm)[0]
        return lower * power, upper * power

    def quality_flags(
        self, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None
    ) -> npt.NDArray[np.uint8]:
        """See `CalibratedField.quality_flags`."""
        return self._calibrated.quality_flags(stride=stride, rows=rows, cols=cols)

    @property
    def _calibrated(self) -> CalibratedField:
        assert isinstance(self.field, CalibratedField)  # `illuminate` chose this class by it
        return self.field
