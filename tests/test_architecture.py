"""Who may import whom: the tree is the architecture, and this test guards it."""

import ast
from pathlib import Path

import pytest

import nesr_gui

ROOT = Path(nesr_gui.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

# part → the parts of ours it may import; what stands here is the dependency graph, bottom first
ALLOWED = {
    "spectral": set(),
    "metrics": set(),
    "models": set(),
    "resources": set(),
    "colorimetry": {"spectral"},
    "viewing": {"spectral", "colorimetry"},
    "appearance": {"colorimetry", "spectral", "viewing"},
    "metamers": {"colorimetry", "spectral"},
    "field": {"spectral"},
    "photographing": {"colorimetry", "field", "spectral", "viewing"},
    "matched": {"appearance", "field", "spectral"},
    "inputs": {"field", "matched", "spectral"},
    "matching": {"field", "matched", "photographing", "spectral", "viewing"},
    "accuracy": {"colorimetry", "field", "metrics", "photographing", "spectral", "viewing"},
    "regions": set(),
    "sensors": {"spectral", "field"},
    "lighting": {"spectral", "field", "viewing"},
    "io": {"spectral", "field", "colorimetry", "viewing", "regions", "sensors"},
    "exporting": {"spectral", "field", "io", "viewing", "regions", "sensors", "lighting"},
    "baselines": {"spectral", "field", "models"},
    "uncertainty": {"spectral"},
    "systems": {"models", "baselines", "spectral"},
    "checkpoint": {"inputs", "spectral", "systems", "io", "uncertainty"},
    "importing": {"checkpoint", "models"},
    "tiles": {"field"},
    "features": {"field", "models", "tiles"},
    "origin": {"inputs", "spectral", "engine"},  # engine: here and in the next two its types only
    "devices": {"field"},
    "reconstruction": {
        "inputs",
        "devices",
        "field",
        "features",
        "models",
        "spectral",
        "uncertainty",
        "tiles",
        "origin",
        "engine",
    },
    "band_field": {"devices", "field", "inputs", "models", "spectral", "tiles", "origin", "engine"},
    "context": {"devices", "features", "models"},
    "engine": {
        "inputs",
        "devices",
        "field",
        "features",
        "models",
        "systems",
        "tiles",
        "band_field",
        "checkpoint",
        "context",
        "spectral",
        "colorimetry",
        "reconstruction",
        "resources",
    },
    "training": {
        "inputs",
        "spectral",
        "colorimetry",
        "metrics",
        "field",
        "io",
        "models",
        "baselines",
        "systems",
        "checkpoint",
        "engine",
        "uncertainty",
        "resources",
    },
    "gui": {
        "inputs",
        "spectral",
        "colorimetry",
        "viewing",
        "appearance",
        "metrics",
        "io",
        "field",
        "engine",
        "checkpoint",
        "resources",
        "metamers",
        "accuracy",
        "matched",
        "matching",
        "photographing",
        "exporting",
        "regions",
        "sensors",
        "speed",  # the benchmark
    },
    "speed": {"engine", "field", "io", "reconstruction", "resources", "spectral", "systems"},
    "batch": {"spectral", "field", "io", "context", "engine", "exporting"},
    "headless": {"spectral", "io", "engine", "gui", "resources"},
    "cli": {
        "inputs",
        "spectral",
        "io",
        "engine",
        "checkpoint",
        "training",
        "gui",
        "headless",
        "field",
        "accuracy",
        "matched",
        "matching",
        "exporting",
        "regions",
        "sensors",
        "viewing",
        "batch",
        "systems",
        "importing",
        "speed",
    },
    "__init__": {"io", "engine", "field", "reconstruction", "band_field"},
    "__main__": {"cli"},
}
QT = {"PySide6", "pyqtgraph"}
TORCH = {"torch", "safetensors"}
KNOW_TORCH = {
    "models", "baselines", "systems", "checkpoint", "importing", "devices", "tiles", "features", "reconstruction",
    "band_field", "context", "engine", "training", "metrics", "speed",
}  # fmt: skip


def part_of(path: Path) -> str:
    relative = path.relative_to(ROOT)
    return relative.parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Full names of everything a file imports, at its top or inside a function."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downwards(path):
    part = part_of(path)
    ours = {name.split(".")[1] for name in imports(path) if name.startswith("nesr_gui.")}
    parts = {name for name in ours if (ROOT / name).is_dir() or (ROOT / f"{name}.py").exists()}
    assert parts - {part} <= ALLOWED[part]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_window_knows_qt_and_it_does_not_know_torch(path):
    part = part_of(path)
    outside = {name.split(".")[0] for name in imports(path)}
    assert part == "gui" or not outside & QT
    assert part in KNOW_TORCH or not outside & TORCH


def test_every_part_has_its_rule():
    assert {part_of(path) for path in MODULES} == set(ALLOWED)


def test_no_device_is_written_into_the_code():
    guilty = [path.name for path in MODULES if ".cuda(" in path.read_text(encoding="utf-8")]
    assert guilty == []
