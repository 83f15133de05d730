"""How a photograph's file is understood: what its user may choose, and in which words files record it."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from nesr_gui.colorimetry.viewing_conditions import Observer

GAMMAS = (0.2, 5.0)
KELVIN = (2000.0, 15_000.0)
TINT = (-100.0, 100.0)
STOPS = (-10.0, 10.0)
DAYLIGHT = 6504.0  # K: the light of sRGB, of which nothing is corrected


class SourceEncoding(enum.StrEnum):
    """How the numbers of the file stand for light."""

    AUTOMATIC = "as the file says"
    SRGB = "sRGB"
    LINEAR = "linear"
    GAMMA = "gamma"
    DISPLAY_P3 = "Display P3"
    ADOBE_RGB = "Adobe RGB"


class WhiteBalance(enum.StrEnum):
    """What is taken as white."""

    AS_IS = "as is"
    GREY_POINT = "grey point"
    TEMPERATURE = "temperature and tint"


@dataclass(frozen=True)
class DevelopSettings:
    """How a file is understood; the default leaves it to the file. All fields are plain values.

    Attributes:
        encoding: from the file's numbers to light.
        gamma: the exponent of `SourceEncoding.GAMMA`: light = number ** gamma.
        balance: what is taken as white.
        grey_point: (row, col) of the upright source; of `WhiteBalance.GREY_POINT`.
        kelvin: colour temperature of the light in the scene, of `WhiteBalance.TEMPERATURE`; 6504 K corrects nothing.
        tint: how far that light is from the blackbody locus, in thousandths of Duv from daylight's; more is greener.
        stops: exposure, in powers of two.
        camera: whose red, green and blue the numbers are; None is the default camera, which the models know.
        working_pixels: what a reconstruction is made at; None is what this machine does in about three seconds.

    Raises:
        ValueError: a number is out of its range, or a grey point is asked for without a place.
    """

    encoding: SourceEncoding = SourceEncoding.AUTOMATIC
    gamma: float = 2.2
    balance: WhiteBalance = WhiteBalance.AS_IS
    grey_point: tuple[int, int] | None = None
    kelvin: float = DAYLIGHT
    tint: float = 0.0
    stops: float = 0.0
    camera: Observer | None = None
    working_pixels: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoding", SourceEncoding(self.encoding))
        object.__setattr__(self, "balance", WhiteBalance(self.balance))
        for name, (low, high) in (("gamma", GAMMAS), ("kelvin", KELVIN), ("tint", TINT), ("stops", STOPS)):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} of {getattr(self, name):g} asked for; choose {low:g} to {high:g}")
        if self.balance is WhiteBalance.GREY_POINT and self.grey_point is None:
            raise ValueError("a grey point is asked for without a place; pick a pixel that is grey")
        if self.camera is not None and not self.camera.is_camera:
            raise ValueError(f"{self.camera.name} is no camera; load a file of sensitivities")
        if self.working_pixels is not None and self.working_pixels < 1:
            raise ValueError(f"a working resolution of {self.working_pixels} pixels asked for; choose at least 1")

    def in_words(self) -> dict[str, str]:
        """Everything but the encoding, which the file may decide, as exports record it."""
        balances = {
            WhiteBalance.AS_IS: "as is",
            WhiteBalance.GREY_POINT: "grey point at row {} col {}".format(*self.grey_point or (0, 0)),
            WhiteBalance.TEMPERATURE: f"light of {self.kelvin:g} K, tint {self.tint:+g}",
        }
        return {
            "photograph_white_balance": balances[self.balance],
            "photograph_exposure": f"{self.stops:+g} stops" if self.stops else "as is",
            "photograph_camera": self.camera.name if self.camera else "default",
        }
