"""Spectral libraries: many measured spectra from several files, with search and resampling."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nesr_gui.io.spectra.readers import extensions, read_spectra
from nesr_gui.spectral import FloatArray, Spectrum, Wavelengths

MAX_ENTRIES = 1_000_000


@dataclass(frozen=True, eq=False)
class Entry:
    """A spectrum of a library, and the file that it is from."""

    spectrum: Spectrum
    file: str = ""

    @property
    def name(self) -> str:
        """Name of the spectrum."""
        return self.spectrum.name


@dataclass(frozen=True, eq=False)
class SpectralLibrary:
    """Spectra at any wavelengths, in the order of their files."""

    entries: tuple[Entry, ...]

    @classmethod
    def read(cls, paths: Iterable[str | os.PathLike[str]]) -> SpectralLibrary:
        """Read files, and folders of files, in any of the formats of `read_spectra`.

        In a folder, files with other extensions and files that hold no spectra (lists of wavelengths, notes) are
        skipped.

        Raises:
            FileNotFoundError: a file does not exist.
            UnreadableFile: a file cannot be read.
            ValueError: there is no spectrum, or there are too many.
        """
        entries: list[Entry] = []
        names = [Path(path) for path in paths]
        for path in names:
            entries += _folder(path) if path.is_dir() else [Entry(each, path.name) for each in read_spectra(path)]
            if len(entries) > MAX_ENTRIES:
                raise ValueError(f"the library has more than {MAX_ENTRIES:,} spectra; open fewer files")
        if not entries:
            raise ValueError(
                f"{', '.join(path.name for path in names) or 'the library'} holds no spectra; choose files such as "
                ".csv, .sli or .txt, or folders of them"
            )
        return cls(tuple(entries))

    @classmethod
    def of(cls, spectra: Iterable[Spectrum], file: str = "") -> SpectralLibrary:
        """A library of spectra in memory, such as those of marks."""
        return cls(tuple(Entry(spectrum, file) for spectrum in spectra))

    def __len__(self) -> int:
        return len(self.entries)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the spectra."""
        return tuple(entry.name for entry in self.entries)

    def search(self, text: str) -> SpectralLibrary:
        """The spectra whose names or files contain every word of a text, in any case and order."""
        words = text.casefold().split()
        found = (e for e in self.entries if all(word in f"{e.name} {e.file}".casefold() for word in words))
        return SpectralLibrary(tuple(found))

    def sorted_by_name(self) -> SpectralLibrary:
        """The same spectra in the order of their names, numbers in names by their value."""
        return SpectralLibrary(tuple(sorted(self.entries, key=lambda entry: (_natural(entry.name), entry.file))))

    def covering(self, wavelengths: Wavelengths) -> tuple[SpectralLibrary, FloatArray]:
        """The spectra that cover all of the wavelengths, and their values (N, L), linear between their own.

        Gaps (NaN) inside a spectrum are bridged.
        """
        low, high = wavelengths.nm[[0, -1]]
        chosen: list[Entry] = []
        rows: list[FloatArray] = []
        for entry in self.entries:
            nm, values = entry.spectrum.wavelengths.nm, entry.spectrum.values
            valid = np.isfinite(values)
            if not valid.all():
                nm, values = nm[valid], values[valid]
            if nm.size and nm[0] <= low and nm[-1] >= high:
                chosen.append(entry)
                rows.append(_interpolated(wavelengths.nm, nm, values))
        values = np.stack(rows) if rows else np.empty((0, len(wavelengths)), np.float32)
        return SpectralLibrary(tuple(chosen)), values

    def pick(self, names: Sequence[str]) -> list[Spectrum]:
        """The spectra of these names, in this order.

        Raises:
            ValueError: the library has none, or several, of a name.
        """
        picked = []
        for name in names:
            found = [entry.spectrum for entry in self.entries if entry.name == name]
            if len(found) != 1:
                listed = ", ".join(self.names[:8]) + (", …" if len(self) > 8 else "")
                raise ValueError(
                    f"the library has {len(found) or 'no'} spectra named {name!r}; choose one of its {len(self)}: "
                    f"{listed}"
                )
            picked.append(found[0])
        return picked


def _folder(folder: Path) -> list[Entry]:
    """Entries of the files below a folder, in the order of their paths."""
    entries: list[Entry] = []
    known = extensions()
    for path in sorted(folder.rglob("*")):
        is_header_of_data = path.suffix.lower() == ".hdr" and path.with_suffix(".sli").exists()
        if path.is_file() and path.suffix.lower() in known and not is_header_of_data:
            try:
                entries += [Entry(each, str(path.relative_to(folder))) for each in read_spectra(path)]
            except ValueError:  # notes and lists of wavelengths lie beside the spectra of published libraries
                continue
    return entries


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """Sort key: digits as numbers."""
    parts: list[tuple[int, str]] = []
    for is_digit, text in _runs(name.casefold()):
        parts.append((int(text), "") if is_digit else (-1, text))
    return tuple(parts)


def _runs(text: str) -> Iterable[tuple[bool, str]]:
    return ((run.isdecimal(), run) for run in re.findall(r"\d{1,18}|\D+", text))


def _interpolated(
    wanted: npt.NDArray[np.float64], nm: npt.NDArray[np.float64], values: FloatArray
) -> npt.NDArray[np.float32]:
    if np.array_equal(wanted, nm):
        return values
    return np.interp(wanted, nm, values).astype(np.float32)
