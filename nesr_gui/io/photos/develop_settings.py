"""Settings that control how a photograph is developed, and their description in exported files."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from nesr_gui.colorimetry.viewing_conditions import Observer
from nesr_gui.io.photos.camera_profile import CameraProfile

GAMMAS = (0.2, 5.0)
KELVIN = (2000.0, 15_000.0)
TINT = (-100.0, 100.0)
STOPS = (-10.0, 10.0)
DAYLIGHT = 6504.0  # K: the white of sRGB, which needs no correction


class SourceEncoding(enum.StrEnum):
    """How the code values of the file represent light."""

    AUTOMATIC = "as the file says"
    SRGB = "sRGB"
    LINEAR = "linear"
    GAMMA = "gamma"
    DISPLAY_P3 = "Display P3"
    ADOBE_RGB = "Adobe RGB"


class WhiteBalance(enum.StrEnum):
    """Reference white."""

    AS_IS = "as is"
    GREY_POINT = "grey point"
    TEMPERATURE = "temperature and tint"


@dataclass(frozen=True)
class DevelopSettings:
    """How a file is developed; the defaults follow the file. All fields are plain values.

    Attributes:
        encoding: from code values to light.
        gamma: exponent of `SourceEncoding.GAMMA`: light = value ** gamma.
        balance: reference white.
        grey_point: (row, col) of the upright source, for `WhiteBalance.GREY_POINT`.
        kelvin: colour temperature of the scene light, for `WhiteBalance.TEMPERATURE`; 6504 K is neutral.
        tint: offset of that light from daylight in thousandths of Duv; positive is greener.
        stops: exposure correction, in powers of two.
        camera: camera whose RGB the file contains; None is the default camera, which the models expect.
        working_pixels: resolution of the reconstruction; None is what this machine computes in about three seconds.
        profile: camera profile from a chart; it replaces `camera`, and the primaries that the file states.

    Raises:
        ValueError: a value is out of range, a grey point has no position, or there are both a camera and a profile.
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
    profile: CameraProfile | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoding", SourceEncoding(self.encoding))
        object.__setattr__(self, "balance", WhiteBalance(self.balance))
        for name, (low, high) in (("gamma", GAMMAS), ("kelvin", KELVIN), ("tint", TINT), ("stops", STOPS)):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} of {getattr(self, name):g} requested; choose {low:g} to {high:g}")
        if self.balance is WhiteBalance.GREY_POINT and self.grey_point is None:
            raise ValueError("a grey point is required for this white balance; pick a pixel that is grey")
        if self.camera is not None and not self.camera.is_camera:
            raise ValueError(f"{self.camera.name} is no camera; load a file of sensitivities")
        if self.camera is not None and self.profile is not None:
            raise ValueError(
                f"both the camera {self.camera.name} and the camera profile {self.profile.name} were requested; "
                "choose one"
            )
        if self.profile is not None and self.profile.read_as not in list(SourceEncoding):
            raise ValueError(f"the camera profile is for files read as {self.profile.read_as[:30]!r}, which is unknown")
        if self.working_pixels is not None and self.working_pixels < 1:
            raise ValueError(f"a working resolution of {self.working_pixels} pixels requested; choose at least 1")

    @property
    def source_encoding(self) -> SourceEncoding:
        """The encoding, which a camera profile decides if the user leaves it to the file."""
        is_open = self.encoding is SourceEncoding.AUTOMATIC and self.profile is not None
        return SourceEncoding(self.profile.read_as) if is_open and self.profile is not None else self.encoding

    def in_words(self) -> dict[str, str]:
        """All settings except the encoding, which the file may determine, as exported files record them."""
        balances = {
            WhiteBalance.AS_IS: "as is",
            WhiteBalance.GREY_POINT: "grey point at row {} col {}".format(*self.grey_point or (0, 0)),
            WhiteBalance.TEMPERATURE: f"light of {self.kelvin:g} K, tint {self.tint:+g}",
        }
        profile = {"photograph_camera_profile": self.profile.in_words()} if self.profile else {}
        return {
            "photograph_white_balance": balances[self.balance],
            "photograph_exposure": f"{self.stops:+g} stops" if self.stops else "as is",
            "photograph_camera": self.camera_name,
            **profile,
        }

    @property
    def camera_name(self) -> str:
        """Name of the camera or the camera profile."""
        chosen = self.profile or self.camera
        return chosen.name if chosen else "default"
