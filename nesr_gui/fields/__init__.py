"""Spectral fields: images that answer at any pixel and wavelength, and what is computed of them."""
