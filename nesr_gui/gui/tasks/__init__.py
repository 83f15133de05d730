"""Background tasks: frozen requests, plain functions that process them on any thread, and the worker that runs them."""
