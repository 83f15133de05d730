"""The wheel holds the resources and works where it is installed, without the source tree."""

import configparser
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder with the unpacked wheel, as pip would leave it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def test_the_wheel_holds_program_and_resources_only(installed):
    tops = {path.name for path in installed.iterdir() if path.suffix not in (".dist-info", ".data")}
    assert tops == {"nesr_gui"}
    packed = installed / "nesr_gui" / "_resources"
    for original in (path for path in (ROOT / "resources").rglob("*") if path.is_file()):
        assert (packed / original.relative_to(ROOT / "resources")).read_bytes() == original.read_bytes()


def test_the_installed_program_reconstructs_its_own_sample(installed, tmp_path):
    code = (
        "import nesr_gui, sys; from nesr_gui import resources\n"
        "assert nesr_gui.__file__.startswith(sys.argv[1]) and str(resources.ROOT).startswith(sys.argv[1])\n"
        "field = nesr_gui.reconstruct(resources.samples()[0].photograph, max_pixels=5000)\n"
        "print(field.spectra([(3, 4)], [450.0, 550.5]).shape, resources.icon('nesr').exists())"
    )
    command = [sys.executable, "-c", code, str(installed)]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(installed)}, capture_output=True, text=True
    )
    assert done.stdout.split("\n")[0] == "(1, 2) True", done.stderr


def test_the_scripts_are_declared(installed):
    (path,) = installed.glob("*.dist-info/entry_points.txt")
    declared = configparser.ConfigParser()
    declared.read(path)
    assert declared["console_scripts"]["nesr-gui"] == declared["gui_scripts"]["nesr-gui-window"] == "nesr_gui.cli:main"


def test_the_wheel_installs_menu_entry_file_types_and_icon(installed):
    (data,) = installed.glob("*.data/data/share")
    names = {path.name for path in data.rglob("*") if path.is_file()}
    assert names == {"nesr-gui.desktop", "nesr-gui.xml", "nesr-gui.svg", "nesr_gui.metainfo.xml"}
