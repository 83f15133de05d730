"""The wavelength: its slider and number, and the sweep through all of them."""
