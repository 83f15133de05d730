"""Wavelengths are found by evidence, in the words of many programs; what is not evidence is asked about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from nesr_gui import io
from nesr_gui.io import BandPositions, CubeHints
from nesr_gui.io.cubes import plausibility
from nesr_gui.io.cubes.description import AmbiguousFile
from nesr_gui.io.cubes.wavelengths import (
    contradiction,
    is_placeholder,
    named_in,
    parse_list,
    to_nanometres,
    wavelengths_text,
)
from nesr_gui.spectral import Quantity, Wavelengths

BANDS = np.arange(400, 701, 50.0)  # (7,)
BAND, ROW, COL = np.mgrid[:7, :5, :4]
VALUES = (0.1 + 0.1 * BAND + 0.013 * ROW + 0.0031 * COL).astype(np.float32)


def check(path: Path, hints: CubeHints | None = None, expected: np.ndarray = VALUES) -> dict[str, str]:
    field = io.open_cube(path, hints)
    np.testing.assert_allclose(field.wavelengths.nm, BANDS, rtol=1e-6)
    np.testing.assert_allclose(field.cube(field.wavelengths).values, expected, rtol=1e-6)
    return field.provenance


def question(path: Path, hints: CubeHints | None = None) -> AmbiguousFile:
    with pytest.raises(AmbiguousFile) as asked:
        io.open_cube(path, hints)
    assert asked.value.field == "wavelengths"
    return asked.value


def envi(path: Path, wavelength: str, values: np.ndarray = VALUES, **keys: object) -> Path:
    """An ENVI set whose header states `wavelength` as it stands."""
    bands, lines, samples = values.shape
    sizes = {"samples": samples, "lines": lines, "bands": bands, "data type": 4, "interleave": "bsq"}
    rest = {key.replace("_", " "): value for key, value in keys.items()}
    text = "".join(f"{key} = {value}\n" for key, value in {**sizes, **rest}.items())
    path.write_text(f"ENVI\n{text}{wavelength}\n", encoding="utf-8")
    values.astype("<f4").tofile(path.with_suffix(".img"))
    return path


LIST = ", ".join(f"{nm:g}" for nm in BANDS)
SPACED = LIST.replace(",", "")


@pytest.mark.parametrize(
    "text",
    [f"wavelength = {{{LIST}}}", f"wavelength = {{{LIST},}}", f"wavelength = [{LIST}]", f"wavelength = {{{SPACED}}}",
     f"wavelength =\n{{{LIST}}}", f"wavelength = {{\n{LIST}\n}}", f"Wavelength  = {{ {LIST} , }}",
     "wavelength = {" + LIST.replace(",", " nm,") + " nm}", "wavelength = {" + LIST.replace(",", ";") + "}",
     f"wavelength = {{{LIST}\nfwhm = {{5,5,5,5,5,5,5}}", f"wavelength = {{{LIST},\nsensor type = unknown",
     "wavelength = {" + ", ".join(f"{nm / 1000} um" for nm in BANDS) + "}", f"wavelength = {LIST}",
     "band names = {" + ", ".join(f"Band {i} ({nm} Nanometers)" for i, nm in enumerate(BANDS)) + "}",
     "band names = {" + ", ".join(f"R{nm:g}nm" for nm in BANDS) + "}",
     "wavelength = {0, 0, 0, 0, 0, 0, 0}\nband names = {" + ", ".join(f"{nm / 1000:g} µm" for nm in BANDS) + "}"],
)  # fmt: skip
def test_damaged_text_is_read_as_it_is_meant(tmp_path: Path, text: str) -> None:
    check(envi(tmp_path / "c.hdr", text))


@pytest.mark.parametrize(
    "text",
    ["", "wavelength = {}", "wavelength =", "wavelength = {0, 0, 0, 0, 0, 0, 0}", "wavelength = {1, 2, 3, 4, 5, 6, 7}",
     "wavelength = {5, 5, 5, 5, 5, 5, 5}", f"wavelength = {{{LIST}", "wavelength = {400, a, b}",
     "wavelength = {400, 450}", f"wavelength = {{{LIST}}}\nwavelength units = Index",
     "wavelength = {400, 450, -500, 550, 600, 650, 700}", "wavelength = {400, 450, inf, 550, 600, 650, 700}",
     f"wavelength = {{{LIST}}}\nwavelength units = furlongs", f"wavelength = {{{LIST}}}\nwavelength units = mm",
     "band names = {a, b, c, d, e, f, g}"],
)  # fmt: skip
def test_what_cannot_be_understood_is_asked_and_what_the_user_states_wins(tmp_path: Path, text: str) -> None:
    path = envi(tmp_path / "c.hdr", text)
    question(path)
    assert check(path, CubeHints(wavelengths=Wavelengths(BANDS)))["wavelengths"] == "given by the user"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_headers_in_other_encodings(tmp_path: Path, encoding: str, end: str) -> None:
    listed = ", ".join(f"{nm / 1000:g}" for nm in BANDS)
    path = envi(tmp_path / "c.hdr", f"wavelength units = µm\nwavelength = {{{listed}}}")
    path.write_bytes(path.read_text(encoding="utf-8").replace("\n", end).encode(encoding))
    check(path)
    check(path.with_suffix(".img"))


def test_numbers_in_names_are_only_suggested(tmp_path: Path) -> None:
    asked = question(envi(tmp_path / "c.hdr", f"band names = {{{LIST}}}"))
    assert asked.guess == "400:700:50" and asked.reason == "the numbers in the names of the bands"


@pytest.mark.parametrize(
    ("unit", "factor"), [("Nanometers", 1e-3), ("nm", 1e-9), ("Micrometers", 1.0), ("um", 1e-9), ("Angstroms", 0.001)]
)
def test_units_that_contradict_the_numbers_are_asked_about(tmp_path: Path, unit: str, factor: float) -> None:
    listed = ", ".join(repr(float(nm * factor)) for nm in BANDS)
    asked = question(envi(tmp_path / "c.hdr", f"wavelength = {{{listed}}}", wavelength_units=unit))
    assert asked.guess == "400:700:50" and unit in asked.question
    check(tmp_path / "c.hdr", CubeHints(wavelengths=BandPositions.parse(asked.guess)))


@pytest.mark.parametrize("order", [[6, 5, 4, 3, 2, 1, 0], [3, 0, 6, 1, 5, 2, 4]])
def test_descending_and_unsorted_lists_that_the_user_states_are_sorted(tmp_path: Path, order: list[int]) -> None:
    path = envi(tmp_path / "c.hdr", "", VALUES[order])
    check(path, CubeHints(wavelengths=BandPositions.parse(",".join(f"{nm:g}" for nm in BANDS[order]))))


def test_a_step_may_be_negative(tmp_path: Path) -> None:
    check(envi(tmp_path / "c.hdr", "", VALUES[::-1]), CubeHints(wavelengths=BandPositions.parse("700:400:-50")))
    assert BandPositions.parse("700:395:-100").nm.tolist() == [700, 600, 500, 400]
    for start, step in ((610, 2.1), (700, 0.1), (1000, 1.6)):
        nm = BandPositions.parse(f"{start}:400:-{step}").nm
        np.testing.assert_allclose(nm, start - step * np.arange(len(nm)), atol=1e-6)
        assert 0 <= nm[-1] - 400 < step
    for text in ("", "a", "0,1", "400,-500", "nan", "700:400:0", "400:700"):
        with pytest.raises(ValueError, match="wavelengths|step"):
            BandPositions.parse(text)


def test_bad_bands_of_a_damaged_list_are_noted(tmp_path: Path) -> None:
    path = envi(tmp_path / "c.hdr", f"wavelength = {{{LIST}}}", bbl="{1, 1, 0}")
    assert "3 entries for 7 bands and was left aside" in check(path)["bad_bands"]
    path = envi(tmp_path / "c.hdr", f"wavelength = {{{LIST}}}", bbl="{1, 1, 0, x}")
    assert "left aside" in check(path)["bad_bands"]


# --- products of missions ------------------------------------------------------------------------------------------


def write_h5(path: Path, arrays: dict[str, Any], attributes: dict[str, dict[str, Any]] | None = None) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values
        for name, stated in (attributes or {}).items():
            file.require_group(name).attrs.update(stated) if name not in file else file[name].attrs.update(stated)
    return path


def test_aviris_ng(tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    group = xarray.Dataset(
        {"reflectance": (("wavelength", "northing", "easting"), VALUES, {"_FillValue": -9999.0}),
         "fwhm": ("wavelength", np.full(7, 5.0), {"units": "nm"})},
        {"wavelength": ("wavelength", BANDS, {"units": "nm"}), "northing": 5.0 - np.arange(5)},
    )  # fmt: skip
    group.to_netcdf(tmp_path / "ang.nc", group="reflectance", engine="h5netcdf")
    assert io.open_cube(tmp_path / "ang.nc").quantity is Quantity.REFLECTANCE
    check(tmp_path / "ang.nc")


def test_prisma_radiance_with_bands_that_are_not_used(tmp_path: Path) -> None:
    stored = np.round(np.concatenate([VALUES[::-1], VALUES[:1] * 0]).transpose(1, 0, 2) * 1000 + 100).astype(np.uint16)
    root = {"List_Cw_Vnir": np.append(BANDS[::-1], 0).astype(np.float32), "ScaleFactor_Vnir": np.float32(1000),
            "Offset_Vnir": np.float32(0.1), "List_Cw_Vnir_Flags": np.append(np.ones(7), 0)}  # fmt: skip
    path = write_h5(tmp_path / "p.he5", {"HDFEOS/SWATHS/PRS_L1_HCO/Data Fields/VNIR_Cube": stored}, {"/": root})
    field = io.open_cube(path)
    np.testing.assert_allclose(field.cube(BANDS).values, VALUES, atol=6e-4)
    assert field.quantity is Quantity.RADIANCE and "1 bands have no wavelength" in str(field.provenance)


def test_windows_of_water_vapour_of_neon(tmp_path: Path) -> None:
    path = write_h5(
        tmp_path / "n.h5",
        {"S/Reflectance/Reflectance_Data": np.round(VALUES * 10000).astype(np.int16).transpose(1, 2, 0),
         "S/Reflectance/Metadata/Spectral_Data/Wavelength": BANDS},
        {"S/Reflectance": {"Band_Window_1_Nanometers": [540, 610]},
         "S/Reflectance/Reflectance_Data": {"Scale_Factor": 10000.0, "Data_Ignore_Value": -9999.0},
         "S/Reflectance/Metadata/Spectral_Data/Wavelength": {"Units": "nanometers"}},
    )  # fmt: skip
    field = io.open_cube(path)
    assert np.isnan(field.spectra([(0, 0)], BANDS)[0]).tolist() == [False, False, False, True, True, False, False]


@pytest.mark.parametrize(("product", "level", "quantity"), [("ENMAP01", "L2A", Quantity.REFLECTANCE),
                                                            ("DESIS-HSI", "L1B", Quantity.RADIANCE)])  # fmt: skip
def test_enmap_and_desis(tmp_path: Path, product: str, level: str, quantity: Quantity) -> None:
    stored = np.round(VALUES * 10000).astype(np.int16)
    stored[:, 0, 0] = -32768
    tifffile.imwrite(
        tmp_path / f"{product}-{level}-SPECTRAL_IMAGE.TIF", stored, photometric="minisblack", planarconfig="separate"
    )
    tag, gain = ("bandID", "GainOfBand") if product == "ENMAP01" else ("band", "gainOfBand")
    bands = "".join(
        f"<{tag}><wavelengthCenterOfBand>{nm}</wavelengthCenterOfBand><{gain}>0.0001</{gain}></{tag}>" for nm in BANDS
    )
    text = f"<p><backgroundValue>-32768</backgroundValue><bandCharacterisation>{bands}</bandCharacterisation></p>"
    (tmp_path / f"{product}-{level}-METADATA.xml").write_text(text)
    field = io.open_cube(tmp_path / f"{product}-{level}-SPECTRAL_IMAGE.TIF")
    expected = np.round(VALUES * 10000) / 10000
    expected[:, 0, 0] = np.nan
    np.testing.assert_allclose(field.cube(BANDS).values, expected, rtol=1e-6)
    assert field.quantity is quantity
    header = f"samples = {VALUES.shape[2]}\nlines = {VALUES.shape[1]}\nbands = {len(BANDS)}\ndata type = 2\n"
    (tmp_path / f"{product}-{level}-SPECTRAL_IMAGE.hdr").write_text(f"ENVI\n{header}")  # which states no gains
    field = io.open_cube(tmp_path / f"{product}-{level}-SPECTRAL_IMAGE.TIF")
    np.testing.assert_allclose(field.cube(BANDS).values, expected, rtol=1e-6)


@pytest.mark.parametrize("named", [True, False])
def test_channels_of_ome_tiff(tmp_path: Path, named: bool) -> None:
    channel = {"Name": [f"{nm:g} nm" for nm in BANDS]} if named else {
        "Name": list("abcdefg"), "EmissionWavelength": BANDS.tolist(), "EmissionWavelengthUnit": ["nm"] * 7,
    }  # fmt: skip
    metadata = {"axes": "CYX", "Channel": channel}
    tifffile.imwrite(tmp_path / "c.ome.tif", VALUES, ome=True, photometric="minisblack", metadata=metadata)
    assert io.is_cube(tmp_path / "c.ome.tif") and not io.is_photograph(tmp_path / "c.ome.tif")
    check(tmp_path / "c.ome.tif")


@pytest.mark.parametrize("truncate", [False, True])
def test_metadata_of_tifffile(tmp_path: Path, truncate: bool) -> None:
    tifffile.imwrite(
        tmp_path / "c.tif",
        VALUES,
        photometric="minisblack",
        metadata={"wavelengths": BANDS.tolist()},
        truncate=truncate,
    )
    check(tmp_path / "c.tif")


def test_a_stack_over_channels_and_slices_is_no_cube(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "c.tif", np.stack([VALUES] * 3), imagej=True, metadata={"axes": "ZCYX"})
    with pytest.raises(ValueError, match=r"it is a stack over 7 channels and 3 slices; expected one image per band"):
        io.open_cube(tmp_path / "c.tif")


def test_labels_of_ome_zarr(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    for version, form in (("0.4", 2), ("0.5", 3)):
        group = zarr.open_group(tmp_path / f"{form}.zarr", mode="w", zarr_format=form)
        for level, step in (("0", 1), ("1", 2)):
            group.create_array(level, data=VALUES[None, :, None, ::step, ::step])
        ome = {
            "multiscales": [{"axes": [{"name": name} for name in "tczyx"], "datasets": [{"path": "0"}, {"path": "1"}]}],
            "omero": {"channels": [{"label": f"{nm:g} nm"} for nm in BANDS]},
        }
        group.attrs.update({"ome": {"version": version, **ome}} if form == 3 else ome)
        check(tmp_path / f"{form}.zarr")


def test_zarr_in_an_archive_and_in_groups(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    with zarr.storage.ZipStore(tmp_path / "c.zarr.zip", mode="w") as store:
        group = zarr.create_group(store).create_group("a/b")
        group.create_array("cube", data=VALUES, dimension_names=("wavelength", "y", "x"))
        group.create_array("wavelength", data=BANDS, dimension_names=("wavelength",), attributes={"units": "nm"})
    check(tmp_path / "c.zarr.zip")


@pytest.mark.parametrize("y", ["lat", "northing", "y"])
@pytest.mark.parametrize("rising", [True, False])
def test_rows_that_run_from_south_to_north_are_shown_north_up(tmp_path: Path, y: str, rising: bool) -> None:
    xarray = pytest.importorskip("xarray")
    attributes = {"lat": {"units": "degrees_north"}, "northing": {"units": "m"},
                  "y": {"standard_name": "projection_y_coordinate"}}[y]  # fmt: skip
    rows = np.linspace(40, 41, 5)[:: 1 if rising else -1]
    data = xarray.Dataset(
        {"cube": (("wavelength", y, "x"), VALUES)},
        {"wavelength": ("wavelength", BANDS, {"units": "nm"}), y: (y, rows, attributes)},
    )
    data.to_netcdf(tmp_path / "c.nc", engine="h5netcdf")
    assert ("orientation" in check(tmp_path / "c.nc", expected=VALUES[:, :: -1 if rising else 1])) == rising
    field = io.open_cube(tmp_path / "c.nc")
    np.testing.assert_array_equal(field.band(450, stride=2), field.band(450)[::2, ::2])


def test_rows_that_count_pixels_are_not_turned(tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    coordinates = {"wavelength": ("wavelength", BANDS, {"units": "nm"}), "y": np.arange(5), "x": np.arange(4)}
    xarray.Dataset({"cube": (("wavelength", "y", "x"), VALUES)}, coordinates).to_netcdf(
        tmp_path / "c.nc", engine="h5netcdf"
    )
    check(tmp_path / "c.nc")


def test_a_geotiff_from_south_to_north(tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    options = {"count": 7, "height": 5, "width": 4, "dtype": "float32", "transform": rasterio.Affine(2, 0, 9, 0, 2, 5)}
    with rasterio.open(tmp_path / "c.tif", "w", driver="GTiff", crs="EPSG:32632", **options) as image:
        image.write(VALUES)
        for band, nm in enumerate(BANDS, 1):
            image.update_tags(band, wavelength=f"{nm}", wavelength_units="nm")
    check(tmp_path / "c.tif", expected=VALUES[:, ::-1])


@pytest.mark.parametrize("kind", [np.complex64, bool])
def test_complex_and_boolean_arrays_are_cubes(tmp_path: Path, kind: Any) -> None:
    values = VALUES.astype(kind)
    np.savez(tmp_path / "c.npz", img=values, wavelengths=BANDS)
    check(tmp_path / "c.npz", expected=np.abs(values).astype(np.float32))


def test_four_axes_are_refused_and_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "c.npz", img=np.zeros((2, 7, 5, 4)))
    with pytest.raises(
        ValueError, match=r"no other array of numbers with three dimensions; it has img \(2 x 7 x 5 x 4\)"
    ):
        io.open_cube(tmp_path / "c.npz")


@pytest.mark.parametrize("shape", [(7, 1, 4), (7, 5, 1), (7, 1, 1), (1, 7, 1, 4), (1, 1, 7, 5, 1)])
def test_a_cube_of_one_row_or_column(tmp_path: Path, shape: tuple[int, ...]) -> None:
    xarray = pytest.importorskip("xarray")
    dims = ("time", "z", "wavelength", "y", "x")[-len(shape) :] if shape[0] != 1 or len(shape) > 4 else (
        "time", "wavelength", "y", "x",
    )  # fmt: skip
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    data = xarray.Dataset({"cube": (dims, values)}, {"wavelength": ("wavelength", BANDS, {"units": "nm"})})
    data.to_netcdf(tmp_path / "c.nc", engine="h5netcdf")
    check(tmp_path / "c.nc", expected=values.reshape(7, *shape[-2:]))


# --- the functions -------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None, derandomize=True)
@given(values=st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=30), open_=st.sampled_from(["", "{", "[ ", "("]),
       separator=st.sampled_from([",", ", ", " ", ";", " , ", ",\n"]), end=st.sampled_from(["", ",", " }", ", ]"]),
       unit=st.sampled_from(["", " nm", "nm", " µm", " cm-1"]))  # fmt: skip
def test_lists_in_any_dress_are_parsed(values: list[float], open_: str, separator: str, end: str, unit: str) -> None:
    parsed = parse_list(open_ + separator.join(f"{value!r}{unit}" for value in values) + end)
    assert parsed is not None and parsed[0].tolist() == values and parsed[1] == unit.strip()


@settings(max_examples=500, deadline=None, derandomize=True)
@given(text=st.text(alphabet="0123456789.,;:-+eE nmµ[]{}\nax\0", max_size=60))
def test_any_text_gives_a_value_or_a_sentence(text: str) -> None:
    parse_list(text)
    named_in([text, text])
    try:
        found = BandPositions.parse(text).nm
        assert np.isfinite(found).all() and (found > 0).all()
    except ValueError as error:
        assert "wavelength" in str(error) or "step" in str(error)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(values=st.lists(st.floats(200, 3000), min_size=2, max_size=40, unique=True), sort=st.booleans())
def test_wavelengths_as_text_are_read_back(values: list[float], sort: bool) -> None:
    nm = np.array(sorted(values) if sort else values)
    np.testing.assert_allclose(BandPositions.parse(wavelengths_text(nm)).nm, nm, rtol=1e-8)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0, 0, 0], True), ([5, 5, 5], True), ([0, 1, 2], True), ([1, 2, 3], True), ([np.nan, np.nan], True), ([], True),
     ([550], False), ([0], True), ([400, 500], False), ([2, 3, 4], False)],
)  # fmt: skip
def test_placeholders(values: list[float], expected: bool) -> None:
    assert is_placeholder(np.array(values)) is expected


def test_contradictions() -> None:
    assert contradiction(BANDS, "nm") == ("", None)
    reason, likely = contradiction(BANDS, "mm")
    assert "400 to 700 mm" in reason and likely is not None and likely.tolist() == BANDS.tolist()
    assert contradiction([5e8, 6e8], "m") == ("states 5e+08 to 6e+08 m, which no optical instrument covers", None)


def test_zeros_among_wavelengths_are_bands_without_one() -> None:
    assert np.isnan(to_nanometres([0, 400, 500], "nm").nm).tolist() == [True, False, False]
    with pytest.raises(ValueError, match="finite, positive"):
        to_nanometres([0, 0, 500], "nm")


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_spectral_axis_is_recognised(axis: int) -> None:
    rng = np.random.default_rng(0)
    scene = np.cumsum(rng.random((20, 30)), axis=0) / 20 + np.cumsum(rng.random((20, 30)), axis=1) / 30
    spectrum = 1 + np.sin(np.linspace(0, 5, 20))
    cube = np.moveaxis(scene[None] * 0.2 + spectrum[:, None, None], 0, axis)
    assert plausibility.spectral_axis(plausibility.sample(cube)) == axis


def test_noise_and_constants_suggest_nothing() -> None:
    for values in (np.random.default_rng(0).random((9, 8, 7)), np.ones((4, 5, 6)), np.full((4, 5, 6), np.nan)):
        assert plausibility.spectral_axis(values) is None and not plausibility.is_smooth(values)
