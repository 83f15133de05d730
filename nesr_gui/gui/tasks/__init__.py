"""Slow work: frozen requests, the plain functions that answer them on any thread, and the worker that runs them."""
