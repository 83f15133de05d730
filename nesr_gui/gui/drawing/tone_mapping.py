"""Tone mapping: display limits, sRGB encoding, colormaps and histograms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg

from nesr_gui.colorimetry import cie
from nesr_gui.fields.protocol import SpectralField
from nesr_gui.gui.model.document import UInt8Array
from nesr_gui.gui.model.palette import GREY, REVERSED, TINT, colormaps
from nesr_gui.spectral import FloatArray

SHADES = np.round(255 * cie.encode_srgb(np.linspace(0, 1, 1 << 16))).astype(np.uint8)
_CENTRAL = (2.0, 98.0)  # percentiles
_BOTH_SIGNS = 0.1  # least ratio of the magnitudes of the lesser and the greater sign
_SAMPLES = 1 << 16  # maximum number of values for a histogram


@lru_cache(maxsize=64)
def lookup(name: str, nm: float) -> UInt8Array | None:
    """Return the lookup table (256, 3) of a colormap; None for grey and for unknown names.

    `nm` is the colour of the wavelength tint.
    """
    if name == TINT:
        ramp = np.arange(256)[:, None] * (cie.wavelength_colours(nm)[0] / 255)
        return np.round(ramp).astype(np.uint8)
    if name not in colormaps() or name == GREY:
        return None
    table = pg.colormap.get(name.removesuffix(REVERSED)).getLookupTable(nPts=256)
    colours: UInt8Array = table[::-1] if name.endswith(REVERSED) else table
    return np.ascontiguousarray(colours[:, :3].astype(np.uint8))


def count_shades(counts: npt.NDArray[np.int64], is_logarithmic: bool) -> UInt8Array:
    """Return shades of counts of the same shape: 0 for none, from 1 to 255 for one to the most."""
    most = max(int(counts.max(initial=1)), 1)
    share = np.log(np.maximum(counts, 1)) / max(np.log(most), 1e-9) if is_logarithmic else counts / most
    return np.where(counts > 0, 1 + np.round(254 * share), 0).astype(np.uint8)


@dataclass(frozen=True)
class ToneMapping:
    """Mapping of values to 8 bits.

    Grey is encoded, so that a band is as bright as the photograph; the other colormaps are linear in the value.

    Attributes:
        limits: the values shown as black and as white; of shares if there are `channels`.
        encoded: whether to apply the sRGB encoding.
        channels: the limits of each of two or three quantities that are mixed as red, green and blue; empty for others.
    """

    limits: tuple[float, float]
    encoded: bool
    channels: tuple[tuple[float, float], ...] = ()

    @classmethod
    def of(cls, limits: tuple[float, float], colormap: str, is_colour: bool = False) -> ToneMapping:
        """Return the mapping for limits and a colormap; three-channel colours are always encoded."""
        return cls(limits, is_colour or colormap in (GREY, TINT))

    def shares(self, values: FloatArray) -> FloatArray:
        """Values as they are, or quantities (…, 2 or 3) as shares (…, 3) of their limits; a missing third one is 0."""
        if not self.channels:
            return values
        mixed = np.zeros((*values.shape[:-1], 3), np.float32)
        for channel, (low, high) in enumerate(self.channels):
            mixed[..., channel] = (values[..., channel] - np.float32(low)) / np.float32(max(high - low, 1e-12))
        return mixed

    def shade(self, values: FloatArray) -> UInt8Array:
        """Map values to 0-255 in an array of the same shape, or quantities to colours (…, 3); nan is mapped to 0."""
        values = self.shares(values)
        low, high = self.limits
        top = 65535 if self.encoded else 255.999
        index = values - np.float32(low)
        index *= np.float32(top / max(high - low, 1e-12))
        np.fmin(np.fmax(index, 0, out=index), np.float32(top), out=index)
        shown: UInt8Array = SHADES[index.astype(np.uint16)] if self.encoded else index.astype(np.uint8)
        return shown


@lru_cache(maxsize=64)
def bar_colours(name: str, nm: float) -> UInt8Array:
    """Return the colours (256, 3) of evenly spaced values between the limits, for a colour bar; see `lookup`."""
    shades = ToneMapping.of((0.0, 1.0), name).shade(np.linspace(0, 1, 256, dtype=np.float32))
    table = lookup(name, nm)
    return table[shades] if table is not None else np.repeat(shades[:, None], 3, axis=1)


NONE, MISSING = (38, 38, 40), (64, 64, 66)
"""Dark greys of pixels without a class, and of pixels without a value."""
_PALE, _GREY = 0.3, 150  # share of the colour that remains where an analysis abstains, and the grey it is mixed with
NONE_COLOUR, UNCERTAIN_COLOUR = (f"#{bytes(rgb).hex()}" for rgb in (NONE, (_GREY,) * 3))
"""Colours #rrggbb in legends: of no class, and of uncertain pixels, which are paler than their class."""


def paint_categories(numbers: FloatArray, colours: Sequence[str]) -> UInt8Array:
    """Colours (h, w, 3) of class numbers (h, w): 0 is none, 1 the first of the colours #rrggbb; NaN has no value."""
    table = np.array([NONE, *(tuple(bytes.fromhex(colour[1:])) for colour in colours), MISSING], np.uint8)
    return table[np.nan_to_num(numbers, nan=len(colours) + 1).astype(np.intp)]


def paint_answers(
    shown: UInt8Array, table: UInt8Array | None, abstained: npt.NDArray[np.bool_], missing: npt.NDArray[np.bool_]
) -> UInt8Array:
    """Colours (h, w, 3) of tone-mapped values: pale where an analysis abstains, dark grey where there is no value.

    Args:
        shown: the tone-mapped values (h, w) or (h, w, 3).
        table: the lookup table (256, 3) of values; None for grey.
        abstained: where (h, w) the analysis abstains.
        missing: where (h, w) there is no value.
    """
    colours = shown if shown.ndim == 3 else (np.repeat(shown[..., None], 3, axis=-1) if table is None else table[shown])
    colours = colours.copy()
    colours[abstained] = np.round(_PALE * colours[abstained].astype(np.float32) + (1 - _PALE) * _GREY)
    colours[missing] = MISSING
    return colours


@dataclass(frozen=True, eq=False)
class Histogram:
    """Histogram of values: counts (N,) in N equal bins from `low` to `high`, and the 0.5 and 99.5 percentiles."""

    low: float
    high: float
    counts: npt.NDArray[np.int64]
    percentiles: tuple[float, float]

    @classmethod
    def of(cls, values: FloatArray) -> Histogram | None:
        """Return the histogram of all finite values of all channels; None if there are none."""
        flat = values.reshape(-1)
        flat = flat[:: max(1, flat.size // _SAMPLES)]
        flat = flat[np.isfinite(flat)]
        if not flat.size:
            return None
        low, high = float(flat.min()), float(flat.max())
        high = high if high > low else low + max(abs(low), 1.0) * 1e-3
        counts, _ = np.histogram(flat, 128, (low, high))
        bottom, top = np.percentile(flat, (0.5, 99.5)).tolist()
        return cls(low, high, counts, (bottom, top if top > bottom else high))


def automatic_limits(values: FloatArray) -> tuple[float, float]:
    """Return limits between which 96 % of the finite values are; around 0 if there are many of both signs.

    Values of different magnitudes and outliers, as of ratios, are shown well without a choice.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = np.percentile(finite, _CENTRAL).tolist()
    if min(-low, high) > _BOTH_SIGNS * max(-low, high):
        return -max(-low, high), max(-low, high)
    return low, high if high > low else low + max(abs(low), 1.0) * 1e-3


def is_diverging(limits: tuple[float, float]) -> bool:
    """Return whether limits are those of values with both signs, for which a diverging colormap is suitable."""
    return limits[0] == -limits[1]


def display_range(field: SpectralField) -> tuple[float, float]:
    """Return the values shown as black and as white in every band of a field: 0 (or below) and the 99.5 percentile.

    They do not depend on the wavelength, so that brightness is comparable between bands.
    """
    stride = max(1, max(field.shape) // 96)
    bands = [field.band(nm, stride=stride) for nm in np.linspace(*field.wavelength_range, 7)]
    values = np.stack(bands)
    values = values[np.isfinite(values)]
    top = float(np.percentile(values, 99.5)) if values.size else 1.0
    low = float(np.percentile(values, 0.5)) if values.size and values.min() < 0 else 0.0
    return min(low, 0.0), top if top > 0 else 1.0
