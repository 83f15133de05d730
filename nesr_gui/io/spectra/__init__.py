"""Spectra files: text tables and ENVI spectral libraries."""
