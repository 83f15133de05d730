"""Registry of the networks that a model file can hold, and of the systems compared in the paper."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from nesr_gui import plugins
from nesr_gui.networks.authors_release import ReleaseConfig, ReleasedNeSR
from nesr_gui.networks.band_network import BandNetwork, DiscreteConfig, DiscreteNetwork
from nesr_gui.networks.baselines import (
    APlus,
    APlusConfig,
    BandInterpolation,
    BandInterpolationConfig,
    SparseCoding,
    SparseCodingConfig,
)
from nesr_gui.networks.encoders import ENCODERS, encoder
from nesr_gui.networks.factorised_nesr import FactorisedConfig, FactorisedNeSR
from nesr_gui.networks.nesr import NeSR, NeSRConfig, parameter_count
from nesr_gui.spectral import Wavelengths

_NESR = "+nesr"
MOST_BANDS = 10_000  # and layers
_LARGEST = {"blocks": 64, "context_pixels": 1 << 48}  # of the numbers of a configuration, if not 65,536

Network = NeSR | FactorisedNeSR | BandNetwork


@dataclass(frozen=True)
class NetworkKind:
    """A kind of network: its configuration class, and the module built from a configuration."""

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
"""Kinds by their name in model files. `nesr` and `factorised` are continuous in wavelength; the others have bands."""


def kind_of(config: Any) -> str:
    """Name of the kind of a configuration in model files."""
    return next(name for name, kind in KINDS.items() if type(config) is kind.config)


def build(config: Any) -> Network:
    """Build the network of a configuration, with random weights."""
    return KINDS[kind_of(config)].network(config)


def build_without_weights(config: Any) -> Network:
    """Build the network of a configuration with the names and shapes of its weights, without memory for them."""
    with _ShapesOnly():
        return build(config)


class _ShapesOnly(TorchFunctionMode):
    """Allocates weights on the meta device, and does not initialise them.

    Under `torch.device("meta")`, `linspace` and `normal_` would load torch's compiler, which takes a second.
    """

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function in (Tensor.normal_, nn.init.normal_):  # torch passes the latter's tensor by name
            return args[0] if args else kwargs["tensor"]
        where = {"device": "meta"} if function in (torch.empty, torch.zeros, torch.ones) else {}
        return function(*args, **{**(kwargs or {}), **where})


def config_to_json(config: Any) -> str:
    """Serialise a configuration as in model files."""
    return json.dumps(asdict(config))


def config_from_json(kind: str, text: str) -> Any:
    """Read a configuration from JSON, which may be that of a file from an untrusted source.

    Raises:
        KeyError: the kind is unknown.
        TypeError: the JSON is no object, or has an unknown key.
        ValueError: a number is not finite, or so large that no network has it.
    """
    settings = json.loads(text)
    if not isinstance(settings, dict):
        raise TypeError(f"the configuration is {text}; expected a JSON object")
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
    for name, value in values.items():
        parts = value if isinstance(value, tuple) else (value,)
        numbers = [part for part in parts if isinstance(part, int | float)]
        if len(parts) > MOST_BANDS or not all(abs(part) <= _LARGEST.get(name, 1 << 16) for part in numbers):
            raise ValueError(f"the configuration has {name} = {str(value)[:80]}")
    config = KINDS[kind].config(**values)
    if (step := getattr(config, "step", 0)) and (config.high - config.low) / step > MOST_BANDS:
        raise ValueError(f"the configuration has more than {MOST_BANDS} bands")
    return config


@dataclass(frozen=True)
class SystemSpec:
    """A system of the paper: configuration at full size, and published parameters in millions (Table 1)."""

    title: str
    config: Any
    published: float | None = None


def _with_skip(name: str) -> dict[str, SystemSpec]:
    """An encoder with a linear skip, and its NeSR that interpolates this spectrum; neither is in the paper."""
    title, size = f"{ENCODERS[name].title}, skip", (ENCODERS[name].features, ENCODERS[name].blocks)
    key = f"{name.replace('_', '-')}+skip"
    return {
        key: SystemSpec(title, DiscreteConfig(name, *size, skip=True)),
        f"{key}+nesr": SystemSpec(f"{title} + NeSR", NeSRConfig(name, *size, profile="spectrum")),
    }


def _discrete(name: str, published: float) -> SystemSpec:
    row = ENCODERS[name]
    return SystemSpec(row.title, DiscreteConfig(name, row.features, row.blocks), published)


def _nesr(name: str, published: float) -> SystemSpec:
    row = ENCODERS[name]
    return SystemSpec(f"{row.title} + NeSR", NeSRConfig(name, row.features, row.blocks), published)


def _factorised() -> SystemSpec:
    """HSCNN-R with NeSR as `FactorisedNeSR` computes it; the MLP has the sizes of the paper, whose NeSR it is not."""
    row = ENCODERS["hscnn_r"]
    config = FactorisedConfig("hscnn_r", row.features, row.blocks, hidden=(128, 128, 256, 256))
    return SystemSpec(f"{row.title} + NeSR, factorised", config)


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
    "hscnn-r+factorised": _factorised(),
    "bi": SystemSpec("band interpolation", BandInterpolationConfig()),
    "sparse-coding": SystemSpec("sparse coding", SparseCodingConfig()),
    "a+": SystemSpec("A+", APlusConfig()),
}
"""Systems by their name on the command line. The size of MST++ is that of its own paper;
`+skip` and `+factorised` systems are ours."""


def system_named(name: str) -> SystemSpec:
    """Return the system called `name`: one of the table, or the encoder of a plug-in, alone or with NeSR.

    Raises:
        KeyError: there is no such system; the message lists the names.
    """
    if name in SYSTEMS:
        return SYSTEMS[name]
    base = name.removesuffix(_NESR)
    theirs = [plugin.name for plugin in plugins.declared(plugins.Kind.ENCODERS)]
    if base in theirs:
        found, size = encoder(base), (encoder(base).features, encoder(base).blocks)
        is_nesr = name.endswith(_NESR)
        config = NeSRConfig(base, *size) if is_nesr else DiscreteConfig(base, *size)
        return SystemSpec(f"{found.title} + NeSR" if is_nesr else found.title, config)
    raise KeyError(f"unknown system {name!r}; available: {', '.join([*SYSTEMS, *theirs])}")


def parameters_of(config: Any) -> int:
    """Number of learned parameters of a configuration, without allocating them."""
    return parameter_count(build_without_weights(config))


def input_bands(config: Any) -> Wavelengths | None:
    """Bands of a cube that a model of this configuration takes as input; None for linear RGB."""
    inputs: tuple[float, ...] = getattr(config, "inputs", ())
    return Wavelengths(np.array(inputs)) if inputs else None


def coverage(config: Any) -> str:
    """Description of the wavelengths at which a model of this configuration can be evaluated."""
    if isinstance(config, NeSRConfig | FactorisedConfig):
        return f"any wavelength, {config.low:g}-{config.high:g} nm"
    if isinstance(config, BandInterpolationConfig):
        return f"R, G, B between {config.low:g} and {config.high:g} nm, interpolated linearly"
    bands: tuple[float, ...] = config.bands
    return f"{len(bands)} bands, {bands[0]:g}-{bands[-1]:g} nm, interpolated linearly"
