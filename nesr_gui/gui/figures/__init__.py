"""Figures and films in files."""
