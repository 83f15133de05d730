"""What follows from the curves of the marks: how they look under the chosen light, and the smooth metamer beside them.

Plain functions of a frozen request, for the worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nesr_gui.colorimetry.appearance import appearances, per_white, smooth_metamers
from nesr_gui.colorimetry.viewing_conditions import Viewing
from nesr_gui.fields.protocol import Progress
from nesr_gui.gui.marks.region_requests import pixels_of
from nesr_gui.gui.model.marks import Finding, Place
from nesr_gui.regions import Region
from nesr_gui.spectral import FloatArray, RGBImage, Spectrum


@dataclass(frozen=True, eq=False)
class FindingsRequest:
    """Curves by place and how to see them.

    `white` is the spectrum that stands for a perfect white where the curves are no reflectances; with neither
    (`seen` False) nothing is seen. The smooth metamers are of the photograph's colours, or where there is no
    photograph of the colours of the curves themselves; they are made where `smooth` asks for them.
    """

    spectra: Mapping[Place, Spectrum]
    viewing: Viewing
    seen: bool
    white: Spectrum | None
    smooth: bool
    photograph: RGBImage | None
    reduction: int


def find(request: FindingsRequest, progress: Progress) -> dict[Place, Finding]:
    """The finding of each place."""
    found = {}
    for place, spectrum in request.spectra.items():
        progress(0.0)
        try:
            found[place] = _find(request, place, spectrum)
        except ValueError as error:
            found[place] = Finding(refusal=str(error))
    return found


def _find(request: FindingsRequest, place: Place, spectrum: Spectrum) -> Finding:
    if not request.seen:
        raise ValueError("only reflectances have a colour under a light; use a mark as white first")
    nm, values = spectrum.wavelengths, relative(spectrum, request.white)
    if not np.isfinite(values).all():
        raise ValueError("this spectrum holds values that are no numbers, and so has no colour")
    (appearance,) = appearances(values[None], nm, request.viewing)
    if not request.smooth:
        return Finding(appearance)
    rgb = _photographed(request.photograph, place, request.reduction)
    if rgb is None:
        rgb = values @ Viewing.default().weights(nm)
    return Finding(appearance, Spectrum(nm, smooth_metamers(rgb[None], nm)[0], "smooth metamer"))


def relative(spectrum: Spectrum, white: Spectrum | None) -> FloatArray:
    """The values of a spectrum (L,) as part of a white's, zero where the white is dark."""
    if white is None:
        return spectrum.values
    return (spectrum.values * per_white(white, spectrum.wavelengths.nm)).astype(np.float32)


def _photographed(photograph: RGBImage | None, place: Place, reduction: int) -> FloatArray | None:
    """The mean linear sRGB (3,) of the photograph in a region, or in the pixel of the field that a pin lies in."""
    if photograph is None:
        return None
    if isinstance(place, Region):
        rows, cols = pixels_of(place, 1, photograph.shape)[0].T
        return np.asarray(photograph.values[rows, cols].mean(0))
    row, col = (reduction * (at // reduction) for at in place)
    return np.asarray(photograph.values[row : row + reduction, col : col + reduction].mean((0, 1)))
