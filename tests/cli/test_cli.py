"""The command line as a user types it: files, exit codes, one-line errors."""

import json
import math
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import imageio.v3 as iio
import numpy as np
import pytest
import torch

import nesr_gui
from nesr_gui import cli, io
from nesr_gui.cli.options import write_json
from nesr_gui.colorimetry.cie import encode_srgb
from nesr_gui.fields.camera import render_photograph
from nesr_gui.fields.protocol import CubeField
from nesr_gui.inference.checkpoint import save_checkpoint
from nesr_gui.io.spectra.csv import read_curves, write_curves
from nesr_gui.io.spectra.envi_library import write_curves as write_library
from nesr_gui.networks.band_network import DiscreteConfig
from nesr_gui.networks.baselines import BandInterpolationConfig, SparseCodingConfig
from nesr_gui.networks.registry import build
from nesr_gui.spectral import Quantity, Spectrum, Wavelengths
from nesr_gui.training.trainer import Trainer
from tests.networks.test_authors_release import release_state
from tests.training import worlds


@pytest.fixture
def run(monkeypatch, capsys):
    """Call the program with words; returns (exit code, stdout, stderr)."""

    def called(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["nesr-gui", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        captured = capsys.readouterr()
        return stopped.value.code or 0, captured.out, captured.err

    return called


def test_reconstruct_writes_what_the_field_says(run, photo, model_file, tmp_path):
    out = tmp_path / "out.h5"
    code, text, _ = run("reconstruct", photo, "-o", out, "--wavelengths", "450,550.5", "--model", model_file)
    assert (code, out.exists()) == (0, True)
    assert "2 bands of 16×12 pixels" in text
    field = nesr_gui.reconstruct(photo, nesr_gui.load_model(model_file))
    cube = nesr_gui.open_cube(out)
    np.testing.assert_array_equal(cube.cube([450, 550.5]).values, field.cube([450, 550.5]).values)
    assert cube.provenance["model"] == "tiny"
    assert cube.provenance["reduction"] == "1"


@pytest.mark.parametrize(("options", "bands"), [((), 31), (("--bands", 7), 7), (("--wavelengths", "400:700:100"), 4)])
def test_reconstruct_s_wavelengths(run, photo, model_file, tmp_path, options, bands):
    assert run("reconstruct", photo, "-o", tmp_path / "o.h5", "--model", model_file, *options)[0] == 0
    assert len(io.open_cube(tmp_path / "o.h5").wavelengths) == bands


def test_reconstruct_reduces_on_request(run, photo, model_file, tmp_path):
    run("reconstruct", photo, "-o", tmp_path / "o.h5", "--model", model_file, "--max-pixels", 50)
    cube = io.open_cube(tmp_path / "o.h5")
    assert cube.shape == (6, 8)
    assert cube.provenance["reduction"] == "2"


@pytest.mark.parametrize("command", ["reconstruct", "export", "compare"])
@pytest.mark.parametrize("most", [0, -5])
def test_a_photograph_of_no_pixels_is_refused(run, photo, tmp_path, command, most):
    other = (tmp_path / "c.h5",) if command == "compare" else ("-o", tmp_path / "o.h5")
    code, _, errors = run(command, photo, *other, "--max-pixels", most)
    assert code == 2 and f"{most} is not in the range x>=1" in errors


def test_spectrum_prints_or_writes_curves(run, photo, model_file, tmp_path):
    options = ("spectrum", photo, "--at", "3,4", "--at", "11,15", "--model", model_file)
    code, text, _ = run(*options, "--wavelengths", "500,600.5")
    assert code == 0
    assert text.splitlines()[0] == "nm\trow 3 col 4\trow 11 col 15"
    assert run(*options, "-o", tmp_path / "c.csv")[0] == 0
    first, second = read_curves(tmp_path / "c.csv")
    expected = nesr_gui.reconstruct(photo, nesr_gui.load_model(model_file)).spectra(
        [(3, 4), (11, 15)], first.wavelengths
    )
    np.testing.assert_array_equal([first.values, second.values], expected)
    assert len(first.wavelengths) == 301


def test_info_tells_of_models_cubes_and_photographs(run, photo, model_file, tmp_path):
    assert "16 x 12 pixels" in run("info", photo)[1]
    assert "seed: 0" in run("info", model_file)[1]
    run("reconstruct", photo, "-o", tmp_path / "o.h5", "--model", model_file)
    assert "photo.png" in run("info", tmp_path / "o.h5")[1]


@pytest.mark.parametrize("system", ["bi", "a+"])
def test_baselines_are_fitted_into_model_files(run, photo, tmp_path, monkeypatch, system):
    monkeypatch.setattr("nesr_gui.training.closed_form.ROUNDS", 1)
    worlds.write_scene(tmp_path / "scenes", worlds.scene("a", side=13))
    worlds.write_library(tmp_path / "l.npz", worlds.library("fine", 1))
    data = ("--scenes", tmp_path / "scenes", "--spectra", tmp_path / "l.npz")
    train = ("train", "--system", system, *data, "--out", tmp_path / "run")
    assert run(*train)[0] == 0
    model = tmp_path / "run" / "model.safetensors"
    assert "interpolated linearly" in run("info", model)[1]
    assert run("reconstruct", photo, "-o", tmp_path / "o.h5", "--model", model, "--bands", 5)[0] == 0


def test_the_release_s_weights_become_a_model(run, photo, tmp_path):
    torch.save(release_state(), tmp_path / "model.pth")
    code, text, _ = run("import-weights", tmp_path / "model.pth", "-o", tmp_path / "m.safetensors")
    assert code == 0 and "jointly" in text
    code, _, told = run("reconstruct", photo, "-o", tmp_path / "o.h5", "--model", tmp_path / "m.safetensors")
    assert code == 0 and "jointly" in told
    assert "jointly" in run("info", tmp_path / "o.h5")[1]
    code, _, error = run("import-weights", photo, "-o", tmp_path / "n.safetensors")
    assert (code, len(error.splitlines())) == (2, 1) and "cannot be imported" in error


def test_info_counts_the_parameters_of_every_system(run):
    code, text, _ = run("info", "--models")
    rows = {row.split()[0]: row for row in text.splitlines()[1:]}
    assert code == 0
    assert rows["awan+nesr"].split()[4:8] == ["29.29", "M", "29.29", "M"]
    assert "1.62 M" in rows["mst++"] and "31 bands, 400-700 nm, interpolated linearly" in rows["mst++"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["reconstruct", "PHOTO", "-o", "o.h5", "--model", "MODEL", "--wavelengths", "380:720:10"], "400-700 nm"),
        (["reconstruct", "PHOTO", "-o", "o.h5", "--model", "MODEL", "--wavelengths", "red"], "cannot read wavelengths"),
        (["reconstruct", "PHOTO", "-o", "o.h5", "--model", "MODEL", "--bands", "0"], "between 1 and"),
        (["reconstruct", "PHOTO", "-o", "o.docx", "--model", "MODEL"], "o.docx"),
        (["reconstruct", "MODEL", "-o", "o.h5", "--model", "MODEL"], "tiny.safetensors"),
        (["reconstruct", "missing.png", "-o", "o.h5", "--model", "MODEL"], "missing.png"),
        (["reconstruct", "PHOTO", "-o", "o.h5", "--model", "PHOTO"], "not a safetensors file"),
        (["reconstruct", "PHOTO", "-o", "o.h5", "--device", "abacus", "--model", "MODEL"], "abacus"),
        (["spectrum", "PHOTO", "--at", "12,0", "--model", "MODEL"], "rows 0-11"),
        (["spectrum", "PHOTO", "--at", "middle", "--model", "MODEL"], "write ROW,COL"),
        (["info", "missing.h5"], "missing.h5"),
        (["info"], "or --models"),
        (["train", "--out", "run", "--bands", "7"], "give --system hscnn-r"),
        (["train", "--out", "run", "--system", "awan", "--attention", "none"], "apply to NeSR"),
        (["train", "--out", "run", "--system", "alexnet"], "unknown system 'alexnet'; available: hscnn-r,"),
        (["train", "--out", "run"], "nothing to train on; give a folder of scenes"),
        (["evaluate", "--scenes", "."], "no scene in"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(run, photo, model_file, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    named = {"PHOTO": photo, "MODEL": model_file}
    code, _, error = run(*(named.get(word, word) for word in words))
    assert code == 2
    assert message in error
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "o.h5").exists()


def test_train_then_evaluate(run, tmp_path):
    worlds.write_scene(tmp_path / "scenes", worlds.scene("a", side=13))
    worlds.write_scene(tmp_path / "scenes", worlds.scene("b", 1, side=13))
    worlds.write_library(tmp_path / "l.npz", worlds.library("fine", 1))
    data = ["--scenes", tmp_path / "scenes", "--spectra", tmp_path / "l.npz"]
    train = ["train", *data, "--out", tmp_path / "run", "--steps", 2, "--leave-out", "b"]
    code, text, _ = run(*train)
    assert (code, "1 scenes, " in text) == (0, True)
    model = tmp_path / "run" / "model.safetensors"
    assert "from step 2 of 2" in run(*train)[1]
    evaluate = [
        "evaluate",
        *data,
        "--train-scenes",
        tmp_path / "scenes",
        "--model",
        model,
        "--json",
        tmp_path / "f.json",
    ]
    code, text, _ = run(*evaluate)
    assert code == 0
    report = json.loads((tmp_path / "f.json").read_text())
    assert {row["method"] for row in report["accuracy"]} > {"linear regression", "model"}
    assert {row["scene"] for row in report["accuracy"]} == {"a", "b", "mean"}
    assert {row["exposure"] for row in report["exposure"]} == {0.1, 0.2, 0.5}
    assert [row["quality"] for row in report["jpeg"]] == ["JPEG 75", "JPEG 85", "JPEG 95"] * 2
    assert [row["method"] for row in report["between bands"]][-1] == "model"
    assert "intervals" not in text
    (tmp_path / "again").mkdir()
    other = shutil.copy(model, tmp_path / "again")
    brief = ["evaluate", "--brief", "--scenes", tmp_path / "scenes", "--model", model, "--model"]
    code, text, _ = run(*brief, other)
    assert code == 0 and "run/model" in text and "again/model" in text
    code, _, error = run(*brief, model)
    assert (code, "several models are called run/model" in error) == (2, True)
    assert run(*train[:-1], "nobody", "--steps", 3)[0] == 2


@pytest.mark.parametrize(
    ("config", "left_out"),
    [
        (DiscreteConfig("hscnn_r", 6, 1, bands=tuple(Wavelengths.evenly_spaced(61))), "61 bands"),
        (BandInterpolationConfig(), "5 bands"),
        (SparseCodingConfig(atoms=8), None),
    ],
)
def test_any_model_is_evaluated_as_far_as_possible(run, tmp_path, config, left_out):
    """What does not apply to it is left out with a line, instead of all that was found before."""
    worlds.write_scene(tmp_path / "scenes", worlds.scene("a", side=13))
    torch.manual_seed(0)
    network = build(config)
    for fitted in network.buffers():
        fitted.uniform_()
    save_checkpoint(tmp_path / "many.safetensors", network, {})
    report, failures = tmp_path / "f.json", tmp_path / "f.png"
    words = ("--model", tmp_path / "many.safetensors", "--json", report, "--failures", failures, "--device", "cpu")
    code, text, _ = run("evaluate", "--scenes", tmp_path / "scenes", *words)
    assert code == 0 and (f"the parts of many are not evaluated: it answers {left_out}" in text) == bool(left_out)
    found = json.loads(report.read_text())
    assert found["accuracy"] and bool(found["contributions"]) != bool(left_out) and failures.exists()


@pytest.mark.parametrize("option", ["--cameras", "--colours"])
def test_a_file_that_is_not_for_attacks_is_told_before_them(run, model_file, tmp_path, option):
    worlds.write_scene(tmp_path / "scenes", worlds.scene("a"))
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    words = ("evaluate", "--scenes", tmp_path / "scenes", "--model", model_file, "--attacks", "--device", "cpu")
    code, text, error = run(*words, option, tmp_path / "other.npz")
    assert (code, text, error.count("\n")) == (2, "", 1)


def test_numbers_that_are_not_finite_are_null_in_json(tmp_path):
    """Strict readers refuse a file with NaN."""
    content = {"a": math.nan, "b": [math.inf, 1.5, np.float64(-np.inf)], "c": ({"d": math.nan}, 2, "NaN", None, True)}
    write_json(tmp_path / "f.json", content)
    read = json.loads((tmp_path / "f.json").read_text(), parse_constant=pytest.fail)
    assert read == {"a": None, "b": [None, 1.5, None], "c": [{"d": None}, 2, "NaN", None, True]}


def test_a_calibrated_model_says_how_far_it_may_be_off(run, tmp_path, monkeypatch):
    monkeypatch.setattr("nesr_gui.training.residual_prior.STEPS", 10)
    for seed, name in enumerate("ab"):
        worlds.write_scene(tmp_path / "scenes", worlds.scene(name, seed, side=13))
    worlds.write_library(tmp_path / "l.npz", worlds.library("fine", 1))
    data = ["--scenes", tmp_path / "scenes", "--spectra", tmp_path / "l.npz"]
    train = ["train", *data, "--size", "colour", "--steps", 2]
    for name in "ab":
        assert run(*train, "--out", tmp_path / "runs" / name, "--leave-out", name)[0] == 0
    assert run(*train, "--out", tmp_path / "all")[0] == 0
    model = tmp_path / "all" / "model.safetensors"
    code, text, _ = run("calibrate", model, "--runs", tmp_path / "runs", *data)
    assert (code, text.count("are within their intervals")) == (0, 3)
    assert "calibrated: a, b, spectra kept out" in run("info", model)[1]
    failures = tmp_path / "failures.png"
    code, text, _ = run("evaluate", "--scenes", tmp_path / "scenes", "--model", model, "--failures", failures)
    assert iio.imread(failures).shape[1] == 1040
    assert "90 % intervals hold 0." in text
    code, _, error = run("calibrate", model, "--runs", tmp_path / "nothing", *data)
    assert (code, "train --leave-out" in error) == (2, True)


def test_a_run_may_begin_with_the_weights_of_a_model(run, tmp_path):
    worlds.write_scene(tmp_path / "scenes", worlds.scene("a", side=13))
    train = ["train", "--scenes", tmp_path / "scenes", "--size", "colour", "--steps", 1]
    assert run(*train, "--out", tmp_path / "one")[0] == 0
    start = ["--start", tmp_path / "one" / "model.safetensors"]
    assert run(*train, "--out", tmp_path / "two", *start)[0] == 0
    assert "started from: model" in run("info", tmp_path / "two" / "model.safetensors")[1]
    code, _, error = run(*train, "--out", tmp_path / "three", "--size", "field", *start)
    assert (code, error.count("\n")) == (2, 1) and "has other settings than the network" in error


def test_the_device_determines_the_precision_of_a_run_which_may_go_on_on_another(run, tmp_path, monkeypatch):
    worlds.write_scene(tmp_path / "scenes", worlds.scene("a", side=13))
    train = ["train", "--scenes", tmp_path / "scenes", "--size", "colour", "--steps", 1]
    for faster, name, precision in ((True, "bfloat16", "bf16-mixed"), (False, "float32", "32-true")):
        monkeypatch.setattr("nesr_gui.training.commands.is_faster_in_bfloat16", lambda device, f=faster: f)
        code, text, _ = run(*train, "--out", tmp_path / name)
        assert (code, f"from step 0 of 1, in {name}\n" in text) == (0, True)
        assert f"'precision': '{precision}'" in run("info", tmp_path / name / "model.safetensors")[1]
    code, text, _ = run(*train, "--out", tmp_path / "bfloat16")
    assert (code, "from step 1 of 1, in float32\n" in text) == (0, True)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (["--scenes", "OTHER"], "other scenes"),
        (["--scenes", "MARKED"], "other scenes"),
        (["--spectra", "other/l.npz"], "other spectra"),
        (["--leave-out", "b"], "left out none, not b"),
        (["--start", "START"], "start none, not "),
    ],
)
def test_a_run_is_not_resumed_with_other_data(run, tmp_path, monkeypatch, changed, message):
    """Or the finished model would be labelled with data that it has never seen."""
    monkeypatch.chdir(tmp_path)
    for folder, seed in (("scenes", 0), ("OTHER", 5), ("MARKED", 0)):
        for number, name in enumerate("ab"):
            worlds.write_scene(tmp_path / folder, worlds.scene(name, seed + number, side=13))
    (tmp_path / "MARKED" / "chart_boxes.json").write_text('{"a": [0, 9, 0, 9]}')
    (tmp_path / "other").mkdir()
    for name, count in (("l.npz", 60), ("other/l.npz", 50)):
        worlds.write_library(tmp_path / name, worlds.library("coarse", 10, count))
    train = ["train", "--scenes", "scenes", "--spectra", "l.npz", "--out", "run", "--size", "colour", "--steps", 1]
    started = [*train[:-2], "--steps", 2, "--out", "started"]
    assert run(*started)[0] == run(*train)[0] == 0
    model, start = tmp_path / "run" / "model.safetensors", tmp_path / "started" / "model.safetensors"
    before = model.read_bytes()
    given = [start if word == "START" else word for word in changed]
    kept = [word for word in train if word not in ("--spectra", "l.npz")] if "--spectra" in changed else train
    code, _, error = run(*kept, *given)
    assert (code, error.count("\n")) == (2, 1) and message in error
    assert model.read_bytes() == before
    assert "from step 1 of 1" in run(*train)[1]


def test_a_run_that_an_older_version_recorded_is_resumed(run, tmp_path):
    """It recorded the settings alone."""
    worlds.write_scene(tmp_path / "scenes", worlds.scene("a", side=13))
    train = ["train", "--scenes", tmp_path / "scenes", "--out", tmp_path / "run", "--size", "colour", "--steps", 1]
    assert run(*train)[0] == 0
    path = tmp_path / "run" / "config.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({key: record[key] for key in ("network", "training")}))
    assert "from step 1 of 1" in run(*train)[1]


@pytest.mark.parametrize("system", ["bi", "a+"])
def test_a_fitted_system_does_not_replace_the_model_of_another_run(run, tmp_path, monkeypatch, system):
    monkeypatch.setattr("nesr_gui.training.closed_form.ROUNDS", 1)
    worlds.write_scene(tmp_path / "scenes", worlds.scene("a", side=13))
    train = ["train", "--scenes", tmp_path / "scenes", "--out"]
    network, fitted = ["--size", "colour", "--steps", 1], ["--system", system]
    for folder, first, second in (("network", network, fitted), ("fitted", fitted, network)):
        assert run(*train, tmp_path / folder, *first)[0] == 0
        model = tmp_path / folder / "model.safetensors"
        before = model.read_bytes()
        code, _, error = run(*train, tmp_path / folder, *second)
        assert code == 2 and "holds a run with other settings" in error and "another network" in error
        assert model.read_bytes() == before
    assert run(*train, tmp_path / "fitted", *fitted, "--steps", 3, "--rate", 1)[0] == 0  # which it has not
    code, _, error = run(*train, tmp_path / "fitted", *fitted, "--seed", 1)
    assert code == 2 and "seed 0, not 1" in error


def test_training_stopped_by_ctrl_c_is_no_success(run, tmp_path, monkeypatch):
    """Or a script would go on with a model that does not exist."""
    worlds.write_scene(tmp_path / "scenes", worlds.scene("a", side=13))
    train = ["train", "--scenes", tmp_path / "scenes", "--out", tmp_path / "run", "--size", "colour", "--steps", 3]
    advance = Trainer._advance

    def interrupted(trainer: Trainer) -> float:
        if trainer.step == 2:
            raise KeyboardInterrupt
        return advance(trainer)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_advance", interrupted)
        code, text, _ = run(*train)
    assert code == 130 and "stopped after step 2; the same command resumes it" in text
    assert not (tmp_path / "run" / "model.safetensors").exists()
    code, text, _ = run(*train)
    assert code == 0 and "from step 2 of 3" in text


def test_a_run_that_came_to_nothing_is_one_line(run, tmp_path, monkeypatch):
    worlds.write_scene(tmp_path / "scenes", worlds.scene("a", side=13))
    monkeypatch.setattr("nesr_gui.training.vital_signs.LEAST_SHARE", 1e9)
    train = ["train", "--scenes", tmp_path / "scenes", "--out", tmp_path / "run", "--size", "colour", "--steps", 1]
    code, _, error = run(*train)
    assert code == 2 and "answers a constant" in error.splitlines()[-1] and "lower the learning rate" in error
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_help_needs_neither_torch_nor_qt():
    code = (
        "import sys; sys.argv = ['nesr-gui', '--help']\n"
        "from nesr_gui.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'PySide6', 'numpy', 'h5py'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "reconstruct" in done.stdout


def test_without_a_display_the_sample_is_reconstructed(tmp_path, photo, model_file):
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    if sys.platform in ("win32", "darwin"):
        pytest.skip("there is always a display here")
    command = [sys.executable, "-m", "nesr_gui", str(photo), "--model", str(model_file)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "no display" in done.stdout
    assert done.stderr == ""
    written = {path.name for path in (tmp_path / "nesr-out").iterdir()}
    assert written == {"cube.h5", "spectra.csv", "window.png"}
    assert len(read_curves(tmp_path / "nesr-out" / "spectra.csv")) == 3


def test_info_and_spectrum_of_cubes(run, tmp_path):
    band, row, col = np.mgrid[:3, :5, :6]
    cube = (0.1 + 0.3 * band + 0.011 * row + 0.0023 * col).astype(np.float32)
    np.save(tmp_path / "c.npy", cube)
    code, _, error = run("info", tmp_path / "c.npy")
    assert code == 2 and "specify it with --band-axis 0" in error and len(error.splitlines()) == 1
    code, _, error = run("info", tmp_path / "c.npy", "--band-axis", 0)
    assert code == 2 and "specify it with --band-wavelengths …" in error
    said = ("--band-wavelengths", "450,500,650", "--quantity", "radiance")
    code, text, _ = run("info", tmp_path / "c.npy", *said)
    assert code == 0 and "bands: 3, 450-650 nm" in text and "quantity: radiance" in text
    code, text, _ = run("spectrum", tmp_path / "c.npy", "--at", "4,5", *said)
    assert code == 0
    np.testing.assert_allclose([float(row.split()[1]) for row in text.splitlines()[1:]], cube[:, 4, 5], atol=1e-5)


@pytest.mark.parametrize("name", ["c.csv", "c.sli"])
def test_info_tells_of_curves(run, tmp_path, name):
    curves = [Spectrum(Wavelengths.evenly_spaced(3), np.ones(3, np.float32), label) for label in ("one", "two")]
    (write_curves if name == "c.csv" else write_library)(tmp_path / name, curves)
    code, text, _ = run("info", tmp_path / name)
    assert code == 0 and "spectra: 2, 400-700 nm" in text and "names: one, two" in text


@pytest.mark.parametrize("name", ["c.hdr", "c.mat", "c.tif", "c.zarr", "c.npz", "c.exr"])
def test_info_tells_of_every_kind_of_cube(run, tmp_path, name):
    field = CubeField(
        np.ones((2, 3, 4), np.float32), Wavelengths.evenly_spaced(2), Quantity.RADIANCE, {"source": "p.png"}
    )
    io.write_cube(tmp_path / name, field, field.wavelengths)
    code, text, _ = run("info", tmp_path / name)
    size = int(text.partition("bytes: ")[2].split()[0])
    assert size >= 4 * 2 * 3 * 4 or name == "c.exr"
    assert code == 0 and "size: 4 x 3 pixels" in text and "source: p.png" in text and "radiance" in text


def test_compare_prints_figures_of_a_turned_cube(run, photo, model_file, tmp_path):
    values, bands = np.random.default_rng(5).random((31, 12, 16), np.float32), Wavelengths.from_step(400, 700, 10)
    made, _ = render_photograph(CubeField(values, bands, Quantity.REFLECTANCE), "")
    iio.imwrite(photo, np.round(255 * encode_srgb(made.values)).astype(np.uint8))
    cube, report = tmp_path / "turned.h5", tmp_path / "figures.json"
    io.write_cube(cube, CubeField(np.ascontiguousarray(values[:, ::-1]), bands, Quantity.REFLECTANCE), bands)
    code, text, _ = run("compare", photo, cube, "--json", report, "--model", model_file, "--device", "cpu")
    assert code == 0 and "flipped vertically, values × 1," in text and "MRAE" in text
    figures = json.loads(report.read_text())
    assert figures["pixels"] == 192 and figures["orientation"] == "top and bottom exchanged"
    stored, provenance = tmp_path / "stored.h5", {"model": "m", "model_sha256": "ab"}
    io.write_cube(stored, CubeField(values, bands, Quantity.REFLECTANCE, provenance), bands)
    code, _, error = run("compare", photo, stored, "--model", model_file, "--device", "cpu")
    assert code == 0 and "stored.h5 is a reconstruction by m: two estimates are compared" in error
    other = tmp_path / "other.h5"
    io.write_cube(other, CubeField(values[:, :, :7], bands), bands)
    code, _, error = run("compare", photo, other, "--model", model_file)
    assert code == 2 and "7x12" in error and error.count("\n") == 1


def test_small_numbers_keep_their_digits(run, tmp_path):
    values = np.array([1.25e-7, 3.5e-9, 0.123456])[:, None, None] * np.ones((3, 4, 5))
    bands = Wavelengths.evenly_spaced(3)
    io.write_cube(tmp_path / "c.nc", CubeField(values.astype(np.float32), bands), bands)
    code, text, _ = run("spectrum", tmp_path / "c.nc", "--at", "1,2")
    assert code == 0 and [row.split()[1] for row in text.splitlines()[1:]] == ["1.25e-07", "3.5e-09", "0.123456"]


@pytest.mark.parametrize("stated", ["700:400:-150", "700, 550, 400", "[700 550 400]", "0.7um,0.55um,0.4um"])
def test_wavelengths_of_bands_may_be_stated_in_the_order_of_the_file(run, tmp_path, stated):
    band, row, col = np.mgrid[:3, :5, :6]
    np.save(tmp_path / "c.npy", (0.1 + 0.3 * band + 0.011 * row + 0.0023 * col).astype(np.float32))
    words = ("--at", "0,0", "--band-axis", 0, "--band-wavelengths", stated)
    code, text, _ = run("spectrum", tmp_path / "c.npy", *words)
    assert code == 0
    assert [row.split() for row in text.splitlines()[1:]] == [["400", "0.7"], ["550", "0.4"], ["700", "0.1"]]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_batch_of_names_that_are_not_utf_8(run, photo, model_file, tmp_path):
    names = [tmp_path / os.fsdecode(name) for name in (b"caf\xe9.png", b"\xff.png")]
    for name in names:
        shutil.copy(photo, name)
    out = tmp_path / os.fsdecode(b"out\xe9")
    for skipped in (False, True):
        code, _, error = run("reconstruct", *names, "-o", out, "--model", model_file, "--bands", 3, "--jobs", 1)
        assert code == 0, error
        assert sorted(path.name for path in out.iterdir()) == sorted(f"{name.stem}.h5" for name in names), skipped
    assert io.open_cube(out / os.fsdecode(b"caf\xe9.h5")).provenance["photograph"] == "caf\\xe9.png"


def test_a_report_is_not_written_over_what_it_is_about(run, photo, tmp_path):
    before = photo.read_bytes()
    for words in (
        ("compare", photo, photo, "--json", photo),
        ("calibrate-camera", photo, "-o", tmp_path / "c.json", "--json", photo),
        ("gui", photo, "--screenshot", photo),
        ("import-weights", photo, "-o", photo),
    ):
        code, _, error = run(*words)
        assert (code, error.count("\n")) == (2, 1) and f"would replace {photo}" in error
    assert photo.read_bytes() == before


@pytest.mark.parametrize(
    "words",
    [
        ("evaluate", "--scenes", ".", "--json", "gone/f.json"),
        ("evaluate", "--scenes", ".", "--failures", "gone/f.png"),
        ("benchmark", "--json", "gone/f.json"),
        ("reconstruct", "p.png", "-o", "gone/cube.h5"),
        ("export", "p.png", "-o", "gone/cube.h5"),
        ("spectrum", "p.png", "--at", "1,1", "-o", "gone/s.csv"),
    ],
)
def test_a_folder_that_is_missing_is_noticed_before_anything_is_read(run, tmp_path, monkeypatch, words):
    """Evaluations and benchmarks take minutes to hours."""
    monkeypatch.chdir(tmp_path)
    code, text, error = run(*words)
    assert (code, text) == (2, "") and f"there is no folder {tmp_path / 'gone'}" in error


def test_ctrl_c_of_any_command_is_no_failure(run, photo, monkeypatch):
    """Scripts tell it from a photograph that cannot be read by the exit code."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("nesr_gui.cli.inspect.open_field", interrupted)
    assert run("spectrum", photo, "--at", "1,1")[::2] == (130, "nesr-gui: stopped\n")


def test_a_misspelt_command_is_no_image(run, tmp_path, monkeypatch):
    monkeypatch.setattr("nesr_gui.cli.gui.import_window", lambda: SimpleNamespace(run=lambda files, **_: len(files)))
    monkeypatch.chdir(tmp_path)
    code, _, error = run("reconstrcut", "photo.png")
    assert code == 2 and "there is no file and no command reconstrcut; did you mean reconstruct?" in error
    assert run("photo.png", "other.png")[0] == 2, "both are opened"
    (tmp_path / "m.safetensors").touch()
    assert run("--model", tmp_path / "m.safetensors", "photo.png")[0] == 1, "an option, not nearly `models`"
    (tmp_path / "reconstrcut").mkdir()
    assert run("reconstrcut")[0] == 1, "a cube in a folder is opened"


def test_samples_do_not_replace_other_files(run, tmp_path):
    assert run("samples", tmp_path)[0] == run("samples", tmp_path)[0] == 0
    own = tmp_path / "astronaut.png"
    own.write_bytes(b"own")
    (tmp_path / "coffee.png").unlink()
    code, _, error = run("samples", tmp_path)
    assert (code, error.count("\n")) == (2, 1) and f"{own} is another file" in error
    assert own.read_bytes() == b"own" and not (tmp_path / "coffee.png").exists()


@pytest.mark.parametrize(("option", "number"), [("--steps", 0), ("--steps", -1), ("--rate", 0), ("--rate", -0.001)])
def test_a_run_needs_steps_and_a_rate(run, tmp_path, monkeypatch, option, number):
    """A run of -1 steps had no end, and a negative rate made the network worse."""
    monkeypatch.setattr("nesr_gui.training.commands.train", pytest.fail)
    code, _, error = run("train", "--scenes", tmp_path, "--out", tmp_path / "run", option, number)
    assert code == 2 and f"Invalid value for '{option}'" in error


@pytest.mark.parametrize("rate", [0, -0.001])
def test_an_experiment_needs_a_rate(run, tmp_path, rate):
    given = ("--dataset", "cave", "--root", tmp_path, "--out", tmp_path / "run", "--rate", rate)
    code, _, error = run("experiment", "table1", *given)
    assert code == 2 and "Invalid value for '--rate'" in error


@pytest.mark.parametrize(
    ("module", "words", "library"),
    [
        ("sklearn", ("train", "--scenes", "scenes", "--spectra", "l.npz", "--out", "run"), "scikit-learn"),
        (
            "sklearn",
            ("evaluate", *("--scenes", "scenes", "--train-scenes", "scenes", "--spectra", "c.npz")),
            "scikit-learn",
        ),
        ("matplotlib", ("evaluate", "--scenes", "scenes", "--failures", "f.png"), "matplotlib"),
    ],
)
def test_a_package_of_training_that_is_missing_is_named(run, tmp_path, monkeypatch, module, words, library):
    monkeypatch.chdir(tmp_path)
    worlds.write_scene(tmp_path / "scenes", worlds.scene("a", side=13))
    for name, step in (("l.npz", 1), ("c.npz", 10)):
        worlds.write_library(tmp_path / name, worlds.library("some", step))
    for name in [module, *(name for name in sys.modules if name.startswith(f"{module}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    code, text, error = run(*words, "--device", "cpu")
    assert (code, text, error.count("\n")) == (2, "", 1)
    assert f"need the library {library}, which is not installed; install nesr-gui[train]" in error


def test_failures_are_drawn_in_formats_that_exist(run, tmp_path):
    worlds.write_scene(tmp_path / "scenes", worlds.scene("a", side=13))
    code, text, error = run("evaluate", "--scenes", tmp_path / "scenes", "--failures", tmp_path / "f.xyz")
    assert (code, text) == (2, "") and "f.xyz" in error and ".png, .svg or .pdf" in error
