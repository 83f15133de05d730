"""CAVE scenes, as miniature folders laid out like the archive."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest

from nesr_gui.io.cubes.band_folder import read_scene, scene_folders
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.spectral import Quantity


def write_scene(
    folder: Path, dtype: npt.DTypeLike = np.uint16, channels: int = 1, shape: tuple[int, int] = (3, 4)
) -> npt.NDArray[np.unsignedinteger]:
    """A scene of random bands in `folder`, named after it; its values (31, H, W)."""
    folder.mkdir(parents=True)
    bands = np.random.default_rng(2).integers(0, np.iinfo(dtype).max, (31, *shape), dtype, endpoint=True)
    for number, band in enumerate(bands, 1):
        pixels = band if channels == 1 else np.dstack([band] * 3 + [np.full_like(band, 7)])
        (folder / f"{folder.name}_{number:02d}.png").write_bytes(imagecodecs.png_encode(pixels))
    return bands


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 4])
def test_a_scene_is_read(tmp_path: Path, dtype: npt.DTypeLike, channels: int) -> None:
    bands = write_scene(tmp_path / "toys_ms", dtype, channels)
    scene = read_scene(tmp_path / "toys_ms")
    np.testing.assert_allclose(scene.values, bands / np.iinfo(dtype).max, rtol=1e-6)
    assert scene.values.max() <= 1
    assert scene.wavelengths.nm.tolist() == list(range(400, 701, 10))
    assert scene.quantity is Quantity.REFLECTANCE
    assert scene.source.name == "toys" and len(scene.source.sha256) == 64


def test_folders_are_found_flat_and_nested(tmp_path: Path) -> None:
    write_scene(tmp_path / "b_ms")
    write_scene(tmp_path / "a_ms" / "a_ms")
    write_scene(tmp_path / "__MACOSX" / "x_ms" / "x_ms")  # deeper than one level
    write_scene(tmp_path / "half_ms")
    (tmp_path / "half_ms" / "half_ms_05.png").unlink()
    (tmp_path / "b_ms" / "._b_ms_01.png").write_bytes(b"resource fork")
    (tmp_path / "empty").mkdir()
    assert scene_folders(tmp_path) == [tmp_path / "a_ms" / "a_ms", tmp_path / "b_ms"]
    assert scene_folders(tmp_path / "b_ms") == [tmp_path / "b_ms"]
    assert read_scene(tmp_path / "a_ms").source.name == "a"


def test_missing_bands_are_named(tmp_path: Path) -> None:
    write_scene(tmp_path / "a_ms")
    (tmp_path / "a_ms" / "a_ms_07.png").unlink()
    (tmp_path / "a_ms" / "a_ms_31.png").unlink()
    with pytest.raises(UnreadableFile, match=r"expected 31 files .*2 are missing, the first of them number 07"):
        read_scene(tmp_path / "a_ms")
    (tmp_path / "none").mkdir()
    with pytest.raises(UnreadableFile, match=r"31 are missing"):
        read_scene(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        read_scene(tmp_path / "nowhere")


def test_bands_of_another_size_or_damaged_are_named(tmp_path: Path) -> None:
    write_scene(tmp_path / "a_ms")
    odd = tmp_path / "a_ms" / "a_ms_09.png"
    odd.write_bytes(imagecodecs.png_encode(np.zeros((5, 4), np.uint16)))
    with pytest.raises(UnreadableFile, match=r"a_ms_09.png has 4 x 5 pixels; expected 4 x 3"):
        read_scene(tmp_path / "a_ms")
    odd.write_bytes(imagecodecs.png_encode(np.zeros((3, 4), np.uint16))[:-30])
    with pytest.raises(UnreadableFile, match=r"a_ms_09.png cannot be read as a PNG"):
        read_scene(tmp_path / "a_ms")
