"""Metadata of GDAL: items in a tag of a TIFF, and in the file NAME.aux.xml beside an image (`PAMDataset`).

GDAL writes the side file for what it cannot write into the image itself, such as one opened for reading only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from nesr_gui.io.cubes.wavelengths import named_in, numbers_in, parse_list
from nesr_gui.io.siblings import find_sibling

MAX_BYTES = 64 << 20  # of a side file
FILE = -1  # band of an item about the whole file
_WAVELENGTH = re.compile(r"(cent(er|re|ral)_?)?wave_?lengths?(_(?P<unit>nm|um))?", re.IGNORECASE)
_UNIT = re.compile(r"wave_?lengths?_?units?", re.IGNORECASE)

Numbers = npt.NDArray[np.float64]


class Item(NamedTuple):
    """One statement: lower-case name, band from 0 or `FILE`, lower-case role (scale, description …), and text."""

    name: str
    band: int
    role: str
    text: str


def parse_xml(text: object) -> ElementTree.Element | None:
    """Root of an XML text; None if it is none, or has document types, which could define entities."""
    if not isinstance(text, str) or "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    try:
        return ElementTree.fromstring(text.strip("\0 ").encode())
    except (ElementTree.ParseError, ValueError):
        return None


def items_in(text: object) -> list[Item]:
    """Items of the tag GDAL_METADATA; none if it is damaged."""
    root = parse_xml(text)
    samples = [] if root is None else [(item, item.get("sample", "-1")) for item in root.iter("Item")]
    return [
        Item(item.get("name", "").lower(), int(sample), item.get("role", "").lower(), item.text or "")
        for item, sample in samples
        if re.fullmatch(r"-1|\d{1,8}", sample)
    ]


def items_beside(image: Path) -> list[Item]:
    """Items of the file NAME.EXT.aux.xml beside an image; none if there is none, or it is damaged."""
    path = find_sibling(image, [f"{image.name}.aux.xml"])
    if path is None or path.stat().st_size > MAX_BYTES:
        return []
    root = parse_xml(path.read_text(encoding="utf-8", errors="replace"))
    return [] if root is None or root.tag != "PAMDataset" else list(_pam_items(root))


def _pam_items(root: ElementTree.Element) -> Iterator[Item]:
    yield from (Item(key, FILE, "", text) for key, text in _entries(root))
    for element in root.iterfind("PAMRasterBand"):
        if not re.fullmatch(r"[1-9]\d{0,7}", number := element.get("band", "")):
            continue
        for name in ("Description", "NoDataValue", "Offset", "Scale"):
            if (text := element.findtext(name)) is not None:
                yield Item(name.lower(), int(number) - 1, name.lower(), text)
        yield from (Item(key, int(number) - 1, "", text) for key, text in _entries(element))


def _entries(element: ElementTree.Element) -> Iterator[tuple[str, str]]:
    for metadata in element.iterfind("Metadata"):
        yield from ((entry.get("key", "").lower(), entry.text or "") for entry in metadata.iterfind("MDI"))


def nodata(items: Sequence[Item]) -> list[str]:
    """Numbers that mean no value."""
    return list(dict.fromkeys(item.text for item in items if item.role == "nodatavalue"))


def per_band(items: Sequence[Item], role: str, default: float) -> Numbers:
    """Numbers of a role (scale or offset) by band; one default if there are none."""
    stated = {item.band: item.text for item in items if item.role == role and item.band >= 0}
    return numbers_by_band(stated) if stated else np.array([default])


def numbers_by_band(stated: dict[int, str]) -> Numbers:
    """Values by band; NaN, which is asked about later, if one is missing or not a number."""
    if len(stated) <= max(stated):
        return np.full(len(stated), np.nan)
    parsed = [parse_list(stated[band]) for band in sorted(stated)]
    return np.array([part[0][0] if part is not None and part[0].size == 1 else np.nan for part in parsed])


def wavelengths(items: Sequence[Item], bands: int) -> tuple[Numbers, str] | None:
    """Wavelengths and unit: from items of the bands, else a list of the file, else the names of the bands."""
    units = {item.text for item in items if _UNIT.fullmatch(item.name)}
    unit = units.pop() if len(units) == 1 else ""
    named = [(match, item) for item in items if (match := _WAVELENGTH.fullmatch(item.name))]
    stated = {item.band: item.text for _, item in named if item.band >= 0}
    if stated:
        own = next((match["unit"] for match, item in named if item.band >= 0 and match["unit"]), "")
        inside = parse_list(stated[min(stated)])
        return numbers_by_band(stated), own or unit or (inside[1] if inside is not None else "")
    for match, item in named:
        parsed = parse_list(item.text)
        if parsed is not None and parsed[0].size == bands:
            return parsed[0], parsed[1] or match["unit"] or unit
    return next((found for names in _names(items) if (found := named_in(names)) is not None), None)


def bad_bands(items: Sequence[Item]) -> npt.NDArray[np.bool_] | None:
    """(bands,) true where the list `bbl`, which GDAL takes over from ENVI, marks a band as bad; None without one."""
    listed = next((parse_list(item.text) for item in items if item.name == "bbl" and item.band == FILE), None)
    return None if listed is None or listed[1] else listed[0] == 0


def suggested(items: Sequence[Item], bands: int) -> Numbers | None:
    """Numbers in the names of the bands that may be wavelengths in nm."""
    listed = (numbers_in(names) for names in _names(items) if len(names) == bands)
    return next((found for found in listed if found is not None), None)


def _names(items: Sequence[Item]) -> Iterator[list[str]]:
    """Names of the bands: their descriptions, or items of the file such as `Band_1`."""
    described = {item.band: item.text for item in items if item.role == "description"}
    numbered = [(re.fullmatch(r"band_(\d{1,8})", item.name), item.text) for item in items if item.band == FILE]
    listed = {int(match[1]): text for match, text in numbered if match}
    for names in (described, listed):
        if names:
            yield [names[band] for band in sorted(names)]
