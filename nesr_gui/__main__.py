"""`python -m nesr_gui` is `nesr-gui`."""

from nesr_gui.cli import main

main()
