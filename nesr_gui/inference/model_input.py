"""Model inputs: a photograph, or some bands of a cube, and how these are read from a cube."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.protocol import MAX_CUBE_BYTES, ProgressCallback, SpectralField
from nesr_gui.fields.resampled import binned_field
from nesr_gui.spectral import FloatArray, ImageSource, Quantity, RGBImage, Wavelengths, binning_factor

WAVELENGTH_TOLERANCE = 0.05  # tolerance in nm, the rounding of wavelengths in files
MAX_INPUT = 1.5  # largest reasonable input value; models are trained on 0 to 1
_MOST_NAMED = 4  # missing bands listed in a message


class InputKind(enum.StrEnum):
    """What a model takes as input."""

    PHOTOGRAPH = "photographs"
    CUBE = "cubes"


@dataclass(frozen=True, eq=False)
class BandInput:
    """Bands of a cube as a model input: values (L, H, W) float32 at `wavelengths`, finite and non-negative.

    The reconstruction has the same `quantity`. `binning` and `source_shape` are as in `RGBImage`.

    Raises:
        ValueError: the shape does not match the wavelengths, or values are negative or not finite.
    """

    values: FloatArray
    wavelengths: Wavelengths
    source: ImageSource = field(default_factory=ImageSource)
    binning: int = 1
    source_shape: tuple[int, int] = (0, 0)
    quantity: Quantity = Quantity.UNKNOWN

    def __post_init__(self) -> None:
        values = np.ascontiguousarray(self.values, dtype=np.float32)
        if values.ndim != 3 or 0 in values.shape or values.shape[0] != len(self.wavelengths):
            raise ValueError(
                f"bands of shape {values.shape} do not match {len(self.wavelengths)} wavelengths; expected (L, H, W)"
            )
        if not np.isfinite(values).all() or values.min() < 0:
            raise ValueError("bands with values that are negative or not finite")
        object.__setattr__(self, "values", values)
        if self.source_shape == (0, 0):
            object.__setattr__(self, "source_shape", values.shape[1:])

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return self.values.shape[1], self.values.shape[2]

    @classmethod
    def of(
        cls,
        cube: SpectralField,
        name: str,
        bands: Wavelengths,
        model: str,
        *,
        max_pixels: int | None = None,
        progress: ProgressCallback | None = None,
    ) -> BandInput:
        """Read the bands that a model requires from a cube, binned to at most `max_pixels` pixels.

        Pixels without values become black, which a note states.

        Args:
            cube: the measured field.
            name: name of the cube, for messages.
            bands: wavelengths that the model requires.
            model: name of the model, for messages.
            max_pixels: largest number of pixels; None for full resolution.
            progress: called with the fraction done.

        Raises:
            ValueError: the cube lacks one of the bands, or they are too large to be read at once.
        """
        nm = cube.bands.nm[_band_indices(bands, cube.bands, name, model)]
        binning = binning_factor(max_pixels, cube.shape) if max_pixels else 1
        binned = binned_field(cube, binning)
        if (size := 4 * nm.size * binned.shape[0] * binned.shape[1]) > MAX_CUBE_BYTES:
            raise ValueError(
                f"the {nm.size} bands of {name} required by {model} take {size / 2**30:.1f} GiB; at most "
                f"{MAX_CUBE_BYTES >> 30} GiB are allowed, so reduce the resolution"
            )
        values, done = np.empty((nm.size, *binned.shape), np.float32), 0
        for block in binned.blocks(nm):
            values[:, block.rows, block.cols] = block.values
            done += block.values[0].size
            if progress is not None:
                progress(done / values[0].size)
        holes = ~np.asarray(np.isfinite(values).all(axis=0))
        values[:, holes] = 0
        source = ImageSource(name, notes=tuple(_notes(name, holes, float(values.max()))))
        return cls(
            np.maximum(values, 0, out=values),
            bands,
            source,
            binning=binning,
            source_shape=cube.shape,
            quantity=cube.quantity,
        )


def _notes(name: str, holes: npt.NDArray[np.bool_], largest: float) -> Iterator[str]:
    if holes.any():
        yield f"Where {name} has no values ({holes.mean():.2%} of its pixels), the model input is black."
    if largest > MAX_INPUT:
        yield f"The values of {name} reach {largest:.4g}; models are trained on values up to 1, so it is unreliable."


ModelInput = RGBImage | BandInput


def input_quantity(image: ModelInput) -> Quantity:
    """Quantity of the reconstruction of an input."""
    return image.quantity if isinstance(image, BandInput) else Quantity.REFLECTANCE


def describe_input(bands: Wavelengths | None) -> str:
    """Description of the input of a model from its input bands; None for photographs."""
    return "photographs" if bands is None else f"cubes with its {bands}"


def input_error_message(model: str, bands: Wavelengths | None, reason: str) -> str:
    """Sentence that explains why a model does not accept an input, and what to do."""
    expected = "a photograph" if bands is None else "such a cube"
    return f"{model} takes {describe_input(bands)}; {reason}, so open {expected} or choose another model"


def _band_indices(required: Wavelengths, bands: Wavelengths, name: str, model: str) -> npt.NDArray[np.intp]:
    """Indices (L,) of the `required` bands among those of a cube.

    Raises:
        ValueError: a band is missing.
    """
    nearest = np.abs(bands.nm[None] - required.nm[:, None]).argmin(axis=1)
    missing = required.nm[np.abs(bands.nm[nearest] - required.nm) > WAVELENGTH_TOLERANCE]
    if missing.size:
        listed = ", ".join(f"{nm:g}" for nm in missing[:_MOST_NAMED])
        more = f" and {missing.size - _MOST_NAMED} more" if missing.size > _MOST_NAMED else ""
        raise ValueError(input_error_message(model, required, f"{name} has {bands}, and lacks {listed} nm{more}"))
    return nearest
