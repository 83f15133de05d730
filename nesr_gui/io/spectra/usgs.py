"""Spectra in the text files of the USGS Spectral Library Version 7 (Kokaly et al. 2017, doi 10.3133/ds1035).

A file has a title, `splib07a Record=1234: Grass …`, and one value per line; -1.23e34 is a deleted channel. The
wavelengths, in µm, are in a file of the same form whose name contains `Wavelengths`, in the folder of the library,
above the folders of its chapters.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nesr_gui.io.cubes.decoding import HUGE
from nesr_gui.spectral import Spectrum, Wavelengths

_TITLE = re.compile(r"\s*\S*\s*Record\s*=\s*\d+\s*:\s*(.*?)\s*$")
_FOLDERS = 3  # that are searched for wavelengths: that of the spectrum, and those above it
_MAX_BYTES = 1 << 20
_MOST_MICROMETRES = 300.0  # longer wavelengths are in nm: the library ends at 216 µm


Axes = dict[Path, list[tuple[str, npt.NDArray[np.float64]]]]
"""Folder → the names and the wavelengths (L,), as stored, of its files of wavelengths."""


def is_usgs(text: str) -> bool:
    """Whether a text begins with the title of a record."""
    return _TITLE.match(text.partition("\n")[0]) is not None


def parse(text: str, path: Path, axes: Axes | None = None) -> list[Spectrum]:
    """The spectrum of the file `path`, beside which its wavelengths are looked for.

    Args:
        text: the text of the file.
        path: the file.
        axes: wavelengths that were read for other files, and to which those for this one are added.

    Raises:
        ValueError: it holds wavelengths itself, or other text than numbers, or there are no wavelengths for it.
    """
    title, values = _record(text)
    if _is_axis(path.name):
        raise ValueError("it holds the wavelengths of other files, not a spectrum")
    values = np.where(np.abs(values) >= HUGE, np.nan, values)
    nm = _wavelengths(path, title, values.size, {} if axes is None else axes)
    order = np.argsort(nm, kind="stable")
    return [Spectrum(Wavelengths(nm[order]), values[order].astype(np.float32), title or path.stem)]


def _record(text: str) -> tuple[str, npt.NDArray[np.float64]]:
    first, _, rest = text.partition("\n")
    found = _TITLE.match(first)
    values = np.array([float(line) for line in rest.split()])
    if values.size < 2:
        raise ValueError("it holds no numbers")
    return " ".join(found[1].split()) if found else "", values


def _is_axis(name: str) -> bool:
    return re.search(r"wavelength|bandpass|resolution", name, re.IGNORECASE) is not None


def _wavelengths(path: Path, title: str, count: int, axes: Axes) -> npt.NDArray[np.float64]:
    """Wavelengths (count,) in nm from the nearest file that has as many.

    Of several, that of the spectrometer in the title.
    """
    folder = path.absolute().parent
    for _ in range(_FOLDERS):
        if folder not in axes:
            axes[folder] = _axes_of(folder)
        candidates = [(name, values) for name, values in axes[folder] if values.size == count]
        if candidates:
            named = [values for name, values in candidates if _spectrometers(name) & _spectrometers(title)]
            different = named or [values for _, values in candidates]
            if any(not np.array_equal(values, different[0]) for values in different):
                raise ValueError(f"several files beside it have {count} wavelengths; keep the one that belongs to it")
            return different[0] * (1000 if different[0].max() < _MOST_MICROMETRES else 1)
        folder = folder.parent
    raise ValueError(
        f"no file of {count} wavelengths lies beside it or above; copy the library's files of Wavelengths there"
    )


def _axes_of(folder: Path) -> list[tuple[str, npt.NDArray[np.float64]]]:
    """Names and wavelengths of the files of wavelengths in a folder."""
    found = []
    for each in sorted(folder.glob("*avelengths*.txt")):
        try:
            if each.stat().st_size <= _MAX_BYTES:
                name, values = _record(each.read_text(encoding="latin-1"))
                if (values > 0).all():
                    found.append((f"{each.stem} {name}", values))
        except (OSError, ValueError):
            continue
    return found


def _spectrometers(text: str) -> set[str]:
    """Spectrometers named in a title or a file name, without the letters that follow: ASDFRa is ASD."""
    return set(re.findall(r"ASD|BECK|NIC4|AVIRIS", text))
