"""Table of the image encoders used by NeSR and by the discrete networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nesr_gui.networks.awan import AWAN
from nesr_gui.networks.hrnet import HRNet
from nesr_gui.networks.hscnn_r import HSCNNR
from nesr_gui.networks.mst_plus_plus import MSTPlusPlus

Backbone = HSCNNR | HRNet | AWAN | MSTPlusPlus


@dataclass(frozen=True)
class Encoder:
    """An encoder and its published size; `build` takes features, blocks, bands and inputs."""

    title: str
    build: Callable[[int, int, int | None, int], Backbone]
    features: int
    blocks: int


ENCODERS = {
    "hscnn_r": Encoder("HSCNN-R", HSCNNR, 64, 16),
    "hrnet": Encoder("HRNet", HRNet, 64, 4),
    "awan": Encoder("AWAN", AWAN, 256, 8),
    "mst_plus_plus": Encoder("MST++", MSTPlusPlus, 31, 3),
}


def encoder(name: str) -> Encoder:
    """Return the encoder called `name`.

    Raises:
        KeyError: there is no such encoder; the message lists the names.
    """
    if name not in ENCODERS:
        raise KeyError(f"unknown encoder {name!r}; available encoders: {', '.join(ENCODERS)}")
    return ENCODERS[name]
