"""Data sets in the layouts people have on disk, as one table: the command line and the error texts come from it."""

from __future__ import annotations

from nesr_gui.training.datasets import cave, harvard, icvl, kaist, ntire
from nesr_gui.training.datasets.base import DataSet, Measured, Split

__all__ = ["DATASETS", "DataSet", "Measured", "Split"]

ROWS = (
    cave.CAVE,
    icvl.ICVL,
    ntire.NTIRE2018_CLEAN,
    ntire.NTIRE2018_REAL,
    ntire.NTIRE2020_CLEAN,
    ntire.NTIRE2020_REAL,
    ntire.ARAD_1K,
    harvard.HARVARD,
    kaist.KAIST,
)

DATASETS: dict[str, DataSet] = {row.name: row for row in ROWS}
"""By the name that the command line calls them."""
