"""Tables come back as they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from nesr_gui.io.errors import UnreadableFile
from nesr_gui.io.spectra.csv import read_table, write_table

ROWS = [
    {"number": "1", "name": 'a "quoted", name', "value": "0.5"},
    {"number": "2", "name": "# two\nlines; µ", "value": ""},
    {"number": "3", "name": "a\rb", "value": " x "},
]


def test_round_trip(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", ROWS, provenance={"source": "a\nb"})
    assert (tmp_path / "t.csv").read_text(encoding="utf-8").startswith("# source: a b\n")
    assert read_table(tmp_path / "t.csv", ["number", "name"]) == ROWS


def test_a_spreadsheet_may_have_saved_it(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbf# k: v\r\nnumber,name\r\n1,a\r\n")
    assert read_table(tmp_path / "t.csv", ["number"]) == [{"number": "1", "name": "a"}]


@pytest.mark.parametrize(
    "content",
    [b"", b"# only\n", b"name\nx\n", b"number,name\n1\n", b"number\n1,2\n", b'number\n"1\n', b"\xff\xfe\x00\x89"],
)
def test_what_is_no_such_table_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"cannot read a table from t.csv: .*expected the columns number"):
        read_table(tmp_path / "t.csv", ["number"])


def test_nothing_is_not_written_and_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one"):
        write_table(tmp_path / "t.csv", [])
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_table(tmp_path / "t.csv", ["number"])
