from nesr_gui.cli import main

main()
