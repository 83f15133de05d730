"""Contribution of each part of a network: the accuracy without it, on the same photographs."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from nesr_gui import metrics
from nesr_gui.colorimetry import cie
from nesr_gui.networks.factorised_nesr import FactorisedNeSR
from nesr_gui.networks.nesr import NeSR
from nesr_gui.networks.registry import Network
from nesr_gui.spectral import FloatArray
from nesr_gui.training.evaluation import score
from nesr_gui.training.scenes import Scene

WHOLE = "all of it"


@dataclass(frozen=True)
class Contribution:
    """The accuracy of a network without one of its parts, averaged over scenes.

    Args:
        without: the part.
        rmse: see `evaluation.SpectralMetrics`.
        angle: spectral angle in degrees, see `evaluation.SpectralMetrics`.
        change: root mean square change of the answers, relative to those of the whole network.
    """

    without: str
    rmse: float
    angle: float
    change: float


def contributions(network: Network, scenes: Sequence[Scene]) -> Iterator[Contribution]:
    """The contribution of each variant of `variants`, on 8-bit photographs; the whole network comes first."""
    photographs = [scene.photograph(eight_bit=True) for scene in scenes]
    whole = [answers(network, photograph) for photograph in photographs]
    for name, variant in variants(network):
        found = [variant(photograph) for photograph in photographs]
        rows = [score(scene, name, answer) for scene, answer in zip(scenes, found, strict=True)]
        yield Contribution(
            name,
            float(np.mean([row.rmse for row in rows])),
            float(np.mean([row.angle for row in rows])),
            float(np.mean([relative_change(a, b) for a, b in zip(found, whole, strict=True)])),
        )


def relative_change(answer: FloatArray, whole: FloatArray) -> float:
    """Root mean square difference of two answers, relative to the root mean square of the second."""
    return float(metrics.rmse(answer, whole) / np.sqrt(np.mean(whole.astype(np.float64) ** 2)))


Variant = Callable[[FloatArray], FloatArray]
"""Photograph (H, W, 3), linear sRGB, to spectra (H, W, 31)."""


def variants(network: Network) -> list[tuple[str, Variant]]:
    """The whole network, and the network without each of its removable parts, with the names of the parts."""

    def of(changed: Network) -> Variant:
        return lambda photograph: answers(changed, photograph)

    def shuffled(photograph: FloatArray) -> FloatArray:
        order = np.random.default_rng(0).permutation(photograph.shape[0] * photograph.shape[1])
        flat = photograph.reshape(-1, 3)[order].reshape(photograph.shape)
        answer = np.empty((len(order), 31), np.float32)
        answer[order] = answers(network, flat).reshape(-1, 31)
        return answer.reshape(*photograph.shape[:2], 31)

    found = [(WHOLE, of(network)), ("the order of the pixels (shuffled)", shuffled)]
    if isinstance(network, FactorisedNeSR):
        found += [(name, of(changed)) for name, changed in _without_parts(network)]
    return found


def _without_parts(network: FactorisedNeSR) -> Iterator[tuple[str, FactorisedNeSR]]:
    """Copies of a network, each with one part replaced by its mean or by the identity."""
    yield "the MLP (its coefficients at their mean)", _MeanCoefficients.of(network)
    if not network.has_surroundings:
        return
    yield "the encoder (its features at their mean)", _MeanFeatures.of(network)
    yield "the surroundings (context at zero)", _NoContext.of(network)
    if network.config.spi:
        yield "SPI's neighbours (only the pixel and the wavelength itself)", _own_codes(network)
        yield "SPI (codes at their mean)", _MeanCodes.of(network)
    if network.has_attention:
        yield "NAM's map (uniform)", _UniformAttention.of(network)
        yield "NAM's map (identity)", _IdentityAttention.of(network)
        yield "NAM (tokens pass as they are)", _NoAttention.of(network)


class _Changed(FactorisedNeSR):
    @classmethod
    def of(cls, network: FactorisedNeSR) -> FactorisedNeSR:
        """A copy of a network that behaves as this class."""
        changed = copy.deepcopy(network)
        changed.__class__ = cls
        return changed


class _MeanCoefficients(_Changed):
    def coefficients(self, context: Tensor | None, rgb: Tensor) -> Tensor:
        found = super().coefficients(context, rgb)
        brightness = rgb.mean(-1, keepdim=True)
        own = found[..., :-3] / brightness.clamp_min(1e-4)
        mean = own.mean(dim=tuple(range(own.ndim - 1)))
        return torch.cat([brightness * mean, found[..., -3:]], -1)


class _MeanFeatures(_Changed):
    def encode(self, rgb: Tensor) -> Tensor:
        features = super().encode(rgb)
        return features.mean(dim=(2, 3), keepdim=True).expand_as(features)


class _NoContext(_Changed):
    def context(self, tokens: Tensor, attention: Tensor | None) -> Tensor:
        return torch.zeros_like(super().context(tokens, attention))


class _MeanCodes(_Changed):
    def tokens(self, features: Tensor) -> Tensor:
        tokens = super().tokens(features)  # (B, M, h, w, C)
        return tokens.mean(dim=(2, 3), keepdim=True).expand_as(tokens)


class _NoAttention(_Changed):
    def context(self, tokens: Tensor, attention: Tensor | None) -> Tensor:
        return super().context(tokens, None)


class _UniformAttention(_Changed):
    def context(self, tokens: Tensor, attention: Tensor | None) -> Tensor:
        assert attention is not None
        return super().context(tokens, torch.full_like(attention, 1 / attention.shape[-1]))


class _IdentityAttention(_Changed):
    def context(self, tokens: Tensor, attention: Tensor | None) -> Tensor:
        assert attention is not None
        return super().context(tokens, torch.eye(attention.shape[-1]).to(attention).expand_as(attention))


def _own_codes(network: FactorisedNeSR) -> FactorisedNeSR:
    """A copy whose 3 × 3 × 3 convolutions have only their centre tap."""
    changed = copy.deepcopy(network)
    for layer in (changed.spi.first, changed.spi.second):
        middle = torch.zeros_like(layer.weight)
        middle[:, :, 1, 1, 1] = layer.weight.detach()[:, :, 1, 1, 1]
        layer.weight.data.copy_(middle)
    return changed


def answers_camera_bands(network: Network) -> bool:
    """Whether a network answers on `cie.CAMERA_BANDS`: on these alone, or at any wavelength."""
    return isinstance(network, FactorisedNeSR | NeSR) or np.array_equal(network.bands, cie.CAMERA_BANDS.nm)


@torch.inference_mode()
def answers(network: Network, photograph: FloatArray) -> FloatArray:
    """Spectra (H, W, 31) on `cie.CAMERA_BANDS` of a photograph (H, W, 3) in linear sRGB, in one pass.

    Raises:
        ValueError: the network has other bands.
    """
    if not answers_camera_bands(network):
        raise ValueError(
            f"the network answers {len(network.bands)} bands; the {len(cie.CAMERA_BANDS)} of 400-700 nm by 10 nm are "
            "needed"
        )
    rgb, level = _network_input(network, photograph)
    nm = torch.tensor(cie.CAMERA_BANDS.nm, dtype=torch.float32, device=rgb.device)
    answer = network(rgb, nm) if isinstance(network, FactorisedNeSR | NeSR) else network(rgb)
    answer = answer[0, :, : photograph.shape[0], : photograph.shape[1]].clamp_min(0)
    spectra: FloatArray = answer.movedim(0, -1).cpu().numpy() * np.float32(level)
    return spectra


def _network_input(network: Network, photograph: FloatArray) -> tuple[Tensor, float]:
    """A photograph as a network sees it (1, 3, H, W), padded to whole cells, and the white level it was divided by."""
    level = cie.white_level(photograph) if network.normalised else 1.0
    rgb = torch.from_numpy(np.moveaxis(photograph / np.float32(level), -1, 0).copy())[None]
    rgb = rgb.to(next(itertools.chain(network.parameters(), network.buffers())).device)  # fitted systems have buffers
    if isinstance(network, FactorisedNeSR):
        height, width = rgb.shape[2:]
        rgb = F.pad(rgb, (0, -width % network.scale, 0, -height % network.scale), mode="replicate")
    return rgb, level
