"""Session files (.nesr): a document as JSON, without the numbers of its image, which stay in their own file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nesr_gui._version import __version__
from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.resampled import Registration
from nesr_gui.gui.model import session_parts as parts
from nesr_gui.gui.model import view_settings as looks
from nesr_gui.gui.model.document import Document, Origin
from nesr_gui.gui.model.marks import Mark
from nesr_gui.gui.model.plot_settings import Overlays
from nesr_gui.gui.model.view_settings import Look
from nesr_gui.gui.model.viewport import View
from nesr_gui.io.atomic import atomic_write
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.fingerprint import fingerprint
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.spectral import Spectrum

ENDING = ".nesr"
FILTER = f"Sessions (*{ENDING})"
FORMAT = 1  # raise it when an older program would read a file wrongly
MAX_BYTES = 64 << 20
AREAS = ("left", "right", "top", "bottom")
_MOST = 20_000  # px of a window or a panel


@dataclass(frozen=True)
class Laid:
    """How the measured cube lies over the photograph, and whether its user chose that."""

    match: Registration
    is_chosen: bool


@dataclass(frozen=True)
class Kept:
    """All of a document that a session file keeps; frozen, so that it can be written while the user goes on.

    Attributes:
        origin: the files of the image.
        digests: SHA-256 of the image and of its measured cube, as `fingerprint` has them; empty until it is written.
        is_full: whether it was reconstructed at full resolution.
        model: name and SHA-256 of the model that did it; empty for a cube as it was measured.
        model_file: where that was, if it was a cube's: other models can do for photographs.
        file: the session file that an automatic copy is of.
    """

    origin: Origin
    interpretation: DevelopSettings
    marks: tuple[Mark, ...]
    active: int | None
    look: Look
    view: View | None
    nm: float
    overlays: Overlays
    viewing: ViewingConditions
    white: Spectrum | None
    is_full: bool = False
    model: tuple[str, str] = ("", "")
    layout: Layout | None = None
    file: Path | None = None
    digests: tuple[str, str] = ("", "")
    laid: Laid | None = None
    model_file: Path | None = None

    @classmethod
    def of(cls, document: Document, layout: Layout | None) -> Kept:
        """What there is to keep of a document in which an image is open."""
        assert document.origin is not None
        is_made = document.field is not None and document.encoded is not None
        made = document.field.provenance if document.field is not None and is_made else {}
        return cls(
            document.origin, document.interpretation, document.marks, document.active, document.look, document.view,
            document.nm, document.overlays, document.viewing, document.white,
            (is_made and document.binning == 1) or (document.encoding is not None and document.encoding.full),
            (made.get("model", ""), made.get("model_sha256", "")), layout, document.file,
            laid=Laid(document.measurement.match, document.measurement.is_chosen) if document.measurement else None,
            model_file=document.model_file if is_made else None,
        )  # fmt: skip


def write_session(path: Path, kept: Kept) -> None:
    """Write a session file; its images are named as they are found from there, and as they are found from anywhere."""
    with atomic_write(path) as part:
        part.write_text(json.dumps(_as_json(kept, path.parent), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_session(path: Path, modes: Collection[str]) -> Kept:
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
        version = parts.whole(known["nesr_session"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableFile(f"{path.name} is no session file of nesr_gui; open the image itself") from error
    if version != FORMAT:
        raise UnreadableFile(
            f"{path.name} was saved by another version of nesr_gui (its format is {version}, this program reads "
            f"{FORMAT}); open it with that version, or open the image itself"
        )
    try:
        return _from_json(known, path.parent, modes)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        said = f"{error} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())[:200]
        raise UnreadableFile(f"the session {path.name} is damaged ({said}); open the image itself") from error


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _as_json(kept: Kept, folder: Path) -> dict[str, Any]:
    origin = kept.origin
    return {
        "nesr_session": FORMAT,
        "program": __version__,
        "image": _file_json(origin.image, kept.digests[0], folder),
        "truth": _optional(origin.truth, lambda path: _file_json(path, kept.digests[1], folder)),
        "truth_lies": _optional(kept.laid, asdict),
        "reading": _optional(origin.reading, parts.reading_json),
        "input": parts.interpretation_json(kept.interpretation),
        "full_resolution": kept.is_full,
        "model": list(kept.model),
        "model_file": _optional(kept.model_file, str),
        "marks": [mark.as_json() for mark in kept.marks],
        "active": kept.active,
        "look": looks.as_json(kept.look),
        "view": _optional(kept.view, asdict),
        "nm": kept.nm,
        "compare": parts.overlays_json(kept.overlays),
        "viewing": parts.viewing_json(kept.viewing),
        "white": _optional(kept.white, parts.spectrum_json),
        "layout": _optional(kept.layout, asdict),
        "copy_of": _optional(kept.file, str),
    }


def _from_json(known: parts.Json, folder: Path, modes: Collection[str]) -> Kept:
    image, digest = _read_file(known["image"], folder)
    truth, truth_digest = _optional(known["truth"], lambda each: _read_file(each, folder)) or (None, "")
    nm, active = float(known["nm"]), _optional(known["active"], parts.whole)
    model = tuple(map(parts.text, known["model"]))
    if not 1 <= nm <= 1e6 or len(model) != 2:
        raise ValueError(f"a wavelength of {nm:g} nm")
    marks = tuple(map(Mark.from_json, known["marks"]))
    if len({mark.number for mark in marks}) < len(marks):
        raise ValueError("two marks of one number")
    return Kept(
        Origin(image, truth, _optional(known["reading"], parts.read_reading)),
        parts.read_interpretation(known["input"]),
        marks,
        active if active in [mark.number for mark in marks] else None,
        looks.from_json(known["look"], modes),
        _optional(known["view"], parts.read_view),
        nm,
        parts.read_overlays(known["compare"]),
        parts.read_viewing(known["viewing"]),
        _optional(known["white"], parts.read_spectrum),
        bool(known["full_resolution"]),
        (model[0], model[1]),
        _optional(known["layout"], Layout.from_json),
        _optional(known["copy_of"], lambda path: Path(parts.text(path))),
        (digest, truth_digest),
        _optional(known["truth_lies"], lambda laid: Laid(parts.read_match(laid["match"]), bool(laid["is_chosen"]))),
        _optional(known.get("model_file"), lambda path: Path(parts.text(path))),  # older programs wrote none
    )


def _file_json(path: Path, digest: str, folder: Path) -> dict[str, str]:
    try:
        relative = Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive
        relative = ""
    return {"path": str(path), "relative": relative, "sha256": digest}


def _read_file(known: parts.Json, folder: Path) -> tuple[Path, str]:
    """Where the file is, and its digest: as seen from the session, for folders move together, or else where it was."""
    path, relative, digest = (parts.text(known[name]) for name in ("path", "relative", "sha256"))
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
