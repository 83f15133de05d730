"""The parts of a session file: values of the session as plain ones that JSON has, and back.

What is read back comes from anywhere; each function ends with TypeError, ValueError, KeyError, AttributeError or
OverflowError where it is not what was written.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from nesr_gui.colorimetry.viewing_conditions import Illuminant, Observer, ViewingConditions
from nesr_gui.fields.resampled import Registration
from nesr_gui.gui.model.plot_settings import MOST, Normalise, Overlays, Reference, Transform
from nesr_gui.gui.model.viewport import View
from nesr_gui.io.cubes.description import CubeHints
from nesr_gui.io.cubes.wavelengths import BandPositions
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.spectral import Quantity, Spectrum, Wavelengths

Json = Mapping[str, Any]
LARGEST = 1e30  # of a spectrum's values, which are float32


def spectrum_json(spectrum: Spectrum) -> Json:
    nm, values = spectrum.wavelengths.nm.tolist(), spectrum.values.tolist()
    return {"name": spectrum.name, "nm": nm, "values": [value if math.isfinite(value) else None for value in values]}


def read_spectrum(known: Json) -> Spectrum:
    values = [math.nan if value is None else float(value) for value in known["values"]]
    if any(abs(value) > LARGEST for value in values):
        raise ValueError(f"a value above {LARGEST:g}")
    return Spectrum(Wavelengths(np.array(known["nm"])), np.array(values), text(known["name"]))


def interpretation_json(interpretation: DevelopSettings) -> Json:
    return asdict(interpretation)


def read_interpretation(known: Json) -> DevelopSettings:
    given = dict(known)
    for name in ("gamma", "kelvin", "tint", "stops"):
        given[name] = float(given[name])
    if (point := given["grey_point"]) is not None:
        row, col = map(whole, point)
        given["grey_point"] = row, col
    if given["working_pixels"] is not None:
        given["working_pixels"] = whole(given["working_pixels"])
    if given["camera"] is not None:
        given["camera"] = Observer(**given["camera"])
    return DevelopSettings(**given)


def viewing_json(viewing: ViewingConditions) -> Json:
    return asdict(viewing)


def read_viewing(known: Json) -> ViewingConditions:
    light = dict(known["light"])
    light["kelvin"] = float(light["kelvin"])
    return ViewingConditions(Illuminant(**light), Observer(**known["observer"]))


def overlays_json(overlays: Overlays) -> Json:
    library = [
        {"spectrum": spectrum_json(each.spectrum), "source": each.source, "visible": each.visible}
        for each in overlays.library
    ]
    return {**asdict(overlays), "library": library}


def read_overlays(known: Json) -> Overlays:
    transform = Transform(
        Normalise(known["transform"]["normalise"]),
        bool(known["transform"]["derivative"]),
        bool(known["transform"]["difference"]),
    )
    library = tuple(
        Reference(read_spectrum(each["spectrum"]), text(each["source"]), bool(each["visible"]))
        for each in known["library"]
    )
    if len(library) > MOST:
        raise ValueError(f"{len(library)} spectra to compare, of at most {MOST}")
    return Overlays(transform, bool(known["truth"]), bool(known["smooth"]), library)


def reading_json(reading: CubeHints) -> Json:
    nm = reading.wavelengths.nm.tolist() if reading.wavelengths is not None else None
    return {
        "wavelengths": nm, "band_axis": reading.band_axis, "quantity": reading.quantity, "variable": reading.variable,
    }  # fmt: skip


def read_reading(known: Json) -> CubeHints:
    nm, axis, quantity, variable = (known[name] for name in ("wavelengths", "band_axis", "quantity", "variable"))
    return CubeHints(
        None if nm is None else BandPositions(np.array(nm)),
        None if axis is None else whole(axis),
        None if quantity is None else Quantity(quantity),
        None if variable is None else text(variable),
    )


def read_view(known: Json) -> View:
    view = View(**{name: float(known[name]) for name in ("top", "bottom", "left", "right", "scale")})
    edges = np.array([view.top, view.bottom, view.left, view.right])
    if not (np.abs(edges) < 1e7).all() or view.bottom <= view.top or view.right <= view.left or not view.scale > 0:
        raise ValueError(f"a view from {view.top:g} to {view.bottom:g} and {view.left:g} to {view.right:g}")
    return view


def read_match(known: Json) -> Registration:
    seen = [None if known[name] is None else float(known[name]) for name in ("correlation", "next_best")]
    if any(value is not None and not -1.001 <= value <= 1.001 for value in seen):
        raise ValueError("a correlation above 1")
    return Registration(known["orientation"], float(known["gain"]), *seen)


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} where a text is expected")
    return value


def whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 1 << 48:
        raise TypeError(f"{str(value)[:30]} where a whole number is expected")
    return value
