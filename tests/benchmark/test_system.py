"""What the benchmark starts in processes of its own is there."""

import ast
import importlib

from nesr_gui.benchmark import system


def test_the_command_that_opens_a_window_names_what_exists() -> None:
    """It is text, which neither types nor imports check."""
    imported, called = ast.parse(system.WINDOW).body
    assert isinstance(imported, ast.ImportFrom)
    assert isinstance(called, ast.Expr)
    assert imported.module is not None
    assert isinstance(called.value, ast.Call)
    assert isinstance(called.value.func, ast.Attribute)
    module = importlib.import_module(f"{imported.module}.{imported.names[0].name}")
    assert callable(getattr(module, called.value.func.attr))
