"""The command `calibrate-camera`, and `--camera` of the commands that read photographs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import nesr_gui
from nesr_gui import io
from nesr_gui.cli import cli
from nesr_gui.colorimetry import cie
from nesr_gui.colorimetry.charts import classic
from nesr_gui.io.photos import chart_finder
from nesr_gui.io.photos.camera_profile import read_profile
from nesr_gui.io.photos.develop_settings import DevelopSettings
from nesr_gui.io.spectra.readers import read_camera
from nesr_gui.training.cameras import SimulatedCamera, chart_spectra
from tests.io.photos.test_chart_calibration import CORNERS, SHAPE, bells, codes, photograph

TEXT = " ".join(f"{row:g},{col:g}" for row, col in CORNERS)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    tags = Image.Exif()
    tags[0x010F], tags[0x0110] = "Maker", "Maker One"
    Image.fromarray(codes(photograph("contrast"))).save(tmp_path / "chart.png", exif=tags)
    return tmp_path / "chart.png"


def run(*arguments: object) -> str:
    done = CliRunner().invoke(cli, [str(each) for each in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_chart_becomes_a_profile_that_other_commands_take(photo: Path, tmp_path: Path) -> None:
    profile = tmp_path / "camera.json"
    shown = run("calibrate-camera", photo, "--corners", TEXT, "-o", profile, "--json", tmp_path / "report.json")
    made = read_profile(profile)
    assert made.camera == "Maker One" and made.after < 1.6
    lines = {line[:28].strip(): line.split() for line in shown.splitlines()}
    assert set(classic().patches) <= set(lines)
    assert float(lines["mean ΔE2000"][2]) > 4 > 2.5 > float(lines["mean ΔE2000"][4])
    report = json.loads((tmp_path / "report.json").read_text())
    assert len(report["patches"]) == 24 and report["anchors"][0]["region"].startswith("polygon ")
    plain, with_it = (
        np.loadtxt(run("spectrum", photo, "--at", "50,60", "--wavelengths", "450,550,650", *extra).splitlines()[1:])
        for extra in ((), ("--camera", profile))
    )
    expected = io.read_photograph(photo, DevelopSettings(profile=made)).values[50, 60]
    assert np.abs(with_it[:, 1] / plain[:, 1] - 1).max() > 0.05
    np.testing.assert_allclose(expected, classic().colours[0], atol=0.02)


def test_python_takes_the_camera_as_the_commands_do(photo: Path, tmp_path: Path) -> None:
    profile, table, several = (tmp_path / name for name in ("camera.json", "camera.csv", "cameras.npz"))
    run("calibrate-camera", photo, "--corners", TEXT, "-o", profile)
    rows = np.column_stack([cie.CAMERA_BANDS.nm, bells().T])
    np.savetxt(table, rows, delimiter=",", header="wavelength,R,G,B", comments="")
    np.savez(
        several, names=["Maker_Two.csv", "Maker_One.csv"], sensitivities=np.stack([bells((620, 530, 450)).T, bells().T])
    )
    plain = nesr_gui.reconstruct(photo, max_pixels=4000).cube([550.0]).values
    for camera in (profile, table, several):
        run("reconstruct", photo, "-o", tmp_path / "cube.npz", "--bands", 3, "--max-pixels", 4000, "--camera", camera)
        expected = io.open_cube(tmp_path / "cube.npz").cube([550.0]).values
        made = nesr_gui.reconstruct(photo, camera=camera, max_pixels=4000)
        np.testing.assert_allclose(made.cube([550.0]).values, expected, atol=1e-6)
        assert np.abs(expected - plain).max() > 0.02
        loaded = read_profile(profile) if camera is profile else read_camera(camera, "Maker One")
        same = nesr_gui.reconstruct(photo, camera=loaded, max_pixels=4000)
        np.testing.assert_array_equal(same.cube([550.0]).values, made.cube([550.0]).values)
    with pytest.raises(FileNotFoundError, match=r"no file .*none.json"):
        nesr_gui.reconstruct(photo, camera=tmp_path / "none.json")


def test_a_chart_is_found_without_corners(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def find(*request: object) -> object:
        asked.append(request)
        return np.array(CORNERS)

    monkeypatch.setattr(chart_finder, "find_chart", find)
    shown = run("calibrate-camera", photo, "-o", tmp_path / "found.json")
    assert f"The chart was found at --corners '{TEXT}'." in shown
    run("calibrate-camera", photo, "--corners", TEXT, "-o", tmp_path / "given.json")
    assert len(asked) == 1 and read_profile(tmp_path / "found.json") == read_profile(tmp_path / "given.json")
    monkeypatch.undo()
    monkeypatch.setattr(chart_finder, "PACKAGE", "no_such_package")
    with pytest.raises(ValueError, match=r"pip install 'nesr-gui\[chart\]'"):
        run("calibrate-camera", photo, "-o", tmp_path / "found.json")


def test_cubes_state_the_profile(photo: Path, tmp_path: Path) -> None:
    profile = tmp_path / "camera.json"
    run("calibrate-camera", photo, "--corners", TEXT, "-o", profile, "--name", "studio")
    outs = []
    for command in ("reconstruct", "export"):
        out = tmp_path / f"{command}.npz"
        run(command, photo, "-o", out, "--bands", 3, "--max-pixels", 4000, "--camera", profile)
        outs.append(io.open_cube(out))
    assert all(each.provenance["photograph_camera"] == "studio" for each in outs)
    assert all("24 patches" in each.provenance["photograph_camera_profile"] for each in outs)
    np.testing.assert_allclose(outs[0].cube([550.0]).values, outs[1].cube([550.0]).values)
    run("reconstruct", photo, "-o", tmp_path / "cubes", "--format", "npz", "--bands", 3, "--max-pixels", 4000,
        "--camera", profile)  # fmt: skip
    batch = io.open_cube(tmp_path / "cubes" / "chart.npz")
    np.testing.assert_allclose(batch.cube([550.0]).values, outs[0].cube([550.0]).values, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--corners", TEXT, "-o", "a.txt"), "a camera profile is a .json file; name it a.json"),
        (("--corners", TEXT, "-o", "a.json", "--chart", "clasic"), "neither a chart nor a file; choose classic or sg"),
        (("--corners", "1,2 3,4", "-o", "a.json"), "a chart has four corners"),
        (("--corners", "1,2 3", "-o", "a.json"), "write ROW,COL"),
    ],
)
def test_wrong_options_are_explained(photo: Path, arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run("calibrate-camera", photo, *arguments)


def test_a_cube_takes_no_camera(tmp_path: Path) -> None:
    np.savez(tmp_path / "cube.npz", cube=np.ones((3, 4, 4), np.float32), wavelengths=[400.0, 500, 600])
    for command in (("spectrum", "--at", "1,1"), ("export", "-o", tmp_path / "b.npz")):
        with pytest.raises(ValueError, match="--camera is for photographs, and cube.npz is a cube"):
            run(command[0], tmp_path / "cube.npz", *command[1:], "--camera", tmp_path / "camera.json")


def test_a_table_of_reflectances_is_a_chart(photo: Path, tmp_path: Path) -> None:
    chart, nm = classic(), cie.CAMERA_BANDS.nm
    assert chart.reflectances is not None and chart.wavelengths is not None
    lines = ["row,column,name," + ",".join(f"{at:g}" for at in nm)]
    for (row, col), name, values in zip(chart.cells, chart.patches, chart.reflectances, strict=True):
        cells = ",".join(f"{value:.5f}" for value in np.interp(nm, chart.wavelengths.nm, values))
        lines.append(f'{row + 1},{col + 1},"{name}",{cells}')
    (tmp_path / "own.csv").write_text("\n".join(lines))
    run("calibrate-camera", photo, "--corners", TEXT, "-o", tmp_path / "a.json", "--chart", tmp_path / "own.csv")
    run("calibrate-camera", photo, "--corners", TEXT, "-o", tmp_path / "b.json")
    one, two = (read_profile(tmp_path / name) for name in ("a.json", "b.json"))
    np.testing.assert_allclose(one.matrix, two.matrix, atol=1e-3)
    for change, message in ((("400", "x"), "400-700 nm are needed"), (("2,1", "1,1"), "two patches in the same place"),
                            (("row,", "raw,"), "no column 'row'")):  # fmt: skip
        (tmp_path / "bad.csv").write_text("\n".join(lines).replace(*change, 1))
        with pytest.raises(ValueError, match=message):
            run(
                "calibrate-camera", photo, "--corners", TEXT, "-o", tmp_path / "a.json", "--chart", tmp_path / "bad.csv"
            )


def test_a_camera_of_several_is_found_by_its_model(photo: Path, tmp_path: Path) -> None:
    names = ["Canon/5DMarkII/camspec/Canon_5DMarkII.csv", "Nikon/D5100/camspec/Nikon_D5100.csv", "Maker_One.csv"]
    sensitivities = np.stack([bells((600 - 5 * i, 540, 460)).T for i in range(3)])
    path = tmp_path / "cameras.npz"
    np.savez(path, names=names, sensitivities=sensitivities)
    for model, index in (("Canon EOS 5D Mark II", 0), ("NIKON CORPORATION NIKON D5100", 1), ("Maker One", 2)):
        found = read_camera(path, model)
        assert found.name == names[index]
        np.testing.assert_allclose(found.responses(cie.CAMERA_BANDS.nm), sensitivities[index])
    for model in ("Canon EOS 5D", "Nikon D510", ""):
        with pytest.raises(ValueError, match="has no such camera; give a table"):
            read_camera(path, model)
    shown = run("spectrum", photo, "--at", "50,60", "--wavelengths", "550", "--camera", path)
    assert shown != run("spectrum", photo, "--at", "50,60", "--wavelengths", "550")
    with pytest.raises(ValueError, match="several cameras, and the photographs may be of any"):
        run("reconstruct", photo, photo, "-o", tmp_path / "cubes", "--camera", path)


def test_chart_evaluation_needs_cameras(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--chart needs cameras to simulate; add --cameras"):
        run("evaluate", "--scenes", tmp_path, "--chart")


def test_the_picture_of_a_chart_has_its_spectra() -> None:
    spectra = chart_spectra(classic(), CORNERS, SHAPE)
    assert classic().reflectances is not None
    centre = spectra[200, 40]  # white, at the lower left
    np.testing.assert_allclose(centre[5:], 0.9, atol=0.03)
    assert spectra[3, 3].max() < 0.05
    assert SimulatedCamera("bells", bells()).photograph(spectra).shape == (*SHAPE, 3)
