"""Table of the image encoders used by NeSR and by the discrete networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from nesr_gui import plugins
from nesr_gui.networks.awan import AWAN
from nesr_gui.networks.hrnet import HRNet
from nesr_gui.networks.hscnn_r import HSCNNR
from nesr_gui.networks.mst_plus_plus import MSTPlusPlus

Backbone = HSCNNR | HRNet | AWAN | MSTPlusPlus
"""The interface of these is that of encoders of plug-ins, see docs/plugins.md."""


@dataclass(frozen=True)
class Encoder:
    """An encoder and its published size; `build` takes features, blocks, bands and inputs."""

    title: str
    build: Callable[[int, int, int | None, int], Backbone]
    features: int
    blocks: int


RESERVED = ("context", "none")  # names of encoders of the factorised network


class UnknownEncoder(ValueError):
    """There is no encoder of a name, neither here nor in a plug-in."""


ENCODERS = {
    "hscnn_r": Encoder("HSCNN-R", HSCNNR, 64, 16),
    "hrnet": Encoder("HRNet", HRNet, 64, 4),
    "awan": Encoder("AWAN", AWAN, 256, 8),
    "mst_plus_plus": Encoder("MST++", MSTPlusPlus, 31, 3),
}


def encoder(name: str, named: Iterable[str] = ENCODERS) -> Encoder:
    """Return the encoder called `name`; a plug-in is imported only if its encoder is asked for.

    Args:
        name: of an encoder of this program or of a plug-in.
        named: encoders of this program that the message for an unknown name lists.

    Raises:
        UnknownEncoder: there is no such encoder; the message lists the names.
    """
    if name in ENCODERS:
        return ENCODERS[name]
    for row in plugins.load(plugins.Kind.ENCODERS, _accept, name).values():
        return row
    declared = (plugin.name for plugin in plugins.declared(plugins.Kind.ENCODERS))
    refused = [str(each) for each in plugins.refused() if each.plugin.name == name]
    message = f"unknown encoder {name!r}; available encoders: {', '.join(dict.fromkeys([*named, *declared]))}"
    raise UnknownEncoder("; ".join([message, *refused]))


def available_encoders() -> dict[str, Encoder]:
    """All encoders by name, with those of plug-ins, which are all imported."""
    theirs = plugins.load(plugins.Kind.ENCODERS, _accept)
    return {**ENCODERS, **{plugin.name: row for plugin, row in theirs.items()}}


def _accept(plugin: plugins.Plugin, value: object) -> Encoder:
    """The row of a plug-in, whose name is that of its entry point.

    Raises:
        TypeError: it is no encoder.
        ValueError: its name is taken.
    """
    theirs = (other.name for other in plugins.accepted(plugins.Kind.ENCODERS))
    if plugin.name in (*ENCODERS, *RESERVED, *theirs):
        raise ValueError(f"there is another encoder called {plugin.name}")
    return plugins.require(plugin, value, Encoder)


def linear_skip(inputs: tuple[float, ...], bands: tuple[float, ...]) -> nn.Conv2d:
    """A learned linear map of each pixel, (B, inputs, H, W) to (B, bands, H, W), to add to the output of an encoder.

    Args:
        inputs: input bands in nm, between which the map interpolates initially; empty for linear RGB, whose mean it
            initially returns at every band. Training may replace this by least squares.
        bands: output bands in nm.
    """
    layer = nn.Conv2d(len(inputs) or 3, len(bands), 1, bias=False)
    nn.init.constant_(layer.weight, 1 / 3)
    if inputs:
        weights = [np.interp(bands, inputs, unit) for unit in np.eye(len(inputs))]  # (inputs, bands)
        layer.weight.data.copy_(torch.tensor(np.array(weights).T, dtype=torch.float32)[..., None, None])
    return layer
