"""What torch raises becomes the program's own errors; small tiles give equal answers."""

import numpy as np
import pytest
import torch

from nesr_gui import engine
from nesr_gui.devices import translated
from nesr_gui.field import DeviceLost, OutOfMemory
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
    with pytest.raises(expected) as told, translated():
        raise raised
    assert type(told.value) is expected
    assert told.value is raised or told.value.__cause__ is raised


def test_small_tiles_need_less_and_answer_the_same(model_file, monkeypatch):
    monkeypatch.setattr(engine, "THRIFTY_TILE", 16)
    image = RGBImage(np.random.default_rng(0).random((40, 52, 3), np.float32))
    model = engine.load_model(model_file, "cpu")
    thrifty = model.thrifty()
    assert model.can_save_memory and not thrifty.can_save_memory
    plain, small = engine.encode(image, model), engine.encode(image, thrifty)
    nm = [410.0, 555.5]
    np.testing.assert_allclose(small.cube(nm).values, plain.cube(nm).values, atol=2e-5)


def test_a_field_tells_that_memory_ran_out(model_file, monkeypatch):
    field = engine.encode(RGBImage(np.zeros((8, 9, 3), np.float32)), engine.load_model(model_file, "cpu"))

    def fail(*args):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(type(field), "_decoded", fail)
    for ask in (lambda: field.band(500), lambda: field.spectra([(1, 1)], [500]), lambda: list(field.blocks([500]))):
        with pytest.raises(OutOfMemory, match="graphics memory"):
            ask()
