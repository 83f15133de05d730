"""Colours of marks, classes and clusters are told apart, in normal vision and without one type of cone."""

import itertools

import colour
import numpy as np
import pytest

from nesr_gui.gui.model.palette import MARK_COLOURS, cluster_colour

SAFE = [MARK_COLOURS["safe"][number] for number in range(1, 25)]
KINDS = ("Protanomaly", "Deuteranomaly", "Tritanomaly")


def linear(code: str) -> np.ndarray:
    encoded = np.array([int(code[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    white = colour.CCS_ILLUMINANTS["CIE 1931 2 Degree Standard Observer"]["D65"]
    return colour.XYZ_to_Lab(np.clip(rgb, 0, 1) @ colour.RGB_COLOURSPACES["sRGB"].matrix_RGB_to_XYZ.T, white)


@pytest.mark.filterwarnings("ignore:.*simulation of tritanomaly")
@pytest.mark.parametrize(("count", "normal", "dichromatic"), [(8, 22, 14), (16, 11, 6.9), (24, 9.5, 5)])
def test_safe_colours_differ_as_stated(count: int, normal: float, dichromatic: float) -> None:
    pairs = list(itertools.combinations(range(count), 2))
    rgb = np.array([linear(code) for code in SAFE[:count]])
    for matrix, least in [
        (np.eye(3), normal),
        *((colour.matrix_cvd_Machado2009(kind, 1.0), dichromatic) for kind in KINDS),
    ]:
        seen = lab(rgb @ matrix.T)
        differences = colour.delta_E(*(seen[[pair[side] for pair in pairs]] for side in (0, 1)), method="CIE 2000")
        assert differences.min() >= least


def test_there_are_24_colours_for_clusters_and_classes() -> None:
    assert len({cluster_colour(number) for number in range(1, 25)}) == 24 and cluster_colour(25) == cluster_colour(1)
    assert len({MARK_COLOURS["vivid"][number] for number in range(1, 25)}) == 24
