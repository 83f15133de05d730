"""Saved inputs of the fuzzer, replayed: each has the outcome that it must have."""

from __future__ import annotations

from pathlib import Path

import pytest

from nesr_gui import io
from nesr_gui.io import sandbox
from nesr_gui.io.errors import UnreadableFile
from tests.fuzz.targets import CORPUS, TARGETS, saved


@pytest.mark.parametrize("name", TARGETS)
def test_saved_inputs_give_a_value_or_a_sentence(tmp_path: Path, name: str) -> None:
    target = TARGETS[name]
    target.prepare(tmp_path)
    inputs = list(saved(name))
    assert inputs, "a target needs something to begin with"
    for path in inputs:
        target.run(tmp_path, path.read_bytes())


@pytest.mark.parametrize("path", sorted((CORPUS / "sandbox").iterdir()), ids=lambda path: path.name)
def test_what_ends_its_library_does_not_end_the_program(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "PROCESSOR", 0.3)
    with pytest.raises(UnreadableFile, match="so damaged that the library for it fails"):
        io.read_photograph(path) if io.is_photograph(path) else io.open_cube(path)
