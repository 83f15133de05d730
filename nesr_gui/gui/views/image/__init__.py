"""The image panes."""
