"""The size of an image pixel on the ground, from the georeferencing of a cube."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

_METRES = {"meters": 1.0, "metres": 1.0, "meter": 1.0, "metre": 1.0, "m": 1.0, "feet": 0.3048, "km": 1000.0}
_WIDTH, _HEIGHT = 5, 6  # positions in ENVI's map info: projection, reference x, y, easting, northing, width, height


@dataclass(frozen=True)
class PixelSize:
    """Length of the side of a square source pixel in metres."""

    metres: float

    @classmethod
    def of(cls, provenance: Mapping[str, str]) -> PixelSize | None:
        """Return the size that the `map info` of an ENVI header states.

        None without one, for angular or unknown units, and for pixels that are not square.
        """
        parts = [part.strip() for part in provenance.get("map info", "").strip("{} ").split(",")]
        stated = [match[1].lower() for part in parts if (match := re.fullmatch(r"units\s*=\s*(\w+)", part, re.I))]
        unit = _METRES.get(stated[0] if stated else "meters" if parts[0].upper() == "UTM" else "")
        if unit is None or len(parts) <= _HEIGHT:
            return None
        try:
            width, height = (float(parts[place]) * unit for place in (_WIDTH, _HEIGHT))
        except ValueError:
            return None
        is_valid = 0 < width < math.inf and math.isclose(width, height, rel_tol=0.01)
        return cls(width) if is_valid else None
