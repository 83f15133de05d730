"""Networks and their parts, in torch only."""
