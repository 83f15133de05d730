"""A field as HTML: a small picture, the spectra of a few pixels, and the facts, as notebooks show a value."""

from __future__ import annotations

import base64
import io
import itertools
from contextlib import suppress
from html import escape

import numpy as np
import numpy.typing as npt
from PIL import Image

from nesr_gui.colorimetry.cie import encode_srgb
from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.camera import camera_weights
from nesr_gui.fields.protocol import CalibratedField, SpectralField, reconstruction_model
from nesr_gui.fields.sensor import SensorField
from nesr_gui.spectral import FloatArray, Quantity

SIDE = 160  # longest side of the picture in pixels
BANDS = 16  # of which the picture is made at most
POINTS = 61  # of a curve at most
COLOURS = ("#c1121f", "#2a7f3f", "#1d5fa8")  # of the three curves and their pixels
VISIBLE = (380.0, 780.0)  # nm
_PLOT = (260, 140)  # width and height of the plot, CSS pixels
_FACTS = {"model": "model", "photograph": "photograph", "cube": "cube", "exported_from": "file", "source": "source"}


def describe(field: SpectralField) -> str:
    """The HTML of a field; it computes a few small bands and three spectra."""
    picture = thumbnail(field)
    points = sample_points(field.shape)
    rows = "".join(f"<tr><th style='text-align:left'>{name}</th><td style='text-align:left'>{escape(text)}</td></tr>"
                   for name, text in facts(field).items())  # fmt: skip
    return (
        f"<div style='display:flex;gap:16px;align-items:flex-start;flex-wrap:wrap'>{_image(field, picture, points)}"
        f"{_plot(field, points)}<table style='font-size:90%'>{rows}</table></div>"
    )


def facts(field: SpectralField) -> dict[str, str]:
    """What a reader wants to know first (name → text)."""
    (height, width), (low, high) = field.shape, field.wavelength_range
    provenance = field.provenance
    binned = f", binned {field.binning}×{field.binning}" if field.binning > 1 else ""
    known = {name: provenance[key] for key, name in _FACTS.items() if provenance.get(key)}
    if "photograph" in known or "cube" in known or "file" in known:
        known.pop("source", None)
    interval = {"interval": "90 %"} if isinstance(field, CalibratedField) else {}
    return {
        "field": type(field).__name__,
        "size": f"{width} × {height} pixels{binned}",
        "wavelengths": f"{low:g}-{high:g} nm; {field.bands}",
        "values": f"{field.quantity.value}, {'estimated' if reconstruction_model(field) else 'measured'}",
        **interval,
        **known,
    }


def thumbnail(field: SpectralField, side: int = SIDE) -> npt.NDArray[np.uint8]:
    """The field as sRGB (h, w, 3) of at most `side` pixels: in its colours, or in grey outside the visible range."""
    stride = -(-max(field.shape) // side)
    nm, weights = _colours(field.bands.nm, field.quantity)
    bands = np.stack([field.band(float(each), stride=stride) for each in nm], axis=-1)  # (h, w, L)
    linear = np.nan_to_num(bands, posinf=0, neginf=0) @ weights
    if field.quantity is not Quantity.REFLECTANCE:
        linear = linear / max(float(np.percentile(linear, 99)), 1e-30)
    return (255 * np.clip(encode_srgb(np.clip(linear, 0, 1)), 0, 1)).round().astype(np.uint8)


def _colours(bands: npt.NDArray[np.float64], quantity: Quantity) -> tuple[npt.NDArray[np.float64], FloatArray]:
    """Some of the bands (L,) and their weights in linear sRGB (L, 3); the middle one in grey if they have no colour."""
    nm = bands[(bands >= VISIBLE[0]) & (bands <= VISIBLE[1])]
    if len(nm) >= 3:
        nm = nm[np.linspace(0, len(nm) - 1, min(BANDS, len(nm))).round().astype(int)]
        with suppress(ValueError):  # one of the primaries has no response at these wavelengths
            return nm, camera_weights(ViewingConditions.default(), quantity, nm)
    return bands[len(bands) // 2 :][:1], np.ones((1, 3), np.float32)


def curve_wavelengths(field: SpectralField, count: int) -> npt.NDArray[np.float64]:
    """Wavelengths (L,) in nm at which a curve of the field is drawn: `count`, or its bands if it has no others."""
    low, high = field.wavelength_range
    is_of_bands = low == high or isinstance(field, SensorField)
    return field.bands.nm if is_of_bands else np.linspace(low, high, count)


def sample_points(shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Three pixels (row, col) on a diagonal of the image."""
    height, width = shape
    return [(height * at // 4, width * at // 4) for at in (1, 2, 3)]


def _image(field: SpectralField, picture: npt.NDArray[np.uint8], points: list[tuple[int, int]]) -> str:
    (height, width), stream = field.shape, io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    shown = SIDE / max(height, width)
    marks = "".join(
        f"<circle cx='{(col + 0.5) * shown:.1f}' cy='{(row + 0.5) * shown:.1f}' r='4' fill='none' stroke='{colour}' "
        "stroke-width='2'/>"
        for (row, col), colour in zip(points, COLOURS, strict=True)
    )
    size = f"width='{max(width * shown, 1):.0f}' height='{max(height * shown, 1):.0f}'"
    data = base64.b64encode(stream.getvalue()).decode()
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' {size}><image {size} preserveAspectRatio='none' "
        f"href='data:image/png;base64,{data}'/>{marks}</svg>"
    )


def _plot(field: SpectralField, points: list[tuple[int, int]]) -> str:
    """An SVG of the spectra of `points`."""
    low, high = field.wavelength_range
    nm = curve_wavelengths(field, POINTS)
    spectra = field.spectra(points, nm)
    finite = spectra[np.isfinite(spectra)]
    bottom, top = (min(float(finite.min()), 0.0), float(finite.max())) if finite.size else (0.0, 1.0)
    if not top > bottom:
        top = bottom + 1
    (width, height), span = _PLOT, max(high - low, 1e-9)
    left, base = 34, height - 18
    x = left + (nm - low) / span * (width - left - 6)
    lines = "".join(
        f"<path d='{_path(x, base - (curve - bottom) / (top - bottom) * (base - 8))}' fill='none' stroke='{colour}' "
        "stroke-width='1.5'/>"
        for curve, colour in zip(spectra, COLOURS, strict=True)
    )
    text = "fill='currentColor' font-size='10' font-family='sans-serif'"
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}'>"
        f"<path d='M{left} 8V{base}H{width - 6}' fill='none' stroke='currentColor' stroke-width='.7'/>{lines}"
        f"<text x='{left - 4}' y='12' text-anchor='end' {text}>{top:.2g}</text>"
        f"<text x='{left - 4}' y='{base}' text-anchor='end' {text}>{bottom:.2g}</text>"
        f"<text x='{left}' y='{height - 5}' {text}>{low:g}</text>"
        f"<text x='{width - 6}' y='{height - 5}' text-anchor='end' {text}>{high:g} nm</text></svg>"
    )


def _path(x: npt.NDArray[np.float64], y: FloatArray) -> str:
    """The commands of an SVG path through points, interrupted where a value is missing."""
    parts = []
    for is_finite, group in itertools.groupby(zip(x, y, strict=True), key=lambda point: bool(np.isfinite(point[1]))):
        if is_finite:
            parts.append("M" + "L".join(f"{at:.1f} {value:.1f}" for at, value in group))
    return "".join(parts)
