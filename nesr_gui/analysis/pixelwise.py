"""Analyses of a pixel from its spectrum alone, and iteration over the spectra of a field in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.protocol import ProgressCallback, SpectralField, reconstruction_model, validate_window
from nesr_gui.regions import Region, inside
from nesr_gui.spectral import FloatArray, Spectrum, Wavelengths

SAMPLE = 1 << 20  # pixels from which statistics of a larger image are taken
STRIP_VALUES = 8 << 20  # values of a strip of full rows, 32 MB
SAMPLED_ROWS = 16  # height of the strips that represent a larger image
FEWEST_STRIPS = 16  # of a wide image, where lower strips represent it
Range = tuple[float, float]
Bools = npt.NDArray[np.bool_]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """One value per pixel of an analysis.

    Attributes:
        name: for files and menus.
        unit: empty for a number without one.
        difference: the difference asked about: a map abstains where the interval of the value is wider. 0 for a class
            or a truth value, which any change makes another one; None for the contrast of the map itself.
    """

    name: str
    unit: str = ""
    difference: float | None = None

    @property
    def label(self) -> str:
        """Name and unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


class PixelAnalysis(Protocol):
    """Values of a pixel from its spectrum alone; safe to use from several threads."""

    @property
    def wavelengths(self) -> Wavelengths:
        """Where the spectra must be known."""
        ...

    @property
    def layers(self) -> tuple[Layer, ...]:
        """What `values` returns."""
        ...

    def values(self, spectra: FloatArray) -> FloatArray:
        """Values (C, …) float32, one per layer, of spectra (L, …); NaN where they cannot be computed."""
        ...

    def describe(self) -> dict[str, str]:
        """Attributes (name → text) that a file of the map records."""
        ...


@runtime_checkable
class LinearAnalysis(PixelAnalysis, Protocol):
    """An analysis that knows a spectrum by a few linear functions of it, so that intervals are computed faster."""

    @property
    def weights(self) -> Doubles:
        """Weights (F, L) of the linear functions."""
        ...

    def values_of(self, features: Doubles) -> FloatArray:
        """Values (C, …) of linear functions (F, …) of spectra, as `PixelAnalysis.values` of the spectra.

        NaN for a layer that never abstains by itself (with a `Layer.difference` of infinity) and depends on more.
        """
        ...


def bands_within(field: SpectralField, within: Range | None = None) -> Wavelengths:
    """The bands of a field in a range of wavelengths (nm).

    Raises:
        ValueError: fewer than two bands are in the range.
    """
    low, high = within or field.wavelength_range
    nm = field.bands.nm[(field.bands.nm >= low) & (field.bands.nm <= high)]
    if nm.size < 2:
        first, last = field.wavelength_range
        found = f"{nm.size} of the image's {len(field.bands)} bands, which cover {first:g}-{last:g} nm"
        raise ValueError(f"the range {low:g}-{high:g} nm holds {found}; choose a range with at least two")
    return Wavelengths(nm)


def trapezoid_weights(nm: Doubles) -> Doubles:
    """Weights (n,) whose sum with values at wavelengths (n,) is their integral by the trapezoidal rule; 1 for one."""
    if nm.size == 1:
        return np.ones(1)
    gaps, weights = np.diff(nm), np.zeros(nm.size)
    weights[:-1] += gaps / 2
    weights[1:] += gaps / 2
    return weights


def parse_range(text: str) -> Range:
    """Parse `START-STOP` in nm, for example `450-650`.

    Raises:
        ValueError: the text has another form, or the range is empty.
    """
    try:
        low, high = (float(part) for part in text.replace(":", "-").split("-"))
    except ValueError:
        raise ValueError(f"cannot read the range {text!r}; write START-STOP in nm, as in 450-650") from None
    if not (math.isfinite(high) and 0 < low < high):
        raise ValueError(f"the range {text} is empty; write START-STOP in nm, as in 450-650")
    return low, high


def at_wavelengths(spectra: Sequence[Spectrum], wavelengths: Wavelengths, purpose: str) -> FloatArray:
    """Values (N, L) of spectra at wavelengths, linear between their own; gaps (NaN) inside are bridged.

    Args:
        spectra: at any wavelengths.
        wavelengths: the wanted ones.
        purpose: what the spectra are for, for the message, such as `endmember`.

    Raises:
        ValueError: there are none, or one does not cover the wavelengths.
    """
    if not spectra:
        raise ValueError(f"no {purpose} given; at least one is required")
    values = np.empty((len(spectra), len(wavelengths)), np.float32)
    for row, spectrum in zip(values, spectra, strict=True):
        valid = np.isfinite(spectrum.values)
        nm = spectrum.wavelengths.nm[valid]
        if not nm.size or nm[0] > wavelengths.nm[0] or nm[-1] < wavelengths.nm[-1]:
            covers = f"covers {nm[0]:g}-{nm[-1]:g} nm" if nm.size else "has no values"
            raise ValueError(
                f"the {purpose} {spectrum.name or 'without a name'} {covers}, but {wavelengths.nm[0]:g}-"
                f"{wavelengths.nm[-1]:g} nm is analysed; choose a narrower range or another spectrum"
            )
        row[:] = np.interp(wavelengths.nm, nm, spectrum.values[valid])
    return values


@dataclass(frozen=True, eq=False)
class SpectraBlock:
    """Spectra (L, h, w) at `rows` × `cols` of a field, and which of its pixels count (h, w)."""

    rows: slice
    cols: slice
    spectra: FloatArray
    members: Bools

    @property
    def valid(self) -> FloatArray:
        """Finite spectra (L, n) of the pixels that count."""
        chosen = self.members & np.isfinite(self.spectra).all(axis=0)
        return self.spectra[:, chosen]


def iter_spectra(
    field: SpectralField,
    wavelengths: Wavelengths,
    *,
    region: Region | None = None,
    sample: int | None = None,
    progress: ProgressCallback | None = None,
) -> Iterator[SpectraBlock]:
    """Yield the spectra of an image or a region block by block, in bounded memory.

    Args:
        field: any field.
        wavelengths: where to evaluate it.
        region: in source pixels; pixels whose centres are outside do not count. None for the whole image.
        sample: about the most pixels to read: of a larger image, evenly spread strips of rows; None for all.
        progress: called after each block with the fraction done; may raise `Cancelled`.

    Raises:
        ValueError: the region is outside the image.
    """
    rows, cols = region.window(field.shape, field.binning) if region else validate_window(field, None, None)
    strips = sampled_rows(rows, cols.stop - cols.start, sample)
    report = _reporter(progress, sum(strip.stop - strip.start for strip in strips) * (cols.stop - cols.start))
    for strip in strips:
        for block in field.blocks(wavelengths, rows=strip, cols=cols):
            yield SpectraBlock(block.rows, block.cols, block.values, members_of(field, region, block.rows, block.cols))
            report(block.values[0].size)


def iter_strips(
    field: SpectralField,
    wavelengths: Wavelengths,
    *,
    region: Region | None = None,
    sample: int | None = None,
    progress: ProgressCallback | None = None,
) -> Iterator[SpectraBlock]:
    """Yield spectra like `iter_spectra`, but in full rows from top to bottom, so that neighbours are together.

    Strips of a sample are not adjacent; those of a whole image are, and how it is split does not matter then.
    """
    rows, cols = region.window(field.shape, field.binning) if region else validate_window(field, None, None)
    width = cols.stop - cols.start
    height = max(STRIP_VALUES // (len(wavelengths) * width), 1)
    parts = sampled_rows(rows, width, sample)
    report = _reporter(progress, sum(part.stop - part.start for part in parts) * width)
    for part in parts:
        for top in range(part.start, part.stop, height):
            strip = slice(top, min(top + height, part.stop))
            spectra = np.empty((len(wavelengths), strip.stop - strip.start, width), np.float32)
            for block in field.blocks(wavelengths, rows=strip, cols=cols):
                at = _shifted(block.rows, strip.start), _shifted(block.cols, cols.start)
                spectra[(slice(None), *at)] = block.values
                report(block.values[0].size)
            yield SpectraBlock(strip, cols, spectra, members_of(field, region, strip, cols))


def members_of(field: SpectralField, region: Region | None, rows: slice, cols: slice) -> Bools:
    """Which pixels (h, w) of a part of a field have their centres in a region; all without one."""
    if region is None:
        return np.ones((rows.stop - rows.start, cols.stop - cols.start), bool)
    centres = ((np.arange(part.start, part.stop) + 0.5) * field.binning for part in (rows, cols))
    return inside(region, *centres)


def sampled_rows(rows: slice, width: int, sample: int | None) -> list[slice]:
    """Evenly spread strips of rows with about `sample` pixels in all; all rows if they have no more."""
    height = rows.stop - rows.start
    if sample is None or height * width <= sample:
        return [rows]
    strip = min(max(sample // (FEWEST_STRIPS * width), 1), SAMPLED_ROWS)
    count = max(sample // (strip * width), 1)
    middles = rows.start + (np.arange(count) + 0.5) * height / count
    return [slice(start, start + strip) for start in np.floor(middles - strip / 2 + 0.5).astype(int).tolist()]


def sampling_text(field: SpectralField, used: int) -> str:
    """How many pixels of a field a statistic is from."""
    total = field.shape[0] * field.shape[1]
    return f"all {total:,} pixels" if used == total else f"{used:,} of {total:,} pixels"


def rests_on(field: SpectralField) -> str:
    """What the values of a field rest on, as a sentence for files and captions."""
    if not (model := reconstruction_model(field)):
        return "Measured values, linear between the bands."
    source = "the bands of a cube" if "cube_bands_seen" in field.provenance else "the three colours of a photograph"
    text = f"Spectra reconstructed from {source} by the model {model}{_corrected(field.provenance)}"
    return f"{text}; they are estimates, not measurements."


def brief_basis(field: SpectralField) -> str:
    """The same as `rests_on` in a few words without a full stop, for panels."""
    model = reconstruction_model(field)
    return f"Estimates of {model}{_corrected(field.provenance)}" if model else "Measured values"


def _corrected(stated: Mapping[str, str]) -> str:
    if not (anchors := stated.get("measured_spectra")):
        return ""
    count = anchors.count("; ") + 1
    return f", corrected by {count} measured {'spectrum' if count == 1 else 'spectra'}"


def _shifted(part: slice, start: int) -> slice:
    return slice(part.start - start, part.stop - start)


def _reporter(progress: ProgressCallback | None, total: int) -> Callable[[int], None]:
    """Function that adds a number of pixels and reports the fraction done."""
    done = 0

    def report(pixels: int) -> None:
        nonlocal done
        done += pixels
        if progress is not None:
            progress(min(done / total, 1.0))

    return report
