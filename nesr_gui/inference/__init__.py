"""From a model file and an image to a field."""
