"""The documentation site: every page is in its navigation, and links lead to files that exist.

`make docs` builds it and checks the anchors too.
"""

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SITE = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)")


def elsewhere() -> dict[str, str]:
    """Pages of the site that are files elsewhere in the repository."""
    tree = ast.parse((DOCS / "site_pages.py").read_text(encoding="utf-8"))
    (pages,) = (n.value for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "PAGES")
    return ast.literal_eval(pages)


MADE = {"command-line.md"}  # from the program


def test_the_navigation_has_every_page_once():
    written = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} - {"guide.md"}
    listed = re.findall(r"[\w/-]+\.md", SITE.partition("\nnav:\n")[2])
    assert sorted(listed) == sorted({*written, *elsewhere(), *MADE})


@pytest.mark.parametrize("path", [*DOCS.rglob("*.md"), *(ROOT / name for name in elsewhere().values())],
                         ids=lambda path: path.relative_to(ROOT).as_posix())  # fmt: skip
def test_links_lead_to_files(path):
    text = re.sub(r"```.*?```|`[^`]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    missing = [link for link in LINK.findall(text) if link not in MADE and not (path.parent / link).exists()]
    assert missing == []


def test_the_reference_names_modules_that_exist():
    names = re.findall(r"^::: (\S+)", (DOCS / "python.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(names) > 10
    for name in names:
        importlib.import_module(name)
