"""Baselines: band interpolation, regression, nearest neighbours, sparse coding and A+.

Those that a model file can hold (`BandInterpolation`, `SparseCoding`, `APlus`) are `BandNetwork`s; the others are
callables on numpy arrays for the evaluation. All but band interpolation are fitted in closed form and predict the
spectrum of a pixel from its own colour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nesr_gui.networks.band_network import EVERY_TEN, BandNetwork
from nesr_gui.spectral import FloatArray

REGRESSION_RIDGE = 1e-6  # relative to the mean square of the terms; only keeps the normal equations solvable
PURSUIT_RIDGE = 1e-9  # for atoms of unit length; keeps atoms of equal colour solvable
PIXEL_BATCH = 1 << 14  # pixels per batch, each with one number per atom

Terms = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class BandInterpolationConfig:
    """Nominal wavelengths of blue, green and red: the dominant wavelengths of the sRGB primaries, rounded to 10 nm."""

    nominal: tuple[float, ...] = (460.0, 550.0, 610.0)  # nm
    low: float = 400.0  # nm
    high: float = 700.0  # nm


class BandInterpolation(BandNetwork):
    """Baseline BI: the three channels at their nominal wavelengths, linear in between and constant beyond them."""

    def __init__(self, config: BandInterpolationConfig) -> None:
        super().__init__()
        self.config, self.bands = config, (config.low, *config.nominal, config.high)

    def forward(self, image: Tensor) -> Tensor:
        """Linear RGB (B, 3, H, W) to (B, 5, H, W) at `bands`."""
        return image[:, [2, 2, 1, 0, 0]]


def linear_terms(rgb: FloatArray) -> FloatArray:
    """R, G, B of linear sRGB (..., 3)."""
    return rgb


def root_polynomial_terms(rgb: FloatArray) -> FloatArray:
    """R, G, B, √RG, √GB, √BR of linear sRGB (..., 3); all scale with exposure (Finlayson et al. 2015)."""
    return np.concatenate([rgb, np.sqrt(rgb * np.roll(rgb, -1, axis=-1))], axis=-1)


@dataclass(frozen=True, eq=False)
class Regression:
    """Linear map from terms of a colour to a spectrum."""

    terms: Terms
    weights: npt.NDArray[np.float64]  # (terms, L)

    @classmethod
    def fitted(cls, terms: Terms, rgb: FloatArray, spectra: FloatArray) -> Regression:
        """Fit by least squares to colours (N, 3) and their spectra (N, L)."""
        x = terms(rgb).astype(np.float64)
        normal = x.T @ x
        ridge = REGRESSION_RIDGE * np.trace(normal) / len(normal) * np.eye(len(normal))
        return cls(terms, np.linalg.solve(normal + ridge, x.T @ spectra.astype(np.float64)))

    def __call__(self, rgb: FloatArray) -> FloatArray:
        """Linear sRGB (..., 3) to spectra (..., L), clipped at zero."""
        return np.maximum(self.terms(rgb) @ self.weights, 0).astype(np.float32)


class ChromaticityNeighbours:
    """Mean of the nearest training spectra in chromaticity (r, g), scaled to the R + G + B of the pixel.

    Args:
        rgb: training colours (N, 3), linear sRGB.
        spectra: their spectra (N, L).
        count: number of neighbours to average.
        darkest: colours with a smaller R + G + B are discarded as noise.
    """

    def __init__(self, rgb: FloatArray, spectra: FloatArray, count: int = 16, darkest: float = 0.02) -> None:
        from sklearn.neighbors import NearestNeighbors

        bright = rgb.sum(1) > darkest
        total = rgb[bright].sum(1, keepdims=True)
        self._shapes = (spectra[bright] / total).astype(np.float32)
        self._search = NearestNeighbors(n_neighbors=min(count, len(total)), algorithm="kd_tree")
        self._search.fit(rgb[bright][:, :2] / total)

    def __call__(self, rgb: FloatArray) -> FloatArray:
        """Linear sRGB (..., 3) to spectra (..., L)."""
        flat = rgb.reshape(-1, 3)
        total = flat.sum(1, keepdims=True)
        chromaticity, inverse = np.unique(flat[:, :2] / np.maximum(total, 1e-6), axis=0, return_inverse=True)
        nearest = self._search.kneighbors(chromaticity, return_distance=False)
        shapes = self._shapes[nearest].mean(1)
        return (shapes[inverse.ravel()] * total).reshape(*rgb.shape[:-1], -1)


class PixelNetwork(BandNetwork):
    """Base class of baselines that predict the spectrum of a pixel from its colour alone."""

    def spectra(self, colours: Tensor) -> Tensor:
        """Linear RGB (N, 3) to spectra (N, L)."""
        raise NotImplementedError

    def forward(self, image: Tensor) -> Tensor:
        """Linear RGB (B, 3, H, W) to (B, L, H, W), clipped at zero."""
        colours = image.movedim(1, -1).flatten(0, 2)
        spectra = torch.cat([self.spectra(batch) for batch in torch.split(colours, PIXEL_BATCH)]).clamp_min(0)
        return spectra.view(len(image), *image.shape[2:], -1).movedim(-1, 1)


@dataclass(frozen=True)
class SparseCodingConfig:
    """Size of the dictionary, and number of atoms that represent a colour."""

    bands: tuple[float, ...] = EVERY_TEN  # nm
    atoms: int = 512
    nonzero: int = 3


class SparseCoding(PixelNetwork):
    """Sparse coding (Arad and Ben-Shahar 2016): orthogonal matching pursuit over a dictionary of spectra.

    Buffers: `atoms` (K, L) and their `colours` (K, 3). For other band counts the paper resamples the dictionary;
    interpolating the output between bands is equivalent, since both operations are linear.
    """

    atoms: Tensor
    colours: Tensor

    def __init__(self, config: SparseCodingConfig) -> None:
        super().__init__()
        self.config, self.bands = config, config.bands
        self.register_buffer("atoms", torch.zeros(config.atoms, len(config.bands)))
        self.register_buffer("colours", torch.zeros(config.atoms, 3))

    def spectra(self, colours: Tensor) -> Tensor:
        """See `PixelNetwork.spectra`."""
        chosen, amounts = pursue(self.colours, colours, self.config.nonzero)
        return torch.einsum("nk,nkl->nl", amounts, self.atoms[chosen])


def pursue(atoms: Tensor, signals: Tensor, nonzero: int) -> tuple[Tensor, Tensor]:
    """Orthogonal matching pursuit: represent each signal (N, C) by `nonzero` of the atoms (K, C).

    Each step selects the atom most correlated with the residual, then refits all coefficients.

    Returns:
        Indices (N, nonzero) of the selected atoms, and their coefficients (N, nonzero).
    """
    lengths = atoms.norm(dim=1).clamp_min(1e-12)
    unit, residual = (atoms / lengths[:, None]).double(), signals.double()
    chosen, amounts = torch.empty(len(signals), 0, dtype=torch.long, device=signals.device), residual[:, :0]
    for _ in range(min(nonzero, len(atoms))):
        correlation = (residual @ unit.T).abs().scatter(1, chosen, -1.0)
        chosen = torch.cat([chosen, correlation.argmax(1, keepdim=True)], 1)
        basis = unit[chosen]  # (N, k, C)
        gram = basis @ basis.transpose(1, 2) + PURSUIT_RIDGE * torch.eye(chosen.shape[1], device=signals.device)
        amounts = torch.linalg.solve(gram, (basis @ signals.double()[:, :, None])[:, :, 0])
        residual = signals - torch.einsum("nk,nkc->nc", amounts, basis)
    return chosen, (amounts / lengths[chosen]).to(signals.dtype)


@dataclass(frozen=True)
class APlusConfig:
    """Number of anchors, number of training colours per anchor, and ridge penalty."""

    bands: tuple[float, ...] = EVERY_TEN  # nm
    anchors: int = 512
    neighbours: int = 1024
    ridge: float = 0.1


class APlus(PixelNetwork):
    """A+ (Aeschbacher et al. 2017): one linear map per anchor colour, fitted to its nearest training colours.

    Buffers: `anchors` (K, 3) of unit length, and their `projections` (K, L, 3).
    """

    anchors: Tensor
    projections: Tensor

    def __init__(self, config: APlusConfig) -> None:
        super().__init__()
        self.config, self.bands = config, config.bands
        self.register_buffer("anchors", torch.zeros(config.anchors, 3))
        self.register_buffer("projections", torch.zeros(config.anchors, len(config.bands), 3))

    def spectra(self, colours: Tensor) -> Tensor:
        """See `PixelNetwork.spectra`; the anchor is the one of the nearest direction."""
        nearest = (colours @ self.anchors.T).argmax(1)
        return torch.einsum("nlc,nc->nl", self.projections[nearest], colours)

    def fit(self, colours: Tensor, spectra: Tensor, anchors: Tensor) -> None:
        """Fit to colours (N, 3) and their spectra (N, L), around the directions `anchors` (K, 3).

        Both are scaled so that spectra have unit length: the fit is independent of exposure.
        """
        lengths = spectra.norm(dim=1, keepdim=True).clamp_min(1e-6)
        colours, spectra = (colours / lengths).double(), (spectra / lengths).double()
        directions = torch.nn.functional.normalize(colours, dim=1)
        self.anchors.copy_(anchors / anchors.norm(dim=1, keepdim=True).clamp_min(1e-12))
        ridge = self.config.ridge * torch.eye(3, dtype=torch.float64)
        for index, anchor in enumerate(self.anchors.double()):
            near = (directions @ anchor).topk(min(self.config.neighbours, len(colours))).indices
            x, y = colours[near], spectra[near]  # (n, 3), (n, L)
            self.projections[index] = torch.linalg.solve(x.T @ x + ridge, x.T @ y).T
