"""Photographs a cube: a frozen request and the plain function that answers it."""

from __future__ import annotations

from dataclasses import dataclass

from nesr_gui.colorimetry.viewing_conditions import Viewing
from nesr_gui.fields.camera import photograph
from nesr_gui.fields.protocol import Progress, SpectralField
from nesr_gui.fields.resampled import Match, MatchedField
from nesr_gui.gui.jobs import displayed
from nesr_gui.gui.model.session import Bytes
from nesr_gui.gui.model.truth import Measurement
from nesr_gui.spectral import RGBImage, Spectrum


@dataclass(frozen=True, eq=False)
class ExposureRequest:
    """A cube to be photographed, by the light and the camera of `viewing`; `white` as of `Measurement`."""

    cube: SpectralField
    name: str
    viewing: Viewing
    white: Spectrum | None


@dataclass(frozen=True, eq=False)
class Exposed:
    """The photograph of a cube, its colours as displayed (H, W, 3), and the cube as its truth."""

    image: RGBImage
    colours: Bytes
    measurement: Measurement


def expose(request: ExposureRequest, progress: Progress) -> Exposed:
    """Photograph a cube; ValueError says in a sentence why it cannot be."""
    seen = MatchedField(request.cube, request.cube.shape, white=request.white)
    image, exposure = photograph(seen, request.name, request.viewing, progress)
    lain = Match(gain=exposure)
    truth = Measurement(request.cube, request.name, None, lain, request.white, is_chosen=True)
    return Exposed(image, displayed(image), truth)
