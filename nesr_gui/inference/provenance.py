"""What a file written from a reconstruction must say of its origin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nesr_gui._version import __version__
from nesr_gui.inference.model_input import BandInput, ModelInput
from nesr_gui.spectral import Wavelengths

if TYPE_CHECKING:
    from nesr_gui.inference.model import LoadedModel


def provenance(model: LoadedModel, image: ModelInput, notes: Sequence[str] = ()) -> dict[str, str]:
    """Attribute name → text. `notes` are sentences on how the model was run that a user has to know."""
    notes = (*notes, *(image.source.notes if isinstance(image, BandInput) else ()))
    told = {"model_notes": " ".join(notes)} if notes else {}
    return {
        "source": f"nesr_gui {__version__}",
        "model": model.name,
        "model_sha256": model.checkpoint.sha256,
        "model_covers": model.coverage,
        "model_bands": _listed(model.bands),
        **told,
        **_origin(image),
        "reduction": str(image.binning),
        "precision": "float32",
    }


def _origin(image: ModelInput) -> dict[str, str]:
    """What the model was shown."""
    source, shape = image.source, "{} x {}".format(*image.source_shape)
    if isinstance(image, BandInput):
        return {"cube": source.name, "cube_bands_seen": _listed(image.wavelengths), "cube_shape": shape}
    return {
        "photograph": source.name,
        "photograph_sha256": source.sha256,
        "photograph_notes": " ".join(source.notes),
        **dict(source.metadata),
        "photograph_shape": shape,
    }


def _listed(bands: Wavelengths) -> str:
    """Bands in words: ends and step where they are even, else each."""
    if step := bands.step_text:
        return f"{bands.nm[0]:g}-{bands.nm[-1]:g} nm{step}"
    return ", ".join(f"{nm:g}" for nm in bands) + " nm"
