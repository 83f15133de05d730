"""Measured cubes beside the reconstruction: how they lie over it, how far it is off, and the figure of both."""
