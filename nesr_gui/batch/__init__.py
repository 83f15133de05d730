"""Batch reconstruction of many photographs, or of a very large one, by local processes or a cluster."""
