"""Spectra in files: tables of text and ENVI libraries."""
