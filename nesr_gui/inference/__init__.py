"""Inference: from a model file and an image to a spectral field."""
