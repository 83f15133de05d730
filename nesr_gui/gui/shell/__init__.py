"""What belongs to the program rather than to an image: start page, palette, keys, preferences, guide."""
