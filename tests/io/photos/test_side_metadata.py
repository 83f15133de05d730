"""Damaged metadata beside the pixels never costs the pixels: the photograph opens, with a note."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.io.photos.test_decode import P3, RGB8, pillow, png_with, read, tiff

EXIF = Image.Exif()
EXIF[0x0112] = 6
JUNK = bytes(range(1, 200))


@pytest.mark.parametrize(
    "name",
    [
        b"eXIf",
        b"iCCP",
        b"cHRM",
        b"gAMA",
        b"pHYs",
        b"tIME",
        b"zTXt",
        b"iTXt",
        b"sBIT",
        b"cICP",
        b"tEXt",
        b"bKGD",
        b"hIST",
    ],
)
@pytest.mark.parametrize("content", [b"", JUNK, bytes(32), b"\xff" * 32, b"a\0\0" + JUNK])
def test_any_side_chunk_of_a_png(tmp_path: Path, name: bytes, content: bytes) -> None:
    plain = pillow(RGB8, "PNG")
    expected = read(tmp_path, plain)
    damaged = read(tmp_path, png_with(plain, name, content))
    assert damaged.shape == expected.shape
    if name not in (b"cHRM", b"gAMA") or content in (b"", bytes(32)):
        np.testing.assert_array_equal(damaged.values, expected.values)


def test_a_side_chunk_with_a_wrong_checksum(tmp_path: Path) -> None:
    plain = pillow(RGB8, "PNG")
    chunk = struct.pack(">I", 4) + b"gAMA" + b"\0\0\0\0" + b"\1\2\3\4"
    np.testing.assert_array_equal(read(tmp_path, plain[:33] + chunk + plain[33:]).values, read(tmp_path, plain).values)


def test_a_transparent_colour_that_is_damaged(tmp_path: Path) -> None:
    plain = pillow(RGB8, "PNG")
    image = read(tmp_path, png_with(plain, b"tRNS", b"\1"))
    np.testing.assert_array_equal(image.values, read(tmp_path, plain).values)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("damage", ["exif", "profile"])
def test_other_formats(tmp_path: Path, kind: str, damage: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    plain = pillow(RGB8, kind, **options)
    beside = {"exif": b"Exif\0\0" + JUNK} if damage == "exif" else {"icc_profile": JUNK + bytes(200)}
    if kind == "TIFF" and damage == "exif":
        data = tiff(RGB8, photometric="rgb", extratags=[(0x0112, "s", 0, "sideways", True)])
    else:
        data = pillow(RGB8, kind, **options, **beside)
    image = read(tmp_path, data)
    np.testing.assert_array_equal(image.values, read(tmp_path, plain).values)
    assert any(word in " ".join(image.source.notes) for word in ("left aside", "taken as sRGB", "damaged"))


def test_an_orientation_that_does_not_exist(tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[0x0112] = 77
    image = read(tmp_path, pillow(RGB8, "JPEG", exif=tags.tobytes()))
    assert image.shape == RGB8.shape[:2] and "orientation 77, which was left aside" in image.source.notes[0]


def test_a_profile_that_was_cut_off_a_tiff(tmp_path: Path) -> None:
    plain = read(tmp_path, tiff(RGB8, photometric="rgb"))
    data = tiff(RGB8, photometric="rgb", iccprofile=P3)
    with tifffile.TiffFile(tmp_path / "photo.any") as file:
        assert file.pages[0].dtype == np.uint8
    (tmp_path / "photo.any").write_bytes(data)
    with tifffile.TiffFile(tmp_path / "photo.any", mode="r+b") as file:
        tag = file.pages[0].tags[34675]
        file.filehandle.seek(tag.offset + 8)
        file.filehandle.write(struct.pack("<I", 1 << 30))
    image = read(tmp_path, (tmp_path / "photo.any").read_bytes())
    np.testing.assert_array_equal(image.values, plain.values)
    assert image.source.notes == ("Its embedded profile is damaged and was left aside.",)


def test_checksums_of_the_pixels_still_count(tmp_path: Path) -> None:
    data = bytearray(pillow(RGB8, "PNG"))
    at = data.index(b"IDAT") + 20
    data[at] ^= 0xFF
    assert zlib.crc32(bytes(data))
    with pytest.raises(ValueError, match="cut short or damaged"):
        read(tmp_path, bytes(data))


@pytest.mark.parametrize("marker", [0xE1, 0xE2, 0xEC, 0xED, 0xEE, 0xFE])
@pytest.mark.parametrize(
    "content", [b"", b"Adobe", b"Exif\0\0", b"ICC_PROFILE\0", b"Photoshop 3.0\08BIM", b"MPF\0" + JUNK]
)
def test_any_side_segment_of_a_jpeg(tmp_path: Path, marker: int, content: bytes) -> None:
    plain = pillow(RGB8, "JPEG")
    segment = bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content
    damaged = read(tmp_path, plain[:2] + segment + plain[2:])
    np.testing.assert_array_equal(damaged.values, read(tmp_path, plain).values)
