"""Libraries of measured reflectance spectra, their interpolation, and the spectra kept out of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry import cie
from nesr_gui.io.registry import require_extra
from nesr_gui.spectral import FloatArray, Wavelengths

EVERY_NM = np.arange(400.0, 701.0)
ON_BANDS = EVERY_NM % 10 == 0
CHART_SETS = ("macbeth", "gretag", "_CCC", "_CCDSG", "_XRCCSG", "_CCPP", "_XRCCPP", "_GM")
CHART_RADIUS = 0.01  # RMSE below which a library spectrum counts as a patch of the chart
CLUSTERS = 150  # kept out of training for tests
CLUSTER_RADIUS = 0.02  # RMSE to its centre within which a spectrum belongs to a cluster
MARGIN = 0.01  # smallest RMSE between training spectra and those kept out
CHROMATICITY_CELLS = 32  # along each axis of the chromaticity plane over which spectra are drawn evenly


@dataclass(frozen=True, eq=False)
class Library:
    """A set of reflectances in 0-1: values (N, L) float32 at `wavelengths` (L,)."""

    name: str
    wavelengths: Wavelengths
    values: FloatArray

    def at(self, nm: npt.ArrayLike, rows: npt.NDArray[np.integer] | slice = slice(None)) -> FloatArray:
        """Reflectances (n, len(nm)) of some rows at wavelengths in the library's range, see `interpolation`."""
        return self.values[rows] @ interpolation(self.wavelengths, nm).T

    @property
    def step(self) -> float:
        """Largest gap between two wavelengths in nm."""
        return float(np.diff(self.wavelengths.nm).max())


def interpolation(bands: Wavelengths, nm: npt.ArrayLike) -> FloatArray:
    """The matrix (len(nm), L) that interpolates values on evenly spaced `bands` at other wavelengths in their range.

    Sprague's fifth-order interpolation, which CIE 167:2005 recommends for even spacing, tabulated by 1 nm and linear
    between; exact on the bands. It restores 4742 reflectances (`tm30`) from every tenth nm with an RMSE of .0011.
    """
    low, high = bands.nm[0], bands.nm[-1]
    table = _sprague(low, high, len(bands))
    position = (np.asarray(nm, np.float64) - low) / (high - low) * (len(table) - 1)
    below = np.clip(np.floor(position).astype(int), 0, len(table) - 2)
    weight = (position - below)[:, None].astype(np.float32)
    return table[below] * (1 - weight) + table[below + 1] * weight


@cache
def _sprague(low: float, high: float, count: int) -> FloatArray:
    """The weight of each band at each nm (high - low + 1, count)."""
    nm, fine = np.linspace(low, high, count), np.linspace(low, high, round(high - low) + 1)
    if count == len(fine):
        return np.eye(count, dtype=np.float32)
    return np.stack([cie.sprague(nm, unit, fine) for unit in np.eye(count)], axis=1).astype(np.float32)


def read_libraries(paths: Sequence[Path]) -> list[Library]:
    """The libraries of `.npz` files: `wavelengths` (L,) in nm, and sets (N, L), in float or in uint16 with 65535 for 1.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a file has another form, or does not cover 400-700 nm.
    """
    libraries = []
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"there is no spectrum library {path}")
        try:
            with np.load(path, allow_pickle=False) as file:
                sets = {name: file[name] for name in file.files}
            wavelengths = Wavelengths(sets.pop("wavelengths"))
        except (OSError, KeyError, ValueError) as error:
            raise ValueError(f"{path} is no spectrum library; expected an .npz with `wavelengths` and sets") from error
        if wavelengths.nm[0] > 400 or wavelengths.nm[-1] < 700:
            raise ValueError(f"{path} covers {wavelengths.nm[0]:g}-{wavelengths.nm[-1]:g} nm; 400-700 nm is needed")
        for name, values in sets.items():
            scale = 65535 if values.dtype == np.uint16 else 1
            libraries.append(Library(name, wavelengths, (values / scale).astype(np.float32)))
    return libraries


def without_charts(libraries: Sequence[Library]) -> list[Library]:
    """The libraries without colour checkers, which are the program's test sample, so no model may be trained on them.

    Sets of colour checkers are left out, and every spectrum within `CHART_RADIUS` of one of the 24 patches.
    """
    patches = cie.colour_checker(cie.CAMERA_BANDS)  # (24, 31)
    kept = []
    for library in libraries:
        if any(word in library.name for word in CHART_SETS):
            continue
        spectra = library.at(cie.CAMERA_BANDS.nm)
        near = np.zeros(len(spectra), bool)
        for patch in patches:
            near |= ((spectra - patch) ** 2).mean(1) < CHART_RADIUS**2
        kept.append(replace(library, values=library.values[~near]))
    return kept


def without_clusters(libraries: Sequence[Library]) -> tuple[list[Library], list[Library]]:
    """Split libraries into training and test spectra, such that no training spectrum is close to a test spectrum.

    `CLUSTERS` spectra of the libraries finer than 10 nm are drawn with a fixed seed. All spectra within
    `CLUSTER_RADIUS` of one of them are kept out, and those within `MARGIN` of a spectrum kept out are not used at all.

    Returns:
        The libraries for training, and the spectra kept out of those finer than 10 nm, which are known between the
        bands.
    """
    fine = [library for library in libraries if library.step < 10]
    if not fine:
        return list(libraries), []
    spectra = [library.at(cie.CAMERA_BANDS.nm) for library in libraries]
    finest = np.concatenate([s for s, library in zip(spectra, libraries, strict=True) if library.step < 10])
    chosen = np.random.default_rng(0).choice(len(finest), min(CLUSTERS, len(finest) // 10), replace=False)
    out = [_distance(s, finest[chosen]) < CLUSTER_RADIUS for s in spectra]
    border = np.concatenate([s[o] for s, o in zip(spectra, out, strict=True)])
    learned = [
        replace(library, values=library.values[_distance(s, border) >= MARGIN])
        for library, s in zip(libraries, spectra, strict=True)
    ]
    held = [replace(lib, values=lib.values[o]) for lib, o in zip(libraries, out, strict=True) if lib.step < 10]
    return [library for library in learned if len(library.values)], held


def _distance(spectra: FloatArray, others: FloatArray) -> npt.NDArray[np.float64]:
    """RMSE (N,) between each spectrum (N, L) and the nearest of the others (M, L)."""
    search = require_extra("sklearn.neighbors", "spectrum libraries", "train", "scikit-learn")
    if not len(others):
        return np.full(len(spectra), np.inf)
    nearest = search.NearestNeighbors(n_neighbors=1, algorithm="brute").fit(others).kneighbors(spectra)[0][:, 0]
    return np.asarray(nearest / np.sqrt(spectra.shape[1]))


def even_in_chromaticity(spectra: FloatArray, evenness: float) -> npt.NDArray[np.float64]:
    """Probabilities (N,) of drawing each of the spectra (N, 31), given on `cie.CAMERA_BANDS`.

    Libraries are dense where their makers sampled most (browns, greens). With `evenness` 1, every cell of the
    chromaticity plane is drawn equally often; with 0, every spectrum is.
    """
    rgb = cie.render_camera_rgb(spectra)
    chromaticity = rgb[:, :2] / np.maximum(rgb.sum(1, keepdims=True), 1e-6)
    cells = np.clip(chromaticity * CHROMATICITY_CELLS, 0, CHROMATICITY_CELLS - 1).astype(int)
    _, cell, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    weights = counts[cell.ravel()].astype(np.float64) ** -evenness
    return weights / weights.sum()
