"""What every field that a network made of an image has in common, and the intervals of one that was calibrated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from nesr_gui.fields.protocol import (
    Block,
    IntervalBlock,
    Points,
    QualityFlag,
    assemble_cube,
    validate_points,
    validate_wavelengths,
    validate_window,
)
from nesr_gui.inference import provenance as origin
from nesr_gui.inference.calibration import IntervalCalibration
from nesr_gui.inference.model_input import ModelInput, input_quantity
from nesr_gui.spectral import FloatArray, RGBImage, SpectralCube, Wavelengths

if TYPE_CHECKING:
    from nesr_gui.inference.model import LoadedModel


class ReconstructedField:
    """An image through a network: `rgb` (1, inputs, H, W) over its white `level`, by which answers are scaled back.

    Subclasses answer `spectra`, `band`, `preview_bands` and `blocks`. `notes` are what a user has to know of how.
    """

    def __init__(
        self, model: LoadedModel, image: ModelInput, rgb: Tensor, level: float, notes: tuple[str, ...] = ()
    ) -> None:
        self.model, self.image, self.quantity = model, image, input_quantity(image)
        self.shape, self.wavelength_range = image.shape, model.wavelength_range
        self.binning, self.source_shape = image.binning, image.source_shape
        self.bands, self.rgb, self.level, self.notes = model.bands, rgb, level, notes

    @property
    def provenance(self) -> dict[str, str]:
        """See `SpectralField.provenance`."""
        return origin.provenance(self.model, self.image, self.notes)

    def spectra(self, points: Points, wavelengths: Wavelengths | npt.ArrayLike) -> FloatArray:
        """See `SpectralField.spectra`."""
        raise NotImplementedError

    def band(self, nm: float, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None) -> FloatArray:
        """See `SpectralField.band`."""
        raise NotImplementedError

    def blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[Block]:
        """See `SpectralField.blocks`."""
        raise NotImplementedError

    def cube(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> SpectralCube:
        """See `SpectralField.cube`."""
        return assemble_cube(self, wavelengths, rows, cols)


class CalibratedReconstruction(ReconstructedField):
    """One of a photograph whose model was calibrated: how far its answers may be off, and where not to trust them.

    Put it before the class of the field: `class CalibratedNeSRField(CalibratedReconstruction, NeSRField)`.
    """

    image: RGBImage

    def __init__(self, *args: Any, calibration: IntervalCalibration, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.calibration = calibration

    def prediction_interval(
        self, points: Points, wavelengths: Wavelengths | npt.ArrayLike
    ) -> tuple[FloatArray, FloatArray]:
        """See `CalibratedField.prediction_interval`."""
        rows, cols = validate_points(self, points).T
        rgb = self.rgb[0][:, rows, cols].T.cpu().numpy()
        return self._ends(rgb, self.spectra(points, wavelengths), validate_wavelengths(self, wavelengths))

    def prediction_interval_blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[IntervalBlock]:
        """See `CalibratedField.prediction_interval_blocks`."""
        nm = validate_wavelengths(self, wavelengths)
        for block in self.blocks(nm, rows=rows, cols=cols):
            rgb = self.rgb[0][:, block.rows, block.cols].flatten(1).T.cpu().numpy()
            ends = self._ends(rgb, block.values.reshape(len(nm), -1).T, nm)
            yield IntervalBlock(block.rows, block.cols, *(end.T.reshape(block.values.shape) for end in ends))

    def prediction_interval_band(
        self, nm: float, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """See `CalibratedField.prediction_interval_band`."""
        answers = self.band(nm, stride=stride, rows=rows, cols=cols)
        height, width = (slice(side.start, side.stop, stride) for side in validate_window(self, rows, cols))
        rgb = self.rgb[0, :, height, width].flatten(1).T.cpu().numpy()
        low, high = self._ends(rgb, answers.reshape(-1, 1), validate_wavelengths(self, nm))
        return low.reshape(answers.shape), high.reshape(answers.shape)

    def quality_flags(
        self, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None
    ) -> npt.NDArray[np.uint8]:
        """See `CalibratedField.quality_flags`."""
        sparse = tuple(slice(side.start, side.stop, stride) for side in validate_window(self, rows, cols))
        flags = QualityFlag.UNFAMILIAR_COLOUR * self.calibration.is_unfamiliar(self.image.values[sparse])
        if self.image.clipped is not None:
            flags = flags | QualityFlag.CLIPPED * self.image.clipped[sparse]
        return np.asarray(flags, np.uint8)

    def _ends(self, rgb: FloatArray, answers: FloatArray, nm: npt.NDArray[np.float64]) -> tuple[FloatArray, FloatArray]:
        level = self.level
        low, high = self.calibration.prediction_interval(rgb, answers / level, nm)
        return low * level, high * level
