"""What a view mode is: a pure description of one way to look at a spectral image."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from nesr_gui.colorimetry.viewing_conditions import Viewing
from nesr_gui.fields.protocol import CalibratedField, Progress, SpectralField
from nesr_gui.gui.model.session import Bytes, Session
from nesr_gui.gui.model.view_settings import Limits, Look
from nesr_gui.gui.model.viewport import Sampling
from nesr_gui.spectral import FloatArray, RGBImage, Spectrum


@dataclass(frozen=True, eq=False)
class Scene:
    """All that a picture can depend on, frozen when it is asked for."""

    field: SpectralField | None
    photograph: RGBImage | None
    encoded: RGBImage | None  # the photograph that the field was made of, of the field's shape
    colours: Bytes | None  # (H, W, 3), the photograph as displayed
    truth: SpectralField | None
    reference: Spectrum | None  # what the similarity is to
    reference_name: str
    viewing: Viewing
    white: Spectrum | None  # what stands for a perfect white where the quantity is no reflectance
    nm: float
    reduction: int
    levels: Limits  # of the field's values, for every band the same
    look: Look

    @classmethod
    def of(cls, session: Session) -> Scene:
        encoded = session.encoded if isinstance(session.encoded, RGBImage) else None
        return cls(
            session.field, session.photograph, encoded, session.colours, session.truth, *session.reference(),
            session.viewing, session.white, session.nm, session.reduction, session.levels, session.look,
        )  # fmt: skip

    @property
    def answering(self) -> SpectralField:
        """The field, for modes that need it."""
        assert self.field is not None
        return self.field


class Need(enum.Enum):
    """What a mode cannot do without; the value says what to do where it is missing."""

    PHOTOGRAPH = "needs a photograph; open one"
    FIELD = "needs a reconstruction or a cube; open one, or wait until it is ready"
    TRUTH = "needs the measured cube of this photograph; open it with File ▸ Compare with measured cube…"
    INTERVALS = "needs a reconstruction by a model that knows its limits; open a photograph with the embedded one"
    REFERENCE = "needs a spectrum to compare with; click a pixel"

    def is_met(self, scene: Scene) -> bool:
        return {
            Need.PHOTOGRAPH: scene.photograph, Need.FIELD: scene.field, Need.TRUTH: scene.truth,
            Need.REFERENCE: scene.reference,
            Need.INTERVALS: scene.field if isinstance(scene.field, CalibratedField) else None,
        }[self] is not None  # fmt: skip


@dataclass(frozen=True)
class Scale:
    """What the values of a picture measure, and how they are shown until the user chooses."""

    key: str  # levels and colormap are kept under this
    quantity: str
    unit: str
    limits: Limits
    colormap: str = "grey"
    is_colour: bool = False  # three values to a pixel, which are its colour


@dataclass(frozen=True)
class Choice:
    """One of the things a mode lets the user choose: its text, and the look it leads to."""

    text: str
    look: Look
    chosen: bool = False
    possible: bool = True


class ViewMode:
    """A way to look at a spectral image; a new one is a subclass in a file of its own, and a row of `MODES`.

    Modes hold nothing: everything is in the `Scene` they are given, and they know a field by its protocol only.
    """

    name: ClassVar[str]  # in session files and the name of its action
    title: ClassVar[str]
    tip: ClassVar[str]
    icon: ClassVar[str] = ""  # where there is one, the mode is in the toolbar
    needs: ClassVar[tuple[Need, ...]] = (Need.FIELD,)
    moves: ClassVar[bool] = False  # made of single bands that the hand moves: see `nodes`

    def missing(self, scene: Scene) -> str:
        """Why there can be no picture of this scene, to be read after the title; empty where there can."""
        return next((need.value for need in self.needs if not need.is_met(scene)), "")

    def caption(self, scene: Scene) -> str:
        """What the picture shows, in a few words."""
        return self.title

    def depends(self, scene: Scene) -> tuple[object, ...]:
        """What the picture depends on, beside the sampling: while this is equal, nothing is computed again."""
        raise NotImplementedError

    def bands(self, scene: Scene) -> int:
        """How many values of the field each pixel costs; none if the picture is there already."""
        return 1

    def scale(self, scene: Scene) -> Scale | None:
        """What the values measure; None where the picture is made of colours."""
        return None

    def choices(self, scene: Scene) -> Sequence[Choice]:
        """What the user can choose about this mode."""
        return ()

    def paint(self, scene: Scene, sampling: Sampling, progress: Progress) -> FloatArray | Bytes:
        """The picture: values (h, w), linear colours (h, w, 3) float32, or colours for the screen (h, w, 3) uint8.

        Args:
            scene: what to look at; nothing of it is `missing`.
            sampling: which pixels of the field, or of the photograph where `bands` is 0.
            progress: called between pieces with the fraction done; may raise `Cancelled`.
        """
        raise NotImplementedError
