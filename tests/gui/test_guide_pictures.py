"""The script that makes the pictures of the guide runs with the present window, and makes all of them."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image
from PySide6.QtWidgets import QApplication

from nesr_gui import resources
from nesr_gui.fields.protocol import ProgressCallback
from nesr_gui.inference.model_input import ModelInput
from tests import tiny
from tests.gui.conftest import Anchorable, FakeEngine, FakeModel, anchorable

SCRIPT = Path(__file__).parents[2] / "docs" / "make_pictures.py"


@pytest.fixture
def script(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, with an engine whose fields are like those of the embedded model: with intervals, flags and prior."""

    def encode(image: ModelInput, model: FakeModel, *, progress: ProgressCallback) -> Anchorable:
        return anchorable(image, tiny.residual_prior())

    monkeypatch.setattr(sys.modules["nesr_gui.inference.engine"], "encode", encode)
    spec = importlib.util.spec_from_file_location("make_pictures", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module.until, "__defaults__", (30,))
    return module


@pytest.mark.slow
def test_every_picture_of_the_guide_is_made(script: ModuleType, qapp: QApplication, tmp_path: Path) -> None:
    with script.opened("colour_checker", script.THEMES[""]) as app:
        script.take_looks(app, tmp_path, "")
        script.take_differences(app, tmp_path, "")
    with script.opened("colour_checker", script.THEMES[""]) as app:
        script.take_truth(app, tmp_path, "")
        script.take_calibration(app, tmp_path, "")
        script.take_library(app, tmp_path, "")
        script.take_values(app, tmp_path, "")
        script.take_classes(app, tmp_path, "")
        script.take_box(app, tmp_path, "")
        script.take_anchors(app, tmp_path, "")
    with script.opened("colour_checker", script.THEMES[""]) as app:
        script.take_statistics(app, tmp_path, "")
    named = set(re.findall(r"\]\((\w+)\.jpg\)", resources.guide().read_text(encoding="utf-8")))
    made = {path.stem for path in tmp_path.iterdir()}
    assert named and named <= made
    for path in tmp_path.iterdir():
        with Image.open(path) as picture:
            assert min(picture.size) > 200 and picture.convert("L").getextrema() != (0, 0), path.name
