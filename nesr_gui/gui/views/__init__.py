"""Widgets: they show facts and announce what the user does."""
