"""A file appears complete or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from nesr_gui.fields.protocol import Cancelled
from nesr_gui.io import atomic
from nesr_gui.io.atomic import atomic_write, atomic_write_set, scratch_beside
from nesr_gui.io.errors import error_message


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


def test_the_older_header_is_gone_before_new_data_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program killed between the two moves must not leave new data under an older header."""
    data, header = tmp_path / "cube.dat", tmp_path / "cube.hdr"
    data.write_bytes(b"old data")
    header.write_bytes(b"old header")
    move, present = os.replace, []

    def watched(source: Path, target: Path) -> None:
        if target == data:
            present.append(header.exists())
        move(source, target)

    monkeypatch.setattr(os, "replace", watched)
    with atomic_write_set(data, header) as folder:
        (folder / data.name).write_bytes(b"new data")
        (folder / header.name).write_bytes(b"new header")
    assert present == [False]
    assert (data.read_bytes(), header.read_bytes()) == (b"new data", b"new header")


@pytest.mark.parametrize("refused", ["cube.dat", "cube.hdr"])
def test_a_set_of_which_one_file_is_held_by_another_program_is_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    """As on Windows, where a file that is open elsewhere cannot be replaced."""
    data, header = tmp_path / "cube.dat", tmp_path / "cube.hdr"
    data.write_bytes(b"old data")
    header.write_bytes(b"old header")
    move = os.replace

    def refuse(source: Path, target: Path) -> None:
        if Path(target) == tmp_path / refused and Path(source).suffix != ".old":
            raise PermissionError(13, "in use")
        move(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    message = r"cannot replace .*cube.hdr .*choose another name"
    with pytest.raises(PermissionError, match=message), atomic_write_set(data, header) as folder:
        (folder / data.name).write_bytes(b"new data")
        (folder / header.name).write_bytes(b"new header")
    assert (data.read_bytes(), header.read_bytes()) == (b"old data", b"old header")
    assert sorted(os.listdir(tmp_path)) == ["cube.dat", "cube.hdr"]


def test_a_set_that_cannot_be_put_back_is_completed_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A drive that is pulled out during the moves: neither set may be deleted."""
    data, header = tmp_path / "cube.dat", tmp_path / "cube.hdr"
    data.write_bytes(b"old data")
    header.write_bytes(b"old header")
    move, steps = os.replace, []

    def fail(source: Path, target: Path) -> None:
        steps.append(target)
        if len(steps) > 3:
            raise OSError(5, "Input/output error")
        move(source, target)

    with monkeypatch.context() as pulled:
        pulled.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="cannot replace"), atomic_write_set(data, header) as folder:
            (folder / data.name).write_bytes(b"new data")
            (folder / header.name).write_bytes(b"new header")
    assert not header.exists()
    monkeypatch.setattr(atomic, "_is_abandoned", lambda path, host, pid: True)
    atomic.remove_stale(tmp_path)
    assert (data.read_bytes(), header.read_bytes()) == (b"new data", b"new header")
    assert sorted(os.listdir(tmp_path)) == ["cube.dat", "cube.hdr"]


@pytest.mark.parametrize("name", [None, "inside"])
def test_a_full_disk_is_told_with_the_name_that_was_asked_for(tmp_path: Path, name: str | None) -> None:
    for writer in (atomic_write, atomic_write_set, scratch_beside):
        with pytest.raises(OSError) as caught, writer(tmp_path / "cube.h5") as part:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name and str(part / name))
        assert error_message(caught.value).startswith(f"the disk of {tmp_path / 'cube.h5'} is full; ")


def test_a_temporary_file_that_cannot_be_deleted_does_not_hide_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise PermissionError(13, "in use")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(ValueError, match="first"), atomic_write(tmp_path / "a"):
        raise ValueError("the first error")
