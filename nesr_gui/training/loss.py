"""The training loss of every kind of network, and the part of each patch at which it is evaluated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nesr_gui.colorimetry import cie
from nesr_gui.metrics import MRAE_EPSILON
from nesr_gui.networks.factorised_nesr import FactorisedNeSR
from nesr_gui.networks.nesr import NeSR, framed
from nesr_gui.networks.registry import Network
from nesr_gui.networks.spi import HALO, lattice
from nesr_gui.training.sampler import Batch, Sampler
from nesr_gui.training.spectral_library import interpolation

DARK = 0.02  # added to the brightness that an error is divided by; darker spectra have no spectral angle
CONTEXT_LATTICE = 4  # × 4 pixels of a patch give NeSR's attention map if only a window of the patch is decoded
Precision = Literal["32-true", "bf16-mixed"]
"""Numerical precision of the forward pass, in the notation of Lightning Fabric."""


@dataclass(frozen=True)
class LossConfig:
    """Weights of the terms of the loss, and the share of a batch that is compared; the defaults are the paper's.

    Args:
        squared: weight of the squared error divided by brightness.
        relative: weight of MRAE, equation (6).
        angle: weight of 1 - cosine of the spectral angle.
        colour: weight of the squared error of the re-rendered colour divided by brightness.
        pixels: pixels per patch at which a factorised or discrete network is compared; None for all.
        between: wavelengths between the bands at which a factorised network is compared, besides the bands.
        window: side in pixels of the window that NeSR decodes per step; 0 for the whole patch.
        wavelengths: wavelengths in 400-700 nm that NeSR decodes per step; 0 for those of the batch.
        decoded: number of the batch's wavelengths that NeSR decodes per step, if `wavelengths` is 0; 0 for all.
        blind: share of photographs of which a factorised network sees the colours but not the surroundings.
        precision: of the forward pass; the loss itself is always computed in float32.
    """

    squared: float = 0.0
    relative: float = 1.0
    angle: float = 0.0
    colour: float = 0.0
    pixels: int | None = None
    between: int = 8
    window: int = 0
    wavelengths: int = 0
    decoded: int = 0
    blind: float = 0.0
    precision: Precision = "32-true"


class TrainingLoss(nn.Module):
    """The loss of a network on a batch: squared error, MRAE, spectral angle and colour, as `LossConfig` weights them.

    Dividing the squared error by brightness is a compromise between RMSE, which ignores dark pixels, and MRAE, which
    ignores bright ones. The colour term compares the re-rendered spectra with the input wherever the photograph is
    faithful to the scene.

    The whole loss is one module so that DistributedDataParallel sees every use of the parameters.
    """

    camera: Tensor
    interpolation: Tensor

    def __init__(self, network: Network, sampler: Sampler, config: LossConfig) -> None:
        super().__init__()
        self.network, self.sampler, self.config = network, sampler, config
        table = interpolation(cie.CAMERA_BANDS, np.arange(400, 701))  # (301, 31)
        self.register_buffer("interpolation", torch.from_numpy(table), persistent=False)
        self.register_buffer("camera", torch.tensor(cie.default_camera(), dtype=torch.float32), persistent=False)
        self.to(sampler.device)

    def forward(self, batch: Batch) -> Tensor:
        """The loss of a batch, a scalar; which pixels and wavelengths count is drawn from the sampler's generator."""
        if isinstance(self.network, FactorisedNeSR):
            return self._of_factorised(self.network, batch)
        if isinstance(self.network, NeSR):
            return self._of_nesr(self.network, batch)
        return self._of_discrete(batch)

    def _of_discrete(self, batch: Batch) -> Tensor:
        with self._autocast():
            answer = self.network(batch.image).float().permute(0, 2, 3, 1)  # (B, P, P, L)
        select = self._pixels(batch)
        truth = target = select(batch.truth)
        if batch.nm.tolist() != list(self.network.bands):
            target = truth @ self.interpolation[self._rows(torch.tensor(self.network.bands))].T
        if batch.faithful is None or len(self.network.bands) != len(cie.CAMERA_BANDS):  # the camera has other bands
            return self._error(select(answer), target, truth)
        colours = select(batch.image.movedim(1, 3)), select(batch.faithful)
        return self._error(select(answer), target, truth, colours)

    def _of_factorised(self, network: FactorisedNeSR, batch: Batch) -> Tensor:
        select = self._pixels(batch)
        truth, rgb = select(batch.truth), select(batch.image.movedim(1, 3))  # (B, N, L), (B, N, 3)
        with self._autocast():
            context = None
            if network.has_surroundings:
                visible = self.sampler.random(len(batch.image) // batch.group) >= self.config.blind
                around = select(network.surroundings(batch.image, batch.group).movedim(1, 3))
                context = around * visible.repeat_interleave(batch.group)[:, None, None]
            coefficients = network.coefficients(context, rgb).float()
        bands = torch.arange(0, 301, 10, device=rgb.device)
        between = (self.sampler.random(self.config.between) * 301).long().clamp(max=300)
        rows = torch.cat([bands, between])
        answer = coefficients @ network.functions(400.0 + rows).T  # (B, N, L)
        colours = None if batch.faithful is None else (rgb, select(batch.faithful))
        return self._error(answer, truth @ self.interpolation[rows].T, truth, colours)

    def _of_nesr(self, network: NeSR, batch: Batch) -> Tensor:
        """The loss in a window of every patch, at some wavelengths.

        The spectrum of a network that has one is compared as well, everywhere and at all wavelengths of the batch, with
        the same weight: the encoder then learns from as many values as a discrete network.
        """
        size = batch.image.shape[2]
        side = min(self.config.window or size, size)
        y, x = self.sampler.corner(size - side)
        nm, truth = batch.nm, batch.truth[:, y : y + side, x : x + side]
        target = truth
        if self.config.wavelengths:
            drawn = self.sampler.random(self.config.wavelengths)
            half = self.config.wavelengths // 2  # are bands, the rest any wavelength
            on_bands = (drawn[:half] * 31).long().clamp(max=30) * 10
            rows = torch.cat([on_bands, (drawn[half:] * 301).long().clamp(max=300)]).sort().values
            nm, target = 400.0 + rows, truth @ self.interpolation[rows].T
        elif 0 < self.config.decoded < nm.numel():
            some = self.sampler.subset(nm.numel(), self.config.decoded)
            nm, target = nm[some], truth[..., some]
        with self._autocast():
            features = network.encode(batch.image)
            if self.config.window:
                answer = decode_window(network, features, nm, (y, x), side)
            else:
                answer = network.decode_all(features, nm)
        loss = self._error(answer.float().movedim(1, 3), target, truth)
        if network.has_spectrum:
            spectrum = network.interpolate_spectrum(features.float(), network.coord(batch.nm))
            loss = loss + self._error(spectrum.movedim(1, 3), batch.truth, batch.truth)
        return loss

    def _pixels(self, batch: Batch) -> Callable[[Tensor], Tensor]:
        """A function that selects the same random pixels of any tensor (B, P, P, C): (B, N, C)."""
        size = batch.image.shape[2] ** 2
        if self.config.pixels is None:
            return lambda values: values.flatten(1, 2)
        chosen = (self.sampler.random(self.config.pixels) * size).long().clamp(max=size - 1)
        if self.config.pixels >= size:
            return lambda values: values.flatten(1, 2)
        return lambda values: values.flatten(1, 2)[:, chosen]

    def _rows(self, nm: Tensor) -> Tensor:
        """Rows of `interpolation` nearest to wavelengths (L,) nm."""
        return nm.to(self.interpolation.device).sub(400).round().long()

    def _error(
        self, answer: Tensor, target: Tensor, truth: Tensor, colours: tuple[Tensor, Tensor] | None = None
    ) -> Tensor:
        """The weighted loss of answers (..., L) against `target`.

        Args:
            answer: spectra of the network (..., L).
            target: measured spectra at the same wavelengths (..., L).
            truth: measured spectra of the same pixels on the bands (..., 31), which give their brightness.
            colours: their colours in the photograph (..., 3), and 1 where these are faithful; None if the answers do
                not start with the bands of the camera.
        """
        config, brightness = self.config, truth.mean(-1, keepdim=True)
        weight = 1 / (brightness + DARK)
        loss = torch.zeros((), device=answer.device)
        if config.squared:
            loss = loss + config.squared * ((answer - target).square() * weight).mean()
        if config.relative:
            loss = loss + config.relative * ((answer - target).abs() / (target.clamp_min(0) + MRAE_EPSILON)).mean()
        if config.angle:
            cosine = F.cosine_similarity(answer, target, dim=-1, eps=1e-4)
            loss = loss + config.angle * ((1 - cosine) * (brightness[..., 0] > DARK)).mean()
        if config.colour and colours is not None:
            rgb, faithful = colours
            error = (answer[..., : len(cie.CAMERA_BANDS)] @ self.camera.T - rgb) * faithful
            loss = loss + config.colour * (error.square() * weight).mean()
        return loss

    def _autocast(self) -> torch.autocast:
        """Mixed precision; casts of weights are not cached, as a CUDA graph could not replay the cache."""
        device, mixed = self.interpolation.device.type, self.config.precision == "bf16-mixed"
        return torch.autocast(device, torch.bfloat16, enabled=mixed, cache_enabled=False)


def decode_window(network: NeSR, features: Tensor, nm: Tensor, corner: tuple[int, int], side: int) -> Tensor:
    """The answer of NeSR in a square window of encoded patches, as training computes it.

    The attention map is that of a lattice over the whole patch, as an image's is, without gradients through its
    tokens: Q, K and the temperature learn from it, the tokens learn through the values. The map is a matrix of cosines,
    which fewer pixels estimate without bias, and the gradient would double the cost of a step.

    Args:
        network: the network.
        features: patches (B, F, P, P) as `encode` returns them.
        nm: wavelengths (L,) nm.
        corner: row and column of the top left pixel of the window.
        side: side of the window in pixels.

    Returns:
        (B, L, side, side).
    """
    stride = max(features.shape[2] // CONTEXT_LATTICE, 1)
    features, inside = framed(features)
    attention = None
    if network.has_context:
        with torch.no_grad():
            tokens = network.context_tokens(lattice(features, stride), lattice(inside, stride))
        attention = network.nam.attention(network.nam.correlations(tokens))
    y, x = corner
    window = (..., slice(y, y + side + 2 * HALO), slice(x, x + side + 2 * HALO))
    return network.decode(features[window], network.query(nm, attention), inside[window])
