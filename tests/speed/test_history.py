"""The recorded speeds are those of the parts that are measured, and a slower part is noticed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.speed import history


@pytest.fixture
def results(tmp_path: Path) -> Path:
    path = tmp_path / "results.json"
    rows = [
        {"name": f"test_{part}", "stats": {"median": seconds}, "extra_info": {"reference_s": 0.01}}
        for part, seconds in (("fast", 0.01), ("slow", 0.04))
    ]
    path.write_text(json.dumps({"benchmarks": rows}))
    return path


def test_a_slower_part_is_noticed(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(history, "HISTORY", tmp_path / "history.csv")
    history.HISTORY.write_text("version,part,ratio\n0.1,fast,1\n0.1,slow,9\n0.2,slow,2\n")
    assert history.main([str(results)]) == 1
    printed = capsys.readouterr()
    assert "slower than recorded: slow\n" in printed.err and "2.00" in printed.out
    assert history.main([str(results), "--record", "0.3"]) == 0
    assert history.recorded()["slow"][-1] == ("0.3", 4.0)
    assert history.main([str(results)]) == 0


def test_what_is_recorded_is_a_part() -> None:
    source = Path(__file__).with_name("bench_parts.py").read_text(encoding="utf-8")
    parts = {part.partition("[")[0] for part in history.recorded()}
    assert parts and all(f"def test_{part}(" in source for part in parts)
