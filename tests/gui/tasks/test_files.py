"""Tasks that read files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import tifffile
from PySide6.QtCore import QSize

from nesr_gui.gui.tasks import files


def test_a_picture_that_qt_cannot_read_has_no_thumbnail_and_no_warning(tmp_path: Path, said: Counter[str]) -> None:
    path = tmp_path / "deep.tif"
    tifffile.imwrite(path, np.ones((8, 9, 3), np.uint32), photometric="rgb")
    made = files.make_thumbnails(files.ThumbnailRequest((path,), QSize(4, 4)), lambda fraction: None)
    assert made[path].isNull() and [message for message in said if "null image" in message] == []
