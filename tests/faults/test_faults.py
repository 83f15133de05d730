"""Whatever call fails while a file is written: the older file or the newer one is whole, and the error is a sentence.

Some calls of some kinds of files belong to the tests. All of them, and allocations of memory, take some minutes:

    NESR_FAULTS=all pytest -s tests/faults/test_faults.py
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

FEW = ["--most", "4", "--faults", "ONE_CALL,FULL_DISK"]
KINDS = [
    "cube.h5",
    "cube.hdr",
    "cube.npz",
    "figure.pdf",
    "copy.nesr",
    *(["picture.exr"] if find_spec("OpenEXR") else []),
]
SOURCE = Path(__file__).with_name("failing_calls.c")


@pytest.fixture
def shim(tmp_path: Path) -> Path:
    """The library that lets calls fail."""
    compiler = shutil.which("cc")
    if platform.libc_ver()[0] != "glibc" or compiler is None:
        pytest.skip("calls are made to fail between a program and glibc, by a library that needs a C compiler")
    made = tmp_path / "failing_calls.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Werror", "-o", made, SOURCE, "-ldl"], check=True)
    return made


def test_a_call_that_fails_costs_no_file(shim: Path, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    is_whole = os.environ.get("NESR_FAULTS") == "all"
    command = [sys.executable, "-m", "tests.faults.inject", str(shim), str(folder)]
    command += [] if is_whole else [*FEW, "--only", ",".join(KINDS)]
    environment = {
        **os.environ, "LD_PRELOAD": str(shim), "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    output = None if is_whole else subprocess.PIPE
    ran = subprocess.run(command, env=environment, stdout=output, stderr=subprocess.PIPE, text=True, check=False)
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr[-3000:]}"
    assert is_whole or " 0 findings" in ran.stdout
