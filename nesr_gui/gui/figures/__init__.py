"""Export of figures and animations to files."""
