"""What the benchmark starts in processes of its own is there."""

import gc

from nesr_gui.benchmark import system


def test_the_command_that_opens_a_window_names_what_exists() -> None:
    """It is text, which neither types nor imports check."""
    imported, started = system.WINDOW.split("; ")
    found: dict[str, object] = {}
    exec(f"{imported}; start = {started.removesuffix('()')}", found)
    gc.enable()  # which the program does when its model is loaded
    assert callable(found["start"])
