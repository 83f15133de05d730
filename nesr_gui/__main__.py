"""Entry point of `python -m nesr_gui`, equivalent to `nesr-gui`."""

from nesr_gui.cli import main

main()
