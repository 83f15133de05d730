"""What comes in: dropped and pasted files, and how a file was understood."""
