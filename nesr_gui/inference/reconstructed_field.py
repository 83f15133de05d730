"""Common parts of reconstructed fields: queries, provenance, and prediction intervals of calibrated models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from torch import Tensor

from nesr_gui._version import __version__
from nesr_gui.fields.anchored import Anchor, AnchoredField, anchored
from nesr_gui.fields.intervals import Intervals
from nesr_gui.fields.notebook import NotebookMethods
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
from nesr_gui.fields.residual_prior import ResidualPrior
from nesr_gui.inference.calibration import IntervalCalibration
from nesr_gui.inference.device import AdaptiveBatch
from nesr_gui.inference.model_input import BandInput, ModelInput, input_quantity
from nesr_gui.spectral import FloatArray, RGBImage, SpectralCube, Wavelengths

if TYPE_CHECKING:
    from nesr_gui.inference.model import LoadedModel


class ReconstructedField(NotebookMethods):
    """Base class of fields that evaluate a continuous network on an image; a `SpectralField` and a `PreviewField`.

    Subclasses implement `blocks`, `_spectra` and `_bands`.

    Args:
        model: the model of the field.
        image: its input.
        rgb: the input on the device, (1, inputs, H, W), divided by `level`.
        level: white level by which values are multiplied.
        batch: number of items that a subclass evaluates at once.
        notes: sentences for the user on how the model was run.
    """

    def __init__(
        self,
        model: LoadedModel,
        image: ModelInput,
        rgb: Tensor,
        level: float,
        *,
        batch: AdaptiveBatch,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.model, self.image, self.quantity = model, image, input_quantity(image)
        self.shape, self.wavelength_range = image.shape, model.wavelength_range
        self.binning, self.source_shape = image.binning, image.source_shape
        self.bands, self.rgb, self.level, self.notes = model.bands, rgb, level, notes
        self.batch = batch

    @property
    def provenance(self) -> dict[str, str]:
        """See `SpectralField.provenance`."""
        return provenance(self.model, self.image, self.notes)

    def spectra(self, points: Points, wavelengths: Wavelengths | npt.ArrayLike) -> FloatArray:
        """See `SpectralField.spectra`."""
        nm, pixels = validate_wavelengths(self, wavelengths), validate_points(self, points)
        return self.batch.run(lambda count: self._spectra(pixels, nm, count))

    def band(self, nm: float, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None) -> FloatArray:
        """See `SpectralField.band`."""
        return self._bands(validate_wavelengths(self, nm), stride, *validate_window(self, rows, cols))[0]

    @property
    def residual_prior(self) -> ResidualPrior | None:
        """See `AnchorableField.residual_prior`; it is defined for photographs only."""
        return self.model.checkpoint.prior if isinstance(self.image, RGBImage) else None

    def anchored(self, anchors: Sequence[Anchor]) -> Self | AnchoredField:
        """The field corrected by measured spectra; see `fields.anchored.anchored`."""
        return anchored(self, anchors)

    def band_images(
        self,
        wavelengths: Wavelengths | npt.ArrayLike,
        *,
        stride: int = 1,
        rows: slice | None = None,
        cols: slice | None = None,
    ) -> FloatArray:
        """Band images (L, h, w) of a window, each equal to `band`."""
        return self._bands(validate_wavelengths(self, wavelengths), stride, *validate_window(self, rows, cols))

    def preview_bands(
        self,
        wavelengths: Wavelengths | npt.ArrayLike,
        *,
        stride: int = 1,
        rows: slice | None = None,
        cols: slice | None = None,
    ) -> FloatArray:
        """See `PreviewField.preview_bands`."""
        nm, window = validate_wavelengths(self, wavelengths), validate_window(self, rows, cols)
        return self._bands(nm, stride, *window, preview=True)

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

    def _spectra(self, pixels: npt.NDArray[np.int64], nm: npt.NDArray[np.float64], count: int) -> FloatArray:
        """Spectra (N, L) at valid `pixels` (N, 2) and `nm` (L,), in batches of `count` items."""
        raise NotImplementedError

    def _bands(
        self, nm: npt.NDArray[np.float64], stride: int, rows: slice, cols: slice, *, preview: bool = False
    ) -> FloatArray:
        """Bands (L, h, w) at valid `nm` (L,) in a valid window; `preview` permits lower precision."""
        raise NotImplementedError


class CalibratedReconstruction(ReconstructedField):
    """Mixin for photographs and calibrated models: prediction intervals and quality flags, a `CalibratedField`.

    It precedes the class of the field: `class CalibratedNeSRField(CalibratedReconstruction, NeSRField)`.
    """

    image: RGBImage

    def __init__(self, *args: Any, calibration: IntervalCalibration, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.calibration = calibration

    @property
    def intervals(self) -> Intervals:
        """The limits of the prediction interval for any colour."""
        return self.calibration.intervals

    def prediction_interval(
        self, points: Points, wavelengths: Wavelengths | npt.ArrayLike
    ) -> tuple[FloatArray, FloatArray]:
        """See `CalibratedField.prediction_interval`."""
        nm = validate_wavelengths(self, wavelengths)
        return self.interval_limits(validate_points(self, points), self.spectra(points, nm), nm)

    def prediction_interval_blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[IntervalBlock]:
        """See `CalibratedField.prediction_interval_blocks`."""
        nm = validate_wavelengths(self, wavelengths)
        for block in self.blocks(nm, rows=rows, cols=cols):
            rgb = self.rgb[0][:, block.rows, block.cols].flatten(1).T.cpu().numpy()
            limits = self._limits(rgb, block.values.reshape(len(nm), -1).T, nm)
            yield IntervalBlock(block.rows, block.cols, *(limit.T.reshape(block.values.shape) for limit in limits))

    def prediction_interval_band(
        self, nm: float, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """See `CalibratedField.prediction_interval_band`."""
        band = self.band(nm, stride=stride, rows=rows, cols=cols)
        height, width = (slice(side.start, side.stop, stride) for side in validate_window(self, rows, cols))
        rgb = self.rgb[0, :, height, width].flatten(1).T.cpu().numpy()
        low, high = self._limits(rgb, band.reshape(-1, 1), validate_wavelengths(self, nm))
        return low.reshape(band.shape), high.reshape(band.shape)

    def quality_flags(
        self, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None
    ) -> npt.NDArray[np.uint8]:
        """See `CalibratedField.quality_flags`."""
        window = tuple(slice(side.start, side.stop, stride) for side in validate_window(self, rows, cols))
        flags = QualityFlag.UNFAMILIAR_COLOUR * self.calibration.is_unfamiliar(self.image.values[window])
        if self.image.clipped is not None:
            flags = flags | QualityFlag.CLIPPED * self.image.clipped[window]
        return np.asarray(flags, np.uint8)

    def interval_limits(
        self, points: npt.NDArray[np.integer], spectra: FloatArray, nm: npt.NDArray[np.float64]
    ) -> tuple[FloatArray, FloatArray]:
        """Lower and upper limits (N, L) at valid `points` (N, 2) whose `spectra` (N, L) at `nm` (L,) are known."""
        rows, cols = points.T
        return self._limits(self.rgb[0][:, rows, cols].T.cpu().numpy(), spectra, nm)

    def _limits(
        self, rgb: FloatArray, spectra: FloatArray, nm: npt.NDArray[np.float64]
    ) -> tuple[FloatArray, FloatArray]:
        """Interval limits (N, L) for pixels `rgb` (N, 3), divided by the white level, and their `spectra` (N, L)."""
        low, high = self.calibration.prediction_interval(rgb, spectra / self.level, nm)
        return low * self.level, high * self.level


def provenance(model: LoadedModel, image: ModelInput, notes: Sequence[str] = ()) -> dict[str, str]:
    """Attributes (name → text) of a reconstruction; `notes` are sentences for the user on how the model was run."""
    notes = (*notes, *(image.source.notes if isinstance(image, BandInput) else ()))
    model_notes = {"model_notes": " ".join(notes)} if notes else {}
    return {
        "source": f"nesr_gui {__version__}",
        "model": model.name,
        "model_sha256": model.checkpoint.sha256,
        "model_covers": model.coverage,
        "model_bands": _format_bands(model.bands),
        **model_notes,
        **_input_attributes(image),
        "reduction": str(image.binning),
        "precision": "float32",
    }


def _input_attributes(image: ModelInput) -> dict[str, str]:
    source, shape = image.source, "{} x {}".format(*image.source_shape)
    if isinstance(image, BandInput):
        return {"cube": source.name, "cube_bands_seen": _format_bands(image.wavelengths), "cube_shape": shape}
    return {
        "photograph": source.name,
        "photograph_sha256": source.sha256,
        "photograph_notes": " ".join(source.notes),
        **dict(source.metadata),
        "photograph_shape": shape,
    }


def _format_bands(bands: Wavelengths) -> str:
    """Bands as text: range and step if evenly spaced, otherwise each."""
    if step := bands.step_text:
        return f"{bands.nm[0]:g}-{bands.nm[-1]:g} nm{step}"
    return ", ".join(f"{nm:g}" for nm in bands) + " nm"
