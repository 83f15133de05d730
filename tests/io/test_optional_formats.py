"""Photographs that need a package of an extra: HEIC, OpenEXR, camera RAW, all of them written here."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import OpenEXR
import pillow_heif
import pytest
import tifffile
from PIL import Image

from nesr_gui.colorimetry.cie import decode_srgb, encode_srgb
from nesr_gui.io.photos.camera_profile import CameraProfile
from nesr_gui.io.photos.decode import WIDE, UnreadableImage, decode, read_photograph
from nesr_gui.io.photos.develop import develop
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.io.sandbox import SANDBOX
from nesr_gui.spectral import RGBImage
from tests.io.photos.test_decode import P3
from tests.io.photos.test_develop import P3_MATRIX, exif

LIGHT = np.add.outer(np.linspace(0.05, 0.6, 48), np.linspace(0, 0.3, 64))[..., None] * [1, 0.8, 0.6]
LIGHT = LIGHT.astype(np.float32)  # (48, 64, 3)
RGB8 = np.round(encode_srgb(LIGHT) * 255).astype(np.uint8)


def read(folder: Path, data: bytes, **options: Any) -> RGBImage:
    (folder / "photo.any").write_bytes(data)
    return read_photograph(folder / "photo.any", **options)


# --- HEIC ---


def heic(pixels: npt.NDArray[Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    if pixels.dtype == np.uint16:
        made = pillow_heif.from_bytes("RGB;16", (pixels.shape[1], pixels.shape[0]), pixels.tobytes())
    else:
        made = pillow_heif.from_pillow(Image.fromarray(pixels))
    made.save(buffer, quality=-1, chroma=444, matrix_coefficients=0, **options)
    return buffer.getvalue()


def test_heic_is_read(tmp_path: Path) -> None:
    image = read(tmp_path, heic(RGB8))
    np.testing.assert_allclose(image.values, decode_srgb(RGB8 / 255), atol=0.02)
    assert image.shape == (48, 64) and image.source.notes == ()


def test_heic_keeps_more_than_eight_bits(tmp_path: Path) -> None:
    numbers = np.round(encode_srgb(LIGHT) * 1023).astype(np.uint16)
    image = read(tmp_path, heic(numbers << 6))
    np.testing.assert_allclose(image.values, LIGHT, atol=0.01)
    white = read(tmp_path, heic(np.full((48, 64, 3), 1023 << 6, np.uint16)))
    assert white.values.max() == 1 and white.clipped is not None and white.clipped.all()


def test_heic_with_a_profile_or_a_phone_s_exif_is_display_p3(tmp_path: Path) -> None:
    profiled = read(tmp_path, heic(RGB8, icc_profile=P3))
    np.testing.assert_allclose(profiled.values, np.clip((RGB8 / 255) ** 2.2 @ P3_MATRIX.T, 0, 1), atol=0.02)
    assert any("embedded profile" in note for note in profiled.source.notes)
    coded = read(tmp_path, heic(RGB8, color_primaries=12, transfer_characteristics=13))
    np.testing.assert_allclose(coded.values, np.clip(decode_srgb(RGB8 / 255) @ P3_MATRIX.T, 0, 1), atol=0.02)


def test_heic_is_upright_once(tmp_path: Path) -> None:
    tags = exif("Apple", 1)
    tags[0x0112] = 6
    image = read(tmp_path, heic(RGB8, exif=tags.tobytes()))
    assert image.shape == (64, 48)
    np.testing.assert_allclose(image.values, np.rot90(decode_srgb(RGB8 / 255), -1), atol=0.02)
    assert any("tone curve" in note for note in image.source.notes)


def test_a_heic_that_is_cut_or_too_large_is_refused(tmp_path: Path) -> None:
    data = heic(RGB8)
    for length in (20, 100, len(data) // 2, len(data) - 40):
        with pytest.raises(UnreadableImage) as refused:
            read(tmp_path, data[:length])
        assert "\n" not in str(refused.value)
    with pytest.raises(UnreadableImage, match="64 x 48 pixels; at most"):
        read(tmp_path, data, max_pixels=100)


# --- OpenEXR ---


def exr(channels: dict[str, npt.NDArray[Any]], **header: Any) -> bytes:
    path = Path(exr.folder) / "made.exr"  # type: ignore[attr-defined]
    made = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **header}
    with OpenEXR.File(made, channels) as file:
        file.write(str(path))
    return path.read_bytes()


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path) -> None:
    exr.folder = tmp_path  # type: ignore[attr-defined]


def planes(light: npt.NDArray[Any], names: str = "RGB") -> dict[str, npt.NDArray[Any]]:
    return {name: np.ascontiguousarray(light[..., i]) for i, name in enumerate(names)}


def test_exr_is_linear(tmp_path: Path) -> None:
    for dtype, tolerance in ((np.float32, 0), (np.float16, 1e-3)):
        image = read(tmp_path, exr(planes(LIGHT.astype(dtype))))
        np.testing.assert_allclose(image.values, LIGHT, atol=tolerance)
        assert image.source.notes == () and dict(image.source.metadata)["photograph_encoding"] == "linear sRGB"
    grey = read(tmp_path, exr({"Y": LIGHT[..., 0].copy()}))
    np.testing.assert_array_equal(grey.values, np.dstack([LIGHT[..., 0]] * 3))


def test_exr_brighter_than_white_scales_the_exposure(tmp_path: Path) -> None:
    image = read(tmp_path, exr(planes(LIGHT * 8)))
    np.testing.assert_allclose(image.values, LIGHT * 8 / (LIGHT * 8).max(), rtol=1e-5)
    assert any("exposure was divided by" in note for note in image.source.notes)


def test_exr_with_other_primaries_is_converted(tmp_path: Path) -> None:
    p3 = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329)
    image = read(tmp_path, exr(planes(LIGHT), chromaticities=p3))
    np.testing.assert_allclose(image.values, np.clip(LIGHT @ P3_MATRIX.T, 0, 1), atol=2e-4)
    assert any("own primaries" in note for note in image.source.notes)


def test_exr_with_alpha_and_other_channels(tmp_path: Path) -> None:
    alpha = np.full(LIGHT.shape[:2], 0.5, np.float32)
    image = read(tmp_path, exr({**planes(LIGHT), "A": alpha, "depth.Z": alpha}))
    np.testing.assert_array_equal(image.values, LIGHT)
    assert any("multiplied by the alpha" in note for note in image.source.notes)
    with pytest.raises(UnreadableImage, match="channels S0.500nm, S0.600nm where a photograph has R, G, B"):
        read(tmp_path, exr({"S0.500nm": alpha, "S0.600nm": alpha}))


@pytest.mark.parametrize(
    ("layers", "read_layer"),
    [(("albedo.", "beauty."), "beauty"), (("Image.Combined.", "Image.Diffuse."), "Image.Combined"),
     (("a.", "rgba_main."), "rgba_main"), (("", "Combined."), ""), (("left.", "right."), "left")],
)  # fmt: skip
def test_exr_with_layers_gives_the_one_that_is_called_the_whole(
    tmp_path: Path, layers: tuple[str, ...], read_layer: str
) -> None:
    colours = {layer + name: plane * (1 if layer.rstrip(".") == read_layer else 0.3)
               for layer in layers for name, plane in planes(LIGHT).items()}  # fmt: skip
    image = read(tmp_path, exr(colours))
    np.testing.assert_array_equal(image.values, LIGHT)
    assert any(f"{read_layer} was read" in note for note in image.source.notes) == bool(read_layer)


def test_exr_with_parts_gives_the_one_that_is_called_the_whole(tmp_path: Path) -> None:
    parts = [OpenEXR.Part({"name": name, "type": OpenEXR.scanlineimage}, planes(np.float32(factor) * LIGHT))
             for name, factor in (("diffuse", 0.2), ("combined", 1.0), ("emission", 0.5))]  # fmt: skip
    path = tmp_path / "parts.exr"
    OpenEXR.File(parts).write(str(path))
    image = read_photograph(path)
    np.testing.assert_array_equal(image.values, LIGHT)
    assert any("3 parts; number 2" in note for note in image.source.notes)


@pytest.mark.parametrize("layer", ["", "ViewLayer.Normal."])
def test_exr_of_cie_colours_or_directions_is_refused(tmp_path: Path, layer: str) -> None:
    with pytest.raises(UnreadableImage, match="it stores X, Y and Z"):
        read(tmp_path, exr({layer + name: plane for name, plane in planes(LIGHT, "XYZ").items()}))


def test_an_exr_that_is_cut_holds_no_numbers_or_is_too_large_is_refused(tmp_path: Path) -> None:
    data = exr(planes(LIGHT))
    for length in (20, 200, len(data) // 2):
        with pytest.raises(UnreadableImage) as refused:
            read(tmp_path, data[:length])
        assert "\n" not in str(refused.value)
    with pytest.raises(UnreadableImage, match="64 x 48 pixels; at most"):
        read(tmp_path, data, max_pixels=100)
    bad = LIGHT.copy()
    bad[3, 4, 1] = np.nan
    with pytest.raises(UnreadableImage, match="not finite"):
        read(tmp_path, exr(planes(bad)))


def test_an_exr_that_crashes_its_library_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the library does to the process that looks first, which loads the package from a folder of ours."""
    (tmp_path / "OpenEXR.py").write_text("import os\nFile = lambda *args, **options: os.abort()\n")
    data = exr(planes(LIGHT))
    SANDBOX.close()
    with monkeypatch.context() as patched:
        patched.syspath_prepend(tmp_path)
        with pytest.raises(UnreadableImage, match=r"cannot read photo.any: it is so damaged that the library for it"):
            read(tmp_path, data)
    SANDBOX.close()
    assert read(tmp_path, data).shape == (48, 64)


# --- camera RAW ---

WHITE_LEVEL = 16383
XYZ_TO_SRGB = np.array([[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560],
                        [0.0556434, -0.2040259, 1.0572252]])  # fmt: skip
NEUTRAL = (0.5, 1.0, 0.625)  # what the camera answers to grey: its red × 2, its blue × 1.6 are white


def dng(light: npt.NDArray[Any], orientation: int = 1) -> bytes:
    """A DNG of a camera that sees linear sRGB through a Bayer mosaic RGGB, unbalanced by `NEUTRAL`."""
    seen = np.clip(light * NEUTRAL, 0, 1) * WHITE_LEVEL
    rows, cols = np.mgrid[0 : light.shape[0], 0 : light.shape[1]]
    mosaic = np.take_along_axis(seen, (rows % 2 + cols % 2)[..., None], axis=2)[..., 0]

    def fractions(values: npt.ArrayLike, scale: int = 10_000) -> tuple[int, ...]:
        return tuple(int(part) for value in np.ravel(values) for part in (round(value * scale), scale))

    tags = [
        (274, "H", 1, orientation, True),
        (50706, "B", 4, bytes([1, 4, 0, 0]), True),
        (50707, "B", 4, bytes([1, 1, 0, 0]), True),
        (50708, "s", 0, "Test Camera", True),
        (33421, "H", 2, (2, 2), True),
        (33422, "B", 4, bytes([0, 1, 1, 2]), True),
        (50717, "I", 1, WHITE_LEVEL, True),
        (50721, 10, 9, fractions(np.diag(NEUTRAL) @ XYZ_TO_SRGB), True),  # XYZ to the camera's
        (50728, 5, 3, fractions(NEUTRAL), True),
        (50778, "H", 1, 21, True),  # D65
        (271, "s", 0, "Test", True),
        (272, "s", 0, "Camera", True),
    ]
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, mosaic.astype(np.uint16), photometric=32803, extratags=tags, metadata=None)
    return buffer.getvalue()


def test_a_raw_photograph_is_linear_and_balanced_as_the_camera_was(tmp_path: Path) -> None:
    light = np.full((64, 96, 3), 0.4)
    light[:, 32:64] = (0.5, 0.3, 0.2)
    light[:, 64:] = (0.2, 0.2, 0.2)
    image = read(tmp_path, dng(light))
    assert image.shape == (64, 96)
    measured = np.stack(
        [image.values[16:48, at].mean(axis=(0, 1)) for at in (slice(8, 24), slice(40, 56), slice(72, 88))]
    )
    wanted = np.array([light[0, 10], light[0, 50], light[0, 80]])
    np.testing.assert_allclose(measured / measured[0, 1], wanted / wanted[0, 1], rtol=0.03)
    notes = " ".join(image.source.notes)
    assert "red × 2.000, green × 1, blue × 1.600" in notes and "no tone curve" in notes
    assert "camera RAW, linear" in dict(image.source.metadata)["photograph_encoding"]


def test_a_profile_of_another_white_balance_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a.dng").write_bytes(dng(np.full((64, 96, 3), 0.4)))
    decoded = decode(tmp_path / "a.dng")
    assert decoded.stored.camera == "Test Camera"
    np.testing.assert_allclose(decoded.stored.white_balance, (2, 1, 1.6), rtol=1e-3)
    eye = tuple(map(tuple, np.eye(3).tolist()))
    same = CameraProfile("a", ((0, 0), (1, 1)), eye, camera="Test Camera", encoding=WIDE.name,
                         white_balance=decoded.stored.white_balance)  # fmt: skip
    for profile, count in ((same, 0), (replace(same, white_balance=(1.5, 1, 1.6)), 1)):
        notes = develop(decoded, DevelopSettings(profile=profile)).source.notes
        assert sum("but this photograph was taken with red × 2.00, blue × 1.60" in note for note in notes) == count


def test_raw_is_upright_and_marks_what_is_saturated(tmp_path: Path) -> None:
    light = np.full((64, 96, 3), 0.3)
    light[:, :32] = 3.0
    image = read(tmp_path, dng(light, orientation=6))
    assert image.shape == (96, 64)
    assert image.clipped is not None
    assert image.clipped[:28].all() and not image.clipped[40:].any()


def test_a_raw_file_that_is_cut_or_none_is_refused(tmp_path: Path) -> None:
    data = dng(np.full((64, 96, 3), 0.4))
    for length in (40, 300, len(data) // 2):
        with pytest.raises(UnreadableImage) as refused:
            read(tmp_path, data[:length])
        assert "\n" not in str(refused.value)
    with pytest.raises(UnreadableImage, match="LibRaw does not support this raw file"):
        read(tmp_path, b"FUJIFILMCCD-RAW " + bytes(400))
    with pytest.raises(UnreadableImage, match="96 x 64 pixels; at most"):
        read(tmp_path, data, max_pixels=100)
