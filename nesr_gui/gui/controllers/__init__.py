"""What the user commands, carried out: they connect widgets, the model and slow work."""
