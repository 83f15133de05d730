"""How things are drawn: colours of the window, symbols, tone mapping, ticks."""
