"""An export takes the memory of a piece and not of the cube."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.memory import measure


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="memory is read from Linux's /proc")
@pytest.mark.parametrize("ending", [".nc", ".hdr"])
def test_a_large_cube_is_written_in_little_memory(tmp_path: Path, ending: str) -> None:
    folder = tmp_path / "cubes"
    folder.mkdir()
    found = measure(ending, 1500, 2000, folder)
    assert found.fraction == 1 and found.size > 4 * 31 * 1500 * 2000
    assert found.peak < 0.7 * found.size
