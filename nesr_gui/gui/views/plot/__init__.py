"""The plot pane."""
