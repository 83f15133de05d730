"""Asking a field for a sampling piece by piece, so that a newer request need not wait for all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.protocol import BLOCK_VALUES, Progress, SketchingField, SpectralField
from nesr_gui.gui.model.viewport import Sampling
from nesr_gui.spectral import FloatArray, Wavelengths

STEP = 10.0  # nm between two readings of whole spectra
PIECE = 1 << 16  # samples of a band between two chances to stop
SKETCHED = 1 << 20  # the same of all bands that are sketched at once

Value = TypeVar("Value", bound=np.generic)
Reduce = Callable[[FloatArray, slice, slice], FloatArray]
"""From spectra (L, h, w), and the rows and columns of the picture they stand at, to values (h, w) or (h, w, 3)."""


def bands_of(field: SpectralField, within: tuple[float, float] | None = None) -> Wavelengths:
    """Where whole spectra are read for a picture: about every 10 nm of what the field covers, of `within` if given."""
    low, high = field.wavelength_range
    if within is not None:
        low, high = max(low, within[0]), min(high, within[1])
    count = max(round((high - low) / STEP), 1) + 1 if high > low else 1
    return Wavelengths.count(count, low, high)


def not_shared(field: SpectralField | None, other: str, within: tuple[float, float]) -> str:
    """Why `bands_of` has nothing to read; empty where it has."""
    if field is None or (field.wavelength_range[0] <= within[1] and within[0] <= field.wavelength_range[1]):
        return ""
    low, high = field.wavelength_range
    return f"is not possible: this image covers {low:g}-{high:g} nm, {other} {within[0]:g}-{within[1]:g} nm"


def band_in_pieces(field: SpectralField, nm: float, sampling: Sampling, progress: Progress) -> FloatArray:
    """One band (h, w), strip by strip."""
    return in_strips(
        sampling, progress, lambda strip: field.band(nm, stride=strip.stride, rows=strip.rows, cols=strip.cols)
    )


def sketches_in_pieces(
    field: SpectralField, nm: npt.NDArray[np.float64], sampling: Sampling, progress: Progress
) -> FloatArray:
    """Bands (L, h, w) at L wavelengths, strip by strip, about as the field has them where that is sooner."""
    bands, top = np.empty((nm.size, *sampling.size), np.float32), 0
    for strip in sampling.strips(max(SKETCHED // nm.size, 1)):
        progress(top / sampling.size[0])
        rows = bands[:, top : top + strip.size[0]]
        if isinstance(field, SketchingField):
            rows[:] = field.sketch(nm, stride=strip.stride, rows=strip.rows, cols=strip.cols)
        else:
            for band, at in zip(rows, nm.tolist(), strict=True):
                band[:] = field.band(at, stride=strip.stride, rows=strip.rows, cols=strip.cols)
        top += strip.size[0]
    return bands


def in_strips(
    sampling: Sampling, progress: Progress, paint: Callable[[Sampling], npt.NDArray[Value]]
) -> npt.NDArray[Value]:
    """What `paint` makes of each strip of a sampling, one below the other."""
    pieces: list[npt.NDArray[Value]] = []
    height = sampling.rows.stop - sampling.rows.start
    for strip in sampling.strips(PIECE):
        progress((strip.rows.start - sampling.rows.start) / height)
        pieces.append(paint(strip))
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def spectra_in_pieces(
    field: SpectralField, bands: Wavelengths, sampling: Sampling, progress: Progress, reduce: Reduce, *channels: int
) -> FloatArray:
    """What `reduce` makes of the spectra of a sampling: (h, w, *channels), never holding more than a piece of them."""
    picture = np.empty((*sampling.size, *channels), np.float32)
    for rows, cols, spectra in _pieces(field, bands, sampling, progress):
        picture[rows, cols] = reduce(spectra, rows, cols)
    return picture


def _pieces(
    field: SpectralField, bands: Wavelengths, sampling: Sampling, progress: Progress
) -> Iterator[tuple[slice, slice, FloatArray]]:
    if sampling.stride == 1:  # all wavelengths of a block at once cost less than one after the other
        done, total = 0, sampling.size[0] * sampling.size[1]
        for block in field.blocks(bands, rows=sampling.rows, cols=sampling.cols):
            yield _within(block.rows, sampling.rows), _within(block.cols, sampling.cols), block.values
            done += block.values[0].size
            progress(done / total)
        return
    height, top = sampling.rows.stop - sampling.rows.start, 0
    for strip in sampling.strips(max(BLOCK_VALUES // len(bands), 1)):
        spectra = np.empty((len(bands), *strip.size), np.float32)
        before, share = (strip.rows.start - sampling.rows.start) / height, spectra.shape[1] / sampling.size[0]
        for i, nm in enumerate(bands):
            progress(min(before + share * i / len(bands), 1.0))
            spectra[i] = field.band(nm, stride=strip.stride, rows=strip.rows, cols=strip.cols)
        yield slice(top, top + spectra.shape[1]), slice(0, spectra.shape[2]), spectra
        top += spectra.shape[1]


def _within(part: slice, of: slice) -> slice:
    return slice(part.start - of.start, part.stop - of.start)
