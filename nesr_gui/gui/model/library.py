"""Spectral libraries that are open in the window, and how a mark is compared with them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from nesr_gui.analysis.distances import Distance
from nesr_gui.analysis.library import SpectralLibrary
from nesr_gui.analysis.matching import METAMERIC
from nesr_gui.analysis.pixelwise import Range
from nesr_gui.spectral import Spectrum

MOST_METAMERIC = 20.0  # ΔE2000 that can be chosen


@dataclass(frozen=True, eq=False)
class OpenedLibrary:
    """An opened library.

    Attributes:
        name: as shown.
        library: its spectra.
        path: its file or folder; None for spectra of marks.
        skipped: files of the folder that hold no spectra.
    """

    name: str
    library: SpectralLibrary
    path: Path | None = None
    skipped: tuple[str, ...] = ()

    @property
    def saved(self) -> SavedLibrary:
        """What a session file records of it: the path, or the spectra if there is none."""
        spectra = () if self.path is not None else tuple(entry.spectrum for entry in self.library.entries)
        return SavedLibrary(self.name, self.path, spectra)


@dataclass(frozen=True, eq=False)
class SavedLibrary:
    """An opened library in a session file: its path, or else its spectra."""

    name: str
    path: Path | None = None
    spectra: tuple[Spectrum, ...] = ()


@dataclass(frozen=True)
class MatchSettings:
    """How the active mark is compared with the libraries.

    Attributes:
        distance: by which matches are ranked.
        within: compared wavelengths in nm; None for all of the image.
        metamers: whether only spectra with the colour of the mark are listed.
        most: ΔE2000 up to which colours count as the same.
        any_brightness: whether metamers may have another brightness.
    """

    distance: Distance = Distance.ANGLE
    within: Range | None = None
    metamers: bool = False
    most: float = METAMERIC
    any_brightness: bool = True

    def __post_init__(self) -> None:
        if self.within is not None and not all(map(math.isfinite, self.within)):
            raise ValueError(f"a range of {self.within[0]:g}-{self.within[1]:g} nm")
        if not 0 < self.most <= MOST_METAMERIC:
            raise ValueError(f"a colour difference of {self.most:g}; choose up to {MOST_METAMERIC:g}")

    @property
    def ranked_by(self) -> Distance:
        """The distance that the list shows."""
        return Distance.COLOUR if self.metamers else self.distance
