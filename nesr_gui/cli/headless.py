"""Substitute for the window on machines without a display: reconstruct, write cube, spectra and a screenshot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nesr_gui import io, resources
from nesr_gui.cli import system_libraries
from nesr_gui.inference import engine
from nesr_gui.inference.model import load_model
from nesr_gui.io.spectra import csv
from nesr_gui.spectral import Spectrum, Wavelengths, varied_pixels

FOLDER = Path("nesr-out")


def run(image: Path | None, *, model: Path | None, device: str, folder: Path = FOLDER) -> Iterator[str]:
    """Process `image` or the first sample into `folder`; yield a line for each file written.

    The Qt platform must not need a display.
    """
    loaded = load_model(model, device)
    path = image or resources.samples()[0].photograph
    photograph = io.read_photograph(path)
    field = engine.encode(photograph.reduced(loaded.working_pixels), loaded)
    folder.mkdir(parents=True, exist_ok=True)
    yield f"reconstructing {path.name} into {folder}/ instead of opening a window"

    bands = loaded.bands
    io.write_cube(folder / "cube.h5", field, bands)
    height, width = field.shape
    yield f"{folder / 'cube.h5'}: {len(bands)} bands of {width}×{height} pixels, {bands.nm[0]:g}-{bands.nm[-1]:g} nm"

    every = Wavelengths.from_step(*field.wavelength_range, 1)
    pixels = varied_pixels(photograph)
    values = field.spectra([(row // field.binning, col // field.binning) for row, col in pixels], every)
    named = [Spectrum(every, curve, f"row {row} col {col}") for (row, col), curve in zip(pixels, values, strict=True)]
    csv.write_curves(folder / "spectra.csv", named, provenance=field.provenance)
    yield f"{folder / 'spectra.csv'}: {len(named)} spectra of {len(every)} points"

    if missing := system_libraries.missing(system_libraries.DRAWING):
        yield f"no screenshot of the window: {system_libraries.how_to_install(missing)}"
        return
    from nesr_gui.gui import main

    picture = folder / "window.png"
    if main.run([image] if image else [], model=model, device=device, screenshot=picture):
        raise OSError(f"the screenshot could not be written to {picture}; check that the folder is writable")
    yield f"{picture}: the window with these spectra"
