"""Commands, Python code and outputs of a page of the documentation, and how they are run and compared."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"(?:<!-- (?P<note>[^\n]*) -->\n)?```(?P<kind>\w+)\n(?P<code>.*?)```", re.DOTALL)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
TOLERANCE = 0.05  # relative; another processor or version of torch changes the last digits


@dataclass(frozen=True)
class Step:
    """A block of commands (`sh`) or code (`python`), what it prints, and why it is not run here, if it is not."""

    kind: str
    code: str
    line: int
    printed: str = ""
    left_out: str = ""


def steps(page: Path) -> list[Step]:
    """The steps of a page in order; a block of `text` is what the step before it prints, or part of it."""
    text = page.read_text(encoding="utf-8")
    found: list[Step] = []
    for fence in FENCE.finditer(text):
        line = text.count("\n", 0, fence.start("code")) + 1
        if fence["kind"] == "text":
            last = found.pop()
            found.append(Step(last.kind, last.code, last.line, fence["code"], last.left_out))
        else:
            found.append(Step(fence["kind"], fence["code"], line, left_out=fence["note"] or ""))
    return found


def commands(code: str) -> Iterator[list[str]]:
    """The words of each command; a backslash continues a line, and patterns stand for files as in a shell."""
    for line in code.replace("\\\n", " ").splitlines():
        if words := shlex.split(line, comments=True):
            yield [name for word in words for name in (sorted(map(str, Path().glob(word))) if "*" in word else [word])]


def missing_lines(expected: str, printed: str) -> list[str]:
    """The expected lines that were not printed, with numbers equal to within 5 %."""
    lines = printed.splitlines()
    return [line for line in expected.splitlines() if not any(_alike(line, other) for other in lines)]


def _alike(line: str, other: str) -> bool:
    if NUMBER.sub("#", line).split() != NUMBER.sub("#", other).split():
        return False
    pairs = zip(NUMBER.findall(line), NUMBER.findall(other), strict=True)
    return all(abs(float(a) - float(b)) <= max(TOLERANCE * abs(float(a)), _last_digit(a)) for a, b in pairs)


def _last_digit(number: str) -> float:
    return 2.0 * 10 ** -len(number.partition(".")[2]) if "." in number else 0.0
