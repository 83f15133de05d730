"""The text header of ENVI files: `key = value` lines, lists in braces."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.io.errors import UnreadableFile

MAX_HEADER = 16 << 20  # bytes; a header with 100,000 bands has 2 MB
DATA_TYPES = {1: "u1", 2: "i2", 3: "i4", 4: "f4", 5: "f8", 6: "c8", 9: "c16", 12: "u2", 13: "u4", 14: "i8", 15: "u8"}
DATA_ENDINGS = ("", ".img", ".dat", ".sli", ".raw", ".bsq", ".bil", ".bip", ".bin", ".hyspex")
LINE = 100  # characters of a list in one line: GDAL reads no line above 10,000
OURS = "nesr "  # what our own keys begin with


@dataclass(frozen=True)
class Header:
    """Keys in lower case → value, a text or a list of texts; `path` is where it stands."""

    path: Path
    values: Mapping[str, str | list[str]]

    def text(self, key: str, default: str = "") -> str:
        value = self.values.get(key, default)
        return ", ".join(value) if isinstance(value, list) else value

    def integer(self, key: str, default: int | None = None) -> int:
        """A whole number; `UnreadableFile` where it is missing (without a default) or is none."""
        written = self.text(key, "" if default is None else str(default))
        try:
            return int(written)
        except ValueError:
            raise UnreadableFile(
                f"{self.path.name} has {key} = {written[:40]!r}; expected a whole number, as in every ENVI header"
            ) from None

    def numbers(self, key: str) -> npt.NDArray[np.float64] | None:
        """A list of numbers, None where there is none; `UnreadableFile` where something else stands there."""
        value = self.values.get(key)
        if value is None:
            return None
        try:
            return np.array([float(part) for part in (value if isinstance(value, list) else [value])])
        except ValueError:
            raise UnreadableFile(f"{self.path.name} has a {key} that is not a list of numbers") from None

    def dtype(self) -> np.dtype[Any]:
        """The number type with its byte order."""
        code = self.integer("data type")
        if code not in DATA_TYPES:
            raise UnreadableFile(f"{self.path.name} has data type {code}; ENVI knows {', '.join(map(str, DATA_TYPES))}")
        return np.dtype(DATA_TYPES[code]).newbyteorder(">" if self.integer("byte order", 0) == 1 else "<")

    def own(self) -> dict[str, str]:
        """What this program wrote of its own."""
        return {key[len(OURS) :]: _unquoted(self.text(key)) for key in self.values if key.startswith(OURS)}


def is_header(path: Path) -> bool:
    """Whether a file is of an ENVI set; one called .hdr may also be a photograph (Radiance)."""
    if path.suffix.lower() != ".hdr":
        return True
    with path.open("rb") as file:
        return file.read(4) == b"ENVI"


def read_header(path: Path) -> Header:
    """Read an ENVI header; raises FileNotFoundError or UnreadableFile."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    with path.open("rb") as file:
        data = file.read(MAX_HEADER + 1)
    if data[:4] != b"ENVI":
        raise UnreadableFile(f"{path.name} is not an ENVI header: its first line is not ENVI")
    if len(data) > MAX_HEADER:
        raise UnreadableFile(f"{path.name} is larger than {MAX_HEADER >> 20} MiB, which no ENVI header is")
    values: dict[str, str | list[str]] = {}
    lines = iter(data.decode("utf-8", "replace").splitlines()[1:])
    for line in lines:
        key, equals, value = line.partition("=")
        if not equals or key.lstrip().startswith(";"):
            continue
        value = value.strip()
        if value.startswith("{"):
            parts = [value]
            while "}" not in parts[-1]:
                following = next(lines, None)
                if following is None:
                    raise UnreadableFile(f"{path.name} is cut short: the list of {key.strip()[:40]!r} has no end")
                parts.append(following.strip())
            inside = " ".join(parts)[1:].partition("}")[0]
            items = [item.strip() for item in inside.split(",")]
            values[key.strip().lower()] = items if items != [""] else []
        else:
            values[key.strip().lower()] = value
    return Header(path, values)


def header_of(path: Path) -> Path:
    """The header of a set, given its header or its data file."""
    if path.suffix.lower() == ".hdr":
        return path
    beside = [path.with_name(path.name + ".hdr"), path.with_suffix(".hdr")]
    for candidate in beside:
        if candidate.is_file():
            return candidate
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    raise UnreadableFile(f"{path.name} has no ENVI header {beside[1].name} beside it; open a set that has both files")


def data_of(header: Header) -> Path:
    """The data file of a header, always in the same folder.

    Raises:
        UnreadableFile: there is none, or the header points elsewhere.
    """
    path = header.path
    if named := header.text("data file"):
        if Path(named).name != named or "\\" in named or named in ("", ".", ".."):
            raise UnreadableFile(
                f"{path.name} names the data file {named[:80]!r}; only one beside the header is opened"
            )
        candidates = [path.with_name(named)]
    else:
        stem = path.with_suffix("")
        endings = [ending for e in DATA_ENDINGS for ending in dict.fromkeys((e, e.upper()))]
        candidates = [stem.with_name(stem.name + ending) for ending in endings]
    for candidate in candidates:
        if candidate.is_file() and candidate != path:
            return candidate
    raise UnreadableFile(f"{path.name} has no data file beside it; expected {candidates[0].name} or {path.stem}.img")


def files_of(path: Path) -> list[Path]:
    """Header and data file of a set."""
    header = read_header(header_of(path))
    return [header.path, data_of(header)]


def header_text(values: Mapping[str, Any], provenance: Mapping[str, str]) -> str:
    """An ENVI header: numbers and texts as they are, sequences in braces, the provenance under our own keys."""
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
    """On one line and without braces, which begin a list."""
    return json.dumps(str(text)).replace("{", "\\u007b").replace("}", "\\u007d")


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        return text
