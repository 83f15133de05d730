"""Analysis of spectral images: what a pixel is, where else it is, how much of it, and how parts differ.

Every analysis works on any `SpectralField`. One that gives a map is a `PixelAnalysis` (`nesr_gui.analysis.pixelwise`):
the values of a pixel from its spectrum alone, at stated wavelengths, so that the window can evaluate it on any sampling
and `nesr_gui.analysis.maps.compute_map` on the whole image, block by block.
"""
