"""What every field offers in a notebook; the parts in `nesr_gui.interop` are imported when they are used."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from nesr_gui.spectral import Wavelengths

if TYPE_CHECKING:
    import xarray


class NotebookMethods:
    """Mixin of all fields: labelled arrays, an HTML representation, and an interactive view."""

    def to_xarray(self, wavelengths: Wavelengths | npt.ArrayLike | None = None) -> xarray.Dataset:
        """The field as an xarray dataset with the dimensions `wavelength`, `y` and `x`, computed when it is indexed.

        `cube` holds the values; `lower` and `upper` hold the prediction interval of a field that has one.

        Args:
            wavelengths: in nm; by default the bands of the field.

        Raises:
            ValueError: a wavelength is outside the range of the field.
            ModuleNotFoundError: xarray is not installed; the message names the extra.
        """
        return _interop("labelled").to_dataset(self, wavelengths)

    def view(self, *, nm: float | None = None, points: Sequence[tuple[int, int]] = ()) -> Any:
        """An interactive view for a notebook: image, wavelength slider, and a spectrum for every click.

        Args:
            nm: wavelength that is shown first.
            points: pixels (row, col) whose spectra are shown first.

        Raises:
            ValueError: the wavelength or a pixel is outside the field.
            ModuleNotFoundError: anywidget is not installed; the message names the extra.
        """
        return _interop("viewer").FieldViewer(self, nm=nm, points=points)

    def _repr_html_(self) -> str:
        """A small picture, a few spectra and the facts, as notebooks show a value."""
        html: str = _interop("html").describe(self)
        return html


def _interop(module: str) -> Any:
    """A module of `nesr_gui.interop`, which knows the fields and is therefore not imported with them.

    Raises:
        ModuleNotFoundError: a library that it needs is not installed; the message names the extra.
    """
    try:
        return importlib.import_module(f"nesr_gui.interop.{module}")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"this needs the library {error.name}, which is not installed; install nesr-gui[notebook]", name=error.name
        ) from None
