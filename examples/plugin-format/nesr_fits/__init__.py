"""FITS cubes, as integral-field spectrographs write them: a row of the format table of nesr_gui.

Only the first array of a file is read. Its third axis is wavelength: CRVAL3 + (i + 1 - CRPIX3) · CDELT3 (or CD3_3) in
CUNIT3, or logarithmic if CTYPE3 ends in -LOG. FITS is defined at https://fits.gsfc.nasa.gov/fits_standard.html.
"""

from __future__ import annotations

from nesr_gui.io.registry import FileKind, Format


def _open(path, hints):
    from nesr_fits.reader import open_cube  # the table is built at the start; readers are imported when they are used

    return open_cube(path, hints)


FITS = Format("FITS", (".fits", ".fit", ".fts"), FileKind.CUBE, read=_open)
