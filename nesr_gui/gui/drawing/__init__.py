"""Drawing: window themes, mark symbols, tone mapping and axis ticks."""
