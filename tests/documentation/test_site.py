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


LOCAL = """<head><link rel="stylesheet" href="assets/main.css"><link rel="canonical" href="https://a.example/x.html">
<style>@import "own.css"; body { background: url(data:image/png;base64,AA) }</style><script src="a.js"></script></head>
<p style="color: red"><a href="https://a.example">elsewhere</a><img src="p.png" srcset="p.png 1x, q.png 2x"></p>"""


@pytest.mark.parametrize(
    "added",
    [
        '<script src="https://cdn.example/a.js"></script>',
        '<script src="//cdn.example/a.js"></script>',
        '<link rel="stylesheet" href="HTTPS://fonts.example/css">',
        '<link rel="preconnect" href="https://fonts.example">',
        '<img src="https://badge.example/b.svg">',
        '<img srcset="p.png 1x, https://badge.example/b.png 2x">',
        "<style>@font-face { src: url('https://fonts.example/a.woff2') }</style>",
        '<p style="background: url(https://a.example/b.png)">',
        '<pre class="mermaid"><code>graph TD</code></pre>',
    ],
)
def test_the_site_is_complete_without_a_network(added, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    resources = importlib.import_module("site_resources")
    (tmp_path / "index.html").write_text(LOCAL)
    (tmp_path / "own.css").write_text("a { background: url(b.png) } /* https://a.example */")
    assert resources.foreign_resources(tmp_path) == []
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "page.html").write_text(LOCAL + added)
    (found,) = resources.foreign_resources(tmp_path)
    assert found.startswith("sub/page.html: ")


def test_style_sheets_load_nothing_from_elsewhere(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    resources = importlib.import_module("site_resources")
    (tmp_path / "a.css").write_text("@import url(https://fonts.example/css); a { background: url( '//b.example/c' ) }")
    assert resources.foreign_resources(tmp_path) == ["a.css: https://fonts.example/css", "a.css: //b.example/c"]


def test_every_build_of_the_site_is_checked_for_it():
    assert re.search(r"^hooks: .*docs/site_resources\.py", SITE, re.MULTILINE) and "font: false" in SITE
