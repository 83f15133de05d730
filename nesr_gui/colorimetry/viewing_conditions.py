"""Viewing conditions: an illuminant and an observer, which turn reflectance into colour.

`ViewingConditions.default()` is the default camera (CIE 1931 2° under D65). Another illuminant or observer renders the
same spectra as they would appear under those conditions, which separates metamers.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry import cie
from nesr_gui.spectral import FloatArray, Spectrum

ILLUMINANTS = {
    "A": "incandescent, 2856 K",
    "D50": "horizon daylight",
    "D55": "mid-morning daylight",
    "D65": "noon daylight",
    "D75": "north-sky daylight",
    "E": "equal energy",
    "FL1": "fluorescent, daylight",
    "FL2": "fluorescent, cool white",
    "FL3": "fluorescent, white",
    "FL4": "fluorescent, warm white",
    "FL5": "fluorescent, daylight",
    "FL6": "fluorescent, light white",
    "FL7": "fluorescent, broad band, D65",
    "FL8": "fluorescent, broad band, D50",
    "FL9": "fluorescent, broad band, cool white",
    "FL10": "fluorescent, three bands, 5000 K",
    "FL11": "fluorescent, three bands, 4000 K",
    "FL12": "fluorescent, three bands, 3000 K",
    "LED-B1": "LED, blue with phosphor, 2733 K",
    "LED-B2": "LED, blue with phosphor, 2998 K",
    "LED-B3": "LED, blue with phosphor, 4103 K",
    "LED-B4": "LED, blue with phosphor, 5109 K",
    "LED-B5": "LED, blue with phosphor, 6598 K",
    "LED-BH1": "LED, blue hybrid with red, 2851 K",
    "LED-RGB1": "LED, red, green and blue, 2840 K",
    "LED-V1": "LED, violet with phosphor, 2724 K",
    "LED-V2": "LED, violet with phosphor, 4070 K",
}
"""Illuminants of CIE 15:2018 by name, with descriptions."""

KELVIN_RANGES = {"blackbody": (1500.0, 25_000.0), "daylight": (4000.0, 25_000.0)}
FINE = 1.0  # nm, at most, between samples of a light
"""Valid temperatures (K): a cooler blackbody has almost no blue, and CIE daylight is defined from 4000 K."""

Samples = tuple[tuple[float, ...], ...]


def _frozen(samples: Sequence[Sequence[float]]) -> Samples:
    return tuple(tuple(float(value) for value in row) for row in samples)


def _checked(name: str, samples: Samples, columns: int) -> npt.NDArray[np.float64]:
    table = np.array(samples)
    if (
        table.ndim != 2
        or table.shape[1] != columns
        or not np.isfinite(table).all()
        or np.any(np.diff(table[:, 0]) <= 0)
    ):
        columns_text = "wavelength and power" if columns == 2 else "wavelength, R, G and B"
        raise ValueError(f"{name} is not a table of increasing wavelengths; expected finite values of {columns_text}")
    return table


class IlluminantKind(enum.StrEnum):
    """How the spectrum of an illuminant is defined."""

    ILLUMINANT = "illuminant"
    BLACKBODY = "blackbody"
    DAYLIGHT = "daylight"
    FILE = "file"


@dataclass(frozen=True)
class Illuminant:
    """An illuminant defined by its CIE name, by its temperature `kelvin`, or by `samples` (nm, power) from a file.

    All fields are plain values, so that a session file can store them; `power` gives the spectrum.

    Raises:
        ValueError: the name is unknown, the temperature is out of range, or the samples are not a valid table.

    Examples:
        >>> Illuminant("D65").power(np.array([560.0])).tolist()
        [100.0]
        >>> Illuminant.blackbody(1000)
        Traceback (most recent call last):
        ValueError: blackbody of 1000 K requested; choose 1500 to 25000 K
    """

    name: str
    kind: IlluminantKind = IlluminantKind.ILLUMINANT
    kelvin: float = 0.0
    samples: Samples = field(default=(), repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", IlluminantKind(self.kind))
        object.__setattr__(self, "samples", _frozen(self.samples))
        if self.kind is IlluminantKind.ILLUMINANT and self.name not in ILLUMINANTS:
            raise ValueError(f"unknown illuminant {self.name!r}; choose one of {', '.join(ILLUMINANTS)}")
        if self.kind in KELVIN_RANGES:
            low, high = KELVIN_RANGES[self.kind]
            if not low <= self.kelvin <= high:
                raise ValueError(f"{self.kind} of {self.kelvin:g} K requested; choose {low:g} to {high:g} K")
        if self.kind is IlluminantKind.FILE:
            power = _checked(self.name, self.samples, 2)[:, 1]
            if power.min() < 0 or power.max() <= 0:
                raise ValueError(
                    f"{self.name} emits no light; its power must be at least 0, and greater than 0 at some wavelength"
                )

    @classmethod
    def blackbody(cls, kelvin: float) -> Illuminant:
        """Planckian radiator of 1500 to 25,000 K."""
        return cls(f"Blackbody {kelvin:g} K", IlluminantKind.BLACKBODY, kelvin)

    @classmethod
    def daylight(cls, kelvin: float) -> Illuminant:
        """CIE daylight of correlated colour temperature 4000 to 25,000 K."""
        return cls(f"Daylight {kelvin:g} K", IlluminantKind.DAYLIGHT, kelvin)

    @classmethod
    def measured(cls, name: str, power: Spectrum) -> Illuminant:
        """Illuminant whose spectral power was read from a file; it is dark outside those wavelengths."""
        pairs = zip(power.wavelengths, power.values.tolist(), strict=True)
        return cls(name, IlluminantKind.FILE, samples=tuple(pairs))

    def power(self, nm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Relative power (L,) at wavelengths (L,) nm, linear between samples."""
        if self.kind is IlluminantKind.FILE:
            table = np.array(self.samples)
            wavelengths, power = table[:, 0], table[:, 1]
        elif self.kind is IlluminantKind.ILLUMINANT:
            wavelengths, power = cie.illuminant(self.name)
        else:
            source = cie.blackbody if self.kind is IlluminantKind.BLACKBODY else cie.daylight
            wavelengths, power = source(self.kelvin)
        return np.interp(nm, wavelengths, power, left=0, right=0)


@dataclass(frozen=True)
class Observer:
    """A CIE standard observer of 2 or 10 `degrees`, or a camera with `samples` (nm, R, G, B).

    Raises:
        ValueError: the CIE defines no such observer, or the samples are not a valid table.
    """

    name: str
    degrees: int = 2
    samples: Samples = field(default=(), repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "samples", _frozen(self.samples))
        if self.samples:
            _checked(self.name, self.samples, 4)
        if self.degrees not in (2, 10):
            raise ValueError(f"an observer of {self.degrees}° requested; the CIE defines observers of 2° and 10°")

    @classmethod
    def camera(cls, name: str, sensitivities: Sequence[Spectrum]) -> Observer:
        """Camera with the spectral sensitivities of its R, G and B pixels, on common wavelengths.

        Raises:
            ValueError: there are not exactly three curves, or their wavelengths differ.
        """
        if len(sensitivities) != 3:
            raise ValueError(
                f"{name} has {len(sensitivities)} columns; a camera file needs three after the wavelength: R, G and B"
            )
        nm = sensitivities[0].wavelengths.nm
        if any(not np.array_equal(channel.wavelengths.nm, nm) for channel in sensitivities):
            raise ValueError(f"the channels of {name} have different wavelengths; a table has one wavelength column")
        columns = [channel.values.tolist() for channel in sensitivities]
        return cls(name, samples=tuple(zip(nm.tolist(), *columns, strict=True)))

    @property
    def is_camera(self) -> bool:
        """Whether the observer is a camera."""
        return bool(self.samples)

    def responses(self, nm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Responses (L, 3) at wavelengths (L,) nm: x̄, ȳ, z̄, or R, G, B of a camera; zero outside the table."""
        table = np.array(self.samples)
        wavelengths, values = (table[:, 0], table[:, 1:]) if self.samples else cie.colour_matching(self.degrees)
        return np.stack([np.interp(nm, wavelengths, channel, left=0, right=0) for channel in values.T], axis=1)


CIE_1931, CIE_1964 = Observer("CIE 1931 2°", 2), Observer("CIE 1964 10°", 10)
D65 = Illuminant("D65")


@dataclass(frozen=True)
class ViewingConditions:
    """An illuminant and an observer."""

    light: Illuminant = D65
    observer: Observer = CIE_1931

    @classmethod
    def default(cls) -> ViewingConditions:
        """The default camera: CIE 1931 2° under D65, `cie.default_camera` on its bands."""
        return cls()

    @property
    def name(self) -> str:
        """Display name of illuminant and observer."""
        return f"{self.light.name}, {self.observer.name}"

    def rgb_weights(self, nm: npt.ArrayLike) -> FloatArray:
        """Weights (L, 3) float32: reflectances (..., L) @ weights = linear sRGB (..., 3).

        Integrals over wavelength are Riemann sums by 1 nm with reflectances linear between `nm`; under D65 over `nm`,
        each value weighted with the width of its cell. Each channel is divided by its response to a perfect white
        reflector, which is therefore exactly (1, 1, 1).

        Chromatic adaptation, or white balance, is included: XYZ is transformed from the white of the illuminant to that
        of D65 (2°, on the same wavelengths) by the Bradford transform before conversion to sRGB. Under D65 this is the
        identity, and `default()` is the default camera. R, G and B of a camera, divided by their white, are used
        unchanged.

        Args:
            nm: increasing wavelengths (L,) in nm.

        Raises:
            ValueError: the conditions have no response at these wavelengths, or a channel has no white.

        Examples:
            >>> nm = np.arange(400.0, 701.0, 10.0)
            >>> weights = ViewingConditions(Illuminant("A")).rgb_weights(nm)
            >>> (np.full(31, 0.5) @ weights).round(4).tolist()  # a grey stays grey
            [0.5, 0.5, 0.5]
        """
        nm = np.atleast_1d(np.asarray(nm, dtype=np.float64))
        return _weights(self, nm.tobytes())

    def xyz_weights(self, nm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Weights (L, 3) at increasing wavelengths (L,) nm: reflectances @ weights = XYZ, with Y = 1 for white.

        No chromatic adaptation is applied. A camera has no XYZ; those of the CIE 1931 2° observer are used instead.

        Raises:
            ValueError: the conditions have no response at these wavelengths.
        """
        nm = np.atleast_1d(np.asarray(nm, dtype=np.float64))
        xyz = _xyz(self.light, CIE_1931 if self.observer.is_camera else self.observer, nm)
        brightness = xyz[:, 1].sum()
        if not brightness > 0:
            raise ValueError(self._nothing_to_see(nm))
        return xyz / brightness

    def _nothing_to_see(self, nm: npt.NDArray[np.float64]) -> str:
        return (
            f"{self.observer.name} has no response, or not in all three channels, to {self.light.name} at {nm[0]:g}-"
            f"{nm[-1]:g} nm; choose another illuminant or observer, or an image with more wavelengths"
        )


@lru_cache(maxsize=32)
def _weights(viewing: ViewingConditions, nm_bytes: bytes) -> FloatArray:
    nm = np.frombuffer(nm_bytes)
    response = _xyz(viewing.light, viewing.observer, nm)  # (L, 3)
    if not viewing.observer.is_camera:
        white, d65 = response.sum(0), _xyz(D65, CIE_1931, nm).sum(0)
        if min(white.min(), d65.min()) <= 0:
            raise ValueError(viewing._nothing_to_see(nm))
        response = response @ (cie.xyz_to_linear_srgb() @ cie.adaptation(white, d65)).T
    white = response.sum(0)
    if white.min() <= 1e-9 * np.abs(response).sum(0).max():
        raise ValueError(viewing._nothing_to_see(nm))
    weights: FloatArray = (response / white).astype(np.float32)
    weights.setflags(write=False)
    return weights


def _xyz(light: Illuminant, observer: Observer, nm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Contribution (L, 3) of each wavelength of a white reflector to the responses.

    Lines of a light count wherever they are: it is sampled by about 1 nm, and reflectances are linear between their
    wavelengths. D65, which has none, is sampled at the wavelengths, as in the default camera.
    """
    width = np.gradient(nm) if nm.size > 1 else np.ones(1)  # the end cells have full width, as in the default camera
    if light == D65 or width.max() <= FINE:
        return observer.responses(nm) * (light.power(nm) * width)[:, None]
    first, last = nm[0] - width[0] / 2, nm[-1] + width[-1] / 2
    edges = np.linspace(first, last, math.ceil((last - first) / FINE) + 1)
    fine = (edges[1:] + edges[:-1]) / 2
    found = observer.responses(fine) * (light.power(fine) * np.diff(edges))[:, None]
    before = np.clip(np.searchsorted(nm, fine) - 1, 0, nm.size - 2)
    share = np.clip((fine - nm[before]) / np.diff(nm)[before], 0, 1)[:, None]  # of the wavelength after it
    contributions = np.zeros((nm.size, 3))
    np.add.at(contributions, before, (1 - share) * found)
    np.add.at(contributions, before + 1, share * found)
    return contributions
