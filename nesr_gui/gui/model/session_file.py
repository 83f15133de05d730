"""Session files (.nesr): the state of a document as JSON; the pixels of its image stay in their own file.

Converted by cattrs after the types of `SessionData`. A session may come from anywhere, so numbers and texts are not
coerced, and the value classes check their ranges; `read_session` turns every refusal into one sentence.
"""

from __future__ import annotations

import enum
import json
import math
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
from cattrs import Converter

from nesr_gui._version import __version__
from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.resampled import Registration
from nesr_gui.gui.model.analyses import AnalysisSettings
from nesr_gui.gui.model.document import Document, DocumentSource, Simulation
from nesr_gui.gui.model.library import MatchSettings, OpenedLibrary, SavedLibrary
from nesr_gui.gui.model.marks import Mark, Reading
from nesr_gui.gui.model.plot_settings import PlotSettings
from nesr_gui.gui.model.scatter import ScatterPlot
from nesr_gui.gui.model.statistics_settings import StatisticsSettings
from nesr_gui.gui.model.transect import TransectLine
from nesr_gui.gui.model.view_settings import ViewSettings
from nesr_gui.gui.model.viewport import Viewport
from nesr_gui.io.atomic import atomic_write
from nesr_gui.io.cubes.description import CubeHints
from nesr_gui.io.cubes.wavelengths import BandPositions
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.fingerprint import fingerprint
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.spectral import Spectrum, Wavelengths

ENDING = ".nesr"
FILTER = f"Sessions (*{ENDING})"
FORMAT = 4  # raise it when an older program would read a file wrongly, and extend `_migrated`
MAX_BYTES = 64 << 20
LARGEST = 1e30  # of any number, well within float32
AREAS = ("left", "right", "top", "bottom")
Json = Mapping[str, Any]
_MOST = 20_000  # px of a window or a panel


@dataclass(frozen=True)
class PanelPlace:
    """The position of a dock panel.

    Attributes:
        name: the object name of the panel.
        area: left, right, top or bottom.
        tabs: panels of one area with the same number are tabbed together.
        shown: whether it is open.
        front: whether it is the front tab.
        size: width and height in px.
        floats: the top left corner of a floating panel in px; None if docked.
    """

    name: str
    area: str
    tabs: int
    shown: bool
    front: bool
    size: tuple[int, int]
    floats: tuple[int, int] | None

    def __post_init__(self) -> None:
        if self.area not in AREAS:
            raise ValueError(f"a panel in the area {self.area[:20]!r}; areas are {', '.join(AREAS)}")
        _check_pixels(self.size, 1)
        if self.floats is not None:
            _check_pixels(self.floats, -_MOST)


@dataclass(frozen=True)
class Layout:
    """Width and height of the window in px, and its panels in order."""

    size: tuple[int, int]
    panels: tuple[PanelPlace, ...]

    def __post_init__(self) -> None:
        _check_pixels(self.size, 1)


def _check_pixels(pair: tuple[int, int], least: int) -> None:
    if not all(least <= value <= _MOST for value in pair):
        raise ValueError(f"{pair} where {least} to {_MOST} pixels are expected")


@dataclass(frozen=True)
class SavedRegistration:
    """The measured cube of the photograph; see `MeasuredCube`. Earlier programs wrote no hints."""

    match: Registration
    is_chosen: bool
    hints: CubeHints | None = None


@dataclass(frozen=True, kw_only=True)
class SessionData:
    """The state of a document as stored in a session file; frozen, so that it can be written in the background.

    Attributes:
        source: the files of the image.
        interpretation: the development settings.
        marks: the marks, and `active` the number of the active one.
        view_settings: how the image is displayed, and `viewport` its visible part.
        nm: the selected wavelength.
        plot_settings: how spectra are plotted.
        statistics: what the Statistics panel is about.
        viewing: the light and the observer, and `white` the spectrum of a perfect white.
        is_full: whether it was reconstructed at full resolution.
        model: name and SHA-256 of the model; empty for a measured cube.
        model_file: the file of that model if the image is a cube; photographs can use any model.
        layout: the layout of the window.
        file: for an autosave copy, the session file of the document.
        digests: `fingerprint` of the image and of its measured cube; empty until written.
        registration: the registration of the measured cube.
        analysis_settings: what the analyses compute.
        scatter: axes and selection of the scatter plot, and `transect` the line of the transect.
        libraries: the opened spectral libraries, which all documents share.
        match_settings: how the active mark is compared with them.
    """

    source: DocumentSource
    interpretation: DevelopSettings
    marks: tuple[Mark, ...]
    active: int | None
    view_settings: ViewSettings
    viewport: Viewport | None
    nm: float
    plot_settings: PlotSettings
    viewing: ViewingConditions
    white: Spectrum | None
    is_full: bool = False
    model: tuple[str, str] = ("", "")
    model_file: Path | None = None
    layout: Layout | None = None
    file: Path | None = None
    digests: tuple[str, str] = ("", "")
    registration: SavedRegistration | None = None
    statistics: StatisticsSettings = field(default_factory=StatisticsSettings)
    analysis_settings: AnalysisSettings = field(default_factory=AnalysisSettings)
    scatter: ScatterPlot = ScatterPlot()  # noqa: RUF009  # frozen
    transect: TransectLine | None = None
    libraries: tuple[SavedLibrary, ...] = ()
    match_settings: MatchSettings = field(default_factory=MatchSettings)

    def __post_init__(self) -> None:
        numbers = [mark.number for mark in self.marks]
        if len(set(numbers)) < len(numbers):
            raise ValueError("two marks have the same number")
        if not 1 <= self.nm <= 1e6:
            raise ValueError(f"a wavelength of {self.nm:g} nm")
        if self.active not in numbers:
            object.__setattr__(self, "active", None)

    @classmethod
    def of(cls, document: Document, layout: Layout | None, libraries: Iterable[OpenedLibrary] = ()) -> SessionData:
        """Capture the state of a document with the opened libraries; an image must be open."""
        assert document.source is not None
        is_made = document.field is not None and document.encoded is not None
        provenance = document.field.provenance if document.field is not None and is_made else {}
        measured, pending = document.measurement, document.pending
        return cls(
            source=document.source, interpretation=document.development.interpretation, marks=document.marks,
            active=document.mark_set.active, view_settings=document.view_settings, viewport=document.viewport,
            nm=document.nm, plot_settings=document.plot_settings, viewing=document.viewing, white=document.white,
            is_full=(is_made and document.binning == 1) or (pending is not None and pending.full),
            model=(provenance.get("model", ""), provenance.get("model_sha256", "")),
            model_file=document.model_file if is_made else None, layout=layout, file=document.file,
            registration=SavedRegistration(measured.match, measured.is_chosen, measured.hints) if measured else None,
            statistics=document.statistics,
            analysis_settings=document.analysis_settings,
            scatter=document.scatter.plot, transect=document.transect.line,
            libraries=tuple(each.saved for each in libraries), match_settings=document.match_settings,
        )  # fmt: skip

    def restore(self, document: Document) -> int:
        """Apply this state to a document in which the image is already open.

        Returns:
            The number of marks outside the image, which are left out.
        """
        low, high = document.wavelength_range
        document.nm = self.nm if document.field is None else min(max(self.nm, low), high)  # `set_field` limits it later
        document.view_settings, document.viewport, document.plot_settings = (
            self.view_settings, self.viewport, self.plot_settings
        )  # fmt: skip
        document.viewing, document.white, document.statistics = self.viewing, self.white, self.statistics
        document.analysis_settings, document.match_settings = self.analysis_settings, self.match_settings
        document.wants_full, document.saved_model = self.is_full, self.model
        document.mark_set.restore(self.marks, self.active)
        document.scatter.restore(self.scatter)
        document.transect.restore(self.transect)
        return len(self.marks) - len(document.marks)


def write_session(path: Path, data: SessionData) -> None:
    """Write a session file; image paths are stored both relative to it and absolute.

    Raises:
        OSError: the file cannot be written.
    """
    with atomic_write(path) as part:
        part.write_text(json.dumps(_as_json(data, path.parent), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_session(path: Path, modes: Collection[str]) -> SessionData:
    """Read a session file; the image files need not exist any more.

    Args:
        path: the session file.
        modes: the names of the available view modes; others are invalid.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableFile: the file is not a session, is damaged, or was written by a newer program.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"the file is larger than {MAX_BYTES >> 20} MB")
        data = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
        version = _whole(data["nesr_session"], int)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableFile(f"{path.name} is not a session file of nesr_gui; open the image itself") from error
    if not 1 <= version <= FORMAT:
        raise UnreadableFile(
            f"{path.name} was saved by another version of nesr_gui (its format is {version}, this program reads "
            f"1 to {FORMAT}); open it with that version, or open the image itself"
        )
    try:
        return _from_json(_migrated(data, version), path.parent, modes)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())[:200]
        raise UnreadableFile(f"the session {path.name} is damaged ({reason}); open the image itself") from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a finite number")


def _file_json(path: Path, digest: str, folder: Path) -> dict[str, str]:
    try:
        relative = Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive
        relative = ""
    return {"path": str(path), "relative": relative, "sha256": digest}


def _read_file(document: Json, folder: Path) -> tuple[Path, str]:
    """Return the path of a file and its digest; the path relative to the session takes precedence if it matches."""
    path, relative, digest = (_text(document[name], str) for name in ("path", "relative", "sha256"))
    beside, there = Path(os.path.normpath(folder / relative)) if relative else Path(path), Path(path)
    if beside == there or not os.path.exists(there):
        return (beside if os.path.exists(beside) else there), digest
    return (beside if os.path.exists(beside) and fingerprint(beside) == digest else there), digest


def _library_json(library: SavedLibrary, folder: Path) -> Json:
    return {
        "name": library.name, "file": None if library.path is None else _file_json(library.path, "", folder),
        "spectra": _CONVERTER.unstructure(library.spectra),
    }  # fmt: skip


def _read_library(document: Json, folder: Path) -> SavedLibrary:
    path = None if document["file"] is None else _read_file(document["file"], folder)[0]
    return SavedLibrary(
        _text(document["name"], str), path, _CONVERTER.structure(document["spectra"], tuple[Spectrum, ...])
    )


def _number(value: Any, kind: type) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
        raise TypeError(f"{str(value)[:30]} where a number up to {LARGEST:g} is expected")
    return float(value)


def _whole(value: Any, kind: type) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 1 << 48:
        raise TypeError(f"{str(value)[:30]} where a whole number is expected")
    return value


def _text(value: Any, kind: type) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise TypeError(f"{str(value)[:30]!r} where a text is expected")
    return value


def _truth(value: Any, kind: type) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{str(value)[:30]} where true or false is expected")
    return value


def _spectrum(value: Json, kind: type) -> Spectrum:
    values = [math.nan if each is None else _number(each, float) for each in value["values"]]
    return Spectrum(Wavelengths(np.array(value["nm"])), np.array(values), _text(value["name"], str))


def _spectrum_json(spectrum: Spectrum) -> Json:
    values = [value if math.isfinite(value) else None for value in spectrum.values.tolist()]
    return {"name": spectrum.name, "nm": spectrum.wavelengths.nm.tolist(), "values": values}


def _make_converter() -> Converter:
    converter = Converter(detailed_validation=False)
    for kind, read in ((float, _number), (int, _whole), (str, _text), (bool, _truth)):
        converter.register_structure_hook(kind, read)
    converter.register_structure_hook(enum.StrEnum, lambda value, kind: kind(value))  # which is a text, too
    converter.register_structure_hook(Spectrum, _spectrum)
    converter.register_unstructure_hook(Spectrum, _spectrum_json)
    converter.register_structure_hook(Wavelengths, lambda nm, kind: Wavelengths(np.array(nm)))
    converter.register_unstructure_hook(Wavelengths, lambda wavelengths: wavelengths.nm.tolist())
    converter.register_unstructure_hook(BandPositions, lambda positions: positions.nm.tolist())
    stated = Wavelengths | BandPositions | None  # of the bands of a cube, in any order
    converter.register_structure_hook_func(
        lambda kind: kind == stated, lambda nm, kind: None if nm is None else BandPositions(np.array(nm))
    )

    def mark_of(values: Json, kind: type) -> Mark:
        mark, reading = Mark.from_json(values), values.get("reading")
        return mark if reading is None else replace(mark, reading=converter.structure(reading, Reading))

    converter.register_structure_hook(Mark, mark_of)
    converter.register_unstructure_hook(
        Mark, lambda mark: {**mark.as_json(), "reading": converter.unstructure(mark.reading)}
    )
    converter.register_structure_hook(Path, lambda path, kind: Path(_text(path, str)))
    converter.register_unstructure_hook(Path, str)
    return converter


_CONVERTER = _make_converter()


def _as_json(data: SessionData, folder: Path) -> Json:
    """The JSON content of a session file in `folder`."""
    source, (digest, truth_digest) = data.source, data.digests
    state = {name: _CONVERTER.unstructure(getattr(data, name), unstructure_as=kind) for name, kind in _state().items()}
    return {
        "nesr_session": FORMAT,
        "program": __version__,
        "image": _file_json(source.image, digest, folder),
        "truth": None if source.truth is None else _file_json(source.truth, truth_digest, folder),
        "hints": _CONVERTER.unstructure(source.reading),
        "simulation": _CONVERTER.unstructure(source.simulation),
        "libraries": [_library_json(library, folder) for library in data.libraries],
        **state,
    }


def _from_json(document: Json, folder: Path, modes: Collection[str]) -> SessionData:
    image, digest = _read_file(document["image"], folder)
    truth, truth_digest = (None, "") if document["truth"] is None else _read_file(document["truth"], folder)
    hints = None if document["hints"] is None else _CONVERTER.structure(document["hints"], CubeHints)
    simulation = document.get("simulation")  # earlier programs wrote none
    simulation = None if simulation is None else _CONVERTER.structure(simulation, Simulation)
    state = {name: _CONVERTER.structure(document[name], kind) for name, kind in _state().items()}
    data = SessionData(
        source=DocumentSource(image, truth, hints, simulation=simulation), digests=(digest, truth_digest),
        libraries=tuple(_read_library(each, folder) for each in document["libraries"]), **state,
    )  # fmt: skip
    if unknown := set(data.view_settings.modes) - set(modes):
        raise ValueError(f"there is no mode {', '.join(sorted(unknown))}")
    return data


def _state() -> dict[str, Any]:
    """Names and types of the fields of `SessionData`, without those with paths that are relative to its file."""
    kinds = get_type_hints(SessionData)
    return {each.name: kinds[each.name] for each in fields(SessionData) if each.name not in _WITH_PATHS}


_WITH_PATHS = ("source", "digests", "libraries")
_NEW_IN_4: Json = {
    "analysis_settings": {}, "scatter": {"x": "", "y": "", "selection": []}, "transect": None, "libraries": [],
    "statistics": {"scope": "mark", "within": None},
    "match_settings": {
        "distance": "angle", "within": None, "metamers": False, "most": 1.0, "any_brightness": True,
    },
}  # fmt: skip
"""Keys that format 4 added, and their values in older files."""
_RENAMED = {
    "reading": "hints", "truth_lies": "registration", "input": "interpretation", "full_resolution": "is_full",
    "look": "view_settings", "view": "viewport", "compare": "plot_settings", "copy_of": "file",
}  # fmt: skip
"""Keys of format 1 and their present names."""
_NORMALISATIONS = {
    "As they are": "none", "Maximum = 1": "maximum", "Mean = 1": "mean", "1 at the wavelength": "wavelength",
}  # fmt: skip
"""Format 1 saved normalisations by their labels."""


def _migrated(document: dict[str, Any], version: int) -> Json:
    """Convert the content of an older session file to the current format."""
    if version < 2:
        document = {"model_file": None} | {_RENAMED.get(key, key): value for key, value in document.items()}
        plot = document["plot_settings"]
        transform = {**plot["transform"], "normalise": _NORMALISATIONS[plot["transform"]["normalise"]]}
        document["plot_settings"] = {**plot, "transform": transform}
    if version < 4:
        document = {**_NEW_IN_4, **document}
    return document
