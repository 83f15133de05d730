"""Reflectance spectra in CxF3 files (ISO 17972-1), the XML of X-Rite's and other programs.

Entities and document types are refused, so that a file cannot grow in memory or read others.
"""

from __future__ import annotations

from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np

from nesr_gui.spectral import Spectrum, Wavelengths

_STEP = 10.0  # nm between values if the file does not state it


def parse(content: bytes, stem: str) -> list[Spectrum]:
    """The reflectance spectra of all objects of a CxF3 file; `stem` names objects that have no name.

    Raises:
        ValueError: it is not such a file, or has no reflectance spectrum.
    """
    root = _tree(content)
    steps = {
        each.get("Id", ""): _range(each) for each in root.iter() if _tag(each) == "ColorSpecification" and len(each)
    }
    spectra = []
    for number, item in enumerate((each for each in root.iter() if _tag(each) == "Object"), 1):
        for part in (each for each in item.iter() if _tag(each) == "ReflectanceSpectrum"):
            values = np.array([float(cell) for cell in (part.text or "").replace(",", " ").split()], np.float32)
            start, step = steps.get(part.get("ColorSpecification", ""), (0.0, _STEP))
            start = float(part.get("StartWL") or start)
            if values.size < 2 or not start > 0 or not step > 0:
                raise ValueError(f"the spectrum of object {number} has {values.size} values from {start:g} nm")
            nm = Wavelengths(start + step * np.arange(values.size, dtype=np.float64))
            spectra.append(Spectrum(nm, values, item.get("Name") or f"{stem} {number}"))
    if not spectra:
        raise ValueError("it has no ReflectanceSpectrum")
    return spectra


def _tree(content: bytes) -> ElementTree.Element:
    checker = expat.ParserCreate()
    checker.StartDoctypeDeclHandler = _refuse_document_type
    try:
        checker.Parse(content, True)
        return ElementTree.fromstring(content)
    except (expat.ExpatError, ElementTree.ParseError, LookupError) as error:  # an unknown encoding is a LookupError
        raise ValueError(f"it is not valid XML ({error})") from error


def _refuse_document_type(*_: object) -> None:
    raise ValueError("it declares a document type, which CxF does not have")


def _tag(element: ElementTree.Element) -> str:
    """Name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def _range(specification: ElementTree.Element) -> tuple[float, float]:
    """First wavelength and step in nm that a specification states."""
    for each in specification.iter():
        if _tag(each) == "WavelengthRange":
            return float(each.get("StartWL") or 0), float(each.get("Increment") or _STEP)
    return 0.0, _STEP
