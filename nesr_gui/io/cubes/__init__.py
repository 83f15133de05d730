"""Spectral cube files: one module per format."""
