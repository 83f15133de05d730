from nesr_gui.cli import main

if __name__ == "__main__":  # processes of a batch import this file again
    main()
