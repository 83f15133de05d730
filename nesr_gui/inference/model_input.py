"""What a model is shown: a photograph, or some bands of a cube; here is decided how a cube provides them."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.protocol import MAX_CUBE_BYTES, ProgressCallback, SpectralField
from nesr_gui.fields.resampled import binned_field
from nesr_gui.spectral import FloatArray, ImageSource, Quantity, RGBImage, Wavelengths, binning_factor

SAME = 0.05  # nm by which files round wavelengths: so near a band is the one that a model sees
LARGEST = 1.5  # of what a model should be shown: it has learned from 0 to 1
_MOST_NAMED = 4  # of the bands that are missing


class InputKind(enum.StrEnum):
    """What a model makes spectra of."""

    PHOTOGRAPH = "photographs"
    CUBE = "cubes"


@dataclass(frozen=True, eq=False)
class BandInput:
    """What a model is shown of a cube: values (L, H, W) float32 at the wavelengths that it sees, finite and ≥ 0.

    What is made of them measures the same `quantity`. `binning` and `source_shape` are as of a photograph.
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
            raise ValueError("bands with values that are negative or no numbers; a model has seen none")
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
        """Read the `bands` that a model sees of a cube, reduced by a whole number to at most `max_pixels` pixels.

        `name` is the cube's and `model` the model's, for sentences. Pixels without values are black, and said to be.

        Raises:
            ValueError: the cube lacks one of the bands, or they are too large to be read at once.
        """
        nm = cube.bands.nm[_places(bands, cube.bands, name, model)]
        binning = binning_factor(max_pixels, cube.shape) if max_pixels else 1
        shown = binned_field(cube, binning)
        if (size := 4 * nm.size * shown.shape[0] * shown.shape[1]) > MAX_CUBE_BYTES:
            raise ValueError(
                f"the {nm.size} bands of {name} that {model} takes are {size / 2**30:.1f} GiB; at most "
                f"{MAX_CUBE_BYTES >> 30} GiB are allowed, so reconstruct it reduced"
            )
        values, done = np.empty((nm.size, *shown.shape), np.float32), 0
        for block in shown.blocks(nm):
            values[:, block.rows, block.cols] = block.values
            done += block.values[0].size
            if progress is not None:
                progress(done / values[0].size)
        holes = ~np.asarray(np.isfinite(values).all(axis=0))
        values[:, holes] = 0
        source = ImageSource(name, notes=tuple(_notes(name, holes, float(values.max()))))
        return cls(np.maximum(values, 0, out=values), bands, source, binning, cube.shape, cube.quantity)


def _notes(name: str, holes: npt.NDArray[np.bool_], largest: float) -> Iterator[str]:
    if holes.any():
        yield f"Where {name} has no values ({holes.mean():.2%} of its pixels), the model was shown black."
    if largest > LARGEST:
        yield f"The values of {name} reach {largest:.4g}; models learn from values up to 1, so these mean little to it."


ModelInput = RGBImage | BandInput


def input_quantity(image: ModelInput) -> Quantity:
    """What the spectra measure that a model makes of an image."""
    return image.quantity if isinstance(image, BandInput) else Quantity.REFLECTANCE


def describe_input(bands: Wavelengths | None) -> str:
    """What a model takes that sees these bands of a cube, or none: in words."""
    return "photographs" if bands is None else f"cubes with its {bands}"


def input_error_message(model: str, bands: Wavelengths | None, given: str) -> str:
    """The sentence that says why a model that sees `bands` does not take what is `given`, and what to do."""
    other = "a photograph" if bands is None else "such a cube"
    return f"{model} takes {describe_input(bands)}; {given}, so open {other} or choose another model"


def _places(wanted: Wavelengths, bands: Wavelengths, name: str, model: str) -> npt.NDArray[np.intp]:
    """Where (L,) the `wanted` bands stand among those of a cube; ValueError where one is missing."""
    nearest = np.abs(bands.nm[None] - wanted.nm[:, None]).argmin(axis=1)
    missing = wanted.nm[np.abs(bands.nm[nearest] - wanted.nm) > SAME]
    if missing.size:
        named = ", ".join(f"{nm:g}" for nm in missing[:_MOST_NAMED])
        more = f" and {missing.size - _MOST_NAMED} more" if missing.size > _MOST_NAMED else ""
        raise ValueError(input_error_message(model, wanted, f"{name} has {bands}, and lacks {named} nm{more}"))
    return nearest
