"""What a user waits for: opening, a click, a wavelength, a cube, a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nesr_gui import io, resources
from nesr_gui.benchmark.inference import photograph
from nesr_gui.fields.protocol import CubeField, SpectralField
from nesr_gui.gui.drawing.tone_mapping import ToneMapping
from nesr_gui.inference import engine
from nesr_gui.inference.model import LoadedModel, load_model
from nesr_gui.spectral import Quantity, Wavelengths

Measure = Callable[[Callable[[], object]], None]
SIDE, BANDS = 512, Wavelengths.from_step(400, 700, 10)


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model(device="cpu")


@pytest.fixture(scope="module")
def field(model: LoadedModel) -> SpectralField:
    return engine.encode(photograph(SIDE, SIDE), model)


@pytest.fixture(scope="module")
def cube() -> CubeField:
    return CubeField(np.random.default_rng(0).random((31, SIDE, SIDE), np.float32), BANDS, Quantity.REFLECTANCE)


def test_open_photograph(measured: Measure) -> None:
    measured(lambda: io.read_photograph(resources.samples()[0].photograph))


def test_reconstruct(measured: Measure, model: LoadedModel) -> None:
    image = photograph(SIDE, SIDE)
    measured(lambda: engine.encode(image, model))


def test_curve_of_a_click(measured: Measure, field: SpectralField) -> None:
    every, rng = Wavelengths.evenly_spaced(301), np.random.default_rng(0)
    measured(lambda: [field.spectra([tuple(rng.integers(0, SIDE, 2).tolist())], every) for _ in range(20)])


def test_spectra_of_a_thousand_pixels(measured: Measure, field: SpectralField) -> None:
    pixels = [tuple(at) for at in np.random.default_rng(0).integers(0, SIDE, (1000, 2)).tolist()]
    measured(lambda: field.spectra(pixels, BANDS))


def test_another_wavelength(measured: Measure, field: SpectralField) -> None:
    rng = np.random.default_rng(0)
    measured(lambda: [field.band(float(rng.uniform(400, 700))) for _ in range(10)])


def test_photograph_to_cube(measured: Measure, model: LoadedModel) -> None:
    image = photograph(SIDE, SIDE)
    measured(lambda: engine.encode(image, model).cube(BANDS))


def test_shade_a_band(measured: Measure, cube: CubeField) -> None:
    band, tones = cube.band(550), ToneMapping.of((0.0, 1.0), "viridis", False)
    measured(lambda: [tones.shade(band) for _ in range(20)])


@pytest.mark.parametrize("suffix", [".h5", ".hdr", ".tif"])
def test_write_a_cube(measured: Measure, cube: CubeField, tmp_path: Path, suffix: str) -> None:
    measured(lambda: io.write_cube(tmp_path / f"cube{suffix}", cube, BANDS))


@pytest.mark.parametrize("suffix", [".h5", ".hdr", ".tif"])
def test_open_a_cube_and_read_a_band(measured: Measure, cube: CubeField, tmp_path: Path, suffix: str) -> None:
    io.write_cube(path := tmp_path / f"cube{suffix}", cube, BANDS)
    measured(lambda: io.open_cube(path).band(550))
