"""What is plotted, on the screen and in a figure: lines with their values as they are shown."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from nesr_gui.gui.model.marks import Curve, Finding, Mark, Place
from nesr_gui.gui.model.plot_settings import Normalise, Reference, Transform
from nesr_gui.spectral import Spectrum

Values = npt.NDArray[np.float64]
SYMBOLS = 5  # along a curve


class Kind(enum.Enum):
    """What a line stands for; the value is its dashes, in widths of the line (none: drawn through)."""

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
    """Wavelengths (nm) at which a curve has the symbol of its mark; those of equal curves stand side by side."""
    low, high = nm_range
    shift = 0.7 * ((number * 0.37) % 1.0 - 0.5)
    return [low + (high - low) * (n + 0.5 + shift) / SYMBOLS for n in range(SYMBOLS)]


@dataclass(frozen=True, eq=False)
class Plotted:
    """What the plot shows: the marks that are not hidden with what is known of them, and what they are compared with.

    `nm` and `active` matter to a `transform` that refers to them.
    """

    marks: Sequence[Mark] = ()
    curves: Mapping[Place, Curve] = field(default_factory=dict)
    findings: Mapping[Place, Finding] = field(default_factory=dict)
    library: Sequence[Reference] = ()
    truth: bool = True
    smooth: bool = False
    transform: Transform = field(default_factory=Transform)
    nm: float = 550.0
    active: int | None = None

    def values(self, spectrum: Spectrum) -> Values:
        """The values (L,) of a spectrum as they are shown."""
        return self.transform.apply(spectrum, self.nm, self._active_spectrum())

    @property
    def basis(self) -> tuple[object, ...]:
        """What `values` depends on besides the spectrum: with an equal basis its values are equal."""
        transform = self.transform
        nm = self.nm if transform.normalise is Normalise.AT_WAVELENGTH else 0.0
        return transform, nm, self._active_spectrum() if transform.difference else None

    def lines(self) -> list[Line]:
        """Every line, the marks' in their order."""
        lines = []
        for mark in self.marks:
            curve, finding = self.curves.get(mark.place), self.findings.get(mark.place)
            if curve is None:
                continue
            lines.append(Line(Kind.CURVE, mark, mark.title, curve.spectrum))
            if self.truth and curve.truth is not None:
                lines.append(Line(Kind.TRUTH, mark, f"{mark.title}, measured", curve.truth))
            if self.smooth and finding is not None and finding.smooth is not None:
                lines.append(Line(Kind.SMOOTH, mark, f"{mark.title}, smooth metamer", finding.smooth))
        return lines + [Line(Kind.LIBRARY, None, each.spectrum.name, each.spectrum) for each in self.library]

    def spread(self, curve: Curve) -> tuple[Values, Values] | None:
        """Lower and upper edge (L,) of what is shaded around a curve: one standard deviation, or the 90 % interval."""
        if self.transform.derivative or (curve.deviation is None and curve.interval is None):
            return None  # how much values spread says nothing about how much slopes do
        spectrum = curve.spectrum
        if curve.deviation is not None:
            low, high = spectrum.values - curve.deviation, spectrum.values + curve.deviation
        else:
            assert curve.interval is not None
            low, high = curve.interval
        scale, shift = self.transform.scale(spectrum, self.nm), self.values(spectrum)
        middle = spectrum.values / scale
        return shift + (low / scale - middle), shift + (high / scale - middle)

    def seen(self, curve: Curve) -> tuple[Values, Values] | None:
        """Where (nm and values, (l,) each) what the model was shown stands beside a curve as that is shown.

        It is scaled and shifted as the curve; how steep a curve is, single bands do not say.
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
