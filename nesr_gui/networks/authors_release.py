"""The authors' release of AWAN + NeSR; where it differs from the paper's text, this module follows the release.

Its output is not a function of wavelength: coordinates are centres of the cells of the request, convolutions read the
neighbouring requested bands and pixels, and the attention, which is not scaled, sums over all of them. The network is
therefore evaluated jointly at its own bands, in tiles of the size used in training.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nesr_gui.networks.awan import AWAN
from nesr_gui.networks.band_network import EVERY_TEN, BandNetwork

CODES = 32  # channels of the 3-D convolutions
HEAD = 16  # channels of query, key and value; two equal heads are concatenated
CROP = 64  # side of the training patches, pixels
RENAMED = (("module.", ""), ("feature_encoder.", "encoder."), (".conv2d.", "."), ("2D.", "."), (".non_local.", "."))
"""Replacements that turn the names of the release into those of this package."""


@dataclass(frozen=True)
class ReleaseConfig:
    """Size of the encoder, and the training bands in nm."""

    features: int = 256
    blocks: int = 8
    bands: tuple[float, ...] = EVERY_TEN


class Attention(nn.Module):
    """Attention over all tokens, and the final MLP."""

    def __init__(self) -> None:
        super().__init__()
        self.layers_q, self.layers_k, self.layers_v = (_mlp(CODES + 3, CODES, HEAD, HEAD) for _ in range(3))
        self.layers2 = _mlp(2 * HEAD, 128, 128, 256, 256, 1)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, N, 35) to values (B, N, 1)."""
        query, key, value = self.layers_q(tokens), self.layers_k(tokens), self.layers_v(tokens)  # (B, N, 16)
        weights = (query.transpose(1, 2) @ key).softmax(-1)
        mixed = value @ weights.transpose(1, 2)
        values: Tensor = self.layers2(torch.cat([mixed, mixed], -1))
        return values


class ReleasedNeSR(BandNetwork):
    """The released network: all bands jointly."""

    halo = None
    tile = CROP
    remark = (
        "In the authors' release, a value depends on what else is requested: this model is evaluated jointly at its "
        f"own bands, in blended tiles of {CROP} pixels, and its spectra are straight lines between the bands."
    )

    def __init__(self, config: ReleaseConfig) -> None:
        super().__init__()
        self.config, self.bands = config, config.bands
        self.encoder = AWAN(config.features, config.blocks)
        self.conv_3d_1 = nn.Conv3d(2, CODES, 3, padding=1)
        self.conv_3d_2 = nn.Conv3d(CODES, CODES, 3, padding=1)
        self.imnet = Attention()

    def forward(self, image: Tensor) -> Tensor:
        """RGB (B, 3, H, W) to values (B, L, H, W) at `bands`."""
        features = self.encoder(image)  # (B, F, H, W)
        count = len(self.bands)
        nearest = torch.arange(count, device=image.device) * features.shape[1] // count
        profile = features[:, nearest]  # (B, L, H, W): the vertical one and the horizontal one
        codes = F.leaky_relu(self.conv_3d_2(self.conv_3d_1(torch.stack([profile, profile], 1))), 0.1)
        shape = codes.shape[2:]
        centres = [(2 * torch.arange(n, device=image.device) + 1) / n - 1 for n in shape]
        positions = torch.stack(torch.meshgrid(*centres, indexing="ij")).expand(len(codes), -1, -1, -1, -1)
        tokens = torch.cat([codes, positions], 1).flatten(2).transpose(1, 2)  # (B, L·H·W, 35)
        values: Tensor = self.imnet(tokens).view(len(codes), *shape)
        return values


def released(state: Mapping[str, Tensor]) -> ReleasedNeSR:
    """Build the network from a state dict of the release, in evaluation mode.

    Raises:
        ValueError: the state dict belongs to another network; the message names a missing or unexpected weight.
    """
    named = {_renamed(name): tensor for name, tensor in state.items()}
    head = named.get("encoder.head_conv.weight")
    blocks = {name.split(".")[2] for name in named if name.startswith("encoder.backbone.")}
    if head is None:
        raise ValueError("it lacks feature_encoder.head_conv2D, which the release of AWAN + NeSR contains")
    network = ReleasedNeSR(ReleaseConfig(features=head.shape[0], blocks=len(blocks)))
    expected = network.state_dict()
    wrong = [name for name in {**expected, **named} if name not in expected or name not in named]
    wrong += [name for name in expected if name in named and named[name].shape != expected[name].shape]
    if wrong:
        raise ValueError(f"{len(wrong)} of its weights do not match the release of AWAN + NeSR, such as {wrong[0]}")
    network.load_state_dict(named)
    return network.eval()


def _renamed(name: str) -> str:
    for theirs, ours in RENAMED:
        name = name.replace(theirs, ours)
    return name


def _mlp(*sizes: int) -> nn.Sequential:
    layers = [part for a, b in itertools.pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1])
