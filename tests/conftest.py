"""Shared by all tests: no display, and files that many of them open."""

from __future__ import annotations

import gc
import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before Qt is imported

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from tests import tiny
from tests.devices import DEVICES


@pytest.fixture(scope="module", autouse=True)
def what_stays_is_not_searched() -> None:
    """Modules, caches and collected tests stay: no later search for garbage or for leaks goes through them."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_installed_models(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The models of the user who runs the tests are not theirs."""
    monkeypatch.setenv("NESR_GUI_MODELS", str(tmp_path_factory.getbasetemp() / "models-of-nobody"))


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> str:
    """Each device that tensors are made on."""
    from nesr_gui.inference.model import resolve_device

    return resolve_device(request.param)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photograph of 12 rows and 16 columns."""
    path = tmp_path / "photo.png"
    iio.imwrite(path, np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8))
    return path


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """A tiny real model."""
    from nesr_gui.inference.checkpoint import save_checkpoint

    path = tmp_path / "tiny.safetensors"
    save_checkpoint(path, tiny.network(), {"seed": "0"})
    return path
