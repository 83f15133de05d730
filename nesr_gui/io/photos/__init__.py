"""Photographs: decoded once, then developed to linear sRGB in one way or another."""
