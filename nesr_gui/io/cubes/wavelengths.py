"""Wavelengths of bands: units, the text in which files state them, and whether a list can be one of wavelengths at all.

A list is not believed because of its name: dimensions without a coordinate hold zeros (`_Netcdf4Dimid`), other lists
count the bands, and units contradict their numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from nesr_gui.spectral import Wavelengths

Positions = npt.NDArray[np.float64]

SPEED_OF_LIGHT = 299_792_458.0  # m/s, exact
_LENGTHS = {
    1.0: "nm nanometer nanometers nanometre nanometres",
    1e3: "um µm μm micrometer micrometers micrometre micrometres micron microns",
    1e6: "mm millimeter millimeters millimetre millimetres",
    1e7: "cm centimeter centimeters centimetre centimetres",
    1e9: "m meter meters metre metres",
    0.1: "å angstrom angstroms ångström",
}
_INVERSE = {  # nm = factor / value
    1e9: "m-1 m^-1 1/m m⁻¹",
    1e7: "cm-1 cm^-1 cm**-1 1/cm cm⁻¹ wavenumber wavenumbers",
    SPEED_OF_LIGHT * 1e9: "hz",
    SPEED_OF_LIGHT * 1e3: "mhz",
    SPEED_OF_LIGHT: "ghz",
    SPEED_OF_LIGHT * 1e-3: "thz",
}
TO_NM = {unit: factor for factor, units in _LENGTHS.items() for unit in units.split()}
INVERSE_TO_NM = {unit: factor for factor, units in _INVERSE.items() for unit in units.split()}
DECIMALS = 9  # precision of converted wavelengths in nm: further digits are rounding errors
UNSTATED = {"", "unknown", "none", "1", "unitless"}
OPTICAL = (100.0, 100_000.0)  # nm: optical instruments cover 0.1 to 100 µm
AMBIGUOUS = 2600.0  # nm: lists that begin above may as well be in Å (visible) or in cm⁻¹ (near infrared)
MAX_BANDS = 100_000
MAX_TEXT = 4 << 20  # characters of a list of wavelengths
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_ITEM = re.compile(rf"\s*({_NUMBER})\s*([a-zµμåÅ]*(?:/[a-z]+)?(?:\^?-1|⁻¹)?)\s*", re.IGNORECASE)
_OTHER_UNIT = re.compile(r"cm ?\^?-1|/ ?cm|cm⁻¹|hz|ev\b|[µμu]m\b|microm|micron|angstrom|Å", re.IGNORECASE)
_BETWEEN_WORDS = re.compile(r"[\s_,;:]+|(?<!\d)/")  # 1/cm is one word, λ/nm are two
_IN_NAME = re.compile(
    r"(\d+(?:\.\d+)?)[\s_]*[(\[]?(nm|nanometers?|nanometres?|µm|μm|um|micrometers?|micrometres?|microns?|"
    r"angstroms?|Å)(?![a-z])",
    re.IGNORECASE,
)


@dataclass(frozen=True, eq=False)
class BandAxis:
    """Wavelengths (L,) float64 nm in the file's order, and notes on their conversion, for the provenance.

    A band to which the file assigns no wavelength (0, as PRISMA does) has NaN.
    """

    nm: Positions
    notes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class BandPositions:
    """Wavelengths that the user states for stored bands: `nm` (L,) float64, finite and positive, in any order.

    Raises:
        ValueError: the values do not meet these conditions.
    """

    nm: Positions

    def __post_init__(self) -> None:
        nm = np.array(self.nm, dtype=np.float64)
        if nm.ndim != 1 or nm.size == 0 or not np.isfinite(nm).all() or (nm <= 0).any():
            raise ValueError("wavelengths of bands must be finite and positive numbers, in nm")
        nm.setflags(write=False)
        object.__setattr__(self, "nm", nm)

    @classmethod
    def parse(cls, text: str) -> BandPositions:
        """Parse `start:stop:step`, whose step may be negative, or a list, in nm and in the order of the file.

        Raises:
            ValueError: the text has neither form.
        """
        if ":" not in text:
            listed = parse_list(text)
            if listed is not None and listed[0].size:
                return cls(to_nanometres(listed[0], listed[1] or "nm").nm)
        elif re.fullmatch(rf"\s*{_NUMBER}\s*:\s*{_NUMBER}\s*:\s*-\s*{_NUMBER}\s*", text):
            start, stop, step = (float(part) for part in text.split(":"))
            return cls(start - (Wavelengths.from_step(stop, start, -step).nm - stop))
        return cls(Wavelengths.parse(text).nm)

    def __len__(self) -> int:
        return int(self.nm.size)


def to_nanometres(values: npt.ArrayLike, unit: str) -> BandAxis:
    """Convert band positions in `unit` to nm; an unstated unit is inferred from the values if unambiguous.

    Raises:
        ValueError: the unit is unknown, or the values are not finite and positive. Zeros are accepted if most of the
            bands have a wavelength.
    """
    given = np.asarray(values, dtype=np.float64)
    if (
        given.ndim != 1
        or not np.isfinite(given).all()
        or (given < 0).any()
        or 2 * np.count_nonzero(given) <= given.size
    ):
        raise ValueError("wavelengths must be a list of finite, positive numbers")
    stated = given[given > 0]
    name = unit_name(unit)
    notes = {}
    if name in UNSTATED:
        name = unit_of_size(stated)
        notes["source_wavelength_unit"] = f"{name} (not stated; inferred from the values)"
    elif TO_NM.get(name) != 1:
        notes["source_wavelength_unit"] = unit.strip()
    given = np.where(given > 0, given, np.nan)
    if name in TO_NM:
        return BandAxis(given if TO_NM[name] == 1 else np.round(given * TO_NM[name], DECIMALS), notes)
    if name in INVERSE_TO_NM:
        return BandAxis(np.round(INVERSE_TO_NM[name] / given, DECIMALS), notes)
    raise ValueError(f"they are in {unit!r}; expected nm, µm, mm, m, Å, cm⁻¹, m⁻¹ or GHz")


def unit_name(unit: str) -> str:
    """Unit in lower case, without brackets, quotes and spaces; of text such as `wavelength (nm)` the unit in it."""
    plain = unit.strip().strip("[](){}\"'").replace(" ", "").lower()
    if plain in TO_NM or plain in INVERSE_TO_NM:
        return plain
    return _unit_among(re.split(r"[\[\](){};,\"']|\.$", plain)) or plain


def _unit_among(words: Iterable[str]) -> str:
    """The only unit among words; empty if there is none, or if there are several that differ."""
    units = [word for word in words if word in TO_NM or word in INVERSE_TO_NM]
    sizes = {TO_NM.get(unit, -INVERSE_TO_NM.get(unit, 0.0)) for unit in units}
    return units[0] if len(sizes) == 1 else ""


def unit_in_title(title: str) -> str:
    """Unit that the title of a column states, as in `Wavelength (µm)`, `wavelength_nm` and `Wavenumber`.

    Empty if it states none. Unknown text in brackets is a unit too, which `to_nanometres` refuses.
    """
    if shift := re.search(r"raman.*shift", title, re.IGNORECASE):  # the difference to the wavenumber of a laser
        return shift[0]
    in_brackets = re.search(r"[(\[{]([^)\]}]+)", title)
    if in_brackets is not None and unit_name(in_brackets[1]) not in UNSTATED:
        return in_brackets[1]
    return _unit_among(map(unit_name, _BETWEEN_WORDS.split(title))) or unit_of_quantity(title)


def unit_of_quantity(name: str) -> str:
    """Unit of the quantity that something is called by, if it is not a wavelength and no unit is stated; else empty.

    Wavenumbers are in cm⁻¹.
    """
    kind = re.search(r"(wave[_ ]?number)|frequency|freq|energy", name, re.IGNORECASE)
    if kind is None:
        return ""
    return "wavenumber" if kind[1] else f"an unstated unit of {kind[0].lower()}"


def titled_nanometres(values: npt.ArrayLike, title: str) -> Positions:
    """Wavelengths (L,) in nm of a column of text, whose title may state their unit.

    Raises:
        ValueError: the unit is unknown or unclear, contradicts the values, or these only count the lines.
    """
    given = np.asarray(values, np.float64)
    unit = unit_in_title(title)
    if not unit and is_placeholder(given):
        raise ValueError("its first column counts the lines; it must hold the wavelengths")
    try:
        nm = to_nanometres(given, unit).nm
    except ValueError as error:
        raise ValueError(f"its wavelengths are unclear: {error}") from error
    reason, _ = contradiction(given, unit)
    if reason and ((nm < OPTICAL[0]) | (nm > OPTICAL[1])).all():  # some spectra extend beyond optical instruments
        raise ValueError(f"it {reason}")
    return nm


def unit_of_size(values: Positions) -> str:
    """Infer the unit from values: those of optical instruments in nm, µm and m do not overlap.

    Raises:
        ValueError: the values are not wavelengths in any of them, or may be in Å or cm⁻¹ as well.
    """
    low, high = float(values.min()), float(values.max())
    if low >= AMBIGUOUS and high < OPTICAL[1]:
        raise ValueError(f"their unit is not stated, and {low:g} to {high:g} may be in nm, Å or cm⁻¹")
    for name, factor in (("nm", 1.0), ("µm", 1e3), ("m", 1e9)):
        if low * factor >= OPTICAL[0] and high * factor < OPTICAL[1]:
            return name
    raise ValueError(f"their unit is not stated, and {low:g} to {high:g} is not a wavelength in nm, µm or m")


def contradiction(values: npt.ArrayLike, unit: str) -> tuple[str, Positions | None]:
    """Why values in their stated unit are no wavelengths of an optical instrument, and the likely ones in nm.

    An empty reason if they may well be.
    """
    given = np.asarray(values, np.float64)
    nm = to_nanometres(given, unit).nm
    low, high = float(np.nanmin(nm)), float(np.nanmax(nm))
    if OPTICAL[0] <= low and high <= OPTICAL[1]:
        return "", None
    reason = f"states {given[given > 0].min():g} to {given.max():g} {unit.strip()}, which no optical instrument covers"
    try:
        return reason, to_nanometres(given, unit_of_size(given[given > 0])).nm
    except ValueError:
        return reason, None


def is_placeholder(values: npt.ArrayLike) -> bool:
    """Whether a list states no wavelengths: zeros, a constant, no numbers at all, or those of the bands."""
    given = np.ravel(np.asarray(values, np.float64))
    if given.size == 0 or not np.isfinite(given).any() or not given.any():
        return True
    if given.size == 1:
        return False
    counts = any(np.array_equal(given, np.arange(given.size) + first) for first in (0, 1))
    return counts or bool((given == given[0]).all())


def parse_list(text: str) -> tuple[Positions, str] | None:
    """Numbers (L,) of a list and the unit that stands inside it, empty if none; None if the text has other content.

    Brackets, spaces or semicolons instead of commas, a trailing comma, and a unit behind each number are accepted, and
    a decimal comma where semicolons separate.
    """
    if len(text) > MAX_TEXT:
        return None
    plain = re.sub(r"[\[\](){}\"']", " ", text)
    if ";" in plain:
        plain = re.sub(r"(?<=\d),(?=\d)", ".", plain)
    parts = [part for part in re.split(r"[,;]", plain)]
    while parts and not parts[-1].strip():
        parts.pop()
    numbers: list[float] = []
    units: set[str] = set()
    for part in parts:
        position = 0
        while position < len(part.rstrip()):
            match = _ITEM.match(part, position)
            if match is None or (position and part[match.start(1) - 1].isalnum()):
                return None
            numbers.append(float(match[1]))
            if match[2]:
                units.add(match[2])
            position = match.end()
        if not part.strip():
            return None
    if len(units) > 1 or any(unit_name(unit) not in TO_NM | INVERSE_TO_NM for unit in units):
        return None
    return np.array(numbers), next(iter(units), "")


def named_in(names: Sequence[str]) -> tuple[Positions, str] | None:
    """Wavelengths and unit in names of bands such as `Band 1 (400 Nanometers)`; None unless each name has one."""
    found = [_IN_NAME.search(name) for name in names]
    matches = [match for match in found if match]
    if not matches or len(matches) < len(found) or len({unit_name(match[2]) for match in matches}) > 1:
        return None
    values = np.array([float(match[1]) for match in matches])
    return None if is_placeholder(values) else (values, matches[0][2])


def numbers_in(names: Sequence[str]) -> Positions | None:
    """Numbers in names of bands such as `B01 (443)` that may be wavelengths in nm; None if there are none.

    They are the last number in each name, rise or fall throughout, and lie between 200 and 20,000.
    """
    found = [re.findall(r"\d+(?:\.\d+)?", name) for name in names]
    if not found or not all(found) or any(_OTHER_UNIT.search(name) for name in names):
        return None
    values = np.array([float(numbers[-1]) for numbers in found])
    steps = np.diff(values)
    is_ordered = bool((steps > 0).all() or (steps < 0).all())
    is_plausible = is_ordered and values.min() >= 200 and values.max() <= 20_000 and not is_placeholder(values)
    return values if is_plausible else None


def likely_nanometres(values: npt.ArrayLike, unit: str) -> Positions | None:
    """Wavelengths in nm of values in an unknown unit, if it seems to be one of length and one only fits; else None."""
    if "m" not in unit.lower() or re.search(r"inv|per|recip|number|/|-1|⁻", unit, re.IGNORECASE):
        return None
    given = np.asarray(values, np.float64)
    try:
        return to_nanometres(given, "").nm
    except ValueError:
        return None


def wavelengths_text(nm: Positions) -> str:
    """Wavelengths in the syntax of the user interface: `400:700:10` if that is exact, otherwise a list."""
    steps = np.diff(nm)
    if nm.size > 2 and np.allclose(steps, steps[0], rtol=1e-6) and steps[0] != 0:
        text = f"{nm[0]:.10g}:{nm[-1]:.10g}:{steps.mean():.10g}"
        try:
            if np.allclose(BandPositions.parse(text).nm, nm, rtol=1e-9):
                return text
        except ValueError:
            pass
    return ",".join(f"{value:.10g}" for value in nm)
