"""Panels around the image."""
