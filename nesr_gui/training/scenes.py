"""Measured scenes to learn from and to be judged by: spectra, the photograph the default camera takes, the charts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nesr_gui import colorimetry
from nesr_gui.io import cave
from nesr_gui.spectral import FloatArray

CHART_FILE = "chart_boxes.json"


@dataclass(frozen=True, eq=False)
class Scene:
    """A scene on `colorimetry.CAMERA_BANDS`: cube (31, H, W), and the box of its colour chart where it has one."""

    name: str
    cube: FloatArray
    chart: tuple[int, int, int, int] | None = None  # y0, y1, x0, x1

    def photograph(self, *, eight_bit: bool) -> FloatArray:
        """Linear sRGB (H, W, 3) of the default camera, through 8-bit sRGB codes where a file is meant."""
        rgb = colorimetry.expose(np.moveaxis(self.cube, 0, -1))
        return quantised(rgb) if eight_bit else rgb

    def outside_chart(self) -> npt.NDArray[np.bool_]:
        """(H, W), True where the colour chart is not."""
        mask = np.ones(self.cube.shape[1:], bool)
        if self.chart:
            y0, y1, x0, x1 = self.chart
            mask[y0:y1, x0:x1] = False
        return mask


def quantised(rgb: FloatArray, codes: int = 255) -> FloatArray:
    """Linear sRGB as it comes back from an sRGB file of codes 0 to `codes`."""
    return colorimetry.decode_srgb(np.round(colorimetry.encode_srgb(rgb) * codes) / codes)


def read_scenes(root: Path) -> Iterator[Scene]:
    """The scenes below `root`, one at a time, with the chart boxes of `chart_boxes.json` there or one folder above.

    Raises:
        ValueError: there is no scene, or one is not on 400-700 nm by 10 nm.
    """
    folders = cave.scene_folders(root)
    if not folders:
        raise ValueError(f"no scene in {root}; expected folders of 31 PNGs, name_ms_01.png to name_ms_31.png")
    files = [file for file in (root / CHART_FILE, root.parent / CHART_FILE) if file.exists()]
    boxes: dict[str, list[int]] = json.loads(files[0].read_text(encoding="utf-8")) if files else {}
    for folder in folders:
        name = folder.name.removesuffix("_ms")
        y0, y1, x0, x1 = boxes.get(name, (0, 0, 0, 0))
        yield Scene(name, cave.read_scene(folder).values, (y0, y1, x0, x1) if y1 else None)
