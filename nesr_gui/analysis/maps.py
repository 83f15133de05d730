"""Maps of an analysis over a field, computed block by block, with the pixels in which they abstain."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nesr_gui._version import __version__
from nesr_gui.analysis.abstention import abstains, value_range
from nesr_gui.analysis.pixelwise import SAMPLE, Bools, Doubles, Layer, PixelAnalysis, iter_spectra, members_of, rests_on
from nesr_gui.fields.protocol import CalibratedField, ProgressCallback, SpectralField, validate_window
from nesr_gui.io.georeference import KEY, Georeference
from nesr_gui.regions import Region
from nesr_gui.spectral import FloatArray

CONTRAST = (5.0, 95.0)  # percentiles of a map between which its contrast lies
_MOST_SORTED = 1 << 20  # values from which percentiles are computed
_MOST_SAMPLED = 1 << 16  # pixels from which the contrast is known before the map is computed


@dataclass(frozen=True, eq=False)
class AnalysisMap:
    """The layers of an analysis over a window of a field.

    Attributes:
        layers: what the values are.
        values: (C, h, w) float32, NaN where there is no value.
        widths: of the interval of each layer (h, w), None for a layer that never abstains by itself; None for a field
            without prediction intervals.
        rows: the window in the field.
        cols: the window in the field.
        differences: the difference asked about, for each layer.
        provenance: attributes that a file records.
        binning: source pixels along each side of a pixel.
        georeference: of the source image, for maps of georeferenced images.
    """

    layers: tuple[Layer, ...]
    values: FloatArray
    widths: tuple[FloatArray | None, ...] | None
    rows: slice
    cols: slice
    differences: tuple[float, ...]
    provenance: Mapping[str, str]
    binning: int = 1
    georeference: Georeference | None = None

    def with_provenance(self, attributes: Mapping[str, str]) -> AnalysisMap:
        """The same map with further attributes."""
        return replace(self, provenance={**self.provenance, **attributes})

    def abstained(self, layer: int = 0) -> Bools:
        """Where (h, w) a layer abstains: the interval is wider than the difference asked about."""
        if self.widths is None or not any(width is not None for width in self.widths):
            return np.zeros(self.values.shape[1:], bool)
        return abstains(self.widths, self.differences, layer) & np.isfinite(self.values[layer])

    def answers(self, layer: int = 0) -> FloatArray:
        """A layer (h, w), NaN also where it abstains."""
        return np.where(self.abstained(layer), np.float32(np.nan), self.values[layer])

    def abstained_share(self, layer: int = 0) -> float:
        """Share of the pixels with values in which a layer abstains."""
        return float(self.abstained(layer).sum() / max(int(np.isfinite(self.values[layer]).sum()), 1))

    @property
    def window_georeference(self) -> Georeference | None:
        """That of the map itself."""
        if self.georeference is None:
            return None
        return self.georeference.binned(self.binning).window(self.rows.start, self.cols.start)

    def in_words(self) -> str:
        """What the map rests on, and where it abstains."""
        text = self.provenance["rests_on"]
        if self.widths is None:
            return text
        sentences = [
            f"{layer.name} abstains in {self.abstained_share(at):.1%} of the pixels, whose 90 % prediction interval "
            "allows "
            + ("another one" if difference == 0 else f"a difference of {difference:.3g} {layer.unit}".rstrip())
            for at, (layer, difference) in enumerate(zip(self.layers, self.differences, strict=True))
            if difference < math.inf
        ]
        return f"{text} In this map, {'; '.join(sentences)}."


def compute_map(
    field: SpectralField,
    analysis: PixelAnalysis,
    *,
    region: Region | None = None,
    intervals: bool = True,
    differences: Sequence[float] | None = None,
    georeference: Georeference | None = None,
    progress: ProgressCallback | None = None,
) -> AnalysisMap:
    """Evaluate an analysis in every pixel, block by block: beside its blocks it takes the memory of its layers.

    Args:
        field: any field.
        analysis: what to compute.
        region: in source pixels; the map covers its bounding box, and has no values outside. None for the whole image.
        intervals: whether to compute the intervals of the values, if the field has prediction intervals. They cost 22
            further evaluations of the analysis, and the map never abstains without them.
        differences: the difference asked about, for each layer; by default that of the layer, or the contrast of its
            map.
        georeference: of the source image; by default that of a cube's provenance.
        progress: called after each block with the fraction done; may raise `Cancelled`.

    Raises:
        ValueError: the field does not cover the wavelengths of the analysis, or the region is outside the image.
    """
    rows, cols = region.window(field.shape, field.binning) if region else validate_window(field, None, None)
    shape = (len(analysis.layers), rows.stop - rows.start, cols.stop - cols.start)
    values = np.full(shape, np.nan, np.float32)
    calibrated = field if intervals and isinstance(field, CalibratedField) else None
    limited = [layer.difference != math.inf for layer in analysis.layers] if calibrated is not None else []
    widths = tuple(np.full(shape[1:], np.nan, np.float32) if is_limited else None for is_limited in limited)
    done, nm = 0, analysis.wavelengths
    for block in field.blocks(nm, rows=rows, cols=cols):
        found = _masked(analysis.values(block.values), block.values)
        members = members_of(field, region, block.rows, block.cols)
        at = _within(block.rows, block.cols, rows, cols)
        values[(slice(None), *at)] = np.where(members, found, np.float32(np.nan))
        if calibrated is not None:
            for limits in calibrated.prediction_interval_blocks(nm, rows=block.rows, cols=block.cols):
                inner = (slice(None), *_within(limits.rows, limits.cols, block.rows, block.cols))
                low, high = value_range(analysis, found[inner], block.values[inner], limits.lower, limits.upper)
                for width, lowest, highest in zip(widths, low, high, strict=True):
                    if width is not None:
                        width[at][inner[1:]] = highest - lowest
        done += members.size
        if progress is not None:
            progress(min(done / (shape[1] * shape[2]), 1.0))
    return AnalysisMap(
        layers=analysis.layers, values=values, widths=widths if calibrated is not None else None, rows=rows, cols=cols,
        differences=differences_of(analysis.layers, values) if differences is None else tuple(differences),
        provenance=_provenance(field, analysis, rows, cols), binning=field.binning,
        georeference=georeference or Georeference.parse(field.provenance.get(KEY, "")),
    )  # fmt: skip


def sample_values(
    field: SpectralField, analysis: PixelAnalysis, progress: ProgressCallback | None = None
) -> FloatArray:
    """Values (C, n) of an analysis in a sample of pixels; NaN where there is none.

    Args:
        field: any field.
        analysis: what is computed.
        progress: called with the fraction done; may raise `Cancelled`.
    """
    found = [
        _masked(analysis.values(block.spectra), block.spectra).reshape(len(analysis.layers), -1)
        for block in iter_spectra(field, analysis.wavelengths, sample=_MOST_SAMPLED, progress=progress)
    ]
    return np.concatenate(found, axis=1)


def mean_values(
    field: SpectralField,
    analysis: PixelAnalysis,
    *,
    region: Region | None = None,
    progress: ProgressCallback | None = None,
) -> Doubles:
    """Mean (C,) of each layer of an analysis over an image, from about a million pixels, or over a region.

    Pixels without a value do not count; NaN if there are no others.

    Args:
        field: any field.
        analysis: what is computed.
        region: in source pixels; None for the whole image.
        progress: called with the fraction done; may raise `Cancelled`.

    Raises:
        ValueError: the region is outside the image.
    """
    count = len(analysis.layers)
    total, pixels = np.zeros(count), np.zeros(count)
    for block in iter_spectra(field, analysis.wavelengths, region=region, sample=SAMPLE, progress=progress):
        values = _masked(analysis.values(block.spectra), block.spectra)[:, block.members]
        total += np.nansum(values, axis=1, dtype=np.float64)
        pixels += np.isfinite(values).sum(axis=1)
    return np.divide(total, pixels, out=np.full(count, np.nan), where=pixels > 0)


def differences_of(layers: Sequence[Layer], values: FloatArray) -> tuple[float, ...]:
    """The difference asked about, for each layer: its own, or the contrast of its values (C, …)."""
    return tuple(
        _contrast(own) if layer.difference is None else layer.difference
        for layer, own in zip(layers, values, strict=True)
    )


def _masked(values: FloatArray, spectra: FloatArray) -> FloatArray:
    """Values (C, …) without those of spectra (L, …) that are not finite."""
    invalid = ~np.isfinite(spectra).all(axis=0)
    if invalid.any():
        values = np.where(invalid, np.float32(np.nan), values)
    return values.astype(np.float32, copy=False)


def _within(rows: slice, cols: slice, outer_rows: slice, outer_cols: slice) -> tuple[slice, slice]:
    return (
        slice(rows.start - outer_rows.start, rows.stop - outer_rows.start),
        slice(cols.start - outer_cols.start, cols.stop - outer_cols.start),
    )


def _contrast(values: FloatArray) -> float:
    """Range of values of any shape between the percentiles `CONTRAST`; infinite if it has no values."""
    known = values.reshape(-1)[:: max(values.size // _MOST_SORTED, 1)]
    known = known[np.isfinite(known)]
    if not known.size:
        return math.inf
    low, high = np.percentile(known, CONTRAST)
    return float(high - low)


def _provenance(field: SpectralField, analysis: PixelAnalysis, rows: slice, cols: slice) -> dict[str, str]:
    attributes = {key: text for key, text in field.provenance.items() if key != KEY}
    attributes |= {"program": f"nesr_gui {__version__}", "rests_on": rests_on(field), **analysis.describe()}
    if (rows.stop - rows.start, cols.stop - cols.start) != field.shape:
        attributes["window"] = f"rows {rows.start}-{rows.stop - 1}, columns {cols.start}-{cols.stop - 1}"
    return attributes
