"""User preferences, in one table, and other values stored between runs."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QSettings, QStandardPaths, Signal

from nesr_gui.gui.model.palette import MARK_COLOURS, Theme, colormaps

_throwaway: Path | None = None  # a temporary settings file, see `nothing_remembered`
_GROUP, _RECENT, _TRUTHS, _EXPRESSIONS = "preferences", "files/recent", "files/measured", "analysis/expressions"
_MOST_RECENT, _MOST_EXPRESSIONS = 8, 20
_MEGAPIXELS = (0.25, 0.5, 1, 2, 4, 8, 16)


def settings() -> QSettings:
    """Return the program's settings, stored where the platform keeps user settings."""
    if _throwaway is not None:
        return QSettings(str(_throwaway), QSettings.Format.IniFormat)
    return QSettings(QSettings.defaultFormat(), QSettings.Scope.UserScope, "nesr_gui", "nesr_gui")


def data_folder() -> Path:
    """Return the folder for the program's own data, such as autosave copies."""
    if _throwaway is not None:
        return _throwaway.parent
    return Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppDataLocation))


def profile_library() -> Path:
    """Return the file of the stored camera profiles."""
    return data_folder() / "camera_profiles.json"


def recent_files() -> list[Path]:
    """Return the recently opened files, newest first."""
    return [Path(path) for path in _texts(_RECENT)]


def recent_expressions() -> list[str]:
    """Return the expressions of band math that were used, newest first."""
    return _texts(_EXPRESSIONS)


def remember_expression(text: str) -> None:
    """Put an expression at the top of those that were used."""
    others = [other for other in recent_expressions() if other != text]
    settings().setValue(_EXPRESSIONS, [text, *others][:_MOST_EXPRESSIONS])


def _texts(key: str) -> list[str]:
    saved = settings().value(key, [])
    return [saved] if isinstance(saved, str) else [str(text) for text in saved] if isinstance(saved, list) else []


def measured_cube_of(path: Path) -> Path | None:
    """Return the measured cube that a recent photograph was opened with, if any."""
    return _measured_cubes().get(path)


def _measured_cubes() -> dict[Path, Path]:
    try:
        saved = json.loads(str(settings().value(_TRUTHS, "{}")))
        return {Path(photograph): Path(cube) for photograph, cube in saved.items()}
    except (ValueError, TypeError, AttributeError):  # edited by hand
        return {}


def remember_file(path: Path, truth: Path | None = None) -> None:
    """Put a file at the top of the recent files, with the measured cube that it was opened with."""
    path = path.resolve()
    paths = [path, *(p for p in recent_files() if p != path)][:_MOST_RECENT]
    cubes = {p: cube for p, cube in _measured_cubes().items() if p in paths and p != path}
    if truth is not None:
        cubes[path] = truth.resolve()
    stored = settings()  # once, since each writes its file when it goes
    stored.setValue(_RECENT, [str(p) for p in paths])
    stored.setValue(_TRUTHS, json.dumps({str(p): str(cube) for p, cube in cubes.items()}))


def forget_recent_files() -> None:
    """Clear the list of recent files."""
    stored = settings()
    stored.remove(_RECENT)
    stored.remove(_TRUTHS)


@contextmanager
def nothing_remembered() -> Iterator[None]:
    """Use temporary settings, as for a first start: for screenshots and benchmarks."""
    global _throwaway
    with tempfile.TemporaryDirectory() as folder:
        _throwaway = Path(folder) / "settings.ini"
        try:
            yield
        finally:
            _throwaway = None


@dataclass(frozen=True)
class Preference:
    """One preference.

    Attributes:
        key: its key in the settings.
        title: its label.
        default: its default value.
        choices: its values with their labels.
        meaning: a description, including when it takes effect if not at once.
        synonyms: other words by which the command palette finds it.
    """

    key: str
    title: str
    default: str
    choices: Mapping[str, str]
    meaning: str
    synonyms: str = ""


TABLE = (
    Preference("theme", "Theme", Theme.SYSTEM,
               {Theme.SYSTEM: "Same as system", Theme.LIGHT: "Light", Theme.DARK: "Dark"},
               "The colours of the window.",
               synonyms="dark light mode night appearance style"),
    Preference("device", "Compute on", "auto",
               {"auto": "Automatic", "cpu": "Processor", "cuda": "NVIDIA or AMD graphics (CUDA)",
                "mps": "Apple graphics (MPS)"},
               "Device that computes spectra. Changing it reconstructs the open photograph again.",
               synonyms="gpu cpu graphics processor"),
    Preference("working_pixels", "Working resolution", "",
               {"": "Automatic", **{str(round(n * 1e6)): f"{n:g} megapixels" for n in _MEGAPIXELS}},
               "Larger photographs are reduced to this size before reconstruction, unless the Input panel sets "
               "another one. Automatic is the size that this machine reconstructs in a few seconds.",
               synonyms="pixels size megapixels speed quality"),
    Preference("colormap", "Colormap of bands", "grey", {name: name.capitalize() for name in colormaps()},
               "Default colormap of band images. The context menu of an image changes it for that image.",
               synonyms="colormap lut palette viridis grey gray"),
    Preference("mark_colours", "Colours of marks", "safe", {key: kind.title for key, kind in MARK_COLOURS.items()},
               "Colours of new marks, used in turn. Existing marks keep their colours.",
               synonyms="pins palette colour-blind"),
    Preference("autosave", "Autosave", "30",
               {"": "Never", "10": "Every 10 seconds", "30": "Every 30 seconds", "120": "Every 2 minutes"},
               "Unsaved work is copied at this interval and offered again after a crash.",
               synonyms="backup recovery crash"),
)  # fmt: skip


class Preferences(QObject):
    """The current values of all preferences, stored between runs.

    `preferences[key]` is a value, or the default if none, or an invalid one, is stored.
    """

    changed = Signal(str)  # the key of the preference

    def __getitem__(self, key: str) -> str:
        """Return the value of a preference, or its default if none, or an invalid one, is stored."""
        preference = _BY_KEY[key]
        stored = str(settings().value(f"{_GROUP}/{key}", preference.default))
        return stored if stored in preference.choices else preference.default

    def choose(self, key: str, value: str) -> None:
        """Set a preference.

        Raises:
            ValueError: `value` is not one of its choices.
        """
        if value not in _BY_KEY[key].choices:
            raise ValueError(f"{value!r} is not a value of {key}; choose one of: {', '.join(_BY_KEY[key].choices)}")
        if value != self[key]:
            settings().setValue(f"{_GROUP}/{key}", value)
            self.changed.emit(key)

    def reset(self) -> None:
        """Restore all defaults."""
        others = [preference.key for preference in TABLE if self[preference.key] != preference.default]
        settings().remove(_GROUP)
        for key in others:
            self.changed.emit(key)


_BY_KEY = {preference.key: preference for preference in TABLE}
