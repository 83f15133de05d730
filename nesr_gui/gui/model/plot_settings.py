"""Settings of the spectra plot: normalisation, references, and the resulting lines."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from nesr_gui.gui.model.marks import ColourResult, Mark, MarkGeometry, MarkSpectrum
from nesr_gui.spectral import Spectrum

Values = npt.NDArray[np.float64]
SYMBOLS = 5  # symbols along a curve
MOST = 48  # reference spectra at once


class Normalise(enum.StrEnum):
    """How spectra are normalised."""

    NONE = "none"
    MAXIMUM = "maximum"
    AREA = "mean"
    AT_WAVELENGTH = "wavelength"

    @property
    def label(self) -> str:
        """The label in the window."""
        return _LABELS[self]


_LABELS = {
    Normalise.NONE: "Not normalised", Normalise.MAXIMUM: "Maximum = 1", Normalise.AREA: "Mean = 1",
    Normalise.AT_WAVELENGTH: "1 at the wavelength",
}  # fmt: skip


@dataclass(frozen=True)
class Transform:
    """Processing of spectra for the plot: normalise, then differentiate, then subtract the active mark's spectrum."""

    normalise: Normalise = Normalise.NONE
    derivative: bool = False
    difference: bool = False

    def curve(self, spectrum: Spectrum, nm: float) -> Values:
        """Return the values (L,) of a spectrum, normalised (if so chosen, at `nm`) and differentiated (per nm)."""
        values = spectrum.values / self.scale(spectrum, nm)
        if self.derivative and len(values) > 1:
            values = np.gradient(values, spectrum.wavelengths.nm)
        return np.asarray(values, np.float64)

    def scale(self, spectrum: Spectrum, nm: float) -> float:
        """Return the divisor of the normalisation; 1 where it would be zero or not finite."""
        values, bands = spectrum.values.astype(np.float64), spectrum.wavelengths.nm
        if self.normalise is Normalise.MAXIMUM:
            scale = values.max()
        elif self.normalise is Normalise.AREA:
            width = bands[-1] - bands[0]
            scale = np.trapezoid(values, bands) / width if width > 0 else values[0]
        elif self.normalise is Normalise.AT_WAVELENGTH:
            scale = np.interp(nm, bands, values)
        else:
            return 1.0
        return float(scale) if np.isfinite(scale) and abs(scale) > 1e-9 else 1.0

    def apply(self, spectrum: Spectrum, nm: float, active: Spectrum | None) -> Values:
        """Return the processed values (L,); differences are nan where `active` has no values."""
        values = self.curve(spectrum, nm)
        if not self.difference or active is None:
            return values
        bands, other = spectrum.wavelengths.nm, active.wavelengths.nm
        return values - np.interp(bands, other, self.curve(active, nm), left=np.nan, right=np.nan)

    def unit(self, quantity: str) -> str:
        """Return the axis title for a quantity after processing."""
        name = quantity if self.normalise is Normalise.NONE else f"{quantity}, {self.normalise.label.lower()}"
        name = f"derivative of {name} per nm" if self.derivative else name
        return f"difference in {name}" if self.difference else name


@dataclass(frozen=True, eq=False)
class ReferenceSpectrum:
    """A reference spectrum from a library, with the name of its source file or chart."""

    spectrum: Spectrum
    source: str
    visible: bool = True


@dataclass(frozen=True)
class PlotSettings:
    """Processing of the spectra, and the references shown: measured spectra, smooth metamers, library spectra."""

    transform: Transform = field(default_factory=Transform)
    truth: bool = True
    smooth: bool = False
    library: tuple[ReferenceSpectrum, ...] = ()

    @property
    def visible_library(self) -> tuple[ReferenceSpectrum, ...]:
        """The library spectra that are not hidden."""
        return tuple(reference for reference in self.library if reference.visible)

    def with_spectra(self, spectra: Sequence[Spectrum], source: str) -> PlotSettings:
        """Return the settings with library spectra added.

        Raises:
            ValueError: there would be more than `MOST`.
        """
        if len(self.library) + len(spectra) > MOST:
            loaded = f" and {len(self.library)} are already loaded" if self.library else ""
            raise ValueError(
                f"{source} contains {len(spectra)} spectra{loaded}; at most {MOST} can be compared at once, "
                "so remove some or load a smaller file"
            )
        return replace(self, library=(*self.library, *(ReferenceSpectrum(each, source) for each in spectra)))

    def with_visible(self, place: int, visible: bool) -> PlotSettings:
        """Return the settings with the library spectrum at index `place` shown or hidden."""
        changed = replace(self.library[place], visible=visible)
        return replace(self, library=(*self.library[:place], changed, *self.library[place + 1 :]))

    def without_library(self) -> PlotSettings:
        """Return the settings without library spectra."""
        return replace(self, library=())


class Kind(enum.Enum):
    """The kind of a line; the value is its dash pattern in line widths (empty: solid)."""

    CURVE = ()
    TRUTH = (5.0, 4.0)
    SMOOTH = (1.0, 2.5)
    LIBRARY = (8.0, 3.0, 1.5, 3.0)


@dataclass(frozen=True, eq=False)
class Line:
    """One line of the plot, and the mark it belongs to, if any."""

    kind: Kind
    mark: Mark | None
    name: str
    spectrum: Spectrum


def symbol_places(number: int, nm_range: tuple[float, float]) -> list[float]:
    """Return the wavelengths (nm) of a mark's symbols along its curve, offset by number to keep equal curves apart."""
    low, high = nm_range
    shift = 0.7 * ((number * 0.37) % 1.0 - 0.5)
    return [low + (high - low) * (n + 0.5 + shift) / SYMBOLS for n in range(SYMBOLS)]


@dataclass(frozen=True, eq=False)
class PlotContent:
    """What the plot shows: the visible marks with their results, the references, and the processing.

    `nm` and `active` are used by a `transform` that refers to them.
    """

    marks: Sequence[Mark] = ()
    curves: Mapping[MarkGeometry, MarkSpectrum] = field(default_factory=dict)
    colour_results: Mapping[MarkGeometry, ColourResult] = field(default_factory=dict)
    library: Sequence[ReferenceSpectrum] = ()
    truth: bool = True
    smooth: bool = False
    transform: Transform = field(default_factory=Transform)
    nm: float = 550.0
    active: int | None = None

    def values(self, spectrum: Spectrum) -> Values:
        """Return the processed values (L,) of a spectrum."""
        return self.transform.apply(spectrum, self.nm, self._active_spectrum())

    @property
    def basis(self) -> tuple[object, ...]:
        """A key of everything that `values` depends on besides the spectrum."""
        transform = self.transform
        nm = self.nm if transform.normalise is Normalise.AT_WAVELENGTH else 0.0
        return transform, nm, self._active_spectrum() if transform.difference else None

    def lines(self) -> list[Line]:
        """Return all lines, in the order of the marks, library spectra last."""
        lines = []
        for mark in self.marks:
            curve, colour_result = self.curves.get(mark.place), self.colour_results.get(mark.place)
            if curve is None:
                continue
            lines.append(Line(Kind.CURVE, mark, mark.title, curve.spectrum))
            if self.truth and curve.truth is not None:
                lines.append(Line(Kind.TRUTH, mark, f"{mark.title}, measured", curve.truth))
            if self.smooth and colour_result is not None and colour_result.smooth is not None:
                lines.append(Line(Kind.SMOOTH, mark, f"{mark.title}, smooth metamer", colour_result.smooth))
        return lines + [Line(Kind.LIBRARY, None, each.spectrum.name, each.spectrum) for each in self.library]

    def spread(self, curve: MarkSpectrum) -> tuple[Values, Values] | None:
        """Return the edges (lower, upper), each (L,), of the band: ±1 standard deviation, or the prediction interval.

        None if there is neither, or if derivatives are shown.
        """
        if self.transform.derivative or (curve.deviation is None and curve.interval is None):
            return None  # the spread of values does not determine the spread of slopes
        spectrum = curve.spectrum
        if curve.deviation is not None:
            low, high = spectrum.values - curve.deviation, spectrum.values + curve.deviation
        else:
            assert curve.interval is not None
            low, high = curve.interval
        scale, shift = self.transform.scale(spectrum, self.nm), self.values(spectrum)
        middle = spectrum.values / scale
        return shift + (low / scale - middle), shift + (high / scale - middle)

    def seen(self, curve: MarkSpectrum) -> tuple[Values, Values] | None:
        """Return the model's input bands (nm and values, (l,) each), scaled and shifted like the curve.

        None if the input was a photograph, or if derivatives are shown, which single bands do not determine.
        """
        if curve.seen is None or self.transform.derivative:
            return None
        spectrum, nm = curve.spectrum, curve.seen.wavelengths.nm
        scale = self.transform.scale(spectrum, self.nm)
        shift = self.values(spectrum) - spectrum.values / scale
        return nm, curve.seen.values / scale + np.interp(nm, spectrum.wavelengths.nm, shift, np.nan, np.nan)

    def _active_spectrum(self) -> Spectrum | None:
        mark = next((mark for mark in self.marks if mark.number == self.active), None)
        curve = self.curves.get(mark.place) if mark is not None else None
        return curve.spectrum if curve is not None else None
