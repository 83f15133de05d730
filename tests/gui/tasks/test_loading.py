"""What is loaded before a model."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import sys
from pathlib import Path
from nesr_gui.gui.tasks import loading
loading._preload_torch()
assert "torch" not in sys.modules
assert "libtorch_cpu" in Path("/proc/self/maps").read_text()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the import of torch loads its libraries")
def test_the_largest_library_of_torch_is_loaded_before_its_import() -> None:
    subprocess.run([sys.executable, "-c", CODE], check=True, timeout=300)
