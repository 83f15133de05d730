"""Shared by the tests of batches: photographs, and what a tiny model is asked to make of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from nesr_gui.batch.job import JobSettings
from nesr_gui.export import ExportPlan
from nesr_gui.inference.model import load_model
from nesr_gui.spectral import Wavelengths

BANDS = Wavelengths(np.array([450.0, 512.3, 600.0]))


@pytest.fixture
def order(model_file: Path) -> JobSettings:
    return JobSettings(model_file, load_model(model_file).checkpoint.sha256, "cpu", ExportPlan(BANDS))


@pytest.fixture
def photographs(tmp_path: Path) -> Callable[..., list[Path]]:
    """Makes `count` different photographs of `shape`."""

    def made(count: int, shape: tuple[int, int] = (12, 16)) -> list[Path]:
        folder = tmp_path / "photographs"
        folder.mkdir(exist_ok=True)
        rng = np.random.default_rng(0)
        for index in range(count):
            iio.imwrite(folder / f"p{index}.png", rng.integers(0, 256, (*shape, 3), np.uint8))
        return [folder / f"p{index}.png" for index in range(count)]

    return made
