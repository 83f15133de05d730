"""A model for nesr_gui: reflectance as the sum of three primaries, of Mallett and Yuksel (2019).

The primaries are smooth reflectances between 0 and 1 that sum to 1 and reproduce any sRGB colour under D65. Renderers
upsample colours to spectra with them; here they are a baseline that needs no training. `build_model.py` made the file.
"""

from pathlib import Path

MODEL = Path(__file__).parent / "mallett-2019.safetensors"
