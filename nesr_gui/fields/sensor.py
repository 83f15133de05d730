"""Simulated multispectral sensor: mean of a spectral image over the response of each band.

A field is sampled at nodes and assumed to be linear between them: every whole nm and the centre of every band, or, for
a cube, which is linear between its bands, those bands. Under this assumption the means are exact for box-shaped and
tabulated responses, and accurate to 1e-6 for Gaussian ones.
"""

from __future__ import annotations

import enum
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from nesr_gui import resources
from nesr_gui.fields.notebook import NotebookMethods
from nesr_gui.fields.protocol import (
    Block,
    Points,
    SpectralField,
    assemble_cube,
    is_linear_between_bands,
    validate_window,
)
from nesr_gui.spectral import FloatArray, Quantity, SpectralCube, Spectrum, Wavelengths, as_wavelength_array

STEP = 1.0  # nm between the nodes of a field that is not a cube
MAX_MISSING = 0.01  # fraction of a response that may lie outside the range of the field
RECORDED_MISSING = 1e-4  # fraction above which files record it
MAX_BANDS = 1000
_SIGMA = 1 / (2 * math.sqrt(2 * math.log(2)))  # standard deviation of a Gaussian with a full width at half maximum of 1
_REACH = 5.0  # standard deviations at which a Gaussian is truncated
_GAUSS = np.polynomial.legendre.leggauss(4)
_WRITE = "write [NAME:]CENTRE/FWHM in nm, as in 492.4/66, B3:559.8/36"

Samples = tuple[tuple[float, float], ...]
Doubles = npt.NDArray[np.float64]


class BandShape(enum.StrEnum):
    """Shape of a band's response."""

    GAUSSIAN = "Gaussian"
    BOX = "box"
    TABLE = "table"


@dataclass(frozen=True)
class SensorBand:
    """One band: `centre` and full width at half maximum `fwhm` in nm, and `samples` (nm, response) if tabulated.

    Raises:
        ValueError: centre or width is not positive.
    """

    name: str
    centre: float
    fwhm: float
    shape: BandShape = BandShape.GAUSSIAN
    samples: Samples = ()

    def __post_init__(self) -> None:
        if not all(math.isfinite(number) and number > 0 for number in (self.centre, self.fwhm)):
            raise ValueError(
                f"band {self.name} has a centre of {self.centre:g} nm and a width of {self.fwhm:g} nm; "
                "both must be above 0"
            )

    @classmethod
    def measured(cls, response: Spectrum) -> SensorBand:
        """Band with a tabulated response; negative values, which are noise, are set to 0.

        Raises:
            ValueError: there are fewer than two samples, or all are 0.
        """
        nm, values = response.wavelengths.nm, np.maximum(response.values.astype(np.float64), 0)
        if nm.size < 2 or not np.isfinite(values).all() or not values.any():
            raise ValueError(f"band {response.name} has no response; expected finite values, some of them above 0")
        area = np.trapezoid(values, nm)
        centre = float(np.trapezoid(values * nm, nm) / area)
        fwhm = _full_width(nm, values) or float(area / values.max())
        return cls(response.name, centre, fwhm, BandShape.TABLE, tuple(zip(nm.tolist(), values.tolist(), strict=True)))

    def knots(self) -> Doubles:
        """Wavelengths (nm) at which the response begins, bends and ends."""
        if self.shape is BandShape.TABLE:
            return np.array(self.samples)[:, 0]
        if self.shape is BandShape.BOX:
            return np.array([self.centre - self.fwhm / 2, self.centre + self.fwhm / 2])
        return self.centre + self.fwhm * _SIGMA * np.linspace(-_REACH, _REACH, 41)

    def response(self, nm: Doubles) -> Doubles:
        """Relative response at `nm`; 0 outside the first and last knot."""
        if self.shape is BandShape.TABLE:
            table = np.array(self.samples)
            return np.interp(nm, table[:, 0], table[:, 1], left=0, right=0)
        if self.shape is BandShape.BOX:
            return (np.abs(nm - self.centre) <= self.fwhm / 2).astype(np.float64)
        deviations = (nm - self.centre) / (self.fwhm * _SIGMA)
        return np.where(np.abs(deviations) <= _REACH, np.exp(-(deviations**2) / 2), 0.0)

    def weights(self, nodes: Doubles) -> tuple[Doubles, float]:
        """Weight of each node (N,) in the mean, summing to 1, and the fraction of the response outside the nodes.

        All weights are 0 if no part of the response lies within the nodes.
        """
        knots = self.knots()
        edges = np.union1d(knots, nodes[(nodes > knots[0]) & (nodes < knots[-1])])
        half = np.diff(edges)[:, None] / 2
        at = (edges[:-1, None] + half + half * _GAUSS[0]).ravel()
        mass = self.response(at) * (half * _GAUSS[1]).ravel()
        total, within = mass.sum(), (at >= nodes[0]) & (at <= nodes[-1])
        at, mass = at[within], mass[within]
        covered = mass.sum()
        if covered <= 0 or nodes.size < 2:
            return np.zeros(nodes.size), 1.0
        low = np.clip(np.searchsorted(nodes, at, side="right") - 1, 0, nodes.size - 2)
        share = (at - nodes[low]) / (nodes[low + 1] - nodes[low])
        added = np.bincount(low, mass * (1 - share), nodes.size) + np.bincount(low + 1, mass * share, nodes.size)
        return added / covered, max(float(1 - covered / total), 0.0)


def _full_width(nm: Doubles, values: Doubles) -> float:
    """Full width at half maximum (nm) of a table that is linear between its samples; 0 for a single sample."""
    half = values.max() / 2
    first, last = np.flatnonzero(values >= half)[[0, -1]]
    edges = []
    for inner, outer in ((first, first - 1), (last, last + 1)):
        at = float(nm[inner])
        if 0 <= outer < nm.size:
            at += float(nm[outer] - nm[inner]) * float((values[inner] - half) / (values[inner] - values[outer]))
        edges.append(at)
    return edges[1] - edges[0]


@dataclass(frozen=True)
class Sensor:
    """Bands in order of centre wavelength; `source` cites the publication of their data.

    `is_selected` tells that the user listed the bands, so that one outside the range of a field is an error; of a named
    sensor or a table, the bands within the range are used.

    Raises:
        ValueError: there are too few or too many bands, or two have the same centre.
    """

    name: str
    bands: tuple[SensorBand, ...]
    source: str = ""
    is_selected: bool = True

    def __post_init__(self) -> None:
        bands = tuple(sorted(self.bands, key=lambda band: band.centre))
        if not 1 <= len(bands) <= MAX_BANDS:
            raise ValueError(f"a sensor of {len(bands)} bands; between 1 and {MAX_BANDS:,} are allowed")
        same = [f"{a.name} and {b.name}" for a, b in pairwise(bands) if a.centre == b.centre]
        if same:
            raise ValueError(f"bands {same[0]} have the same centre; a cube has one band per wavelength")
        object.__setattr__(self, "bands", bands)

    @classmethod
    def parse(cls, text: str, shape: BandShape = BandShape.GAUSSIAN) -> Sensor:
        """Parse bands written as `[NAME:]CENTRE/FWHM` in nm, separated by commas or lines, or a pasted table.

        Raises:
            ValueError: the text is not such a list.

        Examples:
            >>> sensor = Sensor.parse("blue:475/32, green:560/27")
            >>> [band.name for band in sensor.bands], list(sensor.wavelengths)
            (['blue', 'green'], [475.0, 560.0])
        """
        bands: list[SensorBand] = []
        for entry in filter(None, (part.strip() for part in re.split(r"[,;\n]", text))):
            *words, centre, fwhm = ["", *re.split(r"[\s:/]+", entry)] if re.search(r"[\s:/]", entry) else ["", "", ""]
            try:
                name = " ".join(words).strip() or f"B{len(bands) + 1}"
                bands.append(SensorBand(name, float(centre), float(fwhm), shape))
            except ValueError as error:
                if "must be above" in str(error):
                    raise
                raise ValueError(f"cannot read the band {entry[:40]!r}; {_WRITE}") from None
        if not bands:
            raise ValueError(f"no sensor bands given; {_WRITE}")
        return cls("own bands", tuple(bands))

    @classmethod
    def measured(cls, name: str, responses: Sequence[Spectrum]) -> Sensor:
        """Sensor with tabulated responses, for example from `io.spectra.readers.read_spectra`."""
        return cls(name, tuple(SensorBand.measured(response) for response in responses), name, is_selected=False)

    def shaped(self, shape: BandShape) -> Sensor:
        """Sensor with the same centres and widths and another response shape; with its tables for a table."""
        if shape is BandShape.TABLE:
            return self
        return replace(self, bands=tuple(replace(band, shape=shape, samples=()) for band in self.bands))

    def within(self, field: SpectralField) -> Sensor:
        """The sensor with only the bands that lie within the range of a field, unless the user selected its bands.

        Raises:
            ValueError: there are none.
        """
        if self.is_selected:
            return self
        nodes = _nodes(field, self)
        bands = tuple(band for band in self.bands if band.weights(nodes)[1] <= MAX_MISSING)
        if not bands:
            low, high = field.wavelength_range
            raise ValueError(
                f"none of the {len(self.bands)} bands of {self.name} lies within this image's {low:g}-{high:g} nm; "
                "choose another sensor"
            )
        return replace(self, bands=bands)

    @property
    def wavelengths(self) -> Wavelengths:
        """Centre wavelengths."""
        return Wavelengths(np.array([band.centre for band in self.bands]))

    def __str__(self) -> str:
        """Text that `parse` accepts."""
        return ", ".join(f"{band.name}:{band.centre:g}/{band.fwhm:g}" for band in self.bands)


def _published() -> dict[str, Sensor]:
    """The bundled satellite sensors, with the response tables of their operators."""
    sensors = {}
    for entry in json.loads(resources.sensor_tables().read_text(encoding="utf-8")):
        responses = []
        for name, table in entry["bands"].items():
            values = np.array(table["response"], np.float32)
            nm = table["first_nm"] + table["step_nm"] * np.arange(len(values))
            responses.append(Spectrum(Wavelengths(nm), values, name))
        sensor = Sensor.measured(entry["name"], responses)
        bands = tuple(
            replace(band, centre=round(band.centre, 1), fwhm=round(band.fwhm, 1)) for band in sensor.bands
        )  # as usual in the literature
        sensors[sensor.name] = replace(sensor, bands=bands, source=entry["source"])
    return sensors


SENSORS = _published()
"""Satellite sensors by name, with all their solar bands; a field uses those within its range."""

SAMPLINGS = {
    "31 bands, 10 nm (CAVE, ICVL, NTIRE)": Wavelengths.from_step(400, 700, 10),
    "ICVL's spectrograph, 1.25 nm": Wavelengths.from_step(400, 700, 1.25),
    "7 bands of the paper": Wavelengths.evenly_spaced(7),
    "11 bands of the paper": Wavelengths.evenly_spaced(11),
    "16 bands of the paper": Wavelengths.evenly_spaced(16),
    "61 bands of the paper": Wavelengths.evenly_spaced(61),
}
"""Wavelengths used by data sets and papers, by name."""


class SensorField(NotebookMethods):
    """A field as measured by a sensor; defined only at the centres of its bands.

    Raises:
        ValueError: more than 1 % of the response of a band that the user selected, or of all bands of a named sensor,
            lies outside the range of the field.
    """

    def __init__(self, field: SpectralField, sensor: Sensor) -> None:
        self.left_out = len(sensor.bands)
        sensor = sensor.within(field)
        self.left_out -= len(sensor.bands)
        self.field, self.sensor = field, sensor
        self.wavelengths = self.bands = sensor.wavelengths
        self.wavelength_range: tuple[float, float] = (float(self.bands.nm[0]), float(self.bands.nm[-1]))
        self.shape: tuple[int, int] = field.shape
        self.binning, self.source_shape = field.binning, field.source_shape
        self.quantity: Quantity = field.quantity
        nodes = _nodes(field, sensor)
        weighted = [band.weights(nodes) for band in sensor.bands]
        self.missing = tuple(missing for _, missing in weighted)
        self._check()
        weights = np.stack([weights for weights, _ in weighted])
        used = weights.any(axis=0)
        self._nodes, self._weights = nodes[used], weights[:, used].astype(np.float32)

    @property
    def provenance(self) -> dict[str, str]:
        """Provenance of the field, with the bands and the method of integration."""
        bands = [f"{band.name} {band.centre:g} nm, FWHM {band.fwhm:g} nm, {band.shape}" for band in self.sensor.bands]
        attributes = {
            **self.field.provenance,
            "sensor": self.sensor.name,
            "sensor_bands": "; ".join(bands),
            "sensor_integration": f"means over the responses, from {len(self._nodes)} wavelengths, linear between",
        }
        if self.sensor.source:
            attributes["sensor_source"] = self.sensor.source
        if self.left_out:
            attributes["sensor_left_out"] = self.selection_text()
        if missing := self.missing_text():
            attributes["sensor_missing"] = missing
        return attributes

    def selection_text(self) -> str:
        """How many bands of the sensor lie within the range of the field; empty if all do."""
        count = len(self.sensor.bands)
        return f"{count} of {count + self.left_out} bands are within the image's range" if self.left_out else ""

    def missing_text(self) -> str:
        """Description of bands that extend beyond the range of the field, and by how much; empty if none does."""
        short = zip(self.sensor.bands, self.missing, strict=True)
        named = [f"{band.name} {100 * missing:.2g} %" for band, missing in short if missing > RECORDED_MISSING]
        return f"of the response lies outside the range: {', '.join(named)}" if named else ""

    def spectra(self, points: Points, wavelengths: Wavelengths | npt.ArrayLike) -> FloatArray:
        """See `SpectralField.spectra`."""
        nodes, weights = self._select_bands(wavelengths)
        return np.ascontiguousarray(_means(weights, self.field.spectra(points, nodes).T).T)

    def band(self, nm: float, *, stride: int = 1, rows: slice | None = None, cols: slice | None = None) -> FloatArray:
        """See `SpectralField.band`."""
        nodes, weights = self._select_bands(nm)
        total: FloatArray | None = None
        for node, weight in zip(nodes.tolist(), weights[0], strict=True):
            part = weight * self.field.band(node, stride=stride, rows=rows, cols=cols)
            total = part if total is None else total + part
        assert total is not None  # each band has a node
        return total

    def blocks(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> Iterator[Block]:
        """See `SpectralField.blocks`."""
        nodes, weights = self._select_bands(wavelengths)
        for block in self.field.blocks(nodes, rows=rows, cols=cols):
            yield Block(block.rows, block.cols, _means(weights, block.values))

    def cube(
        self, wavelengths: Wavelengths | npt.ArrayLike, *, rows: slice | None = None, cols: slice | None = None
    ) -> SpectralCube:
        """See `SpectralField.cube`."""
        return assemble_cube(self, wavelengths, *validate_window(self, rows, cols))

    def _select_bands(self, wavelengths: Wavelengths | npt.ArrayLike) -> tuple[Doubles, FloatArray]:
        """Nodes (n,) of the requested bands, and their weights (l, n)."""
        nm, centres = as_wavelength_array(wavelengths), self.bands.nm
        which = np.minimum(np.searchsorted(centres, nm), centres.size - 1)
        if (other := nm[centres[which] != nm]).size:
            raise ValueError(f"{self.sensor.name} has no band at {other[0]:g} nm; its bands are {self.sensor}")
        weights = self._weights[which]
        used = weights.any(axis=0)
        return self._nodes[used], weights[:, used]

    def _check(self) -> None:
        low, high = self.field.wavelength_range
        for band, missing in zip(self.sensor.bands, self.missing, strict=True):
            if missing > MAX_MISSING:
                raise ValueError(
                    f"{100 * missing:.3g} % of the response of band {band.name} ({band.centre:g} nm, {band.fwhm:g} nm "
                    f"wide, {band.shape}) lies outside this image's {low:g}-{high:g} nm; remove the band"
                )


def _nodes(field: SpectralField, sensor: Sensor) -> Doubles:
    """Increasing wavelengths (nm) between which the field is assumed to be linear."""
    if is_linear_between_bands(field):
        return field.bands.nm
    low, high = field.wavelength_range
    whole = np.arange(math.ceil(low / STEP) * STEP, high, STEP)
    centres = [band.centre for band in sensor.bands if low < band.centre < high]
    return np.unique(np.concatenate([[low, high], whole, centres]))


def _means(weights: FloatArray, values: FloatArray) -> FloatArray:
    """Weighted means (l, …) of values (n, …); a missing value affects only bands that respond at its wavelength."""
    means = np.empty((len(weights), *values.shape[1:]), np.float32)
    for mean, band in zip(means, weights, strict=True):
        first, last = np.flatnonzero(band)[[0, -1]]
        parts, shares = values[first : last + 1], band[first : last + 1]
        silent = shares == 0
        mean[...] = np.tensordot(shares[~silent], parts[~silent] if silent.any() else parts, axes=1)
    return means
