"""Settings of the spectra plot: normalisation, references, and the resulting lines."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from nesr_gui.analysis.continuum import continuum, remove_continuum
from nesr_gui.gui.model.marks import Absorption, ColourResult, Mark, MarkGeometry, MarkSpectrum
from nesr_gui.spectral import Spectrum

Values = npt.NDArray[np.float64]
Range = tuple[float, float]
INSET = 0.015  # of the wavelength axis, between a symbol at the end of a line and that end
HEADROOM = 1.12  # factor above the highest value
DECADES = 4  # most decades of an automatic logarithmic axis
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
    """Processing of spectra for the plot.

    They are normalised or divided by their continuum, then differentiated, then that of the active mark is subtracted.
    """

    normalise: Normalise = Normalise.NONE
    derivative: bool = False
    difference: bool = False
    continuum: bool = False

    @property
    def is_of_whole_spectra(self) -> bool:
        """Whether a value depends on those at other wavelengths, so that a single one has no place in the plot."""
        return self.derivative or self.continuum

    def curve(self, spectrum: Spectrum, nm: float) -> Values:
        """Return the values (L,) of a spectrum, without differences.

        Args:
            spectrum: the spectrum; one with gaps has no continuum (NaN).
            nm: the wavelength of the normalisation, if so chosen.
        """
        if self.continuum:  # whose removal no factor changes
            values = remove_continuum(spectrum.values, spectrum.wavelengths)
        else:
            values = spectrum.values / self.scale(spectrum, nm)
        if self.derivative and len(values) > 1:
            values = np.gradient(values, spectrum.wavelengths.nm)
        return np.asarray(values, np.float64)

    def scale(self, spectrum: Spectrum, nm: float) -> float:
        """Return the divisor of the normalisation, over the bands that have values.

        It is 1 instead of zero, and nan if there is no value at the wavelength of the normalisation.
        """
        known = np.isfinite(spectrum.values)
        values, bands = spectrum.values[known].astype(np.float64), spectrum.wavelengths.nm[known]
        if self.normalise is Normalise.NONE or not values.size:
            return 1.0
        if self.normalise is Normalise.MAXIMUM:
            scale = values.max()
        elif self.normalise is Normalise.AREA:
            width = bands[-1] - bands[0]
            scale = np.trapezoid(values, bands) / width if width > 0 else values[0]
        else:
            scale = np.interp(nm, spectrum.wavelengths.nm, np.where(known, spectrum.values, np.nan))
        return 1.0 if abs(scale) <= 1e-30 else float(scale)

    def apply(self, spectrum: Spectrum, nm: float, active: Spectrum | None) -> Values:
        """Return the processed values (L,); differences are nan where `active` has no values."""
        values = self.curve(spectrum, nm)
        if not self.difference or active is None:
            return values
        bands, other = spectrum.wavelengths.nm, active.wavelengths.nm
        return values - np.interp(bands, other, self.curve(active, nm), left=np.nan, right=np.nan)

    def unit(self, quantity: str) -> str:
        """Return the axis title for a quantity after processing."""
        if self.continuum:
            name = "ratio to the continuum"
        elif self.normalise is Normalise.NONE:
            name = quantity
        else:
            name = f"{quantity}, {self.normalise.label.lower()}"
        name = f"derivative of {name} per nm" if self.derivative else name
        return f"difference in {name}" if self.difference else name


@dataclass(frozen=True, eq=False)
class ReferenceSpectrum:
    """A reference spectrum from a library, with the name of its source file or chart."""

    spectrum: Spectrum
    source: str
    visible: bool = True


@dataclass(frozen=True)
class PlotAxes:
    """The scale of the value axis, and the limits of both axes; None is automatic.

    Attributes:
        is_logarithmic: whether the value axis is logarithmic.
        nm_limits: limits of the wavelength axis in nm.
        value_limits: limits of the value axis.
    """

    is_logarithmic: bool = False
    nm_limits: Range | None = None
    value_limits: Range | None = None

    def __post_init__(self) -> None:
        for name, limits in (("wavelength", self.nm_limits), ("value", self.value_limits)):
            if limits is not None and not (all(map(math.isfinite, limits)) and limits[0] < limits[1]):
                raise ValueError(
                    f"the {name} axis cannot run from {limits[0]:g} to {limits[1]:g}; the first limit must be less "
                    "than the second"
                )
        if self.is_logarithmic and self.value_limits is not None and self.value_limits[0] <= 0:
            raise ValueError(
                f"a logarithmic axis cannot start at {self.value_limits[0]:g}; choose a lower limit above 0"
            )

    def scaled(self, values: Values) -> Values:
        """Return values as they are placed along the axis: their decimal logarithm if it is logarithmic.

        Values without a logarithm become nan.
        """
        if not self.is_logarithmic:
            return values
        return np.log10(values, where=values > 0, out=np.full(np.shape(values), np.nan))

    def nm_range(self, available: Range) -> Range:
        """Return the limits of the wavelength axis for an image that covers `available`; all of it if disjoint."""
        low, high = available if available[1] > available[0] else (available[0] - 0.5, available[1] + 0.5)
        if self.nm_limits is not None and self.nm_limits[0] < high and self.nm_limits[1] > low:
            return max(low, self.nm_limits[0]), min(high, self.nm_limits[1])
        return low, high

    def value_range(self, values: Values, least: float = 0.0) -> Range:
        """Return the limits of the value axis: the chosen ones, or those that fit `values` (N,).

        A linear axis includes `least`, a logarithmic one at most `DECADES` decades.
        """
        if self.value_limits is not None:
            return self.value_limits
        finite = values[np.isfinite(values)]
        if self.is_logarithmic:
            finite = finite[finite > 0]
            top = float(finite.max(initial=0.0)) * HEADROOM or 1.0
            return max(float(finite.min(initial=top)) / HEADROOM, top / 10**DECADES), top
        low, high = float(finite.min(initial=least)), float(finite.max(initial=least))
        high = high if high > low else low + 1.0
        return low - (HEADROOM - 1) / 2 * (high - low) if low < least else low, low + (high - low) * HEADROOM


class Spreads(enum.StrEnum):
    """The marks whose standard deviation or prediction interval is drawn."""

    NONE = "none"
    ACTIVE = "active"
    ALL = "all"

    @property
    def label(self) -> str:
        """The label in the window."""
        return {Spreads.NONE: "None", Spreads.ACTIVE: "Active mark", Spreads.ALL: "All marks"}[self]


@dataclass(frozen=True)
class PlotSettings:
    """How spectra are plotted.

    Attributes:
        transform: the processing of the spectra.
        truth: whether measured spectra are shown, and `smooth` the smooth metamers.
        hull: whether the continuum of each mark's spectrum is shown, while spectra are not processed.
        library: the reference spectra.
        spreads: the marks whose standard deviation or prediction interval is shown.
        axes: scale and limits of the axes.
    """

    transform: Transform = field(default_factory=Transform)
    truth: bool = True
    smooth: bool = False
    library: tuple[ReferenceSpectrum, ...] = ()
    spreads: Spreads = Spreads.ACTIVE
    axes: PlotAxes = field(default_factory=PlotAxes)
    hull: bool = False

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


class Kind(enum.Enum):
    """The kind of a line; the value is its dash pattern in line widths, or None for a solid line."""

    CURVE = None
    TRUTH = (5.0, 4.0)
    SMOOTH = (1.0, 2.5)
    LIBRARY = (8.0, 3.0, 1.5, 3.0)
    READING = (2.5, 1.5)
    METAMER = (200.0, 1.0)  # hardly dashed: many lines in a row
    MATCH = (6.0, 2.0, 1.0, 2.0, 1.0, 2.0)
    HULL = (2.0, 2.0)
    CENTRE = (4.0, 1.2, 1.2, 1.2)


NAMED = frozenset({Kind.CURVE, Kind.LIBRARY, Kind.MATCH, Kind.CENTRE})
"""Kinds of lines whose names are written beside them."""


@dataclass(frozen=True, eq=False)
class Line:
    """One line of the plot, and the mark it belongs to, if any; `colour` is that of a line without a mark, #rrggbb."""

    kind: Kind
    mark: Mark | None
    name: str
    spectrum: Spectrum
    colour: str = ""

    @property
    def ink(self) -> str:
        """Its colour #rrggbb; empty for a quiet one."""
        return self.mark.colour if self.mark is not None else self.colour


@dataclass(frozen=True, eq=False)
class LibraryCurves:
    """Library spectra beside the active mark, scaled to it.

    Attributes:
        lines: single spectra, above those of the marks.
        family: many spectra, beneath those of the marks.
        texts: what the key calls each kind of them.
    """

    lines: tuple[Line, ...]
    family: tuple[Line, ...]
    texts: Mapping[Kind, str]


class SpreadKind(enum.Enum):
    """What the band around a spectrum is; each kind is drawn in its own way."""

    INTERVAL = "90 % prediction interval"  # filled
    DEVIATION = "± standard deviation"  # hatched

    @property
    def short(self) -> str:
        """A name for little space."""
        return "90 % interval" if self is SpreadKind.INTERVAL else "± SD"


@dataclass(frozen=True, eq=False)
class Spread:
    """The band around the spectrum of a mark: its lower and upper edge (L,) at wavelengths (L,) in nm."""

    kind: SpreadKind
    mark: Mark
    nm: Values
    low: Values
    high: Values


KeySign = Kind | SpreadKind | str | None
"""What a key explains: a kind of line or band, (None) the circles of the model's input bands; a text is a remark."""


def symbol_places(nm: Values, nm_range: Range) -> tuple[float, float]:
    """Return the wavelengths (nm) of a mark's symbols: the visible ends of its spectrum at wavelengths `nm` (L,)."""
    inset = INSET * (nm_range[1] - nm_range[0])
    low, high = max(float(nm[0]), nm_range[0]), min(float(nm[-1]), nm_range[1])
    return min(low + inset, high), max(high - inset, low)


@dataclass(frozen=True, eq=False)
class PlotContent:
    """What the plot shows: the visible marks with their results, the references, and the processing.

    Attributes:
        marks: the visible marks, with `curves`, `colour_results` and `absorptions` by their geometry.
        library: the visible reference spectra.
        truth, smooth, hull, transform, spreads, axes: as in `PlotSettings`.
        nm: the selected wavelength, and `active` the number of the active mark.
        is_estimated: whether the spectra are reconstructed by a model rather than measured.
        readings: the measured spectra that marks carry, scaled to the reconstruction, by mark number.
        matches: library spectra beside the active mark.
        centres: the centres of clusters.
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
    spreads: Spreads = Spreads.ACTIVE
    axes: PlotAxes = field(default_factory=PlotAxes)
    is_estimated: bool = True
    readings: Mapping[int, Spectrum] = field(default_factory=dict)
    matches: LibraryCurves | None = None
    centres: Sequence[Line] = ()
    hull: bool = False
    absorptions: Mapping[MarkGeometry, Absorption] = field(default_factory=dict)

    def values(self, spectrum: Spectrum) -> Values:
        """Return the processed values (L,) of a spectrum."""
        return self.transform.apply(spectrum, self.nm, self._subtracted)

    @property
    def basis(self) -> tuple[object, ...]:
        """A key of everything that `values` depends on besides the spectrum."""
        transform = self.transform
        nm = self.nm if transform.normalise is Normalise.AT_WAVELENGTH else 0.0
        return transform, nm, self._subtracted

    @cached_property
    def lines(self) -> list[Line]:
        """All lines from the lowest to the uppermost: in the order of the marks, reference spectra and matches last."""
        lines = []
        for mark in self.marks:
            curve, colour_result = self.curves.get(mark.place), self.colour_results.get(mark.place)
            if curve is None:
                continue
            lines.append(Line(Kind.CURVE, mark, mark.title, curve.spectrum))
            if self.truth and curve.truth is not None:
                lines.append(Line(Kind.TRUTH, mark, f"{mark.title}, measured", curve.truth))
            if (reading := self.readings.get(mark.number)) is not None:
                lines.append(Line(Kind.READING, mark, f"{mark.title}, reading", reading))
            if self.hull and self.transform == Transform():
                hull = continuum(curve.spectrum.values, curve.spectrum.wavelengths)
                name = f"{mark.title}, continuum"
                lines.append(Line(Kind.HULL, mark, name, Spectrum(curve.spectrum.wavelengths, hull)))
            if self.smooth and colour_result is not None and colour_result.smooth is not None:
                lines.append(Line(Kind.SMOOTH, mark, f"{mark.title}, smooth metamer", colour_result.smooth))
        lines += [Line(Kind.LIBRARY, None, each.spectrum.name, each.spectrum) for each in self.library]
        lines += self.centres
        return lines if self.matches is None else [*self.matches.family, *lines, *self.matches.lines]

    def value_range(self) -> Range:
        """Return the limits of the value axis, which fits the lines and circles; bands may exceed it."""
        shown = [self.values(line.spectrum) for line in self.lines]
        shown += [inputs[1] for _, inputs in self.inputs]
        is_ratio = self.transform == Transform(continuum=True)  # 1 at the continuum
        return self.axes.value_range(np.concatenate(shown) if shown else np.zeros(0), 1.0 if is_ratio else 0.0)

    def key(self) -> list[tuple[KeySign, str]]:
        """Return what a key must explain: the kinds of lines, bands and circles that are shown."""
        texts = {
            Kind.CURVE: "estimated" if self.is_estimated else "measured", Kind.TRUTH: "measured",
            Kind.SMOOTH: "smooth metamer", Kind.LIBRARY: "reference", Kind.READING: "reading",
            Kind.HULL: "continuum", Kind.CENTRE: "cluster centre",
        }  # fmt: skip
        if self.matches is not None:
            texts |= self.matches.texts
        lines, bands = {line.kind for line in self.lines}, {spread.kind for spread in self.shown_spreads}
        key: list[tuple[KeySign, str]] = [(kind, texts[kind]) for kind in Kind if kind in lines]
        key += [(kind, kind.value) for kind in SpreadKind if kind in bands]
        if self.transform.is_of_whole_spectra:
            key += [(text, text) for text in self._missing_spreads()]
        return [*key, (None, "model input")] if self.inputs else key

    @cached_property
    def shown_spreads(self) -> list[Spread]:
        """The bands to draw, of the marks that `spreads` selects."""
        shown = []
        for mark, curve, kind in self._wanted_spreads():
            edges = self.spread(curve, self.absorptions.get(mark.place))
            if edges is not None:
                shown.append(Spread(kind, mark, curve.spectrum.wavelengths.nm, *edges))
        return shown

    def _wanted_spreads(self) -> list[tuple[Mark, MarkSpectrum, SpreadKind]]:
        """The marks whose bands `spreads` selects and which have one, with their spectra."""
        if self.spreads is Spreads.NONE:
            return []
        wanted = []
        for mark in self.marks:
            curve = self.curves.get(mark.place)
            if curve is not None and (self.spreads is Spreads.ALL or mark.number == self.active):
                if curve.deviation is not None:
                    wanted.append((mark, curve, SpreadKind.DEVIATION))
                elif curve.interval is not None:
                    wanted.append((mark, curve, SpreadKind.INTERVAL))
        return wanted

    def _missing_spreads(self) -> list[str]:
        """What the key says of bands that do not follow from those of the values: they are not drawn."""
        of = "derivatives" if self.transform.derivative else "ratios to the continuum"
        kinds = {kind for _, _, kind in self._wanted_spreads()}
        if not self.transform.derivative:
            kinds &= {SpreadKind.DEVIATION}
        return [f"no {kind.short} of {of}" for kind in SpreadKind if kind in kinds]

    @cached_property
    def inputs(self) -> list[tuple[Mark, tuple[Values, Values]]]:
        """The model's input bands of every mark that has them; see `seen`."""
        found = [(mark, self.seen(curve)) for mark in self.marks if (curve := self.curves.get(mark.place)) is not None]
        return [(mark, inputs) for mark, inputs in found if inputs is not None]

    def spread(self, curve: MarkSpectrum, absorption: Absorption | None = None) -> tuple[Values, Values] | None:
        """Return the edges (lower, upper), each (L,), of the band: ±1 standard deviation, or the prediction interval.

        None if there is neither, or if derivatives are shown. Without the continuum, the interval is that of
        `absorption`, and there is no standard deviation: both do not follow from those of the values.
        """
        if self.transform.derivative or (curve.deviation is None and curve.interval is None):
            return None  # the spread of values does not determine the spread of slopes
        spectrum = curve.spectrum
        if self.transform.continuum:
            if curve.deviation is not None or absorption is None or absorption.limits is None:
                return None
            shift = self.values(spectrum) - self.transform.curve(spectrum, self.nm)
            return shift + absorption.limits[0], shift + absorption.limits[1]
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

        None if the input was a photograph, or if derivatives or ratios to the continuum are shown, which single bands
        do not determine.
        """
        if curve.seen is None or self.transform.is_of_whole_spectra:
            return None
        spectrum, nm = curve.spectrum, curve.seen.wavelengths.nm
        scale = self.transform.scale(spectrum, self.nm)
        shift = self.values(spectrum) - spectrum.values / scale
        return nm, curve.seen.values / scale + np.interp(nm, spectrum.wavelengths.nm, shift, np.nan, np.nan)

    @cached_property
    def _subtracted(self) -> Spectrum | None:
        """The spectrum of the active mark, if differences to it are shown."""
        if not self.transform.difference:
            return None
        mark = next((mark for mark in self.marks if mark.number == self.active), None)
        curve = self.curves.get(mark.place) if mark is not None else None
        return curve.spectrum if curve is not None else None
