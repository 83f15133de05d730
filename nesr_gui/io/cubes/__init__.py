"""Spectral cubes in files: one module per format."""
