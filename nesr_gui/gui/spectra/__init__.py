"""The plot of the spectra, how they are compared, and their files and figures."""
