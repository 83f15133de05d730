"""Writes the first inputs of the targets that have no case: `python -m tests.fuzz.seeds`."""

from __future__ import annotations

import io
import json

import numpy as np
from PIL import Image

from tests.fuzz.targets import CORPUS

BAND, ROW, COL = np.mgrid[:3, :4, :5]
CUBE = (0.1 + 0.2 * BAND + 0.01 * ROW + 0.001 * COL).astype(np.float32)
PIXELS = np.uint8(255 * CUBE.transpose(1, 2, 0))


def _numpy(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays) if len(arrays) > 1 else np.save(stream, arrays["cube"])
    return stream.getvalue()


def _picture(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, kind)
    return stream.getvalue()


DESCRIBED = {"wavelengths_nm": [400, 550, 700], "quantity": "radiance", "scale": 0.0001, "provenance": {"a": "b"}}
SEEDS = {
    "npy/cube": _numpy(cube=CUBE),
    "npz/cube": _numpy(cube=CUBE, wavelengths=np.array([400.0, 550, 700])),
    "npy_description/plain": json.dumps(DESCRIBED).encode(),
    "bmp/plain": _picture("BMP"),
    "webp/plain": _picture("WEBP"),
    "curves/two": b"# a: b\nwavelength_nm,a,b\n400,1,2\n500,3,4\n",
    "spectra/decimal_comma": b"Wavelength (um);a;b\n0,4;1,5;2\n0,5;1,25;3\n",
    "spectra/tabs": b"nm\ta\n700\t1\n400\t2e-7\n",
    "sensitivities/plain": b"wavelength_nm,R,G,B\n400,1,0,1\n550,0,1,0\n700,1,0,1\n",
}

if __name__ == "__main__":
    for name, data in SEEDS.items():
        (CORPUS / name).parent.mkdir(exist_ok=True)
        (CORPUS / name).write_bytes(data)
