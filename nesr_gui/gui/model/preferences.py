"""What is remembered between two runs, and what the user prefers: every preference in one table."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QSettings, QStandardPaths, Signal

from nesr_gui.gui.model.palette import MARK_COLOURS, Theme, colormaps

_throwaway: Path | None = None  # in its place while nothing is to be remembered
_GROUP, _RECENT = "preferences", "files/recent"
_MOST_RECENT = 8
_MEGAPIXELS = (0.25, 0.5, 1, 2, 4, 8, 16)


def settings() -> QSettings:
    """The program's settings, where the system keeps such things."""
    if _throwaway is not None:
        return QSettings(str(_throwaway), QSettings.Format.IniFormat)
    return QSettings(QSettings.defaultFormat(), QSettings.Scope.UserScope, "nesr_gui", "nesr_gui")


def kept_folder() -> Path:
    """Where the program keeps files of its own, where the system keeps such things."""
    return Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppDataLocation))


def recent_files() -> list[Path]:
    """The files opened last, the newest first."""
    saved = settings().value(_RECENT, [])
    return [Path(p) for p in ([saved] if isinstance(saved, str) else saved if isinstance(saved, list) else [])]


def remember_file(path: Path) -> None:
    """Put a file first among those that were opened last."""
    path = path.resolve()
    paths = [path, *(p for p in recent_files() if p != path)][:_MOST_RECENT]
    settings().setValue(_RECENT, [str(p) for p in paths])


def forget_recent_files() -> None:
    settings().remove(_RECENT)


@contextmanager
def nothing_remembered() -> Iterator[None]:
    """Start as a new user's program and leave no trace: pictures and benchmarks are not the user's own runs."""
    global _throwaway
    with tempfile.TemporaryDirectory() as folder:
        _throwaway = Path(folder) / "settings.ini"
        try:
            yield
        finally:
            _throwaway = None


@dataclass(frozen=True)
class Preference:
    """One preference: the key it is kept under, its title, its default, its values with their texts, its meaning."""

    key: str
    title: str
    default: str
    choices: Mapping[str, str]
    meaning: str  # also when it takes effect, where that is not at once for all that is open


TABLE = (
    Preference("theme", "Theme", Theme.SYSTEM,
               {Theme.SYSTEM: "As the system", Theme.LIGHT: "Light", Theme.DARK: "Dark"},
               "The colours of the window."),
    Preference("device", "Compute on", "auto",
               {"auto": "Automatic", "cpu": "Processor", "cuda": "NVIDIA or AMD graphics (CUDA)",
                "mps": "Apple graphics (MPS)"},
               "Where spectra are computed. An open photograph is reconstructed again."),
    Preference("working_pixels", "Working resolution", "",
               {"": "Automatic", **{str(round(n * 1e6)): f"{n:g} megapixels" for n in _MEGAPIXELS}},
               "What larger photographs are reduced to before they are reconstructed, unless the Input panel says "
               "otherwise. Automatic is what this machine reconstructs in some seconds."),
    Preference("colormap", "Colormap of bands", "grey", {name: name.capitalize() for name in colormaps()},
               "How the image at one wavelength is coloured. The menu of a picture changes it for this picture."),
    Preference("mark_colours", "Colours of marks", "safe", {key: kind.title for key, kind in MARK_COLOURS.items()},
               "Colours that new marks take in turn; those there are keep theirs."),
    Preference("autosave", "Copy unsaved work", "30",
               {"": "Never", "10": "Every 10 seconds", "30": "Every half minute", "120": "Every 2 minutes"},
               "Marks and all else that is not saved are kept aside, and offered again after a crash."),
)  # fmt: skip


class Preferences(QObject):
    """The values of the table, kept between two runs."""

    changed = Signal(str)  # key

    def __getitem__(self, key: str) -> str:
        """The value of a preference; the default where none is kept or what is kept is no choice any more."""
        preference = _BY_KEY[key]
        kept = str(settings().value(f"{_GROUP}/{key}", preference.default))
        return kept if kept in preference.choices else preference.default

    def choose(self, key: str, value: str) -> None:
        if value not in _BY_KEY[key].choices:
            raise ValueError(f"{value!r} is no choice for {key}; choose one of: {', '.join(_BY_KEY[key].choices)}")
        if value != self[key]:
            settings().setValue(f"{_GROUP}/{key}", value)
            self.changed.emit(key)

    def reset(self) -> None:
        """Every preference is its default."""
        others = [preference.key for preference in TABLE if self[preference.key] != preference.default]
        settings().remove(_GROUP)
        for key in others:
            self.changed.emit(key)


_BY_KEY = {preference.key: preference for preference in TABLE}
