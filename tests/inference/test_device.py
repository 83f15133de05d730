"""What torch raises becomes the program's own errors; small tiles give equal answers."""

import numpy as np
import pytest
import torch

from nesr_gui.fields.protocol import DeviceLost, OutOfMemory
from nesr_gui.inference import device as devices
from nesr_gui.inference import engine
from nesr_gui.inference.device import translate_torch_errors
from nesr_gui.inference.model import load_model
from nesr_gui.networks.spi import HALO
from nesr_gui.spectral import RGBImage


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"), OutOfMemory),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 9 bytes"), OutOfMemory),
        (RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"), OutOfMemory),
        (MemoryError(), OutOfMemory),
        (RuntimeError("CUDA error: unspecified launch failure"), DeviceLost),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR"), DeviceLost),
        (RuntimeError("shape '[2]' is invalid for input of size 3"), RuntimeError),
        (ValueError("out of memory"), ValueError),
    ],
)  # fmt: skip
def test_errors_are_translated_and_others_let_through(raised, expected):
    with pytest.raises(expected) as told, translate_torch_errors():
        raise raised
    assert type(told.value) is expected
    assert told.value is raised or told.value.__cause__ is raised


def test_small_tiles_need_less_and_answer_the_same(model_file, monkeypatch):
    monkeypatch.setattr("nesr_gui.inference.model.LOW_MEMORY_TILE", 16)
    image = RGBImage(np.random.default_rng(0).random((40, 52, 3), np.float32))
    model = load_model(model_file, "cpu")
    thrifty = model.low_memory()
    assert model.supports_low_memory and not thrifty.supports_low_memory
    plain, small = engine.encode(image, model), engine.encode(image, thrifty)
    nm = [410.0, 555.5]
    np.testing.assert_allclose(small.cube(nm).values, plain.cube(nm).values, atol=2e-5)


def test_a_field_tells_that_memory_ran_out(model_file, monkeypatch):
    field, asked = engine.encode(RGBImage(np.zeros((8, 9, 3), np.float32)), load_model(model_file, "cpu")), []

    def fail(*args):
        asked.append(field.batch.tokens)
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(type(field), "_decode", fail)
    for ask in (lambda: field.band(500), lambda: field.spectra([(1, 1)], [500]), lambda: list(field.blocks([500]))):
        with pytest.raises(OutOfMemory, match="graphics memory"):
            ask()
    assert asked[:7] == [349525, 174762, 87381, 43690, 21845, 10922, 5461]


class Device:
    """Stands for one that has room for so many values at once."""

    def __init__(self, room: int) -> None:
        self.room, self.refused = room, 0

    def holding(self, run):
        def tried(windows, inside, query, stride=1):
            rows, cols = (len(range(0, side - 2 * HALO, stride)) for side in windows.shape[2:])
            if query.coord.numel() * rows * cols > self.room:
                self.refused += 1
                raise torch.cuda.OutOfMemoryError("CUDA out of memory")
            return run(windows, inside, query, stride)

        return tried


def test_less_at_once_is_asked_of_a_device_that_is_full_and_the_answers_are_the_same(model_file, monkeypatch):
    image = RGBImage(np.random.default_rng(0).random((70, 90, 3), np.float32))
    model, nm = load_model(model_file, "cpu"), [410.0, 480.0, 555.5]
    plain, field, device = engine.encode(image, model), engine.encode(image, model), Device(2000)
    monkeypatch.setattr(field, "_decode", device.holding(field._decode))
    np.testing.assert_allclose(field.cube(nm).values, plain.cube(nm).values, atol=2e-5)
    points = np.argwhere(np.ones((70, 90)))[::3]
    np.testing.assert_allclose(field.spectra(points, nm), plain.spectra(points, nm), atol=2e-5)
    assert 0 < device.refused <= 8  # halved so often, and remembered: not every tile finds out again
    device.room = 3
    with pytest.raises(OutOfMemory, match="graphics memory"):
        field.cube(nm)


@pytest.mark.parametrize(
    ("free", "tokens"),
    [(None, devices.TOKENS), (0, devices.FEWEST_TOKENS), (1 << 30, 1 << 17), (1 << 50, devices.MOST_TOKENS)],
)
def test_a_device_is_given_what_it_has_room_for(monkeypatch, free, tokens):
    monkeypatch.setattr(devices, "free_bytes", lambda device: free)
    assert devices.AdaptiveBatch("anything").tokens == tokens


def test_a_device_without_bfloat16_is_not_faster_in_it(monkeypatch):
    def ones(*size, dtype, device):
        if dtype is torch.bfloat16:
            raise TypeError("BFloat16 is not supported on MPS")
        return torch.zeros(*size)

    monkeypatch.setattr(torch, "ones", ones)
    devices.is_faster_in_bfloat16.cache_clear()
    assert devices.is_faster_in_bfloat16("old") is False
    devices.is_faster_in_bfloat16.cache_clear()


def test_the_processor_has_no_memory_of_its_own():
    assert devices.free_bytes("cpu") is None
    tensor = torch.rand(3)
    assert devices.to_device(tensor, "cpu") is tensor
