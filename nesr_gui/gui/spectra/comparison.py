"""How curves are compared: what is done to them, and what is shown beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from PySide6.QtCore import QObject, Signal

from nesr_gui.gui.spectra.transform import Transform
from nesr_gui.spectral import Spectrum

MOST = 48  # spectra from libraries at once: more than can be told apart


@dataclass(frozen=True, eq=False)
class Reference:
    """A spectrum from a library, with where it is from."""

    spectrum: Spectrum
    source: str
    visible: bool = True


@dataclass(frozen=True)
class Overlays:
    """What is done to the curves, and which references stand beside them."""

    transform: Transform = field(default_factory=Transform)
    truth: bool = True
    smooth: bool = False
    library: tuple[Reference, ...] = ()


class Comparison(QObject):
    """Holds the transform of the curves, and the references: measured truth, smooth metamers, library spectra."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.overlays = Overlays()

    @property
    def transform(self) -> Transform:
        return self.overlays.transform

    @property
    def truth(self) -> bool:
        return self.overlays.truth

    @property
    def smooth(self) -> bool:
        return self.overlays.smooth

    @property
    def library(self) -> tuple[Reference, ...]:
        return self.overlays.library

    @property
    def shown(self) -> tuple[Reference, ...]:
        """The library spectra that are not hidden."""
        return tuple(reference for reference in self.library if reference.visible)

    def set_overlays(self, overlays: Overlays) -> None:
        if overlays != self.overlays:
            self.overlays = overlays
            self.changed.emit()

    def set_transform(self, transform: Transform) -> None:
        self.set_overlays(replace(self.overlays, transform=transform))

    def show_truth(self, shown: bool) -> None:
        self.set_overlays(replace(self.overlays, truth=shown))

    def show_smooth(self, shown: bool) -> None:
        self.set_overlays(replace(self.overlays, smooth=shown))

    def add(self, spectra: Sequence[Spectrum], source: str) -> None:
        """Take spectra from a library.

        Raises:
            ValueError: there would be too many to tell apart.
        """
        if len(self.library) + len(spectra) > MOST:
            loaded = f", and {len(self.library)} are loaded" if self.library else ""
            raise ValueError(
                f"{source} holds {len(spectra)} spectra{loaded}; at most {MOST} can be compared at once, so "
                "remove some or make a smaller file"
            )
        added = (Reference(spectrum, source) for spectrum in spectra)
        self.set_overlays(replace(self.overlays, library=(*self.library, *added)))

    def set_visible(self, place: int, visible: bool) -> None:
        """Show or hide the library spectrum at `place`."""
        changed = replace(self.library[place], visible=visible)
        self.set_overlays(replace(self.overlays, library=(*self.library[:place], changed, *self.library[place + 1 :])))

    def clear(self) -> None:
        """Let all library spectra go."""
        self.set_overlays(replace(self.overlays, library=()))
