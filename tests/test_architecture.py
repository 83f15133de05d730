"""Who may import whom: the tree is the architecture, and this test guards it."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import nesr_gui

ROOT = Path(nesr_gui.__file__).parent
PATHS = sorted(ROOT.rglob("*.py"))

# Package → its sub-packages; what is not here is no package of ours.
PACKAGES = {
    "": {
        "colorimetry",
        "networks",
        "fields",
        "io",
        "inference",
        "analysis",
        "batch",
        "benchmark",
        "training",
        "interop",
        "gui",
        "cli",
    },
    "io": {"photos", "cubes", "spectra", "regions"},
    "training": {"datasets", "experiments"},
    "gui": {"model", "drawing", "view_modes", "tasks", "figures", "views", "controllers"},
    "gui.views": {"image", "plot", "panels", "dialogs"},
}
# Package → the modules that may lie loose in it, beside its sub-packages.
LOOSE = {
    "": {"_version", "plugins", "spectral", "regions", "metrics", "resources", "export", "__main__"},
    "io": {
        "registry",
        "errors",
        "atomic",
        "content",
        "fingerprint",
        "georeference",
        "names",
        "raster",
        "sandbox",
        "siblings",
    },
    "gui": {"app", "main", "benchmark"},
}
# Each part imports parts of the rows above its own, none beside it.
ORDER = (
    {"plugins"},
    {"_version", "spectral", "regions", "metrics", "resources"},
    {"colorimetry", "networks"},
    {"fields"},
    {"io"},
    {"inference", "analysis", "export"},
    {"batch", "benchmark", "training", "interop"},
    {"gui"},
    {"cli"},
    {"__main__"},
)
GUI_ORDER = (
    {"model"},
    {"drawing"},
    {"view_modes"},
    {"tasks"},
    {"figures"},
    {"views"},
    {"controllers"},
    {"app"},
    {"main", "benchmark"},
)
TOP = "(package)"

QT = {"PySide6", "pyqtgraph"}
TORCH = {"torch", "safetensors"}
KNOW_TORCH = {"metrics", "networks", "inference", "benchmark", "training"}
WITHOUT_WIDGETS = ("gui.model", "gui.view_modes", "gui.tasks")


def name_of(path: Path) -> str:
    """The module without `nesr_gui`: `io.cubes.hdf5`; of an `__init__` its package, the root's being empty."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in PATHS}


@cache
def imports(path: Path) -> frozenset[str]:
    """Full names of everything a file imports: at its top, in a function, or for its types only."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


@cache
def ours(module: str) -> frozenset[str]:
    """The modules of ours that a module imports."""
    found = set()
    for full in imports(MODULES[module]):
        if full.partition(".")[0] == "nesr_gui":
            name = full.partition(".")[2]
            found.add(name if name in MODULES else name.rpartition(".")[0])
    return frozenset(found - {module})


def part_of(module: str, package: str = "") -> str:
    """The module or sub-package of `package` that a module is, or is in."""
    return module.removeprefix(package).removeprefix(".").partition(".")[0] or TOP


def row_of(part: str, order: tuple[set[str], ...]) -> int:
    return len(order) if part == TOP else next(row for row, parts in enumerate(order) if part in parts)


def wrong(module: str, package: str, order: tuple[set[str], ...]) -> list[str]:
    """What a module of a package imports of that package and stands beside or above its own part."""
    part = part_of(module, package)
    within = [name for name in ours(module) if not package or f"{name}.".startswith(f"{package}.")]
    return [
        name
        for name in within
        if part_of(name, package) != part and row_of(part_of(name, package), order) >= row_of(part, order)
    ]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module or "nesr_gui")
def test_imports_follow_the_order(module):
    assert wrong(module, "", ORDER) == []
    if part_of(module) == "gui":
        assert wrong(module, "gui", GUI_ORDER) == []


def test_controllers_meet_only_in_app():
    controllers = [module for module in MODULES if module.startswith("gui.controllers.")]
    held = {(one, other) for one in controllers for other in ours(one) if other in controllers}
    assert held == set()


def test_no_modules_import_each_other_in_a_circle():
    """Not in functions, and not for their types either."""
    arrows = {one: set(ours(one)) for one in MODULES}
    while leaves := {one for one, others in arrows.items() if not others & arrows.keys()}:
        arrows = {one: others for one, others in arrows.items() if one not in leaves}
    assert arrows == {}


def test_the_tree_is_the_one_described():
    packages = {name_of(path) for path in PATHS if path.name == "__init__.py"}
    described = {f"{package}.{name}".lstrip(".") for package, names in PACKAGES.items() for name in names}
    assert packages == described | {""}
    for package, allowed in LOOSE.items():
        folder = ROOT.joinpath(*package.split(".")) if package else ROOT
        assert {path.stem for path in folder.glob("*.py")} - {"__init__"} <= allowed, package or "nesr_gui"


def test_every_part_has_its_row():
    assert set().union(*ORDER) == PACKAGES[""] | LOOSE[""]
    assert set().union(*GUI_ORDER) == PACKAGES["gui"] | LOOSE["gui"]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module or "nesr_gui")
def test_only_the_window_knows_qt_and_it_does_not_know_torch(module):
    part = part_of(module)
    outside = {name.split(".")[0] for name in imports(MODULES[module])}
    assert part == "gui" or not outside & QT
    assert part in KNOW_TORCH or not outside & TORCH
    if module.startswith(WITHOUT_WIDGETS):
        assert not [name for name in imports(MODULES[module]) if "QtWidgets" in name]


def test_no_device_is_written_into_the_code():
    guilty = [path.name for path in PATHS if ".cuda(" in path.read_text(encoding="utf-8")]
    assert guilty == []


OBSERVED = {"document", "workspace", "worker", "preferences", "mark_set", "development", "undo_stack"}


def test_only_app_and_controllers_connect_document_tasks_and_settings():
    """Views and model only announce."""
    guilty = []
    for module, path in MODULES.items():
        if part_of(module) != "gui" or module == "gui.app" or module.startswith("gui.controllers."):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "connect":
                names = {each.attr for each in ast.walk(node.func) if isinstance(each, ast.Attribute)}
                names |= {each.id for each in ast.walk(node.func) if isinstance(each, ast.Name)}
                if module.startswith("gui.model.") or {name.lstrip("_") for name in names} & OBSERVED:
                    guilty.append(f"{module}:{node.lineno}")
    assert guilty == []


def test_the_documentation_states_the_order() -> None:
    text = (ROOT.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    for heading, order in (("nesr_gui", ORDER), ("nesr_gui.gui", GUI_ORDER)):
        table = text.partition(f"| Parts of `{heading}` |")[2].partition("\n\n")[0]
        rows = [set(re.findall(r"`(\w+)`", line.split("|")[1])) for line in table.splitlines()[2:]]
        expected = [{name for name in row if not name.startswith("_")} for row in order]
        assert rows == [row for row in expected if row]


def test_long_constructions_name_their_values():
    """Nobody counts to the sixth value."""
    guilty = [
        f"{module}:{node.lineno}"
        for module, path in MODULES.items() if part_of(module) == "gui"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute) and len(node.args) > 5
        and ast.unparse(node.func).rpartition(".")[2].lstrip("_")[:1].isupper()
    ]  # fmt: skip
    assert guilty == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_member_of_an_enumeration_is_an_empty_tuple(path):
    """Python 3.11.2, which Debian 12 has, makes an object of it."""
    classes = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ClassDef)]
    members = [
        f"{each.name}.{ast.unparse(line)}"
        for each in classes
        if any("Enum" in ast.unparse(base) for base in each.bases)
        for line in each.body
        if isinstance(line, ast.Assign) and isinstance(line.value, ast.Tuple) and not line.value.elts
    ]
    assert members == []
