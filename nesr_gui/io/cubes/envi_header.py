"""Headers of ENVI files: text of `key = value` lines with lists in braces, and the data file that belongs to one.

Headers are written by many programs and by hand. Damage in a list that merely describes the bands, such as an unclosed
brace, does not prevent that the rest is read.
"""

from __future__ import annotations

import codecs
import itertools
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.io.cubes.decoding import is_fill_name
from nesr_gui.io.cubes.wavelengths import MAX_TEXT, parse_list
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.siblings import MAX_ENTRIES, find_siblings, is_name

MAX_HEADER = 16 << 20  # bytes; a header with 100,000 bands has 2 MB
DATA_TYPES = {1: "u1", 2: "i2", 3: "i4", 4: "f4", 5: "f8", 6: "c8", 9: "c16", 12: "u2", 13: "u4", 14: "i8", 15: "u8"}
DATA_ENDINGS = ("", ".img", ".dat", ".sli", ".raw", ".bsq", ".bil", ".bip", ".bin", ".hyspex", ".cube", ".rad", ".rfl")
DESCRIPTIONS = (
    ".hdr",
    ".txt",
    ".xml",
    ".json",
    ".md",
    ".pdf",
    ".csv",
    ".png",
    ".jpg",
    ".jpeg",
    ".tif",
    ".tiff",
    ".prj",
)
LINE = 100  # characters per line of a list: GDAL's limit is 10,000
OURS = "nesr "  # prefix of our own keys
_CLOSING = {"{": "}", "[": "]"}
_BRACE = re.compile(r"[][{}]")
_SCALE_KEY = re.compile(r"((reflectance|radiance|data)[ _])?scal(e|ing)[ _]?factors?")
_KNOWN_KEY = re.compile(
    r"\s*(samples|lines|bands|header offset|file type|data type|interleave|byte order|wavelength( units)?|fwhm|bbl|"
    r"band names|sensor type|description|data (ignore|gain|offset) values?|data ignore value|default bands|"
    r"reflectance scale factor|map info|coordinate system string|spectra names|x start|y start|nesr [a-z_0-9 ]+)\s*=",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Header:
    """Lower-case key → value, a text or a list of texts; `path` is the header file.

    `unclosed` are the keys of lists without a closing brace at the end of the file.
    """

    path: Path
    values: Mapping[str, str | list[str]]
    unclosed: frozenset[str] = field(default_factory=frozenset)

    def text(self, key: str, default: str = "") -> str:
        """A value as text; `default` if missing."""
        value = self.values.get(key, default)
        return ", ".join(value) if isinstance(value, list) else value

    def integer(self, key: str, default: int | None = None) -> int:
        """A value as an integer.

        Raises:
            UnreadableFile: it is missing (without a default) or not an integer.
        """
        written = self.text(key, "" if default is None else str(default))
        try:
            return int(written)
        except ValueError:
            raise UnreadableFile(
                f"{self.path.name} has {key} = {written[:40]!r}; expected a whole number, as in every ENVI header"
            ) from None

    def numbers(self, key: str) -> npt.NDArray[np.float64] | None:
        """A value as a list of numbers; None if missing or empty.

        Raises:
            UnreadableFile: it is not a list of numbers.
        """
        if not (text := self.text(key).strip()):
            return None
        parsed = parse_list(text)
        if parsed is None or parsed[1]:
            raise UnreadableFile(f"{self.path.name} has a {key} that is not a list of numbers")
        return parsed[0]

    def ignored(self) -> list[str]:
        """Texts of the values that mean no value, such as `data ignore value`."""
        return [self.text(key) for key in self.values if is_fill_name(key)]

    def scale_factor(self, count: int) -> tuple[npt.NDArray[np.float64], str, dict[str, str]]:
        """Factors by which numbers are multiplied, what they make of them (reflectance, radiance), and notes.

        ENVI's `reflectance scale factor` divides. One below 1, which would not make reflectances, multiplies, unless
        this program wrote it.

        Raises:
            UnreadableFile: they are not one number above 0, or one for each of `count` bands.
        """
        key = next((key for key in self.values if _SCALE_KEY.fullmatch(key)), "")
        factor = self.numbers(key) if key else None
        if factor is None:
            return np.ones(1), "", {}
        if factor.size not in (1, count) or not (factor > 0).all():
            raise UnreadableFile(f"{self.path.name} has a {key} that is not one number above 0")
        multiplies = bool((factor < 1).all()) and "encoding" not in self.own()
        what = "reflectance" if key.startswith("reflectance") else "radiance" if key.startswith("radiance") else ""
        note = f"values were {'multiplied' if multiplies else 'divided'} by {key} {factor[0]:g}"
        notes = {} if key == "reflectance scale factor" and not multiplies else {"scaling": note}
        return factor if multiplies else 1 / factor, what, notes

    def dtype(self) -> np.dtype[Any]:
        """Number type with byte order.

        Raises:
            UnreadableFile: the data type is unknown.
        """
        code = self.integer("data type")
        if code not in DATA_TYPES:
            raise UnreadableFile(f"{self.path.name} has data type {code}; ENVI knows {', '.join(map(str, DATA_TYPES))}")
        return np.dtype(DATA_TYPES[code]).newbyteorder(">" if self.integer("byte order", 0) == 1 else "<")

    def own(self) -> dict[str, str]:
        """Entries that this program adds to headers."""
        return {key[len(OURS) :]: _unquoted(self.text(key)) for key in self.values if key.startswith(OURS)}


def is_header(path: Path) -> bool:
    """Whether a file is an ENVI header; a .hdr file may also be a photograph (Radiance)."""
    try:
        with path.open("rb") as file:
            return file.read(7).removeprefix(codecs.BOM_UTF8).startswith(b"ENVI")
    except OSError:
        return False


def file_type(path: Path) -> str:
    """Lower-case `file type` of a header, read from its beginning; empty if it is not stated there."""
    try:
        with path.open("rb") as file:
            text = file.read(1 << 16).decode("utf-8", "replace")
    except OSError:
        return ""
    match = re.search(r"^\s*file type\s*=(.*)$", text, re.MULTILINE | re.IGNORECASE)
    return match[1].strip().lower() if match else ""


def read_header(path: Path) -> Header:
    """Read an ENVI header.

    Raises:
        FileNotFoundError: the file does not exist.
        UnreadableFile: it is not an ENVI header, or is damaged.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    with path.open("rb") as file:
        data = file.read(MAX_HEADER + 1)
    data = data.removeprefix(codecs.BOM_UTF8)
    if not data.startswith(b"ENVI"):
        raise UnreadableFile(f"{path.name} is not an ENVI header: its first line is not ENVI")
    if len(data) > MAX_HEADER:
        raise UnreadableFile(f"{path.name} is larger than {MAX_HEADER >> 20} MiB, which no ENVI header is")
    try:
        return parse_header(path, data.decode("utf-8"))
    except UnicodeDecodeError:
        return parse_header(path, data.decode("latin-1"))


def parse_header(path: Path, text: str) -> Header:
    """Header of the text of an ENVI header file.

    Raises:
        UnreadableFile: a list is longer than any of an image.
    """
    values: dict[str, str | list[str]] = {}
    unclosed: set[str] = set()
    lines = _Lines(text.splitlines()[1:])
    for line in lines:
        key, equals, value = line.partition("=")
        if not equals or key.lstrip().startswith(";"):
            continue
        key, value = " ".join(key.lower().split()), value.strip()
        if not value and lines.following.lstrip()[:1] in _CLOSING:  # the brace is on the next line
            value = next(lines).strip()
        if value[:1] not in _CLOSING:
            values[key] = value
            continue
        items, is_closed = _list_of(value, lines)
        if items is None:
            raise UnreadableFile(f"{path.name} has a list of {key[:40]!r} that is longer than any of an image")
        values[key] = items
        if not is_closed:
            unclosed.add(key)
    return Header(path, values, frozenset(unclosed))


class _Lines(Iterator[str]):
    """Lines with a look at the following one."""

    def __init__(self, lines: list[str]) -> None:
        self._lines, self._next = lines, 0

    @property
    def following(self) -> str:
        return self._lines[self._next] if self._next < len(self._lines) else ""

    @property
    def is_empty(self) -> bool:
        return self._next >= len(self._lines)

    def next_brace(self) -> str:
        """First brace or bracket in the following lines; empty if there is none."""
        found = (_BRACE.search(line) for line in itertools.islice(self._lines, self._next, None))
        return next((match[0] for match in found if match), "")

    def __next__(self) -> str:
        if self.is_empty:
            raise StopIteration
        self._next += 1
        return self._lines[self._next - 1]


def _list_of(value: str, lines: _Lines) -> tuple[list[str] | None, bool]:
    """Items of a list that begins with a brace; it ends with one, or where none follows before the next known key.

    None if it is longer than `MAX_TEXT`.
    """
    closing, parts = _CLOSING[value[0]], [value[1:]]
    is_whole = closing in value or lines.next_brace() == closing
    while closing not in parts[-1] and not lines.is_empty and (is_whole or not _KNOWN_KEY.match(lines.following)):
        parts.append(next(lines).strip())
    is_closed = closing in parts[-1] or not lines.is_empty
    if sum(map(len, parts)) > MAX_TEXT:
        return None, is_closed
    items = [item.strip() for item in " ".join(parts).partition(closing)[0].split(",")]
    while items and not items[-1]:  # a trailing comma
        items.pop()
    return items, is_closed


def header_of(path: Path) -> Path:
    """Header of a set, given its header or its data file.

    Raises:
        FileNotFoundError: the file does not exist.
        UnreadableFile: it has no header.
    """
    if path.suffix.lower() == ".hdr" or is_header(path):
        return path
    if (beside := header_beside(path)) is not None:
        return beside
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    raise UnreadableFile(f"{path.name} has no ENVI header {path.stem}.hdr beside it; open a set that has both files")


def header_beside(path: Path) -> Path | None:
    """ENVI header beside a data file: NAME.EXT.hdr or NAME.hdr; None if there is none."""
    for candidate in find_siblings(path, [f"{path.name}.hdr", f"{path.stem}.hdr"]):
        if is_header(candidate):
            return candidate
    return None


def data_files(header: Header) -> list[Path]:
    """Files beside a header that may be its data, the likeliest first; none that has a header NAME.EXT.hdr of its own.

    Of a header that is a link, its target counts where nothing lies beside the link.

    Raises:
        UnreadableFile: there is none, or the header points elsewhere.
    """
    path = header.path
    stem = path.name[: -len(path.suffix)] if path.suffix else path.name
    if named := header.text("data file"):
        if not is_name(named):
            raise UnreadableFile(
                f"{path.name} names the data file {named[:80]!r}; only one beside the header is opened"
            )
        names = [named]
    else:
        names = [stem + ending for ending in DATA_ENDINGS]
    found = [file for file in find_siblings(path, names) if named or not _has_other_header(file, path)]
    if not found and path.is_symlink():
        return data_files(replace(header, path=Path(os.path.realpath(path))))
    if not found and not named:
        found = [
            file
            for file in find_siblings(path, _names_with_stem(path.parent, stem))
            if not _has_other_header(file, path)
        ]
    if not found:
        raise UnreadableFile(f"{path.name} has no data file beside it; expected {names[0]} or {stem}.img")
    return found


def _has_other_header(data: Path, header: Path) -> bool:
    found = header_beside(data)
    return found is not None and found.name.casefold() != header.name.casefold()


def _names_with_stem(folder: Path, stem: str) -> list[str]:
    """Names of files that differ from a header in their extension, which may be any but one of descriptions."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for _, entry in zip(range(MAX_ENTRIES), entries, strict=False)]
    except OSError:
        return []
    found = [name for name in names if name.casefold().startswith(f"{stem}.".casefold())]
    return sorted(
        name for name in found if "." not in name[len(stem) + 1 :] and not name.lower().endswith(DESCRIPTIONS)
    )


def data_of(header: Header) -> Path:
    """Likeliest data file of a header; raises as `data_files`."""
    return data_files(header)[0]


def files_of(path: Path) -> list[Path]:
    """Header and data file of a set."""
    header = read_header(header_of(path))
    return [header.path, data_of(header) if is_header(path) else path]


def name_taken(asked: Path, other: Path) -> FileExistsError:
    """Error for a set whose files cannot be written as asked, because one of them would replace that of another."""
    return FileExistsError(f"cannot write {asked.name}: {other.name} belongs to another file; choose another name")


def header_text(values: Mapping[str, Any], provenance: Mapping[str, str]) -> str:
    """Text of an ENVI header: plain numbers and texts, lists in braces, and the provenance under our own keys."""
    lines = ["ENVI"]
    for key, value in values.items():
        if isinstance(value, str) or not isinstance(value, Sequence):
            lines.append(f"{key} = {value}")
        else:
            lines += [f"{key} = {{", *_wrapped([str(part) for part in value])]
    lines += [f"{OURS}{_plain(key)} = {_quoted(text)}" for key, text in provenance.items()]
    return "\n".join(lines) + "\n"


def _wrapped(parts: list[str]) -> list[str]:
    lines = [""]
    for index, part in enumerate(parts):
        if len(lines[-1]) + len(part) > LINE:
            lines.append("")
        lines[-1] += f" {part}" + ("," if index < len(parts) - 1 else "}")
    return lines


def _plain(key: str) -> str:
    return " ".join(str(key).replace("=", "-").lower().split())


def _quoted(text: str) -> str:
    """Text on one line and without braces, which would begin a list."""
    return json.dumps(str(text)).replace("{", "\\u007b").replace("}", "\\u007d")


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        return text
