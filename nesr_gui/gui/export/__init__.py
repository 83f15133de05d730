"""The export of cubes: which bands, as what, and its course."""
