"""How fast the program answers on this machine, beside what the machine can do and what another network takes."""
