"""Cubes of data sets that come as MATLAB files, whose axes the program's own reader knows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nesr_gui.io.cubes import matlab
from nesr_gui.io.cubes.description import CubeHints
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.registry import MissingExtra
from nesr_gui.spectral import Wavelengths
from nesr_gui.training.datasets.base import Opened


def open_mat(path: Path, arrays: Mapping[str, float | None], bands: Wavelengths) -> Opened:
    """The first of `arrays` that a file has, at `bands`; the name of each → the number that counts as 1.

    Raises:
        UnreadableFile: it has none of them, or not so many bands.
    """
    refusals = []
    for name, full_scale in arrays.items():
        try:
            return Opened(matlab.open_cube(path, CubeHints(wavelengths=bands, variable=name)), full_scale)
        except MissingExtra:
            raise
        except UnreadableFile as error:
            refusals.append(error)
    raise refusals[0]
