"""Value types for spectra, photographs and spectral cubes; each validates itself when it is constructed."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


class Quantity(enum.StrEnum):
    """Physical quantity of a spectral image. Only reflectance can be rendered under another illuminant."""

    REFLECTANCE = "relative reflectance"
    RADIANCE = "radiance"
    UNKNOWN = "unknown"

    @property
    def label(self) -> str:
        """Display text, for example of an axis."""
        return "value (unit not stated)" if self is Quantity.UNKNOWN else self.value

    @property
    def is_relative(self) -> bool:
        """Whether values have colours without a white: reflectance, and unknown values, which are taken as such."""
        return self is not Quantity.RADIANCE


@dataclass(frozen=True, eq=False)
class Wavelengths:
    """Band positions: `nm` (L,) float64, finite, positive and strictly increasing.

    Raises:
        ValueError: the values do not meet these conditions.

    Examples:
        >>> list(Wavelengths([450, 550.5]))
        [450.0, 550.5]
        >>> Wavelengths([550, 450])
        Traceback (most recent call last):
        ValueError: wavelengths must be finite, positive and strictly increasing, in nm
    """

    nm: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        nm = np.array(self.nm, dtype=np.float64)
        if nm.ndim != 1 or nm.size == 0:
            raise ValueError(f"wavelengths of shape {nm.shape}; expected a list of at least one value in nm")
        if not np.all(np.isfinite(nm)) or nm[0] <= 0 or np.any(np.diff(nm) <= 0):
            raise ValueError("wavelengths must be finite, positive and strictly increasing, in nm")
        nm.setflags(write=False)
        object.__setattr__(self, "nm", nm)

    @classmethod
    def from_step(cls, start: float, stop: float, step: float) -> Wavelengths:
        """Wavelengths from `start` to `stop` nm in steps of `step` nm.

        `stop` is included if a whole number of steps reaches it.

        Raises:
            ValueError: `step` is not positive, `stop` is below `start`, or there would be more than 100,000
                wavelengths.

        Examples:
            >>> str(Wavelengths.from_step(400, 700, 10))
            '31 bands, 400-700 nm by 10 nm'
            >>> list(Wavelengths.from_step(400, 425, 10))
            [400.0, 410.0, 420.0]
        """
        if not (all(map(math.isfinite, (start, stop, step))) and step > 0 and stop >= start):
            raise ValueError(
                f"cannot step from {start:g} to {stop:g} nm by {step:g} nm; need start ≤ stop and step > 0"
            )
        count = (stop - start) / step * (1 + 1e-9)
        if count > 100_000:
            raise ValueError(f"{count:.0f} wavelengths requested; at most 100,000 are allowed; choose a larger step")
        steps = np.arange(math.floor(count) + 1, dtype=np.float64)
        return cls(np.minimum(start + step * steps, stop))  # the last may be above it by rounding

    @classmethod
    def evenly_spaced(cls, bands: int, start: float = 400.0, stop: float = 700.0) -> Wavelengths:
        """`bands` evenly spaced wavelengths from `start` to `stop` nm, both included.

        A single band is placed in the middle of the range.

        Raises:
            ValueError: `bands` is not between 1 and 100,000.

        Examples:
            >>> list(Wavelengths.evenly_spaced(4))
            [400.0, 500.0, 600.0, 700.0]
        """
        if not 1 <= bands <= 100_000:
            raise ValueError(f"{bands} bands requested; between 1 and 100,000 are allowed")
        return cls(np.linspace(start, stop, bands) if bands > 1 else np.array([(start + stop) / 2]))

    @classmethod
    def parse(cls, text: str) -> Wavelengths:
        """Parse `start:stop:step` or a comma-separated list, in nm.

        Raises:
            ValueError: the text has neither form, or the values do not increase.

        Examples:
            >>> str(Wavelengths.parse("400:700:20"))
            '16 bands, 400-700 nm by 20 nm'
            >>> list(Wavelengths.parse("450,550.5"))
            [450.0, 550.5]
        """
        try:
            if ":" in text:
                start, stop, step = (float(part) for part in text.split(":"))
            else:
                return cls(np.array([float(part) for part in text.split(",")]))
        except ValueError as error:
            if "wavelengths must" in str(error):
                raise
            raise ValueError(
                f"cannot read wavelengths {text!r}; write start:stop:step (400:700:10) or a list (450,550.5), in nm"
            ) from None
        return cls.from_step(start, stop, step)

    def __len__(self) -> int:
        return int(self.nm.size)

    def __str__(self) -> str:
        """Short description, for example `16 bands, 400-700 nm by 20 nm`."""
        if len(self) == 1:
            return f"1 band, {self.nm[0]:g} nm"
        return f"{len(self)} bands, {self.nm[0]:g}-{self.nm[-1]:g} nm{self.step_text}"

    @property
    def step_text(self) -> str:
        """Description of a constant step, for example ` by 20 nm`; empty if the step varies."""
        gaps = np.diff(self.nm)
        return f" by {gaps[0]:g} nm" if gaps.size and np.allclose(gaps, gaps[0]) else ""

    def __iter__(self) -> Iterator[float]:
        return iter(self.nm.tolist())

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[np.float64]:
        return np.array(self.nm, dtype=dtype)


@dataclass(frozen=True, eq=False)
class Spectrum:
    """One spectrum: values (L,) float32 at `wavelengths`, with a display name.

    Examples:
        >>> leaf = Spectrum(Wavelengths([450, 550]), [0.25, 0.5], "leaf")
        >>> leaf.values.tolist()
        [0.25, 0.5]
    """

    wavelengths: Wavelengths
    values: FloatArray
    name: str = ""

    def __post_init__(self) -> None:
        values = np.ascontiguousarray(self.values, dtype=np.float32)
        if values.shape != (len(self.wavelengths),):
            raise ValueError(f"spectrum of shape {values.shape} does not match {len(self.wavelengths)} wavelengths")
        object.__setattr__(self, "values", values)


class CameraKnowledge(enum.StrEnum):
    """What is known of how a camera made the colours of a photograph."""

    KNOWN = "known"
    """No camera changed them in a way that is not stated."""
    CHART = "chart"
    """They were converted by a profile from a photograph of a colour chart."""
    UNKNOWN = "unknown"
    """Neither the file nor the user states it."""


@dataclass(frozen=True)
class ImageSource:
    """Provenance of an image: file name, SHA-256 of the file, and how the file was interpreted.

    `notes` are sentences for the user; `metadata` are key-value pairs that exported files record.
    """

    name: str = "untitled"
    sha256: str = ""
    notes: tuple[str, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    camera: CameraKnowledge = CameraKnowledge.KNOWN


@dataclass(frozen=True, eq=False)
class RGBImage:
    """Photograph: values (H, W, 3) float32, linear sRGB in [0, 1].

    `binning` is the number of source pixels along each side of a pixel; 1 is the resolution of the source.
    `source_shape` is (H, W) of the source. `clipped` (H, W) bool marks pixels in which a channel was clipped, either in
    the file (first or last code value) or during conversion (colour outside [0, 1]); None if unknown.

    Raises:
        ValueError: the shape is wrong, or values are not finite or outside [0, 1].
    """

    values: FloatArray
    source: ImageSource = field(default_factory=ImageSource)
    binning: int = 1
    source_shape: tuple[int, int] = (0, 0)
    clipped: npt.NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        values = np.ascontiguousarray(self.values, dtype=np.float32)
        if values.ndim != 3 or values.shape[2] != 3 or 0 in values.shape:
            raise ValueError(f"photograph of shape {values.shape}; expected (H, W, 3) with at least one pixel")
        if not np.all(np.isfinite(values)) or values.min() < 0 or values.max() > 1:
            raise ValueError("photograph with values outside [0, 1]; expected finite linear sRGB in [0, 1]")
        if self.clipped is not None and (self.clipped.dtype != np.bool_ or self.clipped.shape != values.shape[:2]):
            raise ValueError(f"clipped pixels of shape {self.clipped.shape}; expected booleans {values.shape[:2]}")
        object.__setattr__(self, "values", values)
        if self.source_shape == (0, 0):
            object.__setattr__(self, "source_shape", values.shape[:2])

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return self.values.shape[0], self.values.shape[1]

    def reduced(self, max_pixels: int) -> RGBImage:
        """Bin the image by the smallest whole number that leaves at most `max_pixels` pixels.

        Blocks are averaged in linear light, as a sensor with larger pixels would do. Incomplete blocks at the border
        average the pixels they contain. A block is marked as clipped if any of its pixels is.

        Raises:
            ValueError: `max_pixels` is below 1.

        Examples:
            >>> image = RGBImage(np.full((4, 6, 3), 0.5))
            >>> small = image.reduced(6)
            >>> small.shape, small.binning, small.source_shape
            ((2, 3), 2, (4, 6))
        """
        if max_pixels < 1:
            raise ValueError(f"at most {max_pixels} pixels requested; choose at least 1")
        factor = binning_factor(max_pixels, self.shape)
        if factor == 1:
            return self
        clipped = None if self.clipped is None else bin_any(self.clipped, factor)
        values = bin_mean(self.values, factor)
        return replace(self, values=values, binning=self.binning * factor, clipped=clipped)


def binning_factor(max_pixels: int, shape: tuple[int, int]) -> int:
    """Smallest whole number that bins an image of `shape` (H, W) to at most `max_pixels` pixels."""
    height, width = shape
    return next(n for n in range(1, height + width) if -(-height // n) * -(-width // n) <= max(max_pixels, 1))


def bin_mean(values: FloatArray, factor: int) -> FloatArray:
    """Mean (h, w, 3) of each `factor` × `factor` block of `values` (H, W, 3) in [0, 1]."""
    height, width = values.shape[:2]
    tall = np.zeros((-(-height // factor), width, 3), values.dtype)
    sums = np.zeros((tall.shape[0], -(-width // factor), 3), values.dtype)
    for i in range(factor):  # whole slices are many times faster than reducing short axes
        tall[: -(-(height - i) // factor)] += values[i::factor]
    for i in range(factor):
        sums[:, : -(-(width - i) // factor)] += tall[:, i::factor]
    rows, cols = (np.diff(np.arange(0, size, factor), append=size) for size in (height, width))
    return np.clip(sums / np.outer(rows, cols)[:, :, None].astype(values.dtype), 0, 1).astype(np.float32)


def bin_any(marks: npt.NDArray[np.bool_], factor: int) -> npt.NDArray[np.bool_]:
    """Whether each `factor` × `factor` block (h, w) of `marks` (H, W) contains a marked pixel."""
    height, width = marks.shape
    tall = np.zeros((-(-height // factor), width), np.bool_)
    result = np.zeros((tall.shape[0], -(-width // factor)), np.bool_)
    for i in range(factor):
        tall[: -(-(height - i) // factor)] |= marks[i::factor]
    for i in range(factor):
        result[:, : -(-(width - i) // factor)] |= tall[:, i::factor]
    return result


@dataclass(frozen=True, eq=False)
class SpectralCube:
    """Spectral image: values (L, H, W) float32, C-contiguous, one band per wavelength.

    Raises:
        ValueError: the shape does not match the wavelengths.

    Examples:
        >>> SpectralCube(np.zeros((2, 4, 6)), Wavelengths([450, 550])).shape
        (4, 6)
    """

    values: FloatArray
    wavelengths: Wavelengths
    quantity: Quantity = Quantity.UNKNOWN
    source: ImageSource = field(default_factory=ImageSource)

    def __post_init__(self) -> None:
        values = np.ascontiguousarray(self.values, dtype=np.float32)
        if values.ndim != 3 or 0 in values.shape or values.shape[0] != len(self.wavelengths):
            raise ValueError(
                f"cube of shape {values.shape} does not match {len(self.wavelengths)} wavelengths; expected (L, H, W)"
            )
        object.__setattr__(self, "values", values)

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return self.values.shape[1], self.values.shape[2]


def as_wavelength_array(wavelengths: Wavelengths | Sequence[float] | npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Convert requested wavelengths to (L,) float64 nm. Any order is allowed, and so are repeated values.

    Raises:
        ValueError: there is no wavelength, or one is not finite.
    """
    nm = np.ascontiguousarray(wavelengths, dtype=np.float64)  # torch takes no reversed views
    if nm.ndim != 1 or nm.size == 0 or not np.all(np.isfinite(nm)):
        raise ValueError("expected at least one finite wavelength in nm")
    return nm


def varied_pixels(image: RGBImage, count: int = 3) -> list[tuple[int, int]]:
    """Return `count` source pixels (row, col) in uniform areas of different colours; deterministic for an image."""
    height, width = image.shape
    side = max(max(height, width) // 12, 1)
    starts = [min(side // 2, max(size - side, 0)) for size in (height, width)]  # a narrow image has one row of areas
    tops, lefts = (
        range(start, max(size - side, start + 1), side) for start, size in zip(starts, image.shape, strict=True)
    )
    cells = []
    for top in tops:
        for left in lefts:
            values = image.values[top : top + side, left : left + side].reshape(-1, 3)
            mean = np.sqrt(values.mean(axis=0))
            evenness = 1 / (1 + 20 * float(values.std(axis=0).mean()))
            middle = (top + min(top + side, height)) // 2, (left + min(left + side, width)) // 2
            cells.append((middle, mean, evenness))
    colourful = [float(mean.max() - mean.min()) * evenness for _, mean, evenness in cells]
    chosen = [int(np.argmax(colourful))]
    while len(chosen) < min(count, len(cells)):
        far = [min(float(np.linalg.norm(mean - cells[c][1])) for c in chosen) * even for _, mean, even in cells]
        chosen.append(int(np.argmax(far)))
    pixels = [tuple(at * image.binning for at in cells[c][0]) for c in chosen]  # source pixels
    return sorted(((row, col) for row, col in pixels), key=lambda at: (at[1], at[0]))
