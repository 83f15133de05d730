"""Benchmarks of this machine: response times, relative to its peak performance and to another network."""
