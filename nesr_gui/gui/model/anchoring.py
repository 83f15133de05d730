"""The measured spectra of marks applied to a reconstruction: the corrected field, and how each spectrum agrees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nesr_gui.fields.anchored import AnchorCheck
from nesr_gui.fields.protocol import SpectralField, reconstruction_model
from nesr_gui.gui.model.marks import PlacedReading, Readings
from nesr_gui.spectral import Spectrum

NO_RECONSTRUCTION = "requires a reconstruction; open a photograph, or wait until it is ready"
MEASURED = "the open image is measured itself; open a photograph, whose reconstruction measured spectra correct"
STORED = "the open file contains a reconstruction; open its photograph, which measured spectra correct"
NO_PRIOR = "this model has no prior for measured spectra; choose nesr-lean in the Model menu"


def refusal_of(field: SpectralField | None, is_estimated: bool) -> str:
    """Why measured spectra cannot correct a field, in one sentence; empty if they can.

    Args:
        field: the field without them.
        is_estimated: whether a model of this program reconstructed it just now.
    """
    if field is None:
        return NO_RECONSTRUCTION
    if not is_estimated:
        return STORED if reconstruction_model(field) else MEASURED
    return NO_PRIOR if getattr(field, "residual_prior", None) is None else ""


@dataclass(frozen=True, eq=False)
class Anchoring:
    """What readings make of a reconstruction.

    Attributes:
        beneath: the reconstruction without them.
        readings: the readings, used or not.
        corrected: the reconstruction corrected by those that are used; `beneath` if there are none.
        checks: how each reading agrees with the reconstruction and with the others, by the number of its mark; of one
            that is not used, with all that are.
        scaled: the readings, scaled to the reconstruction and limited to its range, by the number of their mark.
        refusals: why a reading cannot be used, in one sentence, by the number of its mark.
        is_cancelled: whether the user cancelled the computation, so that no reading is applied.
    """

    beneath: SpectralField
    readings: Readings
    corrected: SpectralField
    checks: Mapping[int, AnchorCheck] = field(default_factory=dict)
    scaled: Mapping[int, Spectrum] = field(default_factory=dict)
    refusals: Mapping[int, str] = field(default_factory=dict)
    is_cancelled: bool = False

    @property
    def used(self) -> Readings:
        """The readings that correct the reconstruction."""
        if self.is_cancelled:
            return ()
        return tuple([each for each in self.readings if each.reading.is_used and each.number not in self.refusals])

    def remark(self, placed: PlacedReading) -> str:
        """Why a reading cannot be used or may not belong to its spot, in one sentence; empty if all is well."""
        check = self.checks.get(placed.number)
        return self.refusals.get(placed.number, "") or (check.doubt if check is not None else "")
