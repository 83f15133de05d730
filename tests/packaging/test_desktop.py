"""Menu entry, file types and description for freedesktop.org desktops."""

import configparser
import mimetypes
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from nesr_gui import __version__
from nesr_gui.gui.model import session_file
from nesr_gui.io.registry import FORMATS, PORTABLE

LINUX = Path(__file__).parents[2] / "packaging" / "linux"
NAMESPACE = {"mime": "http://www.freedesktop.org/standards/shared-mime-info"}


@pytest.fixture
def entry() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str
    parser.read(LINUX / "nesr-gui.desktop", encoding="utf-8")
    return parser["Desktop Entry"]


def test_sessions_and_fields_have_file_types_that_the_program_opens(entry):
    kinds = {
        kind.find("mime:glob", NAMESPACE).get("pattern"): kind.get("type")
        for kind in ElementTree.parse(LINUX / "nesr-gui.xml").getroot()
    }
    (field,) = (row.extensions for row in FORMATS if row.name == PORTABLE)
    assert set(kinds) == {f"*{session_file.ENDING}", *(f"*{ending}" for ending in field)}
    assert set(kinds.values()) <= set(entry["MimeType"].split(";"))
    described = ElementTree.parse(LINUX / "nesr_gui.metainfo.xml").findall("provides/mediatype")
    assert {element.text for element in described} == set(kinds.values())


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.bmp"])
def test_photographs_are_offered_to_the_program(entry, name):
    kind = mimetypes.types_map[Path(name).suffix].replace("x-ms-bmp", "bmp")  # Python's name for it before 3.11
    assert kind in entry["MimeType"].split(";")


def test_the_description_names_this_version():
    release = ElementTree.parse(LINUX / "nesr_gui.metainfo.xml").find("releases/release")
    assert release.get("version") == __version__


@pytest.mark.parametrize(
    "command",
    [
        ["desktop-file-validate", "nesr-gui.desktop"],
        # a name of the form org.example.nesr_gui needs a domain
        ["appstreamcli", "validate", "--no-net", "--override=cid-desktopapp-is-not-rdns=info", "nesr_gui.metainfo.xml"],
    ],
    ids=["desktop entry", "description"],
)
def test_the_desktop_s_own_tools_accept_the_files(command):
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, cwd=LINUX, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="freedesktop.org desktops")
def test_the_archive_installs_itself_for_a_user_and_removes_itself(tmp_path):
    program, home = tmp_path / "my programs & more" / "nesr-gui", tmp_path / "home"
    (program / "share" / "applications").mkdir(parents=True)
    home.mkdir()
    shutil.copy(LINUX / "install.sh", program)
    shutil.copy(LINUX / "nesr-gui.desktop", program / "share" / "applications")
    (program / "nesr-gui").touch()
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    subprocess.run(["sh", str(program / "install.sh")], env=environment, check=True)
    installed = home / ".local" / "share" / "applications" / "nesr-gui.desktop"
    assert f'Exec="{program / "nesr-gui"}" %F\n' in installed.read_text() and "TryExec" not in installed.read_text()
    assert (home / ".local" / "bin" / "nesr-gui").resolve() == program / "nesr-gui"
    subprocess.run(["sh", str(program / "install.sh"), "--remove"], env=environment, check=True)
    left = [path for path in home.rglob("*") if path.name in ("nesr-gui", "nesr-gui.desktop")]
    assert left == []
