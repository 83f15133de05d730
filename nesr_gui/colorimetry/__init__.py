"""Colour as people and cameras see it: CIE colorimetry, lights and observers, appearance."""
