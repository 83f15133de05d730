"""Saved inputs of the fuzzer, replayed: each has the outcome that it must have."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS, saved


@pytest.mark.parametrize("name", TARGETS)
def test_saved_inputs_give_a_value_or_a_sentence(tmp_path: Path, name: str) -> None:
    target = TARGETS[name]
    target.prepare(tmp_path)
    inputs = list(saved(name))
    assert inputs, "a target needs something to begin with"
    for path in inputs:
        target.run(tmp_path, path.read_bytes())
