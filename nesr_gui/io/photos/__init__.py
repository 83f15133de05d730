"""Photographs: decoded once, then developed to linear sRGB with adjustable settings."""
