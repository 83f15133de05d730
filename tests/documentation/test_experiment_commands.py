"""The commands by which the pages say that figures are made ask for experiments that exist.

A shell expands the variables and loops of a page; each command is then read as on the command line, and not run.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from nesr_gui.cli import cli
from nesr_gui.training.experiments import runner

DOCS = Path(__file__).parents[2] / "docs"
PLACEHOLDER = {"NAME": "hscnn-r"}  # "each by itself"
BASH = shutil.which("bash")
PRINT = 'nesr-gui() { printf "%s\\n" "$@"; printf "\\n"; }\n'


def commands(page: str, folder: Path) -> list[list[str]]:
    """The arguments of all experiments of a page; the commands beside them are not found, and so do nothing."""
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = [block for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if "nesr-gui experiment" in block]
    said = subprocess.run(
        [BASH, "-c", PRINT + "\n".join(blocks)], env={"PATH": ""}, cwd=folder, capture_output=True, text=True
    )
    called = [call.split("\n") for call in said.stdout.split("\n\n")[:-1]]
    return [[PLACEHOLDER.get(word, word) for word in call] for call in called if call[0] == "experiment"]


@pytest.mark.skipif(BASH is None, reason="needs bash")
@pytest.mark.parametrize(("page", "least"), [("reproduction.md", 20), ("experiments.md", 6)])
def test_the_experiments_of_a_page_can_be_run(page, least, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(runner, "run", lambda request, say: asked.append(request.chosen()))
    listed = commands(page, tmp_path)
    assert len(listed) >= least
    for command in listed:
        CliRunner().invoke(cli, command, catch_exceptions=False, standalone_mode=False)
    assert len(asked) == len(listed)
