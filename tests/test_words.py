"""One term for each thing in the texts of the program and its guide."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import nesr_gui
from nesr_gui import resources

ROOT = Path(nesr_gui.__file__).parent
TERMS = {
    r"\bcolou?r maps?\b|\bcolourmaps?\b": "colormap",
    r"error bands?\b|confidence (band|interval)s?\b": "prediction interval",
    r"\bmarkers?\b": "mark",
    r"\b(turned|mirrored) (left|right|around)\b|nothing is added|as at first|over all RMSE": "plain English",
    r"\bspectr(a|um) curves?\b|\bspectrums\b": "spectrum, spectra",
}
STORED = "fields/resampled.py"  # the values of `Orientation` are those of session files; their labels are displayed


@cache
def texts_of_program() -> list[tuple[Path, str]]:
    """All texts of the program with the file that states them."""
    return [(path, text) for path in ROOT.rglob("*.py") if path != ROOT / STORED for text in texts(path)]


def texts(path: Path) -> Iterator[str]:
    """Texts with several words, except docstrings and the other words of the command palette."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and "SYNONYMS" in t.id for t in node.targets):
            skipped |= {id(part) for part in ast.walk(node)}
        if isinstance(node, ast.keyword) and node.arg == "synonyms":
            skipped.add(id(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.value


@pytest.mark.parametrize(("pattern", "term"), TERMS.items(), ids=TERMS.values())
def test_each_thing_has_one_term(pattern: str, term: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {text[:60]!r} (use {term})"
        for path, text in texts_of_program() if " " in text and re.search(pattern, text, re.IGNORECASE)
    ]  # fmt: skip
    guide = resources.guide().read_text(encoding="utf-8")
    found += [match[0] for match in re.finditer(pattern, guide, re.IGNORECASE)]
    assert found == []
