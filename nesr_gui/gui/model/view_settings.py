"""How the image pane shows what is open: everything about it that a session file keeps."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from nesr_gui.gui.model.session_parts import read_spectrum, spectrum_json
from nesr_gui.spectral import Spectrum

Limits = tuple[float, float]


class Arrangement(enum.StrEnum):
    """How many pictures there are."""

    SINGLE = "single"
    DIVIDED = "divided"  # two over each other, one left and one right of a line
    SIDE_BY_SIDE = "side by side"


class Measure(enum.StrEnum):
    """What the error against the truth is."""

    DIFFERENCE = "difference"  # at the wavelength
    RELATIVE = "relative"  # at the wavelength
    RMSE = "rmse"
    MRAE = "mrae"
    ANGLE = "angle"
    COLOUR = "colour"


@dataclass(frozen=True)
class Look:
    """Modes of the left and the right picture by name, and what belongs to them; plain values throughout.

    `levels` and `colormaps` hold what the user chose, by the key of a scale; what is missing there is automatic.
    `divider` is the share of the view's width left of the line. `reference` None means the active pin's spectrum.
    """

    modes: tuple[str, str] = ("photograph", "band")
    active: int = 0
    arrangement: Arrangement = Arrangement.SINGLE
    divider: float = 0.5
    false_colour: tuple[float, float, float] = (650.0, 550.0, 450.0)
    measure: Measure = Measure.DIFFERENCE
    reference: Spectrum | None = None
    levels: Mapping[str, Limits] = field(default_factory=dict)
    colormaps: Mapping[str, str] = field(default_factory=dict)
    speed: float = 40.0  # nm/s of the sweep

    @property
    def mode(self) -> str:
        """The mode that the keys change."""
        return self.modes[self.active]

    @property
    def sides(self) -> tuple[int, ...]:
        """Which of the two pictures are in sight."""
        return (self.active,) if self.arrangement is Arrangement.SINGLE else (0, 1)

    def showing(self, mode: str, side: int | None = None) -> Look:
        """With another mode on one side, the active one if none is named."""
        side = self.active if side is None else side
        return replace(self, modes=(mode, self.modes[1]) if side == 0 else (self.modes[0], mode), active=side)

    def arranged(self, arrangement: Arrangement) -> Look:
        """With one picture or two; two that would be the same become the photograph and the other."""
        look = replace(self, arrangement=arrangement)
        if arrangement is not Arrangement.SINGLE and look.modes[0] == look.modes[1]:
            return replace(look, modes=("photograph", "band" if look.mode == "photograph" else look.mode), active=1)
        return look

    def divided_at(self, share: float) -> Look:
        """With the line elsewhere; a twentieth of the view stays on each side of it."""
        return replace(self, divider=round(min(max(share, 0.05), 0.95), 4))

    def with_levels(self, key: str, limits: Limits | None) -> Look:
        """With other levels under a key, or with None automatic ones again."""
        return replace(self, levels=_with(self.levels, key, limits))

    def with_colormap(self, key: str, name: str | None) -> Look:
        return replace(self, colormaps=_with(self.colormaps, key, name))


def _with(known: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    rest = {name: kept for name, kept in known.items() if name != key}
    return rest if value is None else {**rest, key: value}


def as_json(look: Look) -> dict[str, Any]:
    """A look as what `json.dumps` writes."""
    known = asdict(replace(look, reference=None))
    if look.reference is not None:
        known["reference"] = spectrum_json(look.reference)
    return known


def from_json(known: Mapping[str, Any], modes: Collection[str]) -> Look:
    """A look as `as_json` wrote it, of `modes` that there are; what is missing is as at first.

    Raises:
        ValueError: it is no such thing.
    """
    try:
        given = dict(known)
        for name, read in _READERS.items():
            if name in given:
                given[name] = read(given[name])
        look = Look(**given)
        if unknown := set(look.modes) - set(modes):
            raise ValueError(f"there is no mode {', '.join(sorted(unknown))}")
        return look
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise ValueError(f"this is no view that nesr_gui saved ({error}); open the image itself") from error


def _number(low: float, high: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        number = float(value)
        if not low <= number <= high:  # what is no number is not between
            raise ValueError(f"{number:g} is not between {low:g} and {high:g}")
        return number

    return read


def _reference(known: Any) -> Spectrum | None:
    return None if known is None else read_spectrum(known)


def _pair(modes: Any) -> tuple[str, str]:
    left, right = modes
    return str(left), str(right)


def _three(wavelengths: Any) -> tuple[float, float, float]:
    red, green, blue = map(_number(1, 1e6), wavelengths)
    return red, green, blue


def _levels(levels: Any) -> dict[str, Limits]:
    made = {str(key): (float(low), float(high)) for key, (low, high) in levels.items()}
    if not all(math.isfinite(low) and math.isfinite(high) and low < high for low, high in made.values()):
        raise ValueError("a lower limit is not below its upper one")
    return made


_READERS: dict[str, Callable[[Any], Any]] = {
    "modes": _pair, "active": lambda side: (0, 1).index(side), "arrangement": Arrangement,
    "divider": _number(0.05, 0.95), "false_colour": _three, "measure": Measure, "reference": _reference,
    "levels": _levels, "colormaps": lambda names: {str(key): str(name) for key, name in names.items()},
    "speed": _number(0.1, 1000),
}  # fmt: skip
