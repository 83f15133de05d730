"""An interactive view of a field in a notebook: the image, a wavelength slider, and a spectrum for every click."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from nesr_gui.fields.protocol import SpectralField, validate_points, validate_wavelengths
from nesr_gui.fields.sensor import SensorField
from nesr_gui.interop.html import curve_wavelengths, thumbnail
from nesr_gui.io.errors import error_message
from nesr_gui.spectral import FloatArray

SIDE = 640  # longest side of the image that is sent, in pixels
CURVE_POINTS = 151  # at most
MOST_CURVES = 8  # the oldest are dropped
SAMPLES = 5  # bands from which the display range is found


class FieldViewer(anywidget.AnyWidget):
    """The widget; `nm` and `points` can be read, set, and observed from Python.

    The page announces a wavelength or a pixel, the kernel computes the band or the spectra and sends them back. While a
    band is computed the page waits with the next one, so that a fast slider never queues. Of a field that has only
    bands, the band nearest to the wavelength is shown.

    Args:
        field: the field.
        nm: wavelength that is shown first; the middle of the range by default.
        points: pixels (row, col) whose spectra are shown first.

    Raises:
        ValueError: the wavelength or a pixel is outside the field.
    """

    _esm = Path(__file__).parent / "viewer.js"
    _css = Path(__file__).parent / "viewer.css"

    nm = traitlets.Float().tag(sync=True)
    points = traitlets.List(traitlets.Tuple(traitlets.Int(), traitlets.Int())).tag(sync=True)
    picked = traitlets.List(traitlets.Int()).tag(sync=True)  # a click (row, col); empty again when it was followed
    limits = traitlets.Tuple(traitlets.Float(), traitlets.Float(), default_value=(0.0, 1.0)).tag(sync=True)
    wavelength_range = traitlets.Tuple(traitlets.Float(), traitlets.Float(), default_value=(0.0, 1.0)).tag(sync=True)
    shape = traitlets.Tuple(traitlets.Int(), traitlets.Int(), default_value=(1, 1)).tag(sync=True)
    stride = traitlets.Int(1).tag(sync=True)
    quantity = traitlets.Unicode().tag(sync=True)
    colours = traitlets.Bytes().tag(sync=True)  # sRGB of the thumbnail, row by row
    colours_shape = traitlets.Tuple(traitlets.Int(), traitlets.Int(), default_value=(1, 1)).tag(sync=True)
    band = traitlets.Bytes().tag(sync=True)  # the band at `nm`, 0 to 255 between the limits
    shown_nm = traitlets.Float().tag(sync=True)  # of the band
    answers = traitlets.Int().tag(sync=True)  # counts bands, so that the page knows that the next one has arrived
    failure = traitlets.Unicode().tag(sync=True)  # why there is no band or no spectra; empty if there are
    curve_nm = traitlets.Bytes().tag(sync=True)  # float32
    curves = traitlets.Bytes().tag(sync=True)  # float32, one curve per point

    def __init__(
        self, field: SpectralField, *, nm: float | None = None, points: Sequence[tuple[int, int]] = (), **kwargs: Any
    ) -> None:
        self._field = field
        low, high = field.wavelength_range
        first = (low + high) / 2 if nm is None else float(validate_wavelengths(field, nm)[0])
        marked = [(int(row), int(col)) for row, col in validate_points(field, points)]
        self._curve_nm = curve_wavelengths(field, CURVE_POINTS)
        picture = thumbnail(field, SIDE)
        super().__init__(
            shape=field.shape,
            stride=max(-(-max(field.shape) // SIDE), 1),
            wavelength_range=(low, high),
            quantity=field.quantity.label,
            colours=picture.tobytes(),
            colours_shape=picture.shape[:2],
            curve_nm=self._curve_nm.astype("<f4").tobytes(),
            **kwargs,
        )
        self.limits = self._display_limits()
        self.observe(self._show_band, "nm")
        self.observe(self._add_point, "picked")
        self.observe(self._show_curves, "points")
        self.nm = first
        if not self.band:  # the wavelength is that of a new widget
            self._show_band()
        self.points = marked

    def _display_limits(self) -> tuple[float, float]:
        """0, or the lowest value if it is negative, and nearly the highest, of a few bands."""
        nm = self._curve_nm[np.linspace(0, len(self._curve_nm) - 1, SAMPLES).round().astype(int)]
        values = np.stack([self._field.band(float(each), stride=self.stride) for each in np.unique(nm)])
        values = values[np.isfinite(values)]
        if not values.size:
            return 0.0, 1.0
        low, high = (float(each) for each in np.percentile(values, (0.5, 99.5)))
        return min(low, 0.0), high if high > min(low, 0.0) else min(low, 0.0) + 1.0

    @traitlets.validate("nm")
    def _validate_nm(self, proposal: Any) -> float:
        low, high = self._field.wavelength_range
        nm = float(min(max(proposal["value"], low), high))
        if isinstance(self._field, SensorField):
            return float(self._curve_nm[np.abs(self._curve_nm - nm).argmin()])
        return nm

    @traitlets.validate("points")
    def _validate_points(self, proposal: Any) -> list[tuple[int, int]]:
        height, width = self._field.shape
        inside = [(row, col) for row, col in proposal["value"] if 0 <= row < height and 0 <= col < width]
        return list(dict.fromkeys(inside))[-MOST_CURVES:]

    def _show_band(self, change: Any = None) -> None:
        try:
            values = self._field.band(self.nm, stride=self.stride)
        except Exception as error:  # of the file, the device or a plug-in; the page must not wait for ever
            self._answer(np.zeros([-(-size // self.stride) for size in self.shape], np.float32), error_message(error))
            raise
        self._answer(values)

    def _answer(self, values: FloatArray, failure: str = "") -> None:
        low, high = self.limits
        shares = np.nan_to_num((values - low) / (high - low), nan=0.0, posinf=1.0, neginf=0.0)
        with self.hold_sync():
            self.band = (255 * np.clip(shares, 0, 1)).round().astype(np.uint8).tobytes()
            self.shown_nm, self.failure = self.nm, failure
            self.answers += 1

    def _add_point(self, change: Any) -> None:
        if len(self.picked) == 2:
            row, col = self.picked
            self.picked = []  # so that the page can announce the same pixel again
            self.points = [*(point for point in self.points if point != (row, col)), (row, col)]

    def _show_curves(self, change: Any) -> None:
        self.curves = b""
        try:
            spectra = self._field.spectra(self.points, self._curve_nm) if self.points else np.empty((0, 0), np.float32)
        except Exception as error:  # as of a band
            self.failure = error_message(error)
            raise
        self.curves = spectra.astype("<f4").tobytes()
