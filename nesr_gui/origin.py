"""What a file written from a reconstruction must say of its origin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

import nesr_gui
from nesr_gui.spectral import RGBImage, Wavelengths

if TYPE_CHECKING:
    from nesr_gui.engine import Model


def provenance(model: Model, image: RGBImage, notes: Sequence[str] = ()) -> dict[str, str]:
    """Attribute name → text. `notes` are sentences on how the model was run that a user has to know."""
    told = {"model_notes": " ".join(notes)} if notes else {}
    return {
        "source": f"nesr_gui {nesr_gui.__version__}",
        "model": model.name,
        "model_sha256": model.checkpoint.sha256,
        "model_covers": model.coverage,
        "model_bands": _listed(model.bands),
        **told,
        "photograph": image.source.name,
        "photograph_sha256": image.source.sha256,
        "photograph_notes": " ".join(image.source.notes),
        **dict(image.source.understood),
        "photograph_shape": "{} x {}".format(*image.source_shape),
        "reduction": str(image.reduction),
        "precision": "float32",
    }


def _listed(bands: Wavelengths) -> str:
    """Bands in words: ends and step where they are even, else each."""
    gaps = np.diff(bands.nm)
    if gaps.size and np.allclose(gaps, gaps[0]):
        return f"{bands.nm[0]:g}-{bands.nm[-1]:g} nm by {gaps[0]:g} nm"
    return ", ".join(f"{nm:g}" for nm in bands) + " nm"
