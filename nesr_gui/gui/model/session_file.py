"""Session files (.nesr): the state of a document as JSON, without the numbers of its image, which stay in their file.

What is read comes from anywhere: each reader ends with TypeError, ValueError, KeyError, AttributeError or
OverflowError where it is not what was written, and `read_session` turns that into a sentence.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from nesr_gui._version import __version__
from nesr_gui.colorimetry.viewing_conditions import Illuminant, Observer, ViewingConditions
from nesr_gui.fields.resampled import Registration
from nesr_gui.gui.model.document import Document, DocumentSource
from nesr_gui.gui.model.marks import Mark
from nesr_gui.gui.model.plot_settings import MOST, Normalise, PlotSettings, ReferenceSpectrum, Transform
from nesr_gui.gui.model.view_settings import ErrorMetric, Limits, PaneLayout, ViewSettings
from nesr_gui.gui.model.viewport import Viewport
from nesr_gui.io.atomic import atomic_write
from nesr_gui.io.cubes.description import CubeHints
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.fingerprint import fingerprint
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.spectral import Quantity, Spectrum, Wavelengths

ENDING = ".nesr"
FILTER = f"Sessions (*{ENDING})"
FORMAT = 2  # raise it when an older program would read a file wrongly, and extend `_migrated`
MAX_BYTES = 64 << 20
Json = Mapping[str, Any]
AREAS = ("left", "right", "top", "bottom")
LARGEST = 1e30  # of a spectrum's values, which are float32
_MOST = 20_000  # px of a window or a panel


@dataclass(frozen=True)
class SavedRegistration:
    """How the measured cube lies over the photograph, and whether its user chose that."""

    match: Registration
    is_chosen: bool


@dataclass(frozen=True, kw_only=True)
class SessionData:
    """All of a document that a session file holds; frozen, so that it can be written while the user goes on.

    Attributes:
        source: the files of the image.
        is_full: whether it was reconstructed at full resolution.
        model: name and SHA-256 of the model that did it; empty for a cube as it was measured.
        model_file: where that was, if it was a cube's: other models can do for photographs.
        layout: the window's.
        file: the session file that an automatic copy is of.
        digests: SHA-256 of the image and of its measured cube, as `fingerprint` has them; empty until it is written.
        registration: how the measured cube lies over the photograph.
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

    @classmethod
    def of(cls, document: Document, layout: Layout | None) -> SessionData:
        """The state of a document in which an image is open."""
        assert document.source is not None
        is_made = document.field is not None and document.encoded is not None
        made = document.field.provenance if document.field is not None and is_made else {}
        measured, pending = document.measurement, document.pending
        return cls(
            source=document.source, interpretation=document.development.interpretation, marks=document.marks,
            active=document.mark_set.active, view_settings=document.view_settings, viewport=document.viewport,
            nm=document.nm, plot_settings=document.plot_settings, viewing=document.viewing, white=document.white,
            is_full=(is_made and document.binning == 1) or (pending is not None and pending.full),
            model=(made.get("model", ""), made.get("model_sha256", "")),
            model_file=document.model_file if is_made else None, layout=layout, file=document.file,
            registration=SavedRegistration(measured.match, measured.is_chosen) if measured else None,
        )  # fmt: skip

    def restore(self, document: Document) -> int:
        """Give a document in which the image is open this state; how many marks lie outside the image."""
        low, high = document.wavelength_range
        document.nm = min(max(self.nm, low), high)
        document.view_settings, document.viewport, document.plot_settings = (
            self.view_settings, self.viewport, self.plot_settings
        )  # fmt: skip
        document.viewing, document.white = self.viewing, self.white
        document.wants_full, document.saved_model = self.is_full, self.model
        document.mark_set.restore(self.marks, self.active)
        return len(self.marks) - len(document.marks)


def write_session(path: Path, data: SessionData) -> None:
    """Write a session file; its images are named as they are found from there, and as they are found from anywhere."""
    with atomic_write(path) as part:
        part.write_text(json.dumps(_as_json(data, path.parent), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_session(path: Path, modes: Collection[str]) -> SessionData:
    """What a session file keeps, with view modes of those that there are; its files may be elsewhere by now.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableFile: it is no session file, damaged, or of a newer program.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it is larger than {MAX_BYTES >> 20} MB")
        known = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
        version = whole(known["nesr_session"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableFile(f"{path.name} is no session file of nesr_gui; open the image itself") from error
    if not 1 <= version <= FORMAT:
        raise UnreadableFile(
            f"{path.name} was saved by another version of nesr_gui (its format is {version}, this program reads "
            f"1 to {FORMAT}); open it with that version, or open the image itself"
        )
    try:
        return _from_json(_migrated(known, version), path.parent, modes)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        said = f"{error} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())[:200]
        raise UnreadableFile(f"the session {path.name} is damaged ({said}); open the image itself") from error


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _as_json(data: SessionData, folder: Path) -> dict[str, Any]:
    source = data.source
    return {
        "nesr_session": FORMAT,
        "program": __version__,
        "image": _file_json(source.image, data.digests[0], folder),
        "truth": _optional(source.truth, lambda path: _file_json(path, data.digests[1], folder)),
        "truth_lies": _optional(data.registration, asdict),
        "reading": _optional(source.reading, reading_json),
        "input": asdict(data.interpretation),
        "full_resolution": data.is_full,
        "model": list(data.model),
        "model_file": _optional(data.model_file, str),
        "marks": [mark.as_json() for mark in data.marks],
        "active": data.active,
        "look": view_settings_json(data.view_settings),
        "view": _optional(data.viewport, asdict),
        "nm": data.nm,
        "compare": plot_settings_json(data.plot_settings),
        "viewing": asdict(data.viewing),
        "white": _optional(data.white, spectrum_json),
        "layout": _optional(data.layout, asdict),
        "copy_of": _optional(data.file, str),
    }


def _from_json(known: Json, folder: Path, modes: Collection[str]) -> SessionData:
    image, digest = _read_file(known["image"], folder)
    truth, truth_digest = _optional(known["truth"], lambda each: _read_file(each, folder)) or (None, "")
    nm, active = float(known["nm"]), _optional(known["active"], whole)
    model = tuple(map(text, known["model"]))
    if not 1 <= nm <= 1e6 or len(model) != 2:
        raise ValueError(f"a wavelength of {nm:g} nm")
    marks = tuple(map(Mark.from_json, known["marks"]))
    if len({mark.number for mark in marks}) < len(marks):
        raise ValueError("two marks of one number")
    return SessionData(
        source=DocumentSource(image, truth, _optional(known["reading"], read_reading)),
        interpretation=read_interpretation(known["input"]),
        marks=marks,
        active=active if active in [mark.number for mark in marks] else None,
        view_settings=read_view_settings(known["look"], modes),
        viewport=_optional(known["view"], read_viewport),
        nm=nm,
        plot_settings=read_plot_settings(known["compare"]),
        viewing=read_viewing(known["viewing"]),
        white=_optional(known["white"], read_spectrum),
        is_full=bool(known["full_resolution"]),
        model=(model[0], model[1]),
        model_file=_optional(known.get("model_file"), lambda path: Path(text(path))),  # older programs wrote none
        layout=_optional(known["layout"], Layout.from_json),
        file=_optional(known["copy_of"], lambda path: Path(text(path))),
        digests=(digest, truth_digest),
        registration=_optional(
            known["truth_lies"], lambda saved: SavedRegistration(read_match(saved["match"]), bool(saved["is_chosen"]))
        ),
    )


def _migrated(known: dict[str, Any], version: int) -> Json:
    """What an older program wrote, as this one writes it."""
    if version < 2:  # ways to normalise were saved by their labels
        compare = known["compare"]
        by_label = {way.label: way.value for way in Normalise}
        transform = {**compare["transform"], "normalise": by_label[compare["transform"]["normalise"]]}
        return {**known, "compare": {**compare, "transform": transform}}
    return known


def _file_json(path: Path, digest: str, folder: Path) -> dict[str, str]:
    try:
        relative = Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive
        relative = ""
    return {"path": str(path), "relative": relative, "sha256": digest}


def _read_file(known: Json, folder: Path) -> tuple[Path, str]:
    """Where the file is, and its digest: as seen from the session, for folders move together, or else where it was."""
    path, relative, digest = (text(known[name]) for name in ("path", "relative", "sha256"))
    if "\0" in path + relative:
        raise ValueError("a file name with a null character")
    beside, there = Path(os.path.normpath(folder / relative)) if relative else Path(path), Path(path)
    if beside == there or not os.path.exists(there):
        return (beside if os.path.exists(beside) else there), digest
    return (beside if os.path.exists(beside) and fingerprint(beside) == digest else there), digest


def _optional(value: Any, make: Callable[[Any], Any]) -> Any:
    return None if value is None else make(value)


@dataclass(frozen=True)
class PanelPlace:
    """Where a panel stands.

    Attributes:
        name: what the panel is remembered under.
        area: left, right, top or bottom.
        tabs: panels of one area with the same number stand behind each other.
        shown: whether it is open.
        front: whether it is before the others of its tabs.
        size: width and height; of a floating one, `floats` is the place of its upper left corner.
    """

    name: str
    area: str
    tabs: int
    shown: bool
    front: bool
    size: tuple[int, int]
    floats: tuple[int, int] | None

    @classmethod
    def from_json(cls, known: Mapping[str, Any]) -> PanelPlace:
        """What `asdict` gave; raises ValueError, TypeError or KeyError otherwise."""
        if known["area"] not in AREAS:
            raise ValueError(f"a panel stands {str(known['area'])[:20]!r}")
        floats = None if known["floats"] is None else _pair(known["floats"], -_MOST)
        shown, front = bool(known["shown"]), bool(known["front"])
        return cls(str(known["name"]), known["area"], int(known["tabs"]), shown, front, _pair(known["size"], 1), floats)


@dataclass(frozen=True)
class Layout:
    """Width and height of the window, and its panels in order."""

    size: tuple[int, int]
    panels: tuple[PanelPlace, ...]

    @classmethod
    def from_json(cls, known: Mapping[str, Any]) -> Layout:
        """What `asdict` gave; raises ValueError, TypeError or KeyError otherwise."""
        return cls(_pair(known["size"], 1), tuple(map(PanelPlace.from_json, known["panels"])))


def _pair(values: Any, least: int) -> tuple[int, int]:
    first, second = values
    if not all(isinstance(value, int) and least <= value <= _MOST for value in (first, second)):
        raise ValueError(f"{str(values)[:40]} where two sizes in pixels are expected")
    return first, second


def spectrum_json(spectrum: Spectrum) -> Json:
    nm, values = spectrum.wavelengths.nm.tolist(), spectrum.values.tolist()
    return {"name": spectrum.name, "nm": nm, "values": [value if math.isfinite(value) else None for value in values]}


def read_spectrum(known: Json) -> Spectrum:
    values = [math.nan if value is None else float(value) for value in known["values"]]
    if any(abs(value) > LARGEST for value in values):
        raise ValueError(f"a value above {LARGEST:g}")
    return Spectrum(Wavelengths(np.array(known["nm"])), np.array(values), text(known["name"]))


def read_interpretation(known: Json) -> DevelopSettings:
    given = dict(known)
    for name in ("gamma", "kelvin", "tint", "stops"):
        given[name] = float(given[name])
    if (point := given["grey_point"]) is not None:
        row, col = map(whole, point)
        given["grey_point"] = row, col
    if given["working_pixels"] is not None:
        given["working_pixels"] = whole(given["working_pixels"])
    if given["camera"] is not None:
        given["camera"] = Observer(**given["camera"])
    return DevelopSettings(**given)


def read_viewing(known: Json) -> ViewingConditions:
    light = dict(known["light"])
    light["kelvin"] = float(light["kelvin"])
    return ViewingConditions(Illuminant(**light), Observer(**known["observer"]))


def plot_settings_json(settings: PlotSettings) -> Json:
    library = [
        {"spectrum": spectrum_json(each.spectrum), "source": each.source, "visible": each.visible}
        for each in settings.library
    ]
    return {**asdict(settings), "library": library}


def read_plot_settings(known: Json) -> PlotSettings:
    transform = Transform(
        Normalise(known["transform"]["normalise"]),
        bool(known["transform"]["derivative"]),
        bool(known["transform"]["difference"]),
    )
    library = tuple(
        ReferenceSpectrum(read_spectrum(each["spectrum"]), text(each["source"]), bool(each["visible"]))
        for each in known["library"]
    )
    if len(library) > MOST:
        raise ValueError(f"{len(library)} spectra to compare, of at most {MOST}")
    return PlotSettings(transform, bool(known["truth"]), bool(known["smooth"]), library)


def reading_json(reading: CubeHints) -> Json:
    nm = reading.wavelengths.nm.tolist() if reading.wavelengths is not None else None
    return {
        "wavelengths": nm, "band_axis": reading.band_axis, "quantity": reading.quantity, "variable": reading.variable,
    }  # fmt: skip


def read_reading(known: Json) -> CubeHints:
    nm, axis, quantity, variable = (known[name] for name in ("wavelengths", "band_axis", "quantity", "variable"))
    return CubeHints(
        None if nm is None else Wavelengths(np.array(nm)),
        None if axis is None else whole(axis),
        None if quantity is None else Quantity(quantity),
        None if variable is None else text(variable),
    )


def read_viewport(known: Json) -> Viewport:
    view = Viewport(**{name: float(known[name]) for name in ("top", "bottom", "left", "right", "scale")})
    edges = np.array([view.top, view.bottom, view.left, view.right])
    if not (np.abs(edges) < 1e7).all() or view.bottom <= view.top or view.right <= view.left or not view.scale > 0:
        raise ValueError(f"a view from {view.top:g} to {view.bottom:g} and {view.left:g} to {view.right:g}")
    return view


def read_match(known: Json) -> Registration:
    seen = [None if known[name] is None else float(known[name]) for name in ("correlation", "next_best")]
    if any(value is not None and not -1.001 <= value <= 1.001 for value in seen):
        raise ValueError("a correlation above 1")
    return Registration(known["orientation"], float(known["gain"]), *seen)


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} where a text is expected")
    return value


def whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 1 << 48:
        raise TypeError(f"{str(value)[:30]} where a whole number is expected")
    return value


def view_settings_json(settings: ViewSettings) -> dict[str, Any]:
    """View settings as what `json.dumps` writes."""
    known = asdict(replace(settings, reference=None))
    if settings.reference is not None:
        known["reference"] = spectrum_json(settings.reference)
    return known


def read_view_settings(known: Json, modes: Collection[str]) -> ViewSettings:
    """View settings as `view_settings_json` wrote it, of `modes` that there are; what is missing is as at first.

    Raises:
        ValueError: it is no such thing.
    """
    try:
        given = dict(known)
        for name, read in _READERS.items():
            if name in given:
                given[name] = read(given[name])
        settings = ViewSettings(**given)
        if unknown := set(settings.modes) - set(modes):
            raise ValueError(f"there is no mode {', '.join(sorted(unknown))}")
        return settings
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise ValueError(f"this is no view that nesr_gui saved ({error}); open the image itself") from error


def _number(low: float, high: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        number = float(value)
        if not low <= number <= high:  # what is no number is not between
            raise ValueError(f"{number:g} is not between {low:g} and {high:g}")
        return number

    return read


def _reference(known: Any) -> Spectrum | None:
    return None if known is None else read_spectrum(known)


def _mode_pair(modes: Any) -> tuple[str, str]:
    left, right = modes
    return str(left), str(right)


def _three(wavelengths: Any) -> tuple[float, float, float]:
    red, green, blue = map(_number(1, 1e6), wavelengths)
    return red, green, blue


def _levels(levels: Any) -> dict[str, Limits]:
    made = {str(key): (float(low), float(high)) for key, (low, high) in levels.items()}
    if not all(math.isfinite(low) and math.isfinite(high) and low < high for low, high in made.values()):
        raise ValueError("a lower limit is not below its upper one")
    return made


_READERS: dict[str, Callable[[Any], Any]] = {
    "modes": _mode_pair, "active": lambda side: (0, 1).index(side), "arrangement": PaneLayout,
    "divider": _number(0.05, 0.95), "false_colour": _three, "measure": ErrorMetric, "reference": _reference,
    "levels": _levels, "colormaps": lambda names: {str(key): str(name) for key, name in names.items()},
    "speed": _number(0.1, 1000),
}  # fmt: skip
