"""Photographs written by other programs, read as linear sRGB; what is damaged or hostile is refused in a sentence."""

from __future__ import annotations

import errno
import hashlib
import io
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from PIL import Image, ImageCms

from nesr_gui.colorimetry.cie import decode_srgb, encode_srgb
from nesr_gui.io.photos import decode, icc
from nesr_gui.io.photos.decode import ORIENTATIONS, UnreadableImage, read_photograph
from nesr_gui.spectral import RGBImage

RNG = np.random.default_rng(8)
SMOOTH = np.add.outer(np.arange(24) * 3, np.arange(31) * 4)[..., None] + np.array([0, 30, 60])
RGB8 = (SMOOTH + RNG.integers(0, 4, SMOOTH.shape)).astype(np.uint8)  # (24, 31, 3)
RGB16 = (RGB8.astype(np.uint16) * 250 + RNG.integers(0, 250, RGB8.shape)).astype(np.uint16)
GREY8, GREY16 = RGB8[..., 0], RGB16[..., 0]
RGBA8 = np.dstack([RGB8, RNG.integers(0, 255, RGB8.shape[:2], np.uint8)])
PRIMARIES_P3 = [0.680, 0.32, 1, 0.265, 0.69, 1, 0.15, 0.06, 1]
P3 = imagecodecs.cms_profile("rgb", whitepoint=[0.3127, 0.3290, 1], primaries=PRIMARIES_P3, gamma=2.2)
ADOBE = imagecodecs.cms_profile("adobergb")
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def pillow(pixels: npt.NDArray[Any], kind: str, mode: str | None = None, **options: Any) -> bytes:
    image = Image.fromarray(pixels)
    buffer = io.BytesIO()
    (image.convert(mode) if mode else image).save(buffer, kind, **options)
    return buffer.getvalue()


def png16(pixels: npt.NDArray[Any]) -> bytes:
    return bytes(imagecodecs.png_encode(pixels))


def tiff(pixels: npt.NDArray[Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **options)
    return buffer.getvalue()


def png_with(data: bytes, name: bytes, content: bytes) -> bytes:
    """A PNG with one more chunk, right behind its header."""
    chunk = struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    return data[:33] + chunk + data[33:]


def rle_bmp() -> bytes:
    """A BMP of 4 x 4 in run lengths: Pillow reads these but does not notice a missing end."""
    rows = b"".join(bytes([4, i + 1, 0, 0]) for i in range(4)) + b"\0\1"
    palette = b"".join(bytes([i * 9 % 256, i * 5 % 256, i * 3 % 256, 0]) for i in range(256))
    offset = 14 + 40 + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, 4, 4, 1, 8, 1, len(rows), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", offset + len(rows), 0, 0, offset) + header + palette + rows


def read(folder: Path, data: bytes, **options: Any) -> RGBImage:
    path = folder / "photo.any"
    path.write_bytes(data)
    return read_photograph(path, **options)


def three(grey: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.dstack([grey] * 3)


EXACT: dict[str, tuple[bytes, npt.NDArray[Any]]] = {
    "png rgb 8": (pillow(RGB8, "PNG"), RGB8 / 255),
    "png rgb 16": (png16(RGB16), RGB16 / 65535),
    "png grey 8": (pillow(GREY8, "PNG"), three(GREY8) / 255),
    "png grey 16": (pillow(GREY16, "PNG"), three(GREY16) / 65535),
    "png bilevel": (pillow(RGB8, "PNG", "1"), three(np.asarray(Image.fromarray(RGB8).convert("1")))),
    "png palette": (pillow(RGB8, "PNG", "P"), np.asarray(Image.fromarray(RGB8).convert("P").convert("RGB")) / 255),
    "png rgba": (pillow(RGBA8, "PNG"), RGB8 / 255),
    "png rgba 16": (png16(RGBA8.astype(np.uint16) * 200), RGB8.astype(float) * 200 / 65535),
    "png grey alpha": (pillow(RGBA8, "PNG", "LA"), three(np.asarray(Image.fromarray(RGB8).convert("L"))) / 255),
    "png srgb profile": (pillow(RGB8, "PNG", icc_profile=SRGB), RGB8 / 255),
    "bmp": (pillow(RGB8, "BMP"), RGB8 / 255),
    "bmp grey": (pillow(GREY8, "BMP"), three(GREY8) / 255),
    "webp lossless": (pillow(RGB8, "WEBP", lossless=True), RGB8 / 255),
    "webp alpha": (pillow(RGBA8, "WEBP", lossless=True, exact=True), RGB8 / 255),
    "tiff 8": (tiff(RGB8, photometric="rgb"), RGB8 / 255),
    "tiff 16 lzw": (tiff(RGB16, photometric="rgb", compression="lzw", predictor=2), RGB16 / 65535),
    "tiff 16 big endian": (tiff(RGB16, photometric="rgb", byteorder=">"), RGB16 / 65535),
    "tiff big": (tiff(RGB16, photometric="rgb", bigtiff=True), RGB16 / 65535),
    "tiff 32": (tiff(RGB16.astype(np.uint32) * 65537, photometric="rgb"), RGB16 / 65535),
    "tiff tiled zip": (tiff(RGB8, photometric="rgb", tile=(16, 16), compression="zlib"), RGB8 / 255),
    "tiff planar": (tiff(np.moveaxis(RGB8, -1, 0), photometric="rgb", planarconfig="separate"), RGB8 / 255),
    "tiff grey": (tiff(GREY16), three(GREY16) / 65535),
    "tiff white is zero": (tiff(255 - GREY8, photometric="miniswhite"), three(GREY8) / 255),
    "tiff rgba": (tiff(RGBA8, photometric="rgb", extrasamples=["unassalpha"]), RGB8 / 255),
    "tiff palette": (
        pillow(RGB8, "TIFF", "P"),
        np.asarray(Image.fromarray(RGB8).convert("P").convert("RGB")) / 255,
    ),
    "tiff bilevel": (
        pillow(RGB8, "TIFF", "1", compression="group4"),
        three(np.asarray(Image.fromarray(RGB8).convert("1"))),
    ),
}
LOSSY = {
    "jpeg": pillow(RGB8, "JPEG", quality=100, subsampling=0),
    "jpeg progressive": pillow(RGB8, "JPEG", quality=100, subsampling=0, progressive=True),
    "jpeg with profile": pillow(RGB8, "JPEG", quality=100, subsampling=0, icc_profile=SRGB),
    "webp": pillow(RGB8, "WEBP", quality=100),
    "tiff jpeg": tiff(RGB8, photometric="rgb", compression="jpeg", compressionargs={"level": 99}),
    "tiff jpeg strips": tiff(RGB8, photometric="rgb", compression="jpeg", rowsperstrip=8),
}


@pytest.mark.parametrize("name", EXACT)
def test_lossless_files_are_read_exactly(tmp_path: Path, name: str) -> None:
    data, encoded = EXACT[name]
    image = read(tmp_path, data)
    np.testing.assert_allclose(image.values, decode_srgb(encoded), rtol=1e-5, atol=1e-7)
    assert image.source.name == "photo.any" and image.source.sha256 == hashlib.sha256(data).hexdigest()
    alpha = any(word in name for word in ("rgba", "alpha"))
    assert image.source.notes == (("The alpha channel was dropped.",) if alpha else ())
    assert image.binning == 1 and image.source_shape == (24, 31)


@pytest.mark.parametrize("name", LOSSY)
def test_lossy_files_are_read_nearly(tmp_path: Path, name: str) -> None:
    assert np.abs(encode_srgb(read(tmp_path, LOSSY[name]).values) * 255 - RGB8).mean() < 4


def test_sixteen_bits_stay_sixteen(tmp_path: Path) -> None:
    ramp = np.dstack([np.arange(4096, dtype=np.uint16).reshape(64, 64) * 16] * 3)
    for data in (png16(ramp), tiff(ramp, photometric="rgb")):
        assert np.unique(read(tmp_path, data).values[..., 0]).size == 4096
    with_profile = tiff(ramp, photometric="rgb", iccprofile=P3)
    assert np.unique(read(tmp_path, with_profile).values[..., 0]).size == 4096


# --- orientation ---


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_orientation_is_applied(tmp_path: Path, kind: str, orientation: int) -> None:
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    data = pillow(RGB8, kind, exif=exif, lossless=True)  # which only WebP looks at
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    image = read(tmp_path, data)
    assert image.shape == upright.shape[:2]
    np.testing.assert_allclose(image.values, decode_srgb(upright / 255), rtol=1e-5, atol=1e-6)


def test_an_orientation_that_does_not_exist_is_left_aside(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 77
    assert read(tmp_path, pillow(RGB8, "JPEG", exif=exif)).shape == (24, 31)


# --- colour profiles ---


def _p3_to_linear(encoded: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Display P3 primaries with gamma 2.2 to linear sRGB, by the matrix of the CSS Color 4 specification."""
    matrix = [[1.2249402, -0.2249402, 0], [-0.0420570, 1.0420570, 0], [-0.0196376, -0.0786361, 1.0982736]]
    linear: npt.NDArray[Any] = encoded**2.2 @ np.array(matrix).T
    return linear


@pytest.mark.parametrize(
    "data",
    [
        png_with(png16(RGB16), b"iCCP", b"p3\0\0" + zlib.compress(P3)),
        tiff(RGB16, photometric="rgb", iccprofile=P3),
    ],
    ids=["png", "tiff"],
)
def test_a_wide_profile_is_converted(tmp_path: Path, data: bytes) -> None:
    image = read(tmp_path, data)
    expected = np.clip(_p3_to_linear(RGB16 / 65535), 0, 1)
    np.testing.assert_allclose(image.values, expected, atol=2e-4)
    assert any("converted from the embedded profile" in note for note in image.source.notes)


def test_colours_outside_srgb_are_clipped_and_said(tmp_path: Path) -> None:
    pixels = np.full((10, 10, 3), 128, np.uint8)
    pixels[0, :5] = (0, 255, 0)
    for profile in (P3, ADOBE):
        image = read(tmp_path, pillow(pixels, "PNG", icc_profile=profile))
        np.testing.assert_allclose(image.values[0, 0], (0, 1, 0), atol=1e-3)
        assert any("5 pixels (5.00 %) have colours outside sRGB" in note for note in image.source.notes)
    image = read(tmp_path, pillow(pixels[1:], "PNG", icc_profile=ADOBE))
    assert not any("outside" in note for note in image.source.notes)


def without_red(profile: bytes) -> bytes:
    """A matrix profile whose red primary is black, as damage may leave it."""
    start = 132 + 12 * [profile[at : at + 4] for at in range(132, len(profile), 12)].index(b"rXYZ")
    at = int.from_bytes(profile[start + 4 : start + 8], "big") + 8
    return profile[:at] + bytes(12) + profile[at + 12 :]


def test_a_grey_profile_is_applied(tmp_path: Path) -> None:
    profile = imagecodecs.cms_profile("gray", gamma=1.8, whitepoint=[0.3457, 0.3585, 1])
    image = read(tmp_path, pillow(GREY8, "PNG", icc_profile=profile))
    np.testing.assert_allclose(image.values, three((GREY8 / 255) ** 1.8), atol=2e-3)


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        (b"garbage" * 40, "is not for RGB"),
        (P3[:200] + b"\xff" * 300, "is damaged"),
        (ADOBE[:130], "is damaged"),
        (without_red(SRGB), "is damaged"),
    ],
)
def test_a_profile_that_cannot_be_used_is_said(tmp_path: Path, profile: bytes, said: str) -> None:
    image = read(tmp_path, pillow(RGB8, "PNG", icc_profile=profile))
    np.testing.assert_allclose(image.values, decode_srgb(RGB8 / 255), rtol=1e-5)
    assert any(said in note and "taken as sRGB" in note for note in image.source.notes)


def test_tables_of_a_matrix_profile_equal_the_colour_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    icc.of_profile.cache_clear()
    quick = icc.of_profile(3, 65535, ADOBE)[0](RGB16)
    monkeypatch.setattr(icc, "LINEAR_TOLERANCE", 0.0)  # so that no profile passes for a matrix
    icc.of_profile.cache_clear()
    slow = icc.of_profile(3, 65535, ADOBE)[0](RGB16)
    icc.of_profile.cache_clear()
    np.testing.assert_allclose(quick, slow, atol=1e-4)


def test_a_camera_that_only_names_adobe_rgb_is_understood(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
    named = read(tmp_path, pillow(RGB8, "JPEG", exif=exif))
    embedded = read(tmp_path, pillow(RGB8, "JPEG", icc_profile=ADOBE))
    np.testing.assert_allclose(named.values, embedded.values, atol=1e-4)


def test_a_png_gamma_is_applied(tmp_path: Path) -> None:
    plain = pillow(RGB8, "PNG")
    linear = read(tmp_path, png_with(plain, b"gAMA", struct.pack(">I", 100_000)))
    np.testing.assert_allclose(linear.values, RGB8 / 255, rtol=1e-5)
    assert any("gamma" in note for note in linear.source.notes)
    usual = read(tmp_path, png_with(plain, b"gAMA", struct.pack(">I", 45_455)))
    np.testing.assert_array_equal(usual.values, read(tmp_path, plain).values)


# --- floating point ---


def test_float_is_linear_light(tmp_path: Path) -> None:
    values = RNG.random((5, 6, 3)).astype(np.float32)
    for dtype, tolerance in ((np.float32, 0), (np.float64, 0), (np.float16, 1e-3)):
        image = read(tmp_path, tiff(values.astype(dtype), photometric="rgb"))
        np.testing.assert_allclose(image.values, values, atol=tolerance)
        assert image.source.notes == ()
    grey = read(tmp_path, tiff(values[..., 0]))
    np.testing.assert_array_equal(grey.values, three(values[..., 0]))


def test_exposure_is_scaled_and_said(tmp_path: Path) -> None:
    values = np.array([[[-0.5, 0, 4], [1, 2, 3]]], np.float32)
    image = read(tmp_path, tiff(values, photometric="rgb"))
    np.testing.assert_allclose(image.values, np.array([[[0, 0, 1], [0.25, 0.5, 0.75]]]))
    assert image.source.notes == (
        "Negative values, down to -0.5, were set to 0.",
        "The exposure was divided by 4, so that the brightest value is 1.",
    )
    huge = read(tmp_path, tiff(values.astype(np.float64) * 1e300, photometric="rgb"))
    np.testing.assert_allclose(huge.values, image.values)


def test_alpha_above_one_does_not_scale_the_exposure(tmp_path: Path) -> None:
    values = np.full((4, 4, 4), 0.5, np.float32)
    values[..., 3] = 255
    image = read(tmp_path, tiff(values, photometric="rgb", extrasamples=["unassalpha"]))
    assert np.all(image.values == 0.5)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(tmp_path: Path, bad: float) -> None:
    values = np.full((3, 3, 3), 0.5, np.float32)
    values[1, 1, 1] = bad
    with pytest.raises(UnreadableImage, match="not finite numbers"):
        read(tmp_path, tiff(values, photometric="rgb"))


# --- several pictures in one file ---


def test_of_several_pictures_the_first_is_read(tmp_path: Path) -> None:
    first, second = Image.fromarray(RGB8), Image.fromarray(255 - RGB8)
    for kind, word in (("PNG", "animated"), ("WEBP", "animated"), ("TIFF", "several pages")):
        buffer = io.BytesIO()
        first.save(buffer, kind, save_all=True, append_images=[second], lossless=True)
        image = read(tmp_path, buffer.getvalue())
        np.testing.assert_allclose(image.values, decode_srgb(RGB8 / 255), rtol=1e-5)
        assert any(word in note and "first" in note for note in image.source.notes)


# --- refused ---


def one_sentence(error: pytest.ExceptionInfo[UnreadableImage]) -> str:
    assert "\n" not in str(error.value) and len(str(error.value)) < 400
    return str(error.value)


WHOLE = {
    **{name: data for name, (data, _) in EXACT.items()},
    **LOSSY,
    "bmp run lengths": rle_bmp(),
    "tiff with profile": tiff(RGB8, photometric="rgb", iccprofile=P3),
    "png with profile": pillow(RGB8, "PNG", icc_profile=P3),
    "jpeg with p3": pillow(RGB8, "JPEG", icc_profile=P3),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_cut_anywhere_is_refused_or_still_right(tmp_path: Path, name: str) -> None:
    """What is cut may be padding or an end mark, where the pixels are whole; it must never be read differently."""
    data = WHOLE[name]
    whole = read(tmp_path, data)
    lengths = {*range(0, 64, 9), *np.linspace(0, len(data) - 1, 16).astype(int), *range(len(data) - 16, len(data))}
    for length in sorted(lengths):
        try:
            cut = read(tmp_path, data[:length])
        except UnreadableImage as error:
            assert str(error).startswith(("cannot read photo.any: ", "photo.any is "))
            assert "\n" not in str(error)
        else:
            assert length > len(data) - 24, f"{length} of {len(data)} bytes were taken for the whole"
            np.testing.assert_array_equal(cut.values, whole.values)


@pytest.mark.parametrize("name", WHOLE)
def test_a_damaged_file_ends_in_a_photograph_or_a_sentence(tmp_path: Path, name: str) -> None:
    data = WHOLE[name]
    for position in np.random.default_rng(9).integers(2, min(len(data), 400), 15):
        hurt = bytearray(data)
        hurt[position] ^= 0xA5
        try:
            read(tmp_path, bytes(hurt), max_pixels=1_000_000)
        except UnreadableImage as error:
            assert "\n" not in str(error)


def _png_header(width: int, height: int) -> bytes:
    body = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_with(b" " * 33, b"IHDR", body)[33:]


def _bomb(kind: str) -> bytes:
    """A small file whose header claims 40000 x 40000 pixels."""
    side = 40_000
    if kind == "PNG":
        packed = zlib.compress(bytes(1 << 20))
        return _png_header(side, side) + png_with(b" " * 33, b"IDAT", packed)[33:] + pillow(RGB8, "PNG")[-12:]
    if kind == "JPEG":
        data = bytearray(pillow(RGB8, "JPEG"))
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", side, side)
        return bytes(data)
    if kind == "BMP":
        data = bytearray(pillow(RGB8, "BMP"))
        data[18:26] = struct.pack("<ii", side, side)
        return bytes(data)
    if kind == "WEBP":
        canvas = b"VP8X" + struct.pack("<II", 10, 0) + 2 * (side - 1).to_bytes(3, "little")
        body = b"WEBP" + canvas + pillow(RGB8, "WEBP")[12:]
        return b"RIFF" + struct.pack("<I", len(body)) + body
    data = bytearray(tiff(RGB8, photometric="rgb", compression="zlib"))
    for tag in (256, 257):
        at = data.index(struct.pack("<HH", tag, 4)) if struct.pack("<HH", tag, 4) in data else -1
        at = at if at >= 0 else data.index(struct.pack("<HH", tag, 3))
        data[at : at + 12] = struct.pack("<HHII", tag, 4, 1, side)
    return bytes(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP", "TIFF"])
def test_a_huge_header_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    start = time.perf_counter()
    with pytest.raises(UnreadableImage) as refused:
        read(tmp_path, _bomb(kind))
    assert time.perf_counter() - start < 1
    said = one_sentence(refused)
    assert "too large" in said if kind == "WEBP" else "40000 x 40000 pixels; at most 200 megapixels" in said


@pytest.mark.parametrize("name", ["png rgb 8", "bmp", "webp lossless", "tiff 8"])
def test_the_limit_counts_pixels(tmp_path: Path, name: str) -> None:
    data, _ = EXACT[name]
    assert read(tmp_path, data, max_pixels=24 * 31).shape == (24, 31)
    with pytest.raises(UnreadableImage, match="31 x 24 pixels"):
        read(tmp_path, data, max_pixels=24 * 31 - 1)


CMYK = Image.fromarray(RGB8).convert("CMYK")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"hello, this is a text", "is not a photograph that this program can read"),
        (pillow(RGB8, "GIF"), "is not a photograph that this program can read"),
        (b"\x89PNG\r\n\x1a\n", "cut short"),
        (b"BM", "cut short"),
        (tiff(np.dstack([RGB8, RGB8[..., :2]]), photometric="minisblack", planarconfig="contig"), "spectral cube"),
        (tiff(np.dstack([RGB8] * 3), photometric="rgb"), "spectral cube"),
        (tiff(RGB8, photometric="minisblack", planarconfig="contig"), "3 channels, which do not match"),
        (tiff(RGB8.astype(np.int16), photometric="rgb"), "type int16"),
        (tiff(RGB8.astype(np.complex64), photometric="rgb"), "type complex64"),
        (tiff(RGB8, photometric="cielab"), "its colours are CIELAB; save it as RGB"),
        (tiff(RGB8, photometric="rgb", subfiletype=1), "raw file"),
        (tiff(RGB8, photometric="rgb", extratags=[(50706, 1, 4, bytes([1, 4, 0, 0]), True)]), "raw file"),
    ],
)
def test_what_is_no_photograph_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(UnreadableImage) as refused:
        read(tmp_path, data)
    assert said in one_sentence(refused)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_colours_for_print_are_refused(tmp_path: Path, kind: str) -> None:
    buffer = io.BytesIO()
    CMYK.save(buffer, kind)
    with pytest.raises(UnreadableImage, match="save it as RGB first"):
        read(tmp_path, buffer.getvalue())


def test_a_profile_bomb_is_bounded(tmp_path: Path) -> None:
    bomb = png_with(pillow(RGB8, "PNG"), b"iCCP", b"x\0\0" + zlib.compress(bytes(64 << 20)))
    assert any("is not for RGB" in note for note in read(tmp_path, bomb).source.notes)


def test_folders_and_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match=r"is a folder; expected a photograph \(PNG, JPEG, camera RAW, TIFF,"):
        read_photograph(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"there is no file .*none.png"):
        read_photograph(tmp_path / "none.png")


def test_the_run_length_bmp_is_read(tmp_path: Path) -> None:
    image = read(tmp_path, rle_bmp())
    expected = np.array([[12 - 3 * i, 20 - 5 * i, 36 - 9 * i] for i in range(4)]) / 255  # rows from the bottom
    np.testing.assert_allclose(image.values[:, 0], decode_srgb(expected), rtol=1e-5)


def test_a_failing_disk_is_not_taken_for_a_damaged_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(file: object, check_size: object) -> None:
        raise OSError(errno.EIO, "Input/output error", "p.png")

    path = tmp_path / "p.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    monkeypatch.setattr(decode, "DECODERS", {"PNG": fail})
    with pytest.raises(OSError, match="Input/output error"):
        read_photograph(path)
