"""Portable fields: what this program writes, this program and readers of a few lines give back at any wavelength."""

from __future__ import annotations

import json
import runpy
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from nesr_gui import export, io
from nesr_gui.analysis.expression import Expression
from nesr_gui.analysis.pixelwise import rests_on
from nesr_gui.colorimetry.viewing_conditions import Illuminant
from nesr_gui.export import ExportPlan
from nesr_gui.fields.coefficients import Basis, CoefficientField
from nesr_gui.fields.protocol import (
    BasisField,
    CalibratedBasisField,
    CalibratedField,
    CubeField,
    SpectralField,
    is_linear_between_bands,
    reconstruction_model,
)
from nesr_gui.fields.sensor import Sensor, SensorField
from nesr_gui.inference import engine
from nesr_gui.inference.calibration import IntervalCalibration
from nesr_gui.inference.checkpoint import Checkpoint
from nesr_gui.inference.model import LoadedModel
from nesr_gui.io import CubeHints, StorageEncoding
from nesr_gui.io.cubes import coefficients
from nesr_gui.io.cubes.coefficients import FORMAT
from nesr_gui.io.errors import UnreadableFile
from nesr_gui.regions import Region
from nesr_gui.spectral import CameraKnowledge, ImageSource, Quantity, RGBImage, Wavelengths
from tests import tiny

READERS = Path(__file__).parents[3] / "examples" / "portable_field"
NM = [400.0, 431.13, 500.0, 512.37, 699.99, 700.0]
POINTS = [(0, 0), (7, 3), (39, 51), (20, 20)]


@pytest.fixture(scope="module")
def field() -> SpectralField:
    """A reconstruction whose values are also clipped at zero."""
    model = LoadedModel(Checkpoint("tiny", tiny.network(tiny.FACTORISED), {}, "ab"), "cpu")
    values = np.random.default_rng(2).random((40, 52, 3), np.float32)
    return engine.encode(RGBImage(values), model)


@pytest.fixture(scope="module")
def calibrated() -> CalibratedBasisField:
    """A reconstruction of a dim photograph by an unknown camera, with intervals, clipped pixels and rare colours."""
    rng = np.random.default_rng(4)
    low, high = -rng.uniform(0, 0.5, (31, 3, 3)), rng.uniform(0, 0.5, (31, 3, 3))
    seen = rng.random((32, 32)) < 0.7
    tables = IntervalCalibration(np.arange(400, 701, 10.0), low, high, seen, np.array(0.1))
    model = LoadedModel(Checkpoint("tiny", tiny.network(tiny.FACTORISED), {}, "ab", tables), "cpu")
    values = 0.4 * rng.random((40, 52, 3), np.float32) ** 3
    source = ImageSource("p.png", camera=CameraKnowledge.UNKNOWN)
    field = engine.encode(RGBImage(values, source, clipped=rng.random((40, 52)) < 0.1), model)
    assert isinstance(field, CalibratedBasisField) and field.intervals.above.max() > 0 and 0.1 < field.level < 0.5
    return field


@pytest.fixture
def written(field: SpectralField, tmp_path: Path) -> Path:
    export.write(tmp_path / "p.field", field, ExportPlan())
    return tmp_path / "p.field"


def test_a_reconstruction_comes_back_at_any_wavelength(field: SpectralField, written: Path) -> None:
    read = io.open_cube(written)
    assert isinstance(read, CoefficientField) and isinstance(read, BasisField)
    assert read.wavelength_range == field.wavelength_range and read.quantity is field.quantity
    assert read.bands.nm.tolist() == field.bands.nm.tolist()
    assert read.provenance["model"] == "tiny" and "window" not in read.provenance
    expected = field.spectra(POINTS, NM)
    assert expected.min() == 0 < expected.max(), "the test needs values that are clipped"
    np.testing.assert_allclose(read.spectra(POINTS, NM), expected, atol=1e-4)
    np.testing.assert_allclose(read.cube(NM).values, field.cube(NM).values, atol=1e-4)
    np.testing.assert_allclose(
        read.band(512.37, stride=3, rows=slice(4, 33), cols=slice(2, 9)),
        field.band(512.37, rows=slice(4, 33), cols=slice(2, 9))[::3, ::3],
        atol=1e-4,
    )
    np.testing.assert_allclose(read.cube(field.bands).values, field.cube(field.bands).values, atol=2e-6)


@pytest.mark.parametrize("ending", [".field", ".nc", ".hdr"])
def test_a_reopened_reconstruction_is_an_estimate(
    calibrated: CalibratedBasisField, ending: str, tmp_path: Path
) -> None:
    path = tmp_path / f"p{ending}"
    export.write(path, calibrated, ExportPlan())
    read = io.open_cube(path)
    assert reconstruction_model(read) == "tiny" and rests_on(read) == rests_on(calibrated)
    assert "from the three colours of a photograph by the model tiny; they are estimates" in rests_on(read)
    assert io.describe(path)["values"] == "reconstructed by the model tiny"


def test_a_measured_cube_with_an_attribute_named_model_is_measured(tmp_path: Path) -> None:
    bands = Wavelengths.from_step(400, 700, 50)
    cube = CubeField(np.ones((7, 2, 3), np.float32), bands, Quantity.REFLECTANCE, {"model": "HyperCam 2"})
    export.write(tmp_path / "c.nc", cube, ExportPlan())
    read = io.open_cube(tmp_path / "c.nc")
    assert read.provenance["model"] == "HyperCam 2" and reconstruction_model(read) == ""
    assert rests_on(read).startswith("Measured") and io.describe(tmp_path / "c.nc")["values"] == "measured"


def test_a_field_with_few_bands_is_integrated_over_all_wavelengths(field: SpectralField, tmp_path: Path) -> None:
    """Its bands are those of the export, and not all that is known of it."""
    export.write(tmp_path / "p.field", field, ExportPlan(Wavelengths(np.array([450.0, 650.0]))))
    read = io.open_cube(tmp_path / "p.field")
    assert not is_linear_between_bands(read) and is_linear_between_bands(CubeField(np.ones((2, 1, 1)), read.bands))
    sensor = Sensor.parse("wide:550/120")
    found, expected = (SensorField(each, sensor).cube([550.0]).values for each in (read, field))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    mean = Expression.parse("mean(480, 620)")
    assert list(mean.for_field(read).wavelengths) == list(mean.for_field(field).wavelengths)


def test_a_field_agrees_with_itself(written: Path) -> None:
    read = io.open_cube(written)
    cube = read.cube(NM).values
    np.testing.assert_allclose(read.spectra(POINTS, NM), [cube[:, row, col] for row, col in POINTS], atol=1e-6)
    for index, nm in enumerate(NM):
        np.testing.assert_allclose(read.band(nm), cube[index], atol=1e-6)
    assert read.spectra([], NM).shape == (0, len(NM))
    np.testing.assert_allclose(read.cube(read.bands).values, read._values[:, :, :], atol=1e-6)


def test_the_network_gives_the_same_values_as_its_coefficients(field: SpectralField) -> None:
    assert isinstance(field, BasisField)
    basis, window = field.basis(NM), {"rows": slice(3, 30), "cols": slice(5, 52)}
    for block in field.coefficient_blocks(**window):
        values = np.maximum(np.tensordot(basis, block.values, axes=1), field.minimum)
        np.testing.assert_allclose(values, field.cube(NM, rows=block.rows, cols=block.cols).values, atol=1e-5)


def test_half_the_bytes_cost_three_digits(field: SpectralField, written: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.field"
    export.write(half, field, ExportPlan(encoding=StorageEncoding("float16")))
    read, exact = io.open_cube(half).cube(NM).values, io.open_cube(written).cube(NM).values
    error = np.abs(read - exact).max() / exact.max()
    assert 1e-6 < error < 2e-3
    coefficients = 40 * 52 * (tiny.FACTORISED.rank + 3)
    assert written.stat().st_size - half.stat().st_size == pytest.approx(2 * coefficients, abs=100)


def test_a_written_field_is_written_again(written: Path, tmp_path: Path) -> None:
    first = io.open_cube(written)
    assert "checked" in str(export.write(tmp_path / "again.field", first, ExportPlan(Wavelengths(np.array(NM)))))
    again = io.open_cube(tmp_path / "again.field")
    assert again.bands.nm.tolist() == NM
    np.testing.assert_allclose(again.cube(NM).values, first.cube(NM).values, atol=1e-6)


def test_a_masked_window_has_no_values_outside(field: SpectralField, tmp_path: Path) -> None:
    region = Region.parse("ellipse 5,8 25,40")
    plan = ExportPlan(region=region, is_masked=True)
    export.write(tmp_path / "m.field", field, plan)
    read, expected = io.open_cube(tmp_path / "m.field").band(555.5), field.band(555.5, rows=slice(5, 25))
    assert np.isnan(read[0, 0]) and not np.isnan(read[10, 16])
    np.testing.assert_allclose(read[10, 16], expected[10, 8 + 16], atol=1e-4)


@pytest.mark.parametrize(("dtype", "error"), [("float32", 1e-4), ("float16", 5e-3)])
def test_the_prediction_interval_comes_back(
    calibrated: CalibratedBasisField, dtype: str, error: float, tmp_path: Path
) -> None:
    export.write(tmp_path / "p.field", calibrated, ExportPlan(encoding=StorageEncoding(dtype)))
    read = io.open_cube(tmp_path / "p.field")
    assert isinstance(read, CalibratedBasisField)
    cube, blocks = read.cube(NM).values, list(read.prediction_interval_blocks(NM, rows=slice(2, 40)))
    assert [(b.rows, b.cols) for b in blocks] == [(b.rows, b.cols) for b in read.blocks(NM, rows=slice(2, 40))]
    for found, expected in zip(
        read.prediction_interval(POINTS, NM), calibrated.prediction_interval(POINTS, NM), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=error)
    for block in blocks:
        for ends, end in zip((block.lower, block.upper), ("lower", "upper"), strict=True):
            (same,) = calibrated.prediction_interval_blocks(NM, rows=block.rows, cols=block.cols)
            np.testing.assert_allclose(ends, getattr(same, end), atol=error)
        values = cube[:, block.rows, block.cols]
        assert (block.lower <= values + 1e-6).all() and (values <= block.upper + 1e-6).all()
    window = {"stride": 3, "rows": slice(4, 33), "cols": slice(2, 9)}
    for found, expected in zip(
        read.prediction_interval_band(512.37, **window),
        calibrated.prediction_interval_band(512.37, **window),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, atol=error)
    flags = read.quality_flags(**window)
    np.testing.assert_array_equal(flags, calibrated.quality_flags(**window))
    assert flags.dtype == np.uint8 and set(np.unique(calibrated.quality_flags())) == {0, 1, 2, 3}
    np.testing.assert_array_equal(read.quality_flags(), calibrated.quality_flags())
    assert all(end.shape == (0, len(NM)) for end in read.prediction_interval([], NM))


def test_intervals_cost_two_bytes_per_pixel_and_types_that_readers_know(
    field: SpectralField, calibrated: CalibratedBasisField, tmp_path: Path
) -> None:
    """The readers of 0.2.0 read every array, whether they use it or not."""
    for name, each in (("without", field), ("with", calibrated)):
        export.write(tmp_path / f"{name}.field", each, ExportPlan())
    without, with_them = ((tmp_path / f"{name}.field").read_bytes() for name in ("without", "with"))
    length = int.from_bytes(with_them[:8], "little")
    header = json.loads(with_them[8 : 8 + length])
    assert {entry["dtype"] for name, entry in header.items() if name != "__metadata__"} <= {"F16", "F32", "F64"}
    assert load_file(tmp_path / "with.field")["flags"].shape == (40, 52)
    assert 0 < len(with_them) - len(without) - 2 * 40 * 52 < 8000


def test_intervals_survive_masks_windows_and_further_exports(calibrated: CalibratedBasisField, tmp_path: Path) -> None:
    plan = ExportPlan(region=Region.parse("ellipse 5,8 25,40"), is_masked=True)
    export.write(tmp_path / "m.field", calibrated, plan)
    once = io.open_cube(tmp_path / "m.field")
    export.write(tmp_path / "again.field", once, ExportPlan(encoding=StorageEncoding(error_band=True)))
    for read in (once, io.open_cube(tmp_path / "again.field")):
        assert isinstance(read, CalibratedField)
        low, high = read.prediction_interval_band(555.5)
        expected = calibrated.prediction_interval([(15, 24)], [555.5])
        np.testing.assert_allclose([low[10, 16], high[10, 16]], np.ravel(expected), atol=1e-4)
        assert np.isnan(low[0, 0]) and np.isnan(high[0, 0]) and read.quality_flags()[0, 0] == 0
        inside = ~np.isnan(low)
        np.testing.assert_array_equal(
            read.quality_flags()[inside], calibrated.quality_flags(rows=slice(5, 25), cols=slice(8, 40))[inside]
        )
        assert read.quality_flags()[inside].any()


def test_intervals_that_do_not_follow_from_coefficients_are_refused(
    calibrated: CalibratedBasisField, field: SpectralField, tmp_path: Path
) -> None:
    asked = StorageEncoding(error_band=True)
    with pytest.raises(ValueError, match="does not follow from coefficients; .* to NetCDF-4, Zarr or .npz"):
        export.write(tmp_path / "r.field", calibrated, ExportPlan(light=Illuminant("D65"), encoding=asked))
    with pytest.raises(ValueError, match="this image has no prediction interval"):
        export.write(tmp_path / "r.field", field, ExportPlan(encoding=asked))
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_stores_wrong_intervals_is_noticed(
    calibrated: CalibratedBasisField, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = coefficients._interval_tables

    def damaged(source: io.CubeWriterSource) -> dict[str, np.ndarray]:
        written = tables(source)
        return {**written, "interval_high": written["interval_high"] + np.float32(0.01)}

    monkeypatch.setattr(coefficients, "_interval_tables", damaged)
    with pytest.raises(export.VerificationError):
        export.write(tmp_path / "p.field", calibrated, ExportPlan())


@pytest.mark.parametrize(
    ("change", "metadata"),
    [
        ({"interval_low": np.zeros((31, 3, 2), np.float32)}, {}),
        ({"interval_low": np.full((61, 3, 3), 0.1, np.float32)}, {}),
        ({"interval_above": None}, {}),
        ({"interval_below": np.full(61, np.nan, np.float32)}, {}),
        ({"interval_wavelengths": np.full(61, 500.0)}, {}),
        ({"flags": None}, {}),
        ({"flags": np.zeros((40, 51), np.float16)}, {}),
        ({}, {"white_level": "0"}),
        ({}, {"white_level": "nan"}),
        ({}, {"white_level": "bright"}),
    ],
)
def test_intervals_that_make_no_sense_are_refused(
    calibrated: CalibratedBasisField, tmp_path: Path, change: dict[str, object], metadata: dict[str, str]
) -> None:
    path, level = tmp_path / "p.field", {"white_level": "0.3"}
    export.write(path, calibrated, ExportPlan())
    assert isinstance(io.open_cube(rewritten(path, {}, level)), CalibratedField)
    with pytest.raises(UnreadableFile, match=r"p\.field"):
        io.open_cube(rewritten(path, change, {**level, **metadata}))


@pytest.mark.parametrize("plan", [ExportPlan(light=Illuminant("D65")), ExportPlan()], ids=["radiance", "measured"])
def test_what_has_no_coefficients_is_linear_between_its_bands(
    field: SpectralField, plan: ExportPlan, tmp_path: Path
) -> None:
    bands = Wavelengths.from_step(410, 690, 20)
    measured = CubeField(field.cube(bands).values - 0.2, bands, Quantity.REFLECTANCE)
    export.write(tmp_path / "c.field", measured, plan)
    read = io.open_cube(tmp_path / "c.field")
    expected = plan.prepared(measured).field
    assert not isinstance(read, CoefficientField) and read.quantity is expected.quantity
    np.testing.assert_allclose(read.cube(bands).values, expected.cube(bands).values, rtol=1e-6)
    assert read.cube(bands).values.min() < 0, "measured values may be negative"


def test_the_estimate_is_the_size_of_the_file(field: SpectralField, written: Path) -> None:
    estimate = export.estimated(ExportPlan().prepared(field, as_coefficients=True))
    assert 0 < written.stat().st_size - estimate.nbytes < 1201 * 4 * 12  # the functions of wavelength
    assert "8 coefficients for any wavelength of 400-700 nm of 52×40 pixels" in str(estimate)


def test_a_write_that_stores_wrong_coefficients_is_noticed(
    field: SpectralField, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = StorageEncoding.encode

    def damaged(self: StorageEncoding, values: np.ndarray) -> tuple[np.ndarray, int]:
        stored, clipped = encode(self, values)
        return (stored * 1.01 if values.ndim == 3 else stored), clipped

    monkeypatch.setattr(StorageEncoding, "encode", damaged)
    with pytest.raises(export.VerificationError):
        export.write(tmp_path / "p.field", field, ExportPlan())


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("nm", [400.0, 512.37, 700.0])
def test_the_readers_of_the_documentation_read_it(
    field: SpectralField, calibrated: CalibratedBasisField, dtype: str, nm: float, tmp_path: Path
) -> None:
    programs = [[sys.executable, str(READERS / "read_field.py")]]
    if node := shutil.which("node"):
        programs.append([node, str(READERS / "read_field.js")])
    for each in (field, calibrated):
        row, col = np.unravel_index(each.band(nm).argmax(), each.shape)
        path = tmp_path / "p.field"
        export.write(path, each, ExportPlan(encoding=StorageEncoding(dtype)))
        cube = io.open_cube(path)
        expected = [cube.spectra([(row, col)], [nm])[0, 0]]
        if isinstance(cube, CalibratedField):
            expected += [end[0, 0] for end in cube.prediction_interval([(row, col)], [nm])]
            assert expected[1] < expected[0] < expected[2]
        for program in programs:
            command = [*program, str(path), str(row), str(col), str(nm)]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            assert [float(word) for word in said.split()] == pytest.approx(expected, abs=1e-5), program


def test_the_reader_of_the_documentation_reads_windows(calibrated: CalibratedBasisField, tmp_path: Path) -> None:
    export.write(tmp_path / "p.field", calibrated, ExportPlan())
    reader = runpy.run_path(str(READERS / "read_field.py"))
    arrays, metadata = reader["read_field"](tmp_path / "p.field")
    window = np.s_[3:9, 40:]
    ends = reader["limits"](arrays, metadata, NM, window)
    (block,) = calibrated.prediction_interval_blocks(NM, rows=window[0], cols=slice(40, 52))
    for found, expected in zip(ends, (block.lower, block.upper), strict=True):
        np.testing.assert_allclose(np.moveaxis(found, -1, 0), expected, atol=1e-4)


def test_hints_do_not_apply(written: Path) -> None:
    assert io.open_cube(written, CubeHints(quantity=Quantity.RADIANCE)).quantity is Quantity.RADIANCE
    with pytest.raises(UnreadableFile, match="states its wavelengths; open it without hints"):
        io.open_cube(written, CubeHints(band_axis=0))


def test_the_content_decides(written: Path) -> None:
    other = written.rename(written.with_name("p.dat"))
    assert io.is_cube(other) and io.describe(other)["format"] == "Portable field spectral cube"


def rewritten(path: Path, change: dict[str, object], metadata: dict[str, str] | None = None) -> Path:
    """The file with some arrays or texts changed; None removes one."""
    arrays = {**load_file(path), **change}
    texts = {"format": FORMAT, "minimum": "0", "provenance": "{}", **(metadata or {})}
    save_file({name: value for name, value in arrays.items() if value is not None}, path, texts)
    return path


@pytest.mark.parametrize(
    ("change", "metadata"),
    [
        ({"basis": None}, {}),
        ({"wavelengths": np.array([700.0, 400.0])}, {}),
        ({"bands": np.array([300.0])}, {}),
        ({"coefficients": np.zeros((4, 5), np.float32)}, {}),
        ({"coefficients": np.zeros((4, 5, 3), np.int8)}, {}),
        ({"basis": np.full((1201, 8), np.nan, np.float32)}, {}),
        ({}, {"minimum": "nan"}),
        ({}, {"minimum": "low"}),
        ({}, {"provenance": "[1"}),
        ({}, {"quantity": "happiness"}),
        ({}, {"format": "nesr_gui field 2"}),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(
    written: Path, change: dict[str, object], metadata: dict[str, str]
) -> None:
    io.open_cube(rewritten(written, {}))  # as the library of the container writes it
    with pytest.raises(UnreadableFile, match=r"p\.field"):
        io.open_cube(rewritten(written, change, metadata))


@pytest.mark.parametrize("size", [0, 5, 8, 100, 3000, -1])
def test_a_truncated_file_is_refused(written: Path, size: int) -> None:
    content = written.read_bytes()
    written.write_bytes(content[:size])
    with pytest.raises(UnreadableFile):
        io.open_cube(written)


def test_a_header_may_not_state_any_offset(written: Path) -> None:
    content = written.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["coefficients"]["data_offsets"] = [-(1 << 40), 1 << 40]
    text = json.dumps(header).encode()
    written.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
    with pytest.raises(UnreadableFile):
        io.open_cube(written)


def test_a_basis_is_checked_and_linear() -> None:
    basis = Basis(Wavelengths(np.array([400.0, 500.0, 700.0])), np.array([[0, 1], [1, 1], [5, 1]], np.float32))
    np.testing.assert_allclose(
        basis.at(np.array([400, 450, 500, 600, 700.0])), [[0, 1], [0.5, 1], [1, 1], [3, 1], [5, 1]]
    )
    assert not basis.is_identity
    single = Basis(Wavelengths(np.array([500.0])), np.array([[2.0, 3.0]], np.float32))
    np.testing.assert_allclose(single.at(np.array([500.0])), [[2, 3]])
    with pytest.raises(ValueError, match=r"expected \(N, K\)"):
        replace(basis, functions=np.zeros((2, 2), np.float32))
