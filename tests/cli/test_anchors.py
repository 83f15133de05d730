"""`--anchor ROW,COL=FILE`: measured spectra of spots on the command line."""

# ruff: noqa: F811  (a fixture that is imported)

import hashlib
import json

import imageio.v3 as iio
import numpy as np
import pytest

from nesr_gui import io
from nesr_gui.colorimetry.cie import encode_srgb
from nesr_gui.fields.anchored import Anchor
from nesr_gui.fields.camera import render_photograph
from nesr_gui.fields.protocol import CubeField
from nesr_gui.inference import engine
from nesr_gui.inference.checkpoint import save_checkpoint
from nesr_gui.inference.model import load_model
from nesr_gui.io.spectra.csv import read_curves, write_curves
from nesr_gui.io.spectra.readers import read_spectra
from nesr_gui.spectral import Quantity, Spectrum, Wavelengths
from tests import tiny
from tests.cli.test_cli import run  # noqa: F401
from tests.fields.test_anchored import model
from tests.training import worlds

BANDS = Wavelengths.from_step(400, 700, 10)


@pytest.fixture
def anchorable(tmp_path):
    """A tiny model that has a prior of its residuals."""
    checkpoint = model(tiny.CONFIG).checkpoint
    save_checkpoint(tmp_path / "t.safetensors", checkpoint.network, {}, checkpoint.calibration, checkpoint.prior)
    return tmp_path / "t.safetensors"


@pytest.fixture
def leaf(tmp_path):
    values = 0.4 + 0.2 * np.cos(np.linspace(0, 9, 31))
    write_curves(tmp_path / "leaf.csv", [Spectrum(BANDS, values.astype(np.float32), "leaf")])
    return tmp_path / "leaf.csv"


@pytest.fixture
def expected(photo, anchorable, leaf):
    """The reconstruction with `leaf` at row 5, column 6."""
    field = engine.encode(io.read_photograph(photo), load_model(anchorable, "cpu"))
    return field, field.anchored([Anchor(5, 6, read_spectra(leaf)[0])])


def test_spectra_and_cubes_are_corrected_and_state_it(run, photo, anchorable, leaf, expected, tmp_path):
    beneath, corrected = expected
    words = ("--anchor", f"5,6={leaf}", "--model", anchorable)
    assert (
        run("spectrum", photo, "--at", "2,3", "-o", tmp_path / "s.csv", "--wavelengths", "400:700:10", *words)[0] == 0
    )
    (curve,) = read_curves(tmp_path / "s.csv")
    np.testing.assert_allclose(curve.values, corrected.spectra([(2, 3)], BANDS)[0], atol=1e-5)
    assert abs(curve.values - beneath.spectra([(2, 3)], BANDS)[0]).max() > 0.01
    digest = hashlib.sha256(leaf.read_bytes()).hexdigest()
    for command in ("reconstruct", "export"):
        out = tmp_path / f"{command}.h5"
        assert run(command, photo, "-o", out, "--error-band", *words)[0] == 0
        read = io.open_cube(out)
        np.testing.assert_allclose(read.cube(BANDS).values, corrected.cube(BANDS).values, atol=1e-5)
        said = io.describe(out)["measured_spectra"]
        assert said.startswith("leaf at row 5 col 6, times ") and said.endswith(f"leaf.csv, SHA-256 {digest}")


def test_compare_uses_them(run, photo, anchorable, tmp_path):
    """The reconstruction that is compared is the corrected one."""
    shapes = np.cos(np.outer(np.linspace(0, 9, 31), np.random.default_rng(5).uniform(0.5, 1, 4)))
    values = (0.5 + 0.3 * shapes @ np.random.default_rng(6).uniform(0, 0.5, (4, 192))).reshape(31, 12, 16)
    truth = CubeField(values.astype(np.float32), BANDS, Quantity.REFLECTANCE)
    made, _ = render_photograph(truth, "")
    iio.imwrite(photo, np.round(255 * encode_srgb(made.values)).astype(np.uint8))
    io.write_cube(tmp_path / "truth.h5", truth, BANDS)
    write_curves(tmp_path / "spot.csv", [Spectrum(BANDS, truth.spectra([(5, 6)], BANDS)[0], "spot")])
    words = ("compare", photo, tmp_path / "truth.h5", "--model", anchorable, "--device", "cpu", "--json")
    found = []
    for number, more in enumerate([(), ("--anchor", f"5,6={tmp_path / 'spot.csv'}")]):
        code, _, error = run(*words, tmp_path / f"{number}.json", *more)
        assert code == 0, error
        found.append(json.loads((tmp_path / f"{number}.json").read_text())["rmse"])
    assert found[1] != found[0]


def test_one_of_several_spectra_is_named(run, photo, anchorable, tmp_path):
    curves = [Spectrum(BANDS, np.full(31, value, np.float32), name) for name, value in (("a", 0.3), ("b", 0.4))]
    write_curves(tmp_path / "two.csv", curves)
    words = ("spectrum", photo, "--at", "2,3", "--model", anchorable, "--anchor")
    assert run(*words, f"5,6={tmp_path / 'two.csv'}:b")[0] == 0
    code, _, error = run(*words, f"5,6={tmp_path / 'two.csv'}")
    assert code == 2 and "two.csv has 2 spectra; name one of them, as in two.csv:NAME: a, b" in error


def test_a_reading_of_another_colour_is_doubted(run, photo, anchorable, tmp_path):
    red = Spectrum(BANDS, np.geomspace(0.001, 1, 31).astype(np.float32), "red")
    write_curves(tmp_path / "red.csv", [red])
    words = ("spectrum", photo, "--at", "2,3", "--model", anchorable, "--anchor", f"5,6={tmp_path / 'red.csv'}")
    code, _, error = run(*words)
    assert code == 0 and "red at row 5, column 6: the reading has another colour than the photograph" in error


@pytest.mark.parametrize(
    ("anchor", "message"),
    [
        ("5,6", "cannot read the anchor '5,6'; write ROW,COL=FILE"),
        ("5;6=leaf.csv", "cannot read the pixel '5;6'"),
        ("5,6=none.csv", "there is no file none.csv"),
        ("50,6={leaf}", "there is no spot at row 50, column 6"),
    ],
)
def test_mistakes_are_one_line(run, photo, anchorable, leaf, anchor, message):
    words = ("spectrum", photo, "--at", "2,3", "--model", anchorable, "--anchor", anchor.format(leaf=leaf))
    code, _, error = run(*words)
    assert (code, len(error.splitlines())) == (2, 1) and message in error


def test_where_anchors_do_not_apply(run, photo, anchorable, leaf, tmp_path):
    words = ("--anchor", f"5,6={leaf}")
    io.write_cube(tmp_path / "c.h5", CubeField(np.ones((31, 4, 5), np.float32), BANDS), BANDS)
    for command in (
        ("spectrum", tmp_path / "c.h5", "--at", "1,1"),
        ("export", tmp_path / "c.h5", "-o", tmp_path / "o.h5"),
    ):
        code, _, error = run(*command, *words)
        assert code == 2 and "c.h5 is a cube; --anchor applies to photographs" in error
    several = ("reconstruct", photo, photo, "-o", tmp_path / "cubes", "--model", anchorable)
    code, _, error = run(*several, *words)
    assert code == 2 and "--anchor belongs to a single photograph" in error


def test_evaluate_reports_numbers_of_spots(run, tmp_path):
    worlds.write_scene(tmp_path / "scenes", worlds.scene("a"))
    save_checkpoint(tmp_path / "plain.safetensors", tiny.network(), {})
    words = ("evaluate", "--scenes", tmp_path / "scenes", "--model", tmp_path / "plain.safetensors", "--device", "cpu")
    code, text, error = run(*words, "--anchors", "0,1")  # before hours of evaluation
    assert code == 2 and text == "" and "plain has no prior for measured spectra, which --anchors needs" in error
    code, _, error = run("evaluate", "--scenes", tmp_path, "--anchors", "0,x")
    assert code == 2 and "cannot read the numbers of spots '0,x'; write them as in 0,1,3,5,10,24" in error
