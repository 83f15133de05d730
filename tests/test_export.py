"""Exports as planned: what is written is what the field says, in whatever part, light, bands and numbers."""

import errno
import gc
import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nesr_gui import export as exporting
from nesr_gui import io
from nesr_gui.colorimetry.viewing_conditions import Illuminant
from nesr_gui.export import ExportPlan, VerificationError
from nesr_gui.fields.protocol import Cancelled, CubeField
from nesr_gui.fields.sensor import SENSORS, SensorField
from nesr_gui.io import StorageEncoding
from nesr_gui.regions import Region, Shape, inside
from nesr_gui.spectral import Quantity, Wavelengths
from tests.calibrated_cube import CalibratedCube

BANDS = Wavelengths.from_step(400, 700, 20)
NAMES = ("c.nc", "c.hdr", "c.mat", "c.tif", "c.zarr", "c.exr", "c.npy", "c.npz", "folder")


def field(quantity=Quantity.REFLECTANCE, kind=CubeField, shape=(31, 23), binning=1) -> CubeField:
    values = np.random.default_rng(1).random((len(BANDS), *shape), np.float32)
    return kind(values, BANDS, quantity, {"photograph": "p.png", "reduction": "2"}, binning=binning)


def encoding(name: str, **options) -> StorageEncoding:
    return StorageEncoding("float32" if "." in name else "uint16", **options)


def remains(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_a_region_is_the_crop_of_the_whole_and_says_where_it_lay(tmp_path, name):
    made, region = field(binning=2), Region.rectangle(8, 4, 24, 30)
    plan = ExportPlan(region=region, encoding=encoding(name))
    written = exporting.write(tmp_path / name, made, plan)
    crop = io.open_cube(tmp_path / name)
    assert written.shape == (16, 8, 13) and written.checked > 0
    expected = made.cube(BANDS, rows=slice(4, 12), cols=slice(2, 15)).values
    np.testing.assert_allclose(crop.cube(BANDS).values, expected, atol=0 if "." in name else 5.1e-5)
    said = io.describe(tmp_path / name)
    assert (said["row_offset"], said["column_offset"]) == ("8", "4")
    again = tmp_path / f"again-{name}"
    part = ExportPlan(region=Region.rectangle(1, 2, 3, 9), encoding=plan.encoding)
    exporting.write(again, crop, part, origin=name)
    said = io.describe(again)
    assert said["exported_from"] == name
    assert (said["row_offset"], said["column_offset"]) == ("10", "8"), "of the photograph, not of the crop"


def test_other_programs_find_widths_and_place_in_an_envi_header(tmp_path):
    envi = pytest.importorskip("spectral.io.envi")
    plan = ExportPlan(SENSORS["Sentinel-2B"], region=Region.rectangle(5, 3, 9, 8))
    exporting.write(tmp_path / "c.hdr", field(), plan)
    opened = envi.open(tmp_path / "c.hdr")
    assert opened.bands.bandwidths == [20.2, 64.9, 35.1, 30.4]
    assert (opened.metadata["x start"], opened.metadata["y start"]) == ("4", "6")
    assert opened.shape == (4, 5, 4)


@pytest.mark.parametrize("name", NAMES)
def test_info_tells_where_a_file_comes_from(tmp_path, name):
    plan = ExportPlan(SENSORS["Sentinel-2A"], Illuminant("A"), encoding=encoding(name, scale=1 / 50_000))
    exporting.write(tmp_path / name, field(), plan)
    said = io.describe(tmp_path / name)
    assert said["quantity"] == "radiance"
    assert (said["photograph"], said["light"], said["sensor"]) == ("p.png", "A", "Sentinel-2A")
    assert "B2 492.4 nm, FWHM 64.3 nm, table" in said["sensor_bands"]
    assert said["sensor_left_out"] == "4 of 13 bands are within the image's range"
    assert said["program"].startswith("nesr_gui")
    assert said["bands"] == "4, 442.7-664.6 nm"


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint16"])
@pytest.mark.parametrize("shape", [Shape.ELLIPSE, Shape.POLYGON])
def test_outside_a_masked_region_there_is_no_value(tmp_path, dtype, shape):
    made, region = field(), Region(shape, ((4, 2), (22, 3), (13, 20)) if shape is Shape.POLYGON else ((4, 2), (22, 20)))
    plan = ExportPlan(region=region, is_masked=True, encoding=StorageEncoding(dtype))
    exporting.write(tmp_path / "c.nc", made, plan)
    read = io.open_cube(tmp_path / "c.nc").cube(BANDS).values
    rows, cols = region.window(made.shape)
    kept = inside(region, np.arange(rows.start, rows.stop) + 0.5, np.arange(cols.start, cols.stop) + 0.5)
    assert 0 < kept.sum() < kept.size
    assert np.isnan(read[:, ~kept]).all()
    np.testing.assert_allclose(read[:, kept], made.cube(BANDS, rows=rows, cols=cols).values[:, kept], atol=6e-4)


@pytest.mark.parametrize("light", [Illuminant("D65"), Illuminant("FL11"), Illuminant.blackbody(3000)])
def test_radiance_is_reflectance_times_the_light(tmp_path, light):
    made = field(kind=CalibratedCube)
    plan = ExportPlan(light=light, encoding=StorageEncoding(error_band=True))
    exporting.write(tmp_path / "c.nc", made, plan)
    read = io.open_cube(tmp_path / "c.nc")
    assert read.quantity is Quantity.RADIANCE
    power = light.power(np.arange(400.0, 701)).max()
    expected = made.cube(BANDS).values * (light.power(BANDS.nm) / power)[:, None, None].astype(np.float32)
    np.testing.assert_allclose(read.cube(BANDS).values, expected, rtol=1e-6)
    lower = io.open_cube(tmp_path / "c.nc", io.CubeHints(variable="lower"))
    np.testing.assert_allclose(lower.cube(BANDS).values, 0.9 * expected, rtol=1e-6)


def test_sensor_bands_are_written_as_they_are_answered(tmp_path):
    made = field()
    exporting.write(tmp_path / "c.nc", made, ExportPlan(SENSORS["Landsat 8"]))
    expected = SensorField(made, SENSORS["Landsat 8"])
    read = io.open_cube(tmp_path / "c.nc")
    assert read.bands.nm.tolist() == [443.0, 482.6, 561.3, 591.7, 654.6]
    np.testing.assert_array_equal(read.cube(read.bands).values, expected.cube(expected.bands).values)


@pytest.mark.parametrize(
    ("plan", "of", "sentence"),
    [
        (ExportPlan(Wavelengths.from_step(390, 700, 10)), field(), "covers 400-700 nm; asked for 390-700 nm"),
        (ExportPlan(light=Illuminant("A")), field(Quantity.RADIANCE), "radiance, which includes its light; only"),
        (ExportPlan(light=Illuminant("A")), field(Quantity.UNKNOWN), "is unknown; only relative reflectance"),
        (ExportPlan(encoding=StorageEncoding(error_band=True)), field(), "this image has no prediction interval"),
        (ExportPlan(SENSORS["Sentinel-2A"], encoding=StorageEncoding(error_band=True)), field(kind=CalibratedCube),
         "not available for sensor bands"),
        (ExportPlan(region=Region.rectangle(90, 0, 99, 9)), field(), "lies outside the image of 31 rows"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_sentence_and_leaves_nothing(tmp_path, plan, of, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        exporting.write(tmp_path / "c.nc", of, plan)
    assert "\n" not in str(caught.value)
    assert remains(tmp_path) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_cancelled_export_leaves_nothing(tmp_path, name):
    def cancel(done: float) -> None:
        if done > 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        exporting.write(tmp_path / name, field(), ExportPlan(encoding=encoding(name)), progress=cancel)
    assert remains(tmp_path) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_disk_that_fills_up_is_one_sentence_and_leaves_nothing(tmp_path, name):
    def fill(done: float) -> None:
        if done > 0:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match=f"^the disk of .* became full while {name} was written") as caught:
        exporting.write(tmp_path / name, field(), ExportPlan(encoding=encoding(name)), progress=fill)
    assert caught.value.errno == errno.ENOSPC
    assert remains(tmp_path) == []


@pytest.mark.parametrize("name", ["c.nc", "c.mat", "c.hdr", "c.npy", "c.tif"])
def test_a_write_that_the_system_refuses_ends_the_export_and_not_the_program(tmp_path, name):
    resource = pytest.importorskip("resource", reason="limits of file sizes are POSIX's")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(OSError) as caught:
            exporting.write(tmp_path / name, field(shape=(200, 300)), ExportPlan())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.errno == errno.EFBIG
    del caught
    gc.collect()  # HDF5 crashes when it closes what it could not write
    assert remains(tmp_path) == []


def test_too_small_a_disk_is_said_before_anything_is_computed(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(1 << 30, 1 << 30, 1000))
    told = []
    with pytest.raises(OSError, match=r"^this cube takes 0\.0 MiB and .* has 0\.0 MiB free; export fewer"):
        exporting.write(tmp_path / "c.nc", field(), ExportPlan(), progress=told.append)
    assert told == [] and remains(tmp_path) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_corrupted_file_is_found(tmp_path, name):
    path, plan = tmp_path / name, ExportPlan(encoding=encoding(name))
    exporting.write(path, field(), plan)
    right = plan.prepared(field())
    assert exporting.verify_sample(path, right) == 12 * 8
    wrong = plan.prepared(CubeField(1 - field().cube(BANDS).values, BANDS, Quantity.REFLECTANCE))
    with pytest.raises(VerificationError, match=f"{name} was written, but its content differs at row"):
        exporting.verify_sample(path, wrong)
    other = ExportPlan(Wavelengths.from_step(400, 680, 20), encoding=plan.encoding).prepared(field())
    with pytest.raises(VerificationError, match="its content differs; do not use it"):
        exporting.verify_sample(path, other)


def test_bytes_that_change_on_the_disk_are_found(tmp_path):
    path, export = tmp_path / "c.npy", ExportPlan().prepared(field())
    io.write_export(path, export)
    data = bytearray(path.read_bytes())
    data[200:] = bytes(len(data) - 200)
    path.write_bytes(data)
    with pytest.raises(VerificationError, match="differs at row"):
        exporting.verify_sample(path, export)
    path.write_bytes(data[:100])
    with pytest.raises(VerificationError, match="cannot be reopened"):
        exporting.verify_sample(path, export)


def test_the_bounds_are_checked_too(tmp_path):
    path, plan = tmp_path / "c.npz", ExportPlan(encoding=StorageEncoding("float16", error_band=True))
    written = exporting.write(path, field(kind=CalibratedCube), plan)
    assert written.checked == 3 * 12 * 8
    assert "lower and upper" in io.describe(path)["error_band"]

    class Narrow(CalibratedCube):
        def prediction_interval(self, points, wavelengths):
            lower, upper = super().prediction_interval(points, wavelengths)
            return lower, 0.5 * upper

    with pytest.raises(VerificationError, match="differs"):
        exporting.verify_sample(path, plan.prepared(field(kind=Narrow)))


def test_what_did_not_fit_is_told(tmp_path):
    written = exporting.write(tmp_path / "c.npy", field(), ExportPlan(encoding=StorageEncoding("uint16", scale=1e-5)))
    assert 0 < written.clipped < 16 * 31 * 23
    assert str(written).endswith(f"{written.clipped:,} values were clipped by the number format.")
    assert "16 bands of 23×31 pixels; checked, 96 values read back." in str(written)


def test_the_time_is_measured_on_a_part(monkeypatch):
    asked = []
    made = field(shape=(400, 300))
    blocks = made.blocks
    monkeypatch.setattr(made, "blocks", lambda nm, **window: asked.append(window) or blocks(nm, **window))
    export = ExportPlan().prepared(made)
    assert 0 < exporting.seconds(export) < 60
    assert all(window["rows"].stop - window["rows"].start < 100 for window in asked)
    assert exporting.seconds(ExportPlan(Wavelengths.evenly_spaced(1)).prepared(field(shape=(1, 1)))) > 0


@pytest.mark.parametrize("region", [Region.rectangle(1, 2.5, 3, 4), Region(Shape.LASSO, ((1, 2), (3, 4), (0, 9)))])
def test_regions_are_written_and_read_as_text(region):
    assert Region.parse(str(region)) == region


@pytest.mark.parametrize(
    "text", ["", "point 1,2", "rectangle", "rectangle 1,2", "ellipse 1 2 3 4", "polygon a,b 1,2 3,4"]
)
def test_other_text_is_no_region(text):
    with pytest.raises(ValueError, match=r"region|corners"):
        Region.parse(text)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_plan_is_written_as_planned_or_refused_in_a_sentence(tmp_path_factory, data):
    """Bands, region, mask, number format and file format in any combination."""
    made = field(binning=data.draw(st.sampled_from([1, 2])))
    nm = data.draw(st.lists(st.floats(380, 720), min_size=1, max_size=5, unique=True).map(sorted) | st.none())
    row, col = (data.draw(st.integers(-5, 70)) for _ in range(2))
    height, width = (data.draw(st.integers(0, 70)) for _ in range(2))
    kind = data.draw(st.sampled_from([None, Region.rectangle]))
    name = data.draw(st.sampled_from(NAMES))
    path = tmp_path_factory.mktemp("plan") / name
    try:
        region = kind(row, col, row + height, col + width) if kind else None
        plan = ExportPlan(
            Wavelengths(np.array(nm)) if nm else None,
            region=region,
            is_masked=region is not None and data.draw(st.booleans()),
            encoding=StorageEncoding(data.draw(st.sampled_from(["float32", "float16", "uint16"]))),
        )
        written = exporting.write(path, made, plan)
    except ValueError as error:
        assert str(error) and "\n" not in str(error)
        assert not path.exists() and not remains(path.parent)
        return
    read = io.open_cube(path, is_trusted=True)
    rows, cols = plan.region.window(made.shape, made.binning) if plan.region else (slice(None), slice(None))
    expected = made.cube(read.wavelengths, rows=rows, cols=cols).values
    found = read.cube(read.wavelengths).values
    assert found.shape == written.shape
    outside = np.isnan(found)
    assert plan.is_masked or not outside.any()
    np.testing.assert_allclose(found[~outside], expected[~outside], atol=1e-3)


@pytest.mark.parametrize(
    ("size", "text"),
    [(999, "999 bytes"), (1000, "1 kB"), (999_499, "999 kB"), (999_500, "1 MB"), (999_999_999, "1 GB"),
     (999_600_000_000, "1,000 GB"), (74_400_000, "74.4 MB")],
)  # fmt: skip
def test_sizes_have_the_unit_of_their_rounded_number(size, text):
    assert exporting.format_size(size) == text
