"""Finding charts: the grid fitted to squares, and the process that finds the squares."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from nesr_gui.colorimetry.charts import GAP, ColourChart, classic, sg
from nesr_gui.fields.protocol import Cancelled
from nesr_gui.io.photos import chart_finder
from nesr_gui.io.photos.chart_finder import find_chart, fit_grid
from nesr_gui.io.photos.chart_patches import ChartError, homography, project
from nesr_gui.io.photos.photo import DecodedPhoto, DecodedPixels
from tests.io.photos.test_chart_calibration import CORNERS, SHAPE, codes, photograph

HAS_PACKAGE = importlib.util.find_spec("colour_checker_detection") is not None
Array = npt.NDArray[np.float64]


def squares_of(chart: ColourChart, corners: Array) -> Array:
    """(x, y) of the corners of the patches (N, 4, 2)."""
    size = np.array([chart.columns - GAP, chart.rows - GAP])
    square = (1 - GAP) * np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]])
    return project(homography(corners), (chart.cells[:, None, ::-1] + square) / size)[..., ::-1]


def outline_of(squares: Array, margin: float = 9) -> Array:
    """The box around all squares, (x, y) of its corners."""
    (left, top), (right, bottom) = (
        squares.reshape(-1, 2).min(axis=0) - margin,
        squares.reshape(-1, 2).max(axis=0) + margin,
    )
    return np.array([[left, bottom], [left, top], [right, top], [right, bottom]])


def largest_error(found: Array, corners: Array) -> float:
    return max(float(np.linalg.norm(found - corner, axis=1).min()) for corner in corners)


@pytest.mark.parametrize("chart", [classic(), sg()], ids=lambda chart: chart.name)
@pytest.mark.parametrize("quarters", range(4))
def test_the_grid_is_fitted_to_squares(chart: ColourChart, quarters: int) -> None:
    """In perspective, in any orientation, with some squares missing, moved or of something else."""
    corners = np.array([[30, 42], [21, 330], [225, 350], [214, 25.0]]) * (1 if chart.columns == 6 else 3)
    for _ in range(quarters):
        corners = np.stack([3000 - corners[:, 1], corners[:, 0]], axis=1)
    squares = squares_of(chart, corners)
    outline = outline_of(squares)
    rng = np.random.default_rng(quarters)
    seen = rng.permutation(squares)[: int(0.8 * len(squares))]
    seen = seen + rng.normal(0, 0.4, (len(seen), 1, 2))
    clutter = rng.uniform(0, 3000, (20, 1, 2)) + np.array([[0, 0], [9, 0], [9, 9], [0, 9]])
    found = fit_grid(chart, outline, np.concatenate([clutter, seen]))
    assert largest_error(found, corners) < 1.5


def test_squares_that_form_no_grid_are_refused() -> None:
    rng = np.random.default_rng(0)
    squares = rng.uniform(0, 400, (30, 1, 2)) + np.array([[0, 0], [9, 0], [9, 9], [0, 9]])
    with pytest.raises(ChartError, match="of the 24 patches were found"):
        fit_grid(classic(), np.array([[0, 200], [0, 0], [300, 0], [300, 200.0]]), squares)
    with pytest.raises(ChartError, match="only 0 of the 24"):
        fit_grid(classic(), np.array([[0, 200], [0, 0], [300, 0], [300, 200.0]]), np.zeros((0, 4, 2)))


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Replaces the process by a script; it has read the request as `header` and `pixels`."""
    monkeypatch.setattr(chart_finder, "missing_package", lambda: "")

    def use(script: str) -> None:
        path = tmp_path / "child.py"
        path.write_text(
            "import json, sys, time\nsource = sys.stdin.buffer\nheader = json.loads(source.readline())\n"
            "pixels = source.read()\n" + script
        )
        monkeypatch.setattr(chart_finder, "CHILD", (sys.executable, str(path)))

    return use


def answer(clusters: Array, squares: Array) -> str:
    return f"print(json.dumps({{'clusters': {clusters.tolist()}, 'squares': {squares.tolist()}}}))"


def test_the_process_gets_the_picture_and_its_answer_becomes_corners(child, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    squares = squares_of(classic(), np.array(CORNERS))
    wrong = np.array([[0, 30], [0, 0], [60, 0], [60, 30.0]])
    seen = tmp_path / "seen"
    child(f"open({str(seen)!r}, 'w').write(json.dumps([header, len(pixels), max(pixels)]))\n"
          + answer(np.stack([wrong, outline_of(squares)]), squares))  # fmt: skip
    calls: list[float] = []
    found = find_chart(photograph(), classic(), progress=calls.append)
    assert largest_error(found, np.array(CORNERS)) < 0.5 and calls
    header, count, brightest = json.loads(seen.read_text())
    assert header == {"shape": [*SHAPE, 3], "patches": 24, "rows": 4, "columns": 6}
    assert count == SHAPE[0] * SHAPE[1] * 3 and 230 <= brightest <= 255  # whatever the exposure


def test_tiles_of_other_colours_are_no_chart(child) -> None:  # type: ignore[no-untyped-def]
    """The patches of the chart in another order, which form the same grid."""
    squares = squares_of(classic(), np.array(CORNERS))
    pixels = np.ascontiguousarray(np.roll(codes(photograph()), 25, axis=1)[..., ::-1])
    tiles = replace(photograph(), stored=DecodedPixels(pixels))
    child(answer(outline_of(squares)[None], squares))
    with pytest.raises(ChartError, match="no ColorChecker Classic was found"):
        find_chart(tiles, classic())


def test_corners_are_in_source_pixels_of_a_large_photograph(child, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(chart_finder, "SENT_PIXELS", SHAPE[0] * SHAPE[1] // 4)
    squares = squares_of(classic(), np.array(CORNERS)) / 2
    child(answer(outline_of(squares)[None], squares))
    assert largest_error(find_chart(photograph(), classic()), np.array(CORNERS)) < 0.5


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("print(json.dumps({'clusters': [], 'squares': []}))", "no ColorChecker Classic was found"),
        (
            answer(np.array([[[0, 99], [0, 0], [150, 0], [150, 99]]]), np.zeros((0, 4, 2))),
            "no ColorChecker Classic was",
        ),
        ("sys.exit(3)", "the search for the chart failed"),
        ("print('hello')", "the search for the chart failed"),
        ("print(json.dumps({'clusters': [[[1, 2]]], 'squares': []}))", "the search for the chart failed"),
        (
            "print(json.dumps({'clusters': [], 'squares': [[[1, 2], [1, 2], [1, 2], [1, float('nan')]]]}))",
            "search for the",
        ),
        ("import os; os.abort()", "the search for the chart failed"),
    ],
)
def test_what_goes_wrong_is_one_sentence(child, script: str, message: str) -> None:  # type: ignore[no-untyped-def]
    child(script)
    with pytest.raises(ChartError, match=message):
        find_chart(photograph(), classic())


def test_a_process_that_hangs_is_ended(child, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(chart_finder, "TIMEOUT", 0.3)
    child("time.sleep(600)")
    with pytest.raises(ChartError, match="took too long"):
        find_chart(photograph(), classic())


def test_the_search_can_be_cancelled(child) -> None:  # type: ignore[no-untyped-def]
    child("time.sleep(600)")

    def stop(done: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        find_chart(photograph(), classic(), progress=stop)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chart_finder, "PACKAGE", "no_such_package")
    with pytest.raises(ChartError, match=r"colour-checker-detection; get it with: pip install 'nesr-gui\[chart\]'"):
        find_chart(photograph(), classic())


@pytest.mark.skipif(not HAS_PACKAGE, reason="needs colour-checker-detection")
@pytest.mark.parametrize("is_tall", [False, True])
def test_a_chart_is_found(is_tall: bool) -> None:
    """A chart four times as large, in a frame, upright or turned in an upright picture."""
    pixels = np.repeat(np.repeat(photograph().stored.pixels, 4, axis=0), 4, axis=1)
    corners = 4 * np.array(CORNERS)
    if is_tall:
        corners = np.stack([pixels.shape[1] - corners[:, 1], corners[:, 0]], axis=1)
        pixels = np.ascontiguousarray(np.rot90(pixels))
    found = find_chart(DecodedPhoto(DecodedPixels(pixels), "large.png", "0"), classic())
    assert largest_error(found, corners) < 12  # of patches 180 pixels wide
    empty = DecodedPhoto(DecodedPixels(np.full((400, 600, 3), 90, np.uint8)), "empty.png", "0")
    with pytest.raises(ChartError, match="no ColorChecker Classic was found"):
        find_chart(empty, classic())
