"""Read a portable field (.field) of nesr_gui with NumPy alone: python read_field.py photo.field ROW COL NM."""

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


if __name__ == "__main__":
    row, col = int(sys.argv[2]), int(sys.argv[3])
    print(values(*read_field(sys.argv[1]), [float(sys.argv[4])], (row, col))[0])
