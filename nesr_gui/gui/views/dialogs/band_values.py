"""The table of the values of a mark at all bands, which can be copied."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtWidgets import QWidget

from nesr_gui.gui.model.marks import Mark, MarkSpectrum
from nesr_gui.gui.views.dialogs.table import TableDialog


class BandValuesDialog(TableDialog):
    """Lists the values of the active mark at every band; stays open while other marks become active."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Values at all bands", parent)
        self.show_values(None, None, "")

    def show_values(self, mark: Mark | None, values: MarkSpectrum | None, quantity: str) -> None:
        """Show the values of a mark; a mark without values is waited for, without a mark there is nothing to show."""
        if mark is None:
            self.heading.setText("No mark is active; click a pixel in the image.")
        elif values is None:
            self.heading.setText(f"{mark.label}: …")
        else:
            self.heading.setText(f"{mark.label}: {quantity}{values.spread_text()}")
        self.show_rows(rows_of(values) if values is not None else [])


def rows_of(values: MarkSpectrum) -> list[dict[str, str]]:
    """Return one row per band as text: wavelength, value, and what else is known of it."""
    nm = values.spectrum.wavelengths.nm
    columns: dict[str, Sequence[float]] = {"nm": nm.tolist(), "value": values.spectrum.values.tolist()}
    if values.truth is not None:
        measured = np.interp(nm, values.truth.wavelengths.nm, values.truth.values, left=np.nan, right=np.nan)
        columns["measured"] = measured.tolist()
    if values.deviation is not None:
        columns["standard deviation"] = values.deviation.tolist()
    if values.interval is not None:
        columns |= {"90 % low": values.interval[0].tolist(), "90 % high": values.interval[1].tolist()}
    return [
        {title: "" if np.isnan(value) else f"{value:.6g}" for title, value in zip(columns, row, strict=True)}
        for row in zip(*columns.values(), strict=True)
    ]
