"""A graphics device that fails on demand: at any operation, the error is one that the window can explain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch.overrides import TorchFunctionMode

from nesr_gui.fields.protocol import DeviceLost, OutOfMemory, SpectralField
from nesr_gui.inference.checkpoint import save_checkpoint
from nesr_gui.inference.engine import encode
from nesr_gui.inference.model import LoadedModel, load_model
from nesr_gui.networks.band_network import DiscreteConfig
from tests import tiny

NM = [430.0, 555.5]
LOST = RuntimeError("CUDA error: an illegal memory access was encountered")
FULL = RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
CONFIGS = {"nesr": tiny.CONFIG, "factorised": tiny.FACTORISED, "bands": DiscreteConfig("hscnn_r", 6, 2)}
WORK: dict[str, Callable[[SpectralField], Any]] = {
    "picture": lambda field: field.band(555.5),
    "click": lambda field: field.spectra([(3, 4)], NM),
    "export": lambda field: [block.values for block in field.blocks(NM)],
}


class FailingDevice(TorchFunctionMode):
    """Lets the operation number `chosen` fail, and counts them."""

    def __init__(self, chosen: int = 0, error: Exception = LOST) -> None:
        super().__init__()
        self.chosen, self.error, self.calls = chosen, error, 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func.__name__ != "__get__":  # properties such as the shape are known without the device
            self.calls += 1
            if self.calls == self.chosen:
                raise self.error
        return func(*args, **(kwargs or {}))


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> LoadedModel:
    save_checkpoint(tmp_path / "m.safetensors", tiny.network(request.param), {})
    return load_model(tmp_path / "m.safetensors", "cpu")


def operations(work: Callable[[], object]) -> list[int]:
    """Numbers of the first, the last and some other operations; none if all was computed before."""
    with FailingDevice() as device:
        work()
    return sorted(set(np.linspace(1, device.calls, 6).astype(int).tolist())) if device.calls else []


def test_encoding_stops_with_a_known_error(model: LoadedModel) -> None:
    image = tiny.image(18, 24)
    numbers = operations(lambda: encode(image, model))
    assert numbers
    for chosen in numbers:
        with pytest.raises(DeviceLost, match="continue on the processor"), FailingDevice(chosen):
            encode(image, model)


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_a_query_stops_with_a_known_error_and_spoils_no_later_one(
    model: LoadedModel, work: Callable[[SpectralField], Any]
) -> None:
    image = tiny.image(18, 24)
    expected, field = work(encode(image, model)), encode(image, model)
    for chosen in operations(lambda: work(field)):
        failing = encode(image, model)
        with pytest.raises(DeviceLost, match="continue on the processor"), FailingDevice(chosen):
            work(failing)
        np.testing.assert_allclose(work(failing), expected, rtol=1e-5, atol=1e-6)


def test_memory_that_is_full_once_does_not_stop_a_query(model: LoadedModel) -> None:
    """It is asked for less at once; where that is impossible, the error says so."""
    field = encode(tiny.image(18, 24), model)
    expected = field.band(555.5)
    for chosen in operations(lambda: field.band(555.5)):
        try:
            with FailingDevice(chosen, FULL):
                np.testing.assert_allclose(field.band(555.5), expected, rtol=1e-5, atol=1e-6)
        except OutOfMemory as error:
            assert "graphics memory" in str(error)
