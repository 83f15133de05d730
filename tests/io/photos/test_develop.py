"""What a file's numbers become under each interpretation, and what is told and recorded of it."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from PIL import Image

from nesr_gui.colorimetry import cie
from nesr_gui.colorimetry.cie import decode_srgb, encode_srgb
from nesr_gui.colorimetry.viewing_conditions import CIE_1931, Observer
from nesr_gui.io.photos import colour_encoding
from nesr_gui.io.photos import develop as development
from nesr_gui.io.photos.camera_profile import CameraProfile
from nesr_gui.io.photos.colour_encoding import TransferFunction
from nesr_gui.io.photos.decode import UnreadableImage, decode, read_photograph
from nesr_gui.io.photos.develop import FIT_WAVELENGTHS, balance_matrix, camera_matrix, develop, develop_preview
from nesr_gui.io.photos.develop_settings import DevelopSettings, SourceEncoding, WhiteBalance
from nesr_gui.io.photos.photo import DecodedPhoto
from tests.io.photos.test_decode import ADOBE, P3, RGB8, RGB16, pillow, png16, png_with, tiff

PLAIN = DevelopSettings()
P3_MATRIX = np.array([[1.2249402, -0.2249402, 0], [-0.0420570, 1.0420570, 0], [-0.0196376, -0.0786361, 1.0982736]])
"""Display P3 to sRGB, linear: CSS Color 4, section 17."""
NARROW = RGB8 // 4 + 90  # colours that any of the gamuts holds


def decoded(folder: Path, data: bytes) -> DecodedPhoto:
    path = folder / "photo.any"
    path.write_bytes(data)
    return decode(path)


def p3(encoded: npt.NDArray[Any]) -> npt.NDArray[Any]:
    linear: npt.NDArray[Any] = np.clip(decode_srgb(encoded) @ P3_MATRIX.T, 0, 1)
    return linear


def camera(red: float = 600, green: float = 540, blue: float = 460, width: float = 40) -> Observer:
    nm = np.arange(380, 741, 5.0)
    values = [np.exp(-(((nm - at) / width) ** 2)) * scale for at, scale in ((red, 0.7), (green, 1.0), (blue, 0.6))]
    return Observer("bells.csv", samples=tuple(zip(nm.tolist(), *(v.tolist() for v in values), strict=True)))


# --- encodings ---


@pytest.mark.parametrize(
    ("encoding", "linear"),
    [
        (SourceEncoding.SRGB, decode_srgb),
        (SourceEncoding.LINEAR, lambda x: x),
        (SourceEncoding.GAMMA, lambda x: x**1.8),
        (SourceEncoding.DISPLAY_P3, p3),
    ],
)
def test_a_chosen_encoding_goes_before_what_the_file_says(
    tmp_path: Path, encoding: SourceEncoding, linear: Any
) -> None:
    chosen = DevelopSettings(encoding=encoding, gamma=1.8)
    for data, numbers in (
        (pillow(NARROW, "PNG"), NARROW / 255),
        (pillow(NARROW, "PNG", icc_profile=ADOBE), NARROW / 255),
        (png_with(pillow(NARROW, "PNG"), b"gAMA", struct.pack(">I", 100_000)), NARROW / 255),
        (png16(NARROW.astype(np.uint16) * 250), NARROW * 250.0 / 65535),
        (tiff((NARROW / 255).astype(np.float32), photometric="rgb"), NARROW / 255),
    ):
        image = develop(decoded(tmp_path, data), chosen)
        np.testing.assert_allclose(image.values, linear(numbers), atol=3e-4)
        assert dict(image.source.metadata)["photograph_encoding"].endswith(", chosen")


def test_what_is_chosen_equals_what_a_profile_says(tmp_path: Path) -> None:
    for profile, encoding in ((ADOBE, SourceEncoding.ADOBE_RGB), (P3, SourceEncoding.GAMMA)):
        embedded = develop(decoded(tmp_path, pillow(RGB8, "PNG", icc_profile=profile)), PLAIN)
        if encoding is SourceEncoding.ADOBE_RGB:
            named = develop(decoded(tmp_path, pillow(RGB8, "PNG")), DevelopSettings(encoding=encoding))
            np.testing.assert_allclose(embedded.values, named.values, atol=2e-4)
        assert "embedded profile" in dict(embedded.source.metadata)["photograph_encoding"]


def exif(make: str = "", space: int | None = None, index: str = "") -> Image.Exif:
    tags = Image.Exif()
    if make:
        tags[0x010F] = make
    details: dict[int, Any] = {0xA001: space} if space is not None else {}
    if index:
        details[0xA005] = {1: index}
    tags.get_ifd(0x8769).update(details)
    tags[0x8769] = 1  # so that a TIFF, too, is written with the directory
    return tags


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_colours_that_only_exif_names(tmp_path: Path, kind: str) -> None:
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {"lossless": True}
    plain = decoded(tmp_path, pillow(NARROW, kind, **options))

    def read(tags: Image.Exif) -> Any:
        return develop(decoded(tmp_path, pillow(NARROW, kind, exif=tags, **options)), PLAIN)

    apple = read(exif("Apple", 0xFFFF))
    wanted = develop(plain, DevelopSettings(encoding=SourceEncoding.DISPLAY_P3))
    np.testing.assert_array_equal(apple.values, wanted.values)
    assert any("Display P3" in note for note in apple.source.notes)
    unknown = read(exif("Nikon", 0xFFFF))
    np.testing.assert_array_equal(unknown.values, develop(plain, PLAIN).values)
    assert any("taken as sRGB until you choose" in note for note in unknown.source.notes)
    adobe = develop(plain, DevelopSettings(encoding=SourceEncoding.ADOBE_RGB))
    np.testing.assert_array_equal(read(exif("Nikon", 2)).values, adobe.values)
    if kind != "TIFF":  # where cameras write no such directory
        np.testing.assert_array_equal(read(exif("Nikon", 0xFFFF, "R03")).values, adobe.values)
    assert read(exif("", 1)).source.notes == ()


def test_the_tone_curve_of_a_camera_is_told(tmp_path: Path) -> None:
    image = develop(decoded(tmp_path, pillow(RGB8, "JPEG", exif=exif("Canon", 1))), PLAIN)
    assert any("tone curve" in note for note in image.source.notes)
    assert develop(decoded(tmp_path, pillow(RGB8, "JPEG")), PLAIN).source.notes == ()


def chromaticities(values: tuple[float, ...]) -> bytes:
    red, green, blue, white = values[:2], values[2:4], values[4:6], values[6:]
    return struct.pack(">8I", *(round(v * 100_000) for v in (*white, *red, *green, *blue)))


def test_png_primaries_are_applied_where_they_are_others(tmp_path: Path) -> None:
    plain = pillow(NARROW, "PNG")
    wide = png_with(plain, b"cHRM", chromaticities(colour_encoding.P3_PRIMARIES))
    np.testing.assert_allclose(develop(decoded(tmp_path, wide), PLAIN).values, p3(NARROW / 255), atol=3e-4)
    linear = png_with(wide, b"gAMA", struct.pack(">I", 100_000))
    expected = np.clip(NARROW / 255 @ P3_MATRIX.T, 0, 1)
    np.testing.assert_allclose(develop(decoded(tmp_path, linear), PLAIN).values, expected, atol=3e-4)
    same = png_with(plain, b"cHRM", chromaticities(colour_encoding.SRGB_PRIMARIES))
    assert develop(decoded(tmp_path, same), PLAIN).source.notes == ()
    named = png_with(wide, b"sRGB", b"\0")
    assert develop(decoded(tmp_path, named), PLAIN).source.notes == ()
    impossible = png_with(plain, b"cHRM", bytes(32))
    made = develop(decoded(tmp_path, impossible), PLAIN)
    assert "cHRM" in made.source.notes[0]
    np.testing.assert_array_equal(made.values, develop(decoded(tmp_path, plain), PLAIN).values)


def pq(light: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """SMPTE ST 2084's other direction, light in units of 203 cd/m²."""
    power = (light * 203 / 10_000) ** (2610 / 16384)
    signal: npt.NDArray[Any] = ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)
    return signal


def hlg(light: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """ITU-R BT.2100's OETF of the scene's light, of which 0.2650 is white."""
    scene = light * 0.26496256
    upper = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), upper)


@pytest.mark.parametrize(
    ("codes", "encode"),
    [((1, 13), encode_srgb), ((1, 8), lambda x: x), ((1, 16), pq), ((1, 18), hlg)],
)
def test_png_colour_codes_are_applied(tmp_path: Path, codes: tuple[int, int], encode: Any) -> None:
    light = np.linspace(0.002, 1, 24 * 31 * 3).reshape(24, 31, 3)
    data = png_with(png16(np.round(encode(light) * 65535).astype(np.uint16)), b"cICP", bytes([*codes, 0, 1]))
    image = develop(decoded(tmp_path, data), PLAIN)
    np.testing.assert_allclose(image.values, light, atol=1e-3)


def test_png_colour_codes_go_before_everything(tmp_path: Path) -> None:
    data = png_with(pillow(NARROW, "PNG", icc_profile=ADOBE), b"cICP", bytes([12, 13, 0, 1]))
    np.testing.assert_allclose(develop(decoded(tmp_path, data), PLAIN).values, p3(NARROW / 255), atol=3e-4)
    unknown = develop(decoded(tmp_path, png_with(pillow(NARROW, "PNG"), b"cICP", bytes([10, 17, 0, 1]))), PLAIN)
    assert any("10/17 is not one that is read here" in note for note in unknown.source.notes)
    grey = png_with(pillow(np.full((4, 5, 3), 128, np.uint8), "PNG"), b"cICP", bytes([9, 13, 0, 1]))
    values = develop(decoded(tmp_path, grey), PLAIN).values
    np.testing.assert_allclose(values, np.full((4, 5, 3), decode_srgb(128 / 255)), atol=2e-4)


def test_light_above_white_scales_the_exposure(tmp_path: Path) -> None:
    light = np.array([[[0.1, 0.2, 0.3], [4.0, 2.0, 1.0]]])
    data = png_with(png16(np.round(pq(light) * 65535).astype(np.uint16)), b"cICP", bytes([1, 16, 0, 1]))
    image = develop(decoded(tmp_path, data), PLAIN)
    np.testing.assert_allclose(image.values, light / 4, atol=1e-3)
    assert any("exposure was divided by" in note for note in image.source.notes)


@pytest.mark.parametrize("curve", TransferFunction)
def test_every_curve_rises_from_black_to_white(curve: TransferFunction) -> None:
    code = colour_encoding.ColourEncoding("a", curve, gamma=2.2)
    light = code.linear(np.linspace(0, 1, 1000))
    assert light[0] == pytest.approx(0, abs=1e-6) and np.all(np.diff(light) >= 0)
    if not code.exceeds_white:
        assert light[-1] == pytest.approx(1, abs=1e-6)


# --- white balance, exposure, camera ---


def test_a_grey_point_becomes_grey_and_keeps_its_luminance(tmp_path: Path) -> None:
    numbers = np.full((9, 9, 3), 200, np.uint8)
    numbers[3:6, 3:6] = (160, 120, 90)
    file = decoded(tmp_path, pillow(numbers.repeat(3, 0).repeat(3, 1), "PNG"))
    image = develop(file, DevelopSettings(balance=WhiteBalance.GREY_POINT, grey_point=(13, 13)))
    grey, before = image.values[13, 13], develop(file, PLAIN).values[13, 13]
    np.testing.assert_allclose(grey, grey.mean(), rtol=1e-5)
    weights = (0.2126, 0.7152, 0.0722)
    assert float(grey @ weights) == pytest.approx(float(before @ weights), rel=1e-5)
    assert dict(image.source.metadata)["photograph_white_balance"] == "grey point at row 13 col 13"


def test_a_grey_point_that_is_none_leaves_white_and_says_so(tmp_path: Path) -> None:
    numbers = np.zeros((9, 9, 3), np.uint8)
    numbers[..., 0] = 200
    file = decoded(tmp_path, pillow(numbers, "PNG"))
    image = develop(file, DevelopSettings(balance=WhiteBalance.GREY_POINT, grey_point=(4, 4)))
    np.testing.assert_array_equal(image.values, develop(file, PLAIN).values)
    assert any("white was left as it is" in note for note in image.source.notes)


def test_clipped_pixels_do_not_decide_the_white(tmp_path: Path) -> None:
    """The ratio of channels that were cut off is not that of the light."""
    numbers = np.full((9, 18, 3), (160, 120, 90), np.uint8)
    numbers[:, :9] = (255, 255, 203)
    file = decoded(tmp_path, pillow(numbers, "PNG"))
    image = develop(file, DevelopSettings(balance=WhiteBalance.GREY_POINT, grey_point=(4, 4)))
    np.testing.assert_array_equal(image.values, develop(file, PLAIN).values)
    assert any("clipped" in note and "overexposed" in note for note in image.source.notes)
    beside = develop(file, DevelopSettings(balance=WhiteBalance.GREY_POINT, grey_point=(4, 8)))
    np.testing.assert_allclose(beside.values[4, 12], beside.values[4, 12].mean(), rtol=1e-5)


def test_temperature_and_tint_move_white_as_lights_do() -> None:
    np.testing.assert_allclose(balance_matrix(6504, 0), np.eye(3), atol=1e-9)
    warm, cold, green = (balance_matrix(k, t) @ np.ones(3) for k, t in ((3000, 0), (12_000, 0), (6504, 30)))
    assert warm[2] > 1 > warm[0] and cold[0] > 1 > cold[2] and green[1] < 1
    d50 = cie.xyz_to_linear_srgb() @ np.array([0.9642, 1, 0.8251])  # what D50's white is in sRGB
    np.testing.assert_allclose(balance_matrix(5003, 0) @ d50, 1, atol=0.02)


def test_exposure_counts_in_stops_and_what_it_clips_is_marked(tmp_path: Path) -> None:
    numbers = np.full((6, 8, 3), 100, np.uint8)
    numbers[0, :4] = 230
    file = decoded(tmp_path, pillow(numbers, "PNG"))
    darker, brighter = (develop(file, DevelopSettings(stops=stops)) for stops in (-1, 1))
    np.testing.assert_allclose(darker.values, develop(file, PLAIN).values / 2, rtol=1e-5)
    assert darker.clipped is not None and not darker.clipped.any()
    assert brighter.clipped is not None
    np.testing.assert_array_equal(brighter.clipped, numbers[..., 0] == 230)
    assert "4 pixels (8.33 %) have colours outside sRGB or brighter than white" in brighter.source.notes[-1]
    assert dict(brighter.source.metadata)["photograph_exposure"] == "+1 stops"


def test_a_camera_s_colours_become_the_default_camera_s() -> None:
    table = cie.chart_reflectances(FIT_WAVELENGTHS)
    fit = camera_matrix(camera())
    np.testing.assert_allclose(fit.matrix @ np.ones(3), 1, atol=1e-12)
    assert fit.surfaces == len(table) and 0 < fit.error < 0.05
    xyz = cie.colour_matching(2)
    alike = np.column_stack([xyz[0], xyz[1] @ cie.xyz_to_linear_srgb().T])
    same = camera_matrix(Observer("sRGB", samples=tuple(map(tuple, alike))))
    np.testing.assert_allclose(same.matrix, np.eye(3), atol=5e-3)
    assert same.error < 1e-3


def test_the_grey_point_is_balanced_in_the_camera_s_own_colours(tmp_path: Path) -> None:
    """Its matrix keeps what is neutral to the camera, so it has to come after the balance."""
    file = decoded(tmp_path, pillow(np.full((9, 9, 3), (160, 110, 60), np.uint8), "PNG"))
    settings = DevelopSettings(
        encoding=SourceEncoding.LINEAR, balance=WhiteBalance.GREY_POINT, grey_point=(4, 4), camera=camera()
    )
    grey = develop(file, settings).values[4, 4]
    np.testing.assert_allclose(grey, grey.mean(), rtol=1e-4)


def test_the_camera_is_applied_and_told(tmp_path: Path) -> None:
    file = decoded(tmp_path, pillow(NARROW, "PNG"))
    image = develop(file, DevelopSettings(encoding=SourceEncoding.LINEAR, camera=camera()))
    expected = np.clip(NARROW / 255 @ camera_matrix(camera()).matrix.T, 0, 1)
    np.testing.assert_allclose(image.values, expected, atol=1e-5)
    assert any("bells.csv" in note and "54 surfaces" in note for note in image.source.notes)
    assert dict(image.source.metadata)["photograph_camera"] == "bells.csv"


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ({"gamma": 0.0}, "gamma of 0 requested"),
        ({"stops": 11}, "choose -10 to 10"),
        ({"kelvin": 100}, "choose 2000 to 15000"),
        ({"tint": 200}, "tint of 200"),
        ({"balance": WhiteBalance.GREY_POINT}, "pick a pixel"),
        ({"camera": CIE_1931}, "is no camera"),
        ({"working_pixels": 0}, "at least 1"),
        ({"stops": float("nan")}, "stops of nan"),
    ],
)
def test_what_cannot_be_chosen_is_refused(items: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        DevelopSettings(**items)


# --- clipped pixels, resolution, the same data again ---


def test_the_first_and_last_numbers_of_a_file_are_marked(tmp_path: Path) -> None:
    for pixels, white in ((RGB8.copy(), 255), (RGB16.copy(), 65535)):
        pixels[4, 5, 1], pixels[20, 30, 2] = 0, white
        file = decoded(tmp_path, png16(pixels))
        numbers = file.stored.pixels
        clipped = develop(file, PLAIN).clipped
        assert clipped is not None
        np.testing.assert_array_equal(clipped, ((numbers == 0) | (numbers == white)).any(axis=2))
        assert clipped.any() and not clipped.all()
        coarse = develop(file, PLAIN, max_pixels=100).clipped
        assert coarse is not None and coarse[0, 0] == clipped[:3, :3].any()
    floats = decoded(tmp_path, tiff(np.full((3, 4, 3), 0.5, np.float32), photometric="rgb"))
    assert not np.any(develop(floats, PLAIN).clipped)


@pytest.mark.parametrize("data", [pillow(RGB8, "PNG"), png16(RGB16), pillow(RGB8, "JPEG", icc_profile=P3)])
@pytest.mark.parametrize("most", [1, 50, 100, 300, 10_000])
def test_reading_reduced_equals_reducing_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, most: int
) -> None:
    file = decoded(tmp_path, data)
    whole = develop(file, PLAIN).reduced(most)
    monkeypatch.setattr(development, "STRIP_PIXELS", 70)
    image = develop(file, PLAIN, max_pixels=most)
    np.testing.assert_allclose(image.values, whole.values, atol=1e-6)
    np.testing.assert_array_equal(image.clipped, whole.clipped)
    assert (image.binning, image.source_shape, image.source) == (whole.binning, whole.source_shape, whole.source)


def test_interpretations_leave_the_decoded_numbers_alone(tmp_path: Path) -> None:
    file = decoded(tmp_path, pillow(RGB8, "PNG"))
    first = develop(file, PLAIN)
    other = DevelopSettings(SourceEncoding.GAMMA, 1.8, WhiteBalance.TEMPERATURE, None, 4000, 10, 1, camera())
    assert not np.allclose(develop(file, other).values, first.values)
    np.testing.assert_array_equal(develop(file, PLAIN).values, first.values)
    np.testing.assert_array_equal(file.stored.pixels, RGB8)


def test_a_draft_is_the_same_photograph_at_some_of_its_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = decoded(tmp_path, pillow(RGB8, "PNG"))
    assert develop_preview(file, PLAIN) is None
    monkeypatch.setattr(development, "PREVIEW_PIXELS", 200)
    chosen = DevelopSettings(stops=-0.5, balance=WhiteBalance.TEMPERATURE, kelvin=5000)
    seen = develop_preview(file, chosen)
    assert seen is not None and (seen.binning, seen.source_shape) == (2, (24, 31))
    np.testing.assert_allclose(seen.values, develop(file, chosen).values[::2, ::2], atol=1e-6)
    grey = replace(chosen, balance=WhiteBalance.GREY_POINT, grey_point=(23, 30))
    assert develop_preview(file, grey) is not None


def test_progress_ends_the_work(tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop(fraction: float) -> None:
        raise Stop

    with pytest.raises(Stop):
        develop(decoded(tmp_path, pillow(RGB8, "PNG")), PLAIN, progress=stop)


def test_every_export_can_record_how_the_file_was_understood(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(pillow(RGB8, "PNG"))
    image = read_photograph(tmp_path / "p.png")
    assert dict(image.source.metadata) == {
        "photograph_encoding": "sRGB",
        "photograph_white_balance": "as is",
        "photograph_exposure": "as is",
        "photograph_camera": "default",
    }


# --- formats of other packages ---


def test_a_package_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heic = b"\0\0\0\x18ftypheic" + bytes(40)
    dng = tiff(RGB8, photometric="rgb", subfiletype=1)
    for package, extra, data in (("pillow_heif", "raw", heic), ("rawpy", "raw", dng), ("OpenEXR", "formats", b"v/1\1")):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(UnreadableImage, match=rf"nesr-gui\[{extra}\]"):
            decoded(tmp_path, data)


def test_premultiplied_colours_are_told(tmp_path: Path) -> None:
    rgba = np.dstack([RGB8, np.full(RGB8.shape[:2], 128, np.uint8)])
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, rgba, photometric="rgb", extrasamples=["assocalpha"])
    notes = develop(decoded(tmp_path, buffer.getvalue()), PLAIN).source.notes
    assert any("multiplied by the alpha" in note for note in notes) and "The alpha channel was dropped." in notes


def test_sixteen_bits_with_a_profile_stay_sixteen(tmp_path: Path) -> None:
    data = png_with(png16(RGB16), b"iCCP", b"p3\0\0" + zlib.compress(P3))
    values = develop(decoded(tmp_path, data), PLAIN).values
    expected = np.clip((RGB16 / 65535) ** 2.2 @ P3_MATRIX.T, 0, 1)
    np.testing.assert_allclose(values, expected, atol=2e-4)
    assert np.unique(values[..., 1]).size > 600
    assert imagecodecs.png_decode(data).dtype == np.uint16


BRIGHTER = CameraProfile(
    name="dark chart", curve=((0, 0), (1, 2)), matrix=((1, 0, 0), (0, 1, 0), (0, 0, 1)), falloff=0, camera="",
    encoding="", chart="classic", patches=24, photograph="a.png", sha256="00", before=1, after=1, left_out=1,
)  # fmt: skip


@pytest.mark.parametrize(("bright", "is_divided"), [(0, False), (8, False), (40, True), (1600, True)])
def test_a_chart_in_less_light_does_not_clip_the_rest(tmp_path: Path, bright: int, is_divided: bool) -> None:
    codes = np.random.default_rng(0).integers(40, 180, (1600, 3), np.uint8)
    codes[:bright] = np.random.default_rng(1).integers(200, 250, (bright, 3))
    photo = decoded(tmp_path, pillow(codes.reshape(40, 40, 3), "PNG"))
    plain, image = develop(photo, PLAIN).values, develop(photo, DevelopSettings(profile=BRIGHTER))
    assert any("exposure was divided" in note for note in image.source.notes) == is_divided
    if is_divided:
        ratio = (image.values / plain)[image.values < 1]
        np.testing.assert_allclose(ratio, np.median(ratio), rtol=1e-4)
        assert np.median(ratio) < 2 and image.values.max() == pytest.approx(1, abs=0.01)
        assert (plain * np.median(ratio) > 1.001).mean() <= 0.002, "hardly anything is clipped"
    else:
        np.testing.assert_allclose(image.values, np.minimum(2 * plain, 1), rtol=1e-4)
