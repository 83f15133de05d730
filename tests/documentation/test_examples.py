"""The examples in the docstrings of the public modules do what they show."""

import doctest
import importlib

import pytest

MODULES = [
    "nesr_gui", "nesr_gui.spectral", "nesr_gui.regions", "nesr_gui.metrics", "nesr_gui.export", "nesr_gui.io",
    "nesr_gui.fields.accuracy", "nesr_gui.fields.illuminated", "nesr_gui.fields.sensor",
    "nesr_gui.colorimetry.appearance", "nesr_gui.colorimetry.cie", "nesr_gui.colorimetry.viewing_conditions",
]  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_show(name, capsys):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted and not result.failed, capsys.readouterr().out
