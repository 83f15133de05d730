"""Folders that cannot be written, vanish or become full: the older file stays, and the error is a sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from nesr_gui.io import atomic
from nesr_gui.io.errors import error_message
from tests.faults.inject import is_one_sentence, snapshot
from tests.faults.written_files import ALL, PASTED, WrittenFile, write_image

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts a read-only and a small file system")
EVERY_KIND = pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)


@pytest.fixture
def folder(tmp_path: Path, qapp: QApplication) -> Path:
    """A folder with the image that the sessions refer to."""
    made = tmp_path / "folder"
    made.mkdir()
    write_image(made)
    return made


@pytest.fixture
def read_only(folder: Path) -> Iterator[Path]:
    """The folder, which cannot be written any more; for the administrator, who may write anywhere, it is mounted so."""
    folder.chmod(0o555)
    is_mounted = False
    if os.access(folder, os.W_OK):
        is_mounted = _mount("--bind", str(folder), str(folder)) and _mount("-o", "remount,ro,bind", str(folder))
    if not is_mounted and os.access(folder, os.W_OK):
        pytest.skip("the administrator may write to any folder, and may not mount one here")
    yield folder
    if is_mounted:
        subprocess.run(["umount", str(folder)], check=True)
    folder.chmod(0o755)


@pytest.fixture
def small_disk(tmp_path: Path, qapp: QApplication) -> Iterator[Path]:
    """A folder on a file system of 2 MiB."""
    made = tmp_path / "small"
    made.mkdir()
    if not _mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(made)):
        pytest.skip("only the administrator may mount a small file system")
    write_image(made)
    yield made
    subprocess.run(["umount", str(made)], check=True)


def _mount(*options: str) -> bool:
    command = shutil.which("mount")
    return command is not None and subprocess.run([command, *options], capture_output=True, check=False).returncode == 0


def failure_of(kind: WrittenFile, path: Path) -> str:
    try:
        kind.write(path, 2)
    except OSError as error:
        message = error_message(error)
        assert is_one_sentence(message), f"{kind.name}: {message}"
        return message
    pytest.fail(f"{kind.name} was written")


@EVERY_KIND
def test_a_folder_that_is_removed_while_a_file_is_written_is_told(
    kind: WrittenFile, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind.write(folder / kind.name, 1)
    monkeypatch.setattr(atomic.os, "fsync", lambda file: shutil.rmtree(folder, ignore_errors=True))
    assert str(folder) in failure_of(kind, folder / kind.name)
    assert not folder.exists()


def test_folders_that_cannot_be_written_keep_their_files(folder: Path, request: pytest.FixtureRequest) -> None:
    for kind in ALL:
        kind.write(folder / kind.name, 1)
    before = snapshot(folder)
    read_only = request.getfixturevalue("read_only")
    for kind in ALL:
        assert str(read_only) in failure_of(kind, read_only / kind.name), kind.name
    assert snapshot(read_only) == before


def test_a_disk_that_becomes_full_keeps_its_files(small_disk: Path) -> None:
    for kind in ALL:
        path = small_disk / kind.name
        kind.write(path, 1)
        before = snapshot(small_disk)
        filler = small_disk / "filler"
        with filler.open("wb") as file:
            file.write(bytes(shutil.disk_usage(small_disk).free))
        message = failure_of(kind, path)
        assert "full" in message or "no space" in message or "free" in message, message
        filler.unlink()
        assert snapshot(small_disk) == before, kind.name
        for written in small_disk.iterdir():
            if written.name != PASTED:
                shutil.rmtree(written) if written.is_dir() else written.unlink()
