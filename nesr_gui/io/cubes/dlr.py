"""Metadata of EnMAP and DESIS, which DLR delivers as an XML file beside the image.

`…-SPECTRAL_IMAGE.TIF` has `…-METADATA.XML` with the centre wavelength in nm, gain and offset of each band.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from nesr_gui.io.siblings import find_sibling
from nesr_gui.spectral import Quantity

MAX_BYTES = 64 << 20
_IMAGE = re.compile(r"(.*)SPECTRAL_IMAGE(?:_[A-Z]+)?", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class ProductMetadata:
    """What the metadata state: (L,) wavelengths in nm, gain and offset of each band, and what the values are."""

    wavelengths: npt.NDArray[np.float64]
    gain: npt.NDArray[np.float64]
    offset: npt.NDArray[np.float64]
    fill: tuple[str, ...]
    quantity: Quantity
    product: str


def read_metadata(image: Path, bands: int) -> ProductMetadata | None:
    """Metadata of an image with `bands` bands; None if it is none of such a product, or they describe other bands."""
    match = _IMAGE.fullmatch(image.stem)
    path = find_sibling(image, [f"{match[1]}METADATA.XML"]) if match else None
    if path is None or path.stat().st_size > MAX_BYTES:
        return None
    text = path.read_bytes()
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:  # could define entities that expand without end
        return None
    try:
        root = ElementTree.fromstring(text)
        values = {
            name: np.array([float(element.text or "nan") for element in _elements(root, name)])
            for name in ("wavelengthcenterofband", "gainofband", "offsetofband")
        }
    except (ElementTree.ParseError, ValueError):
        return None
    wavelengths, gain, offset = values.values()
    if wavelengths.size != bands:
        return None
    level = image.stem.upper()
    return ProductMetadata(
        wavelengths,
        gain if gain.size == bands else np.ones(1),
        offset if offset.size == bands else np.zeros(1),
        tuple(element.text or "" for element in _elements(root, "backgroundvalue"))[:1],
        Quantity.REFLECTANCE if "L2A" in level else Quantity.RADIANCE if "L1" in level else Quantity.UNKNOWN,
        "EnMAP" if "ENMAP" in level else "DESIS" if "DESIS" in level else "DLR",
    )


def _elements(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [element for element in root.iter() if element.tag.rpartition("}")[2].lower() == name]
