"""A file appears complete or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nesr_gui.fields.protocol import Cancelled
from nesr_gui.io.atomic import atomic_write


def test_the_file_takes_its_name_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "out.bin"
    with atomic_write(target) as part:
        assert part.parent == tmp_path and part.name.startswith(".") and part.name.endswith(".part")
        part.write_bytes(b"new")
        assert not target.exists()
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["out.bin"]


@pytest.mark.parametrize("error", [ValueError, Cancelled, KeyboardInterrupt])
def test_an_early_end_leaves_the_older_file(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "out.bin"
    target.write_bytes(b"old")
    with pytest.raises(error), atomic_write(target) as part:
        part.write_bytes(b"half")
        raise error
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["out.bin"]


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a") as first, atomic_write(tmp_path / "a") as second:
        assert first != second


def test_a_name_as_long_as_the_disk_allows(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 250)
    with atomic_write(target) as part:
        part.write_bytes(b"x")
    assert target.exists()


def test_a_new_file_can_be_read_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "ordinary").touch()
    with atomic_write(tmp_path / "out"):
        pass
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real" / "file")
    with atomic_write(link) as part:
        part.write_bytes(b"x")
    assert link.is_symlink() and (tmp_path / "real" / "file").read_bytes() == b"x"


def test_folders_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere"),
        atomic_write(tmp_path / "nowhere" / "a"),
    ):
        pass
    with pytest.raises(IsADirectoryError, match=r"it is a folder"), atomic_write(tmp_path):
        pass


def test_a_folder_we_may_not_write_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # root, as in containers, may write anywhere
    with pytest.raises(PermissionError, match=r"cannot write in .*choose another folder"), atomic_write(tmp_path / "a"):
        pass


def test_a_name_held_by_another_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise PermissionError(13, "in use")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError, match=r"cannot replace .*choose another name"), atomic_write(tmp_path / "a"):
        pass
    assert os.listdir(tmp_path) == []
