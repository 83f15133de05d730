"""Colour charts: rows and columns of flat patches with published reflectances or colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nesr_gui.colorimetry import cie
from nesr_gui.spectral import FloatArray, Spectrum, Wavelengths

GAP = 0.1  # space between patches, as a fraction of the distance between their centres
NEUTRAL = 4.0  # largest chroma (CIE 1976) of a patch that counts as grey
LARGEST = 60  # rows, and columns


@dataclass(frozen=True, eq=False)
class ColourChart:
    """A chart; its patches lie in a grid of `rows` × `columns` cells, of which some may be empty.

    Attributes:
        name: display name.
        rows: number of rows of the grid.
        columns: number of columns.
        patches: names (N,) of the patches.
        cells: row and column (N, 2) of each patch in the grid, from the top left.
        colours: linear sRGB (N, 3) for the default camera; saturated colours may lie outside [0, 1].
        reflectances: (N, L) at `wavelengths`; None if only the colours are published.
        wavelengths: of the reflectances.

    Raises:
        ValueError: the parts have different sizes, or patches lie outside the grid or share a cell.
    """

    name: str
    rows: int
    columns: int
    patches: tuple[str, ...]
    cells: npt.NDArray[np.int64]
    colours: npt.NDArray[np.float64]
    reflectances: FloatArray | None = None
    wavelengths: Wavelengths | None = None

    def __post_init__(self) -> None:
        count = len(self.patches)
        if self.cells.shape != (count, 2) or self.colours.shape != (count, 3):
            raise ValueError(f"the chart {self.name} has {count} names, but not as many places and colours")
        if not (1 <= self.rows <= LARGEST and 1 <= self.columns <= LARGEST):
            raise ValueError(f"a chart of {self.rows} × {self.columns} patches; at most {LARGEST} × {LARGEST} are read")
        if (self.cells < 0).any() or (self.cells >= (self.rows, self.columns)).any():
            raise ValueError(
                f"the chart {self.name} has patches outside its {self.rows} rows and {self.columns} columns"
            )
        if len({tuple(cell) for cell in self.cells.tolist()}) < count:
            raise ValueError(f"the chart {self.name} has two patches in the same place")

    def __len__(self) -> int:
        return len(self.patches)

    @property
    def is_neutral(self) -> npt.NDArray[np.bool_]:
        """Which patches (N,) are grey."""
        lab = cie.srgb_to_lab(self.colours)
        neutral: npt.NDArray[np.bool_] = np.hypot(lab[:, 1], lab[:, 2]) < NEUTRAL
        return neutral

    def reflectance(self, patch: int) -> Spectrum | None:
        """Reflectance of a patch, named after it; None if it is not published."""
        if self.reflectances is None or self.wavelengths is None:
            return None
        return Spectrum(self.wavelengths, self.reflectances[patch], f"{self.name}: {self.patches[patch]}")

    @classmethod
    def measured(
        cls, name: str, patches: tuple[str, ...], cells: npt.ArrayLike, reflectances: npt.ArrayLike, nm: npt.ArrayLike
    ) -> ColourChart:
        """A chart from the reflectances (N, L) of its patches at wavelengths (L,) nm.

        Raises:
            ValueError: they do not cover the range of the default camera, or are no reflectances.
        """
        wavelengths, values = Wavelengths(np.asarray(nm, np.float64)), np.asarray(reflectances, np.float64)
        low, high = wavelengths.nm[[0, -1]]
        if low > cie.CAMERA_BANDS.nm[0] or high < cie.CAMERA_BANDS.nm[-1] or np.diff(wavelengths.nm).max() > 20:
            raise ValueError(
                f"the reflectances of {name} cover {low:g}-{high:g} nm; 400-700 nm are needed, by 20 nm or less"
            )
        if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1.5:
            raise ValueError(f"the reflectances of {name} are not all between 0 and 1.5, where 1 is a perfect white")
        places = np.asarray(cells, np.int64)
        on_bands = np.stack([np.interp(cie.CAMERA_BANDS.nm, wavelengths.nm, row) for row in values])
        rows, columns = (places.max(axis=0) + 1).tolist()
        return cls(
            name, rows, columns, patches, places, on_bands @ cie.default_camera().T,
            values.astype(np.float32), wavelengths,
        )  # fmt: skip


def classic() -> ColourChart:
    """The ColorChecker of 24 patches: mean reflectances of 30 charts (BabelColor)."""
    table = cie.chart("BabelColor Average")
    wavelengths = Wavelengths(table[0][1][0])
    reflectances = np.stack([values for _, (_, values) in table])
    return ColourChart.measured(
        "ColorChecker Classic", tuple(name for name, _ in table), _row_by_row(4, 6), reflectances, wavelengths.nm
    )


def sg() -> ColourChart:
    """The ColorChecker Digital SG of 140 patches, as made since November 2014; its maker publishes colours only."""
    names, colours = cie.chart_colours("ColorCheckerSG - After November 2014")
    return ColourChart("ColorChecker Digital SG", 10, 14, tuple(names), _row_by_row(10, 14), colours)


CHARTS = {"classic": classic, "sg": sg}
"""Built-in charts by the name that commands use."""


def _row_by_row(rows: int, columns: int) -> npt.NDArray[np.int64]:
    return np.stack(np.divmod(np.arange(rows * columns), columns), axis=1)
