"""Documents, of which each tab is one: session files, and copies of what is not saved."""
