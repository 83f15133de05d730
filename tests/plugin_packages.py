"""Install the example packages and made-up ones for tests, as pip would leave them, without running it."""

from __future__ import annotations

import shutil
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nesr_gui import plugins
from nesr_gui.gui import view_modes

EXAMPLES = Path(__file__).parents[1] / "examples"


def install(example: str, folder: Path) -> None:
    """Put the package of `examples/EXAMPLE` into `folder`, with the entry points of its pyproject.toml."""
    project = tomllib.loads((EXAMPLES / example / "pyproject.toml").read_text(encoding="utf-8"))
    for package in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        shutil.copytree(EXAMPLES / example / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    described = project["project"]
    _describe(folder, described["name"], described["version"], described["entry-points"])


def write_plugin(folder: Path, name: str, code: str, kind: str, module: str = "") -> None:
    """Write a distribution whose `ROW`, of `NAME_module` or another module, is declared as the plug-in `name`."""
    folder.mkdir(exist_ok=True)
    owner, module = module or name, module or f"{name}_module"
    (folder / f"{module}.py").write_text(code, encoding="utf-8")
    _describe(folder, f"dist-{owner}", "2.5", {f"nesr_gui.{kind}": {name: f"{module}:ROW"}})


def _describe(folder: Path, name: str, version: str, groups: dict[str, dict[str, str]]) -> None:
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    lines = [f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in rows.items())
             for group, rows in groups.items()]  # fmt: skip
    (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """Context manager in which the distributions in `folder` are installed, in this process."""
    modules, modes = set(sys.modules), dict(view_modes.MODES)
    plugins.forget()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(str(folder))
            yield
    finally:
        plugins.forget()
        view_modes.MODES.clear()
        view_modes.MODES.update(modes)
        for name in set(sys.modules) - modules:
            if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]
