"""Spectral libraries: many measured spectra from several files, with search and resampling."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.io.spectra.readers import is_spectrum_file, read_spectra
from nesr_gui.io.spectra.usgs import Axes
from nesr_gui.spectral import FloatArray, Spectrum, Wavelengths

MAX_ENTRIES = 1_000_000
TOO_MANY = f"the library has more than {MAX_ENTRIES:,} spectra; open fewer files"
_STEP = 256  # spectra resampled between two calls of `progress`


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
    _resampled: dict[bytes, tuple[SpectralLibrary, FloatArray]] = field(default_factory=dict, init=False, repr=False)

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
            entries += read_entries(path)[0]
            if len(entries) > MAX_ENTRIES:
                raise ValueError(TOO_MANY)
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
        return SpectralLibrary(tuple(sorted(self.entries, key=lambda entry: (natural_key(entry.name), entry.file))))

    def covering(
        self, wavelengths: Wavelengths, progress: ProgressCallback | None = None
    ) -> tuple[SpectralLibrary, FloatArray]:
        """The spectra that cover all of the wavelengths, and their values (N, L), linear between their own.

        Gaps (NaN) inside a spectrum are bridged. The result for the latest wavelengths is kept: one pixel after the
        other is compared at the same ones.
        """
        key = wavelengths.nm.tobytes()
        if (kept := self._resampled.get(key)) is None:
            kept = self._resample(wavelengths, progress)
            kept[1].setflags(write=False)
            self._resampled.clear()
            self._resampled[key] = kept
        return kept

    def _resample(
        self, wavelengths: Wavelengths, progress: ProgressCallback | None
    ) -> tuple[SpectralLibrary, FloatArray]:
        low, high = wavelengths.nm[[0, -1]]
        chosen: list[Entry] = []
        rows: list[FloatArray] = []
        for done, entry in enumerate(self.entries):
            if progress is not None and done % _STEP == 0:
                progress(done / len(self.entries))
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


def read_entries(path: Path, progress: ProgressCallback | None = None) -> tuple[list[Entry], list[str]]:
    """Read a file, or the files below a folder in the order of their paths.

    Args:
        path: the file or folder.
        progress: called before each file with the fraction done; may raise `Cancelled`.

    Returns:
        The entries, and the names of the files of a folder that hold no spectra: notes and lists of wavelengths lie
        beside the spectra of published libraries.

    Raises:
        FileNotFoundError: it does not exist.
        UnreadableFile: the file cannot be read.
        ValueError: a folder has too many spectra.
    """
    if not path.is_dir():
        return [Entry(each, path.name) for each in read_spectra(path)], []
    entries: list[Entry] = []
    skipped: list[str] = []
    axes: Axes = {}
    files = [each for each in sorted(path.rglob("*")) if _may_hold_spectra(each)]
    for done, each in enumerate(files):
        if progress is not None:
            progress(done / len(files))
        name = each.relative_to(path).as_posix()
        try:
            entries += [Entry(spectrum, name) for spectrum in read_spectra(each, axes)]
        except ValueError:
            skipped.append(name)
        if len(entries) > MAX_ENTRIES:
            raise ValueError(TOO_MANY)
    return entries, skipped


def _may_hold_spectra(path: Path) -> bool:
    is_header_of_data = path.suffix.lower() == ".hdr" and path.with_suffix(".sli").exists()
    return is_spectrum_file(path) and not is_header_of_data


def natural_key(name: str) -> tuple[tuple[int, str], ...]:
    """Sort key of a name in which digits count as numbers: leaf 2 before leaf 10, in any case."""
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
