"""Every system the program knows: what rebuilds its network from a file, and the paper's, by name, at their size."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from nesr_gui.networks.authors_release import ReleaseConfig, ReleasedNeSR
from nesr_gui.networks.band_network import BandNetwork, DiscreteConfig, DiscreteNetwork
from nesr_gui.networks.baselines.a_plus import APlus, APlusConfig
from nesr_gui.networks.baselines.interpolation import BandInterpolation, BandInterpolationConfig
from nesr_gui.networks.baselines.sparse_coding import SparseCoding, SparseCodingConfig
from nesr_gui.networks.encoders import ENCODERS
from nesr_gui.networks.factorised_nesr import FactorisedConfig, FactorisedNeSR
from nesr_gui.networks.nesr import NeSR, NeSRConfig, parameter_count
from nesr_gui.spectral import Wavelengths

Network = NeSR | FactorisedNeSR | BandNetwork


@dataclass(frozen=True)
class NetworkKind:
    """A kind of system: the frozen dataclass of its settings, and the module they make."""

    config: type[Any]
    network: Callable[[Any], Network]


KINDS = {
    "nesr": NetworkKind(NeSRConfig, NeSR),
    "factorised": NetworkKind(FactorisedConfig, FactorisedNeSR),
    "discrete": NetworkKind(DiscreteConfig, DiscreteNetwork),
    "release": NetworkKind(ReleaseConfig, ReleasedNeSR),
    "interpolation": NetworkKind(BandInterpolationConfig, BandInterpolation),
    "sparse_coding": NetworkKind(SparseCodingConfig, SparseCoding),
    "a_plus": NetworkKind(APlusConfig, APlus),
}
"""By what a model file calls it. `nesr` and `factorised` answer at any wavelength; all others at their bands."""


def kind_of(config: Any) -> str:
    """What a model file calls the kind of these settings."""
    return next(name for name, kind in KINDS.items() if type(config) is kind.config)


def build(config: Any) -> Network:
    """A network of these settings, its weights at random."""
    return KINDS[kind_of(config)].network(config)


def config_to_json(config: Any) -> str:
    """Settings as a model file keeps them."""
    return json.dumps(asdict(config))


def config_from_json(kind: str, text: str) -> Any:
    """Settings from their JSON; an unknown kind or key raises KeyError or TypeError."""
    settings = json.loads(text)
    if not isinstance(settings, dict):
        raise TypeError(f"settings are {text}; expected names with values")
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
    return KINDS[kind].config(**given)


@dataclass(frozen=True)
class SystemSpec:
    """A system of the paper: settings at its full size, and the parameters its Table 1 gives, in millions."""

    title: str
    config: Any
    published: float | None = None


def _with_skip(name: str) -> dict[str, SystemSpec]:
    """An encoder and its NeSR with the linear answer added to the encoder's own, which is no system of the paper."""
    title, size = f"{ENCODERS[name].title}, skip", (ENCODERS[name].features, ENCODERS[name].blocks)
    key = f"{name.replace('_', '-')}+skip"
    return {
        key: SystemSpec(title, DiscreteConfig(name, *size, skip=True)),
        f"{key}+nesr": SystemSpec(f"{title} + NeSR", NeSRConfig(name, *size, profile="spectrum")),
    }


def _discrete(name: str, published: float) -> SystemSpec:
    encoder = ENCODERS[name]
    return SystemSpec(encoder.title, DiscreteConfig(name, encoder.features, encoder.blocks), published)


def _nesr(name: str, published: float) -> SystemSpec:
    encoder = ENCODERS[name]
    return SystemSpec(f"{encoder.title} + NeSR", NeSRConfig(name, encoder.features, encoder.blocks), published)


SYSTEMS = {
    "hscnn-r": _discrete("hscnn_r", 1.20),
    "hscnn-r+nesr": _nesr("hscnn_r", 1.34),
    "hrnet": _discrete("hrnet", 31.70),
    "hrnet+nesr": _nesr("hrnet", 31.88),
    "awan": _discrete("awan", 28.59),
    "awan+nesr": _nesr("awan", 29.29),
    "mst++": _discrete("mst_plus_plus", 1.62),
    "release": SystemSpec("authors' release", ReleaseConfig(), 29.29),
    **_with_skip("hscnn_r"),
    **_with_skip("hrnet"),
    **_with_skip("awan"),
    "bi": SystemSpec("band interpolation", BandInterpolationConfig()),
    "sparse-coding": SystemSpec("sparse coding", SparseCodingConfig()),
    "a+": SystemSpec("A+", APlusConfig()),
}
"""By the name that the command line takes. MST++'s size is that of its own paper; +skip is a change of ours."""


def system_named(name: str) -> SystemSpec:
    """The system called `name`; a KeyError names those there are."""
    if name not in SYSTEMS:
        raise KeyError(f"no system {name!r}; there are {', '.join(SYSTEMS)}")
    return SYSTEMS[name]


def parameters_of(config: Any) -> int:
    """How many numbers a network of these settings learns, without making them."""
    with torch.device("meta"):
        return parameter_count(build(config))


def input_bands(config: Any) -> Wavelengths | None:
    """The bands of a cube that a model of these settings sees; None where it sees linear RGB."""
    inputs: tuple[float, ...] = getattr(config, "inputs", ())
    return Wavelengths(np.array(inputs)) if inputs else None


def coverage(config: Any) -> str:
    """What wavelengths a model of these settings answers at, in words."""
    if isinstance(config, NeSRConfig | FactorisedConfig):
        return f"any wavelength, {config.low:g}-{config.high:g} nm"
    if isinstance(config, BandInterpolationConfig):
        return f"R, G, B between {config.low:g} and {config.high:g} nm, linear between"
    bands: tuple[float, ...] = config.bands
    return f"{len(bands)} bands, {bands[0]:g}-{bands[-1]:g} nm, linear between"
