"""Readers of spectra from other programs: tables of text, libraries, CGATS, CxF, camera sensitivities.

Instruments and lamp makers use different separators, headers and units; the program's own files are read and written by
`nesr_gui.io.spectra.csv`, which is exact and strict.
"""

from __future__ import annotations

import csv
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry.cie import CAMERA_BANDS
from nesr_gui.colorimetry.viewing_conditions import Observer
from nesr_gui.io.cubes.decoding import HUGE
from nesr_gui.io.cubes.wavelengths import titled_nanometres
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.registry import SPECTRA, FileKind, plugin_formats, plugin_reader
from nesr_gui.io.spectra import cgats, cxf, ecostress, envi_library, usgs
from nesr_gui.spectral import Spectrum, Wavelengths

MAX_BYTES = 64 << 20
_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<|\xff\xfe<\0|\xfe\xff\0<")  # in UTF-8 or UTF-16
_NM = re.compile(
    r"(?:R|SCI|SCE)?[ _\[(]*(\d{3,4}(?:\.\d+)?)[ _]?\[?\(?nm\)?\]?", re.IGNORECASE
)  # in the header of a column
_FEWEST_BANDS = 5  # columns with a wavelength in their header that make a table of spectra in rows
_GAPS = {"", "-", "na", "n/a", "#n/a", "nan"}  # cells without a value, in lower case
CHANNELS = {"r": 0, "red": 0, "g": 1, "green": 1, "b": 2, "blue": 2}
RESPONSE_RANGE = (400.0, 700.0)  # nm: the range of the models, in which every channel must respond
EXPECTED = "a table whose first line is wavelength,R,G,B, in nm, with a row of numbers for each wavelength"
Sensitivities = tuple[Spectrum, Spectrum, Spectrum]
"""R, G, B on common wavelengths; only their shape matters, not their scale."""


def read_spectra(path: str | os.PathLike[str], axes: usgs.Axes | None = None) -> list[Spectrum]:
    """Read spectra: a table of text, an ENVI library, CGATS.17, CxF3, or a text of the ECOSTRESS or USGS library.

    A file with the extension of a plug-in is read by it.

    A table has wavelengths in its first column and a further column per spectrum, or wavelengths in its header
    (`400 nm`) and a row per spectrum. Marks around a table (`>>>>>Begin Spectral Data<<<<<`) are skipped.

    Wavelengths are in the unit that the title of their column states, which may be one of wavenumbers or frequencies;
    without one, in nm, µm or m, if the values fit one of them only. Decimal commas are accepted if another character
    separates the columns. Lines above the table that begin with no number are its header; lines starting with # are
    comments. Descending wavelengths are reversed. Empty cells, -, NA, N/A, #N/A, nan, and values beyond 1e30, such as
    -1.23e34 of the USGS, are gaps, NaN.

    Args:
        path: the file.
        axes: wavelengths that files of the USGS share, for reading many of them; what is read is added.

    Raises:
        FileNotFoundError: the file does not exist.
        UnreadableFile: it contains no such table, or is not such a library.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    if path.suffix.lower() in (".sli", ".hdr"):
        return envi_library.read_curves(path)
    if (read := plugin_reader(path, FileKind.CURVES)) is not None:
        curves: list[Spectrum] = read(path)
        return curves
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it is larger than {MAX_BYTES >> 20} MB")
        content = path.read_bytes()
        if _XML.match(content):
            return cxf.parse(content, path.stem)
        text = _within_marks(_decoded(content))
        if ecostress.is_ecostress(text):
            return ecostress.parse(text, path.stem)
        if usgs.is_usgs(text):
            return usgs.parse(text, path, axes)
        if cgats.is_cgats(text):
            return cgats.parse(text, path.stem)
        if rows := _spectra_in_rows(text):
            return rows
        names, table, title = _parse(text)
        return _build_spectra(names, table, title, path.stem)
    except (ValueError, csv.Error) as error:
        raise UnreadableFile(
            f"cannot read spectra from {path.name}: {error}; expected a table of text with wavelengths in the first "
            "column, whose title may state their unit, and one column of numbers per spectrum"
        ) from error


def extensions() -> tuple[str, ...]:
    """Extensions of files of spectra, with those of plug-ins."""
    return (*SPECTRA, *(each for row in plugin_formats(FileKind.CURVES) for each in row.extensions))


def is_spectrum_file(path: Path) -> bool:
    """Whether a file has the extension of a file of spectra, though it may be something else."""
    return path.suffix.lower() in extensions() and path.is_file()


def _decoded(content: bytes) -> str:
    """Text in UTF-8, or in Latin-1 if it is that of a published library, some of which name minerals so.

    Raises:
        ValueError: it is neither.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
        if ecostress.is_ecostress(text) or usgs.is_usgs(text):
            return text
        raise


def spectra_filter() -> str:
    """Filter for file dialogs."""
    return f"Spectra ({' '.join('*' + extension for extension in extensions())})"


def describe_origin(source: str, sha256: str) -> str:
    """The origin of a measured spectrum for the provenance of what it corrects: a file and its hash, if any."""
    return f"{source}, SHA-256 {sha256}" if sha256 else source


def _within_marks(text: str) -> str:
    """The text between the marks that spectrometers of Ocean Optics write around their table, or all of it."""
    found = re.search(r"^>{3,}\s*Begin[^\n]*$(.*?)(?:^>{3,}\s*End|\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1] if found else text


def _spectra_in_rows(text: str) -> list[Spectrum]:
    """Spectra of a table with a row for each; empty if its header does not consist of names and wavelengths in nm."""
    lines = _lines(text)
    split = _splitter(lines)
    for at, line in enumerate(lines[:-1]):
        bands = {column: float(match[1]) for column, cell in enumerate(split(line)) if (match := _NM.fullmatch(cell))}
        if len(bands) < _FEWEST_BANDS:
            continue
        rows = [split(row) for row in lines[at + 1 :]]
        if any(len(row) <= max(bands) for row in rows):
            raise ValueError("its lines have different lengths")
        columns = sorted(bands, key=lambda column: bands[column])
        nm = Wavelengths(np.array([bands[column] for column in columns]))
        return [Spectrum(nm, np.array([_value(row[column]) for column in columns], np.float32), row[0]) for row in rows]
    return []


def _parse(text: str) -> tuple[list[str] | None, npt.NDArray[np.float64], str]:
    """Column names, values (L, 1 + spectra), and the title of the column of wavelengths.

    Columns without a name and without a value, as separators at the ends of lines make them, are left out.
    """
    lines = _lines(text)
    split = _splitter(lines)
    header: list[str] = []
    rows: list[list[float]] = []
    for line in lines:
        cells = split(line)
        if not _is_number(cells[0]) and not rows:
            header = cells
            continue
        try:
            rows.append([float(cells[0]), *map(_value, cells[1:])])
        except ValueError:
            raise ValueError(f"the line {line[:40]!r} holds more than numbers and gaps") from None
    if len(rows) < 2 or len(rows[0]) < 2:
        raise ValueError("it holds no numbers in two columns")
    if any(len(row) != len(rows[0]) for row in rows):
        raise ValueError("its lines have different lengths")
    table = np.array(rows)
    table[:, 1:][np.abs(table[:, 1:]) >= HUGE] = np.nan
    titles = dict(enumerate(header))
    columns = [at for at, column in enumerate(table.T) if at == 0 or titles.get(at) or not np.isnan(column).all()]
    if len(columns) < 2:
        raise ValueError("it holds no numbers in two columns")
    is_named = len(header) <= len(rows[0]) and all(at in titles for at in columns)
    names = [titles[at] for at in columns[1:]] if is_named else None
    return names, table[:, columns], titles[0] if len(header) > 1 else ""  # one cell is the title of the whole table


def _lines(text: str) -> list[str]:
    """Lines of a table; tabs at their ends are kept, since they follow empty cells."""
    lines = [line.lstrip().rstrip(" ") for line in text.splitlines()]
    return [line for line in lines if line.strip() and not line.startswith("#")]


def _splitter(lines: list[str]) -> Callable[[str], list[str]]:
    """Function that splits lines into cells; a comma is decimal if a semicolon or a tab separates.

    Where spaces separate, a unit in brackets belongs to the word before it.
    """
    sample = "\n".join(lines[-5:])
    for separator in ("\t", ";"):
        if separator in sample:
            return lambda line: [_cell(cell.replace(",", ".")) for cell in line.split(separator)]
    if "," in sample:
        return _comma_cells
    return lambda line: re.split(r"\s+(?![(\[\s])", line.strip())


def _comma_cells(line: str) -> list[str]:
    return [_cell(cell) for cell in next(csv.reader([line]), [])]


def _cell(text: str) -> str:
    return text.strip().strip('"').strip()


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _value(cell: str) -> float:
    """Value of a cell, NaN for a gap."""
    return np.nan if cell.lower() in _GAPS else float(cell)


def _build_spectra(names: list[str] | None, table: npt.NDArray[np.float64], title: str, stem: str) -> list[Spectrum]:
    if not np.isfinite(table[:, 0]).all():
        raise ValueError("a wavelength is not a number")
    nm = titled_nanometres(table[:, 0], title)
    order = slice(None, None, -1) if nm[0] > nm[-1] else slice(None)
    wavelengths = Wavelengths(nm[order])
    count = table.shape[1] - 1
    names = names or ([stem] if count == 1 else [f"{stem} {n}" for n in range(1, count + 1)])
    return [Spectrum(wavelengths, table[order, 1 + i].astype(np.float32), names[i]) for i in range(count)]


def read_sensitivities(path: str | os.PathLike[str]) -> Sensitivities:
    """Read camera sensitivities: a CSV with the columns wavelength (nm), R, G, B.

    The first line names the columns, the wavelength first (`wavelength`, `wavelength_nm`, `wavelength (nm)`, `nm`), the
    channels in any order (`R`, `red`, …). Columns are separated by comma, semicolon or tab; lines starting with `#` are
    skipped. A value is the response of the raw channel per unit of spectral power at that wavelength: linear, before
    white balance. Each channel may be scaled by an arbitrary factor.

    Raises:
        FileNotFoundError: the file does not exist.
        UnreadableFile: it is not such a table, or a channel has no response between 400 and 700 nm.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        header, *rows = _rows(path.read_text(encoding="utf-8-sig"))
        order = _order(header)
        if len(rows) < 2 or any(len(row) != len(header) for row in rows):
            raise ValueError(
                "its lines have different lengths" if len(rows) > 1 else "it has fewer than two wavelengths"
            )
        numbers = np.array([[float(cell) for cell in row] for row in rows])  # (L, 4)
        if not np.isfinite(numbers).all():
            raise ValueError("it has values that are not finite numbers")
        wavelengths = Wavelengths(numbers[:, 0])
        _check_response(numbers, order)
    except (ValueError, csv.Error) as error:
        raise UnreadableFile(
            f"cannot read camera sensitivities from {path.name}: {error}; expected {EXPECTED}"
        ) from error
    red, green, blue = (
        Spectrum(wavelengths, numbers[:, column], name) for column, name in zip(order, "RGB", strict=True)
    )
    return red, green, blue


def _rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        raise ValueError("it is empty")
    delimiter = max(",;\t", key=lines[0].count)
    return [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter, strict=True)]


def _order(header: list[str]) -> list[int]:
    """Columns of R, G and B."""
    first = re.fullmatch(r"nm|wavelengths?[\s_]*[(\[]?(nm|nanomet(?:er|re)s?)?[)\]]?", header[0].lower())
    named = {CHANNELS.get(name.lower()): column for column, name in enumerate(header) if column > 0}
    if first is None or len(header) != 4 or set(named) != {0, 1, 2}:
        raise ValueError(f"its first line is {','.join(header)[:60]!r}")
    return [named[channel] for channel in range(3)]


def _check_response(numbers: npt.NDArray[np.float64], order: list[int]) -> None:
    seen = (numbers[:, 0] >= RESPONSE_RANGE[0]) & (numbers[:, 0] <= RESPONSE_RANGE[1])
    for name, column in zip(("red", "green", "blue"), order, strict=True):
        if not numbers[seen, column].sum() > 0:
            raise ValueError(
                f"its {name} channel responds to nothing between {RESPONSE_RANGE[0]:g} and {RESPONSE_RANGE[1]:g} nm"
            )


def is_camera_collection(path: Path) -> bool:
    """Whether a file has the name of a file of several cameras."""
    return path.suffix.lower() == ".npz"


def read_camera(path: str | os.PathLike[str], model: str = "") -> Observer:
    """Read a camera from a table of its sensitivities, or the camera called `model` from a file of several.

    A file of several cameras is an `.npz` with `names` (N,) and `sensitivities` (N, 31, 3) on 400-700 nm by 10 nm.

    Raises:
        FileNotFoundError: the file does not exist.
        UnreadableFile: it is not such a file, or has not exactly one camera of that model.
    """
    path = Path(path)
    if not is_camera_collection(path):
        return Observer.camera(path.name, read_sensitivities(path))
    names, sensitivities = read_camera_collection(path)
    found = [index for index, name in enumerate(names) if _model_words(model) and _is_model(name, model)]
    if not found:
        of_file = f"{model!r}" if model else "not stated in its EXIF data"
        raise UnreadableFile(
            f"the camera of the photograph is {of_file}, and {path.name} has no such camera; give a table of its "
            f"sensitivities, or a camera profile"
        )
    values = sensitivities[found[0]]
    nm = CAMERA_BANDS.nm.tolist()
    return Observer(names[found[0]], samples=tuple(zip(nm, *values.T.tolist(), strict=True)))


def read_camera_collection(path: str | os.PathLike[str]) -> tuple[list[str], npt.NDArray[np.float64]]:
    """Names (N,) and sensitivities (N, 31, 3) on 400-700 nm by 10 nm of a file (`.npz`) of several cameras.

    Raises:
        FileNotFoundError: the file does not exist.
        UnreadableFile: it has another form.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        with np.load(path, allow_pickle=False) as file:
            names, sensitivities = [str(name) for name in file["names"]], file["sensitivities"].astype(np.float64)
        if sensitivities.shape != (len(names), len(CAMERA_BANDS), 3) or not np.isfinite(sensitivities).all():
            raise ValueError(f"its sensitivities have the shape {sensitivities.shape}")
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UnreadableFile(
            f"{path} is no file of cameras; expected an .npz with `names` (N,) and `sensitivities` (N, 31, 3)"
        ) from error
    return names, sensitivities


_COMMON = {"eos", "digital", "corporation", "imaging", "corp", "ltd", "co", "optical", "company", "mark"}


def _model_words(name: str) -> str:
    """The letters and digits of the model, without words that all cameras of a maker share: `d700`, `5dii`."""
    words = re.findall(r"[a-z0-9]+", Path(name).stem.lower().replace("mark", " mark "))
    makers = {"canon", "nikon", "sony", "pentax", "olympus", "hasselblad", "nokia", "phase", "one", "point", "grey"}
    return "".join(word for word in words if word not in _COMMON | makers and word not in ("camspec", "ssf"))


def _is_model(name: str, model: str) -> bool:
    return _model_words(name) == _model_words(model)
