"""The version, in the package and in every file it writes."""

__version__ = "0.2.0"
