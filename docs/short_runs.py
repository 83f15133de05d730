"""The short runs of reproduction.md: HSCNN-R and HSCNN-R + NeSR on CAVE, one change at a time.

`python docs/short_runs.py CAVE OUT [NAME …] [--seed N]` trains the named variants, or all, about two minutes of a core
each, and adds a line for each to OUT/runs.jsonl. Most of these networks are no systems of the program: they cannot be
written to a model file.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import torch
from scipy.interpolate import CubicSpline
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_avg_fn

from nesr_gui import metrics
from nesr_gui.networks.hscnn_r import HSCNNR
from nesr_gui.networks.nam import NeuralAttentionMapping
from nesr_gui.networks.nesr import NeSR, NeSRConfig, Query, framed, parameter_count
from nesr_gui.networks.spi import HALO, SLOPE, lattice, resample
from nesr_gui.training.datasets import Measured
from nesr_gui.training.datasets.cache import Prepared, prepare
from nesr_gui.training.datasets.cave import CAVE
from nesr_gui.training.datasets.resampling import BandShape
from nesr_gui.training.evaluation import measure
from nesr_gui.training.sampler import CropConfig, CropSampler, CropSource, whole_windows
from nesr_gui.training.vital_signs import MIN_PIXELS

VALIDATION = ("paints", "beads", "pompoms", "chart_and_stuffed_toy")  # training scenes, one of each fold
FEATURES, BLOCKS = 48, 8  # of the encoder
PATCH, BATCH, RATE, HALVINGS, AVERAGING = 32, 8, 4e-4, 4, 0.98
CROPS, CROP, GRID = 4, 128, 4  # the crops of a scene that are compared, and the pixels between their corners
EVERY, FAR = 4, 32  # pixels between those that are compared, and between those whose roughness is
BANDS = CAVE.bands
NM = torch.tensor(BANDS.nm, dtype=torch.float32)


@dataclass(frozen=True)
class Variant:
    """A network, and how it is trained.

    Args:
        steps: of the run.
        discrete: HSCNN-R alone; all that is said of NeSR below does not apply.
        few: the loss of the discrete network is of as few values as that of NeSR.
        spi: whether the codes are interpolated, as in `NeSRConfig`.
        attention: as in `NeSRConfig`.
        skip: what is added to the answer: nothing; the `features`, interpolated; a `linear` map of RGB; a `spectrum` of
            31 bands, which SPI then reads instead of the features; or `spectrum+linear`, with the map in the spectrum.
        start: initialisation of the layers after the encoder: `default`, `he`, `orthogonal`, or `data`: orthogonal,
            then scaled and centred so that the units of every layer deviate by 1 over pixels.
        small: factor of the last layer at the start.
        third: the linear map starts at 1/3 instead of least squares.
        layer_norm: before every activation of the MLP.
        slope: of the negative half of every activation after the encoder.
        attention_gradient: whether the tokens of the attention map learn through it.
        squared: squared error instead of MRAE.
        spectral_loss: MRAE of the interpolated features, or of the spectrum, is added.
        window: side of the part of a crop that is decoded, in pixels.
        decoded: bands that are decoded.
    """

    steps: int
    discrete: bool = False
    few: bool = False
    spi: bool = True
    attention: str = "spatial_spectral"
    skip: str = ""
    start: str = "default"
    small: float = 1.0
    third: bool = False
    layer_norm: bool = False
    slope: float = 0.0
    attention_gradient: bool = False
    squared: bool = False
    spectral_loss: bool = False
    window: int = 16
    decoded: int = 8


REPAIRED = {"skip": "spectrum+linear", "spectral_loss": True, "window": 8, "start": "he", "small": 0.1}
VARIANTS = {
    "discrete": Variant(2350, discrete=True),
    "discrete-few": Variant(2350, discrete=True, few=True),
    "plain": Variant(880),
    "mlp": Variant(1300, spi=False, attention="none"),
    "leaky": Variant(880, slope=0.1),
    "he": Variant(880, start="he"),
    "orthogonal": Variant(880, start="orthogonal"),
    "data": Variant(785, start="data"),
    "layer-norm": Variant(740, layer_norm=True),
    "attention-gradient": Variant(743, attention_gradient=True),
    "squared": Variant(880, squared=True),
    "features": Variant(770, skip="features"),
    "spectral-loss": Variant(715, spectral_loss=True),
    "spectral-loss-8": Variant(1530, spectral_loss=True, window=8),
    "linear": Variant(815, skip="linear"),
    "discrete-linear": Variant(2320, discrete=True, skip="linear"),
    "A": Variant(763, skip="spectrum", spectral_loss=True),
    "B": Variant(1550, skip="spectrum+linear", spectral_loss=True, window=8),
    "C": Variant(1550, **REPAIRED),
    "C-mlp": Variant(1700, **REPAIRED, spi=False, attention="none"),
    "C-spi": Variant(1550, **REPAIRED, attention="none"),
    "C-nam": Variant(1550, **REPAIRED, spi=False),
    "C-orthogonal": Variant(1550, **{**REPAIRED, "start": "orthogonal"}),
    "C-third": Variant(1550, **REPAIRED, third=True),
    "C-more": Variant(1550, **{**REPAIRED, "window": 16}, decoded=31),
}


class Answer(NamedTuple):
    """Answers (B, L, h, w): what the network itself computes, and what is added to that."""

    own: Tensor
    added: Tensor


class ShortNetwork(nn.Module):
    """The network of a variant.

    Args:
        variant: its settings.
        linear: where the linear map (31, 3) starts.
    """

    def __init__(self, variant: Variant, linear: Tensor) -> None:
        super().__init__()
        self.variant = variant
        if variant.discrete:
            self.discrete = HSCNNR(FEATURES, BLOCKS, len(BANDS))
        else:
            self.nesr = NeSR(NeSRConfig("hscnn_r", FEATURES, BLOCKS, spi=variant.spi, attention=variant.attention))
            self._change_layers()
        if "linear" in variant.skip:
            self.linear = nn.Parameter(torch.full_like(linear, 1 / 3) if variant.third else linear.clone())
        if "spectrum" in variant.skip:
            self.tail = nn.Conv2d(FEATURES, len(BANDS), 3, padding=1)

    def _change_layers(self) -> None:
        variant, nesr, hidden = self.variant, self.nesr, self.nesr.config.hidden
        has_map = variant.attention != "none"
        if has_map:
            nesr.nam.slope = variant.slope
        if "spectrum" in variant.skip and not variant.spi:  # the codes are the spectrum
            if has_map:
                nesr.nam = NeuralAttentionMapping(len(BANDS))
            nesr.mlp[0] = nn.Linear(len(BANDS) + (not has_map), hidden[0])
        layers: list[nn.Module] = []
        for layer in nesr.mlp:
            if isinstance(layer, nn.ReLU):
                layers += [nn.LayerNorm(layers[-1].out_features)] if variant.layer_norm else []
                layer = nn.LeakyReLU(variant.slope) if variant.slope else nn.ReLU()
            layers.append(layer)
        nesr.mlp = nn.Sequential(*layers)

    def profiles(self, image: Tensor) -> Tensor:
        """What SPI reads: features, or a spectrum (B, F, H, W)."""
        features = self.nesr.encode(image)
        if "spectrum" not in self.variant.skip:
            return features
        spectrum = self.tail(features)
        return spectrum + self._linear(image, NM) if "linear" in self.variant.skip else spectrum

    def _linear(self, image: Tensor, nm: Tensor) -> Tensor:
        return torch.einsum("lc,bchw->blhw", resample(self.linear.float()[None], (nm - 400) / 300)[0], image)

    def _added(self, image: Tensor, profiles: Tensor | None, nm: Tensor) -> Tensor:
        if not self.variant.skip:
            return torch.zeros(())
        if self.variant.skip == "linear":
            return self._linear(image, nm)
        assert profiles is not None
        return resample(profiles.float(), (nm - 400) / 300)

    def query(self, features: Tensor, inside: Tensor, nm: Tensor) -> Query:
        """The wavelengths (L,) with the attention map of framed profiles."""
        return self.nesr.query(nm, self._attention(features, inside) if self.nesr.has_context else None)

    def _attention(self, features: Tensor, inside: Tensor) -> Tensor:
        """The attention map (B, C, C) of framed profiles."""
        with torch.set_grad_enabled(self.variant.attention_gradient and torch.is_grad_enabled()):
            tokens = self.nesr.context_tokens(lattice(features, PATCH // 4), lattice(inside, PATCH // 4))
        return self.nesr.nam.attention(self.nesr.nam.correlations(tokens))

    def answer(self, image: Tensor, nm: Tensor, stride: int) -> Answer:
        """The answer at every `stride`-th pixel of images (B, 3, H, W)."""
        thin = (..., slice(None, None, stride), slice(None, None, stride))
        if self.variant.discrete:
            own = resample(self.discrete(image)[thin], (nm - 400) / 300)
            return Answer(own, self._added(image[thin], None, nm))
        profiles = self.profiles(image)
        features, inside = framed(profiles)
        own = self.nesr.decode(features, self.query(features, inside, nm), inside, stride)
        return Answer(own, self._added(image[thin], profiles[thin], nm))

    def loss(self, image: Tensor, truth: Tensor, rng: np.random.Generator) -> Tensor:
        """The training loss of a batch (B, 3, P, P) with its spectra (B, 31, P, P)."""
        variant = self.variant
        if variant.discrete:
            answer = self.discrete(image).float() + self._added(image, None, NM)
            if variant.few:
                here, bands = self._part(rng)
                answer, truth = answer[here][:, bands], truth[here][:, bands]
            return self._error(answer, truth)
        here, bands = self._part(rng)
        profiles = self.profiles(image)
        features, inside = framed(profiles)
        query = self.query(features, inside, NM[bands])
        around = (..., *(slice(part.start, part.stop + 2 * HALO) for part in here[1:]))
        answer = self.nesr.decode(features[around], query, inside[around]).float()
        answer = answer + self._added(image[here], profiles[here], NM[bands])
        loss = self._error(answer, truth[here][:, bands])
        if variant.spectral_loss:
            loss = loss + metrics.mrae(resample(profiles.float(), torch.linspace(0, 1, len(BANDS))), truth)
        return loss

    def _part(self, rng: np.random.Generator) -> tuple[tuple[object, slice, slice], np.ndarray]:
        """The window and the bands that a step compares."""
        side = self.variant.window
        y, x = rng.integers(PATCH - side + 1, size=2)
        bands = np.sort(rng.choice(len(BANDS), self.variant.decoded, replace=False))
        return (..., slice(y, y + side), slice(x, x + side)), bands

    def _error(self, answer: Tensor, truth: Tensor) -> Tensor:
        return (answer - truth).square().mean() if self.variant.squared else metrics.mrae(answer, truth)

    def initialise(self, images: Tensor) -> None:
        """Apply the initialisation of the variant to the layers after the encoder; `data` needs some images."""
        if self.variant.discrete or self.variant.start == "default":
            return
        nesr, is_he, slope = self.nesr, self.variant.start == "he", self.variant.slope
        layers = [layer for layer in nesr.mlp if isinstance(layer, nn.Linear)]
        after_relu = (2 / (1 + slope**2)) ** 0.5

        def orthogonal(weight: Tensor, gain: float) -> None:
            nn.init.orthogonal_(weight)
            weight.data *= gain

        if nesr.config.spi:
            for convolution in (nesr.spi.first, nesr.spi.second):
                if is_he:
                    nn.init.kaiming_normal_(convolution.weight, SLOPE)
                else:
                    orthogonal(convolution.weight, (2 / (1 + SLOPE**2)) ** 0.5)
                nn.init.zeros_(convolution.bias)
            nesr.spi.first.weight.data *= 2**-0.5  # its two input channels are equal
        linear = [nesr.nam.embed_out, nesr.nam.value, nesr.nam.out] if hasattr(nesr, "nam") else []
        embedding = [nesr.nam.embed_in, *linear] if linear else []
        for layer in [*embedding, *layers[:-1]]:
            if is_he:
                nn.init.kaiming_normal_(layer.weight)
            else:
                orthogonal(layer.weight, 1 if layer in linear else after_relu)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        if is_he:
            nn.init.kaiming_normal_(layers[-1].weight, 1.0)
        else:
            orthogonal(layers[-1].weight, 1)
        nn.init.zeros_(layers[-1].bias)
        if self.variant.start == "data":
            self._scale_by(images, layers)
        layers[-1].weight.data *= self.variant.small

    @torch.no_grad()
    def _scale_by(self, images: Tensor, layers: Sequence[nn.Linear]) -> None:
        """Scale and centre every layer so that its units deviate by 1 over pixels, the answers by .1 around .17."""
        nesr, nm = self.nesr, NM[::4]
        features, inside = framed(self.profiles(images))
        nesr.spi.second.weight.data /= _spread(nesr.codes(features, nesr.query(nm, None), inside))
        query = nesr.query(nm, None)
        codes = nesr.codes(features, query, inside)
        nam = nesr.nam
        pre = F.linear(codes, nam.embed_in.weight[:, :-1])
        nam.embed_in.weight.data[:, :-1] /= (scale := _spread(pre))
        pre = pre / scale + torch.outer(query.coord, nam.embed_in.weight[:, -1])[:, None, None]
        nam.embed_in.bias.data = -pre.mean((0, 1, 2, 3))
        tokens = nam.embed_out(F.leaky_relu(pre + nam.embed_in.bias, nam.slope))
        nam.embed_out.weight.data /= (scale := _spread(tokens))
        nam.embed_out.bias.data = -(tokens / scale).mean((0, 1, 2, 3))
        values = nam(nesr.tokens(features, nm, inside), self._attention(features, inside))
        for layer in nesr.mlp:
            if isinstance(layer, nn.Linear):
                pre, is_last = layer(values), layer is layers[-1]
                scale = (0.1 if is_last else 1.0) / _spread(pre)
                layer.weight.data *= scale
                layer.bias.data = (0.17 if is_last else 0.0) - (pre * scale).mean((0, 1, 2, 3))
            values = layer(values)

    @torch.no_grad()
    def open_units(self, images: Tensor) -> float:
        """The share of the last hidden units that are open for some pixels and closed for others at one wavelength."""
        features, inside = framed(self.profiles(images))
        query = self.query(features, inside, NM)
        codes = self.nesr.codes(features, query, inside, EVERY)
        if self.variant.attention == "none":
            values = torch.cat([codes, query.coord[:, None, None, None].expand_as(codes[..., :1])], -1)
        else:
            values = self.nesr.nam(self.nesr.nam.tokens(codes, query.coord), self._attention(features, inside))
        before = self.nesr.mlp[:-2](values)  # without the last activation and the output layer
        share = (before > 0).float().mean((0, 2, 3))  # (L, units)
        return float(((share > MIN_PIXELS) & (share < 1 - MIN_PIXELS)).float().mean())


def _spread(values: Tensor) -> Tensor:
    """Deviation over pixels of values (B, L, h, w, C), root mean square over wavelengths and units."""
    return values.float().flatten(2, 3).movedim(2, 0).flatten(0, 1).std(0).square().mean().sqrt().clamp_min(1e-6)


class Crops(NamedTuple):
    """Crops of a scene (4, 3, S, S) and their spectra (4, 31, S, S)."""

    images: Tensor
    truth: Tensor


def crops(scenes: Sequence[Prepared]) -> Iterator[Crops]:
    """The crops of scenes that networks are compared on, of pixels that all count."""
    rng = np.random.default_rng(5)
    for scene in scenes:
        corners = np.argwhere(whole_windows(scene.counted, CROP)[::GRID, ::GRID]) * GRID
        chosen = corners[rng.choice(len(corners), CROPS, replace=False)]
        windows = [(slice(y, y + CROP), slice(x, x + CROP)) for y, x in chosen]
        parts = (np.stack([values[window] for window in windows]) for values in (scene.rgb, scene.cube))
        yield Crops(*(torch.from_numpy(part).permute(0, 3, 1, 2).contiguous() for part in parts))


@torch.no_grad()
def compare(network: ShortNetwork, scenes: Sequence[Crops]) -> dict[str, float]:
    """The figures of the tables: means over scenes."""
    network.train()  # there is no dropout; in evaluation NeSR would clamp its part at zero
    rows = []
    for images, truth in scenes:
        parts = [network.answer(image[None], NM, EVERY) for image in images]
        spectra = [torch.cat(values).movedim(0, 1).flatten(2) for values in (
            [part.own + part.added for part in parts], [part.own for part in parts], [truth[..., ::EVERY, ::EVERY]]
        )]  # fmt: skip
        answer, own, target = (values.double().numpy() for values in spectra)  # (31, 4, N)
        found = measure(answer.clip(0), target, np.ones(target.shape[1:], bool))
        fine = torch.arange(400, 701).float()
        curves = [sum(network.answer(image[None], fine, FAR)).clamp_min(0).flatten(2)[0] for image in images[:2]]
        exact = CubicSpline(BANDS.nm, truth[:2, :, ::FAR, ::FAR].movedim(1, 0).flatten(1).numpy())(fine.numpy())
        second = [np.sqrt((np.diff(np.asarray(c), 2, axis=0) ** 2).mean()) for c in (torch.cat(curves, 1), exact)]
        rows.append({
            "mrae": found.mrae, "masked": found.masked_mrae, "rmse": found.rmse, "angle": found.angle,
            "rough": float(second[0] / second[1]), "own": float(np.sqrt((own.reshape(31, -1).std(1) ** 2).mean())),
        })  # fmt: skip
    return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}


def least_squares(scenes: Sequence[Prepared]) -> Tensor:
    """The linear map (31, 3) of RGB with the least squared error over every seventh pixel that counts."""
    rgb, spectra = (
        np.concatenate([values[scene.counted][::7] for scene, values in pairs]).astype(np.float64)
        for pairs in ([(s, s.rgb) for s in scenes], [(s, s.cube) for s in scenes])
    )
    normal = rgb.T @ rgb + 1e-4 * len(rgb) * np.eye(3)
    return torch.from_numpy(np.linalg.solve(normal, rgb.T @ spectra).T).float()


class Trained(NamedTuple):
    """A trained network, that with the exponential mean of its weights, and the seconds that its steps took."""

    network: ShortNetwork
    averaged: ShortNetwork
    seconds: float


def train(variant: Variant, seed: int, source: CropSource, linear: Tensor) -> Trained:
    """Train a variant; seconds are of processor time."""
    torch.manual_seed(seed)
    sampler = CropSampler(source, lambda _: BANDS.nm, seed=seed)
    network = ShortNetwork(variant, linear).train()
    sampler.seek(10**6)
    network.initialise(sampler.draw().image)
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    averaged, seconds = AveragedModel(network, avg_fn=get_ema_avg_fn(AVERAGING)), 0.0
    with click.progressbar(range(variant.steps)) as steps:
        for step in steps:
            began = time.process_time()
            for group in optimizer.param_groups:
                group["lr"] = RATE * 0.5 ** int(HALVINGS * step / variant.steps)
            sampler.seek(step)
            batch = sampler.draw()
            with torch.autocast("cpu", torch.bfloat16):
                loss = network.loss(batch.image, batch.truth.movedim(-1, 1), np.random.default_rng([seed, step, 2]))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            averaged.update_parameters(network)
            seconds += time.process_time() - began
    return Trained(network, averaged.module, seconds)


def prepared(scenes: Sequence[Measured], out: Path) -> list[Prepared]:
    """The scenes, unpacked into a folder."""
    return list(prepare(scenes, CAVE, BANDS, BandShape(), out / "prepared"))


@click.command()
@click.argument("cave", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("names", nargs=-1, type=click.Choice(list(VARIANTS)))
@click.option("--seed", default=0, show_default=True, help="Of the initial weights and the crops.")
def main(cave: Path, out: Path, names: tuple[str, ...], seed: int) -> None:
    """Train variants on the training scenes of CAVE but four, and compare them on these and on the test scenes."""
    torch.set_num_threads(1)
    split = CAVE.open(cave)
    training, test = prepared(split.train, out), prepared(split.test, out)
    learned = [scene for scene in training if scene.name not in VALIDATION]
    validation = list(crops([scene for scene in training if scene.name in VALIDATION]))
    source, linear = CropSource(learned, CAVE.camera, (), CropConfig(BATCH, PATCH)), least_squares(learned)
    for name in names or VARIANTS:
        variant = VARIANTS[name]
        network, averaged, seconds = train(variant, seed, source, linear)
        row = {"name": name, "seed": seed, "seconds": round(seconds), "parameters": parameter_count(network)}
        row |= {"validation": compare(network, validation), "test": compare(network, list(crops(test)))}
        row["averaged"] = compare(averaged, validation)
        if not variant.discrete:
            row["open"] = network.open_units(torch.cat([found.images[:1, :, :64, :64] for found in validation]))
        with (out / "runs.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row | {"variant": asdict(variant)}) + "\n")
        figures = ", ".join(f"{key} {value:.4g}" for key, value in row["validation"].items())
        click.echo(f"{name}, seed {seed}: {variant.steps} steps, {seconds:.0f} s, {figures}")


if __name__ == "__main__":
    main()
