"""What the operating system says becomes a sentence: which file, what is wrong, what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from nesr_gui import cli
from nesr_gui.fields.protocol import DeviceLost, OutOfMemory
from nesr_gui.io.atomic import atomic_write
from nesr_gui.io.errors import NO_MEMORY, UnreadableFile, error_message


@pytest.mark.parametrize("number", sorted(errno.errorcode))
@pytest.mark.parametrize("name", ["/data/cube.h5", None])
def test_every_error_number_becomes_a_sentence(number: int, name: str | None) -> None:
    error = OSError(number, os.strerror(number), name)
    assert "Errno" in str(error)
    message = error_message(error)
    assert "Errno" not in message and str(number) not in message.replace(name or "the file", "")
    assert (name or "the file") in message and message.count("; ") == 1 and "\n" not in message
    assert message.partition("; ")[2].split()[0].islower() and not message.endswith(".")


def test_the_sentence_of_the_program_is_kept(tmp_path: Path) -> None:
    own = OSError(errno.ENOSPC, "this cube takes 3 GiB; choose another disk")
    assert error_message(own) == "this cube takes 3 GiB; choose another disk"
    assert error_message(UnreadableFile("bad.h5 is\n damaged")) == "bad.h5 is damaged"
    assert error_message(KeyError("no band B9")) == "no band B9" and error_message(OSError()) == ""
    with pytest.raises(OSError, match="cannot write") as caught, atomic_write(tmp_path):
        pass
    assert error_message(caught.value) == f"cannot write {tmp_path}: it is a folder; choose a file name"


def test_the_command_line_shows_no_error_numbers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), "cube.h5")

    monkeypatch.setattr(cli, "cli", fail)
    with pytest.raises(SystemExit):
        cli.main()
    told = capsys.readouterr().err
    assert told == "nesr-gui: no permission to use cube.h5; change its permissions, or choose another place\n"


def test_a_lack_of_memory_is_a_sentence() -> None:
    with pytest.raises(MemoryError) as caught:
        np.empty(1 << 60, np.uint8)
    assert "allocate" in str(caught.value)
    for error in (caught.value, MemoryError(), OSError("std::bad_alloc")):
        assert error_message(error) == NO_MEMORY
    assert error_message(OutOfMemory("there is not enough graphics memory")) == "there is not enough graphics memory"


@pytest.mark.parametrize("error", [MemoryError(), DeviceLost("the graphics device failed; continue on the processor")])
def test_the_command_line_ends_with_a_sentence_without_memory_or_device(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(cli, "cli", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2 and capsys.readouterr().err == f"nesr-gui: {error_message(error)}\n"


def test_the_command_line_does_not_hide_faults_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(cli, "cli", fail)
    with pytest.raises(RuntimeError, match="a fault"):
        cli.main()
