"""What the user prefers: every preference with its default and its meaning, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from nesr_gui.gui.picture.shading import colormaps
from nesr_gui.gui.settings import settings
from nesr_gui.gui.theme import MARK_COLOURS, Theme

_GROUP = "preferences"
_MEGAPIXELS = (0.25, 0.5, 1, 2, 4, 8, 16)


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
