"""Spectral fields: images that can be queried at any pixel and wavelength, and quantities derived from them."""
