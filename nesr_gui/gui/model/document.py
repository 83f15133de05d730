"""One open image and everything that is chosen for it: what a tab keeps while another one is shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QUndoCommand, QUndoGroup, QUndoStack

from nesr_gui.colorimetry.viewing_conditions import ViewingConditions
from nesr_gui.fields.protocol import SpectralField
from nesr_gui.gui.model.marks import Curve, Finding, Mark, Place, Reading
from nesr_gui.gui.model.plot_settings import Overlays
from nesr_gui.gui.model.truth import Measurement
from nesr_gui.gui.model.view_settings import Look
from nesr_gui.gui.model.viewport import View
from nesr_gui.inference.model_input import BandInput, ModelInput
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.spectral import RGBImage, Spectrum

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from nesr_gui.gui.tasks.loading import ImageRequest
    from nesr_gui.io.cubes import description
    from nesr_gui.io.photos.photo import DecodedPhoto


@dataclass(frozen=True)
class UsedModel:
    """Its name, the device it runs on, and its file; None is the one that travels with the program."""

    name: str = ""
    device: str = ""
    path: Path | None = None


class Steps(QUndoGroup):
    """The steps that can be undone of the document that is shown; each document has a stack of its own."""

    def push(self, command: QUndoCommand) -> None:
        self.activeStack().push(command)

    def clear(self) -> None:
        self.activeStack().clear()

    def new_document(self) -> Document:
        """One in which nothing is open yet."""
        return Document(QUndoStack(self))


@dataclasses.dataclass(frozen=True, eq=False)
class Origin:
    """The files that a document was made of; a cube comes with what its user said of it.

    A pasted image is in a file that goes with the window, and is saved beside its session.
    """

    image: Path
    truth: Path | None = None
    reading: description.CubeHints | None = None
    is_pasted: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Cube:
    """A measured cube as opened, with its display levels."""

    field: SpectralField
    levels: tuple[float, float]

    def as_truth(self, name: str, seen: ModelInput | None) -> Measurement | None:
        """The truth of what a model made of bands `seen` of it, called `name`; only where there are others."""
        if not isinstance(seen, BandInput) or len(seen.wavelengths) >= len(self.field.bands):
            return None
        return Measurement(self.field, name, is_chosen=True, shown=len(seen.wavelengths))


@dataclasses.dataclass(eq=False)
class Document:
    """Values of the session, which has those of the document that is shown, and what only matters between documents.

    Attributes:
        steps: what can be undone.
        origin: its files; None where nothing is open.
        view: what the image pane shows of it; None is all.
        shown: how the photograph that is shown was understood, but for the working resolution; None is a draft.
        encoding: the reconstruction that is asked for and not there yet.
        lacks: whether its reconstruction was cancelled or failed, so that what answers is an older one.
        waits: whether it is a cube that is reconstructed as soon as it is shown and a model takes cubes.
        model_file: where the model is that a cube was reconstructed by.
        full: whether it is to be reconstructed at full resolution as soon as its photograph is there.
        model: name and SHA-256 of the model that its session was saved with, until it is reconstructed again.
        file: the session file it was saved to or opened from.
        saved: what was made when it was opened or saved last.
        copy: its automatic copy, where there is one.
        copied: what was made when that was written.
    """

    steps: QUndoStack
    name: str = ""
    photograph: RGBImage | None = None
    colours: npt.NDArray[np.uint8] | None = None
    cube: Cube | None = None
    field: SpectralField | None = None
    measurement: Measurement | None = None
    truth: SpectralField | None = None
    encoded: ModelInput | None = None
    source_shape: tuple[int, int] | None = None
    binning: int = 1
    levels: tuple[float, float] = (0.0, 1.0)
    nm: float = 550.0
    look: Look = dataclasses.field(default_factory=Look)
    curves: Mapping[Place, Curve] = dataclasses.field(default_factory=dict)
    readings: Mapping[Place, Reading] = dataclasses.field(default_factory=dict)
    findings: Mapping[Place, Finding] = dataclasses.field(default_factory=dict)
    viewing: ViewingConditions = dataclasses.field(default_factory=ViewingConditions.default)
    white: Spectrum | None = None
    overlays: Overlays = dataclasses.field(default_factory=Overlays)
    marks: tuple[Mark, ...] = ()
    active: int | None = None
    decoded: DecodedPhoto | None = None
    interpretation: DevelopSettings = dataclasses.field(default_factory=DevelopSettings)
    origin: Origin | None = None
    view: View | None = None
    shown: DevelopSettings | None = None
    encoding: ImageRequest | None = None
    lacks: bool = False
    waits: bool = False
    model_file: Path | None = None
    full: bool = False
    model: tuple[str, str] = ("", "")
    file: Path | None = None
    saved: tuple[object, ...] = ()
    copy: Path | None = None
    copied: tuple[object, ...] = ()

    def take_field(self, field: SpectralField, binning: int, levels: tuple[float, float], encoded: ModelInput) -> None:
        """Its reconstruction is ready, while another document is shown."""
        self.field, self.binning, self.levels, self.encoded = field, binning, levels, encoded
        if self.cube is not None:
            self.measurement = self.cube.as_truth(self.name, encoded)
            self.truth = self.measurement.over(self.cube.field.shape) if self.measurement is not None else None
        self.curves, self.readings, self.findings = {}, {}, {}

    @property
    def made(self) -> tuple[object, ...]:
        """What its user made, and would not want to lose; how it is looked at is not of it."""
        library = tuple(reference.spectrum for reference in self.overlays.library)
        return self.marks, self.interpretation, library, self.white, self.look.reference

    @property
    def is_modified(self) -> bool:
        return self.origin is not None and self.made != self.saved

    @property
    def title(self) -> str:
        """What its tab is called."""
        return self.file.name if self.file is not None else self.name or "Untitled"
