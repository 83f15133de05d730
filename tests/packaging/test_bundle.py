"""The self-contained program: what would be missing in it, or could not start in it, without building it."""

import ast
import json
import re
import subprocess
import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

import nesr_gui

ROOT = Path(__file__).parents[2]
START = ROOT / "packaging" / "start.py"
SOURCES = [path for path in (ROOT / "nesr_gui").rglob("*.py") if "training" not in path.parts]


def spec_lists() -> dict[str, list[str]]:
    """The lists of names in the recipe."""
    tree = ast.parse((ROOT / "packaging" / "nesr-gui.spec").read_text(encoding="utf-8"))
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.List)
    }


def test_the_program_s_executable_runs_its_modules():
    """As `sys.executable -m …` of a child process does."""
    command = [sys.executable, str(START), "-m", "nesr_gui.io.sandbox"]
    requests = json.dumps(["", "cubes.hdf5"]) + "\n"
    done = subprocess.run(command, input=requests, capture_output=True, text=True, cwd=ROOT)
    assert (done.stdout, done.returncode) == ("seen\n", 0), done.stderr


@pytest.mark.parametrize(
    ("words", "printed"),
    [(["--version"], nesr_gui.__version__), (["-m", "nesr_gui", "--version"], nesr_gui.__version__)],
)
def test_the_program_s_executable_is_the_command_line(words, printed):
    done = subprocess.run([sys.executable, str(START), *words], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip().endswith(printed), done.stderr


def test_the_program_s_executable_runs_no_other_modules():
    done = subprocess.run([sys.executable, str(START), "-m", "this"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2 and "Zen" not in done.stdout


@pytest.mark.parametrize("path", [path for path in SOURCES if "sys.executable" in path.read_text(encoding="utf-8")],
                         ids=lambda path: path.stem)  # fmt: skip
def test_children_are_modules_of_the_program(path):
    """The executable of a bundle knows `-m` and a module of ours, but neither `-c` nor a file."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    lists = [node.elts for node in nodes if isinstance(node, ast.List | ast.Tuple)]
    commands = [elements for elements in lists if elements and ast.unparse(elements[0]) == "sys.executable"]
    assert commands
    for command in commands:
        assert isinstance(command[1], ast.Constant) and command[1].value == "-m"
        module = command[2]
        assert isinstance(module, ast.Starred) or ast.literal_eval(module).startswith("nesr_gui")


def test_the_recipe_contains_what_is_imported_by_name():
    lists = spec_lists()
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    by_name = set(re.findall(r'require_extra\(\s*"([\w.]+)"', text)) | {"imageio_ffmpeg"}
    assert {"OpenEXR", "scipy.io", "sklearn.cluster", "zarr", "roifile"} <= by_name  # the pattern finds them
    assert by_name <= set(lists["LAZY"]) and not {name.partition(".")[0] for name in by_name} & set(lists["EXCLUDED"])
    assert all(find_spec(name) for name in lists["LAZY"])
    codecs = set(re.findall(r"imagecodecs\.([a-z0-9]+)_", text))
    assert {"png", "cms"} <= codecs <= set(lists["CODECS"])
    assert all(find_spec(f"imagecodecs._{codec}") for codec in lists["CODECS"])


def test_the_program_works_without_what_the_recipe_excludes():
    code = f"""
import importlib.abc, sys
EXCLUDED = {spec_lists()["EXCLUDED"]!r}

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if any(name == other or name.startswith(other + ".") for other in EXCLUDED):
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Blocked())
import nesr_gui, nesr_gui.gui.main
from nesr_gui import resources
from nesr_gui.colorimetry import cie
field = nesr_gui.reconstruct(resources.samples()[0].photograph, max_pixels=2000)
cie.default_camera(), cie.colour_differences((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
import nesr_gui.io.cubes.zarr_store, scipy.io
from nesr_gui.analysis.clustering import Clusters
assert len(Clusters.fit(field, field.bands, 3, sample=200).names) == 3
print(field.spectra([(3, 4)], [450.0, 550.5]).shape)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "(1, 2)\n", done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_links_of_libraries_do_not_count_twice(tmp_path):
    spec = spec_from_file_location("bundle", ROOT / "packaging" / "bundle.py")
    bundle = module_from_spec(spec)
    spec.loader.exec_module(bundle)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "a.so.1").write_bytes(bytes(100))
    (tmp_path / "lib" / "a.so").symlink_to("a.so.1")
    assert bundle.size(tmp_path) == bundle.size(tmp_path / "lib" / "a.so.1") == 100
