"""`nesr-gui export`: the choices of the dialog as options."""

# ruff: noqa: F811  (a fixture that is imported)

import numpy as np
import pytest
import tifffile
import torch

from nesr_gui import io
from nesr_gui.fields.protocol import CubeField
from nesr_gui.fields.sensor import SENSORS, Sensor, SensorField
from nesr_gui.inference.checkpoint import save_checkpoint
from nesr_gui.io.spectra.csv import write_curves
from nesr_gui.networks.band_network import DiscreteConfig, DiscreteNetwork
from nesr_gui.spectral import Quantity, Spectrum, Wavelengths
from tests.cli.test_cli import run  # noqa: F401

BANDS = Wavelengths.from_step(400, 700, 10)


@pytest.fixture
def cube(tmp_path):
    values = np.random.default_rng(0).random((31, 20, 30), np.float32)
    path = tmp_path / "cube.h5"
    io.write_cube(path, CubeField(values, BANDS, Quantity.REFLECTANCE), BANDS)
    return path


def test_a_photograph_is_exported_with_source_coordinates(run, photo, model_file, tmp_path):
    out = tmp_path / "o.npz"
    words = ("--max-pixels", 50, "--region", "rectangle 4,6 12,12", "--bands", 5, "--model", model_file)
    code, said, _ = run("export", photo, "-o", out, *words)
    assert code == 0 and "5 bands of 3×4 pixels; checked, 60 values read back." in said
    told = io.describe(out)
    assert (told["row_offset"], told["column_offset"], told["reduction"]) == ("4", "6", "2")
    assert io.open_cube(out).bands.nm.tolist() == [400, 475, 550, 625, 700]


def test_a_cube_is_exported_as_a_sensor_sees_it(run, cube, tmp_path):
    out = tmp_path / "o.hdr"
    assert run("export", cube, "-o", out, "--sensor", "Sentinel-2A", "--dtype", "uint16")[0] == 0
    read, expected = io.open_cube(out), SensorField(io.open_cube(cube), SENSORS["Sentinel-2A"])
    np.testing.assert_allclose(read.cube(read.bands).values, expected.cube(expected.bands).values, atol=5.1e-5)
    assert "exported_from: cube.h5" in run("info", out)[1]


def test_tables_of_responses_and_lights_are_read(run, cube, tmp_path):
    nm = Wavelengths.from_step(400, 700, 5)
    responses = [Spectrum(nm, np.exp(-(((nm.nm - at) / 20) ** 2)).astype(np.float32), f"at {at}") for at in (500, 600)]
    write_curves(tmp_path / "responses.csv", responses)
    write_curves(tmp_path / "lamp.csv", [Spectrum(nm, np.linspace(1, 2, 61, dtype=np.float32), "lamp")])
    words = ("--sensor", tmp_path / "responses.csv", "--light", tmp_path / "lamp.csv")
    assert run("export", cube, "-o", tmp_path / "o.npy", *words)[0] == 0
    read = io.open_cube(tmp_path / "o.npy")
    assert read.quantity is Quantity.RADIANCE and len(read.bands) == 2
    expected = SensorField(io.open_cube(cube), Sensor.measured("r", responses))
    assert (read.cube(read.bands).values < expected.cube(expected.bands).values).all()


def test_a_model_makes_more_bands_of_a_cube_that_has_those_it_sees(run, cube, model_file, tmp_path):
    seen = tuple(np.arange(400.0, 701, 20))
    network = DiscreteNetwork(DiscreteConfig("hscnn_r", 4, 1, tuple(np.arange(400.0, 701, 5)), seen)).eval()
    save_checkpoint(tmp_path / "sixteen.safetensors", network, {})
    model = ("--model", tmp_path / "sixteen.safetensors")
    assert run("export", cube, "-o", tmp_path / "o.nc", *model)[0] == 0
    read = io.open_cube(tmp_path / "o.nc")
    assert len(read.bands) == 61 and io.describe(tmp_path / "o.nc")["model"] == "sixteen"
    with torch.inference_mode():
        expected = network(torch.from_numpy(io.open_cube(cube).cube(seen).values)[None])[0].numpy()
    np.testing.assert_allclose(read.cube(read.bands).values, expected, atol=1e-5)
    run("export", cube, "-o", tmp_path / "few.nc", "--bands", 7)
    takes = "sixteen takes cubes with its 16 bands, 400-700 nm by 20 nm; "
    lacks = "few.nc has 7 bands, 400-700 nm by 50 nm, and lacks 420, 440, 460, 480 nm and 8 more"
    for words, told in (
        (("export", tmp_path / "few.nc", *model), f"{takes}{lacks}, so open such a cube or choose another model"),
        (("export", cube, "--model", model_file), "takes photographs; cube.h5 has 31 bands, 400-700 nm by 10 nm"),
    ):
        code, _, error = run(*words, "-o", tmp_path / "n.nc")
        assert (code, len(error.splitlines())) == (2, 1) and told in error


@pytest.mark.parametrize(
    "name", ["x.h5", "x.hdr", "x.tif", "x.npy", "x.npz", "x.zarr", "x.exr", "x.mat", "x.field", "x"]
)
def test_a_cube_is_not_written_over_itself(run, cube, tmp_path, name):
    if name in ("x.zarr", "x.exr"):
        pytest.importorskip("zarr" if name == "x.zarr" else "OpenEXR")
    source = tmp_path / name
    written = io.open_cube(cube)
    encoding = io.StorageEncoding("float32" if "." in name else "uint16")
    io.write_cube(source, written, written.bands, encoding=encoding)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    link = tmp_path / f"link{source.suffix}"
    link.symlink_to(source)
    dtype = ("--dtype", encoding.dtype)
    for image in [source, link, *([source.with_suffix(".img")] if name == "x.hdr" else [])]:
        code, _, told = run("export", image, "-o", source, "--region", "rectangle 0,0 4,4", *dtype)
        assert (code, told.count("\n")) == (2, 1)
        assert f"the output would replace {source}, a file that is in use; choose another name" in told
    link.unlink()
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before
    assert run("export", source, "-o", tmp_path / "y.h5")[0] == 0
    assert run("export", source, "-o", tmp_path / "y.h5")[0] == 0, "an earlier export is replaced"


def test_a_tiff_is_not_written_over_by_its_header(run, cube, tmp_path):
    written = io.open_cube(cube)
    io.write_cube(tmp_path / "x.tif", written, written.bands)
    (tmp_path / "x.hdr").write_text("ENVI\nfile type = TIFF\n")
    for out in ("x.tif", "x.hdr"):
        code, _, told = run("export", tmp_path / "x.hdr", "-o", tmp_path / out)
        assert code == 2 and f"would replace {tmp_path / out}" in told
    assert run("export", tmp_path / "x.tif", "-o", tmp_path / "y.hdr")[0] == 0


def test_a_photograph_is_not_replaced_by_its_cube(run, model_file, tmp_path):
    photo = tmp_path / "photo.tif"
    tifffile.imwrite(photo, np.full((8, 9, 3), 99, np.uint8), photometric="rgb")
    before = photo.read_bytes()
    for command in ("reconstruct", "export"):
        code, _, told = run(command, photo, "-o", photo, "--model", model_file)
        assert code == 2 and told.count("\n") == 1
        assert f"the output would replace {photo}, a file that is in use; choose another name" in told
    assert photo.read_bytes() == before
    (tmp_path / "photo.hdr").write_text("ENVI\nfile type = ENVI Standard\n")  # of an export of the photograph
    for _ in range(2):
        assert run("reconstruct", photo, "-o", tmp_path / "photo.hdr", "--model", model_file)[0] == 0


def test_an_estimate_writes_nothing(run, cube, tmp_path):
    code, said, _ = run("export", cube, "-o", tmp_path / "o.nc", "--estimate")
    assert code == 0 and "31 bands of 30×20 pixels: 74.4 kB, less than a second" in said
    assert not (tmp_path / "o.nc").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--bands", 3, "--wavelengths", "450"), "--wavelengths and --bands exclude each other; give one of them"),
        (("--mask",), "add --region"),
        (("--band-shape", "box"), "add --sensor"),
        (("--sensor", "Sentinel"), "'Sentinel' is neither a sensor nor a file; choose Sentinel-2A"),
        (("--light", "D99"), "unknown illuminant 'D99'"),
        (("--light", "daylight warm"), "write a temperature in kelvin"),
        (("--region", "circle 1,2"), "cannot read the region"),
        (("--region", "rectangle 50,0 60,9"), "lies outside the image of 20 rows and 30 columns"),
        (("--error-band",), "this image has no prediction interval"),
        (("--scale", 0), "it must be finite and above 0"),
    ],
)
def test_mistakes_are_one_line(run, cube, tmp_path, words, sentence):
    code, _, told = run("export", cube, "-o", tmp_path / "o.nc", *words)
    assert code == 2 and sentence in told and told.count("\n") == 1
    assert not (tmp_path / "o.nc").exists()
