"""Start of the self-contained program, whose executable is also the interpreter of its child processes.

The program starts children as `sys.executable -m nesr_gui.MODULE …`; here this is the executable of the bundle.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys


def main() -> None:
    """Run the module of the program that `-m` names, or the command line."""
    multiprocessing.freeze_support()
    # Programs that this one opens, such as a file manager, are to find their own libraries, not those of the bundle.
    if getattr(sys, "frozen", False) and "LD_LIBRARY_PATH" in os.environ:
        before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
        del os.environ["LD_LIBRARY_PATH"]
        if before:
            os.environ["LD_LIBRARY_PATH"] = before
    match sys.argv[1:]:
        case ["-m", module, *_] if module.partition(".")[0] == "nesr_gui":
            del sys.argv[1:3]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case _:
            from nesr_gui.cli import main as command_line

            command_line()


if __name__ == "__main__":
    main()
