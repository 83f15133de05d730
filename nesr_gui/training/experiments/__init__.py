"""The tables and figures of the paper as commands: what to train, how to evaluate it, and the report."""
