"""The authors' release of AWAN + NeSR, as its weights need it; where it departs from the paper's text it is followed.

Its values are not a function of the wavelength: coordinates are centres of the cells of what is asked, convolutions
see the neighbouring requested bands and pixels, and the attention, which is not scaled, sums over all of them. So it
answers its own bands jointly, in tiles of the size it was trained on.
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
HEAD = 16  # channels of query, key and value; two equal heads stand side by side
CROP = 64  # pixels along a side of what it was trained on
RENAMED = (("module.", ""), ("feature_encoder.", "encoder."), (".conv2d.", "."), ("2D.", "."), (".non_local.", "."))
"""From its names to ours."""


@dataclass(frozen=True)
class ReleaseConfig:
    """What rebuilds it: the size of its encoder and the bands it was trained on."""

    features: int = 256
    blocks: int = 8
    bands: tuple[float, ...] = EVERY_TEN


class Attention(nn.Module):
    """Tokens (B, N, 35) to values (B, N, 1), each token having seen all others."""

    def __init__(self) -> None:
        super().__init__()
        self.layers_q, self.layers_k, self.layers_v = (_mlp(CODES + 3, CODES, HEAD, HEAD) for _ in range(3))
        self.layers2 = _mlp(2 * HEAD, 128, 128, 256, 256, 1)

    def forward(self, tokens: Tensor) -> Tensor:
        query, key, value = self.layers_q(tokens), self.layers_k(tokens), self.layers_v(tokens)  # (B, N, 16)
        weights = (query.transpose(1, 2) @ key).softmax(-1)
        mixed = value @ weights.transpose(1, 2)
        answer: Tensor = self.layers2(torch.cat([mixed, mixed], -1))
        return answer


class ReleasedNeSR(BandNetwork):
    """RGB (B, 3, H, W) to its bands (B, L, H, W), jointly."""

    halo = None
    tile = CROP
    remark = (
        "In the authors' arithmetic a value depends on what is asked with it: this model answers its own bands "
        f"jointly, in blended tiles of {CROP} pixels, and its curves are straight lines between the bands."
    )

    def __init__(self, config: ReleaseConfig) -> None:
        super().__init__()
        self.config, self.bands = config, config.bands
        self.encoder = AWAN(config.features, config.blocks)
        self.conv_3d_1 = nn.Conv3d(2, CODES, 3, padding=1)
        self.conv_3d_2 = nn.Conv3d(CODES, CODES, 3, padding=1)
        self.imnet = Attention()

    def forward(self, image: Tensor) -> Tensor:
        features = self.encoder(image)  # (B, F, H, W)
        count = len(self.bands)
        nearest = torch.arange(count, device=image.device) * features.shape[1] // count
        profile = features[:, nearest]  # (B, L, H, W): the vertical one and the horizontal one
        codes = F.leaky_relu(self.conv_3d_2(self.conv_3d_1(torch.stack([profile, profile], 1))), 0.1)
        shape = codes.shape[2:]
        centres = [(2 * torch.arange(n, device=image.device) + 1) / n - 1 for n in shape]
        place = torch.stack(torch.meshgrid(*centres, indexing="ij")).expand(len(codes), -1, -1, -1, -1)
        tokens = torch.cat([codes, place], 1).flatten(2).transpose(1, 2)  # (B, L·H·W, 35)
        values: Tensor = self.imnet(tokens).view(len(codes), *shape)
        return values


def released(state: Mapping[str, Tensor]) -> ReleasedNeSR:
    """The network whose weights a state dict of the release holds.

    Raises:
        ValueError: it is another network's; the message names what is missing or too much.
    """
    named = {_renamed(name): tensor for name, tensor in state.items()}
    head = named.get("encoder.head_conv.weight")
    blocks = {name.split(".")[2] for name in named if name.startswith("encoder.backbone.")}
    if head is None:
        raise ValueError("there is no feature_encoder.head_conv2D in it, which the release of AWAN + NeSR has")
    network = ReleasedNeSR(ReleaseConfig(features=head.shape[0], blocks=len(blocks)))
    own = network.state_dict()
    odd = [name for name in {**own, **named} if name not in own or name not in named]
    odd += [name for name in own if name in named and named[name].shape != own[name].shape]
    if odd:
        raise ValueError(f"{len(odd)} of its weights are not those of the release of AWAN + NeSR, such as {odd[0]}")
    network.load_state_dict(named)
    return network.eval()


def _renamed(name: str) -> str:
    for theirs, ours in RENAMED:
        name = name.replace(theirs, ours)
    return name


def _mlp(*sizes: int) -> nn.Sequential:
    layers = [part for a, b in itertools.pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1])
