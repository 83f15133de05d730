"""What a file written from a reconstruction must say of its origin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import nesr_gui
from nesr_gui.spectral import RGBImage

if TYPE_CHECKING:
    from nesr_gui.engine import Model


def provenance(model: Model, image: RGBImage, notes: Sequence[str] = ()) -> dict[str, str]:
    """Attribute name → text. `notes` are sentences on how the model was run that a user has to know."""
    told = {"model_notes": " ".join(notes)} if notes else {}
    return {
        "source": f"nesr_gui {nesr_gui.__version__}",
        "model": model.name,
        "model_sha256": model.checkpoint.sha256,
        "model_bands": model.coverage,
        **told,
        "photograph": image.source.name,
        "photograph_sha256": image.source.sha256,
        "photograph_notes": " ".join(image.source.notes),
        **dict(image.source.understood),
        "photograph_shape": "{} x {}".format(*image.source_shape),
        "reduction": str(image.reduction),
        "precision": "float32",
    }
