"""Read a portable field (.field) of nesr_gui with NumPy alone: python read_field.py photo.field ROW COL NM.

Prints the value and, if the file has them, the limits of its 90 % prediction interval.
"""

import json
import sys

import numpy as np

DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}


def read_field(path):
    """Return the arrays of a file by name, without reading the coefficients into memory, and its metadata."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    metadata, arrays = header.pop("__metadata__"), {}
    for name, entry in header.items():
        offset = 8 + length + entry["data_offsets"][0]
        shape = tuple(entry["shape"])
        arrays[name] = np.memmap(path, DTYPES[entry["dtype"]], "r", offset, shape)
    return arrays, metadata


def values(arrays, metadata, nm, window=...):
    """Return the values (..., L) at wavelengths `nm` (L,) of the pixels in `window`: one matrix product."""
    columns = arrays["basis"].T  # (K, N)
    basis = np.stack([np.interp(nm, arrays["wavelengths"], column) for column in columns])  # (K, L)
    product = arrays["coefficients"][window].astype(np.float32) @ basis.astype(np.float32)
    return np.maximum(product, float(metadata.get("minimum", "-inf")))


def limits(arrays, metadata, nm, window=...):
    """Return the limits (..., L) of the prediction interval at wavelengths `nm` (L,)."""
    rgb = arrays["coefficients"][window][..., -3:].astype(np.float64)  # linear sRGB
    white, bright = float(metadata["white_level"]), rgb.mean(-1)
    saturation = 1 - rgb.min(-1) / np.maximum(rgb.max(-1), 1e-9)
    by_saturation = [np.interp(saturation, (0.15, 0.4, 0.7), unit) for unit in np.eye(3)]
    log = np.log(np.maximum(bright / white, 1e-9))
    by_brightness = [np.interp(log, np.log((0.03, 0.12, 0.4)), unit) for unit in np.eye(3)]
    at = np.stack([np.interp(nm, arrays["interval_wavelengths"], u) for u in np.eye(len(arrays["interval_low"]))])
    spectrum, ends = values(arrays, metadata, nm, window), []
    for side, beyond in (("low", -arrays["interval_below"]), ("high", arrays["interval_above"])):
        relative = np.einsum("s...,b...,msb,ml->...l", by_saturation, by_brightness, arrays[f"interval_{side}"], at)
        scale = spectrum + 0.1 * bright[..., None] + 1e-4 * white
        ends.append(np.maximum(spectrum + relative * scale + white * (beyond @ at), 0))
    return ends


if __name__ == "__main__":
    field, row, col, nm = read_field(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), [float(sys.argv[4])]
    print(values(*field, nm, (row, col))[0])
    if "interval_low" in field[0]:
        print(*(end[0] for end in limits(*field, nm, (row, col))))
