"""What trains: one device, or those that Fabric's launcher was told of."""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING

from nesr_gui.inference.model import resolve_device
from nesr_gui.training.experiments.definitions import Precision

if TYPE_CHECKING:
    from lightning_fabric import Fabric

EXTRAS = {"lightning_fabric": "lightning-fabric", "matplotlib": "matplotlib", "sklearn": "scikit-learn"}


def check_extras() -> None:
    """Raises ValueError, which names what is missing, where an experiment could not end."""
    missing = [name for module, name in EXTRAS.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise ValueError(f"experiments need {', '.join(missing)}, not installed here; install nesr-gui[train]")


def launched(device: str, precision: Precision = "32-true") -> Fabric:
    """The devices to train on: those of `fabric run` where it started this process, else one.

    Raises:
        ValueError: `fabric run` was told of another precision, of which the manifest would not know.
    """
    from lightning_fabric import Fabric

    if (said := os.environ.get("LT_PRECISION", precision)) != precision:
        raise ValueError(f"fabric run was given --precision {said}; give it after the name of the experiment instead")
    if os.environ.get("LT_CLI_USED") == "1":
        return Fabric(precision=precision)  # whose processes are launched already
    fabric = Fabric(accelerator=resolve_device(device), devices=1, precision=precision)
    fabric.launch()
    return fabric
