"""The supported data sets, in the layouts in which they are published."""

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
"""By their names on the command line."""
