"""Where to look first in a photograph nobody has clicked yet."""

from __future__ import annotations

import numpy as np

from nesr_gui.spectral import RGBImage

_GRID = 12  # cells along the longer side


def spots(image: RGBImage, count: int = 3) -> list[tuple[int, int]]:
    """`count` pixels (row, col) of the source, in even areas of colours that differ; the same for the same image."""
    height, width = image.shape
    side = max(max(height, width) // _GRID, 1)
    cells = []
    for top in range(side // 2, max(height - side, 1), side):
        for left in range(side // 2, max(width - side, 1), side):
            values = image.values[top : top + side, left : left + side].reshape(-1, 3)
            mean = np.sqrt(values.mean(axis=0))
            evenness = 1 / (1 + 20 * float(values.std(axis=0).mean()))
            cells.append(((min(top + side // 2, height - 1), min(left + side // 2, width - 1)), mean, evenness))
    colourful = [float(mean.max() - mean.min()) * evenness for _, mean, evenness in cells]
    chosen = [int(np.argmax(colourful))]
    while len(chosen) < min(count, len(cells)):
        far = [min(float(np.linalg.norm(mean - cells[c][1])) for c in chosen) * even for _, mean, even in cells]
        chosen.append(int(np.argmax(far)))
    found = [tuple(at * image.reduction for at in cells[c][0]) for c in chosen]  # of the source
    return sorted(((row, col) for row, col in found), key=lambda at: (at[1], at[0]))
