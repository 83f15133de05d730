"""Session files (.nesr): the state of a document as JSON; the image data stay in their own files.

Files may come from anywhere: the `read_…` functions raise TypeError, ValueError, KeyError, AttributeError or
OverflowError on invalid data, and `read_session` turns these into a one-sentence UnreadableFile.
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
FORMAT = 2  # increment when older programs would misread a file, and extend `_migrated`
MAX_BYTES = 64 << 20
Json = Mapping[str, Any]
AREAS = ("left", "right", "top", "bottom")
LARGEST = 1e30  # magnitude of a spectrum's values, which are float32
_MOST = 20_000  # px, size of a window or a panel


@dataclass(frozen=True)
class SavedRegistration:
    """The registration of the measured cube to the photograph, and whether the user chose its orientation."""

    match: Registration
    is_chosen: bool


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
        viewing: the light and the observer, and `white` the spectrum of a perfect white.
        is_full: whether it was reconstructed at full resolution.
        model: name and SHA-256 of the model; empty for a measured cube.
        model_file: the file of that model if the image is a cube; photographs can use any model.
        layout: the layout of the window.
        file: for an autosave copy, the session file of the document.
        digests: `fingerprint` of the image and of its measured cube; empty until written.
        registration: the registration of the measured cube.
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
        """Capture the state of a document; an image must be open."""
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
            registration=SavedRegistration(measured.match, measured.is_chosen) if measured else None,
        )  # fmt: skip

    def restore(self, document: Document) -> int:
        """Apply this state to a document in which the image is already open.

        Returns:
            The number of marks outside the image, which are left out.
        """
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
        data = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
        version = whole(data["nesr_session"])
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


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not a finite number")


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


def _from_json(data: Json, folder: Path, modes: Collection[str]) -> SessionData:
    image, digest = _read_file(data["image"], folder)
    truth, truth_digest = _optional(data["truth"], lambda each: _read_file(each, folder)) or (None, "")
    nm, active = float(data["nm"]), _optional(data["active"], whole)
    model = tuple(map(text, data["model"]))
    if not 1 <= nm <= 1e6 or len(model) != 2:
        raise ValueError(f"the wavelength {nm:g} nm or the model {str(model)[:80]} is invalid")
    marks = tuple(map(Mark.from_json, data["marks"]))
    if len({mark.number for mark in marks}) < len(marks):
        raise ValueError("two marks have the same number")
    return SessionData(
        source=DocumentSource(image, truth, _optional(data["reading"], read_reading)),
        interpretation=read_interpretation(data["input"]),
        marks=marks,
        active=active if active in [mark.number for mark in marks] else None,
        view_settings=read_view_settings(data["look"], modes),
        viewport=_optional(data["view"], read_viewport),
        nm=nm,
        plot_settings=read_plot_settings(data["compare"]),
        viewing=read_viewing(data["viewing"]),
        white=_optional(data["white"], read_spectrum),
        is_full=bool(data["full_resolution"]),
        model=(model[0], model[1]),
        model_file=_optional(data.get("model_file"), lambda path: Path(text(path))),  # missing in old files
        layout=_optional(data["layout"], Layout.from_json),
        file=_optional(data["copy_of"], lambda path: Path(text(path))),
        digests=(digest, truth_digest),
        registration=_optional(
            data["truth_lies"], lambda saved: SavedRegistration(read_match(saved["match"]), bool(saved["is_chosen"]))
        ),
    )


def _migrated(data: dict[str, Any], version: int) -> Json:
    """Convert the content of an older session file to the current format."""
    if version < 2:  # normalisations were saved by their labels
        compare = data["compare"]
        by_label = {
            "As they are": "none", "Maximum = 1": "maximum", "Mean = 1": "mean", "1 at the wavelength": "wavelength",
        }  # fmt: skip
        transform = {**compare["transform"], "normalise": by_label[compare["transform"]["normalise"]]}
        return {**data, "compare": {**compare, "transform": transform}}
    return data


def _file_json(path: Path, digest: str, folder: Path) -> dict[str, str]:
    try:
        relative = Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive
        relative = ""
    return {"path": str(path), "relative": relative, "sha256": digest}


def _read_file(data: Json, folder: Path) -> tuple[Path, str]:
    """Return the path of a file and its digest; the path relative to the session takes precedence if it matches."""
    path, relative, digest = (text(data[name]) for name in ("path", "relative", "sha256"))
    if "\0" in path + relative:
        raise ValueError("a file name contains a null character")
    beside, there = Path(os.path.normpath(folder / relative)) if relative else Path(path), Path(path)
    if beside == there or not os.path.exists(there):
        return (beside if os.path.exists(beside) else there), digest
    return (beside if os.path.exists(beside) and fingerprint(beside) == digest else there), digest


def _optional(value: Any, make: Callable[[Any], Any]) -> Any:
    return None if value is None else make(value)


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

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PanelPlace:
        """Build a panel position from what `asdict` returned; raises ValueError, TypeError or KeyError if invalid."""
        if data["area"] not in AREAS:
            raise ValueError(f"the panel area {str(data['area'])[:20]!r} is not one of {', '.join(AREAS)}")
        floats = None if data["floats"] is None else _pair(data["floats"], -_MOST)
        shown, front = bool(data["shown"]), bool(data["front"])
        return cls(str(data["name"]), data["area"], int(data["tabs"]), shown, front, _pair(data["size"], 1), floats)


@dataclass(frozen=True)
class Layout:
    """Width and height of the window in px, and its panels in order."""

    size: tuple[int, int]
    panels: tuple[PanelPlace, ...]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Layout:
        """Build a layout from what `asdict` returned; raises ValueError, TypeError or KeyError if invalid."""
        return cls(_pair(data["size"], 1), tuple(map(PanelPlace.from_json, data["panels"])))


def _pair(values: Any, least: int) -> tuple[int, int]:
    first, second = values
    if not all(isinstance(value, int) and least <= value <= _MOST for value in (first, second)):
        raise ValueError(f"{str(values)[:40]} is not a pair of sizes in pixels")
    return first, second


def spectrum_json(spectrum: Spectrum) -> Json:
    """Return a spectrum as plain values; values that are not finite become null."""
    nm, values = spectrum.wavelengths.nm.tolist(), spectrum.values.tolist()
    return {"name": spectrum.name, "nm": nm, "values": [value if math.isfinite(value) else None for value in values]}


def read_spectrum(data: Json) -> Spectrum:
    """Build a spectrum from the values of `spectrum_json`."""
    values = [math.nan if value is None else float(value) for value in data["values"]]
    if any(abs(value) > LARGEST for value in values):
        raise ValueError(f"a value of a spectrum exceeds {LARGEST:g}")
    return Spectrum(Wavelengths(np.array(data["nm"])), np.array(values), text(data["name"]))


def read_interpretation(data: Json) -> DevelopSettings:
    """Build development settings from what `asdict` returned."""
    values = dict(data)
    for name in ("gamma", "kelvin", "tint", "stops"):
        values[name] = float(values[name])
    if (point := values["grey_point"]) is not None:
        row, col = map(whole, point)
        values["grey_point"] = row, col
    if values["working_pixels"] is not None:
        values["working_pixels"] = whole(values["working_pixels"])
    if values["camera"] is not None:
        values["camera"] = Observer(**values["camera"])
    return DevelopSettings(**values)


def read_viewing(data: Json) -> ViewingConditions:
    """Build viewing conditions from what `asdict` returned."""
    light = dict(data["light"])
    light["kelvin"] = float(light["kelvin"])
    return ViewingConditions(Illuminant(**light), Observer(**data["observer"]))


def plot_settings_json(settings: PlotSettings) -> Json:
    """Return plot settings as plain values."""
    library = [
        {"spectrum": spectrum_json(each.spectrum), "source": each.source, "visible": each.visible}
        for each in settings.library
    ]
    return {**asdict(settings), "library": library}


def read_plot_settings(data: Json) -> PlotSettings:
    """Build plot settings from the values of `plot_settings_json`."""
    transform = Transform(
        Normalise(data["transform"]["normalise"]),
        bool(data["transform"]["derivative"]),
        bool(data["transform"]["difference"]),
    )
    library = tuple(
        ReferenceSpectrum(read_spectrum(each["spectrum"]), text(each["source"]), bool(each["visible"]))
        for each in data["library"]
    )
    if len(library) > MOST:
        raise ValueError(f"{len(library)} reference spectra, at most {MOST} are allowed")
    return PlotSettings(transform, bool(data["truth"]), bool(data["smooth"]), library)


def reading_json(reading: CubeHints) -> Json:
    """Return the hints for reading a cube as plain values."""
    nm = reading.wavelengths.nm.tolist() if reading.wavelengths is not None else None
    return {
        "wavelengths": nm, "band_axis": reading.band_axis, "quantity": reading.quantity, "variable": reading.variable,
    }  # fmt: skip


def read_reading(data: Json) -> CubeHints:
    """Build the hints for reading a cube from the values of `reading_json`."""
    nm, axis, quantity, variable = (data[name] for name in ("wavelengths", "band_axis", "quantity", "variable"))
    return CubeHints(
        None if nm is None else Wavelengths(np.array(nm)),
        None if axis is None else whole(axis),
        None if quantity is None else Quantity(quantity),
        None if variable is None else text(variable),
    )


def read_viewport(data: Json) -> Viewport:
    """Build a viewport from what `asdict` returned."""
    view = Viewport(**{name: float(data[name]) for name in ("top", "bottom", "left", "right", "scale")})
    edges = np.array([view.top, view.bottom, view.left, view.right])
    if not (np.abs(edges) < 1e7).all() or view.bottom <= view.top or view.right <= view.left or not view.scale > 0:
        raise ValueError(
            f"the viewport {view.top:g} to {view.bottom:g}, {view.left:g} to {view.right:g} is empty or too large"
        )
    return view


def read_match(data: Json) -> Registration:
    """Build a registration from what `asdict` returned."""
    scores = [None if data[name] is None else float(data[name]) for name in ("correlation", "next_best")]
    if any(value is not None and not -1.001 <= value <= 1.001 for value in scores):
        raise ValueError("a correlation is outside -1 to 1")
    return Registration(data["orientation"], float(data["gain"]), *scores)


def text(value: Any) -> str:
    """Return `value` if it is a string, and raise TypeError otherwise."""
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} where text is expected")
    return value


def whole(value: Any) -> int:
    """Return `value` if it is an integer of less than 2⁴⁸ in magnitude, and raise TypeError otherwise."""
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 1 << 48:
        raise TypeError(f"{str(value)[:30]} where a whole number is expected")
    return value


def view_settings_json(settings: ViewSettings) -> dict[str, Any]:
    """Return view settings as plain values."""
    data = asdict(replace(settings, reference=None))
    if settings.reference is not None:
        data["reference"] = spectrum_json(settings.reference)
    return data


def read_view_settings(data: Json, modes: Collection[str]) -> ViewSettings:
    """Build view settings from the values of `view_settings_json`; missing values take their defaults.

    Args:
        data: the plain values.
        modes: the names of the available view modes.

    Raises:
        ValueError: a value is invalid.
    """
    try:
        values = dict(data)
        for name, read in _READERS.items():
            if name in values:
                values[name] = read(values[name])
        settings = ViewSettings(**values)
        if unknown := set(settings.modes) - set(modes):
            raise ValueError(f"there is no view mode {', '.join(sorted(unknown))}")
        return settings
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise ValueError(f"the view settings are invalid ({error}); open the image itself") from error


def _number(low: float, high: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        number = float(value)
        if not low <= number <= high:  # also refuses nan
            raise ValueError(f"{number:g} is not between {low:g} and {high:g}")
        return number

    return read


def _reference(data: Any) -> Spectrum | None:
    return None if data is None else read_spectrum(data)


def _mode_pair(modes: Any) -> tuple[str, str]:
    left, right = modes
    return str(left), str(right)


def _three(wavelengths: Any) -> tuple[float, float, float]:
    red, green, blue = map(_number(1, 1e6), wavelengths)
    return red, green, blue


def _levels(levels: Any) -> dict[str, Limits]:
    limits = {str(key): (float(low), float(high)) for key, (low, high) in levels.items()}
    if not all(math.isfinite(low) and math.isfinite(high) and low < high for low, high in limits.values()):
        raise ValueError("a lower limit is not below its upper limit")
    return limits


_READERS: dict[str, Callable[[Any], Any]] = {
    "modes": _mode_pair, "active": lambda side: (0, 1).index(side), "arrangement": PaneLayout,
    "divider": _number(0.05, 0.95), "false_colour": _three, "measure": ErrorMetric, "reference": _reference,
    "levels": _levels, "colormaps": lambda names: {str(key): str(name) for key, name in names.items()},
    "speed": _number(0.1, 1000),
}  # fmt: skip
